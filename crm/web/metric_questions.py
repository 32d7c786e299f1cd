"""The questions of the metrics page, in the words people use, and who answers them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy

from crm.web import drivers_form, metric_form
from crm.web.cohorts_form import CohortsForm, SegmentsForm, SleepersForm, cohorts_defaults, sleepers_defaults
from crm.web.contracts_form import BacklogForm, ContractGrowthForm, backlog_defaults, contract_growth_defaults
from crm.web.economics_form import EconomicsForm, economics_defaults
from crm.web.efforts_form import AcquisitionForm, MarginForm, WalletForm, acquisition_defaults
from crm.web.metric_acquisition import acquisition_answer
from crm.web.metric_answers import activity_answer, concentration_answer, trend_answer
from crm.web.metric_asked import Asked, Shown
from crm.web.metric_association import association_answer
from crm.web.metric_breakdown import BridgeForm, bridge_defaults
from crm.web.metric_cohorts import cohorts_answer
from crm.web.metric_contracts import backlog_answer, contract_growth_answer
from crm.web.metric_decline import decline_answer
from crm.web.metric_decomposition import decomposition_answer
from crm.web.metric_directions import directions_answer
from crm.web.metric_doubling import doubling_answer
from crm.web.metric_economics import economics_answer
from crm.web.metric_forecast import forecast_answer
from crm.web.metric_form import ChoicesForm
from crm.web.metric_lifetime import lifetime_answer
from crm.web.metric_margin import margin_answer
from crm.web.metric_patterns import patterns_answer
from crm.web.metric_receivables import receivables_answer
from crm.web.metric_segments import segments_answer
from crm.web.metric_sleepers import sleepers_answer
from crm.web.metric_split import split_answer
from crm.web.metric_two_periods import change_answer, growth_answer, retention_answer
from crm.web.metric_wallet import wallet_answer
from crm.web.metric_whitespace import whitespace_answer
from crm.web.next_form import (
    ForecastForm,
    WhitespaceForm,
    forecast_defaults,
    no_defaults,
    whitespace_defaults,
)
from crm.web.products_form import AssociationForm, PatternsForm, association_defaults
from crm.web.receivables_form import ReceivablesForm, receivables_defaults


@dataclass(frozen=True, slots=True)
class Question:
    """``words`` are what people ask; ``hint`` says what the answer counts."""

    key: str
    words: Any
    hint: Any
    icon: str
    form: type[ChoicesForm]
    defaults: Callable[[QueryDict, date], dict[str, str]]
    answer: Callable[[Asked], Shown]
    needs_ledger: bool = True  # without a record there is nothing to ask about


QUESTIONS: dict[str, Question] = {
    one.key: one
    for one in (
        Question(
            "growth", gettext_lazy("Do our customers grow?"), gettext_lazy("The same customers in two periods; new ones stand apart."),
            "trending-up", metric_form.TwoPeriodsForm, metric_form.two_period_defaults, growth_answer,
        ),
        Question(
            "change", gettext_lazy("Where did the change come from?"), gettext_lazy("From opening to closing revenue, account by account."),
            "git-branch", BridgeForm, bridge_defaults, change_answer,
        ),
        Question(
            "decomposition", gettext_lazy("What drove the change?"), gettext_lazy("Revenue = covered accounts × active rate × revenue per active account."),
            "sitemap", drivers_form.DecompositionForm, drivers_form.decomposition_defaults, decomposition_answer,
        ),
        Question(
            "directions", gettext_lazy("Do we grow wider or deeper?"), gettext_lazy("Horizontal: customers won or won back. Vertical: what existing customers bought more or less."),
            "arrow-up-right", drivers_form.LeavesForm, drivers_form.directions_defaults, directions_answer,
        ),
        Question(
            "doubling", gettext_lazy("What would it take to double?"), gettext_lazy("Set the three drivers and see what the period would have brought."),
            "target", drivers_form.DoublingForm, drivers_form.doubling_defaults, doubling_answer,
        ),
        Question(
            "retention", gettext_lazy("Do they stay?"), gettext_lazy("Customers and revenue of the base period that are still there."),
            "users", metric_form.TwoPeriodsForm, metric_form.two_period_defaults, retention_answer,
        ),
        Question(
            "cohorts", gettext_lazy("How do cohorts develop?"), gettext_lazy("Customers by the period they came in, and what became of them."),
            "stairs-up", CohortsForm, cohorts_defaults, cohorts_answer,
        ),
        Question(
            "activity", gettext_lazy("How active are they?"), gettext_lazy("Who of those on the books orders, how often, for how much."),
            "activity", metric_form.OnePeriodForm, metric_form.one_period_defaults, activity_answer,
        ),
        Question(
            "patterns", gettext_lazy("How do they buy?"), gettext_lazy("Interval, order size, breadth, season, weekdays and products."),
            "calendar", PatternsForm, metric_form.one_period_defaults, patterns_answer,
        ),
        Question(
            "sleepers", gettext_lazy("Who sleeps?"), gettext_lazy("Customers silent for longer than their own rhythm allows."),
            "moon", SleepersForm, sleepers_defaults, sleepers_answer,
        ),
        Question(
            "segments", gettext_lazy("Which kinds of customers do we have?"), gettext_lazy("Scores from 1 to 5 by last order, orders and revenue, against one another."),
            "star", SegmentsForm, metric_form.one_period_defaults, segments_answer,
        ),
        Question(
            "concentration", gettext_lazy("Who carries us?"), gettext_lazy("How much of the revenue hangs on how few."),
            "scale", metric_form.OnePeriodForm, metric_form.one_period_defaults, concentration_answer,
        ),
        Question(
            "lifetime", gettext_lazy("What are they worth?"), gettext_lazy("What customers are still expected to bring, discounted to today."),
            "coin", metric_form.LifetimeForm, metric_form.lifetime_defaults, lifetime_answer,
        ),
        Question(
            "contract-growth", gettext_lazy("Do our contracts grow?"), gettext_lazy("Contracts in force on two days, by their value a year, of the same customers."),
            "file-text", ContractGrowthForm, contract_growth_defaults, contract_growth_answer, needs_ledger=False,
        ),
        Question(
            "backlog", gettext_lazy("What is signed and still to come?"), gettext_lazy("Signed less recognised, contract by contract, and when the rest comes."),
            "calendar", BacklogForm, backlog_defaults, backlog_answer, needs_ledger=False,
        ),
        Question(
            "trend", gettext_lazy("How does it develop?"), gettext_lazy("Any figure, month by month, quarter by quarter or year by year."),
            "chart-line", metric_form.TrendForm, metric_form.trend_defaults, trend_answer,
        ),
        Question(
            "acquisition", gettext_lazy("What does a new customer cost?"), gettext_lazy("Money spent on winning customers, per customer won, and when it has paid."),
            "user-plus", AcquisitionForm, acquisition_defaults, acquisition_answer,
        ),
        Question(
            "split", gettext_lazy("New or existing: where do we put our effort?"), gettext_lazy("Money, hours, revenue and gross profit of new customers against existing ones."),
            "columns-3", metric_form.OnePeriodForm, metric_form.one_period_defaults, split_answer,
        ),
        Question(
            "margin", gettext_lazy("What do they earn us?"), gettext_lazy("Revenue less cost, less what serving them costs, with an advice for each account."),
            "receipt", MarginForm, metric_form.one_period_defaults, margin_answer,
        ),
        Question(
            "wallet", gettext_lazy("How much of their spending is ours?"), gettext_lazy("Our revenue of 12 months against what each account is estimated to spend."),
            "chart-bar", WalletForm, no_defaults, wallet_answer,
        ),
        Question(
            "receivables", gettext_lazy("What do they owe us, and since when?"), gettext_lazy("Open invoices by age on a day, and how much is paid in time."),
            "receipt", ReceivablesForm, receivables_defaults, receivables_answer, needs_ledger=False,
        ),
        Question(
            "retention-economics", gettext_lazy("What is better retention worth?"), gettext_lazy("One uplift, three readings; the claims of the articles beside them."),
            "adjustments-horizontal", EconomicsForm, economics_defaults, economics_answer,
        ),
        Question(
            "forecast", gettext_lazy("What comes next?"), gettext_lazy("Revenue of the coming months, where a method has beaten the year before."),
            "arrow-right", ForecastForm, forecast_defaults, forecast_answer,
        ),
        Question(
            "decline", gettext_lazy("Who is about to leave?"), gettext_lazy("Points of risk from named signals, tested on our own past."),
            "alert-triangle", ChoicesForm, no_defaults, decline_answer,
        ),
        Question(
            "whitespace", gettext_lazy("What could they buy besides?"), gettext_lazy("What customers like them buy and they do not."),
            "plus", WhitespaceForm, whitespace_defaults, whitespace_answer,
        ),
        Question(
            "association", gettext_lazy("What goes together?"), gettext_lazy("Who buys A also buys B, more often than chance would have it; and who owns only A."),
            "link", AssociationForm, association_defaults, association_answer,
        ),
    )
}  # fmt: skip
