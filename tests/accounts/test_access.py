"""The table of rights, every role and every action spelled out once more, and what a token leaves of them."""

import pytest
from django.contrib.auth.models import Permission

from accounts.access import (
    COLUMNS,
    NOT_BY_TOKEN,
    PERMISSIONS,
    REACH,
    READ_SCOPES,
    ROWS,
    TABLE,
    TOKEN_SCOPES,
    VIEW_ALL,
    Action,
    Reach,
    Role,
    Table,
    action_of,
    in_scopes,
    permissions_for,
    permissions_of,
    role_holds,
    roles_holding,
    unknown_scopes,
)
from accounts.backends import holders_of
from accounts.enums import UserRole
from accounts.models import User
from tests.api.conftest import allow
from tests.factories import make_superuser, make_user

# What each role may do beyond the one to its right in this list; written by hand, so that a slip in the table shows.
ANALYST = "account.view reference.view data.export simulation.use self.use org.view token.own"
MEMBER = """personal.view margin.view contact.add contact.change relation.change rating.add wallet.add
    note.write report.keep interaction.add request.handle plan.write override.request task.write"""
MANAGER = """rating.change wallet.change account.add account.change team.add team.change team.delete contact.delete contract.add contract.change
    milestone.add milestone.change interaction.change interaction.delete sponsor.add sponsor.change discount.add
    discount.approve courtesy.approve plan.approve team.reassign"""
DIRECTOR = """group.change contract.delete milestone.delete rating.delete wallet.delete report.withdraw revenue.add
    revenue.import batch.withdraw receivable.add receivable.change payment.add payment.change effort.add effort.change
    product.add product.change rate.add rate.change override.approve problem.decide band.decide model.draft model.change
    model.activate survey.start survey.judge night.run backtest.view backtest.run policy.draft policy.activate
    trail.view teamrule.change"""
ADMINISTRATOR = """account.delete receivable.delete payment.delete effort.delete product.delete rate.delete calendar.add
    calendar.change anchor.change org.change user.view user.add user.change user.delete token.manage access.view
    person.export person.erase webhook.change admin.use"""
LADDER = {
    Role.ANALYST: ANALYST,
    Role.MEMBER: MEMBER,
    Role.MANAGER: MANAGER,
    Role.DIRECTOR: DIRECTOR,
    Role.ADMINISTRATOR: ADMINISTRATOR,
}


def test_the_table_says_what_is_written_down_here():
    expected: set[str] = set()
    for role, more in LADDER.items():
        assert not expected & set(more.split())
        expected |= set(more.split())
        assert set(map(str, TABLE.of(role))) == expected, role
    assert expected == set(map(str, Action))


def test_reach_of_the_roles():
    assert dict(REACH) == {
        Role.ADMINISTRATOR: Reach.ALL,
        Role.DIRECTOR: Reach.ALL,
        Role.MANAGER: Reach.SUBTREE,
        Role.MEMBER: Reach.OWN,
        Role.ANALYST: Reach.ALL,
    }
    assert (
        [str(role) for role in COLUMNS]
        == UserRole.values
        == ["administrator", "director", "manager", "member", "analyst"]
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({key: marks for key, marks in ROWS.items() if key is not Action.TEAM_ADD}, "no row for team.add"),
        ({**ROWS, Action.TEAM_ADD: "+ + + -"}, "team.add: one"),
        ({**ROWS, Action.TEAM_ADD: "+ + + - - -"}, "team.add: one"),
        ({**ROWS, Action.TEAM_ADD: "+ + + -  "}, "team.add: one"),
        ({**ROWS, Action.TEAM_ADD: "+ + + - ?"}, "team.add: one"),
    ],
)
def test_a_blank_in_the_table_stops_the_start(rows, words):
    with pytest.raises(ValueError, match=words):
        Table(rows)


def test_areas_and_verbs():
    assert (Action.PERSON_ERASE.area, Action.PERSON_ERASE.verb) == ("person", "erase")


