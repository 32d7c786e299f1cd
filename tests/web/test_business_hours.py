"""The page of business hours: seen by all, set by those who may, days added as a list."""

from datetime import date, time

import pytest
from django.urls import reverse
from django.utils import timezone

from plans.models import BusinessDay, BusinessHours
from tests.factories import make_user
from tests.web.people import grant

pytestmark = pytest.mark.django_db
ADDRESS = "/plans/hours/"


@pytest.fixture
def keeper(client):
    user = grant(make_user(), "change_businesshours", "change_businessday")
    client.force_login(user)
    return user


def sent(**fields):
    return {
        "valid_from": "2025-01-01", "opens_at": "08:30", "closes_at": "17:30", "working_days": ["1", "2", "6"],
        "time_zone": "", **fields,
    }  # fmt: skip


def test_page_says_what_counts_before_anything_is_set(client):
    client.force_login(make_user())

    html = client.get(ADDRESS).content.decode()

    assert "Monday to Friday from 9:00 to 18:00 counts" in html
    assert "Keep the hours" not in html
    for name, args in (("hours", []), ("days_add", []), ("hours_drop", [1]), ("day_drop", [1])):
        assert client.post(reverse(f"plans:{name}", args=args)).status_code == 403
    assert not BusinessHours.objects.exists()


def test_hours_are_set_changed_for_the_same_day_and_removed(client, keeper):
    assert client.get(ADDRESS).context["form"].initial["valid_from"] == timezone.localdate()
    client.post(ADDRESS, sent())
    client.post(ADDRESS, sent(closes_at="16:00", time_zone="Asia/Tokyo"))
    row = BusinessHours.objects.get()
    assert (row.opens_at, row.closes_at, row.working_days) == (time(8, 30), time(16), [1, 2, 6])
    html = client.get(ADDRESS).content.decode()
    assert "08:30–16:00" in html
    assert "Monday, Tuesday, Saturday · Asia/Tokyo" in html

    client.post(reverse("plans:hours_drop", args=[row.pk]))

    assert not BusinessHours.objects.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"closes_at": "08:00"}, "Work must end after it begins"),
        ({"working_days": []}, "This field is required"),
        ({"working_days": ["9"]}, "Select a valid choice"),
        ({"time_zone": "Mars/North"}, "Select a valid choice"),
        ({"valid_from": "soon"}, "Enter a valid date"),
    ],
)
def test_wrong_hours_keep_the_form_and_say_why(client, keeper, fields, words):
    answer = client.post(ADDRESS, sent(**fields))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not BusinessHours.objects.exists()


def test_days_come_as_a_list_and_go_one_by_one(client, keeper):
    add = reverse("plans:days_add")
    client.post(add, {"days": "2025-10-01..2025-10-02, off, National Day\n2025-10-11 work"})
    html = client.get(ADDRESS).content.decode()
    assert html.count("National Day") == 2
    assert "worked" in html
    refused = client.post(add, {"days": "2025-10-03 perhaps"})
    assert refused.status_code == 422
    assert "neither off nor work" in refused.content.decode()

    client.post(reverse("plans:day_drop", args=[BusinessDay.objects.get(day=date(2025, 10, 1)).pk]))
    china = client.post(add, {"china": "1"}, follow=True).content.decode()

    assert "were there" in china
    assert BusinessDay.objects.get(day=date(2025, 10, 1)).name == "国庆节、中秋节"


@pytest.mark.parametrize("count", [1, 3])
def test_page_asks_the_same_number_of_queries(client, keeper, django_assert_num_queries, count):
    for step in range(count):
        BusinessHours.objects.create(valid_from=date(2020 + step, 1, 1))
        BusinessDay.objects.create(day=date(2024, 5, 1 + step))
    client.get(ADDRESS)

    with django_assert_num_queries(9):  # session, user, rights, and three of the page
        client.get(ADDRESS)
