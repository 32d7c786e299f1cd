"""Which rows stand on a night: of every account the one written last, by then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import F, Model, Q, QuerySet

if TYPE_CHECKING:
    from tiering.models import TierRun

M = TypeVar("M", bound=Model)

# The same for statements of their own, with the values of ``night_values``.
OF_NIGHT = "base_id = %s AND valid_from <= %s AND (valid_to IS NULL OR valid_to > %s)"
# Of runs joined to their rows through ``base__rows``: those that stand on the run's day. One filter() with the rest.
STANDING = Q(base__rows__valid_from__lte=F("as_of")) & (
    Q(base__rows__valid_to=None) | Q(base__rows__valid_to__gt=F("as_of"))
)


def night_values(run: TierRun) -> list[Any]:
    """Values for OF_NIGHT; a run without results has no rows."""
    return [run.base_id, run.as_of, run.as_of]


class ScoreQuerySet(QuerySet[M]):
    def of(self, run: TierRun) -> ScoreQuerySet[M]:
        """The row of every account on the night of ``run``, also of those the night did not have to grade anew."""
        if run.base_id is None:
            return self.none()
        held = Q(valid_to=None) | Q(valid_to__gt=run.as_of)
        return self.filter(held, base_id=run.base_id, valid_from__lte=run.as_of)
