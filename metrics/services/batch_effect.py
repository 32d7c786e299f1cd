"""What one import batch did to the figures: the same periods with and without its records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np
from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce, ExtractYear
from numpy.typing import NDArray

from accounts.models import ImportBatch, RevenueRecord
from accounts.querysets import AccountQuerySet, RevenueQuerySet
from crm.lib.periods import Period, prior_ttm, ttm
from metrics import frames
from metrics.formulas.retention import Retention, cohort_retention
from metrics.models import AccountMonth
from metrics.scope import scope_of
from metrics.selectors import company_basis, default_as_of


@dataclass(frozen=True, slots=True)
class YearChange:
    """Revenue of one calendar year in one currency, without the batch and with it."""

    year: int
    currency: str
    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        return self.after - self.before


@dataclass(frozen=True, slots=True, eq=False)
class BatchEffect:
    """Figures of two rolling years without the batch and with it; None where a rate is missing or currencies differ."""

    base: Period
    comparison: Period
    currency: str
    as_of: date
    years: tuple[YearChange, ...]
    before: Retention | None
    after: Retention | None
    active_before: int | None
    active_after: int | None


def batch_effect(batch: ImportBatch, accounts: AccountQuerySet) -> BatchEffect:
    """Effect of a posted ``batch`` on ``accounts`` (already limited to what the caller may see).

    Reads the roll-up, and of the ledger the records of this batch alone. What was booked by later batches counts on
    both sides.
    """
    as_of = default_as_of()
    base, comparison = prior_ttm(as_of), ttm(as_of)
    scope = scope_of(accounts)
    records = RevenueRecord.objects.filter(batch=batch, basis=company_basis()).of_accounts(accounts).order_by()
    years = _years(records, accounts)
    effect = BatchEffect(base, comparison, scope.currency, as_of, years, None, None, None, None)
    if scope.is_translated:
        return effect
    frame = frames.windows(scope, [base, comparison])
    mine = _of_batch(records, (base, comparison), frame.spans.account_ids)
    without = np.round(frame.net - mine, 4)
    return replace(
        effect,
        before=cohort_retention(without[:, 0], without[:, 1]),
        after=cohort_retention(frame.net[:, 0], frame.net[:, 1]),
        active_before=int((without[:, 1] > 0).sum()),
        active_after=int((frame.net[:, 1] > 0).sum()),
    )


def _of_batch(
    records: RevenueQuerySet, periods: tuple[Period, Period], account_ids: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Net of the batch per account (rows, as in ``account_ids``) and period, shape (n, 2)."""
    found = np.zeros((len(account_ids), len(periods)))
    for at, period in enumerate(periods):
        counted = records.booked_in(period).annotate(counts_for=Coalesce("account__merged_into", "account"))
        rows = list(counted.values("counts_for").annotate(net=Sum("amount")))
        place = np.searchsorted(account_ids, np.array([row["counts_for"] for row in rows], dtype=np.int64))
        found[place, at] = np.array([row["net"] for row in rows], dtype=np.float64)
    return found


def _years(records: QuerySet[RevenueRecord], accounts: AccountQuerySet) -> tuple[YearChange, ...]:
    """Only the years in which the batch has records, newest first."""
    grouped = records.annotate(year=ExtractYear("booked_on")).values_list("year", "currency")
    brought = {(year, currency): net for year, currency, net in grouped.annotate(net=Sum("amount"))}
    if not brought:
        return ()
    months = AccountMonth.objects.filter(
        account__in=accounts, basis=company_basis(), month__year__in={y for y, _c in brought}
    )
    totals = months.order_by().annotate(year=ExtractYear("month")).values_list("year", "currency")
    now = {(year, currency): net for year, currency, net in totals.annotate(total=Sum("net"))}
    return tuple(
        YearChange(
            year,
            currency,
            before=now.get((year, currency), Decimal(0)) - net,
            after=now.get((year, currency), Decimal(0)),
        )
        for (year, currency), net in sorted(brought.items(), key=lambda item: (-item[0][0], item[0][1]))
    )
