"""Real files, read where they lie beside the project; skipped where they are not."""

import csv
import gzip
import importlib.util
from decimal import Decimal

import pytest
from django.db.models import Sum

from accounts.imports import services
from accounts.models import Account, ImportBatch, RevenueRecord
from metrics.rollup import difference
from tests.accounts.imports.helpers import DATA, ONLINE_RETAIL, counts, error_rows, imported, write_csv

FIRST, SECOND = ONLINE_RETAIL / "year-2009-2010.csv.gz", ONLINE_RETAIL / "year-2010-2011.csv.gz"
TORONTO = DATA / "toronto-awarded-contracts" / "awarded_contracts.csv.gz"
NORTHWIND = DATA / "northwind"


@pytest.mark.skipif(not FIRST.exists(), reason="the Online Retail II files are not beside the project")
def test_online_retail_gives_the_published_counts_twice(db):
    assert counts(imported(FIRST, currency="")) == (525_461, 417_534, 0, 107_927)
    second = imported(SECOND, currency="")
    assert counts(second) == (541_910, 392_027, 14_803, 135_080)
    assert second.reasons == {"missing_account": 135_080}
    assert RevenueRecord.objects.count() == 809_561
    assert RevenueRecord.objects.aggregate(net=Sum("amount"))["net"] == Decimal("16343669.0380")
    assert set(RevenueRecord.objects.order_by().values_list("currency", flat=True).distinct()) == {"GBP"}
    assert Account.objects.count() == 5_942
    assert difference() == 0

    assert counts(imported(FIRST, currency="")) == (525_461, 0, 417_534, 107_927)
    assert counts(imported(SECOND, currency="")) == (541_910, 0, 406_830, 135_080)
    if importlib.util.find_spec("tests.metrics.online_retail"):
        from tests.metrics.online_retail import assert_figures

        assert_figures()
    if importlib.util.find_spec("duckdb"):
        from tests.metrics.second_engine import assert_agreement

        assert_agreement()


@pytest.mark.skipif(not TORONTO.exists(), reason="the Toronto contracts are not beside the project")
def test_toronto_contracts_are_read_with_every_bad_row_told(db):
    mapping = {"columns": {"account_code": "supplier", "booked_on": "award_date", "amount": "award_cad_raw", "reference": "document_number"},
               "defaults": {"basis": "signed"}}  # fmt: skip
    with gzip.open(TORONTO, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    result = imported(TORONTO, mapping=mapping, currency="CAD", source="toronto")

    assert result.read == len(rows) == 7_613
    assert result.posted + result.rejected == 7_613
    without_date = [row for row in rows if not row["award_date"].strip()]
    assert len(without_date) == 80
    told = error_rows(result)
    assert len(told) == result.rejected
    assert sum("award_date" in row["_column"] for row in told) == 80
    assert set(result.reasons) <= {
        "missing_amount",
        "no_number",
        "missing_date",
        "too_long",
        "too_many_decimals",
        "missing_account",
    }
    assert set(RevenueRecord.objects.order_by().values_list("basis", flat=True).distinct()) == {"signed"}
    assert counts(imported(TORONTO, mapping=mapping, currency="CAD", source="toronto")) == (
        7_613,
        0,
        result.posted,
        result.rejected,
    )


@pytest.mark.skipif(not NORTHWIND.exists(), reason="Northwind is not beside the project")
def test_northwind_lines_net_of_discount_add_up_to_the_published_sales(db, tmp_path):
    def table(name):
        with gzip.open(NORTHWIND / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    orders = {row["OrderID"]: row for row in table("orders")}
    customers = {row["CustomerID"]: row for row in table("customers")}
    header = [
        "CustomerID",
        "CompanyName",
        "Country",
        "OrderID",
        "OrderDate",
        "ProductID",
        "UnitPrice",
        "Quantity",
        "Net",
    ]
    rows = []
    for line in table("order_details"):
        order = orders[line["OrderID"]]
        customer = customers[order["CustomerID"]]
        net = Decimal(line["UnitPrice"]) * Decimal(line["Quantity"]) * (1 - Decimal(line["Discount"]))
        rows.append([customer["CustomerID"], customer["CompanyName"], customer["Country"], line["OrderID"], order["OrderDate"],
                     line["ProductID"], line["UnitPrice"], line["Quantity"], net])  # fmt: skip
    batch = services.create_batch(
        upload=write_csv(tmp_path / "lines.csv", [header, *rows]).open("rb"), file_name="lines.csv", user=None
    )
    from accounts.imports.selectors import file_facts

    columns = file_facts(batch).mapping["columns"]
    assert columns == {"account_code": "CustomerID", "account_name": "CompanyName", "country": "Country", "reference": "OrderID",
                       "booked_on": "OrderDate", "product_code": "ProductID", "unit_price": "UnitPrice", "quantity": "Quantity", "amount": "Net"}  # fmt: skip

    result = imported(tmp_path / "lines.csv", mapping={"columns": columns}, currency="USD")

    assert counts(result) == (2_155, 2_155, 0, 0)
    assert RevenueRecord.objects.aggregate(net=Sum("amount"))["net"] == Decimal("1265793.0395")
    assert Account.objects.filter(name__contains="Ã").exists() or Account.objects.filter(name__contains="é").exists()
    assert ImportBatch.objects.filter(state="posted").count() == 1
