"""Scoring models: made from a preset, activated, and succeeded by a new version."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from crm.lib.exceptions import CrmError
from crm.lib.periods import add_months
from metrics import selectors
from tiering import facts, grouping, presets
from tiering.checks import activation_problems
from tiering.design import SETTINGS, Design
from tiering.enums import OPEN_ACTIVATIONS, ActivationState, ModelState, Preset
from tiering.evaluation import raw_layout
from tiering.grading import MONEY_DECIMALS
from tiering.models import Activation, Dimension, GradeRule, Indicator, ScoringModel, WeightOrigin
from tiering.publishing import last_published
from tiering.scoring import Floats
from tiering.windows import windows_at

ONE_DAY = timedelta(days=1)
REVIEW_MONTHS = 12  # a version is looked at again after so long


class ModelRefused(CrmError):
    """A scoring model that cannot be activated; the message lists what to mend."""

    code = "model-refused"
    status = 422

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems), problems=problems)
        self.problems = problems


def model_currency() -> str:
    """The one currency of all counting records on the company's basis, else BASE_CURRENCY (domain.md 1.5)."""
    found = selectors.currencies_in_view(facts.everyone(), basis=selectors.company_basis())
    return found[0] if len(found) == 1 else str(settings.BASE_CURRENCY)


@transaction.atomic
def create_model(
    *,
    preset: str,
    as_of: date | None = None,
    diamond: Decimal | None = None,
    currency: str | None = None,
    created_by: User | None = None,
) -> ScoringModel:
    """A draft from a preset; what the preset takes from the ledger is written into it as plain numbers.

    diamond : Diamond's amount a year in the model's currency, default the preset's own
    raises NothingToGrade : the preset needs revenue in the last 12 whole months and there is none
    """
    day = as_of or selectors.default_as_of()
    money = currency or model_currency()
    design = _design(preset, as_of=day, currency=money, diamond=diamond)
    last = ScoringModel.objects.filter(name=preset).order_by("-version").values_list("version", flat=True).first()
    model = ScoringModel.objects.create(
        name=preset,
        version=(last or 0) + 1,
        preset=preset,
        currency=money,
        basis=selectors.company_basis(),
        as_of=day,
        created_by=created_by,
        **{name: getattr(design, name) for name in SETTINGS},
    )
    _write_parts(model, design)
    return model


def ensure_model(*, as_of: date) -> tuple[ScoringModel, bool]:
    """(the version in force on the day, whether it was made just now).

    Approved versions whose day has come are activated first. Before any version is in force there is nobody to ask:
    then `ledger-only` is made from the ledger.
    """
    _take_up(as_of)
    active = ScoringModel.objects.filter(state=ModelState.ACTIVE).first()
    if active is not None:
        return _in_force_on(as_of, active), False
    with transaction.atomic():
        model = create_model(preset=Preset.LEDGER_ONLY, as_of=as_of)
        return activate_model(model=model), True


def _take_up(as_of: date) -> None:
    """Activate, in the order of their days, the approved versions that are to grade ``as_of``."""
    with transaction.atomic():
        due = Activation.objects.filter(state=ActivationState.APPROVED, effective_on__lte=as_of)
        found = list(due.select_for_update().order_by("effective_on", "pk"))
        last = last_published() if found else None
        for activation in found:  # one published since the approval keeps its version
            first = activation.effective_on if last is None else max(activation.effective_on, last.as_of + ONE_DAY)
            model = ScoringModel.objects.select_for_update().get(pk=activation.model_id)
            _bring_into_force(model, activation=activation, day=min(first, as_of), by=activation.decided_by)


def _in_force_on(as_of: date, active: ScoringModel) -> ScoringModel:
    """The active version, but for a day before it came into force the one that was in force then, if any was.

    The very first night may be of an earlier day than the one the version was activated for: it is in force from there on.
    """
    periods = Activation.objects.filter(state=ActivationState.IN_FORCE)
    inside = Q(effective_on__lte=as_of) & (Q(ended_on__isnull=True) | Q(ended_on__gt=as_of))
    held = periods.filter(inside).select_related("model").first()
    if held is not None:
        return held.model
    if last_published() is None:
        periods.filter(model=active, ended_on=None).update(effective_on=as_of)
    return active


@transaction.atomic
def new_version(*, model: ScoringModel, created_by: User | None = None, note: str = "") -> ScoringModel:
    """A draft equal to ``model``, to be edited: the only way to change a version that has been in use."""
    return draft_of(model=model, design=model.design(), created_by=created_by, note=note)


@transaction.atomic
def draft_of(*, model: ScoringModel, design: Design, created_by: User | None = None, note: str = "") -> ScoringModel:
    """A draft of another design under the name of ``model``, with its currency, basis and settings."""
    last = ScoringModel.objects.filter(name=model.name).order_by("-version").values_list("version", flat=True).first()
    draft = ScoringModel.objects.create(
        name=model.name,
        version=(last or 0) + 1,
        preset=model.preset,
        currency=model.currency,
        basis=model.basis,
        as_of=model.as_of,
        note=note,
        created_by=created_by,
        **{name: getattr(model, name) for name in SETTINGS},
    )
    _write_parts(draft, design)
    _copy_origins(model, draft)
    return draft


