"""Every address that answers a GET, with rows of the company in place of its keys."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.urls import NoReverseMatch, reverse

from accounts.enums import TeamRole
from accounts.models import Account
from crm.access import PAGES, SPACES
from crm.api.policy import POLICY
from crm.models import TrailEntry
from crm.web.filters import FILTERS
from crm.web.lists import KINDS
from crm.web.metric_questions import QUESTIONS
from metrics.definitions import METRICS
from plans.models import PolicyVersion
from tests.hostile.company import Company
from tests.test_policy import methods_of, routes

# The row a number in an address means: by the beginning of the route's name, else by the number's own name.
ROW_OF = {
    "logins:": "accounts.User", "logins:invitation": "accounts.Invitation", "metrics:view": "crm.SavedView",
    "metrics:reported": "metrics.ReportedFigure", "imports:": "accounts.ImportBatch", "ratings:": "accounts.Account",
    "tiering:run_detail": "tiering.TierRun", "tiering:band_decide": "accounts.Account",
    "tiering:backtest": "tiering.BacktestRun", "tiering:override_new": "accounts.Account",
    "tiering:model_version": "tiering.ScoringModel", "tiering:propose": "tiering.ScoringModel",
    "tiering:survey": "tiering.WeightSurvey", "teams:person": "accounts.User", "teams:leave": "accounts.User",
    "teams:hand_over": "plans.HandOver", "tasks:": "plans.Task", "service:request": "service.ServiceRequest",
    "service:interaction": "service.Interaction", "webhooks:": "crm.WebhookEndpoint", "accounts:": "accounts.Account",
    "organisation:": "accounts.OrgUnit", "access:": "accounts.User", "attachment": "service.Attachment",
}  # fmt: skip
NAMED_ROW = {
    "contact": "accounts.Contact", "centre": "accounts.BuyingCentre", "member": "accounts.CentreMember",
    "plan": "plans.AccountPlan",
}  # fmt: skip
# What leads out of the log-in or has no page of its own.
LEFT_OUT = {
    "logout",
    "sso_start",
    "sso_callback",
    "login",
    "login_code",
    "login_setup",
    "login_forgot",
    "login_reset",
    "join",
}
FORMS = ("csv", "xlsx")


@dataclass(frozen=True)
class Address:
    route: str
    path: str


def page_addresses(company: Company) -> Iterator[Address]:
    for route, path, view in routes():
        known = PAGES.get(route)
        gets = "GET" in known if known else route.partition(":")[0] in SPACES and "GET" in (methods_of(view) or {"GET"})
        if gets and route not in LEFT_OUT:
            yield from _addresses(route, path, company, _row_of_page)


def rest_addresses(company: Company) -> Iterator[Address]:
    for route, path, view in routes():
        if route.startswith("api:") and (route.removeprefix("api:"), "GET") in POLICY:
            model = getattr(getattr(getattr(view, "cls", None), "queryset", None), "model", None) or TrailEntry
            yield from _addresses(route, path, company, lambda _route, _name, model=model: model)


def admin_addresses() -> Iterator[Address]:
    for route, path, _view in routes():
        app_and_model = re.fullmatch(r"admin:([a-z]+)_([a-z]+)_(changelist|add|change|history|delete)", route)
        if route == "admin:index":
            yield Address(route, reverse(route))
        elif app_and_model:
            model = apps.get_model(app_and_model[1], app_and_model[2])
            row = model._base_manager.order_by("pk").first()
            if "<path" not in path:
                yield Address(route, reverse(route))
            elif row is not None:
                yield Address(route, reverse(route, args=[row.pk]))


def _row_of_page(route: str, name: str) -> type[Model] | None:
    if name in NAMED_ROW:
        return apps.get_model(NAMED_ROW[name])
    found = [label for start, label in ROW_OF.items() if route.startswith(start)]
    longest = max((start for start in ROW_OF if route.startswith(start)), key=len, default="")
    return apps.get_model(ROW_OF[longest]) if found else None


def _addresses(
    route: str, path: str, company: Company, row_of: Callable[[str, str], type[Model] | None]
) -> Iterator[Address]:
    names = re.findall(r"<(?:\w+:)?(\w+)>", path)
    given: list[dict[str, Any]] = [{}]
    for name in names:
        values = list(_values(route, name, company, row_of))
        given = [{**one, name: value} for one in given for value in values]
    assert given, f"{route}: say in ROW_OF what {names} mean, or give the company such a row"
    for one in given:
        try:
            yield Address(route, reverse(route, kwargs=one))
        except NoReverseMatch as error:  # a kind of key that is not known here
            raise AssertionError(f"{route} takes no {one}") from error


def _values(route: str, name: str, company: Company, row_of: Callable[[str, str], type[Model] | None]) -> Iterator[Any]:
    words = {
        "form": FORMS, "metric": METRICS, "role": [TeamRole.ACCOUNT_MANAGER], "code": ["gold"],
        "number": [PolicyVersion.objects.order_by("-pk").values_list("number", flat=True).first()],
    }  # fmt: skip
    if name == "key":
        yield from FILTERS if route == "accounts:options" else QUESTIONS
    elif name == "kind":
        yield from ["contact", "user"] if route.startswith("trail:") else KINDS
    elif name in words:
        yield from words[name]
    elif route.startswith("trail:"):
        yield company.boss.pk  # a contact and a log-in may have one number
    elif (model := row_of(route, name)) is not None:
        yield from _rows(model, company)


def _rows(model: type[Model], company: Company) -> Iterator[Any]:
    """The hero's row, else the latest; of batches all, as each is in another state."""
    if model is Account:
        yield company.hero.pk
        return
    rows = model._base_manager.order_by("-pk")
    path = next((one for one in ("account", "contact__account", "centre__account") if _has(model, one)), "")
    of_hero = rows.filter(**{path: company.hero}).first() if path else None
    if model._meta.label == "accounts.ImportBatch":
        yield from rows.values_list("pk", flat=True)[:6]
    elif (row := of_hero or rows.first()) is not None:
        yield row.pk


def _has(model: type[Model], path: str) -> bool:
    names = {field.name: field for field in model._meta.get_fields()}
    first, _, rest = path.partition("__")
    return first in names and (not rest or _has(names[first].related_model, rest))
