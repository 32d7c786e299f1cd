"""The sandbox page: levers in the address, what they would give, and a draft only when asked for."""

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Account
from tests.factories import make_superuser, make_user
from tests.tiering.company import AS_OF, random_ledger
from tests.tiering.night import night
from tests.web.people import grant
from tiering.enums import ModelState, Preset
from tiering.models import ScoringModel
from tiering.services import activate_model, create_model

pytestmark = pytest.mark.django_db
ADDRESS = "/tiering/sandbox/"


@pytest.fixture
def graded():
    random_ledger(accounts=30, rows=700, seed=8)
    activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF))
    return night(AS_OF)


def opened(client, **query):
    response = client.get(ADDRESS, query)
    assert response.status_code == 200
    return response


def test_without_a_night_it_says_what_to_do(client):
    client.force_login(make_user())

    assert "No night yet" in opened(client).content.decode()


def test_a_moved_lever_moves_accounts_and_keeps_its_value(client, graded):
    client.force_login(make_superuser())

    still = opened(client).context["found"]
    response = opened(client, t_gold_revenue_ttm="1", t_gold_sal="0", t_gold_composite="0")

    assert still.moved == 0
    assert response.context["found"].moved > 0
    html = response.content.decode()
    assert 'name="t_gold_revenue_ttm" value="1"' in html
    assert "Keep as a draft" in html
    assert ScoringModel.objects.count() == 1


def test_htmx_gets_the_part_alone(client, graded):
    client.force_login(make_superuser())

    html = client.get(ADDRESS, {"w_SAL": "40"}, headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in html
    assert "sum to 90 instead of 100" in html


@pytest.mark.parametrize("text", ["nine", "-1", "101", "NaN", "1e30", "\x00"])
def test_a_value_that_cannot_be_read_stays_and_says_so(client, graded, text):
    client.force_login(make_superuser())

    response = opened(client, w_SAL=text)

    assert response.context["levers"].dimensions[0].value == 50
    assert ("Give a number" in response.content.decode()) == (text != "\x00")


def test_kept_levers_become_a_draft_that_nobody_runs_yet(client, graded):
    user = grant(make_user(), "add_scoringmodel", "view_all_accounts")
    client.force_login(user)

    response = client.post(
        ADDRESS + "keep/", {"model": graded.model.pk, "w_SAL": "40", "w_LOY": "35", "t_gold_sal": "45"}
    )

    draft = ScoringModel.objects.get(state=ModelState.DRAFT)
    assert response.url == f"{ADDRESS}?model={draft.pk}"
    assert {one.code: one.weight for one in draft.dimensions.all()}["SAL"] == Decimal(40)
    assert draft.rules.get(grade="gold", condition="sal").threshold == 45
    assert (draft.created_by, draft.version) == (user, 2)


def test_without_the_right_no_draft_is_made(client, graded):
    client.force_login(make_user())

    assert client.post(ADDRESS + "keep/", {"model": graded.model.pk, "w_SAL": "40"}).status_code == 403
    assert "Keep as a draft" not in opened(client, w_SAL="40").content.decode()


def test_owner_sees_the_own_accounts_and_a_stranger_none(client, graded):
    owner, stranger = make_user(), make_user()
    Account.objects.filter(pk__in=list(Account.objects.order_by("pk").values_list("pk", flat=True)[:5])).update(
        owner=owner
    )

    for user, count in ((owner, 5), (stranger, 0)):
        client.force_login(user)
        assert opened(client).context["found"].accounts == count


def test_a_version_in_another_currency_is_withheld(client, graded):
    other = create_model(preset=Preset.FULL, as_of=AS_OF, currency="EUR")
    client.force_login(make_superuser())

    response = opened(client, model=other.pk)

    assert "counts in EUR" in response.content.decode()
    assert reverse("tiering:sandbox") == ADDRESS
