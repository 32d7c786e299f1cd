"""The permissions the pages ask for, by name: one place for views, navigation and buttons."""

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts.models import User

IMPORT_REVENUE = "accounts.import_revenue"
WITHDRAW_BATCH = "accounts.withdraw_batch"
ADD_RATE, CHANGE_RATE = "accounts.add_exchangerate", "accounts.change_exchangerate"
RETIER = "tiering.retier"
REQUEST_OVERRIDE = "tiering.add_override"
APPROVE_OVERRIDE = "tiering.approve_override"
DECIDE_PROBLEM = "tiering.decide_problem"
DRAFT_MODEL = "tiering.add_scoringmodel"
ADD_BACKTEST, VIEW_BACKTEST = "tiering.add_backtestrun", "tiering.view_backtestrun"
DECIDE_BAND = "tiering.add_banddecision"
ACTIVATE_MODEL = "tiering.activate_model"
START_SURVEY = "tiering.add_weightsurvey"
ADD_EFFORTS = "accounts.add_marketeffort"
ADD_RECEIVABLES = ("accounts.add_receivable", "accounts.add_receivablepayment")
ADD_RATING, ADD_WALLET = "accounts.add_rating", "accounts.add_walletestimate"
SPEAK_FOR_OTHERS = "accounts.change_user"
DRAFT_POLICY = "plans.add_policyversion"
ACTIVATE_POLICY = "plans.activate_policy"
APPROVE_PLAN = "plans.approve_accountplan"
CHANGE_HOURS = ("plans.change_businesshours", "plans.change_businessday")
CHANGE_CONTACT = "accounts.change_contact"
ADD_ACCOUNT, CHANGE_ACCOUNT = "accounts.add_account", "accounts.change_account"
CHANGE_LINK = "accounts.change_accountlink"
CHANGE_GROUP = "accounts.change_groupmembership"
VIEW_MARGIN = "accounts.view_margin"
ADD_CONTACT, CHANGE_CONTACT = "accounts.add_contact", "accounts.change_contact"
CHANGE_RELATIONS, APPROVE_COURTESY = "accounts.change_buyingcentre", "accounts.approve_courtesy"
WRITE_PLAN = "plans.change_accountplan"
CHANGE_TEAM = "accounts.change_teammember"
REASSIGN, CHANGE_TEAM_RULES, WRITE_TASK = "plans.add_reassignment", "plans.change_teamrule", "plans.change_task"
CHANGE_INTERACTION, DELETE_INTERACTION = "service.change_interaction", "service.delete_interaction"
ADD_SPONSOR, CHANGE_SPONSOR = "service.add_sponsor", "service.change_sponsor"
ADD_DISCOUNT, APPROVE_DISCOUNT = "service.add_discount", "service.approve_discount"
CHANGE_WEBHOOK = "crm.change_webhookendpoint"

Reader = User | AnonymousUser


def may_import(user: Reader) -> bool:
    return user.has_perm(IMPORT_REVENUE)


def may_withdraw(user: Reader) -> bool:
    return user.has_perm(WITHDRAW_BATCH)


def may_add_efforts(user: Reader) -> bool:
    return user.has_perm(ADD_EFFORTS)


def may_add_rating(user: Reader) -> bool:
    return user.has_perm(ADD_RATING)


def may_add_wallet(user: Reader) -> bool:
    return user.has_perm(ADD_WALLET)


def require_add_rating(user: Reader) -> None:
    if not may_add_rating(user):
        raise PermissionDenied(_("Your log-in may not rate accounts. An administrator can give you that right."))


def require_add_wallet(user: Reader) -> None:
    if not may_add_wallet(user):
        raise PermissionDenied(_("Your log-in may not estimate wallets. An administrator can give you that right."))


def may_speak_for_others(user: Reader) -> bool:
    """Enter, change and remove what others said: for those who administer users."""
    return user.has_perm(SPEAK_FOR_OTHERS)


def may_retier(user: Reader) -> bool:
    return user.has_perm(RETIER)


def may_import_rates(user: Reader) -> bool:
    return user.has_perms((ADD_RATE, CHANGE_RATE))


def require_import_rates(user: Reader) -> None:
    """Raises PermissionDenied that says who can give the right."""
    if not may_import_rates(user):
        raise PermissionDenied(_("Your log-in may not add exchange rates. An administrator can give you that right."))


def may_request(user: Reader) -> bool:
    return user.has_perm(REQUEST_OVERRIDE)


