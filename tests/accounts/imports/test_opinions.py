"""Files of ratings and wallet estimates: what is right is kept, the rest comes back with its reason."""

import json
from decimal import Decimal

import pytest
from django.core.management import call_command

from accounts.imports.opinions import Sender, import_ratings, import_wallets
from accounts.models import Account, Rating, WalletEstimate
from tests.accounts.imports.helpers import write_csv, write_xlsx
from tests.factories import make_account, make_user

RATING = ["account", "indicator", "score", "evaluator", "function", "rated_on", "expires_on", "evidence"]
RATED = [
    ["A1", "V1", "4", "ann", "sales", "2024-06-01", "", "Named as the benchmark."],
    ["A1", "l5", "5", "bob", "Delivery", "2024-06-01", "", ""],
    ["A1", "V1", "2", "bob", "delivery", "2024-06-01", "2024-09-01", ""],
]
WALLET = ["account", "amount", "currency", "source", "author", "estimated_on", "expires_on"]
ESTIMATED = [["A1", "2000000.50", "CNY", "Annual report", "ann", "2024-06-01", ""]]


@pytest.fixture
def sender(db):
    make_account(code="A1")
    make_user(username="bob")
    return Sender(Account.objects.all(), make_user(username="ann"))


def counts(result):
    return result.read, result.new, result.already_there, result.rejected


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_ratings_are_kept_once_with_their_expiry(tmp_path, sender, write):
    path = write(tmp_path / f"r.{'csv' if write is write_csv else 'xlsx'}", [RATING, *RATED])

    assert counts(import_ratings(path=path, sender=sender)) == (3, 3, 0, 0)
    assert counts(import_ratings(path=path, sender=sender)) == (3, 0, 3, 0)
    rows = Rating.objects.order_by("pk").values_list(
        "indicator", "score", "evaluator__username", "function", "expires_on"
    )
    assert [(*row[:4], str(row[4])) for row in rows] == [
        ("V1", 4, "ann", "sales", "2025-06-01"),
        ("L5", 5, "bob", "delivery", "2024-12-01"),
        ("V1", 2, "bob", "delivery", "2024-09-01"),
    ]


@pytest.mark.parametrize(
    ("place", "cell", "code", "reason"),
    [
        (2, "7", "score_out_of_range", "a rating is a whole number from 1 to 5"),
        (2, "0", "score_out_of_range", "a rating is a whole number from 1 to 5"),
        (2, "", "missing_score", "no rating"),
        (2, "4.5", "score_out_of_range", "a rating is a whole number from 1 to 5"),
        (0, "A9", "unseen_account", "no account that you see has this code"),
        (3, "eve", "unknown_user", "nobody has this user name"),
        (1, "V9", "unknown_word", "not one of L5, P3, V1, V2, V3"),
        (4, "", "missing_function", "no function of the evaluator"),
        (6, "2024-06-01", "expires_too_early", "expires before it begins"),
    ],
)
def test_a_bad_rating_is_rejected_with_row_and_reason(tmp_path, sender, place, cell, code, reason):
    bad = list(RATED[0])
    bad[place] = cell
    result = import_ratings(path=write_csv(tmp_path / "r.csv", [RATING, *RATED[1:], bad]), sender=sender)

    assert (counts(result), result.reasons) == ((3, 2, 0, 1), {code: 1})
    example = result.examples[code][0]
    assert (example.row, example.reason) == (4, reason)


def test_another_judgement_of_the_same_day_is_rejected(tmp_path, sender):
    import_ratings(path=write_csv(tmp_path / "r.csv", [RATING, *RATED]), sender=sender)
    other = [*RATED[0][:2], "1", *RATED[0][3:]]
    again = import_ratings(path=write_csv(tmp_path / "s.csv", [RATING, other]), sender=sender)

    assert (counts(again), again.reasons) == ((1, 0, 0, 1), {"stored_differs": 1})
    assert "posted before with other content (4, sales" in again.examples["stored_differs"][0].reason
    assert Rating.objects.filter(indicator="V1", evaluator__username="ann").get().score == 4


def test_who_may_not_speak_for_others_brings_their_own_alone(tmp_path, sender):
    own = Sender(sender.accounts, sender.user, for_others=False)
    nameless = [*RATED[0][:1], "V2", "3", "", *RATED[0][4:]]
    result = import_ratings(path=write_csv(tmp_path / "r.csv", [RATING, *RATED, nameless]), sender=own)

    assert (counts(result), result.reasons) == ((4, 2, 0, 2), {"speaks_for_others": 2})
    assert set(Rating.objects.values_list("evaluator__username", flat=True)) == {"ann"}


def test_wallets_are_kept_once_and_judged(tmp_path, sender):
    bad = [
        ["A1", "-1", "CNY", "guess", "ann", "2024-06-02", ""],
        ["A1", "1", "CNY", "", "ann", "2024-06-03", ""],
        ["A1", "3", "CNY", "other", "ann", "2024-06-01", ""],
    ]
    path = write_csv(tmp_path / "w.csv", [WALLET, *ESTIMATED, *bad])
    first, again = (import_wallets(path=path, sender=sender) for _ in range(2))

    assert counts(first) == (4, 1, 0, 3)
    assert first.reasons == {"negative_wallet": 1, "missing_source": 1, "listed_differs": 1}
    assert (counts(again), again.reasons["stored_differs"]) == ((4, 0, 1, 3), 1)
    found = WalletEstimate.objects.get()
    assert (found.amount, str(found.expires_on), found.author.username) == (Decimal("2000000.5"), "2025-06-01", "ann")


@pytest.mark.parametrize(
    ("command", "rows"), [("import_ratings", [RATING, *RATED]), ("import_wallets", [WALLET, *ESTIMATED])]
)
def test_the_commands_print_what_became_of_the_rows(tmp_path, sender, capsys, command, rows):
    path = write_csv(tmp_path / "f.csv", rows)
    call_command(command, str(path), "--json", "--dry-run")
    told = json.loads(capsys.readouterr().out)

    assert (told["read"], told["new"], told["rejected"], told["error_file"]) == (len(rows) - 1, len(rows) - 1, 0, None)
    assert not Rating.objects.exists()
    assert not WalletEstimate.objects.exists()
