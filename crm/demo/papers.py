"""Contracts, ratings and wallet estimates of the demo company."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from accounts.enums import STRATEGIC_INDICATORS, ContractStatus, EvaluatorFunction, RatingIndicator, TeamRole
from crm.demo.companies import Company
from crm.demo.horizon import MONTHS_A_YEAR, Horizon, dice
from crm.demo.profiles import WITHOUT_REVENUE, Profile
from crm.demo.staff import STAFF, holders_of
from crm.lib.periods import add_months

RATING_MONTHS, SATISFACTION_MONTHS, WALLET_MONTHS = 12, 6, 12  # domain.md 3.4, 1.8


@dataclass(frozen=True, slots=True)
class Paper:
    """A contract."""

    account_code: str
    number: str
    title: str
    amount: int
    currency: str
    signed_on: date | None
    starts_on: date
    ends_on: date
    status: ContractStatus
    cancelled_on: date | None = None
    stages: tuple["Stage", ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """A milestone of a contract."""

    title: str
    amount: int
    planned_on: date
    accepted_on: date | None


@dataclass(frozen=True, slots=True)
class Opinion:
    """A rating from 1 to 5."""

    account_code: str
    indicator: RatingIndicator
    score: int
    username: str
    function: EvaluatorFunction
    rated_on: date
    expires_on: date
    evidence: str


@dataclass(frozen=True, slots=True)
class Wallet:
    account_code: str
    amount: int
    currency: str
    source: str
    username: str
    estimated_on: date
    expires_on: date


def contracts(found: Sequence[Company], *, seed: int, horizon: Horizon) -> Iterator[Paper]:
    """Maintenance contracts, yearly frameworks of the large customers, projects, drafts and one or two cancelled."""
    rng = dice(seed, "contracts")
    for company in found:
        if company.maintenance_number:
            yield _maintenance(rng, company, horizon)
        if company.profile in (Profile.PILLAR, Profile.CORE, Profile.VOLUME):
            yield from _frameworks(rng, company, horizon)
        elif company.profile not in WITHOUT_REVENUE and rng.random() < 0.12:
            yield _project(rng, company, horizon)


def _amount(value: float) -> int:
    return max(1000, int(round(value, -3)))


def _maintenance(rng: np.random.Generator, company: Company, horizon: Horizon) -> Paper:
    starts_on = horizon.start
    return Paper(
        account_code=company.code,
        number=company.maintenance_number,
        title="Maintenance and spare parts service",
        amount=_amount(company.own_level * 0.15),
        currency=company.currency,
        signed_on=starts_on - timedelta(days=int(rng.integers(5, 60))),
        starts_on=starts_on,
        ends_on=add_months(horizon.end, int(rng.integers(2, 18))) - timedelta(days=1),
        status=ContractStatus.ACTIVE,
    )


def _frameworks(rng: np.random.Generator, company: Company, horizon: Horizon) -> Iterator[Paper]:
    """One framework a calendar year; the next year's is still a draft."""
    last = horizon.last_day.year
    for year in range(horizon.start.year, last + 2):
        is_draft = year > last
        yield Paper(
            account_code=company.code,
            number=f"FA-{year}-{company.code[1:]}",
            title=f"Framework agreement {year}",
            amount=_amount(company.own_level * (1 + company.growth) ** (year - last) * float(rng.uniform(0.8, 1.0))),
            currency=company.currency,
            signed_on=None if is_draft else date(year - 1, 12, int(rng.integers(1, 29))),
            starts_on=date(year, 1, 1),
            ends_on=date(year, 12, 31),
            status=ContractStatus.DRAFT if is_draft else _lived(date(year, 12, 31), horizon),
        )


def _lived(ends_on: date, horizon: Horizon) -> ContractStatus:
    return ContractStatus.ACTIVE if ends_on > horizon.last_day else ContractStatus.COMPLETED


