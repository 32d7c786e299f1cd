"""The map of who decides and the chart of who reports to whom, each with the same as a table."""

from collections import defaultdict
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.enums_relations import ChainRole
from accounts.models import Account, Contact
from crm.web import formats
from crm.web.charts import Chart
from crm.web.relations_words import PLACES, attitude_words
from metrics.services.account_relationships import CentreStanding, PersonStanding

COLOURS = {None: "--series-5", -2: "--bad", -1: "--warn", 0: "--series-5", 1: "--series-2", 2: "--good"}
SHAPES = {ChainRole.DECIDER: "diamond", ChainRole.COACH: "triangle"}
STACK = 0.34  # of the axis of influence, between people at one place
PALEST = 0.35  # of somebody about whom nothing fresh is known
TALL_FROM, TALLER_FROM = 7, 16  # people on one chart
FULL = 100


def chain_map(account: Account, standing: CentreStanding, *, may_edit: bool) -> Chart:
    """Influence upwards, attitude to the right; an arrow leads from who somebody is to where we want them."""
    counted = [one for one in standing.people if one.counts]
    places = _places(counted)
    nodes, links = [], []
    for one in counted:
        nodes.append(_node(account, one, places[one.member.pk], may_edit=may_edit))
        target = one.member.target_attitude
        if target is not None and target != one.attitude:
            goal = f"t{one.member.pk}"
            nodes.append(_goal(one, goal, PLACES.index(target), places[one.member.pk][1] - STACK / 2))
            links.append({"source": f"m{one.member.pk}", "target": goal, "lineStyle": {"type": "dashed"}})
    seats = {one.contact.pk: one for one in counted}
    links += [
        {"source": f"m{one.member.pk}", "target": f"m{seats[boss].member.pk}", "symbol": ["none", "none"]}
        for one in counted
        if (boss := one.contact.reports_to_id) in seats
    ]
    option = {
        "facet": {"format": "plain"},
        "tooltip": {"trigger": "item", "facetFormat": "item-label"},
        "grid": {"top": 24, "right": 24, "bottom": 8},
        "xAxis": {
            "type": "category", "data": [attitude_words(value) for value in PLACES],
            "axisLabel": {"interval": 0, "hideOverlap": False, "width": 62, "overflow": "break"},
            "splitLine": {"show": True, "lineStyle": {"color": "token:--chart-line"}}, "boundaryGap": True,
        },
        "yAxis": {"type": "value", "min": 0, "max": 6, "interval": 1, "name": _("Influence"), "axisLabel": {"showMinLabel": False, "showMaxLabel": False}},
        "series": [{
            "type": "graph", "coordinateSystem": "cartesian2d", "data": nodes, "links": links,
            "edgeSymbol": ["none", "arrow"], "edgeSymbolSize": 7,
            "lineStyle": {"color": "token:--line-strong", "width": 1.4, "curveness": 0.08, "opacity": 0.9},
            "label": {"show": True, "position": "bottom", "facetFormat": "plain", "distance": 3, "opacity": 1},
            "labelLayout": {"hideOverlap": False},
        }],
    }  # fmt: skip
    return Chart(
        key=f"map-{standing.centre.pk}",
        title=_("Who decides: %(centre)s") % {"centre": standing.centre.name},
        summary=", ".join(f"{one.contact.name}: {attitude_words(one.attitude)}" for one in counted),
        caption=_(
            "◆ decides, ▲ coach, ● others. Pale: not contacted for long. A dashed arrow leads to the attitude we aim at."
        ),
        option=option,
        columns=map_heads(),
        rows=[map_row(one) for one in standing.people],
        size="xl" if len(counted) >= TALL_FROM else "lg",
        is_empty=not counted,
        empty_title=_("Nobody is in this buying centre yet"),
        empty_text=_("Add the people who decide, approve, choose and use: one after the other, with their influence."),
        prints_as_table=True,
    )


def map_heads() -> list[str]:
    return [
        _("Name"),
        _("Roles"),
        _("Influence"),
        _("Attitude"),
        _("Days since contact"),
        _("Counts"),
        _("Score"),
        _("Looked after by"),
    ]


def map_row(one: PersonStanding) -> list[str]:
    return [
        one.contact.name,
        ", ".join(one.member.role_labels),
        formats.number(one.member.weight),
        attitude_words(one.attitude),
        _("never") if one.days is None else formats.number(one.days),
        formats.percent(one.freshness, decimals=0),
        formats.number(one.score, decimals=0),
        one.member.owner.display_name if one.member.owner else "–",
    ]


def _places(people: list[PersonStanding]) -> dict[int, tuple[int, float]]:
    """Member → place on both axes; people with one attitude and influence stand above each other."""
    together: dict[tuple[int, int], list[int]] = defaultdict(list)
    for one in people:
        together[PLACES.index(one.attitude), one.member.weight].append(one.member.pk)
    found = {}
    for (x, weight), members in together.items():
        for number, pk in enumerate(members):
            found[pk] = (x, round(weight + STACK * (number - (len(members) - 1) / 2), 3))
    return found


