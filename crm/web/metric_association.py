"""What goes together? The rules as a table, the strongest as bars, and the accounts that own one half of a rule alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.paginator import Page, Paginator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.web import formats
from crm.web.charts import Chart, Series, bars
from crm.web.figure import Kind, format_value
from crm.web.metric_asked import Asked, Piece, Sheet, Shown, accounts_behind, unsaid
from crm.web.metric_table import ROWS_A_PAGE, Column, Order
from crm.web.products_form import RULE_ORDERS, rule_of
from metrics.definitions import METRICS
from metrics.services.association import AssociationFigures, Rule, RuleOrder, association

KEYS = ("tested_pairs", "met_rules", "shown_rules", "missing_accounts")
OF_RULE = ("rule_lift", "rule_confidence", "rule_support", "rule_leverage", "rule_p_value")
CHART_RULES = 12
EXPORTED_RULES = 20_000
READS = {
    RuleOrder.LIFT: "plain",
    RuleOrder.LEVERAGE: "percent",
    RuleOrder.CONFIDENCE: "percent",
    RuleOrder.JOINT: "count",
}
KINDS = {"plain": Kind.NUMBER, "percent": Kind.PERCENT, "count": Kind.COUNT}


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A row of the table: the rule, its cells as text, and the addresses that its parts lead to."""

    rule: Rule
    cells: Sequence[str]
    is_now: bool
    query: str
    antecedent_query: str
    consequent_query: str


@dataclass(frozen=True, slots=True)
class RulesContent:
    """What the table of rules needs; ``page`` pages through them."""

    lines: Sequence[RuleLine]
    page: Page
    as_of: Any
    customers: str
    tested: str
    left_out: int
    product: Any
    all_query: str
    rule: Rule | None
    turned_down: int


def association_answer(asked: Asked) -> Shown:
    page = _page_number(asked.params.get("rules_page", ""))
    answer = _asked_for(asked, offset=(page - 1) * ROWS_A_PAGE, limit=ROWS_A_PAGE)
    pages = Paginator(range(answer.matching_rules), ROWS_A_PAGE)
    if page > pages.num_pages:  # of an address that is older than the rules
        page, answer = 1, _asked_for(asked, offset=0, limit=ROWS_A_PAGE)
    linked = replace(asked, links={**asked.links, "rule": answer.rule.key}) if answer.rule else asked
    columns = (
        Column("ttm_revenue", gettext_lazy("Revenue, 12 months"), Kind.MONEY),
        Column("antecedent_revenue", gettext_lazy("of it with A"), Kind.MONEY),
        Column("antecedent_last_on", gettext_lazy("A last bought"), Kind.DAY, is_sortable=False),
    )
    return Shown(
        sentence=_sentence(linked, answer),
        figures=[linked.figure(key, answer) for key in (*KEYS, *(OF_RULE if answer.rule else ()))],
        chart=_chart(answer if page == 1 else _asked_for(asked, offset=0, limit=ROWS_A_PAGE)),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, answer.table, columns, Order("ttm_revenue", descending=True)),
        behind=_behind(answer),
        below=Piece("metrics/_rules.html", _content(asked, answer, pages.page(page)))
        if answer.products_as_of
        else None,
        sheets=[Sheet("rules", _("Rules"), _headings(), lambda: _exported(asked))],
    )


def _asked_for(asked: Asked, **page: Any) -> AssociationFigures:
    cleaned = asked.form.cleaned_data
    return association(
        asked.accounts,
        product=cleaned["product"].pk if cleaned["product"] else None,
        order=cleaned["order"],
        currency=cleaned["currency"] or None,
        basis=cleaned.get("basis") or None,
        **rule_of(asked.params.get("rule", "")),
        **page,
    )


def _page_number(text: str) -> int:
    return max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) < 7 else 1


def _sentence(asked: Asked, answer: AssociationFigures) -> SafeString:
    rule = answer.rule
    if rule is None:
        return unsaid(answer.reasons.get("missing_accounts", ""))
    return format_html(
        _(
            "Who buys {antecedent} also buys {consequent}: {joint} of {owners} customers, {lift} times as many as chance"
            " would have it. {missing} accounts you see own the first and not the second."
        ),
        antecedent=format_html("<strong>{}</strong>", rule.antecedent),
        consequent=format_html("<strong>{}</strong>", rule.consequent),
        joint=formats.number(rule.joint),
        owners=formats.number(rule.antecedent_owners),
        lift=asked.said(asked.figure("rule_lift", answer)),
        missing=asked.said(asked.figure("missing_accounts", answer)),
    )


