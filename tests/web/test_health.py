import pytest
from kombu.exceptions import OperationalError

from crm.web import health


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(health, "_seen_complete", set())


def test_healthz_asks_nothing(client, monkeypatch):
    """No database access either: this test may not touch it."""
    monkeypatch.setattr(health, "broker_answers", lambda: pytest.fail("asked the broker"))
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"ok\n", "text/plain; charset=utf-8")
    assert client.post("/healthz").status_code == 405


def test_readyz_names_its_parts(db, client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "database": "ok", "broker": "ok", "migrations": "ok"}
    assert "no-store" in answer["Cache-Control"]


def test_readyz_says_which_part_is_down(db, client, monkeypatch):
    def refuse() -> bool:
        raise OperationalError("password of the broker")

    monkeypatch.setattr(health, "broker_answers", refuse)
    monkeypatch.setattr("crm.engines.commands.is_behind", lambda: True)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "database": "ok", "broker": "failed", "migrations": "failed"}


def test_readyz_without_a_broker_answers_soon(db, client, settings, monkeypatch):
    monkeypatch.setattr(health.app, "connection_for_write", lambda **options: _nowhere(options))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["broker"]) == (503, "failed")


def _nowhere(options):
    from kombu import Connection

    return Connection("redis://127.0.0.1:1/0", **options)


def test_migrations_are_read_once_complete(db, client, monkeypatch):
    asked = []
    monkeypatch.setattr("crm.engines.commands.is_behind", lambda: bool(asked.append(1)))
    client.get("/readyz")
    client.get("/readyz")
    assert asked == [1]
