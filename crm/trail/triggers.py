"""The triggers: what they do, which tables have them, and whether all of them are as they should be.

``install`` runs after every ``migrate`` and changes only what differs. One function notes the rows of all tables and names
no column, so that migrations may drop and alter them. Tables of ``registry.MANY`` have triggers of their own instead:
changes are compared column by column, and a statement at a time; on accounts row by row and only where a noted column is
written, for the night writes others on every one. Additions are noted a statement at a time. While migrations run, the general ones stand in for them.

All are ENABLE ALWAYS: ``session_replication_role`` does not pass them by.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
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


INTO_LOG = """
    INSERT INTO crm_trailentry (
        at, transaction, actor_id, via, request_id, database_user, table_name, row_key, account_id, action, before,
        after, person
    ) SELECT
        clock_timestamp(), pg_current_xact_id()::text::bigint, nullif(split_part(told, '|', 1), '')::bigint,
        split_part(told, '|', 2), split_part(told, '|', 3), session_user, TG_TABLE_NAME, {row}."id"::text, {account},
        '{action}', {before}, {after}, ''
"""
TOLD = "told text := coalesce(nullif(current_setting('facet.trail', true), ''), '|database|');"


def _added(watch: Watch) -> Function:
    """Notes all rows of one INSERT."""
    pairs = ", ".join(
        f"'{column}', " + (f"nullif(n.\"{column}\", '')" if column in watch.texts else f'n."{column}"')
        for column in watch.columns
    )
    values = f"jsonb_strip_nulls(jsonb_build_object({pairs}))"
    insert = INTO_LOG.format(row="n", account=_account(watch, "n"), action="I", before="'{}'", after=values)
    body = f"\nDECLARE\n    {TOLD}\nBEGIN{insert}    FROM new_rows n;\n    RETURN NULL;\nEND "
    return Function(f"trail_added_{watch.table}", "", "trigger", "plpgsql", body)


def _changed(watch: Watch) -> Function:
    """Notes one row of an UPDATE."""
    compared = "".join(
        f"""
    IF OLD."{column}" IS DISTINCT FROM NEW."{column}" THEN
        before := before || jsonb_build_object('{column}', OLD."{column}");
        after := after || jsonb_build_object('{column}', NEW."{column}");
    END IF;"""
        for column in watch.columns
        if column != "id"
    )
    insert = INTO_LOG.format(row="NEW", account=_account(watch, "NEW"), action="U", before="before", after="after")
    body = f"""
DECLARE
    {TOLD}
    before jsonb := '{{}}';
    after jsonb := '{{}}';
BEGIN{compared}
    IF before <> '{{}}' THEN{insert}    ;
    END IF;
    RETURN NULL;
END """
    return Function(f"trail_changed_{watch.table}", "", "trigger", "plpgsql", body)


def _changed_rows(watch: Watch) -> Function:
    """Notes all rows of one UPDATE. A row whose key was changed too is noted with all it holds."""
    columns = [column for column in watch.columns if column != "id"]
    before, after = (
        " || ".join(
            f'CASE WHEN o."{column}" IS DISTINCT FROM n."{column}" THEN jsonb_build_object(\'{column}\', {row}."{column}")'
            " ELSE '{}' END"
            for column in columns
        )
        for row in ("o", "n")
    )
    insert = INTO_LOG.format(row="n", account=_account(watch, "n"), action="U", before="f.before", after="f.after")
    body = f"""
DECLARE
    {TOLD}
BEGIN{insert}    FROM new_rows n LEFT JOIN old_rows o ON o."id" = n."id"
    CROSS JOIN LATERAL (SELECT {before} AS before, {after} AS after) f
    WHERE f.before <> '{{}}';
    RETURN NULL;
