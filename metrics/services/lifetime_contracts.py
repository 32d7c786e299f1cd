"""What accounts under contract are worth: what is signed, and what renews, by the model of their kind of contract.

Renewals are counted over the whole base, in cohorts of contracts with one length of term (a month that renews every month
says nothing about three years); an account's own contracts say what it pays. Where amounts come within a term is not
known: they are spread evenly over its days, a stand-in that decides no recognition (domain.md 1.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accounts.models import Account
from crm.lib.exceptions import FormulaError, InsufficientData
from crm.lib.wall import beyond_the_wall
from metrics import reasons
from metrics.formulas import contractual
from metrics.formulas.cashflow import schedule_value
from metrics.formulas.contractual import BetaWeibull, ContractFit
from metrics.formulas.exact import BoolArray, DateArray, FloatArray
from metrics.formulas.renewals import Chains, renewal_chains
from metrics.formulas.schedule import straight_line
from metrics.frames import IntArray
from metrics.frames_contracts import Contracts, contract_state, contracts
from metrics.scope import Scope, scope_of

SBG, BDW = "sbg", "bdw"
NO_AMOUNT, NO_MODEL = "contract_no_amount", "renewal_no_fit"


@dataclass(frozen=True, slots=True)
class RenewalCohort:
    """Contracts of one length of term over the whole base: their model, or the reason why there is none. The counts are
    None where a part of the base is in view."""

    term_months: int
    contracts: int | None
    points: int | None
    fit: ContractFit | None
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> BetaWeibull | None:
        return self.fit.model if self.fit else None

    @property
    def method(self) -> str | None:
        return None if self.model is None else SBG if self.model.is_geometric else BDW

    def sentence(self) -> str:
        return reasons.sentence(self.reason, **self.details) if self.reason else ""


@dataclass(frozen=True, slots=True, eq=False)
class ContractValues:
    """Of each account asked about, shape (n,): money, discounted, to the horizon; NaN where it cannot be said.

    signed : what its running contracts still bring, NaN without one or without its amount; expected : that and their
    renewals, NaN where the cohort has no model either; method : of the renewals, "" where expected is NaN
    cohort : term in months of the running contract, 0 without one
    """

    signed: FloatArray
    expected: FloatArray
    method: np.ndarray[Any, np.dtype[np.str_]]
    cohort: IntArray

    @property
    def has_schedule(self) -> BoolArray:
        return np.isfinite(self.signed)


@lru_cache(maxsize=16)
@beyond_the_wall("fitted to every customer of the ledger, for every reader the same")
def renewal_cohorts(state: str, as_of: date) -> Mapping[int, RenewalCohort]:
    """By term in months, over the whole base; fitted once for a ``contract_state`` and kept in this process."""
    found = contracts(scope_of(Account.objects.all()), as_of=as_of)
    chains = _chains(found, as_of)
    return {int(months): _cohort(chains, int(months)) for months in np.unique(chains.term_months)}


def _chains(found: Contracts, as_of: date) -> Chains:
    return renewal_chains(
        found.account_ids, found.first_on, found.last_on, is_cancelled=found.is_cancelled, as_of=np.datetime64(as_of)
    )


def _cohort(chains: Chains, months: int) -> RenewalCohort:
    mine = chains.term_months == months
    seen = contractual.renewals_of_contracts(chains.decided[mine], chains.is_lost[mine])
    count, points = int(seen.contracts), seen.points
    try:
        contractual.check_sufficient(seen)
        return RenewalCohort(months, count, points, contractual.fit(seen))
    except InsufficientData as short:
        return RenewalCohort(months, count, points, None, short.reason, short.details)
    except FormulaError:
        if count:
            return RenewalCohort(months, count, points, None, NO_MODEL)
        few = {"found": 0, "needed": contractual.MIN_CONTRACTS}
        return RenewalCohort(months, 0, 0, None, "renewal_few_contracts", few)


def contract_values(
    scope: Scope, account_ids: IntArray, *, as_of: date, horizon_months: int, discount: float
) -> ContractValues:
    """Value of the running contracts of these accounts, ascending by id, and of their renewals up to the horizon.

    discount : a year. Amounts of a month are taken as due in its middle. Two queries, three where a rate is needed.
    """
    found = contracts(scope, as_of=as_of)
    nothing = _nothing(len(account_ids))
    if not len(account_ids) or not len(found.account_ids):
        return nothing
    is_mine = np.isin(found.account_ids, account_ids)
    found = _only(found, is_mine)
    if not len(found.account_ids):
        return nothing
    chains = _chains(found, as_of)
    outlook = _Outlook(as_of, horizon_months, discount, len(account_ids))
    place = np.searchsorted(account_ids, found.account_ids).astype(np.int64)
    is_running = ~chains.is_lost[chains.contract] & ~found.is_cancelled
    is_known = np.isfinite(found.value)
    signed = outlook.signed(place, found, is_running & is_known)
    has_gap = np.bincount(place, weights=is_running & ~is_known, minlength=len(account_ids)) > 0
    amount = np.bincount(
        chains.contract,
        weights=np.where(chains.is_in_last_term & is_known, found.value, 0.0),
        minlength=len(chains.terms),
    )
    renewals = _renewals(outlook, chains, amount, account_ids, scope=scope)
    has_schedule = (renewals.cohort > 0) & ~has_gap
    is_said = has_schedule & renewals.has_model
    return ContractValues(
        signed=np.where(has_schedule, signed, np.nan),
        expected=np.where(is_said, signed + renewals.value, np.nan),
        method=np.where(is_said, renewals.method, ""),
        cohort=renewals.cohort,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Renewals:
    """Of each account, shape (n,): value, method and term of the running contracts' renewals; has_model: of all of them."""

    value: FloatArray
    method: np.ndarray[Any, np.dtype[np.str_]]
    cohort: IntArray
    has_model: BoolArray


