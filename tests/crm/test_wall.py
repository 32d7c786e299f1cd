"""The second wall: what the database itself keeps from a narrow reader, whatever the code above forgets to ask."""

import random
from datetime import date, timedelta
from itertools import islice

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError
from django.db import DatabaseError, connection, models, transaction
from django.test import Client
from django.test.utils import isolate_apps
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as cases
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts import querysets
from accounts.access import Reach
from accounts.models import AccessToken, Account, Invitation, OrgUnit, TeamMember, User
from accounts.models.base import KeptBackField
from accounts.querysets import AccountQuerySet
from accounts.wall import raise_wall
from crm import access, wall
from crm.lib.wall import VIEWER_ROLE, beyond_the_wall, is_walled, lower_wall
from tests.factories import make_account, make_team_member, make_unit, make_user
from tests.test_matrix import SEES, WORD, world
from tests.web.people import grant

__all__ = ["world"]  # a fixture

NARROW = ("owner", "other rep", "manager", "other manager")


def asked(sql: str, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


@pytest.fixture(autouse=True)
def no_wall_left():
    yield
    assert not is_walled()


# --- Whom the database lets see what ---


def random_company(rng: random.Random, today: date) -> list[User]:
    """Units in trees, people placed and heading, accounts owned, shared, merged: by chance."""
    units: list[OrgUnit] = []
    for _number in range(rng.randrange(1, 6)):
        units.append(make_unit(level="team", parent=rng.choice([None, *units])))
    people = [
        make_user(
            role=rng.choice(["manager", "manager", "member", "analyst", "director"]), unit=rng.choice([None, *units]),
            is_active=rng.random() > 0.1,
        )
        for _number in range(rng.randrange(2, 7))
    ]  # fmt: skip
    for unit in units:
        OrgUnit.objects.filter(pk=unit.pk).update(head=rng.choice([None, *people]))
    accounts = [make_account(owner=rng.choice([None, *people])) for _number in range(rng.randrange(1, 12))]
    for account in accounts:
        if rng.random() < 0.5:
            begins = today + timedelta(days=rng.choice([-400, -1, 0, 1]))
            ends = rng.choice([None, today, today + timedelta(days=1), begins + timedelta(days=900)])
            make_team_member(
                account=account, user=rng.choice(people), valid_from=begins, is_deputy=rng.random() < 0.3,
                valid_to=ends if ends is None or ends > begins else None,
            )  # fmt: skip
    for merged in rng.sample(accounts, len(accounts) // 3):
        standing = [one for one in accounts if one.pk != merged.pk and one.merged_into_id is None]
        if standing and not Account.objects.filter(merged_into=merged).exists():
            merged.merged_into = rng.choice(standing)
            merged.save(update_fields=["merged_into"])
    return people


class TestSameRule(TestCase):
    @cases(max_examples=40)
    @given(seed=st.integers(0, 2**32))
    def test_database_and_queryset_agree_on_whom_anybody_sees(self, seed):
        today = querysets.today_local()
        for person in random_company(random.Random(seed), today):
            reader = User.objects.get(pk=person.pk)
            if reader.reach is Reach.ALL:
                continue
            ((found,),) = asked("SELECT accounts_seen_by(%s, %s)", reader.pk, today)
            seen = Account.objects.visible_to(reader).with_merged().order_by().values_list("pk", flat=True)
            assert sorted(found) == sorted(seen)


# --- Tables ---


def test_every_table_that_reaches_an_account_is_walled_or_says_why_not(db):
    labels = {model._meta.label for model in wall.reaching()}
    without = {model._meta.label for model in wall.reaching() if wall.condition_of(model) is None}

    assert without == set(wall.OPEN)
    assert {"accounts.Account", "accounts.ContractMilestone", "service.Interaction_their_people"} <= labels
    assert set(wall.OPEN) | set(wall.RULES) - {"crm.TrailEntry", "sessions.Session"} <= labels
    known = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert wall.SECRET | set(wall.OWN) | set(wall.WHOLE) <= known


def test_the_catalogue_holds_what_the_models_say(db):
    assert wall.build() == 0
    rows = asked(
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, has_any_column_privilege(%s, c.oid, 'SELECT'),"
        " has_table_privilege(%s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'),"
        " (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive)"
        " FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace",
        VIEWER_ROLE, VIEWER_ROLE,
    )  # fmt: skip
    standing = {name: tuple(rest) for name, *rest in rows}
    for one in wall.tables():
        has_wall = one.condition is not None
        assert standing[one.table] == (has_wall, False, one.is_granted, False, int(has_wall)), one.table


def test_a_policy_that_was_taken_off_or_a_right_that_was_given_is_put_right(db):
    asked_for = "SELECT count(*) FROM pg_policy WHERE polname = 'facet_wall'"
    before = asked(asked_for)
    with connection.cursor() as cursor:
        cursor.execute("DROP POLICY facet_wall ON accounts_contact")
        cursor.execute("ALTER TABLE accounts_contract DISABLE ROW LEVEL SECURITY")
        cursor.execute(f"GRANT SELECT ON crm_personkey TO {VIEWER_ROLE}")

    (told,) = wall.check(None, databases=["default"])
    assert told.id == "crm.W002"
    assert all(table in told.msg for table in ("accounts_contact", "accounts_contract", "crm_personkey"))
    assert (wall.build(), wall.build()) == (3, 0)
    assert wall.check(None, databases=["default"]) == []
    assert asked(asked_for) == before


@isolate_apps("accounts")
def test_a_model_that_reaches_accounts_in_two_ways_must_say_which_counts(monkeypatch):
    class Pair(models.Model):  # noqa: DJ008
        one = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
        other = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")

        class Meta:
            app_label = "accounts"

    monkeypatch.setattr(wall, "reaching", lambda: frozenset({Account, Pair}))
    with pytest.raises(ImproperlyConfigured, match=r"accounts\.Pair reaches an account in several ways"):
        wall.condition_of(Pair)


# --- Rows ---

ACCOUNT_COLUMN = {"accounts_account": "id", "accounts_accountmerge": "survivor_id"}
TWO_ENDS = {"accounts_accountlink", "accounts_duplicatedismissal"}


def account_columns() -> dict[str, str]:
    """Table → column of the account its rows belong to, of every walled table that has one."""
    found = dict(ACCOUNT_COLUMN)
    for one in wall.tables():
        if one.condition and one.table not in found and "account_id IN" in one.condition:
            found[one.table] = "account_id"
    return found


@pytest.mark.parametrize("name", NARROW)
def test_raw_statements_count_rows_of_visible_accounts_alone(world, name):
    """No filter at all: every table answers what its policy lets through, of what is there."""
    reader = User.objects.get(pk=world.people[name].pk)
    seen = set(Account.objects.visible_to(reader).with_merged().values_list("pk", flat=True))
    every = {
        table: {key for (key,) in asked(f"SELECT {column} FROM {table}")} for table, column in account_columns().items()
    }
    raise_wall(reader)
    left = {
        table: {key for (key,) in asked(f"SELECT {column} FROM {table}")} for table, column in account_columns().items()
    }
    lower_wall()

    taken = {row.pk: row.account_id for row in apps.get_model("plans", "HandOver").objects.filter(taker=reader)}
    assert taken == {}
    for table, keys in left.items():
        nobodys = {None} if table == "plans_task" else set()
        assert keys == every[table] & (seen | nobodys), table
    with_hidden_rows = {table for table, keys in every.items() if keys - seen - {None}}
    assert len(with_hidden_rows) >= 20  # there is something to hide
    assert {"accounts_account", "accounts_contact", "accounts_revenuerecord", "tiering_score"} <= with_hidden_rows


def test_what_hangs_on_something_of_a_hidden_account_is_hidden_too(world):
    chains = [one.table for one in wall.tables() if one.condition and one.condition.startswith("EXISTS")]
    before = {table: asked(f"SELECT count(*) FROM {table}")[0][0] for table in chains}
    raise_wall(User.objects.get(pk=world.people["owner"].pk))
    titles = {title for (title,) in asked("SELECT title FROM accounts_contractmilestone")}
    payments = asked("SELECT count(*) FROM accounts_receivablepayment")[0][0]
    lower_wall()

    assert not any(WORD["stranger"] in title for title in titles)
    assert any(WORD["own"] in title for title in titles)
    assert 0 < payments < before["accounts_receivablepayment"]


def test_without_a_viewer_the_role_sees_nobody(world):
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {VIEWER_ROLE}")
        assert asked("SELECT count(*) FROM accounts_account") == [(0,)]
        transaction.set_rollback(True)


# --- Pages and REST with a filter that was forgotten ---

LISTS = (
    "/accounts/", "/accounts/?group=none", "/accounts/options/?filter=owner", "/service/", "/plans/", "/tasks/",
    "/ratings/", "/relationships/", "/teams/", "/tiering/overrides/", "/tiering/bands/", "/search/?q=Acct",
    "/accounts/export/csv/", "/",
)  # fmt: skip
REST = (
    "accounts", "contacts", "contracts", "contract-milestones", "ratings", "wallet-estimates", "receivables",
    "receivable-payments", "efforts", "revenue", "interactions", "service-requests", "sponsors", "discounts",
    "overrides", "growth-notes", "suggestion-rejections", "band-decisions", "remediations", "team-members", "scores",
    "grades", "compliance", "group-memberships",
)  # fmt: skip


@pytest.fixture
def forgotten(monkeypatch):
    """Whoever asks whom somebody may see is told: everybody."""
    monkeypatch.setattr(AccountQuerySet, "visible_to", lambda self, user: self.standing())


def hidden_words(name: str) -> set[str]:
    return {WORD[relation] for relation in set(WORD) - SEES[name] - {"missing"}}


def body_of(response) -> str:
    return b"".join(response.streaming_content).decode() if response.streaming else response.content.decode()


@pytest.mark.parametrize("name", ["owner", "manager"])
def test_pages_whose_filter_is_forgotten_name_nobody_hidden(world, forgotten, name):
    answered = {}
    for path in LISTS:
        response = world.pages[name].get(path, follow=False)
        text = body_of(response)
        assert not [word for word in hidden_words(name) if word in text], path
        answered[path] = response.status_code
    assert list(answered.values()).count(200) >= len(LISTS) - 3, answered


@pytest.mark.parametrize("name", ["owner", "manager", "read-only token"])
def test_rest_lists_whose_filter_is_forgotten_name_nobody_hidden(world, forgotten, name):
    counts = {}
    for resource in REST:
        response = world.rest[name].get(reverse(f"api:{resource}-list"))
        assert response.status_code == 200, (resource, response.content)
        text = response.content.decode()
        assert not [word for word in hidden_words(name) if word in text], resource
        counts[resource] = response.json().get("count", len(response.json().get("results", ())))
    assert counts["accounts"] == len(SEES[name])


def test_who_sees_everybody_has_no_wall(world):
    text = world.pages["director"].get("/accounts/").content.decode()
    assert all(WORD[relation] in text for relation in SEES["director"])


# --- What is left of it afterwards ---


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/accounts/", "/accounts/999999/", "/api/v1/accounts/", "/accounts/export/csv/"])
def test_nothing_survives_the_request_in_its_connection(path):
    member = make_user(role="member")
    make_account(owner=member)
    client = Client(raise_request_exception=False)
    client.force_login(member)

    body_of(client.get(path))

    assert nothing_is_left()


def nothing_is_left() -> bool:
    ((is_owner, viewer, sees),) = asked(
        "SELECT current_user = session_user, current_setting('facet.viewer', true), current_setting('facet.sees', true)"
    )
    return (is_owner, viewer or "", sees or "") == (True, "", "") and not connection.in_atomic_block


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("pieces", [0, 1, 99])
def test_nothing_survives_a_download_however_much_of_it_is_taken(pieces):
    member = make_user(role="member")
    Account.objects.bulk_create(Account(code=f"D{n}", name=f"Mine {n}", owner=member) for n in range(1200))
    make_account(name="Not mine")
    client = Client()
    client.force_login(member)

    response = client.get("/accounts/export/csv/")
    assert nothing_is_left()
    taken = b"".join(islice(iter(response.streaming_content), pieces)).decode()
    response.close()

    assert nothing_is_left()
    assert taken.count("Mine") == (0, 500, 1200)[min(pieces, 2)]
    assert "Not mine" not in taken


@pytest.mark.django_db(transaction=True)
def test_nothing_survives_a_statement_that_fails(monkeypatch):
    member = make_user(role="member")
    client = Client(raise_request_exception=False)
    client.force_login(member)
    told = []

    def broken(*args, **kwargs):
        told.extend(asked("SELECT current_user"))
        asked("SELECT no_such_column")

    monkeypatch.setattr("crm.web.accounts.AccountList", broken)

    assert client.get("/accounts/").status_code == 500
    assert told == [(VIEWER_ROLE,)]
    assert asked("SELECT current_user = session_user") == [(True,)]


def test_beyond_the_wall_ends_with_its_block(db):
    member = make_user(role="member")
    make_account()
    with transaction.atomic():
        raise_wall(member)
        with beyond_the_wall("a test"):
            assert asked("SELECT count(*) FROM accounts_account") == [(1,)]
        assert asked("SELECT count(*) FROM accounts_account") == [(0,)]
        with pytest.raises(DatabaseError), transaction.atomic(), beyond_the_wall("a test that fails"):
            asked("SELECT 1 / 0")
        assert asked("SELECT current_user, count(*) FROM accounts_account") == [(VIEWER_ROLE, 0)]
        lower_wall()


# --- What the role may not ---


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM crm_personkey",
        "SELECT * FROM crm_idempotencykey",
        "UPDATE accounts_account SET name = 'x'",
        "INSERT INTO accounts_contact (name) VALUES ('x')",
        "DELETE FROM accounts_teammember",
        "TRUNCATE accounts_contact",
        "ALTER TABLE accounts_account DISABLE ROW LEVEL SECURITY",
        "DROP POLICY facet_wall ON accounts_account",
        "CREATE POLICY mine ON accounts_account USING (true)",
        "SET LOCAL row_security = off; SELECT * FROM accounts_account",
        "CREATE TABLE mine (id int)",
        "CREATE OR REPLACE FUNCTION accounts_sees() RETURNS SETOF bigint LANGUAGE sql AS 'SELECT 1::bigint'",
        "COPY accounts_account TO PROGRAM 'cat'",
        "SET LOCAL session_replication_role = replica",
    ],
)
def test_the_role_may_not(db, statement):
    raise_wall(make_user(role="member"))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    lower_wall()


