"""Why a figure is undefined, as a sentence: keys are stable, words follow the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise, lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

RATE_KEYS = frozenset({"lifetime_missing_rates", "decline_no_rates"})
SHOWN_RATES = 3  # missing rates named in one sentence

SENTENCES = {
    "no_cohort": gettext_lazy("no account had revenue above 0 in the base period"),
    "no_base": gettext_lazy("revenue of the base period is not above 0"),
    "no_base_month": gettext_lazy("the base period lacks months of the comparison, so their rates are not known"),
    "base_zero": gettext_lazy("nothing was sold in the base period"),
    "base_negative": gettext_lazy("credits outweigh the revenue of the base period"),
    "no_revenue": gettext_lazy("no account had revenue above 0 in the period"),
    "revenue_not_positive": gettext_lazy("revenue is not above 0"),
    "both_zero": gettext_lazy("nothing was sold in either period"),
    "negative_window": gettext_lazy("credits outweigh the revenue of a period"),
    "no_covered": gettext_lazy("no account was on the books in the period"),
    "no_active": gettext_lazy("no account ordered in the period"),
    "negative_factor": gettext_lazy("a factor is below 0, where logarithms are not defined, so the split is Shapley's"),
    "one_account": gettext_lazy("a single account has no distribution"),
    "margins_hidden": gettext_lazy("costs and margins are not shown to you"),
    "no_cost": gettext_lazy("cost is missing on some lines of the period"),
    "no_cost_at_all": gettext_lazy("there is no cost data, so revenue is shown instead of margin"),
    "cost_missing_for_accounts": gettext_lazy("cost is missing for %(found)s of the accounts"),
    "no_order": gettext_lazy("the account has not ordered yet"),
    "no_order_in_period": gettext_lazy("the account did not order in the period"),
    "before_data_start": gettext_lazy("a customer from before the first record"),
    "one_order_day": gettext_lazy("an account can only leave after a second order"),
    "account_closed": gettext_lazy("the account is closed"),
    "no_ledger": gettext_lazy("nothing is booked for these accounts"),
    "period_open": gettext_lazy("the period is not over at the as-of date"),
    "before_data": gettext_lazy("the ledger does not reach back that far"),
    "short_history": gettext_lazy("the ledger does not reach back to the start of the base period"),
    "no_first_revenue": gettext_lazy("no account had its first revenue within the data"),
    "age_not_reached": gettext_lazy("no cohort is that old yet"),
    "before_share_base": gettext_lazy("revenue shares count from the first full period"),
    "cohort_no_base": gettext_lazy("revenue of the period that shares are measured from is not above 0"),
    "few_order_days": gettext_lazy("fewer than %(needed)s order days"),
    "lifetime_of_the_base": gettext_lazy(
        "told only where all accounts are in view: it says how large the whole base is"
    ),
    "lifetime_few_accounts": gettext_lazy("insufficient data: fewer than %(needed)s accounts have ordered"),
    "lifetime_few_repeaters": gettext_lazy("insufficient data: fewer than %(needed)s accounts have ordered again"),
    "lifetime_short_span": gettext_lazy(
        "insufficient data: the history is shorter than three typical intervals between orders"
    ),
    "lifetime_no_fit": gettext_lazy("insufficient data: the orders do not follow the model"),
    "lifetime_no_spend": gettext_lazy("insufficient data: the values of orders do not follow the model"),
    "margin_not_positive": gettext_lazy(
        "the period brought no profit, so the margin of a customer cannot be taken from it"
    ),
    "nobody_lost": gettext_lazy("no customer was lost in the last 12 months"),
    "nobody_new": gettext_lazy("no customer was new in the last 12 months"),
    "no_referrals": gettext_lazy("referrals are not recorded, so nobody knows what a customer brings by word of mouth"),
    "uplift_kind_unsaid": gettext_lazy("say whether the uplift is in points or relative"),
    "margin_unsaid": gettext_lazy("give the margin per customer and year: the ledger does not know it"),
    "retention_unsaid": gettext_lazy("give the retention: the ledger does not know it"),
    "no_steady_state": gettext_lazy("where nobody leaves, the number of customers never settles"),
    "nothing_earned_before": gettext_lazy("nothing is earned without the uplift, so a rise in percent means nothing"),
    "uplift_not_positive": gettext_lazy("the claim speaks of an uplift above 0"),
    "claim_always_true": gettext_lazy("the claim is true at every retention"),
    "costs_unsaid": gettext_lazy("give the acquisition cost and the yearly cost of keeping a customer"),
    "keeping_costs_nothing": gettext_lazy("keeping a customer costs nothing, so there is no multiple of it"),
    "keeping_not_cheaper": gettext_lazy("a new customer costs no more than keeping one"),
    "new_customer_earns_nothing": gettext_lazy("a new customer earns nothing in the first year"),
    "out_of_range": gettext_lazy("give a number from %(low)s to %(high)s"),
    "endless_value": gettext_lazy(
        "with discount 0, a retention of 1 has no finite value: give a discount or a horizon"
    ),
    "retention_below_zero": gettext_lazy("the uplift would bring retention below 0: give a smaller one"),
    "forecast_short_history": gettext_lazy(
        "insufficient data: %(found)s complete months of revenue, %(needed)s are needed"
    ),
    "forecast_not_better": gettext_lazy("no method came closer than the same month of the year before"),
    "forecast_no_scale": gettext_lazy("the past repeated itself exactly, so there is nothing to measure a miss by"),
    "whitespace_no_peer_group": gettext_lazy("the account has no segment, so nobody is like it"),
    "whitespace_few_buyers": gettext_lazy("fewer than five accounts like it buy this"),
    "whitespace_no_margin": gettext_lazy("cost is missing on some lines of the product"),
    "whitespace_no_night": gettext_lazy("the night sums up products, and there has been none yet"),
    "whitespace_no_gap": gettext_lazy("no gap has a value"),
    "no_product_day": gettext_lazy("no order of the period names a product"),
    "season_short_history": gettext_lazy("a season needs two whole years; the ledger has %(found)s complete months"),
    "association_no_pair": gettext_lazy("no two products have %(needed)s owners each"),
    "association_few_owners": gettext_lazy("fewer than %(needed)s customers own this product"),
    "association_no_rule": gettext_lazy("no two products are owned together more often than chance would have it"),
    "suggestions_few_accounts": gettext_lazy(
        "insufficient data: fewer than %(needed)s accounts bought something new in the year tested"
    ),
    "decline_short_history": gettext_lazy("insufficient data: a test needs two years of revenue"),
    "decline_no_rates": gettext_lazy("the past cannot be tested: an exchange rate is missing"),
    "decline_few_events": gettext_lazy(
        "insufficient data: fewer than %(needed)s accounts lost half their revenue in the year tested"
    ),
    "no_correlation": gettext_lazy("customers do not differ in how often or for how much they order again"),
    "lifetime_missing_rates": gettext_lazy("orders cannot be valued: an exchange rate is missing"),
    "no_contract": gettext_lazy("no signed contract with a first and a last day runs"),
    "contract_no_amount": gettext_lazy("a running contract has no amount, or no exchange rate for it"),
    "contract_no_amount_of": gettext_lazy(
        "running contracts of %(found)s accounts have no amount, or no exchange rate for it"
    ),
    "no_recognised": gettext_lazy(
        "nothing is booked as recognised in these periods; what contracts say of it is a stand-in, and stands with the backlog"
    ),
    "no_signed_contract": gettext_lazy("no contract was signed by that day"),
    "no_contract_in_force": gettext_lazy("no contract was in force on the base day"),
    "contract_overrun": gettext_lazy("more is recognised than was signed"),
    "contract_without_amount": gettext_lazy("it has no amount"),
    "contract_below_zero": gettext_lazy("its amount is below 0"),
    "contract_without_term": gettext_lazy("it has no first or no last day"),
    "contract_without_dates": gettext_lazy("it has neither a day of signing nor a first day"),
    "contract_cancelled_undated": gettext_lazy("it is cancelled, and nobody said since when"),
    "contract_other_currency": gettext_lazy("the books recognised it in another currency than it was signed in"),
    "renewal_few_contracts": gettext_lazy(
        "insufficient data: fewer than %(needed)s contracts of this length came to a renewal"
    ),
    "renewal_few_points": gettext_lazy(
        "insufficient data: contracts of this length did not come to %(needed)s renewals in a row"
    ),
    "renewal_no_fit": gettext_lazy("insufficient data: the renewals do not follow the model"),
    "formula_short_history": gettext_lazy("the ledger does not reach back 12 months"),
    "interval_contracts": gettext_lazy("the interval is that of estimates from orders; this is a value of contracts"),
    "backtest_short_history": gettext_lazy(
        "the ledger does not reach back over the months of the test and as many before them"
    ),
    "interval_not_drawn": gettext_lazy(
        "the night computes the interval, and what it rests on has changed since the last one"
    ),
    "interval_unstable": gettext_lazy("resampled customers give models too different for an interval"),
    "interval_many_accounts": gettext_lazy(
        "only the night computes the interval of more than %(limit)s accounts, for all of them and the usual outlook"
    ),
    "efforts_by_month": gettext_lazy("efforts are kept by month; choose a period of whole months"),
    "efforts_company_wide": gettext_lazy(
        "most efforts are for no account in particular, so they only count over all accounts, for those who see them all"
    ),
    "no_acquisition_money": gettext_lazy("no money spent on winning customers is recorded for these months"),
    "no_retention_money": gettext_lazy("no money spent on keeping customers is recorded for these months"),
    "no_acquisition_hours": gettext_lazy("no hours spent on winning customers are recorded for these months"),
    "no_retention_hours": gettext_lazy("no hours spent on keeping customers are recorded for these months"),
    "no_new_account": gettext_lazy("no customer was new in the period"),
    "no_kept_account": gettext_lazy("no existing customer bought in the period"),
    "new_unknown": gettext_lazy("who is new is not known: the ledger does not reach back 12 months before the period"),
    "payback_never": gettext_lazy("never: a new customer brings no gross profit"),
    "share_undefined": gettext_lazy("one side is below 0, or both are 0, so there are no shares"),
    "no_receivables": gettext_lazy("no invoice to be paid is recorded by that day"),
    "nothing_owed": gettext_lazy("nothing is owed"),
    "nothing_fell_due": gettext_lazy("nothing fell due in the last 12 months"),
    "nothing_issued": gettext_lazy("no invoice was issued in the last 12 months"),
    "no_map": gettext_lazy("nobody is in a buying centre yet"),
    "few_people": gettext_lazy(
        "not shown: fewer than 3 people count into it, and it would tell what one of them thinks"
    ),
    "no_cells": gettext_lazy("no department and level has to be known here"),
    "no_accounts": gettext_lazy("there is no account in view"),
    "no_valid_wallet": gettext_lazy("no account has an estimate of its spending that counts"),
    "no_cost_to_serve": gettext_lazy("no cost of serving it is recorded for the period"),
    "no_known_margin": gettext_lazy("no account has revenue above 0 and a cost on every line"),
    "interval_unknown": gettext_lazy("the value of an account is not known, so the interval is not either"),
}


@dataclass(frozen=True, slots=True, order=True)
class MissingRate:
    """A rate that some document of ``month`` needs and the table does not have."""

    month: date
    from_currency: str
    to_currency: str

    def __str__(self) -> str:
        return _("no rate %(source)s→%(target)s for %(month)s") % {
            "source": self.from_currency,
            "target": self.to_currency,
            "month": f"{self.month:%Y-%m}",
        }


def sentence(key: str, **details: object) -> str:
    """The words of ``key``, put into the language of whoever reads them: an answer may be kept for the next reader."""
    return _lazy_sentence(key, **details)


def missing_rates_sentence(missing: Iterable[MissingRate]) -> str:
    """The missing rates in one sentence, oldest first, the rest as a number; in the reader's language."""
    return _lazy_missing_rates(sorted(set(missing)))


def is_about_rates(reason: object) -> bool:
    """Whether a reason says that exchange rates are missing, so that adding them would mend it."""
    if not isinstance(reason, Promise):
        return False
    _unpickle, made_of = reason.__reduce__()[:2]
    function, words = made_of[:2]  # type: ignore[misc]
    return function is _missing_rates or (function is _sentence and words[0] in RATE_KEYS)


def _sentence(key: str, **details: object) -> str:
    return str(SENTENCES[key]) % details if details else str(SENTENCES[key])


def _missing_rates(rates: Sequence[MissingRate]) -> str:
    named = "; ".join(str(rate) for rate in rates[:SHOWN_RATES])
    if len(rates) <= SHOWN_RATES:
        return named
    return _("%(named)s; and %(count)s more") % {"named": named, "count": len(rates) - SHOWN_RATES}


_lazy_sentence, _lazy_missing_rates = lazy(_sentence, str), lazy(_missing_rates, str)
