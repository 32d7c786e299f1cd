"""How promises to one account read on its page: a line each, with what shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Account
from crm.web import formats
from crm.web.drawing import Share
from plans.enums import STATE_ICON, STATE_TONE, PromiseKind, PromiseState
from plans.selectors import AccountPromises, PromiseLine, Proof
from plans.wording import delivered_text, missing_text, plain, promise_text, severity_text
from service.models import Interaction, ServiceRequest

SHOWN_PROOFS = 12
Told = dict[tuple[str, int], tuple[str, str]]  # (kind, key) → words and note


@dataclass(frozen=True, slots=True)
class ProofRow:
    """One piece of evidence in words; ``tone`` is "good", "bad" or empty where it is still open."""

    day: date
    text: str
    note: str
    tone: str
    href: str


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """One promise as the table shows it."""

    line: PromiseLine
    promised: str
    severity: str
    delivered: str
    missing: str
    times: str
    share: Share | None
    tone: str
    icon: str
    proofs: list[ProofRow]
    more: int
    is_late: bool
    by_days: bool

    @property
    def label(self) -> str:
        return str(self.line.promise.get_type_display())

    @property
    def state(self) -> str:
        return str(self.line.state.label)


def promise_rows(account: Account, found: AccountPromises) -> list[PromiseRow]:
    """Two queries more, for the words of the evidence."""
    told = _tellers(account, found)
    return [_row(line, told, today=found.window.as_of, account=account) for line in found.lines]


def _row(line: PromiseLine, told: Told, *, today: date, account: Account) -> PromiseRow:
    kind = line.kind
    is_measured = kind in {PromiseKind.COUNT, PromiseKind.TIME} and line.compliance is not None
    return PromiseRow(
        line=line,
        promised=promise_text(line.promise),
        severity=severity_text(line.promise) if kind == PromiseKind.TIME else "",
        delivered=delivered_text(kind, promised=line.promised, delivered=line.delivered),
        missing=missing_text(kind, missing=line.missing),
        times=_times(line),
        share=Share(100 * line.compliance) if is_measured and line.compliance is not None else None,
        tone=STATE_TONE[line.state],
        icon=STATE_ICON[line.state],
        proofs=[_proof(proof, told, account) for proof in line.proofs[:SHOWN_PROOFS]],
        more=max(len(line.proofs) - SHOWN_PROOFS, 0),
        by_days=kind == PromiseKind.COUNT and line.promised not in {0.0, float(line.promise.target or 0)},
        is_late=line.state == PromiseState.BROKEN and line.due_on is not None and line.due_on <= today,
    )


def _times(line: PromiseLine) -> str:
    """Median and nine tenths of the cases that are over."""
    if line.median_hours is None or line.p90_hours is None:
        return ""
    return _("half within %(median)s h, nine of ten within %(p90)s h") % {
        "median": plain(round(line.median_hours, 1)),
        "p90": plain(round(line.p90_hours, 1)),
    }


def _proof(proof: Proof, told: Told, account: Account) -> ProofRow:
    text, note = told.get((proof.kind, proof.key), ("", ""))
    tone = "" if proof.is_good is None else ("good" if proof.is_good else "bad")
    if proof.kind == "discount" and proof.percent is not None:
        text = _("%(percent)s off list") % {"percent": formats.percent(proof.percent / 100)}
        note = "" if proof.is_good else _("above the authority, not approved")
    elif proof.kind == "request":
        words = {"hours": plain(round(proof.hours or 0.0, 1))}
        late = _("open and late") if proof.hours is None else _("late: %(hours)s h") % words
        in_time = _("open, not due yet") if proof.is_good is None else _("%(hours)s h") % words
        note = late if proof.is_good is False else in_time
    is_case = proof.kind == "request"
    href = reverse("service:request", args=[proof.key]) if is_case else reverse("accounts:service", args=[account.pk])
    return ProofRow(proof.day, text, note, tone, href)


def _tellers(account: Account, found: AccountPromises) -> Told:
    """(kind, key) → words and note of the interactions and requests that are shown."""
    keys: dict[str, set[int]] = {"interaction": set(), "request": set()}
    for line in found.lines:
        for proof in line.proofs[:SHOWN_PROOFS]:
            keys.setdefault(proof.kind, set()).add(proof.key)
    told: Told = {}
    held: Any = Interaction.objects.filter(account=account, pk__in=keys["interaction"]).select_related("logged_by")
    for one in held:
        told["interaction", one.pk] = (one.get_kind_display(), f"{one.logged_by.display_name}: {one.summary}"[:120])
    for request in ServiceRequest.objects.filter(account=account, pk__in=keys["request"]):
        told["request", request.pk] = (f"{request.number} {request.subject}", "")
    return told
