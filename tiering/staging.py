"""Result rows into PostgreSQL by binary COPY: rows of one width are laid out by numpy in one piece.

Layout of the format: PostgreSQL manual, COPY, "Binary Format". Arrays: one dimension, no nulls, element type float8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray

from metrics.binary import PIECE, InPieces

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
FLOAT8_OID = 701
KINDS = {"i": ">i8", "f": ">f8", "M": ">i4"}
EPOCH = np.datetime64("2000-01-01")  # from which PostgreSQL counts days
ARRAY_HEAD = ("dimensions", "nulls", "type", "length", "lower bound")


@dataclass(frozen=True, slots=True)
class Shared:
    """A text that all rows of one piece share; None writes NULL."""

    text: str | None

    @property
    def encoded(self) -> bytes:
        return (self.text or "").encode()


Column = NDArray | Shared


def binary_rows(columns: Mapping[str, Column]) -> bytes:
    """Rows of one width in the order of ``columns``, without header and trailer.

    datetime64[D] → date, int64 → bigint, float64 → double precision, a float64 matrix with one row a record → double precision[],
    Shared → text. At least one column must be an array.
    """
    count = next(len(column) for column in columns.values() if not isinstance(column, Shared))
    layout: list[tuple] = [("fields", ">i2")]
    for name, column in columns.items():
        layout += _layout(name, column)
    rows = np.zeros(count, dtype=np.dtype(layout))
    rows["fields"] = len(columns)
    for name, column in columns.items():
        _fill(rows, name, column)
    return rows.tobytes()


def copy_in(cursor: CursorWrapper, table: str, columns: Sequence[str], pieces: Sequence[bytes]) -> None:
    """COPY the pieces of ``binary_rows`` into ``columns`` of ``table``."""
    stream = InPieces([HEADER, *pieces, TRAILER])
    cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)", stream, size=PIECE)


def _layout(name: str, column: Column) -> list[tuple]:
    width = (f"width of {name}", ">i4")
    if isinstance(column, Shared):
        return [width, (name, f"S{len(column.encoded)}")] if column.encoded else [width]
    if column.ndim == 2:
        elements = np.dtype([("width", ">i4"), ("value", ">f8")])
        return [width, *((f"{part} of {name}", ">i4") for part in ARRAY_HEAD), (name, elements, (column.shape[1],))]
    return [width, (name, KINDS[column.dtype.kind])]


def _fill(rows: NDArray, name: str, column: Column) -> None:
    if isinstance(column, Shared):
        rows[f"width of {name}"] = -1 if column.text is None else len(column.encoded)
        if column.encoded:
            rows[name] = column.encoded
        return
    if column.ndim == 1:
        is_day = column.dtype.kind == "M"
        rows[f"width of {name}"] = 4 if is_day else 8
        rows[name] = (column - EPOCH).astype(np.int64) if is_day else column
        return
    length = column.shape[1]
    rows[f"width of {name}"] = 4 * len(ARRAY_HEAD) + length * (4 + 8)
    rows[f"dimensions of {name}"] = 1
    rows[f"type of {name}"] = FLOAT8_OID
    rows[f"length of {name}"] = length
    rows[f"lower bound of {name}"] = 1
    rows[name]["width"] = 8
    rows[name]["value"] = column
