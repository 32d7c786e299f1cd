"""The document a credit note credits: given with the record, by file and mapping alike, and there and back."""

from datetime import date
from decimal import Decimal

from accounts.imports.exporting import LedgerExport
from accounts.imports.mapping import parse_mapping
from accounts.models import Account, RevenueRecord
from metrics.models import AccountCredit
from metrics.rollup import difference
from tests.accounts.imports.helpers import counts, facet_rows, imported, ledger, write_csv
from tests.accounts.imports.test_exporting import empty_the_ledger
from tests.factories import make_superuser

HEADER = ("account_code", "booked_on", "amount", "reference", "credits_reference")
LINKED = ("kind", "amount", "reference", "credits_reference")
FILE = facet_rows(
    ["A1", "2024-01-05", "100", "I-1", ""],
    ["A1", "2024-03-05", "30", "C-1", " I-1 "],
    ["A1", "2024-03-06", "-5", "C-2", "I-9"],
    header=HEADER,
)


def test_a_row_that_names_what_it_credits_is_a_credit_note_below_zero(db, tmp_path):
    result = imported(write_csv(tmp_path / "a.csv", FILE))

    assert counts(result) == (3, 3, 0, 0)
    assert ledger(*LINKED) == [
        ("credit_note", Decimal(-30), "C-1", "I-1"),
        ("credit_note", Decimal(-5), "C-2", "I-9"),
        ("invoice", Decimal(100), "I-1", None),
    ]
    assert list(AccountCredit.objects.order_by("day").values_list("credits_reference", "original_on", "net")) == [
        ("I-1", date(2024, 1, 5), Decimal(-30)),
        ("I-9", None, Decimal(-5)),
    ]


def test_a_kind_that_the_file_gives_stands(db, tmp_path):
    rows = facet_rows(
        ["A1", "2024-01-05", "100", "I-2", "I-1", "invoice"],
        ["A1", "2024-01-05", "-7", "C-1", "I-2", "credit_note"],
        header=(*HEADER, "kind"),
    )
    imported(write_csv(tmp_path / "a.csv", rows))

    assert ledger(*LINKED) == [("credit_note", Decimal(-7), "C-1", "I-2"), ("invoice", Decimal(100), "I-2", "I-1")]


def test_a_link_given_later_makes_no_second_record(db, tmp_path):
    columns = {key: key for key in ("account_code", "booked_on", "amount", "reference")}
    linked = columns | {"credits_reference": "credits_reference"}
    definitions = [{"columns": one, "credit_note_prefix": "C"} for one in (columns, linked)]
    bare = write_csv(tmp_path / "a.csv", [row[:-1] for row in FILE])
    assert imported(bare, mapping=definitions[0]).posted == 3

    again = imported(write_csv(tmp_path / "b.csv", FILE), mapping=definitions[1])

    assert counts(again) == (3, 0, 3, 0)


def test_the_link_is_part_of_the_identity_only_where_a_mapping_says_so(db, tmp_path):
    columns = {key: key for key in HEADER}
    usual = parse_mapping({"columns": columns, "identity": ["reference", "account_code"]}, name="m")
    named = ["reference", "account_code", "credits_reference"]
    linked = parse_mapping({"columns": columns, "identity": named}, name="m")

    assert usual.identity == ("reference", "account_code")
    assert linked.identity == ("reference", "account_code", "credits_reference")


def test_an_unmatched_reference_that_is_too_long_is_rejected(db, tmp_path):
    rows = facet_rows(["A1", "2024-01-05", "100", "I-1", "x" * 65], header=HEADER)

    assert imported(write_csv(tmp_path / "a.csv", rows)).reasons == {"too_long": 1}


def test_links_survive_the_export_and_its_way_back(db, tmp_path):
    imported(write_csv(tmp_path / "a.csv", FILE))
    before, viewer = ledger(*LINKED), make_superuser()
    content = b"".join(
        LedgerExport(RevenueRecord.objects.of_visible_accounts(viewer), Account.objects.visible_to(viewer))
    )
    (tmp_path / "export.csv").write_bytes(content)
    empty_the_ledger()
    result = imported(tmp_path / "export.csv", profile="facet")

    assert result.posted == 3
    assert ledger(*LINKED) == before
    assert AccountCredit.objects.get(credits_reference="I-1").original_on == date(2024, 1, 5)
    assert difference() == 0
