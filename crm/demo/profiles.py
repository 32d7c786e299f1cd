"""What kinds of customers the demo company has: how many, how big, and how their business develops."""

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    PILLAR = "pillar"  # large in every year: Diamond
    CORE = "core"  # Gold
    VOLUME = "volume"  # as large as a core account, at thin margins: money alone does not lift it
    LIGHTHOUSE = "lighthouse"  # small revenue, great influence: Strategic
    RISING = "rising"  # growing fast with a large wallet: Potential
    STEADY = "steady"
    GROWING = "growing"
    DECLINING = "declining"
    COLLAPSING = "collapsing"  # halved, at thin margins: watched
    LOST = "lost"
    WON_BACK = "won_back"
    NEWCOMER = "newcomer"
    LOSS_MAKER = "loss_maker"  # costs more than it pays: Problem
    UNKNOWN = "unknown"  # nobody has rated it or estimated its wallet: insufficient evidence
    PROSPECT = "prospect"  # never bought
    HOLDING = "holding"  # head of a group, buys nothing itself


@dataclass(frozen=True, slots=True)
class Traits:
    """share of all accounts; level = (lowest, highest) yearly revenue in millions of the base currency at the end of
    the books (for a lost account: before it left); growth = (lowest, highest) a year as a fraction; orders = (lowest,
    highest) orders a month; margin = points added to the margin of what it buys."""

    share: float
    level: tuple[float, float]
    growth: tuple[float, float]
    orders: tuple[float, float]
    margin: float = 0.0


TRAITS: dict[Profile, Traits] = {
    Profile.PILLAR: Traits(0.0175, (21.0, 44.0), (0.02, 0.14), (9.0, 16.0)),
    Profile.CORE: Traits(0.04, (5.2, 11.5), (0.0, 0.16), (4.0, 8.0)),
    Profile.VOLUME: Traits(0.01, (5.0, 7.5), (-0.08, 0.02), (4.0, 7.0), -0.17),
    Profile.LIGHTHOUSE: Traits(0.0225, (0.4, 2.6), (0.0, 0.2), (1.2, 3.0)),
    Profile.RISING: Traits(0.045, (0.8, 3.2), (0.7, 1.4), (1.8, 4.0)),
    Profile.STEADY: Traits(0.40, (0.12, 2.4), (-0.08, 0.12), (0.7, 3.0)),
    Profile.GROWING: Traits(0.11, (0.2, 2.2), (0.12, 0.3), (0.8, 3.0)),
    Profile.DECLINING: Traits(0.09, (0.15, 1.8), (-0.42, -0.22), (0.7, 2.5)),
    Profile.COLLAPSING: Traits(0.0125, (0.3, 1.0), (-0.62, -0.56), (0.8, 2.0), -0.26),
    Profile.LOST: Traits(0.07, (0.1, 1.4), (-0.1, 0.05), (0.6, 2.0)),
    Profile.WON_BACK: Traits(0.035, (0.2, 1.5), (-0.05, 0.1), (0.8, 2.2)),
    Profile.NEWCOMER: Traits(0.075, (0.1, 1.6), (0.0, 0.3), (0.8, 2.5)),
    Profile.LOSS_MAKER: Traits(0.005, (0.5, 1.2), (-0.05, 0.05), (2.0, 3.0), -0.8),
    Profile.UNKNOWN: Traits(0.02, (0.06, 0.4), (-0.1, 0.1), (0.5, 1.2)),
    Profile.PROSPECT: Traits(0.025, (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)),
    Profile.HOLDING: Traits(0.0125, (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)),
}
KEY_PROFILES = frozenset({Profile.PILLAR, Profile.CORE, Profile.VOLUME, Profile.LIGHTHOUSE, Profile.RISING})
WITHOUT_REVENUE = frozenset({Profile.PROSPECT, Profile.HOLDING})


def quotas(count: int) -> dict[Profile, int]:
    """Accounts of each profile, at least one of each; the steady ones take the rest. ``count`` is 20 or more."""
    given = {profile: max(1, round(traits.share * count)) for profile, traits in TRAITS.items()}
    given[Profile.STEADY] = max(1, count - sum(given.values()) + given[Profile.STEADY])
    while sum(given.values()) > count:
        largest = max(given, key=lambda profile: given[profile])
        given[largest] -= 1
    return given
