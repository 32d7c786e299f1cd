"""How a version of the model would have graded the past: asked for, watched, read."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from accounts.enums import Grade
from crm import tasks
from crm.lib.exceptions import CrmError
from crm.web import formats
from crm.web.auth import dress
from crm.web.charts import Chart, LegendEntry, Series, bars, lines
from crm.web.htmx import signed_in, user_of
from crm.web.rights import may_backtest, require_backtests, require_new_backtest
from tiering.enums import BacktestState, ModelState
from tiering.models import BacktestRun, ScoringModel
from tiering.services_backtests import backtest_range, request_backtest

RUNS_A_PAGE = 10
UNPROCESSABLE = 422
MEASURES = {"gross_profit": gettext_lazy("gross profit"), "revenue": gettext_lazy("revenue")}
NEXT_YEAR = {
    "gross_profit": gettext_lazy("Gross profit of the next 12 months, median"),
    "revenue": gettext_lazy("Revenue of the next 12 months, median"),
}
TIE = 0.005  # of two mean rank correlations: less than this apart, neither is better


class BacktestForm(forms.Form):
    """Which version, over which month-ends; the rules are those of the service."""

    model = forms.ModelChoiceField(
        ScoringModel.objects.exclude(state=ModelState.RETIRED), label=gettext_lazy("Version"), empty_label=None
    )
    first = forms.DateField(label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label=gettext_lazy("To"), widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, covered: tuple[date, date] | None, **kwargs: Any) -> None:
        first, last = covered or ("", "")
        active = ScoringModel.objects.filter(state=ModelState.ACTIVE).first()
        kwargs.setdefault("initial", {"model": active, "first": first, "last": last})
        super().__init__(*args, **kwargs)
        self.fields["model"].label_from_instance = lambda one: f"{one} · {one.get_state_display()}"  # type: ignore[attr-defined]
        dress(self)


@signed_in
@require_http_methods(["GET", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Ask for a backtest, and those that were asked for."""
    require_backtests(request.user)
    covered = backtest_range()
    form = BacktestForm(request.POST if request.method == "POST" else None, covered=covered)
    if request.method == "POST":
        require_new_backtest(request.user)
        if form.is_valid():
            try:
                run = request_backtest(requested_by=user_of(request), **form.cleaned_data)
            except CrmError as refused:
                form.add_error(None, str(refused))
            else:
                tasks.send(tasks.backtest_task, backtest_id=run.pk)
                return redirect("tiering:backtest_run", run.pk)
    runs = BacktestRun.objects.select_related("model", "requested_by").defer("result")
    context = {
        "form": form,
        "covered": covered,
        "may_backtest": may_backtest(request.user),
        "page": Paginator(runs, RUNS_A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "tiering/backtest.html", context, status=UNPROCESSABLE if form.errors else 200)


@signed_in
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One backtest: how far it is, or what came out."""
    require_backtests(request.user)
    run = get_object_or_404(BacktestRun.objects.select_related("model", "requested_by"), pk=pk)
    context: dict[str, Any] = {"run": run, "percent": _percent(run)}
    if run.state == BacktestState.DONE:
        context |= result_parts(run.result, currency=run.model.currency)
    return render(request, "tiering/backtest_run.html", context)


@signed_in
@require_GET
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, asked every second; once it has ended the whole page is shown anew."""
    require_backtests(request.user)
    run = get_object_or_404(BacktestRun.objects.select_related("model", "requested_by").defer("result"), pk=pk)
    if not run.is_unfinished:
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("tiering:backtest_run", args=[pk])})
    return render(request, "tiering/_backtest_progress.html", {"run": run, "percent": _percent(run)})


