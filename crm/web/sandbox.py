"""The sandbox: weights and thresholds to play with, re-scored on the last night while one watches; nothing is written
until a draft is asked for."""

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.enums import Grade
from accounts.models import Account
from crm.web import formats
from crm.web.htmx import page_or_fragment, signed_in, user_of
from crm.web.rights import may_draft, require_draft
from crm.web.scope import accounts_in_scope, number_style
from crm.web.tiering_model import RULE_ORDER
from plans.costs import policy_cost
from tiering.design import HUNDRED, Design
from tiering.enums import DimensionCode, IndicatorCode, ModelState, Rule, Unit
from tiering.models import ScoringModel
from tiering.selectors import latest_run
from tiering.services import draft_of
from tiering.simulation import LOAD_POINTS, Simulated, simulate
from tiering.wording import RULE_UNIT, remark

WEIGHT, INSIDE, THRESHOLD = "w", "i", "t"
SCORE_STEP, WEIGHT_STEP, MOST_POINTS = 1, 1, 100
SHOWN_MOVERS = 25
GRADES = tuple(grade for grade in Grade.values if grade != Grade.NOT_GRADED)


@dataclass(frozen=True, slots=True)
class Lever:
    """One number to play with: its parameter, what it is, where it stands and where it stood."""

    name: str
    label: Any
    value: Decimal
    start: Decimal
    step: str
    most: Decimal | None
    unit: str
    errors: tuple[str, ...] = ()
    remark: str = ""

    @property
    def is_moved(self) -> bool:
        return self.value != self.start

    @property
    def text(self) -> str:
        return f"{self.value.normalize():f}"

    @property
    def range(self) -> SafeString:
        """The slider without a name; only the number beside it is sent."""
        return format_html(
            '<input type="range" class="form-range" min="0" max="{}" step="{}" value="{}" data-slider-range'
            ' aria-label="{}" tabindex="-1">',
            f"{(self.most or HUNDRED).normalize():f}", self.step, self.text, self.label,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Levers:
    """Every lever of a design, by what it moves; ``query`` holds those that were moved."""

    dimensions: list[Lever]
    indicators: dict[str, list[Lever]]
    thresholds: list[tuple[str, list[Lever]]]

    @property
    def all(self) -> list[Lever]:
        inside = [lever for levers in self.indicators.values() for lever in levers]
        return [*self.dimensions, *inside, *(lever for _grade, levers in self.thresholds for lever in levers)]

    @property
    def is_moved(self) -> bool:
        return any(lever.is_moved for lever in self.all)

    @property
    def said_ids(self) -> str:
        """What htmx changes beside the result: the words about the levers, so that nobody's typing is disturbed."""
        return ",".join(["#levers-reset", "#levers-said", *(f"#said-{lever.name}" for lever in self.all)])

    @property
    def total(self) -> Decimal:
        return sum((lever.value for lever in self.dimensions), Decimal(0))

    @property
    def problems(self) -> list[str]:
        """Why this could not be activated as it stands."""
        found = []
        if self.total != HUNDRED:
            found.append(
                _(
                    "The weights of the dimensions sum to %(total)s instead of 100; they are scaled to look at the result."
                )
                % {"total": f"{self.total.normalize():f}"}
            )
        for code, levers in self.indicators.items():
            inside = sum((lever.value for lever in levers), Decimal(0))
            if levers and inside != HUNDRED:
                found.append(
                    _(
                        "The weights inside %(dimension)s sum to %(total)s instead of 100; they are scaled to look at the result."
                    )
                    % {"dimension": DimensionCode(code).label, "total": f"{inside.normalize():f}"}
                )
        return found


def levers_of(design: Design, params: QueryDict) -> Levers:
    """The design's numbers, each replaced by what the address gives for it; what cannot be read stays and says so."""

    def lever(name: str, label: Any, start: Decimal, *, step: str, most: Decimal | None, unit: str) -> Lever:
        text = params.get(name, "").replace("\x00", "").strip()
        value, errors = _number(text, start, most=most)
        return Lever(name, label, value, start, step, most, unit, errors)

    percent = {"step": str(WEIGHT_STEP), "most": HUNDRED, "unit": "%"}
    inside: dict[str, list[Lever]] = {code: [] for code in design.dimensions}
    for of, code, weight, _anchors in design.indicators:
        one = lever(f"{INSIDE}_{code}", IndicatorCode(code).label, weight, **percent)
        inside[of].append(replace(one, remark=remark(code)))
    ordered = sorted(design.thresholds.items(), key=lambda item: RULE_ORDER.index(item[0]))
    grades: dict[str, list[Lever]] = {}
    for (grade, rule), threshold in ordered:
        unit = RULE_UNIT[rule]
        if unit == Unit.PRESENT:
            continue
        is_score = unit == Unit.SCORE
        grades.setdefault(grade, []).append(
            lever(
                f"{THRESHOLD}_{grade}_{rule}",
                Rule(rule).label,
                threshold,
                step="1" if is_score else "any",
                most=HUNDRED if is_score else None,
                unit=_("points") if is_score else "",
            )
        )
    return Levers(
        dimensions=[
            lever(f"{WEIGHT}_{code}", DimensionCode(code).label, weight, **percent)
            for code, weight in design.dimensions.items()
        ],
        indicators=inside,
        thresholds=list(grades.items()),
    )


def design_with(design: Design, levers: Levers) -> Design:
    values = {lever.name: lever.value for lever in levers.all}
    return replace(
        design,
        dimensions={code: values[f"{WEIGHT}_{code}"] for code in design.dimensions},
        indicators=tuple(
            (of, code, values[f"{INSIDE}_{code}"], anchors) for of, code, _weight, anchors in design.indicators
        ),
        thresholds={
            (grade, rule): values.get(f"{THRESHOLD}_{grade}_{rule}", threshold)
            for (grade, rule), threshold in design.thresholds.items()
        },
    )


def _number(text: str, start: Decimal, *, most: Decimal | None) -> tuple[Decimal, tuple[str, ...]]:
    if not text:
        return start, ()
    try:
        value = Decimal(text)
    except InvalidOperation:
        return start, (_("Give a number."),)
    if not value.is_finite() or value < 0 or value >= Decimal(10) ** 18 or (most is not None and value > most):
        return start, (_("Give a number from 0 to %(most)s.") % {"most": most if most is not None else "10^18"},)
    return value, ()


@signed_in
@require_GET
def sandbox(request: HttpRequest) -> HttpResponse:
    """A design, its levers, and what it would make of the last night."""
    run = latest_run()
    models = _models()
    model = _chosen(models, request.GET.get("model", ""))
    context: dict[str, Any] = {"run": run, "models": models, "model": model, "may_draft": may_draft(request.user)}
    if run is not None and model is not None:
        levers = levers_of(model.design(), request.GET)
        context["levers"] = levers
        if run.model is not None and model.currency != run.model.currency:
            context["refusal"] = _(
                "This version counts in %(mine)s, the last night in %(night)s. Choose a version in the same currency."
            ) % {"mine": model.currency, "night": run.model.currency}
        else:
            found = simulate(
                run=run,
                design=design_with(model.design(), levers),
                accounts=accounts_in_scope(request),
                fiscal_start_month=settings.FISCAL_YEAR_START_MONTH,
            )
            context |= _result(request, found, currency=model.currency)
    return page_or_fragment(request, "tiering/sandbox.html", "tiering/_sandbox.html", context)


@signed_in
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Make a draft of what the sandbox shows; somebody else activates it."""
    require_draft(request.user)
    model = _chosen(_models(), request.POST.get("model", ""))
    if model is None:
        return redirect("tiering:sandbox")
    levers = levers_of(model.design(), request.POST)
    draft = draft_of(
        model=model,
        design=design_with(model.design(), levers),
        created_by=user_of(request),
        note=_("From the sandbox."),
    )
    messages.success(
        request, _("%(model)s is kept as a draft. Propose it, and somebody else can approve it.") % {"model": draft}
    )
    return redirect(f"{reverse('tiering:sandbox')}?model={draft.pk}")


def _models() -> QuerySet[ScoringModel]:
    return ScoringModel.objects.exclude(state=ModelState.RETIRED).order_by("-state", "-pk")


def _chosen(models: QuerySet[ScoringModel], asked: str) -> ScoringModel | None:
    found = list(models)
    named = [one for one in found if str(one.pk) == asked]
    active = [one for one in found if one.state == ModelState.ACTIVE]
    return next(iter(named or active or found), None)


def _result(request: HttpRequest, found: Simulated, *, currency: str) -> dict[str, Any]:
    style = number_style(request)
    ids = [one.account_id for one in found.movers[:SHOWN_MOVERS]]
    names = {account.pk: account for account in Account.objects.visible_to(request.user).filter(pk__in=ids)}
    return {
        "found": found,
        "currency": currency,
        "grades": [_grade_line(grade, found) for grade in (*GRADES, Grade.NOT_GRADED)],
        "matrix": [(before, [_cell(found, before, after) for after in Grade.values]) for before in Grade.values],
        "columns": Grade.values,
        "movers": [
            (names[one.account_id], one.before, one.after, one.revenue)
            for one in found.movers[:SHOWN_MOVERS]
            if one.account_id in names
        ],
        "rest": max(found.moved - SHOWN_MOVERS, 0),
        "moved_revenue": formats.money_short(found.moved_revenue, style),
        "load_change": found.load_after - found.load_before,
        "cost": policy_cost(before=found.before, after=found.after, on=timezone.localdate()),
        "load_points": [(grade, points) for grade, points in LOAD_POINTS.items()],
        "unmeasured": [IndicatorCode(code).label for code in found.unmeasured],
    }


def _grade_line(grade: str, found: Simulated) -> dict[str, Any]:
    before, after = found.before.get(grade, 0), found.after.get(grade, 0)
    largest = max([*found.before.values(), *found.after.values(), 1])
    return {
        "grade": grade, "before": before, "after": after, "change": after - before,
        "width_before": f"{100 * before / largest:.2f}", "width_after": f"{100 * after / largest:.2f}",
        "revenue_before": found.revenue_before.get(grade), "revenue_after": found.revenue_after.get(grade),
    }  # fmt: skip


def _cell(found: Simulated, before: str, after: str) -> dict[str, Any]:
    """One cell of the matrix; ``step`` 1 to 5 is its shade by share of the row, 0 where nobody is."""
    number, row = found.matrix.get((before, after), 0), max(found.before.get(before, 0), 1)
    share = number / row
    return {
        "grade": after, "number": number, "is_same": before == after,
        "step": 0 if not number else min(5, 1 + int(share * 5)), "share": formats.percent(share),
    }  # fmt: skip