def test_tokens_and_sessions_of_others_are_not_read(world):
    mine = world.people["owner"].pk
    raise_wall(User.objects.get(pk=mine))
    found = {user for (user,) in asked("SELECT user_id FROM accounts_accesstoken")}
    sessions = {key for (key,) in asked("SELECT session_key FROM django_session")}
    lower_wall()

    assert found == {mine}
    assert sessions <= {
        key for (key,) in asked("SELECT session_key FROM accounts_usersession WHERE user_id = %s", mine)
    }
    assert asked("SELECT count(*) FROM django_session")[0][0] > len(sessions)
    assert AccessToken.objects.exclude(user=mine).exists()


@pytest.mark.parametrize("table", ["accounts_accesstoken", "accounts_invitation"])
def test_whoever_may_read_all_log_ins_reads_those_of_others(world, table):
    owner = world.people["owner"]
    now = timezone.now()
    until = now + timedelta(days=1)
    Invitation.objects.create(email="new@example.com", nonce="n", invited_by=owner, invited_at=now, expires_at=until)
    count = f"SELECT count(*) FROM {table}"
    raise_wall(User.objects.get(pk=owner.pk))
    own = asked(count)
    lower_wall()
    raise_wall(grant(owner, "view_user"))
    found = asked(count)
    lower_wall()

    assert own < found == asked(count)


