"""Odd query strings and odd forms at every page, as whoever may open it (S5): no answer is a fault.

What a page reads is heard while it answers, and its forms are read from the pages themselves, so that nothing has to be
listed here. No word that is sent becomes part of a statement. ``FACET_FUZZ=20000`` sends many more than the suite does.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.datastructures import MultiValueDict

from tests.api.test_policy import no_worker  # noqa: F401
from tests.fuzzing import HIDDEN_WORD, INJECTED, MARK, ODD, SEED, Company, make_company, size
from tests.test_matrix import SLUGS, Door, doors, resource_of

PEOPLE = ("administrator", "member", "superuser")  # the last in the admin
LONG = 1_000_000
LEFT_ALONE = {"logout", "admin:logout", "healthz", "readyz", "admin:jsi18n"}
UPLOAD = b"account,booked_on,amount,currency\nA00001,2024-01-01,5,CNY\n"


@dataclass
class Form:
    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


class FormReader(HTMLParser):
    """The forms of a page with what they would send."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name in ("hx-post", "hx-get"):
            if name in given:
                self.forms.append(Form(given[name], name[3:].upper()))
        if tag == "form" and "hx-post" not in given:
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").upper()))
        if not self.forms:
            return
        name = given.get("name", "")
        if tag == "select":
            self.select = name
        elif tag == "option" and self.select and given.get("value"):
            self.forms[-1].fields.append((self.select, given["value"]))
        elif tag in {"input", "textarea", "button"} and name and name != "csrfmiddlewaretoken":
            if given.get("type") == "file":
                self.forms[-1].files.append(name)
            else:
                self.forms[-1].fields.append((name, given.get("value", "")))


@dataclass
class Page:
    """An address with what it is known to read."""

    door: Door
    path: str
    names: set[str] = field(default_factory=set)
    values: dict[str, list[str]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)


def key_for(company: Company, door: Door, name: str, drawn: random.Random) -> Any:
    if name in SLUGS:
        return SLUGS[name]
    if name == "kind":
        return "ratings" if door.route.startswith("imports:") else "plan"
    resource = resource_of(door.route, name) or name.replace("_", "-") + "s"
    pool = company.ids.get(resource) or drawn.choice(list(company.ids.values()))
    return pool[0]


def pages_for(who: str, company: Company) -> Iterator[Page]:
    drawn = random.Random(f"{SEED} {who}")
    for door in doors():
        if door.kind != ("admin" if who == "superuser" else "page") or door.route in LEFT_ALONE:
            continue
        given = {name: key_for(company, door, name, drawn) for name in door.names}
        try:
            yield Page(door, reverse(door.route, kwargs=given))
        except NoReverseMatch:
            continue


