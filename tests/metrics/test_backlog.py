"""Backlog: the worked example, what the books say against the stand-in, milestones, cancellation, a version day by day."""

import itertools
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.backlog import Milestones, Terms, of_contracts, progress, translated

NEVER = np.datetime64("NaT")
AS_OF = date(2024, 12, 31)
EDGES = [date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1)]


def days(*found):
    return np.array([NEVER if day is None else day for day in found], dtype="datetime64[D]")


def terms(*contracts):
    """Contracts of (value, first, last, cancelled, recorded)."""
    value, first, last, cancelled, recorded = zip(*contracts, strict=True) if contracts else ((),) * 5
    return Terms(
        [Decimal(str(one)) for one in value], days(*first), days(*last), days(*cancelled),
        [None if one is None else Decimal(str(one)) for one in recorded],
    )  # fmt: skip


def milestones(*parts):
    """Parts of (contract, amount, planned, accepted)."""
    who, amount, planned, accepted = zip(*parts, strict=True) if parts else ((),) * 4
    return Milestones(
        np.array(who, dtype=np.int64), [Decimal(str(one)) for one in amount], days(*planned), days(*accepted)
    )


def asked(contracts, parts=(), *, as_of=AS_OF, edges=EDGES):
    return progress(terms(*contracts), milestones(*parts), as_of=np.datetime64(as_of), edges=days(*edges))


def flows(found, at=0):
    """(signed, recognised, backlog, periods, later, overdue, undated) as numbers."""
    plain = [getattr(found, name)[at] for name in ("signed", "recognised", "backlog")]
    return [
        *map(float, plain),
        [float(one) for one in found.periods[at]],
        *(float(getattr(found, name)[at]) for name in ("later", "overdue", "undated")),
    ]


YEAR = (1_200_000, date(2024, 7, 1), date(2025, 6, 30), None, None)


def test_worked_example_is_recognised_in_a_straight_line():
    found = asked([YEAR])

    assert found.recognised.tolist() == [Decimal("604931.51")]
    assert flows(found) == [1_200_000, 604_931.51, 595_068.49, [295_890.41, 299_178.08], 0, 0, 0]
    assert found.is_recorded.tolist() == [False]


def test_what_the_books_say_is_not_mixed_with_the_stand_in():
    found = asked([(1200, date(2024, 7, 1), date(2025, 6, 30), None, 300)])

    assert found.is_recorded.tolist() == [True]
    assert flows(found) == [1200, 300, 900, [447.51, 452.49], 0, 0, 0]  # 90 and 91 of the 181 days that are left


def test_term_over_and_not_all_recognised_is_overdue():
    assert flows(asked([(1200, date(2023, 1, 1), date(2023, 12, 31), None, 300)])) == [
        1200,
        300,
        900,
        [0, 0],
        0,
        900,
        0,
    ]


def test_more_recognised_than_signed_is_no_backlog_and_is_said():
    found = asked([(1200, date(2023, 1, 1), date(2025, 12, 31), None, 1300)])

    assert flows(found) == [1200, 1300, 0, [0, 0], 0, 0, 0]
    assert found.overrun.tolist() == [Decimal(100)]


def test_milestones_are_recognised_when_accepted_and_come_when_planned():
    found = asked(
        [(1000, None, None, None, None)],
        [
            (0, 100, date(2024, 5, 1), date(2024, 6, 1)),
            (0, 150, date(2024, 12, 1), None),
            (0, 200, date(2025, 2, 1), None),
            (0, 50, date(2025, 2, 1), date(2025, 5, 1)),
            (0, 300, date(2026, 1, 1), None),
        ],
    )

    assert flows(found) == [1000, 100, 900, [200, 50], 300, 150, 200]


def test_milestones_are_cut_where_the_books_leave_no_backlog():
    parts = [(0, 400, date(2025, 2, 1), None), (0, 600, date(2025, 5, 1), None)]

    assert flows(asked([(1000, None, None, None, 450)], parts)) == [1000, 450, 550, [400, 150], 0, 0, 0]


