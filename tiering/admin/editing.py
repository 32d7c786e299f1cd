"""The form of a scoring model as it was sent, read as a design without storing anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

from tiering.admin.formsets import kept_rows
from tiering.design import SETTINGS, Design
from tiering.models import Dimension, GradeRule, Indicator, ScoringModel

if TYPE_CHECKING:
    from tiering.admin.model import ScoringModelAdmin


def design_as_sent(admin: ScoringModelAdmin, request: HttpRequest, model: ScoringModel) -> tuple[Design, list[str]]:
    """(the design in the form, what is wrong with it). Rows that cannot be read are left out, and named as wrong.

    A form without editable parts (a version in use) gives the stored design.
    """
    stored = model.design()
    if not admin.has_change_permission(request, model) or "dimensions-TOTAL_FORMS" not in request.POST:
        return stored, []
    formsets = {formset.model: formset for formset in _formsets(admin, request, model)}
    problems = [str(problem) for formset in formsets.values() for problem in _problems(formset)]
    dimensions = formsets[Dimension]
    weights = {form.instance.code: _weight(form) for form in dimensions.initial_forms}
    indicators = kept_rows(formsets[Indicator].forms)
    rules = kept_rows(formsets[GradeRule].forms)
    form = admin.get_form(request, model)(request.POST, instance=ScoringModel.objects.get(pk=model.pk))
    form.is_valid()
    settings = {name: form.cleaned_data[name] for name in SETTINGS if form.cleaned_data.get(name) is not None}
    return (
        replace(
            stored,
            dimensions={code: weight for code, weight in weights.items() if weight is not None} or stored.dimensions,
            indicators=tuple(
                (row["dimension"].code, row["code"], row["weight"], tuple(tuple(anchor) for anchor in row["anchors"]))
                for row in indicators
            ),
            thresholds={(row["grade"], row["condition"]): row["threshold"] for row in rules},
            **settings,
        ),
        problems,
    )


def _formsets(admin: ScoringModelAdmin, request: HttpRequest, model: ScoringModel) -> Iterator[Any]:
    for formset_class, inline in admin.get_formsets_with_inlines(request, model):
        formset = formset_class(
            data=request.POST,
            instance=model,
            prefix=formset_class.get_default_prefix(),
            queryset=inline.get_queryset(request),
        )
        formset.is_valid()
        yield formset


def _problems(formset: Any) -> Iterator[str]:
    yield from formset.non_form_errors()
    for form in formset.forms:
        for errors in form.errors.values():
            for error in errors:
                yield f"{form.instance}: {error}" if str(form.instance) else str(error)


def _weight(form: Any) -> Decimal | None:
    return getattr(form, "cleaned_data", {}).get("weight")
