"""What the demo company does for its customers: visits and calls, requests and how fast they are solved, sponsors,
discounts, and how people at the customers stand to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np

from accounts.enums import Attitude
from crm.demo import care_words as words
from crm.demo.companies import Company
from crm.demo.horizon import Horizon, dice
from crm.demo.profiles import WITHOUT_REVENUE, Profile
from crm.demo.staff import STAFF
from crm.lib.periods import add_months
from service.enums import InteractionKind, InteractionPurpose, RequestKind, Severity, SponsorKind

LOGGED_MONTHS = 15  # since when the log is kept
MANAGER, DIRECTOR, PARTNER, SECOND_PARTNER = "manager", "director", "helena.brandt", "zhang.lei"
MOST_SPONSORED = 10  # domain.md 4
# profile: visits a quarter that are aimed at, and other contacts a quarter
RHYTHM: dict[Profile, tuple[float, float]] = {
    Profile.PILLAR: (6.0, 5.0),
    Profile.CORE: (3.1, 3.0),
    Profile.VOLUME: (2.0, 2.0),
    Profile.LIGHTHOUSE: (2.8, 2.5),
    Profile.RISING: (1.9, 2.0),
    Profile.LOST: (0.1, 0.2),
    Profile.COLLAPSING: (0.3, 0.6),
}
COMMON_RHYTHM = (0.25, 0.7)
STEP_SHARE, DONE_SHARE = 0.35, 0.85  # of the interactions with a next step; of the steps that are due
# profile: requests a year; the others ask now and then
ASKING: dict[Profile, float] = {
    Profile.PILLAR: 9.0,
    Profile.CORE: 5.0,
    Profile.VOLUME: 4.0,
    Profile.LIGHTHOUSE: 4.0,
    Profile.RISING: 2.0,
    Profile.COLLAPSING: 3.0,
}
COMMON_ASKING = 0.35
USUAL_HOURS = {
    Severity.SEVERE: (1.2, 12.0),
    Severity.HIGH: (3.0, 30.0),
    Severity.NORMAL: (7.0, 80.0),
    Severity.LOW: (20.0, 200.0),
}
LEFT_OPEN_DAYS, LEFT_OPEN_SHARE, FORGOTTEN_SHARE = 90, 0.3, 0.01  # of the newer requests, of the older ones
DISCOUNTED_SHARE = 0.5  # of the accounts whose seller grants discounts at all


@dataclass(frozen=True, slots=True)
class Talk:
    """An interaction. ``contacts`` are places among the contacts of the account, modulo their number."""

    account_code: str
    kind: InteractionKind
    purpose: InteractionPurpose
    held_on: date
    minutes: int | None
    is_remote: bool
    summary: str
    usernames: tuple[str, ...]  # the first wrote it down
    contacts: tuple[int, ...] = ()
    next_step: str = ""
    next_step_on: date | None = None
    next_step_done_on: date | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A request; hours after it came in, None: not so far. ``opened_at`` is local time."""

    account_code: str
    kind: RequestKind
    severity: Severity
    subject: str
    opened_at: datetime
    usernames: tuple[str, str]  # who opened it, who is responsible
    answered_after: float | None = None
    escalated_after: float | None = None
    resolved_after: float | None = None
    resolution: str = ""


@dataclass(frozen=True, slots=True)
class Stand:
    """A sponsor."""

    account_code: str
    username: str
    kind: SponsorKind
    valid_from: date
    is_exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Rebate:
    """A discount off the list price."""

    account_code: str
    granted_on: date
    percent: float
    username: str
    approver: str
    reference: str
    reason: str


def sponsors(found: Sequence[Company], *, horizon: Horizon) -> list[Stand]:
    """Executives for the largest accounts and then the next ones, ten each; one partner for one account alone."""
    since = horizon.month(-min(24, horizon.months))
    large = [company for company in found if company.profile == Profile.PILLAR]
    next_ones = [company for company in found if company.profile == Profile.CORE]
    both = [*large, *next_ones]
    stands = [
        Stand(company.code, username, SponsorKind.EXECUTIVE, add_months(since, place % 6))
        for username, mine in ((DIRECTOR, both[:MOST_SPONSORED]), (MANAGER, both[MOST_SPONSORED : 2 * MOST_SPONSORED]))
        for place, company in enumerate(mine)
    ]
    stands += [
        Stand(company.code, PARTNER, SponsorKind.SENIOR_PARTNER, since, is_exclusive=True) for company in large[:1]
    ]
    shared = both[1 : MOST_SPONSORED - 1]
    return stands + [Stand(company.code, SECOND_PARTNER, SponsorKind.SENIOR_PARTNER, since) for company in shared]


