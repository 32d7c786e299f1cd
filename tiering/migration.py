"""Where the accounts of one grade stand some time later (cohort method, domain.md 3.9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.enums import GRADE_RANK, Grade
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import PeriodError
from crm.lib.periods import add_months
from tiering.models import GradePeriod, TierRun
from tiering.selectors import of_the_night, published_runs, rank_of

FEW_ACCOUNTS = 10  # a row on fewer says little, domain.md 3.9
USUAL_MONTHS = 12  # between the two nights where nobody names the first
NONE = "none"  # beside the codes of grades: no grade on that day
UP, DOWN, SAME = "up", "down", "same"
STEPS = (UP, DOWN, SAME)
HELD = """
SELECT account_id, grade FROM tiering_gradeperiod
WHERE valid_from <= %s AND (valid_to IS NULL OR valid_to > %s) AND grade <> %s AND {view}
"""
PAIRS = """
SELECT coalesce(before.grade, ''), coalesce(later.grade, ''), count(*)
FROM ({held}) AS before FULL JOIN ({held}) AS later USING (account_id) GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class MigrationRow:
    """The accounts of one grade on the first day and where they stood on the last: counts, and shares that sum to 1."""

    grade: str
    accounts: int
    counts: Mapping[str, int]
    shares: Mapping[str, float]

    @property
    def is_few(self) -> bool:
        return self.accounts < FEW_ACCOUNTS


@dataclass(frozen=True, slots=True)
class MigrationMatrix:
    """Rows of the grades that somebody held on the first day, best first, over the accounts graded on both days.

    entrants : accounts by their later grade that had none on the first day; leavers : by the first, none on the last
    up, down, same : accounts by rank, a problem below every other grade
    """

    first: date
    last: date
    rows: Sequence[MigrationRow]
    entrants: Mapping[str, int]
    leavers: Mapping[str, int]
    up: int
    down: int
    same: int

    @property
    def accounts(self) -> int:
        return self.up + self.down + self.same


def night_at(day: date) -> TierRun | None:
    """The published night nearest at or before ``day``; None where none is that early."""
    return published_runs().filter(as_of__lte=day).first()


def two_nights_at(*, first: date | None, last: date | None) -> tuple[TierRun, TierRun] | None:
    """The nights at or before two days, by default the last one and that of 12 months before it.

    A day before the first night stands for the first night. None while there are not two of them. Raises PeriodError where
    both days come to the same night, or stand the wrong way round.
    """
    if first and last and first >= last:
        raise PeriodError(_("The first day must lie before the last; swap them."))
    newest, earliest = published_runs().first(), published_runs().last()
    if newest is None or earliest is None or newest == earliest:
        return None
    after = newest if last is None else night_at(last) or earliest
    before = night_at(first or add_months(after.as_of, -USUAL_MONTHS)) or earliest
    if before.as_of >= after.as_of:
        raise PeriodError(
            _("Both days come to the night of %(day)s. Choose days with a night between them.") % {"day": after.as_of}
        )
    return before, after


def migrants(
    accounts: AccountQuerySet, *, first: date, last: date, before: str = "", later: str = "", step: str = ""
) -> AccountQuerySet:
    """Accounts with the grades they held on two days as ``before`` and ``later`` (NONE for none), largest revenue first.

    before, later : keep those of one grade, or of NONE; step : those graded on both days that went up, down or stayed
    Who had no grade on either day is left out.
    """
    found = (
        accounts.annotate(before=_held_on(first), later=_held_on(last))
        .exclude(before=NONE, later=NONE)
        .annotate(step=rank_of("later") - rank_of("before"))
        .select_related("figures", "owner")
        .order_by(F("figures__ttm_revenue").desc(nulls_last=True), "pk")
    )
    if before:
        found = found.filter(before=before)
    if later:
        found = found.filter(later=later)
    if step:
        sign = {UP: Q(step__gt=0), DOWN: Q(step__lt=0), SAME: Q(step=0)}[step]
        found = found.filter(sign).exclude(before=NONE).exclude(later=NONE)
    return found


def _held_on(day: date) -> Coalesce:
    held = GradePeriod.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=day), account=OuterRef("pk"), valid_from__lte=day
    ).exclude(grade=Grade.NOT_GRADED)
    return Coalesce(Subquery(held.order_by("-valid_from").values("grade")[:1]), Value(NONE))


def migration_matrix(accounts: AccountQuerySet, *, first: date, last: date) -> MigrationMatrix:
    """Migration of ``accounts`` (already limited to what the caller may see) between two days; one query.

    Over every account it is counted once for a published night. Raises PeriodError unless the first day comes first.
    """
    if last <= first:
        raise PeriodError(_("The first day must lie before the last; swap them."))
    return of_the_night("migration", accounts, lambda: _counted(accounts, first, last), about=(first, last))


def _counted(accounts: AccountQuerySet, first: date, last: date) -> MigrationMatrix:
    pairs = _pairs(accounts, first, last)
    both = {pair: number for pair, number in pairs.items() if all(pair)}
    steps = {pair: GRADE_RANK[pair[1]] - GRADE_RANK[pair[0]] for pair in both}
    return MigrationMatrix(
        first=first,
        last=last,
        rows=tuple(_row(grade, both) for grade in Grade.values if any(before == grade for before, _later in both)),
        entrants={later: number for (before, later), number in pairs.items() if not before},
        leavers={before: number for (before, later), number in pairs.items() if not later},
        up=sum(number for pair, number in both.items() if steps[pair] > 0),
        down=sum(number for pair, number in both.items() if steps[pair] < 0),
        same=sum(number for pair, number in both.items() if not steps[pair]),
    )


def _row(grade: str, both: Mapping[tuple[str, str], int]) -> MigrationRow:
    counts = {later: both[grade, later] for later in Grade.values if (grade, later) in both}
    total = sum(counts.values())
    return MigrationRow(grade, total, counts, {later: number / total for later, number in counts.items()})


def _pairs(accounts: AccountQuerySet, first: date, last: date) -> dict[tuple[str, str], int]:
    """Accounts by the grade they held on the first and on the last day, "" for none."""
    view, params = "true", []
    if not accounts.is_everything:
        try:
            sql, given = accounts.order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:
            return {}
        view, params = f"account_id IN ({sql})", list(given)
    held = HELD.format(view=view)
    days = [[day, day, Grade.NOT_GRADED.value, *params] for day in (first, last)]
    with connections[accounts.db].cursor() as cursor:
        cursor.execute(PAIRS.format(held=held), [*days[0], *days[1]])
        return {(before, later): number for before, later, number in cursor.fetchall()}
