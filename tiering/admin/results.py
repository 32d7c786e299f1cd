from typing import Any

from django.contrib import admin
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, RangeDateFilter
from unfold.decorators import display

from accounts.admin.shared import FoundByAccountMixin, GradeColumnMixin, VisibleMixin, grade_label
from accounts.enums import Grade
from crm.lib.admin_parts import LargeTableAdmin
from tiering.enums import RunState, Unit
from tiering.explain import explain
from tiering.models import GradePeriod, Quarantine, ReplacedPeriod, Score, TierRun
from tiering.wording import value_text

RUN_STYLES = {
    RunState.DUE.value: "default",
    RunState.COMPUTING.value: "info",
    RunState.READY.value: "info",
    RunState.PUBLISHED.value: "success",
    RunState.FAILED.value: "danger",
    RunState.SUPERSEDED.value: "default",
    RunState.SKIPPED.value: "warning",
}


def table(rows: list[tuple[Any, ...]]) -> SafeString:
    """Rows of plain cells under each other; numbers come formatted."""
    lines = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((c,) for c in row)),) for row in rows)
    )
    return format_html('<table class="admin-figures">{}</table>', lines)


@admin.register(TierRun)
class TierRunAdmin(LargeTableAdmin):
    list_display = (
        "as_of",
        "state_badge",
        "model",
        "trigger",
        "accounts",
        "quarantined",
        "moves",
        "seconds",
        "published_at",
        "requested_by",
    )
    list_filter = (
        ("state", ChoicesCheckboxFilter),
        ("trigger", ChoicesCheckboxFilter),
        "model",
        ("as_of", RangeDateFilter),
    )
    list_filter_submit = True
    list_select_related = ("model", "requested_by")
    date_hierarchy = "as_of"
    ordering = ("-as_of", "-pk")
    exclude = ("phases", "counts", "matrix")
    readonly_fields = ("counts_table", "moves_table", "phases_table")

    @display(description=_("state"), ordering="state", label=RUN_STYLES)
    def state_badge(self, run: TierRun) -> tuple[str, str]:
        return run.state, run.get_state_display()

    @display(description=_("seconds"))
    def seconds(self, run: TierRun) -> str:
        return "–" if run.seconds is None else number_format(run.seconds, 1)

    @display(description=_("accounts per grade"))
    def counts_table(self, run: TierRun) -> SafeString:
        return table([(grade_label(code)[1], number_format(count)) for code, count in run.counts.items()])

    @display(description=_("moves"))
    def moves_table(self, run: TierRun) -> SafeString:
        words = {grade.value: grade_label(grade.value)[1] for grade in Grade}
        return table([(words.get(a, a), "→", words.get(b, b), number_format(count)) for a, b, count in run.matrix])

    @display(description=_("phases"))
    def phases_table(self, run: TierRun) -> SafeString:
        return table([(phase.get("name", ""), number_format(phase.get("seconds", 0), 2)) for phase in run.phases])


@admin.register(Score)
class ScoreAdmin(GradeColumnMixin, FoundByAccountMixin, VisibleMixin, LargeTableAdmin):
    list_display = ("account", "run", "grade_badge", "ladder", "previous_grade", "composite", "evidence", "valid_to")
    list_filter = (("grade", ChoicesCheckboxFilter), "run__as_of")
    list_select_related = ("account", "run__model")
    fields = (
        "account",
        "run",
        "valid_from",
        "valid_to",
        "grade",
        "ladder",
        "previous_grade",
        "evidence_text",
        "why",
        "points",
        "remarks",
    )
    readonly_fields = ("evidence_text", "why", "points", "remarks")

    @display(description=_("evidence"))
    def evidence_text(self, score: Score) -> str:
        return value_text(score.evidence, Unit.SHARE)

    @display(description=_("why"))
    def why(self, score: Score) -> str:
        return explain(score).sentence

    @display(description=_("points of the score"))
    def points(self, score: Score) -> SafeString:
        """Each indicator with its raw value and what it adds; the sum is the composite."""
        explained = explain(score)
        lines = [
            (part.label, part.value_text, value_text(part.contribution, Unit.SCORE))
            for dimension in explained.dimensions
            for part in dimension.indicators
        ]
        return table([*lines, (_("score"), "", value_text(explained.composite, Unit.SCORE))])

    @display(description=_("remarks"))
    def remarks(self, score: Score) -> SafeString:
        return table([(note,) for note in explain(score).notes])


@admin.register(Quarantine)
class QuarantineAdmin(FoundByAccountMixin, VisibleMixin, LargeTableAdmin):
    list_display = ("account", "run", "reason", "figure", "value")
    list_filter = (("reason", ChoicesCheckboxFilter), "run__as_of")
    list_filter_submit = True
    list_select_related = ("account", "run")
    ordering = ("-run", "account")


@admin.register(GradePeriod)
class GradePeriodAdmin(GradeColumnMixin, FoundByAccountMixin, VisibleMixin, LargeTableAdmin):
    list_display = ("account", "grade_badge", "underlying", "valid_from", "valid_to", "run", "recorded_at")
    list_filter = (("grade", ChoicesCheckboxFilter), ("valid_from", RangeDateFilter), ("valid_to", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("account", "run")
    date_hierarchy = "valid_from"
    ordering = ("-valid_from", "-pk")


@admin.register(ReplacedPeriod)
class ReplacedPeriodAdmin(GradeColumnMixin, FoundByAccountMixin, VisibleMixin, LargeTableAdmin):
    list_display = ("account", "grade_badge", "underlying", "valid_from", "valid_to", "recorded_at", "replaced_at")
    list_filter = (("grade", ChoicesCheckboxFilter), ("valid_from", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("account", "run")
    ordering = ("-replaced_at", "-pk")
