"""Two years of a real wholesaler, sent and asked about over REST alone; the figures are those its data folder names."""

from decimal import Decimal

import pytest

from tests.accounts.imports.helpers import ONLINE_RETAIL

FILES = ("year-2009-2010.csv.gz", "year-2010-2011.csv.gz")
PERIODS = {"base": "2009-12..2010-11", "comparison": "2010-12..2011-11"}


def send(client, name):
    with (ONLINE_RETAIL / name).open("rb") as file:
        response = client.post(
            "/api/v1/imports/", {"file": file, "profile": "online-retail", "wait": "true"}, format="multipart"
        )
    assert response.status_code == 201, response.content
    row = response.json()
    return row["read"], row["posted"], row["already_there"], row["rejected"]


def ask(client, question, **query):
    response = client.get(f"/api/v1/metrics/{question}/", query)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.skipif(
    not (ONLINE_RETAIL / FILES[0]).exists(), reason="the Online Retail II files are not beside the project"
)
def test_online_retail_gives_its_published_figures_over_rest(admin, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path

    assert send(admin, FILES[0]) == (525_461, 417_534, 0, 107_927)
    assert send(admin, FILES[1]) == (541_910, 392_027, 14_803, 135_080)
    assert send(admin, FILES[1]) == (541_910, 0, 406_830, 135_080)
    assert admin.get("/api/v1/revenue/", {"page_size": 1}).json()["count"] == 809_561
    assert admin.get("/api/v1/accounts/", {"page_size": 1}).json()["count"] == 5_942

    check_growth(ask(admin, "growth", **PERIODS))
    check_bridge(ask(admin, "bridge", **PERIODS))
    check_retention(ask(admin, "retention", **PERIODS))
    check_activity(ask(admin, "activity", period=PERIODS["comparison"]))
    whole = ask(admin, "concentration", period="2009..2011")
    assert whole["total"] == "16343669.0380"


def check_growth(found):
    assert found["currency"] == "GBP"
    assert (found["total_base_revenue"], found["total_comparison_revenue"]) == ("8043585.2240", "7957559.4340")
    assert (found["cohort_accounts"], found["base_revenue"], found["comparison_revenue"]) == (
        4_232,
        "8139771.0240",
        "6556023.5530",
    )
    assert found["growth_rate"] == pytest.approx(-0.194569, abs=5e-7)
    assert found["overall_growth_rate"] == pytest.approx(-0.010695, abs=5e-7)
    assert found["reasons"] == {}


def check_bridge(found):
    lines = ("opening", "expansion", "contraction", "churned", "new", "reactivated", "adjustment")
    assert sum(Decimal(found[line]["amount"]) for line in lines) == Decimal(found["closing"]["amount"])
    assert (found["opening"]["amount"], found["closing"]["amount"]) == ("8043585.2240", "7957559.4340")


def check_retention(found):
    assert found["cohort_accounts"] == 4_232
    assert found["gross_revenue_retention"] == pytest.approx(0.621618, abs=5e-7)
    assert found["logo_retention"] == pytest.approx(0.636106, abs=5e-7)
    assert found["net_revenue_retention"] == pytest.approx(1 - 0.194569, abs=5e-7)


def check_activity(found):
    assert (found["covered_accounts"], found["revenue"]) == (5_850, "7957559.4340")
    assert found["active_rate"] == pytest.approx(0.734530, abs=5e-7)
    average = Decimal(found["revenue_per_active_account"])
    assert average == pytest.approx(Decimal("1851.887"), abs=Decimal("0.0005"))
    assert abs(average * found["active_accounts"] - Decimal(found["revenue"])) < Decimal("0.000001")
