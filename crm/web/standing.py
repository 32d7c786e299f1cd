"""Where the data stand: until when the ledger goes, which night the grades are from, and what came since."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.enums import BatchState
from accounts.models import ImportBatch
from crm.nights import is_overdue
from metrics.selectors import default_as_of, last_booked_on
from tiering.enums import RunState
from tiering.models import TierRun


@dataclass(frozen=True, slots=True)
class Standing:
    """``data_until`` is the as-of of the pages; ``newest_batch_id`` is set where a batch came after the night,
    ``overdue_days`` (0 and more) where a night should have come since: how old the grades are."""

    data_until: date | None
    graded_as_of: date | None = None
    newest_batch_id: int | None = None
    overdue_days: int | None = None

    @property
    def is_overdue(self) -> bool:
        return self.overdue_days is not None

    @property
    def is_behind(self) -> bool:
        return self.newest_batch_id is not None


def as_of_of(request: HttpRequest) -> date:
    """The day the figures of this request go up to; asked once a request."""
    found: date | None = getattr(request, "_facet_as_of", None)
    if found is None:
        found = request._facet_as_of = default_as_of()  # type: ignore[attr-defined]  # noqa: SLF001
    return found


def standing(request: HttpRequest) -> Standing:
    """A few index look-ups."""
    run = TierRun.objects.filter(state=RunState.PUBLISHED).only("as_of", "started_at", "published_at").first()
    until = as_of_of(request) if last_booked_on() else None
    if run is None:
        return Standing(data_until=until)
    since = run.started_at or run.published_at
    changed = ImportBatch.objects.filter(state__in=(BatchState.POSTED, BatchState.WITHDRAWN)).filter(
        Q(posted_at__gt=since) | Q(withdrawn_at__gt=since)
    )
    return Standing(
        data_until=until,
        graded_as_of=run.as_of,
        newest_batch_id=changed.order_by("-pk").values_list("pk", flat=True).first(),
        overdue_days=(timezone.now() - since).days if is_overdue(run) else None,
    )
