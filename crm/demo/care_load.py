"""Storing what the demo company does for its customers, by bulk inserts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.models import Account, Contact, Contract, User
from crm.demo import care, care_words
from crm.demo.companies import Company
from crm.demo.horizon import Horizon
from crm.demo.profiles import KEY_PROFILES, Profile
from service.enums import RequestStepKind
from service.models import Discount, Interaction, RequestStep, ServiceRequest, Sponsor

MOST_IN_STATEMENT = 2_000
NOTICE_DAYS = 40  # before the end of the books


def store_care(
    found: Sequence[Company],
    *,
    accounts: Mapping[str, Account],
    users: Mapping[str, User],
    seed: int,
    horizon: Horizon,
    today: date,
) -> None:
    """Sponsors, the log, requests with their steps, discounts, attitudes, and one notice of non-renewal."""
    stands = care.sponsors(found, horizon=horizon)
    Sponsor.objects.bulk_create(
        Sponsor(
            account=accounts[stand.account_code],
            user=users[stand.username],
            kind=stand.kind,
            is_exclusive=stand.is_exclusive,
            valid_from=stand.valid_from,
        )
        for stand in stands
    )
    _store_talks(list(care.talks(found, stands, seed=seed, horizon=horizon, today=today)), accounts, users)
    _store_asks(care.asks(found, seed=seed, horizon=horizon, today=today), accounts, users)
    Discount.objects.bulk_create(
        Discount(
            account=accounts[rebate.account_code],
            granted_on=rebate.granted_on,
            percent=Decimal(str(rebate.percent)),
            granted_by=users[rebate.username],
            approved_by=users.get(rebate.approver),
            reference=rebate.reference,
            reason=rebate.reason,
        )
        for rebate in care.rebates(found, seed=seed, horizon=horizon)
    )
    _store_attitudes(found, accounts, horizon)
    _store_notice(found, accounts, horizon)


def _store_talks(talks: Sequence[care.Talk], accounts: Mapping[str, Account], users: Mapping[str, User]) -> None:
    stored = Interaction.objects.bulk_create(
        [
            Interaction(
                account=accounts[talk.account_code],
                kind=talk.kind,
                purpose=talk.purpose,
                held_on=talk.held_on,
                minutes=talk.minutes,
                is_remote=talk.is_remote,
                summary=talk.summary,
                next_step=talk.next_step,
                next_step_on=talk.next_step_on,
                next_step_done_on=talk.next_step_done_on,
                logged_by=users[talk.usernames[0]],
            )
            for talk in talks
        ],
        MOST_IN_STATEMENT,
    )
    _store_who_was_there(list(zip(stored, talks, strict=True)), users)


def _store_who_was_there(pairs: Sequence[tuple[Interaction, care.Talk]], users: Mapping[str, User]) -> None:
    """Our people and theirs, each once a talk."""
    people: dict[int, list[int]] = defaultdict(list)
    for account_id, pk in Contact.objects.order_by("pk").values_list("account_id", "pk"):
        people[account_id].append(pk)
    ours, theirs = Interaction.our_people.through, Interaction.their_people.through
    ours.objects.bulk_create(
        (
            ours(interaction_id=row.pk, user_id=users[name].pk)
            for row, talk in pairs
            for name in dict.fromkeys(talk.usernames)
        ),
        MOST_IN_STATEMENT,
    )
    theirs.objects.bulk_create(
        (
            theirs(interaction_id=row.pk, contact_id=pk)
            for row, talk in pairs
            if (known := people[row.account_id])
            for pk in dict.fromkeys(known[place % len(known)] for place in talk.contacts)
        ),
        MOST_IN_STATEMENT,
    )


def _store_asks(asks: Sequence[care.Ask], accounts: Mapping[str, Account], users: Mapping[str, User]) -> None:
    stored = ServiceRequest.objects.bulk_create(
        [
            ServiceRequest(
                account=accounts[ask.account_code],
                kind=ask.kind,
                severity=ask.severity,
                subject=ask.subject,
                opened_at=_after(ask, 0),
                first_response_at=_after(ask, ask.answered_after),
                escalated_at=_after(ask, ask.escalated_after),
                resolved_at=_after(ask, ask.resolved_after),
                resolution=ask.resolution,
                opened_by=users[ask.usernames[0]],
                assigned_to=users[ask.usernames[1]],
            )
            for ask in asks
        ],
        MOST_IN_STATEMENT,
    )
    RequestStep.objects.bulk_create(
        (
            RequestStep(request=row, kind=kind, at=at, by=row.assigned_to, text=text)
            for row in stored
            for kind, at, text in (
                (RequestStepKind.RESPONSE, row.first_response_at, ""),
                (RequestStepKind.ESCALATION, row.escalated_at, care_words.ESCALATION),
                (RequestStepKind.RESOLUTION, row.resolved_at, row.resolution),
            )
            if at is not None
        ),
        MOST_IN_STATEMENT,
    )


def _after(ask: care.Ask, hours: float | None) -> datetime | None:
    if hours is None:
        return None
    return timezone.make_aware(ask.opened_at + timedelta(minutes=round(hours * 60)))


def _store_attitudes(found: Sequence[Company], accounts: Mapping[str, Account], horizon: Horizon) -> None:
    """Of whom we talk to first, at key accounts and at those that break away."""
    known = {
        accounts[c.code].pk: care.attitude_of(c) for c in found if c.profile in {*KEY_PROFILES, Profile.COLLAPSING}
    }
    changed = list(Contact.objects.filter(is_primary=True, account__in=known))
    for contact in changed:
        contact.is_decision_maker, contact.attitude = True, known[contact.account_id]
        contact.attitude_since = horizon.month(-min(4, horizon.months))
    Contact.objects.bulk_update(changed, ["is_decision_maker", "attitude", "attitude_since"], MOST_IN_STATEMENT)


def _store_notice(found: Sequence[Company], accounts: Mapping[str, Account], horizon: Horizon) -> None:
    """One account of thin margins will not renew its framework."""
    for company in [company for company in found if company.profile == Profile.VOLUME][:1]:
        running = Contract.objects.filter(account=accounts[company.code], ends_on__gt=horizon.last_day).order_by(
            "ends_on"
        )
        Contract.objects.filter(pk__in=running.values("pk")[:1]).update(
            non_renewal_notice_on=horizon.last_day - timedelta(days=NOTICE_DAYS)
        )
