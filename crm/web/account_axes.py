"""What the customer of one account looks for, and how far its market can carry it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.bulk import set_need, set_potential
from accounts.enums import AccountNeed, MarketPotential
from accounts.models import Account
from crm.web.accounts import NeedForm, PotentialForm
from crm.web.editing import StaleEdit, as_seen
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
        try:
            with as_seen(account, request.POST.get("seen", "")):
                set_need(accounts=only, need=need.cleaned_data["need"])
                set_potential(accounts=only, potential=potential.cleaned_data["potential"])
        except StaleEdit as stale:
            messages.error(request, _both(stale, need.cleaned_data["need"], potential.cleaned_data["potential"]))
        else:
            messages.success(request, _("Need and potential are saved."))
    else:
        messages.error(request, _("Choose a need and a potential from the lists."))
    return redirect("accounts:detail", account.pk)


def _both(stale: StaleEdit, need: str, potential: str) -> str:
    """What is stored and what was chosen; the page that follows shows the stored values, to be chosen anew."""
    stored, unknown, no_potential = stale.row, _("not known"), _("potential not known")
    return _("%(why)s Stored now: need %(need)s, %(potential)s. You chose: need %(your_need)s, %(your_potential)s.") % {
        "why": stale,
        "need": stored.get_need_display() or unknown,
        "potential": stored.get_potential_display() or no_potential,
        "your_need": dict(AccountNeed.choices).get(need, unknown),
        "your_potential": dict(MarketPotential.choices).get(potential, no_potential),
    }
