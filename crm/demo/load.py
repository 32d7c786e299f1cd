"""Storing the demo company: people and papers by bulk inserts, the books through the door every file comes in by."""

import csv
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.enums import Grade
from accounts.imports.options import ImportOptions
from accounts.imports.profiles import FACET
from accounts.imports.services import import_file
from accounts.models import (
    Account,
    Contact,
    Contract,
    ContractMilestone,
    ExchangeRate,
    MarketEffort,
    Product,
    Rating,
    TeamMember,
    User,
    WalletEstimate,
)
from accounts.search import index_new_accounts
from crm.demo import debts, efforts, judged, papers, promises, rates, relations, revenue
from crm.demo import vocabulary as words
from crm.demo.bonds import store_bonds
from crm.demo.care_load import store_care
from crm.demo.companies import Company, companies
from crm.demo.horizon import Horizon
from crm.demo.staff import EVALUATOR_PERMISSIONS, MANAGER_PERMISSIONS, STAFF, Person
from crm.demo.units import store_units
from crm.demo.weights import judge_weights
from crm.lib.exceptions import CrmError
from tiering.enums import Preset, Rule
from tiering.models import BandDecision, ScoringModel
from tiering.services import activate_model, create_model

RATE_SOURCE = "Demo bank"
FILE_SOURCE = "erp"
MOST_IN_STATEMENT = 2_000
# Diamond in each of two fiscal years, Gold in the last 12 months: where this company's revenues part (domain.md 3.6).
DIAMOND_AMOUNT, GOLD_AMOUNT = Decimal(15_000_000), Decimal(4_000_000)


class AccountsExist(CrmError):
    """The demo only goes into an empty database."""

    code = "accounts-exist"
    status = 409


@dataclass(frozen=True, slots=True)
class Loaded:
    accounts: int
    records: int
    logins: list[str]


@dataclass(frozen=True, slots=True)
class Kept:
    """The company as drawn, and what is stored of it: users by name, accounts by code."""

    found: Sequence[Company]
    horizon: Horizon
    seed: int
    users: dict[str, User]
    accounts: dict[str, Account]


def load_demo(*, accounts: int, months: int, seed: int, today: date, with_logins: bool) -> Loaded:
    """Make the demo company, all of it or nothing.

    with_logins : give the log-ins of crm.demo.staff a password equal to their name
    raises AccountsExist : there are accounts already
    """
    if Account.objects.exists():
        raise AccountsExist(_("There are accounts already: the demo company only goes into an empty database."))
    horizon = Horizon.before(today, months=months)
    found = companies(seed=seed, count=accounts, horizon=horizon, base_currency=settings.BASE_CURRENCY)
    found = judged.with_axes(found, seed=seed)
    rows = revenue.book_rows(found, seed=seed, horizon=horizon)
    with transaction.atomic():
        users = _store_staff(with_logins=with_logins)
        store_units(users)
        kept = Kept(found, horizon, seed, users, _store_accounts(found, users))
        _store_contacts(kept)
        _store_teams(kept)
        _store_contracts(kept)
        _store_ratings(kept)
        _store_wallets(kept, bought=_bought(rows, horizon))
        _store_efforts(kept)
        store_care(found, accounts=kept.accounts, users=users, seed=seed, horizon=horizon, today=today)
        store_bonds(found, accounts=kept.accounts, users=users, seed=seed, horizon=horizon, today=today)
        _store_decisions(kept)
        promises.store_plans(found, accounts=kept.accounts, users=users, seed=seed, horizon=horizon, today=today)
        _store_rates(kept)
        debts.store(debts.bills(rows, found, seed=seed, horizon=horizon), kept.accounts)
        _store_products()
        records = _post_books(rows, users["manager"])
        model = _activate_model(horizon, users["manager"])
        judge_weights(model, users, today=today)
    return Loaded(len(found), records, [person.username for person in STAFF if person.is_login and with_logins])


def _store_staff(*, with_logins: bool) -> dict[str, User]:
    """Username → user. A user who is there already stays as he is."""
    there = {user.username: user for user in User.objects.filter(username__in=[person.username for person in STAFF])}
    for person in STAFF:
        if person.username not in there:
            there[person.username] = _new_user(person, with_login=with_logins and person.is_login)
    return there


