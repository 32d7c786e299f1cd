"""Two nights of one account side by side: what moved its score, and which conditions turned."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from accounts.enums import Grade
from crm.web.account import AccountPage
from crm.web.htmx import signed_in
from tiering.comparison import Comparison, IndicatorChange, compare
from tiering.explain import explain
from tiering.selectors import nights_of, two_nights


class NightsForm(forms.Form):
    """Two runs by key; empty: the last night, and the one before the later one."""

    to = forms.IntegerField(required=False, min_value=1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"] = forms.IntegerField(required=False, min_value=1)  # a word of Python


@dataclass(frozen=True, slots=True)
class Group:
    """The indicators of one dimension, and by how much it moved the score; None where a night has no score."""

    label: str
    rows: tuple[IndicatorChange, ...]
    difference: float | None


@signed_in
@require_GET
def compare_nights(request: HttpRequest, pk: int) -> HttpResponse:
    """The comparison; five statements beside the head of the page, whatever the number of nights."""
    page = AccountPage(request, pk, "grade")
    form = NightsForm(request.GET)
    if not form.is_valid():
        raise Http404
    found = two_nights(page.account, first=form.cleaned_data["from"], second=form.cleaned_data["to"])
    nights: list[Any] = list(nights_of(page.account))
    if found is None and nights:
        raise Http404
    shown = compare(explain(found[0]), explain(found[1])) if found else None
    return page.render_as(
        "accounts/compare.html",
        shown=shown,
        groups=groups_of(shown) if shown else (),
        nights=[(night.pk, night.as_of, Grade(night.grade).label) for night in nights],
    )


def groups_of(shown: Comparison) -> tuple[Group, ...]:
    """Indicators by dimension, in the order of the model."""
    labels = dict.fromkeys(change.dimension for change in shown.indicators)
    found = []
    for label in labels:
        rows = tuple(change for change in shown.indicators if change.dimension == label)
        known = [row.difference for row in rows if row.difference is not None]
        found.append(Group(label, rows, sum(known) if known else None))
    return tuple(found)
