"""Two hundred random ledgers: every figure against a slow version in plain Python (tests/metrics/slow).

The seeds are fixed; ``HYPOTHESIS_PROFILE=random`` draws new ones, and a failure names its own.
"""

import os
import random
from decimal import Decimal

import pytest

from crm.lib.periods import Period
from metrics import reasons
from metrics.reasons import MissingRate
from metrics.services.activity import activity
from metrics.services.cohorts import cohorts
from metrics.services.concentration import concentration
from metrics.services.decomposition import decomposition
from metrics.services.portfolio import two_periods
from tests.metrics.slow import drawn
from tests.metrics.slow.activity import Window
from tests.metrics.slow.cohorts import Matrix
from tests.metrics.slow.concentration import SHARES, abc
from tests.metrics.slow.concentration import concentration as slow_concentration
from tests.metrics.slow.decomposition import Split
from tests.metrics.slow.growth import LINES, TwoWindows

WORLDS, LEDGERS_EACH = 8, 25
CENT = Decimal("0.005")
RATIO = 1e-9
OFFSET = random.SystemRandom().randrange(10**9) if os.environ.get("HYPOTHESIS_PROFILE") == "random" else 0

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("world", range(WORLDS))
def test_figures_of_random_ledgers_are_those_of_the_slow_version(world):
    first = OFFSET + world * LEDGERS_EACH
    rates = drawn.draw_rates(random.Random(first))
    ledgers = drawn.post([drawn.draw(seed) for seed in range(first, first + LEDGERS_EACH)], rates)
    for one in ledgers:
        for question in QUESTIONS:
            try:
                question(one)
            except Exception as error:
                error.add_note(f"ledger {one.seed} of the world that begins with {first}, asked {one.asked}")
                raise


# --- Growth, retention, bridge ---


def same_two_periods(one):
    found = two_periods(one.accounts, base=period(one, "base"), comparison=period(one, "comparison"), **choices(one))
    slow = TwoWindows(one.ledger, one.asked["level"], one.asked["base"], one.asked["comparison"])
    grown, kept, bridge = found.growth(), found.retention(), found.bridge()
    assert grown.currency == one.ledger.currency
    if slow.missing:
        for answer, fields in ((grown, slow_growth_fields()), (kept, ("logo_retention", "net_revenue_retention"))):
            assert {getattr(answer, name) for name in fields} == {None}
            assert {str(answer.reasons[name]) for name in fields} == {no_rate(one, slow.missing)}
        assert {bar.amount for bar in bridge.bars.values()} == {None}
        assert {rate_key(rate) for rate in grown.missing_rates} == set(slow.missing)
        return
    same_fields(one, grown, slow.growth(), {"growth_rate": "no_cohort", "overall_growth_rate": "no_base"})
    same_fields(one, kept, slow.retention(), dict.fromkeys(RETENTION_RATES, "no_cohort"))
    same_bars(one, bridge, slow.bridge())
    same_units(one, found.table, {"base": slow.b, "comparison": slow.c})
    same_constant(one, slow, grown, bridge)


def same_bars(one, bridge, slow):
    amounts = {name: bar.amount for name, bar in bridge.bars.items()}
    assert sum(amounts.values()) == 2 * amounts["closing"]  # opening and lines are closing, to the last digit
    for name, (amount, units) in slow.items():
        bar = bridge.bars.get(name) or getattr(bridge, name)
        same_money(bar.amount, amount)
        assert (name, bar.accounts) == (name, units)


def same_constant(one, slow, grown, bridge):
    wanted = slow.constant_growth()
    if wanted["lacks_months"]:
        lacking = str(reasons.sentence("no_base_month"))
    else:
        lacking = no_rate(one, wanted["missing"])
        assert {rate_key(rate) for rate in grown.missing_rates} == set(wanted["missing"])
    for part, fields in (("cohort", COHORT_FIELDS), ("total", TOTAL_FIELDS)):
        if wanted[part]:
            rate, *money = fields
            base = grown.base_revenue if part == "cohort" else grown.total_base_revenue
            same_ratio(getattr(grown, rate), wanted[part][rate], within=CENT / base if base > 0 else 0)
            if wanted[part][rate] is None:
                assert grown.reasons[rate] == reasons.sentence("no_cohort" if part == "cohort" else "no_base")
            for name in money:  # multiplied in float64
                to_the_cent(getattr(grown, name), wanted[part][name])
        elif one.ledger.lines:
            assert {getattr(grown, name) for name in fields} == {None}
            assert {str(grown.reasons[name]) for name in fields} == {lacking}
    if wanted["total"]:
        constant = slow.bridge_to(wanted["amounts"])
        for name in LINES:
            to_the_cent(bridge.constant_lines[name].amount, constant[name][0])
            assert bridge.constant_lines[name].accounts == constant[name][1]
        moved = sum(bar.amount for bar in bridge.constant_lines.values())
        assert bridge.bars["opening"].amount + moved + bridge.fx_effect.amount == bridge.bars["closing"].amount


