"""What a question of the metrics page is asked with, and what its answer consists of."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.querysets import AccountQuerySet
from crm.web.charts import Chart
from crm.web.figure import Figure, Kind
from crm.web.figure_answers import kind_of
from crm.web.formats import NumberStyle
from crm.web.metric_form import ChoicesForm
from crm.web.metric_table import Accounts, Column, Order
from metrics.definitions import METRICS
from metrics.reasons import is_about_rates
from metrics.services.base import AccountTable, Answer, Passport


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as the address puts it: whose accounts, by which choices, in whose number style."""

    accounts: AccountQuerySet
    form: ChoicesForm
    params: QueryDict
    links: Mapping[str, Any]
    style: NumberStyle
    as_of: date

    def figure(
        self, key: str, answer: Answer, *, label: Any = None, value: Any = None, kind: Kind | None = None
    ) -> Figure:
        """A figure of the answer, with the link to its drawer."""
        found = getattr(answer, key, None) if value is None else value
        definition = METRICS[key]
        shown = kind or kind_of(definition, found)
        return Figure(
            key,
            label or definition.label,
            found,
            shown,
            currency=answer.currency if shown is Kind.MONEY else "",
            reason=answer.reasons.get(key, ""),
            query=self.links,
        )

    def with_params(self, **changes: str) -> str:
        """The address with other values, on its first page."""
        params = self.params.copy()
        for name in ("page", "sort", "line"):
            params.pop(name, None)
        for name, value in changes.items():
            params[name] = value
        return params.urlencode()

    def without_params(self, *names: str) -> str:
        """The address without some of its values."""
        params = self.params.copy()
        for name in ("page", *names):
            params.pop(name, None)
        return params.urlencode()

    def said(self, figure: Figure) -> SafeString:
        """A figure inside a sentence."""
        unit = format_html(" {}", figure.currency) if figure.currency and figure.value is not None else ""
        return format_html("<strong>{}{}</strong>", figure.as_link(self.style), unit)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer that is its own: a template and what it needs, as ``content``."""

    template: str
    content: Any


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of an answer that is a file of its own beside that of the accounts; ``rows`` are read when it is asked for."""

    key: str
    label: Any
    headings: Sequence[Any]
    rows: Callable[[], Iterable[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class RateLine:
    """One reading of growth: as reported, without what exchange rates did, and what they did in money."""

    label: Any
    reported: Figure
    constant: Figure
    effect: Figure


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer as the page shows it. ``table`` is None where no accounts stand behind a point (a series); ``rates`` is
    empty where one currency is all there is; ``above`` and ``below`` stand before and after the chart; ``behind`` heads the
    table of accounts where it says more than that they stand behind the answer."""

    sentence: SafeString
    figures: Sequence[Figure]
    chart: Chart
    passport: Passport
    currency: str
    table: Accounts | None = None
    points: Sequence[Sequence[Any]] = ()
    note: Any = ""
    lines: Sequence[tuple[str, Any]] = field(default_factory=tuple)
    line: str = ""
    rates: Sequence[RateLine] = ()
    above: Piece | None = None
    below: Piece | None = None
    behind: Any = ""
    sheets: Sequence[Sheet] = ()


def accounts_behind(asked: Asked, table: AccountTable, columns: Sequence[Column], order: Order) -> Accounts:
    return Accounts(table, columns, order, asked.params, asked.style)


def unsaid(reason: str) -> SafeString:
    if not reason:
        return format_html("{}", _("It cannot be said for these dates."))
    said = format_html(_("It cannot be said ({reason})."), reason=reason)
    return format_html("{} {}", said, missing_rates_link()) if is_about_rates(reason) else said


def missing_rates_link() -> SafeString:
    """Where the rates that figures wait for are listed, and can be brought in."""
    return format_html('<a href="{}">{}</a>', reverse("imports:rates"), _("See the missing rates"))
