"""Customers of a file that are here under another code: their rows are booked on the account that is there.

The rows keep the identity of what the file says, so the same file again finds them posted, booked or not.
"""

from collections.abc import Mapping

from django.db.backends.utils import CursorWrapper

from accounts.models import Account, User

# A code that has become an account since is that account's own; one merged away means the account that stays.
BOOKED = """
CREATE TEMP TABLE import_booked ON COMMIT DROP AS
SELECT b.code, coalesce(k.code, a.code) AS there
FROM unnest(%s::text[], %s::bigint[]) AS b(code, id)
JOIN accounts_account a ON a.id = b.id LEFT JOIN accounts_account k ON k.id = a.merged_into_id
WHERE NOT EXISTS (SELECT 1 FROM accounts_account x WHERE x.code = b.code)
"""
ROWS = "UPDATE import_stage s SET account_code = b.there FROM import_booked b WHERE s.account_code = b.code"
ABOVE = "UPDATE import_account f SET {key} = b.there FROM import_booked b WHERE f.{key} = b.code"
FACTS = "DELETE FROM import_account f USING import_booked b WHERE f.code = b.code"


def books_by_code(codes: Mapping[str, str], *, viewer: User) -> tuple[dict[str, int], list[str]]:
    """(customer of the file → key of the account, customers whose account ``viewer`` cannot name), from account codes.

    The code of an account merged away means the one that stays; one query.
    """
    seen = Account.objects.visible_to(viewer).with_merged().filter(code__in=set(codes.values()))
    known = dict(seen.order_by().values_list("code", "pk"))
    books = {code: known[there] for code, there in codes.items() if there in known}
    return books, sorted(set(codes) - set(books))


def book(cursor: CursorWrapper, books: Mapping[str, int]) -> None:
    """Let the staged rows of these codes hang on the accounts named (code → account id), and make no account for them."""
    cursor.execute("DROP TABLE IF EXISTS import_booked")
    cursor.execute(BOOKED, [list(books), list(books.values())])
    cursor.execute(ROWS)
    for key in ("parent_code", "dealer_code"):
        cursor.execute(ABOVE.format(key=key))
    cursor.execute(FACTS)
    cursor.execute("DROP TABLE import_booked")
