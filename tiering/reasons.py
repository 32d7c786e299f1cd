"""The one sentence that says why an account has its grade, and the one that says what the next grade needs."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from accounts.enums import Grade
from crm.lib.days import day_text
from tiering import wording
from tiering.design import Design
from tiering.enums import Rule, Unit
from tiering.grading import DIAMOND, GOLD, NOT_GRADED, POTENTIAL, PROBLEM, STRATEGIC, Flag
from tiering.models import Score
from tiering.parts import ConditionPart, GradePart, Run
from tiering.signals import SOFT_SIGNALS

SHOWN_FAILURES = 2  # conditions of the next grade named in the sentence; the card lists all


def sentence(
    score: Score,
    *,
    grades: Sequence[GradePart],
    failing: Sequence[ConditionPart],
    next_grade: str,
    run: Run | None,
    design: Design,
) -> str:
    """Why this grade, then what the next one lacks or which grade is on its way; each is a whole sentence."""
    if score.has_flag(Flag.OVERRIDDEN):
        return _overridden(score)
    if score.has_flag(Flag.QUARANTINED):
        return _set_apart(score)
    parts = [_waiting(score, run) if run and score.grade == score.ladder else _why(score, grades, design)]
    if next_grade and failing and score.grade != PROBLEM and not (run and run.is_up):
        once = {condition.rule: condition for condition in reversed(failing)}  # one year stands for both
        named = [condition for condition in failing if once[condition.rule] is condition]
        parts += [_lacks(condition, str(Grade(next_grade).label)) for condition in named[:SHOWN_FAILURES]]
    return " ".join(parts)


def _why(score: Score, grades: Sequence[GradePart], design: Design) -> str:
    grade = str(Grade(score.grade).label)
    evidence = wording.value_text(score.evidence, Unit.SHARE)
    if score.grade == NOT_GRADED:
        if score.has_flag(Flag.NO_BUSINESS):
            return _("Not graded: nothing has been bought and no contract signed yet.")
        needed = wording.value_text(float(design.evidence_any), Unit.SHARE)
        return _("Not graded: %(evidence)s of the evidence is known, %(needed)s is needed.") % {
            "evidence": evidence,
            "needed": needed,
        }
    if score.grade == PROBLEM:
        return _problem(score)
    if score.has_flag(Flag.KEPT):
        return _("Stays %(grade)s: with %(evidence)s of the evidence known, only money moves a grade.") % {
            "grade": grade,
            "evidence": evidence,
        }
    if score.has_flag(Flag.HELD_BACK) and score.ladder != GOLD:
        needed = wording.value_text(float(design.evidence_up), Unit.SHARE)
        return _("%(grade)s for now: a move up needs %(needed)s of the evidence, %(evidence)s is known.") % {
            "grade": grade,
            "needed": needed,
            "evidence": evidence,
        }
    values = {
        condition.reads: condition for line in grades if line.grade == score.ladder for condition in line.conditions
    }
    return _by_line(score, grade, values, grades)


def _set_apart(score: Score) -> str:
    """The night could not compute with the account's figures; what to mend stands in the list of the run."""
    if score.grade == NOT_GRADED:
        return _("Not graded: a figure of this account cannot be computed with. The status of the job names it.")
    return _(
        "Stays %(grade)s: a figure of this account cannot be computed with tonight. The status of the job names it."
    ) % {"grade": str(Grade(score.grade).label)}


def _overridden(score: Score) -> str:
    """A person's word stands over the computed grade, which goes on being recorded."""
    computed = (
        str(Grade.PROBLEM.label) if score.has_flag(Flag.PROBLEM_ON) else str(Grade(score.ladder or NOT_GRADED).label)
    )
    return _("%(grade)s, set by hand. Computed: %(computed)s.") % {
        "grade": str(Grade(score.grade).label),
        "computed": computed,
    }


def _waiting(score: Score, run: Run | None) -> str:
    """The grade stays for now; tonight's figures support another one."""
    if run is None:
        raise ValueError("only a run waits")
    words = {
        "grade": str(Grade(score.grade).label),
        "target": run.label,
        "since": day_text(run.since),
        "day": day_text(run.moves_on),
    }
    if run.is_up:
        return _(
            "%(grade)s for now: since %(since)s the figures support %(target)s, reached on %(day)s if that holds."
        ) % (words)
    return _(
        "%(grade)s for now: since %(since)s the figures support only %(target)s, its grade from %(day)s if that holds."
    ) % (words)


