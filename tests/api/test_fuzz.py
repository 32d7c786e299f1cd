"""Whatever is asked or sent, the answer is below 500 and every refusal is a problem document."""

import json
from pathlib import Path

import pytest
import yaml
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.api.policy import POLICY
from tests.api.conftest import Rest
from tests.api.nights import make_published_run, make_scoring_model
from tests.factories import (
    make_account,
    make_batch,
    make_contact,
    make_contract,
    make_product,
    make_rate,
    make_rating,
    make_revenue,
    make_superuser,
    make_team_member,
    make_wallet_estimate,
)

BOUNDED = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LISTS = [route.removesuffix("-list") for route, method in POLICY if route.endswith("-list") and method == "GET"]
FIGURES = ["growth", "bridge", "retention", "activity", "concentration", "lifetime", "trend"]
WRITABLE = [
    "accounts",
    "contacts",
    "team-members",
    "products",
    "contracts",
    "revenue",
    "rates",
    "ratings",
    "wallet-estimates",
    "tiering/models",
]

SCHEMA = yaml.safe_load((Path(django_settings.BASE_DIR) / "crm" / "api" / "openapi.yaml").read_text("utf-8"))

ODD_TEXTS = st.sampled_from(
    [
        "0",
        "-1",
        "1",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999999",
        "1e9",
        "1.5",
        "NaN",
        "Infinity",
        "true",
        "false",
        "null",
        "2011",
        "2011-Q2",
        "2011-H1",
        "2010-12..2011-05",
        "ttm@2011-11",
        "FY2011",
        "fy2011-q4",
        "9998",
        "1970..9998",
        "2011..2010",
        "9999-12-31",
        "0001-01-01",
        "2024-02-30",
        "../../etc/passwd",
        "'",
        "''",
        ";--",
        "%00",
        "%s",
        "{0}",
        "${x}",
        "gold",
        "diamond,gold",
        "-id",
        "id,-id",
        "revenue",
        "growth_rate",
        "month",
        "year",
        "entity",
        "group",
        "invoiced",
        "CNY",
        "usd",
        "metrics",
        "YTkyMjMzNzIwMzY4NTQ3NzU4MDg",
        "YTE",
    ]
)
TEXTS = ODD_TEXTS | st.text(max_size=40) | st.just("x" * 3000) | st.just("\x00") | st.just("大客户 \u202e")
WORDS = st.text(max_size=8)


def queries_of(path):
    """Parameters the address knows, now and then one it does not."""
    known = [entry["name"] for entry in SCHEMA["paths"][path]["get"]["parameters"] if entry["in"] == "query"]
    names = st.sampled_from(known)
    return st.lists(st.tuples(names | names | names | WORDS, TEXTS), max_size=3)


