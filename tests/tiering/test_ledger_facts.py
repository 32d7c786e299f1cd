"""A night that counts only what changed grades every account as one that counts everything, value for value.

Random sequences of what moves a ledger between nights; ``NIGHT_SEQUENCES=1000 NIGHTS=30`` runs them at length.
"""

import os
import random
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.conf import settings
from django.utils import timezone

from accounts.imports.services import withdraw_batch
from accounts.merges import merge_accounts, undo_merge
from accounts.models import Account, AccountMerge, ImportBatch
from metrics import rollup
from metrics.models import TouchedAccount
from tests.factories import make_account, make_product, make_rating, post_revenue
from tests.tiering.company import random_ledger
from tests.tiering.night import night, score_rows
from tiering import evaluation, indicators, ledger_facts, publishing, standing
from tiering.models import KeptLedger, LedgerFacts
from tiering.services import ensure_model

SEQUENCES = int(os.environ.get("NIGHT_SEQUENCES", "8"))
NIGHTS = int(os.environ.get("NIGHTS", "8"))
START = date(2024, 11, 25)  # the nights cross the end of a month and, at length, of a fiscal year
QUIET = date(2025, 2, 10)  # after the last order of a random ledger
ARRAYS = ("ids", "shown", "ladder", "before", "composite", "evidence", "flags", "raw", "contributions")


class Ledger:
    """Random things that happen to a company's books."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.accounts = random_ledger(accounts=12, rows=150, seed=seed)
        self.products = [make_product() for _ in range(4)]

    def living(self) -> list[Account]:
        return list(Account.objects.filter(merged_into=None).order_by("pk"))

    def post(self, day: date, *, currency: str = "CNY") -> None:
        rng = self.rng
        booked_on = rng.choice(
            [day, day - timedelta(days=rng.randrange(900)), day + timedelta(days=rng.randrange(1, 5))]
        )
        amount = Decimal(rng.randrange(1, 90_000))
        is_credit = rng.random() < 0.25
        post_revenue(
            [
                {
                    "account": rng.choice(self.living()),
                    "product": rng.choice(self.products),
                    "booked_on": booked_on,
                    "amount": -amount if is_credit else amount,
                    "kind": "credit_note" if is_credit else "invoice",
                    "cost": rng.choice([None, amount / 2]),
                    "currency": currency,
                }
            ]
        )

    def withdraw(self, day: date) -> None:
        batch = self.rng.choice(list(ImportBatch.objects.filter(state="posted").order_by("pk")[1:]) or [None])
        if batch is not None:
            withdraw_batch(batch=batch, reason="wrong", user=None)

    def merge(self, day: date) -> None:
        merged, into = self.rng.sample(self.living(), 2)
        merge_accounts(merged=merged, into=into, by=None, reason="the same customer")

    def undo(self, day: date) -> None:
        last = AccountMerge.objects.filter(undone_at=None).order_by("-pk").first()
        if last is not None:
            undo_merge(merge=last, by=None)

    def open_account(self, day: date) -> None:
        make_account()

    def rate(self, day: date) -> None:
        make_rating(account=self.rng.choice(self.living()), rated_on=day)

    def something(self, day: date) -> None:
        what = self.rng.choice([self.post] * 6 + [self.withdraw, self.merge, self.undo, self.open_account, self.rate])
        what(day)


def evaluated(as_of: date, *, use_kept: bool):
    """Tonight's evaluation, written nowhere."""
    model, _made = ensure_model(as_of=as_of)
    design = model.design()
    measured = indicators.measure(
        model,
        as_of=as_of,
        codes=design.scheme().codes,
        fiscal_start_month=settings.FISCAL_YEAR_START_MONTH,
        use_kept=use_kept,
    )
    before = evaluation.state_before(publishing.run_before(as_of), ids=measured.ids, model_id=model.pk)
    return measured, evaluation.grade(measured, evaluation.score(measured, design=design), design=design, before=before)


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_counting_what_changed_equals_counting_everything(db, seed):
    ledger = Ledger(seed)
    recounted = []
    for number in range(NIGHTS):
        day = START + timedelta(days=number)
        for _ in range(ledger.rng.randrange(3)):
            ledger.something(day)
        _measured, whole = evaluated(day, use_kept=False)
        measured, changed = evaluated(day, use_kept=True)
        for name in ARRAYS:
            assert np.array_equal(
                getattr(whole, name), getattr(changed, name), equal_nan=name in {"composite", "raw", "contributions"}
            ), (day, name)
        recounted.append(int(measured.ledger.counted.sum()))
        night(day)
    assert min(recounted) < len(ledger.accounts)  # some night did not count everything


