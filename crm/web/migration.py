"""Where the accounts of each grade of one night stand in a later one: the matrix, its accounts, and both as files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from accounts.enums import Grade
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import PeriodError
from crm.lib.periods import add_months
from crm.web import formats
from crm.web.auth import dress
from crm.web.export import FORMS, table_file
from crm.web.htmx import page_or_fragment, signed_in, user_of
from crm.web.scope import accounts_in_scope
from tiering.migration import NONE, STEPS, MigrationMatrix, MigrationRow, migrants, migration_matrix, two_nights_at
from tiering.models import TierRun
from tiering.selectors import published_runs

GRADES = tuple(grade for grade in Grade.values if grade != Grade.NOT_GRADED)
SHADES = 5
ACCOUNTS_A_PAGE = 25
SPANS = ((1, gettext_lazy("1 month")), (3, gettext_lazy("3 months")), (12, gettext_lazy("12 months")))
STEP_LABELS = {"up": gettext_lazy("Up"), "down": gettext_lazy("Down"), "same": gettext_lazy("Stayed")}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix; ``step`` 1 to 5 is its shade by share of the row, 0 where nobody is."""

    grade: str
    number: int
    share: float
    href: str
    words: str
    is_same: bool

    @property
    def step(self) -> int:
        return min(SHADES, 1 + int(self.share * SHADES)) if self.number else 0


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the matrix: the accounts of one grade of the earlier night."""

    grade: str
    accounts: int
    is_few: bool
    cells: tuple[Cell, ...]


class NightsForm(forms.Form):
    """Two days; each stands for the night at or before it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("from", gettext_lazy("From the night at")), ("to", gettext_lazy("to the night at"))):
            widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            self.fields[name] = forms.DateField(label=label, required=False, widget=widget)
        dress(self)


class Asked:
    """What an address asks: two nights, and the accounts of one cell or direction."""

    def __init__(self, request: HttpRequest) -> None:
        self.request, self.refusal = request, ""
        given = {name: request.GET.get(name, "") for name in ("from", "to")}
        self.form = NightsForm(given)
        self.nights: tuple[TierRun, TierRun] | None = None
        if self.form.is_valid():
            days = self.form.cleaned_data
            try:
                self.nights = two_nights_at(first=days["from"], last=days["to"])
            except PeriodError as error:
                self.refusal = str(error)
        if self.nights is not None:
            shown = zip(given, self.nights, strict=True)
            self.form = NightsForm({name: given[name] or run.as_of.isoformat() for name, run in shown})
        held = {*GRADES, NONE}
        self.before, self.later = (value if value in held else "" for value in map(self._get, ("before", "later")))
        self.step = self._get("moved") if self._get("moved") in STEPS else ""

    def _get(self, name: str) -> str:
        return self.request.GET.get(name, "")

    @property
    def has_choice(self) -> bool:
        return bool(self.before or self.later or self.step)

    def days(self) -> tuple[date, date]:
        if self.nights is None:
            raise Http404
        return self.nights[0].as_of, self.nights[1].as_of

    def query(self, **choice: str) -> str:
        """The two nights, with the accounts of one cell or direction where they are chosen."""
        first, last = self.days()
        return urlencode({"from": first.isoformat(), "to": last.isoformat(), **{k: v for k, v in choice.items() if v}})

    def accounts(self) -> AccountQuerySet:
        first, last = self.days()
        return migrants(
            accounts_in_scope(self.request),
            first=first, last=last, before=self.before, later=self.later, step=self.step,
        )  # fmt: skip

    def choice_words(self) -> str:
        """Which accounts are listed, in words."""
        if self.step:
            return str(STEP_LABELS[self.step])
        return f"{_label(self.before) or _('any grade')} → {_label(self.later) or _('any grade')}"


@signed_in
@require_GET
def migration(request: HttpRequest) -> HttpResponse:
    """The matrix between two nights, and below it the accounts of the cell that was opened."""
    asked = Asked(request)
    context: dict[str, Any] = {"asked": asked, "form": asked.form, "has_nights": published_runs().exists()}
    if asked.nights is not None:
        first, last = asked.days()
        found = migration_matrix(accounts_in_scope(request), first=first, last=last)
        context |= {
            "found": found,
            "nights": asked.nights,
            "columns": GRADES,
            "lines": [_line(row, asked) for row in found.rows],
            "entrants": _others(found.entrants, asked, is_entering=True),
            "leavers": _others(found.leavers, asked, is_entering=False),
            "steps": [
                (STEP_LABELS[step], getattr(found, step), f"?{asked.query(moved=step)}#accounts") for step in STEPS
            ],
            "sentence": _sentence(found),
            "spans": _spans(last),
            "matrix_query": asked.query(),
            "list_query": asked.query(before=asked.before, later=asked.later, moved=asked.step),
        }
        if asked.has_choice:
            context["page"] = Paginator(asked.accounts(), ACCOUNTS_A_PAGE).get_page(request.GET.get("page"))
    return page_or_fragment(request, "tiering/migration.html", "tiering/_migration.html", context)