def _project(rng: np.random.Generator, company: Company, horizon: Horizon) -> Paper:
    starts_on = horizon.month(int(rng.integers(0, horizon.months)))
    ends_on = add_months(starts_on, int(rng.integers(4, 14))) - timedelta(days=1)
    is_cancelled = rng.random() < 0.06
    cancelled_on = starts_on + (ends_on - starts_on) / 2 if is_cancelled else None
    paper = Paper(
        account_code=company.code,
        number=f"PR-{starts_on.year}-{company.code[1:]}",
        title=str(rng.choice(["Line retrofit", "New packing line", "Plant expansion", "Safety upgrade"])),
        amount=_amount(company.own_level * float(rng.uniform(0.2, 0.6))),
        currency=company.currency,
        signed_on=starts_on - timedelta(days=int(rng.integers(5, 60))),
        starts_on=starts_on,
        ends_on=ends_on,
        status=ContractStatus.CANCELLED if is_cancelled else _lived(ends_on, horizon),
        cancelled_on=cancelled_on,
    )
    return replace(paper, stages=tuple(_stages(paper, horizon)))


# What a project is paid for, as shares of its amount and of its term; a rest is kept as a warranty without a date.
STAGES = (("Design approved", 0.2, 0.25), ("Delivered to site", 0.45, 0.6), ("Final acceptance", 0.3, 1.0))
LATE_DAYS = (0, 3, 12, 30)  # accepted so long after the plan, in turn


