"""Texts put into every text field of every table, as they might have come by a form, REST or a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.apps import apps
from django.db import DataError, IntegrityError, InternalError, connection, models, transaction
from django.utils import timezone

from crm.models import Erasure
from tests.hostile.company import TABLES_OF_OTHERS

# Fields that hold no text people write, by model and name (``*``: all of the model), with the reason.
NOT_TYPED = {
    "accounts.Account.search_text": "derived from the names", "accounts.Account.sort_key": "derived from the names",
    "accounts.Account.name_key": "derived from the names", "accounts.User.password": "a hash",
    "accounts.AccessToken.token_key": "a key", "accounts.AccessToken.digest": "a hash",
    "accounts.UserSession.session_key": "a key", "accounts.Invitation.nonce": "random",
    "accounts.LoginLimit.kind": "one of a few words", "accounts.AccountLinkType.key": "one of a few words",
    "accounts.ImportBatch.profile": "one of a few words", "crm.IdempotencyKey.*": "answers kept for a day",
    "crm.PersonKey.*": "keys", "crm.Erasure.person": "a key", "crm.WebhookEndpoint.sealed_secret": "ciphertext",
    "crm.TrailEntry.via": "a word of ours", "crm.TrailEntry.table_name": "a table", "crm.TrailEntry.row_key": "a key",
    "crm.TrailEntry.person": "a key", "crm.TrailEntry.database_user": "a role of the database",
    "plans.BusinessHours.time_zone": "one of the zones", "tiering.Quarantine.figure": "one of a few words",
    "tiering.Judgement.left": "a code of ours", "tiering.Judgement.right": "a code of ours",
    "tiering.KeptLedger.*": "fingerprints of questions", "metrics.LifetimeFit.method": "one of a few words",
    "metrics.ReportedFigure.level": "one of two words", "metrics.ReportedFigure.version": "a number of ours",
    "plans.Measurement.facts": "a fingerprint",
    "service.Attachment.media_type": "one of a few words",
    "service.Attachment.sha256": "a fingerprint",
    "service.Attachment.stored_as": "a name of ours",
    "service.MailAddress.token": "drawn by lot",
    "service.IncomingMail.stored_as": "a name of ours", "crm.TrailEntry.request_id": "letters, digits and hyphens (crm.trail.signature)",
    "crm.Erasure.reason": "nothing in it changes; a row is added instead",
}  # fmt: skip
# Rows left as they are: the words of a mutual link are one.
SPARED = {f"accounts.AccountLinkType.{name}": "NOT is_mutual" for name in ("forward", "backward")}
SPARE = 8  # signs kept free where a number has to make texts unlike


@dataclass(frozen=True)
class TextField:
    table: str
    column: str
    room: int
    label: str  # app.Model.field


def text_fields() -> Iterator[TextField]:
    """Every column of text that people fill; vocabularies and currencies are no such text."""
    for model in apps.get_models():
        meta = model._meta
        if meta.app_label in TABLES_OF_OTHERS or meta.proxy or f"{meta.label}.*" in NOT_TYPED:
            continue
        for field in meta.local_concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
            is_currency = "currency" in field.name and field.max_length == 3
            if is_text and not is_currency and not field.primary_key and f"{meta.label}.{field.name}" not in NOT_TYPED:
                yield TextField(meta.db_table, field.column, field.max_length or 5000, f"{meta.label}.{field.name}")


def plant(texts: Sequence[str], *, start: int) -> dict[str, int]:
    """Each row of each field gets the next text that fits, beginning at ``start``; rows by field.

    Statements run as in the product, so that the trail hears of them; where a trigger keeps the rows as they are, without.
    """
    reason = next(text for text in texts[start % len(texts) :] + texts if len(text) <= 300)
    Erasure.objects.create(person="contact:1", reason=reason, erased_at=timezone.now(), counts={})
    return {field.label: _plant(field, texts, start) for field in text_fields()}


def _plant(field: TextField, texts: Sequence[str], start: int) -> int:
    condition = SPARED.get(field.label, "true")
    for suffix, room, mode in (
        ("", field.room, "origin"),
        (" || ' ' || n", field.room - SPARE, "origin"),
        ("", field.room, "replica"),
        (" || ' ' || n", field.room - SPARE, "replica"),
    ):
        fitting = [text for text in texts if len(text) <= room]
        statement = (
            f'UPDATE "{field.table}" SET "{field.column}" = (%s::text[])[1 + (n + %s) %% %s]{suffix}'
            f" FROM (SELECT ctid AS place, row_number() OVER (ORDER BY ctid) - 1 AS n"
            f' FROM "{field.table}" WHERE {condition}) AS rows WHERE "{field.table}".ctid = place'
        )
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL session_replication_role = {mode}")
                cursor.execute(statement, [fitting, start, len(fitting)])
                rows = cursor.rowcount
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET LOCAL session_replication_role = origin")
                return rows
        except (IntegrityError, InternalError, DataError) as error:
            refused = str(error).splitlines()[0]
    raise AssertionError(f"{field.label} takes no text: {refused}")
