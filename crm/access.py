"""Every address of the pages and what it asks of whoever comes: route × method → action of ``accounts.access``.

A route that is absent fails the build (``tests/test_policy.py``). To add one, add its name to a line below
that fits, or write a line. Where a view asks for more (the author, an invitation, one of several rights) it does so
itself, after this. REST has its table in ``crm.api.policy``; the admin asks for staff and the rights of each model.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.access import Action
from accounts.fields import OF_MARGIN, is_hidden
from accounts.models import User

VIEW, REFERENCE, EXPORT, SELF = Action.ACCOUNT_VIEW, Action.REFERENCE_VIEW, Action.DATA_EXPORT, Action.SELF_USE


@dataclass(frozen=True, slots=True)
class Gate:
    """What a method asks: one of ``actions``; ``is_open``: nothing, not even a log-in."""

    actions: tuple[Action, ...] = ()
    is_open: bool = False

    def admits(self, user: User) -> bool:
        return self.is_open or any(map(user.may, self.actions))


OPEN = Gate(is_open=True)
Gates = dict[str, dict[str, Gate]]


def _gates(names: tuple[str, ...], **methods: Gate) -> Gates:
    return {name: dict(methods) for name in names}


def see(*names: str, by: Action = VIEW) -> Gates:
    """Pages and parts that only show something."""
    return _gates(names, GET=Gate((by,)))


def do(*actions: Action, at: tuple[str, ...]) -> Gates:
    """Buttons: what is sent asks for one of the actions."""
    return _gates(at, POST=Gate(actions))


def form(*actions: Action, at: tuple[str, ...]) -> Gates:
    """Forms: showing and sending ask the same."""
    return _gates(at, GET=Gate(actions), POST=Gate(actions))


def page(*actions: Action, at: tuple[str, ...], seen_by: Action = VIEW) -> Gates:
    """Pages with a form on them: seen by more than may send it."""
    return _gates(at, GET=Gate((seen_by,)), POST=Gate(actions))


def _together(*parts: Gates) -> Mapping[str, dict[str, Gate]]:
    found: Gates = {}
    for part in parts:
        if twice := set(part) & set(found):
            raise ValueError(f"listed twice: {', '.join(sorted(twice))}")
        found |= part
    return found


PAGES = _together(
    # For everybody, and one's own things.
    _gates(("healthz", "readyz"), GET=OPEN),
    _gates(("login", "login_code", "login_setup", "login_forgot", "login_reset", "join"), GET=OPEN, POST=OPEN),
    _gates(("sso_start", "sso_callback"), GET=OPEN),
    _gates(("logout", "set_language"), POST=OPEN),
    form(SELF, at=("password_change", "accounts:columns", "accounts:view_create")),
    do(SELF, at=("set_scope", "set_units", "accounts:view_delete", "metrics:save_view", "metrics:delete_view")),
    see("you:security", "you:sessions", "you:log", "you:identity", by=SELF),
    do(SELF, at=("you:identity_unlink",)),
    form(SELF, at=("you:app", "you:passkey")),
    do(SELF, at=("you:factor_remove", "you:codes", "you:codes_file", "you:session_end", "you:sessions_end")),
    see("you:tokens", by=Action.TOKEN_OWN),
    form(Action.TOKEN_OWN, at=("you:token_new",)),
    do(Action.TOKEN_OWN, at=("you:token_revoke",)),
    # Accounts.
    see("dashboard", "search", "figure", "accounts:list", "accounts:options", "accounts:views", "accounts:detail"),
    see("accounts:revenue", "accounts:grade", "accounts:grade_compare", "accounts:people", "accounts:team"),
    see("accounts:group", "accounts:group_branch", "accounts:contracts", "accounts:plan", "accounts:service"),
    see("accounts:export", "figure_export", by=EXPORT),
    do(Action.ACCOUNT_CHANGE, at=("accounts:bulk", "accounts:undo", "accounts:axes", "accounts:undo_merge")),
    form(Action.ACCOUNT_CHANGE, at=("accounts:merge",)),
    form(Action.ACCOUNT_ADD, at=("accounts:new",)),
    see("accounts:similar", by=Action.ACCOUNT_ADD),
    see("accounts:duplicates", by=Action.ACCOUNT_CHANGE),
    do(Action.ACCOUNT_CHANGE, at=("accounts:dismiss_duplicate",)),
    form(Action.RELATION_CHANGE, at=("accounts:link_types", "accounts:link_new")),
    do(Action.RELATION_CHANGE, at=("accounts:link_end",)),
    form(Action.GROUP_CHANGE, at=("accounts:group_move",)),
    do(Action.GROUP_CHANGE, at=("accounts:group_graded",)),
    do(
        *(Action.TEAM_ADD, Action.TEAM_CHANGE, Action.TEAM_DELETE),
        at=("accounts:seat_change", "accounts:deputy_name", "accounts:place_end"),
    ),
    see("accounts:changes"),
    # Teams, hand-overs and tasks; whose hand-over it is, the views ask.
    form(Action.TASK_WRITE, Action.TEAM_CHANGE, at=("accounts:hand_over",)),
    see("teams:index", "teams:person", "teams:hand_overs", "teams:hand_over", "tasks:index"),
    see("teams:gaps_export", "teams:load_export", by=EXPORT),
    do(Action.TEAM_CHANGE, at=("teams:capacity",)),
    form(Action.TEAM_REASSIGN, at=("teams:leave",)),
    do(Action.TEAM_REASSIGN, at=("teams:undo",)),
    do(Action.USER_CHANGE, at=("teams:switch_off",)),
    do(Action.TASK_WRITE, Action.TEAM_CHANGE, at=("teams:hand_over_sign", "teams:hand_over_cancel")),
    page(Action.TEAMRULE_CHANGE, at=("teams:rules",)),
    form(Action.TASK_WRITE, at=("tasks:write", "tasks:change")),
    do(Action.TASK_WRITE, at=("tasks:finish",)),
    do(Action.CONTACT_CHANGE, at=("accounts:attitude",)),
    do(Action.NOTE_WRITE, at=("accounts:reject_suggestion", "accounts:withdraw_rejection")),
    form(Action.PLAN_WRITE, at=("accounts:plan_new", "accounts:plan_edit", "accounts:remedy_edit")),
    do(Action.PLAN_WRITE, at=("accounts:remedy_close", "accounts:step_new", "accounts:step_tick")),
    do(Action.PLAN_APPROVE, at=("accounts:plan_approve",)),
    form(Action.INTERACTION_ADD, at=("accounts:log_interaction",)),
    form(Action.REQUEST_HANDLE, at=("accounts:open_request",)),
    form(Action.SPONSOR_ADD, at=("accounts:name_sponsor",)),
    form(Action.DISCOUNT_ADD, at=("accounts:grant_discount",)),
    # Relationships.
    see("accounts:relations", "relationships:index"),
    see("accounts:relations_export", "relationships:export", by=EXPORT),
    form(Action.CONTACT_ADD, at=("accounts:contact_new",)),
    form(Action.CONTACT_CHANGE, at=("accounts:contact_edit",)),
    form(
        *(Action.RELATION_CHANGE, Action.CONTACT_CHANGE),
        at=("accounts:attitude_note", "accounts:centre_new", "accounts:centre_edit", "accounts:member_new"),
    ),
    form(
        Action.RELATION_CHANGE,
        at=("accounts:member_edit", "accounts:level_new", "accounts:partnership_new", "accounts:relation_targets"),
    ),
    form(Action.RELATION_CHANGE, at=("accounts:courtesy_new",)),
    do(Action.RELATION_CHANGE, at=("accounts:member_remove", "accounts:level_end")),
    do(Action.COURTESY_APPROVE, at=("accounts:courtesy_decide",)),
    form(Action.PLAN_WRITE, at=("accounts:relation_plan",)),
    do(Action.PLAN_WRITE, at=("accounts:relation_step_new", "accounts:relation_step_tick")),
    # The sales organisation.
    see("organisation:index", "organisation:unit", by=Action.ORG_VIEW),
    form(Action.ORG_CHANGE, at=("organisation:new", "organisation:edit", "organisation:remove")),
    do(Action.ORG_CHANGE, at=("organisation:place", "organisation:take_out")),
    see("access:table", by=Action.ORG_VIEW),
    see("access:choose", "access:person", by=Action.ACCESS_VIEW),
    # The trail; whoever may neither export nor erase a person is told that there is none.
    see("trail:index", "trail:export", by=Action.TRAIL_VIEW),
    see("trail:person", "trail:person_export", by=SELF),
    form(SELF, at=("trail:person_erase",)),
    # Figures.
    see("metrics:first", "metrics:view", "metrics:question", "metrics:filters", "metrics:reported_list"),
    see("metrics:reported", "metrics:credit_notes", "metrics:economics"),
    see("metrics:export", "metrics:reported_export", "metrics:credit_notes_export", by=EXPORT),
    see("metrics:economics_export", by=EXPORT),
    do(Action.NOTE_WRITE, at=("metrics:growth_note_add", "metrics:growth_note_withdraw")),
    do(Action.REPORT_KEEP, at=("metrics:reported_keep",)),
    form(Action.REPORT_KEEP, Action.REPORT_WITHDRAW, at=("metrics:reported_withdraw",)),
    page(Action.EFFORT_ADD, at=("metrics:efforts",)),
    # Imports.
    see("imports:list", "imports:detail", "imports:progress", "imports:errors", "imports:changes", "imports:rates"),
    see("imports:export", "imports:rates_export", by=EXPORT),
    form(Action.REVENUE_IMPORT, at=("imports:new", "imports:columns", "imports:check")),
    see("imports:check_progress", by=Action.REVENUE_IMPORT),
    do(Action.REVENUE_IMPORT, at=("imports:post", "imports:discard", "imports:book")),
    form(Action.BATCH_WITHDRAW, at=("imports:withdraw",)),
    form(Action.RATE_ADD, at=("imports:rates_new", "imports:rates_check")),
    see("imports:rates_errors", by=Action.RATE_ADD),
    # The view asks for the right of the list: ratings, wallets or receivables.
    form(*(Action.RATING_ADD, Action.WALLET_ADD, Action.RECEIVABLE_ADD), at=("imports:list_new", "imports:list_check")),
    _gates(("imports:list_errors",), GET=Gate((Action.RATING_ADD, Action.WALLET_ADD, Action.RECEIVABLE_ADD))),
    # Ratings.
    see("ratings:index"),
    page(Action.RATING_ADD, at=("ratings:account",)),
    do(Action.WALLET_ADD, at=("ratings:wallet",)),
    # Tiering.
    see("tiering:night", "tiering:progress", "tiering:job", "tiering:run_detail", "tiering:migration"),
    see("tiering:portfolio", "tiering:bands", "tiering:overrides", "tiering:drift", "tiering:weights"),
    see("tiering:model", "tiering:model_version", "tiering:activation", by=REFERENCE),
    see("tiering:migration_export", "tiering:portfolio_export", by=EXPORT),
    see("tiering:sandbox", by=Action.SIMULATION_USE),
    do(Action.NIGHT_RUN, at=("tiering:run",)),
    form(Action.BAND_DECIDE, at=("tiering:band_decide",)),
    _gates(("tiering:backtest",), GET=Gate((Action.BACKTEST_VIEW,)), POST=Gate((Action.BACKTEST_RUN,))),
    see("tiering:backtest_run", "tiering:backtest_progress", by=Action.BACKTEST_VIEW),
    do(Action.BACKTEST_RUN, at=("tiering:backtest_again",)),
    do(Action.MODEL_DRAFT, at=("tiering:sandbox_keep", "tiering:weights_blend", "tiering:survey_take_over")),
    form(Action.MODEL_DRAFT, at=("tiering:propose",)),
    do(Action.MODEL_DRAFT, Action.MODEL_ACTIVATE, at=("tiering:model_review", "tiering:activation_refuse")),
    do(Action.MODEL_ACTIVATE, at=("tiering:activation_approve",)),
    form(Action.OVERRIDE_REQUEST, at=("tiering:override_new",)),
    do(Action.OVERRIDE_REQUEST, Action.OVERRIDE_APPROVE, at=("tiering:override_refuse",)),
    do(Action.OVERRIDE_APPROVE, at=("tiering:override_approve", "tiering:override_end")),
    do(Action.PROBLEM_DECIDE, at=("tiering:problem_decide",)),
    form(Action.SURVEY_START, at=("tiering:survey_new",)),
    see("tiering:survey", by=REFERENCE),
    form(SELF, at=("tiering:survey_judge",)),  # the view asks for an invitation
    do(Action.SURVEY_START, at=("tiering:survey_invite", "tiering:survey_close")),
    # Plans and service.
    see("plans:portfolio", "plans:ranking"),
    see("plans:policies", "plans:grade", by=REFERENCE),
    do(Action.POLICY_DRAFT, at=("plans:policy_draft", "plans:policy_discard")),
    form(Action.POLICY_DRAFT, at=("plans:grade_edit",)),
    do(Action.POLICY_ACTIVATE, at=("plans:policy_activate",)),
    page(Action.CALENDAR_CHANGE, at=("plans:hours",)),
    do(Action.CALENDAR_CHANGE, at=("plans:hours_drop", "plans:days_add", "plans:day_drop")),
    see("service:index", "service:request"),
    form(Action.REQUEST_HANDLE, at=("service:request_change",)),
    do(Action.REQUEST_HANDLE, at=("service:request_respond", "service:request_escalate")),
    do(Action.REQUEST_HANDLE, at=("service:request_resolve", "service:request_reopen")),
    # The view asks for whoever wrote it down, or the right over others' words.
    form(Action.INTERACTION_ADD, Action.INTERACTION_CHANGE, at=("service:interaction",)),
    do(Action.INTERACTION_ADD, Action.INTERACTION_DELETE, at=("service:interaction_delete",)),
    do(Action.INTERACTION_ADD, at=("service:step_done",)),
    see("attachment"),
    see("you:mail", by=Action.INTERACTION_ADD),
    do(Action.INTERACTION_ADD, at=("you:mail_renew", "you:mail_assign", "you:mail_aside")),
    do(Action.INTERACTION_ADD, Action.INTERACTION_CHANGE, at=("service:attachment_remove",)),
    do(Action.SPONSOR_CHANGE, at=("service:sponsor_end",)),
    do(Action.DISCOUNT_APPROVE, at=("service:discount_approve",)),
)
# Asked by what stands behind them: REST by its own table, the admin by staff and the rights of each model.
APART = ("api:", "admin:")
# Everything in these spaces asks the same; a line of PAGES for one of their routes goes before.
SPACES = {
    "webhooks": Gate((Action.WEBHOOK_CHANGE,)),
    "logins": Gate((Action.USER_VIEW, Action.USER_ADD, Action.USER_CHANGE)),  # the views ask for the one they need
}


def gate_for(route: str, method: str) -> Gate | None:
    """What a page asks of this method; None: the route is not listed."""
    methods = PAGES.get(route)
    if methods is None:
        return SPACES.get(route.partition(":")[0])
    wanted = "GET" if method in {"HEAD", "OPTIONS"} else method
    # A method that no line names is not the view's either: it answers 405, to whoever may use another one.
    return methods.get(wanted) or next(iter(methods.values()))


# Pages that are about costs and margins, or tell them in words and drawings. Where the rest of a page is worth reading, the
# view leaves those parts out instead and says so (accounts:revenue, accounts:grade; tiering:portfolio where an axis of the
# model rests on margins).
MARGIN_PAGES = frozenset(
    {
        *("accounts:grade_compare", "imports:export", "imports:errors"),
        *("metrics:economics", "metrics:economics_export", "tiering:sandbox", "tiering:backtest"),
        "tiering:backtest_run",
    }
)


def shows_hidden(route: str, given: Mapping[str, Any]) -> bool:
    """Whether the address itself is about something that is hidden from the current reader."""
    asked = [str(value) for name, value in given.items() if name in {"key", "metric"}]
    is_of_margin = route in MARGIN_PAGES or bool(OF_MARGIN & set(asked))
    return any(map(is_hidden, asked)) or (is_of_margin and is_hidden("margin"))


def listed() -> Iterator[tuple[str, str, Gate]]:
    """(route, method, what it asks) of every page."""
    for route, methods in PAGES.items():
        for method, gate in methods.items():
            yield route, method, gate
