"""Random ledgers: many small ones drawn from seeds, posted together through the door that keeps the roll-up.

A world is one rate table and several ledgers of disjoint accounts, so that one posting serves them all.
"""

import contextlib
import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from accounts.enums import RateKind
from accounts.groups import GroupRefused, change_parent
from accounts.imports.services import withdraw_batch
from accounts.merges import MergeRefused, merge_accounts
from accounts.models import Account, ExchangeRate
from tests.factories import post_revenue
from tests.metrics.slow.ledger import Customer, Ledger, Line, Rates

HOME, FIRST, LAST = "CNY", date(2022, 1, 1), date(2024, 12, 31)
FOREIGN = ("USD", "EUR", "JPY")
DEPTH = 4  # of a group tree
SHAPES = ("usual",) * 6 + ("groups",) * 4 + ("currencies",) * 6 + ("credits",) * 2 + ("sparse", "one", "empty")
KINDS = ("invoice", "invoice", "invoice", "credit_note", "adjustment")


@dataclass
class Draft:
    """A ledger before its accounts have ids: customers and lines by their place."""

    seed: int
    customers: list[Customer]
    lines: list[Line]
    withdrawn: list[Line]
    costs: list[Decimal | None]
    asked: dict
    changes: list[tuple[int, int | None, date]]  # (customer, its parent from that day on)
    merges: list[tuple[int, int]]  # (merged, into)


@dataclass
class Posted:
    """One ledger as the product has it (``accounts``) and as the slow version reads it."""

    seed: int
    accounts: object
    ledger: Ledger
    asked: dict


def draw_rates(dice):
    """{target: Rates}, with gaps: some years of a currency have averages, some rates of the day, some nothing."""
    rates = {}
    for target in (HOME, "EUR"):
        spot, average = {}, {}
        for currency in {HOME: FOREIGN, "EUR": ("USD", "JPY", HOME)}[target]:
            level = Decimal(dice.randint(5_000, 90_000)) / 10_000
            for year in range(FIRST.year, LAST.year + 1):
                kind = dice.choice(
                    ("averages",) * 4 + ("days",) * 4 + ("both",) * 2 + ("nothing",) * (6 if year == FIRST.year else 1)
                )
                for month in (date(year, number, 1) for number in range(1, 13)):
                    if kind in ("averages", "both") and dice.random() < 0.99:
                        average[currency, month] = _near(dice, level)
                    if kind in ("days", "both"):
                        for day in dice.choice(((0, 9, 19), (0, 7, 14, 21), range(0, 28, 3), (5, 20))):
                            spot[currency, month + timedelta(days=day)] = _near(dice, level)
        rates[target] = Rates(spot, average)
    return rates


def draw(seed):
    dice = random.Random(seed)
    shape, asked = dice.choice(SHAPES), _asked(dice)
    count = {"one": 1, "empty": dice.choice((0, 0, 2)), "sparse": 3, "groups": 14}.get(shape, dice.randint(2, 12))
    customers = []
    for place in range(count):
        customers.append(_customer(dice, place, shape, customers))
    lines = []
    if shape != "empty":
        currencies = (
            dice.sample((*FOREIGN, HOME), 3) if shape == "currencies" else [dice.choice((*FOREIGN, HOME, HOME))]
        )
        for place in range(count):
            lines += _lines(dice, place, currencies, shape, asked)
        if dice.random() < 0.4:  # business abroad begins with the comparison: the base may lack its rates
            lines = [replace(line, currency=HOME) if line.day < asked["comparison"][0] else line for line in lines]
    dice.shuffle(lines)
    kept = round(len(lines) * dice.choice((1, 1, 0.9, 0.7)))
    costs = [None if dice.random() < 0.2 else Decimal(dice.randint(0, 50_000)) / 100 for _line in lines[:kept]]
    return Draft(seed, customers, lines[:kept], lines[kept:], costs, asked, *_history(dice, count))


def _history(dice, count):
    """Changes of groups by day, and merges; those that cannot be are refused when they are posted."""
    if count < 2:
        return [], []
    place = lambda: dice.randrange(count)  # noqa: E731
    changes = [
        (place(), dice.choice((None, place(), place())), _day(dice)) for _change in range(dice.choice((0, 1, 3, 6)))
    ]
    merges = [(place(), place()) for _merge in range(dice.choice((0, 0, 1, 2)))]
    return sorted(changes, key=lambda one: one[2]), merges


