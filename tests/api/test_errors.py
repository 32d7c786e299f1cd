import json

import pytest
from django.test import Client
from rest_framework.views import APIView

from accounts.models import Account
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_account

LIST = "/api/v1/accounts/"


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/nothing/", "/api/v2/accounts/", "/api/v1/deals/", "/api/v1/accounts/x/"]
)
def test_unknown_address_is_a_404_problem(db, method, path):
    response = getattr(Client(), method)(path)

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


def test_missing_slash_is_said(db):
    assert "slash" in assert_problem(Client().get("/api/v1/accounts"), 404)["detail"]


def test_method_that_does_not_exist_is_405(admin):
    response = admin.delete(LIST)

    assert_problem(response, 405)
    assert response.headers["Allow"] == "GET, POST, HEAD"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b'{"code": "\xff"}',
        b'{"code": NaN}',
        b'{"code": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"code": ' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"code": "a\\u0000b", "name": "x"}',
        b'{"code": "a\\ud800b", "name": "x"}',
        b'{"\\u0000": "a"}',
        b"[]",
        b"null",
        b"3",
        b'"text"',
        b'{"code": {"a": 1}, "name": []}',
        b'{"code": "A", "name": "B", "owner": 99999999999999999999999999}',
        b'{"code": "A", "name": "B", "owner": 1.5}',
        b'{"code": "A", "name": "B", "owner": true}',
        b'{"code": "A", "name": "B", "parent": -1}',
        b'{"code": "A", "name": "B", "opened_on": "31/02/2011"}',
        b'{"code": "A", "name": "B", "opened_on": 20110231}',
        b'{"code": "A", "name": "B", "status": "asleep"}',
        b'{"code": "A", "name": "B", "before_data_start": []}',
        b'{"code": "A", "name": "B", "currency": "yen"}',
        b'{"code": "  ", "name": "B"}',
        b'{"code": "A", "name": "B", "nonsense": 1}',
    ],
)
def test_unusable_body_is_a_400_problem_and_leaves_nothing(admin, body):
    response = admin.generic("POST", LIST, body, content_type="application/json")

    assert_problem(response, 400)
    assert not Account.objects.exists()


def test_each_wrong_field_is_pointed_at(admin):
    body = {"code": "A", "opened_on": "soon", "currency": "yen", "color": "red"}

    unknown = assert_problem(admin.post(LIST, body, format="json"), 400)
    del body["color"]
    wrong = assert_problem(admin.post(LIST, body, format="json"), 400)

    assert pointers(unknown) == ["/color"]
    assert sorted(pointers(wrong)) == ["/currency", "/name", "/opened_on"]
    assert "/currency" in wrong["detail"]


def test_nul_is_pointed_at(admin):
    body = assert_problem(admin.post(LIST, {"code": "A", "name": "a\x00b"}, format="json"), 400)

    assert pointers(body) == ["/name"]


def test_body_over_a_megabyte_is_413_for_every_kind_of_login(admin):
    body = json.dumps({"code": "A", "name": "x" * 2_000_000})
    session = Client()
    session.force_login(admin.user)

    by_token = admin.generic("POST", LIST, body, content_type="application/json")
    by_session = session.post(LIST, body, content_type="application/json")
    with_form = session.post(LIST, b"a=" + b"x" * 3_000_000, content_type="application/x-www-form-urlencoded")

    assert_problem(by_token, 413)
    assert_problem(by_session, 413)
    assert_problem(with_form, 415)
    assert not Account.objects.exists()


def test_body_of_a_megabyte_is_read(admin):
    body = json.dumps({"code": "A", "name": "B", "segment": "x" * 999_000})

    assert pointers(assert_problem(admin.generic("POST", LIST, body, content_type="application/json"), 400)) == [
        "/segment"
    ]


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense"])
def test_other_media_are_415(admin, kind):
    assert_problem(admin.generic("POST", LIST, b"x", content_type=kind), 415)


def test_unacceptable_answer_format_is_a_problem(admin):
    assert_problem(admin.get(LIST, headers={"accept": "image/png"}), 406)


def test_foreign_host_is_a_problem(db):
    assert_problem(Client().get(LIST, headers={"host": "evil.example"}), 400)


def test_unexpected_fault_is_a_500_problem_without_internals(admin, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(APIView, "initial", fail)
    admin.raise_request_exception = False

    response = admin.get(LIST)

    assert "secret" not in json.dumps(assert_problem(response, 500))


def test_deleting_what_others_hang_on_is_409(admin):
    parent = make_account()
    make_account(parent=parent)

    assert_problem(admin.delete(f"{LIST}{parent.pk}/"), 409)

    assert Account.objects.count() == 2


@pytest.mark.parametrize("key", ["0", "9999999999999999999", "00"])
def test_key_that_no_row_has_is_404(admin, key):
    assert_problem(admin.get(f"{LIST}{key}/"), 404)


def test_no_answer_is_for_shared_caches(admin):
    for response in (admin.get(LIST), admin.get("/api/v1/nothing/")):
        assert set(response.headers["Cache-Control"].split(", ")) == {"private", "no-cache"}
        assert {"Authorization", "Cookie"} <= {name.strip() for name in response.headers["Vary"].split(",")}
