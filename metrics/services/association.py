"""What goes together? Rules between products, learnt from all customers, and the accounts that own one half alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Unpack

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from accounts.models import Account, Product
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import CrmError
from crm.lib.periods import prior_ttm, ttm
from crm.lib.remember import is_remembered, remembered
from metrics import frames, reasons
from metrics.formulas.association import MIN_JOINT_ACCOUNTS, RuleFigures, association_rules, ownership, rule_figures
from metrics.formulas.exact import FloatArray
from metrics.frames import IntArray
from metrics.frames_products import ProductRows, product_rows, products_as_of, products_state, rows_of_products
from metrics.models_rejections import SuggestionRejection
from metrics.scope import Level, Scope, scope_of
from metrics.selectors import default_as_of
from metrics.services.base import AccountTable, Answer, passport
from metrics.services.choices import Choices
from metrics.services.empty_basis import says_why_empty

NAME = "association_rules"
MOST_PRODUCTS = 500  # the most owned ones are held against one another; 125,000 pairs take a second
LISTED_RULES = 25
MAX_LISTED_RULES = 500
COUNTS = ("tested_products", "tested_pairs", "met_rules", "shown_rules")
COLUMNS = ("antecedent_revenue", "antecedent_last_on", "ttm_revenue")
NOBODY = AccountTable(
    np.empty(0, dtype=np.int64),
    {name: np.empty(0, dtype="datetime64[D]" if name.endswith("_on") else np.float64) for name in COLUMNS},
)


class RuleOrder(StrEnum):
    """What rules are sorted by, largest first; equal ones by the accounts they rest on."""

    LIFT = "lift"
    LEVERAGE = "leverage"
    CONFIDENCE = "confidence"
    JOINT = "joint"


class NoSuchRule(CrmError):
    """The two products make no rule that is shown."""

    code = "no-such-rule"
    status = 404


@dataclass(frozen=True, slots=True, eq=False)
class RuleBook:
    """The shown rules over the whole ledger, each column (r,); antecedent and consequent are places in product_ids.

    product_ids, owners (k,) : the products tested, most owned first; candidates : products with enough owners, of which
    these are the most owned; accounts : customers that own anything; met_rules : rules on MIN_JOINT_ACCOUNTS or more
    """

    product_ids: IntArray
    owners: IntArray
    candidates: int
    accounts: int
    tested_pairs: int
    met_rules: int
    antecedent: NDArray[np.int32]
    consequent: NDArray[np.int32]
    joint: NDArray[np.int32]
    p_value: FloatArray
    adjusted_p_value: FloatArray

    @property
    def figures(self) -> RuleFigures:
        return rule_figures(
            self.joint, self.owners[self.antecedent], self.owners[self.consequent], accounts=self.accounts
        )

    def place_of(self, product_id: int | None) -> int:
        """Place of a product, -1 where it was not tested."""
        found = np.flatnonzero(self.product_ids == product_id)
        return int(found[0]) if len(found) else -1


@dataclass(frozen=True, slots=True)
class Rule:
    """Who buys ``antecedent`` also buys ``consequent``; p_value of Fisher's test, adjusted over all pairs tested."""

    antecedent: Product
    consequent: Product
    antecedent_owners: int
    consequent_owners: int
    joint: int
    support: float
    confidence: float
    lift: float
    leverage: float
    p_value: float
    adjusted_p_value: float

    @property
    def key(self) -> str:
        return f"{self.antecedent.pk}-{self.consequent.pk}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AssociationFigures(Answer):
    """Rules are learnt from all customers of the ledger, as the last night summed them up; an account owns a product
    once it has bought it. ``table``: accounts in view that own the antecedent of ``rule`` and not its consequent.

    matching_rules : shown rules that have the product asked for on either side; ``rules`` are a page of them
    missing_accounts : rows of the table; turned_down : accounts left out since they have turned the consequent down
    left_out_products : have enough owners, but fewer than the MOST_PRODUCTS tested
    """

    products_as_of: date | None
    customers: int
    tested_products: int | None
    left_out_products: int | None
    tested_pairs: int | None
    met_rules: int | None
    shown_rules: int | None
    matching_rules: int
    order: RuleOrder
    product: Product | None
    rules: tuple[Rule, ...]
    rule: Rule | None
    missing_accounts: int | None
    turned_down: int

    @property
    def rule_support(self) -> float | None:
        return self.rule.support if self.rule else None

    @property
    def rule_confidence(self) -> float | None:
        return self.rule.confidence if self.rule else None

    @property
    def rule_lift(self) -> float | None:
        return self.rule.lift if self.rule else None

    @property
    def rule_leverage(self) -> float | None:
        return self.rule.leverage if self.rule else None

    @property
    def rule_p_value(self) -> float | None:
        return self.rule.adjusted_p_value if self.rule else None


