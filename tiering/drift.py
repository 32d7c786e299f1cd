"""Whether a version still fits the accounts it grades: its nights, month by month, against the one it began with.

Read from the stored rows of at most 13 nights, one statement each, and kept for a published night once every account is
in view (domain.md 3.9, 3.6 for the number of key accounts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np

from accounts.enums import KEY_GRADES
from accounts.querysets import AccountQuerySet
from crm.lib.remember import remembered
from metrics.binary import Kind, as_sql, fetch
from tiering import scoring
from tiering.design import Design
from tiering.evaluation import GRADES, USING
from tiering.facts import grade_number
from tiering.grading import Flag
from tiering.grouping import Ints
from tiering.models import ScoringModel, TierRun
from tiering.population import CHANGED_FROM, STABLE_BELOW, counted, stability_index
from tiering.querysets import OF_NIGHT, night_values
from tiering.scoring import Floats
from tiering.selectors import published_runs
from tiering.selectors_activation import in_force_since
from tiering.simulation import MOST_KEY_ACCOUNTS

MONTHS = 12  # looked back from the last night, besides the one it began with
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
FALLEN = 0.05  # of the mean known share: from here on missing inputs are worth a word
MISSING_MORE = 0.1  # of the accounts: from here on an indicator that is known of fewer is worth a word
FEW_ACCOUNTS = 30  # below this a stability index says little
FEW_KNOWN = 10  # below this there is none


@dataclass(frozen=True, slots=True)
class NightSummary:
    """One night over the accounts in view that are in business; shares 0..1, scores 0..100, None where nobody is known.

    grades : accounts per grade code; quantiles : of the composite, at QUANTILES; incomplete : share of the accounts that
    lack an input of a dimension that counts; means, unknown : by code of the indicator; parts : accounts by part of its scale,
    as far as known
    """

    run_id: int
    as_of: date
    accounts: int
    grades: Mapping[str, int]
    quantiles: tuple[float, ...] | None
    evidence: float | None
    incomplete: float | None
    means: Mapping[str, float | None]
    unknown: Mapping[str, float]
    parts: Mapping[str, tuple[int, ...]]

    @property
    def key_accounts(self) -> int:
        return sum(self.grades.get(grade, 0) for grade in KEY_GRADES)


@dataclass(frozen=True, slots=True)
class IndicatorDrift:
    """One indicator on the first and the last night. index : population stability index of the known points, None where a
    night knows them of fewer than FEW_KNOWN accounts."""

    code: str
    mean_before: float | None
    mean_now: float | None
    unknown_before: float
    unknown_now: float
    index: float | None

    @property
    def is_moving(self) -> bool:
        return self.index is not None and self.index >= STABLE_BELOW

    @property
    def is_missing_more(self) -> bool:
        return self.unknown_now - self.unknown_before >= MISSING_MORE

    @property
    def has_changed(self) -> bool:
        return self.index is not None and self.index >= CHANGED_FROM


@dataclass(frozen=True, slots=True)
class Drift:
    """nights : ascending, the first is the one compared with; is_whole : from the first night the version was in force."""

    model: ScoringModel
    nights: tuple[NightSummary, ...]
    indicators: tuple[IndicatorDrift, ...]
    is_whole: bool

    @property
    def first(self) -> NightSummary:
        return self.nights[0]

    @property
    def last(self) -> NightSummary:
        return self.nights[-1]

    @property
    def is_crowded(self) -> bool:
        return self.last.key_accounts > MOST_KEY_ACCOUNTS

    @property
    def is_few(self) -> bool:
        return min(self.first.accounts, self.last.accounts) < FEW_ACCOUNTS

    @property
    def has_less_evidence(self) -> bool:
        before, now = self.first.evidence, self.last.evidence
        return before is not None and now is not None and before - now >= FALLEN


def drift(*, model: ScoringModel, accounts: AccountQuerySet) -> Drift | None:
    """How the accounts in view have moved since the version came into force; None before it has graded a night.

    Two statements for the nights, five for the version, one for each night that is not kept; one more where not all
    accounts are in view.
    """
    since, runs = in_force_since(model), list(published_runs().filter(model=model).order_by("as_of"))
    chosen = chosen_nights(runs, since=since)
    if not chosen:
        return None
    design = model.design()
    seen = None
    if not accounts.is_everything:
        seen = np.array(sorted(accounts.order_by().values_list("pk", flat=True)), dtype=np.int64)
    nights = tuple(_night(run, design, seen) for run in chosen)
    codes = [code for _of, code, _weight, _anchors in design.indicators]
    return Drift(
        model=model,
        nights=nights,
        indicators=tuple(_indicator(code, nights[0], nights[-1]) for code in codes),
        is_whole=since is not None and chosen[0].as_of >= since,
    )


def chosen_nights(runs: Sequence[TierRun], *, since: date | None) -> list[TierRun]:
    """The first night of the version and the last of each of the latest MONTHS months, ascending.

    runs : published nights of the version, ascending. Nights before ``since`` are history that was filled in; they count
    where fewer than two nights came after.
    """
    own = [run for run in runs if since is not None and run.as_of >= since]
    usable = own if len(own) > 1 else list(runs)
    by_month = {(run.as_of.year, run.as_of.month): run for run in usable}
    chosen = list(by_month.values())[-MONTHS:]
    first = usable[:1]
    return [*first, *(run for run in chosen if run not in first)]


def _night(run: TierRun, design: Design, seen: Ints | None) -> NightSummary:
    if seen is not None:
        return _summary(run, design, seen)
    return remembered("drift", (run.pk, str(run.published_at)), partial(_summary, run, design, None))


def _summary(run: TierRun, design: Design, seen: Ints | None) -> NightSummary:
    """One statement: what the night stored of every account, scored by the scales of its version."""
    layout: list[str] = run.model.raw_layout if run.model else []
    codes = [code for _of, code, _weight, _anchors in design.indicators if code in layout]
    columns: dict[str, Kind] = {"account_id": "int8", "grade": "int4", "flags": "int8"}
    columns |= {"composite": "float8", "evidence": "float8"} | dict.fromkeys(codes, "float8")
    picked = {
        "account_id": "account_id", "grade": grade_number("grade"), "flags": "flags", "composite": "composite",
        "evidence": "evidence", **{code: f"raw[{layout.index(code) + 1}]" for code in codes},
    }  # fmt: skip
    sql = ", ".join(as_sql(picked[name], kind) for name, kind in columns.items())
    rows = fetch(f"SELECT {sql} FROM tiering_score WHERE {OF_NIGHT}", night_values(run), columns, using=USING)
    here = (rows["flags"] & Flag.NO_BUSINESS) == 0
    if seen is not None:
        here &= np.isin(rows["account_id"], seen)
    rows = {name: values[here] for name, values in rows.items()}
    scales = {code: anchors for _of, code, _weight, anchors in design.indicators}
    return _summed(run, rows, {code: scoring.anchored(rows[code], anchors=scales[code]) for code in codes}, design)


def _summed(run: TierRun, rows: Mapping[str, Floats], scores: Mapping[str, Floats], design: Design) -> NightSummary:
    count = len(rows["account_id"])
    composite = rows["composite"][~np.isnan(rows["composite"])]
    counts = np.bincount(rows["grade"].astype(np.int64), minlength=len(GRADES))
    needed = [code for of, code, weight, _anchors in design.indicators if weight and design.dimensions[of]]
    lacks = np.zeros(count, dtype=bool)
    for code in needed:
        lacks |= np.isnan(scores[code]) if code in scores else True
    return NightSummary(
        run_id=run.pk,
        as_of=run.as_of,
        accounts=count,
        grades={code: int(counts[number]) for number, code in enumerate(GRADES) if code},
        quantiles=tuple(np.quantile(composite, QUANTILES).tolist()) if len(composite) else None,
        evidence=float(rows["evidence"].mean()) if count else None,
        incomplete=float(lacks.mean()) if count else None,
        means={code: _mean(values) for code, values in scores.items()},
        unknown={code: float(np.isnan(values).mean()) if count else 0.0 for code, values in scores.items()},
        parts={code: tuple(counted(values).tolist()) for code, values in scores.items()},
    )


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _indicator(code: str, first: NightSummary, last: NightSummary) -> IndicatorDrift:
    before, now = first.parts.get(code, ()), last.parts.get(code, ())
    is_counted = min(sum(before), sum(now)) >= FEW_KNOWN
    return IndicatorDrift(
        code=code,
        mean_before=first.means.get(code),
        mean_now=last.means.get(code),
        unknown_before=first.unknown.get(code, 1.0),
        unknown_now=last.unknown.get(code, 1.0),
        index=stability_index(before, now) if is_counted else None,
    )
