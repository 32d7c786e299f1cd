"""Dated rates: averages before days, the last earlier day within ten, never 1 and never inverted."""

from datetime import date
from decimal import Decimal

import pytest

from metrics.rates import rate_book, translate
from metrics.reasons import MissingRate, missing_rates_sentence
from tests.factories import make_rate

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2010, 12, 1), date(2011, 1, 31)


def book():
    return rate_book("CNY", currencies=["GBP", "CNY"], first=FIRST, last=LAST)


def gbp(valid_on, rate, **fields):
    return make_rate(from_currency="GBP", to_currency="CNY", valid_on=valid_on, rate=Decimal(rate), **fields)


def test_spot_rate_falls_back_to_the_last_earlier_day_within_ten():
    gbp(date(2010, 12, 10), "10.1")
    gbp(date(2010, 12, 15), "10.2")

    rates = book()

    assert rates.on("GBP", date(2010, 12, 10)) == Decimal("10.1")
    assert rates.on("GBP", date(2010, 12, 14)) == Decimal("10.1")
    assert rates.on("GBP", date(2010, 12, 25)) == Decimal("10.2")
    assert rates.on("GBP", date(2010, 12, 26)) is None
    assert rates.on("GBP", date(2010, 12, 9)) is None


def test_first_days_of_the_range_see_rates_from_before_it():
    gbp(date(2010, 11, 25), "9.9")

    assert book().on("GBP", date(2010, 12, 5)) == Decimal("9.9")


def test_month_average_goes_before_the_rate_of_the_day():
    gbp(date(2010, 12, 10), "10.1")
    gbp(date(2010, 12, 1), "10.5", kind="month_average")

    assert book().on("GBP", date(2010, 12, 10)) == Decimal("10.5")
    assert book().on("GBP", date(2011, 1, 5)) is None


def test_closing_rates_and_inverted_pairs_are_not_used():
    gbp(date(2010, 12, 10), "10.1", kind="closing")
    make_rate(from_currency="CNY", to_currency="GBP", valid_on=date(2010, 12, 10), rate=Decimal("0.1"))

    assert book().on("GBP", date(2010, 12, 10)) is None
    assert book().on("CNY", date(2010, 12, 10)) == 1


def test_translate_gives_the_amount_or_names_the_missing_rate():
    gbp(date(2010, 12, 10), "10.1")

    assert translate(Decimal(100), source="GBP", target="CNY", on=date(2010, 12, 10)) == Decimal(1010)
    assert translate(Decimal(100), source="CNY", target="CNY", on=date(2010, 12, 10)) == Decimal(100)
    missing = translate(Decimal(100), source="USD", target="CNY", on=date(2010, 12, 10))
    assert missing == MissingRate(date(2010, 12, 1), "USD", "CNY")


def test_missing_rates_are_named_oldest_first_and_counted_beyond_three():
    missing = [MissingRate(date(2010, month, 1), "GBP", "CNY") for month in (12, 3, 5, 7, 3)]

    assert missing_rates_sentence(missing[:1]) == "no rate GBP→CNY for 2010-12"
    assert missing_rates_sentence(missing) == (
        "no rate GBP→CNY for 2010-03; no rate GBP→CNY for 2010-05; no rate GBP→CNY for 2010-07; and 1 more"
    )
