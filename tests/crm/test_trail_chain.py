"""The chain finds whatever was changed, removed, put in or put in another order; as the application nothing can be."""

import json
import random
import threading
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.models import Account, Product
from crm.models import TrailEntry, TrailLink, TrailSeal
from crm.trail import chain, triggers
from crm.trail.signature import signed
from tests.factories import make_contact, make_product

pytestmark = pytest.mark.django_db(transaction=True)
TAMPERINGS = 1000
TABLES = ("crm_trailentry", "crm_traillink", "crm_trailseal", "crm_personkey")
SEALED_WITHIN_SECONDS = 300


def seal_all() -> None:
    """Nothing is sealed past a transaction that is open, in whatever database of the cluster: those of other workers end."""
    until = time.monotonic() + SEALED_WITHIN_SECONDS
    chain.seal()
    while TrailEntry.objects.exclude(pk__in=TrailLink.objects.values("entry_id")).exists():
        assert time.monotonic() < until, "some transaction does not end"
        time.sleep(0.2)
        chain.seal()


@pytest.fixture(autouse=True)
def heads(settings, tmp_path):
    """Heads of this test alone, and a chain that is whole when it begins."""
    settings.TRAIL_HEADS = tmp_path / "heads.log"
    seal_all()
    return settings.TRAIL_HEADS


def write_some(rows: int = 40) -> None:
    with signed(via="page", request_id="r-1", actor=lambda: 7):
        for number in range(rows):
            product = make_product(name=f"Pump {number}")
            Product.objects.filter(pk=product.pk).update(category="Pumps")
        make_contact(name="Somebody")