@pytest.mark.parametrize(
    ("cancelled", "recorded", "said"),
    [
        (date(2024, 10, 1), None, 302_465.75),  # 92 of 365 days
        (date(2024, 7, 1), None, 0),
        (date(2024, 1, 1), None, 0),
        (date(2024, 10, 1), 5, 5),
    ],
)
def test_cancelled_contract_is_signed_for_what_was_delivered(cancelled, recorded, said):
    assert flows(asked([(*YEAR[:3], cancelled, recorded)])) == [said, said, 0, [0, 0], 0, 0, 0]


def test_cancellation_after_the_day_asked_about_is_not_known_yet():
    assert flows(asked([(*YEAR[:3], date(2025, 1, 1), None)])) == flows(asked([YEAR]))


def test_one_day_contract_and_none_at_all():
    assert flows(asked([(7, date(2025, 1, 1), date(2025, 1, 1), None, None)])) == [7, 0, 7, [7, 0], 0, 0, 0]
    assert flows(asked([(7, AS_OF, AS_OF, None, None)])) == [7, 7, 0, [0, 0], 0, 0, 0]
    assert asked([]).periods.shape == (0, 2)
    assert translated(asked([]), []).signed.tolist() == []


def test_translation_keeps_what_adds_up():
    found = translated(
        asked([YEAR, (100, date(2023, 1, 1), date(2023, 12, 31), None, 150)]), [Decimal("7.123456789")] * 2
    )

    assert found.signed[0] == Decimal("8548148.1468")
    assert found.recognised[0] == (Decimal("604931.51") * Decimal("7.123456789")).quantize(Decimal("0.0001"))
    assert found.signed[1] == found.recognised[1] - found.overrun[1] == Decimal("712.3457")
    assert_adds_up(found)
    assert of_contracts(found, np.array([False, True])).signed.tolist() == [found.signed[1]]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: asked([(-1, date(2024, 1, 1), date(2024, 12, 31), None, None)]),
        lambda: asked([(1, None, date(2024, 12, 31), None, None)]),
        lambda: asked([(1, date(2024, 12, 31), date(2024, 1, 1), None, None)]),
        lambda: asked([YEAR], [(1, 5, AS_OF, None)]),
        lambda: asked([YEAR], edges=[date(2025, 1, 2), date(2025, 2, 1)]),
        lambda: translated(asked([YEAR]), []),
        lambda: progress(
            Terms([], days(AS_OF), days(AS_OF), days(None), [None]), milestones(), as_of=np.datetime64(AS_OF), edges=days(*EDGES)
        ),
    ],
    ids=["below-zero", "no-first-day", "backwards", "unknown-contract", "edges", "no-rate", "lengths"],
)  # fmt: skip
def test_progress_refuses_what_lies_outside_the_domain(wrong):
    with pytest.raises(FormulaError):
        wrong()


def assert_adds_up(found):
    for at in range(len(found.signed)):
        assert found.signed[at] - found.recognised[at] == found.backlog[at] - found.overrun[at]
        assert min(found.backlog[at], found.overrun[at]) == 0
        parts = [*found.periods[at], found.later[at], found.overdue[at], found.undated[at]]
        assert sum(parts) == found.backlog[at]
        assert min(parts) >= 0


FIRST = date(2024, 1, 1)


def day_of(number):
    return None if number is None else FIRST + timedelta(days=number)


DAYS = st.integers(-400, 800)
CONTRACT = st.tuples(
    st.integers(0, 10**8).map(lambda units: Decimal(units).scaleb(-2)),
    DAYS,
    st.integers(0, 400),
    st.none() | DAYS,
    st.none() | st.integers(0, 10**8).map(lambda units: Decimal(units).scaleb(-2)),
    st.lists(st.tuples(st.integers(1, 40), DAYS, st.none() | DAYS), max_size=4),
)
CASES = st.lists(CONTRACT, min_size=1, max_size=3)
WINDOWS = st.sets(st.integers(1, 600), min_size=1, max_size=5).map(sorted)


