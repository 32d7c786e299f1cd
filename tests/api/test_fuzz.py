"""Whatever is asked or sent, the answer is below 500 and every refusal is a problem document."""

import io
import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from django.conf import settings as django_settings
from django.test import override_settings
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crm.api.policy import POLICY
from crm.api.routers import router
from plans.models import RemediationPlan
from plans.services_work import add_step, make_account_plan
from tests.api.conftest import Rest
from tests.api.nights import make_published_run, make_scoring_model
from tests.factories import (
    make_account,
    make_batch,
    make_contact,
    make_contract,
    make_interaction,
    make_product,
    make_rate,
    make_rating,
    make_request,
    make_revenue,
    make_superuser,
    make_team_member,
    make_wallet_estimate,
)

BOUNDED = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LISTS = [route.removesuffix("-list") for route, method in POLICY if route.endswith("-list") and method == "GET"]
PREFIXES = {basename: prefix for prefix, _viewset, basename in router.registry}
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
    "interactions",
    "service-requests",
    "sponsors",
    "discounts",
    "plans/account-plans",
    "plans/account-plan-steps",
    "plans/remediation-steps",
    "tiering/weight-surveys",
]

UNCHANGED = {"revenue", "tiering/models", "sponsors", "discounts", "tiering/weight-surveys"}  # added to, never edited
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


