"""Overrides and decisions on value bands follow a merged account, and come back as they are by then."""

from datetime import date

import pytest

from accounts.services import merge_accounts, undo_merge
from tests.factories import make_account, make_override, make_superuser, make_user
from tiering.models import BandDecision, Override, ProblemDecision
from tiering.services_overrides import end_override

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    return make_account(), make_account()


def places(model):
    return list(model.objects.order_by("pk").values_list("account", flat=True))


def merged_into(merged, survivor):
    return merge_accounts(merged=merged, into=survivor, by=make_superuser(), reason="One customer")


def decide(account, day):
    return BandDecision.objects.create(
        account=account, verdict="improve", text="Grows", review_on=date(2030, 1, 1), decided_by=make_user(),
        decided_on=day,
    )  # fmt: skip


def test_overrides_move_unless_their_days_are_taken(pair):
    old, kept = pair
    make_override(account=kept, valid_from=date(2024, 6, 1), valid_to=date(2024, 9, 1))
    make_override(account=old, valid_from=date(2024, 1, 1), valid_to=date(2024, 6, 1))  # up to that day
    make_override(account=old, valid_from=date(2024, 8, 1), valid_to=date(2025, 1, 1))  # one holds there
    make_override(account=old, state="refused", valid_from=date(2024, 7, 1), closed_by=make_user(), closing_text="No")
    before = places(Override)

    merge = merged_into(old, kept)

    assert places(Override) == [kept.pk, kept.pk, old.pk, kept.pk]
    assert (len(merge.moved["overrides"]), len(merge.moved["stayed"]["overrides"])) == (2, 1)
    undo_merge(merge=merge, by=None)
    assert places(Override) == before


def test_ended_override_keeps_its_days_too(pair):
    """Nights of the past are counted again by what held on them: two on one day would contradict each other."""
    old, kept = pair
    ended = make_override(account=kept, valid_from=date(2024, 1, 1), valid_to=date(2024, 12, 1))
    end_override(override=ended, by=make_user(), text="Over", on=date(2024, 5, 1))
    make_override(account=old, valid_from=date(2024, 4, 1), valid_to=date(2024, 6, 1))
    make_override(account=old, valid_from=date(2024, 6, 1), valid_to=date(2024, 7, 1))

    merged_into(old, kept)

    assert places(Override) == [kept.pk, old.pk, kept.pk]


@pytest.mark.parametrize("waits_there", [True, False])
def test_request_moves_unless_one_waits_there(pair, waits_there):
    old, kept = pair
    if waits_there:
        make_override(account=kept, approved_by=None)
    waiting = make_override(account=old, approved_by=None)

    merge = merged_into(old, kept)

    waiting.refresh_from_db()
    assert waiting.account_id == (old.pk if waits_there else kept.pk)
    undo_merge(merge=merge, by=None)
    waiting.refresh_from_db()
    assert waiting.account_id == old.pk


def test_what_happened_to_an_override_in_between_stays(pair):
    old, kept = pair
    override = make_override(account=old)
    merge = merged_into(old, kept)
    end_override(override=override, by=make_user(), text="Over", on=date(2024, 3, 1))

    undo_merge(merge=merge, by=None)

    override.refresh_from_db()
    assert (override.account_id, override.state, override.valid_to) == (old.pk, "ended", date(2024, 3, 1))


def test_newest_decision_of_both_counts_and_all_come_back(pair):
    old, kept = pair
    decide(kept, date(2024, 1, 1)), decide(old, date(2024, 2, 1))
    before = places(BandDecision)

    merge = merged_into(old, kept)

    assert places(BandDecision) == [kept.pk, kept.pk]
    undo_merge(merge=merge, by=None)
    assert places(BandDecision) == before


def test_decisions_on_problems_stay_with_the_nights_they_are_about(pair):
    old, kept = pair
    ProblemDecision.objects.create(
        account=old, since=date(2024, 1, 1), verdict="confirm", text="True", decided_by=make_user()
    )

    merged_into(old, kept)

    assert places(ProblemDecision) == [old.pk]
