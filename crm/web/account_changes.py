"""The history of one account: what changed on it and on what hangs on it, by whom."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from accounts.models import Account
from crm.models import TrailEntry
from crm.web.account import AccountPage, leads_on
from crm.web.htmx import signed_in
from crm.web.persons import watched_kinds
from crm.web.trail import told_page


@signed_in
@require_GET
@leads_on
def changes(request: HttpRequest, pk: int) -> HttpResponse:
    """Newest first; those of accounts that were merged into it too."""
    page = AccountPage(request, pk, "changes")
    ids = [pk, *Account.objects.filter(merged_into=pk).values_list("pk", flat=True)]
    kinds, kind = watched_kinds(), request.GET.get("kind", "")
    rows = TrailEntry.objects.filter(account_id__in=ids)
    if kind in dict(kinds):
        rows = rows.filter(table_name=kind)
    listed, told = told_page(request, rows)
    return page.render(listed=listed, told=told, kinds=kinds, kind=kind)
