"""Promises and facts of many accounts → a row for each promise that holds on the day. Vectorised; no query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plans import formulas
from plans.catalogue import NAMED_LEVELS
from plans.enums import KIND_OF, SPAN_MONTHS, CaseEvent, Clock, Evidence, PromiseKind, PromiseState
from plans.frames import Facts, Window
from service.enums import InteractionKind, InteractionPurpose, RequestKind, SponsorKind

if TYPE_CHECKING:
    import pandas as pd

DUE_AFTER_DAYS = 30  # of what has to be in place, and of what is promised once [D]
MEASURED_MONTHS = 12  # of cases and discounts [D]
P90 = 0.9
IN_PERSON_OR_CALL = (InteractionKind.VISIT, InteractionKind.CALL, InteractionKind.MEETING)
PURPOSES = {
    InteractionPurpose.SPONSOR: Evidence.SPONSOR,
    InteractionPurpose.ALIGNMENT: Evidence.ALIGNMENT,
    InteractionPurpose.JOINT_REVIEW: Evidence.JOINT_REVIEW,
    InteractionPurpose.PLAN_CHECK: Evidence.PLAN_CHECK,
}
SPECIAL_REQUESTS = {
    RequestKind.EXPERT: Evidence.EXPERT_REQUEST,
    RequestKind.RESOURCES: Evidence.RESOURCE_REQUEST,
}
KEY = ["account", "type"]
RESULT = ("account", "promise", "grade", "type", "kind", "state", "promised", "delivered", "compliance", "weight",
          "missing", "median_hours", "p90_hours", "due_on", "ratio", "surplus_cost")  # fmt: skip


def measure(facts: Facts, window: Window) -> pd.DataFrame:
    """One row an account and promise in force on the day; columns RESULT. A time promise without a case is not due."""
    import pandas as pd

    cells = cells_of(facts, window)
    now = in_force(cells, window)
    found = pd.concat(
        [
            _counted(cells, now, facts, window),
            _timed(cells, now, facts, window),
            _standing(now, facts, window),
            _permissions(cells, now, facts),
            _row(now[now["kind"] == PromiseKind.STATED], state=PromiseState.STATED),
        ],
        ignore_index=True,
    )
    return found.sort_values(["account", "promise"], ignore_index=True)


def cells_of(facts: Facts, window: Window) -> pd.DataFrame:
    """Which promise of which version held for which account from when to when, up to the day."""
    rules = facts.promises.assign(kind=facts.promises["evidence"].map({str(k): str(v) for k, v in KIND_OF.items()}))
    is_named = rules["level"].isin([str(level) for level in NAMED_LEVELS])
    rules["kind"] = rules["kind"].mask((rules["kind"] == PromiseKind.STANDING) & ~is_named, PromiseKind.STATED)
    cells = facts.spans.merge(rules.rename(columns={"pk": "promise"}), on="grade")
    cells["start"] = np.maximum(cells["start"], cells["valid_from"])
    cells["end"] = np.minimum(cells["end"], cells["valid_to"])
    return cells[(cells["start"] < cells["end"]) & (cells["start"] < _stamp(window.end))]


def in_force(cells: pd.DataFrame, window: Window) -> pd.DataFrame:
    """Those that hold on the day itself."""
    return cells[(cells["start"] <= _stamp(window.as_of)) & (cells["end"] > _stamp(window.as_of))]


def _counted(cells: pd.DataFrame, now: pd.DataFrame, facts: Facts, window: Window) -> pd.DataFrame:
    """Counted promises over the span of each, ending on the day; parts under former grades or versions add up."""
    parts = _alike(cells[cells["kind"] == PromiseKind.COUNT], now)
    end = _stamp(window.end)
    first = parts["period"].map({span: _stamp(window.start(months)) for span, months in SPAN_MONTHS.items()})
    is_once = parts["period"] == ""
    parts["first"] = first.where(~is_once, parts["start"])
    parts["low"] = np.maximum(parts["start"], parts["first"])
    parts["high"] = parts["end"].clip(upper=end)
    parts = parts[parts["low"] < parts["high"]]
    days = formulas.overlap_days(*_days(parts, "low", "high"), window_start=_days(parts, "low")[0],
                                 window_end=_days(parts, "high")[0])  # fmt: skip
    whole = np.maximum((end - parts["first"]).dt.days.to_numpy(), 1)
    once_due = np.where(days >= DUE_AFTER_DAYS, parts["target"], 0.0)
    promised = formulas.promised_units(parts["target"], days, window_days=whole)
    parts["promised"] = np.where(parts["period"] == "", once_due, promised)
    parts["held_days"], parts["window_days"] = days, whole
    given = evidence_of(facts.interactions).merge(
        parts[["account", "type", "evidence", "counts_remote", "low", "high"]], on=["account", "evidence"]
    )
    given = given[(given["day"] >= given["low"]) & (given["day"] < given["high"])]
    given = given[given["counts_remote"].astype(bool) | ~given["is_remote"]]
    sums = parts.groupby(KEY, as_index=False)[["promised", "held_days", "window_days"]].sum()
    counts = given.groupby(KEY, as_index=False).size().rename(columns={"size": "delivered"})
    rows = now[now["kind"] == PromiseKind.COUNT].merge(sums, on=KEY).merge(counts, on=KEY, how="left")
    rows["delivered"] = rows["delivered"].fillna(0.0).astype("float64")
    return _counted_rows(rows, given, window)


def _alike(parts: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Parts that add up to the promise of today: all that are due by the span, or the one of today that is due once."""
    today = now[[*KEY, "period", "start"]].rename(columns={"period": "period_now", "start": "start_now"})
    found = parts.merge(today, on=KEY)
    is_once = found["period"] == ""
    return found[(is_once == (found["period_now"] == "")) & (~is_once | (found["start"] == found["start_now"]))].copy()