def _new_user(person: Person, *, with_login: bool) -> User:
    first, _space, last = person.name.partition(" ")
    names = {"first_name": first, "last_name": last} if last else {"first_name": "", "last_name": first}
    user = User(username=person.username, email=f"{person.username}@facet.example", is_staff=person.sees_all, **names)
    if with_login:
        user.set_password(person.username)
    else:
        user.set_unusable_password()
    user.save()
    rights = MANAGER_PERMISSIONS if person.sees_all else EVALUATOR_PERMISSIONS
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user


def _store_accounts(found: Sequence[Company], users: dict[str, User]) -> dict[str, Account]:
    """Code → account; heads of groups go first, so that their members can point at them."""
    stored: dict[str, Account] = {}
    heads = [company for company in found if not company.parent_code]
    members = [company for company in found if company.parent_code]
    for batch in (heads, members):
        rows = [_account(company, stored, users) for company in batch]
        stored |= {account.code: account for account in Account.objects.bulk_create(rows, MOST_IN_STATEMENT)}
    dealt = [company for company in found if company.dealer_code]
    for company in dealt:
        stored[company.code].dealer = stored[company.dealer_code]
    Account.objects.bulk_update([stored[company.code] for company in dealt], ["dealer"], MOST_IN_STATEMENT)
    index_new_accounts()
    return stored


def _account(company: Company, stored: dict[str, Account], users: dict[str, User]) -> Account:
    return Account(
        code=company.code,
        name=company.name,
        latin_name=company.latin_name,
        short_name=company.short_name,
        status=company.status,
        parent=stored.get(company.parent_code),
        segment=company.segment,
        channel=company.channel,
        industry=company.industry,
        region=company.region,
        country=company.country,
        size=company.size,
        need=company.need,
        potential=company.potential,
        currency=company.currency,
        owner=users.get(company.owner),
        opened_on=company.opened_on,
        closed_on=company.closed_on,
        before_data_start=company.before_data_start,
        credit_stop_on=company.credit_stop_on,
        litigation_on=company.litigation_on,
        insolvency_on=company.insolvency_on,
    )


def _store_contacts(kept: Kept) -> None:
    Contact.objects.bulk_create(
        (
            Contact(
                account=kept.accounts[person.account_code],
                name=person.name,
                title=person.title,
                department=person.department,
                email=person.email,
                phone=person.phone,
                is_primary=person.is_primary,
            )
            for person in (
                *relations.contacts(kept.found, seed=kept.seed),
                *relations.more_contacts(kept.found, seed=kept.seed),
            )
        ),
        MOST_IN_STATEMENT,
    )


def _store_teams(kept: Kept) -> None:
    held = list(relations.seats(kept.found, seed=kept.seed, horizon=kept.horizon))
    TeamMember.objects.bulk_create(
        (
            TeamMember(
                account=kept.accounts[seat.account_code],
                user=kept.users[seat.username],
                role=seat.role,
                valid_from=seat.valid_from,
                valid_to=seat.valid_to,
                is_deputy=seat.is_deputy,
            )
            for seat in (*held, *relations.deputies(kept.found, held, seed=kept.seed))
        ),
        MOST_IN_STATEMENT,
    )


def _store_contracts(kept: Kept) -> None:
    drawn = list(papers.contracts(kept.found, seed=kept.seed, horizon=kept.horizon))
    stored = Contract.objects.bulk_create(
        [
            Contract(
                account=kept.accounts[paper.account_code],
                number=paper.number,
                title=paper.title,
                amount=Decimal(paper.amount),
                currency=paper.currency,
                signed_on=paper.signed_on,
                starts_on=paper.starts_on,
                ends_on=paper.ends_on,
                status=paper.status,
                cancelled_on=paper.cancelled_on,
            )
            for paper in drawn
        ],
        MOST_IN_STATEMENT,
    )
    ContractMilestone.objects.bulk_create(
        (
            ContractMilestone(
                contract=contract,
                title=stage.title,
                amount=Decimal(stage.amount),
                planned_on=stage.planned_on,
                accepted_on=stage.accepted_on,
            )
            for contract, paper in zip(stored, drawn, strict=True)
            for stage in paper.stages
        ),
        MOST_IN_STATEMENT,
    )


def _store_ratings(kept: Kept) -> None:
    Rating.objects.bulk_create(
        (
            Rating(
                account=kept.accounts[opinion.account_code],
                indicator=opinion.indicator,
                score=opinion.score,
                evaluator=kept.users[opinion.username],
                function=opinion.function,
                rated_on=opinion.rated_on,
                expires_on=opinion.expires_on,
                evidence=opinion.evidence,
            )
            for opinion in papers.ratings(kept.found, seed=kept.seed, horizon=kept.horizon)
        ),
        MOST_IN_STATEMENT,
    )