@signed_in
@require_http_methods(["POST"])
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """The same version over the same months once more: the ledger may know better by now."""
    require_backtests(request.user)
    require_new_backtest(request.user)
    run = get_object_or_404(BacktestRun.objects.select_related("model"), pk=pk)
    try:
        made = request_backtest(model=run.model, first=run.first_on, last=run.last_on, requested_by=user_of(request))
    except CrmError as refused:
        messages.error(request, str(refused))
        return redirect("tiering:backtest_run", pk)
    tasks.send(tasks.backtest_task, backtest_id=made.pk)
    return redirect("tiering:backtest_run", made.pk)


def _percent(run: BacktestRun) -> str:
    return f"{100 * run.done_days / run.days:.0f}"


def result_parts(result: Mapping[str, Any], *, currency: str) -> dict[str, Any]:
    """What the page shows of a result as it is kept."""
    known = [row for row in result["validity"] if row["composite"] is not None and row["last_year"] is not None]
    means = (
        {name: sum(row[name] for row in known) / len(known) for name in ("composite", "last_year")} if known else None
    )
    problem = result["by_grade"].get(Grade.PROBLEM)
    return {
        "result": result,
        "verdict": verdict(means, known, result["measure"]),
        "stability": _stability_words(result),
        "rows": [(grade, result["by_grade"][grade]) for grade in Grade.values if grade in result["by_grade"]],
        "measure": NEXT_YEAR[result["measure"]],
        "currency": currency,
        "order_chart": _grades_chart(result, currency=currency),
        "validity_chart": _validity_chart(known, result["measure"]),
        "problem": problem,
        "everyone": result["everyone"],
        "problem_words": _problem_words(problem, result["everyone"]),
        "is_ordered": _is_ordered(result),
    }


def verdict(means: Mapping[str, float] | None, known: Sequence[Mapping[str, Any]], measure: str) -> str:
    """Whether the score ranks the next year better than last year's revenue does; said as it is."""
    if means is None:
        return _(
            "Nothing to hold the score against: no month-end has 12 months after it in the range, or fewer than ten accounts"
            " had a score then. Ratings and estimates count from their own day on; a version that needs none says more."
        )
    wins = sum(row["composite"] > row["last_year"] for row in known)
    words = {
        "score": formats.number(means["composite"], decimals=2), "revenue": formats.number(means["last_year"], decimals=2),
        "measure": MEASURES[measure], "wins": wins, "days": len(known),
    }  # fmt: skip
    difference = means["composite"] - means["last_year"]
    if abs(difference) < TIE:
        return (
            _(
                "The score ranks the next year's %(measure)s as well as last year's revenue alone does (%(score)s against"
                " %(revenue)s); it adds nothing to the forecast."
            )
            % words
        )
    if difference > 0:
        return (
            _(
                "The score ranks the next year's %(measure)s better than last year's revenue alone: %(score)s against"
                " %(revenue)s, ahead on %(wins)s of %(days)s month-ends."
            )
            % words
        )
    return _(
        "The score does not beat last year's revenue alone: it ranks the next year's %(measure)s with %(score)s against"
        " %(revenue)s, ahead on %(wins)s of %(days)s month-ends. It may still say what revenue does not."
    ) % words  # fmt: skip


def _stability_words(result: Mapping[str, Any]) -> str:
    ruled, plain = result["with_rules"], result["without_rules"]
    if ruled["moves_per_account_year"] is None:
        return _("No account was graded twice, so there is no move to count.")
    return _(
        "With the stability rules a grade moves %(ruled)s times an account and year, without them %(plain)s times;"
        " %(ruled_flaps)s of the moves are taken back within four evaluations, without them %(plain_flaps)s."
    ) % {
        "ruled": formats.number(ruled["moves_per_account_year"], decimals=2),
        "plain": formats.number(plain["moves_per_account_year"] or 0, decimals=2),
        "ruled_flaps": formats.percent(ruled["flap_rate"] or 0),
        "plain_flaps": formats.percent(plain["flap_rate"] or 0),
    }