def _node(account: Account, one: PersonStanding, place: tuple[int, float], *, may_edit: bool) -> dict[str, Any]:
    shape = next((SHAPES[role] for role in SHAPES if role in one.member.roles), "circle")
    days = _("never met") if one.days is None else _("last contact %(days)s days ago") % {"days": one.days}
    node: dict[str, Any] = {
        "id": f"m{one.member.pk}",
        "name": f"m{one.member.pk}",
        "value": list(place),
        "symbol": shape,
        "symbolSize": 12 + 3 * one.member.weight,
        "itemStyle": {
            "color": f"token:{COLOURS[one.attitude]}", "opacity": round(PALEST + (1 - PALEST) * one.freshness, 2),
        },
        "label_text": one.contact.name,
        "tip": "\n".join([one.contact.name, one.contact.title, ", ".join(one.member.role_labels), attitude_words(one.attitude), days]),
    }  # fmt: skip
    return node | ({"href": reverse("accounts:member_edit", args=[account.pk, one.member.pk])} if may_edit else {})


def _goal(one: PersonStanding, key: str, x: int, y: float) -> dict[str, Any]:
    until = formats.day(one.member.target_on)
    return {
        "id": key,
        "name": key,
        "value": [x, y],
        "symbol": "emptyCircle",
        "symbolSize": 9,
        "itemStyle": {"color": "token:--surface", "borderColor": f"token:{COLOURS[one.member.target_attitude]}", "borderWidth": 2},
        "label": {"show": False},
        "tip": _("%(name)s: %(attitude)s aimed at until %(day)s") % {
            "name": one.contact.name, "attitude": attitude_words(one.member.target_attitude), "day": until,
        },
    }  # fmt: skip


def org_chart(account: Account, contacts: list[Contact], *, may_edit: bool) -> Chart:
    """Everybody who is still there below whom they report to; whoever reports to nobody here stands below the account."""
    there = [one for one in contacts if one.is_active]
    known = {one.pk for one in there}
    below: dict[int | None, list[Contact]] = defaultdict(list)
    for one in there:
        below[one.reports_to_id if one.reports_to_id in known else None].append(one)
    names = {one.pk: one.name for one in contacts}
    option = {
        "facet": {"format": "plain"},
        "tooltip": {"trigger": "item", "facetFormat": "item-label"},
        "series": [{
            "type": "tree", "orient": "LR", "data": [{
                "name": account.short_name or account.name, "tip": account.name, "symbolSize": 10,
                "itemStyle": {"color": "token:--accent"}, "children": _below(account, below, None, may_edit=may_edit),
            }],
            "left": 8, "right": 170, "top": 8, "bottom": 8, "symbol": "circle", "symbolSize": 13, "roam": False,
            "expandAndCollapse": False, "initialTreeDepth": -1, "edgeShape": "polyline", "edgeForkPosition": "40%",
            "lineStyle": {"color": "token:--line-strong", "width": 1.2},
            "label": {"show": True, "position": "top", "align": "left", "offset": [-6, 0], "width": 150, "overflow": "truncate"},
            "leaves": {"label": {"position": "right", "align": "left", "offset": [4, 0], "color": "token:--text-2"}},
        }],
    }  # fmt: skip
    return Chart(
        key="org-chart",
        title=_("Who reports to whom"),
        summary=_("%(people)s people, %(linked)s of them with a superior") % {
            "people": len(there), "linked": sum(one.reports_to_id in known for one in there),
        },
        option=option,
        columns=[_("Name"), _("Title"), _("Department"), _("Level"), _("Reports to"), _("Attitude")],
        rows=[org_row(one, names) for one in there],
        size="tall" if len(there) >= TALLER_FROM else "lg" if len(there) >= TALL_FROM else "md",
        is_empty=not there,
        empty_title=_("No contact yet"),
        empty_text=_("Who decides, who uses, who pays? Note at least the first contact."),
        prints_as_table=True,
    )  # fmt: skip


def org_row(one: Contact, names: dict[int, str]) -> list[str]:
    boss = names.get(one.reports_to_id or 0) or (one.reports_to.name if one.reports_to else "")
    kind = one.department or str(one.get_department_kind_display() or "")
    return [
        one.name,
        one.title or "–",
        kind or "–",
        str(one.get_level_display() or "–"),
        boss or "–",
        attitude_words(one.attitude),
    ]


def _below(
    account: Account, below: dict[int | None, list[Contact]], boss: int | None, *, may_edit: bool
) -> list[dict[str, Any]]:
    found = []
    for one in below.get(boss, []):
        node: dict[str, Any] = {
            "name": one.name,
            "tip": "\n".join(
                word for word in (one.name, one.title, one.department, attitude_words(one.attitude)) if word
            ),
            "symbol": "diamond" if one.is_decision_maker else "circle",
            "itemStyle": {"color": f"token:{COLOURS[one.attitude]}"},
            "children": _below(account, below, one.pk, may_edit=may_edit),
        }
        if may_edit:
            node["href"] = reverse("accounts:contact_edit", args=[account.pk, one.pk])
        found.append(node)
    return found