def _store_wallets(kept: Kept, *, bought: dict[str, float]) -> None:
    WalletEstimate.objects.bulk_create(
        (
            WalletEstimate(
                account=kept.accounts[wallet.account_code],
                amount=Decimal(wallet.amount),
                currency=wallet.currency,
                source=wallet.source,
                author=kept.users[wallet.username],
                estimated_on=wallet.estimated_on,
                expires_on=wallet.expires_on,
            )
            for wallet in papers.wallets(kept.found, seed=kept.seed, horizon=kept.horizon, bought=bought)
        ),
        MOST_IN_STATEMENT,
    )


def _store_decisions(kept: Kept) -> None:
    BandDecision.objects.bulk_create(
        BandDecision(
            account=kept.accounts[one.account_code],
            decided_by=kept.users[one.username],
            **{name: getattr(one, name) for name in ("verdict", "text", "decided_on", "review_on")},
        )
        for one in judged.verdicts(kept.found, seed=kept.seed, horizon=kept.horizon)
    )


def _store_efforts(kept: Kept) -> None:
    spent = efforts.efforts(kept.found, seed=kept.seed, horizon=kept.horizon, base_currency=settings.BASE_CURRENCY)
    MarketEffort.objects.bulk_create(
        (
            MarketEffort(
                month=effort.month,
                purpose=effort.purpose,
                category=effort.category,
                amount=None if effort.amount is None else Decimal(effort.amount),
                currency=effort.currency,
                hours=None if effort.hours is None else Decimal(str(effort.hours)),
                account=kept.accounts.get(effort.account_code),
                source=effort.source,
            )
            for effort in spent
        ),
        MOST_IN_STATEMENT,
    )


def _store_rates(kept: Kept) -> None:
    base = settings.BASE_CURRENCY
    foreign = sorted({company.currency for company in kept.found} - {base})
    ExchangeRate.objects.bulk_create(
        (
            ExchangeRate(
                from_currency=row.from_currency,
                to_currency=base,
                valid_on=row.valid_on,
                rate=Decimal(f"{row.rate:.6f}"),
                kind=row.kind,
                source=RATE_SOURCE,
            )
            for row in rates.rate_rows(foreign, seed=kept.seed, horizon=kept.horizon, base_currency=base)
        ),
        MOST_IN_STATEMENT,
    )


def _store_products() -> None:
    Product.objects.bulk_create(
        Product(code=code, name=name, category=category)
        for category, (_margin, products) in words.CATALOGUE.items()
        for code, name, _price in products
    )


def _bought(rows: Iterable[revenue.Row], horizon: Horizon) -> dict[str, float]:
    """Code → net revenue of the last 12 months in the account's own currency."""
    code, booked_on, amount = (revenue.COLUMNS.index(name) for name in ("account_code", "booked_on", "amount"))
    since = horizon.month(-12).isoformat()
    totals: Counter[str] = Counter()
    for row in rows:
        if row[booked_on] >= since:
            totals[row[code]] += float(row[amount])  # type: ignore[assignment]
    return dict(totals)


def _post_books(rows: Sequence[revenue.Row], user: User) -> int:
    """One export file of the ERP a year, through the door; returns the records posted."""
    booked_on = revenue.COLUMNS.index("booked_on")
    years = sorted({row[booked_on][:4] for row in rows})
    options = ImportOptions(profile=FACET, source=FILE_SOURCE, currency=settings.BASE_CURRENCY, create=False)
    posted = 0
    with tempfile.TemporaryDirectory(prefix="facet-demo-") as folder:
        for year in years:
            path = Path(folder) / f"erp-{year}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(revenue.COLUMNS)
                writer.writerows(row for row in rows if row[booked_on].startswith(year))
            posted += import_file(path=path, options=options, user=user).posted
    return posted


def _activate_model(horizon: Horizon, user: User) -> ScoringModel:
    """The preset ``full`` with the amounts that fit this company."""
    model = create_model(
        preset=Preset.FULL,
        as_of=horizon.last_day,
        diamond=DIAMOND_AMOUNT,
        currency=settings.BASE_CURRENCY,
        created_by=user,
    )
    model.rules.filter(grade=Grade.GOLD, condition=Rule.REVENUE_TTM).update(threshold=GOLD_AMOUNT)
    return activate_model(model=model, activated_by=user)
