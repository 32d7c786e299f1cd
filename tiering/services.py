"""Scoring models: made from a preset, activated, and succeeded by a new version."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from crm.lib.exceptions import CrmError, FormulaError
from metrics import selectors
from tiering import facts, grouping, presets
from tiering.design import HUNDRED, SETTINGS, Design
from tiering.enums import DimensionCode, ModelState, Preset
from tiering.evaluation import raw_layout
from tiering.grading import MONEY_DECIMALS
from tiering.models import Dimension, GradeRule, Indicator, ScoringModel
from tiering.scoring import Floats, check_anchors
from tiering.windows import windows_at


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
    """(the active model, whether it was made just now): without one, `ledger-only` from the ledger."""
    active = ScoringModel.objects.filter(state=ModelState.ACTIVE).first()
    if active is not None:
        return active, False
    with transaction.atomic():
        model = create_model(preset=Preset.LEDGER_ONLY, as_of=as_of)
        return activate_model(model=model), True


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
    return draft


@transaction.atomic
def activate_model(*, model: ScoringModel, activated_by: User | None = None) -> ScoringModel:
    """Make ``model`` the one that grades from the next run on; the active one before is retired.

    raises ModelRefused : weights do not sum to 100, a scale is none, or a threshold is missing
    Activating the active model changes nothing.
    """
    locked = ScoringModel.objects.select_for_update().get(pk=model.pk)
    if locked.state == ModelState.ACTIVE:
        return locked
    problems = activation_problems(locked)
    if problems:
        raise ModelRefused(problems)
    ScoringModel.objects.filter(state=ModelState.ACTIVE).update(state=ModelState.RETIRED)
    if locked.state == ModelState.DRAFT:
        locked.raw_layout = raw_layout(locked.design())
    locked.state = ModelState.ACTIVE
    locked.activated_at = timezone.now()
    locked.activated_by = activated_by
    locked.save()
    return locked


def activation_problems(model: ScoringModel) -> list[str]:
    """What keeps a model from being activated, as sentences; empty when nothing does."""
    design = model.design()
    problems = []
    if sum(design.dimensions.values()) != HUNDRED:
        problems.append(_("The weights of the dimensions must sum to 100 %."))
    if not design.dimensions.get(DimensionCode.SAL):
        problems.append(_("Sales contribution needs a weight above 0."))
    for code in design.dimensions:
        inside = [weight for of, _code, weight, _anchors in design.indicators if of == code]
        if sum(inside, Decimal(0)) != HUNDRED:
            problems.append(
                _("The weights inside %(dimension)s must sum to 100 %%.") % {"dimension": DimensionCode(code).label}
            )
    for _of, code, _weight, anchors in design.indicators:
        try:
            check_anchors(anchors)
        except FormulaError:
            problems.append(_("The scale of %(indicator)s must rise or fall throughout.") % {"indicator": code})
    needed = {key for key in presets.full().thresholds if key[1] not in {"opportunity", "gross_profit_each_year"}}
    missing = sorted(needed - set(design.thresholds))
    if missing:
        names = ", ".join(f"{grade}: {rule}" for grade, rule in missing)
        problems.append(_("Fill in these thresholds: %(names)s.") % {"names": names})
    return problems


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
