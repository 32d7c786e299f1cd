"""A figure leaf by leaf: the table that answers about drivers and directions share."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import formats
from crm.web.drivers_form import WHOLE
from crm.web.figure import Figure
from crm.web.metric_asked import Asked
from metrics.frames_parts import ProductDimension
from metrics.leaves import Dimension

SHOWN_LEAVES = 20
BY_KEY = frozenset({Dimension.OWNER, Dimension.GROUP, Dimension.DEALER})  # filters that take a key, or "none"
LEAF_HEADS: dict[Dimension | ProductDimension, Any] = {
    Dimension.OWNER: gettext_lazy("Owner"),
    Dimension.REGION: gettext_lazy("Region"),
    Dimension.GRADE: gettext_lazy("Grade"),
    Dimension.SEGMENT: gettext_lazy("Segment"),
    Dimension.INDUSTRY: gettext_lazy("Industry"),
    ProductDimension.PRODUCT: gettext_lazy("Product"),
    ProductDimension.CATEGORY: gettext_lazy("Category"),
    Dimension.GROUP: gettext_lazy("Group"),
    Dimension.DEALER: gettext_lazy("Dealer"),
    Dimension.CHANNEL: gettext_lazy("Channel"),
    Dimension.SIZE: gettext_lazy("Size"),
    Dimension.NEED: gettext_lazy("Need"),
    Dimension.POTENTIAL: gettext_lazy("Market potential"),
}
LEAF_TITLES: dict[Dimension | ProductDimension, Any] = {
    Dimension.OWNER: gettext_lazy("By owner"),
    Dimension.REGION: gettext_lazy("By region"),
    Dimension.GRADE: gettext_lazy("By today's grade"),
    Dimension.SEGMENT: gettext_lazy("By segment"),
    Dimension.INDUSTRY: gettext_lazy("By industry"),
    ProductDimension.PRODUCT: gettext_lazy("By product"),
    ProductDimension.CATEGORY: gettext_lazy("By product category"),
    Dimension.GROUP: gettext_lazy("By today's group"),
    Dimension.DEALER: gettext_lazy("By dealer"),
    Dimension.CHANNEL: gettext_lazy("By channel"),
    Dimension.SIZE: gettext_lazy("By size"),
    Dimension.NEED: gettext_lazy("By need"),
    Dimension.POTENTIAL: gettext_lazy("By market potential"),
}


@dataclass(frozen=True, slots=True)
class FactorLine:
    """A factor in both periods, what it did, and the accounts that moved it: (label, count, amount, query)."""

    label: Any
    base: str
    comparison: str
    effect: Figure
    movers: Sequence[tuple[Any, str, str, str]]


@dataclass(frozen=True, slots=True)
class LeafLine:
    """A leaf or a sum of leaves; ``query`` narrows the question to it."""

    label: Any
    cells: Sequence[str | SafeString]
    query: str = ""
    is_sum: bool = False
    hint: Any = ""


@dataclass(frozen=True, slots=True)
class Leaves:
    """The table of leaves, and above it that of the factors where there are some; ``note``: how the leaves are to be read,
    where not by how the accounts stand today."""

    head: Any
    columns: Sequence[Any]
    lines: Sequence[LeafLine]
    currency: str
    factors: Sequence[FactorLine] = ()
    title: Any = ""
    note: Any = ""


def full_amount(amount: Decimal | None) -> str | SafeString:
    return not_known() if amount is None else formats.money(amount)


def signed_amount(amount: Decimal | None) -> str | SafeString:
    """An amount in full with its sign and hue; nothing for nothing."""
    if amount is None:
        return not_known()
    text = formats.money(amount)
    if text.lstrip(formats.MINUS) == formats.money(0):
        return formats.money(0)
    is_up = amount > 0
    return format_html('<span class="{}">{}</span>', "up" if is_up else "down", f"+{text}" if is_up else text)


def not_known() -> SafeString:
    return format_html('<span class="na">{}</span>', _("n/a"))


def narrowed_to(asked: Asked, by: Dimension | None, key: str) -> str:
    """The question about one leaf alone, broken down no further."""
    blank = "none" if by in BY_KEY else "-"
    return asked.with_params(**{str(by): key or blank, "by": WHOLE})


def more_words(count: int) -> str:
    return _("%(count)s more") % {"count": formats.number(count)}
