"""Frames: what arrives from the roll-ups, in one currency, for those in view."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from accounts.models import Account
from crm.lib.periods import Period, parse_period
from metrics import frames
from metrics.scope import Level, scope_of
from metrics.selectors import currencies_in_view, data_start, default_as_of, ledger_fingerprint
from tests.factories import make_account, make_rate, post_revenue

pytestmark = pytest.mark.django_db
Y2010, Y2011 = parse_period("2010"), parse_period("2011")


def line(account, day, amount, **fields):
    return {"account": account, "booked_on": day, "amount": Decimal(str(amount)), "currency": "GBP", **fields}


@pytest.fixture
def mixed():
    """A group of two and a loner; one line in dollars."""
    root = make_account()
    child, loner = make_account(parent=root), make_account(before_data_start=True, closed_on=date(2011, 6, 1))
    post_revenue(
        [
            line(root, date(2010, 3, 5), "10.0001"),
            line(child, date(2010, 12, 5), "100.5", cost=Decimal(50)),
            line(child, date(2011, 1, 5), "10", currency="USD"),
            line(child, date(2011, 2, 5), "7"),
            line(loner, date(2011, 2, 5), "-7", kind="credit_note"),
            line(loner, date(2011, 2, 6), "3", basis="cash"),
        ]
    )
    return root, child, loner


def test_windows_hold_sums_and_spans_of_one_basis(mixed):
    _root, child, loner = mixed
    scope = scope_of(Account.objects.exclude(pk=mixed[0].pk), currency="GBP")

    frame = frames.windows(scope, [Y2010, Y2011], with_cost=True, with_orders=True)

    assert frame.spans.account_ids.tolist() == [child.pk, loner.pk]
    assert frame.net[:, 0].tolist() == [100.5, 0]
    assert frame.orders.tolist() == [[1, 2], [0, 0]]
    assert frame.lines_without_cost.tolist() == [[0, 2], [0, 1]]
    assert frame.spans.first_order_on.tolist() == [date(2010, 12, 5), None]
    assert frame.spans.closed_on.tolist() == [None, date(2011, 6, 1)]
    assert frame.spans.first_revenue_on[1] == np.datetime64(date.min)


def test_rate_between_two_windows_is_not_missed_where_both_cut_its_month(mixed):
    post_revenue([line(mixed[0], date(2011, 1, 15), "1", currency="USD")])
    scope = scope_of(Account.objects.all(), currency="GBP")
    before, after = Period(date(2011, 1, 6), date(2011, 1, 12)), Period(date(2011, 1, 20), date(2011, 3, 1))

    frame = frames.windows(scope, [before, after])

    assert (frame.missing, frame.is_missing.any()) == ((), False)


def test_missing_rate_is_named_and_marks_its_window_alone(mixed):
    scope = scope_of(Account.objects.all(), currency="GBP")

    frame = frames.windows(scope, [Y2010, Y2011])

    assert [str(rate) for rate in frame.missing] == ["no rate USD→GBP for 2011-01"]
    assert frame.is_missing.tolist() == [[False, False], [False, True], [False, False]]


def test_rate_missing_between_two_windows_is_not_missed(mixed):
    scope = scope_of(Account.objects.all(), currency="GBP")

    frame = frames.windows(scope, [parse_period("2010"), parse_period("2011-02..2011-03")])

    assert frame.missing == ()
    assert not frame.is_missing.any()


def test_months_with_an_average_and_days_with_a_spot_rate_give_the_same_kind_of_sum(mixed):
    make_rate(from_currency="USD", to_currency="GBP", valid_on=date(2010, 12, 27), rate=Decimal("0.5"))
    scope = scope_of(Account.objects.all(), currency="GBP")
    by_day = frames.windows(scope, [Y2010, Y2011]).net

    make_rate(from_currency="USD", to_currency="GBP", valid_on=date(2011, 1, 1), kind="month_average", rate="0.33335")
    by_month = frames.windows(scope, [Y2010, Y2011]).net

    assert by_day.tolist() == [[10.0001, 0], [100.5, 12], [0, -7]]
    assert by_month.tolist() == [[10.0001, 0], [100.5, 10.3335], [0, -7]]


def test_windows_that_cut_a_month_read_days(mixed):
    scope = scope_of(Account.objects.all(), currency="GBP")
    cut = Period(date(2010, 3, 6), date(2010, 12, 6))

    assert frames.windows(scope, [cut]).net[:, 0].tolist() == [0, 100.5, 0]


def test_daily_windows_translate_with_averages_and_spot_rates(mixed):
    make_rate(from_currency="USD", to_currency="GBP", valid_on=date(2011, 1, 1), kind="month_average", rate="0.2")
    scope = scope_of(Account.objects.all(), currency="GBP")

    frame = frames.windows(scope, [Period(date(2011, 1, 5), date(2011, 1, 6))])

    assert frame.net[:, 0].tolist() == [0, 2, 0]
    assert not frame.missing


def test_series_carries_net_beside_the_windows(mixed):
    scope = scope_of(Account.objects.filter(pk=mixed[1].pk), currency="GBP")

    frame = frames.windows(scope, [Y2010], series=[parse_period("2010-12"), parse_period("2011-02")])

    assert frame.series.tolist() == [[100.5, 7]]
    assert np.isnan(frame.cost).all()


def test_group_level_gathers_under_todays_root(mixed):
    root, child, loner = mixed
    scope = scope_of(Account.objects.filter(pk__in=[child.pk, loner.pk]), currency="GBP")

    frame = frames.windows(scope, [Y2010], level=Level.GROUP)
    ids, days = frames.order_days(scope, Y2011, level=Level.GROUP)

    assert frame.spans.unit_ids.tolist() == [root.pk, loner.pk]
    assert (ids.tolist(), days.tolist()) == ([root.pk], [2])


def test_monthly_and_bucket_totals_agree_with_windows(mixed):
    make_rate(from_currency="USD", to_currency="GBP", valid_on=date(2011, 1, 5), rate=Decimal(2))
    scope = scope_of(Account.objects.all(), currency="GBP")

    spans, monthly, missing = frames.monthly(scope, first=date(2010, 1, 1), months=24)
    totals, _missing = frames.bucket_totals(scope, first=date(2010, 1, 1), buckets=8, months_each=3)

    net = frames.windows(scope, [Y2010, Y2011]).net
    assert not missing
    assert monthly[:, :12].sum(axis=1).tolist() == net[:, 0].tolist()
    assert monthly[:, 12:].sum(axis=1).tolist() == net[:, 1].tolist()
    assert spans.account_ids.tolist() == [account.pk for account in mixed]
    assert totals["net"].tolist() == [10.0001, 0, 0, 100.5, 20, 0, 0, 0]
    assert totals["active"].tolist() == [1, 0, 0, 1, 1, 0, 0, 0]


def test_histories_count_order_days_and_leave_the_first_out(mixed):
    _root, child, _loner = mixed
    make_rate(from_currency="USD", to_currency="GBP", valid_on=date(2011, 1, 5), rate=Decimal(2))
    scope = scope_of(Account.objects.all(), currency="GBP")

    until_january, until_march = (
        frames.histories(scope, as_of=as_of) for as_of in (date(2011, 1, 5), date(2011, 3, 1))
    )

    row = until_march.account_ids.tolist().index(child.pk)
    assert until_march.repeat_days[row] == 2
    assert until_march.repeat_revenue[row] == 27
    assert until_march.last_order_on[row].item() == date(2011, 2, 5)
    assert (until_january.repeat_days[row], until_january.repeat_revenue[row]) == (1, 20)


def test_history_of_one_currency_equals_that_of_several():
    account = make_account()
    days = [date(2011, 1, 5), date(2011, 1, 5), date(2011, 2, 1), date(2011, 3, 1)]
    post_revenue([line(account, day, number + 1) for number, day in enumerate(days)])
    plain = frames.histories(scope_of(Account.objects.all()), as_of=date(2011, 12, 31))

    post_revenue([line(make_account(), date(2011, 1, 1), 5, currency="USD")])
    make_rate(from_currency="USD", to_currency="GBP", valid_on=date(2011, 1, 1), rate=Decimal(1))
    several = frames.histories(scope_of(Account.objects.all(), currency="GBP"), as_of=date(2011, 12, 31))

    assert (plain.repeat_days[0], plain.repeat_revenue[0]) == (2, 7)
    assert (several.repeat_days[0], several.repeat_revenue[0]) == (2, 7)


def test_nobody_in_view_gives_empty_frames():
    post_revenue([line(make_account(), date(2011, 1, 5), 1)])
    scope = scope_of(Account.objects.none())

    assert len(frames.windows(scope, [Y2010]).net) == 0
    assert len(frames.histories(scope, as_of=date(2011, 12, 31)).account_ids) == 0
    assert frames.bucket_totals(scope, first=date(2011, 1, 1), buckets=2, months_each=1)[0]["net"].tolist() == [0, 0]


def test_currencies_are_those_of_the_records_in_view(mixed, settings):
    settings.BASE_CURRENCY = "CNY"

    assert currencies_in_view(Account.objects.all(), basis="invoiced") == ("GBP", "USD")
    assert currencies_in_view(Account.objects.filter(pk=mixed[2].pk), basis="invoiced") == ("GBP",)
    assert currencies_in_view(Account.objects.none(), basis="invoiced") == ()
    assert scope_of(Account.objects.filter(pk=mixed[2].pk)).currency == "GBP"
    assert scope_of(Account.objects.all()).currency == "CNY"
    assert scope_of(Account.objects.all(), currency="USD").currency == "USD"


def test_default_as_of_is_the_earlier_of_yesterday_and_the_last_record():
    assert default_as_of(today=date(2011, 5, 1)) == date(2011, 4, 30)
    assert data_start() is None
    before = ledger_fingerprint()

    post_revenue([line(make_account(), date(2011, 1, 5), 1)])

    assert default_as_of(today=date(2011, 5, 1)) == date(2011, 1, 5)
    assert default_as_of(today=date(2011, 1, 3)) == date(2011, 1, 2)
    assert data_start() == date(2011, 1, 1)
    assert ledger_fingerprint() != before