def may_approve(user: Reader) -> bool:
    return user.has_perm(APPROVE_OVERRIDE)


def may_decide(user: Reader) -> bool:
    return user.has_perm(DECIDE_PROBLEM)


def require_import(user: Reader) -> None:
    """Raises PermissionDenied that says who can give the right."""
    if not may_import(user):
        raise PermissionDenied(_("Your log-in may not import revenue. An administrator can give you that right."))


def require_withdraw(user: Reader) -> None:
    if not may_withdraw(user):
        raise PermissionDenied(_("Your log-in may not withdraw a batch. An administrator can give you that right."))


def require_retier(user: Reader) -> None:
    if not may_retier(user):
        raise PermissionDenied(_("Your log-in may not start a re-tier. An administrator can give you that right."))


def require_request(user: Reader) -> None:
    if not may_request(user):
        raise PermissionDenied(
            _("Your log-in may not ask for another grade. An administrator can give you that right.")
        )


def require_approve(user: Reader) -> None:
    if not may_approve(user):
        raise PermissionDenied(_("Your log-in may not approve grades. An administrator can give you that right."))


def require_decide(user: Reader) -> None:
    if not may_decide(user):
        raise PermissionDenied(_("Your log-in may not decide on problems. An administrator can give you that right."))


def may_backtest(user: Reader) -> bool:
    return user.has_perm(ADD_BACKTEST)


def may_decide_band(user: Reader) -> bool:
    return user.has_perm(DECIDE_BAND)


def require_backtests(user: Reader) -> None:
    """A backtest is about every account, whoever looks at it."""
    if not user.has_perm(VIEW_BACKTEST):
        raise PermissionDenied(
            _(
                "A backtest counts every account. Your log-in may not look at them. An administrator can give you that right."
            )
        )


def require_new_backtest(user: Reader) -> None:
    if not may_backtest(user):
        raise PermissionDenied(_("Your log-in may not start a backtest. An administrator can give you that right."))


def require_decide_band(user: Reader) -> None:
    if not may_decide_band(user):
        raise PermissionDenied(
            _("Your log-in may not decide what becomes of customers. An administrator can give you that right.")
        )


def require_draft(user: Reader) -> None:
    if not may_draft(user):
        raise PermissionDenied(_("Your log-in may not make scoring models. An administrator can give you that right."))


def may_draft(user: Reader) -> bool:
    return user.has_perm(DRAFT_MODEL)


def may_activate(user: Reader) -> bool:
    return user.has_perm(ACTIVATE_MODEL)


def require_activate(user: Reader) -> None:
    if not may_activate(user):
        raise PermissionDenied(
            _("Your log-in may not decide on scoring models. An administrator can give you that right.")
        )


def may_start_survey(user: Reader) -> bool:
    return user.has_perm(START_SURVEY)


def require_start_survey(user: Reader) -> None:
    if not may_start_survey(user):
        raise PermissionDenied(
            _("Your log-in may not start surveys of weights. An administrator can give you that right.")
        )


def may_draft_policy(user: Reader) -> bool:
    return user.has_perm(DRAFT_POLICY)


def may_activate_policy(user: Reader) -> bool:
    return user.has_perm(ACTIVATE_POLICY)


def may_change_hours(user: Reader) -> bool:
    return user.has_perms(CHANGE_HOURS)


def require_change_hours(user: Reader) -> None:
    """Raises PermissionDenied that says who can give the right."""
    if not may_change_hours(user):
        raise PermissionDenied(
            _("Your log-in may not change business hours. An administrator can give you that right.")
        )


def may_approve_plans(user: Reader) -> bool:
    return user.has_perm(APPROVE_PLAN)


def require_draft_policy(user: Reader) -> None:
    """Raises PermissionDenied that says who can give the right."""
    if not may_draft_policy(user):
        raise PermissionDenied(_("Your log-in may not change policies. An administrator can give you that right."))


def require_activate_policy(user: Reader) -> None:
    if not may_activate_policy(user):
        raise PermissionDenied(
            _("Your log-in may not put policies into force. An administrator can give you that right.")
        )


def require_approve_plans(user: Reader) -> None:
    if not may_approve_plans(user):
        raise PermissionDenied(
            _("Your log-in may not approve account plans. An administrator can give you that right.")
        )


def require_change_contact(user: Reader) -> None:
    if not user.has_perm(CHANGE_CONTACT):
        raise PermissionDenied(_("Your log-in may not change contacts. An administrator can give you that right."))


