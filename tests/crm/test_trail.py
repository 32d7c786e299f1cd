"""Every way of writing leaves its entry: who, when, from what to what, in which request."""

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import Account, Contact, Product
from crm.models import TrailEntry
from crm.trail.sealed import keys_of, opened
from crm.trail.signature import signed
from tests.factories import make_account, make_contact, make_contract, make_product, make_superuser, make_user

pytestmark = pytest.mark.django_db


def entries(table: str, key: object) -> list[TrailEntry]:
    return list(TrailEntry.objects.filter(table_name=table, row_key=str(key)).order_by("pk"))


def last(table: str, key: object) -> TrailEntry:
    return entries(table, key)[-1]


def said(entry: TrailEntry) -> tuple:
    return entry.action, entry.before, entry.after


def test_adding_changing_and_removing_say_only_what_differs():
    product = make_product(code="P1", name="Pump")
    key = product.pk
    product.name = "Large pump"
    product.save()
    product.delete()

    assert [said(entry) for entry in entries("accounts_product", key)] == [
        ("I", {}, {"id": key, "code": "P1", "name": "Pump"}),
        ("U", {"name": "Pump"}, {"name": "Large pump"}),
        ("D", {"id": key, "code": "P1", "name": "Large pump"}, {}),
    ]


def test_what_changes_nothing_leaves_nothing():
    account = make_account(name="Customer")
    before = TrailEntry.objects.count()

    account.save()
    Account.objects.update(name="Customer")
    Account.objects.update(grade="gold", composite=1.5, search_text="x")

    assert TrailEntry.objects.count() == before


def test_without_a_signature_it_was_the_database():
    product = make_product()
    entry = last("accounts_product", product.pk)

    assert (entry.actor_id, entry.via, entry.request_id) == (None, "database", "")
    assert entry.database_user
    assert entry.transaction > 0


def test_set_based_writes_and_raw_sql_are_noted_row_by_row():
    products = Product.objects.bulk_create(Product(code=f"B{n}", name="Bulk") for n in range(3))
    Product.objects.filter(pk__in=[one.pk for one in products]).update(category="Pumps")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_product SET name = 'Raw' WHERE id = %s", [products[0].pk])
        cursor.execute("CREATE TEMP TABLE staged ON COMMIT DROP AS SELECT 'C1'::text AS code")
        cursor.execute(
            "INSERT INTO accounts_product (created_at, updated_at, code, name, category)"
            " SELECT now(), now(), code, 'Copied', '' FROM staged RETURNING id"
        )
        copied = cursor.fetchone()[0]

    assert [entry.action for entry in entries("accounts_product", products[1].pk)] == ["I", "U"]
    assert said(last("accounts_product", products[0].pk)) == ("U", {"name": "Bulk"}, {"name": "Raw"})
    assert last("accounts_product", copied).after["name"] == "Copied"


def test_signature_goes_with_writes_and_ends_with_them():
    user = make_user()
    with signed(via="page", request_id="r-1", actor=lambda: user.pk):
        product = make_product()
    other = make_product()

    entry = last("accounts_product", product.pk)
    assert (entry.actor_id, entry.via, entry.request_id) == (user.pk, "page", "r-1")
    assert (last("accounts_product", other.pk).actor_id, last("accounts_product", other.pk).via) == (None, "database")


def test_odd_names_cannot_leave_the_literal():
    with signed(via="page'); DROP TABLE x; --", request_id="%s%%|'\\", actor=lambda: None):
        product = make_product()

    entry = last("accounts_product", product.pk)
    assert entry.via == "page--- DROP TABLE x- --"
    assert entry.request_id == "-s-----"


def test_account_is_found_over_one_step_and_for_join_tables():
    from tests.factories import make_interaction, make_milestone

    contract = make_contract(amount=1000, currency="CNY")
    milestone = make_milestone(contract=contract)
    contact = make_contact(account=contract.account)
    interaction = make_interaction(account=contract.account, their_people=[contact])

    for table in ("accounts_contract", "accounts_contractmilestone", "accounts_contact", "service_interaction"):
        row = {"accounts_contract": contract, "accounts_contractmilestone": milestone, "accounts_contact": contact}
        assert last(table, row.get(table, interaction).pk).account_id == contract.account_id
    joined = TrailEntry.objects.get(table_name="service_interaction_their_people")
    assert (joined.account_id, joined.after["contact_id"]) == (contract.account_id, contact.pk)