# --- Activity and decomposition ---


def same_activity(one):
    found = activity(one.accounts, period=period(one, "comparison"), **choices(one))
    slow = Window(one.ledger, one.asked["level"], *one.asked["comparison"])
    names = ("repeat_rate", "returning_rate", "order_frequency", "average_order_value", "revenue_per_active_account")
    same_fields(one, found, slow.figures(), {"active_rate": "no_covered", **dict.fromkeys(names, "no_active")})
    if slow.missing:
        for name in ("revenue", "unattributed", "average_order_value", "revenue_per_active_account"):
            assert getattr(found, name) is None
            assert str(found.reasons[name]) == no_rate(one, slow.missing)
    same_units(one, found.table, {"orders": slow.orders})


def same_decomposition(one):
    whole, leaves = slow_splits(one)
    for method in ("shapley", "lmdi"):
        found = decomposition(
            one.accounts, base=period(one, "base"), comparison=period(one, "comparison"), method=method,
            factors=one.asked["factors"], by="region", **choices(one),
        )  # fmt: skip
        if whole.missing:
            assert {part.effect for part in found.whole.parts.values()} == {None}
            assert no_rate(one, whole.missing) in map(str, found.reasons.values())
            continue
        negative = method == "lmdi" and any(split.is_negative for split in (whole, *leaves.values()))
        assert (found.method, found.is_fallback) == ("shapley" if negative else method, negative)
        same_split(found.whole, whole, found.method)
        for leaf in found.leaves:
            same_split(leaf, leaves[leaf.key], found.method)
        rolled = [sum(column) for column in zip(*(leaf.effects(found.method) for leaf in leaves.values()), strict=True)]
        for part, effect in zip(found.effects.values(), rolled or whole.effects(found.method), strict=True):
            close(part, effect)
        assert sum(found.effects.values()) == found.change
        assert sum(found.mix.values()) == 0


def slow_splits(one):
    level, ledger = one.asked["level"], one.ledger
    leaf_of = {}
    for unit in ledger.units(level):
        members = ledger.members(unit, level)
        leaf_of[unit] = ledger.customers[unit if ledger.customers[unit].in_view else members[0]].region
    split = lambda units: Split(  # noqa: E731
        ledger, level, one.asked["base"], one.asked["comparison"], factors=one.asked["factors"], units=units
    )
    leaves = {key: split([unit for unit in leaf_of if leaf_of[unit] == key]) for key in set(leaf_of.values())}
    return split(list(leaf_of)), leaves


def same_split(found, slow, method):
    same_money(found.base_revenue, slow.windows[0].total)
    same_money(found.comparison_revenue, slow.windows[1].total)
    *factors, unattributed = found.parts.values()
    for part, before, after in zip(factors, slow.before, slow.after, strict=True):
        same_ratio(part.base, before)
        same_ratio(part.comparison, after)
    for part, effect in zip((*factors, unattributed), slow.effects(method), strict=True):
        close(part.effect, effect)
    assert sum(part.effect for part in found.parts.values()) == found.change


# --- Cohorts ---


def same_cohorts(one):
    level, as_of, base_age = one.asked["level"], one.asked["as_of"], one.asked["base_age"]
    share_base = ("first_period", "first_full_period")[base_age]
    found = cohorts(one.accounts, interval=one.asked["interval"], share_base=share_base, **choices(one))
    slow = Matrix(one.ledger, level, one.asked["interval"], as_of, base_age=base_age)
    assert found.left_out_accounts == slow.left_out
    assert [(c.period.start, c.period.end) for c in found.cohorts] == slow.periods
    assert [c.accounts for c in found.cohorts] == [len(row) for row in slow.rows]
    for row, cohort in enumerate(found.cohorts):
        for cell in cohort.cells:
            same_cell(cell, slow, row)
    assert len(found.pooled) == slow.finished
    for age in found.pooled:
        same_age(age, slow)


def same_cell(cell, slow, row):
    wanted = slow.cell(row, cell.age)
    if wanted is None:
        assert (cell.is_finished, cell.active, cell.revenue, cell.revenue_share) == (False, None, None, None)
        assert cell.reason == reasons.sentence("period_open")
        return
    active, revenue, missing = wanted
    share, lacking = slow.share(row, cell.age)
    assert (cell.is_finished, cell.active) == (True, active)
    same_ratio(cell.active_share, active / len(slow.rows[row]) if slow.rows[row] else None)
    same_money(cell.revenue, revenue)
    same_ratio(cell.revenue_share, share)
    if missing or lacking:
        assert "no rate" in str(cell.reason)
    elif share is None:
        assert cell.reason == reasons.sentence("before_share_base" if cell.age < slow.base_age else "cohort_no_base")
    else:
        assert cell.reason == ""