def _problem(score: Score) -> str:
    underlying = str(Grade(score.ladder).label) if score.ladder else str(Grade.NOT_GRADED.label)
    values = {"underlying": underlying}
    if score.has_flag(Flag.H4_INSOLVENT):
        return _("Problem, because the account is insolvent. Without that: %(underlying)s.") % values
    if score.has_flag(Flag.H3_CREDIT_OR_LITIGATION):
        return _("Problem, because of a credit stop or litigation. Without that: %(underlying)s.") % values
    if score.has_flag(Flag.H1_OVERDUE):
        return _("Problem, because much is overdue for more than 90 days. Without that: %(underlying)s.") % values
    if score.has_flag(Flag.H2_LOSS):
        return _(
            "Problem, because gross profit was negative in two half-years running. Without that: %(underlying)s."
        ) % (values)
    if score.flags & SOFT_SIGNALS:
        return _("Problem, because warning signs have held for their span. Without that: %(underlying)s.") % values
    return _("Problem until it has been calm for the whole span. Without that: %(underlying)s.") % values


def _by_line(score: Score, grade: str, values: dict[str, ConditionPart], grades: Sequence[GradePart]) -> str:
    if score.ladder == DIAMOND:
        return _diamond(values)
    if score.has_flag(Flag.FLOOR):
        diamond = next(line for line in grades if line.grade == DIAMOND)
        year = next(condition for condition in diamond.conditions if condition.rule == Rule.REVENUE_EACH_YEAR)
        return _(
            "Gold, because revenue reached %(threshold)s in each of two fiscal years; scores or evidence do not reach "
            "Diamond."
        ) % {"threshold": year.threshold_text}
    if score.ladder == GOLD:
        return _gold(values)
    if score.ladder == STRATEGIC:
        return _(
            "Strategic, because strategic value scores %(score)s (at least %(threshold)s) in the eyes of %(people)s people."
        ) % {
            "score": values["str"].value_text,
            "threshold": values["str"].threshold_text,
            "people": values["evaluators"].value_text,
        }
    if score.ladder == POTENTIAL:
        return _("Potential, because growth potential scores %(score)s (at least %(threshold)s).") % {
            "score": values["gro"].value_text,
            "threshold": values["gro"].threshold_text,
        }
    return _("%(grade)s: no higher grade has all its conditions met.") % {"grade": grade}


def _diamond(values: dict[str, ConditionPart]) -> str:
    words = {
        "last": values["revenue_fy1"].value_text,
        "before": values["revenue_fy2"].value_text,
        "threshold": values["revenue_fy1"].threshold_text,
    }
    if "composite" not in values:
        return (
            _("Diamond, because revenue was %(last)s and %(before)s in two fiscal years, each at least %(threshold)s.")
            % words
        )
    return _(
        "Diamond, because revenue was %(last)s and %(before)s in two fiscal years, each at least %(threshold)s, "
        "and the score %(score)s is at least %(needed)s."
    ) % (words | {"score": values["composite"].value_text, "needed": values["composite"].threshold_text})


def _gold(values: dict[str, ConditionPart]) -> str:
    words = {"revenue": values["revenue_ttm"].value_text, "threshold": values["revenue_ttm"].threshold_text}
    if "composite" not in values:
        return _("Gold, because revenue %(revenue)s is at least %(threshold)s.") % words
    return _(
        "Gold, because revenue %(revenue)s is at least %(threshold)s and the score %(score)s at least %(needed)s."
    ) % (words | {"score": values["composite"].value_text, "needed": values["composite"].threshold_text})


def _lacks(condition: ConditionPart, grade: str) -> str:
    """What one failed condition of the next grade asks for, with the distance where it is known."""
    words = {
        "grade": grade,
        "label": condition.label,
        "threshold": condition.threshold_text,
        "value": condition.value_text,
    }
    if condition.rule == Rule.OPPORTUNITY:
        return _("%(grade)s needs a wallet estimate or a pipeline.") % words
    if condition.rule == Rule.EVALUATORS:
        return (
            _(
                "%(grade)s needs people from two functions who rate the strategic value, one of them not the account manager."
            )
            % words
        )
    if condition.rule == Rule.BUSINESS:
        return (
            _("%(grade)s needs revenue in the last 12 months, a running contract or an approved account plan.") % words
        )
    if condition.rule == Rule.REVENUE_EACH_YEAR:
        return _("%(grade)s needs %(threshold)s in each of two fiscal years.") % words
    if condition.margin is None:
        return _("%(grade)s needs %(threshold)s of this, which is not known: %(label)s.") % words
    gap = wording.value_text(-condition.margin, condition.unit)
    return _("%(grade)s needs %(gap)s more: %(label)s, %(value)s of %(threshold)s.") % (words | {"gap": gap})
