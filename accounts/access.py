"""Who may see and do what: five roles, every action, no blanks. Pure: rules only, no database and no framework.

A user may do what the role allows, and what an explicit Django permission adds (``PERMISSIONS`` says which permission
stands for which action). An integration token acts as its user minus what its scopes leave out; scopes are actions, and
``TOKEN_SCOPES`` those a token may carry. Which accounts all this is about says ``REACH``, and the one place that turns it
into rows is ``AccountQuerySet.visible_to``.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum


class Role(StrEnum):
    ADMINISTRATOR = "administrator"
    DIRECTOR = "director"
    MANAGER = "manager"
    MEMBER = "member"
    ANALYST = "analyst"


class Reach(StrEnum):
    """Which accounts: all of them; those of the units one heads and below; those one owns or is on the team of."""

    ALL = "all"
    SUBTREE = "subtree"
    OWN = "own"


REACH: Mapping[Role, Reach] = {
    Role.ADMINISTRATOR: Reach.ALL,
    Role.DIRECTOR: Reach.ALL,
    Role.MANAGER: Reach.SUBTREE,
    Role.MEMBER: Reach.OWN,
    Role.ANALYST: Reach.ALL,
}


class Action(StrEnum):
    """Area and verb. The values are promises: tokens carry them as scopes."""

    ACCOUNT_VIEW = "account.view"  # with team, contracts, revenue, interactions, grades and figures
    ACCOUNT_ADD = "account.add"
    ACCOUNT_CHANGE = "account.change"  # and merge into another
    ACCOUNT_DELETE = "account.delete"
    PERSONAL_VIEW = "personal.view"  # phone, e-mail, notes and attitude of contacts
    MARGIN_VIEW = "margin.view"  # cost, margin, and what is worked out from them
    REFERENCE_VIEW = "reference.view"  # products, rates, scoring models, policies, nights
    DATA_EXPORT = "data.export"
    SIMULATION_USE = "simulation.use"
    SELF_USE = "self.use"  # one's own password, language, saved views and columns

    GROUP_CHANGE = "group.change"
    TEAM_ADD = "team.add"
    TEAM_CHANGE = "team.change"
    TEAM_DELETE = "team.delete"
    TEAM_REASSIGN = "team.reassign"  # all that somebody holds, and back again
    TEAMRULE_CHANGE = "teamrule.change"
    TASK_WRITE = "task.write"
    CONTACT_ADD = "contact.add"
    CONTACT_CHANGE = "contact.change"
    CONTACT_DELETE = "contact.delete"
    RELATION_CHANGE = "relation.change"  # who decides, attitudes, levels, partnership, courtesies
    COURTESY_APPROVE = "courtesy.approve"  # those beyond the limits
    CONTRACT_ADD = "contract.add"
    CONTRACT_CHANGE = "contract.change"
    CONTRACT_DELETE = "contract.delete"
    MILESTONE_ADD = "milestone.add"
    MILESTONE_CHANGE = "milestone.change"
    MILESTONE_DELETE = "milestone.delete"
    RATING_ADD = "rating.add"
    RATING_CHANGE = "rating.change"
    RATING_DELETE = "rating.delete"
    WALLET_ADD = "wallet.add"
    WALLET_CHANGE = "wallet.change"
    WALLET_DELETE = "wallet.delete"
    NOTE_WRITE = "note.write"  # growth notes, rejected suggestions
    REPORT_KEEP = "report.keep"
    REPORT_WITHDRAW = "report.withdraw"  # those of others; one's own goes with keeping

    INTERACTION_ADD = "interaction.add"  # and change one's own
    INTERACTION_CHANGE = "interaction.change"  # those that others wrote down
    INTERACTION_DELETE = "interaction.delete"
    REQUEST_HANDLE = "request.handle"
    SPONSOR_ADD = "sponsor.add"
    SPONSOR_CHANGE = "sponsor.change"
    DISCOUNT_ADD = "discount.add"
    DISCOUNT_APPROVE = "discount.approve"
    PLAN_WRITE = "plan.write"
    PLAN_APPROVE = "plan.approve"

    REVENUE_ADD = "revenue.add"
    REVENUE_IMPORT = "revenue.import"
    BATCH_WITHDRAW = "batch.withdraw"
    RECEIVABLE_ADD = "receivable.add"
    RECEIVABLE_CHANGE = "receivable.change"
    RECEIVABLE_DELETE = "receivable.delete"
    PAYMENT_ADD = "payment.add"
    PAYMENT_CHANGE = "payment.change"
    PAYMENT_DELETE = "payment.delete"
    EFFORT_ADD = "effort.add"
    EFFORT_CHANGE = "effort.change"
    EFFORT_DELETE = "effort.delete"
    PRODUCT_ADD = "product.add"
    PRODUCT_CHANGE = "product.change"
    PRODUCT_DELETE = "product.delete"
    RATE_ADD = "rate.add"
    RATE_CHANGE = "rate.change"
    RATE_DELETE = "rate.delete"
    CALENDAR_ADD = "calendar.add"
    CALENDAR_CHANGE = "calendar.change"
    ANCHOR_CHANGE = "anchor.change"

    OVERRIDE_REQUEST = "override.request"
    OVERRIDE_APPROVE = "override.approve"
    PROBLEM_DECIDE = "problem.decide"
    BAND_DECIDE = "band.decide"
    MODEL_DRAFT = "model.draft"
    MODEL_CHANGE = "model.change"
    MODEL_ACTIVATE = "model.activate"
    SURVEY_START = "survey.start"
    SURVEY_JUDGE = "survey.judge"
    NIGHT_RUN = "night.run"
    BACKTEST_VIEW = "backtest.view"
    BACKTEST_RUN = "backtest.run"
    POLICY_DRAFT = "policy.draft"
    POLICY_ACTIVATE = "policy.activate"

    ORG_VIEW = "org.view"
    ORG_CHANGE = "org.change"
    USER_VIEW = "user.view"
    USER_ADD = "user.add"
    USER_CHANGE = "user.change"  # roles, sessions, and speaking for others
    USER_DELETE = "user.delete"
    TOKEN_OWN = "token.own"  # noqa: S105 - an action
    TOKEN_MANAGE = "token.manage"  # noqa: S105 - an action
    ACCESS_VIEW = "access.view"
    TRAIL_VIEW = "trail.view"
    PERSON_EXPORT = "person.export"
    PERSON_ERASE = "person.erase"
    WEBHOOK_CHANGE = "webhook.change"
    ADMIN_USE = "admin.use"

    @property
    def area(self) -> str:
        return self.value.partition(".")[0]

    @property
    def verb(self) -> str:
        return self.value.partition(".")[2]


COLUMNS = (Role.ADMINISTRATOR, Role.DIRECTOR, Role.MANAGER, Role.MEMBER, Role.ANALYST)
# One row an action, one mark a role in the order of COLUMNS: + may, - may not.
ROWS: Mapping[Action, str] = {
    Action.ACCOUNT_VIEW: "+ + + + +",
    Action.ACCOUNT_ADD: "+ + + - -",
    Action.ACCOUNT_CHANGE: "+ + + - -",
    Action.ACCOUNT_DELETE: "+ - - - -",
    Action.PERSONAL_VIEW: "+ + + + -",
    # The team shares contract profit as a target (domain.md 5.4); analysts need it given by name.
    Action.MARGIN_VIEW: "+ + + + -",
    Action.REFERENCE_VIEW: "+ + + + +",
    Action.DATA_EXPORT: "+ + + + +",
    Action.SIMULATION_USE: "+ + + + +",
    Action.SELF_USE: "+ + + + +",
    Action.GROUP_CHANGE: "+ + - - -",
    Action.TEAM_ADD: "+ + + - -",
    Action.TEAM_CHANGE: "+ + + - -",
    Action.TEAM_DELETE: "+ + + - -",
    Action.TEAM_REASSIGN: "+ + + - -",
    Action.TEAMRULE_CHANGE: "+ + - - -",
    Action.TASK_WRITE: "+ + + + -",
    Action.CONTACT_ADD: "+ + + + -",
    Action.CONTACT_CHANGE: "+ + + + -",
    Action.CONTACT_DELETE: "+ + + - -",
    Action.RELATION_CHANGE: "+ + + + -",
    Action.COURTESY_APPROVE: "+ + + - -",
    Action.CONTRACT_ADD: "+ + + - -",
    Action.CONTRACT_CHANGE: "+ + + - -",
    Action.CONTRACT_DELETE: "+ + - - -",
    Action.MILESTONE_ADD: "+ + + - -",
    Action.MILESTONE_CHANGE: "+ + + - -",
    Action.MILESTONE_DELETE: "+ + - - -",
    Action.RATING_ADD: "+ + + + -",
    Action.RATING_CHANGE: "+ + + - -",
    Action.RATING_DELETE: "+ + - - -",
    Action.WALLET_ADD: "+ + + + -",
    Action.WALLET_CHANGE: "+ + + - -",
    Action.WALLET_DELETE: "+ + - - -",
    Action.NOTE_WRITE: "+ + + + -",
    Action.REPORT_KEEP: "+ + + + -",
    Action.REPORT_WITHDRAW: "+ + - - -",
    Action.INTERACTION_ADD: "+ + + + -",
    Action.INTERACTION_CHANGE: "+ + + - -",
    Action.INTERACTION_DELETE: "+ + + - -",
    Action.REQUEST_HANDLE: "+ + + + -",
    Action.SPONSOR_ADD: "+ + + - -",
    Action.SPONSOR_CHANGE: "+ + + - -",
    Action.DISCOUNT_ADD: "+ + + - -",
    Action.DISCOUNT_APPROVE: "+ + + - -",
    Action.PLAN_WRITE: "+ + + + -",
    Action.PLAN_APPROVE: "+ + + - -",
    Action.REVENUE_ADD: "+ + - - -",
    Action.REVENUE_IMPORT: "+ + - - -",
    Action.BATCH_WITHDRAW: "+ + - - -",
    Action.RECEIVABLE_ADD: "+ + - - -",
    Action.RECEIVABLE_CHANGE: "+ + - - -",
    Action.RECEIVABLE_DELETE: "+ - - - -",
    Action.PAYMENT_ADD: "+ + - - -",
    Action.PAYMENT_CHANGE: "+ + - - -",
    Action.PAYMENT_DELETE: "+ - - - -",
    Action.EFFORT_ADD: "+ + - - -",
    Action.EFFORT_CHANGE: "+ + - - -",
    Action.EFFORT_DELETE: "+ - - - -",
    Action.PRODUCT_ADD: "+ + - - -",
    Action.PRODUCT_CHANGE: "+ + - - -",
    Action.PRODUCT_DELETE: "+ - - - -",
    Action.RATE_ADD: "+ + - - -",
    Action.RATE_CHANGE: "+ + - - -",
    Action.RATE_DELETE: "+ - - - -",
    Action.CALENDAR_ADD: "+ - - - -",
    Action.CALENDAR_CHANGE: "+ - - - -",
    Action.ANCHOR_CHANGE: "+ - - - -",
    Action.OVERRIDE_REQUEST: "+ + + + -",
    Action.OVERRIDE_APPROVE: "+ + - - -",
    Action.PROBLEM_DECIDE: "+ + - - -",
    Action.BAND_DECIDE: "+ + - - -",
    Action.MODEL_DRAFT: "+ + - - -",
    Action.MODEL_CHANGE: "+ + - - -",
    Action.MODEL_ACTIVATE: "+ + - - -",
    Action.SURVEY_START: "+ + - - -",
    Action.SURVEY_JUDGE: "+ + - - -",
    Action.NIGHT_RUN: "+ + - - -",
    Action.BACKTEST_VIEW: "+ + - - -",
    Action.BACKTEST_RUN: "+ + - - -",
    Action.POLICY_DRAFT: "+ + - - -",
    Action.POLICY_ACTIVATE: "+ + - - -",
    Action.ORG_VIEW: "+ + + + +",
    Action.ORG_CHANGE: "+ - - - -",
    Action.USER_VIEW: "+ - - - -",
    Action.USER_ADD: "+ - - - -",
    Action.USER_CHANGE: "+ - - - -",
    Action.USER_DELETE: "+ - - - -",
    Action.TOKEN_OWN: "+ + + + +",
    Action.TOKEN_MANAGE: "+ - - - -",
    Action.ACCESS_VIEW: "+ - - - -",
    Action.TRAIL_VIEW: "+ + - - -",
    Action.PERSON_EXPORT: "+ - - - -",
    Action.PERSON_ERASE: "+ - - - -",
    Action.WEBHOOK_CHANGE: "+ - - - -",
    # The back office is for whom an administrator makes staff; the role alone opens it to administrators.
    Action.ADMIN_USE: "+ - - - -",
}

# What no token may carry: whoever holds one could make more of them, or lift the rights of its user.
NOT_BY_TOKEN = frozenset({Action.TOKEN_OWN, Action.TOKEN_MANAGE, Action.ADMIN_USE, Action.SELF_USE})
TOKEN_SCOPES: tuple[Action, ...] = tuple(action for action in Action if action not in NOT_BY_TOKEN)
VIEWS = frozenset(action for action in Action if action.verb == "view" or action is Action.DATA_EXPORT)
READ_SCOPES: tuple[Action, ...] = tuple(action for action in TOKEN_SCOPES if action in VIEWS)


def _crud(area: str, model: str, *verbs: str) -> dict[str, Action]:
    """Django's own permissions of a model, for those verbs that are actions of the area."""
    app, name = model.split(".")
    return {f"{app}.{verb}_{name}": Action(f"{area}.{verb}") for verb in verbs or ("add", "change", "delete")}


