"""D1 before a judge from outside: what ``pg_dump`` writes after an erasure holds nothing of the person."""

import base64

import pytest

from crm.trail import chain
from crm.trail.persons import Person, erase_person
from tests.crm.database_dump import dumped, hits, pg_dump
from tests.crm.seeded_persons import OLDER, TOKEN, everything, seed_other_places, seeded_contact, seeded_user
from tests.factories import make_interaction, make_request, make_superuser

JUDGE = pg_dump()


@pytest.mark.skipif(JUDGE is None, reason="pg_dump is not installed on this machine")
def test_a_dump_after_the_erasures_holds_no_token(transactional_db, client, settings, tmp_path):
    """A contact and somebody who logs in, each with the token in every personal field and in their history."""
    settings.MEDIA_ROOT, settings.TRAIL_HEADS = tmp_path, tmp_path / "trail-heads.log"
    chain.seal()
    contact, by = seeded_contact(), make_superuser()
    make_interaction(account=contact.account, their_people=[contact])
    make_request(account=contact.account, contact=contact)
    seed_other_places(contact, tmp_path)
    user = seeded_user(client)
    chain.seal()
    before = dumped(JUDGE)
    assert hits(TOKEN, before) >= everything().casefold().count(TOKEN.casefold()) > 20  # the judge is not blind

    for person in (Person("contact", contact.pk), Person("user", user.pk)):
        erase_person(person, by=by, reason="Asked for by letter of 1 March")

    after = dumped(JUDGE)
    print(f"\nD1: {len(before):,} and {len(after):,} signs, {hits(TOKEN, before)} and {hits(TOKEN, after)} hits")
    assert f"erased-{contact.pk}" in after
    assert f"erased-{user.pk}" in after
    assert {word: hits(word, after) for word in (TOKEN, OLDER)} == {TOKEN: 0, OLDER: 0}
    chain.seal()
    assert chain.verify().faults == []


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_words_are_found_in_every_spelling_of_a_dump(before):
    bytes_of_it = f"{before}{TOKEN}, and more".encode()

    assert hits(TOKEN, f"x {TOKEN.upper()} y") == 1
    assert hits(TOKEN, bytes_of_it.hex()) == 1
    assert hits(TOKEN, base64.b64encode(bytes_of_it).decode()) == 1
    assert hits(TOKEN, "Zq7 Xenon") == 0
