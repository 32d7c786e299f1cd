"""Every address that can be read, filled in for one person of the first world: what the two worlds are asked (S2)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse

from accounts.models import Product, User
from crm.access import PAGES
from crm.api.policy import POLICY
from crm.web.filters import FILTERS
from crm.web.metric_questions import QUESTIONS
from metrics.definitions import METRICS
from plans.models import PolicyVersion, Promise, TeamRule
from tests.company import MISSING, World
from tests.test_policy import routes
from tiering.models import ScoringModel, TierRun

# Whose rows each may open; the rest is answered like what is not there (tests/test_matrix.py).
LOOKS_AT = {
    "owner": ("own", "team"), "other rep": ("group",), "deputy": ("team",), "manager": ("own", "subtree"),
    "other manager": ("stranger",), "analyst": ("own",), "read-only token": ("own", "team"), "narrow token": ("own",),
}  # fmt: skip
# What a key in the address of a page means: by the start of the route, else by its name.
BY_ROUTE = {
    "attachment": "attachments", "service:attachment": "attachments",
    "metrics:view": "saved-views", "metrics:reported": "reported-figures", "tiering:run_detail": "runs",
    "tiering:model_version": "models", "tiering:propose": "models", "tiering:override_new": "accounts",
    "tiering:band": "accounts", "service:request": "service-requests", "service:interaction": "interactions",
    "teams:hand_over": "hand-overs", "teams:": "people", "tasks:": "tasks", "trail:": "known", "ratings:": "accounts",
    "accounts:": "accounts", "imports:": "imports",
}  # fmt: skip
BY_NAME = {
    "contact": "known", "centre": "buying-centres", "member": "buying-centre-members", "plan": "account-plans",
}  # fmt: skip
TWO_PERIODS = {"base": "2023", "comparison": "2024-01..2024-06"}
ONE_PERIOD = {"period": "2023"}
QUERIES = {
    **dict.fromkeys(
        [f"metrics-{name}" for name in ("growth", "bridge", "retention", "decomposition", "directions")], TWO_PERIODS
    ),
    **dict.fromkeys([f"metrics-{name}" for name in ("activity", "concentration", "doubling")], ONE_PERIOD),
    "metrics-contract-growth": {"base": "2023-06-30", "comparison": "2024-06-20"},
    "metrics-trend": {"metric": "revenue", "from": "2023-01", "to": "2024-05"},
    "accounts-similar": {"name": "Acct Word"},
}


@dataclass(frozen=True)
class Visit:
    kind: str  # page or rest
    route: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    is_part: bool = False  # asked by htmx


def visits(world: World, person: str, *, has_pages: bool) -> Iterator[Visit]:
    """Pages, also as htmx asks for them, and REST."""
    shared = _shared(world, person)
    for route, path, _view in routes():
        names = tuple(re.findall(r"<(?:\w+:)?(\w+)>", path))
        name = route.removeprefix("api:")
        is_rest = route.startswith("api:") and (name, "GET") in POLICY and name != "unknown"
        if not is_rest and not (has_pages and "GET" in PAGES.get(route, ())):
            continue
        for given in _given(name if is_rest else route, names, world, person, shared, is_rest):
            try:
                filled = reverse(route, kwargs=given)
            except NoReverseMatch:
                continue
            query = tuple(QUERIES.get(name, {}).items()) if is_rest else ()
            yield Visit("rest" if is_rest else "page", name, filled, query)
            if not is_rest and "export" not in route:
                yield Visit("page", name, filled, is_part=True)


def _shared(world: World, person: str) -> dict[str, Any]:
    """Rows that hang off no account."""
    first = world.rows["own"]
    return {
        "products": Product.objects.first(), "models": ScoringModel.objects.first(), "runs": TierRun.objects.first(),
        "policies": PolicyVersion.objects.first(), "promises": Promise.objects.first(),
        "team-rules": TeamRule.objects.first(), "people": User.objects.get(pk=world.people[person].pk),
        "account-link-types": first["account-links"].type, "saved-views": first.get("saved-views"),
    }  # fmt: skip


def _given(
    route: str, names: tuple[str, ...], world: World, person: str, shared: dict[str, Any], is_rest: bool
) -> Iterator[dict[str, Any]]:
    """Every way to fill the keys of an address: once for each account the person may open, and for each word there is."""
    seen: set[tuple[Any, ...]] = set()
    for relation in LOOKS_AT[person]:
        rows = {**world.rows[relation], **{key: row for key, row in shared.items() if row is not None}}
        choices = [_choices(route, name, rows, is_rest) for name in names]
        for values in itertools.product(*choices):
            if values not in seen:
                seen.add(values)
                yield dict(zip(names, values, strict=True))


def _choices(route: str, name: str, rows: dict[str, Any], is_rest: bool) -> list[Any]:
    if name == "key":
        return (
            [key for key, one in FILTERS.items() if one.has_options] if route == "accounts:options" else list(QUESTIONS)
        )
    if name == "form":
        return ["csv", "xlsx"]
    if name == "metric":
        return list(METRICS)
    if name == "role":
        return ["account_manager"]
    if name == "code":
        return ["gold"]
    if name == "kind":
        return ["contact"] if route.startswith(("trail:", "persons-")) else ["ratings"]
    resource = route.rpartition("-")[0] if is_rest else BY_NAME.get(name) or _resource(route)
    return [rows[resource].pk if resource in rows else MISSING]


def _resource(route: str) -> str | None:
    return next((resource for start, resource in BY_ROUTE.items() if route.startswith(start)), None)