def bodies_of(names):
    known = st.sampled_from(sorted(names))
    return st.dictionaries(known | known | known | known | WORDS, VALUES, max_size=6)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(0, 9)
    | st.dates().map(str)
    | st.decimals(allow_nan=False, allow_infinity=False).map(str)
    | ODD_TEXTS
    | st.text(max_size=30)
    | st.sampled_from(["a\x00b", "\ud800", "x" * 5000, "V1", "L5", "sales", "account_manager", "full", "ledger-only"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def world(rest: Rest):
    """One row of everything, and a client that may do everything."""
    account = make_account()
    rows = {
        "accounts": account,
        "contacts": make_contact(account=account),
        "team-members": make_team_member(account=account),
        "products": make_product(),
        "contracts": make_contract(account=account),
        "revenue": make_revenue(account=account),
        "rates": make_rate(),
        "ratings": make_rating(account=account),
        "wallet-estimates": make_wallet_estimate(account=account),
        "imports": make_batch(),
        "tiering/models": make_scoring_model(),
    }
    rows["tiering/runs"] = make_published_run(rows["tiering/models"], {account: "gold"})
    return rest(make_superuser()), rows


def check(response):
    assert response.status_code < 500
    if response.status_code >= 400:
        assert response.headers["Content-Type"] == "application/problem+json", response.content
        assert set(json.loads(response.content)) == {"type", "title", "status", "detail", "errors"}


def path_of(resource):
    tiering = {"models", "runs", "scores", "grades"}
    return f"/api/v1/tiering/{resource}/" if resource in tiering else f"/api/v1/{resource}/"


@pytest.mark.parametrize("resource", LISTS)
def test_no_query_of_a_list_is_a_fault(world, resource):
    client, _rows = world

    @BOUNDED
    @given(query=queries_of(path_of(resource)))
    def run(query):
        check(client.get(path_of(resource), query))

    run()


@pytest.mark.parametrize("question", FIGURES)
def test_no_query_of_a_figure_is_a_fault(world, question):
    client, _rows = world
    needed = {"growth": 2, "bridge": 2, "retention": 2, "activity": 1, "concentration": 1}.get(question, 0)
    periods = {2: {"base": "2022", "comparison": "2024-01"}, 1: {"period": "2024"}, 0: {}}[needed]
    known = periods | ({"metric": "revenue"} if question == "trend" else {})

    @BOUNDED
    @given(query=queries_of(f"/api/v1/metrics/{question}/"), keeps=st.booleans())
    def run(query, keeps):
        check(client.get(f"/api/v1/metrics/{question}/", {**(known if keeps else {}), **dict(query)}))

    run()


@pytest.mark.parametrize("resource", WRITABLE)
def test_no_body_is_a_fault(world, resource):
    client, rows = world
    sane = {"account": rows["accounts"].pk, "code": "N", "name": "N", "number": "N", "booked_on": "2024-01-01"}
    sane |= {"amount": "1", "currency": "CNY", "indicator": "V1", "score": 3, "function": "sales", "source": "s"}
    names = set(client.get(f"/api/v1/{resource}/{rows[resource].pk}/").json())
    names |= {"diamond"} if resource == "tiering/models" else set()

    @BOUNDED
    @given(body=bodies_of(names), keeps=st.booleans())
    def run(body, keeps):
        whole = {name: value for name, value in sane.items() if keeps and name in names} | body
        for content in (json.dumps(whole), json.dumps([whole])):
            check(client.generic("POST", f"/api/v1/{resource}/", content, content_type="application/json"))

    run()


@pytest.mark.parametrize("resource", [name for name in WRITABLE if name not in {"revenue", "tiering/models"}])
def test_no_change_is_a_fault(world, resource):
    client, rows = world
    address = f"/api/v1/{resource}/{rows[resource].pk}/"
    names = set(client.get(address).json())

    @BOUNDED
    @given(body=bodies_of(names), method=st.sampled_from(["PUT", "PATCH"]))
    def run(body, method):
        content = json.dumps(body)
        check(client.generic(method, address, content, content_type="application/json", headers={"If-Match": "*"}))

    run()


@BOUNDED
@given(path=st.text(max_size=30), body=st.binary(max_size=60), method=st.sampled_from(["GET", "POST", "PATCH"]))
def test_no_address_and_no_bytes_are_a_fault(admin, path, body, method):
    check(admin.generic(method, f"/api/v1/{path}", body, content_type="application/json"))
    check(admin.generic("POST", "/api/v1/accounts/", body, content_type="application/json"))


@BOUNDED
@given(content=st.binary(max_size=300), name=st.text(min_size=1, max_size=30), mapping=st.text(max_size=60))
def test_no_upload_is_a_fault(admin, tmp_path, content, name, mapping):
    with override_settings(MEDIA_ROOT=tmp_path):
        for way in ("dry_run", "wait"):
            fields = {"file": SimpleUploadedFile(name, content), way: "true", "mapping": mapping}
            check(admin.post("/api/v1/imports/", fields, format="multipart"))
