"""What is watched, what is not and why, and which values are those of a person.

Every table is watched unless it is named in EXEMPT, so that nobody has to think of it. ``tests/crm/test_trail_registry.py``
walks all models.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from django.apps import apps
from django.db.models import BinaryField, CharField, ForeignKey, Model, TextField

DERIVED = "computed from other rows, and computed again at any time"
OWN_RECORD = "rows are added and never edited: it is its own record"
UNUSED = "a table of allauth in which nothing is ever written"
TASTE = "how one person likes to look at things; no business data"

# By model: why its changes are not noted.
EXEMPT: dict[str, str] = {
    "accounts.RevenueRecord": f"the ledger; {OWN_RECORD}, by batch",
    "accounts.ResentRow": OWN_RECORD,
    "accounts.FactChange": OWN_RECORD,
    "accounts.LoginEvent": f"the log of log-ins; {OWN_RECORD}",
    "accounts.Invitation": "its row is its record, and the log of log-ins tells who invited whom",
    "accounts.LoginLimit": "counts of a window of minutes",
    "accounts.UserSession": "who is logged in, not what they did; the log of log-ins tells when",
    "admin.LogEntry": "the admin's own log; the trail has the changes themselves",
    "auth.Permission": "made by migrations",
    "contenttypes.ContentType": "made by migrations",
    "sessions.Session": "who is logged in, not what they did",
    "account.EmailAddress": UNUSED,
    "account.EmailConfirmation": UNUSED,
    "socialaccount.SocialAccount": "identities that open a log-in; the log of log-ins tells of each",
    "socialaccount.SocialApp": UNUSED,
    "socialaccount.SocialToken": UNUSED,
    "crm.IdempotencyKey": "answers kept for a day",
    "service.IncomingMail": "mail that came; its row is its record, and what is logged of it is noted as that",
    "service.IncomingMail_interactions": "as what a mail was logged; the mail's own record",
    "crm.SavedView": TASTE,
    "crm.ListLayout": TASTE,
    "crm.PersonKey": "keys of the trail",
    "crm.WebhookDelivery": "messages sent; each row is its own record",
    "crm.TrailEntry": "the trail itself",
    "crm.TrailLink": "the trail itself",
    "crm.TrailSeal": "the trail itself",
    "metrics.ContractDay": DERIVED,
    "metrics.ProductDay": DERIVED,
    "metrics.AccountProduct": DERIVED,
    "metrics.TouchedAccount": DERIVED,
    "metrics.AccountDay": DERIVED,
    "metrics.AccountMonth": DERIVED,
    "metrics.AccountSpan": DERIVED,
    "metrics.AccountCredit": DERIVED,
    "metrics.ProductNight": DERIVED,
    "metrics.AccountFigures": DERIVED,
    "metrics.LifetimeFit": DERIVED,
    "metrics.ReportedAccount": f"rows of a reported figure; {OWN_RECORD}",
    "tiering.ChangedAccount": "marks of what the next night counts anew, written by triggers",
    "tiering.LedgerFacts": DERIVED,
    "tiering.KeptLedger": DERIVED,
    "tiering.GradedMember": DERIVED,
    "tiering.Quarantine": f"rows of a night; {OWN_RECORD}",
    "tiering.Score": f"rows of a night; {OWN_RECORD}",
    "tiering.GradePeriod": "the history of grades, dated and kept by itself",
    "tiering.ReplacedPeriod": OWN_RECORD,
    "tiering.TierRun": "a night; its row is its record",
    "tiering.BacktestRun": "a computation; its row is its record",
    "plans.Measurement": DERIVED,
    "plans.PromiseResult": DERIVED,
    "plans.AccountCompliance": DERIVED,
    "plans.MovedRow": "rows of a re-assignment, which are its own record; the rows that moved are watched",
}
# Never noted: the time stands on the entry.
CLOCKS = frozenset({"created_at", "updated_at"})
# By model: columns whose changes are not noted. ``NIGHTLY`` ones are not even looked at (the night writes them for all).
NIGHTLY: dict[str, frozenset[str]] = {
    "accounts.Account": frozenset(
        {
            *("search_text", "sort_key", "search_grams", "name_key", "name_grams"),
            *("grade", "underlying_grade", "grade_since", "composite", "is_watched", "graded_as_of"),
        }
    ),
}
# Tables into which one statement brings thousands of rows. Their triggers are written out column by column, and additions
# are noted a statement at a time, and so are changes where no night writes; no secret and no personal field may stand in
# them.
MANY = frozenset({"accounts.Account", "accounts.Contract", "accounts.Product", "accounts.TeamMember"})
IGNORED: dict[str, frozenset[str]] = {
    "accounts.User": frozenset({"last_login", "auth_version"}),
    "accounts.ImportBatch": frozenset({"seconds", "attempts"}),
    "accounts.AccessToken": frozenset({"digest", "last_used_at", "last_address"}),
    # A second factor is noted when it comes and goes; each use of it changes its data.
    "mfa.Authenticator": frozenset({"data", "last_used_at"}),
}
# Columns with such a name are noted as changed, without the value; so are bytes.
SECRET = re.compile(
    r"password|secret|token|digest|hash|otp|recovery|credential|private|public_key|challenge|session_key|nonce"
)
# Columns whose name does not tell.
SECRETS: dict[str, frozenset[str]] = {"mfa.Authenticator": frozenset({"data"})}
NO_SECRET: dict[str, frozenset[str]] = {"accounts.MarketEffort": frozenset({"identity"})}
# Where the key of a row is not its primary key.
KEYS: dict[str, str] = {"accounts.AccessToken": "token_key"}
# The account a row belongs to, where it is not its field ``account`` or that of what it hangs on.
ACCOUNTS: dict[str, str] = {"accounts.Account": "id", "accounts.AccountMerge": "survivor_id"}


@dataclass(frozen=True, slots=True)
class Personal:
    """A table that is about people. kind, column : whose, as ``kind:<value of the column>``; fields : values of theirs,
    noted as ciphertext and cleared by an erasure; plain : the other columns, of which each was judged not to be one."""

    kind: str
    column: str
    fields: frozenset[str]
    plain: frozenset[str] = field(default=frozenset())


PERSONAL: dict[str, Personal] = {
    "accounts.Contact": Personal(
        "contact",
        "id",
        frozenset({"name", "title", "department", "email", "phone", "notes"}),
        frozenset(
            {
                *("id", "account_id", "department_kind", "level", "reports_to_id", "is_primary", "is_active"),
                *("is_decision_maker", "attitude", "attitude_since"),
                *CLOCKS,
            }
        ),
    ),
    "accounts.AttitudeNote": Personal(
        "contact",
        "contact_id",
        frozenset({"evidence"}),
        frozenset({"id", "contact_id", "attitude", "held_from", "noted_by_id", "noted_at"}),
    ),
    "accounts.Courtesy": Personal(
        "contact",
        "contact_id",
        frozenset({"occasion", "reason"}),
        frozenset(
            {
                *("id", "contact_id", "kind", "given_on", "amount", "currency", "given_by_id", "state"),
                *("decided_by_id", "decided_on"),
                *CLOCKS,
            }
        ),
    ),
    "accounts.User": Personal(
        "user",
        "id",
        frozenset({"username", "first_name", "last_name", "email"}),
        frozenset(
            {
                *("id", "password", "last_login", "is_superuser", "is_staff", "is_active", "date_joined", "language"),
                *("capacity", "role", "auth_version", "unit_id"),
            }
        ),
    ),
}
# Tables that name a contact and say nothing about the person beside that.
NAMES_A_PERSON: dict[str, str] = {
    "accounts.CentreMember": "whose part in a decision it is",
    "service.Interaction_their_people": "who was there",
    "plans.RelationshipAction": "whom a step is about; the text says what we do",
    "service.ServiceRequest": "who asked; the text is about the matter",
}


@dataclass(frozen=True, slots=True)
class Watch:
    """How one table is watched; what its triggers are told. account : a column, or ``column@table`` for the account of what
    the column points to, or empty; columns : for tables of MANY those that are noted, of which ``texts`` may be empty;
    is_written_by_nights : the nights write others of its columns on every row."""

    table: str
    key: str
    account: str
    ignored: tuple[str, ...]
    personal: tuple[str, ...]
    person: str
    secret: tuple[str, ...]
    columns: tuple[str, ...]
    texts: frozenset[str] = frozenset()
    is_written_by_nights: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        return (
            self.key, self.account, _array(self.ignored), _array(self.personal), self.person, _array(self.secret),
        )  # fmt: skip


def watched_models() -> list[type[Model]]:
    """Every model with a table of its own that is not exempt, join tables among them."""
    found = [
        model
        for model in apps.get_models(include_auto_created=True)
        if not model._meta.proxy and model._meta.label not in EXEMPT  # noqa: SLF001
    ]
    return sorted(found, key=lambda model: model._meta.db_table)  # noqa: SLF001


@cache
def model_of(table: str) -> type[Model] | None:
    """The model of a table, None for one that is gone."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.db_table == table and not model._meta.proxy:  # noqa: SLF001
            return model
    return None


