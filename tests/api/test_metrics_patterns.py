"""How they buy over REST: names, products, pages of accounts, whose accounts, refusals."""

import pytest

from accounts.models import Account
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_team_member, make_user
from tests.metrics.test_patterns_service import one

__all__ = ["one"]  # the fixture
ADDRESS = "/api/v1/metrics/patterns/"


def ask(client, **query):
    response = client.get(ADDRESS, {"period": "2024"} | query)
    assert response.status_code == 200, response.content
    return response.json()


def test_patterns_to_the_letter(admin, one):
    account, _lamp, desk = one

    answer = ask(admin, products="1")

    assert set(answer) == {
        "currency", "passport", "reasons", "count", "next", "previous", "usual_interval_days", "interval_low_days",
        "interval_high_days", "rhythm_accounts", "orders", "order_days", "average_order_value", "order_day_size",
        "order_day_low", "order_day_high", "breadth", "breadth_before", "breadth_change", "breadth_months", "revenue",
        "known_product_revenue", "new_product_revenue", "no_product_revenue", "new_product_share", "products_bought",
        "season", "season_years", "spring_index", "peak_month_index", "weekdays", "peak_weekday_share", "products",
        "results",
    }  # fmt: skip
    assert (answer["revenue"], answer["new_product_revenue"], answer["breadth"]) == ("1250.0000", "900.0000", 2.0)
    assert answer["products"] == [{
        "product": desk.pk, "code": "D", "name": "Desk", "revenue": "900.0000", "share": 0.72, "order_days": 3, "buyers": 1,
        "new_buyers": 1, "first_on": "2024-01-01", "last_on": "2024-01-21",
    }]  # fmt: skip
    assert answer["breadth_months"] == [{"month": "2024-01", "breadth": 2.0}]
    assert (len(answer["season"]), len(answer["weekdays"])) == (12, 7)
    assert answer["results"][0] == {
        "account": account.pk, "code": account.code, "name": "One", "members": 1, "revenue": "1250.0000", "orders": 8,
        "order_days": 4, "usual_interval": 10.0, "products": 2, "new_products": 1, "new_product_revenue": "900.0000",
    }  # fmt: skip


def test_figures_are_over_what_the_caller_sees(rest, one):
    owner, teammate, stranger = make_user(), make_user(), make_user()
    Account.objects.filter(pk=one[0].pk).update(owner=owner)
    make_team_member(account=one[0], user=teammate)

    assert {user: ask(rest(user))["revenue"] for user in (owner, teammate, stranger)} == {
        owner: "1250.0000", teammate: "1250.0000", stranger: "0.0000",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "pointer"), [({"period": "soon"}, "period"), ({"products": "501"}, "products"), ({"by": "x"}, "by")]
)
def test_refusals_name_the_parameter(admin, one, query, pointer):
    assert pointers(assert_problem(admin.get(ADDRESS, query), 400)) == [pointer]