def may_change_team(user: Reader) -> bool:
    return user.has_perm(CHANGE_TEAM)


def require_change_team(user: Reader) -> None:
    if not may_change_team(user):
        raise PermissionDenied(_("Your log-in may not change account teams. An administrator can give you that right."))


def may_change_link(user: Reader) -> bool:
    return user.has_perm(CHANGE_LINK)


def require_change_link(user: Reader) -> None:
    if not may_change_link(user):
        raise PermissionDenied(_("Your log-in may not link accounts. An administrator can give you that right."))


def require_add_account(user: Reader) -> None:
    if not user.has_perm(ADD_ACCOUNT):
        raise PermissionDenied(_("Your log-in may not add accounts. An administrator can give you that right."))


def may_change_group(user: Reader) -> bool:
    return user.has_perm(CHANGE_GROUP)


def require_change_group(user: Reader) -> None:
    if not may_change_group(user):
        raise PermissionDenied(_("Your log-in may not change groups. An administrator can give you that right."))


def may_reassign(user: Reader) -> bool:
    return user.has_perm(REASSIGN)


def require_reassign(user: Reader) -> None:
    if not may_reassign(user):
        raise PermissionDenied(
            _("Your log-in may not re-assign what others hold. An administrator can give you that right.")
        )


def may_change_team_rules(user: Reader) -> bool:
    return user.has_perm(CHANGE_TEAM_RULES)


def require_change_team_rules(user: Reader) -> None:
    if not may_change_team_rules(user):
        raise PermissionDenied(
            _("Your log-in may not change the rules for teams. An administrator can give you that right.")
        )


def require_write_task(user: Reader) -> None:
    if not user.has_perm(WRITE_TASK):
        raise PermissionDenied(_("Your log-in may not write tasks. An administrator can give you that right."))


def require_name_sponsor(user: Reader) -> None:
    if not user.has_perm(ADD_SPONSOR):
        raise PermissionDenied(_("Your log-in may not name sponsors. An administrator can give you that right."))


def require_end_sponsor(user: Reader) -> None:
    if not user.has_perm(CHANGE_SPONSOR):
        raise PermissionDenied(_("Your log-in may not end sponsorships. An administrator can give you that right."))


def require_grant_discount(user: Reader) -> None:
    if not user.has_perm(ADD_DISCOUNT):
        raise PermissionDenied(_("Your log-in may not grant discounts. An administrator can give you that right."))


def require_approve_discount(user: Reader) -> None:
    if not user.has_perm(APPROVE_DISCOUNT):
        raise PermissionDenied(_("Your log-in may not approve discounts. An administrator can give you that right."))


def may_correct(user: Reader, *, logged_by: int, right: str = CHANGE_INTERACTION) -> bool:
    """Whoever wrote an interaction down corrects it, and those with the right over others' words."""
    return user.pk == logged_by or user.has_perm(right)


def require_correct(user: Reader, *, logged_by: int, right: str = CHANGE_INTERACTION) -> None:
    if not may_correct(user, logged_by=logged_by, right=right):
        raise PermissionDenied(
            _("Somebody else wrote this down. They can change it, or an administrator can give you that right.")
        )


def require_add_contact(user: Reader) -> None:
    if not user.has_perm(ADD_CONTACT):
        raise PermissionDenied(_("Your log-in may not add contacts. An administrator can give you that right."))


def may_change_relations(user: Reader) -> bool:
    """Who decides, attitudes, levels, partnership, courtesies."""
    return user.has_perm(CHANGE_RELATIONS)


def require_change_relations(user: Reader) -> None:
    if not may_change_relations(user):
        raise PermissionDenied(
            _("Your log-in may not write down relationships. An administrator can give you that right.")
        )


def require_approve_courtesy(user: Reader) -> None:
    if not user.has_perm(APPROVE_COURTESY):
        raise PermissionDenied(_("Your log-in may not approve courtesies. An administrator can give you that right."))


def require_write_plan(user: Reader) -> None:
    if not user.has_perm(WRITE_PLAN):
        raise PermissionDenied(_("Your log-in may not write plans. An administrator can give you that right."))


def may_change_webhooks(user: Reader) -> bool:
    return user.has_perm(CHANGE_WEBHOOK)


def require_change_webhooks(user: Reader) -> None:
    if not may_change_webhooks(user):
        raise PermissionDenied(_("Your log-in may not look after webhooks. An administrator can give you that right."))
