"""One small company, for tests that look at it through the eyes of everybody in it (S1, S2, S3).

Accounts that the owner owns, has a seat on, a colleague owns, a stranger owns; one in the owner's group that somebody else
owns. Each carries a word nobody else's has, so that a leak shows wherever it comes out.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.access import READ_SCOPES, Role
from accounts.models import AccessToken, Account, GroupMembership, User
from crm.lib.periods import parse_period
from metrics.services.growth_notes import add_note
from metrics.services.suggestions import reject_suggestion
from plans.models import RemediationPlan
from tests.api.nights import AS_OF, make_published_run, make_scoring_model
from tests.factories import (
    make_account,
    make_attachment,
    make_batch,
    make_contact,
    make_contract,
    make_discount,
    make_effort,
    make_interaction,
    make_milestone,
    make_override,
    make_product,
    make_rating,
    make_receivable,
    make_request,
    make_revenue,
    make_sponsor,
    make_team_member,
    make_unit,
    make_user,
    make_wallet_estimate,
)
from tiering.services_bands import decide_band

# Who sees which account, by hand.
SEES = {
    "anonymous": set(),
    "deactivated": set(),
    "analyst": {"own", "team", "subtree", "group", "stranger"},
    "owner": {"own", "team"},
    "other rep": {"group"},
    "manager": {"own", "team", "subtree"},
    "other manager": {"stranger"},
    "director": {"own", "team", "subtree", "group", "stranger"},
    "administrator": {"own", "team", "subtree", "group", "stranger"},
    "read-only token": {"own", "team"},
}
ROLES = {
    "analyst": Role.ANALYST,
    "owner": Role.MEMBER,
    "other rep": Role.MEMBER,
    "manager": Role.MANAGER,
    "other manager": Role.MANAGER,
    "director": Role.DIRECTOR,
    "administrator": Role.ADMINISTRATOR,
    "read-only token": Role.MEMBER,
}
RELATIONS = ("own", "team", "subtree", "group", "stranger", "missing")
MISSING = 2**40
WORD = {relation: f"Word{number}Of{number}" for number, relation in enumerate(RELATIONS)}


@dataclass
class World:
    people: dict[str, User]
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)  # relation → resource → row
    pages: dict[str, Client] = field(default_factory=dict)
    rest: dict[str, APIClient] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)  # of the sessions


def resources(account: Account, word: str, people: dict[str, User], model: Any) -> dict[str, Any]:
    """One row of each kind that hangs off an account, as the names of the REST resources have it."""
    owner, director = people["owner"], people["director"]
    contract = make_contract(account=account, amount=1000, currency="CNY", title=word, number=f"C{word}")
    receivable = make_receivable(account=account, number=f"R{word}", paid=[(date(2024, 7, 1), 1)])
    contact = make_contact(account=account, name=f"Person {word}", notes=word, email=f"{word}@example.com")
    return {
        "accounts": account,
        "contacts": contact,
        "persons": contact,
        "team-members": make_team_member(
            account=account, user=make_user(), valid_from=date(2010, 1, 1), valid_to=date(2011, 1, 1)
        ),
        "group-memberships": GroupMembership.objects.create(
            account=account, parent=make_account(), valid_to=date(2011, 1, 1)
        ),
        "contracts": contract,
        "contract-milestones": make_milestone(contract=contract, title=word),
        "ratings": make_rating(account=account, evaluator=director),
        "wallet-estimates": make_wallet_estimate(account=account, author=director, source=word),
        "receivables": receivable,
        "receivable-payments": receivable.payments.get(),
        "efforts": make_effort(account=account, category=word),
        "revenue": make_revenue(account=account, reference=word),
        "interactions": make_interaction(account=account, logged_by=director, summary=word, next_step=word),
        "attachments": make_attachment(account=account, logged_by=director, name=f"{word}.txt", content=word.encode()),
        "service-requests": make_request(account=account, subject=word),
        "sponsors": make_sponsor(account=account),
        "discounts": make_discount(account=account, reason=word),
        "overrides": make_override(account=account, requested_by=director, approved_by=None, text=word),
        "growth-notes": add_note(
            author=director, account=account, base=parse_period("2023"), comparison=parse_period("2024"),
            factor="market", text=word,
        ),
        "suggestion-rejections": reject_suggestion(
            account=account, product=make_product(), user=director, reason=word
        ),
        "band-decisions": decide_band(
            account=account, verdict="keep", text=word, review_on=date(2024, 12, 1), decided_by=director,
            decided_on=date(2024, 6, 1),
        ),
        "remediations": RemediationPlan.objects.create(account=account, opened_on=AS_OF, due_on=AS_OF),
        "imports": make_batch(created_by=owner if word == WORD["own"] else director, file_name=f"{word}.csv"),
    }  # fmt: skip


def make_company() -> World:
    """The whole company: people, accounts with a row of each kind, a published night, and everybody logged in."""
    people = {
        name: make_user(role=str(ROLES[name]), username=name.replace(" ", "."))
        for name in SEES
        if name in ROLES and name != "read-only token"
    }
    people["deactivated"] = make_user(role="director")
    people["read-only token"] = people["owner"]
    unit, other = make_unit(head=people["manager"]), make_unit(head=people["other manager"])
    colleague, far = make_user(unit=unit), make_user(unit=other)
    User.objects.filter(pk=people["owner"].pk).update(unit=unit)
    accounts = {
        "own": make_account(name=f"Acct{WORD['own']}", owner=people["owner"]),
        "team": make_account(name=f"Acct{WORD['team']}"),
        "subtree": make_account(name=f"Acct{WORD['subtree']}", owner=colleague),
        "stranger": make_account(name=f"Acct{WORD['stranger']}", owner=far),
    }
    accounts["group"] = make_account(name=f"Acct{WORD['group']}", owner=people["other rep"], parent=accounts["own"])
    make_team_member(account=accounts["team"], user=people["owner"])
    model = make_scoring_model()
    found = World(people)
    for relation, account in accounts.items():
        found.rows[relation] = resources(account, WORD[relation], people, model)
    make_published_run(model, dict.fromkeys(accounts.values(), "gold"))
    for name in SEES:
        found.pages[name], found.rest[name] = clients(name, people)
        if kept := found.pages[name].cookies.get("sessionid"):
            found.cookies[name] = kept.value
    User.objects.filter(pk=people["deactivated"].pk).update(is_active=False)
    return found


def clients(name: str, people: dict[str, User]) -> tuple[Client, APIClient]:
    page, rest = Client(raise_request_exception=False), APIClient(raise_request_exception=False)
    if name == "anonymous":
        return page, rest
    scopes = [str(one) for one in READ_SCOPES] if name == "read-only token" else None
    _row, token = AccessToken.objects.create(user=people[name], last_used_at=timezone.now(), scopes=scopes)
    rest.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    if name != "read-only token":
        page.force_login(people[name])
    return page, rest


NONCES = (
    (re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"'), "token"),
    (re.compile(r'"X-CSRFToken": ?"[^"]*"'), "token"),
    (re.compile(r"X-CSRFToken&quot;: ?&quot;[^&]*&quot;"), "token"),
    (re.compile(r'content="[A-Za-z0-9]{64}"'), "token"),
)


def told(response: Any, path: str) -> tuple[int, str, str]:
    """Status, where it leads and the body, without what differs from one request to the next."""
    text = (
        b"".join(response.streaming_content).decode(errors="replace")
        if response.streaming
        else response.content.decode(errors="replace")
    )
    for pattern, word in NONCES:
        text = pattern.sub(word, text)
    where = response.headers.get("Location", "")
    if len(path) > 1:
        where, text = where.replace(path, "HERE"), text.replace(path, "HERE")
    return response.status_code, where, text
