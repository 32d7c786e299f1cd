"""Objects for tests: each function makes one with believable defaults and takes what the test is about."""

import hashlib
import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from accounts.enums import BatchState, EffortPurpose, EvaluatorFunction, RateKind, RatingIndicator, TeamRole
from accounts.models import (
    Account,
    Contact,
    Contract,
    ContractMilestone,
    ExchangeRate,
    ImportBatch,
    MarketEffort,
    OrgUnit,
    Product,
    Rating,
    RevenueRecord,
    TeamMember,
    User,
    WalletEstimate,
)
from accounts.signals import ledger_changed

JANUARY_2024 = datetime(2024, 1, 15, 1, tzinfo=UTC)  # nine in the morning in Shanghai
_numbers = itertools.count(1)


def _next() -> int:
    return next(_numbers)


def make_user(**fields: Any) -> User:
    number = _next()
    fields = {"username": f"user{number}", "password": "a-long-Passw0rd", **fields}
    return User.objects.create_user(**fields)


def make_superuser(**fields: Any) -> User:
    return make_user(is_staff=True, is_superuser=True, **fields)


def make_unit(**fields: Any) -> OrgUnit:
    return OrgUnit.objects.create(**{"name": f"Unit {_next()}", "level": "team", **fields})


def make_account(**fields: Any) -> Account:
    number = _next()
    return Account.objects.create(**{"code": f"A{number:05}", "name": f"Customer {number}", **fields})


def make_contact(**fields: Any) -> Contact:
    fields.setdefault("account", None)
    fields["account"] = fields["account"] or make_account()
    return Contact.objects.create(**{"name": f"Person {_next()}", **fields})


def make_team_member(**fields: Any) -> TeamMember:
    defaults: dict[str, Any] = {"role": TeamRole.ACCOUNT_MANAGER, "valid_from": date(2020, 1, 1)}
    defaults["account"] = fields.pop("account", None) or make_account()
    defaults["user"] = fields.pop("user", None) or make_user()
    return TeamMember.objects.create(**(defaults | fields))


def make_product(**fields: Any) -> Product:
    number = _next()
    return Product.objects.create(**{"code": f"P{number:04}", "name": f"Product {number}", **fields})


def make_contract(**fields: Any) -> Contract:
    defaults: dict[str, Any] = {"number": f"C{_next():05}", "title": "Frame contract"}
    defaults["account"] = fields.pop("account", None) or make_account()
    return Contract.objects.create(**(defaults | fields))


def make_milestone(**fields: Any) -> ContractMilestone:
    """Of its own contract over 1000 unless another is given."""
    defaults: dict[str, Any] = {"title": "Acceptance", "amount": Decimal(100), "planned_on": date(2024, 6, 30)}
    defaults["contract"] = fields.pop("contract", None) or make_contract(amount=Decimal(1000), currency="CNY")
    return ContractMilestone.objects.create(**(defaults | fields))


def make_rate(**fields: Any) -> ExchangeRate:
    defaults = {"from_currency": "USD", "to_currency": "CNY", "valid_on": date(2024, 1, 1), "rate": Decimal(7)}
    return ExchangeRate.objects.create(**({"kind": RateKind.SPOT, **defaults} | fields))


def make_rating(**fields: Any) -> Rating:
    defaults: dict[str, Any] = {
        "indicator": RatingIndicator.V1,
        "score": 4,
        "function": EvaluatorFunction.SALES,
        "rated_on": date(2024, 1, 1),
        "expires_on": date(2025, 1, 1),
    }
    defaults["account"] = fields.pop("account", None) or make_account()
    defaults["evaluator"] = fields.pop("evaluator", None) or make_user()
    return Rating.objects.create(**(defaults | fields))


def make_wallet_estimate(**fields: Any) -> WalletEstimate:
    defaults: dict[str, Any] = {
        "amount": Decimal(1_000_000),
        "currency": "CNY",
        "source": "annual report",
        "estimated_on": date(2024, 1, 1),
        "expires_on": date(2025, 1, 1),
    }
    defaults["account"] = fields.pop("account", None) or make_account()
    defaults["author"] = fields.pop("author", None) or make_user()
    return WalletEstimate.objects.create(**(defaults | fields))