def _counted_rows(rows: pd.DataFrame, given: pd.DataFrame, window: Window) -> pd.DataFrame:
    owed = formulas.units_due(rows["promised"])
    compliance = formulas.count_compliance(rows["delivered"], rows["promised"])
    missing = np.maximum(owed - rows["delivered"], 0.0)
    state = np.select(
        [np.isnan(compliance) & (rows["delivered"] == 0), missing >= 1, compliance < 1],
        [PromiseState.NOT_DUE, PromiseState.BROKEN, PromiseState.WAITING],
        PromiseState.KEPT,
    )
    promised = rows["promised"].to_numpy()
    ratio = np.where(owed >= 1, rows["delivered"] / np.where(owed >= 1, promised, 1.0), np.nan)
    surplus = np.maximum(rows["delivered"] - np.ceil(promised - formulas.WHOLE), 0.0) * rows["unit_cost"]
    return _row(
        rows, state=state, promised=promised, delivered=rows["delivered"], compliance=compliance, missing=missing,
        due_on=_next_due(rows, given, owed, window), ratio=ratio, surplus_cost=surplus,
    )  # fmt: skip


def _next_due(rows: pd.DataFrame, given: pd.DataFrame, owed: Any, window: Window) -> pd.Series:
    """By when the next one is needed: when the oldest that still counts leaves the span, or when a further whole one is
    owed; the day itself where one is missing already."""
    import pandas as pd

    today = _stamp(window.as_of)
    newest = given.sort_values("day", ascending=False)
    newest = newest.assign(place=newest.groupby(KEY).cumcount() + 1)[[*KEY, "place", "day"]]
    asked = rows[KEY].assign(place=np.maximum(owed, 1).astype(int))
    oldest = asked.merge(newest, on=[*KEY, "place"], how="left")["day"].to_numpy()
    months = rows["period"].map(SPAN_MONTHS)
    leaves = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[ns]")
    for length in months.dropna().unique():
        here = (months == length).to_numpy()
        leaves[here] = pd.DatetimeIndex(oldest[here]) + pd.DateOffset(months=int(length))
    target = rows["target"].where(rows["target"] > 0)
    more = (owed + 1) * rows["window_days"] / target - rows["held_days"]
    accrues = today + pd.to_timedelta(np.ceil(more.where((more > 0) & (rows["delivered"] < owed + 1))), unit="D")
    accrues = accrues.where((rows["period"] != "") & (rows["held_days"] < rows["window_days"]))
    found = pd.concat([leaves.reset_index(drop=True), accrues.reset_index(drop=True)], axis=1).min(axis=1)
    late = (owed > rows["delivered"]).to_numpy()
    found = found.mask(late, today)
    waits = ((rows["period"] == "") & (rows["delivered"] == 0)).to_numpy() & ~late
    begun = rows["start"].reset_index(drop=True) + pd.Timedelta(days=DUE_AFTER_DAYS)
    return found.mask(waits, begun).set_axis(rows.index)


