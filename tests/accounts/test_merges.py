from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.enums import TeamRole
from accounts.groups import change_parent, stays_of
from accounts.merges import MergeRefused, merge_accounts, preview, undo_merge
from accounts.models import Account, AccountMerge, RevenueRecord
from crm.lib.periods import Period
from metrics import product_days, rollup
from metrics.services.portfolio import two_periods
from metrics.services.suggestions import reject_suggestion
from tests.factories import (
    make_account,
    make_contact,
    make_contract,
    make_product,
    make_rating,
    make_superuser,
    make_team_member,
    make_user,
    make_wallet_estimate,
    post_revenue,
)

BASE, COMPARISON = (Period(date(year, 1, 1), date(year + 1, 1, 1), str(year)) for year in (2023, 2024))


def rolled_up():
    """Every row of the roll-up but its key."""
    found = {}
    with connection.cursor() as cursor:
        for level in rollup.LEVELS:
            cursor.execute(f"SELECT {', '.join(level.names)} FROM {level.table} ORDER BY 1, 2, 3, 4")
            found[level.table] = cursor.fetchall()
        cursor.execute(f"SELECT {', '.join(product_days.COLUMNS)} FROM {product_days.TABLE} ORDER BY 1, 2, 3, 4, 5")
        found[product_days.TABLE] = cursor.fetchall()
    return found


@pytest.fixture
def pair(db):
    old, kept = make_account(name="Acme Ltd"), make_account(name="Acme")
    post_revenue(
        [
            {"account": old, "booked_on": date(2023, 2, 1), "amount": Decimal(100), "reference": "R1"},
            {"account": kept, "booked_on": date(2024, 2, 1), "amount": Decimal(120), "reference": "R2"},
            {"account": kept, "booked_on": date(2023, 2, 1), "amount": Decimal(5), "reference": "R1"},
        ]
    )
    return old, kept


def test_merge_makes_one_customer_of_a_churned_and_a_new_one(pair):
    old, kept = pair
    before = rolled_up()

    merge = merge_accounts(merged=old, into=kept, by=make_superuser(), reason=" Renamed ")

    found = two_periods(Account.objects.visible_to(make_superuser()), base=BASE, comparison=COMPARISON)
    assert [(row.account_id, row.values["base"], row.values["comparison"]) for row in found.table.rows()] == [
        (kept.pk, 105, 120)
    ]
    assert {name: bar.amount for name, bar in found.bridge().bars.items() if bar.amount} == {
        "opening": 105, "expansion": 15, "closing": 120,
    }  # fmt: skip
    assert product_days.is_current()
    assert (merge.reason, merge.survivor, rollup.is_current(), rollup.difference()) == ("Renamed", kept, True, 0)
    assert set(RevenueRecord.objects.values_list("account", flat=True)) == {old.pk, kept.pk}  # append-only

    undo_merge(merge=merge, by=None)
    assert rolled_up() == before
    assert (rollup.is_current(), rollup.difference()) == (True, 0)


def test_posting_and_withdrawing_under_the_merged_code_counts_for_the_one_that_stays(pair):
    old, kept = pair
    merge_accounts(merged=old, into=kept, by=None, reason="Same")

    post_revenue([{"account": old, "booked_on": date(2024, 5, 1), "amount": Decimal(7)}])

    assert (rollup.difference(), product_days.is_current()) == (0, True)
    everyone = Account.objects.all()
    assert two_periods(everyone, base=BASE, comparison=COMPARISON).comparison_net.tolist() == [127]
    assert RevenueRecord.objects.of_accounts(Account.objects.filter(pk=kept.pk)).count() == 4


def test_merged_account_is_seen_by_nobody(pair):
    old, kept = pair
    owner = make_user()
    Account.objects.filter(pk=old.pk).update(owner=owner)
    merge_accounts(merged=old, into=kept, by=None, reason="Same")

    everything = Account.objects.visible_to(make_superuser())
    assert list(everything) == [kept]
    assert everything.is_everything
    assert not everything.filter(pk=kept.pk).is_everything
    assert not Account.objects.visible_to(owner).exists()


def test_what_hangs_on_the_account_moves_and_comes_back(pair):
    old, kept = pair
    author, product = make_superuser(), make_product()
    make_contact(account=kept, is_primary=True, name="Kept")
    rows = [
        make_contact(account=old, is_primary=True, name="First"),
        make_contract(account=old),
        make_rating(account=old),
        make_wallet_estimate(account=old),
        make_team_member(account=old, role=TeamRole.ACCOUNT_MANAGER, valid_from=date(2021, 1, 1)),
        reject_suggestion(account=old, product=product, user=author, reason="No"),
    ]
    stays = make_team_member(account=old, role=TeamRole.SOLUTION_MANAGER, valid_from=date(2021, 1, 1))
    make_team_member(account=kept, role=TeamRole.SOLUTION_MANAGER, valid_from=date(2022, 1, 1))
    child = make_account(parent=old)
    sold = make_account(parent=old)
    change_parent(account=sold, parent=None, since=date(2023, 4, 1), by=None)
    shown = preview(merged=old, into=kept)

    merge = merge_accounts(merged=old, into=kept, by=author, reason="Same")

    def accounts():
        for row in rows:
            row.refresh_from_db()
        return {row.account_id for row in rows}

    assert accounts() == {kept.pk}
    stays.refresh_from_db()
    child.refresh_from_db()
    assert (stays.account_id, merge.moved["stayed"]) == (old.pk, {"team_members": [stays.pk]})
    assert (shown.moves["team_members"], shown.stays["team_members"], shown.moves["contacts"]) == (1, 1, 1)
    assert (rows[0].is_primary, child.parent_id, stays_of(sold)[0].parent_id) == (False, kept.pk, kept.pk)

    undo_merge(merge=merge, by=author)
    child.refresh_from_db()
    assert accounts() == {old.pk}
    assert (rows[0].is_primary, child.parent_id, stays_of(sold)[0].parent_id) == (True, old.pk, old.pk)


