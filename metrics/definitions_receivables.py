"""Figures of what customers owe, for the catalogue."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.metric import Direction, Metric, Unit

INVOICES = _("invoices to be paid and their payments, until the end of the as-of date; closing rates of that day")
PUNCTUALITY = _("invoices of the last 12 whole months and their payments until the as-of date")

RECEIVABLES = (
    Metric(
        "receivables", _("Receivables"), Unit.GROUP_OF_FIGURES, Direction.DOWN,
        _("Amount of each invoice less its payments, by days after the due day"), INVOICES,
        _("What do they owe us, and since when?"),
    ),
    Metric("owed", _("Owed to us"), Unit.MONEY, Direction.NEITHER,
           _("Amounts of invoices less their payments, not below 0"), INVOICES, _("Not due yet and overdue together.")),
    Metric("owed_overdue", _("Overdue receivables"), Unit.MONEY, Direction.DOWN,
           _("Part of what is owed whose due day has come"), INVOICES, _("The sum of the four ages.")),
    Metric("overdue_share", _("Overdue, of what is owed"), Unit.RATE, Direction.DOWN,
           _("Overdue receivables ÷ owed to us"), INVOICES, _("Undefined where nothing is owed.")),
    Metric("owed_not_due", _("Owed, not due yet"), Unit.MONEY, Direction.NEITHER,
           _("Part of what is owed whose due day is still to come"), INVOICES, _("Nothing to worry about yet.")),
    Metric("owed_30", _("Overdue up to 30 days"), Unit.MONEY, Direction.DOWN,
           _("Open from the due day to 30 days after it"), INVOICES, _("A friendly reminder.")),
    Metric("owed_60", _("Overdue 31 to 60 days"), Unit.MONEY, Direction.DOWN,
           _("Open 31 to 60 days after the due day"), INVOICES, _("Ask who has to approve it.")),
    Metric("owed_90", _("Overdue 61 to 90 days"), Unit.MONEY, Direction.DOWN,
           _("Open 61 to 90 days after the due day"), INVOICES, _("A warning sign of the grade.")),
    Metric("owed_older", _("Overdue more than 90 days"), Unit.MONEY, Direction.DOWN,
           _("Open more than 90 days after the due day"), INVOICES,
           _("Much of it makes an account a Problem.")),
    Metric("fell_due", _("Fell due in 12 months"), Unit.MONEY, Direction.NEITHER,
           _("Amounts of invoices whose due day lies in the last 12 whole months or after them"), PUNCTUALITY,
           _("What punctuality is judged by.")),
    Metric("on_time_share", _("Paid in time"), Unit.RATE, Direction.UP,
           _("Of what fell due, the part paid by its due day ÷ what fell due"), PUNCTUALITY,
           _("By amount. Undefined where nothing fell due.")),
    Metric("days_outstanding", _("Days of invoices outstanding"), Unit.DAYS, Direction.DOWN,
           _("Owed to us ÷ invoices issued in the last 12 whole months or after them × days of that span"), PUNCTUALITY,
           _("How many days of invoicing are still to be paid. Both sides are invoices, with tax.")),
    Metric("open_invoices", _("Open invoices"), Unit.COUNT, Direction.NEITHER,
           _("Invoices with something left to pay"), INVOICES, _("Each is named on the page of its account.")),
    Metric("late_accounts", _("Accounts that are late"), Unit.COUNT, Direction.DOWN,
           _("Accounts with an overdue invoice"), INVOICES, _("Who to ask first.")),
)  # fmt: skip
