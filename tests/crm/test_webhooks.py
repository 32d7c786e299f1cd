"""Webhooks: what is told to whom, signed, tried again, and never twice under two ids."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import Role
from accounts.enums import BatchState
from crm import tasks
from crm.lib import outbound
from crm.lib.exceptions import CrmError
from crm.lib.outbound import Answer, Door
from crm.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookEvent
from crm.webhooks import events, services, signing
from tests.api.nights import make_published_run, make_scoring_model
from tests.factories import make_account, make_batch, make_user
from tests.lib.test_outbound import listening
from tiering.models import TierRun

pytestmark = pytest.mark.django_db
ADDRESS = "https://127.0.0.1:9443/hook"
GRADES, IMPORTS = WebhookEvent.GRADES_CHANGED.value, WebhookEvent.IMPORT_FINISHED.value


@pytest.fixture(autouse=True)
def open_door(settings):
    settings.OUTBOUND = Door(is_open=True, private_hosts=outbound.hosts(["127.0.0.1"]))


@pytest.fixture
def sent(monkeypatch):
    """What would have left, with the answers it gets (the last one again and again)."""
    box = {"calls": [], "answers": [Answer(200, "ok")]}

    def post(url, *, body, headers, door):
        box["calls"].append((url, body, headers))
        answer = box["answers"].pop(0) if len(box["answers"]) > 1 else box["answers"][0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(outbound, "post", post)
    return box


def publish(*accounts):
    return make_published_run(make_scoring_model(), dict.fromkeys(accounts, "gold"), previous="general")


def make_webhook(*, owner=None, told=(GRADES, IMPORTS), url=ADDRESS, name="ERP"):
    owner = owner or make_user(role=Role.ADMINISTRATOR)
    return services.create_webhook(name=name, url=url, events_told=told, owner=owner)


def waiting(endpoint):
    return list(WebhookDelivery.objects.filter(endpoint=endpoint).order_by("pk"))


def test_a_message_is_signed_as_the_specification_says(sent):
    endpoint, secret = make_webhook()
    services.send_ping(endpoint)

    assert services.deliver_due() == {"delivered": 1, "put_off": 0, "failed": 0}

    [(url, body, headers)] = sent["calls"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert url == ADDRESS
    assert json.loads(body)["type"] == "ping"


def test_the_published_example_of_the_specification():
    """standardwebhooks.com, the test vector its libraries share."""
    made = signing.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )

    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_secret_is_kept_unreadable():
    endpoint, secret = make_webhook()

    assert secret not in endpoint.sealed_secret
    assert signing.unseal(endpoint.sealed_secret) == secret


def test_a_secret_sealed_under_another_key_fails_in_words(settings, sent):
    endpoint, _secret = make_webhook()
    services.send_ping(endpoint)
    settings.SECRET_KEY = "another" * 10

    services.deliver_due()

    [row] = waiting(endpoint)
    assert row.state == DeliveryState.WAITING
    assert "SECRET_KEY has changed" in row.error
    assert sent["calls"] == []


def test_a_night_is_told_once_with_its_moves(sent):
    account = make_account(code="K1")
    make_webhook()
    run = publish(account)

    assert services.announce() == 1
    assert services.announce() == 0
    services.deliver_due()

    told = json.loads(sent["calls"][0][1])
    assert told["type"] == "grades.changed"
    assert told["data"]["run"] == run.pk
    assert told["data"]["changes"] == [{"account": account.pk, "code": "K1", "from": "general", "to": "gold"}]
    assert (told["data"]["part"], told["data"]["parts"]) == (1, 1)


def test_only_accounts_the_owner_may_see_are_told(sent):
    member = make_user(role=Role.MEMBER)
    mine, other = make_account(owner=member), make_account()
    make_webhook(owner=member)
    publish(mine, other)

    services.announce()

    [row] = WebhookDelivery.objects.all()
    assert [change["account"] for change in row.payload["data"]["changes"]] == [mine.pk]


def test_many_moves_come_in_parts_that_add_up(monkeypatch, sent):
    monkeypatch.setattr(events, "CHANGES_A_MESSAGE", 2)
    make_webhook()
    publish(*[make_account() for _ in range(5)])

    services.announce()

    rows = list(WebhookDelivery.objects.order_by("part"))
    assert [len(row.payload["data"]["changes"]) for row in rows] == [2, 2, 1]
    assert {row.payload["data"]["parts"] for row in rows} == {3}


def test_imports_are_told_to_those_who_may_import():
    make_webhook(name="administrator's")
    make_webhook(name="member's", owner=make_user(role=Role.MEMBER))
    batch = make_batch(state=BatchState.POSTED, posted_at=timezone.now(), read=3, posted=2, rejected=1)

    services.announce()

    [row] = WebhookDelivery.objects.all()
    assert row.endpoint.name == "administrator's"
    assert row.payload["data"] == {
        "batch": batch.pk, "state": "posted", "file": batch.file_name, "source": batch.source, "read": 3, "posted": 2,
        "already_there": 0, "rejected": 1,
    }  # fmt: skip


def test_what_happened_before_or_while_off_is_not_told():
    make_batch(state=BatchState.POSTED, posted_at=timezone.now() - timedelta(minutes=1))
    endpoint, _secret = make_webhook()
    services.change_webhook(endpoint, name="ERP", url=ADDRESS, events_told=[IMPORTS], is_active=False)
    make_batch(state=BatchState.POSTED, posted_at=timezone.now())
    assert services.announce() == 0
    services.change_webhook(endpoint, name="ERP", url=ADDRESS, events_told=[IMPORTS], is_active=True)

    assert services.announce() == 0


def test_a_failure_is_tried_again_later_each_time_and_given_up_in_the_end(sent):
    endpoint, _secret = make_webhook()
    row = services.send_ping(endpoint)
    sent["answers"] = [Answer(500, "broken")]
    pauses = []

    for _attempt in services.PAUSES:
        before = timezone.now()
        assert services.deliver_due(now=row.next_at) == {"delivered": 0, "put_off": 1, "failed": 0}
        row.refresh_from_db()
        pauses.append(row.next_at - before)
    counts = services.deliver_due(now=row.next_at)

    row.refresh_from_db()
    assert counts == {"delivered": 0, "put_off": 0, "failed": 1}
    assert (row.state, row.status, row.error, row.attempts) == (DeliveryState.FAILED, 500, "broken", 10)
    assert all(
        timedelta(0) <= found - asked < timedelta(minutes=1)
        for found, asked in zip(pauses, services.PAUSES, strict=True)
    )
    assert len({headers["webhook-id"] for _url, _body, headers in sent["calls"]}) == 1


def test_gone_for_good_switches_it_off(sent):
    endpoint, _secret = make_webhook()
    services.send_ping(endpoint)
    sent["answers"] = [Answer(410, "")]

    services.deliver_due()

    endpoint.refresh_from_db()
    assert not endpoint.is_active
    assert "410" in endpoint.stopped_because


def test_a_message_that_is_being_sent_is_nobody_elses(sent):
    endpoint, _secret = make_webhook()
    services.send_ping(endpoint)
    claimed = services._claim(timezone.now())

    assert claimed is not None
    assert services.deliver_due() == {"delivered": 0, "put_off": 0, "failed": 0}
    assert sent["calls"] == []


def test_a_deactivated_owner_ends_it_at_once(sent):
    endpoint, _secret = make_webhook()
    services.send_ping(endpoint)
    endpoint.owner.is_active = False
    endpoint.owner.save()
    make_batch(state=BatchState.POSTED, posted_at=timezone.now())

    assert services.announce() == 0
    assert services.deliver_due()["delivered"] == 0


def test_nothing_is_sent_while_calls_are_off(settings, sent):
    endpoint, _secret = make_webhook()
    services.send_ping(endpoint)
    settings.OUTBOUND = Door(is_open=False)

    assert not services.is_work_waiting()
    assert services.deliver_due()["delivered"] == 0
    assert sent["calls"] == []


def test_sending_again_keeps_the_id(sent):
    endpoint, _secret = make_webhook()
    row = services.send_ping(endpoint)
    services.deliver_due()
    row.refresh_from_db()
    assert row.state == DeliveryState.DELIVERED

    services.send_again(row)
    services.deliver_due()

    assert len({headers["webhook-id"] for _url, _body, headers in sent["calls"]}) == 1
    assert len(sent["calls"]) == 2


def test_old_messages_go_and_nothing_is_told_again(sent):
    endpoint, _secret = make_webhook()
    make_batch(state=BatchState.POSTED, posted_at=timezone.now())
    services.announce()
    services.deliver_due()
    later = timezone.now() + services.KEPT + timedelta(days=1)

    assert services.forget_old(now=later) == 1
    assert services.announce() == 0
    endpoint.refresh_from_db()
    assert endpoint.since == later - services.KEPT


def test_the_tick_sends_through_a_real_connection(settings, monkeypatch):
    woken = []
    monkeypatch.setattr(tasks, "send", lambda task, **_kwargs: woken.append(task.name))
    with listening() as (port, got):
        endpoint, _secret = make_webhook(url=f"http://127.0.0.1:{port}/hook")
        services.send_ping(endpoint)
        assert services.is_work_waiting()
        tasks.tick_task()
        assert tasks.webhooks_task() == {"delivered": 1, "put_off": 0, "failed": 0}

    assert "crm.tasks.webhooks_task" in woken
    assert json.loads(got[0][2])["data"] == {"webhook": "ERP", "text": "It works."}


@pytest.mark.parametrize(
    "url", ["https://10.0.0.8/hook", "http://example.com/", "https://[::1]/", "https://localhost.:1/", "https://0x7f.1"]
)
def test_an_address_inside_the_network_cannot_be_named(url, settings):
    settings.OUTBOUND = Door(is_open=True)

    with pytest.raises(CrmError):
        make_webhook(url=url)

    assert not WebhookEndpoint.objects.exists()


def test_two_of_one_name_are_refused():
    make_webhook()

    with pytest.raises(services.WebhookRefused, match="Another webhook has this name"):
        make_webhook()


def test_no_run_of_the_past_is_told():
    account = make_account()
    make_webhook()
    run = publish(account)
    TierRun.objects.filter(pk=run.pk).update(trigger="replay")

    assert services.announce() == 0
