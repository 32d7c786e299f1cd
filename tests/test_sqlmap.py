"""S5 before a judge from outside: sqlmap at every filter, order and page of the lists finds no way into a statement.

A quarter of an hour, so only ``FACET_SQLMAP=1`` asks for it (``make test ARGS="tests/test_sqlmap.py -s"``); the number is
sqlmap's level, which is how many spellings it tries.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.signals import request_started
from django.db.models import DateField
from django.test import Client
from django.urls import resolve, reverse

from accounts.models import AccessToken, Account, Contract, User
from crm.api.paging import PAGING_PARAMETERS, encoded
from crm.models import TrailEntry
from crm.web.filters import FILTERS
from crm.web.keyset import Key
from crm.web.trail import TrailFilter
from tests.hostile.company import Company, make_company
from tests.hostile.sqlmap import PROGRAM, judge, unguarded_address
from tests.test_fuzz_pages import Ear

LEVEL = int(os.environ.get("FACET_SQLMAP", "0"))
pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="sqlmap is not installed on this machine"),
    pytest.mark.skipif(not LEVEL, reason="a quarter of an hour; FACET_SQLMAP=1 asks for it"),
]
NO_NAMES = {"urlencode"}  # what templates ask of a query string besides names
Choices = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class List:
    """A list, values by parameter of which one may leave rows, and what an answer with rows holds."""

    path: str
    choices: Choices
    shows: str
    by: User
    as_elsewhere: Iterable[str] = ()  # names that the list of accounts reads by the same lines


def of_row(row: Account | Contract, *names: str) -> dict[str, list[Any]]:
    return {name: [getattr(row, name)] for name in names}


def page_lists(company: Company) -> Iterator[List]:
    """The pages whose lists are narrowed, sorted and turned over by their address."""
    hero, boss = company.hero, company.boss
    owner = hero.owner
    assert owner is not None
    place = {name: [Key(hero.sort_key, hero.pk, 1).token()] for name in ("after", "before")}
    filters: dict[str, Sequence[Any]] = {key: [value for value, _ in one.choices] for key, one in FILTERS.items()}
    filters |= of_row(hero, "segment", "industry", "region", "channel", "status")
    filters |= {"q": [hero.name], "owner": [hero.owner_id], "dealer": ["none", hero.dealer_id], "group": [hero.pk]}
    more = {"sort": ["name", "-name"], "view": [1]}
    yield List(reverse("accounts:list"), filters | more | place, hero.name, owner)
    yield List(reverse("accounts:service", args=[hero.pk]), {"after": place["after"]}, 'class="moments"', owner)
    asked = {"state": ["open"], "severity": [1, 2, 3], "kind": ["incident"], "mine": [1], "sort": ["severity"]}
    yield List(reverse("service:index"), asked | place, "data-row>", owner)
    yield List(reverse("tasks:index"), {"list": ["all"], "page": [1]}, "data-row>", boss)
    entry = TrailEntry.objects.exclude(request_id="").order_by("-pk").first() or TrailEntry.objects.latest("pk")
    trail = {
        "account": [hero.code, hero.pk], "table": [entry.table_name], "key": [entry.row_key], "action": ["I", "U"],
        "from_day": ["2020-01-01"], "to_day": ["2030-01-01"], "person": [boss.username], "request": [entry.request_id],
    }  # fmt: skip
    assert set(trail) == set(TrailFilter.base_fields)
    yield List(reverse("trail:index"), trail | place, 'class="trail"', boss)
    question = {
        "base": ["2025-10-31"], "comparison": ["2026-10-31"], "by": ["segment"], "level": ["entity"], "currency": ["CNY"],
        "account": [hero.pk], "line": ["x"], "basis": ["recognised"], "credit_notes": ["x"], "sort": ["name"], "page": [1],
    }  # fmt: skip
    yield List(reverse("metrics:question", args=["contract-growth"]), question, 'id="', owner, FILTERS)


def rest_lists(company: Company) -> Iterator[List]:
    contract = Contract.objects.order_by("pk").first()
    for name, row in (("accounts", company.hero), ("contracts", contract)):
        path = reverse(f"api:{name}-list")
        view: Any = resolve(path).func.cls  # type: ignore[attr-defined]
        names = {*view.filterset_class.base_filters, *PAGING_PARAMETERS, "ordering", "search"}
        special = {
            "account": [getattr(row, "account_id", row.pk)], "group": [row.pk], "page": [1], "page_size": [5],
            "cursor": [encoded("a", 1)], "dealer": list(Account.objects.exclude(dealer=None).values_list("dealer", flat=True)[:1]),
            "ordering": [f"{list(view.ordering_fields)[-1]},-id"], "search": [getattr(row, "name", "") or row.number],
        }  # fmt: skip
        yield List(
            path, {one: special.get(one) or _of_rest(row, one) for one in sorted(names)}, '"results":[{', company.boss
        )


def _of_rest(row: Any, name: str) -> list[Any]:
    field, _, lookup = name.partition("__")
    if lookup == "isnull" or field.startswith("is_"):
        return ["true", "false"]
    value = getattr(row, field, None)
    kind = row._meta.get_field(field)
    if kind.choices:
        return [value, *(choice for choice, _label in kind.flatchoices)]
    return [getattr(value, "pk", value) or ("2026-01-01" if isinstance(kind, DateField) else row.pk)]


def addresses(client: Client, one: List) -> Iterator[str]:
    """One with all parameters that together leave rows, and one for each that leaves none: nothing would be told apart there."""
    kept: list[tuple[str, Any]] = []
    alone: list[tuple[str, Any]] = []
    for name, choices in one.choices.items():
        given = [choice for choice in choices if choice not in {None, ""}] or ["1"]
        fits = (choice for choice in given if shows(client, one, [*kept, (name, choice)]))
        choice = None if name in {"after", "before", "cursor"} else next(fits, None)
        (alone if choice is None else kept).append((name, given[0] if choice is None else choice))
    yield from (f"{one.path}?{urlencode(pairs)}" for pairs in (kept, *([pair] for pair in alone)) if pairs)


def shows(client: Client, one: List, pairs: Iterable[tuple[str, Any]]) -> bool:
    response = client.get(f"{one.path}?{urlencode(list(pairs))}")
    return response.status_code == 200 and one.shows in response.content.decode()


def headers_of(one: List) -> dict[str, str]:
    """Of somebody who has logged in; pages answer with the list alone."""
    if one.path.startswith("/api/"):
        return {"Authorization": f"Bearer {AccessToken.objects.create(user=one.by)[1]}"}
    client = Client()
    client.force_login(one.by)
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}", "HX-Request": "true"}


@pytest.fixture
def company(transactional_db: None) -> Company:
    return make_company()


@pytest.mark.parametrize("lists", [page_lists, rest_lists], ids=["pages", "rest"])
def test_no_parameter_of_a_list_reaches_a_statement(
    company: Company, live_server, tmp_path, monkeypatch, lists
) -> None:
    requests: list[str] = []

    def count(environ: Any = None, **given: Any) -> None:
        requests.append(environ["PATH_INFO"])

    todo = []
    for one in lists(company):
        client = Client()
        client.force_login(one.by)
        if not one.path.startswith("/api/"):
            with monkeypatch.context() as patch:
                ear = Ear(patch)
                assert client.get(one.path).status_code == 200
                heard = ear.told() - NO_NAMES - set(one.choices) - set(one.as_elsewhere)
            assert heard == set(), f"{one.path} also reads {heard}"
        todo += [(address, headers_of(one)) for address in addresses(client, one)]
    request_started.connect(count)
    began = time.monotonic()
    try:
        verdicts = []
        for address, headers in todo:
            at, sent = time.monotonic(), len(requests)
            verdicts.append(judge(live_server.url + address, headers=headers, folder=tmp_path, level=LEVEL))
            last, spent = verdicts[-1], time.monotonic() - at
            print(
                f"\nS5: {address[:90]}: {last.parameters} parameters, {len(requests) - sent} requests, {spent:.0f} s,"
                f" {'clean' if last.is_clean else 'FOUND'}", flush=True,
            )  # fmt: skip
    finally:
        request_started.disconnect(count)

    faults = [one.tail for one in verdicts if not one.is_clean]
    print(
        f"\nS5: sqlmap, level {LEVEL}: {len(verdicts)} addresses, {sum(one.parameters for one in verdicts)} parameters, "
        f"{len(requests):,} requests, {time.monotonic() - began:.0f} s, {len(faults)} findings"
    )
    assert faults == [], "\n\n".join(faults)


def test_sqlmap_finds_a_word_that_becomes_part_of_a_statement(company: Company, tmp_path) -> None:
    """The judge is not blind: the same options find the way in where there is one."""
    with unguarded_address() as address:
        verdict = judge(f"{address}?code={company.hero.code}", headers={}, folder=tmp_path, level=LEVEL)

    assert not verdict.is_clean, verdict.tail
    assert "sqlmap identified the following injection point" in verdict.words, verdict.tail
