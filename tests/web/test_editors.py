"""E1: many editors at once on few accounts, by page, by a form inside a tab, over REST and by bulk change, while nights grade
the same accounts. Nothing that was taken is lost, and whoever was overtaken sees both values.

``FACET_E1=50x200`` is the whole of it: 50 editors with 200 edits each on 20 accounts.
"""

import os
import random
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape

import pytest
from django.db import close_old_connections, connections
from django.test import Client
from django.urls import reverse

from accounts.access import Role
from accounts.models import Account, Contact, User
from crm.models import TrailEntry
from crm.pipeline import run_night
from tests.factories import make_contact, make_unit, make_user
from tests.tiering.company import AS_OF, random_ledger
from tiering.enums import RunTrigger

SIZE = os.environ.get("FACET_E1", "")
EDITORS, EDITS_EACH = (int(part) for part in SIZE.split("x")) if SIZE else (6, 25)
ACCOUNTS = 20 if SIZE else 4
THREADS = min(EDITORS, 24)  # connections at once
HTMX = {"HX-Request": "true"}


@dataclass
class Log:
    """What every editor was told."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    taken: dict[str, Counter[int]] = field(
        default_factory=lambda: defaultdict(Counter)
    )  # way → key of the row → how often
    refused: Counter[str] = field(default_factory=Counter)
    blind: list[str] = field(default_factory=list)  # refusals that did not show both values
    broken: list[BaseException] = field(default_factory=list)
    nights: int = 0

    def note(self, way: str, key: int, answer: str) -> None:
        """answer : empty where the edit was taken, else what the loser was shown, or ``blind: …``"""
        with self.lock:
            if not answer:
                self.taken[way][key] += 1
                return
            self.refused[way] += 1
            if answer.startswith("blind"):
                self.blind.append(f"{way}: {answer}")


Way = Callable[[Client, Account], tuple[int, str]]


def carried(html: str, name: str = "seen") -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html) or re.search(rf'value="([^"]*)"[^>]*name="{name}"', html)
    assert found, html[:1500]
    return unescape(found.group(1))


def shown(text: str, *values: str) -> str:
    """``seen`` where the refusal holds every value, else why not."""
    missing = [value for value in values if value not in text]
    return "seen" if not missing else f"blind: {missing} not in {text[:400]!r}"


def by_rest(client: Client, account: Account) -> tuple[int, str]:
    """Read, add one, write under If-Match."""
    address = f"/api/v1/accounts/{account.pk}/"
    read = client.get(address)
    mine = str(int(read.json()["segment"]) + 1)
    sent = client.patch(
        address, {"segment": mine}, content_type="application/json", headers={"If-Match": read.headers["ETag"]}
    )
    if sent.status_code == 200:
        return account.pk, ""
    assert sent.status_code == 412, sent.content
    problem = sent.json()
    stored, typed = problem["current"]["segment"], next((one["detail"] for one in problem["errors"]), "")
    return account.pk, "seen" if stored == mine else shown(typed, f'"{stored}"', f'"{mine}"')


def by_bulk(client: Client, account: Account) -> tuple[int, str]:
    address, ticked = reverse("accounts:bulk"), {"action": "segment", "account": [account.pk]}
    was = carried(client.post(address, ticked).content.decode(), f"was-{account.pk}")
    mine = str(int(was) + 1)
    sent = client.post(address, ticked | {f"was-{account.pk}": was, "confirmed": "1", "segment": mine})
    if sent.status_code == 302:
        return account.pk, ""
    assert sent.status_code == 409, sent.content
    html = sent.content.decode()
    return account.pk, shown(html, "changed meanwhile", f'value="{mine}"', carried(html, f"was-{account.pk}"))


def by_page(client: Client, account: Account) -> tuple[int, str]:
    """A page of its own: the title of a contact."""
    person = Contact.objects.get(account=account)
    address = reverse("accounts:contact_edit", args=[account.pk, person.pk])
    html = client.get(address).content.decode()
    mine = str(int(carried(html, "title")) + 1)
    sent = client.post(address, {"name": person.name, "title": mine, "is_active": "on", "seen": carried(html)})
    if sent.status_code == 302:
        return person.pk, ""
    assert sent.status_code == 409, sent.content
    late = sent.content.decode()
    table = late[late.find("data-clashes") :] if "data-clashes" in late else ""
    is_alike = not table and "Somebody else changed this" in late  # the same was typed by both
    return person.pk, "seen" if is_alike else shown(table, f"<td>{mine}</td>", "<th scope")


def by_part(client: Client, account: Account) -> tuple[int, str]:
    """A form inside a tab, sent as htmx does: market potential of the account."""
    html = client.get(reverse("accounts:detail", args=[account.pk]), headers=HTMX).content.decode()
    form = html[html.index(reverse("accounts:axes", args=[account.pk])) :]
    potential = re.search(r'name="potential".*?</select>', form, re.DOTALL)
    assert potential, form[:800]
    chosen = re.search(r'value="(\w*)"[^>]*selected', potential.group(0))
    mine = "low" if chosen and chosen.group(1) == "high" else "high"
    sent = {"need": "", "potential": mine, "seen": carried(form)}
    answer = client.post(reverse("accounts:axes", args=[account.pk]), sent, headers=HTMX, follow=True)
    words = answer.content.decode()
    if "Need and potential are saved" in words:
        return account.pk, ""
    return account.pk, shown(words, "Stored now: need", f"{'Low' if mine == 'low' else 'High'} potential.")


WAYS: tuple[Way, ...] = (by_rest, by_bulk, by_page, by_part)


def edits(seed: int) -> Iterator[tuple[Way, int]]:
    draw = random.Random(seed)
    for _ in range(EDITS_EACH):
        yield draw.choices(WAYS, weights=(4, 3, 2, 1))[0], draw.randrange(ACCOUNTS)


def work(people: list[User], accounts: list[Account], log: Log, seed: int) -> None:
    """What one thread does: the edits of its editors in turn."""
    try:
        clients = []
        for person in people:
            client = Client()
            client.force_login(person)
            clients.append(client)
        plans = [list(edits(seed * 1000 + at)) for at in range(len(people))]
        for turn in range(EDITS_EACH):
            for client, plan in zip(clients, plans, strict=True):
                way, at = plan[turn]
                log.note(way.__name__, *way(client, accounts[at]))
    except BaseException as error:  # noqa: BLE001 - told by the thread that waits
        log.broken.append(error)
    finally:
        connections.close_all()


def grade_on(is_over: threading.Event, log: Log) -> None:
    """Nights, one after the other, for as long as the editors work."""
    try:
        while not is_over.is_set():
            run_night(as_of=AS_OF, trigger=RunTrigger.COMMAND)
            log.nights += 1
            close_old_connections()
            is_over.wait(0.2)
    except BaseException as error:  # noqa: BLE001
        log.broken.append(error)
    finally:
        connections.close_all()


def editors() -> list[User]:
    """By turns a director and, behind the wall, a manager; each manager heads a unit above the owner of all accounts."""
    people = [make_user(role=Role.DIRECTOR if at % 2 else Role.MANAGER) for at in range(EDITORS)]
    unit = None
    for manager in people[::2]:
        unit = make_unit(level="team", parent=unit, head=manager)
    Account.objects.update(owner=make_user(role=Role.MEMBER, unit=unit))
    return people


@pytest.mark.django_db(transaction=True)
def test_many_editors_at_once_lose_no_change():
    accounts = random_ledger(accounts=ACCOUNTS, rows=40 * ACCOUNTS, seed=7)
    Account.objects.update(segment="0")
    for account in accounts:
        make_contact(account=account, title="0")
    people = editors()
    run_night(as_of=AS_OF, trigger=RunTrigger.COMMAND)
    first = TrailEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    log, is_over, began = Log(), threading.Event(), time.monotonic()

    night = threading.Thread(target=grade_on, args=(is_over, log))
    threads = [
        threading.Thread(target=work, args=(people[at::THREADS], accounts, log, at))
        for at in range(min(THREADS, EDITORS))
    ]
    for thread in (night, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    is_over.set()
    night.join()

    seconds = time.monotonic() - began
    told = {way: sum(keys.values()) for way, keys in log.taken.items()}
    print(f"\nE1: {EDITORS} editors, {seconds:.0f} s, taken {told}, refused {dict(log.refused)}, {log.nights} nights")
    assert log.broken == []
    assert log.nights > 0
    assert sum(told.values()) + sum(log.refused.values()) == EDITORS * EDITS_EACH
    assert log.blind == []
    assert sum(log.refused.values()) > 0, "nobody was ever overtaken: the test proves nothing"
    assert_nothing_is_lost(log, first)
    connections.close_all()


def assert_nothing_is_lost(log: Log, first: int) -> None:
    """The counters end at the number of edits taken; the trail has one entry for each, each going on from the one before."""
    counted = log.taken["by_rest"] + log.taken["by_bulk"]
    assert {pk: int(segment) for pk, segment in Account.objects.values_list("pk", "segment")} == {
        pk: counted[pk] for pk in Account.objects.values_list("pk", flat=True)
    }
    titles = log.taken["by_page"]
    assert all(int(one.title) == titles[one.pk] for one in Contact.objects.all())
    noted: dict[str, Counter[int]] = {"segment": Counter(), "potential": Counter(), "title": Counter()}
    last: dict[tuple[str, int], object] = {}
    rows = TrailEntry.objects.filter(pk__gt=first, action="U", table_name__in=["accounts_account", "accounts_contact"])
    for entry in rows.order_by("pk").iterator():
        for name in set(entry.after) & set(noted):
            key = (name, int(entry.row_key))
            noted[name][key[1]] += 1
            if name != "title":  # sealed under the person's key
                assert last.get(key, entry.before[name]) == entry.before[name], f"{key} changed unseen"
                last[key] = entry.after[name]
    assert noted["segment"] == counted
    assert noted["potential"] == log.taken["by_part"]
    assert noted["title"] == titles