END """
    return Function(f"trail_changed_{watch.table}", "", "trigger", "plpgsql", body)


def _account(watch: Watch, row: str) -> str:
    return f'{row}."{watch.account}"' if watch.account else "NULL::bigint"


def functions() -> list[Function]:
    watches = [watch_of(model) for model in watched_models()]
    many = [watch for watch in watches if watch.columns]
    changes = [(_changed if watch.is_written_by_nights else _changed_rows)(watch) for watch in many]
    return [*FUNCTIONS, *map(_added, many), *changes]


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
    new_table: str = ""
    old_table: str = ""

    @property
    def create(self) -> str:
        verbs = [
            verb for bit, verb in ((INSERT, "INSERT"), (DELETE, "DELETE"), (TRUNCATE, "TRUNCATE")) if self.kind & bit
        ]
        if self.kind & UPDATE:
            columns = ", ".join(f'"{column}"' for column in self.columns)
            verbs.append(f"UPDATE OF {columns}" if columns else "UPDATE")
        tables = f"OLD TABLE AS {self.old_table} " if self.old_table else ""
        tables += f"NEW TABLE AS {self.new_table}" if self.new_table else ""
        given = f"REFERENCING {tables}" if tables else ""
        when = "WHEN (OLD.* IS DISTINCT FROM NEW.*)" if self.is_conditional else ""
        arguments = ", ".join("'" + one.replace("'", "''") + "'" for one in self.arguments)
        return (
            f"CREATE TRIGGER {self.name} {'BEFORE' if self.kind & BEFORE else 'AFTER'} {' OR '.join(verbs)}"
            f' ON "{self.table}" {given} FOR EACH {"ROW" if self.kind & ROW else "STATEMENT"} {when}'
            f" EXECUTE FUNCTION {self.function}({arguments})"
        )


def expected_triggers(*, general: Collection[str] = ()) -> list[Trigger]:
    """All triggers of the trail. general : tables that get the general ones though there are others of their own."""
    found = [_guard(table) for table in LOG_TABLES]
    found.append(Trigger(KEY_TABLE, "trail_guard_key", ROW | BEFORE | UPDATE | DELETE, "trail_guard_key"))
    found.append(Trigger(KEY_TABLE, "trail_guard", BEFORE | TRUNCATE, "trail_guard"))
    for model in watched_models():
        watch = watch_of(model)
        found += _of_many(watch) if watch.columns and watch.table not in general else _of_table(watch)
    return found


def _guard(table: str) -> Trigger:
    """An entry is inserted by the other triggers alone; links and seals by the sealer."""
    kind = BEFORE | UPDATE | DELETE | TRUNCATE | (INSERT if table == "crm_trailentry" else 0)
    return Trigger(table, "trail_guard", kind, "trail_guard")


def _of_table(watch: Watch) -> list[Trigger]:
    return [
        Trigger(watch.table, "trail_note", ROW | INSERT | DELETE, "trail_note", watch.arguments),
        Trigger(watch.table, "trail_note_change", ROW | UPDATE, "trail_note", watch.arguments, is_conditional=True),
        Trigger(watch.table, "trail_note_truncate", TRUNCATE, "trail_note", watch.arguments),
    ]


def _of_many(watch: Watch) -> list[Trigger]:
    columns = tuple(column for column in watch.columns if column != "id")
    return [
        Trigger(watch.table, "trail_note", ROW | DELETE, "trail_note", watch.arguments),
        Trigger(watch.table, "trail_note_added", INSERT, f"trail_added_{watch.table}", new_table="new_rows"),
        _change_of_many(watch, columns),
        Trigger(watch.table, "trail_note_truncate", TRUNCATE, "trail_note", watch.arguments),
    ]


def _change_of_many(watch: Watch, columns: tuple[str, ...]) -> Trigger:
    name, function = "trail_note_change", f"trail_changed_{watch.table}"
    if watch.is_written_by_nights:
        return Trigger(watch.table, name, ROW | UPDATE, function, (), columns, is_conditional=True)
    return Trigger(watch.table, name, UPDATE, function, new_table="new_rows", old_table="old_rows")


# What PostgreSQL holds of the same: enabled, kind, function, arguments, columns, condition.
CATALOGUE = """
SELECT c.relname, t.tgname, t.tgenabled, t.tgtype, p.proname, encode(t.tgargs, 'hex'), t.tgqual IS NOT NULL,
    coalesce(t.tgnewtable, ''), coalesce(t.tgoldtable, ''), ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (t.tgattr::int2[]))
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND t.tgname LIKE 'trail\\_%%' AND c.relnamespace = current_schema()::regnamespace
"""


def _standing(cursor: CursorWrapper) -> dict[tuple[str, str], tuple[str, Trigger]]:
    """Triggers as they are: by table and name, with how they are enabled."""
    cursor.execute(CATALOGUE)
    found = {}
    for table, name, enabled, kind, function, arguments, is_conditional, new, old, columns in cursor.fetchall():
        words = tuple(part.decode() for part in bytes.fromhex(arguments).split(b"\0")[:-1])
        trigger = Trigger(table, name, kind, function, words, tuple(sorted(columns)), is_conditional, new, old)
        found[table, name] = (enabled, trigger)
    return found


def _sorted(trigger: Trigger) -> Trigger:
    return replace(trigger, columns=tuple(sorted(trigger.columns)))


def _columns(cursor: CursorWrapper) -> dict[str, set[str]]:
    cursor.execute(
        "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns"
        " WHERE table_schema = current_schema() GROUP BY table_name"
    )
    return {table: set(columns) for table, columns in cursor.fetchall()}


def _different_functions(cursor: CursorWrapper) -> list[Function]:
    wanted = functions()
    cursor.execute(
        "SELECT proname, prosrc FROM pg_proc WHERE proname = ANY (%s) AND pronamespace = current_schema()::regnamespace",
        [[one.name for one in wanted]],
    )
    there = dict(cursor.fetchall())
    return [one for one in wanted if there.get(one.name) != one.body]


@transaction.atomic
def install(*, is_migrating: bool = False) -> int:
    """Bring functions and triggers to what they should be; returns how many triggers were made or taken off.

    Tables that are not there yet are left out; one whose columns are not those of its model gets the general triggers.
    """
    changed = 0
    with connection.cursor() as cursor:
        tables = _columns(cursor)
        if not {*LOG_TABLES, KEY_TABLE} <= set(tables):
            return 0
        general = {
            watch.table
            for watch in map(watch_of, watched_models())
            if is_migrating or not set(watch.columns) <= tables.get(watch.table, set())
        }
        cursor.execute("SELECT quote_ident(current_schema())")
        schema = cursor.fetchone()[0]
        for function in _different_functions(cursor):
            cursor.execute(function.create(schema).replace("%", "%%"), [])
        standing = _standing(cursor)
        wanted = {(one.table, one.name): one for one in expected_triggers(general=general)}
        for place in standing:
            if standing[place] != ("A", _sorted(wanted[place]) if place in wanted else None):
                cursor.execute(f'DROP TRIGGER {place[1]} ON "{place[0]}"')
                changed += place not in wanted
        for place, trigger in wanted.items():
            if trigger.table in tables and standing.get(place) != ("A", _sorted(trigger)):
                cursor.execute(trigger.create.replace("%", "%%"), [])
                cursor.execute(f'ALTER TABLE "{trigger.table}" ENABLE ALWAYS TRIGGER {trigger.name}')
                changed += 1
    return changed


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
    """Receiver of pre_migrate: the general triggers, so that no migration meets a column that one of them names."""
    if plan and connection.vendor == "postgresql":
        install(is_migrating=True)


def put_on(**kwargs: Any) -> None:
    """Receiver of post_migrate."""
    if connection.vendor == "postgresql":
        install()
