"""The account list: filter, sort, columns, export, and changes to the rows that are selected."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import bulk as bulk_service
from accounts.enums import AccountNeed, MarketPotential
from accounts.fields import is_hidden
from accounts.models import Account, User
from accounts.querysets import AccountQuerySet
from accounts.validators import refuse_formula
from crm.lib.wall import beyond_the_wall
from crm.models import Density, SavedView, ViewPage
from crm.web import columns as listing
from crm.web import formats
from crm.web.account_rows import AccountList, layout_of
from crm.web.auth import dress
from crm.web.columns import export_value
from crm.web.export import FORMS, table_file
from crm.web.filters import FILTERS
from crm.web.htmx import page_or_fragment, signed_in, user_of
from crm.web.scope import accounts_in_scope

LONGEST_ID = 19  # digits that fit a primary key
MOST_SELECTED = 500
MOST_OPTIONS = 200
SESSION_UNDO = "bulk_undo"
OPTION_FIELDS = {"segment": "segment", "industry": "industry", "region": "region", "channel": "channel"}


@signed_in
@require_GET
def account_list(request: HttpRequest) -> HttpResponse:
    listed = AccountList(request)
    context = {
        "listed": listed,
        "filters": [one for key, one in FILTERS.items() if key != "q"],
        "undo": request.session.get(SESSION_UNDO),
    }
    return page_or_fragment(request, "accounts/list.html", "accounts/_list.html", context)


@signed_in
@require_GET
def filter_options(request: HttpRequest, key: str) -> HttpResponse:
    """The choices of one filter as links that switch them; fills a menu, or stands as a page of its own."""
    if key not in FILTERS:
        raise Http404
    listed = AccountList(request)
    now = listed.filter.values.get(key, ())
    view = request.GET.get("view", "")
    options = [
        {
            "label": label,
            "value": value,
            "is_on": str(value) in now,
            "query": listed.filter.toggled(key, str(value)) + (f"&view={view}" if view.isdecimal() else ""),
        }
        for value, label in options_of(request, key)
    ]
    context = {"filter": FILTERS[key], "options": options, "is_cut": len(options) >= MOST_OPTIONS}
    return page_or_fragment(request, "accounts/options.html", "accounts/_options.html", context)


def options_of(request: HttpRequest, key: str) -> list[tuple[str, Any]]:
    visible = accounts_in_scope(request)
    if FILTERS[key].choices:
        return list(FILTERS[key].choices)
    if key == "owner":
        owners = User.objects.filter(pk__in=visible.order_by().values("owner")).order_by("first_name", "username")
        special = [("me", gettext_lazy("me")), ("none", gettext_lazy("nobody"))]
        return special + [(str(user.pk), user.display_name) for user in owners[:MOST_OPTIONS]]
    if key == "group":
        roots = visible.filter(parent__isnull=True, children__isnull=False).order_by("sort_key", "pk").distinct()
        return [(str(pk), name) for pk, name in roots.values_list("pk", "name")[:MOST_OPTIONS]]
    if key == "dealer":
        dealers = Account.objects.filter(pk__in=visible.order_by().values("dealer")).order_by("sort_key", "pk")
        with beyond_the_wall("the dealer of an account is told by name to whoever may open it"):
            named = [(str(pk), name) for pk, name in dealers.values_list("pk", "name")[:MOST_OPTIONS]]
        return [("none", gettext_lazy("no dealer")), *named] if named else []
    if key in OPTION_FIELDS:
        field = OPTION_FIELDS[key]
        values = visible.order_by(field).values_list(field, flat=True).distinct()[:MOST_OPTIONS]
        return [(value or "-", value or gettext_lazy("not given")) for value in values]
    return []


@signed_in
@require_http_methods(["GET", "POST"])
def choose_columns(request: HttpRequest) -> HttpResponse:
    """Which columns, in which order, how dense: kept for the user, and in the view that is open if it is the user's."""
    if request.method == "POST":
        return HttpResponseRedirect(f"{reverse('accounts:list')}?{keep_columns(request)}")
    listed = AccountList(request)
    shown = [column for column in listed.columns if column is not listing.NAME]
    rest = [
        column
        for column in listing.COLUMNS.values()
        if column not in shown and column is not listing.NAME and not is_hidden(column.key)
    ]
    context = {
        "shown": shown,
        "rest": rest,
        "layout": listed.layout,
        "densities": Density.choices,
        "query": listed.neighbour(),
    }
    return page_or_fragment(request, "accounts/columns.html", "accounts/_columns.html", context)


