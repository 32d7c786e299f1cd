"""Values, thresholds and results as people read them; every sentence is whole, so that it can be translated."""

from __future__ import annotations

import math
from types import MappingProxyType

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tiering.enums import IndicatorCode, Rule, Unit
from tiering.grading import Flag

MILLION, THOUSAND = 1_000_000, 1_000
DECIMALS: dict[str, int] = {Unit.SCORE: 1, Unit.RATING: 1, Unit.RATIO: 2, Unit.COUNT: 0}

RULE_UNIT: MappingProxyType[str, Unit] = MappingProxyType(
    {
        Rule.REVENUE_EACH_YEAR: Unit.MONEY,
        Rule.GROSS_PROFIT_EACH_YEAR: Unit.MONEY,
        Rule.REVENUE_TTM: Unit.MONEY,
        Rule.PRIOR_REVENUE: Unit.MONEY,
        Rule.SAL: Unit.SCORE,
        Rule.STR: Unit.SCORE,
        Rule.GRO: Unit.SCORE,
        Rule.COMPOSITE: Unit.SCORE,
        Rule.GRO_EVIDENCE: Unit.SHARE,
        Rule.MONTHS: Unit.MONTHS,
        Rule.EVALUATORS: Unit.COUNT,
        Rule.BUSINESS: Unit.PRESENT,
        Rule.OPPORTUNITY: Unit.PRESENT,
    }
)
# One input each, where a rule reads two years.
INPUT_LABEL: MappingProxyType[str, Promise] = MappingProxyType(
    {
        "revenue_fy1": gettext_lazy("Net revenue of the last fiscal year"),
        "revenue_fy2": gettext_lazy("Net revenue of the fiscal year before"),
        "gross_profit_fy1": gettext_lazy("Gross profit of the last fiscal year"),
        "gross_profit_fy2": gettext_lazy("Gross profit of the fiscal year before"),
    }
)
# What a flag says to a reader. Bits that only steer the sentence about the grade are not listed.
NOTES: MappingProxyType[Flag, Promise] = MappingProxyType(
    {
        Flag.WATCH: gettext_lazy("Under watch: warning signs reached the limit."),
        Flag.PROPOSED: gettext_lazy("Proposed as a problem: a manager has to confirm or refuse."),
        Flag.PIERCED: gettext_lazy("A grade set by hand is overruled until the problem is over."),
        Flag.PROVISIONAL: gettext_lazy("The first grade: provisional until it has held for a span."),
        Flag.BUFFERED: gettext_lazy("Only the buffer keeps this grade: it would not be entered today."),
        Flag.H1_OVERDUE: gettext_lazy("Much is overdue for more than 90 days."),
        Flag.OVERDUE_61: gettext_lazy("Much is overdue for 61 to 90 days."),
        Flag.OVERDUE_31: gettext_lazy("Much is overdue for 31 to 90 days."),
        Flag.H2_LOSS: gettext_lazy("Gross profit was negative in two half-years running."),
        Flag.H3_CREDIT_OR_LITIGATION: gettext_lazy("There is a credit stop or litigation."),
        Flag.H4_INSOLVENT: gettext_lazy("The account is insolvent."),
        Flag.DECLINE_50: gettext_lazy("Revenue fell by half or more within a year."),
        # xgettext:no-python-format
        Flag.DECLINE_30: gettext_lazy("Revenue fell by 30 % or more within a year."),
        Flag.LOW_MARGIN: gettext_lazy("The gross margin is below 10 %."),
        Flag.DISSATISFIED: gettext_lazy("The customer rated its satisfaction 2 or lower."),
        Flag.NON_RENEWAL: gettext_lazy("The customer gave written notice that it will not renew a contract."),
        Flag.SEVERE_REQUESTS: gettext_lazy("Severe complaints or disputes have been open for more than 30 days."),
        Flag.DECIDER_AGAINST: gettext_lazy("A key decision maker turned against us."),
        Flag.LATE_ORDER: gettext_lazy("The next order is overdue against the account's own rhythm."),
        Flag.ALSO_STRATEGIC: gettext_lazy("Also meets the conditions of Strategic."),
        Flag.ALSO_POTENTIAL: gettext_lazy("Also meets the conditions of Potential."),
        Flag.YOUNG: gettext_lazy("Customer for less than 12 months; sums are not annualised."),
        Flag.SMALL_BASE: gettext_lazy("Last year's revenue is too small to judge growth by."),
        Flag.NO_RATE: gettext_lazy("An exchange rate is missing, so some amounts are not known."),
        Flag.NO_COST: gettext_lazy("Cost is missing on some lines, so gross profit is not known."),
        Flag.WALLET_BELOW_REVENUE: gettext_lazy("The wallet estimate is below our own revenue; estimate it anew."),
        Flag.CALIBRATE: gettext_lazy("Ratings lie far apart; talk about them."),
        Flag.STALE: gettext_lazy("Ratings or estimates have expired and hold the grade only for a while."),
        Flag.QUARANTINED: gettext_lazy("Set apart tonight: its figures cannot be computed with."),
        Flag.OF_GROUP: gettext_lazy(
            "Graded for its group: revenue, orders, contracts, receivables and wallets are those of all its companies together,"
            " ratings and complaints its own."
        ),
    }
)
# Which part of the rule of two evaluators (domain.md 3.4) is not kept, the first that holds.
EVALUATORS_LACK: MappingProxyType[Flag, Promise] = MappingProxyType(
    {
        Flag.ONE_FUNCTION: gettext_lazy("All of them are from one function; they have to be from two functions."),
        Flag.ONLY_MANAGERS: gettext_lazy("All of them are or were its account manager; somebody else has to rate it."),
    }
)

