"""The rule of identity and occurrence in plain Python, independent of the door: dictionaries and loops."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


def content(row: dict[str, str]) -> tuple:
    """What makes a row of the online-retail profile the same as another."""
    return (
        row["Invoice"].strip(),
        row["StockCode"].strip(),
        Decimal(row["Quantity"]),
        datetime.fromisoformat(row["InvoiceDate"].strip()).date(),
        Decimal(row["Price"]),
        row["Customer ID"].strip(),
    )


@dataclass
class SlowLedger:
    """Counts per content how many records count, and which rejected rows were posted since."""

    counting: Counter = field(default_factory=Counter)
    resent: set[tuple[int, int]] = field(default_factory=set)

    def post(self, rows: Sequence[dict[str, str]]) -> tuple[int, int, int]:
        """(posted, already there, rejected) of one file whose only fault can be a missing customer."""
        good = [row for row in rows if row["Customer ID"].strip()]
        ordinary = Counter(content(row) for row in good if not row.get("_batch"))
        posted = already = 0
        for key, wanted in ordinary.items():
            fresh = max(wanted - self.counting[key], 0)
            self.counting[key] += fresh
            posted += fresh
            already += wanted - fresh
        for row in good:
            if not row.get("_batch"):
                continue
            mark = int(row["_batch"]), int(row["_row"])
            if mark in self.resent:
                already += 1
                continue
            self.resent.add(mark)
            self.counting[content(row)] += 1
            posted += 1
        return posted, already, len(rows) - len(good)
