"""Relationships over all accounts in view: scores, gaps, alarms and next steps, filtered, sorted, as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts.enums import Grade
from accounts.enums_relations import Layer
from accounts.models import Account
from accounts.querysets import AccountQuerySet
from crm.web import formats
from crm.web.export import FORMS, table_file
from crm.web.figure import Figure, Kind
from crm.web.htmx import signed_in
from crm.web.relations_words import (
    GAP_CODES,
    GAP_WORDS,
    THREAD_CODES,
    THREAD_WORDS,
    gap_words,
    layer_value,
    level_words,
)
from crm.web.scope import accounts_in_scope
from metrics.formulas.exact import BoolArray
from metrics.formulas.relationships import ALARMS, Thread
from metrics.reasons import sentence
from metrics.scope import Level
from metrics.services.base import AccountTable
from metrics.services.relationships import RelationshipFigures, relationships
from plans.selectors_portfolio import owners_of
from plans.selectors_relations import next_steps

A_PAGE = 25
GAP_OF = {code: gap for gap, code in GAP_CODES.items()}
THREAD_OF = {code: thread for thread, code in THREAD_CODES.items()}
LAYER_GAPS = {"key": "key_gap", "general": "general_gap", "organisational": "organisational_gap"}
SORTS = (
    ("key_gap", gettext_lazy("largest gap to key people first")),
    ("general_gap", gettext_lazy("largest gap in breadth first")),
    ("organisational_gap", gettext_lazy("largest gap in level first")),
    ("score", gettext_lazy("lowest key score first")),
)
LEVELS = ((Level.ENTITY.value, gettext_lazy("Legal entities")), (Level.GROUP.value, gettext_lazy("Groups")))


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; what cannot be read counts as not asked."""

    grade: str = ""
    owner: str = ""
    gap: str = ""
    thread: str = ""
    layer: str = ""
    level: str = Level.ENTITY.value
    sort: str = "key_gap"

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        asked = request.GET

        def one_of(name: str, known: Any, default: str = "") -> str:
            value = asked.get(name, "")
            return value if value in set(map(str, known)) else default

        owner = asked.get("owner", "")
        return cls(
            grade=one_of("grade", Grade.values),
            owner=owner if owner.isascii() and owner.isdigit() and len(owner) < 19 else "",
            gap=one_of("gap", GAP_OF),
            thread=one_of("thread", THREAD_OF),
            layer=one_of("layer", LAYER_GAPS),
            level=one_of("level", dict(LEVELS), Level.ENTITY.value),
            sort=one_of("sort", dict(SORTS), "key_gap"),
        )

    @property
    def is_narrow(self) -> bool:
        return any((self.grade, self.owner, self.gap, self.thread, self.layer))

    def within(self, accounts: AccountQuerySet) -> AccountQuerySet:
        found = accounts.filter(grade=self.grade) if self.grade else accounts
        return found.filter(owner=int(self.owner)) if self.owner else found

    def mask(self, table: AccountTable) -> BoolArray:
        columns = table.columns
        found = np.ones(len(table), dtype=bool)
        if self.gap:
            found &= (columns["gaps"] & int(GAP_OF[self.gap])) > 0
        if self.thread:
            found &= columns["thread"] == int(THREAD_OF[self.thread])
        if self.layer:
            found &= columns[LAYER_GAPS[self.layer]] > 0
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """One account or group in words."""

    account: Account
    members: int
    values: dict[str, Any]
    key: str
    key_note: str
    key_target: str
    general: str
    general_target: str
    level: str
    level_words: str
    level_target: str
    gaps: list[str]
    thread: str
    is_alarm: bool
    step: Any


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Figures of everything the filters leave, and the accounts page by page; the statements do not grow with them."""
    filters, everyone = Filters.of(request), accounts_in_scope(request)
    found, table = _answer(filters, everyone)
    pages = Paginator(range(len(table)), A_PAGE).get_page(request.GET.get("page"))
    rows = _rows(filters, table, offset=max(pages.start_index() - 1, 0), limit=A_PAGE)
    context = {
        "filters": filters,
        "found": found,
        "figures": figures_of(found, filters),
        "page": pages,
        "rows": rows,
        "grades": Grade.choices,
        "owners": owners_of(everyone),
        "gaps": [(code, GAP_WORDS[gap]) for code, gap in GAP_OF.items()],
        "threads": [(code, THREAD_WORDS[thread]) for code, thread in THREAD_OF.items()],
        "layers": [(layer.value, layer.label) for layer in Layer],
        "levels": LEVELS,
        "sorts": SORTS,
        "query": request.GET.urlencode(),
    }
    return render(request, "relations/portfolio.html", context)


@signed_in
@require_GET
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """Exactly what the list shows, all pages of it."""
    if form not in FORMS:
        raise Http404
    filters = Filters.of(request)
    found, table = _answer(filters, accounts_in_scope(request))
    headings = [
        _("Code"), _("Account"), _("Grade"), _("Owner"), _("Key score"), _("Target"), _("Coverage"), _("Target"),
        _("Organisational level"), _("Target"), _("Gaps"), _("Thread"), _("Contacts met"), _("Of us"), _("Next step"), _("Due on"),
    ]  # fmt: skip
    rows = [
        [
            row.account.code, row.account.name, str(row.account.get_grade_display()),
            row.account.owner.display_name if row.account.owner else "", row.values["key_relationship_score"],
            row.values["key_target"], row.values["relationship_coverage"], row.values["general_target"],
            row.values["organisational_level"], row.values["organisational_target"], ", ".join(row.gaps), row.thread,
            row.values["theirs"], row.values["ours"], row.step.text if row.step else "", row.step.due_on if row.step else None,
        ]
        for row in _rows(filters, table)
    ]  # fmt: skip
    about = [(one.label, one.text() or f"{_('n/a')}: {one.reason}") for one in figures_of(found, filters)]
    if table.columns["key_withheld"].any():
        about.append((_("Key score"), str(sentence("few_people"))))
    about += [
        (_("As of"), formats.day(found.passport.as_of)),
        (_("Version"), f"relationships v{found.passport.version}"),
    ]
    return table_file(form, f"relationships-{found.passport.as_of:%Y-%m-%d}", headings, rows, about=about)


def figures_of(found: RelationshipFigures, filters: Filters) -> list[Figure]:
    query = {
        "grade": filters.grade,
        "owner": filters.owner,
        "level": filters.level if filters.level != "entity" else "",
    }
    kinds = (
        ("key_relationship_score", _("Key relationship score, mean"), Kind.SCORE),
        ("relationship_coverage", _("Coverage, mean"), Kind.PERCENT),
        ("organisational_level", _("Organisational level, mean"), Kind.SCORE),
        ("mapped_accounts", _("Accounts with a map"), Kind.COUNT),
        ("gap_accounts", _("With a gap among deciders"), Kind.COUNT),
        ("single_threaded_accounts", _("On a single thread"), Kind.COUNT),
    )
    return [
        Figure(key, label, getattr(found, key), kind, reason=found.reasons.get(key, ""), query=query)
        for key, label, kind in kinds
    ]


def _answer(filters: Filters, everyone: AccountQuerySet) -> tuple[RelationshipFigures, AccountTable]:
    found = relationships(filters.within(everyone), as_of=timezone.localdate(), level=filters.level)
    return found, found.table.where(filters.mask(found.table))


def _rows(filters: Filters, table: AccountTable, *, offset: int = 0, limit: int | None = None) -> list[Row]:
    order, descending = ("key_relationship_score", False) if filters.sort == "score" else (filters.sort, True)
    listed = table.rows(order_by=order, descending=descending, offset=offset, limit=limit)
    accounts = Account.objects.select_related("owner").in_bulk([row.account_id for row in listed])
    steps = next_steps([row.account_id for row in listed])
    return [_row(row, accounts[row.account_id], steps) for row in listed]


def _row(row: Any, account: Account, steps: dict[tuple[int, str], Any]) -> Row:
    values, thread = row.values, Thread(row.values["thread"])
    mine = [steps[account.pk, layer] for layer in Layer.values if (account.pk, layer) in steps]
    return Row(
        account=account,
        members=row.members,
        values=values,
        key=layer_value(Layer.KEY, values["key_relationship_score"]),
        key_note=str(sentence("few_people")) if values["key_withheld"] else "",
        key_target=layer_value(Layer.KEY, values["key_target"]),
        general=layer_value(Layer.GENERAL, values["relationship_coverage"]),
        general_target=layer_value(Layer.GENERAL, values["general_target"]),
        level=layer_value(Layer.ORGANISATIONAL, values["organisational_level"]),
        level_words=level_words(values["organisational_level"]),
        level_target=layer_value(Layer.ORGANISATIONAL, values["organisational_target"]),
        gaps=gap_words(values["gaps"]),
        thread=str(THREAD_WORDS[thread]),
        is_alarm=thread in ALARMS,
        step=min(mine, key=lambda step: (step.due_on, step.pk), default=None),
    )
