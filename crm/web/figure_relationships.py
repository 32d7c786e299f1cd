"""The drawers of the figures of relationships: the value and the accounts behind it; an account is a filter."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.querysets import AccountQuerySet
from crm.web.figure import Kind
from crm.web.figure_contracts import read_day
from crm.web.figure_drivers import Driven, Head
from metrics.definitions_relationships import RELATIONSHIPS
from metrics.formulas.relationships import ALARMS
from metrics.metric import Unit
from metrics.services.relationships import relationships

RELATIONSHIP_KEYS = frozenset(one.key for one in RELATIONSHIPS if one.unit is not Unit.GROUP_OF_FIGURES)
HEADS: Mapping[str, tuple[Head, ...]] = {
    "key_relationship_score": (
        (_("Key score"), "key_relationship_score", Kind.SCORE),
        (_("Target"), "key_target", Kind.COUNT),
        (_("Gap"), "key_gap", Kind.SCORE),
    ),
    "relationship_coverage": (
        (_("Coverage"), "relationship_coverage", Kind.PERCENT),
        (_("Cells met"), "cells_covered", Kind.COUNT),
        (_("Cells to be known"), "cells_required", Kind.COUNT),
    ),
    "organisational_level": (
        (_("Level"), "organisational_level", Kind.COUNT),
        (_("Target"), "organisational_target", Kind.COUNT),
    ),
    "mapped_accounts": (
        (_("People"), "members", Kind.COUNT),
        (_("Key score"), "key_relationship_score", Kind.SCORE),
    ),
    "gap_accounts": (
        (_("People"), "members", Kind.COUNT),
        (_("Key score"), "key_relationship_score", Kind.SCORE),
    ),
    "single_threaded_accounts": (
        (_("Contacts met"), "theirs", Kind.COUNT),
        (_("Of us"), "ours", Kind.COUNT),
    ),
}


def relationship_figure(
    key: str, accounts: AccountQuerySet, params: Mapping[str, Any], *, level: Any, **_more: Any
) -> Driven:
    """Raises PeriodError for a day that cannot be read."""
    as_of = read_day(params.get("as_of") or timezone.localdate().isoformat())
    found, heads = relationships(accounts, as_of=as_of, level=level), HEADS[key]
    columns, order = found.table.columns, heads[0][1]
    if key == "gap_accounts":
        table = found.table.where((columns["members"] > 0) & (columns["gaps"] > 0))
    elif key == "single_threaded_accounts":
        table = found.table.where(np.isin(columns["thread"], [int(one) for one in ALARMS]))
    else:
        table = found.table.where(columns[order].astype(np.float64) > 0)
    return Driven(
        found, getattr(found, key), found.reasons.get(key, ""), heads,
        lambda limit: table.rows(order_by=order, limit=limit),
    )  # fmt: skip