def keep_columns(request: HttpRequest) -> str:
    """Save the chosen columns; return the query string of the list that shows them.

    Somebody else's view keeps its columns: the list then shows the same filter outside of it.
    """
    user = user_of(request)
    layout = layout_of(user)
    keys = [key for key in request.POST.getlist("column") if key in listing.COLUMNS]
    density = request.POST.get("density", "")
    layout.columns = [] if "reset" in request.POST else list(dict.fromkeys(keys))
    layout.density = density if density in Density.values else layout.density
    layout.save()
    query = QueryDict(request.POST.get("query", ""), mutable=True)
    view = query.get("view", "")
    if view.isascii() and view.isdecimal() and len(view) < LONGEST_ID:
        mine = SavedView.objects.filter(pk=int(view), owner=user, page=ViewPage.ACCOUNTS)
        if not mine.update(columns=layout.columns):
            del query["view"]
    return query.urlencode()


@signed_in
@require_GET
def account_export(request: HttpRequest, form: str) -> HttpResponseBase:
    """The list as it is filtered, sorted and laid out, all its pages, as CSV or XLSX."""
    if form not in FORMS:
        raise Http404
    listed = AccountList(request)
    shown = listed.columns
    with_code = any(column.key == "code" for column in shown)
    lead = [] if with_code else [listing.COLUMNS["code"]]
    headings = [*(c.label for c in lead), *(c.label for c in shown), _("Currency"), _("As of")]
    rows = (
        [
            *(export_value(column.plain(row)) for column in (*lead, *shown)),
            row["figures__currency"] or "",
            row["figures__as_of"],
        ]
        for row in listed.all_rows()
    )
    about = [
        (_("List"), _("Accounts")),
        (_("Filter"), "; ".join(f"{chip.label}: {chip.value}" for chip in listed.filter.chips()) or _("none")),
        (_("Accounts counted"), _("those %(user)s may see") % {"user": listed.user.display_name}),
        (_("Data until"), formats.day(listed.as_of)),
    ]
    return table_file(form, f"accounts-{listed.as_of:%Y-%m-%d}", headings, rows, about=about)


