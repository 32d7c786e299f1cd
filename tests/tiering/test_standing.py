"""A night that grades anew only who changed leaves every account with the row that a night over everyone would write.

Random sequences of what can happen to a company between nights, and one test for every kind of mark and of date.
``NIGHT_SEQUENCES=1000 NIGHTS=30`` runs the sequences at length.
"""

import os
import random
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.conf import settings

from accounts.graded import set_graded_node
from accounts.groups import GroupRefused, change_parent
from accounts.imports.services import withdraw_batch
from accounts.merges import merge_accounts, undo_merge
from accounts.models import Account, AccountMerge, Contact, Contract, ImportBatch, Rating, Receivable, ReceivablePayment
from metrics import product_days, rollup
from metrics.models import TouchedAccount
from service.models import ServiceRequest
from tests.factories import (
    make_account,
    make_contact,
    make_contract,
    make_override,
    make_product,
    make_rating,
    make_receivable,
    make_request,
    make_team_member,
    make_user,
    make_wallet_estimate,
    post_revenue,
)
from tests.tiering.company import monthly, random_ledger
from tests.tiering.night import night, score_rows
from tiering import evaluation, graded_groups, indicators, ledger_facts, publishing, quarantine, standing
from tiering.grading import GRADE_CODES, Flag
from tiering.models import (
    ChangedAccount,
    GradePeriod,
    GradeRule,
    KeptLedger,
    LedgerFacts,
    ProblemDecision,
    Score,
    ScoringModel,
    TierRun,
)
from tiering.selectors import nights_of, score_of, two_nights
from tiering.services import activate_model, create_model, ensure_model
from tiering.services_overrides import proposed_since, with_people
from tiering.stability import STATE

SEQUENCES = int(os.environ.get("NIGHT_SEQUENCES", "4"))
NIGHTS = int(os.environ.get("NIGHTS", "10"))
START = date(2024, 11, 24)  # the nights cross the end of a month and, at length, of a fiscal year
DAY = timedelta(days=1)
QUIET = date(2025, 2, 5)  # after the last order of a random ledger


@pytest.fixture(autouse=True)
def _few_accounts(monkeypatch):
    """A company of a test is so small that few accounts are a large part of it."""
    monkeypatch.setattr(standing, "MOST_READ_ONE_BY_ONE", 1.0)


def whole(as_of: date):
    """What a night over everyone would find, from the rows of the night before; written nowhere."""
    model, _made = ensure_model(as_of=as_of)
    design = model.design()
    measured = indicators.measure(
        model, as_of=as_of, codes=design.scheme().codes, fiscal_start_month=settings.FISCAL_YEAR_START_MONTH
    )
    before = evaluation.state_before(publishing.run_before(as_of), ids=measured.ids, model_id=model.pk)
    before = with_people(before, ids=measured.ids, as_of=as_of)
    faults = quarantine.find(measured)
    measured = quarantine.without(measured, faults)
    found = evaluation.grade(measured, evaluation.score(measured, design=design), design=design, before=before)
    return quarantine.keep_grades(found, faults, before=before, day=as_of, rules=design.rules())


def same_as_whole(as_of: date) -> TierRun:
    """Run the night and hold what readers see of it against a night over everyone, to the last digit."""
    expected = whole(as_of)
    run = night(as_of)
    rows = list(Score.objects.of(run).order_by("account_id"))
    assert [row.account_id for row in rows] == expected.ids.tolist()
    texts = [(row.grade, row.ladder, row.previous_grade, row.flags) for row in rows]
    numbers = zip(
        *([GRADE_CODES[number] for number in column] for column in (expected.shown, expected.ladder, expected.before)),
        expected.flags.tolist(), strict=True,
    )  # fmt: skip
    for row, found, wanted in zip(rows, texts, numbers, strict=True):
        assert found == wanted, (as_of, row.account_id, Flag(found[3] ^ wanted[3]), row.run_id == run.pk)
    names = (*run.model.raw_layout, *STATE)
    for row, raw in zip(rows, expected.raw, strict=True):
        found = [pair for pair in zip(names, row.raw, raw.tolist(), strict=True) if repr(pair[1]) != repr(pair[2])]
        assert not found, (as_of, row.account_id, found, row.run.as_of)
    composites = [np.nan if row.composite is None else row.composite for row in rows]
    assert np.array_equal(composites, expected.composite, equal_nan=True)
    assert [row.evidence for row in rows] == expected.evidence.tolist()
    contributions = np.array([row.contributions for row in rows])
    assert np.array_equal(contributions, expected.contributions, equal_nan=True)
    assert (run.counts, run.accounts) == (expected.counts(), len(expected.ids))
    assert run.matrix == [list(row) for row in expected.matrix()]
    shown = dict(zip(expected.ids.tolist(), expected.shown.tolist(), strict=True))
    held = GradePeriod.objects.filter(valid_to=None, account__merged_into=None).values_list("account_id", "grade")
    assert {pk: GRADE_CODES[number] for pk, number in shown.items()} == dict(held)
    assert {pk: GRADE_CODES[number] for pk, number in shown.items()} == dict(
        Account.objects.filter(merged_into=None).values_list("pk", "grade")
    )
    return run