def test_undo_leaves_alone_what_was_moved_on_since(pair):
    old, kept = pair
    moved_on, third = make_contact(account=old), make_account()
    merge = merge_accounts(merged=old, into=kept, by=None, reason="Same")
    moved_on.refresh_from_db()
    moved_on.account = third
    moved_on.save()

    undo_merge(merge=merge, by=None)

    moved_on.refresh_from_db()
    assert moved_on.account == third


def test_merging_into_a_merged_account_means_the_one_that_stays(pair):
    old, kept = pair
    third = make_account()
    first = merge_accounts(merged=old, into=kept, by=None, reason="Same")

    assert merge_accounts(merged=third, into=old, by=None, reason="Same too").survivor == kept

    last = make_account()
    later = merge_accounts(merged=kept, into=last, by=None, reason="All one")
    merged = Account.objects.filter(merged_into=last)
    assert set(merged) == {old, kept, third}
    with pytest.raises(MergeRefused, match="undo that merge first"):
        undo_merge(merge=first, by=None)

    undo_merge(merge=later, by=None)
    assert set(Account.objects.filter(merged_into=kept)) == {old, third}
    undo_merge(merge=first, by=None)
    assert rollup.difference() == 0


def test_customer_before_the_data_start_stays_one(pair):
    old, kept = pair
    Account.objects.filter(pk=old.pk).update(before_data_start=True)
    merge = merge_accounts(merged=old, into=kept, by=None, reason="Same")
    kept.refresh_from_db()
    assert kept.before_data_start

    undo_merge(merge=merge, by=None)
    kept.refresh_from_db()
    assert not kept.before_data_start


@pytest.mark.parametrize("case", ["itself", "below", "once below", "again", "no reason"])
def test_merge_that_cannot_be_is_refused_with_a_sentence(pair, case):
    old, kept = pair
    reason, into, says = "Same", kept, ""
    if case == "itself":
        into, says = old, "into itself"
    elif case == "below":
        change_parent(account=kept, parent=make_account(parent=old), since=None, by=None)
        says = "the other way round"
    elif case == "once below":
        change_parent(account=kept, parent=old, since=None, by=None)
        change_parent(account=kept, parent=None, since=date(2023, 1, 1), by=None)
        says = "the other way round"
    elif case == "again":
        merge_accounts(merged=old, into=make_account(), by=None, reason="Same")
        says = "before"
    else:
        reason, says = "  ", "Say why"

    with pytest.raises(MergeRefused, match=says):
        merge_accounts(merged=old, into=into, by=None, reason=reason)


def test_undo_happens_once(pair):
    old, kept = pair
    merge = merge_accounts(merged=old, into=kept, by=None, reason="Same")
    undo_merge(merge=merge, by=None)

    with pytest.raises(MergeRefused, match="undone before"):
        undo_merge(merge=merge, by=None)
    assert AccountMerge.objects.get().undone_at is not None
    merge_accounts(merged=old, into=kept, by=None, reason="Same after all")


def test_database_makes_no_chains(pair):
    old, kept = pair
    merge_accounts(merged=old, into=kept, by=None, reason="Same")

    with pytest.raises(IntegrityError, match="no chains"), transaction.atomic():
        Account.objects.filter(pk=kept.pk).update(merged_into=make_account())
    with pytest.raises(IntegrityError, match="no chains"), transaction.atomic():
        Account.objects.filter(pk=make_account().pk).update(merged_into=old)


def test_children_of_a_merged_account_cannot_be_named_back(pair):
    old, kept = pair
    merge_accounts(merged=old, into=kept, by=None, reason="Same")

    assert change_parent(account=make_account(), parent=old, since=None, by=None).parent == kept


def test_who_buys_through_a_merged_dealer_buys_through_the_one_that_stays(pair):
    old, kept = pair
    shop = make_account(dealer=old)
    Account.objects.filter(pk=kept.pk).update(dealer=old)  # and nobody buys through itself

    merge = merge_accounts(merged=old, into=kept, by=None, reason="Renamed")
    shop.refresh_from_db()
    kept.refresh_from_db()
    joined = (shop.dealer_id, kept.dealer_id)
    undo_merge(merge=merge, by=None)
    shop.refresh_from_db()
    kept.refresh_from_db()

    assert joined == (kept.pk, None)
    assert (shop.dealer_id, kept.dealer_id) == (old.pk, old.pk)