@says_why_empty
def association(
    accounts: AccountQuerySet,
    *,
    product: int | None = None,
    order: RuleOrder | str = RuleOrder.LIFT,
    antecedent: int | None = None,
    consequent: int | None = None,
    limit: int | None = LISTED_RULES,
    offset: int = 0,
    **choices: Unpack[Choices],
) -> AssociationFigures:
    """Rules between the products of all customers, and whom of ``accounts`` (limited to what the caller may see) to call.

    product : only rules with it on either side; it is tested even where it is not among the most owned
    antecedent, consequent : the rule whose accounts are asked for; by default the first one listed
    A few queries; the rules are kept until a night changes the sums. Raises NoSuchRule for a rule that is not shown.
    """
    scope = scope_of(accounts, basis=choices.get("basis"), currency=choices.get("currency"))
    by, as_of = RuleOrder(order), products_as_of()
    asked = Product.objects.filter(pk=product).first() if product is not None else None
    if as_of is None:
        return _nothing(scope, by, asked, reasons.sentence("whitespace_no_night"))
    book = rule_book(scope_of(Account.objects.all(), basis=scope.basis), as_of, product=asked.pk if asked else None)
    chosen = _matching(book, by, product=product)
    rules = _rules(book, chosen[offset : None if limit is None else offset + limit])
    rule: Rule | None
    if antecedent is not None and consequent is not None:
        rule = _one(book, antecedent, consequent)
    else:
        rule = next(iter(rules or _rules(book, chosen[:1])), None)
    table, turned_down = _to_call(scope, rule, as_of) if rule else (NOBODY, 0)
    why = {} if rule else {"missing_accounts": _why_no_rule(book, asked)}
    return AssociationFigures(
        products_as_of=as_of,
        customers=book.accounts,
        tested_products=len(book.product_ids),
        left_out_products=book.candidates - len(book.product_ids),
        tested_pairs=book.tested_pairs,
        met_rules=book.met_rules,
        shown_rules=len(book.joint),
        matching_rules=len(chosen),
        order=by,
        product=asked,
        rules=tuple(rules),
        rule=rule,
        missing_accounts=len(table) if rule else None,
        turned_down=turned_down,
        currency=scope.currency,
        reasons=why,
        passport=passport(
            "association", scope=scope, level=Level.ENTITY, as_of=as_of, accounts=len(table), base=prior_ttm(as_of),
            comparison=ttm(as_of),
        ),
        table=table,
    )  # fmt: skip


def rule_book(everything: Scope, as_of: date, *, product: int | None = None) -> RuleBook:
    """The rules over the whole ledger, kept until a night changes the sums; ``product`` is among those tested."""
    state = _state(everything, as_of)
    book = remembered(NAME, (*state, None), lambda: _learnt(product_rows(everything, as_of=as_of), None))
    if product is None or book.place_of(product) >= 0:
        return book
    return remembered(NAME, (*state, product), lambda: _learnt(product_rows(everything, as_of=as_of), product))


def is_rule_book_kept(everything: Scope, as_of: date) -> bool:
    """Whether the next reader waits for nothing to be learnt; two look-ups."""
    return is_remembered(NAME, (*_state(everything, as_of), None))


def _state(everything: Scope, as_of: date) -> tuple[object, ...]:
    return (*products_state(everything), as_of, RuleBook.__slots__)


def _learnt(rows: ProductRows, product: int | None) -> RuleBook:
    is_owned = ~np.isnat(rows.first_on)
    accounts, row = np.unique(rows.account_ids[is_owned], return_inverse=True)
    ids, column = np.unique(rows.product_ids[is_owned], return_inverse=True)
    owned = ownership(row, column, accounts=len(accounts), products=len(ids))
    owners = np.asarray(owned.astype(np.int64).sum(axis=0), dtype=np.int64)
    places, candidates = _most_owned(ids, owners, product)
    found = association_rules(owned[:, places])
    shown = found.is_shown
    return RuleBook(
        product_ids=ids[places],
        owners=owners[places],
        candidates=candidates,
        accounts=len(accounts),
        tested_pairs=found.tested_pairs,
        met_rules=len(found.joint),
        antecedent=found.antecedent[shown].astype(np.int32),
        consequent=found.consequent[shown].astype(np.int32),
        joint=found.joint[shown].astype(np.int32),
        p_value=found.p_value[shown],
        adjusted_p_value=found.adjusted_p_value[shown],
    )


def _most_owned(ids: IntArray, owners: IntArray, product: int | None) -> tuple[IntArray, int]:
    """(places of the products that are tested, most owned first; how many have enough owners).

    A product with too few owners can be in no rule; one that is asked for is tested instead of the least owned.
    """
    order = np.lexsort((ids, -owners))
    enough = order[owners[order] >= MIN_JOINT_ACCOUNTS]
    chosen = enough[:MOST_PRODUCTS]
    asked = enough[ids[enough] == product] if product is not None else enough[:0]
    if len(asked) and asked[0] not in chosen:
        chosen = np.append(chosen[: MOST_PRODUCTS - 1], asked)
    return chosen.astype(np.int64), len(enough)


