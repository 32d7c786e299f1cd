"""Runs of the chain for tests, and what readers see of them."""

from datetime import date

from accounts.models import Account
from crm.pipeline import run_night
from tiering.enums import RunTrigger
from tiering.models import GradePeriod, Score, TierRun
from tiering.selectors import latest_run


def night(as_of: date, **options) -> TierRun:
    return run_night(as_of=as_of, trigger=options.pop("trigger", RunTrigger.COMMAND), **options)


def score_rows(run: TierRun | None = None) -> list[str]:
    """Every stored digit of the rows that stand on a run's night, the run's own number left out (NaN equals NaN as text)."""
    columns = (
        *("account_id", "grade", "ladder", "previous_grade", "composite", "evidence", "flags", "raw", "contributions"),
    )
    found = Score.objects.of(run or latest_run()).order_by("account_id").values_list(*columns)
    return [repr(row) for row in found]


def periods(account: Account | None = None) -> list[tuple]:
    found = GradePeriod.objects.order_by("account_id", "valid_from")
    if account is not None:
        return list(found.filter(account=account).values_list("grade", "valid_from", "valid_to"))
    return list(found.values_list("pk", "account_id", "grade", "underlying", "valid_from", "valid_to", "run_id"))


def account_columns() -> list[tuple]:
    columns = ("pk", "grade", "underlying_grade", "grade_since", "composite", "is_watched", "graded_as_of")
    return list(Account.objects.order_by("pk").values_list(*columns))