# --- Hashes of passwords ---


def test_nobodys_password_hash_is_read_behind_the_wall_and_colleagues_still_are(world):
    owner, boss = world.people["owner"], world.people["administrator"]
    raise_wall(owner)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        asked("SELECT password FROM accounts_user")
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        asked("SELECT u FROM accounts_user u")
    found = User.objects.get(pk=boss.pk)
    beside = Account.objects.select_related("owner").get(owner=owner)
    counted = User.objects.annotate(n=models.Count("owned_accounts")).distinct().order_by("pk")
    hashes = {one.password for one in (found, beside.owner, *counted)} | {
        *User.objects.values_list("password", flat=True)
    }
    with beyond_the_wall("a test"):
        real = User.objects.get(pk=boss.pk).password
    lower_wall()

    assert hashes == {KeptBackField.STAND_IN}
    assert (found.username, beside.owner) == (boss.username, owner)
    assert not found.has_usable_password()
    assert not found.check_password("a-long-Passw0rd")
    assert real == boss.password != KeptBackField.STAND_IN
    with pytest.raises(RuntimeError, match="password was read behind the wall"), transaction.atomic():
        found.save()
    assert User.objects.get(pk=boss.pk).password == real


def test_a_right_to_the_hashes_is_taken_back_and_a_new_column_is_granted(db):
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT (password) ON accounts_user TO {VIEWER_ROLE}")
        assert wall.build() == 1
        cursor.execute(f"GRANT SELECT ON accounts_user TO {VIEWER_ROLE}")
        assert wall.build() == 1
        cursor.execute(f"REVOKE SELECT (first_name) ON accounts_user FROM {VIEWER_ROLE}")
        assert wall.build() == 1
    assert wall.build() == 0
    readable = "SELECT has_column_privilege(%s, 'accounts_user', %s, 'SELECT')"
    assert [asked(readable, VIEWER_ROLE, one)[0][0] for one in ("password", "first_name")] == [False, True]