def _matching(book: RuleBook, by: RuleOrder, *, product: int | None) -> IntArray:
    """Numbers of the rules with the product on either side, sorted; all of them without one."""
    chosen = np.arange(len(book.joint))
    if product is not None:
        place = book.place_of(product)
        chosen = chosen[(book.antecedent == place) | (book.consequent == place)]
    figures = book.figures
    key = book.joint if by is RuleOrder.JOINT else np.round(getattr(figures, str(by)), 12)
    return chosen[np.lexsort((book.consequent[chosen], book.antecedent[chosen], -book.joint[chosen], -key[chosen]))]


def _rules(book: RuleBook, chosen: IntArray) -> list[Rule]:
    """The rules with their products named; one query."""
    a, b = book.antecedent[chosen], book.consequent[chosen]
    figures = rule_figures(book.joint[chosen], book.owners[a], book.owners[b], accounts=book.accounts)
    named = Product.objects.in_bulk(np.unique(book.product_ids[np.concatenate([a, b])]).tolist())
    measures = (
        figures.support, figures.confidence, figures.lift, figures.leverage, book.p_value[chosen],
        book.adjusted_p_value[chosen],
    )  # fmt: skip
    return [
        Rule(
            named[int(book.product_ids[a[at]])],
            named[int(book.product_ids[b[at]])],
            int(book.owners[a[at]]),
            int(book.owners[b[at]]),
            int(book.joint[number]),
            *(float(measure[at]) for measure in measures),
        )
        for at, number in enumerate(chosen.tolist())
    ]


def _one(book: RuleBook, antecedent: int, consequent: int) -> Rule:
    a, b = book.place_of(antecedent), book.place_of(consequent)
    found = np.flatnonzero((book.antecedent == a) & (book.consequent == b)) if min(a, b) >= 0 else np.empty(0, int)
    if not len(found):
        raise NoSuchRule(_("There is no such rule. Choose one of those listed."))
    return _rules(book, found)[0]


def _to_call(scope: Scope, rule: Rule, as_of: date) -> tuple[AccountTable, int]:
    """(accounts in view that own A and not B, with what they buy; how many more have turned B down)."""
    rows = rows_of_products(scope, [rule.antecedent.pk, rule.consequent.pk], as_of=as_of)
    has_a = (rows.product_ids == rule.antecedent.pk) & ~np.isnat(rows.first_on)
    with_b = rows.account_ids[(rows.product_ids == rule.consequent.pk) & ~np.isnat(rows.first_on)]
    ids = np.setdiff1d(rows.account_ids[has_a], with_b)
    refused = SuggestionRejection.objects.filter(
        product=rule.consequent, withdrawn_at__isnull=True, account_id__in=ids.tolist()
    )
    turned_down = np.array(list(refused.values_list("account_id", flat=True)), dtype=np.int64)
    ids = np.setdiff1d(ids, turned_down)
    mine = has_a & np.isin(rows.account_ids, ids)
    place = np.searchsorted(ids, rows.account_ids[mine])
    revenue, last = np.zeros(len(ids)), np.full(len(ids), np.datetime64(date.min), dtype="datetime64[D]")
    np.add.at(revenue, place, rows.net[mine])
    np.maximum.at(last, place, rows.last_on[mine])
    columns: dict[str, NDArray[Any]] = {
        "antecedent_revenue": np.round(revenue, 4),
        "antecedent_last_on": last,
        "ttm_revenue": _year_of(scope, ids, as_of),
    }
    return AccountTable(ids, columns), len(turned_down)


def _year_of(scope: Scope, ids: IntArray, as_of: date) -> FloatArray:
    """Net revenue of the rolling year of each account, NaN where a rate is missing; one query."""
    found = frames.windows(scope, [ttm(as_of)])
    net = np.where(found.is_missing[:, 0], np.nan, found.net[:, 0])
    where = np.searchsorted(found.spans.account_ids, ids)
    return np.asarray(net[where])


def _why_no_rule(book: RuleBook, asked: Product | None) -> str:
    if not book.tested_pairs:
        return reasons.sentence("association_no_pair", needed=MIN_JOINT_ACCOUNTS)
    if asked is not None and book.place_of(asked.pk) < 0:
        return reasons.sentence("association_few_owners", needed=MIN_JOINT_ACCOUNTS)
    return reasons.sentence("association_no_rule")


def _nothing(scope: Scope, by: RuleOrder, asked: Product | None, why: str) -> AssociationFigures:
    names: Sequence[str] = (*COUNTS, "left_out_products", "missing_accounts")
    return AssociationFigures(
        products_as_of=None, customers=0, **dict.fromkeys(names), matching_rules=0, order=by, product=asked, rules=(),
        rule=None, turned_down=0, currency=scope.currency, reasons=dict.fromkeys(names, why), table=NOBODY,
        passport=passport("association", scope=scope, level=Level.ENTITY, as_of=default_as_of(), accounts=0),
    )  # fmt: skip
