"""Who may do what over REST: every route × method, no blanks.

The table decides: a route or method that is absent is refused. Beside the right that is named here, every row that hangs
off an account is reached through the accounts the caller may see (`Account.objects.visible_to`); hidden answers like
missing. No prefix `api:` in the names of the routes.
"""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.access import Action
from accounts.fields import hidden_asked, hidden_from, is_hidden, read_as
from accounts.models import User
from accounts.wall import raise_wall, raise_wall_for_writes
from crm.api.errors import BadParameter
from crm.models.trail import ERASE_PERSON, EXPORT_PERSON
from crm.web.rights import (
    ACTIVATE_MODEL,
    ACTIVATE_POLICY,
    ADD_BACKTEST,
    ADD_DISCOUNT,
    ADD_SPONSOR,
    APPROVE_COURTESY,
    APPROVE_DISCOUNT,
    APPROVE_OVERRIDE,
    APPROVE_PLAN,
    CHANGE_RELATIONS,
    CHANGE_SPONSOR,
    CHANGE_TEAM,
    CHANGE_TEAM_RULES,
    CHANGE_WEBHOOK,
    DECIDE_BAND,
    DECIDE_PROBLEM,
    DRAFT_MODEL,
    DRAFT_POLICY,
    IMPORT_REVENUE,
    REASSIGN,
    REQUEST_OVERRIDE,
    RETIER,
    START_SURVEY,
    VIEW_BACKTEST,
    WITHDRAW_BATCH,
    WRITE_PLAN,
    WRITE_TASK,
)

VIEW_USER, ADD_USER, CHANGE_USER = "accounts.view_user", "accounts.add_user", "accounts.change_user"


@dataclass(frozen=True, slots=True)
class Rule:
    """``right``: the Django permission needed; ``actions``: one of them is needed, by role or explicitly. Where neither
    is named being logged in is enough. ``open``: not even that is needed."""

    right: str = ""
    open: bool = False
    actions: tuple[Action, ...] = ()

    def admits(self, request: Request) -> bool:
        if self.open:
            return True
        user = request.user
        if not (user and user.is_authenticated and user.is_active):
            return False
        if self.actions and not any(map(user.may, self.actions)):
            return False
        return not self.right or user.has_perm(self.right)


ANYONE = Rule(open=True)
LOGGED_IN = Rule(actions=(Action.ACCOUNT_VIEW,))  # every role; a token needs the scope
REFERENCE = Rule(actions=(Action.REFERENCE_VIEW,))


def doing(*actions: Action) -> Rule:
    """Whoever may do one of them."""
    return Rule(actions=actions)


def holders_of(right: str) -> Rule:
    return Rule(right=right)


def _list(name: str, *, create: Rule | None = None) -> dict[tuple[str, str], Rule]:
    return {(f"{name}-list", "GET"): LOGGED_IN} | ({(f"{name}-list", "POST"): create} if create else {})


def _planned(name: str) -> dict[tuple[str, str], Rule]:
    """Plans and steps: who may write plans adds and changes those of the accounts they see, nobody removes them."""
    write = holders_of(WRITE_PLAN)
    changes = {(f"{name}-detail", method): write for method in ("PUT", "PATCH")}
    return {**_list(name, create=write), (f"{name}-detail", "GET"): LOGGED_IN, **changes}


def _editable(name: str, model: str, app: str = "accounts") -> dict[tuple[str, str], Rule]:
    """The six doors of a resource that is edited row by row, with the model's own rights."""
    change, delete = holders_of(f"{app}.change_{model}"), holders_of(f"{app}.delete_{model}")
    return {
        **_list(name, create=holders_of(f"{app}.add_{model}")),
        (f"{name}-detail", "GET"): LOGGED_IN,
        (f"{name}-detail", "PUT"): change,
        (f"{name}-detail", "PATCH"): change,
        (f"{name}-detail", "DELETE"): delete,
    }


def _by_right(name: str, right: str, *methods: str, reads: Rule = LOGGED_IN) -> dict[tuple[str, str], Rule]:
    """A list to read and add to, and what may be done to one of its rows, all by one right."""
    own = {(f"{name}-detail", method): holders_of(right) for method in methods}
    return {
        (f"{name}-list", "GET"): reads,
        (f"{name}-list", "POST"): holders_of(right),
        (f"{name}-detail", "GET"): reads,
        **own,
    }


PERSONAL = holders_of("accounts.view_personal_data")
UNITS, CHANGE_UNIT = doing(Action.ORG_VIEW), "accounts.change_orgunit"
EDITED = ("PUT", "PATCH", "DELETE")