# --- The role itself ---


def test_a_user_who_may_not_make_the_role_is_told_what_to_run(db, monkeypatch):
    monkeypatch.setattr(wall, "VIEWER_ROLE", "facet_viewer_of_a_test")
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE facet_poor_owner")
        cursor.execute("SET LOCAL ROLE facet_poor_owner")
        with pytest.raises(CommandError, match="CREATE ROLE facet_viewer_of_a_test NOLOGIN; GRANT") as refused:
            wall.ensure_role(cursor)
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute("DROP ROLE facet_poor_owner")
    assert "TO facet_poor_owner" in str(refused.value)


def test_a_user_who_may_make_roles_makes_it_and_takes_it_on(db, monkeypatch):
    monkeypatch.setattr(wall, "VIEWER_ROLE", "facet_viewer_of_a_test")
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE facet_maker CREATEROLE")
        cursor.execute("GRANT ALL ON SCHEMA public TO facet_maker WITH GRANT OPTION")
        cursor.execute("SET LOCAL ROLE facet_maker")
        wall.ensure_role(cursor)
        wall.ensure_role(cursor)
        assert wall._can_take_role(cursor)
        cursor.execute("SET LOCAL ROLE NONE")
        for role in ("facet_maker", "facet_viewer_of_a_test"):
            cursor.execute(f"DROP OWNED BY {role}")
            cursor.execute(f"DROP ROLE {role}")


def test_a_page_without_a_line_is_not_there(world, monkeypatch):
    """Not by the build alone: an address that nobody listed answers nobody, also while it runs."""
    assert world.pages["administrator"].get("/accounts/").status_code == 200
    monkeypatch.delitem(access.PAGES, "accounts:list")

    assert world.pages["administrator"].get("/accounts/").status_code == 404
    assert world.pages["anonymous"].get("/accounts/").status_code == 404
    assert TeamMember.objects.exists()
