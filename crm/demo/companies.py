"""The customers of the demo company: names, groups, places, and what kind of customer each is."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from accounts.enums import AccountSize, AccountStatus
from crm.demo import vocabulary as words
from crm.demo.horizon import Horizon, dice
from crm.demo.profiles import KEY_PROFILES, TRAITS, WITHOUT_REVENUE, Profile, quotas
from crm.demo.rates import usual_rate
from crm.demo.staff import sellers_of

GROUP_SHARE = 0.15  # groups for each account
MOST_IN_GROUP = 6
MOST_IN_GROUPS = 0.6  # of the accounts, before groups get small
WORLD_SHARE, HARBOUR_SHARE = 0.18, 0.06
FOREIGN_CURRENCY_SHARE = 0.3  # of the accounts abroad
# Share of each kind with a maintenance contract, invoiced on the last day of every month.
MAINTENANCE_SHARE = {
    Profile.PILLAR: 1.0,
    Profile.CORE: 0.6,
    Profile.LIGHTHOUSE: 0.3,
    Profile.STEADY: 0.15,
    Profile.GROWING: 0.15,
}
DEALER_SEGMENT = "Distributor"
DEALERS_A_REGION = 3
DEALT_SHARE, ONLINE_SHARE = 0.3, 0.1  # of the small customers of a region
TROUBLED_SHARE = 0.006  # of the accounts for a credit stop, and as many for a law suit
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Company:
    """One customer as it will be stored, and how its business runs (level and growth as in profiles.Traits)."""

    code: str
    name: str
    latin_name: str
    short_name: str
    parent_code: str
    segment: str
    industry: str
    region: str
    country: str
    currency: str
    owner: str
    profile: Profile
    own_level: float = 0.0  # the level in its own currency
    level: float = 0.0
    growth: float = 0.0
    orders_a_month: float = 0.0
    opened_on: date | None = None
    closed_on: date | None = None
    status: AccountStatus = AccountStatus.ACTIVE
    size: AccountSize | str = ""
    before_data_start: bool = False
    credit_stop_on: date | None = None
    litigation_on: date | None = None
    insolvency_on: date | None = None
    first_month: int = 0
    silence: tuple[int, int] | None = None  # months [from, to) without orders
    maintenance_number: str = ""  # of its maintenance contract
    channel: str = ""
    dealer_code: str = ""  # through whom it buys
    need: str = ""
    potential: str = ""


def companies(*, seed: int, count: int, horizon: Horizon, base_currency: str) -> list[Company]:
    """``count`` companies, heads of groups before their members; the same seed gives the same companies."""
    rng = dice(seed, "companies")
    named = _named(rng, count)
    kinds = _kinds(rng, named)
    grown = [_grown(rng, company, kind, horizon, base_currency) for company, kind in zip(named, kinds, strict=True)]
    return _sold_through(_troubled(rng, grown, horizon), seed=seed)


def _named(rng: np.random.Generator, count: int) -> list[Company]:
    brands = _Brands(rng)
    group_sizes = [int(size) for size in rng.integers(2, MOST_IN_GROUP + 1, max(1, round(count * GROUP_SHARE)))]
    found: list[Company] = []
    for size in group_sizes:
        has_room = len(found) + size <= count * MOST_IN_GROUPS
        found += brands.group(size if has_room else 2, first_number=len(found))
    while len(found) < count:
        found += brands.group(1, first_number=len(found))
    return found[:count]


class _Brands:
    """Draws brands without repeating one, and names the companies of each."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.chinese = rng.permutation(len(words.BRAND_HEADS) * len(words.BRAND_TAILS))
        self.world = rng.permutation(len(words.WORLD_HEADS) * len(words.WORLD_TAILS))
        self.used_chinese = self.used_world = 0

    def group(self, size: int, *, first_number: int) -> list[Company]:
        """A head and its members, or one company that stands alone."""
        place = self.rng.random()
        industry = str(self.rng.choice(list(words.INDUSTRIES)))
        if place < WORLD_SHARE:
            members = self._world(size, industry)
        elif place < WORLD_SHARE + HARBOUR_SHARE:
            members = self._harbour(min(size, len(words.HARBOUR_CITIES)), industry)
        else:
            members = self._mainland(size, industry)
        codes = [f"A{1001 + first_number + position}" for position in range(len(members))]
        return [
            replace(member, code=code, parent_code="" if code == codes[0] else codes[0])
            for code, member in zip(codes, members, strict=True)
        ]

    def _chinese_brand(self) -> tuple[str, str, str]:
        """(simplified, traditional, Latin); a third character once all pairs are used up."""
        turn, place = divmod(self.used_chinese, len(self.chinese))
        self.used_chinese += 1
        head, tail = divmod(int(self.chinese[place]), len(words.BRAND_TAILS))
        parts = [words.BRAND_HEADS[head], words.BRAND_TAILS[tail]]
        if turn:
            parts.append(words.BRAND_TAILS[(turn - 1) % len(words.BRAND_TAILS)])
        simplified, traditional, latin = ("".join(part[form] for part in parts) for form in range(3))
        return simplified, traditional, latin.capitalize()

    def _world_brand(self) -> str:
        turn, place = divmod(self.used_world, len(self.world))
        self.used_world += 1
        head, tail = divmod(int(self.world[place]), len(words.WORLD_TAILS))
        brand = words.WORLD_HEADS[head] + words.WORLD_TAILS[tail]
        return f"{brand} {words.WORLD_HEADS[(turn - 1) % len(words.WORLD_HEADS)]}" if turn else brand

    def _mainland(self, size: int, industry: str) -> list[Company]:
        brand, _traditional, latin = self._chinese_brand()
        trade, _traditional_trade, english = words.INDUSTRIES[industry]
        places = [words.CITIES[int(i)] for i in self.rng.permutation(len(words.CITIES))[:size]]
        form = "股份有限公司" if self.rng.random() < 0.15 else "有限公司"
        members = [
            self._company(
                name=f"{city}{brand}{trade}{form}",
                latin_name=f"{latin} {english} ({city_latin}) Co., Ltd.",
                short_name=brand if size == 1 else f"{city}{brand}",
                industry=industry,
                region=region,
                country=words.HOME_COUNTRY,
            )
            for city, city_latin, region in places
        ]
        if size > 1:
            group = f"{brand}集团"
            members[0] = replace(
                members[0], name=f"{group}有限公司", latin_name=f"{latin} Group Co., Ltd.", short_name=group
            )
        return members

    def _harbour(self, size: int, industry: str) -> list[Company]:
        _simplified, brand, latin = self._chinese_brand()
        _trade, trade, english = words.INDUSTRIES[industry]
        members = [
            self._company(
                name=f"{brand}{trade}（{city}）有限公司",
                latin_name=f"{latin} {english} ({english_city}) Ltd.",
                short_name=brand if position == 0 else f"{city}{brand}",
                industry=industry,
                region=words.HARBOUR_REGION,
                country=words.HOME_COUNTRY,
            )
            for position, (city, english_city) in enumerate(words.HARBOUR_CITIES[:size])
        ]
        if size > 1:
            members[0] = replace(members[0], name=f"{brand}集團有限公司", latin_name=f"{latin} Group Ltd.")
        return members

    def _world(self, size: int, industry: str) -> list[Company]:
        brand = self._world_brand()
        _trade, _traditional, english = words.INDUSTRIES[industry]
        places = [words.COUNTRIES[int(i)] for i in self.rng.permutation(len(words.COUNTRIES))[:size]]
        return [
            self._company(
                name=f"{brand} Group {form}" if size > 1 and position == 0 else f"{brand} {english} {form}",
                latin_name="",
                short_name=brand if position == 0 else f"{brand} {country}",
                industry=industry,
                region=region,
                country=country,
                currency=currency,
            )
            for position, (country, region, form, currency) in enumerate(places)
        ]

    def _company(self, **given: str) -> Company:
        segment = str(self.rng.choice(words.SEGMENTS, p=words.SEGMENT_SHARES))
        empty = {"code": "", "parent_code": "", "currency": "", "owner": "", "profile": Profile.STEADY}
        return Company(**{**empty, "segment": segment, **given})  # type: ignore[arg-type]