# Why an optional indicator is not known, where the row itself says it (domain.md 2.4).
CLV_LACKS: MappingProxyType[Flag, Promise] = MappingProxyType(
    {
        Flag.CLV_UNTRUSTED: gettext_lazy(
            "Too few orders for a lifetime value that can be trusted (data grade C); grade A or B counts."
        ),
        Flag.CLV_NO_AMOUNT: gettext_lazy(
            "What its orders are worth is not known: an exchange rate is missing, or the values of orders fit no model."
        ),
        Flag.CLV_NO_COST: gettext_lazy(
            "Cost is missing, so only revenue can be expected, and revenue is no lifetime value."
        ),
    }
)
NO_DEALS = gettext_lazy("Deals are not recorded yet, so there is no pipeline to weigh.")
# What to know of an indicator before it is weighed.
REMARKS: MappingProxyType[str, Promise] = MappingProxyType(
    {
        IndicatorCode.P4: NO_DEALS,
        IndicatorCode.S5: gettext_lazy(
            "Valued by a model of all accounts, so every night with it counts everybody anew. It counts with data grade A or"
            " B alone, and where cost is known."
        ),
    }
)


def remark(code: str) -> str:
    """What to know of an indicator before it is weighed; "" where there is nothing to say."""
    return str(REMARKS.get(code, ""))


def unknown(code: str, flags: int) -> str:
    """Why an indicator is not known, where the night noted it; "" otherwise."""
    if code == IndicatorCode.P4:
        return str(NO_DEALS)
    if code == IndicatorCode.S5:
        return str(next((words for flag, words in CLV_LACKS.items() if flag in Flag(flags)), ""))
    return ""


def failure(rule: str, flags: int) -> str:
    """Why a failed condition fails, where its value does not say it; "" otherwise."""
    if rule != Rule.EVALUATORS:
        return ""
    words = next((words for flag, words in EVALUATORS_LACK.items() if flag in Flag(flags)), "")
    return str(
        words or gettext_lazy("Two people from two functions have to rate, one of them not its account manager.")
    )


def value_text(value: float | None, unit: str) -> str:
    """A value in its unit, short: 6.2 M, 57.1, 35 %, 14 months."""
    if value is None or math.isnan(value):
        return _("not known")
    if unit == Unit.PRESENT:
        return _("yes") if value else _("no")
    if unit == Unit.SHARE:
        return _("%(number)s %%") % {"number": _trimmed(value * 100, 1)}
    if unit in {Unit.MONTHS, Unit.YEARS}:
        return _span_text(value, unit)
    return amount_text(value) if unit == Unit.MONEY else _trimmed(value, DECIMALS[unit])


def _span_text(value: float, unit: str) -> str:
    if unit == Unit.MONTHS:
        return _("%(number)s months") % {"number": _trimmed(value, 0)}
    return _("%(number)s years") % {"number": _trimmed(value, 1)}


def amount_text(amount: float) -> str:
    """6,200,000 → 6.2 M; 62,000 → 62 K; cut, not rounded, so that 4.99 M never reads as 5 M."""
    size = abs(amount)
    if size >= MILLION:
        return _("%(number)s M") % {"number": _cut(amount / MILLION)}
    if size >= THOUSAND:
        return _("%(number)s K") % {"number": _cut(amount / THOUSAND)}
    return _cut(amount)


def amount_up(amount: float) -> str:
    """As ``amount_text`` but away from zero, for an amount that is asked for: what it names is never too little."""
    size = abs(amount)
    scale = MILLION if size >= MILLION else THOUSAND if size >= THOUSAND else 1
    decimals = 2 if size / scale < 10 else 1 if size / scale < 100 else 0
    step = scale / 10.0**decimals
    return amount_text(math.copysign(math.ceil(round(size / step, 6)) * step, amount))


def notes(flags: int) -> list[str]:
    """What the flags of a score row say, in a fixed order; the steeper decline replaces the other."""
    found = Flag(flags)
    for steep, mild in ((Flag.DECLINE_50, Flag.DECLINE_30), (Flag.OVERDUE_61, Flag.OVERDUE_31)):
        if steep in found:
            found &= ~mild
    return [str(words) for flag, words in NOTES.items() if flag in found]


def _cut(number: float) -> str:
    """Two decimals below 10, one below 100, none above; towards zero."""
    decimals = 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0
    step = 10.0**decimals
    return _trimmed(math.trunc(round(number * step, 6)) / step, decimals)


def _trimmed(number: float, decimals: int) -> str:
    """Rounded, in the reader's format, without trailing zeros."""
    rounded = round(number, decimals) + 0.0
    places = len(f"{rounded:.{decimals}f}".rstrip("0").partition(".")[2]) if decimals else 0
    return str(number_format(rounded, decimal_pos=places, use_l10n=True, force_grouping=True))