def _stages(paper: Paper, horizon: Horizon) -> Iterator[Stage]:
    """Accepted some days after the plan, unless the data end before, or the project does."""
    days = (paper.ends_on - paper.starts_on).days
    for turn, (title, share, elapsed) in enumerate(STAGES):
        planned_on = paper.starts_on + timedelta(days=round(days * elapsed))
        accepted_on = planned_on + timedelta(days=LATE_DAYS[(paper.amount // 1000 + turn) % len(LATE_DAYS)])
        last_day = min(horizon.last_day, paper.cancelled_on or date.max)
        yield Stage(title, int(paper.amount * share), planned_on, accepted_on if accepted_on <= last_day else None)


# profile: (lowest, highest) usual rating of strategic value, then of the industry's outlook
STRATEGIC_RATINGS: dict[Profile, tuple[float, float]] = {
    Profile.PILLAR: (3.7, 4.8),
    Profile.CORE: (3.3, 4.2),
    Profile.VOLUME: (1.6, 2.4),
    Profile.LIGHTHOUSE: (4.2, 4.9),
    Profile.RISING: (2.4, 3.4),
}
OUTLOOK: dict[Profile, tuple[float, float]] = {Profile.RISING: (3.7, 4.8)}
COMMON_RATINGS = (1.6, 3.4)
SOON_EVERY, SOON_DAYS = (
    4,
    12,
)  # key accounts with a rating that runs out so many days after the books, or up to twice as many
DISAGREEMENT = (
    (5, "Everybody in the industry knows their plants; they are on each podium."),
    (2, "Known for volume and price. On site nobody asks them how to do it."),
)
COMMON_RATED_SHARE = 0.45  # of the other accounts were rated at all
EVIDENCE = {
    RatingIndicator.V1: "Named by peers at the industry fair as their benchmark.",
    RatingIndicator.V2: "Opens a market we entered this year.",
    RatingIndicator.V3: "Runs our pilot line and reports back every month.",
    RatingIndicator.P3: "Order books of the industry, published quarterly.",
    RatingIndicator.L5: "Yearly satisfaction interview.",
}


def ratings(found: Sequence[Company], *, seed: int, horizon: Horizon) -> Iterator[Opinion]:
    """Two evaluators of two functions at key accounts; one, or nobody, elsewhere."""
    rng = dice(seed, "ratings")
    solvers, deliverers = holders_of(TeamRole.SOLUTION_MANAGER), holders_of(TeamRole.DELIVERY_MANAGER)
    sellers = {person.username: person for person in STAFF}
    key_turn = 0
    for company in found:
        if company.profile in WITHOUT_REVENUE or company.profile == Profile.UNKNOWN:
            continue
        is_key = company.profile in STRATEGIC_RATINGS
        if not is_key and rng.random() > COMMON_RATED_SHARE:
            continue
        second = [*solvers, *deliverers][int(rng.integers(len(solvers) + len(deliverers)))]
        judges = [sellers[company.owner or "manager"], second] if is_key or rng.random() < 0.4 else [second]
        said = [_judgements(rng, company, judge.username, judge.function, horizon) for judge in judges]
        yield from _to_talk_about(said, company, key_turn, horizon)
        key_turn += is_key


def _judgements(
    rng: np.random.Generator, company: Company, username: str, function: EvaluatorFunction, horizon: Horizon
) -> Iterator[Opinion]:
    strategic = STRATEGIC_RATINGS.get(company.profile, COMMON_RATINGS)
    outlook = OUTLOOK.get(company.profile, (2.2, 4.0))
    satisfied = (1.6, 2.6) if company.profile in (Profile.COLLAPSING, Profile.LOSS_MAKER) else (3.0, 4.8)
    usual = dict.fromkeys(STRATEGIC_INDICATORS, strategic)
    usual |= {RatingIndicator.P3: outlook, RatingIndicator.L5: satisfied}
    for indicator, (low, high) in usual.items():
        is_satisfaction = indicator == RatingIndicator.L5
        lasts = SATISFACTION_MONTHS if is_satisfaction else RATING_MONTHS
        rated_on = horizon.last_day - timedelta(days=int(rng.integers(5, 90 if is_satisfaction else 270)))
        yield Opinion(
            account_code=company.code,
            indicator=indicator,
            score=int(np.clip(round(float(rng.uniform(low, high))), 1, 5)),
            username=username,
            function=function,
            rated_on=rated_on,
            expires_on=add_months(rated_on, lasts),
            evidence=EVIDENCE[indicator] if rng.random() < 0.5 else "",
        )


def _to_talk_about(
    said: Sequence[Iterator[Opinion]], company: Company, turn: int, horizon: Horizon
) -> Iterator[Opinion]:
    """The judgements as drawn, but some of key accounts run out soon, and on some volume accounts people disagree."""
    for place, opinions in enumerate(said):
        for opinion in opinions:
            if company.profile == Profile.VOLUME and opinion.indicator == RatingIndicator.V1 and len(said) > 1:
                score, words = DISAGREEMENT[place % len(DISAGREEMENT)]
                yield replace(opinion, score=score, evidence=words)
            elif (
                turn % SOON_EVERY == 0
                and company.profile in STRATEGIC_RATINGS
                and opinion.indicator == RatingIndicator.V2
            ):
                rated_on = add_months(horizon.last_day + timedelta(days=SOON_DAYS + turn % SOON_DAYS), -RATING_MONTHS)
                yield replace(opinion, rated_on=rated_on, expires_on=add_months(rated_on, RATING_MONTHS))
            else:
                yield opinion


# profile: (lowest, highest) yearly spend in our category, as a multiple of what it buys from us
WALLETS: dict[Profile, tuple[float, float]] = {
    Profile.PILLAR: (1.5, 2.4),
    Profile.CORE: (1.6, 3.0),
    Profile.LIGHTHOUSE: (2.0, 5.0),
    Profile.RISING: (6.0, 14.0),
}
COMMON_WALLET = (1.2, 2.2)
WALLET_SOURCES = (
    "Account plan workshop",
    "Customer's purchasing report",
    "Industry statistics",
    "Estimate of the seller",
)


def wallets(found: Sequence[Company], *, seed: int, horizon: Horizon, bought: Mapping[str, float]) -> Iterator[Wallet]:
    """What each company spends a year; ``bought`` is its revenue of the last 12 months in its own currency."""
    rng = dice(seed, "wallets")
    for company in found:
        multiple = float(rng.uniform(*WALLETS.get(company.profile, COMMON_WALLET)))
        age = int(rng.integers(5, 300))
        source = str(rng.choice(WALLET_SOURCES))
        if company.profile in WITHOUT_REVENUE or company.profile == Profile.UNKNOWN:
            continue
        a_month = company.own_level / MONTHS_A_YEAR
        amount = _amount(max(bought.get(company.code, 0.0), a_month) * multiple)
        estimated_on = horizon.last_day - timedelta(days=age)
        yield Wallet(
            account_code=company.code,
            amount=amount,
            currency=company.currency,
            source=source,
            username=company.owner or "manager",
            estimated_on=estimated_on,
            expires_on=add_months(estimated_on, WALLET_MONTHS),
        )
