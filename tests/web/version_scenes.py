"""For each route that changes rows: a row, the page that shows its form, what is sent, and what somebody else writes
meanwhile. Used by ``tests/web/test_versions.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from accounts.enums import TeamRole
from accounts.models import Account, AccountLink, AccountLinkType, LoginRule, RelationshipTarget, TeamMember, User
from crm.models import WebhookEndpoint
from crm.webhooks import signing
from plans.enums import PROMISED_GRADES, PromiseType
from plans.models import (
    AccountPlan,
    BusinessDay,
    BusinessHours,
    HandOver,
    PlanAction,
    PolicyVersion,
    RelationshipAction,
    RelationshipPlan,
    RemediationAction,
    RemediationPlan,
    Task,
    TeamRule,
)
from plans.services import draft_policy
from tests.api.nights import make_scoring_model
from tests.factories import (
    make_account,
    make_batch,
    make_centre,
    make_contact,
    make_courtesy,
    make_discount,
    make_interaction,
    make_level,
    make_member,
    make_override,
    make_request,
    make_sponsor,
    make_team_member,
    make_unit,
    make_user,
)
from tests.plans.people import policy
from tiering.models import Activation

DAY = date(2024, 6, 3)
LATER = date(2031, 6, 3)


@dataclass
class Scene:
    """theirs : what somebody else writes into the row meanwhile, or does; stored, asked : words of both in the refusal;
    wrong : what makes the form wrong"""

    row: Any
    keys: dict[str, Any]
    page: str
    sent: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)
    stored: str = ""
    asked: str = ""
    wrong: dict[str, Any] = field(default_factory=dict)
    act: Callable[[], Any] | None = None

    def write(self) -> None:
        if self.act is not None:
            self.act()
            return
        now = {"updated_at": timezone.now()} if hasattr(self.row, "updated_at") else {}
        type(self.row)._base_manager.filter(pk=self.row.pk).update(**self.theirs, **now)


SCENES: dict[str, Callable[[User, Account], Scene]] = {}
Build = Callable[[User, Account], Scene]


def scene(route: str) -> Callable[[Build], Build]:
    def keep(build: Build) -> Build:
        SCENES[route] = build
        return build

    return keep


def tab(name: str, account: Account) -> str:
    return reverse(f"accounts:{name}", args=[account.pk])


@scene("accounts:axes")
def _axes(me: User, account: Account) -> Scene:
    sent = {"need": "price", "potential": "low"}
    return Scene(
        account, {"pk": account.pk}, tab("detail", account), sent, {"need": "service"}, "need Service", "need Price"
    )


@scene("accounts:group_graded")
def _graded(me: User, account: Account) -> Scene:
    make_account(parent=account)
    words = ("one grade for all below",)
    return Scene(
        account,
        {"pk": account.pk},
        tab("group", account),
        {"is_graded": "1"},
        {"segment": "Other"},
        "Segment: Other",
        *words,
    )


@scene("accounts:group_move")
def _move(me: User, account: Account) -> Scene:
    mine, theirs = make_account(name="Group of mine"), make_account(name="Group of theirs")
    page = tab("group_move", account)
    return Scene(
        account,
        {"pk": account.pk},
        page,
        {"parent": mine.code},
        {"parent": theirs},
        "below Group of theirs",
        "below Group of mine",
        wrong={"parent": "nowhere"},
    )


def _seat(account: Account, **fields: Any) -> TeamMember:
    return make_team_member(account=account, role=TeamRole.ACCOUNT_MANAGER, valid_from=DAY, **fields)


@scene("accounts:seat_change")
def _seat_change(me: User, account: Account) -> Scene:
    row, theirs, mine = _seat(account), make_user(first_name="Theo"), make_user(first_name="Mina")
    role = TeamRole.ACCOUNT_MANAGER
    sent = {f"seat-{role}-user": mine.pk, f"seat-{role}-on": str(timezone.localdate())}
    keys = {"pk": account.pk, "role": role}
    return Scene(
        row, keys, tab("team", account), sent, {"user": theirs}, "Theo", "Mina", wrong={f"seat-{role}-on": "soon"}
    )


@scene("accounts:place_end")
def _place(me: User, account: Account) -> Scene:
    row = _seat(account, is_deputy=True, user=make_user(first_name="Dora"))
    keys, theirs = {"pk": account.pk, "member": row.pk}, {"valid_to": LATER}
    return Scene(row, keys, tab("team", account), {}, theirs, "2031-06-03", "Dora until")


@scene("accounts:link_end")
def _link(me: User, account: Account) -> Scene:
    kind = AccountLinkType.objects.filter(follows="").first()
    row = AccountLink.objects.create(type=kind, source=account, target=make_account(), valid_from=DAY)
    return Scene(
        row, {"pk": account.pk, "link": row.pk}, tab("group", account), {}, {"note": "Theirs"}, "Theirs", "end it"
    )


@scene("accounts:attitude")
def _attitude(me: User, account: Account) -> Scene:
    row = make_contact(account=account)
    sent = {"attitude": "1", "attitude_since": str(DAY), "is_decision_maker": "on"}
    keys = {"pk": account.pk, "contact": row.pk}
    return Scene(row, keys, tab("people", account), sent, {"title": "Theirs"}, "Theirs", "key decision maker")


@scene("accounts:attitude_note")
def _note(me: User, account: Account) -> Scene:
    row = make_contact(account=account)
    keys = {"pk": account.pk, "contact": row.pk}
    sent = {"attitude": "2", "attitude_since": str(DAY), "evidence": "A word"}
    theirs = {"attitude": -1, "attitude_since": DAY}
    page = reverse("accounts:attitude_note", kwargs=keys)
    return Scene(row, keys, page, sent, theirs, "<td>Sceptical</td>", "<td>Champion</td>")


def _self(route: str, keys: dict[str, Any]) -> str:
    return reverse(route, kwargs=keys)


@scene("accounts:contact_edit")
def _contact(me: User, account: Account) -> Scene:
    row = make_contact(account=account, title="Clerk")
    keys = {"pk": account.pk, "contact": row.pk}
    sent = {"name": row.name, "title": "Mine", "is_active": "on"}
    return Scene(
        row, keys, _self("accounts:contact_edit", keys), sent, {"title": "Theirs"}, "Theirs", "Mine", wrong={"name": ""}
    )


@scene("accounts:centre_edit")
def _centre(me: User, account: Account) -> Scene:
    row = make_centre(account=account, name="Line")
    keys = {"pk": account.pk, "centre": row.pk}
    return Scene(row, keys, _self("accounts:centre_edit", keys), {"name": "Mine"}, {"name": "Theirs"}, "Theirs", "Mine")


@scene("accounts:member_edit")
def _member(me: User, account: Account) -> Scene:
    row = make_member(contact=make_contact(account=account))
    keys = {"pk": account.pk, "member": row.pk}
    sent = {"contact": row.contact_id, "roles": ["user"], "weight": "2"}
    return Scene(row, keys, _self("accounts:member_edit", keys), sent, {"weight": 5}, "<td>5", "<td>2")


@scene("accounts:member_remove")
def _member_gone(me: User, account: Account) -> Scene:
    row = make_member(contact=make_contact(account=account))
    keys = {"pk": account.pk, "member": row.pk}
    return Scene(row, keys, _self("accounts:member_edit", keys), {}, {"weight": 5}, ": 5.", "take them out")


@scene("accounts:level_end")
def _level(me: User, account: Account) -> Scene:
    row = make_level(account=account, reached_on=timezone.localdate() - timedelta(days=9), expires_on=LATER)
    keys = {"pk": account.pk, "evidence": row.pk}
    return Scene(row, keys, tab("relations", account), {}, {"evidence": "Theirs"}, "Theirs", "end it")


@scene("accounts:courtesy_decide")
def _courtesy(me: User, account: Account) -> Scene:
    row = make_courtesy(contact=make_contact(account=account), state="waiting", reason="Mine")
    keys = {"pk": account.pk, "courtesy": row.pk, "verdict": "approve"}
    return Scene(row, keys, tab("relations", account), {}, {"occasion": "Theirs"}, "Theirs", "approve it")


@scene("accounts:relation_targets")
def _targets(me: User, account: Account) -> Scene:
    row = RelationshipTarget.objects.create(account=account, key_target=20)
    keys = {"pk": account.pk}
    return Scene(
        row,
        keys,
        _self("accounts:relation_targets", keys),
        {"key_target": "31"},
        {"key_target": 41},
        "<td>41",
        "<td>31",
    )


@scene("accounts:relation_plan")
def _relation_plan(me: User, account: Account) -> Scene:
    row = RelationshipPlan.objects.create(account=account, goal="Goal", review_on=LATER)
    keys, sent = {"pk": account.pk}, {"goal": "Mine", "review_on": str(LATER)}
    return Scene(
        row, keys, _self("accounts:relation_plan", keys), sent, {"goal": "Theirs"}, "Theirs", "Mine", wrong={"goal": ""}
    )


@scene("accounts:relation_step_tick")
def _relation_step(me: User, account: Account) -> Scene:
    plan = RelationshipPlan.objects.create(account=account, goal="Goal", review_on=LATER)
    row = RelationshipAction.objects.create(plan=plan, layer="general", text="Call", due_on=LATER, owner=me)
    keys = {"pk": account.pk, "step": row.pk}
    return Scene(row, keys, tab("relations", account), {}, {"text": "Theirs"}, "Theirs", "mark it as done")


def _account_plan(account: Account) -> AccountPlan:
    return AccountPlan.objects.create(
        account=account, goal="Goal", priority_rank=1, planned_hours=10, valid_from=DAY, valid_to=date(2025, 1, 1),
        made_by=make_user(),
    )  # fmt: skip


@scene("accounts:plan_edit")
def _plan(me: User, account: Account) -> Scene:
    row = _account_plan(account)
    keys = {"pk": account.pk, "plan": row.pk}
    sent = {
        "goal": "Mine", "priority_rank": "1", "planned_hours": "10", "valid_from": str(DAY), "last_day": "2024-12-31",
        "owner": "",
    }  # fmt: skip
    return Scene(
        row, keys, _self("accounts:plan_edit", keys), sent, {"goal": "Theirs"}, "Theirs", "Mine", wrong={"goal": ""}
    )


@scene("accounts:plan_approve")
def _plan_approve(me: User, account: Account) -> Scene:
    row = _account_plan(account)
    keys = {"pk": account.pk, "plan": row.pk}
    return Scene(row, keys, tab("plan", account), {}, {"goal": "Theirs"}, "Theirs", "approve the plan")


def _remedy_of(account: Account) -> RemediationPlan:
    return RemediationPlan.objects.create(account=account, opened_on=DAY, due_on=LATER, exit_test="Before")


@scene("accounts:remedy_edit")
def _remedy(me: User, account: Account) -> Scene:
    row, keys = _remedy_of(account), {"pk": account.pk}
    sent = {"due_on": str(LATER), "exit_test": "Mine", "owner": ""}
    return Scene(row, keys, _self("accounts:remedy_edit", keys), sent, {"exit_test": "Theirs"}, "Theirs", "Mine")


@scene("accounts:remedy_close")
def _remedy_close(me: User, account: Account) -> Scene:
    row, sent = _remedy_of(account), {"outcome": "solved", "text": "Well again"}
    theirs = {"exit_test": "Theirs"}
    return Scene(row, {"pk": account.pk}, tab("plan", account), sent, theirs, "Theirs", "close the plan")


@scene("accounts:step_tick")
def _step(me: User, account: Account) -> Scene:
    row = PlanAction.objects.create(plan=_account_plan(account), text="Call", due_on=LATER, owner=me)
    keys = {"pk": account.pk, "kind": "plan", "step": row.pk}
    return Scene(row, keys, tab("plan", account), {}, {"text": "Theirs"}, "Theirs", "mark it as done")


@scene("accounts:step_tick of a remediation")
def _remedy_step(me: User, account: Account) -> Scene:
    row = RemediationAction.objects.create(plan=_remedy_of(account), text="Call", due_on=LATER, owner=me)
    keys = {"pk": account.pk, "kind": "remedy", "step": row.pk}
    return Scene(row, keys, tab("plan", account), {}, {"text": "Theirs"}, "Theirs", "mark it as done")


@scene("imports:post")
def _post(me: User, account: Account) -> Scene:
    counts = {"read": 1, "posted": 1, "already_there": 0, "rejected": 0, "reasons": {}, "examples": {}, "seconds": 1}
    row = make_batch(
        created_by=me, state="draft", mapping={"account_code": "A"}, options={"check": counts | {"alike": []}}
    )
    keys = {"pk": row.pk}
    return Scene(row, keys, _self("imports:check", keys), {}, {"currency": "USD"}, "USD", "post it")


def _hand_over(me: User, account: Account) -> HandOver:
    _seat(account, user=me)
    return HandOver.objects.create(
        account=account, role="account_manager", giver=me, taker=make_user(), on=LATER, made_by=me, note="Before"
    )


@scene("teams:hand_over_sign")
def _sign(me: User, account: Account) -> Scene:
    row = _hand_over(me, account)
    keys = {"pk": row.pk}
    return Scene(row, keys, _self("teams:hand_over", keys), {}, {"note": "Theirs"}, "Theirs", "sign it")


@scene("teams:hand_over_cancel")
def _cancel(me: User, account: Account) -> Scene:
    row = _hand_over(me, account)
    keys = {"pk": row.pk}
    return Scene(row, keys, _self("teams:hand_over", keys), {}, {"note": "Theirs"}, "Theirs", "call it off")


@scene("teams:capacity")
def _capacity(me: User, account: Account) -> Scene:
    row = make_user(capacity=30)
    keys = {"pk": row.pk}
    return Scene(row, keys, _self("teams:person", keys), {"capacity": "41"}, {"capacity": 77}, "77", "capacity 41")


@scene("teams:rules")
def _rules(me: User, account: Account) -> Scene:
    row = TeamRule.objects.get(grade="gold")
    sent: dict[str, Any] = {}
    for rule in TeamRule.objects.all():
        sent |= {f"{rule.grade}-roles": rule.roles, f"{rule.grade}-points": str(rule.points)}
        sent |= {f"{rule.grade}-needs_deputy": "on"} if rule.needs_deputy else {}
    sent["gold-points"] = "41"
    return Scene(row, {}, reverse("teams:rules"), sent, {"points": 77}, ", 77;", ", 41;", wrong={"gold-points": "x"})


@scene("tasks:change")
def _task(me: User, account: Account) -> Scene:
    row = Task.objects.create(text="Call", owner=me, due_on=LATER, made_by=me, account=account)
    keys, sent = {"pk": row.pk}, {"text": "Mine", "owner": me.pk, "due_on": str(LATER)}
    return Scene(
        row, keys, _self("tasks:change", keys), sent, {"text": "Theirs"}, "Theirs", "Mine", wrong={"due_on": "x"}
    )


@scene("tasks:finish")
def _task_done(me: User, account: Account) -> Scene:
    row = Task.objects.create(text="Call", owner=me, due_on=LATER, made_by=me, account=account)
    return Scene(row, {"pk": row.pk}, reverse("tasks:index"), {}, {"text": "Theirs"}, "Theirs", "done")


@scene("tiering:override_approve")
def _override(me: User, account: Account) -> Scene:
    row = make_override(account=account, approved_by=None, valid_from=DAY, valid_to=date(2025, 1, 1))
    page = reverse("tiering:overrides")
    return Scene(row, {"pk": row.pk}, page, {}, {"text": "Theirs"}, "Theirs", "approve it")


@scene("tiering:override_refuse")
def _override_refuse(me: User, account: Account) -> Scene:
    row = make_override(account=account, approved_by=None)
    page, sent = reverse("tiering:overrides"), {"text": "No"}
    return Scene(row, {"pk": row.pk}, page, sent, {"text": "Theirs"}, "Theirs", "close the request")


@scene("tiering:override_end")
def _override_end(me: User, account: Account) -> Scene:
    today = timezone.localdate()
    row = make_override(account=account, valid_from=today - timedelta(days=20), valid_to=today + timedelta(days=200))
    page, sent = reverse("tiering:overrides"), {"text": "Over"}
    return Scene(row, {"pk": row.pk}, page, sent, {"text": "Theirs"}, "Theirs", "end it")


def _activation() -> Activation:
    make_scoring_model()
    draft = make_scoring_model(active=False)
    type(draft).objects.filter(pk=draft.pk).update(state="proposed")
    return Activation.objects.create(model=draft, proposed_by=make_user(), effective_on=LATER, text="Mine")


@scene("tiering:activation_approve")
def _activation_approve(me: User, account: Account) -> Scene:
    row, page = _activation(), reverse("tiering:activation")
    return Scene(row, {"pk": row.pk}, page, {}, {"text": "Theirs"}, "Theirs", "approve it")


@scene("tiering:activation_refuse")
def _activation_refuse(me: User, account: Account) -> Scene:
    row, page = _activation(), reverse("tiering:activation")
    return Scene(row, {"pk": row.pk}, page, {"text": "No"}, {"text": "Theirs"}, "Theirs", "close the proposal")


def _hours_row() -> BusinessHours:
    BusinessHours.objects.all().delete()
    return BusinessHours.objects.create(valid_from=DAY, opens_at=time(9), closes_at=time(17), working_days=[1, 2, 3])


@scene("plans:hours")
def _hours(me: User, account: Account) -> Scene:
    sent = {"valid_from": str(DAY), "opens_at": "08:00", "closes_at": "16:00", "working_days": ["1"], "time_zone": ""}
    page = reverse("plans:hours")
    return Scene(
        _hours_row(), {}, page, sent, {"closes_at": time(20)}, "09:00–20:00", "08:00–16:00", wrong={"opens_at": "x"}
    )


@scene("plans:hours_drop")
def _hours_drop(me: User, account: Account) -> Scene:
    row = _hours_row()
    return Scene(row, {"pk": row.pk}, reverse("plans:hours"), {}, {"closes_at": time(20)}, "20:00", "remove it")


@scene("plans:days_add")
def _days(me: User, account: Account) -> Scene:
    BusinessDay.objects.all().delete()
    row = BusinessDay.objects.create(day=DAY, is_working=False, name="Before")
    sent = {"days": f"{DAY}, work, Mine"}
    return Scene(row, {}, reverse("plans:hours"), sent, {"name": "Theirs"}, "Theirs", "work, Mine", wrong={"days": ""})


@scene("plans:day_drop")
def _day(me: User, account: Account) -> Scene:
    BusinessDay.objects.all().delete()
    row = BusinessDay.objects.create(day=DAY, is_working=False, name="Before")
    return Scene(row, {"pk": row.pk}, reverse("plans:hours"), {}, {"name": "Theirs"}, "Theirs", "remove it")


def _draft() -> PolicyVersion:
    policy()
    return draft_policy(made_by=make_user())


@scene("plans:grade_edit")
def _grade(me: User, account: Account) -> Scene:
    draft = _draft()
    grade = PROMISED_GRADES[0]
    row = draft.strategies.get(grade=grade)
    keys = {"number": draft.number, "code": grade}
    sent = {f"{one}-{name}": "1" for one in PromiseType.values for name in ("weight", "unit_cost")}
    sent |= {"words-purpose_en": "Mine", "words-strategy_en": "Mine too"}
    return Scene(
        row,
        keys,
        _self("plans:grade_edit", keys),
        sent,
        {"purpose_en": "Theirs"},
        "Theirs",
        "Mine",
        wrong={"words-purpose_en": ""},
    )


@scene("plans:policy_activate")
def _activate(me: User, account: Account) -> Scene:
    row, start = _draft(), timezone.localdate() + timedelta(days=3)
    page = f"{reverse('plans:policies')}?version={row.number}"
    sent = {"valid_from": str(start)}
    return Scene(
        row, {"number": row.number}, page, sent, {"note": "Theirs"}, "Theirs", f"put it into force from {start}"
    )


@scene("plans:policy_discard")
def _discard(me: User, account: Account) -> Scene:
    row = _draft()
    page = f"{reverse('plans:policies')}?version={row.number}"
    return Scene(row, {"number": row.number}, page, {}, {"note": "Theirs"}, "Theirs", "discard it")


@scene("service:request_change")
def _request(me: User, account: Account) -> Scene:
    row = make_request(account=account)
    keys = {"pk": row.pk}
    sent = {"kind": row.kind, "severity": row.severity, "subject": "Mine", "text": ""}
    return Scene(row, keys, _self("service:request_change", keys), sent, {"subject": "Theirs"}, "Theirs", "Mine")


def _taken(route: str, text: str, words: str, **fields: Any) -> None:
    @scene(route)
    def build(me: User, account: Account) -> Scene:
        row = make_request(account=account, **fields)
        keys = {"pk": row.pk}
        page = _self("service:request", keys)
        return Scene(row, keys, page, {"text": text}, {"subject": "Theirs"}, "Theirs", f"{words}: {text}")


_taken("service:request_respond", "We look into it", "First response")
_taken("service:request_escalate", "It burns", "Escalate")
_taken("service:request_resolve", "New pump", "Resolve")
_taken(
    "service:request_reopen", "It leaks again", "Open again",
    resolved_at=timezone.now(), first_response_at=timezone.now(), resolution="New pump",
)  # fmt: skip


@scene("service:interaction")
def _interaction(me: User, account: Account) -> Scene:
    row = make_interaction(account=account, logged_by=me)
    keys = {"pk": row.pk}
    sent = {"kind": row.kind, "held_on": str(row.held_on), "summary": "Mine", "purpose": row.purpose}
    return Scene(
        row,
        keys,
        _self("service:interaction", keys),
        sent,
        {"summary": "Theirs"},
        "Theirs",
        "Mine",
        wrong={"held_on": "x"},
    )


@scene("service:interaction_delete")
def _interaction_gone(me: User, account: Account) -> Scene:
    row = make_interaction(account=account, logged_by=me)
    keys = {"pk": row.pk}
    page = _self("service:interaction", keys)
    return Scene(row, keys, page, {}, {"summary": "Theirs"}, "Theirs", "take it off the log")


@scene("service:step_done")
def _next_step(me: User, account: Account) -> Scene:
    row = make_interaction(account=account, logged_by=me, next_step="Call", next_step_on=LATER)
    return Scene(row, {"pk": row.pk}, tab("service", account), {}, {"next_step": "Theirs"}, "Theirs", "mark it as done")


@scene("service:sponsor_end")
def _sponsor(me: User, account: Account) -> Scene:
    row = make_sponsor(account=account)
    theirs = {"is_exclusive": True}
    return Scene(row, {"pk": row.pk}, tab("service", account), {}, theirs, ": yes.", "end it")


@scene("service:discount_approve")
def _discount(me: User, account: Account) -> Scene:
    row = make_discount(account=account)
    return Scene(row, {"pk": row.pk}, tab("service", account), {}, {"reason": "Theirs"}, "Theirs", "approve it")


def _endpoint(me: User) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(
        name="Shop", url="https://127.0.0.1:9443/hook", events=["grades.changed"], owner=me, since=timezone.now(),
        sealed_secret=signing.seal(signing.new_secret()),
    )  # fmt: skip


@scene("webhooks:change")
def _hook(me: User, account: Account) -> Scene:
    row = _endpoint(me)
    keys = {"pk": row.pk}
    sent = {"name": "Mine", "url": row.url, "events": row.events, "is_active": "on"}
    return Scene(
        row, keys, _self("webhooks:change", keys), sent, {"name": "Theirs"}, "Theirs", "Mine", wrong={"name": ""}
    )


@scene("webhooks:secret")
def _secret(me: User, account: Account) -> Scene:
    row = _endpoint(me)
    keys = {"pk": row.pk}
    page = _self("webhooks:detail", keys)
    return Scene(row, keys, page, {}, {"name": "Theirs"}, "Theirs", "make a new secret")


@scene("webhooks:delete")
def _hook_gone(me: User, account: Account) -> Scene:
    row = _endpoint(me)
    keys = {"pk": row.pk}
    page = _self("webhooks:detail", keys)
    return Scene(row, keys, page, {}, {"name": "Theirs"}, "Theirs", "delete the webhook")


@scene("logins:rule")
def _login_rule(me: User, account: Account) -> Scene:
    row = LoginRule.objects.create(pk=1, second_factor_roles=[])
    theirs = {"second_factor_roles": ["analyst"]}
    return Scene(row, {}, reverse("logins:rule"), {"roles": ["director"]}, theirs, "Analyst", "Director")


@scene("organisation:edit")
def _unit(me: User, account: Account) -> Scene:
    row = make_unit(name="Before")
    keys, sent = {"pk": row.pk}, {"name": "Mine", "level": row.level}
    page = _self("organisation:edit", keys)
    return Scene(row, keys, page, sent, {"name": "Theirs"}, "Theirs", "Mine", wrong={"name": ""})


@scene("imports:book")
def _book(me: User, account: Account) -> Scene:
    row = _draft_of(me, account)
    keys = {"pk": row.pk}
    return Scene(row, keys, _self("imports:check", keys), {"book": ["N1"]}, {"currency": "USD"}, "USD", "N1")


def _draft_of(me: User, account: Account) -> Any:
    """A draft that was checked, with one new customer like an account that is there."""
    from accounts.imports import services
    from accounts.imports.options import ImportOptions

    upload = SimpleUploadedFile("f.csv", b"account_code,name,booked_on,amount,currency\nN1,Acme,2024-01-01,5,CNY\n")
    row = services.create_batch(upload=upload, file_name="f.csv", user=me)
    services.set_options(batch=row, options=ImportOptions(mapping=FILE, currency="CNY"))
    services.check(batch=row)
    row.options["check"]["alike"] = [{"code": "N1", "name": "Acme", "id": account.pk, "score": 0.99}]
    row.save(update_fields=["options"])
    return row


FILE = {
    "columns": {"account_code": "account_code", "account_name": "name", "booked_on": "booked_on", "amount": "amount"}
}