@cache
def personal_fields(table: str) -> frozenset[str]:
    model = model_of(table)
    about = PERSONAL.get(model._meta.label) if model else None  # noqa: SLF001
    return about.fields if about else frozenset()


def watch_of(model: type[Model]) -> Watch:
    meta = model._meta  # noqa: SLF001
    columns = [one.column for one in meta.local_concrete_fields if one.column]
    nightly = NIGHTLY.get(meta.label, frozenset())
    is_many = meta.label in MANY
    ignored = (CLOCKS | nightly | IGNORED.get(meta.label, frozenset())) & set(columns)
    about = PERSONAL.get(meta.label)
    return Watch(
        table=meta.db_table,
        key=KEYS.get(meta.label) or ",".join(str(one.column) for one in meta.pk_fields),
        account=_account_path(model),
        ignored=tuple(sorted(ignored)),
        personal=tuple(sorted(about.fields)) if about else (),
        person=f"{about.kind}:{about.column}" if about else "",
        secret=tuple(sorted(_secret(model))),
        columns=tuple(column for column in columns if column not in ignored) if is_many else (),
        texts=frozenset(
            str(one.column) for one in meta.local_concrete_fields if isinstance(one, CharField | TextField)
        ),
        is_written_by_nights=bool(nightly),
    )