def post(drafts, rates):
    """Write rates, accounts and lines; withdraw what is withdrawn; give back each ledger twice."""
    _write_rates(rates)
    keys = _write_accounts(drafts)
    gone = [_row(keys, draft, line, None) for draft in drafts for line in draft.withdrawn]
    withdrawn = post_revenue(gone) if gone else []
    rows = [
        _row(keys, draft, line, cost)
        for draft in drafts
        for line, cost in zip(draft.lines, draft.costs, strict=True)
    ]  # fmt: skip
    post_revenue(rows)
    if withdrawn:
        withdraw_batch(batch=withdrawn[0].batch, reason="a test of figures", user=None)
    return [_posted(keys, draft, rates, _changed(keys, draft), _merged(keys, draft)) for draft in drafts]


def _changed(accounts, draft):
    """{customer: its changes}, those that were not refused."""
    done = {}
    for place, parent, since in draft.changes:
        with contextlib.suppress(GroupRefused):
            to = None if parent is None else accounts[draft.seed, parent]
            change_parent(account=accounts[draft.seed, place], parent=to, since=since, by=None)
            done.setdefault(place, []).append((since, parent))
    return done


def _merged(accounts, draft):
    """{merged: the customer that stays}, those that were not refused."""
    done = {}
    for gone, into in draft.merges:
        with contextlib.suppress(MergeRefused, GroupRefused):
            pair = accounts[draft.seed, gone], accounts[draft.seed, into]
            merge_accounts(merged=pair[0], into=pair[1], by=None, reason="one customer")
            stays = done.get(into, into)
            done = {one: stays if other == gone else other for one, other in done.items()} | {gone: stays}
    return done


def _near(dice, level):
    return (level * Decimal(dice.randint(9_000, 11_000)) / 10_000).quantize(Decimal("0.0001"))


def _customer(dice, place, shape, others):
    parent = None
    if place and dice.random() < (0.8 if shape == "groups" else 0.2):
        parent = dice.randrange(place)
        if _depth(parent, others) == DEPTH:
            parent = others[parent].parent
    return Customer(
        key=place,
        parent=parent,
        region=dice.choice(("north", "south", "")),
        closed_on=_day(dice) if dice.random() < 0.2 else None,
        before_data_start=dice.random() < 0.06,
        in_view=dice.random() < 0.9,
    )


def _depth(place, customers):
    parent = customers[place].parent
    return 1 if parent is None else 1 + _depth(parent, customers)


def _lines(dice, place, currencies, shape, asked):
    """Lines of one customer; documents have a few lines, on one day or several."""
    count = {"sparse": dice.randint(0, 2), "one": dice.randint(0, 6)}.get(shape, dice.choice((0, 2, 5, 8, 12)))
    lines = []
    for number in range(count):
        kind, currency, day = dice.choice(KINDS), dice.choice(currencies), _day_asked_for(dice, asked)
        reference = dice.choice(("", f"{currency}-{number}", f"{currency}-{dice.randint(0, 3)}"))
        for _position in range(dice.choice((1, 1, 1, 2, 3))):
            named = dice.choice(("", f"{currency}-{dice.randint(0, 8)}")) if kind == "credit_note" else ""
            lines.append(Line(place, day, _amount(dice, kind, shape), currency, kind, reference, named))
            if dice.random() < 0.1:  # a document may go on, or be taken back whole
                day = min(day + timedelta(days=dice.randint(0, 400)), LAST)
        if dice.random() < 0.1:
            lines.append(
                Line(place, day, -lines[-1].amount, currency, "credit_note", f"{currency}-C{number}", reference)
            )
    return lines


def _amount(dice, kind, shape):
    size = Decimal(dice.choice((dice.randint(0, 2_000_000), dice.randint(0, 10**11)))) / 10_000
    if kind == "credit_note" or (shape == "credits" and dice.random() < 0.7):
        return -size * dice.choice((1, 1, 5))  # some larger than what was ever sold
    return size if dice.random() < 0.95 else -size


def _day(dice):
    return FIRST + timedelta(days=dice.randrange((LAST - FIRST).days + 1))


def _day_asked_for(dice, asked):
    """Any day, more often one of the windows."""
    start, end = dice.choice((asked["base"], asked["comparison"], (FIRST, LAST)))
    return start + timedelta(days=dice.randrange((end - start).days))


