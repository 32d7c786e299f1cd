"""Growth of contracts and backlog over REST: fields to the letter, pages, refusals, who sees what."""

from datetime import date
from decimal import Decimal

import pytest

from tests.api.conftest import assert_problem, pointers
from tests.factories import make_account, make_contract, make_team_member, make_user, post_revenue

GROWTH, BACKLOG = "/api/v1/metrics/contract-growth/", "/api/v1/metrics/backlog/"
DAYS = {"base": "2023-12-31", "comparison": "2024-12-31"}
NOTHING = {"count": 0, "shown": []}


def ask(client, address, **query):
    response = client.get(address, query)
    assert response.status_code == 200, response.content
    return response.json()


def signed(account, amount, first, last, **fields):
    amount = None if amount is None else Decimal(amount)
    return make_contract(
        account=account, amount=amount, currency="EUR", status="active", signed_on=first, starts_on=first, ends_on=last,
        **fields,
    )  # fmt: skip


@pytest.fixture
def stock(db):
    """The worked example of one account, and one whose contract was not renewed and which the books speak of."""
    owner = make_user()
    example = make_account(code="EX", name="Example", owner=owner, segment="A")
    ended = make_account(code="END", name="Ended")
    signed(example, 1_200_000, date(2024, 7, 1), date(2025, 6, 30))
    over = signed(ended, 100, date(2023, 1, 1), date(2023, 12, 31), number="C-END")
    post_revenue(
        [{"account": ended, "contract": over, "booked_on": date(2023, 6, 1), "amount": Decimal(40), "basis": "recognised",
          "currency": "EUR"}]
    )  # fmt: skip
    return {"example": example, "ended": ended, "owner": owner}


def bar(amount, accounts):
    return {"amount": amount, "accounts": accounts}


def test_growth_has_its_fields_to_the_letter(admin, stock):
    answer = ask(admin, GROWTH, **DAYS)

    passport, results = answer.pop("passport"), answer.pop("results")
    assert answer == {
        "cohort_accounts": 1, "retained_accounts": 0, "base_value": "100.0000", "comparison_value": "0.0000",
        "total_base_value": "100.0000", "total_comparison_value": "1200000.0000", "growth_rate": -1.0,
        "overall_growth_rate": 11999.0, "net_revenue_retention": 0.0, "gross_revenue_retention": 0.0, "logo_retention": 0.0,
        "base_contracts": 1, "comparison_contracts": 1, "left_out": NOTHING, "missing_rates": [],
        "opening": bar("100.0000", 1), "expansion": bar("0.0000", 0), "contraction": bar("0.0000", 0),
        "churned": bar("-100.0000", 1), "reactivated": bar("0.0000", 0), "new": bar("1200000.0000", 1),
        "adjustment": bar("0.0000", 0), "closing": bar("1200000.0000", 1),
        "currency": "EUR", "reasons": {}, "count": 2, "next": None, "previous": None,
    }  # fmt: skip
    assert (passport["basis"], passport["base"]["last_day"], passport["as_of"]) == (
        "contracts",
        "2023-12-31",
        "2024-12-31",
    )
    assert results[0] == {
        "account": stock["example"].pk, "code": "EX", "name": "Example", "members": 1, "base": "0.0000",
        "comparison": "1200000.0000", "change": "1200000.0000", "growth_rate": None, "contracts": 1,
    }  # fmt: skip


def test_growth_is_split_into_leaves(admin, stock):
    leaves = ask(admin, GROWTH, **DAYS, by="segment")["breakdown"]["leaves"]

    assert [(leaf["key"], leaf["change"], leaf["new"]["accounts"]) for leaf in leaves] == [
        ("A", "1200000.0000", 1),
        ("", "-100.0000", 0),
    ]


def test_backlog_has_its_fields_to_the_letter_and_says_what_is_a_proxy(admin, stock):
    answer = ask(admin, BACKLOG, as_of="2024-12-31")

    passport, months, results = (answer.pop(name) for name in ("passport", "months", "results"))
    assert answer == {
        "signed": "1200100.0000", "recognised": "604971.5100", "recognised_from_records": "40.0000",
        "recognised_by_proxy": "604931.5100", "recognised_source": "both", "backlog": "595128.4900", "overrun": "0.0000",
        "next_12_months": "595068.4900", "later": "0.0000", "overdue": "60.0000", "undated": "0.0000", "contracts": 2,
        "contracts_from_records": 1, "contracts_by_proxy": 1, "overrun_contracts": NOTHING, "left_out": NOTHING,
        "missing_rates": [], "currency": "EUR", "reasons": {}, "count": 2, "next": None, "previous": None,
    }  # fmt: skip
    assert (passport["metric"], passport["basis"], passport["as_of"]) == ("backlog", "contracts", "2024-12-31")
    assert months[0] == {
        "month": "2025-01", "first_day": "2025-01-01", "last_day": "2025-01-31", "amount": "101917.8100",
    }  # fmt: skip
    assert len(months) == 12
    assert (results[0]["code"], results[0]["recognised_by_proxy"], results[1]["recognised_by_proxy"]) == (
        "EX", "604931.5100", "0.0000",
    )  # fmt: skip


