"""A request that runs into a limit of the database is answered 503 with what to do, by page and by REST."""

import pytest
from django.db import connection, transaction
from django.test import Client, RequestFactory

from crm.lib.out_of_time import GaveUp, gave_up
from crm.web import errors
from tests.api.conftest import assert_problem
from tests.factories import make_superuser

SLOW = "SELECT pg_sleep(5)"


def limited(statement, **limits):
    """Run a statement under limits of this transaction alone."""
    with transaction.atomic(), connection.cursor() as cursor:
        for name, value in limits.items():
            cursor.execute(f"SET LOCAL {name} = '{value}'")
        cursor.execute(statement)


@pytest.fixture
def slow_lists(monkeypatch):
    """Reading accounts in view takes longer than the database allows."""
    from accounts.querysets import AccountQuerySet

    def slow(self, user):
        limited(SLOW, statement_timeout="50ms")

    monkeypatch.setattr(AccountQuerySet, "visible_to", slow)


def signed_in(raise_request_exception=False):
    client = Client(raise_request_exception=raise_request_exception)
    client.force_login(make_superuser())
    return client


def test_page_that_takes_too_long_says_what_to_do(db, slow_lists):
    response = signed_in().get("/accounts/")

    html = response.content.decode()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "60")
    assert "This took longer than a page may take" in html
    assert "Nothing was changed" in html
    assert len(html.split("<code>")[1].split("</code>")[0]) == 36


def test_rest_answer_that_takes_too_long_is_a_problem_document(db, rest, slow_lists):
    response = rest(make_superuser()).get("/api/v1/accounts/")

    told = assert_problem(response, 503)
    assert (told["type"], response.headers["Retry-After"]) == ("urn:facet:problem:out-of-time", "60")
    assert "repeat it in a minute" in told["detail"]


@pytest.fixture
def busy_lists(monkeypatch):
    """Reading accounts in view waits for a lock that another session holds."""
    from accounts.querysets import AccountQuerySet

    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(4711)")
    monkeypatch.setattr(
        AccountQuerySet,
        "visible_to",
        lambda self, user: limited("SELECT pg_advisory_xact_lock(4711)", lock_timeout="50ms"),
    )
    yield
    other.close()


def test_who_waits_too_long_for_somebody_else_is_told_so(db, rest, busy_lists):
    page, answer = signed_in().get("/accounts/"), rest(make_superuser()).get("/api/v1/accounts/")

    assert page.status_code == 503
    assert "Somebody else is changing the same records" in page.content.decode()
    told = assert_problem(answer, 503)
    assert (told["type"], answer.headers["Retry-After"]) == ("urn:facet:problem:busy", "60")


def test_error_page_tells_busy_from_slow(db):
    def page(statement, **limits):
        try:
            limited(statement, **limits)
        except Exception as error:  # noqa: BLE001 - the handler looks at what is being handled
            return gave_up(error), errors.server_error(RequestFactory().get("/"))
        raise AssertionError("it did not run into the limit")

    why, slow = page(SLOW, statement_timeout="20ms")
    assert (why, slow.status_code) == (GaveUp.SLOW, 503)
    plain, failed = page("SELECT 1/0")
    assert (plain, failed.status_code) == (None, 500)
    assert "Something went wrong on our side" in failed.content.decode()
    assert gave_up(None) is None


def test_page_that_breaks_itself_still_gives_the_number(db, settings):
    try:
        limited(SLOW, statement_timeout="20ms")
    except Exception:  # noqa: BLE001 - the handler looks at what is being handled
        settings.TEMPLATES = []
        response = errors.server_error(RequestFactory().get("/"))

    assert response.status_code == 503
    assert b"<title>503</title>" in response.content
