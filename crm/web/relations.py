"""The tab Relationships of one account: three layers against their targets, who decides, whom we know, what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts.enums_relations import Layer
from accounts.models import Account, AttitudeNote, Courtesy
from accounts.relationship_rules import courtesy_limit
from accounts.selectors_contacts import contacts_in, may_read_personal
from crm.lib.wall import beyond_the_wall
from crm.web import formats
from crm.web.account import AccountPage, leads_on
from crm.web.charts import Chart
from crm.web.export import FORMS, table_file
from crm.web.figure import Figure, Kind
from crm.web.htmx import signed_in, user_of
from crm.web.relations_charts import chain_map, map_heads, map_row, org_chart
from crm.web.relations_forms import StepForm
from crm.web.relations_words import (
    THREAD_WORDS,
    TONES,
    attitude_words,
    gap_words,
    layer_value,
    level_words,
    yes_no,
)
from crm.web.rights import APPROVE_COURTESY, CHANGE_CONTACT, VIEW_MARGIN, WRITE_PLAN, may_change_relations
from metrics.formulas.relationships import ALARMS
from metrics.services.account_relationships import (
    AccountRelationships,
    CentreStanding,
    LayerStanding,
    account_relationships,
)
from plans.models import RelationshipAction, RelationshipPlan
from plans.selectors_relations import relationship_plan

TAB = "relations"
NOTES_SHOWN, COURTESIES_SHOWN = 20, 10
MONEY = (
    ("ttm_revenue", gettext_lazy("Revenue, 12 months"), Kind.MONEY),
    ("ttm_gross_profit", gettext_lazy("Gross profit, 12 months"), Kind.MONEY),
    ("margin", gettext_lazy("Gross margin"), Kind.PERCENT),
)
METRIC_OF = {
    Layer.KEY: "key_relationship_score",
    Layer.GENERAL: "relationship_coverage",
    Layer.ORGANISATIONAL: "organisational_level",
}


@dataclass(frozen=True, slots=True)
class LayerCard:
    """One layer in words: value, target, gap, and the step that is due first."""

    standing: LayerStanding
    figure: Figure
    value: str
    target: str
    gap: str
    note: str
    step: RelationshipAction | None

    @property
    def tone(self) -> str:
        reached = self.standing.is_reached
        return "" if reached is None else "good" if reached else "warn"


@dataclass(frozen=True, slots=True)
class CentreCard:
    standing: CentreStanding
    chart: Chart
    gaps: list[str]
    score: str
    people: list[tuple[Any, str, str, str]]  # the person, attitude in words, its tone, the attitude aimed at


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of the timeline of attitudes."""

    note: AttitudeNote
    words: str
    tone: str


@signed_in
@require_GET
@leads_on
def relations(request: HttpRequest, pk: int) -> HttpResponse:
    """A constant number of statements, however many people are known."""
    page, user, today = AccountPage(request, pk, TAB), user_of(request), timezone.localdate()
    found = account_relationships(page.account, as_of=today, reader=user)
    plan, sees_people = relationship_plan(page.account), may_read_personal(user)
    may_change = may_change_relations(user)
    return page.render(
        found=found,
        today=today,
        sees_people=sees_people,
        may_change=may_change,
        may_contacts=user.has_perm(CHANGE_CONTACT),
        may_plan=user.has_perm(WRITE_PLAN),
        may_approve=user.has_perm(APPROVE_COURTESY),
        layers=layer_cards(page, found, plan),
        gaps=gap_words(found.gaps),
        thread=THREAD_WORDS[found.thread],
        is_alarm=found.thread in ALARMS,
        centres=[_centre(page.account, one, may_change=may_change) for one in found.centres] if sees_people else [],
        org=org_chart(page.account, found.contacts, may_edit=user.has_perm(CHANGE_CONTACT)) if sees_people else None,
        levels=found.grid[0].cells if found.grid else [],
        unplaced=found.unplaced if sees_people else [],
        evidence=[(one, one.reached_on <= today < one.expires_on) for one in found.evidence],
        level_words=level_words(found.layer(Layer.ORGANISATIONAL).value),
        partnership=found.partnership[0] if found.partnership else None,
        before=found.partnership[1:],
        money=[page.figure(*one) for one in (MONEY if user.has_perm(VIEW_MARGIN) else MONEY[:1])],
        plan=plan,
        step_form=StepForm(people=people_of(page.account, user), auto_id="step_%s"),
        notes=_timeline(page.account) if sees_people else [],
        courtesies=_courtesies(page.account) if sees_people else [],
        limits=[courtesy_limit(kind) for kind in ("gift", "hospitality")],
    )


