"""The triggers: what they do, which tables have them, and whether all of them are as they should be.

``install`` runs after every ``migrate`` and changes only what differs. None of the triggers names a column in a way that
binds it, so that later migrations may drop and alter columns; the one table where updates are looked at by column
(accounts, which the night writes whole) is looked at whole while migrations run.

All are ENABLE ALWAYS: ``session_replication_role`` does not pass them by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from crm.trail.registry import Watch, watch_of, watched_models

LOG_TABLES = ("crm_trailentry", "crm_traillink", "crm_trailseal", "crm_erasure")
KEY_TABLE = "crm_personkey"
REFUSED = "The trail is only added to: nothing in it is changed or removed."
# Bits of pg_trigger.tgtype.
ROW, BEFORE, INSERT, DELETE, UPDATE, TRUNCATE = 1, 2, 4, 8, 16, 32

GUARD = f"""
BEGIN
    -- Entries come from the triggers of other tables alone.
    IF TG_OP = 'INSERT' AND pg_trigger_depth() > 1 THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'restrict_violation';
END """
# A key goes with the erasure of its person, written down before in the same transaction, and in no other way.
GUARD_KEY = f"""
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM crm_erasure WHERE person = OLD.person) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'restrict_violation';
END """
# Counter mode over SHA-256: block i of the key stream is SHA-256(key, nonce, i), a nonce is never used twice. pgcrypto is
# not in the embedded engine, and a trigger cannot ask a key that lives outside. Whether a value was changed is for the
# chain to say.
SEAL = """
    WITH given AS (
        SELECT uuid_send(gen_random_uuid()) AS nonce, convert_to(plain, 'UTF8') AS clear
    ), padded AS (
        SELECT nonce, clear || decode(repeat('00', (8 - length(clear) % 8) % 8), 'hex') AS clear FROM given
    ), blocks AS (
        SELECT n, sha256(secret || nonce || int4send(n)) AS stream
        FROM padded, generate_series(0, (length(clear) - 1) / 32) AS n
    )
    SELECT encode(nonce, 'hex') || coalesce(string_agg(encode(int8send(
        ('x' || encode(substr(clear, n * 32 + i * 8 + 1, 8), 'hex'))::bit(64)::bigint
        # ('x' || encode(substr(stream, i * 8 + 1, 8), 'hex'))::bit(64)::bigint), 'hex'), '' ORDER BY n, i), '')
    FROM padded, blocks, generate_series(0, 3) AS i
    WHERE n * 32 + i * 8 < length(clear)
    GROUP BY nonce """
# Arguments: key columns, path to the account, ignored, personal, whose they are, secret (registry.Watch.arguments).
NOTE = """
DECLARE
    ignored text[] := TG_ARGV[2];
    old_row jsonb;
    new_row jsonb;
    any_row jsonb;
    old_values jsonb := '{}';
    new_values jsonb := '{}';
    account bigint;
    whose text := '';
    key_text text := '';
    field text;
    told text := coalesce(nullif(current_setting('facet.trail', true), ''), '|database|');
BEGIN
    IF TG_OP <> 'TRUNCATE' THEN
        IF TG_OP <> 'INSERT' THEN
            old_row := to_jsonb(OLD);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            new_row := to_jsonb(NEW);
        END IF;
        any_row := coalesce(new_row, old_row);
        IF TG_OP = 'UPDATE' THEN
            SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, new_row -> o.key)
            INTO old_values, new_values
            FROM jsonb_each(old_row) AS o WHERE o.value IS DISTINCT FROM new_row -> o.key AND o.key <> ALL (ignored);
            IF old_values IS NULL THEN
                RETURN NULL;
            END IF;
        ELSE
            SELECT coalesce(jsonb_object_agg(o.key, o.value), '{}') INTO new_values
            FROM jsonb_each(any_row - ignored) AS o WHERE o.value NOT IN ('null', '""', '[]', '{}');
            IF TG_OP = 'DELETE' THEN
                old_values := new_values;
                new_values := '{}';
            END IF;
        END IF;
        IF position(',' IN TG_ARGV[0]) = 0 THEN
            key_text := any_row ->> TG_ARGV[0];
        ELSE
            SELECT string_agg(any_row ->> part, ',' ORDER BY place) INTO key_text
            FROM string_to_table(TG_ARGV[0], ',') WITH ORDINALITY AS p(part, place);
        END IF;
        IF TG_ARGV[1] <> '' THEN
            IF position('@' IN TG_ARGV[1]) = 0 THEN
                account := (any_row ->> TG_ARGV[1])::bigint;
            ELSE
                EXECUTE format('SELECT account_id FROM %I WHERE id = $1', split_part(TG_ARGV[1], '@', 2))
                INTO account USING (any_row ->> split_part(TG_ARGV[1], '@', 1))::bigint;
            END IF;
        END IF;
        FOREACH field IN ARRAY TG_ARGV[5]::text[] LOOP
            IF old_values ? field THEN
                old_values := jsonb_set(old_values, ARRAY[field], '{"secret": true}');
            END IF;
            IF new_values ? field THEN
                new_values := jsonb_set(new_values, ARRAY[field], '{"secret": true}');
            END IF;
        END LOOP;
        IF TG_ARGV[4] <> '' AND (old_values ?| TG_ARGV[3]::text[] OR new_values ?| TG_ARGV[3]::text[]) THEN
            whose := split_part(TG_ARGV[4], ':', 1) || ':' || (any_row ->> split_part(TG_ARGV[4], ':', 2));
            old_values := trail_sealed(old_values, TG_ARGV[3]::text[], whose);
            new_values := trail_sealed(new_values, TG_ARGV[3]::text[], whose);
        END IF;
    END IF;
    INSERT INTO crm_trailentry (
        at, transaction, actor_id, via, request_id, database_user, table_name, row_key, account_id, action, before,
        after, person
    ) VALUES (
        clock_timestamp(), pg_current_xact_id()::text::bigint, nullif(split_part(told, '|', 1), '')::bigint,
        split_part(told, '|', 2), split_part(told, '|', 3), session_user, TG_TABLE_NAME, left(key_text, 128), account,
        left(TG_OP, 1), old_values, new_values, whose
    );
    RETURN NULL;
END """
# Every personal value of ``given`` that is there as {"sealed": …}, under the key of ``whose``, which is made when needed.
SEALED = """
DECLARE
    secret bytea;
    field text;
BEGIN
    FOREACH field IN ARRAY fields LOOP
        IF given ? field AND given -> field NOT IN ('null', '""') THEN
            IF secret IS NULL THEN
                SELECT key INTO secret FROM crm_personkey WHERE person = whose;
            END IF;
            IF secret IS NULL THEN
                INSERT INTO crm_personkey (person, key)
                VALUES (whose, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
                ON CONFLICT (person) DO NOTHING;
                SELECT key INTO secret FROM crm_personkey WHERE person = whose;
            END IF;
            given := jsonb_set(
                given, ARRAY[field], jsonb_build_object('sealed', trail_seal((given -> field)::text, secret))
            );
        END IF;
    END LOOP;
    RETURN given;
END """


@dataclass(frozen=True, slots=True)
class Function:
    """Owned by whoever migrates and run in that name: who only uses the tables needs no right to the log."""

    name: str
    arguments: str
    returns: str
    language: str
    body: str
    is_definer: bool = True

    def create(self, schema: str) -> str:
        definer = f"SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp" if self.is_definer else ""
        return (
            f"CREATE OR REPLACE FUNCTION {self.name}({self.arguments}) RETURNS {self.returns}"
            f" LANGUAGE {self.language} {definer} AS $body${self.body}$body$"
        )


FUNCTIONS = (
    Function("trail_guard", "", "trigger", "plpgsql", GUARD, is_definer=False),
    Function("trail_guard_key", "", "trigger", "plpgsql", GUARD_KEY, is_definer=False),
    Function("trail_seal", "plain text, secret bytea", "text", "sql", SEAL, is_definer=False),
    Function("trail_sealed", "given jsonb, fields text[], whose text", "jsonb", "plpgsql", SEALED, is_definer=False),
    Function("trail_note", "", "trigger", "plpgsql", NOTE),
)


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger as it should stand in the catalogue."""

    table: str
    name: str
    kind: int
    function: str
    arguments: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    is_conditional: bool = False

    @property
    def create(self) -> str:
        verbs = [
            verb for bit, verb in ((INSERT, "INSERT"), (DELETE, "DELETE"), (TRUNCATE, "TRUNCATE")) if self.kind & bit
        ]
        if self.kind & UPDATE:
            columns = ", ".join(f'"{column}"' for column in self.columns)
            verbs.append(f"UPDATE OF {columns}" if columns else "UPDATE")
        when = "WHEN (OLD.* IS DISTINCT FROM NEW.*)" if self.is_conditional else ""
        arguments = ", ".join("'" + one.replace("'", "''") + "'" for one in self.arguments)
        return (
            f"CREATE TRIGGER {self.name} {'BEFORE' if self.kind & BEFORE else 'AFTER'} {' OR '.join(verbs)}"
            f' ON "{self.table}" FOR EACH {"ROW" if self.kind & ROW else "STATEMENT"} {when}'
            f" EXECUTE FUNCTION {self.function}({arguments})"
        )


def expected_triggers(*, by_column: bool = True) -> list[Trigger]:
    """All triggers of the trail. by_column : let updates of accounts be looked at by column."""
    found = [_guard(table) for table in LOG_TABLES]
    found.append(Trigger(KEY_TABLE, "trail_guard_key", ROW | BEFORE | UPDATE | DELETE, "trail_guard_key"))
    found.append(Trigger(KEY_TABLE, "trail_guard", BEFORE | TRUNCATE, "trail_guard"))
    for model in watched_models():
        found += _of_table(watch_of(model), by_column=by_column)
    return found


def _guard(table: str) -> Trigger:
    """An entry is inserted by the other triggers alone; links and seals by the sealer."""
    kind = BEFORE | UPDATE | DELETE | TRUNCATE | (INSERT if table == "crm_trailentry" else 0)
    return Trigger(table, "trail_guard", kind, "trail_guard")


def _of_table(watch: Watch, *, by_column: bool) -> list[Trigger]:
    columns = watch.columns if by_column else ()
    return [
        Trigger(watch.table, "trail_note", ROW | INSERT | DELETE, "trail_note", watch.arguments),
        Trigger(watch.table, "trail_note_change", ROW | UPDATE, "trail_note", watch.arguments, columns, True),
        Trigger(watch.table, "trail_note_truncate", TRUNCATE, "trail_note", watch.arguments),
    ]


# What PostgreSQL holds of the same: enabled, kind, function, arguments, columns, condition.
CATALOGUE = """
SELECT c.relname, t.tgname, t.tgenabled, t.tgtype, p.proname, encode(t.tgargs, 'hex'), t.tgqual IS NOT NULL,
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (t.tgattr::int2[]))
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND t.tgname LIKE 'trail\\_%%' AND c.relnamespace = current_schema()::regnamespace
"""


def _standing(cursor: CursorWrapper) -> dict[tuple[str, str], tuple[str, Trigger]]:
    """Triggers as they are: by table and name, with how they are enabled."""
    cursor.execute(CATALOGUE)
    found = {}
    for table, name, enabled, kind, function, arguments, is_conditional, columns in cursor.fetchall():
        words = tuple(part.decode() for part in bytes.fromhex(arguments).split(b"\0")[:-1])
        trigger = Trigger(table, name, kind, function, words, tuple(sorted(columns)), is_conditional)
        found[table, name] = (enabled, trigger)
    return found


def _sorted(trigger: Trigger) -> Trigger:
    return Trigger(
        trigger.table, trigger.name, trigger.kind, trigger.function, trigger.arguments, tuple(sorted(trigger.columns)),
        trigger.is_conditional,
    )  # fmt: skip


def _columns(cursor: CursorWrapper) -> dict[str, set[str]]:
    cursor.execute(
        "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns"
        " WHERE table_schema = current_schema() GROUP BY table_name"
    )
    return {table: set(columns) for table, columns in cursor.fetchall()}


def _different_functions(cursor: CursorWrapper) -> list[Function]:
    cursor.execute(
        "SELECT proname, prosrc FROM pg_proc WHERE proname = ANY (%s) AND pronamespace = current_schema()::regnamespace",
        [[one.name for one in FUNCTIONS]],
    )
    there = dict(cursor.fetchall())
    return [one for one in FUNCTIONS if there.get(one.name) != one.body]


@transaction.atomic
def install(*, by_column: bool = True) -> int:
    """Bring functions and triggers to what they should be; returns how many triggers were made or taken off.

    Tables and columns that are not there (in the middle of migrations) are left out.
    """
    changed = 0
    with connection.cursor() as cursor:
        columns = _columns(cursor)
        if not set(LOG_TABLES) <= set(columns):
            return 0
        cursor.execute("SELECT quote_ident(current_schema())")
        schema = cursor.fetchone()[0]
        for function in _different_functions(cursor):
            cursor.execute(function.create(schema).replace("%", "%%"), [])
        standing = _standing(cursor)
        wanted = {(one.table, one.name): one for one in expected_triggers(by_column=by_column)}
        for place in standing:
            if place not in wanted:
                cursor.execute(f'DROP TRIGGER {place[1]} ON "{place[0]}"')
                changed += 1
        for place, trigger in wanted.items():
            known = columns.get(trigger.table)
            if known is None or standing.get(place) == ("A", _sorted(trigger)):
                continue
            if place in standing:
                cursor.execute(f'DROP TRIGGER {trigger.name} ON "{trigger.table}"')
            _make(cursor, trigger, known)
            changed += 1
    return changed


def _make(cursor: CursorWrapper, trigger: Trigger, known: set[str]) -> None:
    if not set(trigger.columns) <= known:
        trigger = Trigger(**{name: getattr(trigger, name) for name in trigger.__slots__} | {"columns": ()})
    cursor.execute(trigger.create.replace("%", "%%"), [])
    cursor.execute(f'ALTER TABLE "{trigger.table}" ENABLE ALWAYS TRIGGER {trigger.name}')


def faults() -> list[str]:
    """What is not as it should be: a trigger that is missing, changed or switched off, a function that was replaced."""
    with connection.cursor() as cursor:
        found = [f"function {one.name} is not the one of this release" for one in _different_functions(cursor)]
        standing = _standing(cursor)
    for trigger in expected_triggers():
        enabled, there = standing.get((trigger.table, trigger.name), ("", None))
        if there is None:
            found.append(f"{trigger.table}: trigger {trigger.name} is missing")
        elif enabled != "A":
            found.append(f"{trigger.table}: trigger {trigger.name} is switched off")
        elif there != _sorted(trigger):
            found.append(f"{trigger.table}: trigger {trigger.name} is not the one of this release")
    return found


def loosen(plan: Any = None, **kwargs: Any) -> None:
    """Receiver of pre_migrate: look at accounts whole, so that no migration meets a column that a trigger names."""
    if plan:
        install_where_there(by_column=False)


def put_on(**kwargs: Any) -> None:
    """Receiver of post_migrate."""
    install_where_there()


def install_where_there(*, by_column: bool = True) -> None:
    if connection.vendor == "postgresql":
        install(by_column=by_column)