def talks(
    found: Sequence[Company], stands: Sequence[Stand], *, seed: int, horizon: Horizon, today: date
) -> Iterator[Talk]:
    """The log until yesterday: routine contacts by the rhythm of each kind of account, and the meetings of its sponsors."""
    rng = dice(seed, "talks")
    first = add_months(horizon.end, -min(LOGGED_MONTHS, horizon.months))
    days = (today - first).days
    quarters = days / 91.3
    executives = {stand.account_code: stand.username for stand in stands if stand.kind == SponsorKind.EXECUTIVE}
    for company in found:
        if company.profile == Profile.HOLDING or company.closed_on:
            continue
        visits, others = RHYTHM.get(company.profile, COMMON_RHYTHM)
        for is_visit, rate in ((True, visits), (False, others)):
            for _turn in range(int(rng.poisson(rate * quarters))):
                held_on = first + timedelta(days=int(rng.integers(0, days)))
                yield _routine(rng, company, _workday(held_on), is_visit=is_visit, today=today)
        if company.code in executives:
            yield from _with_the_top(rng, company, executives[company.code], first, today)


def _workday(day: date) -> date:
    """A Saturday or Sunday becomes the Friday before."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def _routine(rng: np.random.Generator, company: Company, held_on: date, *, is_visit: bool, today: date) -> Talk:
    kinds = (InteractionKind.CALL, InteractionKind.EMAIL, InteractionKind.MEETING, InteractionKind.NOTE)
    kind = InteractionKind.VISIT if is_visit else kinds[int(rng.choice(4, p=(0.5, 0.25, 0.2, 0.05)))]
    texts = words.SUMMARIES[kind]
    is_care = kind != InteractionKind.NOTE and rng.random() < 0.05
    step, due_on, done_on = _next_step(rng, held_on, today)
    is_alone = rng.random() < 0.75
    return Talk(
        account_code=company.code,
        kind=kind,
        purpose=InteractionPurpose.CARE if is_care else InteractionPurpose.ROUTINE,
        held_on=held_on,
        minutes=words.MINUTES[kind][int(rng.integers(3))] if kind in words.MINUTES else None,
        is_remote=kind == InteractionKind.CALL or (kind == InteractionKind.MEETING and rng.random() < 0.6),
        summary=words.CARE if is_care else texts[int(rng.integers(len(texts)))],
        usernames=(company.owner or MANAGER,) if is_alone else (company.owner or MANAGER, _colleague(rng)),
        contacts=() if kind == InteractionKind.NOTE else tuple(rng.integers(0, 4, size=1 if is_alone else 2).tolist()),
        next_step=step,
        next_step_on=due_on,
        next_step_done_on=done_on,
    )


def _colleague(rng: np.random.Generator) -> str:
    helpers = [person.username for person in STAFF if person.role is not None]
    return helpers[int(rng.integers(len(helpers)))]


def _next_step(rng: np.random.Generator, held_on: date, today: date) -> tuple[str, date | None, date | None]:
    """Words, the day it is due and the day it was done; most steps that were due are done."""
    if rng.random() > STEP_SHARE:
        return "", None, None
    words_of_it = words.NEXT_STEPS[int(rng.integers(len(words.NEXT_STEPS)))]
    due_on = held_on + timedelta(days=int(rng.integers(3, 21)))
    is_old = (today - due_on).days > 45  # nobody leaves a step undone for ever
    is_done = due_on < today and (is_old or rng.random() < DONE_SHARE)
    return words_of_it, due_on, min(due_on + timedelta(days=int(rng.integers(-2, 5))), today) if is_done else None


def _with_the_top(
    rng: np.random.Generator, company: Company, executive: str, first: date, today: date
) -> Iterator[Talk]:
    """Meetings of the sponsor, alignment and joint reviews, more often with the largest accounts."""
    is_large = company.profile == Profile.PILLAR
    held = {
        InteractionPurpose.SPONSOR: 90 if is_large else 180,
        InteractionPurpose.ALIGNMENT: 180 if is_large else 360,
        InteractionPurpose.JOINT_REVIEW: 91 if is_large else 182,
    }
    for purpose, every in held.items():
        day = first + timedelta(days=int(rng.integers(5, every)))
        while day < today:
            if rng.random() < 0.85:  # now and then one falls out
                owner = company.owner or MANAGER
                yield Talk(
                    account_code=company.code,
                    kind=InteractionKind.MEETING,
                    purpose=purpose,
                    held_on=_workday(day),
                    minutes=90,
                    is_remote=rng.random() < 0.2,
                    summary=words.WITH_THE_TOP[purpose],
                    usernames=(owner, executive) if executive != owner else (owner,),
                    contacts=(0, 1),
                )
            day += timedelta(days=every + int(rng.integers(-12, 13)))


def asks(found: Sequence[Company], *, seed: int, horizon: Horizon, today: date) -> list[Ask]:
    """Requests until yesterday, most of them solved; some late, and two severe ones of one account open for weeks."""
    rng = dice(seed, "asks")
    first = add_months(horizon.end, -min(LOGGED_MONTHS, horizon.months))
    days = (today - first).days
    drawn = [
        _ask(rng, company, first + timedelta(days=int(rng.integers(0, days))), today)
        for company in found
        if company.profile not in WITHOUT_REVENUE and not company.closed_on
        for _turn in range(int(rng.poisson(ASKING.get(company.profile, COMMON_ASKING) * days / 365)))
    ]
    troubled = [company for company in found if company.profile == Profile.COLLAPSING][:1]
    pending = [
        _left_open(company, subject, kind, horizon.last_day - timedelta(days=age))
        for company in troubled
        for subject, kind, age in words.GRIEVANCES
    ]
    return sorted([*drawn, *pending], key=lambda ask: (ask.opened_at, ask.account_code))


def _ask(rng: np.random.Generator, company: Company, day: date, today: date) -> Ask:
    kind = tuple(RequestKind)[int(rng.choice(len(RequestKind), p=(0.25, 0.18, 0.07, 0.3, 0.12, 0.08)))]
    severity = Severity(int(rng.choice(4, p=(0.08, 0.22, 0.5, 0.2))) + 1)
    subjects = words.SUBJECTS[kind]
    opened_at = datetime.combine(_workday(day), time(9 + int(rng.integers(0, 8)), int(rng.integers(0, 60))))
    age = (datetime.combine(today, time()) - opened_at) / timedelta(hours=1)
    answer, solution = USUAL_HOURS[severity]
    slow = 3.0 if rng.random() < 0.15 else 1.0
    answered = float(rng.gamma(2.0, answer / 2)) * slow
    resolved = answered + float(rng.gamma(2.0, solution / 2)) * slow
    is_escalated = severity <= Severity.HIGH and resolved > solution * 1.6
    is_left = rng.random() < (LEFT_OPEN_SHARE if (today - day).days < LEFT_OPEN_DAYS else FORGOTTEN_SHARE)
    solved = resolved if resolved < age and not is_left else None
    deliverers = [person.username for person in STAFF if person.username in words.SOLVERS]
    return Ask(
        account_code=company.code,
        kind=kind,
        severity=severity,
        subject=subjects[int(rng.integers(len(subjects)))],
        opened_at=opened_at,
        usernames=(company.owner or MANAGER, deliverers[int(rng.integers(len(deliverers)))]),
        answered_after=answered if answered < age and (not is_left or rng.random() < 0.7) else None,
        escalated_after=answered + solution / 2 if is_escalated and answered + solution / 2 < age else None,
        resolved_after=solved,
        resolution=words.RESOLUTIONS[kind] if solved is not None else "",
    )


def _left_open(company: Company, subject: str, kind: RequestKind, day: date) -> Ask:
    """A severe complaint that was answered and escalated, and is open."""
    opened_at = datetime.combine(_workday(day), time(10))
    people = (company.owner or MANAGER, MANAGER)
    return Ask(
        company.code, kind, Severity.SEVERE, subject, opened_at, people, answered_after=3.5, escalated_after=30.0
    )


def rebates(found: Sequence[Company], *, seed: int, horizon: Horizon) -> Iterator[Rebate]:
    """A few discounts of the last year; most beyond a seller's usual authority are approved by the sales manager."""
    rng = dice(seed, "rebates")
    for company in found:
        if company.profile not in RHYTHM or company.profile == Profile.LOST or rng.random() > DISCOUNTED_SHARE:
            continue
        percent = float(round(float(rng.gamma(4.0, 1.7)) * 2) / 2)
        granted_on = _workday(horizon.last_day - timedelta(days=int(rng.integers(2, 330))))
        owner = company.owner or MANAGER
        approver = MANAGER if percent > 8 and owner != MANAGER and rng.random() < 0.75 else ""
        reference = f"Q-{granted_on:%y%m}-{company.code[1:]}"
        reason = words.REASONS[int(rng.integers(len(words.REASONS)))]
        yield Rebate(company.code, granted_on, min(max(percent, 1.0), 20.0), owner, approver, reference, reason)


def attitude_of(company: Company) -> Attitude:
    """How the first contact, who decides, stands to us."""
    if company.profile == Profile.COLLAPSING:
        return Attitude.SCEPTICAL
    if company.profile in {Profile.PILLAR, Profile.LIGHTHOUSE}:
        return Attitude.CHAMPION
    return Attitude.SUPPORTS if company.profile in {Profile.CORE, Profile.RISING} else Attitude.NEUTRAL
