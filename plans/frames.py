"""One query a kind of fact → pandas frames: what was promised to whom from when, and what was done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.enums import GRADE_RANK, LADDER_GRADES, AccountStatus, Grade
from accounts.models import Account
from accounts.querysets import AccountQuerySet
from crm.lib.periods import add_months
from plans.enums import SPAN_MONTHS, PolicyState
from plans.formulas import with_grace
from plans.inherited import members_of_graded, with_inherited
from plans.models import AccountPlan, Promise, RemediationPlan
from plans.selectors_hours import WorkingTime, working_time
from plans.timetable import Timetable
from service.models import Discount, Interaction, ServiceRequest, Sponsor
from tiering.models import GradePeriod

if TYPE_CHECKING:
    import pandas as pd

LONGEST_MONTHS = max(SPAN_MONTHS.values())
FAR = "2200-01-01"  # of an open end; datetime64[ns] reaches until 2262
REQUEST_TIMES = ("opened_at", "first_response_at", "escalated_at", "resolved_at")
PROMISE_FIELDS = (
    "pk", "grade", "type", "evidence", "target", "level", "period", "clock", "severity", "stop_event", "counts_remote",
    "weight", "unit_cost", "currency", "version__valid_from", "version__valid_to",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """The days that are looked at: up to ``as_of``, this day included; ``now`` is its last moment or the present."""

    as_of: date
    now: datetime

    @property
    def end(self) -> date:
        return self.as_of + timedelta(days=1)

    def start(self, months: int = LONGEST_MONTHS) -> date:
        return add_months(self.end, -months)


@dataclass(frozen=True, slots=True)
class Facts:
    """Frames with a column ``account`` each; ``promises`` are those of every version that has been in use.

    table : the working time; present : the window's ``now``, naive in the zone of the hours, as the times of requests are
    """

    spans: pd.DataFrame
    promises: pd.DataFrame
    interactions: pd.DataFrame
    requests: pd.DataFrame
    sponsors: pd.DataFrame
    discounts: pd.DataFrame
    plans: pd.DataFrame
    remediations: pd.DataFrame
    table: Timetable
    present: datetime


def read_facts(accounts: AccountQuerySet, window: Window) -> Facts:
    """Everything a measurement of these accounts rests on; ten look-ups, however many accounts there are."""
    working = working_time()
    return Facts(
        spans=grade_spans(accounts, start=window.start(), end=window.end),
        promises=promise_rows(),
        interactions=_interactions(accounts, window),
        requests=request_rows(_requests(accounts, window), until=_midnight(window.end), working=working),
        sponsors=_frame(
            _of(Sponsor.objects.current(window.as_of), accounts),
            {"account": "account_id", "kind": "kind", "is_exclusive": "is_exclusive"},
        ),
        discounts=_discounts(accounts, window),
        plans=_frame(_approved_plans(accounts, window), {"account": "account_id"}),
        remediations=_frame(
            _of(RemediationPlan.objects.filter(closed_on__isnull=True, due_on__gte=window.as_of), accounts),
            {"account": "account_id"},
        ),
        table=working.table,
        present=working.local(timezone.make_aware(window.now)),
    )


def _interactions(accounts: AccountQuerySet, window: Window) -> pd.DataFrame:
    return _frame(
        _of(Interaction.objects.filter(held_on__gte=window.start(), held_on__lt=window.end), accounts),
        {"pk": "pk", "account": "account_id", "kind": "kind", "purpose": "purpose", "day": "held_on"},
        days=("day",),
    )


def _discounts(accounts: AccountQuerySet, window: Window) -> pd.DataFrame:
    columns = {
        "pk": "pk", "account": "account_id", "day": "granted_on", "percent": "percent", "approver": "approved_by_id",
    }  # fmt: skip
    given = Discount.objects.filter(granted_on__gte=window.start(), granted_on__lt=window.end)
    return _frame(_of(given, accounts), columns, days=("day",))


def _requests(accounts: AccountQuerySet, window: Window) -> QuerySet[ServiceRequest]:
    first, end = _midnight(window.start()), _midnight(window.end)
    return _of(ServiceRequest.objects.filter(opened_at__gte=first, opened_at__lt=end), accounts)


def _approved_plans(accounts: AccountQuerySet, window: Window) -> QuerySet[AccountPlan]:
    day = window.as_of
    held = Q(valid_to__isnull=True) | Q(valid_to__gt=day)
    return _of(AccountPlan.objects.filter(held, approved_on__lte=day, valid_from__lte=day), accounts)


def _midnight(day: date) -> datetime:
    """The moment at which a local day begins."""
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))


def grade_spans(accounts: AccountQuerySet, *, start: date, end: date) -> pd.DataFrame:
    """account, grade, start, end: whose policy holds when, that of a group graded as one included (``plans.inherited``).
    One query more than without, two where there is such a group."""
    own = own_spans(accounts, start=start, end=end)
    stays = members_of_graded()
    if not stays:
        return own
    mine = set(accounts.exclude(status=AccountStatus.CLOSED).order_by().values_list("pk", flat=True))
    stays = [stay for stay in stays if stay[1] in mine]
    nodes = own_spans(Account.objects.filter(pk__in={stay[0] for stay in stays}), start=start, end=end)
    return with_inherited(own, nodes, stays)


def own_spans(accounts: AccountQuerySet, *, start: date, end: date) -> pd.DataFrame:
    """account, grade, start, end: of each account's own grade, with the days of grace after a step down. The day before
    ``start`` reaches back far enough for a grace that is still running."""
    reach = start - timedelta(days=31)
    periods = GradePeriod.objects.filter(valid_from__lt=end).filter(Q(valid_to__isnull=True) | Q(valid_to__gt=reach))
    found = _frame(
        _of(periods, accounts).order_by("account_id", "valid_from"),
        {"account": "account_id", "grade": "grade", "start": "valid_from", "end": "valid_to"},
        days=("start", "end"),
    )
    found["end"] = found["end"].fillna(FAR)
    if found.empty:
        return found
    begun, ended = with_grace(
        found["account"],
        found["start"].to_numpy(dtype="datetime64[D]"),
        found["end"].to_numpy(dtype="datetime64[D]"),
        rank=found["grade"].map(GRADE_RANK),
        is_ladder=found["grade"].isin([str(grade) for grade in LADDER_GRADES]),
    )
    found = found.assign(start=begun, end=ended)
    return found[(found["start"] < found["end"]) & (found["grade"] != Grade.NOT_GRADED)]


def promise_rows() -> pd.DataFrame:
    found = _frame(
        Promise.objects.exclude(version__state=PolicyState.DRAFT).order_by("pk"),
        {name.replace("version__", ""): name for name in PROMISE_FIELDS},
        days=("valid_from", "valid_to"),
    )
    found["valid_to"] = found["valid_to"].fillna(FAR)
    for name in ("target", "weight", "unit_cost", "severity"):
        found[name] = found[name].astype("float64")
    return found


def request_rows(requests: QuerySet[ServiceRequest], *, until: datetime, working: WorkingTime) -> pd.DataFrame:
    """Requests with times of the zone of the hours, and ``day`` by the zone of the installation; what happened after
    ``until`` has not happened yet."""
    import pandas as pd

    names = {"account": "account_id", "kind": "kind", "severity": "severity", "pk": "pk"}
    found = _frame(requests, names | {name: name for name in REQUEST_TIMES})
    opened = pd.to_datetime(found["opened_at"], utc=True).dt.tz_convert(timezone.get_current_timezone_name())
    for name in REQUEST_TIMES:
        moments = pd.to_datetime(found[name], utc=True)
        moments = moments.where(moments < pd.Timestamp(until), pd.NaT)
        found[name] = moments.dt.tz_convert(working.zone.key).dt.tz_localize(None)
    found["day"] = opened.dt.tz_localize(None).dt.normalize()
    return found


def _of(rows: QuerySet[Any], accounts: AccountQuerySet) -> QuerySet[Any]:
    """Rows of these accounts as far as we still work with them: a closed account is promised nothing."""
    return rows.filter(account__in=accounts.exclude(status=AccountStatus.CLOSED).order_by().values("pk"))


def _frame(rows: QuerySet[Any], columns: dict[str, str], *, days: tuple[str, ...] = ()) -> pd.DataFrame:
    import pandas as pd

    found = pd.DataFrame.from_records(list(rows.values_list(*columns.values())), columns=list(columns))
    if "account" in columns:  # an empty frame has no type of its own, and could not be merged
        found["account"] = found["account"].astype("int64")
    for name in days:
        found[name] = pd.to_datetime(found[name])
    return found
