"""Names that mean one company: pure rules, the search over all accounts with its mask, and labelled pairs of real names.

The 200 pairs were drawn at random from five bands of alikeness (by rapidfuzz on the raw spelling, not by the score under
test), read one by one and labelled by hand. They are kept as digests: the names stay in their data set.
"""

import csv
import gzip
import hashlib
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.duplicates import dismiss_pair, duplicate_pairs, similar_accounts
from accounts.merges import merge_accounts
from accounts.models import Account, DuplicateDismissal
from accounts.names import ALIKE, likeness, name_grams, name_key, readings
from accounts.search import index_new_accounts
from tests.factories import make_account, make_superuser, make_team_member, make_user

TORONTO = Path(__file__).resolve().parents[3] / "shared/data/toronto-awarded-contracts/awarded_contracts.csv.gz"
TORONTO = next(
    (
        one
        for one in (TORONTO, Path("/work/shared/data/toronto-awarded-contracts/awarded_contracts.csv.gz"))
        if one.exists()
    ),
    TORONTO,
)
PAIRS = Path(__file__).with_name("labelled_pairs.csv")
SAME = (
    ("Compugen Inc.", "COMPUGEN INC"),
    ("R.V. Anderson Associates Limited", "RV Anderson Associates"),
    ("Müller Maschinenbau GmbH & Co. KG", "MULLER MASCHINENBAU"),
    ("Black & McDonald Ltd.", "Black and McDonald Limted"),
    ("1234567 Ontario Inc. o/a Joe's Paving", "Joes Paving"),
    ("北京华信科技有限公司", "北京華信科技股份有限公司"),
    ("华信科技", "北京华信科技有限公司"),
    ("ＡＣＭＥ　Ltd", "Acme"),
    ("华为技术有限公司", "Huawei Technologies Co., Ltd."),
    ("Pay Master Limited", "Paymaster Ltd"),
)
OTHER = (
    ("Smith Construction", "Jones Construction"),
    ("1234567 Ontario Inc.", "1234568 Ontario Inc."),
    ("华信科技有限公司", "华信贸易有限公司"),
    ("北京万达商贸有限公司", "上海万通商贸有限公司"),
    ("Pave-Tar Construction Ltd", "Pave-Krete Construction"),
    ("General Motors of Canada", "General Electric Canada"),
    ("Canada Construction Ltd.", "373044 Ontario Ltd. o/a Trans Canada Construction"),
)


@pytest.mark.parametrize("pair", SAME)
def test_spellings_of_one_company_are_alike(pair):
    assert likeness(*pair) >= ALIKE
    assert likeness(*pair) == likeness(*reversed(pair))
    assert set(name_grams(pair[0])) & set(name_grams(pair[1]))


@pytest.mark.parametrize("pair", OTHER)
def test_two_companies_are_not(pair):
    assert likeness(*pair) < ALIKE


@pytest.mark.parametrize("name", ["", " ", "-", "...", "有限公司", "Ltd", "=cmd()", "\u3000", "集团", "x" * 200])
def test_odd_names_are_read_without_harm(name):
    assert likeness(name, "Acme Ltd") < ALIKE
    assert len(name_key(name)) <= 200
    assert all(len(gram) <= 3 for gram in name_grams(name))
    assert isinstance(readings(name), tuple)


@pytest.fixture
def acme(db):
    owner = make_user(first_name="Ann", last_name="Owner")
    return make_account(name="Acme Pumps Ltd", code="AC1", owner=owner)


def test_whoever_may_open_the_match_sees_it_whole(acme):
    teammate = make_team_member(account=acme).user

    for viewer in (acme.owner, teammate, make_superuser()):
        (found,) = similar_accounts(["ACME pumps limited"], viewer=viewer)
        assert (found.id, found.code, found.name, found.owner, found.score) == (
            acme.pk, "AC1", "Acme Pumps Ltd", "Ann Owner", 1.0,
        )  # fmt: skip


def test_stranger_learns_the_name_and_whom_to_ask(acme):
    (found,) = similar_accounts(["ACME pumps limited"], viewer=make_user())

    assert (found.id, found.code, found.name, found.owner) == (None, None, "Acme Pumps Ltd", "Ann Owner")