def _kinds(rng: np.random.Generator, named: list[Company]) -> list[Profile]:
    """A profile for each company: holdings are heads of groups, prospects stand alone, the rest falls by the dice."""
    left = quotas(len(named))
    parents = {company.parent_code for company in named}
    heads = [position for position, company in enumerate(named) if company.code in parents]
    alone = [p for p, company in enumerate(named) if company.code not in parents and not company.parent_code]
    kinds: dict[int, Profile] = {}
    for profile, places in ((Profile.HOLDING, heads), (Profile.PROSPECT, alone), (Profile.PILLAR, heads)):
        free = [place for place in places if place not in kinds]
        chosen = rng.permutation(free)[: left[profile]] if free else []
        kinds |= {int(place): profile for place in chosen}
        left[profile] -= len(chosen)
    rest = [profile for profile, number in left.items() for _ in range(number)]
    free = [place for place in range(len(named)) if place not in kinds]
    kinds |= dict(zip(free, (rest[int(i)] for i in rng.permutation(len(rest))), strict=True))
    return [kinds[place] for place in range(len(named))]


def _grown(
    rng: np.random.Generator, company: Company, profile: Profile, horizon: Horizon, base_currency: str
) -> Company:
    """Size, pace, currency, owner and dates of one company."""
    traits = TRAITS[profile]
    low, high = traits.level
    level = float(np.exp(rng.uniform(np.log(low), np.log(high)))) * MILLION if high else 0.0
    first_month, silence = _interruptions(rng, profile, horizon.months)
    is_old = profile != Profile.NEWCOMER and rng.random() < 0.85
    opened_on = horizon.start - timedelta(days=int(rng.integers(60, 3900)))
    if not is_old and profile not in KEY_PROFILES:
        opened_on = horizon.month(min(first_month, horizon.months - 1)) + timedelta(days=int(rng.integers(0, 6)))
    sellers = sellers_of(company.region)
    abroad = company.country != words.HOME_COUNTRY
    foreign = abroad and company.currency != base_currency and rng.random() < FOREIGN_CURRENCY_SHARE
    is_closed = profile == Profile.LOST and silence is not None and horizon.months - silence[0] > 14
    is_orphan = profile not in KEY_PROFILES and rng.random() < 0.04
    currency = company.currency if foreign else base_currency
    return replace(
        company,
        profile=profile,
        level=level,
        own_level=level / usual_rate(currency, base_currency=base_currency),
        growth=float(rng.uniform(*traits.growth)),
        orders_a_month=float(rng.uniform(*traits.orders)),
        currency=currency,
        owner="" if is_orphan else sellers[int(rng.integers(len(sellers)))].username,
        opened_on=None if profile == Profile.PROSPECT else opened_on,
        closed_on=horizon.month(silence[0] + 8) if is_closed and silence else None,
        status=AccountStatus.CLOSED if is_closed else _status(profile),
        size=_size(level),
        before_data_start=opened_on < horizon.start and profile not in WITHOUT_REVENUE,
        first_month=first_month,
        silence=silence,
        maintenance_number=f"SM-{company.code[1:]}" if rng.random() < MAINTENANCE_SHARE.get(profile, 0) else "",
    )


