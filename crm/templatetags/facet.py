"""Template tags of the product: icons, grade badges, numbers, figures, sparklines, links that keep the query."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from accounts.enums import Grade, RevenueKind
from crm.lib.periods import Period
from crm.web import formats
from crm.web import tiering_tabs as tabs
from crm.web.columns import initials as name_initials
from crm.web.drawing import Share, sparkline
from crm.web.editing import stamp_of
from crm.web.period_choices import notes_on
from crm.web.scope import number_style
from tiering.enums import DimensionCode

register = template.Library()
LABELS = {"dimension": DimensionCode.choices, "revenue_kind": RevenueKind.choices}


@register.simple_tag
def tiering_tabs(tab: str) -> tuple[tabs.Group, ...]:
    """The groups of pages of tiering, the open one marked."""
    return tabs.groups(tab)


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """One symbol of the sprite; decorative, so hidden from screen readers. The words stand beside it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        extra,
        static("img/icons.svg"),
        name,
    )


def badge(grade: str, *, size: str = "") -> SafeString:
    """Icon, word and hue of a grade."""
    known = grade if grade in Grade.values else Grade.NOT_GRADED
    extra = f" grade-{size}" if size else ""
    return mark_safe(f'<span class="grade grade-{known}{extra}">{escape(Grade(known).label)}</span>')  # noqa: S308  # nosec B308, B703 # a grade of ours and its escaped label


@register.simple_tag
def grade_badge(grade: str, size: str = "") -> SafeString:
    return badge(grade, size=size)


def not_available(reason: str = "") -> SafeString:
    """ "n/a" that says why, on hover and to screen readers."""
    why = reason or _("not defined for these data")
    return format_html(
        '<span class="na" title="{}">{}<span class="visually-hidden">: {}</span></span>', why, _("n/a"), why
    )


@register.simple_tag
def na(reason: str = "") -> SafeString:
    return not_available(reason)


@register.simple_tag
def money(value: Any, currency: str = "", reason: str = "", decimals: int = 0) -> str:
    """An amount in full with its currency; n/a with the reason where it is not defined."""
    if value is None:
        return not_available(reason)
    text = formats.money(value, decimals=decimals)
    return f"{text} {currency}" if currency else text


@register.simple_tag(takes_context=True)
def money_short(context: template.Context, value: Any, currency: str = "", reason: str = "") -> str:
    """An amount as 6.23M or 623万, as the reader chose; a template gives "" for what hangs on a row that is not there."""
    if value in (None, ""):
        return not_available(reason)
    text = formats.money_short(value, number_style(context["request"]))
    return f"{text} {currency}" if currency else text


@register.simple_tag
def percent(value: Any, reason: str = "", decimals: int = 1) -> str:
    """A template gives "" for what hangs on a row that is not there."""
    return not_available(reason) if value in (None, "") else formats.percent(value, decimals=decimals)


@register.simple_tag
def change(value: Any, reason: str = "", decimals: int = 1) -> SafeString | str:
    """A rate of change: sign and arrow first, colour last."""
    if value in (None, ""):
        return not_available(reason)
    text = formats.percent(value, decimals=decimals, signed=True)
    if text.startswith("+"):
        return format_html('<span class="up">{} ↑</span>', text)
    if text.startswith(formats.MINUS):
        return format_html('<span class="down">{} ↓</span>', text)
    return format_html('<span class="flat">{}</span>', text)


@register.simple_tag
def number(value: Any, decimals: int = 0, reason: str = "") -> str:
    return not_available(reason) if value is None else formats.number(value, decimals=decimals)


@register.simple_tag
def period_notes(base: Period | None, comparison: Period | None) -> list[str]:
    """What to know before two periods are compared; empty where nothing is."""
    return notes_on(base, comparison)


@register.filter(expects_localtime=True)
def day(value: date | None) -> str:
    """A date, or the local day of a moment."""
    return formats.day(value) or "–"


@register.filter
def month(value: date | None) -> str:
    return formats.month(value) if value else "–"


@register.simple_tag(takes_context=True)
def figure(context: template.Context, value: Any, css: str = "") -> SafeString:
    """A ``crm.web.figure.Figure`` as a link that opens its drawer."""
    return value.as_link(number_style(context["request"]), css=css)


@register.simple_tag
def spark(
    values: Sequence[float] | None, width: int = 76, height: int = 22, label: str = "", *, from_zero: bool = True
) -> SafeString:
    """A small line of the last months, drawn by the server."""
    return sparkline(values, width=width, height=height, label=label, from_zero=from_zero)


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """The page's query string with some keys replaced; an empty value removes its key, paging starts anew."""
    params = context["request"].GET.copy()
    params.pop("after", None)
    params.pop("before", None)
    for key, value in changes.items():
        if value in (None, ""):
            params.pop(key, None)
        else:
            params[key] = value
    return f"?{params.urlencode()}" if params else "?"


@register.filter
def item(mapping: Mapping[Any, Any], key: Any) -> Any:
    """The value of a key that is a variable; empty where there is none."""
    return mapping.get(key, "")


@register.filter
def initials(name: str) -> str:
    """Two letters of a person's name."""
    return name_initials(name)


@register.filter
def label(value: str, kind: str) -> str:
    """The word for a stored code: {{ row.kind|label:"revenue_kind" }}."""
    return str(dict(LABELS[kind]).get(value, value))


@register.filter
def trim_zeros(text: str) -> str:
    """A number in plain digits without the zeros at its end."""
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.simple_tag(takes_context=True)
def figure_text(context: template.Context, value: Any) -> str:
    """The words of a ``Figure``, without a link."""
    return value.text(number_style(context["request"]))


@register.simple_tag
def share_bar(share: Share, css: str = "") -> SafeString:
    """A part of the largest as a small bar; the number stands beside it."""
    return share.bar(f"bar-{css}" if css else "")


@register.filter
def percent_text(value: float | None) -> str:
    """A fraction in whole percent, for use inside sentences."""
    return "–" if value is None else formats.percent(value, decimals=0)


@register.filter
def points_text(value: float | None) -> str:
    """A difference in points with its sign, for use inside sentences."""
    return "–" if value is None else formats.points(value)


@register.simple_tag(takes_context=True)
def seen(context: Any, shown: Any, is_kept: bool = False) -> SafeString:  # noqa: FBT001, FBT002 - a template says it
    """What a form carries back: the version of the row, or of the rows together, that the page shows (crm.web.editing).

    is_kept : the form was refused for what was typed: it goes on from the version it was first shown with
    """
    sent = context["request"].POST.get("seen", "") if is_kept else ""
    return format_html('<input type="hidden" name="seen" value="{}">', sent or stamp_of(shown))
