"""Indicators that no preset has: own turnover, referrals, breadth, renewals (domain.md 3.1), and what leaves them missing."""

import math
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import make_account, make_contract, make_product, make_rate, post_revenue
from tests.tiering.company import AS_OF
from tests.tiering.night import night
from tiering.admin.formsets import IndicatorForm
from tiering.enums import INDICATOR_UNIT, IndicatorCode, Preset
from tiering.explain import explain
from tiering.indicators import measure
from tiering.models import Score, ScoringModel
from tiering.optional import USUAL_SCALES
from tiering.presets import full
from tiering.scoring import check_anchors
from tiering.services import activate_model, create_model

pytestmark = pytest.mark.django_db
CODES = ("S4", "V4", "L7", "L8")
VALUED = "S5"  # test_lifetime_value


def measured(*codes, as_of=AS_OF):
    model = ScoringModel(currency="CNY", basis="invoiced", min_base=Decimal(1000))
    return measure(model, as_of=as_of, codes=codes or CODES, fiscal_start_month=1)


def of(found, account, code):
    value = float(found.indicators[code][int(np.searchsorted(found.ids, account.pk))])
    return None if math.isnan(value) else value


def sold(account, day=date(2024, 5, 5), **fields):
    return {"account": account, "booked_on": day, "amount": Decimal(100), **fields}


def test_own_turnover_is_a_recent_years_in_the_currency_of_the_model():
    make_rate(from_currency="USD", valid_on=date(2023, 12, 1), rate=Decimal(7), kind="month_average")

    def selling(amount, currency="CNY", year=2024):
        return make_account(turnover=amount, turnover_currency=currency, turnover_year=year)

    own, foreign, unrated = selling(5_000_000), selling(1000, "USD", 2023), selling(1000, "USD")
    old, last, ahead, none = selling(1, year=2021), selling(3, year=2022), selling(4, year=2025), make_account()
    found = measured()

    assert [of(found, one, "S4") for one in (own, foreign, unrated)] == [5_000_000, 7000, None]
    assert [of(found, one, "S4") for one in (old, last, ahead, none)] == [None, 3, None, None]
    assert of(measured(as_of=date(2024, 12, 30)), own, "S4") is None  # the year is not over


def test_referrals_count_customers_and_are_missing_where_nobody_records_any():
    referrer, other = make_account(), make_account()
    assert of(measured(), referrer, "V4") is None
    bought, prospect = make_account(referred_by=referrer), make_account(referred_by=referrer)
    merged = make_account(referred_by=other, merged_into=bought)
    later = make_account(referred_by=referrer)
    post_revenue([sold(bought), sold(later, date(2025, 1, 5))])
    found = measured()

    assert (of(found, referrer, "V4"), of(found, other, "V4"), of(found, prospect, "V4")) == (1, 1, 0)
    assert merged.pk not in found.ids


def test_breadth_counts_products_of_twelve_months_and_is_missing_where_lines_name_none():
    broad, nameless, silent = make_account(), make_account(), make_account()
    first, second = make_product(), make_product()
    rows = [sold(broad, product=product) for product in (first, second, first)]
    post_revenue([*rows, sold(broad, date(2023, 5, 5), product=make_product()), sold(nameless)])
    found = measured()

    assert [of(found, one, "L7") for one in (broad, nameless, silent)] == [2, None, 0]
    assert np.isnan(found.indicators["P1"]).all()  # nothing else moved


def test_renewals_are_of_contracts_that_ended_within_24_months():
    def signed(account, first, last, **fields):
        make_contract(
            account=account, starts_on=date.fromisoformat(first), ends_on=last and date.fromisoformat(last),
            **({"status": "completed"} | fields),
        )  # fmt: skip

    kept, half, lost, open_ended, undecided, gone = (make_account() for _ in range(6))
    signed(kept, "2023-01-01", "2023-12-31")
    signed(kept, "2024-02-01", None, status="active")  # within 90 days of the end
    signed(half, "2021-01-01", "2022-12-30")  # before the 24 months
    signed(half, "2023-01-01", "2023-06-30")
    signed(half, "2023-07-01", "2024-06-30")
    signed(lost, "2023-01-01", "2023-12-31")
    signed(lost, "2024-06-01", None, status="active")  # too late to follow
    signed(open_ended, "2023-01-01", None, status="active")
    signed(undecided, "2023-01-01", "2024-11-30")
    signed(gone, "2023-01-01", "2026-12-31", status="cancelled", cancelled_on=date(2024, 3, 1))
    found = measured()

    told = [of(found, one, "L8") for one in (kept, half, lost, open_ended, undecided, gone)]
    assert told == [1, 0.5, 0, None, None, 0]


def test_what_a_model_does_not_take_costs_nothing():
    with CaptureQueriesContext(connection) as without:
        plain = measured("S1")

    assert set(CODES).isdisjoint(plain.indicators)
    words = ("turnover", "referred_by_id", "is_followed", "product_id")
    assert not [query for query in without if any(word in query["sql"] for word in words)]


def test_every_optional_indicator_has_a_scale_and_no_preset_takes_it():
    assert set(USUAL_SCALES) == {*CODES, VALUED}
    for scale in USUAL_SCALES.values():
        check_anchors(scale)
    assert {code for _of, code, _weight, _anchors in full().indicators}.isdisjoint({*CODES, VALUED})
    assert set(INDICATOR_UNIT) == set(IndicatorCode)


def test_the_model_editor_fills_in_the_usual_scale():
    model = create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")
    loyalty = model.dimensions.get(code="LOY")
    sent = {"dimension": loyalty.pk, "weight": "10", "anchors": ""}
    form = IndicatorForm({**sent, "code": "L7"}, instance=model.indicators.model(model=model))
    refused = IndicatorForm({**sent, "code": "L6"}, instance=model.indicators.model(model=model))

    assert form.is_valid(), form.errors
    assert form.cleaned_data["anchors"] == [[0, 0], [1, 20], [3, 50], [6, 80], [10, 100]]
    assert not refused.is_valid()
    assert list(refused.errors) == ["anchors"]


def test_an_optional_indicator_counts_and_is_explained_on_the_card():
    account = make_account()
    post_revenue([sold(account, product=make_product()), sold(account, date(2022, 1, 1))])
    model = create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")
    tenure = model.indicators.get(code="L1")
    tenure.code, tenure.anchors = "L7", [list(anchor) for anchor in USUAL_SCALES["L7"]]
    try:
        tenure.full_clean()
    except ValidationError as error:  # pragma: no cover
        pytest.fail(str(error))
    tenure.save()
    activate_model(model=model)
    run = night(AS_OF)

    told = explain(Score.objects.select_related("run__model").get(run=run, account=account))

    part = next(part for one in told.dimensions for part in one.indicators if part.code == "L7")
    assert (part.label, part.value_text, part.score) == ("Different products bought, 12 months", "1", 20)
