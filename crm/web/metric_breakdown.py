"""Where did the change come from, leaf by leaf: the bridge of each segment, industry, region, grade, owner or product as a row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.lib.money import MINOR_PLACES
from crm.web import formats
from crm.web.drivers_form import LEAVES, WHOLE, LeavesForm
from crm.web.formats import NumberStyle
from crm.web.metric_asked import Asked, Piece, Sheet
from crm.web.metric_form import TwoPeriodsForm, two_period_defaults
from crm.web.metric_leaves import (
    LEAF_HEADS,
    LEAF_TITLES,
    SHOWN_LEAVES,
    LeafLine,
    Leaves,
    more_words,
    narrowed_to,
)
from metrics.definitions import METRICS
from metrics.frames_parts import ProductDimension
from metrics.leaves import Dimension
from metrics.services.breakdown import COLUMNS, TOTALS, Breakdown, BridgeLeaf, breakdown_by, dimension_of
from metrics.services.portfolio import Bar, BridgeFigures, TwoPeriods

HALF = 50.0  # of the width of a bar: it grows from the middle to either side


PRODUCTS = (
    (str(ProductDimension.PRODUCT), gettext_lazy("product")),
    (str(ProductDimension.CATEGORY), gettext_lazy("product category")),
)


class BridgeForm(LeavesForm):
    """Two periods, and what to split them by; the address says so only where something was chosen."""

    by = forms.ChoiceField(
        label=gettext_lazy("Broken down by"), choices=[*PRODUCTS, *((str(key), label) for key, label in LEAVES)]
    )

    def choices(self) -> dict[str, Any]:
        return TwoPeriodsForm.choices(self)

    def query(self) -> dict[str, str]:
        return {name: value for name, value in super().query().items() if (name, value) != ("by", WHOLE)}

    @property
    def dimension(self) -> Dimension | ProductDimension | None:
        chosen = self.cleaned_data["by"]
        return None if chosen == WHOLE else dimension_of(chosen)


@dataclass(frozen=True, slots=True)
class _Row:
    """The bars of one leaf, of the small ones together or of the whole."""

    bars: Mapping[str, Bar]
    change: Decimal


def bridge_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return two_period_defaults(params, as_of) | {"by": WHOLE}


def asked_breakdown(asked: Asked, found: TwoPeriods, bridge: BridgeFigures) -> Breakdown | None:
    """The leaves the address asks for; None where nothing was asked for or nothing is known."""
    by = asked.form.dimension if isinstance(asked.form, BridgeForm) else None
    breakdown = breakdown_by(found, bridge, by=by) if by else None
    return breakdown if breakdown and breakdown.leaves else None


def breakdown_sheet(breakdown: Breakdown) -> Sheet:
    """Every leaf with its amounts in full, and the accounts of each bar."""
    names = list(COLUMNS)
    headings = [LEAF_HEADS[breakdown.by], _("Key"), _("Change"), *(METRICS[name].label for name in names)]
    headings += [f"{METRICS[name].label}: {_('accounts')}" for name in names]

    def rows() -> Iterator[list[Any]]:
        for leaf in breakdown.leaves:
            amounts = [leaf.bars[name].amount for name in names]
            yield [str(leaf.label), leaf.key, leaf.change, *amounts, *(leaf.bars[name].accounts for name in names)]

    return Sheet("leaves", LEAF_TITLES[breakdown.by], headings, rows)


def breakdown_piece(asked: Asked, found: Breakdown, bridge: BridgeFigures) -> Piece | None:
    """The table below the chart, in the words of the revenue bridge."""
    return breakdown_table(asked, found, bridge, {name: METRICS[name].label for name in COLUMNS})


def breakdown_table(asked: Asked, found: Breakdown, bridge: BridgeFigures, labels: Mapping[str, Any]) -> Piece | None:
    """The leaves of a bridge as a table, with the words of its lines; None where there are none."""
    by, leaves = found.by, found.leaves
    if not leaves:
        return None
    largest = max(abs(leaf.change) for leaf in leaves)
    names = [name for name in COLUMNS if name in TOTALS or bridge.bars[name].accounts]  # nobody's line has no column
    lines = [
        LeafLine(
            leaf.label,
            _cells(_Row(leaf.bars, leaf.change), names, largest, asked.style),
            narrowed_to(asked, by, leaf.key) if isinstance(by, Dimension) else "",
        )
        for leaf in leaves[:SHOWN_LEAVES]
    ]
    rest = leaves[SHOWN_LEAVES:]
    if rest:
        lines.append(
            LeafLine(
                more_words(len(rest)),
                _cells(_together(rest, with_accounts=not found.is_by_product), names, largest, asked.style),
            )
        )
    lines.append(
        LeafLine(_("Together"), _cells(_Row(bridge.bars, _change(bridge.bars)), names, None, asked.style), is_sum=True)
    )
    columns = [_("Change"), "", *(labels[name] for name in names)]
    note = _(
        "An account decides the line, and each product it buys has its part of it: a product may fall inside an account"
        " that grows. Amounts add up to the bridge; an account counts with each of its products."
    )
    leaves_shown = Leaves(
        LEAF_HEADS[by],
        columns,
        lines,
        bridge.currency,
        title=LEAF_TITLES[by],
        note=note if found.is_by_product else "",
    )
    return Piece("metrics/_drivers.html", leaves_shown)


def _cells(row: _Row, names: Sequence[str], largest: Decimal | None, style: NumberStyle) -> list[str | SafeString]:
    drawn: str | SafeString = "" if largest is None else split_bar(row.change, largest)
    change = _short(row.change, style, is_signed=True, told=formats.money(row.change, decimals=MINOR_PLACES))
    return [change, drawn, *(_told(name, row.bars[name], style) for name in names)]


def _told(name: str, bar: Bar, style: NumberStyle) -> SafeString:
    """An amount short, with all of it and the number of its accounts for those who point at it."""
    amount, accounts = bar.amount or Decimal(0), bar.accounts
    told = formats.money(amount, decimals=MINOR_PLACES)
    if accounts is not None:
        told = ngettext("%(amount)s, %(count)s account", "%(amount)s, %(count)s accounts", accounts) % {
            "amount": told,
            "count": formats.number(accounts),
        }
    return _short(amount, style, is_signed=name not in TOTALS, told=told)


def _short(amount: Decimal, style: NumberStyle, *, is_signed: bool, told: str) -> SafeString:
    text = formats.money_short(amount, style)
    if is_signed and amount > 0:
        text = f"+{text}"
    css = "" if not is_signed or not amount else "up" if amount > 0 else "down"
    return format_html('<span class="{}" title="{}">{}</span>', css, told, text)


def split_bar(value: Decimal, largest: Decimal) -> SafeString:
    """A bar from the middle: to the right above zero, to the left below; the number stands beside it."""
    width = HALF * float(abs(value) / largest) if largest else 0.0
    return format_html(
        '<svg class="split-bar split-{}" aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 100 8">'
        '<rect x="{}" width="{}" height="8"></rect><line x1="50" x2="50" y1="0" y2="8"></line></svg>',
        "down" if value < 0 else "up",
        f"{HALF - width if value < 0 else HALF:.2f}",
        f"{width:.2f}",
    )


def _together(leaves: Sequence[BridgeLeaf], *, with_accounts: bool) -> _Row:
    """Without accounts where one may stand in several of the leaves."""
    bars = {
        name: Bar(
            sum((leaf.bars[name].amount or Decimal(0) for leaf in leaves), Decimal(0)),
            sum(leaf.bars[name].accounts or 0 for leaf in leaves) if with_accounts else None,
        )
        for name in COLUMNS
    }
    return _Row(bars, _change(bars))


def _change(bars: Mapping[str, Bar]) -> Decimal:
    return (bars["closing"].amount or Decimal(0)) - (bars["opening"].amount or Decimal(0))
