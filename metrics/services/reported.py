"""Figures as they were reported: kept with the accounts they rest on, read again, and held against the live answer.

What is kept never changes: postings, withdrawals, merges, other groups and other rights move the live figure alone, and
``compare`` says by how much and, account by account, why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Unpack

from django.db import connections, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import CrmError
from crm.lib.money import money_text
from crm.lib.periods import Period
from metrics.definitions import METRICS
from metrics.enums import ReportedQuestion
from metrics.formulas.exact import whole_units
from metrics.frames_spans import roots
from metrics.metric import Unit
from metrics.models import ReportedFigure
from metrics.reasons import missing_rates_sentence
from metrics.scope import Level
from metrics.selectors import ledger_state
from metrics.services.base import AccountTable, Answer
from metrics.services.choices import Choices
from metrics.services.portfolio import BridgeFigures, TwoPeriods, two_periods
from metrics.services.reported_causes import Cause, causes_of, facts_now

ACCOUNTS_SUFFIX = "_accounts"  # of the number of accounts behind a line of the bridge
BRIDGE_LINES = ("opening", "expansion", "contraction", "churned", "reactivated", "new", "adjustment", "closing")
FIGURES: Mapping[str, tuple[str, ...]] = {
    ReportedQuestion.GROWTH: (
        "growth_rate", "overall_growth_rate", "cohort_accounts", "base_revenue", "comparison_revenue",
        "total_base_revenue", "total_comparison_revenue",
    ),
    ReportedQuestion.RETENTION: (
        "logo_retention", "gross_revenue_retention", "net_revenue_retention", "cohort_accounts", "retained_accounts",
    ),
    ReportedQuestion.BRIDGE: tuple(name for line in BRIDGE_LINES for name in (line, f"{line}{ACCOUNTS_SUFFIX}")),
}  # fmt: skip
TRANSLATED: Mapping[str, tuple[str, ...]] = {  # besides, where exchange rates move the figures
    ReportedQuestion.GROWTH: (
        "constant_growth_rate", "constant_overall_growth_rate", "constant_comparison_revenue",
        "total_constant_comparison_revenue", "cohort_fx_effect", "fx_effect",
    ),
    ReportedQuestion.RETENTION: (),
    ReportedQuestion.BRIDGE: ("fx_effect", "constant_growth_rate", "constant_overall_growth_rate"),
}  # fmt: skip
RATE_PLACES = 9  # of a rate, before two are called different (domain.md, preamble)
STATE_TRIES = 3  # a posting between two readings of the ledger's state is met by computing again
_UNITS = "0.0001"  # one ten-thousandth: a product keeps every digit where a quotient would not


class ReportRefused(CrmError):
    """An answer that cannot be kept as reported, or a report that cannot be withdrawn."""

    code = "report-refused"
    status = 422


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure as reported and as it is now; difference = live - reported, None where one of them is undefined."""

    key: str
    reported: Decimal | None
    live: Decimal | None
    reported_reason: str
    live_reason: str

    @property
    def unit(self) -> Unit:
        return unit_of(self.key)

    @property
    def difference(self) -> Decimal | None:
        return None if self.reported is None or self.live is None else self.live - self.reported

    @property
    def is_different(self) -> bool:
        """Money and counts to the last digit, rates beyond the noise of their last digits."""
        if self.difference is None:
            return (self.reported is None) != (self.live is None)
        return bool(round(self.difference, RATE_PLACES) if self.unit is Unit.RATE else self.difference)


@dataclass(frozen=True, slots=True, eq=False)
class LiveComparison:
    """The same question asked now, over the accounts the reader may see."""

    figures: tuple[Compared, ...]
    causes: tuple[Cause, ...]
    answer: Answer

    @property
    def differs(self) -> bool:
        return any(one.is_different for one in self.figures)


def unit_of(key: str) -> Unit:
    """What a kept figure is counted in."""
    return Unit.COUNT if key.endswith(ACCOUNTS_SUFFIX) else METRICS[key].unit


