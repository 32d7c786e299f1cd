from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account, Rating, RevenueRecord
from metrics.models import AccountFigures
from tests.factories import (
    make_account,
    make_batch,
    make_contact,
    make_contract,
    make_effort,
    make_rating,
    make_revenue,
    make_superuser,
    make_team_member,
    make_user,
    make_wallet_estimate,
)

MAKERS = {
    "account": lambda: make_account(owner=make_user(), parent=make_account()),
    "contact": make_contact,
    "teammember": make_team_member,
    "contract": make_contract,
    "marketeffort": lambda: make_effort(account=make_account()),
    "rating": make_rating,
    "walletestimate": make_wallet_estimate,
    "revenuerecord": make_revenue,
    "importbatch": lambda: make_batch(created_by=make_user()),
    "user": make_user,
}


@pytest.fixture
def admin_client(client, db):
    client.force_login(make_superuser(username="root"))
    return client


def staff_with(*codenames: str, **fields):
    user = make_user(is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def queries_of(client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_admin_list_query_count_does_not_grow(admin_client, name):
    url = reverse(f"admin:accounts_{name}_changelist")
    MAKERS[name]()
    admin_client.get(url)  # content types and the like are looked up once
    with_one = queries_of(admin_client, url)

    for _ in range(3):
        MAKERS[name]()

    assert queries_of(admin_client, url) <= with_one


def test_account_page_query_count_does_not_grow_with_its_tabs(admin_client):
    account = make_account(owner=make_user())
    url = reverse("admin:accounts_account_change", args=[account.pk])

    def add(first_year: int) -> None:
        make_contact(account=account)
        make_contract(account=account)
        make_rating(account=account)
        make_wallet_estimate(account=account)
        make_team_member(account=account, valid_from=date(first_year, 1, 1), valid_to=date(first_year + 1, 1, 1))

    add(2001)
    admin_client.get(url)
    with_one = queries_of(admin_client, url)
    for year in (2003, 2005, 2007):
        add(year)

    assert queries_of(admin_client, url) == with_one


def test_account_is_found_by_pinyin_and_initials(admin_client):
    make_account(name="宁德时代新能源", code="N1")
    make_account(name="Other", code="O1")

    pages = [
        admin_client.get(reverse("admin:accounts_account_changelist"), {"q": text}).content.decode()
        for text in ("时代", "ningde", "ndsd")
    ]

    assert [("宁德时代新能源" in page, ">Other<" in page) for page in pages] == [(True, False)] * 3


def test_account_edited_in_the_admin_keeps_its_search_text(admin_client):
    account = make_account(name="Old name", code="X1")
    url = reverse("admin:accounts_account_change", args=[account.pk])
    form = {"code": "X1", "name": "瀚川集团", "status": "active", "_save": "1"}
    for prefix in ("contacts", "team_members", "contracts", "ratings", "wallet_estimates"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}

    response = admin_client.post(url, form)

    assert response.status_code == 302
    assert list(Account.objects.search("hanchuan")) == [account]


def test_ledger_can_be_looked_at_and_nothing_else(admin_client):
    record = make_revenue()
    change = reverse("admin:accounts_revenuerecord_change", args=[record.pk])

    answers = [
        admin_client.get(reverse("admin:accounts_revenuerecord_changelist")).status_code,
        admin_client.get(change).status_code,
        admin_client.post(change, {"amount": "1"}).status_code,
        admin_client.post(
            reverse("admin:accounts_revenuerecord_delete", args=[record.pk]), {"post": "yes"}
        ).status_code,
        admin_client.get(reverse("admin:accounts_revenuerecord_add")).status_code,
    ]

    assert answers == [200, 200, 403, 403, 403]
    assert RevenueRecord.objects.get() == record


def test_ledger_shows_withdrawn_rows_and_filters_them(admin_client):
    record = make_revenue(reference="GONE-1")
    RevenueRecord.all_objects.filter(pk=record.pk).update(withdrawn_at="2024-02-01T00:00Z")
    make_revenue(reference="HERE-1")
    url = reverse("admin:accounts_revenuerecord_changelist")

    pages = [admin_client.get(url, query).content.decode() for query in ({}, {"withdrawn": "0"}, {"withdrawn": "1"})]

    assert [("GONE-1" in page, "HERE-1" in page) for page in pages] == [(True, True), (False, True), (True, False)]


def test_batches_are_read_only(admin_client):
    batch = make_batch(mapping={"columns": {"amount": "total"}}, reasons={"no_account": 3})
    url = reverse("admin:accounts_importbatch_change", args=[batch.pk])

    page = admin_client.get(url).content.decode()

    assert "no_account: 3" in page
    assert admin_client.post(url, {"state": "draft"}).status_code == 403


def test_staff_sees_visible_accounts_only(client, db):
    staff = staff_with("view_account", "view_rating", "view_revenuerecord", "view_contact")
    mine, other = make_account(name="Mine", owner=staff), make_account(name="Foreign")
    for account in (mine, other):
        make_rating(account=account)
        make_contact(account=account)
        make_revenue(account=account)
    client.force_login(staff)

    pages = [
        client.get(reverse(f"admin:accounts_{name}_changelist")).content.decode()
        for name in ("account", "rating", "revenuerecord", "contact")
    ]

    assert [("Mine" in page, "Foreign" in page) for page in pages] == [(True, False)] * 4
    assert client.get(reverse("admin:accounts_account_change", args=[other.pk])).status_code == 302


def test_staff_without_rights_gets_no_list(client, db):
    client.force_login(staff_with("view_account"))

    answers = [
        client.get(reverse(f"admin:{name}_changelist")).status_code
        for name in (
            "accounts_account",
            "accounts_user",
            "accounts_rating",
            "tiering_scoringmodel",
            "accounts_accesstoken",
        )
    ]

    assert answers == [200, 403, 403, 403, 403]


def test_staff_cannot_raise_itself_to_superuser(client, db):
    staff = staff_with("view_user", "change_user")
    client.force_login(staff)
    url = reverse("admin:accounts_user_change", args=[staff.pk])

    client.post(url, {"username": staff.username, "is_active": "on", "is_staff": "on", "is_superuser": "on"})

    staff.refresh_from_db()
    assert not staff.is_superuser
    assert {permission.codename for permission in staff.user_permissions.all()} == {"view_user", "change_user"}


def test_staff_cannot_take_over_a_superuser(client, db):
    root = make_superuser(username="chief")
    client.force_login(staff_with("view_user", "change_user", "delete_user"))

    answers = [
        client.post(reverse("admin:auth_user_password_change", args=[root.pk]), {"password1": "x"}).status_code,
        client.post(reverse("admin:accounts_user_delete", args=[root.pk]), {"post": "yes"}).status_code,
    ]

    assert answers == [403, 403]


def test_rating_form_proposes_the_user_as_evaluator(client, db):
    staff = staff_with("add_rating", "view_rating", "view_account", "view_user")
    client.force_login(staff)

    page = client.get(reverse("admin:accounts_rating_add")).content.decode()

    assert f'<option value="{staff.pk}" selected' in page


def test_rating_from_outside_the_scale_is_refused(admin_client):
    account = make_account()
    form = {"account": account.pk, "indicator": "V1", "score": "6", "evaluator": "1", "function": "sales"}

    page = admin_client.post(
        reverse("admin:accounts_rating_add"), form | {"rated_on": "2024-01-01", "expires_on": "2025-01-01"}
    )

    assert page.status_code == 200
    assert not Rating.objects.exists()


def test_account_without_revenue_is_deleted_and_one_with_revenue_is_kept(admin_client):
    empty, trading = make_account(), make_account()
    make_contact(account=empty)
    AccountFigures.objects.create(account=empty, as_of=date(2024, 1, 31), currency="CNY")
    make_revenue(account=trading)

    for account in (empty, trading):
        admin_client.post(reverse("admin:accounts_account_delete", args=[account.pk]), {"post": "yes"})

    assert list(Account.objects.filter(pk__in=[empty.pk, trading.pk])) == [trading]


def milestone_form(contract, *amounts, amount="1000"):
    """The contract's form with its milestones as staff would send it."""
    rows = list(contract.milestones.order_by("pk"))
    data = {
        "account": contract.account_id, "number": contract.number, "title": "", "amount": amount, "currency": "CNY",
        "status": "active", "milestones-TOTAL_FORMS": len(amounts), "milestones-INITIAL_FORMS": len(rows),
    }  # fmt: skip
    for at, part in enumerate(amounts):
        stored = {"id": rows[at].pk} if at < len(rows) else {}
        fields = {"contract": contract.pk, "title": f"Part {at}", "amount": part, "planned_on": "2024-05-01", **stored}
        data |= {f"milestones-{at}-{name}": value for name, value in fields.items()}
    return data


def test_milestones_of_a_contract_are_edited_together_and_fit_its_amount(admin_client):
    contract = make_contract(amount=1000, currency="CNY")
    url = reverse("admin:accounts_contract_change", args=[contract.pk])

    assert admin_client.post(url, milestone_form(contract, "700", "300")).status_code == 302
    swapped = admin_client.post(url, milestone_form(contract, "300", "700"))
    refused = admin_client.post(url, milestone_form(contract, "300", "700.01"))
    raised = admin_client.post(url, milestone_form(contract, "900", "900", amount="1800"))

    assert (swapped.status_code, raised.status_code) == (302, 302)
    assert "The milestones would add up to 1000.01" in refused.content.decode()
    assert list(contract.milestones.order_by("pk").values_list("amount", flat=True)) == [900, 900]


def test_efforts_for_no_account_are_for_staff_who_see_every_account(client, db):
    owner = staff_with("view_marketeffort", "add_marketeffort", "view_account")
    mine = make_effort(account=make_account(owner=owner))
    make_effort()
    client.force_login(owner)
    row = {"month": "2024-03-01", "purpose": "acquisition", "category": "Fair", "amount": "5", "currency": "CNY",
           "source": "s", "hours": "", "note": "", "account": ""}  # fmt: skip

    listed = list(client.get(reverse("admin:accounts_marketeffort_changelist")).context["cl"].queryset)
    refused = client.post(reverse("admin:accounts_marketeffort_add"), row)
    kept = client.post(reverse("admin:accounts_marketeffort_add"), row | {"account": str(mine.account_id)})

    assert listed == [mine]
    assert (refused.status_code, kept.status_code) == (200, 302)
