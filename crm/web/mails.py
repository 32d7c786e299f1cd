"""One's own address for mail, and the mails that came and fit no account."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Account, User
from accounts.search import fold
from crm.lib.exceptions import CrmError
from crm.web.htmx import signed_in, user_of
from service import mails
from service.models import IncomingMail

UNPROCESSABLE = 422


@signed_in
@never_cache
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, *, status: int = 200, **extra: Any) -> HttpResponse:
    user = user_of(request)
    context = {
        "tab": "mail",
        "address": mails.address_of(user),
        "waiting": [(row, mails.candidates(row, user)) for row in mails.waiting(user)],
        "most": settings.MAIL_IN_MAX_MB,
        **extra,
    }
    return render(request, "you/mail.html", context, status=status)


@signed_in
@require_POST
def renew(request: HttpRequest) -> HttpResponse:
    """A new address; the old one is dead at once."""
    if mails.renew_address(user_of(request)):
        messages.success(request, _("This is your new address. Mail to the old one is refused from now on."))
    return redirect("you:mail")


@signed_in
@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Log a mail at the account that was typed or tapped."""
    user = user_of(request)
    mail = get_object_or_404(IncomingMail, pk=pk, user=user)
    typed = request.POST.get("account", "").replace("\x00", "").strip()[:200]
    found = _accounts(user, typed)
    if len(found) != 1:
        words = (
            _("Several accounts fit: choose one.") if found else _("No account of yours fits. Type its code or name.")
        )
        return _page(request, status=UNPROCESSABLE, wrong=mail.pk, words=words, fitting=found, typed=typed)
    try:
        done = mails.assign(mail=mail, account=found[0], now=timezone.now())
    except CrmError as refused:
        messages.error(request, str(refused))
        return redirect("you:mail")
    messages.success(request, _("Logged at %(account)s.") % {"account": found[0].name})
    if done.refused:
        words = ngettext("%(count)s file was not taken.", "%(count)s files were not taken.", len(done.refused))
        messages.warning(request, words % {"count": len(done.refused)})
    return redirect("accounts:service", found[0].pk)


def _accounts(user: User, typed: str) -> list[Account]:
    """The account with this code, else those that answer to these words; a few are enough to choose from."""
    seen = Account.objects.visible_to(user)
    exact = list(seen.filter(code__iexact=typed)[:2])
    if len(exact) == 1 or not fold(typed):
        return exact
    return list(seen.search(fold(typed)).order_by("sort_key", "pk")[: mails.SHOWN_CANDIDATES])


@signed_in
@require_POST
def put_aside(request: HttpRequest, pk: int) -> HttpResponse:
    mail = get_object_or_404(IncomingMail, pk=pk, user=user_of(request))
    try:
        mails.put_aside(mail=mail)
        messages.success(request, _("Put aside: its words and files are gone."))
    except CrmError as refused:
        messages.error(request, str(refused))
    return redirect("you:mail")
