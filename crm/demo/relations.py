"""Who knows whom: contacts at the customers, and the iron triangles of the demo company."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from accounts.enums import TeamRole
from crm.demo import vocabulary as words
from crm.demo.bonds_words import MORE_ROLES
from crm.demo.companies import Company
from crm.demo.horizon import Horizon, dice
from crm.demo.profiles import KEY_PROFILES, Profile
from crm.demo.staff import holders_of

EMPTY_SEAT_SHARE = 0.2  # of the solution and delivery seats at key accounts
SMALL_TEAM_SHARE = 0.12  # of the other accounts have somebody besides the owner
HANDED_OVER_SHARE = 0.15  # of the seats had another holder before
DEPUTY_SHARE, SMALL_DEPUTY_SHARE = 0.85, 0.5  # of the seats held at key accounts, and elsewhere, have a deputy
MAINLAND_PHONE, WORLD_PHONE = "+86 400 555 {0:04d}", "+00 555 {0:04d}"


@dataclass(frozen=True, slots=True)
class Person:
    account_code: str
    name: str
    title: str
    department: str
    email: str
    phone: str
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Seat:
    account_code: str
    username: str
    role: TeamRole
    valid_from: date
    valid_to: date | None = None
    is_deputy: bool = False


def contacts(found: Sequence[Company], *, seed: int) -> Iterator[Person]:
    """One to four people at each company that buys; more at the key accounts."""
    rng = dice(seed, "contacts")
    for company in found:
        most = 5 if company.profile in KEY_PROFILES else 3
        number = int(rng.integers(2 if company.profile in KEY_PROFILES else 1, most))
        roles = rng.permutation(len(words.CONTACT_ROLES))[:number]
        for position, role in enumerate(roles.tolist()):
            name, latin = _name(rng, abroad=company.country != words.HOME_COUNTRY)
            title, department = words.CONTACT_ROLES[role]
            phone = WORLD_PHONE if company.country != words.HOME_COUNTRY else MAINLAND_PHONE
            yield Person(
                account_code=company.code,
                name=name,
                title=title,
                department=department,
                email=f"{latin}@{_domain(company)}.example",
                phone=phone.format(int(rng.integers(0, 10_000))),
                is_primary=position == 0,
            )


def more_contacts(found: Sequence[Company], *, seed: int) -> Iterator[Person]:
    """Those whom one gets to know at larger accounts: three to six more, in a stream of their own."""
    rng = dice(seed, "more contacts")
    for company in found:
        if company.profile not in KEY_PROFILES:
            continue
        number = int(rng.integers(3, len(MORE_ROLES) + 1))
        for role in rng.permutation(len(MORE_ROLES))[:number].tolist():
            name, latin = _name(rng, abroad=company.country != words.HOME_COUNTRY)
            title, department = MORE_ROLES[role]
            phone = WORLD_PHONE if company.country != words.HOME_COUNTRY else MAINLAND_PHONE
            yield Person(
                account_code=company.code,
                name=name,
                title=title,
                department=department,
                email=f"{latin}@{_domain(company)}.example",
                phone=phone.format(int(rng.integers(0, 10_000))),
                is_primary=False,
            )


def _name(rng: np.random.Generator, *, abroad: bool) -> tuple[str, str]:
    """(name, the part of the mail address before the @)."""
    if abroad:
        first, last = str(rng.choice(words.WORLD_FIRST_NAMES)), str(rng.choice(words.WORLD_LAST_NAMES))
        return f"{first} {last}", f"{first}.{last}".lower()
    surname, surname_latin = words.SURNAMES[int(rng.integers(len(words.SURNAMES)))]
    given, given_latin = words.GIVEN_NAMES[int(rng.integers(len(words.GIVEN_NAMES)))]
    return surname + given, f"{given_latin}.{surname_latin}".lower()


def _domain(company: Company) -> str:
    latin = company.latin_name or company.name
    plain = unicodedata.normalize("NFKD", latin.split(" ")[0]).encode("ascii", "ignore").decode()
    return plain.lower() or "customer"


def seats(found: Sequence[Company], *, seed: int, horizon: Horizon) -> Iterator[Seat]:
    """The iron triangle of every key account, some seats empty, and a few seats elsewhere."""
    rng = dice(seed, "teams")
    solvers = [person.username for person in holders_of(TeamRole.SOLUTION_MANAGER)]
    deliverers = [person.username for person in holders_of(TeamRole.DELIVERY_MANAGER)]
    sellers = [person.username for person in holders_of(TeamRole.ACCOUNT_MANAGER)]
    for company in found:
        is_key = company.profile in KEY_PROFILES
        if not is_key and (company.profile == Profile.PROSPECT or rng.random() > SMALL_TEAM_SHARE):
            continue
        if company.owner:
            seat = Seat(company.code, company.owner, TeamRole.ACCOUNT_MANAGER, _since(rng, horizon))
            yield from _with_former(rng, seat, sellers)
        for role, people in ((TeamRole.SOLUTION_MANAGER, solvers), (TeamRole.DELIVERY_MANAGER, deliverers)):
            if rng.random() < (EMPTY_SEAT_SHARE if is_key else 0.5):
                continue
            holder = people[int(rng.integers(len(people)))]
            yield from _with_former(rng, Seat(company.code, holder, role, _since(rng, horizon)), people)


def deputies(found: Sequence[Company], held: Iterable[Seat], *, seed: int) -> Iterator[Seat]:
    """Who stands in for those who hold seats today: a colleague with the same work, at some seats nobody."""
    rng, key_codes = dice(seed, "deputies"), {one.code for one in found if one.profile in KEY_PROFILES}
    for seat in held:
        share = DEPUTY_SHARE if seat.account_code in key_codes else SMALL_DEPUTY_SHARE
        others = [person.username for person in holders_of(seat.role) if person.username != seat.username]
        if seat.valid_to is None and others and rng.random() < share:
            yield replace(seat, username=others[int(rng.integers(len(others)))], is_deputy=True)


def _since(rng: np.random.Generator, horizon: Horizon) -> date:
    return horizon.start + timedelta(days=int(rng.integers(0, max(1, (horizon.end - horizon.start).days - 60))))


def _with_former(rng: np.random.Generator, seat: Seat, people: list[str]) -> Iterator[Seat]:
    """A seat, now and then after the colleague who held it before."""
    former = [username for username in people if username != seat.username]
    if former and rng.random() < HANDED_OVER_SHARE:
        begun = seat.valid_from - timedelta(days=int(rng.integers(200, 700)))
        yield Seat(seat.account_code, former[int(rng.integers(len(former)))], seat.role, begun, seat.valid_from)
    yield seat
