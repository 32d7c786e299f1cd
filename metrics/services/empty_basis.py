"""A question on a basis that nobody in view has records on: undefined, with the reason and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.utils.functional import lazy
from django.utils.translation import gettext as _

from accounts.enums import RevenueBasis
from accounts.querysets import AccountQuerySet
from metrics.selectors import bases_in_view, company_basis
from metrics.services.base import Answer

P = ParamSpec("P")
A = TypeVar("A", bound=Answer)
T = TypeVar("T")
# As annotations are written: what may be undefined, and is a number where it is not.
_FIGURE = re.compile(r"(?:(?:int|float|Decimal|DriverValue) \| )+None")


def reason_without_records(accounts: AccountQuerySet, basis: str | None) -> str:
    """Why nothing can be said on this basis; empty where these accounts have records on it, or none at all."""
    chosen, there = str(basis or company_basis()), bases_in_view(accounts)
    return "" if chosen in there or not there else _lazy_reason(chosen, there)


def says_why_empty(
    service: Callable[Concatenate[AccountQuerySet, P], A],
) -> Callable[Concatenate[AccountQuerySet, P], A]:
    """Makes an answer that counts nobody say so, where it is the basis that has no records."""

    @wraps(service)
    def answer(accounts: AccountQuerySet, *args: P.args, **choices: P.kwargs) -> A:
        found = service(accounts, *args, **choices)
        if len(found.table):
            return found
        reason = reason_without_records(accounts, choices.get("basis"))  # type: ignore[arg-type]
        return undefined(found, reason) if reason else found

    return answer  # type: ignore[return-value]


def undefined(answer: T, reason: str) -> T:
    """The answer (a dataclass with ``reasons``) with every figure undefined for this reason: the numbers that may be."""
    found: Any = answer
    names = [one.name for one in fields(found) if _FIGURE.fullmatch(str(one.type))]
    changed: T = replace(found, **dict.fromkeys(names), reasons={**found.reasons, **dict.fromkeys(names, reason)})
    return changed


def _reason(basis: str, there: tuple[str, ...]) -> str:
    labels: dict[Any, Any] = dict(RevenueBasis.choices)
    words = _(
        "nothing in view is booked as “%(basis)s”: choose another basis (%(others)s), or import records of this one"
    ) % {"basis": labels[basis], "others": ", ".join(str(labels[other]) for other in there)}
    if basis != RevenueBasis.RECOGNISED:
        return words
    return _("%(words)s; what contracts say of it is a stand-in, and stands with the backlog") % {"words": words}


_lazy_reason = lazy(_reason, str)