def _problem_words(problem: Mapping[str, Any] | None, everyone: Mapping[str, Any] | None) -> str:
    if not problem or problem["declined_share"] is None or not everyone or everyone["declined_share"] is None:
        return _("No account was a problem with a year after it, so nothing can be said of the warning.")
    words = {
        "problem": formats.percent(problem["declined_share"]),
        "all": formats.percent(everyone["declined_share"]),
        "accounts": formats.number(problem["customers"]),
    }
    if problem["customers"] == everyone["customers"]:
        return _("Only problem accounts had a grade then, so there is nothing to compare the warning with.")
    if problem["declined_share"] > everyone["declined_share"]:
        return (
            _(
                "Of problem accounts %(problem)s lost three tenths of their revenue or more in the 12 months after, of all"
                " accounts %(all)s (%(accounts)s evaluations of problems)."
            )
            % words
        )
    return _(
        "The warning did not tell: of problem accounts %(problem)s lost three tenths of their revenue or more in the 12"
        " months after, of all accounts %(all)s (%(accounts)s evaluations of problems)."
    ) % words  # fmt: skip


def _is_ordered(result: Mapping[str, Any]) -> bool | None:
    """Whether each grade brought no less than the one below it, as its order promises; None with fewer than two."""
    ladder = [grade for grade in Grade.values if grade in result["by_grade"] and grade != Grade.PROBLEM]
    medians = [result["by_grade"][grade]["median"] for grade in ladder]
    return all(above >= below for above, below in pairwise(medians)) if len(medians) > 1 else None


def _grades_chart(result: Mapping[str, Any], *, currency: str) -> Chart:
    grades = [grade for grade in Grade.values if grade in result["by_grade"]]
    found = [result["by_grade"][grade] for grade in grades]
    title = NEXT_YEAR[result["measure"]]
    values = [
        {"value": one["median"], "itemStyle": {"color": f"token:--grade-{grade}-solid"}}
        for grade, one in zip(grades, found, strict=True)
    ]
    return Chart(
        key="backtest-grades",
        title=title,
        summary=_("%(count)s grades.") % {"count": len(grades)},
        option=bars([str(Grade(grade).label) for grade in grades], [Series(title, values)], horizontal=True),
        columns=(_("Grade"), _("Evaluations"), f"{title}, {currency}"),
        rows=[
            (Grade(grade).label, formats.number(one["accounts"]), formats.money(one["median"]))
            for grade, one in zip(grades, found, strict=True)
        ],
        is_empty=not grades,
        empty_title=_("No year after it"),
        empty_text=_("No month-end of the range has 12 months after it in the range. Choose a longer one."),
    )


def _validity_chart(known: Sequence[Mapping[str, Any]], measure: str) -> Chart:
    title = _("Rank correlation with the next year's %(measure)s, by month-end") % {"measure": MEASURES[measure]}
    labels = [formats.month(date.fromisoformat(row["as_of"])) for row in known]
    return Chart(
        key="backtest-validity",
        title=title,
        summary=_("%(count)s month-ends.") % {"count": len(known)},
        option=lines(
            labels,
            [
                Series(_("score"), [row["composite"] for row in known], "--period-comparison"),
                Series(_("last year's revenue"), [row["last_year"] for row in known], "--period-base"),
            ],
            reads="plain",
        ),
        columns=(_("Month-end"), _("Score"), _("Last year's revenue"), _("Accounts")),
        rows=[
            (
                label,
                formats.number(row["composite"], decimals=3),
                formats.number(row["last_year"], decimals=3),
                formats.number(row["accounts"]),
            )
            for label, row in zip(labels, known, strict=True)
        ],
        legend=[LegendEntry(_("score"), "mark-comparison"), LegendEntry(_("last year's revenue"), "mark-base")],
        is_empty=len(known) < 2,
        empty_title=_("No course to draw"),
        empty_text=_("It takes two month-ends with 12 months after them and ten accounts or more."),
    )