class Ear:
    """Hears which names of a query string or a form are asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: set[str] = set()
        for kind, method in (
            (MultiValueDict, "__getitem__"),
            (MultiValueDict, "_getlist"),
            (QueryDict, "__contains__"),
        ):
            monkeypatch.setattr(kind, method, self._hearing(getattr(kind, method)), raising=False)

    def _hearing(self, original: Any) -> Any:
        def heard(given: Any, name: Any, *more: Any, **named: Any) -> Any:
            if isinstance(given, QueryDict) and isinstance(name, str):
                self.heard.add(name)
            return original(given, name, *more, **named)

        return heard

    def told(self) -> set[str]:
        names, self.heard = self.heard - {"csrfmiddlewaretoken"}, set()
        return names


@dataclass
class Answer:
    status: int
    text: str
    seconds: float
    why: str = ""


class Visitor:
    """One who sends odd things; each answer is taken back, so that the next meets the same company."""

    def __init__(self, company: Company, who: str) -> None:
        self.client = Client(raise_request_exception=False)
        if who == "superuser":
            self.client.force_login(company.base.people["admin"])
        else:
            self.client.force_login(company.users[who])
        self.session = self.client.cookies["sessionid"].value

    def send(self, page: Page, path: str, body: bytes | dict[str, Any] | None, **headers: str) -> Answer:
        self.client.cookies.clear()
        self.client.cookies["sessionid"] = self.session
        written: list[str] = []
        begun = time.perf_counter()
        with transaction.atomic(), connection.execute_wrapper(_listening(written)):
            if page.door.method == "GET":
                response = self.client.get(path, headers=headers)
            elif isinstance(body, dict):
                response = self.client.post(path, body, headers=headers)
            else:
                kind = "application/x-www-form-urlencoded"
                response = self.client.generic("POST", path, body or b"", content_type=kind, headers=headers)
            content = b"".join(response) if response.streaming else response.content
            transaction.set_rollback(True)
        why = "injected: " + written[0][:200] if written else ""
        if response.status_code >= 500:
            error = getattr(response, "exc_info", None)
            why = f"broke: {error[0].__name__}: {error[1]} at {_place(error[2])}" if error else f"{content[:200]!r}"
        return Answer(response.status_code, content.decode(errors="replace"), time.perf_counter() - begun, why)


def _listening(written: list[str]) -> Any:
    """Notes every statement that holds, outside its parameters, a word that was sent."""

    def listen(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if MARK in str(sql):
            written.append(str(sql))
        return execute(sql, params, many, context)

    return listen


def _place(trace: Any) -> str:
    """The innermost line of ours."""
    place = ""
    while trace:
        name = trace.tb_frame.f_code.co_filename
        if "site-packages" not in name and "/tests/" not in name and not name.endswith("signature.py"):
            place = f"{name.rpartition('/wt/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def learn(visitor: Visitor, ear: Ear, pages: list[Page]) -> list[tuple[Page, Answer]]:
    """One plain visit each: which names a page reads, and which forms it shows for others."""
    known = {(page.door.route, page.door.method): page for page in pages}
    answers = []
    for page in pages:
        ear.told()
        answer = visitor.send(page, page.path, b"")
        page.names |= ear.told()
        answers.append((page, answer))
        if page.door.method == "GET":
            _read_forms(page, answer, known)
    return answers


def _read_forms(page: Page, answer: Answer, known: dict[tuple[str, str], Page]) -> None:
    reader = FormReader()
    reader.feed(answer.text)
    for form in reader.forms:
        try:
            route = resolve(urlsplit(form.action or page.path).path).view_name
        except Resolver404:
            continue
        target = known.get((route, form.method))
        if target is not None:
            target.files |= set(form.files)
            for name, value in form.fields:
                target.names.add(name)
                values = target.values.setdefault(name, [])
                if value not in values and len(values) < 20:
                    values.append(value)


class Odds:
    """Draws what is sent to a page."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def value(self) -> str:
        if self.random.random() < 0.01:
            return "x" * LONG
        return str(self.random.choice(INJECTED if self.random.random() < 0.15 else ODD))

    def pairs(self, page: Page) -> list[tuple[str, str]]:
        """The form as it stands, or part of it, with odd values in some places and some names twice."""
        keep = (
            self.random.choice((1.0, 1.0, 0.9, 0.3, 0.0))
            if page.door.method == "POST"
            else self.random.choice((0.0, 0.3))
        )
        pairs = [
            (name, self.random.choice(values))
            for name, values in sorted(page.values.items())
            if self.random.random() < keep
        ]
        names = sorted(page.names) or ["q"]
        for _time in range(self.random.choice((0, 1, 1, 1, 2, 3))):
            name = self.random.choice(names)
            if self.random.random() < 0.8:
                pairs = [pair for pair in pairs if pair[0] != name]
            pairs.append((name, self.value()))
            if self.random.random() < 0.1:
                pairs.append((name, self.value()))
        return pairs

    def path(self, page: Page) -> str:
        """The address itself, now and then with a key that cannot be."""
        if not page.door.names or self.random.random() < 0.85:
            return page.path
        given = {name: self.random.choice(ODD) for name in page.door.names if self.random.random() < 0.5}
        kept = {name: _told(page, name) for name in page.door.names if name not in given}
        try:
            return reverse(page.door.route, kwargs=kept | given)
        except (NoReverseMatch, UnicodeEncodeError):
            return page.path

    def encoded(self, pairs: list[tuple[str, str]]) -> str:
        text = urlencode(pairs, errors="surrogatepass")
        return (
            text + "&" + quote(pairs[-1][0], errors="replace") + "=%ff%fe%C0"
            if pairs and self.random.random() < 0.04
            else text
        )

    def headers(self) -> dict[str, str]:
        return {"HX-Request": "true"} if self.random.random() < 0.3 else {}