def resolved(schema):
    while "$ref" in schema or "allOf" in schema or "oneOf" in schema:
        schema = (
            SCHEMA["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
            if "$ref" in schema
            else next(part for part in schema.get("allOf", schema.get("oneOf")) if part != {"type": "null"})
        )
    return schema


def plausible(schema, keys):
    """Values of the type the description gives, mostly acceptable ones; ``keys`` are those of rows that exist."""
    schema = resolved(schema)
    if "enum" in schema:
        return st.sampled_from([value for value in schema["enum"] if value is not None])
    kinds = schema.get("type", "string")
    kind = next(name for name in ([kinds] if isinstance(kinds, str) else kinds) if name != "null")
    if kind == "array":
        return plausible(schema["items"], keys)
    if kind == "integer":
        return st.integers(1, 9) | st.sampled_from(keys)
    if kind == "boolean":
        return st.booleans()
    if kind == "number":
        return st.floats(0, 1)
    if schema.get("format") == "date":
        return st.dates()
    if schema.get("format") == "decimal":
        return st.decimals(min_value=-10, max_value=10**6, places=2)
    return st.sampled_from(["2023", "2024-Q1", "2022..2023-06", "EUR", "CNY", "A", "V1", "-id"]) | st.text(max_size=9)


def queries_of(path, keys):
    """Some of the parameters the address knows, mostly with plausible values, now and then one it does not know."""
    known = {e["name"]: e["schema"] for e in SCHEMA["paths"][path]["get"]["parameters"] if e["in"] == "query"}
    pairs = [
        st.tuples(
            st.just(name), plausible(schema, keys).map(lambda v: str(v).lower() if v in (True, False) else str(v))
        )
        for name, schema in known.items()
    ]
    odd = st.tuples(st.sampled_from(sorted(known)) | WORDS, TEXTS)
    return st.lists(st.one_of(*pairs), max_size=3) | st.lists(st.one_of(odd, *pairs), max_size=3)


def bodies_of(path, method, keys):
    """Bodies of the described shape, half of them with something odd in it."""
    content = SCHEMA["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    schema = resolved(content)
    fields = {
        name: plausible(entry, keys).map(lambda v: v if isinstance(v, bool | int | float) else str(v))
        for name, entry in schema["properties"].items()
    }
    needed = {name: fields[name] for name in schema.get("required", ())}
    sane = st.fixed_dictionaries(needed, optional={n: f for n, f in fields.items() if n not in needed})
    odd = st.dictionaries(st.sampled_from(sorted(fields)) | WORDS, VALUES, max_size=3)
    return sane | st.builds(lambda whole, wrong: whole | wrong, sane, odd)


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
        "interactions": make_interaction(account=account),
        "service-requests": make_request(account=account),
        "tiering/models": make_scoring_model(),
    }
    rows["plans/account-plans"] = make_account_plan(
        account=account, made_by=make_superuser(), valid_from=date(2030, 1, 1), valid_to=date(2031, 1, 1), goal="Grow",
        priority_rank=1, planned_hours=10,
    )  # fmt: skip
    remedy = RemediationPlan.objects.create(account=account, opened_on=date(2030, 1, 1), due_on=date(2031, 1, 1))
    for name, plan in (("account-plan-steps", rows["plans/account-plans"]), ("remediation-steps", remedy)):
        rows[f"plans/{name}"] = add_step(plan=plan, text="Call", owner=None, due_on=date(2030, 2, 1))
    rows["tiering/runs"] = make_published_run(rows["tiering/models"], {account: "gold"})
    return rest(make_superuser()), rows


def keys_of(rows):
    return sorted({row.pk for row in rows.values()})


def check(response):
    assert response.status_code < 500
    if response.status_code >= 400:
        assert response.headers["Content-Type"] == "application/problem+json", response.content
        assert set(json.loads(response.content)) == {"type", "title", "status", "detail", "errors"}


def path_of(resource):
    return f"/api/v1/{PREFIXES[resource]}/"


@pytest.mark.parametrize("resource", LISTS)
def test_no_query_of_a_list_is_a_fault(world, resource):
    client, rows = world

    @BOUNDED
    @given(query=queries_of(path_of(resource), keys_of(rows)))
    def run(query):
        check(client.get(path_of(resource), query))

    run()


def test_no_query_of_the_export_is_a_fault(world):
    client, rows = world

    @BOUNDED
    @given(query=queries_of("/api/v1/revenue/export/", keys_of(rows)))
    def run(query):
        response = client.get("/api/v1/revenue/export/", query)
        check(response)
        if response.streaming:
            b"".join(response)

    run()


@pytest.mark.parametrize("question", FIGURES)
def test_no_query_of_a_figure_is_a_fault(world, question):
    client, rows = world
    needed = {"growth": 2, "bridge": 2, "retention": 2, "activity": 1, "concentration": 1}.get(question, 0)
    periods = {2: {"base": "2022", "comparison": "2024-01"}, 1: {"period": "2024"}, 0: {}}[needed]
    known = periods | ({"metric": "revenue"} if question == "trend" else {})

    @BOUNDED
    @given(query=queries_of(f"/api/v1/metrics/{question}/", keys_of(rows)))
    def run(query):
        check(client.get(f"/api/v1/metrics/{question}/", {**known, **dict(query)}))

    run()


@pytest.mark.parametrize("resource", WRITABLE)
def test_no_body_is_a_fault(world, resource):
    client, rows = world

    @BOUNDED
    @given(body=bodies_of(f"/api/v1/{resource}/", "post", keys_of(rows)), is_array=st.booleans())
    def run(body, is_array):
        content = json.dumps([body, body] if is_array else body)
        check(client.generic("POST", f"/api/v1/{resource}/", content, content_type="application/json"))

    run()


@pytest.mark.parametrize("resource", [name for name in WRITABLE if name not in UNCHANGED])
def test_no_change_is_a_fault(world, resource):
    client, rows = world
    address = f"/api/v1/{resource}/{rows[resource].pk}/"

    @BOUNDED
    @given(
        body=bodies_of(f"/api/v1/{resource}/{{id}}/", "patch", keys_of(rows)), method=st.sampled_from(["PUT", "PATCH"])
    )
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
@example(content=b"a,b", name="..", mapping="")
@example(content=b"a,b", name="/", mapping="")
def test_no_upload_is_a_fault(admin, tmp_path, content, name, mapping):
    with override_settings(MEDIA_ROOT=tmp_path):
        for way in ("dry_run", "wait"):
            file = io.BytesIO(content)
            file.name = name  # as it comes: the uploaded files of Django refuse some names before they are sent
            fields = {"file": file, way: "true", "mapping": mapping}
            check(admin.post("/api/v1/imports/", fields, format="multipart"))
