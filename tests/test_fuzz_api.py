"""Requests drawn from the description of REST, by four roles, with the keys of rows that exist and of rows just made (S4).

No answer is a fault; each is one that the description names, with a body of the described shape; and nobody is told a
word of an account they do not see. ``FACET_FUZZ=10000 make test ARGS=tests/test_fuzz_api.py`` sends many more.
"""

import json
import random
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema_rs
import pytest
import schemathesis
from django.db import transaction
from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from rest_framework.test import APIClient
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation

from tests.api import test_policy
from tests.api.test_policy import doors, no_worker  # noqa: F401
from tests.fuzzing import EPISODE, HIDDEN_WORD, ODD, ODD_BODIES, ODD_JSON, SEED, WHO, Company, make_company, size

DRAWN = settings(
    deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
PROBLEM = "application/problem+json"
# Whose keys a parameter or a field means, where its name does not say so.


@schemathesis.serializer("message/rfc822")
def as_mail(context: Any, value: Any) -> bytes:
    """A mail is drawn as text; what is sent of it is up to ``Sent``."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


MEANS = {
    "accounts": ("source", "target", "into", "first", "second", "parent", "merged", "survivor", "member", "root"),
    "users": ("user", "owner", "taker", "giver", "leaver", "successor", "judges", "deputy", "assignee", "evaluator"),
    "models": ("model", "base_model", "against"),
    "account-plans": ("plan",),
}  # fmt: skip


@dataclass
class Sent:
    """One request, as it can be sent again."""

    method: str
    path: str
    query: str = ""
    body: Any = None
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def by(self, client: APIClient) -> Any:
        given = {"QUERY_STRING": self.query, "headers": self.headers}
        if self.kind == "multipart":
            return client.generic(self.method, self.path, *_multipart(client, self.body), **given)
        content = self.body
        if not isinstance(content, bytes):
            content = b"" if content is None else json.dumps(content, default=str).encode()
        return client.generic(self.method, self.path, content, content_type=self.kind, **given)


def _multipart(client: APIClient, body: Any) -> tuple[bytes, str]:
    return client._encode_data(body, format="multipart")


@cache
def description() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


@cache
def operations() -> dict[tuple[str, str], APIOperation]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [one.ok() for one in schemathesis.openapi.from_dict(description()).get_all_operations()]
    return {(one.path, one.method.upper()): one for one in found if "/schema/" not in one.path}


@cache
def route_of(path: str) -> str:
    """The route of a described path: what the policy calls it."""
    return resolve(path.replace("{id}", "1").replace("{indicator}", "V1").replace("{grade}", "gold")).url_name or ""


@cache
def checker(path: str, method: str, status: int) -> Any:
    """What validates the body of that answer; None where the description names no such answer."""
    steps = ("paths", path, method.lower(), "responses", str(status))
    answer = description()["paths"][path][method.lower()]["responses"].get(str(status))
    if answer is None:
        return None
    if "schema" not in answer.get("content", {}).get("application/json", {}):
        return jsonschema_rs.validator_for(True)
    pointer = "/".join(
        quote(step.replace("~", "~0").replace("/", "~1")) for step in (*steps, "content", "application/json", "schema")
    )
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"urn:facet:rest#/{pointer}"}, registry=registry(), validate_formats=True, formats=FORMATS
    )


# As the formats of OpenAPI have them.
FORMATS = {"time-local": lambda text: bool(re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?", text))}


@cache
def registry() -> Any:
    return jsonschema_rs.Registry(
        [("urn:facet:rest", {"$schema": "https://json-schema.org/draft/2020-12/schema", **description()})]
    )


def fault_of(path: str, sent: Sent, response: Any, who: str) -> str:
    """What is wrong with an answer, or nothing."""
    content = b"".join(response) if response.streaming else response.content
    status, kind = response.status_code, response.headers.get("Content-Type", "")
    if status >= 500:
        return f"broke: {content[:300]!r} {getattr(response, 'exc_info', None) or ''}"
    if who != "administrator" and HIDDEN_WORD.encode() in content:
        return "told a word of a hidden account"
    if status >= 400:
        whole = kind == PROBLEM and {"type", "title", "status", "detail", "errors"} <= set(json.loads(content))
        return "" if whole and json.loads(content)["status"] == status else f"no problem document: {content[:200]!r}"
    check = checker(path, sent.method, status)
    if check is None:
        return f"{status} is not described"
    if kind.startswith("application/json"):
        wrong = next(iter(check.iter_errors(json.loads(content))), None)
        return f"not as described: {list(wrong.instance_path)} {str(wrong)[:300]}" if wrong else ""
    described = description()["paths"][path][sent.method.lower()]["responses"][str(status)].get("content", {})
    is_told = not kind or any(fnmatch(kind.partition(";")[0], one) for one in described)
    return "" if is_told else f"answered {kind}, described are {list(described)}"


class Recorder:
    """Takes the place of a client, to learn what a request of the policy's tests looks like."""

    def __init__(self) -> None:
        self.seen: tuple[str, str, Any, str] | None = None

    def __getattr__(self, method: str) -> Any:
        def act(path: str, data: Any = None, *_others: Any, format: str = "json", **_more: Any) -> None:  # noqa: A002
            self.seen = (method.upper(), path, data, format)

        return act


class Drawer:
    """Draws requests from a seed: known ones with something odd in them, and those the description alone gives."""

    def __init__(self, company: Company, seed: str) -> None:
        self.company, self.random = company, random.Random(seed)
        self.ids = {name: list(keys) for name, keys in company.ids.items()}

    def known(self, path: str, method: str) -> Sent | None:
        route = route_of(path)
        recorder = Recorder()
        test_policy.send(recorder, route, method, self.company.base)  # type: ignore[arg-type]
        if recorder.seen is None or recorder.seen[0] == "GENERIC":  # a body that is no JSON
            return None
        _method, address, data, form = recorder.seen
        if method == "GET":
            return Sent(method, address, urlencode(data or {}))
        return Sent(method, address, body=data, kind="multipart" if form == "multipart" else "application/json")

    def key(self, name: str) -> int:
        """A key of the kind that the name of a field or of a resource means, now and then one of another."""
        name = name.removesuffix("_id")
        meant = next((kind for kind, names in MEANS.items() if name in names), "")
        pool = self.ids.get(meant) or self.ids.get(name) or self.ids.get(name.replace("_", "-") + "s") or []
        if not pool or self.random.random() < 0.1:
            pool = self.random.choice(list(self.ids.values()))
        return self.random.choice(pool)

    def filled(self, path: str, drawn: dict[str, Any]) -> str:
        """The address with keys that exist in place of most of those that were drawn."""
        resource = next((p for p in reversed(path.split("{", maxsplit=1)[0].strip("/").split("/"))), "")
        for name, value in drawn.items():
            if name == "id" and self.random.random() < 0.95:
                value = self.key(resource)  # noqa: PLW2901
            path = path.replace(f"{{{name}}}", str(value).replace("/", "_").replace("?", "_").replace("#", "_"))
        return path

    def from_description(self, case: Any) -> Sent:
        body = case.body if isinstance(case.body, dict | list | str | int | float | bool | None) else None
        if isinstance(body, dict):
            body = {
                name: self.key(name) if isinstance(value, int) and not isinstance(value, bool) and value > 5 else value
                for name, value in body.items()
            }
        query = {
            name: self.key(name) if isinstance(value, int) and not name.startswith("page") and self.random.random() < 0.7 else value
            for name, value in (case.query or {}).items()
        }  # fmt: skip
        headers = {"If-Match": "*"} if case.method.upper() in {"PUT", "PATCH", "DELETE"} else {}
        kind = "multipart" if "multipart" in (case.media_type or "") else "application/json"
        if kind == "multipart":
            body = {k: v for k, v in body.items() if isinstance(v, str)} if isinstance(body, dict) else {}
        return Sent(case.method.upper(), self.filled(case.path, case.path_parameters or {}), written(query), body, kind, headers)  # fmt: skip

    def odd(self, path: str, method: str) -> Sent | None:
        """A request of the right shape with one to three values that are not."""
        sent = self.known(path, method)
        if sent is None:
            return None
        if method in {"PUT", "PATCH", "DELETE"}:
            sent.headers = {"If-Match": self.random.choice(("*", "*", "*", '"1"', "\x00", "W/", "x" * 9000))}
        elif method == "POST" and self.random.random() < 0.1:
            sent.headers = {"Idempotency-Key": self.random.choice(("k1", "", "大", "x" * 300))}
        definition = operations()[path, method].definition.raw
        named = [one["name"] for one in definition.get("parameters", ()) if one.get("in") == "query"]
        if method == "GET":
            sent.query = self.odd_query(sent.query, named)
        elif sent.kind != "multipart":
            sent.body = self.odd_body(path, method, sent.body)
        if "{" in path and self.random.random() < 0.3:
            keys = {name: 1 for name in ("id",) if f"{{{name}}}" in path}
            sent.path = self.filled(path, keys) if "{id}" in path and path.count("{") == 1 else sent.path
        return sent

    def odd_query(self, known: str, named: list[str]) -> str:
        pairs = [tuple(pair.split("=", 1)) for pair in known.split("&") if pair]
        for _time in range(self.random.randint(0, 3)):
            name = self.random.choice(named) if named and self.random.random() < 0.95 else "nothing"
            value = self.key(name) if self.random.random() < 0.25 else self.random.choice(ODD)
            pairs.append(tuple(written({name: value}).split("=", 1)))
        if pairs and self.random.random() < 0.1:
            pairs.append((pairs[-1][0], "%ff%C0"))
        return "&".join("=".join(pair) for pair in pairs)

    def odd_body(self, path: str, method: str, known: Any) -> Any:
        if self.random.random() < 0.05:
            return self.random.choice(ODD_BODIES)
        if not isinstance(known, dict):
            return self.random.choice(ODD_JSON) if self.random.random() < 0.5 else known
        body = dict(known)
        fields = fields_of(path, method) or list(body) or ["name"]
        for _time in range(self.random.randint(0, 3)):
            name = self.random.choice(fields)
            body[name] = self.key(name) if self.random.random() < 0.25 else self.random.choice(ODD_JSON)
        return [body, body] if self.random.random() < 0.04 else body


def written(query: dict[str, Any]) -> str:
    return urlencode({k: _worded(v) for k, v in query.items()}, doseq=True, errors="surrogatepass")


def _worded(value: Any) -> Any:
    if isinstance(value, list):
        return [_worded(one) for one in value]
    return str(value)


@cache
def fields_of(path: str, method: str) -> list[str]:
    """The fields a body may have by the description."""
    content = description()["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    while "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return list(schema.get("properties", ()))


def cases(operation: APIOperation, mode: GenerationMode, count: int) -> list[Any]:
    """Cases of an operation that the library draws: of the described shape, or against it."""
    found: list[Any] = []

    @settings(DRAWN, max_examples=count)
    @given(case=operation.as_strategy(generation_mode=mode))
    def draw(case: Any) -> None:
        found.append(case)

    try:
        draw()
    except (Unsatisfiable, pytest.skip.Exception):
        return []
    return found[:count]


def requests(drawer: Drawer, who: str, share: int) -> Iterator[tuple[str, Sent]]:
    """(described path, request): every operation as often, a third of them as the description alone draws them."""
    every = sorted(operations())
    each = max(1, round(share / len(every)))
    drawn = each // 3
    chosen: list[tuple[str, Sent]] = []
    for number, (path, method) in enumerate(every):
        if (path, method) and share < len(every) and (number + WHO.index(who)) % (len(every) // share + 1):
            continue
        known = (route_of(path), method) in doors()
        turn = number + WHO.index(who)
        extra = drawn or int(turn % 16 == 0)  # to draw takes longer than to ask: a small run does so for some
        mode = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)[turn // 16 % 2]
        if extra:
            some = cases(operations()[path, method], mode, extra)
            chosen += [(path, drawer.from_description(case)) for case in some]
        chosen += [(path, sent) for _time in range(each - drawn) if known and (sent := drawer.odd(path, method))]
    drawer.random.shuffle(chosen)
    yield from chosen


@pytest.fixture
def company(db, settings, tmp_path):
    return make_company(settings, tmp_path)


@pytest.mark.parametrize("who", WHO)
def test_no_request_is_a_fault_and_each_answer_is_as_described(company, who):
    drawer, client = Drawer(company, f"{SEED} {who}"), company.rest(who)
    statuses: Counter[int] = Counter()
    faults: list[tuple[Any, ...]] = []
    left = list(requests(drawer, who, size(1200) // len(WHO)))
    while left:
        episode, left = left[:EPISODE], left[EPISODE:]
        with transaction.atomic():
            known = {name: list(keys) for name, keys in drawer.ids.items()}
            for path, sent in episode:
                response, fault = answered(client, path, sent, who)
                statuses[response.status_code] += 1
                learn(drawer, path, response)
                if fault:
                    faults.append((sent.method, path, fault, sent.path[:120], sent.query[:200], str(sent.body)[:300]))
            transaction.set_rollback(True)
            drawer.ids = known
    print(f"\nS4 {who}: {sum(statuses.values())} requests {dict(sorted(statuses.items()))}, {len(faults)} faults")
    assert faults == [], "\n".join(map(str, sorted(faults, key=str)[:200]))


def answered(client: APIClient, path: str, sent: Sent, who: str) -> tuple[Any, str]:
    with transaction.atomic():  # what breaks a statement would otherwise break those after it
        response = sent.by(client)
        fault = fault_of(path, sent, response, who)
        if response.status_code >= 400:
            transaction.set_rollback(True)
    return response, fault


def learn(drawer: Drawer, path: str, response: Any) -> None:
    """The key of what was just made is used by the requests after it."""
    made = (
        response.json() if response.status_code == 201 and response.headers["Content-Type"] == "application/json" else 0
    )
    if isinstance(made, dict) and isinstance(made.get("id"), int):
        resource = path.strip("/").split("/")[-1]
        drawer.ids.setdefault(resource, []).extend([made["id"]] * 3)
