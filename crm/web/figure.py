"""A figure as pages show it: a value with its kind, and a link to the drawer that says all about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.fields import is_hidden
from crm.web import formats
from crm.web.formats import PLAIN, NumberStyle


class Kind(StrEnum):
    """How a figure reads."""

    MONEY = "money"
    PERCENT = "percent"
    CHANGE = "change"
    COUNT = "count"
    SCORE = "score"
    NUMBER = "number"
    TEXT = "text"
    DAY = "day"
    CHANCE = "chance"


DECIMALS = {Kind.COUNT: 0, Kind.SCORE: 1}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure on a page.

    metric : key of the catalogue (metrics/definitions.py); query : what else the drawer needs to find it again
    value : None where it is not defined, then ``reason`` says why
    """

    metric: str
    label: Any
    value: Any
    kind: Kind = Kind.NUMBER
    currency: str = ""
    reason: str = ""
    query: Mapping[str, Any] = field(default_factory=dict)
    note: Any = ""

    def __post_init__(self) -> None:
        if is_hidden(self.metric):
            for name, value in (("value", None), ("note", ""), ("reason", _("not for your log-in"))):
                object.__setattr__(self, name, value)

    @property
    def href(self) -> str:
        wanted = {key: value for key, value in self.query.items() if value not in (None, "")}
        address = reverse("figure", args=[self.metric])
        return f"{address}?{urlencode(wanted, doseq=True)}" if wanted else address

    def text(self, style: NumberStyle = PLAIN) -> str:
        """The value in words, without its currency; empty where it is not defined."""
        return "" if self.value is None else format_value(self.value, self.kind, style)

    def as_link(self, style: NumberStyle = PLAIN, *, css: str = "") -> SafeString:
        if self.value is None:
            inner: Any = format_html('<span class="na">{}</span>', _not_available())
            title = self.reason
        else:
            inner, title = self.text(style), ""
        return format_html(
            '<a class="fig {}" data-drawer href="{}"{}>{}<span class="visually-hidden"> ({}{})</span></a>',
            css,
            self.href,
            format_html(' title="{}"', title) if title else "",
            inner,
            self.label,
            f": {title}" if title else "",
        )


def format_value(value: Any, kind: Kind, style: NumberStyle = PLAIN) -> str:
    if kind is Kind.MONEY:
        return formats.money_short(value, style)
    if kind in (Kind.PERCENT, Kind.CHANGE):
        return formats.percent(value, signed=kind is Kind.CHANGE)
    if kind is Kind.TEXT:
        return str(value)
    if kind is Kind.DAY:
        return formats.day(value)
    if kind is Kind.CHANCE:
        return formats.chance(value)
    return formats.number(value, decimals=DECIMALS.get(kind, 2))


def _not_available() -> str:
    from django.utils.translation import gettext

    return gettext("n/a")