def _told(page: Page, name: str) -> Any:
    return resolve(page.path).kwargs[name]


def sent(odds: Odds, page: Page) -> tuple[str, bytes | dict[str, Any] | None]:
    path, pairs = odds.path(page), odds.pairs(page)
    if page.door.method == "GET":
        return f"{path}?{odds.encoded(pairs)}", None
    if page.files and odds.random.random() < 0.5:
        name = odds.random.choice(("a.csv", "a.xlsx", "x" * 300 + ".csv", "..csv", "大客户.csv", "a\x00.csv"))
        content = odds.random.choice(
            (UPLOAD, b"", b"\x00\xff", b"PK\x03\x04", "大,b\n1,2".encode("gbk"), UPLOAD.replace(b"5", b"1e999"))
        )
        plain = {key: value.encode(errors="replace").decode() for key, value in pairs}
        return path, plain | {one: SimpleUploadedFile(name, content) for one in page.files}
    if odds.random.random() < 0.2 and pairs:
        path, pairs = f"{path}?{odds.encoded(pairs[-1:])}", pairs[:-1]
    return path, odds.encoded(pairs).encode()


@pytest.fixture
def company(db, settings, tmp_path):
    return make_company(settings, tmp_path)


@pytest.mark.parametrize("who", PEOPLE)
def test_no_query_and_no_form_is_a_fault(company, monkeypatch, who):
    visitor, ear, odds = Visitor(company, who), Ear(monkeypatch), Odds(f"{SEED} {who}")
    share = size(450) // len(PEOPLE)
    pages = list(pages_for(who, company))
    odds.random.shuffle(pages)
    pages = pages[: max(share // 3, 1)]  # a small run tries some of the doors, and each a few times
    statuses: Counter[int] = Counter()
    faults: dict[tuple[str, ...], tuple[Any, ...]] = {}
    slowest: list[tuple[float, str]] = []
    for page, answer in learn(visitor, ear, pages):
        if answer.why:
            faults[page.door.method, page.door.route, answer.why[:100]] = (answer.why, page.path)
    while sum(statuses.values()) < share:
        odds.random.shuffle(pages)
        for page in pages[: share - sum(statuses.values())]:
            path, body = sent(odds, page)
            ear.told()
            answer = visitor.send(page, path, body, **odds.headers())
            page.names |= ear.told()
            statuses[answer.status] += 1
            slowest = sorted([*slowest, (answer.seconds, f"{page.door.method} {path[:150]}")], reverse=True)[:5]
            why = answer.why or (
                "told a word of a hidden account" if who == "member" and HIDDEN_WORD in answer.text else ""
            )
            if why:
                faults.setdefault((page.door.method, page.door.route, why[:100]), (why, path[:300], str(body)[:400]))
    print(f"\nS5 {who}: {len(pages)} doors, {dict(sorted(statuses.items()))}, {len(faults)} faults, slowest:")
    print("\n".join(f"  {seconds:.2f} s {what}" for seconds, what in slowest))
    assert faults == {}, "\n".join(map(str, sorted(faults.items(), key=str)))


def test_pages_are_heard_and_their_forms_are_read(company, monkeypatch):
    visitor, ear = Visitor(company, "administrator"), Ear(monkeypatch)
    pages = [one for one in pages_for("administrator", company) if one.door.route in {"accounts:list", "accounts:new"}]

    learn(visitor, ear, pages)

    known = {(page.door.route, page.door.method): page for page in pages}
    assert {"page", "search", "sort"} & known["accounts:list", "GET"].names
    assert "name" in known["accounts:new", "POST"].names
    assert "name" in known["accounts:new", "POST"].values


def test_a_word_in_a_statement_is_noticed(db):
    written: list[str] = []
    with connection.execute_wrapper(_listening(written)), connection.cursor() as cursor:
        cursor.execute("SELECT %s", [MARK])
        assert written == []
        cursor.execute(f"SELECT '{MARK}'")
    assert len(written) == 1