def make_effort(**fields: Any) -> MarketEffort:
    """Money spent on winning customers in January 2024; ``hours`` alone with ``amount=None``."""
    defaults: dict[str, Any] = {"month": date(2024, 1, 1), "purpose": EffortPurpose.ACQUISITION, "category": "Fairs"}
    defaults |= {"source": "test", "amount": Decimal(1000)} | fields
    defaults.setdefault("currency", "" if defaults["amount"] is None else "CNY")
    return MarketEffort.objects.create(**defaults)


def make_batch(**fields: Any) -> ImportBatch:
    return ImportBatch.objects.create(
        **{"state": BatchState.POSTED, "source": "test", "file_name": "test.csv", **fields}
    )


def make_revenue(**fields: Any) -> RevenueRecord:
    """One posted record, roll-up included; use `post_revenue` for many."""
    return post_revenue([fields])[0]


def post_revenue(rows: list[dict[str, Any]]) -> list[RevenueRecord]:
    """Post records as one batch and bring the roll-up up to date, as the door does."""
    with transaction.atomic():
        batch = make_batch(read=len(rows), posted=len(rows))
        records = RevenueRecord.objects.bulk_create([_record(batch, dict(fields)) for fields in rows])
        announce_touched(batch, [record.account_id for record in records])
    return records


