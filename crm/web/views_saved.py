"""Saved views of the account list: a filter under a name, for oneself or for everybody."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.models import SavedView, ViewPage
from crm.web import columns as listing
from crm.web.account_rows import DEFAULT_SORT, AccountList
from crm.web.filters import AccountFilter, Asked
from crm.web.htmx import page_or_fragment, signed_in
from crm.web.scope import accounts_in_scope

COUNT_CAP = 1000  # a tab says "1,000+" above it


@signed_in
@require_GET
def tabs(request: HttpRequest) -> HttpResponse:
    """The tabs with their counts; the list loads them after itself, so that counting never delays it."""
    listed = AccountList(request)
    context = {"listed": listed, "counts": counts(request, listed)}
    return page_or_fragment(request, "accounts/list.html", "accounts/_tabs.html", context)


def counts(request: HttpRequest, listed: AccountList) -> dict[int, str]:
    """{view id: its count as text, 0 for the list of all}; one query for all of them, each counted to the cap."""
    asked = Asked(listed.user, listed.as_of)
    keys: list[int] = []
    parts: list[str] = []
    params: list[Any] = []
    for pk, query in [(0, ""), *((view.pk, view.query) for view in listed.views)]:
        rows = AccountFilter(QueryDict(query), asked).apply(accounts_in_scope(request))
        try:
            sql, values = rows.order_by().values("pk")[: COUNT_CAP + 1].query.sql_with_params()
        except EmptyResultSet:
            sql, values = "SELECT 1 WHERE false", ()
        keys.append(pk)
        parts.append(f"(SELECT count(*) FROM ({sql}) found)")
        params += list(values)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", params)
        found = cursor.fetchone()
    return {pk: f"{COUNT_CAP:,}+" if count > COUNT_CAP else f"{count:,}" for pk, count in zip(keys, found, strict=True)}


@signed_in
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Keep the present filter, order and columns under a name; the same name again replaces the view."""
    if request.method == "GET":
        listed = AccountList(request)
        context: dict[str, Any] = {"listed": listed, "query": listed.neighbour(), "error": ""}
        return page_or_fragment(request, "accounts/view_form.html", "accounts/_view_form.html", context)
    name = request.POST.get("name", "").replace("\x00", "").strip()[:60]
    query = QueryDict(request.POST.get("query", ""))
    listed = AccountList(request)
    if not name:
        context = {"listed": listed, "query": query.urlencode(), "error": _("Give the view a name.")}
        return page_or_fragment(request, "accounts/view_form.html", "accounts/_view_form.html", context, status=422)
    asked = Asked(listed.user, listed.as_of)
    sort = query.get("sort", "")
    kept = AccountFilter(query, asked).query(sort=sort if sort != DEFAULT_SORT else "")
    columns = [column.key for column in listing.chosen(listed.layout.columns) if column is not listing.NAME]
    view, _created = SavedView.objects.update_or_create(
        owner=listed.user,
        page=ViewPage.ACCOUNTS,
        name=name,
        defaults={"query": kept, "columns": columns, "is_shared": "is_shared" in request.POST},
    )
    messages.success(request, _("The view “%(name)s” is kept.") % {"name": name})
    return HttpResponseRedirect(address_of(view))


@signed_in
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Only the owner removes a view; a view of somebody else is not there."""
    view = get_object_or_404(SavedView, pk=pk, owner=request.user, page=ViewPage.ACCOUNTS)
    view.delete()
    messages.success(request, _("The view “%(name)s” is gone; no account has changed.") % {"name": view.name})
    return HttpResponseRedirect(reverse("accounts:list"))


def address_of(view: SavedView) -> str:
    query = f"{view.query}&" if view.query else ""
    return f"{reverse('accounts:list')}?{query}view={view.pk}"