def _interruptions(rng: np.random.Generator, profile: Profile, months: int) -> tuple[int, tuple[int, int] | None]:
    """(first month with business, months of silence): newcomers begin late, lost ones stop, won-back ones pause."""
    if profile == Profile.NEWCOMER:
        return max(0, months - int(rng.integers(4, 20))), None
    if profile == Profile.LOST:
        return 0, (max(1, months - int(rng.integers(4, 26))), months)
    if profile == Profile.WON_BACK:
        back = max(2, months - int(rng.integers(3, 11)))
        return 0, (max(1, back - int(rng.integers(13, 17))), back)
    return 0, None


def _status(profile: Profile) -> AccountStatus:
    return AccountStatus.PROSPECT if profile == Profile.PROSPECT else AccountStatus.ACTIVE


def _size(level: float) -> AccountSize | str:
    if not level:
        return ""
    steps = ((0.2, AccountSize.MICRO), (0.8, AccountSize.SMALL), (4.0, AccountSize.MEDIUM))
    return next((size for limit, size in steps if level < limit * MILLION), AccountSize.LARGE)


def _sold_through(found: list[Company], *, seed: int) -> list[Company]:
    """Channels, and for small customers outside groups one of the distributors of their region as dealer."""
    rng = dice(seed, "dealers")
    parents = {company.parent_code for company in found}
    outlets: dict[str, list[str]] = {}
    for company in found:
        if company.segment == DEALER_SEGMENT and company.status == AccountStatus.ACTIVE:
            outlets.setdefault(company.region, []).append(company.code)
    sold = []
    for company in found:
        dealers = outlets.get(company.region, [])[:DEALERS_A_REGION]
        draw, pick = rng.random(), int(rng.integers(0, max(1, len(dealers))))
        is_small = company.profile not in KEY_PROFILES | WITHOUT_REVENUE and company.code not in parents
        if is_small and company.segment != DEALER_SEGMENT and dealers and draw < DEALT_SHARE:
            sold.append(replace(company, channel=words.CHANNEL_DEALER, dealer_code=dealers[pick]))
        else:
            is_online = is_small and draw > 1 - ONLINE_SHARE
            sold.append(replace(company, channel=words.CHANNEL_ONLINE if is_online else words.CHANNEL_DIRECT))
    return sold


def _troubled(rng: np.random.Generator, found: list[Company], horizon: Horizon) -> list[Company]:
    """Credit stops, law suits and one insolvency, one of them at a core account."""
    number = max(1, round(len(found) * TROUBLED_SHARE))
    wanted = (
        ("credit_stop_on", Profile.CORE, 1),
        ("credit_stop_on", Profile.DECLINING, number),
        ("litigation_on", Profile.STEADY, number),
        ("insolvency_on", Profile.DECLINING, 1),
    )
    troubled = list(found)
    hit: set[int] = set()
    for field, profile, count in wanted:
        places = [place for place, company in enumerate(found) if company.profile == profile and place not in hit]
        for place in rng.permutation(places)[:count].astype(int).tolist():
            since = horizon.last_day - timedelta(days=int(rng.integers(10, 120)))
            troubled[place] = replace(troubled[place], **{field: since})
            hit.add(place)
    return troubled
