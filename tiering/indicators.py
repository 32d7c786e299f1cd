"""What is measured for every account: indicators, the inputs of the conditions and the signals (domain.md 3.1 to 3.7).

Arrays of shape (n,) over all accounts, ascending by id; NaN is not known. P4 stays unknown until there is a
pipeline.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from accounts.enums import STRATEGIC_INDICATORS, EvaluatorFunction
from accounts.selectors_opinions import CALIBRATE_RANGE, FUNCTIONS_NEEDED
from crm.lib.periods import is_month_end
from metrics import selectors
from tiering import facts, graded_groups, grading, lifetime_value, optional
from tiering.enums import IndicatorCode
from tiering.facts import FUNCTIONS, INDICATORS, RELIEF_DAYS, Dates, Debts, People, RatingRows, Troubles
from tiering.graded_groups import Groups, RollUp
from tiering.grading import FLAG_DTYPE, MONEY_DECIMALS, Flag
from tiering.grouping import (
    Ints,
    distinct_pairs,
    group_any,
    group_medians,
    group_ranges,
    places_of,
)
from tiering.ledger_facts import LedgerCount, count_groups, count_ledger, of_money
from tiering.measured import Measured
from tiering.models import ScoringModel
from tiering.scoring import Bools, Floats, settled
from tiering.signals import signal_points
from tiering.windows import Windows, windows_at

DAYS_PER_YEAR = 365.25
YOUNG_MONTHS = 12
DAY_EXACT_MONTHS = 24  # until then months of tenure are counted to the day, later until the last whole month
# Soft signals, domain.md 3.7
DECLINE, STEEP_DECLINE = 0.3, 0.5
MARGIN_FLOOR = 0.1
DISSATISFIED_RATING = 2
LATE_RHYTHM = 2.0
SEVERE_REQUESTS = 2
OVERDUE_HARD_SHARE, OVERDUE_SOFT_SHARE = 0.2, 0.1  # of TTM revenue
RHYTHM_DAYS, SIGNAL_RHYTHM_DAYS = 3, 4  # different order days needed for L6, and for the signal

Values = Mapping[str, Floats]


def measure(
    model: ScoringModel,
    *,
    as_of: date,
    codes: Collection[str],
    fiscal_start_month: int,
    use_kept: bool = False,
    only: Ints | None = None,
    groups: Groups | None = None,
) -> Measured:
    """Measure every account; about ten queries whatever their number. Run it in one snapshot of the database.

    codes : the model's indicators; those that need a query of their own are left out otherwise
    use_kept : of accounts without a new line in the ledger take what ``standing.keep`` left; the result is the same.
    A model with an indicator of the whole base takes nothing of it
    only : ids of the accounts to measure, ascending; their figures do not depend on who else is measured, but for the
    indicators of ``standing.OF_EVERYONE``
    groups : the groups graded as one on the day, where they are read already
    """
    windows = windows_at(as_of, fiscal_start_month=fiscal_start_month)
    last_record_id = facts.last_record_id()
    groups = graded_groups.read(as_of) if groups is None else groups
    asked, only = only, None if only is None else groups.whole(only)
    everyone = facts.people(as_of=as_of, basis=model.basis, only=only)
    only = None if only is None else everyone.ids  # without those that are gone
    scope = facts.whole_scope(basis=model.basis, currency=model.currency)
    groups = groups.among(everyone.ids)
    rolled = RollUp.over(groups, everyone.ids)
    with_products = not {IndicatorCode.P5, IndicatorCode.L7}.isdisjoint(codes)
    ledger = count_ledger(
        scope,
        everyone.ids,
        windows,
        with_products=with_products,
        use_kept=use_kept and lifetime_value.OF_THE_WHOLE_BASE.isdisjoint(codes),
        is_part=only is not None,
    )
    figures = count_groups(scope, ledger, groups, windows, with_products=with_products)
    money = of_money(figures)
    data_start = selectors.data_start()
    has_prior = _is_covered(windows, data_start)
    starts = rolled.earliest(_tenure_starts(everyone, data_start=data_start))
    tenure = _tenure(starts, as_of=as_of, until=windows.ttm.last_day)
    rhythm, rhythm_days = _rhythm(figures, on=windows.ttm.last_day)
    indicators = _ledger_indicators(money, tenure, rhythm, rhythm_days, has_prior=has_prior)
    if IndicatorCode.P5 in codes:  # growth of the number of different products bought
        recent, before = figures.values["recent_products"], figures.values["prior_products"]
        indicators[IndicatorCode.P5] = _arc_growth(recent, before) if has_prior else np.full(len(recent), np.nan)
    indicators |= optional.measured(
        codes, everyone.ids, as_of=as_of, basis=model.basis, currency=model.currency,
        bought=figures.values["recent_products"], revenue=money["revenue_ttm"],
    )  # fmt: skip
    lifetimes, clv_bits = lifetime_value.measured(codes, scope, everyone.ids, as_of=as_of)
    indicators |= lifetimes
    opinions = _Opinions(everyone.ids, facts.ratings(as_of=as_of, only=only))
    evaluators = opinions.evaluators(only_unexpired=True)
    revenue = ledger.values["revenue_ttm"]  # each estimate is held against the revenue of its own company
    wallet, opportunity, invalid = _wallet(model, everyone.ids, revenue, rolled, as_of=as_of, only=only)
    stale_wallet, stale_opportunity, _ = _wallet(
        model, everyone.ids, revenue, rolled, as_of=as_of, grace_days=RELIEF_DAYS, only=only
    )
    indicators |= wallet | opinions.medians(only_unexpired=True)
    business = (money["revenue_ttm"] > 0) | rolled.some(everyone.running) | everyone.planned
    has_debts = facts.are_debts_recorded(as_of=as_of)
    debts = facts.debts(as_of=as_of, first=windows.ttm.start, currency=model.currency, only=only) if has_debts else None
    owed = _owed(everyone.ids, debts, rolled)
    indicators[IndicatorCode.L4] = owed.pop("on_time_share")
    late_on = _late_order_on(figures)
    signals = _signals(money, indicators, late_on <= _day_number(as_of), opinions, min_base=float(model.min_base))
    signals |= _overdue_signals(money["revenue_ttm"], owed, min_base=float(model.min_base))
    signals |= _noted_signals(everyone.ids, facts.troubles(as_of=as_of, only=only))
    points, bits = signal_points(signals)
    inputs = {name: money[name] for name in grading.INPUTS if name in money} | {
        "months": tenure["months"],
        "evaluators": evaluators.counting(),
        "business": business.astype(np.float64),
        "opportunity": opportunity,
        "signal_points": points,
        **owed,
    }
    relief = opinions.medians(only_unexpired=False) | {
        IndicatorCode.P2: stale_wallet[IndicatorCode.P2],
        "evaluators": opinions.evaluators(only_unexpired=False).counting(),
        "opportunity": stale_opportunity,
    }
    flags = everyone.flags | bits | clv_bits | np.where(rolled.is_node, int(Flag.OF_GROUP), 0)
    flags |= _notes(money, tenure, opinions, evaluators, invalid, min_base=float(model.min_base))
    in_business = ~np.isnan(tenure["months"]) | rolled.some(everyone.signed) | everyone.planned
    found = Measured(
        ids=everyone.ids,
        indicators=indicators,
        inputs=inputs,
        relief=relief,
        flags=flags,
        in_business=in_business,
        windows=windows,
        standing=everyone.standing,
        last_record_id=last_record_id,
        ledger=ledger,
        tenure_starts=starts,
        late_order_on=late_on,
        has_debts=has_debts,
        groups=groups,
    )
    return found if asked is None else found.among(asked)


def _tenure_starts(everyone: People, *, data_start: date | None) -> Dates:
    """The day of the first revenue, NaT without one.

    Who was a customer before the data start has been one at least since then, or since the day the account was opened.
    """
    first = everyone.first_revenue_on.copy()
    if data_start is not None:
        start = np.datetime64(data_start)
        opened = np.where(np.isnat(everyone.opened_on), start, np.minimum(everyone.opened_on, start))
        first = np.where(everyone.before_data_start, opened, first)
    return first


def _tenure(first: Dates, *, as_of: date, until: date) -> dict[str, Floats]:
    """Years (days / 365.25) and whole months since the first revenue; NaN without one.

    Like revenue, which counts whole months, an age counts until the last day of the last whole month, so that a score
    moves when something happens or a month closes, and not for every day that passes. While an account is young, its months
    are those up to the as-of: six of them open the way to Gold, on the day.
    """
    years = np.maximum((np.datetime64(until) - first).astype(np.float64), 0) / DAYS_PER_YEAR
    unknown = np.isnat(first)
    to_the_day, closed = _whole_months(first, as_of), _whole_months(first, until)
    months = np.where(to_the_day < DAY_EXACT_MONTHS, to_the_day, np.maximum(closed, DAY_EXACT_MONTHS))
    return {"years": np.where(unknown, np.nan, years), "months": np.where(unknown, np.nan, months)}


def _whole_months(first: Dates, as_of: date) -> Floats:
    """Whole months from each day to the as-of; the last day of a month completes every month."""
    months = np.datetime64(as_of, "M").astype(np.int64) - first.astype("datetime64[M]").astype(np.int64)
    day_of_month = (first - first.astype("datetime64[M]")).astype(np.int64) + 1
    last_day = 31 if is_month_end(as_of) else as_of.day
    return (months - (day_of_month > last_day)).astype(np.float64)


def _arc_growth(now: Floats, before: Floats) -> Floats:
    """(C − B) / ((C + B) / 2) of the positive parts; NaN where both are 0 or one is not known."""
    c, b = np.maximum(now, 0), np.maximum(before, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(c + b > 0, (c - b) / ((c + b) / 2), np.nan)


def _is_covered(windows: Windows, data_start: date | None) -> bool:
    return data_start is not None and windows.prior.start >= data_start


def _ledger_indicators(
    money: Values, tenure: Values, rhythm: Floats, rhythm_days: Floats, *, has_prior: bool
) -> dict[str, Floats]:
    revenue, profit = money["revenue_ttm"], money["gross_profit_ttm"]
    unknown = np.full(len(revenue), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        margin = np.where(revenue > 0, profit / revenue, np.nan)
    return {
        IndicatorCode.S1: revenue,
        IndicatorCode.S2: profit,
        IndicatorCode.S3: margin,
        IndicatorCode.P1: _arc_growth(revenue, money["revenue_prior_ttm"]) if has_prior else unknown,
        IndicatorCode.P4: unknown,
        IndicatorCode.L1: tenure["years"],
        IndicatorCode.L2: money["active_months"],
        IndicatorCode.L6: np.where(rhythm_days >= RHYTHM_DAYS, rhythm, np.nan),
    }


def _rhythm(ledger: LedgerCount, *, on: date) -> tuple[Floats, Floats]:
    """(days since the last order ÷ own median interval between different order days, number of those days).

    Silence counts until ``on``, the last day of the last whole month; who has ordered since has none. The warning of a late
    order does not wait for the month (``_late_order_on``).
    """
    values = ledger.values
    with np.errstate(invalid="ignore", divide="ignore"):
        silence = np.maximum(_day_number(on) - values["last_order"], 0)
        return silence / values["usual_gap"], values["order_days"]


def _late_order_on(ledger: LedgerCount) -> Floats:
    """Day number from which the next order is late: LATE_RHYTHM usual intervals after the last; NaN without a rhythm."""
    values = ledger.values
    return np.where(
        values["order_days"] >= SIGNAL_RHYTHM_DAYS, values["last_order"] + LATE_RHYTHM * values["usual_gap"], np.nan
    )


def _day_number(day: date) -> float:
    return float(np.datetime64(day).astype(np.int64))


def _wallet(
    model: ScoringModel,
    ids: Ints,
    revenue: Floats,
    rolled: RollUp,
    *,
    as_of: date,
    grace_days: int = 0,
    only: Ints | None = None,
) -> tuple[dict[str, Floats], Floats, Bools]:
    """P2 and L3, whether a usable estimate is there (0 or 1), and whether one is below our own revenue.

    Of a group those of its companies count that have a usable estimate, as on its page (metrics.services.group_rollup).
    """
    account_ids, amounts = facts.wallets(as_of=as_of, currency=model.currency, grace_days=grace_days, only=only)
    wallet = np.full(len(ids), np.nan)
    wallet[places_of(account_ids, among=ids)] = amounts
    ours = np.maximum(revenue, 0)
    invalid = wallet < ours
    wallet[invalid] = np.nan
    is_usable = ~np.isnan(wallet)
    ours = rolled.total(np.where(is_usable, ours, 0))
    wallet = np.where(rolled.some(is_usable), rolled.total(np.where(is_usable, wallet, 0)), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(wallet > 0, ours / wallet, np.nan)
    headroom = np.round(wallet - ours, MONEY_DECIMALS)
    known = (~np.isnan(headroom)).astype(np.float64)
    return {IndicatorCode.P2: headroom, IndicatorCode.L3: share}, known, rolled.some(invalid)


@dataclass(frozen=True, slots=True)
class Evaluators:
    """Who rated the strategic value of each account (domain.md 3.4): different people, their functions, and whether one
    of them is not its account manager."""

    people: Ints
    functions: Ints
    has_outsider: Bools

    def counting(self) -> Floats:
        """Evaluators that count towards the rule. They count as the people they are once the rule of two functions and
        somebody from outside holds; until then at most one does, so that a threshold of 2 or more fails."""
        holds = (self.functions >= FUNCTIONS_NEEDED) & self.has_outsider
        return np.where(holds, self.people, np.minimum(self.people, 1)).astype(np.float64)

    def missing(self) -> dict[Flag, Bools]:
        """Which part of the rule is not kept where there are people enough."""
        enough = self.people >= FUNCTIONS_NEEDED
        return {
            Flag.ONE_FUNCTION: enough & (self.functions < FUNCTIONS_NEEDED),
            Flag.ONLY_MANAGERS: enough & ~self.has_outsider,
        }


class _Opinions:
    """Ratings per account: the latest of each evaluator that counts, their median, and how many people gave them."""

    def __init__(self, ids: Ints, rows: RatingRows) -> None:
        self.rows, self.count = rows, len(ids)
        self.places = places_of(rows.account_ids, among=ids)

    def _latest(self, *, only_unexpired: bool) -> Ints:
        """Rows that count: the last one of each account, indicator and evaluator."""
        chosen = np.flatnonzero(self.rows.is_unexpired) if only_unexpired else np.arange(len(self.places))
        keys = np.stack([self.places[chosen], self.rows.indicator[chosen], self.rows.evaluator_ids[chosen]])
        is_last = np.append((keys[:, 1:] != keys[:, :-1]).any(axis=0), len(chosen) > 0)[: len(chosen)]
        return chosen[is_last]

    def medians(self, *, only_unexpired: bool) -> dict[str, Floats]:
        rows = self._latest(only_unexpired=only_unexpired)
        found = {}
        for number, code in enumerate(INDICATORS):
            here = rows[self.rows.indicator[rows] == number]
            found[code] = group_medians(
                self.rows.score[here].astype(np.int64), places=self.places[here], count=self.count
            )
        return found

    def evaluators(self, *, only_unexpired: bool) -> Evaluators:
        """Who rated the strategic value, and from where."""
        rows = self._latest(only_unexpired=only_unexpired)
        strategic = [INDICATORS.index(code) for code in STRATEGIC_INDICATORS]
        here = rows[np.isin(self.rows.indicator[rows], strategic)]
        places = self.places[here]
        return Evaluators(
            people=distinct_pairs(places, self.rows.evaluator_ids[here], count=self.count),
            functions=distinct_pairs(places, self.rows.function[here], count=self.count),
            has_outsider=group_any(~self.rows.is_manager[here], places=places, count=self.count),
        )

    def disagreement(self) -> Bools:
        """Ratings of one indicator lie so far apart that people should talk."""
        rows = self._latest(only_unexpired=True)
        far = np.zeros(self.count, dtype=bool)
        for number in range(len(INDICATORS)):
            here = rows[self.rows.indicator[rows] == number]
            spread = group_ranges(self.rows.score[here], places=self.places[here], count=self.count)
            far |= spread >= CALIBRATE_RANGE
        return far

    def dissatisfied_customer(self) -> Bools:
        rows = self._latest(only_unexpired=True)
        is_customer = self.rows.function[rows] == FUNCTIONS.index(EvaluatorFunction.CUSTOMER)
        is_bad = is_customer & (self.rows.score[rows] <= DISSATISFIED_RATING)
        is_bad &= self.rows.indicator[rows] == INDICATORS.index(IndicatorCode.L5)
        return group_any(is_bad, places=self.places[rows], count=self.count)


def _signals(
    money: Values, indicators: Values, is_late: Bools, opinions: _Opinions, *, min_base: float
) -> dict[Flag, Bools]:
    """Hard and soft signals that the ledger, costs and ratings can give; what is not known is off."""
    now, before = money["revenue_ttm"], money["revenue_prior_ttm"]
    with np.errstate(invalid="ignore", divide="ignore"):
        decline = np.where(before >= min_base, settled((before - now) / before), np.nan)
        return {
            # Contribution lies below gross profit, so two half-years of negative gross profit prove the loss.
            Flag.H2_LOSS: (money["gross_profit_half1"] < 0) & (money["gross_profit_half2"] < 0),
            Flag.DECLINE_30: decline >= DECLINE,
            Flag.DECLINE_50: decline >= STEEP_DECLINE,
            Flag.LOW_MARGIN: settled(indicators[IndicatorCode.S3]) < MARGIN_FLOOR,
            Flag.DISSATISFIED: opinions.dissatisfied_customer(),
            Flag.LATE_ORDER: is_late,
        }


def _owed(ids: Ints, debts: Debts | None, rolled: RollUp) -> dict[str, Floats]:
    """What each account owes overdue, and the share of what fell due that was paid in time; NaN where nothing did.

    debts : None for a company that records no receivables and so knows nothing of them: everything is NaN
    """
    names = ("overdue_31", "overdue_61", "overdue_90")
    if debts is None:
        return dict.fromkeys((*names, "on_time_share"), np.full(len(ids), np.nan))
    here = np.isin(debts.account_ids, ids)
    places = places_of(debts.account_ids[here], among=ids)

    def placed(name: str) -> Floats:
        found = np.zeros(len(ids))
        found[places] = getattr(debts, name)[here]
        return rolled.total(found)

    due, on_time = placed("due"), placed("on_time")
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(due > 0, on_time / due, np.nan)
    return {name: placed(name) for name in names} | {"on_time_share": share}


def _overdue_signals(revenue: Floats, owed: Values, *, min_base: float) -> dict[Flag, Bools]:
    """Overdue amounts against revenue: H1 and the two soft ones (domain.md 3.7); off where either is not known."""
    hard, soft = (np.maximum(min_base, share * revenue) for share in (OVERDUE_HARD_SHARE, OVERDUE_SOFT_SHARE))
    with np.errstate(invalid="ignore"):
        return {
            Flag.H1_OVERDUE: owed["overdue_90"] >= hard,
            Flag.OVERDUE_31: owed["overdue_31"] >= soft,
            Flag.OVERDUE_61: owed["overdue_61"] >= soft,
        }


def _noted_signals(ids: Ints, troubles: Troubles) -> dict[Flag, Bools]:
    """What people noted of requests, contacts and contracts."""
    here = np.isin(troubles.account_ids, ids)
    places = places_of(troubles.account_ids[here], among=ids)

    def at_least(least: int, counts: Ints) -> Bools:
        return group_any(counts[here] >= least, places=places, count=len(ids))

    return {
        Flag.SEVERE_REQUESTS: at_least(SEVERE_REQUESTS, troubles.severe_requests),
        Flag.DECIDER_AGAINST: at_least(1, troubles.deciders_against),
        Flag.NON_RENEWAL: at_least(1, troubles.non_renewals),
    }


def _notes(
    money: Values,
    tenure: Values,
    opinions: _Opinions,
    evaluators: Evaluators,
    invalid_wallet: Bools,
    *,
    min_base: float,
) -> Ints:
    """What a reader should know beside the grade."""
    before = money["revenue_prior_ttm"]
    notes = {
        Flag.YOUNG: tenure["months"] < YOUNG_MONTHS,
        Flag.SMALL_BASE: (before > 0) & (before < min_base),
        Flag.NO_RATE: np.isnan(money["revenue_ttm"]) | np.isnan(before) | np.isnan(money["revenue_fy2"]),
        Flag.NO_COST: np.isnan(money["gross_profit_ttm"]) & ~np.isnan(money["revenue_ttm"]),
        Flag.WALLET_BELOW_REVENUE: invalid_wallet,
        Flag.CALIBRATE: opinions.disagreement(),
        **evaluators.missing(),
    }
    bits = np.zeros(len(before), dtype=FLAG_DTYPE)
    for flag, on in notes.items():
        bits |= np.where(on, int(flag), 0)
    return bits
