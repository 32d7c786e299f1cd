"""Two nights side by side: what differs sums to the difference of the scores."""

from dataclasses import replace
from datetime import date

import pytest

from tests.factories import make_account, post_revenue
from tests.tiering.company import AS_OF, monthly, random_ledger
from tests.tiering.night import night
from tests.tiering.worked_example import RAW, make_draft, make_night, make_score
from tiering.comparison import compare
from tiering.explain import explain
from tiering.grading import Flag
from tiering.models import Score
from tiering.selectors import nights_of, two_nights
from tiering.services import activate_model


@pytest.fixture
def model(db):
    return activate_model(model=make_draft())


def test_differences_of_every_account_sum_to_that_of_its_composite(db):
    random_ledger(accounts=30, rows=600, seed=5)
    first, last = night(date(2024, 11, 30)), night(AS_OF)
    rows = Score.objects.filter(run__in=[first, last], composite__isnull=False).select_related("run__model")
    by_account: dict[int, dict[int, Score]] = {}
    for row in rows:
        by_account.setdefault(row.account_id, {})[row.run_id] = row

    moved = 0
    for found in by_account.values():
        if len(found) == 2:
            shown = compare(explain(found[first.pk]), explain(found[last.pk]))
            assert shown.difference == found[last.pk].composite - found[first.pk].composite
            assert sum(one.difference for one in shown.indicators) == pytest.approx(shown.difference, abs=1e-9)
            moved += any(one.is_moved for one in shown.indicators)
    assert moved > 15


def test_conditions_that_turned_and_notes_that_came_are_named(model):
    account = make_account()
    low = {"revenue_ttm": 4_000_000, "S1": 4_000_000}
    before = make_score(make_night(model), account=account, raw=low, grade="strategic", flags=int(Flag.YOUNG))
    later = make_night(model, as_of=date(2026, 11, 30))
    after = make_score(later, account=account, flags=int(Flag.WATCH))

    shown = compare(explain(before), explain(after))

    assert [(flip.grade, flip.reads, flip.is_gain) for flip in shown.flips] == [("gold", "revenue_ttm", True)]
    assert [one.code for one in shown.indicators if one.is_moved] == ["S1"]
    assert shown.come == ("Under watch: warning signs reached the limit.",)
    assert shown.gone == ("Customer for less than 12 months; sums are not annualised.",)
    assert (shown.is_other_grade, shown.is_other_model, shown.is_other_run) == (True, False, False)


def test_a_model_with_other_indicators_leaves_the_side_open(model):
    account = make_account()
    before = explain(make_score(make_night(model), account=account))
    sales = replace(before.dimensions[0], indicators=before.dimensions[0].indicators[:1])
    after = replace(before, model="other v1", dimensions=(sales,), grades=before.grades[1:])

    shown = compare(before, after)

    assert shown.is_other_model
    open_sides = {one.code for one in shown.indicators if one.after is None}
    assert open_sides == set(RAW) - {"S1"}
    assert {flip.grade for flip in shown.flips} == {"diamond"}
    assert all(flip.after is None and not flip.is_gain for flip in shown.flips)


def test_without_a_composite_there_is_no_difference(model):
    account = make_account()
    before = make_score(make_night(model), account=account, composite=None)
    after = make_score(make_night(model, as_of=date(2026, 11, 30)), account=account)

    shown = compare(explain(before), explain(after))

    assert shown.difference is None
    assert {one.difference for one in shown.indicators} == {None}


def test_two_accounts_are_not_compared(model):
    run = make_night(model)
    one, other = explain(make_score(run)), explain(make_score(run))

    with pytest.raises(ValueError, match="one account"):
        compare(one, other)


def test_the_last_two_nights_are_the_default_and_any_two_can_be_chosen(model, django_assert_num_queries):
    account = make_account()
    runs = [make_night(model, as_of=date(2026, month, 1)) for month in (7, 8, 9)]
    for run in runs:
        make_score(run, account=account)
    other = make_night(model, as_of=date(2026, 10, 1))
    make_score(other)

    def chosen(**nights):
        found = two_nights(account, **nights)
        return found and tuple(row.run_id for row in found)

    first, second, third = (run.pk for run in runs)
    assert chosen() == (second, third)
    assert chosen(second=second) == (first, second)
    assert chosen(second=first) == (first, first)
    assert chosen(first=third, second=first) == (third, first)
    assert chosen(first=other.pk) is None
    assert two_nights(make_account()) is None
    assert [night.pk for night in nights_of(account)] == [third, second, first]
    with django_assert_num_queries(2):
        two_nights(account)


def test_a_real_run_of_nights_is_part_of_what_differs(db):
    account = make_account()
    post_revenue(monthly(account, 1000, first=date(2022, 1, 1), months=36))
    night(AS_OF)

    found = two_nights(account)

    shown = compare(explain(found[0]), explain(found[1]))
    assert (shown.is_same_night, shown.difference in (0.0, None)) == (True, True)
