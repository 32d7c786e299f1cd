"""The admin refuses a change form that others overtook, shows both values, and writes nothing; for every model of it."""

import re
from collections.abc import Callable
from datetime import date
from html import unescape

import pytest
from django.contrib import admin
from django.core import serializers
from django.db.models import CharField, Model, TextField
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import Contact, GroupMembership, Product
from crm.admin_versions import VersionMixin
from plans.models import AccountPlan, RemediationPlan
from tests.api.nights import make_scoring_model
from tests.factories import (
    make_account,
    make_contact,
    make_contract,
    make_discount,
    make_effort,
    make_interaction,
    make_product,
    make_rate,
    make_rating,
    make_receivable,
    make_request,
    make_sponsor,
    make_superuser,
    make_team_member,
    make_unit,
    make_user,
    make_wallet_estimate,
)

pytestmark = pytest.mark.django_db
DAY = date(2024, 1, 1)
ROWS: dict[str, Callable[[], Model]] = {
    "account": make_account,
    "contact": make_contact,
    "contract": lambda: make_contract(amount=1000, currency="CNY"),
    "product": make_product,
    "exchangerate": make_rate,
    "rating": make_rating,
    "walletestimate": make_wallet_estimate,
    "receivable": make_receivable,
    "teammember": make_team_member,
    "orgunit": make_unit,
    "user": make_user,
    "marketeffort": make_effort,
    "interaction": make_interaction,
    "servicerequest": make_request,
    "sponsor": make_sponsor,
    "discount": make_discount,
    "scoringmodel": lambda: make_scoring_model(active=False),
    "remediationplan": lambda: RemediationPlan.objects.create(account=make_account(), opened_on=DAY, due_on=DAY),
    "accountplan": lambda: AccountPlan.objects.create(
        account=make_account(), goal="Goal", priority_rank=1, planned_hours=1, valid_from=DAY, valid_to=date(2024, 9, 1),
        made_by=make_user(),
    ),
}  # fmt: skip


@pytest.fixture
def desk():
    client = Client()
    client.force_login(make_superuser())
    return client


def fields_on(html: str) -> dict[str, str | list[str]]:
    """What a browser would send of the change form as it stands."""
    body = html[html.index('method="post"', html.index('id="content') if 'id="content' in html else 0) :]
    found: dict[str, str | list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", body):
        given = {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        kind, name = given.get("type", "text"), given.get("name")
        is_off = kind in {"checkbox", "radio"} and not re.search(r"\schecked", tag)
        if name and kind not in {"submit", "file", "search", "button"} and not is_off and "__prefix__" not in name:
            found.setdefault(name, given.get("value", "on" if kind == "checkbox" else ""))
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', body, re.DOTALL):
        found[name] = unescape(text).removeprefix("\n")
    for opening, name, options in re.findall(r'(<select[^>]*name="([^"]+)"[^>]*>)(.*?)</select>', body, re.DOTALL):
        chosen = [
            re.search(r'value="([^"]*)"', option).group(1)  # type: ignore[union-attr]
            for option in re.findall(r"<option[^>]*>", options)
            if re.search(r"\sselected", option)
        ]
        found[name] = chosen if " multiple" in opening else (chosen or [""])[0]
    return {name: value for name, value in found.items() if "__prefix__" not in name}


def changeable() -> list[str]:
    request = RequestFactory().get("/")
    request.user = make_superuser()
    return sorted(
        model._meta.model_name or ""
        for model, one in admin.site._registry.items()
        if one.has_change_permission(request)  # type: ignore[arg-type]
    )


def test_every_model_of_the_admin_carries_versions():
    assert reverse("admin:index")  # the addresses are where the site takes versions up
    assert [one for one in admin.site._registry.values() if not isinstance(one, VersionMixin)] == []
    assert len(set(changeable()) & set(ROWS)) >= 17


def words_of(row: Model, sent: dict[str, str | list[str]]) -> str:
    """A text column of the row that its form lets one change."""
    texts = [
        one.name
        for one in row._meta.concrete_fields
        if isinstance(one, CharField | TextField) and not one.choices and sent.get(one.name) is not None
        and one.max_length != 3 and one.name not in {"code", "username", "email", "password"}
    ]  # fmt: skip
    return next((name for name in ("note", "notes", "reason", "name", "title") if name in texts), (texts or [""])[0])


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_form_that_others_overtook_is_refused(desk, name):
    row = ROWS[name]()
    model = type(row)
    address = reverse(f"admin:{model._meta.app_label}_{name}_change", args=[row.pk])
    html = desk.get(address).content.decode()
    if 'name="seen"' not in html:
        assert name not in changeable()
        return
    sent = fields_on(html)
    column = words_of(row, sent)
    values = {column: "Theirs"} if column else {}
    model._base_manager.filter(pk=row.pk).update(**values or {"created_at": "2020-01-01T00:00Z"})
    before = serializers.serialize("json", model._base_manager.order_by("pk"))

    late = desk.post(address, sent | ({column: "Mine"} if column else {}))
    unsaid = desk.post(address, {**sent, "seen": ""})

    words = late.content.decode()
    assert late.status_code == 200
    assert "Somebody else changed this" in words
    assert not column or "stored now Theirs; you typed Mine" in words
    assert "did not say which version it showed" in unsaid.content.decode()
    assert serializers.serialize("json", model._base_manager.order_by("pk")) == before


def test_saving_again_with_open_eyes_is_heard(desk):
    row = make_product(name="Before")
    address = reverse("admin:accounts_product_change", args=[row.pk])
    sent = fields_on(desk.get(address).content.decode())
    Product.objects.filter(pk=row.pk).update(name="Theirs")

    again = fields_on(desk.post(address, sent | {"name": "Mine"}).content.decode())
    done = desk.post(address, again)

    assert (done.status_code, again["name"], Product.objects.get().name) == (302, "Mine", "Mine")


def test_a_typing_mistake_does_not_make_the_present_version_seen(desk):
    row = make_product(name="Before")
    address = reverse("admin:accounts_product_change", args=[row.pk])
    sent = fields_on(desk.get(address).content.decode())

    wrong = fields_on(desk.post(address, sent | {"code": ""}).content.decode())
    Product.objects.filter(pk=row.pk).update(name="Theirs")
    late = desk.post(address, wrong | {"code": row.code, "name": "Mine"})

    assert wrong["seen"] == sent["seen"]
    assert "stored now Theirs; you typed Mine" in late.content.decode()
    assert Product.objects.get().name == "Theirs"


def test_rows_of_a_tab_count_too(desk):
    account = make_account()
    contact = make_contact(account=account, name="Before", title="Clerk")
    GroupMembership.objects.all().delete()
    address = reverse("admin:accounts_account_change", args=[account.pk])
    sent = fields_on(desk.get(address).content.decode())
    Contact.objects.filter(pk=contact.pk).update(title="Theirs")

    late = desk.post(address, sent | {"contacts-0-title": "Mine"})

    assert "has changed. Stored now: Before" in late.content.decode()
    assert Contact.objects.get().title == "Theirs"
