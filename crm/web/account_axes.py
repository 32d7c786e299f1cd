"""What the customer of one account looks for, and how far its market can carry it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.bulk import set_need, set_potential
from accounts.models import Account
from crm.web.accounts import NeedForm, PotentialForm
from crm.web.htmx import signed_in


@signed_in
@require_POST
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep both; what is no choice changes nothing and says so."""
    if not request.user.has_perm("accounts.change_account"):
        raise PermissionDenied(_("Changing accounts needs the right to change them. Your administrator can give it."))
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    need, potential = NeedForm(request.POST), PotentialForm(request.POST)
    if need.is_valid() and potential.is_valid():
        only = Account.objects.filter(pk=account.pk)
        set_need(accounts=only, need=need.cleaned_data["need"])
        set_potential(accounts=only, potential=potential.cleaned_data["potential"])
        messages.success(request, _("Need and potential are saved."))
    else:
        messages.error(request, _("Choose a need and a potential from the lists."))
    return redirect("accounts:detail", account.pk)
