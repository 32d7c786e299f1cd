"""Which contract renews which: cases by hand, a slow version day by day, refusal of what is no contract."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.renewals import GRACE_DAYS, renewal_chains

AS_OF = date(2024, 6, 30)


def year(of, *, account=1, cancelled=False):
    return account, date(of, 1, 1), date(of, 12, 31), cancelled


def chains(*rows, as_of=AS_OF):
    account, first, last, cancelled = zip(*rows, strict=True) if rows else ((), (), (), ())
    return renewal_chains(account, first, last, is_cancelled=cancelled, as_of=np.datetime64(as_of))


def told(found):
    return list(
        zip(found.account.tolist(), found.terms.tolist(), found.decided.tolist(), found.is_lost.tolist(), strict=True)
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([year(2024)], [(1, 1, 0, False)]),  # no renewal came up yet
        ([year(2022), year(2023), year(2024)], [(1, 3, 2, False)]),
        ([year(2022), year(2023)], [(1, 2, 2, True)]),  # renewed once, then lost
        ([year(2021), year(2024)], [(1, 1, 1, True), (1, 1, 0, False)]),  # came back: a chain of its own
        ([year(2024, cancelled=True)], [(1, 1, 1, True)]),
        ([year(2023, cancelled=True), year(2024)], [(1, 2, 1, False)]),  # replaced by the next
        ([year(2023), year(2023, account=2), year(2024, account=2)], [(1, 1, 1, True), (2, 2, 1, False)]),
    ],
    ids=["none", "running", "renewed", "lost", "came back", "cancelled", "replaced", "two accounts"],
)
def test_chains_of_cases_by_hand(rows, expected):
    assert told(chains(*rows)) == expected


def test_contract_beside_another_belongs_to_its_term():
    found = chains(year(2023), (1, date(2023, 4, 1), date(2023, 9, 30), False), year(2024))

    assert told(found) == [(1, 2, 1, False)]
    assert found.contract.tolist() == [0, 0, 0]
    assert found.is_in_last_term.tolist() == [False, False, True]


@pytest.mark.parametrize(("late", "is_lost"), [(GRACE_DAYS, False), (GRACE_DAYS + 1, True)])
def test_term_is_lost_once_the_days_of_grace_are_over(late, is_lost):
    found = chains(year(2023), as_of=date(2023, 12, 31) + timedelta(days=late))

    assert found.is_lost.tolist() == [is_lost]


def test_monthly_contracts_have_less_grace_and_their_own_cohort():
    months = [(1, date(2024, month, 1), date(2024, month + 1, 1) - timedelta(days=1), False) for month in (1, 2, 3)]

    found = chains(*months, as_of=date(2024, 4, 20))

    assert (told(found), found.term_months.tolist()) == ([(1, 3, 3, True)], [1])
    assert chains(year(2024), (2, date(2023, 1, 1), date(2025, 12, 31), False)).term_months.tolist() == [12, 36]


TERM = st.tuples(st.integers(0, 2), st.integers(0, 2000), st.integers(1, 800), st.booleans())


def slowly(rows, as_of):
    """One contract after the other, as one reads them."""
    told, start = [], date(2019, 1, 1)
    for account in sorted({row[0] for row in rows}):
        terms: list[list] = []
        done = []
        for _account, first, last, cancelled in sorted(row for row in rows if row[0] == account):
            window = min(GRACE_DAYS, (last - first + 1) // 2)
            covered = max((term[1] for term in terms + [t for chain in done for t in chain]), default=None)
            if covered is not None and first > covered + 1 + window:
                done.append(terms)
                terms = []
            if not terms or first > covered - window:
                terms.append([first, last, [cancelled]])
            else:
                terms[-1][1] = max(terms[-1][1], last)
                terms[-1][2].append(cancelled)
        for chain in [*done, terms]:
            first, last, cancelled = chain[-1]
            over = min(GRACE_DAYS, (last - first + 1) // 2)
            is_lost = all(cancelled) or last + over < (as_of - start).days
            told.append((account, len(chain), len(chain) - (not is_lost), is_lost))
    return told


@settings(max_examples=500, deadline=None)
@given(st.lists(TERM, max_size=12), st.integers(0, 3000))
def test_chains_equal_the_slow_version(drawn, today):
    start = date(2019, 1, 1)
    rows = [(who, first, first + days - 1, cancelled) for who, first, days, cancelled in drawn]
    dated = [(who, start + timedelta(days=f), start + timedelta(days=l), gone) for who, f, l, gone in rows]
    as_of = start + timedelta(days=today)

    found = chains(*dated, as_of=as_of)

    assert told(found) == slowly(rows, as_of)
    assert (found.decided <= found.terms).all()
    assert sorted(set(found.contract.tolist())) == list(range(len(found.terms)))


@pytest.mark.parametrize(
    "rows", [[(1, date(2024, 2, 1), date(2024, 1, 1), False)], [(1, np.datetime64("NaT"), date(2024, 1, 1), False)]]
)
def test_no_contract_is_refused(rows):
    with pytest.raises(FormulaError, match="first day"):
        chains(*rows)


def test_lists_of_different_length_are_refused():
    with pytest.raises(FormulaError, match="each contract"):
        renewal_chains([1], [date(2024, 1, 1)], [], is_cancelled=[False], as_of=np.datetime64(AS_OF))
