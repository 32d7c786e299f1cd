"""What an account owes, on its page."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from tests.factories import make_receivable
from tests.web.people import AS_OF, make_cast, reach_end_of_2024

pytestmark = pytest.mark.django_db


def late(days: int):
    return AS_OF - timedelta(days=days)


def test_the_page_shows_ages_share_and_open_invoices_of_the_account_alone(client):
    cast = make_cast()
    reach_end_of_2024(cast.account)
    make_receivable(account=cast.account, number="A-7", due_on=late(45), amount=Decimal(900), paid=[(late(50), 300)])
    make_receivable(number="HIDDEN-1", due_on=late(45))
    client.force_login(cast.owner)

    html = client.get(reverse("accounts:contracts", args=[cast.account.pk])).content.decode()

    assert "A-7" in html
    assert "HIDDEN-1" not in html
    assert "600.00" in html
    assert "33.3%" in html
    assert ">45<" in html


def test_the_page_without_invoices_says_where_they_come_from(client):
    cast = make_cast()
    client.force_login(cast.owner)

    html = client.get(reverse("accounts:contracts", args=[cast.account.pk])).content.decode()

    assert "No invoice to be paid yet" in html
