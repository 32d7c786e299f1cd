"""The group tab: who sees what of it, from either end, and moving a company."""

from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.groups import change_parent, stays_of
from accounts.models import Account
from crm.groups import group_view
from crm.lib.periods import Period
from tests.factories import make_account, make_superuser, make_team_member, make_user, post_revenue

YEAR = Period(date(2024, 1, 1), date(2025, 1, 1), "2024")
ON = date(2024, 12, 31)


def may_change(user):
    user.user_permissions.add(Permission.objects.get(codename="change_groupmembership"))
    return user


@pytest.fixture
def family(db):
    """A root of an owner with three subsidiaries, of which the owner may open the first."""
    owner = make_user()
    root = make_account(name="Root Holding", owner=owner)
    children = [make_account(name=f"Sub {number}", parent=root) for number in range(3)]
    Account.objects.filter(pk=children[0].pk).update(owner=owner)
    below = make_account(name="Deep", parent=children[0], owner=owner)
    post_revenue(
        [
            {"account": account, "booked_on": date(2024, 5, 1), "amount": Decimal(amount), "reference": f"G{amount}"}
            for account, amount in ((root, 1), (children[0], 20), (below, 40), (children[1], 300), (children[2], 5000))
        ]
    )
    return owner, root, children, below


def test_analyst_sees_no_gross_profit(client, family):
    _owner, root, _children, _below = family
    analyst = make_user(role="analyst")

    html = page(client, analyst, root).content.decode()

    assert "Gross profit" not in html
    assert "5.36k" in html


def page(client, user, account, **query):
    client.force_login(user)
    return client.get(reverse("accounts:group", args=[account.pk]), {"period": "2024", **query})


def test_reader_sees_the_total_and_the_hidden_together(client, family):
    owner, root, children, _below = family

    response = page(client, owner, root)
    view, html = response.context["view"], response.content.decode()

    assert (view.total.figures.revenue, view.own.figures.revenue) == (5361, 1)
    assert [(line.account["name"], line.figures.revenue) for line in view.lines] == [("Sub 0", 60)]
    assert (view.hidden, view.others.figures.revenue, view.others.figures.accounts) == (2, 5300, 2)
    assert "2 others you may not open" in html
    assert children[1].name not in html
    assert children[2].code not in html


def test_single_hidden_company_is_not_broken_out(client, family):
    owner, root, children, _below = family
    Account.objects.filter(pk=children[1].pk).update(owner=owner)

    response = page(client, owner, root)
    view, html = response.context["view"], response.content.decode()

    assert (view.hidden, view.others, view.total.figures.revenue) == (1, None, 5361)
    assert "One more that you may not open" in html
    assert "5.00k" not in html
    assert children[2].name not in html


def test_owner_teammate_stranger_and_manager(client, family):
    _owner, root, children, below = family
    teammate = make_team_member(account=children[0]).user

    assert page(client, teammate, root).status_code == 404
    mine = page(client, teammate, children[0])
    assert [line.account["pk"] for line in mine.context["view"].lines] == []
    assert (mine.context["view"].hidden, mine.context["view"].total.figures.revenue) == (1, 60)
    assert below.name not in mine.content.decode()
    assert page(client, make_user(), root).status_code == 404
    everything = page(client, make_superuser(), root).context["view"]
    assert ([line.figures.revenue for line in everything.lines], everything.hidden) == ([5000, 300, 60], 0)


def test_tree_is_seen_from_below_too(client, family):
    owner, root, children, below = family

    response = page(client, owner, below)
    html = response.content.decode()

    assert [(one.id, is_visible) for one, is_visible in response.context["path"]] == [
        (root.pk, True), (children[0].pk, True), (below.pk, True),
    ]  # fmt: skip
    assert reverse("accounts:group", args=[root.pk]) in html
    teammate = make_team_member(account=below).user
    html = page(client, teammate, below).content.decode()
    assert root.name in html  # the path is for everybody who may open the account
    assert reverse("accounts:group", args=[root.pk]) not in html