class OwnerForm(forms.Form):
    owner = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("first_name", "username"),
        label=gettext_lazy("New owner"),
        required=False,
        empty_label=gettext_lazy("Nobody"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


class SegmentForm(forms.Form):
    segment = forms.CharField(
        label=gettext_lazy("New segment"), max_length=80, required=False, validators=[refuse_formula]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


class NeedForm(forms.Form):
    need = forms.ChoiceField(
        label=gettext_lazy("New need"), required=False, choices=[("", gettext_lazy("not known")), *AccountNeed.choices]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


class PotentialForm(forms.Form):
    potential = forms.ChoiceField(
        label=gettext_lazy("New market potential"),
        required=False,
        choices=[("", gettext_lazy("not known")), *MarketPotential.choices],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


BULK_FORMS: dict[str, type[forms.Form]] = {
    "owner": OwnerForm, "segment": SegmentForm, "need": NeedForm, "potential": PotentialForm,
}  # fmt: skip


BULK_CHANGES: dict[str, Callable[..., bulk_service.BulkChange]] = {
    "owner": bulk_service.assign_owner,
    "segment": bulk_service.set_segment,
    "need": bulk_service.set_need,
    "potential": bulk_service.set_potential,
}


def bulk_words(action: str, count: int) -> str:
    """What a bulk change did; ``%(count)s`` is filled in by who shows it."""
    if action == "owner":
        return ngettext("%(count)s account has a new owner.", "%(count)s accounts have a new owner.", count)
    if action == "need":
        return ngettext("%(count)s account has a new need.", "%(count)s accounts have a new need.", count)
    if action == "potential":
        return ngettext(
            "%(count)s account has a new market potential.", "%(count)s accounts have a new market potential.", count
        )
    return ngettext("%(count)s account has a new segment.", "%(count)s accounts have a new segment.", count)


@signed_in
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """First POST: what would change, in numbers. Second (``confirmed``): change it, and offer to undo."""
    if not request.user.has_perm("accounts.change_account"):
        raise PermissionDenied(_("Changing accounts needs the right to change them. Your administrator can give it."))
    accounts = selected(request)
    action = request.POST.get("action", "")
    if action not in BULK_FORMS:
        raise Http404
    if not accounts.exists():
        messages.warning(request, _("No account was selected. Tick the rows first."))
        return HttpResponseRedirect(_list_address(request))
    confirmed = "confirmed" in request.POST
    form = BULK_FORMS[action](request.POST if confirmed else None)
    moved: list[Account] = []
    if confirmed and form.is_valid():
        with transaction.atomic():
            moved = changed_meanwhile(accounts, action, request.POST)
            if not moved:
                _apply(request, action, accounts, form)
                return HttpResponseRedirect(_list_address(request))
    rows = list(accounts.select_related("owner").order_by("sort_key", "pk"))
    context = {"form": form, "action": action, "accounts": rows, "query": request.POST.get("query", "")}
    context |= {"stored": stored_values(rows, action), "moved": {account.pk for account in moved}}
    return render(request, "accounts/bulk.html", context, status=(409 if moved else 422) if confirmed else 200)


def stored_values(accounts: Sequence[Account], action: str) -> dict[int, str]:
    """What each account holds in the field the change is about, as the page carries it back."""
    field = "owner_id" if action == "owner" else action
    return {account.pk: str(getattr(account, field) or "") for account in accounts}


def changed_meanwhile(accounts: AccountQuerySet, action: str, sent: QueryDict) -> list[Account]:
    """Accounts that hold another value than the page showed, locked until the transaction ends."""
    rows = list(accounts.select_for_update(of=("self",)).order_by("pk"))
    now = stored_values(rows, action)
    return [account for account in rows if sent.get(f"was-{account.pk}", "") != now[account.pk]]


def selected(request: HttpRequest) -> AccountQuerySet:
    """The ticked accounts the user may see."""
    ids = [
        int(value) for value in request.POST.getlist("account")[:MOST_SELECTED] if value.isascii() and value.isdecimal()
    ]
    return Account.objects.visible_to(request.user).filter(pk__in=[pk for pk in ids if pk < 2**63])


def _apply(request: HttpRequest, action: str, accounts: AccountQuerySet, form: forms.Form) -> None:
    done = BULK_CHANGES[action](accounts=accounts, **form.cleaned_data)
    text = bulk_words(action, done.changed)
    words = text % {"count": done.changed}
    if done.named > done.changed:
        words = _("%(done)s %(rest)s already had it.") % {"done": words, "rest": done.named - done.changed}
    messages.success(request, words)
    request.session[SESSION_UNDO] = (
        {
            "field": done.field,
            "after": done.after,
            "before": {str(pk): value for pk, value in done.before.items()},
            "count": done.changed,
        }
        if done.changed
        else None
    )


@signed_in
@require_POST
def undo_bulk(request: HttpRequest) -> HttpResponse:
    """Give the accounts of the last bulk change their values back."""
    undo = request.session.pop(SESSION_UNDO, None)
    if undo and request.user.has_perm("accounts.change_account"):
        before = {int(pk): value for pk, value in undo["before"].items()}
        visible = Account.objects.visible_to(request.user)
        count = bulk_service.restore(accounts=visible, field=undo["field"], before=before, after=undo.get("after"))
        text = ngettext("%(count)s account is as it was.", "%(count)s accounts are as they were.", count)
        messages.success(request, text % {"count": count})
    return HttpResponseRedirect(_list_address(request))


def _list_address(request: HttpRequest) -> str:
    query = request.POST.get("query", "")
    return f"{reverse('accounts:list')}?{query}" if query else reverse("accounts:list")
