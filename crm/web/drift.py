"""Whether the version in force still fits: grades, scores and inputs month by month, and what to do where they moved."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.enums import Grade
from crm.web import formats
from crm.web.charts import Chart, LegendEntry, Series, bars, lines
from crm.web.htmx import signed_in
from crm.web.scope import ALL, accounts_in_scope, can_choose_scope, scope_of
from tiering.drift import FEW_ACCOUNTS, QUANTILES, Drift, IndicatorDrift, NightSummary, drift
from tiering.enums import IndicatorCode, ModelState
from tiering.models import ScoringModel
from tiering.population import CHANGED_FROM, STABLE_BELOW
from tiering.simulation import MOST_KEY_ACCOUNTS

GRADES = tuple(grade for grade in Grade.values if grade != Grade.NOT_GRADED)
QUANTILE_COLOURS = ("--series-5", "--series-3", "--series-1", "--series-3", "--series-5")
MEDIAN = QUANTILES.index(0.5)


@dataclass(frozen=True, slots=True)
class Word:
    """What was found, and what to do about it."""

    text: str
    is_bad: bool = False


@signed_in
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The drift of the active version, or of the one asked for."""
    models = list(ScoringModel.objects.exclude(activated_at=None).order_by("-activated_at", "-pk"))
    model = _chosen(models, request.GET.get("model", ""))
    found = drift(model=model, accounts=accounts_in_scope(request)) if model else None
    context: dict[str, Any] = {
        "models": models,
        "model": model,
        "drift": found,
        "sees_all": scope_of(request) == ALL and can_choose_scope(request),
        "stable_below": STABLE_BELOW,
        "changed_from": CHANGED_FROM,
        "most_key_accounts": MOST_KEY_ACCOUNTS,
    }
    if found is not None:
        context |= {
            "words": words_of(found),
            "grades_chart": grades_chart(found),
            "scores_chart": scores_chart(found),
            "lines": [(IndicatorCode(one.code).label, one) for one in _most_moved(found)],
        }
    return render(request, "tiering/drift.html", context)


def words_of(found: Drift) -> list[Word]:
    """What moved, gravest first, each with the next step; one reassuring word where nothing did."""
    words = []
    if found.is_crowded:
        text = _(
            "%(count)s Diamond, Gold and Strategic accounts: more than %(most)s cannot be looked after. Raise the thresholds in the sandbox."
        )
        words.append(Word(text % {"count": found.last.key_accounts, "most": MOST_KEY_ACCOUNTS}, is_bad=True))
    changed = [_name(one) for one in found.indicators if one.has_changed]
    if changed:
        text = _(
            "Changed since %(day)s: %(names)s. Look whether the data are right; if they are, set their scales anew in a draft."
        )
        words.append(Word(text % _about(found, changed), is_bad=True))
    moving = [_name(one) for one in found.indicators if one.is_moving and not one.has_changed]
    if moving:
        text = _("Moving since %(day)s: %(names)s. Look again next month; a scale need not follow every move.")
        words.append(Word(text % _about(found, moving)))
    if found.has_less_evidence:
        text = _(
            "Less is known than on %(day)s: %(before)s of the weights then, %(now)s now. Renew ratings and estimates that ran out."
        )
        shares = {"before": formats.percent(found.first.evidence), "now": formats.percent(found.last.evidence)}
        words.append(Word(text % {"day": formats.day(found.first.as_of), **shares}))
    missing = [_name(one) for one in found.indicators if one.is_missing_more]
    if missing:
        text = _("Known of fewer accounts than on %(day)s: %(names)s. Look whether a file or a rating is missing.")
        words.append(Word(text % _about(found, missing)))
    if len(found.nights) == 1:
        words.append(Word(_("Only one night so far. Drift shows once another month has ended.")))
    elif found.is_few:
        text = _("Fewer than %(few)s accounts: single accounts move the stability index, so look at the means.")
        words.append(Word(text % {"few": FEW_ACCOUNTS}))
    return words or [Word(_("Nothing has moved much: the version still fits the accounts it grades."))]


def grades_chart(found: Drift) -> Chart:
    """Accounts per grade, stacked, a bar for each night."""
    labels = [formats.day(night.as_of) for night in found.nights]
    series = [
        Series(
            Grade(grade).label,
            [night.grades.get(grade, 0) for night in found.nights],
            f"--grade-{grade}-solid",
            {"stack": "grades"},
        )
        for grade in GRADES
    ]
    title = _("Accounts per grade")
    return Chart(
        key="drift-grades",
        title=title,
        summary=_("%(nights)s nights.") % {"nights": len(labels)},
        option=bars(labels, series, reads="count"),
        columns=[_("Night"), *(one.name for one in series), _("Key accounts")],
        rows=[
            [
                label,
                *(formats.number(night.grades.get(grade, 0)) for grade in GRADES),
                formats.number(night.key_accounts),
            ]
            for label, night in zip(labels, found.nights, strict=True)
        ],
    )


def scores_chart(found: Drift) -> Chart:
    """Quantiles of the composite as lines: the median, and how far the rest lies around it."""
    labels = [formats.day(night.as_of) for night in found.nights]
    names = [_quantile_name(share) for share in QUANTILES]
    values = [[_quantile(night, place) for night in found.nights] for place in range(len(QUANTILES))]
    series = [
        Series(name, one, colour, {} if place == MEDIAN else {"lineStyle": {"width": 1, "color": f"token:{colour}"}})
        for place, (name, one, colour) in enumerate(zip(names, values, QUANTILE_COLOURS, strict=True))
    ]
    return Chart(
        key="drift-scores",
        title=_("Composite score"),
        caption=_("Composite score: the median, the middle half and the middle four fifths of the accounts"),
        summary=_("%(nights)s nights.") % {"nights": len(labels)},
        option=lines(labels, series, reads="plain"),
        columns=[_("Night"), *names],
        rows=[
            [label, *("–" if one[at] is None else formats.points(one[at]) for one in values)]
            for at, label in enumerate(labels)
        ],
        legend=[
            LegendEntry(_("median"), "mark-median"),
            LegendEntry(_("a quarter below, a quarter above"), "mark-quarter"),
            LegendEntry(_("a tenth below, a tenth above"), "mark-tenth"),
        ],
        is_empty=all(value is None for one in values for value in one),
    )


def _quantile(night: NightSummary, place: int) -> float | None:
    return None if night.quantiles is None else round(night.quantiles[place], 2)


def _quantile_name(share: float) -> str:
    return _("%(share)s lie below") % {"share": formats.percent(share, decimals=0)}


def _most_moved(found: Drift) -> list[IndicatorDrift]:
    return sorted(found.indicators, key=lambda one: -(one.index if one.index is not None else -1.0))


def _name(one: IndicatorDrift) -> str:
    return str(IndicatorCode(one.code).label)


def _about(found: Drift, names: list[str]) -> dict[str, str]:
    return {"day": formats.day(found.first.as_of), "names": ", ".join(names)}


def _chosen(models: list[ScoringModel], asked: str) -> ScoringModel | None:
    """The version asked for (404 where it never graded), else the active one."""
    if asked:
        named = [one for one in models if str(one.pk) == asked]
        if not named:
            raise Http404
        return named[0]
    return next((one for one in models if one.state == ModelState.ACTIVE), None)
