"""The ledger → the CSV that the profile ``facet`` reads back: our own export.

A row is one counting record in the columns of FIELDS, and three that only the door reads: ``_source`` and ``_identity``
say which record it is, so that the same ledger takes none of it twice and an empty one comes to hold the same records
under the same identities; ``_parents`` describes the group parents and dealers above the account, which need not have a
record of their own. Contracts go by number alone: what was agreed is no revenue.

UTF-8 with a byte order mark, so that a spreadsheet opens every sign; no cell of it runs as a formula. Numbers are whole,
in the order in which the records were posted, as one moment of the ledger.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Max, Min, QuerySet

from accounts.imports.fields import FIELDS, ORIGIN_IDENTITY, ORIGIN_PARENTS, ORIGIN_SOURCE
from accounts.imports.guard import guard_sql
from accounts.models import Account, RevenueRecord

BOM = b"\xef\xbb\xbf"
PAGE_KEYS = 50_000  # keys of records in one COPY: what is held in memory at a time

RECORD = (
    "id", "account_id", "product_id", "contract_id", "booked_on", "kind", "basis", "reference", "external_id",
    "quantity", "unit_price", "amount", "cost", "currency", "source", "identity", "credits_reference",
)  # fmt: skip
ACCOUNT = {
    "account_code": "code",
    "account_name": "name",
    "country": "country",
    "region": "region",
    "segment": "segment",
    "industry": "industry",
    "channel": "channel",
}
CELLS = {
    **{key: f"a.{name}" for key, name in ACCOUNT.items()},
    "parent_code": guard_sql("o.code"),
    "dealer_code": guard_sql("e.code"),
    "contract_number": guard_sql("c.number"),
    "product_code": "p.code",
    "product_name": "p.name",
    "product_category": "p.category",
    "booked_on": "r.booked_on",
    "kind": "r.kind",
    "basis": "r.basis",
    "reference": guard_sql("r.reference"),
    "credits_reference": guard_sql("r.credits_reference"),
    "external_id": guard_sql("r.external_id"),
    "quantity": "trim_scale(r.quantity)",
    "unit_price": "trim_scale(r.unit_price)",
    "amount": "trim_scale(r.amount)",
    "cost": "trim_scale(r.cost)",
    "currency": "r.currency",
    ORIGIN_SOURCE: guard_sql("r.source"),
    ORIGIN_IDENTITY: "encode(r.identity, 'hex')",
    # Its semicolons written as numbers, as JSON may: a spreadsheet that cuts lines there would begin a cell behind one.
    ORIGIN_PARENTS: r"replace(g.parents, ';', '\u003b')",
}
COLUMNS = (*FIELDS, ORIGIN_SOURCE, ORIGIN_IDENTITY, ORIGIN_PARENTS)
# Texts of accounts and products are guarded once for each, not once for each of their records.
PAGE = f"""
COPY (
WITH RECURSIVE r ({", ".join(RECORD)}) AS NOT MATERIALIZED (
    {{records}}
), account AS MATERIALIZED (
    SELECT id, parent_id, dealer_id, {", ".join(f"{guard_sql(name)} AS {name}" for name in ACCOUNT.values())}
    FROM accounts_account WHERE id IN (SELECT account_id FROM r)
), product AS MATERIALIZED (
    SELECT id, {", ".join(f"{guard_sql(name)} AS {name}" for name in ("code", "name", "category"))}
    FROM accounts_product WHERE id IN (SELECT product_id FROM r)
), above (id, up_id) AS (
    SELECT id, unnest(ARRAY[parent_id, dealer_id]) FROM account WHERE coalesce(parent_id, dealer_id) IS NOT NULL
    UNION
    SELECT above.id, unnest(ARRAY[a.parent_id, a.dealer_id]) FROM above JOIN accounts_account a ON a.id = above.up_id
    WHERE coalesce(a.parent_id, a.dealer_id) IS NOT NULL
), parent AS MATERIALIZED (
    SELECT * FROM accounts_account WHERE id IN (SELECT up_id FROM above) AND id IN ({{visible}})
), family (id, parents) AS MATERIALIZED (
    SELECT above.id, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
        {", ".join(f"'{key}', nullif(a.{name}, '')" for key, name in ACCOUNT.items())}, 'parent_code', o.code,
        'dealer_code', e.code
    )) ORDER BY a.code COLLATE "C")::text
    FROM above JOIN parent a ON a.id = above.up_id LEFT JOIN parent o ON o.id = a.parent_id
    LEFT JOIN parent e ON e.id = a.dealer_id
    GROUP BY above.id
)
SELECT {", ".join(CELLS[key] for key in COLUMNS)}
FROM r
JOIN account a ON a.id = r.account_id
LEFT JOIN parent o ON o.id = a.parent_id
LEFT JOIN parent e ON e.id = a.dealer_id
LEFT JOIN family g ON g.id = a.id
LEFT JOIN product p ON p.id = r.product_id
LEFT JOIN accounts_contract c ON c.id = r.contract_id
ORDER BY r.id
) TO STDOUT WITH (FORMAT csv)
"""


@dataclass(slots=True)
class LedgerExport:
    """The export of ``records``; ``rows`` counts what was written so far.

    ``visible`` are the accounts that may be named as group parents and dealers. The records' own are not asked about: hand over
    ``RevenueRecord.objects.of_visible_accounts(user)`` and ``Account.objects.visible_to(user)``.
    """

    records: QuerySet[RevenueRecord]
    visible: QuerySet[Account]
    rows: int = 0

    def __iter__(self) -> Iterator[bytes]:
        """The file in pieces, one COPY and at most PAGE_KEYS rows each, out of one snapshot; close it to break off."""
        yield BOM + ",".join(COLUMNS).encode() + b"\n"
        with _snapshot() as cursor:
            ends = self.records.aggregate(first=Min("pk"), last=Max("pk"))
            if ends["first"] is None:
                return
            for start in range(ends["first"], ends["last"] + 1, PAGE_KEYS):
                if page := self._page(cursor, start):
                    yield page

    def _page(self, cursor: CursorWrapper, start: int) -> bytes:
        records = self.records.filter(pk__gte=start, pk__lt=start + PAGE_KEYS).order_by().values_list(*RECORD)
        records_sql, records_values = records.query.sql_with_params()
        visible_sql, visible_values = self.visible.order_by().values("pk").query.sql_with_params()
        statement = PAGE.replace("%", "%%").format(records=records_sql, visible=visible_sql)
        page = io.BytesIO()
        cursor.copy_expert(cursor.mogrify(statement, (*records_values, *visible_values)), page)
        self.rows += cursor.rowcount
        return page.getvalue()


@contextmanager
def _snapshot() -> Iterator[CursorWrapper]:
    """A transaction that sees one moment; inside another transaction the one that is open has to do."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL enable_nestloop = off")  # the planner cannot know how many rows a page holds
        yield cursor
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
