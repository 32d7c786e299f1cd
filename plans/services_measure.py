"""Measuring promised against delivered for every account, kept for lists; one transaction replaces what was in view."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Max, Model
from django.utils import timezone

from accounts.models import Account, FactChange, GroupMembership
from accounts.querysets import AccountQuerySet
from metrics.selectors import default_as_of
from plans.enums import PromiseKind, PromiseState
from plans.frames import Facts, Window, read_facts
from plans.measure import measure
from plans.models import (
    AccountCompliance,
    AccountPlan,
    BusinessDay,
    BusinessHours,
    Measurement,
    PolicyVersion,
    PromiseResult,
    RemediationPlan,
)
from service.models import Discount, Interaction, ServiceRequest, Sponsor
from tiering.models import GradePeriod

if TYPE_CHECKING:
    import pandas as pd

FACT_MODELS = (
    *(Interaction, ServiceRequest, Sponsor, Discount, AccountPlan, RemediationPlan, PolicyVersion),
    *(BusinessHours, BusinessDay),
)
KEPT_COLUMNS = ("account_id", "promise_id", "type", "state", "promised", "delivered", "compliance", "weight", "missing",
                "median_hours", "p90_hours", "due_on")  # fmt: skip
SUM_COLUMNS = ("account_id", "grade", "compliance", "weight_due", "weight_kept", "due", "broken", "violations",
               "service_ratio", "surplus_cost", "currency")  # fmt: skip


def window_at(*, now: datetime | None = None) -> Window:
    """Until when promises are measured: the day the figures go up to, or a later one on which something was noted."""
    moment = timezone.localtime(now)
    today = moment.date()
    held = Interaction.objects.filter(held_on__lte=today).aggregate(last=Max("held_on"))["last"]
    asked = ServiceRequest.objects.filter(opened_at__lte=moment).aggregate(last=Max("opened_at"))["last"]
    days = [default_as_of(today=today), held, asked and timezone.localtime(asked).date()]
    as_of = max(day for day in days if day is not None)
    end = timezone.make_aware(datetime.combine(as_of + timedelta(days=1), datetime.min.time()))
    return Window(as_of, min(moment, timezone.localtime(end)).replace(tzinfo=None))


def measured(accounts: AccountQuerySet, window: Window) -> pd.DataFrame:
    """Every promise in force to these accounts and where it stands now; ten look-ups."""
    return measure(read_facts(accounts, window), window)


def facts_text(as_of: date) -> str:
    """Changes when anything a measurement rests on changes; a look-up a table."""
    parts = [str(as_of)]
    for model in FACT_MODELS:
        found = model._default_manager.aggregate(count=Count("pk"), last=Max("updated_at"))  # noqa: SLF001
        parts.append(f"{found['count']}:{int(found['last'].timestamp() * 1000) if found['last'] else 0}")
    grades = GradePeriod.objects.aggregate(count=Count("pk"), last=Max("recorded_at"))
    parts.append(f"{grades['count']}:{int(grades['last'].timestamp() * 1000) if grades['last'] else 0}")
    members = GroupMembership.objects.aggregate(count=Count("pk"), last=Max("updated_at"))
    nodes = Account.objects.filter(is_graded_node=True).order_by("pk").values_list("pk", flat=True)
    changes = FactChange.objects.aggregate(last=Max("pk"))["last"] if nodes else 0  # parents of those without dates
    parts.append(f"{members['count']}:{changes or 0}:{','.join(map(str, nodes))}"[:60])
    return "/".join(parts)[:200]


def is_measured() -> bool:
    """The measurement in view rests on the facts as they stand."""
    window = window_at()
    return Measurement.objects.filter(facts=facts_text(window.as_of)).exists()


@transaction.atomic
def measure_all() -> int:
    """Measure every account and replace what is in view; returns the accounts. A repeat gives the same rows."""
    window = window_at()
    facts = read_facts(Account.objects.standing(), window)
    text = facts_text(window.as_of)
    rows = measure(facts, window)
    sums = sums_of(rows, facts, window)
    PromiseResult.objects.all().delete()
    AccountCompliance.objects.all().delete()
    Measurement.objects.all().delete()
    is_kept = ~rows["state"].isin([PromiseState.NOT_DUE, PromiseState.STATED])
    kept = rows[is_kept].rename(columns={"account": "account_id", "promise": "promise_id"})
    _copy(PromiseResult, kept.assign(missing=kept["missing"].astype(int)), KEPT_COLUMNS)
    _copy(AccountCompliance, sums.rename(columns={"account": "account_id"}), SUM_COLUMNS)
    Measurement.objects.create(as_of=window.as_of, measured_at=timezone.now(), facts=text, accounts=len(sums))
    return len(sums)


def sums_of(rows: pd.DataFrame, facts: Facts, window: Window) -> pd.DataFrame:
    """One row an account with a grade: the weighted mean over what is due, and what stands out."""
    import pandas as pd

    day = pd.Timestamp(window.as_of)
    spans = facts.spans
    graded = spans[(spans["start"] <= day) & (spans["end"] > day)][["account", "grade"]]
    due = rows["compliance"].notna()
    is_limit = rows["kind"] == PromiseKind.PERMISSION
    with_ratio = rows["ratio"].notna()
    parts = pd.DataFrame(
        {
            "account": rows["account"],
            "weight_due": rows["weight"].where(due, 0.0),
            "weight_kept": (rows["weight"] * rows["compliance"]).fillna(0.0),
            "due": due.astype(int),
            "broken": ((rows["state"] == PromiseState.BROKEN) & ~is_limit).astype(int),
            "violations": rows["missing"].where(is_limit, 0).astype(int),
            "counted": rows["weight"].where(with_ratio, 0.0),
            "given": (rows["weight"] * rows["ratio"]).fillna(0.0),
            "surplus_cost": rows["surplus_cost"],
        }
    )
    totals = graded.merge(parts.groupby("account", as_index=False).sum(), on="account", how="left")
    numbers = [name for name in totals.columns if name not in {"account", "grade"}]
    totals[numbers] = totals[numbers].fillna(0)
    has_due, has_ratio = totals["weight_due"] > 0, totals["counted"] > 0
    totals["compliance"] = (totals["weight_kept"] / totals["weight_due"].where(has_due)).clip(upper=1.0)
    totals["service_ratio"] = totals["given"] / totals["counted"].where(has_ratio)
    totals["currency"] = facts.promises["currency"].iloc[-1] if len(facts.promises) else settings.BASE_CURRENCY
    for name in ("due", "broken", "violations"):
        totals[name] = totals[name].astype(int)
    return totals


def _copy(model: type[Model], frame: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Append rows by COPY; an empty cell is null."""
    if frame.empty:
        return
    frame = frame.assign(due_on=frame["due_on"].dt.strftime("%Y-%m-%d")) if "due_on" in columns else frame
    text: Any = io.StringIO()
    frame.to_csv(text, columns=list(columns), index=False, header=False)
    text.seek(0)
    table = model._meta.db_table  # noqa: SLF001 - Django's public name
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH (FORMAT csv)", text)