def layer_cards(page: AccountPage, found: AccountRelationships, plan: RelationshipPlan | None) -> list[LayerCard]:
    open_steps = [step for step in plan.actions.all() if step.done_on is None] if plan else []
    return [_card(page, found, one, open_steps) for one in found.layers]


def _card(
    page: AccountPage, found: AccountRelationships, one: LayerStanding, steps: list[RelationshipAction]
) -> LayerCard:
    kind = Kind.PERCENT if one.layer == Layer.GENERAL else Kind.COUNT
    figure = Figure(
        METRIC_OF[one.layer], one.layer.label, one.value, kind, reason=one.reason,
        query={"account": page.account.pk},
    )  # fmt: skip
    return LayerCard(
        one,
        figure,
        layer_value(one.layer, one.value),
        layer_value(one.layer, one.target),
        layer_value(one.layer, one.gap) if one.gap else "",
        _note(found, one),
        next((step for step in steps if step.layer == one.layer), None),
    )


def _note(found: AccountRelationships, one: LayerStanding) -> str:
    if one.layer == Layer.KEY:
        words = _("influence-weighted, 50 is neutral; contact every %(days)s days")
        return words % {"days": found.rule.cadence_days}
    if one.layer == Layer.GENERAL:
        words = _("%(covered)s of %(required)s cells of department and level")
        return words % {"covered": found.cells_covered, "required": found.cells_required}
    return level_words(one.value)


def _centre(account: Account, one: CentreStanding, *, may_change: bool) -> CentreCard:
    people = [
        (
            person,
            attitude_words(person.attitude),
            TONES.get(person.attitude or 0, ""),
            "" if person.member.target_attitude is None else attitude_words(person.member.target_attitude),
        )
        for person in one.people
    ]
    score = "–" if one.score is None else formats.number(one.score)
    return CentreCard(one, chain_map(account, one, may_edit=may_change), gap_words(one.gaps), score, people)


def _timeline(account: Account) -> list[Moment]:
    rows = AttitudeNote.objects.filter(contact__account=account).select_related("contact", "noted_by")[:NOTES_SHOWN]
    return [Moment(one, attitude_words(one.attitude), TONES.get(one.attitude or 0, "")) for one in rows]


def _courtesies(account: Account) -> list[Courtesy]:
    rows = Courtesy.objects.filter(contact__account=account).select_related("contact", "given_by", "decided_by")
    return list(rows[:COURTESIES_SHOWN])


def people_of(account: Account, reader: Any) -> Any:
    """Contacts to choose from: those still there, of the account and of its group as far as the reader sees it."""
    group = Account.objects.visible_to(reader).in_group(root_of(account))
    return (
        contacts_in(
            Account.objects.filter(pk__in=group.values("pk")) | Account.objects.filter(pk=account.pk), reader=reader
        )
        .filter(is_active=True)
        .select_related("account")
    )


@beyond_the_wall("the key of the root alone; of its group comes what the reader may see")
def root_of(account: Account) -> int:
    """The account at the top of the group as it stands today; a query a step."""
    seen, row = {account.pk}, account
    while row.parent is not None and row.parent.pk not in seen:
        row = row.parent
        seen.add(row.pk)
    return row.pk


@signed_in
@require_GET
def export(request: HttpRequest, pk: int, form: str) -> HttpResponseBase:
    """Everybody in a buying centre with what the map says of them; names go to those who may read them."""
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    if form not in FORMS:
        raise Http404
    page, user = AccountPage(request, account.pk, TAB), user_of(request)
    found = account_relationships(page.account, as_of=timezone.localdate(), reader=user)
    headings = [
        _("Buying centre"),
        *map_heads(),
        _("Title"),
        _("Department"),
        _("Level"),
        _("Reports to"),
        _("Attitude aimed at"),
        _("Until"),
    ]
    rows = [
        [
            centre.centre.name,
            *map_row(one),
            one.contact.title,
            one.contact.department,
            str(one.contact.get_level_display() or ""),
            one.contact.reports_to.name if one.contact.reports_to else "",
            "" if one.member.target_attitude is None else attitude_words(one.member.target_attitude),
            one.member.target_on,
        ]
        for centre in found.centres
        for one in centre.people
    ]
    about: list[tuple[Any, str]] = [
        (card.layer.label, f"{layer_value(card.layer, card.value)} / {layer_value(card.layer, card.target)}")
        for card in found.layers
    ]
    about += [
        (_("Gaps"), ", ".join(gap_words(found.gaps)) or _("none")),
        (_("Single thread"), yes_no(found.thread in ALARMS)),
    ]
    name = f"relationships-{page.account.code}-{timezone.localdate():%Y-%m-%d}"
    return table_file(form, name, headings, rows, about=about)
