"""Accounts, products and contracts that the rows of an import hang on and that do not exist yet, set-based."""

from collections.abc import Collection, Iterator

from django.db.backends.utils import CursorWrapper

from accounts.imports.cells import escaped
from accounts.imports.staging import Feed
from accounts.search import index_fields

PAGE = 10_000  # accounts whose search columns are computed at a time

WANTED = """
CREATE TEMP TABLE import_wanted ON COMMIT DROP AS
SELECT code, min(row_no) AS row_no, {facts}
FROM import_{table} f
WHERE NOT EXISTS (SELECT 1 FROM accounts_{table} t WHERE t.code = f.code) {still_staged}
GROUP BY code
"""
FACT = "coalesce((array_agg({0} ORDER BY row_no) FILTER (WHERE {0} <> ''))[1], '') AS {0}"
ACCOUNT_FACTS = ("name", "parent_code", "country", "region", "segment", "industry", "channel", "dealer_code")
PRODUCT_FACTS = ("name", "category")
ABOVE = {"parent_code": "parent_id", "dealer_code": "dealer_id"}  # facts that name another account
# With the parents and dealers an export describes: whoever the staged rows need, and whoever those need in turn.
STILL_NEEDED = """
AND f.code IN (
    WITH RECURSIVE needed (code) AS (
        SELECT account_code FROM import_stage s
        WHERE NOT EXISTS (SELECT 1 FROM accounts_account a WHERE a.code = s.account_code)
        UNION
        SELECT up.code FROM (
            SELECT unnest(ARRAY[f.parent_code, f.dealer_code]) AS code FROM needed JOIN import_account f USING (code)
        ) AS up
        WHERE up.code <> '' AND NOT EXISTS (SELECT 1 FROM accounts_account a WHERE a.code = up.code)
    ) SELECT code FROM needed
)
"""
STILL_STAGED = "AND EXISTS (SELECT 1 FROM import_stage s WHERE s.{table}_code = f.code)"
# Parents and dealers that nothing else names are accounts too; without a name an account is called by its code.
MISSING_ABOVE = f"""
INSERT INTO import_wanted (code, row_no, {", ".join(ACCOUNT_FACTS)})
SELECT DISTINCT {{key}}, 2147483647, {", ".join("''" for _fact in ACCOUNT_FACTS)} FROM import_wanted w
WHERE {{key}} <> '' AND NOT EXISTS (SELECT 1 FROM import_wanted o WHERE o.code = w.{{key}})
  AND NOT EXISTS (SELECT 1 FROM accounts_account a WHERE a.code = w.{{key}})
"""
SEARCHED = """
CREATE TEMP TABLE import_searched (code text, search_text text, sort_key text, search_grams text[], name_key text,
    name_grams text[]) ON COMMIT DROP
"""
NAMES = """
SELECT code, CASE name WHEN '' THEN code ELSE name END FROM import_wanted WHERE code > %s ORDER BY code LIMIT %s
"""
ACCOUNTS = """
INSERT INTO accounts_account (
    code, name, latin_name, short_name, status, segment, industry, channel, region, country, size, currency,
    before_data_start, search_text, sort_key, search_grams, name_key, name_grams, created_at, updated_at
)
SELECT code, CASE name WHEN '' THEN code ELSE name END, '', '', 'active', segment, industry, channel, region, country, '',
       '', false, search_text, sort_key, search_grams, name_key, name_grams, now(), now()
FROM import_wanted JOIN import_searched USING (code) ORDER BY row_no, code
ON CONFLICT (code) DO NOTHING
"""
SET_ABOVE = """
UPDATE accounts_account a SET {column} = coalesce(p.merged_into_id, p.id)
FROM import_wanted w JOIN accounts_account p ON p.code = w.{key} WHERE a.code = w.code AND a.id <> p.id
"""
PRODUCTS = """
INSERT INTO accounts_product (code, name, category, created_at, updated_at)
SELECT code, name, category, now(), now() FROM import_wanted ORDER BY row_no
ON CONFLICT (code) DO NOTHING
"""
CONTRACTS = """
INSERT INTO accounts_contract (number, account_id, title, currency, status, created_at, updated_at)
SELECT DISTINCT ON (s.contract_number) s.contract_number, coalesce(a.merged_into_id, a.id), '', s.currency, 'draft', now(), now()
FROM import_stage s JOIN accounts_account a ON a.code = s.account_code
WHERE s.contract_number <> '' ORDER BY s.contract_number, s.row_no
ON CONFLICT (number) DO NOTHING
"""


def create_owners(
    cursor: CursorWrapper,
    *,
    above: Collection[str],
    has_contracts: bool,
    has_described_parents: bool,
    rejected: bool,
) -> int:
    """Create what the staged rows name and nobody knows; returns the number of new accounts.

    ``above`` are the fields of ABOVE that the file gives. ``rejected`` says that rows have left the stage since, and with them perhaps the only mention of an account.
    """
    still_staged = STILL_STAGED if rejected else ""
    _want(cursor, "account", ACCOUNT_FACTS, condition=STILL_NEEDED if has_described_parents else still_staged)
    for key in above:
        cursor.execute(MISSING_ABOVE.format(key=key))
    _index(cursor)
    cursor.execute(ACCOUNTS)
    created = cursor.rowcount
    for key in above:
        cursor.execute(SET_ABOVE.format(key=key, column=ABOVE[key]))
    _want(cursor, "product", PRODUCT_FACTS, condition=still_staged)
    cursor.execute(PRODUCTS)
    if has_contracts:
        cursor.execute(CONTRACTS)
    cursor.execute("DROP TABLE import_wanted, import_searched")
    return created


def _want(cursor: CursorWrapper, table: str, facts: tuple[str, ...], *, condition: str) -> None:
    still = condition.format(table=table)
    cursor.execute("DROP TABLE IF EXISTS import_wanted")
    cursor.execute(WANTED.format(table=table, facts=", ".join(map(FACT.format, facts)), still_staged=still))


def _index(cursor: CursorWrapper) -> None:
    """Compute the search columns of the wanted accounts, so that each of them is written once."""
    cursor.execute("DROP TABLE IF EXISTS import_searched")
    cursor.execute(SEARCHED)
    last = ""
    while True:
        cursor.execute(NAMES, [last, PAGE])
        page = cursor.fetchall()
        if not page:
            return
        last = page[-1][0]
        cursor.cursor.copy_expert("COPY import_searched FROM STDIN", Feed(_search_lines(page)))


def _search_lines(page: list[tuple[str, str]]) -> Iterator[str]:
    for code, name in page:
        text, key, grams, name_key, name_grams = index_fields(code=code, name=name)
        cells = (code, text, key, _array(grams), name_key, _array(name_grams))
        yield "\t".join(map(escaped, cells)) + "\n"


def _array(pieces: list[str]) -> str:
    return "{" + ",".join('"' + piece.replace("\\", r"\\").replace('"', r"\"") + '"' for piece in pieces) + "}"
