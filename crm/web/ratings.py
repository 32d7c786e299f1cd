"""Evaluators' pages: what I am asked to rate, one account on one screen, and what it spends a year."""

from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import selectors_opinions as opinions
from accounts.enums import EvaluatorFunction, TeamRole
from accounts.imports.fields import CURRENCIES
from accounts.models import Account, TeamMember, User
from accounts.selectors_opinions import IndicatorOpinions
from accounts.services import record_ratings, record_wallet_estimate
from crm.web.auth import dress
from crm.web.htmx import signed_in, user_of
from crm.web.rights import may_add_rating, may_add_wallet, require_add_rating, require_add_wallet
from crm.web.scope import accounts_in_scope
from metrics.selectors import default_as_of
from metrics.services.wallet import WalletState, share_of_wallet

ACCOUNTS_A_PAGE = 25
SHOWN_CALIBRATE = 10
UNPROCESSABLE = 422
LEVELS = range(5, 0, -1)
# The function somebody most likely speaks for, by their seat at the account.
FUNCTION_OF_ROLE = {
    TeamRole.ACCOUNT_MANAGER: EvaluatorFunction.SALES,
    TeamRole.SOLUTION_MANAGER: EvaluatorFunction.SOLUTIONS,
    TeamRole.DELIVERY_MANAGER: EvaluatorFunction.DELIVERY,
}


