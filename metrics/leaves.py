"""The parts that a figure is broken into: by owner, region, grade, dealer and so on, as the accounts stand today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from django.utils.translation import gettext_lazy as _

from accounts.enums import AccountNeed, AccountSize, Grade, MarketPotential
from accounts.models import Account, User
from crm.lib.wall import beyond_the_wall
from metrics.binary import as_sql, fetch
from metrics.frames_spans import IntArray, roots
from metrics.scope import Scope

NOT_GIVEN = ""  # key of the leaf of accounts without a value
# Of an account in a group the root, else nothing: who stands alone is in no group.
GROUP_OF = """
CASE WHEN a.parent_id IS NULL AND NOT EXISTS (SELECT 1 FROM accounts_account c WHERE c.parent_id = a.id
    AND c.merged_into_id IS NULL) THEN NULL
ELSE t.root END
"""


class Dimension(StrEnum):
    """What leaves are made of."""

    OWNER = "owner"
    REGION = "region"
    GRADE = "grade"
    SEGMENT = "segment"
    INDUSTRY = "industry"
    GROUP = "group"
    DEALER = "dealer"
    CHANNEL = "channel"
    SIZE = "size"
    NEED = "need"
    POTENTIAL = "potential"


KEYS = {Dimension.OWNER: "owner_id", Dimension.DEALER: "dealer_id"}  # columns whose values are keys
CHOICES: Mapping[Dimension, Sequence[tuple[str, Any]]] = {  # of what is chosen from a list, in its order
    Dimension.GRADE: Grade.choices,
    Dimension.SIZE: AccountSize.choices,
    Dimension.NEED: AccountNeed.choices,
    Dimension.POTENTIAL: MarketPotential.choices,
}
NO_VALUES = {Dimension.OWNER: _("nobody"), Dimension.GROUP: _("in no group"), Dimension.DEALER: _("no dealer")}


@dataclass(frozen=True, slots=True, eq=False)
class Leaves:
    """place : for each unit the number of its leaf, shape (u,); keys and labels a leaf: the value as filters take it
    (an owner, group or dealer by id, "" where none is given) and as people read it. Labels follow the reader's language."""

    place: IntArray
    keys: tuple[str, ...]
    labels: tuple[Any, ...]


def leaves_of(scope: Scope, shown_ids: IntArray, dimension: Dimension) -> Leaves:
    """The leaf of each unit; two queries.

    shown_ids : the account in view that stands for each unit (a group belongs to the leaf of its root, or of its first
    member in view), shape (u,); so every unit lies in one leaf and the leaves add up
    """
    if dimension is Dimension.GROUP:
        values = _groups(scope, shown_ids)
    else:
        values = shared_values(scope, [KEYS.get(dimension, str(dimension))], shown_ids)
    codes, place = np.unique(values, return_inverse=True)
    names = _names(dimension, codes.tolist())
    found = [names.get(code, (NOT_GIVEN, _no_value(dimension))) for code in codes.tolist()]
    return Leaves(place.astype(np.int64), tuple(key for key, _label in found), tuple(label for _key, label in found))


def shared_values(scope: Scope, columns: Sequence[str], account_ids: IntArray) -> IntArray:
    """For each of the accounts a number that it shares with the accounts in view of the same values; one query.

    columns : of accounts_account. The number of an owner or a dealer is its id, 0 where none; else it is the smallest id
    of the accounts in view with these values.
    """
    view, params = scope.within("a.id")
    if len(columns) == 1 and columns[0] in KEYS.values():
        leaf, source = f"a.{columns[0]}", ""
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


def _groups(scope: Scope, account_ids: IntArray) -> IntArray:
    """The root of the group of each account, 0 where it is in none; one query."""
    view, params = scope.within("a.id")
    sql = (
        f"{roots()} SELECT {as_sql('a.id', 'int8')}, {as_sql(GROUP_OF, 'int8')}"
        f" FROM accounts_account a JOIN tree t ON t.id = a.id WHERE {view} ORDER BY a.id"
    )
    rows = fetch(sql, params, {"account_id": "int8", "leaf": "int8"}, using=scope.using)
    return np.asarray(rows["leaf"][np.searchsorted(rows["account_id"], account_ids)])


def _names(dimension: Dimension, codes: Sequence[int]) -> Mapping[int, tuple[str, Any]]:
    if dimension is Dimension.OWNER:
        return {user.pk: (str(user.pk), user.display_name) for user in User.objects.filter(pk__in=codes)}
    if dimension in (Dimension.GROUP, Dimension.DEALER):
        with beyond_the_wall("groups and dealers of accounts in view are told by name"):
            named = list(Account.objects.filter(pk__in=codes).values_list("pk", "name"))
        return {pk: (str(pk), name) for pk, name in named}
    found = Account.objects.filter(pk__in=codes).values_list("pk", str(dimension))
    labels = dict(CHOICES.get(dimension, ()))
    return {pk: (value, labels.get(value, value)) for pk, value in found if value}


def _no_value(dimension: Dimension) -> Any:
    return NO_VALUES.get(dimension, _("not given"))