def same_age(found, slow):
    size, active, share, lacks_rate = slow.pooled(found.age)
    assert found.accounts == size
    same_ratio(found.active_share, active)
    same_ratio(found.revenue_share, share)
    if lacks_rate:
        assert "no rate" in str(found.reason)
    elif share is None:
        assert found.reason == reasons.sentence("before_share_base" if found.age < slow.base_age else "cohort_no_base")


# --- Concentration ---


def same_concentration(one):
    found = concentration(one.accounts, period=period(one, "comparison"), **choices(one))
    missing = one.ledger.missing(one.ledger.lines_in(*one.asked["comparison"]))
    if missing:
        assert {getattr(found, name) for name in ("total", "abc", *SHARES)} == {None}
        assert {str(found.reasons[name]) for name in ("total", *SHARES)} == {no_rate(one, missing)}
        return
    revenue = one.ledger.revenue(one.asked["level"], *one.asked["comparison"])
    wanted = slow_concentration(revenue)
    why = dict.fromkeys(SHARES, "no_revenue")
    if wanted["accounts"] == 1:
        why["normalised_hhi"] = "one_account"
    same_fields(one, found, wanted, why)
    groups = slow_concentration(one.ledger.revenue("group", *one.asked["comparison"]))
    same_ratio(found.largest_group_share, groups["top_1_share"])
    classes = abc(revenue)
    assert dict(zip(found.table.unit_ids.tolist(), found.table.columns["abc"].tolist(), strict=True)) == {
        unit: letter for unit, letter in classes.items() if revenue[unit]
    }
    for letter, total in found.abc.items():
        same_money(total.revenue, sum((revenue[u] for u in revenue if classes[u] == letter), Decimal(0)))


# --- How two answers are compared ---


def period(one, name):
    return Period(*one.asked[name])


def choices(one):
    return {name: one.asked[name] for name in ("level", "membership", "currency", "credit_notes", "as_of")}


def same_fields(one, answer, wanted, why):
    """Each field as the slow version has it; where that is None the answer gives the reason."""
    for name, value in wanted.items():
        found = getattr(answer, name)
        if value is None:
            assert (name, found) == (name, None)
            if name in why:
                assert (name, str(answer.reasons[name])) == (name, str(reasons.sentence(why[name])))
        elif isinstance(value, Decimal):
            same_money(found, value)
        elif isinstance(value, int):
            assert (name, found) == (name, value)
        else:
            same_ratio(found, value)
            assert name not in answer.reasons


def same_money(found, wanted):
    """To the last digit; None for None."""
    assert found == wanted


def to_the_cent(found, wanted):
    assert abs(found - wanted) < CENT, (found, wanted)


def close(found, wanted):
    """Effects are shared out in float64: to the cent, and to twelve digits of large amounts."""
    assert abs(float(found) - float(wanted)) <= max(float(CENT), 1e-12 * abs(float(wanted))), (found, wanted)


def same_ratio(found, wanted, *, within=0):
    if wanted is None or found is None:
        assert found is wanted
    else:
        assert float(found) == pytest.approx(float(wanted), rel=RATIO, abs=max(RATIO, float(within)))


def same_units(one, table, wanted):
    """Columns of the accounts behind the figure; a unit that is not there has nothing."""
    ids = table.unit_ids.tolist()
    for name, by_unit in wanted.items():
        found = dict(zip(ids, table.columns[name].tolist(), strict=True))
        for unit in {*by_unit, *found}:
            assert float(found.get(unit, 0)) == pytest.approx(float(by_unit.get(unit, 0)), rel=1e-12, abs=float(CENT))


def no_rate(one, missing):
    target = one.ledger.currency
    return str(reasons.missing_rates_sentence(MissingRate(month, currency, target) for month, currency in missing))


def rate_key(rate):
    return rate.month, rate.from_currency


def slow_growth_fields():
    return (
        "cohort_accounts",
        "base_revenue",
        "growth_rate",
        "overall_growth_rate",
        "constant_growth_rate",
        "fx_effect",
    )


RETENTION_RATES = ("logo_retention", "gross_revenue_retention", "net_revenue_retention")
COHORT_FIELDS = ("constant_growth_rate", "constant_comparison_revenue", "cohort_fx_effect")
TOTAL_FIELDS = ("constant_overall_growth_rate", "total_constant_comparison_revenue", "fx_effect")
QUESTIONS = (same_two_periods, same_activity, same_decomposition, same_cohorts, same_concentration)