def run(sql: str, *values) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def open_the_log() -> None:
    """What only the owner of the tables can do."""
    for table in TABLES:
        run(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def close_the_log() -> None:
    for table in TABLES:
        run(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    triggers.install()


def test_seal_gives_each_entry_a_link_once_and_notes_the_head_outside(heads):
    before, entries = TrailLink.objects.count(), TrailEntry.objects.count()
    write_some(3)

    head, again = chain.seal(), chain.seal()

    assert again is None
    assert head.sealed == TrailEntry.objects.count() - entries
    assert head.sealed >= 3 * 2 + 2  # the contact brings its account
    assert TrailLink.objects.count() == before + head.sealed
    assert TrailSeal.objects.latest("number").position == head.position
    assert heads.read_text().splitlines()[-1].split("\t")[1:] == [str(head.number), str(head.position), head.hash.hex()]
    assert chain.verify().faults == []


def test_what_is_not_committed_waits_and_comes_in_later():
    ready, go = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            make_product(name="Late")
            ready.set()
            go.wait(20)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert ready.wait(20)
    make_product(name="Early")
    chain.seal()
    waiting = TrailEntry.objects.filter(after__name="Early").latest("pk").pk
    assert not TrailLink.objects.filter(entry_id=waiting).exists()  # behind a transaction that is open
    go.set()
    thread.join()
    chain.seal()

    assert TrailLink.objects.filter(entry_id=waiting).exists()
    assert chain.verify().faults == []


def test_many_writers_and_sealers_at_once_make_one_chain():
    faults: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for step in range(15):
                with transaction.atomic():
                    make_product(code=f"T{number}-{step}")
                if step % 4 == number % 4:
                    chain.seal()
        except BaseException as error:  # noqa: BLE001
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = chain.verify()

    assert faults == []
    assert report.faults == []
    assert report.entries == TrailEntry.objects.count() == TrailLink.objects.count()


def test_a_full_pass_goes_on_where_it_broke_off(monkeypatch):
    monkeypatch.setattr(chain, "A_PASS", 3)
    with transaction.atomic():
        Product.objects.bulk_create(Product(code=f"Q{n}", name="Bulk") for n in range(8))

    assert chain.seal().sealed == 8
    assert chain.verify().faults == []


def test_a_pass_that_is_rolled_back_notes_no_head(heads):
    make_product()
    before = heads.read_text() if heads.exists() else ""
    with transaction.atomic():
        assert chain.seal().sealed == 1
        transaction.set_rollback(True)

    assert (heads.read_text() if heads.exists() else "") == before
    assert chain.seal().sealed == 1
    assert chain.verify().faults == []


def test_after_a_restore_transaction_numbers_that_begin_anew_are_sealed_too():
    write_some(2)
    chain.seal()
    open_the_log()
    run("UPDATE crm_trailseal SET until_transaction = 4000000000000")  # as in a dump of an old cluster
    run("UPDATE crm_trailentry SET transaction = transaction WHERE false")
    close_the_log()
    make_product(name="In the new cluster")

    assert chain.seal().sealed == 1
    assert chain.verify().faults == []


def tamperings(rng: random.Random):
    """Kinds of harm, each on a row drawn by chance; ``head`` is what was noted outside."""
    ids = list(TrailLink.objects.order_by("position").values_list("position", "entry_id"))
    seals = list(TrailSeal.objects.order_by("number").values_list("number", flat=True))
    columns = {
        "via": "'forged'", "request_id": "'forged'", "actor_id": "coalesce(actor_id, 0) + 1", "row_key": "row_key || '1'",
        "table_name": "'accounts_contract'", "at": "at + interval '1 microsecond'", "action": "'T'",
        "account_id": "coalesce(account_id, 0) + 1", "transaction": "transaction - 1", "database_user": "'nobody'",
        "before": "before || '{\"x\": 1}'", "after": "after || '{\"x\": 1}'", "person": "person || 'x'",
    }  # fmt: skip

    def change() -> None:
        column = rng.choice(sorted(columns))
        run(f"UPDATE crm_trailentry SET {column} = {columns[column]} WHERE id = %s", rng.choice(ids)[1])

    def remove() -> None:
        run("DELETE FROM crm_trailentry WHERE id = %s", rng.choice(ids)[1])

    def remove_with_link() -> None:
        position, entry = rng.choice(ids)
        run("DELETE FROM crm_traillink WHERE position = %s", position)
        run("DELETE FROM crm_trailentry WHERE id = %s", entry)

    def cut_the_end() -> None:
        position = rng.choice(ids)[0]
        run(
            "DELETE FROM crm_trailentry WHERE id IN (SELECT entry_id FROM crm_traillink WHERE position >= %s)", position
        )
        run("DELETE FROM crm_traillink WHERE position >= %s", position)
        run("DELETE FROM crm_trailseal WHERE position >= %s", position)

    def swap() -> None:
        (one, first), (other, second) = rng.sample(ids, 2)
        run("DELETE FROM crm_traillink WHERE position IN (%s, %s)", one, other)
        run("INSERT INTO crm_traillink VALUES (%s, %s, sha256('a')), (%s, %s, sha256('b'))", one, second, other, first)

    def swap_contents() -> None:
        (_one, first), (_other, second) = rng.sample(ids, 2)
        run("UPDATE crm_trailentry e SET id = -e.id WHERE id IN (%s, %s)", first, second)
        run("UPDATE crm_trailentry SET id = CASE id WHEN %s THEN %s ELSE %s END WHERE id IN (%s, %s)",
            -first, second, first, -first, -second)  # fmt: skip

    def put_in() -> None:
        run(
            "INSERT INTO crm_trailentry (at, transaction, via, request_id, database_user, table_name, row_key, action,"
            " before, after, person) SELECT at, transaction, via, request_id, database_user, table_name, row_key, action,"
            " before, after, person FROM crm_trailentry WHERE id = %s", rng.choice(ids)[1],
        )  # fmt: skip

    def other_hash() -> None:
        run("UPDATE crm_traillink SET hash = sha256(hash) WHERE position = %s", rng.choice(ids)[0])

    def remove_seal() -> None:
        run("DELETE FROM crm_trailseal WHERE number = %s", rng.choice(seals))

    def chain_anew() -> None:
        """The clever owner: change an entry and compute every later link and seal again."""
        position, entry = rng.choice(ids)
        run("UPDATE crm_trailentry SET via = 'forged' WHERE id = %s", entry)
        last = bytes(TrailLink.objects.get(position=position - 1).hash) if position > 1 else chain.START
        with connection.cursor() as cursor:
            cursor.execute(f"{chain.WALK.split('ORDER')[0]} WHERE l.position >= %s ORDER BY l.position", [position])
            for at, _entry, _hash, _there, *content in cursor.fetchall():
                last = chain.link(last, tuple(content))
                run("UPDATE crm_traillink SET hash = %s WHERE position = %s", last, at)
                run("UPDATE crm_trailseal SET hash = %s WHERE position = %s", last, at)

    def remove_key() -> None:
        run("DELETE FROM crm_personkey")

    return [change, change, change, remove, remove_with_link, cut_the_end, swap, swap_contents, put_in, other_hash,
            remove_seal, chain_anew, remove_key]  # fmt: skip


@pytest.fixture
def young_chain(heads):
    """A chain of one's own, so that a thousand walks take seconds: what earlier tests left is set aside for good."""
    open_the_log()
    run("TRUNCATE crm_trailentry, crm_traillink, crm_trailseal, crm_personkey")
    close_the_log()
    heads.unlink(missing_ok=True)
    for _seal in range(3):
        write_some(4)
        seal_all()


def test_a_thousand_tamperings_of_the_owner_are_all_found(young_chain):
    rng = random.Random(20261130)
    assert chain.verify().faults == []
    missed = []
    open_the_log()
    for number in range(TAMPERINGS):
        with transaction.atomic():
            harm = rng.choice(tamperings(rng))
            harm()
            if chain.walk().is_valid:  # though every trigger may be back in its place
                missed.append((number, harm.__name__))
            transaction.set_rollback(True)
    close_the_log()

    assert missed == []
    assert chain.verify().faults == []


def test_a_log_left_open_is_found():
    run("ALTER TABLE crm_trailentry DISABLE TRIGGER trail_guard")
    try:
        assert chain.verify().faults == ["crm_trailentry: trigger trail_guard is switched off"]
    finally:
        close_the_log()


@pytest.fixture
def application_role(db):
    """A role that may use every table and owns none."""
    name = "facet_trail_app"
    run(f"DROP ROLE IF EXISTS {name}")
    run(f"CREATE ROLE {name}")
    run(f"GRANT USAGE ON SCHEMA public TO {name}")
    run(f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO {name}")
    run(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")
    yield name
    run(f"DROP OWNED BY {name}")
    run(f"DROP ROLE {name}")


def test_as_the_application_nothing_can_be_tampered_with(application_role, young_chain):
    rng = random.Random(7)
    succeeded = []
    for number in range(200):
        harm = rng.choice(tamperings(rng))
        try:
            with transaction.atomic():
                run(f"SET LOCAL ROLE {application_role}")
                harm()
        except DatabaseError:
            continue
        succeeded.append((number, harm.__name__))
    for statement in (
        "ALTER TABLE crm_trailentry DISABLE TRIGGER ALL",
        "ALTER TABLE accounts_product DISABLE TRIGGER ALL",
        "DROP TRIGGER trail_guard ON crm_trailentry",
        "SET LOCAL session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION trail_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "DROP TABLE crm_trailentry",
    ):
        with pytest.raises(DatabaseError), transaction.atomic():  # noqa: PT012
            run(f"SET LOCAL ROLE {application_role}")
            run(statement)

    assert succeeded == []
    assert chain.verify().faults == []


def test_the_application_writes_the_log_without_a_right_to_it(application_role):
    run(f"REVOKE ALL ON crm_trailentry, crm_personkey FROM {application_role}")
    with transaction.atomic():
        run(f"SET LOCAL ROLE {application_role}")
        product = make_product(name="By the application")
        contact = make_contact(name="A person")

    assert TrailEntry.objects.filter(table_name="accounts_product", row_key=str(product.pk)).exists()
    assert TrailEntry.objects.filter(table_name="accounts_contact", row_key=str(contact.pk)).exists()


def test_command_tells_in_json_and_by_its_exit_code(young_chain):
    out = StringIO()
    call_command("verify_audit", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["valid"], told["faults"], told["heads_outside"]) == (True, [], 3)
    assert told["entries"] == TrailEntry.objects.count()

    entry = TrailLink.objects.order_by("position")[5].entry_id
    open_the_log()
    run("UPDATE crm_trailentry SET actor_id = 99 WHERE id = %s", entry)
    close_the_log()
    out = StringIO()
    with pytest.raises(CommandError, match=f"entry {entry} at link 6 was changed") as refused:
        call_command("verify_audit", "--json", stdout=out)
    assert refused.value.returncode == 1
    assert json.loads(out.getvalue())["valid"] is False


def test_merged_and_many_accounts_are_noted_in_one_transaction(young_chain):
    with transaction.atomic():
        Account.objects.bulk_create(Account(code=f"M{n}", name="Many") for n in range(50))
        Account.objects.filter(name="Many").update(region="North")

    rows = TrailEntry.objects.filter(table_name="accounts_account", after__region="North")
    assert rows.count() == 50
    assert rows.values("transaction").distinct().count() == 1