def drawn(cases):
    """Contracts and their milestones, which together are at most the contract."""
    contracts, parts = [], []
    for at, (value, first, length, cancelled, recorded, shares) in enumerate(cases):
        contracts.append((value, day_of(first), day_of(first + length), day_of(cancelled), recorded))
        for share, planned, accepted in shares:
            amount = (value * share / 160).quantize(Decimal("0.01"))
            if amount > 0:
                parts.append((at, min(amount, value / 4), day_of(planned), day_of(accepted)))
    return contracts, parts


def slow(contract, parts, as_of, edges):
    """(signed, recognised, {bucket: amount}) of one contract, walking from day to day."""
    value, first, last, cancelled, recorded = contract
    is_over = cancelled is not None and cancelled <= as_of
    recognised, coming = Decimal(0), []  # (day, amount) still to come
    if parts:
        for _who, amount, planned, accepted in parts:
            if accepted is not None and accepted <= as_of:
                recognised += amount
            else:
                coming.append((planned if accepted is None else accepted, amount))
        coming.sort(key=lambda one: one[0])
    else:
        for day, amount in walk(value, first, last):
            if day <= as_of and (cancelled is None or day < cancelled):
                recognised += amount
            elif day > as_of:
                coming.append((day, amount))
    if recorded is not None:
        recognised = recorded
    signed = recognised if is_over else value
    left = max(signed - recognised, Decimal(0))
    if recorded is not None and not parts:
        coming = list(walk(left, max(first, as_of + timedelta(days=1)), last)) if last > as_of else [(last, left)]
    buckets, rest = Counter(), left
    for day, amount in coming:
        taken = min(amount, rest)
        rest -= taken
        inside = [n for n, (low, high) in enumerate(itertools.pairwise(edges)) if low <= day < high]
        buckets["overdue" if day <= as_of else inside[0] if inside else "later"] += taken
    buckets["undated"] += rest
    return signed, recognised, buckets


def walk(value, first, last):
    """Each day with what its running total, rounded to the cent, adds to that of the day before."""
    term, before = (last - first).days + 1, Decimal(0)
    for number in range(1, term + 1):
        exact = Fraction(value) * number / term * 100
        cents = Decimal(int(exact + Fraction(1, 2))).scaleb(-2)
        running = value if number == term else min(cents, value)
        yield first + timedelta(days=number - 1), running - before
        before = running


@settings(max_examples=500, deadline=None)
@given(CASES, st.integers(-100, 500), WINDOWS)
def test_progress_equals_the_version_day_by_day(cases, as_of_day, windows):
    contracts, parts = drawn(cases)
    as_of = day_of(as_of_day)
    edges = [as_of + timedelta(days=1), *(as_of + timedelta(days=1 + step) for step in windows)]

    found = asked(contracts, parts, as_of=as_of, edges=edges)

    assert_adds_up(found)
    for at, contract in enumerate(contracts):
        mine = [part for part in parts if part[0] == at]
        signed, recognised, buckets = slow(contract, mine, as_of, edges)
        assert (found.signed[at], found.recognised[at]) == (signed, recognised)
        assert found.periods[at].tolist() == [buckets[n] for n in range(len(edges) - 1)]
        assert [found.later[at], found.overdue[at], found.undated[at]] == [
            buckets["later"], buckets["overdue"], buckets["undated"],
        ]  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(CASES, st.integers(-100, 500), st.integers(1, 10**12).map(lambda units: Decimal(units).scaleb(-8)))
def test_any_rate_leaves_what_adds_up(cases, as_of_day, rate):
    contracts, parts = drawn(cases)
    as_of = day_of(as_of_day)

    found = translated(
        asked(contracts, parts, as_of=as_of, edges=[as_of + timedelta(days=1), as_of + timedelta(days=100)]),
        [rate] * len(contracts),
    )

    assert_adds_up(found)
