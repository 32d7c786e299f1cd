"""Where the data stand: until when the ledger goes, and which night the grades are from."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Max

from accounts.enums import BatchState
from accounts.models import ImportBatch
from metrics.models import AccountDay


@dataclass(frozen=True, slots=True)
class Standing:
    """data_until : the default as-of; graded_as_of : of the last published night; both None before there is one."""

    data_until: date | None
    graded_as_of: date | None = None
    newest_batch_id: int | None = None
    is_behind: bool = False


def standing() -> Standing:
    """Read it from the database: a few index look-ups."""
    last_day = AccountDay.objects.aggregate(last=Max("day"))["last"]
    newest = ImportBatch.objects.filter(state=BatchState.POSTED).order_by("-posted_at").values_list("pk", flat=True)
    return Standing(data_until=last_day, newest_batch_id=newest.first())
