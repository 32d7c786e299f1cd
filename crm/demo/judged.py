"""What the demo company's people say of its customers: need and market potential, and what becomes of small ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from accounts.enums import AccountNeed, MarketPotential
from crm.demo.companies import Company
from crm.demo.horizon import Horizon, dice
from crm.demo.profiles import WITHOUT_REVENUE, Profile
from tiering.enums import BandVerdict

TOLD_SHARE = 0.85  # of the customers, by those who look after them
NEEDS = (AccountNeed.FUNCTION.value, AccountNeed.PRICE.value, AccountNeed.SERVICE.value)
NEED_SHARES = (0.4, 0.35, 0.25)
PRICE_SHARES = (0.15, 0.7, 0.15)  # of those who buy much at thin margins
POTENTIALS = (MarketPotential.HIGH.value, MarketPotential.MID.value, MarketPotential.LOW.value)
POTENTIAL_SHARES = (0.2, 0.5, 0.3)
PROMISING_SHARES = (0.65, 0.3, 0.05)
PROMISING = frozenset({Profile.RISING, Profile.GROWING, Profile.LIGHTHOUSE, Profile.PILLAR})
THIN = frozenset({Profile.VOLUME, Profile.LOSS_MAKER, Profile.COLLAPSING})
MOST_DECISIONS = 24
# What people decide of customers of these kinds, and why.
VERDICTS = {
    Profile.LOSS_MAKER: (BandVerdict.END, "Costs more than it pays after two price talks; hand it to a distributor."),
    Profile.DECLINING: (BandVerdict.IMPROVE, "Two visits and an offer for the service contract this half-year."),
    Profile.STEADY: (BandVerdict.KEEP, "Small, pays on time, asks for little: by e-mail and web shop."),
}
REVIEW_DAYS = (30, 240)  # after the decision, from and to


@dataclass(frozen=True, slots=True)
class Verdict:
    account_code: str
    verdict: str
    text: str
    username: str
    decided_on: date
    review_on: date


def with_axes(found: Sequence[Company], *, seed: int) -> list[Company]:
    """The companies with what their people said of need and potential; some never say."""
    rng, told = dice(seed, "axes"), []
    for company in found:
        draw = rng.random()
        needs = PRICE_SHARES if company.profile in THIN else NEED_SHARES
        potentials = PROMISING_SHARES if company.profile in PROMISING else POTENTIAL_SHARES
        need, potential = str(rng.choice(NEEDS, p=needs)), str(rng.choice(POTENTIALS, p=potentials))
        told.append(replace(company, need=need, potential=potential) if draw < TOLD_SHARE else company)
    return told


def verdicts(found: Sequence[Company], *, seed: int, horizon: Horizon) -> list[Verdict]:
    """Decisions of the last three quarters on small customers, some of them due to be looked at again."""
    rng, made = dice(seed, "verdicts"), []
    small = [one for one in found if one.profile in VERDICTS and one.owner and one.profile not in WITHOUT_REVENUE]
    for company in sorted(small, key=lambda one: (one.level, one.code))[:MOST_DECISIONS]:
        verdict, text = VERDICTS[company.profile]
        decided = horizon.last_day - timedelta(days=int(rng.integers(20, 200)))
        review = decided + timedelta(days=int(rng.integers(*REVIEW_DAYS)))
        made.append(Verdict(company.code, verdict, text, company.owner, decided, review))
    return made
