"""Growth notes: who may write what, and who reads it."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Account
from crm.lib.exceptions import PeriodError
from crm.lib.periods import parse_period
from metrics.enums import GrowthFactor, GrowthStrategy
from metrics.models import GrowthNote
from metrics.services.growth_notes import NoteRefused, add_note, withdraw_note
from tests.factories import make_account, make_superuser, make_team_member, make_user
from tests.web.people import grant

pytestmark = pytest.mark.django_db
PERIODS = {"base": parse_period("2023"), "comparison": parse_period("2024")}


def note(author, account=None, **fields):
    return add_note(
        **{"author": author, "account": account, "factor": "market", "text": "prices fell", **PERIODS, **fields}
    )


def test_note_keeps_its_periods_factor_and_strategy():
    author = make_user()
    account = make_account(owner=author)

    kept = note(author, account, strategy=GrowthStrategy.RELATIONSHIPS, text="  two lines\r\nof text ")

    kept.refresh_from_db()
    assert (kept.base, kept.comparison) == (PERIODS["base"], PERIODS["comparison"])
    assert (kept.factor, kept.strategy, kept.text) == (GrowthFactor.MARKET, "relationships", "two lines\nof text")
    assert (kept.author, kept.withdrawn_at) == (author, None)


def test_notes_are_read_by_whoever_sees_the_account_and_of_the_whole_by_whoever_sees_all():
    owner, teammate, stranger, manager = make_user(), make_user(), make_user(), grant(make_user(), "view_all_accounts")
    account = make_account(owner=owner)
    make_team_member(account=account, user=teammate)
    own, whole = note(owner, account), note(manager)

    read = {user.pk: set(GrowthNote.objects.visible_to(user)) for user in (owner, teammate, stranger, manager)}

    assert read == {owner.pk: {own}, teammate.pk: {own}, stranger.pk: set(), manager.pk: {own, whole}}
    assert set(GrowthNote.objects.about(Account.objects.filter(pk=account.pk))) == {own}


def test_note_on_the_whole_takes_the_right_to_see_all():
    with pytest.raises(NoteRefused, match="see every account"):
        note(make_user())
    assert note(make_superuser()).account is None


@pytest.mark.parametrize(
    "wrong", [{"text": " \n"}, {"text": "x" * 1001}, {"factor": "luck"}, {"factor": ""}, {"strategy": "hope"}]
)
def test_what_says_nothing_or_something_unknown_is_refused(wrong):
    with pytest.raises(NoteRefused):
        note(make_superuser(), **wrong)


def test_base_must_end_before_the_comparison():
    with pytest.raises(PeriodError):
        note(make_superuser(), base=parse_period("2024"), comparison=parse_period("2024"))


def test_notes_touching_a_period():
    author = make_superuser()
    year = note(author)
    quarter = note(author, base=parse_period("2024-Q3"), comparison=parse_period("2024-Q4"))
    note(author, base=parse_period("2021"), comparison=parse_period("2022"))

    assert set(GrowthNote.objects.touching(parse_period("2024-Q4"))) == {year, quarter}
    assert set(GrowthNote.objects.touching(parse_period("2024-Q1"))) == {year}


def test_withdrawn_note_stays_and_says_by_whom():
    author, other = make_superuser(), make_superuser()
    kept = note(author)

    first = withdraw_note(note=kept, user=other).withdrawn_at
    again = withdraw_note(note=kept, user=author)

    assert (again.withdrawn_at, again.withdrawn_by) == (first, other)
    assert not GrowthNote.objects.standing().exists()


def test_the_database_holds_what_must_never_be_false():
    kept = note(make_superuser())

    for wrong in ({"factor": "luck"}, {"strategy": "hope"}, {"text": ""}, {"base_last_on": date(2024, 1, 1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            GrowthNote.objects.filter(pk=kept.pk).update(**wrong)
