"""The questions of the product about the ledger, one function each.

Each takes accounts already limited to what the caller may see and answers with a frozen dataclass: values by the names
of the REST fields, ``currency``, ``reasons`` (why a field is None), ``passport``, and the accounts behind it.
"""

from metrics.services.account import AccountMetrics, account_metrics
from metrics.services.activity import ActivityFigures, activity
from metrics.services.base import AccountRow, AccountTable, Answer, Passport
from metrics.services.concentration import ConcentrationFigures, concentration
from metrics.services.figures import WrittenFigures, write_account_figures
from metrics.services.lifetime import LifetimeFigures, lifetime
from metrics.services.lifetime_fit import FittedLifetime, lifetime_fit
from metrics.services.portfolio import (
    Bar,
    BridgeFigures,
    Growth,
    RetentionFigures,
    TwoPeriods,
    bridge,
    growth,
    retention,
    two_periods,
)
from metrics.services.trend import FLOWS, ROLLING, TREND_METRICS, Interval, Point, Trend, trend, trends

__all__ = [
    "FLOWS",
    "ROLLING",
    "TREND_METRICS",
    "AccountMetrics",
    "AccountRow",
    "AccountTable",
    "ActivityFigures",
    "Answer",
    "Bar",
    "BridgeFigures",
    "ConcentrationFigures",
    "FittedLifetime",
    "Growth",
    "Interval",
    "LifetimeFigures",
    "Passport",
    "Point",
    "RetentionFigures",
    "Trend",
    "TwoPeriods",
    "WrittenFigures",
    "account_metrics",
    "activity",
    "bridge",
    "concentration",
    "growth",
    "lifetime",
    "lifetime_fit",
    "retention",
    "trend",
    "trends",
    "two_periods",
    "write_account_figures",
]