def test_values_of_people_are_sealed_under_their_own_key():
    contact = make_contact(name="李伟", email="li@example.cn", notes="x" * 200, title="")
    Contact.objects.filter(pk=contact.pk).update(email="wei@example.cn", is_active=False)

    added, changed = entries("accounts_contact", contact.pk)
    keys = keys_of([added, changed])
    key = keys[f"contact:{contact.pk}"]
    stored = str([added.before, added.after, changed.before, changed.after])
    assert "李伟" not in stored
    assert "example" not in stored
    assert "title" not in added.after
    assert [opened(added.after[name], key) for name in ("name", "email", "notes")] == [
        "李伟",
        "li@example.cn",
        "x" * 200,
    ]
    assert opened(changed.before["email"], key) == "li@example.cn"
    assert opened(changed.after["email"], key) == "wei@example.cn"
    assert (changed.before["is_active"], changed.after["is_active"]) == (True, False)
    assert opened(changed.after["email"], None) is None


def test_passwords_are_noted_without_their_value():
    user = make_user()
    user.set_password("Another-long-one-7")
    user.save()

    assert last("accounts_user", user.pk).after == {"password": {"secret": True}}


def test_truncate_is_noted():
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE accounts_savedmapping")

    entry = TrailEntry.objects.filter(table_name="accounts_savedmapping").latest("pk")
    assert said(entry) == ("T", {}, {})


def test_page_rest_admin_and_command_sign_what_they_write(client, settings):
    from rest_framework.test import APIClient

    from accounts.models import AccessToken

    user = make_superuser()
    account = make_account()
    contact = make_contact(account=account)
    client.force_login(user)

    client.post(
        reverse("accounts:attitude", args=[account.pk, contact.pk]),
        {"attitude": "1", "is_decision_maker": "on"},
        headers={"X-Request-ID": "page-1"},
    )
    page = last("accounts_contact", contact.pk)
    assert (page.via, page.actor_id, page.request_id) == ("page", user.pk, "page-1")
    assert page.after["attitude"] == 1

    _row, token = AccessToken.objects.create(user=user)
    rest = APIClient()
    rest.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    answer = rest.post(
        "/api/v1/products/", {"code": "R1", "name": "Rest"}, format="json", headers={"X-Request-ID": "r2"}
    )
    noted = last("accounts_product", answer.json()["id"])
    assert (noted.via, noted.actor_id, noted.request_id) == ("rest", user.pk, "r2")

    product = make_product()
    client.post(
        reverse("admin:accounts_product_change", args=[product.pk]),
        {"code": product.code, "name": "By the admin", "category": ""},
    )
    noted = last("accounts_product", product.pk)
    assert (noted.via, noted.actor_id, noted.after) == ("admin", user.pk, {"name": "By the admin"})


def test_log_in_signs_as_whoever_logs_in(client):
    user = make_user(username="anna", password="a-long-Passw0rd")

    client.post("/login/", {"username": "anna", "password": "a-long-Passw0rd"})

    assert [entry.action for entry in entries("accounts_user", user.pk)] == ["I"]


def test_task_signs_with_its_name_and_number():
    from crm.tasks import tick_task  # any task
    from crm.trail.signature import sign_task, unsign_task

    sign_task("t-1", tick_task)
    try:
        product = make_product()
    finally:
        unsign_task("t-1")

    entry = last("accounts_product", product.pk)
    assert (entry.via, entry.request_id) == ("task crm.tasks.tick_task", "t-1")
    unsign_task("t-1")


def test_nobody_edits_the_log_not_even_its_owner_unless_triggers_are_off():
    from django.db import DatabaseError, transaction

    make_product()
    for statement in (
        "UPDATE crm_trailentry SET via = 'x'",
        "DELETE FROM crm_trailentry",
        "TRUNCATE crm_trailentry",
        "INSERT INTO crm_trailentry SELECT * FROM crm_trailentry",
        "SET LOCAL session_replication_role = replica; DELETE FROM crm_trailentry",
    ):
        with pytest.raises(DatabaseError, match="only added to"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
