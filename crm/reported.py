"""What page and REST share about reported figures: whose accounts a report counts, in parameters and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import Account, User
from accounts.querysets import AccountQuerySet
from crm.web.filters import AccountFilter, Asked
from crm.web.scope import MINE
from metrics.enums import ReportedQuestion
from metrics.models import ReportedFigure
from metrics.querysets import ReportedFigureQuerySet
from metrics.scope import Level, Membership
from metrics.selectors import default_as_of
from metrics.services import reported
from metrics.services.base import Passport
from metrics.services.reported import unit_of

__all__ = [
    "ACCOUNT", "PAGE_QUESTIONS", "SCOPE", "counted_accounts", "live", "passport", "report", "unit_of",
    "visible_figures",
]  # fmt: skip

# Questions of the metrics page whose answers can be kept.
PAGE_QUESTIONS = {
    "growth": ReportedQuestion.GROWTH,
    "change": ReportedQuestion.BRIDGE,
    "retention": ReportedQuestion.RETENTION,
}
ACCOUNT, SCOPE = "account", "scope"  # kept beside the filters of the account list
NAMED_ACCOUNTS = 5  # in the words of a filter by accounts
Filters = Mapping[str, Sequence[str]]


def visible_figures(user: User) -> ReportedFigureQuerySet:
    """Reports the user may see, newest first, as lists show them."""
    return ReportedFigure.objects.visible_to(user).select_related("author", "withdrawn_by").order_by("-pk")


def report(*, author: User, filters: Filters, **asked: Any) -> ReportedFigure:
    """Keep the answer over the accounts the author may see and ``filters`` leave; ``asked`` as ``report_figure``."""
    kept = _settled(author, filters)
    return reported.report_figure(
        author=author,
        accounts=counted_accounts(author, kept, author=author),
        filters=kept,
        filter_words=_words(author, kept),
        **asked,
    )


def live(figure: ReportedFigure, reader: User) -> reported.LiveComparison:
    """The same question now, over the accounts the reader may see and the filters of the report leave."""
    return reported.compare(
        figure,
        accounts=counted_accounts(reader, figure.filters, author=figure.author),
        visible=Account.objects.visible_to(reader),
    )


def passport(figure: ReportedFigure) -> Passport:
    """The passport as it was then."""
    return Passport(
        figure.question, figure.version, figure.base, figure.comparison, figure.basis, figure.level, figure.as_of,
        figure.accounts, credit_notes=figure.credit_notes,
        membership=Membership(figure.membership) if figure.level == Level.GROUP else None,
    )  # fmt: skip


def counted_accounts(reader: User, filters: Filters, *, author: User, as_of: date | None = None) -> AccountQuerySet:
    """What the reader may see, limited as the author limited it: "mine" stays the author's own."""
    rows = Account.objects.visible_to(reader)
    if MINE in filters.get(SCOPE, ()):
        rows = rows.mine(author)
    rows = _account_filter(filters, author, as_of).apply(rows)
    chosen = filters.get(ACCOUNT, ())
    return rows.filter(pk__in=[int(key) for key in chosen]) if chosen else rows


def _account_filter(filters: Filters, author: User, as_of: date | None = None) -> AccountFilter:
    query = QueryDict(mutable=True)
    for name, values in filters.items():
        query.setlist(name, list(values))
    return AccountFilter(query, Asked(author, as_of or default_as_of()))


def _settled(author: User, filters: Filters) -> dict[str, list[str]]:
    """The filters that mean something, with "me" as the author's key, so that they mean the same to every reader."""
    kept = {name: list(values) for name, values in _account_filter(filters, author).values.items()}
    if "owner" in kept:
        kept["owner"] = [str(author.pk) if value == "me" else value for value in kept["owner"]]
    for name in (ACCOUNT, SCOPE):
        if filters.get(name):
            kept[name] = [str(value) for value in filters[name]]
    return kept


def _words(author: User, filters: Filters) -> list[tuple[str, str]]:
    words = [(str(chip.label), str(chip.value)) for chip in _account_filter(filters, author).chips()]
    if MINE in filters.get(SCOPE, ()):
        words.insert(0, (_("Scope"), _("accounts of %(user)s") % {"user": author.display_name}))
    chosen = filters.get(ACCOUNT, ())
    if chosen:
        found = Account.objects.filter(pk__in=[int(key) for key in chosen]).order_by("sort_key", "pk")
        names = list(found.values_list("name", flat=True)[: NAMED_ACCOUNTS + 1])
        named = ", ".join(names[:NAMED_ACCOUNTS])
        if len(names) > NAMED_ACCOUNTS:
            named = _("%(named)s; and %(count)s more") % {"named": named, "count": len(chosen) - NAMED_ACCOUNTS}
        words.append((_("Account"), named))
    return words
