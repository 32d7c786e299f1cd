"""Which rows a sent page changes: what a browser's form carries back for each route (crm.web.editing).

``VERSIONS`` names every route that changes rows others may change meanwhile; ``EXEMPT`` every other route that is sent,
with the reason why no version goes along. ``tests/web/test_versions.py`` holds both against ``crm.access``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Model
from django.test import Client
from django.urls import Resolver404, resolve

from accounts.fields import hidden_from, read_as
from accounts.models import (
    Account,
    AccountLink,
    BuyingCentre,
    CentreMember,
    Contact,
    Courtesy,
    ImportBatch,
    LevelEvidence,
    LoginRule,
    OrgUnit,
    RelationshipTarget,
    TeamMember,
    User,
)
from crm.models import WebhookEndpoint
from crm.web.editing import stamp_of
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
from service.models import Discount, Interaction, ServiceRequest, Sponsor
from tiering.models import Activation, Override

Shown = Model | list[Any] | None
STEPS: dict[str, Any] = {"plan": PlanAction, "remedy": RemediationAction}


def _row(model: type[Model], key: str = "pk") -> Callable[..., Shown]:
    return lambda **kwargs: model._default_manager.filter(pk=kwargs[key]).first()


def _number(number: int, **_kwargs: Any) -> Shown:
    return PolicyVersion.objects.filter(number=number).first()


def _grade(number: int, code: str) -> Shown:
    version = PolicyVersion.objects.get(number=number)
    return [*version.promises.filter(grade=code), *version.strategies.filter(grade=code)]


def _remedy(pk: int) -> Shown:
    return RemediationPlan.objects.filter(account=pk, closed_on__isnull=True).first()


VERSIONS: dict[str, Callable[..., Shown]] = {
    "accounts:axes": _row(Account),
    "accounts:group_graded": _row(Account),
    "accounts:group_move": _row(Account),
    "accounts:seat_change": lambda pk, role: list(TeamMember.objects.filter(account=pk, role=role)),
    "accounts:place_end": _row(TeamMember, "member"),
    "accounts:link_end": _row(AccountLink, "link"),
    "accounts:attitude": _row(Contact, "contact"),
    "accounts:attitude_note": _row(Contact, "contact"),
    "accounts:contact_edit": _row(Contact, "contact"),
    "accounts:centre_edit": _row(BuyingCentre, "centre"),
    "accounts:member_edit": _row(CentreMember, "member"),
    "accounts:member_remove": _row(CentreMember, "member"),
    "accounts:level_end": _row(LevelEvidence, "evidence"),
    "accounts:courtesy_decide": _row(Courtesy, "courtesy"),
    "accounts:relation_targets": lambda pk: RelationshipTarget.objects.filter(account=pk).first(),
    "accounts:relation_plan": lambda pk: RelationshipPlan.objects.filter(account=pk).first(),
    "accounts:relation_step_tick": _row(RelationshipAction, "step"),
    "accounts:plan_edit": _row(AccountPlan, "plan"),
    "accounts:plan_approve": _row(AccountPlan, "plan"),
    "accounts:remedy_edit": _remedy,
    "accounts:remedy_close": _remedy,
    "accounts:step_tick": lambda pk, kind, step: STEPS[kind].objects.filter(pk=step).first(),
    "imports:post": _row(ImportBatch),
    "imports:book": _row(ImportBatch),
    "organisation:edit": _row(OrgUnit),
    "teams:hand_over_sign": _row(HandOver),
    "teams:hand_over_cancel": _row(HandOver),
    "teams:capacity": _row(User),
    "teams:rules": lambda: list(TeamRule.objects.all()),
    "tasks:change": _row(Task),
    "tasks:finish": _row(Task),
    "tiering:override_approve": _row(Override),
    "tiering:override_refuse": _row(Override),
    "tiering:override_end": _row(Override),
    "tiering:activation_approve": _row(Activation),
    "tiering:activation_refuse": _row(Activation),
    "plans:hours": lambda: list(BusinessHours.objects.all()),
    "plans:hours_drop": _row(BusinessHours),
    "plans:days_add": lambda: list(BusinessDay.objects.all()),
    "plans:day_drop": _row(BusinessDay),
    "plans:grade_edit": _grade,
    "plans:policy_activate": _number,
    "plans:policy_discard": _number,
    "service:request_change": _row(ServiceRequest),
    "service:request_respond": _row(ServiceRequest),
    "service:request_escalate": _row(ServiceRequest),
    "service:request_resolve": _row(ServiceRequest),
    "service:request_reopen": _row(ServiceRequest),
    "service:interaction": _row(Interaction),
    "service:interaction_delete": _row(Interaction),
    "service:step_done": _row(Interaction),
    "service:sponsor_end": _row(Sponsor),
    "service:discount_approve": _row(Discount),
    "webhooks:change": _row(WebhookEndpoint),
    "webhooks:secret": _row(WebhookEndpoint),
    "webhooks:delete": _row(WebhookEndpoint),
    "logins:rule": lambda: list(LoginRule.objects.filter(pk=1)),
}


NEW = "makes a new row and changes none"
COMMAND = "a command that finds the state it asks for under a lock, and does nothing where it is done"
OWN = "one's own thing, which nobody else changes; the last one wins"
DRAFT = "a file checked and posted: it adds rows, and replaces stored ones only where that was ticked after the check"
LOG = "a log: what was there stays, the new line is added"
DOOR = "the way in or out; it changes no row of anybody else"
EXEMPT: dict[str, str] = {
    **dict.fromkeys(
        ("login", "login_code", "login_setup", "login_forgot", "login_reset", "join", "logout", "set_language"), DOOR
    ),
    **dict.fromkeys(
        (
            *("password_change", "set_scope", "set_units", "accounts:columns"),
            *("accounts:view_create", "accounts:view_delete", "metrics:save_view", "metrics:delete_view"),
            *("you:app", "you:passkey", "you:factor_remove", "you:codes", "you:codes_file", "you:identity_unlink"),
            *("you:session_end", "you:sessions_end", "you:token_new", "you:token_revoke", "tiering:survey_judge"),
            *("you:mail_renew", "you:mail_assign", "you:mail_aside"),
        ),
        OWN,
    ),
    **dict.fromkeys(
        (
            *("accounts:new", "accounts:link_new", "accounts:link_types", "accounts:deputy_name", "accounts:hand_over"),
            *("accounts:contact_new", "accounts:centre_new", "accounts:member_new", "accounts:level_new"),
            *("accounts:courtesy_new", "accounts:relation_step_new", "accounts:plan_new", "accounts:step_new"),
            *("accounts:log_interaction", "accounts:open_request", "accounts:name_sponsor", "accounts:grant_discount"),
            *("metrics:growth_note_add", "metrics:reported_keep", "metrics:efforts", "tasks:write", "webhooks:create"),
            *("imports:new", "ratings:account", "ratings:wallet", "tiering:backtest", "tiering:backtest_again"),
            *("tiering:sandbox_keep", "tiering:override_new", "tiering:propose", "tiering:weights_blend"),
            *("tiering:survey_new", "tiering:survey_take_over", "tiering:survey_invite", "plans:policy_draft"),
            *("logins:invite", "webhooks:ping", "organisation:new"),
        ),
        NEW,
    ),
    **dict.fromkeys(
        ("accounts:partnership_new", "tiering:band_decide", "tiering:model_review", "tiering:problem_decide"), LOG
    ),
    **dict.fromkeys(
        (
            *("accounts:dismiss_duplicate", "accounts:reject_suggestion", "accounts:withdraw_rejection"),
            *("metrics:growth_note_withdraw", "metrics:reported_withdraw", "imports:check", "imports:discard"),
            *("imports:withdraw", "tiering:run", "tiering:survey_close", "trail:person_erase", "webhooks:again"),
            *("teams:switch_off", "logins:off", "logins:on", "logins:sign_out", "logins:factors_remove"),
            *("logins:reset_link", "logins:invitation_link", "logins:withdraw", "logins:unlock"),
            *("service:attachment_remove", "organisation:remove"),
        ),
        COMMAND,
    ),
    **dict.fromkeys(("imports:rates_new", "imports:rates_check", "imports:list_new", "imports:list_check"), DRAFT),
    "imports:columns": "how a draft is read; posting carries the version of the draft that was checked",
    "accounts:bulk": "carries the value of each row instead: tests/web/test_editing.py",
    "accounts:undo": "gives back only what still holds the value that the change wrote",
    "accounts:merge": "moves rows and overwrites no value; undone as a whole",
    "accounts:undo_merge": "puts back what the merge moved, and leaves what changed since",
    "teams:leave": "moves whatever hangs on somebody at that moment; each row is kept and given back by undo",
    "organisation:place": "whoever is placed elsewhere moves here, as the form says beside each name; the last one wins",
    "organisation:take_out": "moves only those who are still placed in the unit, and says how many are not",
    "teams:undo": "gives back only what has not changed since",
}


class SeeingClient(Client):
    """A client whose forms carry the version of what is stored now, as a page that was just opened would; a test that is
    about versions names ``seen`` itself."""

    def post(self, path: str, data: Any = None, *args: Any, **kwargs: Any) -> Any:
        is_form = data is None or (isinstance(data, dict) and not args and "content_type" not in kwargs)
        if is_form and "seen" not in (data or {}):
            stamp = self.stamp_at(path)
            data = {**(data or {}), "seen": stamp} if stamp is not None else data
        return super().post(path, data, *args, **kwargs)

    def stamp_at(self, path: str) -> str | None:
        try:
            found = resolve(urlsplit(path).path)
        except Resolver404:
            return None
        shown = VERSIONS.get(found.view_name) or self._of_admin(found)
        if shown is None:
            return None
        reader = User.objects.filter(pk=self.session.get("_auth_user_id") or 0).first()
        read_as(hidden_from(reader) if reader else frozenset())
        try:
            now = shown(**found.kwargs)
            return now if isinstance(now, str) else stamp_of(now)
        finally:
            read_as(frozenset())

    def _of_admin(self, found: Any) -> Callable[..., Any] | None:
        """What the change form of the admin carries: read from the page itself."""
        if (
            not found.view_name.startswith("admin:")
            or not found.view_name.endswith("_change")
            or "object_id" not in found.kwargs
        ):
            return None
        return lambda **_kwargs: self._on_page(f"/{found.route}".replace("<path:object_id>", found.kwargs["object_id"]))

    def _on_page(self, path: str) -> str:
        carried = re.search(r'name="seen" value="([^"]*)"', self.get(path).content.decode(errors="replace"))
        return carried.group(1) if carried else ""
