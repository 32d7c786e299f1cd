"""Migration over REST: the page's numbers, the caller's accounts, days that cannot be compared."""

from datetime import date

import pytest

from tests.api.nights import make_published_run, make_scoring_model
from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/tiering/migration/"


@pytest.fixture
def owner():
    owner = make_user()
    mine, foreign = make_account(owner=owner, segment="Key"), make_account()
    model = make_scoring_model()
    make_published_run(model, {mine: "gold", foreign: "gold"}, as_of=date(2023, 6, 30))
    make_published_run(model, {mine: "diamond", foreign: "gold"}, as_of=date(2024, 6, 30))
    return owner


def test_the_matrix_of_the_accounts_in_view(rest, admin, owner):
    mine = rest(owner).get(ADDRESS).json()
    everything = admin.get(ADDRESS, {"from": "2023-07-15", "to": "2024-07-01"}).json()

    assert mine == {
        "from": "2023-06-30", "to": "2024-06-30", "accounts": 1,
        "rows": [
            {"grade": "gold", "accounts": 1, "is_few": True, "cells": [{"grade": "diamond", "accounts": 1, "share": 1.0}]}
        ],
        "up": 1, "down": 0, "same": 0, "entrants": {}, "leavers": {},
    }  # fmt: skip
    assert (everything["accounts"], everything["up"], everything["same"]) == (2, 1, 1)
    assert admin.get(ADDRESS, {"segment": "Key"}).json()["accounts"] == 1


def test_what_cannot_be_compared_is_refused(rest, admin, owner):
    assert admin.get(ADDRESS, {"from": "2024-07-01", "to": "2024-07-02"}).status_code == 400
    assert admin.get(ADDRESS, {"form": "2024"}).status_code == 400
    assert rest().get(ADDRESS).status_code == 401


def test_one_night_is_not_enough(admin):
    assert admin.get(ADDRESS).status_code == 404
