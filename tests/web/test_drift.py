"""The page on which a version's drift is read, and its words on what to do."""

from datetime import date

import pytest
from django.urls import reverse

from accounts.models import Account
from crm.web.drift import words_of
from tests.factories import make_superuser, make_user
from tests.tiering.company import random_ledger
from tests.tiering.night import night
from tiering.drift import Drift, IndicatorDrift, NightSummary
from tiering.enums import Preset
from tiering.models import ScoringModel
from tiering.services import activate_model, create_model

ADDRESS = "/tiering/drift/"
SEPTEMBER, OCTOBER = date(2024, 9, 30), date(2024, 10, 31)


def summary(as_of: date, *, gold: int = 10, evidence: float = 0.9, accounts: int = 100) -> NightSummary:
    return NightSummary(1, as_of, accounts, {"gold": gold}, None, evidence, 0.5, {}, {}, {})


def moved(code: str, index: float | None) -> IndicatorDrift:
    return IndicatorDrift(code, 50.0, 60.0, 0.0, 0.0, index)


def words(*nights: NightSummary, indicators: tuple[IndicatorDrift, ...] = ()) -> str:
    return " ".join(one.text for one in words_of(Drift(ScoringModel(), nights, indicators, is_whole=True)))


def test_words_say_what_moved_and_what_to_do():
    first = summary(SEPTEMBER)

    assert "still fits" in words(first, summary(OCTOBER))
    assert "Only one night" in words(first)
    assert "36 Diamond, Gold and Strategic" in words(first, summary(OCTOBER, gold=36))
    assert "Renew ratings" in words(first, summary(OCTOBER, evidence=0.84))
    assert "Fewer than 30 accounts" in words(first, summary(OCTOBER, accounts=29))
    found = words(
        first, summary(OCTOBER), indicators=(moved("L2", 0.3), moved("P1", 0.1), moved("S1", 0.09), moved("V1", None))
    )
    assert "set their scales anew" in found
    assert "Months with an order" in found.split("Moving since")[0]
    assert "Growth of revenue" in found.split("Moving since")[1]
    assert "Net revenue" not in found
    lost = IndicatorDrift("L3", 50.0, 50.0, 0.1, 0.2, 0.0)
    assert "Known of fewer accounts" in words(first, summary(OCTOBER), indicators=(lost,))


@pytest.fixture
def graded(db) -> ScoringModel:
    random_ledger(accounts=20, rows=400, seed=4)
    model = activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=SEPTEMBER))
    night(SEPTEMBER)
    night(OCTOBER)
    return model


def test_the_page_shows_charts_tables_and_words(client, graded):
    client.force_login(make_superuser())

    html = client.get(ADDRESS).content.decode()

    assert "Accounts per grade" in html
    assert "population stability index" in html
    assert "30 Sep 2024" in html
    assert html.count("Show as table") == 2
    assert "those you see" not in html
    assert client.get(ADDRESS, {"model": graded.pk}).status_code == 200


def test_owner_sees_the_own_accounts_and_a_stranger_none(client, graded):
    owner = make_user()
    Account.objects.filter(pk__in=list(Account.objects.values_list("pk", flat=True)[:3])).update(owner=owner)

    client.force_login(owner)
    mine = client.get(ADDRESS)
    client.force_login(make_user())
    none = client.get(ADDRESS)

    assert 0 < mine.context["drift"].last.accounts <= 3
    assert "those you see" in mine.content.decode()
    assert none.context["drift"].last.accounts == 0


@pytest.mark.django_db
def test_without_a_night_it_says_what_to_do_and_other_versions_are_missing(client):
    client.force_login(make_user())

    assert "No night to compare yet" in client.get(ADDRESS).content.decode()
    assert client.get(ADDRESS, {"model": "12"}).status_code == 404
    assert reverse("tiering:drift") == ADDRESS
