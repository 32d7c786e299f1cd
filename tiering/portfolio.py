"""Where do we invest? Accounts by their attractiveness and by our strength with them (domain.md 3.10), from the rows of a
published night; nothing is written, and it is no second grade.

attractiveness y = Σ w_d·score_d / Σ w_d over d in {STR, GRO}: the scores of strategic value and growth potential with the
weights of the model, over those of the two that count (evidence of half the dimension or more, as in the composite).
Where the model gives both no weight they count alike.
strength x = the score of loyalty, the weights of its indicators re-weighted over those that are known. As the customer
sees it: share of wallet (L3) or satisfaction (L5) must be among them, else what is left says only how the customer buys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

import numpy as np

from accounts.querysets import AccountQuerySet
from metrics.formulas.exact import exact_total
from tiering import scoring
from tiering.enums import DimensionCode, IndicatorCode, Quadrant
from tiering.grouping import Ints
from tiering.models import ScoringModel, TierRun
from tiering.scoring import Bools, Composed, Floats, Scheme
from tiering.selectors import of_the_night
from tiering.simulation import Snapshot, seen, snapshot

CUT = 50.0  # of both axes
ATTRACTIVE = (DimensionCode.STR, DimensionCode.GRO)
OF_MARGIN = (IndicatorCode.S2, IndicatorCode.S3, IndicatorCode.S5)
SEEN_BY_CUSTOMER = (IndicatorCode.L3, IndicatorCode.L5)
# (is attractive, are we strong) → what to do, by function (Millman and Wilson 1995).
QUADRANTS: Mapping[tuple[bool, bool], Quadrant] = MappingProxyType(
    {
        (True, True): Quadrant.INVEST,
        (True, False): Quadrant.SELECTIVE,
        (False, True): Quadrant.MAINTAIN,
        (False, False): Quadrant.CASH,
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Accounts with evidence for both axes, largest revenue first, then by id; each (n,).

    strength, attractiveness : 0..100; revenue : of the last 12 whole months in the model's currency, NaN not known
    summed : what of it counts in sums (``Snapshot.summed_revenue``)
    shown : number in evaluation.GRADES; quadrant : place in Quadrant
    """

    ids: Ints
    strength: Floats
    attractiveness: Floats
    revenue: Floats
    summed: Floats
    shown: Ints
    quadrant: Ints

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, mask: Bools) -> Points:
        names = ("ids", "strength", "attractiveness", "revenue", "summed", "shown", "quadrant")
        return Points(**{name: getattr(self, name)[mask] for name in names})

    def of(self, quadrant: str) -> Points:
        return self.where(self.quadrant == _place(Quadrant(quadrant)))


@dataclass(frozen=True, slots=True)
class QuadrantTotal:
    quadrant: Quadrant
    accounts: int
    revenue: Decimal


@dataclass(frozen=True, slots=True)
class Portfolio:
    """accounts : all in view; without_attractiveness, without_strength : those that lack the evidence for an axis, some
    for both; unmeasured : indicators that say how the customer sees us and that the model does not hold."""

    accounts: int
    points: Points
    quadrants: tuple[QuadrantTotal, ...]
    without_attractiveness: int
    without_strength: int
    without_both: int
    unmeasured: tuple[str, ...]

    @property
    def missing(self) -> int:
        return self.accounts - len(self.points)


def portfolio(accounts: AccountQuerySet, *, run: TierRun) -> Portfolio:
    """The accounts of the night that are in view (limited already to what the caller may see); a few queries.

    Over every account it is made once for a published night.
    """

    def find() -> Portfolio:
        found = snapshot(run)
        return _summed(found if accounts.is_everything else found.where(seen(found, accounts)), run)

    return of_the_night("portfolio", accounts, find, about=run.pk)


def rests_on_margins(model: ScoringModel) -> bool:
    """Whether a place in the chart tells of costs. It does not with the presets, which keep what costs into the sales
    dimension, of which neither axis is made; a model of one's own may put it anywhere."""
    of_axes = (*ATTRACTIVE, DimensionCode.LOY)
    return model.indicators.filter(code__in=OF_MARGIN, dimension__code__in=of_axes, weight__gt=0).exists()


def axes(composed: Composed, scheme: Scheme, *, raw: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """(strength, attractiveness) of each account, each (n,), NaN without evidence; the formulas of the module."""
    count = composed.scores.shape[1]
    weights = {code: scheme.dimensions.get(code, 0.0) for code in ATTRACTIVE}
    if not sum(weights.values()):
        weights = dict.fromkeys(weights, 1.0)
    weighted, total = np.zeros(count), np.zeros(count)
    for code, weight in weights.items():
        evidence = composed.dimension_evidence.get(code, np.zeros(count))
        counts = (evidence > 0) & (scoring.settled(evidence) >= scheme.min_dimension_evidence)
        weighted += np.where(counts, weight * composed.dimension_scores.get(code, np.zeros(count)), 0.0)
        total += np.where(counts, weight, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        attractiveness = np.where(total > 0, weighted / total, np.nan)
    is_seen = np.zeros(count, dtype=bool)
    for code in SEEN_BY_CUSTOMER:
        is_seen |= ~np.isnan(raw[code]) if code in scheme.codes else False
    loyalty = composed.dimension_scores.get(DimensionCode.LOY, np.full(count, np.nan))
    return np.where(is_seen, loyalty, np.nan), attractiveness


def _summed(found: Snapshot, run: TierRun) -> Portfolio:
    assert run.model is not None
    scheme = run.model.design().scheme()
    raw = np.array([found.raw[code] for code in scheme.codes]).reshape(len(scheme.codes), len(found.ids))
    strength, attractiveness = axes(scoring.compose(raw, scheme=scheme), scheme, raw=found.raw)
    no_strength, no_attraction = np.isnan(strength), np.isnan(attractiveness)
    points = _points(found, strength, attractiveness)
    return Portfolio(
        accounts=len(found.ids),
        points=points,
        quadrants=tuple(_total(points, quadrant) for quadrant in Quadrant),
        without_attractiveness=int(no_attraction.sum()),
        without_strength=int(no_strength.sum()),
        without_both=int((no_attraction & no_strength).sum()),
        unmeasured=tuple(code for code in SEEN_BY_CUSTOMER if code not in scheme.codes),
    )


def _points(found: Snapshot, strength: Floats, attractiveness: Floats) -> Points:
    revenue = found.raw.get("revenue_ttm", np.full(len(found.ids), np.nan))
    places = np.flatnonzero(~np.isnan(strength) & ~np.isnan(attractiveness))
    order = places[np.lexsort((found.ids[places], -np.nan_to_num(revenue[places], nan=-np.inf)))]
    is_attractive, is_strong = (scoring.settled(axis[order]) >= CUT for axis in (attractiveness, strength))
    quadrant = np.zeros(len(order), dtype=np.int64)
    for (attractive, strong), name in QUADRANTS.items():
        quadrant[(is_attractive == attractive) & (is_strong == strong)] = _place(name)
    summed = found.summed_revenue()
    return Points(
        found.ids[order], strength[order], attractiveness[order], revenue[order], summed[order], found.shown[order],
        quadrant,
    )  # fmt: skip


def _total(points: Points, quadrant: Quadrant) -> QuadrantTotal:
    inside = points.of(quadrant)
    return QuadrantTotal(quadrant, len(inside), exact_total(inside.summed))


def _place(quadrant: Quadrant) -> int:
    return list(Quadrant).index(quadrant)
