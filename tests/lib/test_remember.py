"""Answers are kept for one state and found again for no other."""

from uuid import uuid4

import pytest
from django.core.cache import cache

from crm.lib.remember import is_remembered, remembered


@pytest.fixture
def ledger():
    """A state of its own: what others keep in the cache is left alone."""
    return f"ledger {uuid4()}"


@pytest.fixture
def counted():
    """A computation that says how often it was made, on a ledger of its own."""
    made = []

    def compute():
        made.append(1)
        return {"answer": len(made)}

    compute.made = made
    return compute


def test_remembered_computes_once_for_a_state(counted, ledger):
    first, second = (remembered("test", (ledger, 1), counted) for _time in range(2))

    assert first == second == {"answer": 1}
    assert is_remembered("test", (ledger, 1))


def test_remembered_computes_again_for_another_state_or_question(counted, ledger):
    remembered("test", (ledger, 1), counted)

    assert not is_remembered("test", (ledger, 2))
    assert remembered("test", (ledger, 2), counted) == {"answer": 2}
    assert remembered("other", (ledger, 1), counted) == {"answer": 3}


def test_remembered_computes_where_the_cache_is_away(counted, ledger, monkeypatch):
    def away(*args, **kwargs):
        raise ConnectionRefusedError

    for name in ("get", "set", "has_key"):
        monkeypatch.setattr(type(cache._connections[cache._alias]), name, away)

    assert [remembered("test", (ledger,), counted) for _time in range(2)] == [{"answer": 1}, {"answer": 2}]
    assert is_remembered("test", (ledger,))


def test_remembered_lets_an_error_through_and_keeps_nothing(counted, ledger):
    def fails():
        raise ValueError("no figures")

    with pytest.raises(ValueError, match="no figures"):
        remembered("test", (ledger,), fails)
    assert not is_remembered("test", (ledger,))