@signed_in
@require_GET
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """The matrix, or the accounts of the cell or direction that is asked for."""
    asked = Asked(request)
    if form not in FORMS or asked.nights is None:
        raise Http404
    first, last = asked.days()
    about = [
        (_("Question"), _("Migration between two nights")),
        (_("From the night"), formats.day(first)),
        (_("To the night"), formats.day(last)),
        (_("Accounts counted"), _("those %(user)s may see") % {"user": user_of(request).display_name}),
    ]
    if asked.has_choice:
        headings, rows = _account_rows(asked)
        about.append((_("Accounts"), asked.choice_words()))
    else:
        headings, rows = _matrix_rows(migration_matrix(accounts_in_scope(request), first=first, last=last))
    return table_file(form, f"migration-{first}-{last}", headings, rows, about=about)


def _line(row: MigrationRow, asked: Asked) -> Line:
    cells = []
    for grade in GRADES:
        number, share = row.counts.get(grade, 0), row.shares.get(grade, 0.0)
        words = _("%(before)s to %(later)s: %(share)s, %(number)s accounts") % {
            "before": _label(row.grade), "later": _label(grade),
            "share": formats.percent(share), "number": formats.number(number),
        }  # fmt: skip
        href = f"?{asked.query(before=row.grade, later=grade)}#accounts"
        cells.append(Cell(grade, number, share, href, words, is_same=grade == row.grade))
    return Line(row.grade, row.accounts, row.is_few, tuple(cells))


def _others(counts: Any, asked: Asked, *, is_entering: bool) -> list[tuple[str, int, str]]:
    """Accounts that had a grade on one of the days alone: grade, number, where they are listed."""
    ends = [("later", "before"), ("before", "later")]
    held, none = ends[0] if is_entering else ends[1]
    return [
        (grade, counts[grade], f"?{asked.query(**{held: grade, none: NONE})}#accounts")
        for grade in GRADES
        if counts.get(grade)
    ]


def _sentence(found: MigrationMatrix) -> str:
    if not found.accounts:
        return _("No account you see had a grade in both nights.")
    words = {
        "accounts": formats.number(found.accounts),
        "up": formats.number(found.up),
        "down": formats.number(found.down),
        "same": formats.percent(found.same / found.accounts),
    }
    return (
        ngettext(
            "Of %(accounts)s account graded in both nights %(same)s kept its grade; %(up)s went up, %(down)s went down.",
            "Of %(accounts)s accounts graded in both nights %(same)s kept their grade; %(up)s went up, %(down)s went down.",
            found.accounts,
        )
        % words
    )


def _spans(last: date) -> list[tuple[Any, str]]:
    address = reverse("tiering:migration")
    days = [(label, add_months(last, -months)) for months, label in SPANS]
    return [(label, f"{address}?{urlencode({'from': day.isoformat(), 'to': last.isoformat()})}") for label, day in days]


def _label(grade: str) -> str:
    return _("no grade") if grade == NONE else str(Grade(grade).label) if grade else ""


def _matrix_rows(found: MigrationMatrix) -> tuple[list[Any], list[list[Any]]]:
    headings = [_("From"), _("To"), _("Accounts"), _("Share of the row")]
    rows = [
        [_label(row.grade), _label(grade), row.counts[grade], row.shares[grade]]
        for row in found.rows
        for grade in GRADES
        if grade in row.counts
    ]
    rows += [[_label(NONE), _label(grade), number, None] for grade, number in found.entrants.items()]
    rows += [[_label(grade), _label(NONE), number, None] for grade, number in found.leavers.items()]
    return headings, rows


def _account_rows(asked: Asked) -> tuple[Sequence[Any], Any]:
    headings = [_("Code"), _("Account"), _("From"), _("To"), _("Revenue, 12 months"), _("Currency"), _("Owner")]
    fields = ("code", "name", "before", "later", "figures__ttm_revenue", "figures__currency")
    people = ("owner__first_name", "owner__last_name", "owner__username")
    rows = (
        [code, name, _label(before), _label(later), revenue, currency or "", f"{given or ''} {family or ''}".strip() or user]
        for code, name, before, later, revenue, currency, given, family, user in asked.accounts()
        .values_list(*fields, *people)
        .iterator(chunk_size=2000)
    )  # fmt: skip
    return headings, rows
