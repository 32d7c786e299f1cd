import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account, Product
from crm.models import IdempotencyKey
from tests.api.conftest import assert_problem
from tests.factories import make_superuser

LIST = "/api/v1/products/"


def post(client, body, key="k1", path=LIST):
    return client.post(path, body, format="json", headers={"Idempotency-Key": key})


def test_a_repeat_answers_the_same_and_does_nothing(admin):
    first = post(admin, {"code": "P1", "name": "é 客户"})
    again = post(admin, {"name": "é 客户", "code": "P1"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    for header in ("Location", "ETag"):
        assert again.headers[header] == first.headers[header]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Product.objects.count() == 1


def test_without_a_key_a_repeat_is_a_second_request(admin):
    admin.post(LIST, {"code": "P1"}, format="json")

    assert_problem(admin.post(LIST, {"code": "P1"}, format="json"), 400)


@pytest.mark.parametrize(("body", "path"), [({"code": "P2"}, LIST), ({"code": "P1"}, "/api/v1/accounts/")])
def test_the_same_key_with_another_request_is_422(admin, body, path):
    post(admin, {"code": "P1"})

    assert_problem(post(admin, body, path=path), 422)

    assert (Product.objects.count(), Account.objects.count()) == (1, 0)


def test_keys_belong_to_their_user(admin, rest):
    post(admin, {"code": "P1"})

    assert post(rest(make_superuser()), {"code": "P2"}).status_code == 201


def test_a_refused_request_does_not_use_up_its_key(admin):
    assert_problem(post(admin, {"code": ""}), 400)

    assert not IdempotencyKey.objects.exists()
    assert post(admin, {"code": "P1"}).status_code == 201


def test_a_key_is_forgotten_after_24_hours(admin):
    post(admin, {"code": "P1"})
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))

    assert post(admin, {"code": "P2"}).status_code == 201
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256])
def test_an_unusable_key_is_400(admin, key):
    assert_problem(post(admin, {"code": "P1"}, key=key), 400)

    assert not Product.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_repeats_at_the_same_moment_create_one_row(rest):
    user = make_superuser()
    clients = [rest(user) for _ in range(5)]
    barrier, statuses = threading.Barrier(len(clients)), []

    def create(client):
        barrier.wait()
        statuses.append(post(client, {"code": "P1"}).status_code)
        connection.close()

    threads = [threading.Thread(target=create, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    assert Product.objects.count() == 1