def easy_model(*, diamond: int, gold: int, as_of: date) -> ScoringModel:
    """The preset with every dimension, for small companies."""
    model = create_model(preset="full", diamond=Decimal(diamond), as_of=as_of, currency="CNY")
    GradeRule.objects.filter(model=model, grade="gold", condition="revenue_ttm").update(threshold=gold)
    return model


class Company:
    """Random things that happen to a company, to its books and in its notes."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.has_groups = False
        self.accounts = random_ledger(accounts=24, rows=260, seed=seed, with_cost=seed % 2 == 0)
        self.products = [make_product() for _ in range(4)]
        self.people = [make_user() for _ in range(4)]
        if seed % 2 == 0:
            activate_model(model=easy_model(diamond=20_000, gold=3_000, as_of=START))
        for account in self.accounts[:6]:
            for _ in range(3):
                self.rate(START - timedelta(days=self.rng.randrange(360)), account)
            self.owe(START, account)

    def living(self) -> list[Account]:
        return list(Account.objects.filter(merged_into=None).order_by("pk"))

    def one(self) -> Account:
        return self.rng.choice(self.living())

    def near(self, day: date) -> date:
        return day + timedelta(days=self.rng.randrange(-3, 5))

    def post(self, day: date) -> None:
        rng = self.rng
        booked_on = rng.choice(
            [day, day - timedelta(days=rng.randrange(900)), day + timedelta(days=rng.randrange(1, 5))]
        )
        amount, is_credit = Decimal(rng.randrange(1, 90_000)), rng.random() < 0.25
        post_revenue(
            [
                {
                    "account": self.one(), "product": rng.choice(self.products), "booked_on": booked_on,
                    "amount": -amount if is_credit else amount, "kind": "credit_note" if is_credit else "invoice",
                    "cost": rng.choice([None, amount / 2]), "currency": "USD" if rng.random() < 0.01 else "CNY",
                }
            ]
        )  # fmt: skip

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

    def rate(self, day: date, account: Account | None = None) -> None:
        rng = self.rng
        make_rating(
            account=account or self.one(), evaluator=rng.choice(self.people), rated_on=self.near(day),
            indicator=rng.choice(["V1", "V2", "V3", "P3", "L5"]), score=rng.randrange(1, 6),
            function=rng.choice(["sales", "customer", "finance"]), expires_on=day + timedelta(days=rng.choice([5, 9, 200])),
        )  # fmt: skip

    def expire(self, day: date) -> None:
        rating = Rating.objects.order_by("?").first()
        if rating is not None:
            Rating.objects.filter(pk=rating.pk).update(expires_on=max(day, rating.rated_on + DAY))

    def estimate(self, day: date) -> None:
        make_wallet_estimate(
            account=self.one(), amount=Decimal(self.rng.randrange(1_000, 200_000)), estimated_on=self.near(day),
            expires_on=day + timedelta(days=self.rng.choice([5, 8, 300])), author=self.people[0],
        )  # fmt: skip

    def owe(self, day: date, account: Account | None = None) -> None:
        due = day - timedelta(days=self.rng.choice([29, 30, 58, 60, 88, 90, 300, -2]))
        paid = [(due + timedelta(days=self.rng.randrange(-5, 5)), 50)] if self.rng.random() < 0.4 else []
        make_receivable(
            account=account or self.one(), due_on=due, amount=Decimal(self.rng.randrange(100, 60_000)), paid=paid
        )

    def pay(self, day: date) -> None:
        owed = Receivable.objects.order_by("?").first()
        if owed is not None:
            ReceivablePayment.objects.create(receivable=owed, paid_on=self.near(day), amount=owed.amount / 2)

    def complain(self, day: date) -> None:
        account = self.one()
        for ago in (self.rng.choice([26, 29, 31]), 40):
            opened = datetime.combine(day - timedelta(days=ago), time(10), UTC)
            make_request(account=account, severity=1, kind="dispute", opened_at=opened)

    def resolve(self, day: date) -> None:
        case = ServiceRequest.objects.filter(resolved_at=None).order_by("?").first()
        if case is not None:
            ServiceRequest.objects.filter(pk=case.pk).update(resolved_at=datetime.combine(day, time(3), UTC))

    def turn(self, day: date) -> None:
        make_contact(account=self.one(), is_decision_maker=True, attitude=-1, attitude_since=self.near(day), name="Li")

    def calm(self, day: date) -> None:
        Contact.objects.filter(attitude__lt=0).update(attitude=1)

    def contract(self, day: date) -> None:
        make_contract(
            account=self.one(), status=self.rng.choice(["active", "completed", "draft"]), signed_on=self.near(day),
            starts_on=day - timedelta(days=30), ends_on=day + timedelta(days=self.rng.randrange(0, 8)),
            non_renewal_notice_on=self.rng.choice([None, self.near(day)]),
        )  # fmt: skip

    def account_fact(self, day: date) -> None:
        value = self.rng.choice(
            [
                {"credit_stop_on": self.near(day)}, {"insolvency_on": self.near(day)}, {"credit_stop_on": None},
                {"planned_from": day - DAY, "planned_until": day + timedelta(days=3)}, {"litigation_on": self.near(day)},
                {"opened_on": date(2015, 1, 1), "before_data_start": True}, {"insolvency_on": None, "litigation_on": None},
            ]
        )  # fmt: skip
        Account.objects.filter(pk=self.one().pk).update(**value)

    def seat(self, day: date) -> None:
        account, person = self.one(), self.rng.choice(self.people)
        account.team_members.filter(role="account_manager").delete()
        make_team_member(
            account=account, user=person, role="account_manager", valid_from=self.near(day),
            valid_to=self.rng.choice([None, day + timedelta(days=7)]),
        )  # fmt: skip

    def override(self, day: date) -> None:
        account = self.one()
        if not account.overrides.exists():
            make_override(
                account=account, grade=self.rng.choice(["gold", "problem", "general"]), state="approved",
                valid_from=self.near(day), valid_to=day + timedelta(days=6),
            )  # fmt: skip

    def decide(self, day: date) -> None:
        last = TierRun.objects.filter(state="published").order_by("-as_of").first()
        for row in Score.objects.of(last).select_related("run__model", "account") if last else ():
            since = proposed_since(row)
            if since is not None:
                ProblemDecision.objects.get_or_create(
                    account=row.account, since=since,
                    defaults={
                        "verdict": self.rng.choice(["confirm", "refuse"]), "text": "seen", "decided_by": self.people[0],
                    },
                )  # fmt: skip

    def regroup(self, day: date) -> None:
        """A change of group, some of them dated; what would make a loop or a second grade on a path is refused."""
        parent = self.rng.choice([self.one(), self.one(), None])
        with suppress(GroupRefused):
            change_parent(
                account=self.one(), parent=parent, since=self.rng.choice([None, day, self.near(day)]), by=None
            )

    def carry(self, day: date) -> None:
        account = self.one()
        with suppress(GroupRefused):
            set_graded_node(account=account, is_graded=not account.is_graded_node or self.rng.random() < 0.5)

    def something(self, day: date) -> None:
        groups = [self.regroup, self.regroup, self.carry] if self.has_groups else []
        books = [self.post] * 4 + [self.withdraw, self.merge, self.undo, self.open_account]
        notes = [
            self.rate, self.rate, self.expire, self.estimate, self.owe, self.pay, self.complain, self.resolve, self.turn,
            self.calm, self.contract, self.account_fact, self.account_fact, self.seat, self.override, self.decide,
        ]  # fmt: skip
        self.rng.choice([*books, *notes, *groups])(day)


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_grading_who_changed_equals_grading_everyone(db, seed):
    company, day, parts = Company(seed), START, []
    for _ in range(NIGHTS):
        for _ in range(company.rng.randrange(5)):
            company.something(day)
        run = same_as_whole(day)
        parts.append(not run.is_full)
        if company.rng.random() < 0.1:
            same_as_whole(day)
        day += timedelta(days=company.rng.choice([1, 1, 1, 1, 2, 4]))
    assert sum(parts) >= NIGHTS // 4


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_groups_graded_as_one_are_followed_wherever_their_companies_change(db, seed):
    company, day, parts, sizes = Company(seed), START, [], set()
    company.has_groups = True
    for number, account in enumerate(company.accounts[1:13]):
        change_parent(account=account, parent=company.accounts[0 if number < 4 else 20], since=None, by=None)
    for node in (company.accounts[0], company.accounts[20]):
        set_graded_node(account=node, is_graded=True)
    for _ in range(NIGHTS):
        for _ in range(company.rng.randrange(5)):
            company.something(day)
        run = same_as_whole(day)
        parts.append(not run.is_full)
        sizes.add(len(graded_groups.kept()))
        day += timedelta(days=company.rng.choice([1, 1, 1, 1, 2, 4]))
    assert sum(parts) >= NIGHTS // 4
    assert max(sizes) > 2


# --- Every kind of mark and of date: what is written shows the same night, and what it brings about later on its day ---


class Stage:
    """One account among others, with revenue that makes it Gold by the preset ``full``, and the nights around it."""

    def __init__(self) -> None:
        self.others = random_ledger(accounts=6, rows=60, seed=3, with_cost=True)
        self.account = make_account()
        post_revenue(monthly(self.account, 20_000, first=date(2023, 1, 1), months=25, cost=8_000, reference="M"))
        self.prospect, self.manager = make_account(), make_user()
        make_receivable(account=self.others[0], due_on=date(2024, 6, 1))  # so that receivables are known
        activate_model(model=easy_model(diamond=1_000_000, gold=100_000, as_of=QUIET))
        self.rate(evaluator=self.manager)
        self.rate(indicator="V2", function="finance")
        self.rate(indicator="P3")
        make_wallet_estimate(
            account=self.account, amount=Decimal(500_000), estimated_on=date(2024, 12, 1), expires_on=date(2025, 12, 1)
        )

    def rate(self, **fields) -> Rating:
        known = {"account": self.account, "rated_on": date(2025, 1, 1), "expires_on": date(2025, 12, 1)}
        return make_rating(**(known | fields))


def _case(stage: Stage, opened_on: date, **fields) -> None:
    make_request(
        account=stage.account, severity=1, kind="dispute", opened_at=datetime.combine(opened_on, time(4), UTC), **fields
    )


def _account(**fields):
    return lambda stage, day: Account.objects.filter(pk=stage.account.pk).update(**{
        name: value(day) if callable(value) else value for name, value in fields.items()
    })  # fmt: skip


def _owes(age: int, **fields):
    return lambda stage, day: make_receivable(
        account=stage.account, due_on=day - timedelta(days=age), amount=Decimal(200_000), **fields
    )


def _paid_by(days: int):
    def put(stage: Stage, day: date) -> None:
        owed = make_receivable(account=stage.account, due_on=day - timedelta(days=100), amount=Decimal(200_000))
        ReceivablePayment.objects.create(receivable=owed, paid_on=day + timedelta(days=days), amount=200_000)

    return put


def _cases(ago: int, **fields):
    def put(stage: Stage, day: date) -> None:
        _case(stage, day - timedelta(days=60))
        _case(stage, day - timedelta(days=ago), **fields)

    return put


def _rated(**fields):
    return lambda stage, day: stage.rate(
        indicator="V3",
        **{name: day + value if isinstance(value, timedelta) else value for name, value in fields.items()},
    )


def _days(number: int) -> timedelta:
    return timedelta(days=number)


def _notice(day_on, **fields):
    return lambda stage, day: make_contract(
        account=stage.account, status="active",
        **({"ends_on": day + _days(60), "signed_on": date(2024, 1, 1), "non_renewal_notice_on": day + _days(day_on)} | {
            name: day + value for name, value in fields.items()
        }),
    )  # fmt: skip


def _rhythm(stage: Stage, day: date) -> None:
    """Orders every five days, the last of them eight days ago: late after two more."""
    post_revenue([
        {"account": stage.account, "booked_on": day - _days(8 + 5 * step), "amount": Decimal(5), "reference": f"R{step}"}
        for step in range(120)
    ])  # fmt: skip


def _seat(stage: Stage, **fields) -> None:
    """Whoever sits there is no outsider among the two evaluators any more, nor is the other one."""
    other = Rating.objects.get(account=stage.account, indicator="V2").evaluator
    make_team_member(
        account=stage.account,
        user=other,
        role="account_manager",
        valid_from=date(2024, 6, 1),
        valid_to=date(2025, 1, 1),
    )
    Rating.objects.filter(account=stage.account, indicator="V2").update(rated_on=date(2024, 12, 1))
    make_team_member(account=stage.account, user=stage.manager, role="account_manager", **fields)


def _wallet(stage: Stage, day: date, **fields) -> None:
    known = {
        "account": stage.account,
        "amount": Decimal(9_000_000),
        "estimated_on": day,
        "expires_on": date(2025, 9, 1),
    }
    make_wallet_estimate(**(known | fields))


def _pay(stage: Stage) -> None:
    owed = Receivable.objects.get(account=stage.account)
    ReceivablePayment.objects.create(receivable=owed, paid_on=owed.due_on, amount=100_000)


def _against(stage: Stage, **fields) -> None:
    make_contact(account=stage.account, is_decision_maker=True, attitude=-1, name="Li", **fields)


def _override(stage: Stage, day: date, **fields) -> None:
    known = {"grade": "potential", "state": "approved", "valid_from": day, "valid_to": day + _days(20)}
    make_override(account=stage.account, **(known | fields))


# name → (what is written on the day before the night, days from that night on which a row changes)
HAPPENS = {
    "a posting": (lambda s, d: post_revenue([{"account": s.account, "booked_on": date(2024, 12, 3), "amount": 900}]), 0),
    "an order ahead": (
        lambda s, d: post_revenue([{"account": s.prospect, "booked_on": d + _days(3), "amount": Decimal(5)}]), 3,
    ),
    "a merge": (lambda s, d: merge_accounts(merged=s.others[1], into=s.account, by=None, reason="same"), 0),
    "a new account": (lambda s, d: make_account(), 0),
    "a rating": (_rated(score=1), 0),
    "a rating from a day on": (_rated(score=1, rated_on=_days(2)), 2),
    "a rating that expires": (_rated(score=1, expires_on=_days(3)), 3),
    "a rating changed": (lambda s, d: Rating.objects.filter(account=s.account).update(score=1), 0),
    "a rating deleted": (lambda s, d: Rating.objects.filter(account=s.account).delete(), 0),
    "a seat": (lambda s, d: _seat(s, valid_from=date(2025, 1, 1)), 0),
    "a seat from a day on": (lambda s, d: _seat(s, valid_from=d + _days(2)), 2),
    "a seat until a day": (lambda s, d: _seat(s, valid_from=d - _days(1), valid_to=d + _days(3)), 3),
    "a wallet": (_wallet, 0),
    "a wallet from a day on": (lambda s, d: _wallet(s, d, estimated_on=d + _days(2)), 2),
    "a wallet that expires": (lambda s, d: _wallet(s, d, expires_on=d + _days(3)), 3),
    "a receivable": (_owes(100), 0),
    "a receivable that falls due": (_owes(-2), 2),
    "a receivable 31 days overdue": (_owes(28), 3),
    "a receivable 61 days overdue": (_owes(58), 3),
    "a receivable 91 days overdue": (_owes(88), 3),
    "a payment": (lambda s, d: (_owes(100)(s, d), _pay(s)), 0),
    "a payment ahead": (_paid_by(3), 3),
    "severe cases": (_cases(40), 0),
    "a severe case 30 days old": (_cases(28), 2),
    "a decision maker": (lambda s, d: _against(s, attitude_since=d), 0),
    "a decision maker from a day on": (lambda s, d: _against(s, attitude_since=d + _days(3)), 3),
    "a notice": (_notice(0), 0),
    "a notice from a day on": (_notice(2), 2),
    "a notice until the contract ends": (_notice(0, ends_on=_days(2)), 3),
    "a contract of a prospect": (lambda s, d: make_contract(account=s.prospect, status="active", signed_on=d), 0),
    "a contract of a prospect from a day on": (
        lambda s, d: make_contract(account=s.prospect, status="active", signed_on=d + _days(2)), 2,
    ),
    "a credit stop": (_account(credit_stop_on=lambda day: day), 0),
    "a credit stop from a day on": (_account(credit_stop_on=lambda day: day + _days(2)), 2),
    "litigation from a day on": (_account(litigation_on=lambda day: day + _days(2)), 2),
    "insolvency from a day on": (_account(insolvency_on=lambda day: day + _days(2)), 2),
    "customer since long": (_account(before_data_start=True, opened_on=date(2015, 1, 1)), 0),
    "a plan of a prospect": (
        lambda s, d: Account.objects.filter(pk=s.prospect.pk).update(planned_from=d, planned_until=d + _days(9)), 0,
    ),
    "a plan of a prospect from a day on": (
        lambda s, d: Account.objects.filter(pk=s.prospect.pk).update(planned_from=d + _days(2), planned_until=d + _days(9)), 2,
    ),
    "a plan of a prospect that ends": (
        lambda s, d: Account.objects.filter(pk=s.prospect.pk).update(planned_from=d, planned_until=d + _days(3)), 3,
    ),
    "an override": (_override, 0),
    "an override from a day on": (lambda s, d: _override(s, d, valid_from=d + _days(2)), 2),
    "an override that ends": (lambda s, d: _override(s, d, valid_to=d + _days(3)), 3),
    "a late order": (_rhythm, 2),
}  # fmt: skip


@pytest.mark.parametrize("what", HAPPENS)
def test_whatever_happens_shows_on_its_night(db, what):
    """On the night that writes nothing of it, a row changes all the same: without its mark or date this fails."""
    happens, after = HAPPENS[what]
    stage, first = Stage(), QUIET + DAY
    for day in (QUIET - DAY, QUIET):
        same_as_whole(day)
    happens(stage, first)
    seen = {}
    for step in range(after + 2):
        run = same_as_whole(first + timedelta(days=step))
        assert not run.is_full
        seen[step] = score_rows(run)
    earlier = seen[after - 1] if after else score_rows(TierRun.objects.get(as_of=QUIET))
    assert seen[after] != earlier


@pytest.mark.parametrize(
    ("changes", "lasts"),
    [({"status": "draft"}, None), ({"non_renewal_notice_on": None}, None)],
)
def test_what_is_taken_back_shows_on_its_night(db, changes, lasts):
    stage = Stage()
    contract = make_contract(
        account=stage.account, status="active", ends_on=date(2025, 12, 1), non_renewal_notice_on=date(2025, 1, 2)
    )
    for day in (QUIET - DAY, QUIET):
        before = score_rows(same_as_whole(day))
    Contract.objects.filter(pk=contract.pk).update(**changes)

    assert score_rows(same_as_whole(QUIET + DAY)) != before


def test_confirmation_spans_and_first_grades_end_on_their_day(db):
    """A falling account goes down after 28 days, and no earlier, though nothing is written meanwhile."""
    stage = Stage()
    day = date(2025, 3, 31)
    same_as_whole(day)
    post_revenue([
        {"account": stage.account, "booked_on": date(2024, 12, 3), "amount": Decimal(-400_000), "kind": "credit_note"}
    ])  # fmt: skip
    grades, few = [], 0
    for step in range(1, 33):
        run = same_as_whole(day + timedelta(days=step))
        few += not run.is_full
        grades.append(score_of(stage.account).grade)
    assert few > 28
    assert len(set(grades)) > 1


def test_a_quiet_night_writes_no_row_and_shows_every_account(db):
    stage = Stage()
    for day in (QUIET - DAY, QUIET):
        night(day)
    before = Score.objects.count()

    run = same_as_whole(QUIET + DAY)

    assert Score.objects.count() == before
    assert run.accounts == Account.objects.count()
    row = score_of(stage.account)
    assert row.run == run
    assert row.valid_from < run.as_of
    assert [one.as_of for one in nights_of(stage.account)] == [QUIET + DAY, QUIET, QUIET - DAY]
    assert [one.run.as_of for one in two_nights(stage.account)] == [QUIET, QUIET + DAY]


def test_a_row_that_was_replaced_still_stands_on_its_nights(db):
    stage = Stage()
    for day in (QUIET - DAY, QUIET, QUIET + DAY):
        night(day)
    earlier = score_rows(TierRun.objects.get(as_of=QUIET))
    stage.rate(indicator="V3", score=1)

    last = night(QUIET + 2 * DAY)

    assert score_rows(TierRun.objects.get(as_of=QUIET)) == earlier
    assert score_rows(TierRun.objects.get(as_of=QUIET + DAY)) == earlier
    assert score_rows(last) != earlier
    assert Score.objects.filter(account=stage.account).exclude(valid_to=None).latest("valid_to").valid_to == last.as_of


def test_a_night_done_again_grades_everyone_and_gives_the_same_rows(db):
    stage = Stage()
    for day in (QUIET - DAY, QUIET):
        night(day)
    stage.rate(indicator="V3", score=1)
    part = night(QUIET + DAY)
    first = score_rows(part)

    again = night(QUIET + DAY)

    assert (part.is_full, again.is_full) == (False, True)
    assert score_rows(again) == first
    assert again.counts == part.counts
    same_as_whole(QUIET + 2 * DAY)


@pytest.mark.parametrize(
    "what", ["month", "formulas", "account deleted", "emptied", "model", "first receivable", "products"]
)
def test_what_concerns_everyone_grades_everyone(db, what, monkeypatch):
    random_ledger(accounts=10, rows=60, seed=1)
    gone, day = make_account(), QUIET + DAY
    for earlier in (QUIET - DAY, QUIET):
        night(earlier)
    if what == "month":
        day = date(2025, 2, 28)
    elif what == "formulas":
        monkeypatch.setattr(standing, "FORMULAS", -1)
    elif what == "account deleted":
        gone.delete()
    elif what == "emptied":
        LedgerFacts.objects.all().delete()
    elif what == "model":
        activate_model(model=easy_model(diamond=1_000_000, gold=100_000, as_of=QUIET))
    elif what == "products":
        product_days.rebuild()
    else:
        make_receivable(due_on=date(2024, 6, 1))

    assert same_as_whole(day).is_full


def test_marks_are_taken_away_by_the_night_that_has_seen_them(db):
    stage = Stage()
    for day in (QUIET - DAY, QUIET):
        night(day)
    assert not ChangedAccount.objects.exists()
    stage.rate(indicator="V3")
    assert list(ChangedAccount.objects.values_list("account_id", flat=True)) == [stage.account.pk]

    night(QUIET + DAY)

    assert not ChangedAccount.objects.exists()
    assert KeptLedger.objects.get().as_of == QUIET + DAY


def test_marks_that_came_after_the_night_looked_stay(db, monkeypatch):
    stage = Stage()
    for day in (QUIET - DAY, QUIET):
        night(day)
    stage.rate(indicator="V3")
    keep = standing.keep

    def late(what):
        TouchedAccount.objects.update_or_create(account_id=stage.others[0].pk, defaults={"mark": 77})
        stage.rate(indicator="P3", account=stage.others[1])
        keep(what)

    monkeypatch.setattr(standing, "keep", late)
    night(QUIET + DAY)

    assert list(TouchedAccount.objects.values_list("account_id", "mark")) == [(stage.others[0].pk, 77)]
    assert list(ChangedAccount.objects.values_list("account_id", flat=True)) == [stage.others[1].pk]


def test_publishing_grades_marks_nobody(db):
    random_ledger(accounts=10, rows=60, seed=1)
    night(QUIET)
    Account.objects.update(grade="gold", name="another")

    assert not ChangedAccount.objects.exists()
    assert rollup.is_current()
    assert ledger_facts.posted_marks()[0].tolist() == []