# Which Django permission stands for which action: the role answers ``has_perm`` through it, and an explicit permission
# adds its action to what the role allows. A permission that is absent here is for administrators, or explicit.
PERMISSIONS: Mapping[str, Action] = {
    **_crud("account", "accounts.account"),
    "accounts.view_personal_data": Action.PERSONAL_VIEW,
    "accounts.view_margin": Action.MARGIN_VIEW,
    **_crud("group", "accounts.groupmembership", "change"),
    "accounts.change_accountlink": Action.RELATION_CHANGE,
    **_crud("team", "accounts.teammember"),
    "plans.add_reassignment": Action.TEAM_REASSIGN,
    "plans.change_teamrule": Action.TEAMRULE_CHANGE,
    "plans.change_task": Action.TASK_WRITE,
    **_crud("contact", "accounts.contact"),
    "accounts.change_buyingcentre": Action.RELATION_CHANGE,
    "accounts.approve_courtesy": Action.COURTESY_APPROVE,
    **_crud("contract", "accounts.contract"),
    **_crud("milestone", "accounts.contractmilestone"),
    **_crud("rating", "accounts.rating"),
    **_crud("wallet", "accounts.walletestimate"),
    "metrics.add_growthnote": Action.NOTE_WRITE,
    "metrics.add_reportedfigure": Action.REPORT_KEEP,
    "metrics.withdraw_reportedfigure": Action.REPORT_WITHDRAW,
    **_crud("interaction", "service.interaction"),
    "service.change_servicerequest": Action.REQUEST_HANDLE,
    **_crud("sponsor", "service.sponsor", "add", "change"),
    "service.add_discount": Action.DISCOUNT_ADD,
    "service.approve_discount": Action.DISCOUNT_APPROVE,
    "plans.change_accountplan": Action.PLAN_WRITE,
    "plans.approve_accountplan": Action.PLAN_APPROVE,
    "accounts.add_revenuerecord": Action.REVENUE_ADD,
    "accounts.import_revenue": Action.REVENUE_IMPORT,
    "accounts.withdraw_batch": Action.BATCH_WITHDRAW,
    **_crud("receivable", "accounts.receivable"),
    **_crud("payment", "accounts.receivablepayment"),
    **_crud("effort", "accounts.marketeffort"),
    **_crud("product", "accounts.product"),
    **_crud("rate", "accounts.exchangerate"),
    **_crud("calendar", "accounts.fiscalcalendar", "add", "change"),
    **_crud("anchor", "accounts.ratinganchor", "change"),
    "tiering.add_override": Action.OVERRIDE_REQUEST,
    "tiering.approve_override": Action.OVERRIDE_APPROVE,
    "tiering.decide_problem": Action.PROBLEM_DECIDE,
    "tiering.add_banddecision": Action.BAND_DECIDE,
    "tiering.add_scoringmodel": Action.MODEL_DRAFT,
    "tiering.change_scoringmodel": Action.MODEL_CHANGE,
    "tiering.activate_model": Action.MODEL_ACTIVATE,
    "tiering.add_weightsurvey": Action.SURVEY_START,
    "tiering.judge_weights": Action.SURVEY_JUDGE,
    "tiering.retier": Action.NIGHT_RUN,
    "tiering.view_backtestrun": Action.BACKTEST_VIEW,
    "tiering.add_backtestrun": Action.BACKTEST_RUN,
    "plans.add_policyversion": Action.POLICY_DRAFT,
    "plans.activate_policy": Action.POLICY_ACTIVATE,
    **{
        f"plans.{verb}_{model}": Action.CALENDAR_CHANGE
        for verb in ("add", "change", "delete")
        for model in ("businesshours", "businessday")
    },
    **_crud("user", "accounts.user"),
    **{f"accounts.{verb}_orgunit": Action.ORG_CHANGE for verb in ("add", "change", "delete")},
    "crm.change_webhookendpoint": Action.WEBHOOK_CHANGE,
    "accounts.view_user": Action.USER_VIEW,
    "crm.view_trailentry": Action.TRAIL_VIEW,
    "crm.export_person": Action.PERSON_EXPORT,
    "crm.erase_person": Action.PERSON_ERASE,
}