def _asked(dice):
    """Windows, level and currency somebody asks for."""
    year = lambda number: (date(number, 1, 1), date(number + 1, 1, 1))  # noqa: E731
    edges = sorted(_day(dice) for _edge in range(4))
    for place in range(1, 4):
        edges[place] = max(edges[place], edges[place - 1] + timedelta(days=1))
    quarter = lambda number, first: (date(number, first, 1), _month_after(date(number, first, 1), 3))  # noqa: E731
    pairs = (
        (year(2022), year(2023)),
        (year(2023), year(2024)),
        (quarter(2023, 4), quarter(2024, 4)),
        (quarter(2024, 1), quarter(2024, 4)),
        ((date(2023, 1, 1), date(2023, 3, 15)), (date(2024, 1, 1), date(2024, 3, 15))),
        ((edges[0], edges[1]), (edges[2], edges[3])),
        ((edges[0], edges[1]), (edges[1], edges[3])),
    )
    base, comparison = dice.choice(pairs)
    return {
        "base": base,
        "comparison": comparison,
        "level": dice.choice(("entity", "group")),
        "currency": dice.choice((None, None, None, "EUR", HOME)),
        "membership": dice.choice(("as_was", "as_was", "as_now")),
        "credit_notes": dice.choice(("booked", "restated")),
        "interval": dice.choice(("month", "quarter")),
        "base_age": dice.choice((0, 1)),
        "factors": dice.choice((3, 4)),
        "as_of": dice.choice((date(2024, 12, 31), date(2024, 11, 15), date(2023, 6, 30), date(2022, 2, 3))),
    }


def _month_after(first, months):
    for _month in range(months):
        first = (first + timedelta(days=32)).replace(day=1)
    return first


def _write_rates(rates):
    ExchangeRate.objects.bulk_create(
        ExchangeRate(from_currency=currency, to_currency=target, valid_on=day, rate=rate, kind=kind)
        for target, of in rates.items()
        for kind, table in ((RateKind.SPOT, of.spot), (RateKind.MONTH_AVERAGE, of.average))
        for (currency, day), rate in table.items()
    )


def _write_accounts(drafts):
    """{(seed, place): account}, parents first."""
    accounts = {}
    waiting = [(draft, customer) for draft in drafts for customer in draft.customers]
    while waiting:
        ready = [(d, c) for d, c in waiting if c.parent is None or (d.seed, c.parent) in accounts]
        made = Account.objects.bulk_create(
            Account(
                code=f"L{draft.seed}-{one.key}", name=f"Customer {one.key} of ledger {draft.seed}", region=one.region,
                closed_on=one.closed_on, before_data_start=one.before_data_start,
                parent=None if one.parent is None else accounts[draft.seed, one.parent],
            )
            for draft, one in ready
        )  # fmt: skip
        accounts |= {(draft.seed, one.key): account for (draft, one), account in zip(ready, made, strict=True)}
        waiting = [pair for pair in waiting if (pair[0].seed, pair[1].key) not in accounts]
    return accounts


def _row(accounts, draft, line, cost):
    return {
        "account": accounts[draft.seed, line.customer], "booked_on": line.day, "amount": line.amount, "cost": cost,
        "currency": line.currency, "kind": line.kind, "reference": line.reference,
        "credits_reference": line.credits or None,
    }  # fmt: skip


def _posted(accounts, draft, rates, changes, merged):
    """A merged customer is the one that stays: its lines, those below it, that it was there before the data."""
    key = {one.key: accounts[draft.seed, merged.get(one.key, one.key)].pk for one in draft.customers} | {None: None}
    were_before = {key[one.key] for one in draft.customers if one.before_data_start}
    customers = {
        key[one.key]: replace(
            one, key=key[one.key], parent=key[one.parent], before_data_start=key[one.key] in were_before,
            changes=tuple((since, key[parent]) for since, parent in changes.get(one.key, ())),
        )
        for one in draft.customers
        if one.key not in merged
    }  # fmt: skip
    lines = [replace(line, customer=key[line.customer]) for line in draft.lines]
    lines = [line for line in lines if customers[line.customer].in_view]
    found = sorted({line.currency for line in lines})
    currency = draft.asked["currency"] or (found[0] if len(found) == 1 else HOME)
    in_view = [one.key for one in customers.values() if one.in_view]
    ledger = Ledger(customers, lines, rates.get(currency, Rates()), currency, draft.asked["membership"])
    if draft.asked["credit_notes"] == "restated":
        ledger = ledger.restated()
    return Posted(draft.seed, Account.objects.filter(pk__in=in_view), ledger, draft.asked)
