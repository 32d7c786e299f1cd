"""What the two years of the Online Retail II files must give, whichever door they came through.

``assert_figures()`` reads the ledger of the connected database; a test imports both files first and then calls it.
"""

from datetime import date
from decimal import Decimal

import pytest
from django.db.models import Count, Sum

from accounts.models import Account, RevenueRecord
from crm.lib.periods import parse_period, prior_ttm, ttm
from metrics.selectors import default_as_of
from metrics.services.activity import activity
from metrics.services.concentration import concentration
from metrics.services.lifetime import lifetime
from metrics.services.portfolio import two_periods

LAST_DAY = date(2011, 12, 9)
BASE, COMPARISON = "2009-12..2010-11", "2010-12..2011-11"
EXACT = 5e-7  # the published figures have six decimals


def assert_figures() -> None:
    """Every figure published with the data, over all accounts."""
    _assert_ledger()
    _assert_growth_and_retention()
    _assert_activity()
    _assert_concentration()
    _assert_lifetime()


def _assert_ledger() -> None:
    ledger = RevenueRecord.objects.aggregate(records=Count("pk"), net=Sum("amount"))
    assert ledger == {"records": 809_561, "net": Decimal("16343669.038")}
    assert Account.objects.count() == 5_942
    assert default_as_of() == LAST_DAY


def _assert_growth_and_retention() -> None:
    base, comparison = parse_period(BASE), parse_period(COMPARISON)
    assert (prior_ttm(LAST_DAY), ttm(LAST_DAY)) == (base, comparison)
    assert parse_period("FY2011", fiscal_start_month=12) == comparison
    periods = two_periods(Account.objects.all(), base=base, comparison=comparison)
    grown, kept, bridge = periods.growth(), periods.retention(), periods.bridge()
    assert grown.currency == "GBP"
    assert grown.cohort_accounts == 4_232
    assert (grown.base_revenue, grown.comparison_revenue) == (Decimal("8139771.024"), Decimal("6556023.553"))
    assert (grown.total_base_revenue, grown.total_comparison_revenue) == (
        Decimal("8043585.224"), Decimal("7957559.434"),
    )  # fmt: skip
    assert grown.growth_rate == pytest.approx(-0.194569, abs=EXACT)
    assert grown.overall_growth_rate == pytest.approx(-0.010695, abs=EXACT)
    assert kept.gross_revenue_retention == pytest.approx(0.621618, abs=EXACT)
    assert kept.logo_retention == pytest.approx(0.636106, abs=EXACT)
    amounts = {name: bar.amount for name, bar in bridge.bars.items()}
    closing = amounts.pop("closing")
    assert sum(amounts.values()) == closing == Decimal("7957559.434")


def _assert_activity() -> None:
    found = activity(Account.objects.all(), period=parse_period(COMPARISON))
    assert found.covered_accounts == 5_850
    assert found.active_rate == pytest.approx(0.734530, abs=EXACT)
    assert found.revenue_per_active_account == pytest.approx(Decimal("1851.887"), abs=Decimal("0.0005"))
    assert found.revenue == Decimal("7957559.434")


def _assert_concentration() -> None:
    found = concentration(Account.objects.all(), period=parse_period(COMPARISON))
    assert found.total == Decimal("7957559.434")
    assert found.abc["A"].share >= 0.8
    assert sum(part.revenue for part in found.abc.values()) == found.total


def _assert_lifetime() -> None:
    found = lifetime(Account.objects.all())
    assert found.method == "bg-nbd + gamma-gamma"
    assert (found.clv, found.reasons["clv"]) == (None, "there is no cost data, so revenue is shown instead of margin")
    assert found.expected_revenue > 0
