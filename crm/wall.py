"""The policies of the second wall (``accounts.wall``): which rows of which tables a narrow reader's transaction gets.

Every table is walled that reaches the account by foreign keys, so that nobody has to think of a new one: by its field
``account``, or by what it hangs on. Where that does not say enough ``RULES`` does; ``OPEN`` names those that reach it and
are read whole all the same. Tables with secrets are not granted at all, or each their own rows; where one stands in a table
that every page reads (hashes of passwords), all columns but it are granted, and its field is a ``KeptBackField``.

``build`` runs after every ``migrate`` and changes only what differs. Row security is enabled and not forced: the owner of
the tables (nights, workers, migrations) is not narrowed, and other roles of the database keep what they were granted. The
role belongs to the cluster, so that several databases share it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's word
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError
from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import ForeignKey, Model
from django.db.models.options import Options

from accounts.models import Account
from accounts.models.base import KeptBackField
from crm.lib.wall import VIEWER_ROLE, reads_whole

SEEN = "{column} IN (SELECT accounts_sees())"
# By model: the condition where the field ``account`` or the one thing a row hangs on does not say it.
RULES: dict[str, str] = {
    "accounts.Account": "id IN (SELECT accounts_sees())",
    # Whoever may open one end may know that there is another; who it is, the account itself answers.
    "accounts.AccountLink": "source_id IN (SELECT accounts_sees()) OR target_id IN (SELECT accounts_sees())",
    "accounts.DuplicateDismissal": "first_id IN (SELECT accounts_sees()) OR second_id IN (SELECT accounts_sees())",
    "accounts.AccountMerge": "survivor_id IN (SELECT accounts_sees())",
    # A buying centre may seat people of other companies of the group; who may open the centre reads who sits in it.
    "accounts.Contact": "account_id IN (SELECT accounts_sees()) OR EXISTS (SELECT 1 FROM accounts_centremember m"
    " JOIN accounts_buyingcentre w ON w.id = m.centre_id WHERE m.contact_id = accounts_contact.id)",
    "accounts.CentreMember": "EXISTS (SELECT 1 FROM accounts_buyingcentre w WHERE w.id = accounts_centremember.centre_id)",
    "service.Interaction_their_people": "EXISTS (SELECT 1 FROM service_interaction w WHERE w.id = service_interaction_their_people.interaction_id)",
    # A hand-over waits for the signature of who does not see the account yet.
    "plans.HandOver": "account_id IN (SELECT accounts_sees()) OR taker_id = accounts_viewer()",
    # Of no account: about work as such; whose, the pages ask.
    "plans.Task": "account_id IN (SELECT accounts_sees()) OR account_id IS NULL",
    # By the key of the log of sessions, of which a reader gets the own ones.
    "sessions.Session": "session_key IN (SELECT w.session_key FROM accounts_usersession w)",
    # No foreign key: the trail outlives what it is about.
    "crm.TrailEntry": f"account_id IN (SELECT accounts_sees()) OR {reads_whole('trail')}",
}
# By model: of no account, and read by whoever has the right to all of it (``crm.lib.wall.WHOLES``), by nobody else.
WHOLE: dict[str, str] = {
    "accounts.Invitation": "people", "accounts.LoginLimit": "people",
    "crm.WebhookEndpoint": "webhooks", "crm.WebhookDelivery": "webhooks",
}  # fmt: skip
# By model: why it is read whole though it reaches an account.
OPEN: dict[str, str] = {
    "metrics.ReportedAccount": "which accounts a report rests on decides who may see it: hidden ones must be counted",
}
# By model: the column of the user whose rows alone are read.
OWN: dict[str, str] = {
    "accounts.AccessToken": "user_id",
    "accounts.UserSession": "user_id",
    "accounts.LoginEvent": "user_id",
    "mfa.Authenticator": "user_id",
    "socialaccount.SocialAccount": "user_id",
    "account.EmailAddress": "user_id",
    "crm.ListLayout": "user_id",
    "service.MailAddress": "user_id",
    "service.IncomingMail": "user_id",
}
# Of them, those of others too for who looks after other people's log-ins.
OF_PEOPLE = frozenset(
    {
        "accounts.AccessToken",
        "accounts.UserSession",
        "accounts.LoginEvent",
        "mfa.Authenticator",
        "socialaccount.SocialAccount",
    }
)
# By model: not read at all by a narrow reader's page.
SECRET = frozenset(
    {
        *(
            "admin.LogEntry",
            "account.EmailConfirmation",
        ),
        *("socialaccount.SocialApp", "socialaccount.SocialToken", "crm.IdempotencyKey", "crm.PersonKey", "crm.Erasure"),
    }
)
WALL, OTHERS = "facet_wall", "facet_others"
NOT_ALLOWED = (
    'The database user may not make the role "{role}", as which the pages of those who see only some accounts are read.'
    " Let an administrator of the database run\n    CREATE ROLE {role} NOLOGIN; GRANT {role} TO {user};\nand migrate again."
)


@dataclass(frozen=True, slots=True)
class Walled:
    """A table as the viewer gets it. key: its first column of the key; condition: None, every row; is_granted: may be read
    at all; columns: the only ones that may, by name in order; none, all."""

    table: str
    key: str
    condition: str | None
    is_granted: bool = True
    columns: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """Kept as the comment of the policy: PostgreSQL writes conditions down in its own words."""
        return hashlib.sha256((self.condition or "").encode()).hexdigest()[:16]


def _meta(model: type[Model]) -> Options[Any]:
    return model._meta  # noqa: SLF001 - Django's public name


@cache
def tables() -> tuple[Walled, ...]:
    """All tables of the models, with their auto-created ones."""
    return tuple(_walled(model) for model in apps.get_models(include_auto_created=True) if not _meta(model).proxy)


def _walled(model: type[Model]) -> Walled:
    label, table, key = _meta(model).label, _meta(model).db_table, str(_meta(model).pk_fields[0].column)
    if label in SECRET:
        return Walled(table, key, None, is_granted=False)
    if label in WHOLE:
        return Walled(table, key, reads_whole(WHOLE[label]))
    if label in OWN:
        others = f" OR {reads_whole('people')}" if label in OF_PEOPLE else ""
        return Walled(table, key, f"{OWN[label]} = accounts_viewer(){others}")
    return Walled(table, key, condition_of(model), columns=_columns(model))


def _columns(model: type[Model]) -> tuple[str, ...]:
    fields = _meta(model).local_concrete_fields
    open_ones = [str(field.column) for field in fields if not isinstance(field, KeptBackField)]
    return tuple(sorted(open_ones)) if len(open_ones) < len(fields) else ()


def condition_of(model: type[Model]) -> str | None:
    """Which rows are read; None: every one, since the table does not reach an account or is named in OPEN."""
    label = _meta(model).label
    if label in OPEN or (label not in RULES and model not in reaching()):
        return None
    if label in RULES:
        return RULES[label]
    ways = [field for field in foreign_keys(model) if field.related_model is Account]
    for field in ways:
        if field.name == "account":
            return SEEN.format(column=field.column)
    holders = [field for field in foreign_keys(model) if field.related_model in reaching() and not field.null]
    if ways or len(holders) != 1:
        raise ImproperlyConfigured(
            f"{label} reaches an account in several ways: say in crm.wall.RULES which one counts."
        )
    holder = holders[0]
    # Narrowed in turn by the policy of that table.
    return _held_by(model, holder)


def _held_by(model: type[Model], holder: ForeignKey[Any, Any]) -> str:
    above = _meta(holder.related_model).db_table
    return f"EXISTS (SELECT 1 FROM {above} w WHERE w.id = {_meta(model).db_table}.{holder.column})"


def foreign_keys(model: type[Model]) -> Iterator[ForeignKey[Any, Any]]:
    return (field for field in _meta(model).local_fields if isinstance(field, ForeignKey))


@cache
def reaching() -> frozenset[type[Model]]:
    """The account and every model from which foreign keys lead to one, those that name no account included."""
    found: set[type[Model]] = {Account}
    while True:
        more = {
            model
            for model in apps.get_models(include_auto_created=True)
            if model not in found and any(field.related_model in found for field in foreign_keys(model))
        }
        if not more:
            return frozenset(found)
        found |= more


STANDING = f"""
SELECT c.relname, c.relrowsecurity, has_any_column_privilege('{VIEWER_ROLE}', c.oid, 'SELECT'),
    has_any_column_privilege('{VIEWER_ROLE}', c.oid, 'UPDATE'),
    CASE WHEN has_table_privilege('{VIEWER_ROLE}', c.oid, 'SELECT') THEN NULL ELSE
        ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND has_column_privilege('{VIEWER_ROLE}', c.oid, a.attnum, 'SELECT') ORDER BY a.attname COLLATE "C") END,
    (SELECT obj_description(p.oid, 'pg_policy') FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = '{WALL}'),
    EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = '{OTHERS}')
FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
"""


@transaction.atomic
def build() -> int:
    """Bring role, grants and policies to what they should be; returns how many tables were changed.

    Raises CommandError where the database user may not make the role. Tables that are not there yet are left out.
    """
    with connection.cursor() as cursor:
        if not _is_migrated(cursor):
            return 0
        ensure_role(cursor)
        different = _different(cursor)
        for walled in different:
            _change(cursor, walled)
    return len(different)


def _different(cursor: CursorWrapper) -> list[Walled]:
    """Tables that are there and not as they should be."""
    cursor.execute(STANDING)
    there = {name: tuple(rest) for name, *rest in cursor.fetchall()}
    return [one for one in tables() if one.table in there and there[one.table] != _wanted(one)]


def _wanted(walled: Walled) -> tuple[bool, bool, bool, list[str] | None, str | None, bool]:
    """As STANDING has it: columns are told where not all may be read."""
    has_wall = walled.condition is not None
    columns = None if walled.is_granted and not walled.columns else list(walled.columns)
    return (has_wall, walled.is_granted, walled.is_granted, columns, walled.mark if has_wall else None, has_wall)


def _change(cursor: CursorWrapper, walled: Walled) -> None:
    name = connection.ops.quote_name(walled.table)
    cursor.execute(f"REVOKE ALL ON {name} FROM {VIEWER_ROLE}")
    if walled.is_granted:
        only = ", ".join(map(connection.ops.quote_name, walled.columns))
        # Without the right to change something of a row it may not be locked; nothing ever changes a key.
        key = connection.ops.quote_name(walled.key)
        cursor.execute(f"GRANT SELECT {f'({only})' if only else ''}, UPDATE ({key}) ON {name} TO {VIEWER_ROLE}")
    cursor.execute(f"DROP POLICY IF EXISTS {WALL} ON {name}")
    cursor.execute(f"DROP POLICY IF EXISTS {OTHERS} ON {name}")
    if walled.condition is None:
        cursor.execute(f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY")
        return
    cursor.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    cursor.execute(f"CREATE POLICY {OTHERS} ON {name} USING (true) WITH CHECK (true)")
    cursor.execute(f"CREATE POLICY {WALL} ON {name} AS RESTRICTIVE TO {VIEWER_ROLE} USING ({walled.condition})")
    cursor.execute(f"COMMENT ON POLICY {WALL} ON {name} IS '{walled.mark}'")


def ensure_role(cursor: CursorWrapper) -> None:
    """The role is there, and the database user may take it on. Another database of the cluster may make it meanwhile."""
    make = f"CREATE ROLE {VIEWER_ROLE} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL"
    steps = (
        (_role_exists, f"DO $$ BEGIN {make}; END $$"),
        (_can_take_role, f"GRANT {VIEWER_ROLE} TO CURRENT_USER"),
        (_can_use_schema, f"GRANT USAGE ON SCHEMA {_schema(cursor)} TO {VIEWER_ROLE}"),
    )
    for is_done, statement in steps:
        if is_done(cursor):
            continue
        try:
            with transaction.atomic():
                cursor.execute(statement)
        except DatabaseError as error:
            if not is_done(cursor):
                raise CommandError(_not_allowed(cursor)) from error


def _is_migrated(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT to_regproc('accounts_sees') IS NOT NULL")
    return bool(cursor.fetchone()[0])


def _role_exists(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %s)", [VIEWER_ROLE])
    return bool(cursor.fetchone()[0])


def _can_take_role(cursor: CursorWrapper) -> bool:
    """From PostgreSQL 16 on a member may take a role on only where that was granted."""
    right = "SET" if connection.pg_version >= 160000 else "MEMBER"  # type: ignore[attr-defined]
    cursor.execute(
        "SELECT coalesce((SELECT pg_has_role(current_user, oid, %s) FROM pg_roles WHERE rolname = %s), false)",
        [right, VIEWER_ROLE],
    )
    return bool(cursor.fetchone()[0])


def _can_use_schema(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT has_schema_privilege(%s, current_schema(), 'USAGE')", [VIEWER_ROLE])
    return bool(cursor.fetchone()[0])


def _not_allowed(cursor: CursorWrapper) -> str:
    cursor.execute("SELECT quote_ident(current_user)")
    return NOT_ALLOWED.format(role=VIEWER_ROLE, user=cursor.fetchone()[0])


def _schema(cursor: CursorWrapper) -> str:
    cursor.execute("SELECT quote_ident(current_schema())")
    return str(cursor.fetchone()[0])


def check(app_configs: Any, databases: Collection[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """``manage.py check --database default``. Warnings, since the command that mends them asks for checks first."""
    if not databases or connection.alias not in databases:
        return []
    with connection.cursor() as cursor:
        if not _is_migrated(cursor):
            return []
        if not _can_take_role(cursor):
            return [Warning(_not_allowed(cursor), id="crm.W001")]
        names = ", ".join(one.table for one in _different(cursor))
    hint = "Run manage.py migrate: it puts them right."
    return (
        [Warning(f"The second wall is not as this release has it at {names}.", hint=hint, id="crm.W002")]
        if names
        else []
    )


def put_up(**kwargs: Any) -> None:
    """Receiver of post_migrate."""
    if connection.vendor == "postgresql":
        build()
