"""Value bands with what each asks for ([S004]: focus on high, cultivate mid, re-assess low), and what each has brought.

The bands are those of the segments question: high is the top fifth by gross profit of the last 12 whole months (by revenue
where cost is missing), low the lower half, among the accounts in view. Nothing is written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from accounts.querysets import AccountQuerySet
from crm.lib.periods import prior_ttm
from crm.lib.remember import remembered
from metrics.formulas.exact import FloatArray, exact_total
from metrics.formulas.rfm import ValueBand
from metrics.selectors import ledger_state
from metrics.services.segments import SegmentFigures, segments
from tiering.grouping import Ints


@dataclass(frozen=True, slots=True)
class BandResult:
    """What the accounts that were in a band 12 months ago have brought since: their revenue of the 12 months before and
    after, and how many had revenue in each; growth and retention are None where there was nothing to compare with."""

    band: ValueBand
    accounts: int
    before: Decimal
    after: Decimal
    customers: int
    kept: int

    @property
    def growth(self) -> float | None:
        return float((self.after - self.before) / self.before) if self.before > 0 else None

    @property
    def retention(self) -> float | None:
        return self.kept / self.customers if self.customers else None


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """figures : the bands as they are now, with a row an account; results : of the bands as they were 12 months ago"""

    figures: SegmentFigures
    results: tuple[BandResult, ...]


def bands(accounts: AccountQuerySet, *, as_of: date) -> Bands:
    """The bands of ``accounts`` (already limited to what the caller may see) on a day.

    Twice the statements of the segments question; over every account it is kept until the ledger or a fact changes.
    """

    def find() -> Bands:
        now = segments(accounts, as_of=as_of)
        then = segments(accounts, as_of=as_of, period=prior_ttm(as_of))
        return Bands(now, tuple(_result(band, then, now) for band in ValueBand))

    if not accounts.is_everything:
        return find()
    return remembered("bands", (*ledger_state(using=accounts.db, with_rates=True), as_of), find)


def members(found: Bands, band: str) -> Ints:
    """The accounts of a band, largest revenue first, then by id; those without a known revenue last."""
    table = found.figures.table
    here = table.columns["band"] == band
    revenue = np.nan_to_num(table.columns["revenue"][here], nan=-np.inf)
    return np.asarray(table.unit_ids[here][np.lexsort((table.unit_ids[here], -revenue))])


def _result(band: ValueBand, then: SegmentFigures, now: SegmentFigures) -> BandResult:
    here = then.table.columns["band"] == band.value
    ids, before = then.table.unit_ids[here], np.nan_to_num(then.table.columns["revenue"][here])
    after = _revenue_of(ids, now)
    is_customer = before > 0
    return BandResult(
        band=band,
        accounts=len(ids),
        before=exact_total(before),
        after=exact_total(after),
        customers=int(is_customer.sum()),
        kept=int((is_customer & (after > 0)).sum()),
    )


def _revenue_of(ids: Ints, figures: SegmentFigures) -> FloatArray:
    """Revenue of each account, 0 where it is no longer on the books."""
    known = figures.table.unit_ids
    order = np.argsort(known)
    places = np.minimum(np.searchsorted(known[order], ids), max(len(known) - 1, 0))
    if not len(known):
        return np.zeros(len(ids))
    found = known[order][places] == ids
    return np.where(found, np.nan_to_num(figures.table.columns["revenue"][order][places]), 0.0)
