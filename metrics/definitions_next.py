"""The catalogue's part about what comes next: forecast, accounts that may leave, products they could still buy."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.metric import Direction, Metric, Unit

MONTHS = _("net revenue of every complete month, up to five years back")
SIGNALS = _(
    "order days of each account, its revenue of the last two years of 12 months, the night's chance that it is still there"
)
PRODUCTS = _("net revenue and cost of each account and product of the last 12 months, as the night summed them up")
PAST_SIGNALS = _("the same signals as they were known a year ago, and the revenue of the year after")

NEXT = (
    Metric(
        "forecast", _("Forecast"), Unit.GROUP_OF_FIGURES, Direction.UP,
        _("The method that came closest in a backtest from at least four past months, with the middle four fifths of its "
          "misses"),
        MONTHS, _("What comes next? Shown only where the method was closer than the same month of the year before."),
    ),
    Metric("forecast_revenue", _("Forecast revenue"), Unit.MONEY, Direction.UP, _("Sum of the forecast months"), MONTHS,
           _("Of the months ahead together. The interval holds for each month, not for the sum.")),
    Metric("forecast_mase", _("Miss of the forecast (MASE)"), Unit.NUMBER, Direction.DOWN,
           _("mean |actual − forecast| ÷ mean |month − same month of the year before| of the months learnt from"), MONTHS,
           _("1 is as far off as the same month of the year before was; less is closer. From the backtest.")),
    Metric("baseline_mase", _("Miss of the year before (MASE)"), Unit.NUMBER, Direction.DOWN,
           _("The same, where the forecast is the same month of the year before"), MONTHS,
           _("What a method must beat to be shown.")),
    Metric("forecast_wape", _("Miss of the forecast in percent (WAPE)"), Unit.RATE, Direction.DOWN,
           _("sum |actual − forecast| ÷ sum |actual|, over the backtest"), MONTHS,
           _("How far the forecast was off, as a share of what was sold.")),
    Metric("baseline_wape", _("Miss of the year before in percent (WAPE)"), Unit.RATE, Direction.DOWN,
           _("The same, where the forecast is the same month of the year before"), MONTHS,
           _("What a method must beat to be shown.")),
    Metric(
        "decline", _("Risk of decline"), Unit.GROUP_OF_FIGURES, Direction.DOWN,
        _("Points of late rhythm (30), chance of being gone (30), lost revenue (12), lost breadth (6) of 100"), SIGNALS,
        _("Who is about to leave? Points are a rule, no probability; what they have meant is measured on our own past."),
    ),
    Metric("at_risk_accounts", _("High risk"), Unit.COUNT, Direction.DOWN, _("Accounts with 50 points or more"), SIGNALS,
           _("Those to be called first.")),
    Metric("at_risk_money", _("At stake with high risk"), Unit.MONEY, Direction.DOWN,
           _("Their revenue of the better of the last two years"), SIGNALS, _("What would be lost with them.")),
    Metric("watch_accounts", _("To be watched"), Unit.COUNT, Direction.DOWN, _("Accounts with 25 to 50 points"), SIGNALS,
           _("Some signals, not many.")),
    Metric("late_rhythm_accounts", _("Clearly late"), Unit.COUNT, Direction.DOWN,
           _("Days since the last order ÷ own median interval of 2 and more, from four order days on"), SIGNALS,
           _("The plain rule that points must beat.")),
    Metric("late_rhythm_money", _("At stake with the late"), Unit.MONEY, Direction.DOWN,
           _("Their revenue of the better of the last two years"), SIGNALS, _("What would be lost with them.")),
    Metric("points_precision", _("Hits among the first 20, by points"), Unit.RATE, Direction.UP,
           _("Accounts that lost half their revenue or more ÷ 20 accounts with the most points"), PAST_SIGNALS,
           _("Would the points have found them a year ago?")),
    Metric("baseline_precision", _("Hits among the first 20, by rhythm"), Unit.RATE, Direction.UP,
           _("The same for the 20 latest by their rhythm"), PAST_SIGNALS, _("What points must beat.")),
    Metric(
        "whitespace", _("Whitespace"), Unit.GROUP_OF_FIGURES, Direction.UP,
        _("Gaps × share of accounts of the same segment and size that buy × their median spend × gross margin"), PRODUCTS,
        _("What could they buy besides? Peers are all customers of the ledger; five of them must buy for a gap to have a "
          "value."),
    ),
    Metric("gap_value", _("Gross profit in the gaps"), Unit.MONEY, Direction.UP,
           _("Sum over gaps of share of peers that buy × their median spend × gross margin"), PRODUCTS,
           _("A year, if the gaps fill as they have among accounts like these. Of the columns shown.")),
    Metric("gap_revenue", _("Revenue in the gaps"), Unit.MONEY, Direction.UP,
           _("Sum over gaps of share of peers that buy × their median spend"), PRODUCTS,
           _("The same before margin, where cost is not known.")),
)  # fmt: skip
