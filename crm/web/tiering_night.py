"""What the tab Last night shows: grades, movements and movers of one run, over the accounts the reader may see."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.enums import Grade
from accounts.querysets import AccountQuerySet
from crm.web import formats
from crm.web.charts import Chart
from tiering import selectors
from tiering.models import Score, TierRun

UP, DOWN = "up", "down"
DIRECTIONS = (UP, DOWN)
GRADE_ORDER = tuple(Grade)
Moves = list[tuple[str, str, int]]
# The stages of crm.pipeline, in their order.
PHASE_LABELS: dict[str, Any] = {
    "roll_up": gettext_lazy("Check the roll-up"),
    "figures": gettext_lazy("Figures of every account"),
    "products": gettext_lazy("What every account buys"),
    "indicators": gettext_lazy("Measure the indicators"),
    "scores": gettext_lazy("Score"),
    "grades": gettext_lazy("Grade"),
    "publish": gettext_lazy("Publish"),
    "promises": gettext_lazy("Promises"),
}
COUNT_LABELS: dict[str, Any] = {
    "rebuilt_rows": gettext_lazy("rows rebuilt"),
    "rows": gettext_lazy("rows"),
    "accounts": gettext_lazy("accounts"),
    "set_apart": gettext_lazy("set apart"),
    "moves": gettext_lazy("moves"),
    "periods": gettext_lazy("grade periods"),
    "plans": gettext_lazy("remediation plans opened"),
}


@dataclass(frozen=True, slots=True)
class GradeCount:
    """One grade of the night: accounts in it, how many came and went, and the revenue of the accounts in it."""

    grade: str
    accounts: int
    came: int
    went: int
    width: str
    revenue: Decimal | None
    href: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a run under way."""

    label: Any
    is_done: bool
    is_now: bool


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of a run; ``start`` and ``width`` are hundredths of the whole time, for its bar."""

    label: str
    seconds: float
    start: str
    width: str
    details: str


def grade_counts(run: TierRun, accounts: AccountQuerySet, moves: Moves, *, sees_all: bool) -> list[GradeCount]:
    """Accounts per grade in ``run``; revenue as the newest night left it."""
    counted = (
        run.counts
        if sees_all
        else dict(selectors.scores_in_view(accounts, run=run).order_by().values_list("grade").annotate(n=Count("pk")))
    )
    revenue = {total.grade: total.revenue for total in selectors.grade_totals(accounts)}
    largest = max([*counted.values(), 1])
    came: Counter[str] = Counter()
    went: Counter[str] = Counter()
    for before, now, number in moves:
        came[now] += number
        went[before] += number
    return [
        GradeCount(
            grade=grade,
            accounts=counted.get(grade, 0),
            came=came[grade],
            went=went[grade],
            width=f"{100 * counted.get(grade, 0) / largest:.2f}",
            revenue=revenue.get(grade),
            href=f"{reverse('accounts:list')}?{urlencode({'grade': grade})}",
        )
        for grade in GRADE_ORDER
    ]


def moves_of(run: TierRun, accounts: AccountQuerySet, *, sees_all: bool) -> Moves:
    """(grade before, grade now, accounts) of the accounts that moved in ``run``."""
    if sees_all:
        return [(before, now, number) for before, now, number in run.matrix if before]
    counted = selectors.movers(accounts, run=run).order_by().values_list("previous_grade", "grade")
    return list(counted.annotate(n=Count("pk")))


def moved(
    run: TierRun, accounts: AccountQuerySet, *, direction: str = "", before: str = "", now: str = ""
) -> QuerySet[Score]:
    """Scores of ``run`` whose grade differs from the one before, up, down or both; largest revenue first.

    before, now : only those that came from, or went to, this grade
    """
    scores = selectors.movers(accounts, run=run)
    if before:
        scores = scores.filter(previous_grade=before)
    if now:
        scores = scores.filter(grade=now)
    if direction == UP:
        return scores.filter(step__gt=0)  # type: ignore[misc]  # annotated by the selector
    return scores.filter(step__lt=0) if direction == DOWN else scores  # type: ignore[misc]


def movement_chart(moves: Moves) -> Chart:
    """From grade to grade: the moved accounts as bands, and as a table."""
    total = sum(number for *_pair, number in moves)
    return Chart(
        key="tiering-moves",
        title=_("Movements from grade to grade"),
        summary=ngettext("%(number)d account moved.", "%(number)d accounts moved.", total) % {"number": total},
        option=_sankey(moves),
        columns=(_("From"), _("To"), _("Accounts")),
        rows=[
            (Grade(before).label, Grade(now).label, formats.number(number))
            for before, now, number in sorted(moves, key=lambda move: (-move[2], _place(move[0]), _place(move[1])))
        ],
        size="lg" if len(moves) > 4 else "md",
        is_empty=not moves,
        empty_title=_("No grade moved"),
        empty_text=_("Every account kept the grade of the night before."),
    )


def phases_of(run: TierRun) -> list[Phase]:
    """The phases of a run, each with its part of the whole time."""
    seconds = [float(phase.get("seconds") or 0) for phase in run.phases]
    whole, at, phases = sum(seconds) or 1.0, 0.0, []
    for phase, taken in zip(run.phases, seconds, strict=True):
        phases.append(
            Phase(
                label=str(PHASE_LABELS.get(phase["name"], phase["name"])),
                seconds=taken,
                start=f"{100 * at / whole:.2f}",
                width=f"{max(100 * taken / whole, 0.5):.2f}",
                details=_details(phase),
            )
        )
        at += taken
    return phases


def stages_of(run: TierRun) -> list[Stage]:
    """All stages of a run that is under way: those behind it, the one it is at, those to come."""
    done = {phase["name"] for phase in run.phases}
    waiting = [name for name in PHASE_LABELS if name not in done]
    now = waiting[0] if waiting and run.started_at else ""
    return [Stage(label, name in done, name == now) for name, label in PHASE_LABELS.items()]


def _details(phase: dict[str, Any]) -> str:
    """The counts a phase wrote down beside its time."""
    counts = [(COUNT_LABELS[name], value) for name, value in phase.items() if name in COUNT_LABELS and value]
    return " · ".join(f"{formats.number(value)} {label}" for label, value in counts)


def _place(grade: str) -> int:
    return list(Grade.values).index(grade)


def _sankey(moves: Moves) -> dict[str, Any]:
    """Left the grades before, right the grades now, each in its hue; a band is as wide as its accounts are many."""
    return {
        "facet": {"format": "count"},
        "tooltip": {"trigger": "item", "facetFormat": "item-label"},
        "series": [
            {
                "type": "sankey",
                "left": 4,
                "right": 96,
                "top": 8,
                "bottom": 8,
                "nodeWidth": 10,
                "nodeGap": 12,
                "layoutIterations": 0,
                "draggable": False,
                "emphasis": {"focus": "adjacency"},
                "data": [*_nodes(moves, side=0), *_nodes(moves, side=1)],
                "links": [_band(*move) for move in sorted(moves, key=lambda move: (_place(move[0]), _place(move[1])))],
                "label": {"show": True, "facetFormat": "count", "position": "right"},
            }
        ],
    }


def _nodes(moves: Moves, *, side: int) -> Iterable[dict[str, Any]]:
    sums: Counter[str] = Counter()
    for before, now, number in moves:
        sums[now if side else before] += number
    for grade in sorted(sums, key=_place):
        words = f"{Grade(grade).label} {formats.number(sums[grade])}"
        yield {
            "name": f"{'from' if side == 0 else 'to'}-{grade}",
            "depth": side,
            "itemStyle": {"color": f"token:--grade-{grade}-solid"},
            "label_text": words,
            "tip": words,
        }


def _band(before: str, now: str, number: int) -> dict[str, Any]:
    return {
        "source": f"from-{before}",
        "target": f"to-{now}",
        "value": number,
        "lineStyle": {"color": f"token:--grade-{now}-solid", "opacity": 0.38},
        "tip": f"{Grade(before).label} → {Grade(now).label}: {formats.number(number)}",
        "href": f"?{urlencode({'before': before, 'now': now})}#movers",
    }


def moved_money(scores: QuerySet[Score]) -> tuple[Decimal | None, str]:
    """TTM revenue of the moved accounts and its currency; None where they do not share one."""
    rows = list(
        scores.order_by()
        .values_list("account__figures__currency")
        .annotate(total=Sum("account__figures__ttm_revenue"))
        .filter(total__isnull=False)
    )
    if len(rows) != 1:
        return None, ""
    return rows[0][1], rows[0][0]
