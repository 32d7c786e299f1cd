"""Which values a reader may not see, whatever page, answer or file they would come out of. Pure but for one variable.

Two kinds: what follows from costs (``Action.MARGIN_VIEW``) and personal data of contacts (``Action.PERSONAL_VIEW``). The
names of fields, figures and columns say which kind they are, so that a new one is hidden without being listed; whoever
asks to sort, filter or search by a hidden one is refused, for the order of rows tells as much as the values.
"""

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from enum import StrEnum
from typing import Any, Protocol

from accounts.access import Action


class Hidden(StrEnum):
    MARGIN = "margin"
    PERSONAL = "personal"


RIGHTS: Mapping[Hidden, Action] = {Hidden.MARGIN: Action.MARGIN_VIEW, Hidden.PERSONAL: Action.PERSONAL_VIEW}
# Words of which one makes a name belong to its kind: ttm_gross_profit, -margin, cost__gte, columns=clv.
WORDS: Mapping[Hidden, frozenset[str]] = {
    Hidden.MARGIN: frozenset({"cost", "costs", "margin", "margins", "profit", "clv", "cac", "payback", "ltv"}),
    Hidden.PERSONAL: frozenset({"phone", "email", "notes", "attitude"}),
}
# Names that hold such a word and mean something else: what our own promises cost, not what a customer brings; how credit
# notes are counted; a test of the scoring model.
OPEN_NAMES = frozenset(
    {
        *("unit_cost", "policy_cost_before", "policy_cost_after", "policy_cost_currency"),
        *("credit_notes", "gross_profit_test"),
    }
)
# Questions that are about nothing else.
OF_MARGIN = frozenset({"lifetime", "acquisition", "split", "margin", "margins", "economics"})
# Parameters whose value names a field.
NAMING = frozenset({"ordering", "sort", "column", "columns", "measure", "metric", "factor", "value", "by"})
_TOKENS = re.compile(r"[A-Za-z]+")

_reader: ContextVar[frozenset[Hidden]] = ContextVar("hidden_from_the_reader", default=frozenset())


class Holder(Protocol):
    def may(self, action: Action) -> bool: ...


def hidden_from(user: Holder) -> frozenset[Hidden]:
    return frozenset(kind for kind, action in RIGHTS.items() if not user.may(action))


def read_as(kinds: frozenset[Hidden]) -> None:
    """From here on this request is answered to somebody from whom these kinds are hidden."""
    _reader.set(kinds)


def kind_of(name: str) -> Hidden | None:
    if name in OPEN_NAMES:
        return None
    words = {word.lower() for word in _TOKENS.findall(name)}
    return next((kind for kind, ours in WORDS.items() if words & ours), None)


def is_hidden(name: str) -> bool:
    """Whether a field, figure or column of this name is hidden from whoever the current request is answered to."""
    kinds = _reader.get()
    return bool(kinds) and kind_of(name) in kinds


def without_hidden(data: Any) -> Any:
    """The same data with null in place of what the reader may not see, at any depth."""
    return _stripped(data) if _reader.get() else data


def _stripped(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: None if is_hidden(str(key)) else _stripped(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_stripped(value) for value in data]
    return data


def hidden_asked(parameters: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    """Names of parameters by which somebody asks for hidden values, or for rows in their order."""
    if not _reader.get():
        return []
    return [
        name
        for name, values in parameters
        if is_hidden(name) or (name in NAMING and any(is_hidden(value) for value in values))
    ]