QUESTIONS = ("growth", "bridge", "retention", "activity", "concentration", "lifetime", "trend", "economics",
             "decomposition", "doubling", "directions", "backtest")  # fmt: skip

POLICY: dict[tuple[str, str], Rule] = {
    ("root", "GET"): Rule(),
    ("schema", "GET"): ANYONE,
    ("docs", "GET"): ANYONE,
    **{("unknown", method): ANYONE for method in ("GET", "POST", "PUT", "PATCH", "DELETE")},
    **_editable("accounts", "account"),
    ("accounts-metrics", "GET"): LOGGED_IN,
    ("accounts-history", "GET"): LOGGED_IN,
    ("accounts-group", "GET"): LOGGED_IN,
    ("accounts-graded_node", "POST"): holders_of("accounts.change_groupmembership"),
    ("accounts-similar", "GET"): LOGGED_IN,
    ("accounts-duplicates", "GET"): holders_of("accounts.change_account"),
    ("accounts-dismiss", "POST"): holders_of("accounts.change_account"),
    ("accounts-tiering", "GET"): LOGGED_IN,
    ("accounts-tiering_compare", "GET"): LOGGED_IN,
    **_editable("contacts", "contact"),
    **_editable("team-members", "teammember"),
    ("team-members-change_seat", "POST"): holders_of(CHANGE_TEAM),
    ("teams-load", "GET"): LOGGED_IN,
    ("teams-gaps", "GET"): LOGGED_IN,
    **_list("team-rules"),
    ("team-rules-detail", "GET"): LOGGED_IN,
    **{("team-rules-detail", method): holders_of(CHANGE_TEAM_RULES) for method in ("PUT", "PATCH")},
    **_list(
        "hand-overs", create=doing(Action.TASK_WRITE, Action.TEAM_CHANGE)
    ),  # the view asks for who holds the seat, or the right to change teams
    ("hand-overs-detail", "GET"): LOGGED_IN,
    ("hand-overs-open_items", "GET"): LOGGED_IN,
    ("hand-overs-sign", "POST"): doing(Action.TASK_WRITE, Action.TEAM_CHANGE),  # the service asks for giver and taker
    ("hand-overs-cancel", "POST"): doing(
        Action.TASK_WRITE, Action.TEAM_CHANGE
    ),  # the view asks for them, or the right to change teams
    ("reassignments-list", "GET"): holders_of(REASSIGN),
    ("reassignments-list", "POST"): holders_of(REASSIGN),
    ("reassignments-detail", "GET"): holders_of(REASSIGN),
    ("reassignments-undo", "POST"): holders_of(REASSIGN),
    **_list("tasks", create=holders_of(WRITE_TASK)),
    ("tasks-detail", "GET"): LOGGED_IN,
    ("tasks-detail", "PATCH"): holders_of(WRITE_TASK),
    ("tasks-end", "POST"): holders_of(WRITE_TASK),
    ("accounts-merge", "POST"): holders_of("accounts.change_account"),
    **_list("account-merges"),
    ("account-merges-detail", "GET"): LOGGED_IN,
    ("account-merges-undo", "POST"): holders_of("accounts.change_account"),
    **_list("account-links", create=holders_of("accounts.change_accountlink")),
    ("account-links-detail", "GET"): LOGGED_IN,
    ("account-links-end", "POST"): holders_of("accounts.change_accountlink"),
    **_list("account-link-types", create=holders_of("accounts.change_accountlink")),
    ("account-link-types-detail", "GET"): LOGGED_IN,
    **_list("group-memberships"),
    ("group-memberships-detail", "GET"): LOGGED_IN,
    **_editable("products", "product"),
    **_editable("contracts", "contract"),
    **_editable("contract-milestones", "contractmilestone"),
    **_editable("rates", "exchangerate"),
    ("rates-missing", "GET"): LOGGED_IN,
    **_editable("ratings", "rating"),
    **_list("rating-anchors"),
    ("rating-anchors-detail", "GET"): LOGGED_IN,
    **_editable("wallet-estimates", "walletestimate"),
    **_editable("receivables", "receivable"),
    **_editable("receivable-payments", "receivablepayment"),
    **_editable("efforts", "marketeffort"),
    **_list("revenue", create=holders_of("accounts.add_revenuerecord")),
    ("revenue-detail", "GET"): LOGGED_IN,
    ("revenue-export", "GET"): doing(Action.DATA_EXPORT),
    **_list("imports", create=holders_of(IMPORT_REVENUE)),
    ("imports-detail", "GET"): LOGGED_IN,
    ("imports-errors", "GET"): LOGGED_IN,
    ("imports-withdraw", "POST"): holders_of(WITHDRAW_BATCH),
    **{(f"metrics-{question}", "GET"): LOGGED_IN for question in QUESTIONS},
    **{(f"metrics-{question}", "GET"): LOGGED_IN for question in ("cohorts", "sleepers", "segments")},
    **{(f"metrics-{question}", "GET"): LOGGED_IN for question in ("forecast", "decline", "whitespace")},
    **{(f"metrics-{question}", "GET"): LOGGED_IN for question in ("association", "association_accounts", "patterns")},
    **{(f"metrics-{question}", "GET"): LOGGED_IN for question in ("contract-growth", "backlog")},
    **{(f"metrics-{question}", "GET"): LOGGED_IN for question in ("acquisition", "split", "margins", "wallet")},
    ("metrics-receivables", "GET"): LOGGED_IN,
    ("metrics-relationships", "GET"): LOGGED_IN,
    ("accounts-relationships", "GET"): LOGGED_IN,
    **_by_right("buying-centres", CHANGE_RELATIONS, *EDITED),
    **_by_right("buying-centre-members", CHANGE_RELATIONS, *EDITED, reads=PERSONAL),
    **_by_right("attitude-notes", CHANGE_RELATIONS, reads=PERSONAL),
    **_by_right("relationship-levels", CHANGE_RELATIONS),
    ("relationship-levels-end", "POST"): holders_of(CHANGE_RELATIONS),
    **_by_right("partnership-states", CHANGE_RELATIONS),
    **_by_right("courtesies", CHANGE_RELATIONS, reads=PERSONAL),
    ("courtesies-decide", "POST"): holders_of(APPROVE_COURTESY),
    **_by_right("relationship-targets", CHANGE_RELATIONS, *EDITED),
    **_list("relationship-rules"),
    ("relationship-rules-detail", "GET"): LOGGED_IN,
    **{
        ("relationship-rules-detail", method): holders_of("accounts.change_relationshiprule")
        for method in ("PUT", "PATCH")
    },
    **_by_right("relationship-plans", WRITE_PLAN, *EDITED),
    **_by_right("relationship-steps", WRITE_PLAN, *EDITED),
    **_list("suggestion-rejections", create=doing(Action.NOTE_WRITE)),
    ("suggestion-rejections-detail", "GET"): LOGGED_IN,
    ("suggestion-rejections-withdraw", "POST"): doing(Action.NOTE_WRITE),
    **_list("growth-notes", create=doing(Action.NOTE_WRITE)),
    ("growth-notes-detail", "GET"): LOGGED_IN,
    ("growth-notes-withdraw", "POST"): doing(Action.NOTE_WRITE),
    **_list("reported-figures", create=doing(Action.REPORT_KEEP)),
    ("reported-figures-detail", "GET"): LOGGED_IN,
    ("reported-figures-accounts", "GET"): LOGGED_IN,
    # The view asks for the author, or the right over others' reports.
    ("reported-figures-withdraw", "POST"): doing(Action.REPORT_KEEP, Action.REPORT_WITHDRAW),
    **_list("interactions", create=doing(Action.INTERACTION_ADD)),
    ("interactions-detail", "GET"): LOGGED_IN,
    # The view asks for whoever wrote it down, or the right over others' words.
    **{
        ("interactions-detail", method): doing(Action.INTERACTION_ADD, Action.INTERACTION_CHANGE)
        for method in ("PUT", "PATCH")
    },
    ("interactions-detail", "DELETE"): doing(Action.INTERACTION_ADD, Action.INTERACTION_DELETE),
    ("interactions-done", "POST"): doing(Action.INTERACTION_ADD),
    # The view asks for whoever wrote the interaction down, or the right over others' words.
    **_list("attachments", create=doing(Action.INTERACTION_ADD, Action.INTERACTION_CHANGE)),
    ("attachments-detail", "GET"): LOGGED_IN,
    ("attachments-detail", "DELETE"): doing(Action.INTERACTION_ADD, Action.INTERACTION_CHANGE),
    ("attachments-content", "GET"): LOGGED_IN,
    # One's own alone.
    ("mails-list", "GET"): doing(Action.INTERACTION_ADD),
    ("mails-list", "POST"): doing(Action.INTERACTION_ADD),
    ("mails-assign", "POST"): doing(Action.INTERACTION_ADD),
    ("mails-aside", "POST"): doing(Action.INTERACTION_ADD),
    **_list("service-requests", create=doing(Action.REQUEST_HANDLE)),
    ("service-requests-detail", "GET"): LOGGED_IN,
    **{("service-requests-detail", method): doing(Action.REQUEST_HANDLE) for method in ("PUT", "PATCH")},
    **{
        (f"service-requests-{step}", "POST"): doing(Action.REQUEST_HANDLE)
        for step in ("respond", "escalate", "resolve", "reopen")
    },
    **_list("sponsors", create=holders_of(ADD_SPONSOR)),
    ("sponsors-detail", "GET"): LOGGED_IN,
    ("sponsors-end", "POST"): holders_of(CHANGE_SPONSOR),
    **_list("discounts", create=holders_of(ADD_DISCOUNT)),
    ("discounts-detail", "GET"): LOGGED_IN,
    ("discounts-approve", "POST"): holders_of(APPROVE_DISCOUNT),
    **{
        (f"webhooks-{door}", method): holders_of(CHANGE_WEBHOOK)
        for door, methods in {
            "list": ("GET", "POST"),
            "detail": ("GET", "PUT", "PATCH", "DELETE"),
            "secret": ("POST",),
            "ping": ("POST",),
        }.items()
        for method in methods
    },
    **{
        (f"webhook-deliveries-{door}", method): holders_of(CHANGE_WEBHOOK)
        for door, method in (("list", "GET"), ("detail", "GET"), ("again", "POST"))
    },
    **_list("models", create=holders_of(DRAFT_MODEL)),
    ("models-detail", "GET"): LOGGED_IN,
    ("models-propose", "POST"): holders_of(DRAFT_MODEL),
    ("models-approve", "POST"): holders_of(ACTIVATE_MODEL),
    # The view asks for who proposed it, or the right to decide.
    ("models-refuse", "POST"): doing(Action.MODEL_DRAFT, Action.MODEL_ACTIVATE),
    **_list("weight-surveys", create=holders_of(START_SURVEY)),
    ("weight-surveys-detail", "GET"): LOGGED_IN,
    ("weight-surveys-invite", "POST"): holders_of(START_SURVEY),
    ("weight-surveys-close", "POST"): holders_of(START_SURVEY),
    ("weight-surveys-judgements", "GET"): LOGGED_IN,
    ("weight-surveys-judgements", "PUT"): doing(
        Action.SURVEY_JUDGE, Action.SELF_USE
    ),  # the view asks for an invitation
    ("weight-surveys-takeover", "POST"): holders_of(DRAFT_MODEL),
    **_list("runs", create=holders_of(RETIER)),
    ("runs-detail", "GET"): LOGGED_IN,
    ("runs-quarantined", "GET"): LOGGED_IN,
    **_list("overrides", create=holders_of(REQUEST_OVERRIDE)),
    ("overrides-detail", "GET"): LOGGED_IN,
    ("overrides-approve", "POST"): holders_of(APPROVE_OVERRIDE),
    # The view asks for who requested it, or the right to approve.
    ("overrides-refuse", "POST"): doing(Action.OVERRIDE_REQUEST, Action.OVERRIDE_APPROVE),
    ("overrides-end", "POST"): holders_of(APPROVE_OVERRIDE),
    **_list("problem-decisions", create=holders_of(DECIDE_PROBLEM)),
    ("backtests-list", "GET"): holders_of(VIEW_BACKTEST),
    ("backtests-list", "POST"): holders_of(ADD_BACKTEST),
    ("backtests-detail", "GET"): holders_of(VIEW_BACKTEST),
    **_list("band-decisions", create=holders_of(DECIDE_BAND)),
    ("band-decisions-detail", "GET"): LOGGED_IN,
    ("tiering-drift", "GET"): LOGGED_IN,
    ("tiering-simulate", "POST"): doing(Action.SIMULATION_USE),
    **_list("policies", create=holders_of(DRAFT_POLICY)),
    ("policies-detail", "GET"): LOGGED_IN,
    ("policies-detail", "DELETE"): holders_of(DRAFT_POLICY),
    ("policies-grade", "POST"): holders_of(DRAFT_POLICY),
    ("policies-activate", "POST"): holders_of(ACTIVATE_POLICY),
    **_list("promises"),
    ("promises-detail", "GET"): LOGGED_IN,
    ("accounts-promises", "GET"): LOGGED_IN,
    **_list("compliance"),
    ("compliance-grades", "GET"): LOGGED_IN,
    **_editable("business-hours", "businesshours", "plans"),
    **_editable("business-days", "businessday", "plans"),
    ("business-days-import", "POST"): holders_of("plans.change_businessday"),
    **_planned("account-plans"),
    ("account-plans-approve", "POST"): holders_of(APPROVE_PLAN),
    **_planned("account-plan-steps"),
    **_planned("remediation-steps"),
    **_list("remediations"),
    ("remediations-detail", "GET"): LOGGED_IN,
    ("remediations-detail", "PATCH"): doing(Action.PLAN_WRITE),
    ("remediations-close", "POST"): doing(Action.PLAN_WRITE),
    ("tiering-migration", "GET"): LOGGED_IN,
    ("tiering-portfolio", "GET"): LOGGED_IN,
    **_list("audit"),
    ("audit-detail", "GET"): LOGGED_IN,
    **_list("scores"),
    **_list("grades"),
    **_list("grade-corrections"),
    **_by_right("org-units", CHANGE_UNIT, "PUT", "PATCH", reads=UNITS),
    ("org-units-list", "POST"): holders_of("accounts.add_orgunit"),
    ("org-units-detail", "DELETE"): holders_of("accounts.delete_orgunit"),
    **{(f"org-units-{door}", "GET"): UNITS for door in ("tree", "people")},
    **{(f"org-units-{step}", "POST"): holders_of(CHANGE_UNIT) for step in ("place", "take_out")},
    # The views ask for a person at a browser: a token looks after neither tokens nor sessions.
    **_list("tokens", create=doing(Action.TOKEN_OWN)),
    ("tokens-detail", "DELETE"): doing(Action.TOKEN_OWN),
    **_list("sessions"),
    ("sessions-detail", "DELETE"): doing(Action.SELF_USE),
    **_list("login-events"),
    ("invitations-list", "GET"): holders_of(VIEW_USER),
    ("invitations-list", "POST"): holders_of(ADD_USER),
    ("invitations-withdraw", "POST"): holders_of(ADD_USER),
    ("log-ins-list", "GET"): holders_of(VIEW_USER),
    **{
        (f"log-ins-{step}", "POST"): holders_of(CHANGE_USER)
        for step in (*("sign_out", "switch_off", "switch_on", "remove_second_factor", "reset_password", "end_session"),)
    },
    ("log-ins-sessions", "GET"): holders_of(VIEW_USER),
    ("second-factors-list", "GET"): holders_of(VIEW_USER),
    ("second-factors-detail", "DELETE"): holders_of(CHANGE_USER),
    ("log-in-locks-list", "GET"): holders_of(VIEW_USER),
    ("log-in-locks-detail", "DELETE"): holders_of(CHANGE_USER),
    ("log-in-rule", "GET"): holders_of(VIEW_USER),
    ("log-in-rule", "PUT"): holders_of(CHANGE_USER),
    ("access-actions", "GET"): UNITS,
    ("access-people-detail", "GET"): doing(Action.ACCESS_VIEW),
    ("access-people-accounts", "GET"): doing(Action.ACCESS_VIEW),
    ("access-people-why", "GET"): doing(Action.ACCESS_VIEW),
    # Of a contact the views ask for the account too; whoever holds neither right is told that there is nobody.
    ("persons-detail", "GET"): doing(Action.PERSON_EXPORT, Action.PERSON_ERASE),
    ("persons-export", "GET"): holders_of(EXPORT_PERSON),
    ("persons-erase", "POST"): holders_of(ERASE_PERSON),
}