def figure_keys(question: str, kept: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of ``kept`` in the order of the question; what this version does not know comes last."""
    known = tuple(key for key in (*FIGURES[question], *TRANSLATED[question]) if key in kept)
    return (*known, *sorted(set(kept) - set(known)))


def report_figure(
    *,
    author: User,
    accounts: AccountQuerySet,
    question: str,
    base: Period,
    comparison: Period,
    title: str,
    note: str = "",
    filters: Mapping[str, Sequence[str]] | None = None,
    filter_words: Sequence[tuple[str, str]] = (),
    **choices: Unpack[Choices],
) -> ReportedFigure:
    """Keep the live answer over ``accounts`` (already limited to what the author may see), with its cohort.

    filters, filter_words : what limits ``accounts`` beside the author's rights, as parameters and in words
    One transaction; the cohort is one statement, whatever its size. Raises ReportRefused where nothing is booked or an
    exchange rate is missing, PeriodError for periods that cannot be compared.
    """
    with transaction.atomic():
        found, entities, state = _settled(accounts, base=base, comparison=comparison, **choices)
        _check_can_be_kept(found, entities)
        answer = answer_of(found, question)
        figure = ReportedFigure.objects.create(
            question=question,
            title=title,
            note=note,
            base_start_on=base.start,
            base_last_on=base.last_day,
            base_label=base.label,
            comparison_start_on=comparison.start,
            comparison_last_on=comparison.last_day,
            comparison_label=comparison.label,
            basis=found.scope.basis,
            credit_notes=found.scope.credit_notes,
            level=str(found.level),
            membership=str(found.scope.membership),
            currency=answer.currency,
            as_of=found.as_of,
            version=answer.passport.version,
            filters={name: list(values) for name, values in (filters or {}).items()},
            filter_words=[[str(label), str(value)] for label, value in filter_words],
            figures=texts_of(answer, question, is_translated=found.is_translated),
            reasons={name: str(sentence) for name, sentence in answer.reasons.items()},
            accounts=answer.passport.accounts,
            cohort_rows=len(entities),
            ledger_state=state | {"is_everything": accounts.is_everything, "is_translated": found.is_translated},
            author=author,
        )
        _write_cohort(figure, entities, using=found.scope.using)
    return figure


def _check_can_be_kept(found: TwoPeriods, entities: AccountTable) -> None:
    if found.missing:
        raise ReportRefused(
            _("Without its exchange rates a figure cannot be kept: %(rates)s.")
            % {"rates": missing_rates_sentence(found.missing)}
        )
    if not len(entities):
        raise ReportRefused(_("Nothing is booked for these accounts in either period: choose others."))


def compare(figure: ReportedFigure, *, accounts: AccountQuerySet, visible: AccountQuerySet) -> LiveComparison:
    """The same question over ``accounts``: those of ``visible`` (what the reader may see) that its filters leave.

    A fixed number of queries: the live answer, the cohort with what became of its accounts, the state of the ledger.
    """
    found, entities = _computed(
        accounts,
        base=figure.base,
        comparison=figure.comparison,
        basis=figure.basis,
        credit_notes=figure.credit_notes,
        level=figure.level,
        membership=figure.membership,
        currency=figure.currency,
    )
    answer = answer_of(found, figure.question)
    now = texts_of(answer, figure.question, is_translated=found.is_translated)
    every = {**dict.fromkeys(figure.figures), **now}
    compared = tuple(
        Compared(
            key,
            decimal_of(figure.figures[key]) if key in figure.figures else decimal_of(now[key]),
            decimal_of(now.get(key)),
            figure.reasons.get(key, ""),
            str(answer.reasons.get(key, "")),
        )
        for key in figure_keys(figure.question, every)
        if key in figure.figures
    )
    facts = facts_now(figure, scope=found.scope, visible=visible)
    state = state_now(found.scope.using)
    causes = causes_of(
        figure, facts, live=entities, state=state, version=answer.passport.version, is_known=not found.missing,
        is_different=any(one.is_different for one in compared),
    )  # fmt: skip
    return LiveComparison(compared, causes, answer)


def withdraw_figure(figure: ReportedFigure, *, withdrawn_by: User, reason: str) -> ReportedFigure:
    """Take a report out of the lists; its row and its cohort stay. Raises ReportRefused for one withdrawn before."""
    changed = ReportedFigure.objects.filter(pk=figure.pk, withdrawn_at__isnull=True).update(
        withdrawn_at=timezone.now(), withdrawn_by=withdrawn_by, withdrawn_reason=reason
    )
    if not changed:
        raise ReportRefused(_("This figure was withdrawn before."))
    figure.refresh_from_db()
    return figure


def may_withdraw(figure: ReportedFigure, user: User) -> bool:
    """Its author, and those who hold the right over what others reported."""
    return figure.author_id == user.pk or user.has_perm("metrics.withdraw_reportedfigure")


def answer_of(found: TwoPeriods, question: str) -> Answer:
    answers: dict[str, Any] = {
        ReportedQuestion.GROWTH: found.growth,
        ReportedQuestion.RETENTION: found.retention,
        ReportedQuestion.BRIDGE: found.bridge,
    }
    answer: Answer = answers[question]()
    return answer


def texts_of(answer: Answer, question: str, *, is_translated: bool) -> dict[str, str | None]:
    """The figures of an answer as exact decimal strings, null where undefined."""
    keys = (*FIGURES[question], *(TRANSLATED[question] if is_translated else ()))
    return {key: _text(_value(answer, key)) for key in keys}


def decimal_of(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def state_now(using: str) -> dict[str, str]:
    """What figures rest on: the last record and withdrawal, the facts of accounts, the exchange rates."""
    _name, fingerprint, facts, last_fact, rates, last_rate = ledger_state(using=using, with_rates=True)
    ledger = "/".join(str(fingerprint).split("/")[:2])  # merges of accounts are facts of theirs
    return {"ledger": ledger, "facts": f"{facts}/{last_fact}", "rates": f"{rates}/{last_rate}"}


def is_as_then(figure: ReportedFigure, state: Mapping[str, str]) -> bool:
    """Nothing that figures rest on has changed since: no posting, withdrawal, fact of an account or rate."""
    return all(figure.ledger_state.get(name) == value for name, value in state.items())


def _settled(accounts: AccountQuerySet, **choices: Any) -> tuple[TwoPeriods, AccountTable, dict[str, str]]:
    """The answer with the state of the ledger it was computed from."""
    for _attempt in range(STATE_TRIES):
        state = state_now(accounts.db)
        found, entities = _computed(accounts, **choices)
        if state_now(accounts.db) == state:
            return found, entities, state
    raise ReportRefused(_("The ledger is being written at this moment: try again when the import is done."))


def _computed(accounts: AccountQuerySet, **choices: Any) -> tuple[TwoPeriods, AccountTable]:
    """Both windows at the level asked for, and the legal entities behind them."""
    found = two_periods(accounts, **choices)
    if found.level is Level.ENTITY:
        return found, found.table
    return found, two_periods(accounts, **{**choices, "level": Level.ENTITY}).table


def _value(answer: Answer, key: str) -> Any:
    if not isinstance(answer, BridgeFigures):
        return getattr(answer, key)
    if key == "fx_effect":
        return answer.fx_effect.amount
    line = key.removesuffix(ACCOUNTS_SUFFIX)
    if line not in answer.bars:
        return getattr(answer, key)
    bar = answer.bars[line]
    return bar.amount if line == key else bar.accounts


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return money_text(value) if isinstance(value, Decimal) else repr(value)


def _write_cohort(figure: ReportedFigure, entities: AccountTable, *, using: str) -> None:
    """Codes, names and groups as they are now, in one statement: the table takes a cohort whole or not at all."""
    base, comparison = whole_units(entities.columns["base"], entities.columns["comparison"])
    sql = (
        f"{roots()} INSERT INTO metrics_reportedaccount"
        " (figure_id, account_id, root_id, code, name, base_amount, comparison_amount)"
        f" SELECT %s, a.id, t.root, a.code, a.name, u.base * {_UNITS}, u.comparison * {_UNITS}"
        " FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[]) AS u(account_id, base, comparison)"
        " JOIN accounts_account a ON a.id = u.account_id JOIN tree t ON t.id = a.id ORDER BY a.id"
    )
    columns = [entities.unit_ids.tolist(), *([int(unit) for unit in units.tolist()] for units in (base, comparison))]
    with connections[using].cursor() as cursor:
        cursor.execute(sql, [figure.pk, *columns])


__all__ = [
    "FIGURES", "Cause", "Compared", "LiveComparison", "ReportRefused", "compare", "figure_keys", "is_as_then",
    "may_withdraw", "report_figure", "state_now", "unit_of", "withdraw_figure",
]  # fmt: skip