def cases_of(cells: pd.DataFrame, now: pd.DataFrame, facts: Facts, window: Window) -> pd.DataFrame:
    """Cases of the last twelve months against the hours promised to the grade of the day they were opened on: a row a
    case and promise with ``met``, ``late`` (neither: open and not yet due), ``taken`` hours and ``due_on``."""
    import pandas as pd

    mine = now[now["kind"] == PromiseKind.TIME]
    rules = cells[cells["kind"] == PromiseKind.TIME]
    rules = rules[["account", "type", "evidence", "start", "end", "target", "clock", "severity", "stop_event"]]
    kinds = {str(kind): str(evidence) for kind, evidence in SPECIAL_REQUESTS.items()}
    requests = facts.requests.rename(columns={"severity": "case_severity"})
    requests["evidence"] = requests["kind"].map(kinds).fillna(str(Evidence.REQUEST)).astype(object)
    cases = requests.merge(rules, on=["account", "evidence"])
    cases = cases[(cases["day"] >= cases["start"]) & (cases["day"] < cases["end"])]
    cases = cases[cases["severity"].isna() | (cases["case_severity"] <= cases["severity"])]
    cases = cases.merge(mine[KEY], on=KEY)
    is_business = (cases["clock"] == Clock.BUSINESS).to_numpy()
    opened, hours = cases["opened_at"].to_numpy(dtype="datetime64[s]"), cases["target"].to_numpy()
    clocks: dict[str, Any] = {"hours": hours, "is_business": is_business, "table": facts.table}
    present = np.datetime64(facts.present, "s")
    met, late, taken = formulas.time_outcome(opened, _stops(cases), now=present, **clocks)
    due = formulas.due_at(opened, **clocks)
    cases = cases.assign(met=met, late=late, taken=taken, due_on=pd.Series(due, index=cases.index).dt.normalize())
    cases["due_on"] = cases["due_on"].where(~cases["met"] & ~cases["late"])
    return cases


def _timed(cells: pd.DataFrame, now: pd.DataFrame, facts: Facts, window: Window) -> pd.DataFrame:
    mine = now[now["kind"] == PromiseKind.TIME]
    cases = cases_of(cells, now, facts, window)
    groups = cases.groupby(KEY)
    found = groups.agg(
        met=("met", "sum"), late=("late", "sum"), median=("taken", "median"), due_on=("due_on", "min")
    ).reset_index()
    nine_tenths = groups["taken"].quantile(P90).rename("p90").reset_index()
    found = found.merge(nine_tenths, on=KEY, how="left")
    rows = mine.merge(found, on=KEY, how="left")
    rows[["met", "late"]] = rows[["met", "late"]].fillna(0).astype("float64")
    compliance = formulas.time_compliance(rows["met"], rows["late"])
    state = np.select(
        [np.isnan(compliance), rows["late"] > 0], [PromiseState.NOT_DUE, PromiseState.BROKEN], PromiseState.KEPT
    )
    return _row(
        rows, state=state, promised=rows["met"] + rows["late"], delivered=rows["met"], compliance=compliance,
        missing=rows["late"], median_hours=rows["median"], p90_hours=rows["p90"], due_on=rows["due_on"],
    )  # fmt: skip


def _stops(cases: pd.DataFrame) -> Any:
    """When the clock of each case stopped: solving a case answers it, and spares its escalation."""
    first = {
        CaseEvent.RESPONDED: cases[["first_response_at", "resolved_at"]].min(axis=1),
        CaseEvent.ESCALATED: cases[["escalated_at", "resolved_at"]].min(axis=1),
    }
    stops = cases["resolved_at"].copy()
    for event, moments in first.items():
        stops = stops.where(cases["stop_event"] != event, moments)
    return stops.to_numpy(dtype="datetime64[s]")


