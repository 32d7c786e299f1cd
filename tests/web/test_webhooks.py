"""Webhook pages: an administrator makes, tries, changes and deletes one; nobody else finds them."""

import pytest
from django.urls import reverse

from accounts.access import Role
from crm.lib import outbound
from crm.lib.outbound import Door
from crm.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from crm.webhooks import services
from tests.factories import make_user

pytestmark = pytest.mark.django_db
GIVEN = {"name": "ERP", "url": "https://127.0.0.1:9443/hook", "events": ["grades.changed"]}


@pytest.fixture(autouse=True)
def open_door(settings):
    settings.OUTBOUND = Door(is_open=True, private_hosts=outbound.hosts(["127.0.0.1"]))


@pytest.fixture
def administrator(client):
    user = make_user(role=Role.ADMINISTRATOR)
    client.force_login(user)
    return user


def made(owner):
    return services.create_webhook(name="ERP", url=GIVEN["url"], events_told=["grades.changed"], owner=owner)[0]


def test_making_one_shows_the_secret_once(client, administrator):
    page = client.post(reverse("webhooks:create"), GIVEN)

    endpoint = WebhookEndpoint.objects.get()
    assert "whsec_" in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]
    assert (endpoint.owner, endpoint.events, endpoint.is_active) == (administrator, ["grades.changed"], True)
    assert "whsec_" not in client.get(reverse("webhooks:detail", args=[endpoint.pk])).content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "https://10.1.2.3/"}, "private network"),
        ({"url": "http://example.com/"}, "Only https"),
        ({"events": []}, "required"),
        ({"events": ["everything"]}, "everything"),
        ({"name": ""}, "required"),
    ],
)
def test_a_bad_one_is_refused_with_the_reason(client, administrator, fields, words):
    page = client.post(reverse("webhooks:create"), GIVEN | fields)

    assert page.status_code == 422
    assert words in page.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_it_is_changed_tried_given_a_new_secret_and_deleted(client, administrator):
    endpoint = made(administrator)
    before = endpoint.sealed_secret

    client.post(reverse("webhooks:change", args=[endpoint.pk]), {**GIVEN, "name": "Other"})
    client.post(reverse("webhooks:ping", args=[endpoint.pk]))
    client.post(reverse("webhooks:secret", args=[endpoint.pk]))

    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.is_active) == ("Other", False)
    assert endpoint.sealed_secret != before
    delivery = WebhookDelivery.objects.get()
    WebhookDelivery.objects.update(state=DeliveryState.FAILED)
    assert "Send again" in client.get(reverse("webhooks:detail", args=[endpoint.pk])).content.decode()
    client.post(reverse("webhooks:again", args=[delivery.pk]))
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.WAITING
    client.post(reverse("webhooks:delete", args=[endpoint.pk]))
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_takes_the_same_statements_for_one_and_three(client, administrator, rows, django_assert_num_queries):
    for number in range(rows):
        services.create_webhook(
            name=f"W{number}", url=GIVEN["url"], events_told=["grades.changed"], owner=administrator
        )
    client.get(reverse("webhooks:index"))

    with django_assert_num_queries(LIST_STATEMENTS):
        page = client.get(reverse("webhooks:index")).content.decode()

    assert page.count("data-row>") == rows


LIST_STATEMENTS = 5


@pytest.mark.parametrize("role", [Role.DIRECTOR, Role.MANAGER, Role.MEMBER, Role.ANALYST])
def test_nobody_else_may_look_or_touch(client, role):
    endpoint = made(make_user(role=Role.ADMINISTRATOR))
    delivery = services.send_ping(endpoint)
    client.force_login(make_user(role=role))

    for name in ("index", "create"):
        assert client.get(reverse(f"webhooks:{name}")).status_code == 403
    for name in ("detail", "change"):
        assert client.get(reverse(f"webhooks:{name}", args=[endpoint.pk])).status_code == 403
    for name in ("change", "ping", "secret", "delete"):
        assert client.post(reverse(f"webhooks:{name}", args=[endpoint.pk]), GIVEN).status_code == 403
    assert client.post(reverse("webhooks:again", args=[delivery.pk])).status_code == 403
    assert WebhookEndpoint.objects.count() == WebhookDelivery.objects.count() == 1


def test_a_shut_door_is_said_so(client, administrator, settings):
    settings.OUTBOUND = Door(is_open=False)

    page = client.get(reverse("webhooks:index")).content.decode()

    assert "OUTBOUND=1" in page
    assert "New webhook" not in page