def test_a_token_carries_scopes_but_never_rights_over_tokens_and_log_ins():
    assert {str(one) for one in NOT_BY_TOKEN} == {"token.own", "token.manage", "admin.use", "self.use"}
    assert set(TOKEN_SCOPES) == set(Action) - NOT_BY_TOKEN
    assert [str(one) for one in READ_SCOPES] == [
        "account.view", "personal.view", "margin.view", "reference.view", "data.export", "backtest.view", "org.view",
        "user.view", "access.view", "trail.view",
    ]  # fmt: skip
    assert VIEW_ALL == "accounts.view_all_accounts"
    assert [one.value for one in Reach] == ["all", "subtree", "own"]
    assert unknown_scopes(["team.add", "token.own", "nonsense", "account.view", "nonsense"]) == [
        "nonsense",
        "token.own",
    ]


def test_scopes_leave_out_what_they_do_not_name():
    assert in_scopes(Action.TEAM_ADD, None)
    assert in_scopes(Action.TEAM_ADD, {"team.add"})
    assert not in_scopes(Action.TEAM_ADD, set())
    assert not in_scopes(Action.TEAM_ADD, {"team.change"})
    assert not in_scopes(Action.TOKEN_OWN, {"token.own"})
    assert in_scopes(None, None)
    assert not in_scopes(None, set(Action))


# Which Django permission stands for which action, written down a second time.
STANDS_FOR = """
    accounts.add_account=account.add accounts.change_account=account.change accounts.delete_account=account.delete
    accounts.view_personal_data=personal.view accounts.view_margin=margin.view
    accounts.change_groupmembership=group.change accounts.change_accountlink=relation.change
    accounts.add_teammember=team.add accounts.change_teammember=team.change accounts.delete_teammember=team.delete
    plans.add_reassignment=team.reassign plans.change_teamrule=teamrule.change plans.change_task=task.write
    accounts.add_contact=contact.add accounts.change_contact=contact.change accounts.delete_contact=contact.delete
    accounts.change_buyingcentre=relation.change accounts.approve_courtesy=courtesy.approve
    accounts.add_contract=contract.add accounts.change_contract=contract.change
    accounts.delete_contract=contract.delete accounts.add_contractmilestone=milestone.add
    accounts.change_contractmilestone=milestone.change accounts.delete_contractmilestone=milestone.delete
    accounts.add_rating=rating.add accounts.change_rating=rating.change accounts.delete_rating=rating.delete
    accounts.add_walletestimate=wallet.add accounts.change_walletestimate=wallet.change
    accounts.delete_walletestimate=wallet.delete metrics.add_growthnote=note.write
    metrics.add_reportedfigure=report.keep metrics.withdraw_reportedfigure=report.withdraw
    service.add_interaction=interaction.add service.change_interaction=interaction.change
    service.delete_interaction=interaction.delete service.change_servicerequest=request.handle
    service.add_sponsor=sponsor.add service.change_sponsor=sponsor.change service.add_discount=discount.add
    service.approve_discount=discount.approve plans.change_accountplan=plan.write
    plans.approve_accountplan=plan.approve accounts.add_revenuerecord=revenue.add
    accounts.import_revenue=revenue.import accounts.withdraw_batch=batch.withdraw
    accounts.add_receivable=receivable.add accounts.change_receivable=receivable.change
    accounts.delete_receivable=receivable.delete accounts.add_receivablepayment=payment.add
    accounts.change_receivablepayment=payment.change accounts.delete_receivablepayment=payment.delete
    accounts.add_marketeffort=effort.add accounts.change_marketeffort=effort.change
    accounts.delete_marketeffort=effort.delete accounts.add_product=product.add
    accounts.change_product=product.change accounts.delete_product=product.delete
    accounts.add_exchangerate=rate.add accounts.change_exchangerate=rate.change
    accounts.delete_exchangerate=rate.delete accounts.add_fiscalcalendar=calendar.add
    accounts.change_fiscalcalendar=calendar.change accounts.change_ratinganchor=anchor.change
    tiering.add_override=override.request tiering.approve_override=override.approve
    tiering.decide_problem=problem.decide tiering.add_banddecision=band.decide
    tiering.add_scoringmodel=model.draft tiering.change_scoringmodel=model.change
    tiering.activate_model=model.activate tiering.add_weightsurvey=survey.start tiering.judge_weights=survey.judge
    tiering.retier=night.run tiering.view_backtestrun=backtest.view tiering.add_backtestrun=backtest.run
    plans.add_policyversion=policy.draft plans.activate_policy=policy.activate
    plans.add_businesshours=calendar.change plans.add_businessday=calendar.change
    plans.change_businesshours=calendar.change plans.change_businessday=calendar.change
    plans.delete_businesshours=calendar.change plans.delete_businessday=calendar.change accounts.add_user=user.add
    accounts.change_user=user.change accounts.delete_user=user.delete accounts.add_orgunit=org.change
    accounts.change_orgunit=org.change accounts.delete_orgunit=org.change
    crm.change_webhookendpoint=webhook.change accounts.view_user=user.view crm.view_trailentry=trail.view
    crm.export_person=person.export crm.erase_person=person.erase
"""


