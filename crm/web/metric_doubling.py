"""What would it take to double? The drivers to play with, what they give, and the accounts that could deliver it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Any, cast
from urllib.parse import urlencode

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.web import formats
from crm.web.charts import Chart, Step, waterfall
from crm.web.drivers_form import DoublingForm, Slider
from crm.web.figure import Figure, Kind
from crm.web.metric_asked import Asked, Piece, Shown, accounts_behind, unsaid
from crm.web.metric_table import Column, Order
from metrics.definitions import METRICS
from metrics.services.doubling import (
    BELOW_PEERS,
    DRIVERS,
    RATIO_DECIMALS,
    WITHOUT_ORDER,
    DoublingFigures,
    Driver,
    doubling,
)

FIGURES = ("revenue", "scenario_revenue", "scenario_multiple", "target_revenue")
STANDINGS = {WITHOUT_ORDER: gettext_lazy("without an order"), BELOW_PEERS: gettext_lazy("below their peers")}
REVENUE, PRIOR, MEDIAN, GAP, LAST_ORDER = (
    Column("revenue", gettext_lazy("Revenue"), Kind.MONEY),
    Column("prior_revenue", gettext_lazy("A year before"), Kind.MONEY),
    Column("peer_median", gettext_lazy("Median of peers"), Kind.MONEY),
    Column("peer_gap", gettext_lazy("Gap to it"), Kind.MONEY),
    Column("last_order_on", gettext_lazy("Last order"), Kind.DAY, is_sortable=False),
)
FORMER_LINES = {"sleeping": WITHOUT_ORDER}  # in addresses kept before sleepers meant one thing
COLUMNS = {WITHOUT_ORDER: (PRIOR, LAST_ORDER), BELOW_PEERS: (REVENUE, MEDIAN, GAP, LAST_ORDER)}
ALL_COLUMNS = (REVENUE, Column("potential", gettext_lazy("Could bring"), Kind.MONEY), PRIOR, MEDIAN, LAST_ORDER)
TIMES_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class PlayDriver:
    """One driver: its slider, and what is known of it as (label, value)."""

    slider: Slider
    facts: Sequence[tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Chance:
    """Who could deliver it, in a sentence; ``query``: the accounts here; ``list_query``: of the list of sleepers, where the
    later ones of them stand."""

    words: SafeString
    query: str
    list_query: str | None = None


@dataclass(frozen=True, slots=True)
class Play:
    """The form of the drivers. ``hidden``: what it carries along; ``reset``: the address with no driver set, if one is;
    ``chances``: who could deliver it."""

    drivers: Sequence[PlayDriver]
    hidden: Sequence[tuple[str, str]]
    reset: str
    chances: Sequence[Chance]


def doubling_answer(asked: Asked) -> Shown:
    form = cast(DoublingForm, asked.form)
    answer = doubling(asked.accounts, period=form.cleaned_data["period"], as_of=asked.as_of, **form.choices())
    line = asked.params.get("line", "")
    line = FORMER_LINES.get(line, line)
    line = line if line in STANDINGS else ""
    table = answer.standing(line) if line else answer.table.where(answer.table.columns["standing"] != "")
    return Shown(
        sentence=_sentence(asked, answer, is_set=form.is_set),
        figures=[asked.figure(key, answer) for key in FIGURES],
        chart=_chart(asked, answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, table, COLUMNS.get(line, ALL_COLUMNS), Order("potential", descending=True)),
        lines=[(key, label) for key, label in STANDINGS.items() if getattr(answer, key).accounts],
        line=line,
        above=Piece("metrics/_doubling.html", _play(asked, form, answer)),
    )


def _sentence(asked: Asked, answer: DoublingFigures, *, is_set: bool) -> SafeString:
    if answer.scenario_revenue is None or answer.revenue is None:
        return unsaid(answer.reasons.get("scenario_revenue", "") or answer.reasons.get("revenue", ""))
    scenario = asked.said(asked.figure("scenario_revenue", answer))
    if answer.target_revenue is None or answer.scenario_multiple is None:
        return format_html(_("With these drivers revenue is {scenario}."), scenario=scenario)
    parts: dict[str, Any] = {
        "revenue": asked.said(asked.figure("revenue", answer)),
        "target": asked.said(asked.figure("target_revenue", answer)),
        "factor": asked.said(asked.figure("equal_factor", answer)),
        "scenario": scenario,
        "multiple": asked.said(asked.figure("scenario_multiple", answer)),
        "missing": format_html(
            "<strong>{} {}</strong>",
            formats.money_short(max(answer.target_revenue - answer.scenario_revenue, Decimal(0)), asked.style),
            answer.currency,
        ),
    }
    if not is_set and _is_capped(answer):
        other = answer.drivers["covered_accounts"].equal_multiple or 1.0
        times = format_html("<strong>{}</strong>", formats.number(other, decimals=TIMES_DECIMALS))
        words = _("From {revenue} to {target}: were every covered account active, the other two drivers would still have to grow {times} times.")  # fmt: skip
        return format_html(words, **parts, times=times)
    if not is_set:
        return format_html(
            _("From {revenue} to {target}: each of the three drivers times {factor} is enough."), **parts
        )
    if answer.is_reached:
        return format_html(_("Yes: with these drivers revenue is {scenario}, {multiple} times as much; the target is {target}."), **parts)  # fmt: skip
    return format_html(_("Not yet: with these drivers revenue is {scenario}, {multiple} times as much; {missing} are missing to {target}."), **parts)  # fmt: skip


def _is_capped(answer: DoublingFigures) -> bool:
    """Growing alike, the active rate would pass 100 %."""
    rate = answer.drivers["active_rate"].equal_multiple
    return rate is not None and round(rate, RATIO_DECIMALS) < round(answer.equal_factor, RATIO_DECIMALS)


def _chart(asked: Asked, answer: DoublingFigures) -> Chart:
    steps: list[Step] = []
    if answer.change is not None and answer.revenue is not None and answer.target_revenue is not None:
        ends = {
            "revenue": (_("The period"), answer.revenue, "--period-base"),
            "scenario_revenue": (_("With these drivers"), answer.scenario_revenue, "--period-comparison"),
            "target_revenue": (_("Target"), answer.target_revenue, "--bridge-neutral"),
        }
        drawn = [_end(asked, *one, key) for key, one in ends.items()]
        moved = [(name, answer.drivers[name].effect) for name in DRIVERS]
        inner = [
            Step(
                str(METRICS[name].label),
                float(effect),
                "--bridge-good" if effect > 0 else "--bridge-bad",
                _with_sign(effect, asked),
            )
            for name, effect in moved
            if effect
        ]
        steps = [drawn[0], *inner, *drawn[1:]]
    title = _("What the drivers bring, %(currency)s") % {"currency": answer.currency}
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        summary="; ".join(f"{step.label}: {step.text}" for step in steps),
        option=waterfall(steps),
        columns=[_("Part"), _("Amount, %(currency)s") % {"currency": answer.currency}],
        rows=[[step.label, formats.money(step.amount)] for step in steps],
        size="lg",
        is_empty=not steps,
        **({"empty_text": answer.reasons["target_revenue"]} if "target_revenue" in answer.reasons else {}),
    )


def _end(asked: Asked, label: str, amount: Decimal | None, colour: str, key: str) -> Step:
    value = amount or Decimal(0)
    href = Figure(key, "", None, Kind.MONEY, query=asked.links).href
    return Step(label, float(value), colour, formats.money_short(value, asked.style), is_total=True, href=href)


def _play(asked: Asked, form: DoublingForm, answer: DoublingFigures) -> Play:
    today = {name: _typed(name, answer.drivers[name].current) for name in DRIVERS}
    for name in DRIVERS:
        form.fields[name].widget.attrs["placeholder"] = f"{today[name]:.10g}"
    missing = None
    if answer.target_revenue is not None and answer.scenario_revenue is not None:
        missing = max(answer.target_revenue - answer.scenario_revenue, Decimal(0))
    return Play(
        drivers=[
            PlayDriver(slider, _facts(asked, slider.field.name, answer.drivers[slider.field.name], answer))
            for slider in form.sliders(today, currency=answer.currency)
        ],
        hidden=[*form.kept(), *_filters(asked)],
        reset=asked.without_params(*DRIVERS) if form.is_set else "",
        chances=_chances(asked, answer, missing),
    )


def _filters(asked: Asked) -> list[tuple[str, str]]:
    """The account filters, for the form to carry along."""
    own = asked.form.base_fields
    return [
        (name, str(value))
        for name, values in asked.links.items()
        if name not in own
        for value in (values if isinstance(values, list) else [values])
    ]


def _typed(name: str, value: Any) -> float:
    """A driver as its field takes it; 0 where it is not known."""
    if value is None:
        return 0.0
    return round(float(value) * 100, 2) if name == "active_rate" else round(float(value), 2)


def _facts(asked: Asked, name: str, driver: Driver, answer: DoublingFigures) -> list[tuple[Any, Any]]:
    facts: list[tuple[Any, Any]] = [(_("In the period"), _text(asked, name, driver.current))]
    if driver.multiple is not None and driver.value != driver.current:
        facts.append((_("Times as much"), formats.number(driver.multiple, decimals=TIMES_DECIMALS)))
    if driver.effect:
        facts.append((_("Brings"), f"{_with_sign(driver.effect, asked)} {answer.currency}"))
    if answer.target_revenue is not None:
        facts.append((_("This alone, for the target"), _needed(asked, name, driver)))
        facts.append((_("All three alike"), _text(asked, name, driver.equal_value)))
    return facts


def _needed(asked: Asked, name: str, driver: Driver) -> SafeString | str:
    if driver.needed is None:
        return format_html('<span class="na">{}</span>', _("out of reach"))
    text = _text(asked, name, driver.needed)
    return text if driver.is_reachable else format_html("{} · {}", text, _("out of reach"))


def _text(asked: Asked, name: str, value: Any) -> str | SafeString:
    """A driver in words; numbers of accounts are rounded up, for half an account is none."""
    if value is None:
        return format_html('<span class="na">{}</span>', _("n/a"))
    if name == "covered_accounts":
        return formats.number(ceil(round(float(value), 6)))
    return formats.percent(value) if name == "active_rate" else formats.money_short(value, asked.style)


def _with_sign(amount: Decimal, asked: Asked) -> str:
    text = formats.money_short(amount, asked.style)
    return f"+{text}" if amount > 0 else text


def _chances(asked: Asked, answer: DoublingFigures, missing: Decimal | None) -> list[Chance]:
    found = []
    for key, one_many in (
        (WITHOUT_ORDER, _silent_words(answer.without_order.accounts or 0)),
        (BELOW_PEERS, _below_words(answer.below_peers.accounts or 0)),
    ):
        bar = getattr(answer, key)
        if not bar.accounts or bar.amount is None:
            continue
        metric = {WITHOUT_ORDER: "without_order_revenue", BELOW_PEERS: "peer_gap"}[key]
        words = format_html(
            one_many,
            accounts=format_html("<strong>{}</strong>", formats.number(bar.accounts)),
            amount=asked.said(asked.figure(metric, answer)),
            share=formats.percent(bar.amount / missing) if missing else "",
        )
        if missing:
            covers = _("That is {share} of what is missing.")
            words = format_html("{} {}", words, format_html(covers, share=formats.percent(bar.amount / missing)))
        more = urlencode(_filters(asked)) if key == WITHOUT_ORDER else None
        found.append(Chance(words, asked.with_params(line=key), more))
    return found


def _silent_words(count: int) -> str:
    return ngettext(
        "For the active rate: {accounts} account is covered, without an order in the period; a year before it bought for {amount}.",
        "For the active rate: {accounts} accounts are covered, without an order in the period; a year before they bought for {amount}.",
        count,
    )


def _below_words(count: int) -> str:
    return ngettext(
        "For revenue per active account: {accounts} account is below the median of its peers; it lacks {amount}.",
        "For revenue per active account: {accounts} accounts are below the median of their peers; they lack {amount}.",
        count,
    )
