"""The parts that a figure is broken into: by owner, region, grade, segment or industry, as the accounts stand today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from django.utils.translation import gettext_lazy as _

from accounts.enums import Grade
from accounts.models import Account, User
from metrics.binary import as_sql, fetch
from metrics.frames import IntArray
from metrics.scope import Scope

NOT_GIVEN = ""  # key of the leaf of accounts without a value


class Dimension(StrEnum):
    """What leaves are made of."""

    OWNER = "owner"
    REGION = "region"
    GRADE = "grade"
    SEGMENT = "segment"
    INDUSTRY = "industry"


@dataclass(frozen=True, slots=True, eq=False)
class Leaves:
    """place : for each unit the number of its leaf, shape (u,); keys and labels a leaf: the value as filters take it
    (an owner by id, "" where none is given) and as people read it. Labels follow the reader's language."""

    place: IntArray
    keys: tuple[str, ...]
    labels: tuple[Any, ...]


def leaves_of(scope: Scope, shown_ids: IntArray, dimension: Dimension) -> Leaves:
    """The leaf of each unit; two queries.

    shown_ids : the account in view that stands for each unit (a group belongs to the leaf of its root, or of its first
    member in view), shape (u,); so every unit lies in one leaf and the leaves add up
    """
    column = "owner_id" if dimension is Dimension.OWNER else str(dimension)
    codes, place = np.unique(shared_values(scope, [column], shown_ids), return_inverse=True)
    names = _names(dimension, codes.tolist())
    found = [names.get(code, (NOT_GIVEN, _no_value(dimension))) for code in codes.tolist()]
    return Leaves(place.astype(np.int64), tuple(key for key, _label in found), tuple(label for _key, label in found))


def shared_values(scope: Scope, columns: Sequence[str], account_ids: IntArray) -> IntArray:
    """For each of the accounts a number that it shares with the accounts in view of the same values; one query.

    columns : of accounts_account. The number of an owner is the user's id, 0 where none; else it is the smallest id of
    the accounts in view with these values.
    """
    view, params = scope.within("a.id")
    if list(columns) == ["owner_id"]:
        leaf, source = "a.owner_id", ""
    else:
        names = ", ".join(f"a.{column}" for column in columns)
        same = " AND ".join(f"a.{column} = l.{column}" for column in columns)
        grouped = f"SELECT {names}, min(a.id) AS leaf FROM accounts_account a WHERE {view} GROUP BY {names}"
        leaf, source, params = "l.leaf", f" JOIN ({grouped}) AS l ON {same}", [*params, *params]
    sql = (
        f"SELECT {as_sql('a.id', 'int8')}, {as_sql(leaf, 'int8')} FROM accounts_account a{source} WHERE {view}"
        " ORDER BY a.id"
    )
    rows = fetch(sql, params, {"account_id": "int8", "leaf": "int8"}, using=scope.using)
    return np.asarray(rows["leaf"][np.searchsorted(rows["account_id"], account_ids)])


def _names(dimension: Dimension, codes: Sequence[int]) -> Mapping[int, tuple[str, Any]]:
    if dimension is Dimension.OWNER:
        return {user.pk: (str(user.pk), user.display_name) for user in User.objects.filter(pk__in=codes)}
    found = Account.objects.filter(pk__in=codes).values_list("pk", str(dimension))
    labels: Mapping[str, Any] = dict(Grade.choices) if dimension is Dimension.GRADE else {}
    return {pk: (value, labels.get(value, value)) for pk, value in found if value}


def _no_value(dimension: Dimension) -> Any:
    return _("nobody") if dimension is Dimension.OWNER else _("not given")