def test_a_quiet_night_reads_no_account_of_the_ledger(db):
    random_ledger(accounts=10, rows=60, seed=1)
    night(QUIET)

    measured, _found = evaluated(QUIET + timedelta(days=1), use_kept=True)

    assert measured.ledger.counted.sum() == 0


def test_only_the_touched_account_is_counted_anew(db):
    accounts = random_ledger(accounts=20, rows=60, seed=1)
    night(QUIET)
    post_revenue([{"account": accounts[3], "booked_on": QUIET, "amount": Decimal(5)}])

    measured, _found = evaluated(QUIET + timedelta(days=1), use_kept=True)

    assert measured.ids[measured.ledger.counted].tolist() == [accounts[3].pk]


def test_an_order_that_was_ahead_is_counted_on_its_day(db):
    accounts = random_ledger(accounts=20, rows=60, seed=1)
    ahead = QUIET + timedelta(days=2)
    post_revenue([{"account": accounts[3], "booked_on": ahead, "amount": Decimal(5)}])
    night(QUIET)

    before, _found = evaluated(QUIET + timedelta(days=1), use_kept=True)
    on_its_day, _found = evaluated(ahead, use_kept=True)

    assert before.ledger.counted.sum() == 0
    assert on_its_day.ids[on_its_day.ledger.counted].tolist() == [accounts[3].pk]


def test_another_month_another_question_and_a_rebuilt_roll_up_count_everything(db):
    random_ledger(accounts=10, rows=60, seed=1)
    night(QUIET)
    next_month = date(2025, 3, 5)

    assert evaluated(next_month, use_kept=True)[0].ledger.is_full
    assert evaluated(QUIET - timedelta(days=1), use_kept=True)[0].ledger.is_full  # kept values know later orders
    TouchedAccount.objects.create(account_id=rollup.EVERY_ACCOUNT, mark=1)
    assert evaluated(QUIET, use_kept=True)[0].ledger.is_full
    ledger_facts.forget()
    TouchedAccount.objects.all().delete()
    assert evaluated(QUIET, use_kept=True)[0].ledger.is_full


def test_a_foreign_currency_counts_everything(db):
    accounts = random_ledger(accounts=10, rows=60, seed=1)
    night(QUIET)
    post_revenue([{"account": accounts[0], "booked_on": QUIET, "amount": Decimal(5), "currency": "USD"}])

    assert evaluated(QUIET + timedelta(days=1), use_kept=True)[0].ledger.is_full


def test_a_mark_set_again_meanwhile_stays(db, monkeypatch):
    accounts = random_ledger(accounts=10, rows=60, seed=1)
    night(QUIET)
    TouchedAccount.objects.create(account_id=accounts[2].pk, mark=77)
    keep = standing.keep

    def late(night):
        TouchedAccount.objects.update(mark=78)
        keep(night)

    monkeypatch.setattr(standing, "keep", late)
    night(QUIET + timedelta(days=1))

    assert list(TouchedAccount.objects.values_list("account_id", "mark")) == [(accounts[2].pk, 78)]


def test_the_same_night_again_gives_the_same_rows(db):
    random_ledger(accounts=10, rows=80, seed=4)
    first = score_rows(night(QUIET))
    assert LedgerFacts.objects.count() == 10
    assert KeptLedger.objects.get().as_of == QUIET

    assert score_rows(night(QUIET)) == first
    ledger_facts.forget()
    assert score_rows(night(QUIET)) == first


def test_a_replay_of_the_past_keeps_nothing(db):
    random_ledger(accounts=6, rows=60, seed=4)
    night(QUIET)

    night(date(2024, 6, 30), replay=True)

    assert KeptLedger.objects.get().as_of == QUIET
    assert timezone.localdate() > QUIET
