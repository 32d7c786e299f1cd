"""Market efforts: what is recorded, month by month, and the file they come in by."""

import tempfile
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, Sum
from django.db.models.query import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.enums import EffortPurpose
from accounts.imports.efforts import EffortImport, import_efforts
from accounts.imports.fields import CURRENCIES
from accounts.imports.reasons import reason_label, refusal_text, row_reason
from accounts.imports.unreadable import Unreadable
from accounts.models import Account, MarketEffort
from crm.web import formats
from crm.web.auth import dress
from crm.web.htmx import signed_in, user_of
from crm.web.rights import may_add_efforts

UPLOAD_LIMIT = 20 * 1024**2
SHOWN_MONTHS = 36


class EffortsForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=forms.FileInput(attrs={"accept": ".csv,.gz,.xlsx,.txt,text/csv"}),
        error_messages={
            "required": gettext_lazy("Choose a file first."),
            "empty": gettext_lazy("The file is empty. Send one with a header and rows."),
        },
    )
    currency = forms.CharField(label=gettext_lazy("Currency of rows without one"), max_length=3)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > UPLOAD_LIMIT:
            raise forms.ValidationError(_("The file is larger than 20 MB. Split it."))
        return file

    def clean_currency(self) -> str:
        code = str(self.cleaned_data["currency"]).strip().upper()
        if code not in CURRENCIES:
            raise forms.ValidationError(_("Give the three letters of the currency, such as CNY."))
        return code


@dataclass(frozen=True, slots=True)
class MonthRow:
    """What is recorded for one month and currency (empty: hours alone)."""

    month: date
    currency: str
    acquisition: str
    retention: str
    acquisition_hours: str
    retention_hours: str
    efforts: str


@signed_in
@require_http_methods(["GET", "POST"])
def efforts(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    may_add = may_add_efforts(user)
    if request.method == "POST" and not may_add:
        raise PermissionDenied(_("Your log-in may not record efforts. An administrator can give you that right."))
    form, status = EffortsForm(initial={"currency": settings.BASE_CURRENCY}), 200
    context: dict[str, Any] = {}
    if request.method == "POST":
        form = EffortsForm(request.POST, request.FILES)
        context, status = _imported(form, user) if form.is_valid() else ({}, 422)
    visible = MarketEffort.objects.visible_to(user)
    context |= {
        "form": form,
        "may_add": may_add,
        "rows": _months(visible),
        "sees_all": Account.objects.visible_to(user).is_everything,
    }
    return render(request, "metrics/efforts.html", context, status=status)


def _imported(form: EffortsForm, user: Any) -> tuple[dict[str, Any], int]:
    """What the page says of the file that was sent, with the status of the answer."""
    file = form.cleaned_data["file"]
    with tempfile.TemporaryDirectory(prefix="facet-efforts-") as folder:
        path = Path(folder) / "efforts"
        with path.open("wb") as copy:
            for piece in file.chunks():
                copy.write(piece)
        try:
            result = import_efforts(
                path=path,
                accounts=Account.objects.visible_to(user),
                currency=form.cleaned_data["currency"],
                source=str(file.name),
            )
        except Unreadable as refused:
            form.add_error("file", refusal_text(refused))
            return {}, 422
    return {"result": result, "reasons": _reasons(result), "faults": _faults(result)}, 200


def _reasons(result: EffortImport) -> list[tuple[str, str]]:
    return [(reason_label(code), formats.number(count)) for code, count in result.reasons.most_common()]


def _faults(result: EffortImport) -> list[tuple[int, str, str, str]]:
    """(row, column, cell, why) of each fault."""
    return [
        (row.number, fault.column, fault.value, row_reason(fault.code, fault.details))
        for row in result.rejections
        for fault in row.faults
    ]


def _months(visible: QuerySet[MarketEffort]) -> list[MonthRow]:
    """The newest months; one query."""
    sums: dict[str, Any] = {}
    for purpose in EffortPurpose:
        sums[purpose.value] = Sum("amount", filter=Q(purpose=purpose))
        sums[f"{purpose.value}_hours"] = Sum("hours", filter=Q(purpose=purpose))
    found = visible.values("month", "currency").annotate(**sums, efforts=Count("pk")).order_by("-month", "currency")
    return [
        MonthRow(
            month=row["month"],
            currency=row["currency"],
            efforts=formats.number(row["efforts"]),
            **{name: _text(row[name]) for name in sums},
        )
        for row in found[:SHOWN_MONTHS]
    ]


def _text(amount: Decimal | None) -> str:
    return "–" if amount is None else formats.money(amount)