def test_search_leaves_out_itself_and_what_was_merged(acme):
    twin = make_account(name="Acme Pumps Inc")
    merge_accounts(merged=twin, into=acme, by=None, reason="Same")
    boss = make_superuser()

    assert [one.id for one in similar_accounts([twin.name], viewer=boss)] == [acme.pk]
    assert similar_accounts([acme.name], viewer=boss, but=acme) == []
    assert similar_accounts(["", "有限公司"], viewer=boss) == []


def test_latin_and_short_names_are_searched_too(db):
    account = make_account(name="华为技术有限公司", latin_name="Huawei Technologies", short_name="HW")
    boss = make_superuser()

    for name in ("Huawei Technologies Co Ltd", "华为", "華為技術"):
        assert [one.id for one in similar_accounts([name], viewer=boss)] == [account.pk]


def test_pairs_are_of_what_the_reader_may_open(acme):
    twin = make_account(name="Acme Pumps Inc.", owner=acme.owner)
    make_account(name="Acme  PUMPS", owner=make_user())
    make_account(name="Other Company", owner=acme.owner)

    (pair,) = duplicate_pairs(Account.objects.visible_to(acme.owner))
    assert (pair.keeps, pair.merges, pair.score) == (acme, twin, 1.0)
    assert duplicate_pairs(Account.objects.visible_to(make_user())) == []
    assert len(duplicate_pairs(Account.objects.visible_to(make_superuser()))) == 3


def test_dismissed_pair_comes_no_more(acme):
    twin = make_account(name="Acme Pumps Inc.", owner=acme.owner)

    for _time in range(2):
        dismiss_pair(one=twin, other=acme, by=acme.owner)

    assert duplicate_pairs(Account.objects.visible_to(acme.owner)) == []
    assert [(one.first, one.second, one.by) for one in DuplicateDismissal.objects.all()] == [(acme, twin, acme.owner)]


@pytest.mark.parametrize("count", [1, 3])
def test_statements_do_not_grow(db, count):
    boss = make_superuser()
    for _number in range(count):
        make_account(name="Acme Pumps Ltd", owner=make_user())

    with CaptureQueriesContext(connection) as captured:
        assert len(similar_accounts(["Acme Pumps"], viewer=boss)) == count
    assert len(captured) == 3
    make_account(name="Acme Pumps")
    with CaptureQueriesContext(connection) as captured:
        duplicate_pairs(Account.objects.visible_to(boss))
    assert len(captured) == 3


def digest(name):
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def labelled():
    """(first, second, is_same, how many pairs of the data set each of its band stands for)."""
    with gzip.open(TORONTO, "rt", encoding="utf-8") as file:
        names = {digest(name): name for name in {row["supplier"].strip() for row in csv.DictReader(file)} if name}
    rows = list(csv.DictReader(PAIRS.open(encoding="ascii")))
    drawn = {band: sum(row["band"] == band for row in rows) for band in {row["band"] for row in rows}}
    return names, [
        (
            names[row["first"]],
            names[row["second"]],
            row["is_same"] == "1",
            int(row["pairs_in_band"]) / drawn[row["band"]],
        )
        for row in rows
    ]


@pytest.mark.skipif(not TORONTO.exists(), reason="needs ../shared/data/toronto-awarded-contracts")
def test_search_finds_the_labelled_duplicates_among_all_suppliers(db):
    names, pairs = labelled()
    everything = sorted(set(names.values()))
    Account.objects.bulk_create(
        Account(code=f"T{number:05}", name=name[:200]) for number, name in enumerate(everything)
    )
    assert index_new_accounts() == len(everything)
    boss = make_superuser()

    found = [
        any(match.name == second[:200] for match in similar_accounts([first], viewer=boss, limit=60))
        for first, second, _is_same, _weight in pairs
    ]

    hits = sum(hit and pair[2] for hit, pair in zip(found, pairs, strict=True))
    alarms = sum(hit and not pair[2] for hit, pair in zip(found, pairs, strict=True))
    same = sum(pair[2] for pair in pairs)
    print(f"{len(pairs)} pairs, {same} the same: precision {hits / (hits + alarms):.3f}, recall {hits / same:.3f}")
    assert (len(pairs), same) == (200, 73)
    assert hits / (hits + alarms) >= 0.97
    assert hits / same >= 0.95