def test_no_permission_stands_for_another_action():
    assert {name: str(action) for name, action in PERMISSIONS.items()} == dict(
        one.split("=") for one in STANDS_FOR.split()
    )


def test_permissions_stand_for_actions():
    assert action_of("accounts.delete_teammember") is Action.TEAM_DELETE
    assert action_of(VIEW_ALL) is Action.ACCOUNT_VIEW
    assert action_of("auth.add_group") is None
    assert permissions_for(Action.RATE_ADD) == ("accounts.add_exchangerate",)
    assert permissions_for(Action.SELF_USE) == ()
    assert role_holds(Role.MEMBER, "accounts.change_contact")
    assert not role_holds(Role.MEMBER, "accounts.delete_contact")
    assert not role_holds(Role.DIRECTOR, "auth.add_group")
    assert role_holds(Role.ADMINISTRATOR, "auth.add_group")
    assert [role for role in COLUMNS if role_holds(role, VIEW_ALL)] == [Role.ADMINISTRATOR, Role.DIRECTOR, Role.ANALYST]
    assert roles_holding("plans.approve_accountplan") == {Role.ADMINISTRATOR, Role.DIRECTOR, Role.MANAGER}
    assert permissions_of(Role.ANALYST) == {VIEW_ALL}
    assert permissions_of(Role.ADMINISTRATOR) == {*PERMISSIONS, VIEW_ALL}


def test_every_permission_of_the_table_exists(db):
    known = {
        f"{one.content_type.app_label}.{one.codename}" for one in Permission.objects.select_related("content_type")
    }
    assert {*PERMISSIONS, VIEW_ALL} <= known


def test_a_user_may_what_the_role_allows_and_what_is_given_by_name(db):
    analyst = allow(make_user(role="analyst"), "accounts.change_contact", "auth.view_group")
    assert analyst.may(Action.ACCOUNT_VIEW)
    assert analyst.may(Action.CONTACT_CHANGE)
    assert not analyst.may(Action.CONTACT_ADD)
    assert analyst.has_perm("accounts.change_contact")
    assert analyst.has_perm("auth.view_group")
    assert not analyst.has_perm("accounts.add_contact")
    assert analyst.get_all_permissions() == {"accounts.change_contact", "auth.view_group", VIEW_ALL}
    assert analyst.has_module_perms("accounts")
    assert not analyst.has_module_perms("tiering")
    assert make_user().has_module_perms("tiering")

    analyst.is_active = False
    assert not analyst.may(Action.ACCOUNT_VIEW)
    assert not analyst.has_perm("accounts.change_contact")
    assert analyst.get_all_permissions() == set()


def test_a_superuser_is_an_administrator_and_so_is_who_has_the_role(db):
    for user in (make_superuser(), make_user(role="administrator")):
        assert user.effective_role is Role.ADMINISTRATOR
        assert all(map(user.may, Action))
        assert user.has_perm("auth.add_group")
    assert User.objects.create_superuser("root", password="a-long-Passw0rd").role == "administrator"


@pytest.mark.parametrize("make", [make_superuser, lambda: make_user(role="administrator")])
def test_scopes_bind_administrators_too(db, make):
    user = make()
    user.scopes = frozenset({"account.view", "rate.add"})
    assert [action for action in Action if user.may(action)] == [Action.ACCOUNT_VIEW, Action.RATE_ADD]
    assert user.has_perm("accounts.add_exchangerate")
    assert user.has_perm(VIEW_ALL)
    assert not user.has_perm("accounts.change_exchangerate")
    assert not user.has_perm("auth.add_group")


def test_holders_are_found_by_role_by_name_and_never_switched_off(db):
    by_role, by_name = make_user(role="manager"), allow(make_user(), "plans.approve_accountplan")
    root, gone, other = make_superuser(), make_user(role="manager", is_active=False), make_user()
    found = set(holders_of("plans.approve_accountplan"))
    assert {by_role, by_name, root} <= found
    assert not found & {gone, other}
