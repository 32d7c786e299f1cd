"""What to do with each value band, account by account; and what becomes of those of low value."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import Account
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import CrmError
from crm.lib.periods import add_months
from crm.web.auth import dress
from crm.web.cohort_words import ACTIONS, BANDS, SEGMENTS
from crm.web.htmx import page_or_fragment, signed_in, user_of
from crm.web.metric_segments import MEASURES
from crm.web.rights import may_decide_band, require_decide_band
from crm.web.scope import accounts_in_scope
from metrics.formulas.rfm import RfmSegment, ValueBand
from metrics.selectors import default_as_of
from tiering.bands import Bands, bands, members
from tiering.enums import BandVerdict
from tiering.models import BandDecision
from tiering.models_overrides import TEXT_LENGTH
from tiering.selectors_bands import decisions_in_view, decisions_of, due_reviews
from tiering.services_bands import USUAL_MONTHS, decide_band

DUE = "due"  # beside the bands: what is to be looked at again
ACCOUNTS_A_PAGE = 25
UNPROCESSABLE = 422


class DecisionForm(forms.Form):
    """What whoever decides fills in; the rules are those of the service."""

    verdict = forms.ChoiceField(label=gettext_lazy("What becomes of it"), choices=BandVerdict.choices)
    text = forms.CharField(
        label=gettext_lazy("Why"), max_length=TEXT_LENGTH, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Whoever looks at it again reads this."),
    )  # fmt: skip
    review_on = forms.DateField(
        label=gettext_lazy("Look at it again on"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("From that day on it stands under the reviews that are due."),
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"review_on": add_months(today, USUAL_MONTHS), "verdict": BandVerdict.IMPROVE})
        super().__init__(*args, **kwargs)
        dress(self)


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The three bands with their actions, the accounts of one of them, and the reviews that are due."""
    as_of, today, accounts = default_as_of(), timezone.localdate(), accounts_in_scope(request)
    found = bands(accounts, as_of=as_of)
    due = due_reviews(accounts, today=today)
    asked = request.GET.get("band", "")
    chosen = asked if asked in {DUE, *(str(band) for band in ValueBand)} else str(ValueBand.LOW)
    context: dict[str, Any] = {
        "as_of": as_of,
        "today": today,
        "figures": found.figures,
        "totals": [(one, BANDS[one.band], ACTIONS[one.action]) for one in found.figures.bands],
        "results": [(BANDS[one.band], one) for one in found.results],
        "measure": MEASURES[found.figures.measure],
        "due_count": due.count(),
        "chosen": chosen,
        "may_decide": may_decide_band(request.user),
    }
    if chosen == DUE:
        context["page"] = Paginator(due, ACCOUNTS_A_PAGE).get_page(request.GET.get("page"))
    else:
        page = Paginator(members(found, chosen).tolist(), ACCOUNTS_A_PAGE).get_page(request.GET.get("page"))
        band = next(one for one in found.figures.bands if one.band == chosen)
        context |= {
            "page": page,
            "rows": _rows(found, page.object_list, accounts),
            "chosen_label": BANDS[band.band],
            "action": ACTIONS[band.action],
            "is_low": chosen == ValueBand.LOW,
        }
    return page_or_fragment(request, "tiering/bands.html", "tiering/_bands.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """What becomes of one account, with the decisions so far."""
    require_decide_band(request.user)
    visible, today = Account.objects.visible_to(request.user), timezone.localdate()
    account = get_object_or_404(visible, pk=pk)
    form = DecisionForm(request.POST if request.method == "POST" else None, today=today)
    if request.method == "POST" and form.is_valid():
        try:
            decide_band(account=account, decided_by=user_of(request), decided_on=today, **form.cleaned_data)
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Written down. It comes back on the day of its review."))
            return redirect(f"{reverse('tiering:bands')}?band={ValueBand.LOW}#accounts")
    past = decisions_in_view(visible).filter(account=account)
    context = {"account": account, "form": form, "past": past, "today": today}
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "tiering/band_decide.html", context, status=status)


def _rows(found: Bands, ids: Sequence[int], accounts: AccountQuerySet) -> list[dict[str, Any]]:
    """One page of accounts with their figures of the answer and the decision that counts; two queries."""
    table = found.figures.table
    here = np.flatnonzero(np.isin(table.unit_ids, ids))
    place_of = dict(zip(table.unit_ids[here].tolist(), here.tolist(), strict=True))
    known = accounts.select_related("owner", "figures").in_bulk(ids)
    decisions: dict[int, BandDecision] = decisions_of(accounts, ids)
    return [
        {
            "account": known[pk],
            "revenue": _amount(table.columns["revenue"][place_of[pk]]),
            "profit": _amount(table.columns["profit"][place_of[pk]]),
            "segment": _segment(str(table.columns["segment"][place_of[pk]])),
            "decision": decisions.get(pk),
        }
        for pk in ids
        if pk in known
    ]


def _amount(value: float) -> Decimal | None:
    return None if np.isnan(value) else Decimal(f"{value:.4f}")


def _segment(code: str) -> Any:
    return SEGMENTS[RfmSegment(code)] if code else ""
