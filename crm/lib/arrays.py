"""Long lists as one parameter of a statement."""

from collections.abc import Iterable
from datetime import date


def as_array(values: Iterable[int] | Iterable[date]) -> str:
    """The text of a PostgreSQL array, for ``%s::bigint[]`` or ``%s::date[]``.

    A list would be sent, and parsed, as an expression of thousands of constants; a group of 3,000 is read twice as fast
    with its arrays as text. Numbers and dates alone: nothing in them needs a quotation mark.
    """
    return "{" + ",".join(map(str, values)) + "}"
