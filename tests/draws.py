"""Random filters, orders and searches of one person of the first world (S2), in the words that the product itself offers.

Pages: what their forms and links hold. REST: what the filter sets and orders of the views declare. Among the values are
always keys, names and owners of accounts the person does not see: whoever filters by those must learn nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import django_filters
from django.urls import reverse

from accounts.models import Account, User
from crm.api.policy import POLICY
from tests.company import World
from tests.test_policy import routes
from tests.visits import Visit

Words = dict[str, list[str]]
MOST = 3  # parameters at once
SKIPPED = {"csrfmiddlewaretoken", "page", "cursor", "next", "limit", "offset"}
# Names under which pages and REST take an account, a person or a text.
ACCOUNTS, PEOPLE, TEXTS = (
    {"account", "group", "dealer", "parent", "into"},
    {"owner", "user", "evaluator"},
    {"q", "search"},
)
KINDS = {"segment", "region", "industry", "channel"}


class Offers(HTMLParser):
    """Names and values that the forms and links of a page hold, for its own address."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path, self.words, self.select = path, {}, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"input", "select"}:
            self.select = given.get("name", "")
            self._add(self.select, given.get("value", ""))
        elif tag == "option":
            self._add(self.select, given.get("value", ""))
        for link in (given.get("href"), given.get("hx-get")):
            parts = urlsplit(link or "")
            if parts.query and parts.path in {"", self.path}:
                for name, value in parse_qsl(parts.query):
                    self._add(name, value)

    def _add(self, name: str, value: str) -> None:
        if name and name not in SKIPPED and value not in self.words.setdefault(name, []):
            self.words[name].append(value)


def draws(random: Random, world: World, user: User, pages: dict[Visit, str], count: int) -> Iterator[Visit]:
    """``pages``: the bodies of the pages this person got."""
    hidden = _hidden_words(user)
    offered = [(visit, _page_words(visit.path, body)) for visit, body in pages.items()]
    offered = [(visit, _with(words, hidden)) for visit, words in offered if len(words) > 1]
    offered += [(visit, _with(words, hidden)) for visit, words in _rest_words()]
    pages_first = [one for one in offered if one[0].kind == "page"], [one for one in offered if one[0].kind == "rest"]
    for _number in range(count):
        visit, words = random.choice(random.choice([some for some in pages_first if some]))
        names = random.sample(sorted(words), min(len(words), random.randint(1, MOST)))
        query = tuple((name, random.choice(words[name])) for name in names)
        yield Visit(visit.kind, visit.route, visit.path, query, visit.is_part)


def _page_words(path: str, body: str) -> Words:
    offers = Offers(path)
    offers.feed(body)
    return {name: values for name, values in offers.words.items() if values != [""]}


def _hidden_words(user: User) -> dict[str, list[str]]:
    """What points at accounts that the user does not see, by kind of name."""
    hidden = list(Account.objects.exclude(pk__in=Account.objects.visible_to(user)).select_related("owner")[:12])
    return {
        "accounts": [str(one.pk) for one in hidden] + ["none"],
        "people": [str(one.owner_id) for one in hidden if one.owner_id] + ["none", "me"],
        "texts": [one.name for one in hidden] + ["Zq", "Acct", "Word", "A0"],
        "kinds": ["Zq", "-"],
    }


def _with(words: Words, hidden: dict[str, list[str]]) -> Words:
    more = {"accounts": ACCOUNTS, "people": PEOPLE, "texts": TEXTS, "kinds": KINDS}
    return {
        name: [*values, *(value for kind, names in more.items() if name in names for value in hidden[kind])] or [""]
        for name, values in words.items()
    }


def _rest_words() -> Iterator[tuple[Visit, Words]]:
    for route, path, view in routes():
        name = route.removeprefix("api:")
        kind = getattr(view, "cls", None)
        if not route.startswith("api:") or "<" in path or (name, "GET") not in POLICY or kind is None:
            continue
        words: Words = {}
        filterset = getattr(kind, "filterset_class", None)
        for key, one in (filterset.base_filters if filterset else {}).items():
            words[key] = list(_values(one))
        if fields := getattr(kind, "ordering_fields", {}):
            words["ordering"] = [sign + field for field in fields for sign in ("", "-")]
        if getattr(kind, "search_fields", ()) or name == "accounts-list":
            words["search"] = []
        if words:
            yield Visit("rest", name, reverse(route)), words


def _values(one: Any) -> Iterable[str]:
    choices = one.extra.get("choices")
    if choices:
        return [str(key) for key, _label in (choices() if callable(choices) else choices)]
    if isinstance(one, django_filters.BooleanFilter):
        return ["true", "false"]
    if isinstance(one, django_filters.DateFilter | django_filters.DateTimeFilter):
        return ["2023-01-01", "2024-06-30"]
    if isinstance(one, django_filters.NumberFilter | django_filters.ModelChoiceFilter):
        return ["1", "2", "7", "100"]
    return ["gold", "CNY", "2024", "x"]
