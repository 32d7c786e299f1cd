"""Need and market potential: set on the account and in bulk, filtered, shown as a column, undone."""

import pytest

from accounts.models import Account
from crm.web.editing import stamp_of
from tests.factories import make_account, make_superuser
from tests.web.people import grant, make_cast

pytestmark = pytest.mark.django_db


def test_who_may_change_an_account_sets_both_on_its_page(client):
    cast = make_cast()
    address, found = f"/accounts/{cast.account.pk}/axes/", {}
    people = {"owner": cast.owner, "stranger": grant(cast.stranger, "change_account")}
    people["teammate"] = grant(cast.teammate, "change_account")
    for name, user in people.items():
        client.force_login(user)
        given = {"need": "service", "potential": "high", "seen": stamp_of(cast.account)}
        found[name] = client.post(address, given).status_code

    assert found == {"owner": 403, "stranger": 404, "teammate": 302}
    assert Account.objects.values_list("need", "potential").get() == ("service", "high")
    html = client.get(cast.account.get_absolute_url()).content.decode()
    assert '<option value="service" selected>' in html
    cast.account.refresh_from_db()
    client.post(address, {"need": "taste", "potential": "low", "seen": stamp_of(cast.account)})
    assert Account.objects.values_list("need", "potential").get() == ("service", "high")


def test_bulk_change_filter_column_and_undo(client):
    client.force_login(make_superuser())
    one, two = make_account(name="First"), make_account(name="Second", potential="low")
    ticked = {"account": [one.pk, two.pk], "action": "potential"}

    asked = client.post("/accounts/bulk/", ticked).content.decode()
    client.post("/accounts/bulk/", ticked | {"confirmed": "1", "potential": "mid", f"was-{two.pk}": "low"})
    changed = sorted(Account.objects.values_list("potential", flat=True))
    client.post("/accounts/bulk/undo/")

    assert "Set the market potential of 2 accounts" in asked
    assert changed == ["mid", "mid"]
    assert list(Account.objects.order_by("pk").values_list("potential", flat=True)) == ["", "low"]
    listed = client.get("/accounts/", {"potential": "low"}, headers={"HX-Request": "true"}).content.decode()
    assert "Second" in listed
    assert "First" not in listed
    unknown = client.get("/accounts/", {"potential": "-"}, headers={"HX-Request": "true"}).content.decode()
    assert "First" in unknown


def test_an_unknown_value_is_refused_over_rest_and_by_the_database(client):
    account = make_account()
    client.force_login(make_superuser())

    response = client.patch(
        f"/api/v1/accounts/{account.pk}/", {"need": "taste"}, content_type="application/json", headers={"If-Match": "*"}
    )

    assert response.status_code == 400
    listed = client.get("/api/v1/accounts/", {"need": "price"}).json()
    assert listed["count"] == 0