def _renewals(
    outlook: _Outlook, chains: Chains, amount: NDArray[Any], account_ids: IntArray, *, scope: Scope
) -> _Renewals:
    """Each term by the model of its cohort over the whole base. amount : of the last term of each chain, (contracts,)"""
    cohorts = renewal_cohorts(contract_state(currency=scope.currency), outlook.as_of)
    nothing = _nothing(len(account_ids))
    value, has_model = np.zeros(len(account_ids)), np.ones(len(account_ids), dtype=bool)
    owner = np.searchsorted(account_ids, chains.account).astype(np.int64)
    runs = np.flatnonzero(~chains.is_lost)
    for months in np.unique(chains.term_months[runs]):
        mine = runs[chains.term_months[runs] == months]
        nothing.cohort[owner[mine]] = months
        model = cohorts[int(months)].model if int(months) in cohorts else None
        if model is None:
            has_model[owner[mine]] = False
            continue
        nothing.method[owner[mine]] = cohorts[int(months)].method or ""
        value += outlook.renewed(owner[mine], chains, mine, amount[mine], model)
    return _Renewals(value, nothing.method, nothing.cohort, has_model)


@dataclass(frozen=True, slots=True)
class _Outlook:
    """Months from the day after the as-of to the horizon, and the discounting of what falls into them."""

    as_of: date
    horizon_months: int
    discount: float
    accounts: int

    @property
    def edges(self) -> DateArray:
        start = np.datetime64(self.as_of + timedelta(days=1))
        month = start.astype("datetime64[M]")
        day = (start - month.astype("datetime64[D]")).astype(np.int64)
        starts = (month + np.arange(self.horizon_months + 1)).astype("datetime64[D]")
        ends = (month + np.arange(1, self.horizon_months + 2)).astype("datetime64[D]") - 1
        return np.minimum(starts + day, ends)

    def signed(self, place: IntArray, found: Contracts, chosen: BoolArray) -> FloatArray:
        """Straight line of the contracts that are ``chosen``."""
        rows = np.flatnonzero(chosen & (found.last_on > np.datetime64(self.as_of)))
        if not len(rows):
            return np.zeros(self.accounts)
        amounts = [found.amount[row] for row in rows.tolist()]
        parts = straight_line(
            [amount for amount in amounts if amount is not None], found.first_on[rows], found.last_on[rows],
            edges=self.edges, places=4,
        )  # fmt: skip
        return self._value(np.repeat(place[rows], self.horizon_months), parts.astype(np.float64).ravel(), 1.0)

    def renewed(
        self, owner: IntArray, chains: Chains, mine: IntArray, amount: FloatArray, model: BetaWeibull
    ) -> FloatArray:
        """The last term again and again, each time with the chance that it comes to that."""
        edges, days = self.edges, chains.term_days[mine][:, None]
        after = (edges[None, :] - (chains.last_on[mine] + 1)[:, None]).astype(np.int64).clip(min=0)
        low, high = after[:, :-1], after[:, 1:]
        number = low // days  # whole terms before this month since the running one ends
        turn = np.minimum(high, (number + 1) * days)
        terms = chains.terms[mine][:, None]
        before = contractual.survival(model, terms - 1)
        total = np.zeros(self.accounts)
        for count, which in ((turn - low, number), (high - turn, number + 1)):
            chance = contractual.survival(model, terms + which) / before
            money = amount[:, None] * count / days
            total += self._value(np.repeat(owner, self.horizon_months), money.ravel(), chance.ravel())
        return total

    def _value(self, who: IntArray, money: FloatArray, chance: FloatArray | float) -> FloatArray:
        edges = self.edges
        middle = edges[:-1] + (edges[1:] - edges[:-1]) // 2
        due = np.tile(middle, len(money) // self.horizon_months)
        return schedule_value(
            who, due, money, as_of=np.datetime64(self.as_of), accounts=self.accounts, discount=self.discount,
            chance=chance,
        )  # fmt: skip


def _only(found: Contracts, chosen: BoolArray) -> Contracts:
    rows = np.flatnonzero(chosen)
    return Contracts(
        found.account_ids[rows], found.first_on[rows], found.last_on[rows], found.is_cancelled[rows],
        tuple(found.amount[row] for row in rows.tolist()), found.value[rows],
    )  # fmt: skip


def _nothing(n: int) -> ContractValues:
    return ContractValues(
        np.full(n, np.nan), np.full(n, np.nan), np.full(n, "", dtype="<U3"), np.zeros(n, dtype=np.int64)
    )