def announce_touched(batch: ImportBatch, account_ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS touched_by_test")
        cursor.execute(
            "CREATE TEMP TABLE touched_by_test ON COMMIT DROP AS SELECT DISTINCT account_id, booked_on, currency, basis"
            " FROM accounts_revenuerecord WHERE account_id = ANY(%s)",
            [account_ids],
        )
    ledger_changed.send(sender=ImportBatch, touched_table="touched_by_test", batch_id=batch.pk)


def _record(batch: ImportBatch, fields: dict[str, Any]) -> RevenueRecord:
    number = _next()
    account = fields.pop("account", None) or make_account()
    defaults: dict[str, Any] = {
        "booked_on": date(2024, 1, 15),
        "reference": f"R{number}",
        "amount": Decimal(100),
        "currency": "CNY",
        "source": "test",
        "identity": hashlib.md5(str(number).encode(), usedforsecurity=False).digest(),
    }
    return RevenueRecord(account=account, batch=batch, **(defaults | fields))


def make_override(**fields: Any) -> Any:
    """An approved one, unless ``approved_by`` is None."""
    from tiering.enums import OverrideState
    from tiering.models import Override

    fields = {"approved_by": None, **fields} if "approved_by" in fields else {"approved_by": make_user(), **fields}
    defaults: dict[str, Any] = {
        "grade": "gold", "reason": "project", "text": "A tender is under way", "valid_from": date(2024, 1, 1),
        "valid_to": date(2024, 12, 31), "state": OverrideState.APPROVED if fields["approved_by"] else "requested",
    }  # fmt: skip
    defaults["account"] = fields.pop("account", None) or make_account()
    defaults["requested_by"] = fields.pop("requested_by", None) or make_user()
    return Override.objects.create(**(defaults | fields))


def make_receivable(*, paid: Any = (), **fields: Any) -> Any:
    """An invoice to be paid, issued 30 days before it falls due; ``paid`` lists (day, amount)."""
    from accounts.models import Receivable, ReceivablePayment

    due_on = fields.setdefault("due_on", date(2024, 6, 30))
    fields.setdefault("issued_on", due_on - timedelta(days=30))
    defaults: dict[str, Any] = {"number": f"R{_next():05}", "amount": Decimal(100), "currency": "CNY"}
    defaults["account"] = fields.pop("account", None) or make_account()
    made = Receivable.objects.create(**(defaults | fields))
    ReceivablePayment.objects.bulk_create(
        ReceivablePayment(receivable=made, paid_on=day, amount=Decimal(amount)) for day, amount in paid
    )
    return made


def make_interaction(*, our_people: Any = (), their_people: Any = (), **fields: Any) -> Any:
    """A routine visit in January 2024."""
    from service.models import Interaction

    defaults: dict[str, Any] = {"kind": "visit", "held_on": date(2024, 1, 15), "summary": "Went through open points"}
    defaults["account"] = fields.pop("account", None) or make_account()
    defaults["logged_by"] = fields.pop("logged_by", None) or make_user()
    made = Interaction.objects.create(**(defaults | fields))
    made.our_people.set(our_people)
    made.their_people.set(their_people)
    return made


def make_attachment(*, name: str = "note.txt", content: bytes = b"Agreed on prices", **fields: Any) -> Any:
    """A file of an interaction, on the disk; ``fields`` are those of the interaction, or the interaction itself."""
    from django.core.files.base import ContentFile

    from service.attachments import attach

    interaction = fields.pop("interaction", None) or make_interaction(**fields)
    (made,) = attach(interaction=interaction, files=[ContentFile(content, name=name)], by=interaction.logged_by)
    return made


def make_request(**fields: Any) -> Any:
    """A support request of normal severity, opened on 15 January 2024 and still open."""
    from service.models import ServiceRequest

    defaults: dict[str, Any] = {"kind": "support", "subject": "A pump leaks", "opened_at": JANUARY_2024}
    defaults["account"] = fields.pop("account", None) or make_account()
    defaults["opened_by"] = fields.pop("opened_by", None) or make_user()
    return ServiceRequest.objects.create(**(defaults | fields))


def make_sponsor(**fields: Any) -> Any:
    from service.models import Sponsor

    defaults: dict[str, Any] = {"kind": "executive", "valid_from": date(2020, 1, 1)}
    defaults["account"] = fields.pop("account", None) or make_account()
    defaults["user"] = fields.pop("user", None) or make_user()
    return Sponsor.objects.create(**(defaults | fields))


def make_discount(**fields: Any) -> Any:
    from service.models import Discount

    defaults: dict[str, Any] = {"granted_on": date(2024, 1, 15), "percent": Decimal(5), "reason": "Larger volume"}
    defaults["account"] = fields.pop("account", None) or make_account()
    defaults["granted_by"] = fields.pop("granted_by", None) or make_user()
    return Discount.objects.create(**(defaults | fields))


def make_centre(**fields: Any) -> Any:
    from accounts.models import BuyingCentre

    fields["account"] = fields.pop("account", None) or make_account()
    return BuyingCentre.objects.create(**{"name": f"Centre {_next()}", **fields})


def make_member(**fields: Any) -> Any:
    """A decider of influence 3, in a buying centre of the contact's account unless one is given."""
    from accounts.models import CentreMember

    contact = fields.pop("contact", None) or make_contact()
    fields["centre"] = fields.pop("centre", None) or make_centre(account=contact.account)
    return CentreMember.objects.create(**{"contact": contact, "roles": ["decider"], "weight": 3, **fields})


def make_level(**fields: Any) -> Any:
    """Evidence of level 3 for the year 2024."""
    from accounts.models import LevelEvidence

    defaults: dict[str, Any] = {
        "level": 3, "evidence": "Yearly plan signed", "reached_on": date(2024, 1, 1), "expires_on": date(2025, 1, 1),
    }  # fmt: skip
    defaults["account"] = fields.pop("account", None) or make_account()
    return LevelEvidence.objects.create(**(defaults | fields))


def make_courtesy(**fields: Any) -> Any:
    """A gift worth 100 CNY in January 2024."""
    from accounts.models import Courtesy

    defaults: dict[str, Any] = {
        "kind": "gift", "given_on": date(2024, 1, 15), "occasion": "New Year", "amount": Decimal(100), "currency": "CNY",
    }  # fmt: skip
    defaults["contact"] = fields.pop("contact", None) or make_contact()
    defaults["given_by"] = fields.pop("given_by", None) or make_user()
    return Courtesy.objects.create(**(defaults | fields))