class RatingForm(forms.Form):
    """A choice of level and a text for each indicator; what is left open is not rated."""

    function = forms.ChoiceField(
        label=gettext_lazy("You speak for"),
        choices=EvaluatorFunction.choices,
        help_text=gettext_lazy("Choose Customer for what the customer said of us."),
    )

    def __init__(self, *args: Any, said: list[IndicatorOpinions], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.said = said
        for one in said:
            levels = [(level, one.anchors.get(level, "")) for level in LEVELS]
            self.fields[f"score_{one.indicator}"] = forms.TypedChoiceField(
                label=one.indicator.label,
                required=False,
                coerce=int,
                empty_value=None,
                choices=levels,
                widget=forms.RadioSelect,
            )
            self.fields[f"evidence_{one.indicator}"] = forms.CharField(
                label=_("What shows it"),
                required=False,
                max_length=2_000,
                widget=forms.Textarea(attrs={"rows": 2}),
            )
        dress(self)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for one in self.said:
            if cleaned.get(f"evidence_{one.indicator}") and not cleaned.get(f"score_{one.indicator}"):
                self.add_error(f"score_{one.indicator}", _("Choose the level that your text is about."))
        if not self.errors and not self.judgements():
            raise ValidationError(_("Choose a level for at least one indicator."))
        return cleaned

    def judgements(self) -> dict[str, tuple[int, str]]:
        cleaned = self.cleaned_data
        return {
            one.indicator.value: (cleaned[f"score_{one.indicator}"], cleaned.get(f"evidence_{one.indicator}") or "")
            for one in self.said
            if cleaned.get(f"score_{one.indicator}")
        }

    def parts(self) -> list[tuple[IndicatorOpinions, forms.BoundField, forms.BoundField]]:
        return [(one, self[f"score_{one.indicator}"], self[f"evidence_{one.indicator}"]) for one in self.said]


class WalletForm(forms.Form):
    amount = forms.DecimalField(
        label=gettext_lazy("Amount a year"), min_value=0, max_digits=19, decimal_places=4, localize=False
    )
    currency = forms.CharField(label=gettext_lazy("Currency"), max_length=3)
    source = forms.CharField(
        label=gettext_lazy("Source"),
        max_length=200,
        help_text=gettext_lazy("Such as the annual report, or the plan workshop of March."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)

    def clean_currency(self) -> str:
        code = str(self.cleaned_data["currency"]).strip().upper()
        if code not in CURRENCIES:
            raise ValidationError(_("Give the three letters of the currency, such as CNY."))
        return code


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """What the reader is asked to say: what runs out, whose value too few have rated, where people should talk."""
    user, as_of = user_of(request), default_as_of()
    context = {
        "as_of": as_of,
        "expiring": opinions.expiring_ratings(user, as_of=as_of),
        "wallets": opinions.expiring_wallets(user, as_of=as_of),
        "page": Paginator(opinions.unrated_accounts(user, as_of=as_of), ACCOUNTS_A_PAGE).get_page(
            request.GET.get("page")
        ),
        "calibrate": opinions.to_calibrate(accounts_in_scope(request), as_of=as_of, limit=SHOWN_CALIBRATE),
        "needed": opinions.FUNCTIONS_NEEDED,
        "may_rate": may_add_rating(user),
        "may_estimate": may_add_wallet(user),
    }
    return render(request, "ratings/index.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """One account with all that is said of it, and the form to add what the reader says."""
    user, found, as_of = user_of(request), _account(request, pk), default_as_of()
    said = opinions.account_opinions(found, as_of=as_of, reader=user)
    form = RatingForm(
        request.POST if request.method == "POST" else None,
        said=said,
        initial={"function": _function(user, found, said, as_of)},
    )
    if request.method == "POST":
        require_add_rating(user)
        if form.is_valid():
            kept = record_ratings(
                account=found,
                evaluator=user,
                function=form.cleaned_data["function"],
                rated_on=as_of,
                judgements=form.judgements(),
            )
            words = ngettext("%(count)s rating kept", "%(count)s ratings kept", len(kept)) % {"count": len(kept)}
            messages.success(request, words)
            return redirect("ratings:account", pk)
    return _screen(request, found, as_of, form=form, status=UNPROCESSABLE if request.method == "POST" else 200)


@signed_in
@require_POST
def wallet(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep an estimate of what the account spends a year in our category."""
    user, found, as_of = user_of(request), _account(request, pk), default_as_of()
    require_add_wallet(user)
    form = WalletForm(request.POST)
    if form.is_valid():
        record_wallet_estimate(account=found, author=user, estimated_on=as_of, **form.cleaned_data)
        messages.success(request, _("The estimate is kept for 12 months."))
        return redirect("ratings:account", pk)
    return _screen(request, found, as_of, wallet_form=form, status=UNPROCESSABLE)


def _account(request: HttpRequest, pk: int) -> Account:
    return get_object_or_404(Account.objects.visible_to(request.user), pk=pk)


def _screen(
    request: HttpRequest,
    found: Account,
    as_of: date,
    *,
    form: RatingForm | None = None,
    wallet_form: WalletForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = user_of(request)
    if form is None:
        said = opinions.account_opinions(found, as_of=as_of, reader=user)
        form = RatingForm(said=said, initial={"function": _function(user, found, said, as_of)})
    share = share_of_wallet(Account.objects.filter(pk=found.pk), as_of=as_of)
    row = next(iter(share.table.rows(order_by="revenue", limit=1)), None)
    context = {
        "account": found,
        "as_of": as_of,
        "form": form,
        "wallet_form": wallet_form or WalletForm(initial={"currency": found.currency or settings.BASE_CURRENCY}),
        "estimates": found.wallet_estimates.known_on(as_of).select_related("author")[:ACCOUNTS_A_PAGE],
        "is_invalid": bool(row) and row.values["state"] == WalletState.INVALID.value,  # type: ignore[union-attr]
        "revenue": row.values["revenue"] if row else None,
        "currency": share.currency,
        "may_rate": may_add_rating(user),
        "may_estimate": may_add_wallet(user),
    }
    return render(request, "ratings/account.html", context, status=status)


def _function(user: User, found: Account, said: list[IndicatorOpinions], as_of: date) -> str:
    """What the user spoke for last, else by their seat at the account. One query at most."""
    last = max((one.own for one in said if one.own), key=lambda rating: (rating.rated_on, rating.pk), default=None)
    if last:
        return last.function
    seats = TeamMember.objects.current(as_of).filter(account=found, user=user)
    seat = seats.order_by("is_deputy", "role").values_list("role", flat=True).first()
    return FUNCTION_OF_ROLE[TeamRole(seat)] if seat else EvaluatorFunction.SALES
