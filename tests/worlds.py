"""Two worlds that are equal but for what one person may not see (S2): whatever that person asks has to answer alike.

The first world is the company of ``tests.company``. The second is made of it, in place, by ``change_what_is_hidden``: every
column of every row that hangs off a hidden account takes another value, more hidden accounts come with all that hangs off
them, and hidden fields (costs, personal data) of visible accounts change for those who may not see these. Triggers are off
meanwhile, so that the trail tells of no change: in the second world things were never otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.db.utils import DataError

from accounts.access import Role
from accounts.fields import hidden_from, kind_of
from accounts.models import AccessToken, Account, AccountLink, AccountLinkType, GroupMembership, PartnershipState, User
from accounts.models import RelationshipTarget as Target
from accounts.search import index_fields
from crm.lib.periods import parse_period
from crm.models import SavedView
from crm.reported import report
from metrics.product_rollup import write_account_products
from metrics.services.figures import write_account_figures
from plans.models import HandOver, RelationshipAction, RelationshipPlan, Task
from plans.services_work import add_step, make_account_plan
from tests.api.nights import AS_OF
from tests.company import WORD, World, make_company
from tests.factories import (
    make_account,
    make_centre,
    make_contact,
    make_contract,
    make_courtesy,
    make_interaction,
    make_level,
    make_member,
    make_product,
    make_rating,
    make_receivable,
    make_request,
    make_team_member,
    make_user,
    make_wallet_estimate,
    post_revenue,
)

TRIGGERS = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
SHIFT = timedelta(days=-13)
# The ledger of every account ends on one day: how far the books go is the company's fact, told to everybody.
LAST_MONTH = 29
FIRST_DAY = date(2022, 1, 1)
# What a group's total is made of: shown to whoever may open the node, whether or not they may open the subsidiaries
# (crm/groups.py, rule 2).
OF_TOTALS = frozenset(
    {
        *("accounts.RevenueRecord", "metrics.AccountDay", "metrics.AccountMonth", "metrics.AccountSpan"),
        *("metrics.AccountCredit", "metrics.AccountFigures"),
        *("plans.PromiseResult", "plans.AccountCompliance", "accounts.GroupMembership"),
    }
)
# Rows of a night from which models of the whole base are learnt, for everybody alike: what is bought together, what an
# account of its kind spends. They are inputs like the scores of visible accounts.
OF_MODELS = frozenset({"metrics.AccountProduct", "metrics.ProductDay"})
GRADES = ("grade", "underlying_grade", "grade_since", "composite", "is_watched", "graded_as_of", "is_graded_node")
# Names above a visible account are its path, and a grade above it may be its policy (domain.md 5.5); a link names both of
# its ends to whoever may open one (accounts/links.py), and the dated history of a group its former parents.
TOLD = ("name", "code", "short_name", "latin_name", *GRADES)


def make_first_world() -> World:
    """The company, with months of revenue, and more of what hangs off an account than the matrix needs."""
    world = make_company()
    people = world.people
    people["deputy"] = make_user(role=str(Role.MEMBER), username="deputy")
    people["narrow token"] = people["owner"]
    people["idle"] = make_user(role=str(Role.MEMBER), username="idle")  # keeps hidden accounts in the second world
    make_team_member(
        account=world.rows["team"]["accounts"], user=people["deputy"], role="account_manager", is_deputy=True
    )
    products = [make_product() for _ in range(3)]
    for number, (relation, rows) in enumerate(world.rows.items()):
        rows.update(more_resources(rows, WORD[relation], people))
        post_revenue(list(_orders(rows["accounts"], products, number + 1)))
    write_account_figures(as_of=AS_OF)
    write_account_products(as_of=AS_OF)
    return world


def _orders(account: Account, products: list[Any], scale: int) -> Iterator[dict[str, Any]]:
    for month in range(LAST_MONTH + 1):
        day = date(2022 + month // 12, month % 12 + 1, 5 if month == 0 else 20 if month == LAST_MONTH else 10 + scale)
        amount = Decimal(100 * scale + 7 * month)
        yield {
            "account": account, "booked_on": day, "amount": amount, "cost": amount / 2,
            "product": products[(month + scale) % 3], "quantity": Decimal(2),
        }  # fmt: skip


def more_resources(rows: dict[str, Any], word: str, people: dict[str, User]) -> dict[str, Any]:
    account, director, owner = rows["accounts"], people["director"], people["owner"]
    contact = make_contact(
        account=account, name=f"Known {word}", attitude=1, attitude_since=date(2024, 1, 1), phone="1"
    )
    centre = make_centre(account=account, name=f"Centre {word}")
    plan = make_account_plan(
        account=account, made_by=owner, valid_from=date(2024, 5, 1), valid_to=date(2025, 1, 1), goal=f"Goal {word}",
        priority_rank=1, planned_hours=10,
    )  # fmt: skip
    ties = RelationshipPlan.objects.create(account=account, goal=f"Ties {word}", review_on=AS_OF)
    return {
        "known": contact,
        "buying-centres": centre,
        "buying-centre-members": make_member(contact=contact, centre=centre),
        "attitude-notes": contact.attitude_notes.get(),
        "relationship-levels": make_level(account=account, evidence=word, expires_on=date(2099, 1, 1)),
        "partnership-states": PartnershipState.objects.create(
            account=account, state="loyal", since=date(2024, 1, 1), evidence=word
        ),
        "courtesies": make_courtesy(contact=contact, given_by=director, state="waiting", occasion=word),
        "relationship-targets": Target.objects.create(account=account, key_target=70),
        "relationship-plans": ties,
        "relationship-steps": RelationshipAction.objects.create(
            plan=ties, layer="key", text=f"Step {word}", due_on=AS_OF
        ),
        "account-plans": plan,
        "account-plan-steps": add_step(plan=plan, text=f"Call {word}", owner=director, due_on=AS_OF),
        "remediation-steps": add_step(plan=rows["remediations"], text=f"Mend {word}", owner=director, due_on=AS_OF),
        "hand-overs": HandOver.objects.create(
            account=account, role="solution_manager", giver=director, taker=people["idle"], on=date(2030, 1, 1),
            made_by=director, note=word,
        ),
        "saved-views": SavedView.objects.create(owner=owner, name=word, query="grade=gold"),
        "tasks": Task.objects.create(account=account, text=f"Task {word}", due_on=AS_OF, owner=director),
        "account-links": AccountLink.objects.create(
            type=AccountLinkType.objects.get(key="supplies"), source=account, target=make_account(name=f"Linked {word}")
        ),
        "reported-figures": report(
            author=director, question="growth", title=f"Report {word}", filters={"account": [str(account.pk)]},
            base=parse_period("2023"), comparison=parse_period("2024-01..2024-06"),
        ),
    }  # fmt: skip


def seen_by(user: User) -> set[int]:
    return set(Account.objects.visible_to(User.objects.get(pk=user.pk)).values_list("pk", flat=True))


def change_what_is_hidden(world: World, user: User, hidden_kinds: frozenset[Any]) -> Counter[str]:
    """Make the second world; returns how many values changed, by model."""
    before = seen_by(user)
    changed: Counter[str] = Counter()
    if Account.objects.exclude(pk__in=before).exists():
        changed["more accounts"] = add_hidden(world, user)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(TRIGGERS)
        for (table,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
        hidden = set(Account.objects.values_list("pk", flat=True)) - before
        below, above = _family(before, hidden)
        named = above | _linked(before)
        for model, path in of_accounts():
            for row in model._default_manager.filter(**{f"{path}__in": hidden}):
                key = account_key(row, path)
                if model._meta.label in OF_MODELS or (key in below and model._meta.label in OF_TOTALS):
                    continue
                kept = (GRADES if key in below else ()) + (TOLD if key in named else ())
                changed[model._meta.label] += alter(row, kept if model is Account else ())
        _reindex(hidden)
        for model in apps.get_models() if hidden_kinds else []:
            changed["hidden fields"] += sum(alter_hidden(row, hidden_kinds) for row in model._base_manager.all())
    assert seen_by(user) == before, "the second world must show the same accounts"
    return changed


def _family(seen: set[int], hidden: set[int]) -> tuple[set[int], set[int]]:
    """Hidden accounts below a visible one, and above one."""
    parents = dict(Account.objects.filter(parent__isnull=False).values_list("pk", "parent_id"))
    below, above = set(), set()
    for start in {*seen, *hidden}:
        path, at = [], parents.get(start)
        while at is not None:
            path.append(at)
            at = parents.get(at)
        if start in seen:
            above |= hidden & set(path)
        elif seen & set(path):
            below.add(start)
    return below, above


def _linked(seen: set[int]) -> set[int]:
    ends = AccountLink.objects.filter(models.Q(source__in=seen) | models.Q(target__in=seen)).values_list(
        "source", "target"
    )
    stays = GroupMembership.objects.filter(account__in=seen).values_list("parent", flat=True)
    return {end for pair in ends for end in pair} | set(stays)


def of_accounts() -> list[tuple[type[models.Model], str]]:
    """Models whose rows hang off one account, each with the way to it; the account itself comes last."""
    paths: dict[type[models.Model], str] = {Account: "pk"}
    every = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    while True:
        found = {}
        for model in every:
            if model in paths:
                continue
            for one in sorted(model._meta.concrete_fields, key=lambda one: one.name not in {"account", "survivor"}):
                if isinstance(one, models.ForeignKey) and one.related_model in paths and not one.null:
                    rest = paths[one.related_model]
                    found[model] = one.name if rest == "pk" else f"{one.name}__{rest}"
                    break
        if not found:
            return [item for item in paths.items() if item[0] is not Account] + [(Account, "pk")]
        paths |= found


def account_key(row: models.Model, path: str) -> int:
    *way, last = path.split("__")
    for name in way:
        row = getattr(row, name)
    return row.pk if last == "pk" else getattr(row, f"{last}_id")


def alter(row: models.Model, kept: tuple[str, ...] = ()) -> int:
    """Give every column of the row that is no key another value; those together that the constraints let; how many."""
    changes = {
        one.attname: other
        for one in row._meta.concrete_fields
        if one.name not in kept and not one.primary_key and not isinstance(one, models.ForeignKey)
        for other in [another(one, getattr(row, one.attname))]
        if other is not None
    }
    if _set(row, changes):
        return len(changes)
    return sum(_set(row, {name: value}) for name, value in changes.items())


def alter_hidden(row: models.Model, kinds: frozenset[Any]) -> int:
    names = [one.attname for one in row._meta.concrete_fields if kind_of(one.name) in kinds]
    changes = {name: another(row._meta.get_field(name), getattr(row, name)) for name in names}
    return sum(_set(row, {name: value}) for name, value in changes.items() if value is not None)


def _set(row: models.Model, changes: dict[str, Any]) -> bool:
    try:
        with transaction.atomic():
            return bool(type(row)._base_manager.filter(pk=row.pk).update(**changes)) if changes else False
    except (IntegrityError, DataError):
        return False


def another(one: models.Field, value: Any) -> Any:
    """A value of the same kind that is not this one; None: leave it."""
    if one.choices:
        return next((key for key, _label in one.flatchoices if key != value), None)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * 2 + 3 if value < 10_000 else value - 1
    if isinstance(value, Decimal):
        return value * 2 + 1 if value < 10_000 else value / 2
    if isinstance(value, date):
        is_first = not isinstance(value, datetime) and value + SHIFT < FIRST_DAY <= value
        return value if is_first else value + SHIFT
    if isinstance(one, models.CharField | models.TextField) and isinstance(value, str):
        if one.max_length == 3:
            return "EUR" if value != "EUR" else "USD"
        return f"Zq {value}"[: one.max_length or None] if value else "Zq" if one.blank else None
    if isinstance(value, list) and value and all(isinstance(item, float) for item in value):
        return [item + 1.5 for item in value]
    return None


def _reindex(hidden: set[int]) -> None:
    """What search and order read follows the names, as saving an account would have it."""
    for account in Account.objects.filter(pk__in=hidden):
        names = ("search_text", "sort_key", "search_grams", "name_key", "name_grams")
        found = index_fields(
            code=account.code, name=account.name, latin_name=account.latin_name, short_name=account.short_name
        )
        Account.objects.filter(pk=account.pk).update(**dict(zip(names, found, strict=True)))


def add_hidden(world: World, user: User) -> int:
    """More accounts of somebody else, with the names of visible ones, near to them in every way that points at them."""
    idle, visible = world.people["idle"], Account.objects.get(pk=min(seen_by(user)))
    contact = visible.contacts.first()
    root = make_account(
        code="ZQ0", name=f"{visible.name} Holding", owner=idle, segment="Zq", region="Zq", industry="Zq"
    )
    made = [root] + [
        make_account(
                code=f"ZQ{number + 1}", name=f"{visible.name} {number}", owner=idle, parent=root, dealer=root,
                referred_by=root, segment=visible.segment, region="Zq", grade="diamond", channel="Zq",
        )
        for number in range(3)
    ]  # fmt: skip
    for number, account in enumerate(made):
        make_contact(account=account, name=contact.name if contact else "Zq", email=f"zq{number}@example.com")
        make_contract(account=account, number=f"ZQ{number}", amount=5, currency="CNY")
        make_receivable(account=account, number=f"ZQ{number}")
        make_request(account=account, subject="Zq", opened_by=user)
        make_interaction(
            account=account, logged_by=user, our_people=[user], next_step="Zq", next_step_on=date(2024, 7, 1)
        )
        make_rating(account=account, evaluator=user)
        make_wallet_estimate(account=account, author=user)
        Task.objects.create(account=account, text="Zq", due_on=AS_OF, owner=user)
        post_revenue([{"account": account, "booked_on": date(2024, 3, 10 + number), "amount": Decimal(99_999)}])
    for who in (idle, world.people["director"]):
        SavedView.objects.create(owner=who, name="Zq", query="q=zq")
        AccessToken.objects.create(user=who)
    return len(made)


def hidden_kinds(user: User, scopes: list[str] | None) -> frozenset[Any]:
    one = User.objects.get(pk=user.pk)
    one.scopes = None if scopes is None else frozenset(scopes)
    return hidden_from(one)