# Seeing every account is no action but a reach; explicit, it widens the reach of whoever holds it.
VIEW_ALL = "accounts.view_all_accounts"


class Table:
    """The rows as sets, checked when the module is read: every action, every role, a mark in each cell."""

    def __init__(self, rows: Mapping[Action, str]) -> None:
        if missing := sorted(set(Action) - set(rows)):
            raise ValueError(f"no row for {', '.join(missing)}")
        self._allowed: dict[Role, frozenset[Action]] = {}
        for place, role in enumerate(COLUMNS):
            self._allowed[role] = frozenset(action for action, marks in rows.items() if _mark(action, marks, place))

    def of(self, role: Role) -> frozenset[Action]:
        return self._allowed[role]


def _mark(action: Action, marks: str, place: int) -> bool:
    cells = marks.split(" ")
    if len(cells) != len(COLUMNS) or not set(cells) <= {"+", "-"}:
        raise ValueError(f"{action}: one + or - a role, {len(COLUMNS)} in all")
    return cells[place] == "+"


TABLE = Table(ROWS)
if set(COLUMNS) != set(Role) or set(REACH) != set(Role):  # pragma: no cover - a mistake in this file
    raise ValueError("every role has a column and a reach")


def in_scopes(action: Action | None, scopes: Collection[str] | None) -> bool:
    """Whether a token with these scopes lets the action pass; None: no token, everything passes."""
    return scopes is None or (action is not None and action not in NOT_BY_TOKEN and action in scopes)


def action_of(permission: str) -> Action | None:
    """The action that a Django permission stands for; None: administrators only, or explicit."""
    return Action.ACCOUNT_VIEW if permission == VIEW_ALL else PERMISSIONS.get(permission)


def permissions_for(action: Action) -> tuple[str, ...]:
    """The explicit permissions that add the action to what a role allows."""
    return tuple(permission for permission, one in PERMISSIONS.items() if one is action)


def role_holds(role: Role, permission: str) -> bool:
    """What the role answers where somebody asks for a Django permission."""
    if role is Role.ADMINISTRATOR:
        return True
    if permission == VIEW_ALL:
        return REACH[role] is Reach.ALL
    return PERMISSIONS.get(permission) in TABLE.of(role)


def roles_holding(permission: str) -> frozenset[Role]:
    return frozenset(role for role in Role if role_holds(role, permission))


def permissions_of(role: Role) -> frozenset[str]:
    """The Django permissions that the role answers for by name."""
    return frozenset(permission for permission in (*PERMISSIONS, VIEW_ALL) if role_holds(role, permission))


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    """Those that no token may carry, sorted; empty where all are good."""
    return sorted(set(scopes) - set(TOKEN_SCOPES))