def _secret(model: type[Model]) -> set[str]:
    """Columns that hold what must not be read anywhere else: told by name or kind, so that a new one is never forgotten."""
    fields = model._meta.local_concrete_fields  # noqa: SLF001
    found = {str(one.column) for one in fields if SECRET.search(str(one.column)) or isinstance(one, BinaryField)}
    label = model._meta.label  # noqa: SLF001
    return (found | SECRETS.get(label, frozenset())) - NO_SECRET.get(label, frozenset())


def _account_path(model: type[Model]) -> str:
    """By which column a row finds its account, itself or over one step; empty where it belongs to none."""
    label = model._meta.label  # noqa: SLF001
    if label in ACCOUNTS:
        return ACCOUNTS[label]
    links = [one for one in model._meta.local_concrete_fields if isinstance(one, ForeignKey)]  # noqa: SLF001
    for link in links:
        if link.name == "account" and link.related_model._meta.label == "accounts.Account":  # noqa: SLF001
            return str(link.column)
    for link in links:
        behind = link.related_model
        if behind._meta.label != "accounts.Account" and _own_account(behind):  # noqa: SLF001
            return f"{link.column}@{behind._meta.db_table}"  # noqa: SLF001
    return ""


def _own_account(model: type[Model]) -> bool:
    return any(
        one.name == "account" and one.column == "account_id"
        for one in model._meta.local_concrete_fields  # noqa: SLF001
        if isinstance(one, ForeignKey)
    )


def _array(names: tuple[str, ...]) -> str:
    return "{" + ",".join(names) + "}"
