import re
import warnings
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tests.api.conftest import assert_problem

COMMITTED = Path(settings.BASE_DIR) / "crm" / "api" / "openapi.yaml"
SCHEMA, DOCS = "/api/v1/schema/", "/api/v1/docs/"
ANSWERED = {
    "metrics/growth/": "cohort_accounts base_revenue comparison_revenue growth_rate total_base_revenue"
    " total_comparison_revenue overall_growth_rate",
    "metrics/bridge/": "opening expansion contraction churned new reactivated adjustment closing",
    "metrics/retention/": "cohort_accounts retained_accounts logo_retention gross_revenue_retention"
    " net_revenue_retention",
    "metrics/activity/": "covered_accounts active_accounts active_rate orders average_order_value"
    " revenue_per_active_account revenue repeat_rate",
    "metrics/concentration/": "accounts total top_1_share top_5_share top_10_share top_20_percent_share hhi"
    " effective_accounts gini",
}


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


def test_schema_is_openapi_3_1_and_made_without_a_warning(schema):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        validate_schema(schema)
    assert schema["openapi"].startswith("3.1")
    assert not GENERATOR_STATS


def test_committed_schema_is_the_current_one(tmp_path):
    call_command("spectacular", "--lang", "en", "--validate", "--fail-on-warn", "--file", str(tmp_path / "now.yaml"))

    remedy = "run: manage.py spectacular --lang en --file crm/api/openapi.yaml"
    assert (tmp_path / "now.yaml").read_text("utf-8") == COMMITTED.read_text("utf-8"), remedy


@pytest.mark.parametrize("path", ANSWERED)
def test_promised_fields_stand_in_the_schema(schema, path):
    answer = schema["paths"][f"/api/v1/{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    properties = schema["components"]["schemas"][answer["$ref"].rsplit("/", 1)[1]]["properties"]

    assert {*ANSWERED[path].split(), "currency", "passport", "reasons"} <= set(properties)


def test_every_operation_tells_its_problems_and_its_log_in(schema):
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert "application/problem+json" in operation["responses"]["default"]["content"], (path, method)
            assert operation["security"] in (
                [{"bearer": []}, {"cookieAuth": []}],
                [{"bearer": []}, {"cookieAuth": []}, {}],
            )


def test_updates_ask_for_if_match_and_posts_take_an_idempotency_key(schema):
    needed = {"put": ("If-Match", True), "patch": ("If-Match", True), "post": ("Idempotency-Key", False)}
    for path, operations in schema["paths"].items():
        for method, (name, is_required) in needed.items():
            if method in operations:
                found = [p for p in operations[method]["parameters"] if p["name"] == name]
                assert [p["required"] for p in found] == [is_required], (path, method)


def test_what_may_be_empty_is_described_so(schema):
    parts = {name: part["properties"] for name, part in schema["components"]["schemas"].items() if "properties" in part}

    assert parts["PaginatedAccountList"]["next"]["type"] == ["string", "null"]
    assert {"$ref": "#/components/schemas/Blank"} in parts["Account"]["underlying_grade"]["oneOf"]
    assert parts["Batch"]["created_by"]["type"] == ["integer", "null"]
    assert parts["LogIn"]["email"]["oneOf"][1] == {"type": "string", "maxLength": 0}
    assert parts["BusinessHours"]["opens_at"]["format"] == "time-local"


def test_schema_is_served_as_yaml_and_json(db):
    client = Client()

    by_default = client.get(SCHEMA)
    by_header = client.get(SCHEMA, headers={"accept": "application/json"})
    by_query = client.get(SCHEMA, {"format": "json"})

    assert yaml.safe_load(by_default.content)["paths"].keys() == by_header.json()["paths"].keys()
    assert by_query.json() == by_header.json()


@pytest.mark.parametrize("query", [{"lang": "../../etc"}, {"lang": "\x00"}, {"lang": "x" * 500}, {"format": "xml"}])
@pytest.mark.parametrize("path", [SCHEMA, DOCS])
def test_odd_languages_and_formats_are_400(db, path, query):
    if path == DOCS and "format" in query:
        pytest.skip("the documentation has no formats")
    assert_problem(Client().get(path, query), 400)


def test_docs_name_no_other_host_and_hold_no_inline_script(db):
    client = Client()

    page = client.get(DOCS)
    script = client.get(f"{DOCS}?script=")

    html = page.content.decode()
    assert page.status_code == script.status_code == 200
    assert "http:" not in html + script.content.decode()
    assert "https:" not in html + script.content.decode()
    assert re.findall(r"<script[^>]*>\s*[^<\s]", html) == []
    assert "unsafe-inline" not in re.search(r"script-src[^;]*|$", page.headers["Content-Security-Policy"])[0]
    for source in re.findall(r'(?:src|href)="(/static/[^"]+)"', html):
        assert finders.find(source.removeprefix("/static/")), source


def test_root_lists_the_resources(admin):
    found = admin.get("/api/v1/").json()

    assert {"accounts", "revenue", "imports", "schema", "docs"} <= set(found)
    for address in found.values():
        assert admin.get(address).status_code == 200, address
