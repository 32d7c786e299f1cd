"""Webhooks on the wire."""

import pytest

from accounts.access import Role
from crm.lib import outbound
from crm.lib.outbound import Door
from crm.models import IdempotencyKey, WebhookDelivery, WebhookEndpoint
from tests.api.conftest import assert_problem
from tests.factories import make_user

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/webhooks/"
GIVEN = {"name": "ERP", "url": "https://127.0.0.1:9443/hook", "events": ["grades.changed", "import.finished"]}


@pytest.fixture(autouse=True)
def open_door(settings):
    settings.OUTBOUND = Door(is_open=True, private_hosts=outbound.hosts(["127.0.0.1"]))


@pytest.fixture
def client(rest):
    return rest(make_user(role=Role.ADMINISTRATOR))


def test_made_read_changed_and_deleted(client):
    made = client.post(ROOT, GIVEN, format="json", headers={"Idempotency-Key": "once"})
    assert made.status_code == 201, made.content
    assert made.json()["secret"].startswith("whsec_")
    assert not IdempotencyKey.objects.exists()

    path = made.headers["Location"]
    read = client.get(path)
    assert read.json()["secret"] == ""
    changed = client.patch(path, {"is_active": False}, format="json", headers={"If-Match": read.headers["ETag"]})
    assert changed.status_code == 200, changed.content
    assert changed.json()["is_active"] is False
    assert changed.json()["events"] == ["grades.changed", "import.finished"]
    assert client.patch(path, {"is_active": True}, format="json").status_code == 428
    assert_problem(client.patch(path, {"name": "x"}, format="json", headers={"If-Match": read.headers["ETag"]}), 412)
    gone = client.delete(path, headers={"If-Match": changed.headers["ETag"]})
    assert gone.status_code == 204
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize("url", ["https://127.0.0.2/", "http://example.com", "https://[::ffff:10.0.0.1]/"])
def test_an_address_inside_is_refused(client, url):
    assert_problem(client.post(ROOT, GIVEN | {"url": url}, format="json"), 422)
    assert not WebhookEndpoint.objects.exists()


def test_trial_message_and_sending_again(client):
    pk = client.post(ROOT, GIVEN, format="json").json()["id"]

    assert client.post(f"{ROOT}{pk}/ping/").status_code == 202
    [row] = client.get("/api/v1/webhook-deliveries/").json()["results"]
    assert (row["event"], row["state"]) == ("ping", "waiting")
    again = client.post(f"/api/v1/webhook-deliveries/{row['id']}/again/")
    assert again.json()["message_id"] == row["message_id"]
    assert WebhookDelivery.objects.count() == 1
    fresh = client.post(f"{ROOT}{pk}/secret/").json()["secret"]
    assert fresh.startswith("whsec_")


@pytest.mark.parametrize("role", [Role.DIRECTOR, Role.MEMBER, Role.ANALYST])
def test_others_are_refused(rest, role):
    client = rest(make_user(role=role))

    assert_problem(client.get(ROOT), 403)
    assert_problem(client.post(ROOT, GIVEN, format="json"), 403)
    assert_problem(client.get("/api/v1/webhook-deliveries/"), 403)