def _standing(now: pd.DataFrame, facts: Facts, window: Window) -> pd.DataFrame:
    """What has to be in place: there or not on the day."""
    import pandas as pd

    rows = now[now["kind"] == PromiseKind.STANDING]
    sponsors = facts.sponsors
    partners = sponsors[sponsors["kind"] == SponsorKind.SENIOR_PARTNER]
    there = {
        Evidence.SENIOR_PARTNER: partners["account"],
        Evidence.EXECUTIVE_SPONSOR: sponsors[sponsors["kind"] == SponsorKind.EXECUTIVE]["account"],
        Evidence.APPROVED_PLAN: facts.plans["account"],
        Evidence.REMEDIATION: facts.remediations["account"],
    }
    held = np.zeros(len(rows), dtype=bool)
    for evidence, accounts in there.items():
        held |= ((rows["evidence"] == evidence) & rows["account"].isin(accounts)).to_numpy()
    alone = partners[partners["is_exclusive"].astype(bool)]["account"]
    held &= ~((rows["level"] == "exclusive") & ~rows["account"].isin(alone)).to_numpy()
    begun = (_stamp(window.end) - rows["start"]).dt.days >= DUE_AFTER_DAYS
    compliance = np.where(held, 1.0, np.where(begun, 0.0, np.nan))
    state = np.select([held, begun], [PromiseState.KEPT, PromiseState.BROKEN], PromiseState.NOT_DUE)
    due = (rows["start"] + pd.Timedelta(days=DUE_AFTER_DAYS)).where(~held & ~begun, _stamp(window.as_of))
    return _row(
        rows, state=state, promised=1.0, delivered=held.astype("float64"), compliance=compliance,
        missing=np.where(begun & ~held, 1, 0), due_on=due.where(~held),
    )  # fmt: skip


def _permissions(cells: pd.DataFrame, now: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Discounts of the last twelve months above the authority of their day, without an approval. No share: a limit that
    we keep is nothing the customer is given."""
    rows = now[now["kind"] == PromiseKind.PERMISSION]
    given = violations_of(cells, facts)
    found = given.groupby("account", as_index=False).agg(granted=("day", "size"), above=("is_violation", "sum"))
    rows = rows.merge(found, on="account", how="left")
    granted, above = rows["granted"].fillna(0.0), rows["above"].fillna(0).astype("float64")
    state = np.select([above > 0, granted > 0], [PromiseState.BROKEN, PromiseState.KEPT], PromiseState.NOT_DUE)
    return _row(rows, state=state, promised=granted, delivered=granted - above, missing=above)


def violations_of(cells: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Discounts with the authority of their day: ``limit``, ``is_violation``."""
    limits = cells[cells["kind"] == PromiseKind.PERMISSION][["account", "start", "end", "target"]]
    given = facts.discounts.merge(limits, on="account")
    given = given[(given["day"] >= given["start"]) & (given["day"] < given["end"])]
    above = given["percent"].astype("float64") > given["target"]
    return given.assign(is_violation=above & given["approver"].isna())


def evidence_of(interactions: pd.DataFrame) -> pd.DataFrame:
    """An interaction is evidence by its kind, by its purpose, or both."""
    import pandas as pd

    by_kind = interactions[interactions["kind"].isin([str(kind) for kind in IN_PERSON_OR_CALL])]
    visits = by_kind.assign(evidence=str(Evidence.VISIT), is_remote=by_kind["kind"] != InteractionKind.VISIT)
    codes = {str(purpose): str(evidence) for purpose, evidence in PURPOSES.items()}
    named = interactions.assign(evidence=interactions["purpose"].map(codes), is_remote=False)
    is_check = named["evidence"] == Evidence.PLAN_CHECK
    named = named[
        named["evidence"].notna() & (is_check | named["kind"].isin([str(kind) for kind in IN_PERSON_OR_CALL]))
    ]
    return pd.concat([visits, named])[["pk", "account", "evidence", "day", "is_remote"]]


def _row(rows: pd.DataFrame, *, state: Any, **values: Any) -> pd.DataFrame:
    """Columns RESULT; what is not given is empty."""
    given = {
        "promised": 0.0, "delivered": 0.0, "compliance": np.nan, "missing": 0, "median_hours": np.nan,
        "p90_hours": np.nan, "due_on": np.datetime64("NaT", "ns"), "ratio": np.nan, "surplus_cost": 0.0, **values,
    }  # fmt: skip
    found = rows.assign(**given, state=np.asarray(state, dtype=object) if np.ndim(state) else str(state))
    found["state"] = found["state"].map(str)
    return found[list(RESULT)]


def _stamp(day: Any) -> pd.Timestamp:
    import pandas as pd

    return pd.Timestamp(day)


def _days(frame: pd.DataFrame, *names: str) -> list[Any]:
    return [frame[name].to_numpy(dtype="datetime64[D]") for name in names]
