import threading
from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.locks import LEASE_BATCH, is_leased, lease, ledger_lock
from accounts.models import RevenueRecord
from tests.factories import make_account, make_revenue, make_team_member


def test_ledger_refuses_edits_and_deletes(db):
    record = make_revenue()

    for attempt in (
        lambda: RevenueRecord.all_objects.filter(pk=record.pk).update(amount=1),
        lambda: RevenueRecord.all_objects.filter(pk=record.pk).update(amount=1, withdrawn_at=timezone.now()),
        lambda: RevenueRecord.all_objects.filter(pk=record.pk).delete(),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            attempt()
    assert RevenueRecord.objects.get().amount == record.amount


def test_withdrawal_is_one_way_and_frees_the_identity(db):
    record = make_revenue(identity=b"same content 16b")
    with pytest.raises(IntegrityError, match="revenue_identity_once"), transaction.atomic():
        make_revenue(identity=b"same content 16b")

    assert RevenueRecord.objects.filter(pk=record.pk).update(withdrawn_at=timezone.now()) == 1
    assert not RevenueRecord.objects.exists()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        RevenueRecord.all_objects.filter(pk=record.pk).update(withdrawn_at=None)
    assert make_revenue(identity=b"same content 16b").pk != record.pk


def test_one_holder_a_role_at_a_time(db):
    account = make_account()
    make_team_member(account=account, valid_from=date(2024, 1, 1), valid_to=date(2024, 7, 1))
    make_team_member(account=account, valid_from=date(2024, 7, 1))

    with pytest.raises(IntegrityError, match="teammember_one_holder_a_role"), transaction.atomic():
        make_team_member(account=account, valid_from=date(2024, 6, 30), valid_to=date(2024, 7, 1))


def test_foreign_keys_of_the_ledger_are_checked_at_once(db):
    record = make_revenue()
    with pytest.raises(IntegrityError, match="foreign key"), transaction.atomic():
        RevenueRecord.objects.create(
            account_id=0,
            batch=record.batch,
            booked_on=date(2024, 1, 1),
            amount=1,
            currency="CNY",
            source="s",
            identity=b"x",
        )


@pytest.mark.django_db(transaction=True)
def test_lease_is_exclusive_between_sessions_and_ends_with_its_block():
    seen = []

    def other_session():
        with lease(LEASE_BATCH, 7) as free:
            seen.append(free)
        connection.close()

    with lease(LEASE_BATCH, 7) as held:
        assert held
        assert is_leased(LEASE_BATCH, 7)
        thread = threading.Thread(target=other_session)
        thread.start()
        thread.join()
    assert seen == [False]
    assert not is_leased(LEASE_BATCH, 7)


@pytest.mark.django_db(transaction=True)
def test_ledger_lock_lets_one_transaction_in_at_a_time():
    order, inside = [], threading.Event()

    def other_session():
        inside.wait(5)
        with transaction.atomic():
            ledger_lock()
            order.append("second")
        connection.close()

    thread = threading.Thread(target=other_session)
    thread.start()
    with transaction.atomic():
        ledger_lock()
        inside.set()
        thread.join(0.3)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
