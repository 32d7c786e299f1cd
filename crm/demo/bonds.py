"""Relationships of the demo company: who reports to whom, who decides, how attitudes moved, how close the companies are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from accounts.enums import Attitude
from accounts.enums_relations import ChainRole, ContactLevel, CourtesyState
from accounts.models import (
    Account,
    AttitudeNote,
    BuyingCentre,
    CentreMember,
    Contact,
    Courtesy,
    LevelEvidence,
    PartnershipState,
    User,
)
from accounts.relationship_rules import courtesy_limit
from crm.demo import bonds_words as words
from crm.demo.companies import Company
from crm.demo.horizon import Horizon, dice
from crm.demo.profiles import KEY_PROFILES, Profile
from crm.lib.periods import add_months
from plans.models import RelationshipAction, RelationshipPlan

MOST_IN_STATEMENT = 2_000
BONDED = KEY_PROFILES | {Profile.COLLAPSING, Profile.LOSS_MAKER}
# profile: chances of attitudes from opposes to champion
MOODS: dict[Profile, tuple[float, ...]] = {
    Profile.PILLAR: (0.02, 0.08, 0.2, 0.45, 0.25),
    Profile.COLLAPSING: (0.2, 0.4, 0.3, 0.1, 0.0),
    Profile.LOSS_MAKER: (0.15, 0.35, 0.4, 0.1, 0.0),
}
COMMON_MOODS = (0.04, 0.16, 0.34, 0.34, 0.12)
UNKNOWN_SHARE, AIMED_SHARE, WITHOUT_CENTRE_SHARE = 0.15, 0.45, 0.12
# profile: levels the companies have reached, drawn from; none at the others
REACHED: dict[Profile, tuple[int, ...]] = {
    Profile.PILLAR: (3, 4, 5),
    Profile.CORE: (2, 3, 3),
    Profile.VOLUME: (2,),
    Profile.LIGHTHOUSE: (3, 4),
    Profile.RISING: (2,),
}
PARTNERS: dict[Profile, tuple[str, ...]] = {
    Profile.PILLAR: ("loyal", "strategic"),
    Profile.CORE: ("satisfied", "loyal"),
    Profile.LIGHTHOUSE: ("satisfied", "strategic"),
    Profile.RISING: ("satisfied",),
}
RANKS = {level: rank for rank, level in enumerate(ContactLevel.values)}


@dataclass(frozen=True, slots=True)
class Cast:
    """What is drawn of one account: its people, in the order of their keys, and who of us looks after them."""

    company: Company
    account: Account
    people: list[Contact]


def store_bonds(
    found: Sequence[Company],
    *,
    accounts: Mapping[str, Account],
    users: Mapping[str, User],
    seed: int,
    horizon: Horizon,
    today: date,
) -> None:
    """After the contacts, their log and the attitudes of the first ones are stored; all by bulk inserts."""
    casts = _casts(found, accounts)
    _store_places(casts)
    _store_centres([cast for cast in casts if cast.company.profile in BONDED], seed=seed, today=today)
    _store_attitudes(casts, seed=seed, horizon=horizon)
    _store_standing(casts, users, seed=seed, today=today)
    _store_plans([cast for cast in casts if cast.company.profile in BONDED], seed=seed, today=today)
    _store_courtesies(casts, users, seed=seed, today=today)


def _casts(found: Sequence[Company], accounts: Mapping[str, Account]) -> list[Cast]:
    people: dict[int, list[Contact]] = {}
    for contact in Contact.objects.order_by("account_id", "pk"):
        people.setdefault(contact.account_id, []).append(contact)
    return [
        Cast(company, accounts[company.code], people[accounts[company.code].pk])
        for company in found
        if accounts[company.code].pk in people
    ]


def _store_places(casts: Sequence[Cast]) -> None:
    """Level and department of everybody by title; each reports to the first one above."""
    everyone = []
    for cast in casts:
        for contact in cast.people:
            contact.level, contact.department_kind, _roles, _weight = words.PLACES[contact.title]
        for contact in cast.people:
            above = [one for one in cast.people if RANKS[one.level] < RANKS[contact.level]]
            contact.reports_to = max(above, key=lambda one: (RANKS[one.level], -one.pk), default=None)
            everyone.append(contact)
    Contact.objects.bulk_update(everyone, ["level", "department_kind", "reports_to"], MOST_IN_STATEMENT)


def _store_centres(casts: Sequence[Cast], *, seed: int, today: date) -> None:
    rng = dice(seed, "buying centres")
    drawn = []
    for place, cast in enumerate(casts):
        if rng.random() < WITHOUT_CENTRE_SHARE:
            continue
        number = 2 if cast.company.profile == Profile.PILLAR else 1
        drawn += [(cast, words.CENTRES[(place + at) % len(words.CENTRES)]) for at in range(number)]
    centres = BuyingCentre.objects.bulk_create(BuyingCentre(account=cast.account, name=name) for cast, name in drawn)
    CentreMember.objects.bulk_create(
        (
            member
            for centre, (cast, _name) in zip(centres, drawn, strict=True)
            for member in _members(rng, centre, cast, today)
        ),
        MOST_IN_STATEMENT,
    )


def _members(rng: np.random.Generator, centre: BuyingCentre, cast: Cast, today: date) -> Iterator[CentreMember]:
    kept = [one for one in cast.people if rng.random() < 0.85] or cast.people[:1]
    for contact in kept:
        _level, _kind, roles, weight = words.PLACES[contact.title]
        roles = tuple(role for role in roles if role != ChainRole.COACH or rng.random() < 0.6) or (
            ChainRole.INFLUENCER,
        )
        is_aimed = rng.random() < AIMED_SHARE
        yield CentreMember(
            centre=centre,
            contact=contact,
            roles=list(roles),
            weight=weight,
            owner=cast.account.owner,
            target_attitude=int(rng.integers(1, 3)) if is_aimed else None,
            target_on=add_months(today, int(rng.integers(2, 7))) if is_aimed else None,
        )


def _store_attitudes(casts: Sequence[Cast], *, seed: int, horizon: Horizon) -> None:
    """One to three entries a person at the accounts that matter; those whose attitude is known already keep it."""
    rng = dice(seed, "attitudes")
    notes, changed = [], []
    first = horizon.month(-min(14, horizon.months))
    for cast in casts:
        if cast.company.profile not in BONDED:
            continue
        moods = MOODS.get(cast.company.profile, COMMON_MOODS)
        for contact in cast.people:
            if contact.attitude is not None or rng.random() < UNKNOWN_SHARE:
                continue
            attitude, day = int(rng.choice(Attitude.values, p=moods)), first + timedelta(days=int(rng.integers(0, 90)))
            if rng.random() < 0.5:  # it was one step worse before
                notes.append(_note(cast, contact, max(attitude - 1, Attitude.OPPOSES), day))
                day += timedelta(days=int(rng.integers(40, 200)))
            notes.append(_note(cast, contact, attitude, day))
            contact.attitude, contact.attitude_since = attitude, day
            changed.append(contact)
    AttitudeNote.objects.bulk_create(notes, MOST_IN_STATEMENT)
    Contact.objects.bulk_update(changed, ["attitude", "attitude_since"], MOST_IN_STATEMENT)


def _note(cast: Cast, contact: Contact, attitude: int, day: date) -> AttitudeNote:
    evidence = words.EVIDENCE[Attitude(attitude)]
    return AttitudeNote(
        contact=contact, attitude=attitude, held_from=day, evidence=evidence, noted_by=cast.account.owner
    )


def _store_standing(casts: Sequence[Cast], users: Mapping[str, User], *, seed: int, today: date) -> None:
    """Evidence of levels, some of it run out, and what the customers have become."""
    rng = dice(seed, "standing")
    levels, states = [], []
    for cast in casts:
        reached = REACHED.get(cast.company.profile)
        if reached and rng.random() < 0.85:
            level = int(reached[int(rng.integers(len(reached)))])
            since = add_months(today, -int(rng.integers(1, 14)))
            levels.append(
                LevelEvidence(
                    account=cast.account, level=level, evidence=words.LEVELS[level], reached_on=since,
                    expires_on=add_months(since, 12), noted_by=cast.account.owner,
                )
            )  # fmt: skip
        steps = PARTNERS.get(cast.company.profile, ())[: int(rng.integers(0, 3))]
        states += [
            PartnershipState(
                account=cast.account, state=state, since=add_months(today, -18 + 9 * at),
                evidence=words.PARTNERSHIPS[state], noted_by=users["manager"],
            )
            for at, state in enumerate(steps)
        ]  # fmt: skip
    LevelEvidence.objects.bulk_create(levels, MOST_IN_STATEMENT)
    PartnershipState.objects.bulk_create(states, MOST_IN_STATEMENT)


def _store_plans(casts: Sequence[Cast], *, seed: int, today: date) -> None:
    rng = dice(seed, "relationship plans")
    chosen = [cast for cast in casts if rng.random() < 0.7]
    plans = RelationshipPlan.objects.bulk_create(
        RelationshipPlan(
            account=cast.account,
            goal=words.GOALS[place % len(words.GOALS)],
            owner=cast.account.owner,
            review_on=add_months(today, int(rng.integers(0, 4))),
        )
        for place, cast in enumerate(chosen)
    )
    RelationshipAction.objects.bulk_create(
        RelationshipAction(
            plan=plan,
            layer=layer,
            text=text,
            owner=cast.account.owner,
            contact=cast.people[at % len(cast.people)] if layer == "key" else None,
            due_on=today + timedelta(days=21 * at - 15),
            done_on=today - timedelta(days=17) if at == 0 and rng.random() < 0.7 else None,
        )
        for plan, cast in zip(plans, chosen, strict=True)
        for at, (layer, text) in enumerate(words.STEPS)
    )


def _store_courtesies(casts: Sequence[Cast], users: Mapping[str, User], *, seed: int, today: date) -> None:
    """A few within the limits, and one beyond that waits."""
    rng = dice(seed, "courtesies")
    limit = courtesy_limit("gift")
    key = [cast for cast in casts if cast.company.profile in KEY_PROFILES and cast.account.owner]
    rows = [
        Courtesy(
            contact=cast.people[0],
            kind="gift",
            given_on=today - timedelta(days=int(rng.integers(10, 120))),
            occasion=words.OCCASIONS[place % len(words.OCCASIONS)],
            amount=Decimal(int(rng.integers(5, 25)) * 10),
            currency=limit.currency,
            given_by=cast.account.owner,
        )
        for place, cast in enumerate(key[::3])
    ]
    for row in rows[:1]:
        row.amount, row.state, row.reason = limit.per_occasion * 2, CourtesyState.WAITING, "二十周年合作纪念"
    Courtesy.objects.bulk_create(rows)
