"""Reads over policies and promises; every one about accounts takes them limited to what the viewer may see."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from accounts.models import Account, User
from accounts.querysets import AccountQuerySet
from plans.enums import SPAN_MONTHS, PromiseKind, PromiseState, PromiseType
from plans.frames import Facts, Window, read_facts
from plans.measure import cases_of, cells_of, evidence_of, in_force, measure, violations_of
from plans.models import AccountPlan, PolicyVersion, Promise, RemediationPlan, Strategy
from plans.services_measure import sums_of, window_at
from service.models import Sponsor

if TYPE_CHECKING:
    import pandas as pd

TYPE_ORDER = {type_: place for place, type_ in enumerate(PromiseType.values)}


def policy_on(day: date) -> PolicyVersion | None:
    """The version that holds on a day; None before the first one."""
    held = PolicyVersion.objects.exclude(state="draft").filter(valid_from__lte=day)
    return held.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day)).first()


def versions() -> QuerySet[PolicyVersion]:
    return PolicyVersion.objects.select_related("made_by", "activated_by")


def promises_of(version: PolicyVersion, *, grade: str = "") -> list[Promise]:
    """In the order of PromiseType."""
    rows = version.promises.filter(grade=grade) if grade else version.promises.all()
    return sorted(rows, key=lambda row: TYPE_ORDER[row.type])


def strategy_of(version: PolicyVersion, grade: str) -> Strategy | None:
    return version.strategies.filter(grade=grade).first()


@dataclass(frozen=True, slots=True)
class Proof:
    """One piece of evidence: an interaction, a case, a discount. ``is_good`` is None where it is still open."""

    day: date
    kind: str
    key: int
    is_good: bool | None = True
    hours: float | None = None
    percent: float | None = None


@dataclass(frozen=True, slots=True)
class PromiseLine:
    """One promise to one account: what, how much of it, what is missing, by when and by whom."""

    promise: Promise
    state: PromiseState
    promised: float
    delivered: float
    compliance: float | None
    missing: int
    median_hours: float | None
    p90_hours: float | None
    due_on: date | None
    owner: User | None
    proofs: list[Proof] = field(default_factory=list)

    @property
    def kind(self) -> PromiseKind:
        """As it is measured: a promise open to all is stated, whatever would show it."""
        return PromiseKind.STATED if self.state == PromiseState.STATED else self.promise.kind


@dataclass(frozen=True, slots=True)
class AccountPromises:
    """All promises to one account on a day. ``grade``: whose policy holds, thirty days longer after a step down."""

    window: Window
    grade: str
    compliance: float | None
    lines: list[PromiseLine]
    strategy: Strategy | None
    version: PolicyVersion | None
    sponsors: list[Sponsor]

    @property
    def broken(self) -> list[PromiseLine]:
        return [line for line in self.lines if line.state == PromiseState.BROKEN]


def account_promises(account: Account) -> AccountPromises:
    """Promised against delivered of one account as of now; sixteen look-ups."""
    accounts = Account.objects.filter(pk=account.pk)
    window = window_at()
    facts = read_facts(accounts, window)
    rows = measure(facts, window)
    others = Sponsor.objects.current(window.as_of).filter(user=OuterRef("user")).order_by().values("user")
    load = Subquery(others.annotate(n=Count("account", distinct=True)).values("n"))
    sponsors = list(
        account.sponsors.current(window.as_of).annotate(load=load).select_related("user").order_by("kind", "pk")
    )
    known = {
        one.pk: one for one in Promise.objects.select_related("version").filter(pk__in=[*map(int, rows["promise"])])
    }
    proofs = _proofs(facts, window)
    owners = {one.kind: one.user for one in sponsors}
    lines = [
        _line(known[int(row["promise"])], row, proofs.get(row["type"], []), owners, account)
        for row in rows.to_dict("records")
    ]
    sums = sums_of(rows, facts, window)
    grade = str(sums["grade"].iloc[0]) if len(sums) else ""
    version = lines[0].promise.version if lines else policy_on(window.as_of)
    return AccountPromises(
        window=window,
        grade=grade,
        compliance=_number(sums["compliance"].iloc[0]) if len(sums) else None,
        lines=sorted(lines, key=lambda line: TYPE_ORDER[line.promise.type]),
        strategy=strategy_of(version, grade) if version and grade else None,
        version=version,
        sponsors=sponsors,
    )


def _line(
    promise: Promise, row: dict[str, Any], proofs: list[Proof], owners: dict[str, User], account: Account
) -> PromiseLine:
    of_executive = {PromiseType.SPONSOR_MEETINGS, PromiseType.ALIGNMENT_MEETINGS, PromiseType.PROBLEM_CHANNEL}
    owner = account.owner
    if promise.type in of_executive:
        owner = owners.get("executive", owner)
    elif promise.type == PromiseType.SENIOR_PARTNER:
        owner = owners.get("senior_partner", owner)
    return PromiseLine(
        promise=promise,
        state=PromiseState(row["state"]),
        promised=float(row["promised"]),
        delivered=float(row["delivered"]),
        compliance=_number(row["compliance"]),
        missing=int(row["missing"]),
        median_hours=_number(row["median_hours"]),
        p90_hours=_number(row["p90_hours"]),
        due_on=None if row["due_on"] is None or row["due_on"] != row["due_on"] else row["due_on"].date(),
        owner=owner,
        proofs=proofs,
    )


def _proofs(facts: Facts, window: Window) -> dict[str, list[Proof]]:
    """Evidence of one account by type of promise, newest first. No query."""
    cells = cells_of(facts, window)
    now = in_force(cells, window)
    found: dict[str, list[Proof]] = {}
    for row in _given(facts, now, window).to_dict("records"):
        found.setdefault(row["type"], []).append(Proof(row["day"].date(), "interaction", int(row["pk"])))
    for row in cases_of(cells, now, facts, window).sort_values("opened_at", ascending=False).to_dict("records"):
        good = None if not row["met"] and not row["late"] else bool(row["met"])
        proof = Proof(row["day"].date(), "request", int(row["pk"]), good, _number(row["taken"]))
        found.setdefault(row["type"], []).append(proof)
    for row in violations_of(cells, facts).sort_values("day", ascending=False).to_dict("records"):
        proof = Proof(
            row["day"].date(), "discount", int(row["pk"]), not row["is_violation"], None, float(row["percent"])
        )
        found.setdefault(PromiseType.DISCOUNT, []).append(proof)
    return found


def _given(facts: Facts, now: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Interactions inside the span of the promise they show."""
    rules = now[now["kind"] == PromiseKind.COUNT][["account", "type", "evidence", "counts_remote", "period", "start"]]
    given = evidence_of(facts.interactions).merge(rules, on=["account", "evidence"])
    first = given["period"].map({span: window.start(months) for span, months in SPAN_MONTHS.items()})
    given = given[given["day"] >= first.astype("datetime64[ns]").fillna(given["start"])]
    return given[given["counts_remote"].astype(bool) | ~given["is_remote"]].sort_values("day", ascending=False)


def _number(value: Any) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


# --- Plans of one account ---


def remediation_plans(account: Account) -> list[RemediationPlan]:
    """Newest first, the open one before all; with their steps, two queries."""
    plans = account.remediation_plans.select_related("owner", "closed_by").prefetch_related("actions__owner")
    return sorted(plans, key=lambda plan: (plan.is_open, plan.opened_on), reverse=True)


def account_plans(account: Account) -> list[AccountPlan]:
    plans = account.plans.select_related("owner", "made_by", "approved_by").prefetch_related("actions__owner")
    return list(plans)


def account_plans_in_view(accounts: AccountQuerySet) -> QuerySet[AccountPlan]:
    rows = AccountPlan.objects.filter(account__in=accounts.order_by().values("pk"))
    return rows.select_related("account", "owner", "made_by", "approved_by").prefetch_related("actions__owner")


def remediations_in_view(accounts: AccountQuerySet) -> QuerySet[RemediationPlan]:
    rows = RemediationPlan.objects.filter(account__in=accounts.order_by().values("pk"))
    return rows.select_related("account", "owner", "closed_by").prefetch_related("actions__owner")
