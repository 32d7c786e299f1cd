"""What an account could buy besides, on its page: suggestions with their reason, and what somebody has turned down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import Account, Product
from crm.lib.exceptions import CrmError
from crm.web.htmx import signed_in, user_of
from metrics.models import SuggestionRejection
from metrics.services.suggestions import (
    Suggestion,
    SuggestionTest,
    reject_suggestion,
    suggested,
    withdraw_rejection,
)


@dataclass(frozen=True, slots=True)
class Ideas:
    """as_of is None before the first night."""

    suggestions: Sequence[Suggestion]
    rejections: Sequence[SuggestionRejection]
    test: SuggestionTest
    as_of: date | None


def ideas_of(account: Account) -> Ideas:
    found = suggested([account.pk])
    rejections = SuggestionRejection.objects.filter(account=account, withdrawn_at__isnull=True)
    return Ideas(found.of(account), list(rejections.select_related("product", "rejected_by")), found.test, found.as_of)


@signed_in
@require_POST
def reject(request: HttpRequest, pk: int) -> HttpResponse:
    """Turn a suggestion down; whoever sees the account may."""
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    asked = request.POST.get("product", "")
    product = get_object_or_404(
        Product, pk=int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else 0
    )
    try:
        reject_suggestion(
            account=account, product=product, user=user_of(request), reason=request.POST.get("reason", "")
        )
    except CrmError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("“%(product)s” is not suggested to this customer any more.") % {"product": product})
    return _back(account)


@signed_in
@require_POST
def withdraw(request: HttpRequest, pk: int, rejection: int) -> HttpResponse:
    """Let a product be suggested again."""
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    found = get_object_or_404(SuggestionRejection.objects.select_related("product"), pk=rejection, account=account)
    withdraw_rejection(rejection=found, user=user_of(request))
    messages.success(request, _("“%(product)s” may be suggested again.") % {"product": found.product})
    return _back(account)


def _back(account: Account) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('accounts:revenue', args=[account.pk])}#ideas-title")