def _behind(answer: AssociationFigures) -> str:
    if answer.rule is None:
        return ""
    return _("Own %(antecedent)s and not %(consequent)s") % {
        "antecedent": answer.rule.antecedent,
        "consequent": answer.rule.consequent,
    }


def _content(asked: Asked, answer: AssociationFigures, page: Page) -> RulesContent:
    return RulesContent(
        lines=[_line(asked, answer, rule) for rule in answer.rules],
        page=page,
        as_of=answer.products_as_of,
        customers=formats.number(answer.customers),
        tested=formats.number(answer.tested_products or 0),
        left_out=answer.left_out_products or 0,
        product=answer.product,
        all_query=asked.without_params("product", "rule", "rules_page"),
        rule=answer.rule,
        turned_down=answer.turned_down,
    )


def _line(asked: Asked, answer: AssociationFigures, rule: Rule) -> RuleLine:
    def of_product(code: str) -> str:
        params = asked.params.copy()
        for name in ("rule", "rules_page", "page"):
            params.pop(name, None)
        params["product"] = code
        return params.urlencode()

    return RuleLine(
        rule=rule,
        cells=_cells(rule),
        is_now=answer.rule is not None and rule.key == answer.rule.key,
        query=asked.with_params(rule=rule.key),
        antecedent_query=of_product(rule.antecedent.code),
        consequent_query=of_product(rule.consequent.code),
    )


def _cells(rule: Rule) -> list[str]:
    return [
        formats.number(rule.joint),
        formats.number(rule.antecedent_owners),
        formats.number(rule.consequent_owners),
        formats.percent(rule.support),
        formats.percent(rule.confidence),
        formats.number(rule.lift, decimals=2),
        formats.percent(rule.leverage, decimals=2),
        format_value(rule.adjusted_p_value, Kind.CHANCE),
    ]


def _headings() -> list[Any]:
    return [
        _("Code of A"), "A", _("Code of B"), "B", _("Customers with both"), _("Customers with A"), _("Customers with B"),
        *(METRICS[key].label for key in ("rule_support", "rule_confidence", "rule_lift", "rule_leverage")),
        "p", METRICS["rule_p_value"].label,
    ]  # fmt: skip


def _exported(asked: Asked) -> Iterator[list[Any]]:
    """The rules of the answer in its order, the strongest EXPORTED_RULES of them."""
    for rule in _asked_for(asked, limit=EXPORTED_RULES).rules:
        yield [
            rule.antecedent.code, rule.antecedent.name, rule.consequent.code, rule.consequent.name, rule.joint,
            rule.antecedent_owners, rule.consequent_owners, rule.support, rule.confidence, rule.lift, rule.leverage,
            rule.p_value, rule.adjusted_p_value,
        ]  # fmt: skip


def _chart(answer: AssociationFigures) -> Chart:
    """The first rules by the measure they are sorted by."""
    is_one_way = answer.order is RuleOrder.CONFIDENCE  # the other measures are alike in both directions
    pairs = {rule.key if is_one_way else frozenset(rule.key.split("-")): rule for rule in reversed(answer.rules)}
    shown = list(pairs.values())[::-1][:CHART_RULES]
    reads, arrow = READS[answer.order], "→" if is_one_way else "↔"
    values = [getattr(rule, str(answer.order)) for rule in shown]
    labels = [f"{rule.antecedent} {arrow} {rule.consequent}" for rule in shown]
    name = str(dict(RULE_ORDERS)[answer.order])
    option = bars(labels, [Series(name, [round(value, 4) for value in values])], reads=reads, horizontal=True)
    option["yAxis"] |= {"axisLabel": {"width": 260, "overflow": "truncate", "interval": 0, "hideOverlap": False}}
    title = _("The rules with the most %(measure)s") % {"measure": name}
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        summary=ngettext("%(count)s rule.", "%(count)s rules.", len(shown)) % {"count": len(shown)},
        option=option,
        columns=[_("Rule"), name],
        rows=[[label, format_value(value, KINDS[reads])] for label, value in zip(labels, values, strict=True)],
        size="lg",
        is_empty=not shown,
        empty_title=_("No rule to draw"),
        empty_text=answer.reasons.get("missing_accounts", ""),
    )