def test_contracts_left_out_are_named_with_the_reason(admin, stock):
    contract = signed(stock["ended"], None, date(2024, 1, 1), date(2024, 12, 31), number="C-BLANK")
    listed = {
        "count": 1,
        "shown": [
            {
                "contract": contract.pk, "number": "C-BLANK", "account": stock["ended"].pk, "account_name": "Ended",
                "reason": "it has no amount", "amount": None, "currency": "EUR",
            }
        ],
    }  # fmt: skip

    assert ask(admin, BACKLOG, as_of="2024-12-31")["left_out"] == listed
    assert ask(admin, GROWTH, **DAYS)["left_out"] == listed


def test_missing_rate_is_null_with_the_reason_at_its_field(admin, stock):
    backlog, growth = (
        ask(admin, BACKLOG, currency="CNY", as_of="2024-12-31"),
        ask(admin, GROWTH, currency="CNY", **DAYS),
    )

    sentence = "no rate EUR→CNY for 2023-01; no rate EUR→CNY for 2024-07"
    assert (backlog["signed"], backlog["backlog"], backlog["reasons"]["backlog"]) == (None, None, sentence)
    assert {month["amount"] for month in backlog["months"]} == {None}
    assert (growth["growth_rate"], growth["opening"], growth["reasons"]["opening"]) == (None, bar(None, None), sentence)
    assert [rate["month"] for rate in backlog["missing_rates"]] == ["2023-01", "2024-07"]


def test_only_accounts_in_view_count(rest, stock):
    mate = make_team_member(account=stock["example"], user=make_user()).user

    for reader, seen in ((stock["owner"], ["EX"]), (mate, ["EX"]), (make_user(), [])):
        for address, query in ((GROWTH, DAYS), (BACKLOG, {"as_of": "2024-12-31"})):
            answer = ask(rest(reader), address, **query)
            assert [row["code"] for row in answer["results"]] == seen
    stranger = rest(make_user())
    assert ask(stranger, BACKLOG, as_of="2024-12-31")["reasons"]["backlog"] == "no contract was signed by that day"
    assert ask(stranger, GROWTH, **DAYS)["reasons"]["growth_rate"] == "no contract was in force on the base day"
    assert_problem(stranger.get(BACKLOG, {"account": stock["example"].pk}), 400)


def test_rows_come_a_page_at_a_time(admin, stock):
    first = ask(admin, BACKLOG, as_of="2024-12-31", page_size=1)

    assert (first["count"], len(first["results"]), first["previous"]) == (2, 1, None)
    assert [row["code"] for row in admin.get(first["next"]).json()["results"]] == ["END"]
    assert_problem(admin.get(BACKLOG, {"page": 3, "page_size": 1}), 404)


@pytest.mark.parametrize(
    ("address", "query", "where"),
    [
        (GROWTH, {"base": "2023-12-31"}, "comparison"),
        (GROWTH, DAYS | {"base": "2024-12-31"}, "base"),
        (GROWTH, DAYS | {"base": "2025-12-31"}, "base"),
        (GROWTH, DAYS | {"base": "2023"}, "base"),
        (GROWTH, DAYS | {"as_of": "2024-12-31"}, "as_of"),
        (GROWTH, DAYS | {"basis": "invoiced"}, "basis"),
        (GROWTH, DAYS | {"by": "colour"}, "by"),
        (BACKLOG, {"as_of": "9999-12-31"}, "as_of"),
        (BACKLOG, {"basis": "invoiced"}, "basis"),
        (BACKLOG, {"level": "world"}, "level"),
        (BACKLOG, {"currency": "cny"}, "currency"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(admin, address, query, where):
    assert pointers(assert_problem(admin.get(address, query), 400)) == [where]


def test_figures_of_an_account_carry_its_backlog(admin, stock):
    answer = ask(admin, f"/api/v1/accounts/{stock['example'].pk}/metrics/", as_of="2024-12-31", currency="EUR")

    assert (answer["contract_signed"], answer["contract_recognised"], answer["backlog"], answer["recognised_source"]) == (
        "1200000.0000", "604931.5100", "595068.4900", "proxy",
    )  # fmt: skip
    nobody = ask(admin, f"/api/v1/accounts/{make_account().pk}/metrics/", as_of="2024-12-31")
    assert (nobody["backlog"], nobody["reasons"]["backlog"]) == (None, "no contract was signed by that day")


def test_recognised_revenue_that_nobody_booked_is_not_made_up(admin, stock):
    years = {"base": "2021", "comparison": "2022", "basis": "recognised"}

    growth, retention = (ask(admin, f"/api/v1/metrics/{name}/", **years) for name in ("growth", "retention"))

    sentence = "nothing is booked as recognised in these periods; what contracts say of it is a stand-in, and stands with the backlog"
    assert (growth["growth_rate"], growth["reasons"]["growth_rate"]) == (None, sentence)
    assert (retention["logo_retention"], retention["reasons"]["logo_retention"]) == (None, sentence)


def test_without_any_recognised_record_the_reason_leads_to_the_backlog(admin, stock):
    account = make_account()
    post_revenue([{"account": account, "booked_on": date(2024, 6, 1), "amount": Decimal(7)}])
    query = {"base": "2023", "comparison": "2024", "basis": "recognised", "account": account.pk}

    answer = ask(admin, "/api/v1/metrics/growth/", **query)

    assert answer["reasons"]["growth_rate"] == (
        "nothing in view is booked as “Recognised”: choose another basis (Invoiced), or import records of this one; what"
        " contracts say of it is a stand-in, and stands with the backlog"
    )