def test_branch_comes_as_a_fragment_and_leads_to_the_page_without_htmx(client, family):
    owner, _root, children, below = family
    client.force_login(owner)
    address = reverse("accounts:group_branch", args=[children[0].pk])

    fragment = client.get(address, {"period": "2024"}, headers={"HX-Request": "true"})
    assert below.name in fragment.content.decode()
    assert "<html" not in fragment.content.decode()
    assert client.get(address).status_code == 302
    hidden = reverse("accounts:group_branch", args=[children[1].pk])
    assert client.get(hidden, headers={"HX-Request": "true"}).status_code == 404


def test_wide_group_comes_in_pages(client, db):
    boss = make_superuser()
    root = make_account()
    Account.objects.bulk_create(
        Account(code=f"W{number:03}", name=f"Wide {number:03}", parent=root) for number in range(120)
    )

    html = page(client, boss, root).content.decode()
    assert html.count('class="group-line"') == 51
    assert "70 more" in html
    client.force_login(boss)
    more = client.get(
        reverse("accounts:group_branch", args=[root.pk]), {"page": 3}, headers={"HX-Request": "true"}
    ).content.decode()
    assert more.count('class="group-line"') == 20


def test_period_that_cannot_be_read_is_said(client, family):
    owner, root, _children, _below = family

    response = page(client, owner, root, period="soon")

    assert response.status_code == 200
    assert response.context["asked"].refusal in response.content.decode()


def test_company_moves_from_a_day_on(client, family):
    owner, root, children, _below = family
    may_change(owner)
    client.force_login(owner)
    other = make_account(name="Other", owner=owner)
    address = reverse("accounts:group_move", args=[children[0].pk])

    assert client.get(address).context["form"].initial["parent"] == root.code
    moved = client.post(address, {"parent": other.code, "since": "2024-03-01"})

    assert moved.status_code == 302
    assert [stay.parent_id for stay in stays_of(children[0])] == [root.pk, other.pk]
    html = page(client, owner, children[0]).content.decode()
    assert "1 Mar 2024" in html
    assert group_view(root, viewer=owner, period=YEAR, membership="as_was", as_of=ON).total.figures.revenue == 5301


@pytest.mark.parametrize(
    ("parent", "since", "says"),
    [
        ("below", "2024-01-01", "cannot contain itself"),
        ("itself", "", "cannot contain itself"),
        ("nobody", "", "no account with this code"),
        ("hidden", "", "no account with this code"),
        ("root", "2020-01-01", "in this group already"),
        ("root", "31.12.2024x", "Enter a valid date"),
        ("", "2023-01-01", "changed last on 2024-01-01"),
    ],
)
def test_move_that_cannot_be_is_refused_with_a_sentence(client, family, parent, since, says):
    owner, root, children, below = family
    may_change(owner)
    client.force_login(owner)
    codes = {
        "below": below.code,
        "itself": children[0].code,
        "nobody": "=cmd()",
        "hidden": children[1].code,
        "root": root.code,
    }
    if not parent:
        change_parent(account=children[0], parent=None, since=date(2024, 1, 1), by=None)
    before = stays_of(children[0])

    response = client.post(
        reverse("accounts:group_move", args=[children[0].pk]), {"parent": codes.get(parent, ""), "since": since}
    )

    assert response.status_code == 422
    assert says in response.content.decode()
    assert stays_of(Account.objects.get(pk=children[0].pk)) == before


def test_moving_needs_the_right_and_the_account(client, family):
    owner, _root, children, _below = family
    client.force_login(owner)
    assert client.post(reverse("accounts:group_move", args=[children[0].pk]), {"parent": ""}).status_code == 403
    may_change(owner)
    assert client.post(reverse("accounts:group_move", args=[children[1].pk]), {"parent": ""}).status_code == 404


def test_statements_of_the_page_do_not_grow(client, db):
    counts = []
    boss = make_superuser()
    for size in (1, 4):
        root = make_account()
        for _number in range(size):
            child = make_account(parent=root)
            for _below in range(size):
                post_revenue([{"account": make_account(parent=child)}])
        page(client, boss, root)
        with CaptureQueriesContext(connection) as captured:
            page(client, boss, root)
        counts.append(len(captured))

    assert counts[0] == counts[1]