# Answers that are about costs and margins, or tell them in words. ``tiering-portfolio`` asks by itself: it depends on the model.
MARGIN_ROUTES = frozenset(
    {
        *(f"metrics-{name}" for name in ("lifetime", "economics", "acquisition", "split", "margins")),
        *("accounts-tiering", "accounts-tiering_compare", "tiering-simulate", "revenue-export", "imports-errors"),
        *("scores-list", "backtests-list", "backtests-detail"),
    }
)


def rule_for(route: str, method: str) -> Rule | None:
    return POLICY.get((route, "GET" if method == "HEAD" else method))


class PolicyPermission(BasePermission):
    """Asks the table. A method the view does not have passes, to be answered 405."""

    def has_permission(self, request: Request, view: Any) -> bool:
        method = (request.method or "").lower()
        if method not in view.http_method_names or not hasattr(view, method):
            return bool(request.user and request.user.is_authenticated)
        match = request.resolver_match
        route = (match.url_name or "") if match else ""
        rule = rule_for(route, request.method or "")
        if rule is None or not rule.admits(request):
            return False
        if rule.open or not isinstance(request.user, User):
            return True
        read_as(hidden_from(request.user))
        if request.method in {"GET", "HEAD"}:  # within the transaction of the snapshot
            raise_wall(request.user)
        else:
            raise_wall_for_writes(request.user)
        if asked := hidden_asked(request.query_params.lists()):
            raise BadParameter({name: [_("This is not for your log-in.")] for name in asked})
        return not (route in MARGIN_ROUTES and is_hidden("margin"))
