"""What each action is called on screen, in whole words, and in which order a person would look for it.

The actions and who may do them are ``accounts.access``'s; here are names alone.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.access import Action

# Headings with the areas (first halves of the actions' values) that stand below them.
SECTIONS: tuple[tuple[Promise, tuple[str, ...]], ...] = (
    (_("Accounts and figures"), ("account", "personal", "margin", "reference", "data", "simulation", "self")),
    (_("Groups, teams and tasks"), ("group", "team", "teamrule", "task")),
    (_("Contacts and relationships"), ("contact", "relation", "courtesy")),
    (_("Contracts, ratings and notes"), ("contract", "milestone", "rating", "wallet", "note", "report")),
    (_("Service and plans"), ("interaction", "request", "sponsor", "discount", "plan")),
    (
        _("Ledger and reference data"),
        ("revenue", "batch", "receivable", "payment", "effort", "product", "rate", "calendar", "anchor"),
    ),
    (
        _("Grades, models and policies"),
        ("override", "problem", "band", "model", "survey", "night", "backtest", "policy"),
    ),
    (_("People, access and administration"), ("org", "user", "token", "access", "trail", "person", "webhook", "admin")),
)

WORDS: Mapping[Action, Promise] = {
    Action.ACCOUNT_VIEW: _("See accounts with their team, contracts, revenue, interactions, grades and figures"),
    Action.ACCOUNT_ADD: _("Add accounts"),
    Action.ACCOUNT_CHANGE: _("Change accounts, and merge one into another"),
    Action.ACCOUNT_DELETE: _("Remove accounts"),
    Action.PERSONAL_VIEW: _("See phone, e-mail, notes and attitude of contacts"),
    Action.MARGIN_VIEW: _("See costs, margins and what is worked out from them"),
    Action.REFERENCE_VIEW: _("See products, exchange rates, scoring models, policies and nights"),
    Action.DATA_EXPORT: _("Export what one may see"),
    Action.SIMULATION_USE: _("Try scoring models out without changing anything"),
    Action.SELF_USE: _("Look after one's own password, language, saved views and columns"),
    Action.GROUP_CHANGE: _("Change which accounts form a group"),
    Action.TEAM_ADD: _("Put people on account teams"),
    Action.TEAM_CHANGE: _("Change seats and deputies of account teams"),
    Action.TEAM_DELETE: _("Take people off account teams"),
    Action.TEAM_REASSIGN: _("Give all that somebody holds to others, and back again"),
    Action.TEAMRULE_CHANGE: _("Set which seats each grade asks for, and its points"),
    Action.TASK_WRITE: _("Write, change and finish tasks"),
    Action.CONTACT_ADD: _("Add contacts"),
    Action.CONTACT_CHANGE: _("Change contacts"),
    Action.CONTACT_DELETE: _("Remove contacts"),
    Action.RELATION_CHANGE: _(
        "Keep buying centres, attitudes, levels, partnerships, courtesies and links between accounts"
    ),
    Action.COURTESY_APPROVE: _("Approve gifts and hospitality beyond the limits"),
    Action.CONTRACT_ADD: _("Add contracts"),
    Action.CONTRACT_CHANGE: _("Change contracts"),
    Action.CONTRACT_DELETE: _("Remove contracts"),
    Action.MILESTONE_ADD: _("Add milestones of contracts"),
    Action.MILESTONE_CHANGE: _("Change milestones of contracts"),
    Action.MILESTONE_DELETE: _("Remove milestones of contracts"),
    Action.RATING_ADD: _("Rate accounts"),
    Action.RATING_CHANGE: _("Change ratings"),
    Action.RATING_DELETE: _("Remove ratings"),
    Action.WALLET_ADD: _("Estimate the wallet of accounts"),
    Action.WALLET_CHANGE: _("Change wallet estimates"),
    Action.WALLET_DELETE: _("Remove wallet estimates"),
    Action.NOTE_WRITE: _("Write growth notes and reject suggestions"),
    Action.REPORT_KEEP: _("Keep figures as reported, and withdraw one's own"),
    Action.REPORT_WITHDRAW: _("Withdraw reported figures of others"),
    Action.INTERACTION_ADD: _("Log interactions, and change one's own"),
    Action.INTERACTION_CHANGE: _("Change interactions that others wrote down"),
    Action.INTERACTION_DELETE: _("Remove interactions that others wrote down"),
    Action.REQUEST_HANDLE: _("Open and handle service requests"),
    Action.SPONSOR_ADD: _("Name sponsors"),
    Action.SPONSOR_CHANGE: _("Change and end sponsors"),
    Action.DISCOUNT_ADD: _("Grant discounts within the limits"),
    Action.DISCOUNT_APPROVE: _("Approve discounts"),
    Action.PLAN_WRITE: _("Write account plans, remediation plans and their steps"),
    Action.PLAN_APPROVE: _("Approve account plans"),
    Action.REVENUE_ADD: _("Add revenue records"),
    Action.REVENUE_IMPORT: _("Import revenue from files"),
    Action.BATCH_WITHDRAW: _("Withdraw imported batches"),
    Action.RECEIVABLE_ADD: _("Add receivables"),
    Action.RECEIVABLE_CHANGE: _("Change receivables"),
    Action.RECEIVABLE_DELETE: _("Remove receivables"),
    Action.PAYMENT_ADD: _("Add payments of receivables"),
    Action.PAYMENT_CHANGE: _("Change payments of receivables"),
    Action.PAYMENT_DELETE: _("Remove payments of receivables"),
    Action.EFFORT_ADD: _("Add market efforts"),
    Action.EFFORT_CHANGE: _("Change market efforts"),
    Action.EFFORT_DELETE: _("Remove market efforts"),
    Action.PRODUCT_ADD: _("Add products"),
    Action.PRODUCT_CHANGE: _("Change products"),
    Action.PRODUCT_DELETE: _("Remove products"),
    Action.RATE_ADD: _("Add exchange rates"),
    Action.RATE_CHANGE: _("Change exchange rates"),
    Action.RATE_DELETE: _("Remove exchange rates"),
    Action.CALENDAR_ADD: _("Add fiscal calendars"),
    Action.CALENDAR_CHANGE: _("Change fiscal calendars, business hours and days off"),
    Action.ANCHOR_CHANGE: _("Change what each level of a rating means"),
    Action.OVERRIDE_REQUEST: _("Ask for an override of a grade"),
    Action.OVERRIDE_APPROVE: _("Approve, refuse and end overrides"),
    Action.PROBLEM_DECIDE: _("Decide whether an account becomes a problem"),
    Action.BAND_DECIDE: _("Decide about accounts of low value"),
    Action.MODEL_DRAFT: _("Draft scoring models and propose them"),
    Action.MODEL_CHANGE: _("Change drafts of scoring models"),
    Action.MODEL_ACTIVATE: _("Put scoring models in force"),
    Action.SURVEY_START: _("Start surveys of weights, invite to them and close them"),
    Action.SURVEY_JUDGE: _("Judge weights in any survey"),
    Action.NIGHT_RUN: _("Re-tier by hand"),
    Action.BACKTEST_VIEW: _("See backtests"),
    Action.BACKTEST_RUN: _("Run backtests"),
    Action.POLICY_DRAFT: _("Draft policies of the grades"),
    Action.POLICY_ACTIVATE: _("Put policies in force"),
    Action.ORG_VIEW: _("See the sales organisation, and this table"),
    Action.ORG_CHANGE: _("Change units, their heads and who is placed where"),
    Action.USER_VIEW: _("See the log-ins of others and the log of log-ins"),
    Action.USER_ADD: _("Invite people"),
    Action.USER_CHANGE: _("Change log-ins and roles, end sessions, and speak for others"),
    Action.USER_DELETE: _("Remove log-ins"),
    Action.TOKEN_OWN: _("Make and revoke one's own tokens"),
    Action.TOKEN_MANAGE: _("Look after the tokens of others"),
    Action.ACCESS_VIEW: _("See what somebody else may see, and why"),
    Action.TRAIL_VIEW: _("See the whole trail of changes"),
    Action.PERSON_EXPORT: _("Export everything that is kept about a person"),
    Action.PERSON_ERASE: _("Erase the personal data of a person"),
    Action.WEBHOOK_CHANGE: _("Look after webhooks"),
    Action.ADMIN_USE: _("Use the back office"),
}


def actions_of(areas: tuple[str, ...]) -> list[Action]:
    """The actions of these areas, in the order of the table."""
    return [action for area in areas for action in Action if action.area == area]


def in_sections(actions: Collection[Action]) -> list[tuple[Any, list[tuple[Action, Any]]]]:
    """These actions with their words below the headings, in the order of the table; headings without any left out."""
    found = [
        (title, [(action, WORDS[action]) for action in actions_of(areas) if action in actions])
        for title, areas in SECTIONS
    ]
    return [(title, lines) for title, lines in found if lines]
