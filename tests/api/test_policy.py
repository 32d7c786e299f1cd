"""Every door of the REST edge × who stands before it: nobody sees or changes what the policy does not give them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.access import Role, role_holds
from accounts.merges import merge_accounts
from accounts.models import (
    AccessToken,
    Account,
    AccountLink,
    AccountLinkType,
    GroupMembership,
    LoginLimit,
    PartnershipState,
    RatingAnchor,
    RelationshipRule,
    RelationshipTarget,
    User,
    UserSession,
)
from accounts.security.invitations import invite
from accounts.security.visitors import Visitor
from crm.api.policy import POLICY, rule_for
from crm.lib.outbound import Door
from crm.lib.periods import parse_period
from crm.models import TrailEntry
from crm.reported import report
from crm.webhooks import services as webhooks
from metrics.services.growth_notes import add_note
from metrics.services.suggestions import reject_suggestion
from plans.models import (
    BusinessDay,
    BusinessHours,
    HandOver,
    PolicyVersion,
    Promise,
    Reassignment,
    RelationshipAction,
    RelationshipPlan,
    RemediationPlan,
    Task,
    TeamRule,
)
from plans.services_work import add_step, make_account_plan
from service.mails import receive
from tests.api.conftest import allow, assert_problem
from tests.api.nights import AS_OF, make_published_run, make_scoring_model
from tests.factories import (
    make_account,
    make_attachment,
    make_batch,
    make_centre,
    make_contact,
    make_contract,
    make_courtesy,
    make_discount,
    make_effort,
    make_interaction,
    make_level,
    make_member,
    make_milestone,
    make_override,
    make_product,
    make_rate,
    make_rating,
    make_receivable,
    make_request,
    make_revenue,
    make_sponsor,
    make_superuser,
    make_team_member,
    make_unit,
    make_user,
    make_wallet_estimate,
)
from tests.service.letters import letter
from tiering.models import BacktestRun
from tiering.services_bands import decide_band
from tiering.services_weights import open_survey

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
RETAIL = b"Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n1,A,B,1,2009-12-01,2,K1,UK\n"
PEOPLE = ("anonymous", "inactive", "stranger", "owner", "teammate", "former", "editor", "clerk", "admin")
SEES = {"owner", "teammate", "editor", "admin"}  # the account in question
FOR_EVERYBODY = {
    "login-events",
    "invitations",
    "log-ins",
    "second-factors",
    "log-in-locks",
    "log-in",
    "access",
    "access-people",
    "account-link-types",
    "products",
    "rates",
    "rating-anchors",
    "relationship-rules",
    "metrics",
    "metrics-contract",
    "models",
    "runs",
    "tiering",
    "backtests",
    "policies",
    "promises",
    "compliance",
    "weight-surveys",
    "webhooks",
    "webhook-deliveries",
    "teams",
    "team-rules",
    "business-hours",
    "business-days",
    "",
}  # hang off none
BARE = {
    *("models-approve", "overrides-approve", "discounts-approve", "interactions-done", "account-plans-approve"),
    *("weight-surveys-close", "weight-surveys-takeover"),
}  # posted without a body
LOG_IN_STEPS = (
    *("sign_out", "switch_off", "switch_on", "remove_second_factor", "reset_password", "end_session"),
    "sessions",
)
ADMINISTRATORS = {"access-people-detail", "access-people-accounts", "access-people-why"}
ORG_DOORS = ("people", "place", "take_out")  # of one unit of the organisation
STEPS = ("done", "respond", "escalate", "resolve", "reopen")  # of an interaction and of a request
HOLDS_RIGHTS = {"editor", "clerk", "admin"}  # the clerk holds every right and sees nothing


@dataclass
class World:
    people: dict[str, User | None]
    account: Account
    rows: dict[str, Any] = field(default_factory=dict)


def every_right() -> list[str]:
    return sorted({rule.right for rule in POLICY.values() if rule.right})


@pytest.fixture
def world(db, settings, tmp_path):
    return make_world(settings, tmp_path)


def make_world(settings: Any, tmp_path: Path) -> World:
    """One row of everything, and everybody who comes to the doors; the files lie in ``tmp_path``."""
    settings.MEDIA_ROOT = tmp_path
    settings.OUTBOUND = Door(is_open=True, private_hosts=frozenset({"127.0.0.1"}))
    people = {name: make_user() for name in PEOPLE[1:-1]} | {"anonymous": None, "admin": make_superuser()}
    account = make_account(owner=people["owner"])
    make_team_member(account=account, user=people["teammate"])
    make_team_member(account=account, user=people["editor"], role="solution_manager")
    make_team_member(account=account, user=people["former"], role="delivery_manager", valid_to=date(2021, 1, 1))
    for name in ("editor", "clerk"):
        people[name] = allow(people[name], *every_right())
    editor = people["editor"]
    kept = make_account(owner=people["owner"])
    make_team_member(account=kept, user=people["teammate"])
    make_team_member(account=kept, user=people["editor"], role="solution_manager")
    rows = {
        "accounts": account,
        "contacts": make_contact(account=account),
        "team-members": make_team_member(account=account, valid_from=date(2010, 1, 1), valid_to=date(2011, 1, 1)),
        "account-merges": merge_accounts(merged=make_account(), into=kept, by=editor, reason="Same"),
        "group-memberships": GroupMembership.objects.create(
            account=account, parent=make_account(), valid_to=date(2011, 1, 1)
        ),
        "account-links": AccountLink.objects.create(
            type=AccountLinkType.objects.get(key="supplies"), source=account, target=make_account()
        ),
        "account-link-types": AccountLinkType.objects.get(key="supplies"),
        "products": make_product(),
        "contracts": make_contract(account=account),
        "contract-milestones": make_milestone(contract=make_contract(account=account, amount=1000, currency="CNY")),
        "rates": make_rate(),
        "ratings": make_rating(account=account, evaluator=editor),
        "rating-anchors": RatingAnchor.objects.get_or_create(indicator="V1", level=1, defaults={"text_en": "Unknown."})[
            0
        ],
        "wallet-estimates": make_wallet_estimate(account=account, author=editor),
        "efforts": make_effort(account=account),
        "revenue": make_revenue(account=account),
        "imports": make_batch(created_by=editor),
        "models": make_scoring_model(),
        "runs": None,
        "reported-figures": None,
        "suggestion-rejections": None,
        "receivables": make_receivable(account=account),
        "receivable-payments": None,
        "overrides": make_override(account=account, requested_by=people["owner"], approved_by=editor),
        "growth-notes": None,
        "backtests": None,
        "interactions": make_interaction(
            account=account, logged_by=editor, next_step="Call", next_step_on=date(2024, 2, 1)
        ),
        "attachments": make_attachment(account=account, logged_by=editor),
        "service-requests": make_request(account=account),
        "sponsors": make_sponsor(account=account),
        "discounts": make_discount(account=account),
        "band-decisions": decide_band(
            account=account,
            verdict="keep",
            text="small",
            review_on=date(2024, 12, 1),
            decided_by=editor,
            decided_on=date(2024, 6, 1),
        ),
    }
    invoice = make_receivable(account=account, paid=[(date(2024, 7, 1), 1)])
    rows["receivable-payments"] = invoice.payments.get()
    rows["runs"] = make_published_run(rows["models"], {account: "gold"})
    rows["reported-figures"] = report(
        author=editor, question="growth", title="2024", filters={"account": [str(account.pk)]},
        base=parse_period("2023"), comparison=parse_period("2024"),
    )  # fmt: skip
    rows["suggestion-rejections"] = reject_suggestion(account=account, product=make_product(), user=editor, reason="no")
    rows["growth-notes"] = add_note(
        author=editor, account=account, base=parse_period("2023"), comparison=parse_period("2024"), factor="market",
        text="prices",
    )  # fmt: skip
    rows["audit"] = TrailEntry.objects.filter(account_id=account.pk).first()
    rows["policies"] = PolicyVersion.objects.create(number=7)
    rows["promises"] = Promise.objects.first()
    rows["compliance"] = None
    rows["remediations"] = RemediationPlan.objects.create(account=account, opened_on=AS_OF, due_on=AS_OF)
    rows["account-plans"] = make_account_plan(
        account=account, made_by=people["owner"], valid_from=date(2030, 1, 1), valid_to=date(2031, 1, 1), goal="Grow",
        priority_rank=1, planned_hours=10,
    )  # fmt: skip
    for name, plan in (("account-plan-steps", "account-plans"), ("remediation-steps", "remediations")):
        rows[name] = add_step(plan=rows[plan], text="Call", owner=editor, due_on=AS_OF)
    contact = make_contact(account=account, attitude=1, attitude_since=date(2024, 1, 1))
    rows["buying-centres"] = make_centre(account=account)
    rows["buying-centre-members"] = make_member(contact=contact, centre=rows["buying-centres"])
    rows["attitude-notes"] = contact.attitude_notes.get()
    rows["relationship-levels"] = make_level(account=account, expires_on=date(2099, 1, 1))
    rows["partnership-states"] = PartnershipState.objects.create(
        account=account, state="loyal", since=date(2024, 1, 1), evidence="Renewed"
    )
    rows["courtesies"] = make_courtesy(contact=contact, given_by=people["owner"], state="waiting")
    rows["relationship-targets"] = RelationshipTarget.objects.create(account=account, key_target=70)
    rows["relationship-rules"] = RelationshipRule.objects.get_or_create(
        grade="gold", defaults={"cadence_days": 45, "key_target": 70}
    )[0]
    rows["relationship-plans"] = RelationshipPlan.objects.create(account=account, goal="Know them", review_on=AS_OF)
    rows["relationship-steps"] = RelationshipAction.objects.create(
        plan=rows["relationship-plans"], layer="key", text="Call", due_on=AS_OF
    )
    rows["business-hours"] = BusinessHours.objects.create(valid_from=date(2020, 1, 1))
    rows["business-days"] = BusinessDay.objects.create(day=date(2030, 1, 1))
    rows["weight-surveys"] = open_survey(
        model=rows["models"], part="", title="Weights", judges=[people["admin"]], created_by=editor
    )
    rows["hand-overs"] = HandOver.objects.create(
        account=account, role="solution_manager", giver=editor, taker=people["teammate"], on=date(2030, 1, 1), made_by=editor
    )  # fmt: skip
    rows["reassignments"] = Reassignment.objects.create(
        leaver=people["former"], rule="person", successor=editor, on=AS_OF, made_by=editor
    )
    rows["team-rules"] = TeamRule.objects.first()
    rows["tasks"] = Task.objects.create(account=account, text="Call", due_on=AS_OF, owner=people["owner"])
    rows["backtests"] = BacktestRun.objects.create(
        model=rows["models"], first_on=date(2023, 1, 31), last_on=date(2023, 2, 28), days=2
    )
    rows["webhooks"], _secret = webhooks.create_webhook(
        name="ERP", url="https://127.0.0.1:9443/", events_told=["grades.changed"], owner=editor
    )
    rows["webhook-deliveries"] = webhooks.send_ping(rows["webhooks"])
    rows["tokens"] = AccessToken.objects.create(user=make_user())[0]
    other = APIClient()
    other.force_login(make_user())
    rows["sessions"] = UserSession.objects.latest("pk")
    rows["invitations"] = invite(
        email="invited@example.com", role="member", by=people["admin"], visitor=Visitor(), now=timezone.now()
    )
    rows["log-ins"] = make_user()
    other.force_login(rows["log-ins"])
    User.objects.filter(pk=rows["log-ins"].pk).update(email="reset@example.com")
    rows["second-factors"] = Authenticator.objects.create(user=make_user(), type="totp", data={"secret": "sealed"})
    rows["log-in-locks"] = LoginLimit.objects.create(kind="user", subject="x", attempts=99, since=timezone.now())
    rows["access-people"] = make_user()
    rows["persons"] = rows["contacts"]
    rows["org-units"] = make_unit(head=editor)
    rows["mails"] = receive(raw=letter(), user=people["owner"], now=timezone.now()).mail  # waits for its account
    return World(people, account, rows)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    monkeypatch.setattr("crm.tasks.send", lambda *args, **kwargs: True)


def bodies(world: World) -> dict[str, dict[str, Any]]:
    """A body that the route accepts from whoever may send it."""
    key, user = world.account.pk, world.people["owner"].pk
    return {
        "accounts": {"code": "NEW", "name": "New"},
        "contacts": {"account": key, "name": "New"},
        "team-members": {
            "account": key,
            "user": user,
            "role": "delivery_manager",
            "valid_from": "2030-01-01",
            "valid_to": None,
        },
        "invitations": {"email": "new@example.com", "role": "member"},
        "org-units": {"name": "New", "level": "team"},
        "account-links": {
            "type": "same-owner",
            "source": key,
            "target": world.rows["account-merges"].survivor_id,
        },
        "account-link-types": {"key": "new", "forward": "runs", "backward": "is run by"},
        "products": {"code": "NEW"},
        "contracts": {"account": key, "number": "NEW"},
        "contract-milestones": {
            "contract": world.rows["contract-milestones"].contract_id,
            "title": "NEW",
            "amount": "5",
            "planned_on": "2024-01-01",
        },
        "rates": {"from_currency": "EUR", "to_currency": "CNY", "valid_on": "2024-01-01", "rate": "8"},
        "ratings": {"account": key, "indicator": "V2", "score": 3, "function": "sales"},
        "wallet-estimates": {"account": key, "amount": "5", "currency": "CNY", "source": "s"},
        "efforts": {
            "account": key,
            "month": "2024-02-01",
            "purpose": "acquisition",
            "category": "c",
            "amount": "5",
            "currency": "CNY",
            "source": "s",
        },
        "revenue": {"account": key, "booked_on": "2024-01-01", "amount": "5", "currency": "CNY"},
        "receivables": {
            "account": key, "number": "NEW", "issued_on": "2024-01-01", "due_on": "2024-02-01", "amount": "5", "currency": "CNY",
        },
        "receivable-payments": {"receivable": world.rows["receivables"].pk, "paid_on": "2024-02-01", "amount": "5"},
        "models": {"preset": "full"},
        "runs": {"as_of": str(AS_OF)},
        "suggestion-rejections": {"account": key, "product": world.rows["products"].pk, "reason": "no"},
        "growth-notes": {"account": key, "base": "2023", "comparison": "2024", "factor": "quality", "text": "n"},
        "reported-figures": {
            "question": "growth",
            "base": "2023",
            "comparison": "2024",
            "title": "New",
            "account": [key],
        },
        "overrides": {
            "account": key, "grade": "gold", "reason": "project", "text": "New", "valid_from": "2030-01-01",
            "valid_to": "2030-06-01",
        },
        "band-decisions": {
            "account": key, "verdict": "improve", "text": "New", "review_on": str(date.today() + timedelta(days=90)),
        },
        "backtests": {"model": world.rows["models"].pk, "first": "2023-01-31", "last": "2023-12-31"},
        "policies": {"note": "New"},
        "problem-decisions": {"account": key, "verdict": "confirm", "text": "New"},
        "interactions": {"account": key, "kind": "call", "held_on": "2024-02-01", "summary": "New"},
        "service-requests": {"account": key, "kind": "question", "subject": "New"},
        "sponsors": {"account": key, "user": user, "kind": "senior_partner", "valid_from": "2030-01-01"},
        "business-hours": {"valid_from": "2031-01-01"},
        "business-days": {"day": "2031-01-01"},
        "account-plans": {
            "account": key, "goal": "New", "priority_rank": 2, "planned_hours": "5.0", "valid_from": "2032-01-01",
            "valid_to": "2032-06-01",
        },
        "account-plan-steps": {"plan": world.rows["account-plans"].pk, "text": "New", "due_on": "2030-02-01"},
        "remediation-steps": {"plan": world.rows["remediations"].pk, "text": "New", "due_on": "2030-02-01"},
        "buying-centres": {"account": key, "name": "New"},
        "buying-centre-members": {
            "centre": world.rows["buying-centres"].pk, "contact": world.rows["contacts"].pk, "roles": ["user"],
        },
        "attitude-notes": {"contact": world.rows["contacts"].pk, "attitude": 2},
        "relationship-levels": {"account": key, "level": 4, "evidence": "New"},
        "partnership-states": {"account": key, "state": "strategic", "evidence": "New"},
        "courtesies": {
            "contact": world.rows["contacts"].pk, "kind": "gift", "given_on": "2024-02-01", "occasion": "New",
            "amount": "5", "currency": "CNY",
        },
        "relationship-targets": {"account": key, "key_target": 60},
        "relationship-rules": {"cadence_days": 30, "key_target": 60, "departments": [], "levels": []},
        "relationship-plans": {"account": key, "goal": "New", "review_on": "2030-01-01"},
        "relationship-steps": {
            "plan": world.rows["relationship-plans"].pk, "layer": "general", "text": "New", "due_on": "2030-01-01",
        },
        "weight-surveys": {"title": "New", "model": world.rows["models"].pk, "judges": [world.people["admin"].pk]},
        "webhooks": {"name": "NEW", "url": "https://127.0.0.1:9443/", "events": ["import.finished"]},
        "hand-overs": {"account": key, "role": "account_manager", "taker": user, "on": "2030-01-01"},
        "reassignments": {"leaver": user, "successor": world.people["teammate"].pk},
        "tasks": {"account": key, "text": "New", "due_on": "2030-01-01"},
        "discounts": {"account": key, "percent": "5", "granted_on": "2024-02-01", "reason": "New"},
    }  # fmt: skip


def routes() -> list[tuple[str, str, Callable]]:
    """(name, pattern, view) of everything below /api/, from the resolver itself."""
    found = []

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> None:
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, path)
            elif path.startswith("api/"):
                found.append((pattern.name, path, pattern.callback))

    walk(get_resolver().url_patterns, "")
    return found


def methods_of(view: Callable) -> set[str]:
    """The methods a view answers; OPTIONS and HEAD add none of their own."""
    actions = getattr(view, "actions", None)
    if actions:
        return {name.upper() for name in actions} & set(METHODS)
    return {name for name in METHODS if hasattr(view.cls, name.lower())}


def doors() -> list[tuple[str, str]]:
    """Route × method of the policy that stand for something to try."""
    return [(route, method) for route, method in POLICY if route != "unknown"]


def test_every_route_and_method_stands_in_the_policy_and_nothing_else_does():
    real = {(name, method) for name, _path, view in routes() if name != "unknown" for method in methods_of(view)}

    assert real == set(doors())
    assert {name for name, _path, _view in routes()} == {route for route, _method in POLICY}
    assert all(name for name, _path, _view in routes())


def test_a_route_without_a_policy_is_refused(admin, monkeypatch):
    monkeypatch.delitem(POLICY, ("products-list", "GET"))

    assert_problem(admin.get("/api/v1/products/"), 403)


def test_head_follows_get_and_options_is_closed(admin, rest):
    assert admin.head("/api/v1/products/").status_code == 200
    assert rest().head("/api/v1/products/").status_code == 401
    assert_problem(admin.options("/api/v1/products/"), 405)
    assert rule_for("products-list", "HEAD") == rule_for("products-list", "GET")


def address_of(route: str, world: World) -> str:
    from django.urls import reverse

    resource, _dash, kind = route.rpartition("-")
    if resource == "persons":
        return reverse(f"api:{route}", args=["contact", world.rows["persons"].pk])
    if route in {"access-people-accounts", "access-people-why"}:
        return reverse(f"api:{route}", args=[world.rows[resource].pk])
    if route == "accounts-relationships":
        return reverse(f"api:{route}", args=[world.account.pk])
    if kind in {
        "detail",
        "metrics",
        "history",
        "group",
        "graded_node",
        "tiering",
        "tiering_compare",
        "promises",
        "decide",
        "activate",
        "grade",
        "close",
        "errors",
        "withdraw",
        "propose",
        "accounts",
        "merge",
        "undo",
        "approve",
        "refuse",
        "end",
        *STEPS,
        "quarantined",
        "content",
        "assign",
        "aside",
        "sign",
        "cancel",
        "open_items",
        "invite",
        "judgements",
        "takeover",
        "secret",
        "ping",
        "again",
        *LOG_IN_STEPS,
        *ORG_DOORS,
    }:
        return reverse(f"api:{route}", args=[world.rows[resource].pk])
    return reverse(f"api:{route}")


def query_of(route: str) -> dict[str, str]:
    if route in {f"metrics-{name}" for name in ("growth", "bridge", "retention", "decomposition", "directions")}:
        return {"base": "2023", "comparison": "2024"}
    if route == "accounts-similar":
        return {"name": "New"}
    if route in {"metrics-activity", "metrics-concentration", "metrics-doubling"}:
        return {"period": "2024"}
    if route == "metrics-contract-growth":
        return {"base": "2023-12-31", "comparison": "2024-12-31"}
    return {"metric": "revenue", "from": "2024-01", "to": "2024-02"} if route == "metrics-trend" else {}


def send(client: APIClient, route: str, method: str, world: World) -> Any:
    address, resource = address_of(route, world), route.rpartition("-")[0]
    if method == "GET":
        query = {"account": world.account.pk} if route == "access-people-why" else query_of(route)
        return client.get(address, query)
    if route == "log-in-rule":
        body = {"second_factor_roles": ["director"]}
        return client.put(address, body, format="json", headers={"If-Match": "*"})
    if route == "log-ins-end_session":
        session = UserSession.objects.filter(user=world.rows["log-ins"]).latest("pk")
        return client.post(address, {"session": session.pk}, format="json")
    if route == "persons-erase":
        body = {"reason": "test", "confirm": f"contact:{world.rows['persons'].pk}"}
        return client.post(address, body, format="json")
    if route == "imports-list":
        return client.post(address, {"file": SimpleUploadedFile("f.csv", RETAIL), "wait": "true"}, format="multipart")
    if (route, method) == ("attachments-list", "POST"):
        sent = {"interaction": world.rows["interactions"].pk, "file": SimpleUploadedFile("note.txt", b"Agreed")}
        return client.post(address, sent, format="multipart")
    if (route, method) == ("mails-list", "POST"):
        return client.generic("POST", address, letter(message_id="<new@x>"), content_type="message/rfc822")
    if route == "mails-assign":
        return client.post(address, {"account": world.account.pk}, format="json")
    if route == "business-days-import":
        return client.post(address, {"days": "2031-05-01 off"}, format="json")
    if route == "weight-surveys-invite":
        return client.post(address, {"judges": [world.people["admin"].pk]}, format="json")
    if route == "weight-surveys-judgements":
        survey = world.rows["weight-surveys"]
        pairs = survey.pairs if survey.items else []
        said = [{"left": left, "right": right, "scale": 1} for left, right in pairs]
        return client.put(address, {"judgements": said}, format="json", headers={"If-Match": "*"})
    if route in BARE:
        return client.post(address, format="json")
    if route == "models-propose":
        return client.post(address, {"effective_on": "2030-01-01", "text": "test"}, format="json")
    if route in {"models-refuse", "overrides-refuse", "overrides-end"}:
        return client.post(address, {"text": "test"}, format="json")
    if route == "invitations-withdraw" or resource == "log-ins":
        return client.post(address, format="json")
    if route == "tasks-end":
        return client.post(address, format="json")
    if route in {"org-units-place", "org-units-take_out"}:
        return client.post(address, {"users": [world.people["owner"].pk]}, format="json")
    if route == "team-members-change_seat":
        body = {"account": world.account.pk, "role": "account_manager", "user": None}
        return client.post(address, body, format="json")
    if route == "team-rules-detail" and method == "PUT":
        return client.put(address, {"roles": [], "points": 1}, format="json", headers={"If-Match": "*"})
    if route == "courtesies-decide":
        return client.post(address, {"is_approved": True}, format="json")
    if route in {"sponsors-end", "relationship-levels-end"}:
        return client.post(address, {"on": "2024-06-01"}, format="json")
    if resource == "service-requests" and route.rpartition("-")[2] in STEPS:
        return client.post(address, {"text": "test"}, format="json")
    if route in {"imports-withdraw", "reported-figures-withdraw"}:
        return client.post(address, {"reason": "test"}, format="json")
    if route == "policies-activate":
        return client.post(address, {"valid_from": "2999-01-01"}, format="json")
    if route == "policies-grade":
        words = {"purpose_en": "Test", "strategy_en": "Test"}
        return client.post(address, {"grade": "gold", "promises": [], **words}, format="json")
    if route == "remediations-close":
        return client.post(address, {"outcome": "solved", "text": "test"}, format="json")
    if route == "team-members-change_seat":
        user = world.people["owner"].pk
        body = {"account": world.account.pk, "role": "solution_manager", "user": user, "on": "2031-01-01"}
        return client.post(address, body, format="json")
    if route == "account-links-end":
        return client.post(address, {"on": "2024-06-01"}, format="json")
    if route == "accounts-graded_node":
        return client.post(address, {"is_graded_node": True}, format="json")
    if route == "accounts-dismiss":
        pair = {"first": world.account.pk, "second": world.rows["account-merges"].survivor_id}
        return client.post(address, pair, format="json")
    if route == "accounts-merge":
        return client.post(address, {"into": world.rows["account-merges"].survivor_id, "reason": "test"}, format="json")
    if route == "account-merges-undo":
        return client.post(address, format="json")
    body = bodies(world).get(resource, {}) if method in {"POST", "PUT"} else {}
    return getattr(client, method.lower())(address, body, format="json", headers={"If-Match": "*"})


def expected(person: str, route: str, method: str) -> set[int]:
    """The statuses the policy allows this person at this door."""
    rule, (resource, _dash, kind) = POLICY[route, method], route.rpartition("-")
    if rule.open:
        return {401 if person == "inactive" else 200}  # a bad token is never passed over
    if person in {"anonymous", "inactive"}:
        return {401}
    if rule.right and person not in HOLDS_RIGHTS and not role_holds(Role.MEMBER, rule.right):
        return {403}
    sees = person in SEES or (resource == "imports" and person in {"editor", "admin"})
    if resource == "imports" and person not in {"editor", "admin"}:
        sees = False
    if resource in {"tokens", "sessions"} and method != "GET":
        return {403}  # a token is no person at a browser
    if route in ADMINISTRATORS:
        return {200} if person == "admin" else {403}
    if resource == "persons":
        return {403} if person not in HOLDS_RIGHTS else {200} if person in SEES else {404}
    if resource == "org-units":
        sees = person in {"editor", "admin"}  # its head, and who sees every unit
        if kind in {"list", "tree"}:
            return {200, 201}
        return {200, 204} if sees else {404}
    if resource == "mails":  # one's own alone
        return ({201} if method == "POST" else {200}) if kind == "list" else {200} if person == "owner" else {404}
    is_of_account = resource not in FOR_EVERYBODY
    if resource == "reassignments":
        theirs = person in {"editor", "admin"}  # of whoever made them, and of those who see every account
        if kind == "list":
            return {201} if method == "POST" and theirs else {409} if method == "POST" else {200}
        return {404} if not theirs else {409} if kind == "undo" else {200}  # nothing of it can be given back
    if (route, method) == ("hand-overs-list", "POST"):
        return {400} if not sees else {403} if person == "owner" else {201}  # the teammate holds the seat
    if route == "hand-overs-sign" and sees:
        return {200} if person in {"editor", "teammate"} else {409}  # giver and taker
    if route == "hand-overs-cancel" and sees:
        return {403} if person == "owner" else {200}
    if kind == "change_seat":
        return {204} if sees else {400}  # the account named in the body is unknown to them
    if kind == "export":
        return {200}  # with the rows they see
    if route in {"accounts-similar", "accounts-duplicates"}:
        return {200}  # over what they see
    if route == "accounts-dismiss":
        return {204} if sees else {400}
    if is_of_account and kind not in {"list", "change_seat"} and not sees:
        return {404}
    if is_of_account and method == "POST" and resource not in {"accounts", "imports"} and not sees:
        return {400}  # the account named in the body is unknown to them
    if (route, method) == ("weight-surveys-judgements", "PUT") and person != "admin":
        return {403}  # only the superuser is invited
    if route == "weight-surveys-takeover":
        return {422}  # nobody has judged
    if resource in {"interactions", "attachments"} and kind in {"detail", "list"} and person in {"owner", "teammate"}:
        is_theirs = method == "GET" or (resource, kind) == ("interactions", "list")
        return {200, 201} if is_theirs else {403}  # others wrote it down
    if route == "service-requests-reopen":
        return {409}  # that one is open
    if route == "reported-figures-withdraw" and person not in {"editor", "admin"}:
        return {403}  # others reported it
    if route == "overrides-refuse" and person not in {"owner", "editor", "admin"}:
        return {403}  # others asked for it
    if route == "models-refuse" and person not in HOLDS_RIGHTS:
        return {403}  # others proposed it
    if route in {"models-propose", "models-approve", "models-refuse"}:
        return {409}  # that one is in force
    if route in {"policies-list", "policies-activate"} and method == "POST":
        return {409}  # there is a draft already, and it lacks its words
    if route in {"overrides-approve", "overrides-refuse"} or (route, method) == ("problem-decisions-list", "POST"):
        return {409}  # that one is decided, and no problem is proposed
    if (route, method) == ("backtests-list", "POST"):
        return {422}  # its ledger covers too little
    if kind == "migration":
        return {404}  # this world has one night
    if kind == "errors":
        return {404}  # the batch of this world rejected nothing
    if route == "accounts-detail" and method == "DELETE":
        return {409}  # contracts and revenue hang on it
    return {200, 201, 202, 204}


def fingerprint() -> str:
    """A hash over every row of every table but those that log in."""
    digest = hashlib.sha256()
    kept = {"accounts_accesstoken", "django_session", "accounts_user"}
    kept |= {"accounts_loginevent", "accounts_loginlimit", "accounts_usersession"}  # refused tries are written down
    kept = {"accounts_accesstoken", "accounts_loginevent", "accounts_loginlimit", "django_session", "accounts_user"}
    with connection.cursor() as cursor:
        for model in sorted(apps.get_models(include_auto_created=True), key=lambda model: model._meta.db_table):
            table = model._meta.db_table
            if table in kept or not model._meta.managed:
                continue
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM \"{table}\" t"
            )
            digest.update(f"{table} {cursor.fetchone()[0]}\n".encode())
    return digest.hexdigest()


@pytest.mark.parametrize("route", sorted({route for route, _method in doors()}))
def test_each_door_admits_whom_the_policy_names_and_a_refusal_leaves_no_trace(world, rest, route):
    clients = {name: rest(user) for name, user in world.people.items()}
    inactive = world.people["inactive"]
    inactive.is_active = False
    inactive.save()
    before = fingerprint()

    for method in [method for name, method in doors() if name == route]:
        refused = [person for person in PEOPLE if min(expected(person, route, method)) >= 400]
        for person in refused:
            status = send(clients[person], route, method, world).status_code
            assert status in expected(person, route, method), (person, method)
        for person in set(PEOPLE) - set(refused):
            response = _undone(lambda person=person, method=method: send(clients[person], route, method, world))
            assert response.status_code in expected(person, route, method), (person, method, response.content)
    assert fingerprint() == before


def _undone(act: Callable[[], Any]) -> Any:
    """What ``act`` answered, with its writes rolled back, so that the next person finds the same world."""
    from django.db import transaction

    with transaction.atomic():
        response = act()
        transaction.set_rollback(True)
    return response


def test_hidden_and_missing_answer_alike_by_every_door(world, rest):
    client = rest(world.people["clerk"])

    for route, method in doors():
        resource, _dash, kind = route.rpartition("-")
        if kind in {"list", "export", "change_seat"} or resource in FOR_EVERYBODY:
            continue
        hidden = send(client, route, method, world)
        row, world.rows[resource] = world.rows[resource], type(world.rows[resource])(pk=2**40)
        missing = send(client, route, method, world)
        world.rows[resource] = row
        assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content), (route, method)


EDITED = [route for route, method in doors() if method == "PATCH"]


@pytest.mark.parametrize("route", EDITED)
def test_no_field_changes_that_the_resource_does_not_list_as_writable(world, rest, route):
    """Every column of the model is sent; only those the serializer declares writable may differ afterwards."""
    resource = route.rpartition("-")[0]
    view = next(view for name, _path, view in routes() if name == route)
    serializer = view.cls.serializer_class()
    writable = {name for name, entry in serializer.fields.items() if not entry.read_only}
    row, client = world.rows[resource], rest(world.people["admin"])
    columns = [entry for entry in row._meta.concrete_fields if entry.name not in writable]
    before = {entry.attname: getattr(row, entry.attname) for entry in columns if entry.name != "updated_at"}

    for entry in columns:
        client.patch(address_of(route, world), {entry.name: _odd(entry)}, format="json", headers={"If-Match": "*"})

    row.refresh_from_db()
    assert {name: getattr(row, name) for name in before} == before


def _odd(entry: Any) -> Any:
    kind = entry.get_internal_type()
    if kind in {"DateField", "DateTimeField"}:
        return "2001-01-01"
    return {"BooleanField": True, "CharField": "diamond", "TextField": "odd"}.get(kind, 7)