@transaction.atomic
def activate_model(*, model: ScoringModel, activated_by: User | None = None) -> ScoringModel:
    """Make ``model`` the one that grades from the next run on, at once; the active one before is retired.

    For who runs the server, the first night of a ledger and the demo; people propose and approve (domain.md 3.9:
    tiering.services_activation).
    raises ModelRefused : weights do not sum to 100, a scale is none, or a threshold is missing or out of order
    Activating the active model changes nothing.
    """
    locked = ScoringModel.objects.select_for_update().get(pk=model.pk)
    if locked.state == ModelState.ACTIVE:
        return locked
    problems = activation_problems(locked)
    if problems:
        raise ModelRefused(problems)
    Activation.objects.filter(model=locked, state__in=OPEN_ACTIVATIONS).update(
        state=ActivationState.WITHDRAWN, decided_at=timezone.now(), closing_text=_("Activated at once by the operator.")
    )
    last = last_published()
    return _bring_into_force(
        locked, activation=Activation(model=locked), day=last.as_of if last else None, by=activated_by
    )


def _bring_into_force(
    model: ScoringModel, *, activation: Activation, day: date | None, by: User | None
) -> ScoringModel:
    """``model`` (locked) grades from ``day`` on (None: no night is published yet), the version before it until then."""
    before = Activation.objects.select_for_update().filter(state=ActivationState.IN_FORCE, ended_on=None).first()
    if before is not None:
        day = max(day or before.effective_on, before.effective_on)
        before.ended_on = day
        before.save(update_fields=["ended_on"])
    ScoringModel.objects.filter(state=ModelState.ACTIVE).update(state=ModelState.RETIRED)
    now = timezone.now()
    if model.state != ModelState.RETIRED:
        model.raw_layout = raw_layout(model.design())
    model.state, model.activated_at, model.activated_by = ModelState.ACTIVE, now, by
    model.review_on = add_months(timezone.localtime(now).date(), REVIEW_MONTHS)
    model.save()
    activation.state, activation.effective_on = ActivationState.IN_FORCE, day or model.as_of
    activation.decided_by, activation.decided_at = by, activation.decided_at or now
    activation.save()
    return model


def check_model(model: ScoringModel) -> None:
    """Refuse to grade by a version that is broken, however it came to be: raises ModelRefused."""
    try:
        problems = activation_problems(model)
    except (TypeError, ValueError):
        problems = [_("A scale is two or more pairs of value and score 0 to 100, rising or falling.")]
    if problems:
        raise ModelRefused([_("The active scoring model cannot grade.") + " " + problems[0], *problems[1:]])


def _design(preset: str, *, as_of: date, currency: str, diamond: Decimal | None) -> Design:
    if preset == Preset.FULL:
        return presets.full(diamond=diamond)
    ttm, year = _revenues(as_of=as_of, currency=currency)
    if not (ttm > 0).any():
        words = {"currency": currency, "day": as_of}
        if np.isnan(ttm).any():
            raise presets.NothingToGrade(
                _("No revenue can be translated into %(currency)s: add exchange rates.") % words
            )
        raise presets.NothingToGrade(
            _("Nothing to grade: no account has revenue in the 12 whole months until %(day)s. Import revenue first.")
            % words
        )
    make = presets.ledger_only if preset == Preset.LEDGER_ONLY else presets.contribution_two_years
    return make(ttm_revenue=ttm, year_revenue=year, diamond=diamond)


def _revenues(*, as_of: date, currency: str) -> tuple[Floats, Floats]:
    """Revenue of each account in the last 12 whole months, and in the last fiscal year if the ledger covers it."""
    windows = windows_at(as_of, fiscal_start_month=settings.FISCAL_YEAR_START_MONTH)
    lines = facts.month_lines(
        facts.whole_scope(basis=selectors.company_basis(), currency=currency),
        first=windows.span.start,
        end=windows.span.end,
    )
    ids, places = np.unique(lines.account_ids, return_inverse=True)

    def inside(start: date, end: date) -> Floats:
        here = (lines.days >= np.datetime64(start)) & (lines.days < np.datetime64(end))
        return grouping.group_sums(lines.net[here], places=places[here], count=len(ids), decimals=MONEY_DECIMALS)

    start = selectors.data_start()
    is_covered = start is not None and start <= windows.fy1.start
    year = inside(windows.fy1.start, windows.fy1.end) if is_covered else np.empty(0)
    return inside(windows.ttm.start, windows.ttm.end), year


def _write_parts(model: ScoringModel, design: Design) -> None:
    dimensions = {
        code: Dimension(model=model, code=code, weight=weight, position=position)
        for position, (code, weight) in enumerate(design.dimensions.items())
    }
    Dimension.objects.bulk_create(dimensions.values())
    Indicator.objects.bulk_create(
        Indicator(
            model=model,
            dimension=dimensions[dimension],
            code=code,
            weight=weight,
            anchors=[list(anchor) for anchor in anchors],
            position=position,
        )
        for position, (dimension, code, weight, anchors) in enumerate(design.indicators)
    )
    GradeRule.objects.bulk_create(
        GradeRule(model=model, grade=grade, condition=rule, threshold=threshold)
        for (grade, rule), threshold in design.thresholds.items()
    )


def _copy_origins(model: ScoringModel, draft: ScoringModel) -> None:
    """Where the weights of ``model`` come from, for the draft; whoever reads it looks whether they are still the same."""
    copies = list(WeightOrigin.objects.filter(model=model))
    for origin in copies:
        origin.pk, origin.model = None, draft
    WeightOrigin.objects.bulk_create(copies)
