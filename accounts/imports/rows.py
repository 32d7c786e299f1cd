"""Chunks of text → typed rows for COPY, and the rows that are rejected. Pure: no Django import.

Columns are typed whole: each distinct cell once, then a look-up. What COPY gets is a line per good row; a rejected row
keeps its cells and says column, value and reason.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from itertools import compress, repeat

from accounts.imports import cells
from accounts.imports.cells import NULL, CellFault, Typer
from accounts.imports.columns import Fault, Rejection, TypedColumn
from accounts.imports.fields import (
    ACCOUNT_FACTS,
    BASIS_WORDS,
    CURRENCIES,
    FIELDS,
    KIND_WORDS,
    MONEY_DIGITS,
    PRODUCT_FACTS,
    QUANTITY_DIGITS,
    Kind,
)
from accounts.imports.limits import MEMO_CELLS
from accounts.imports.origins import ORDINARY, Origins, OriginTyper
from accounts.imports.plan import Plan
from accounts.imports.readers import Chunk
from accounts.imports.styles import date_parser

EXACT = Context(prec=60)
MONEY_PLACES = 4
CREDIT_NOTE = "credit_note"
HASH_BYTES = 16
STAGED = (
    "account_code", "product_code", "contract_number", "booked_on", "kind", "basis", "reference", "external_id",
    "quantity", "unit_price", "amount", "cost", "currency", "credits_reference",
)  # fmt: skip
SEEN_FACTS = 200_000


@dataclass(slots=True)
class TypedChunk:
    """``lines`` are for COPY into the staging table; facts go to the tables of accounts and products to be made."""

    read: int
    good: int
    lines: str
    account_facts: list[str]
    product_facts: list[str]
    rejections: list[Rejection]


class RowTyper:
    """Types the chunks of one file in order. Keeps what the next chunk must know: facts already handed out."""

    def __init__(self, plan: Plan, *, today: date) -> None:
        self.plan = plan
        self._today = today
        self._columns = {key: self._column(key, at) for key, at in plan.index.items()}
        self._blanks = {key: self._constant(key) for key in FIELDS}
        self._money = AmountRule(column=self._amount_column())
        self._facts_seen: dict[str, set[tuple[str, ...]]] = {"account": set(), "product": set()}
        self.staged = [key for key in STAGED if key in self._columns or key in ("amount", "kind")]
        self.constants = {key: self._blanks[key] for key in STAGED if key not in self.staged}
        self._identity_prefix = "\t".join(plan.mapping.identity) + "\n"
        self._origins = OriginTyper(plan) if plan.origins else None

    def _amount_column(self) -> str:
        index = self.plan.index
        at = index.get("amount", index.get("unit_price", index.get("quantity")))
        return self.plan.columns[at] if at is not None else ""

    def _column(self, key: str, at: int) -> TypedColumn:
        placeholder = NULL if FIELDS[key].kind in (Kind.NUMBER, Kind.DATE) else ""
        return TypedColumn(key, at, self._typer(key), placeholder)

    def _typer(self, key: str) -> Typer:
        spec, guards = FIELDS[key], self.plan.guards
        if spec.kind is Kind.NUMBER:
            digits = MONEY_DIGITS if spec.places == MONEY_PLACES else QUANTITY_DIGITS
            return cells.number_typer(
                guards, self.plan.numbers, places=spec.places, digits=digits, blank=self._constant(key)
            )
        if spec.kind is Kind.DATE:
            return cells.date_typer(guards, date_parser(self.plan.date_formats), today=self._today)
        if spec.kind is Kind.CURRENCY:
            return cells.currency_typer(guards, CURRENCIES, default=self.plan.currency)
        if spec.kind is Kind.WORD:
            words = KIND_WORDS if key == "kind" else BASIS_WORDS
            return cells.word_typer(guards, words, default=self._constant(key))
        required = "missing_account" if key == "account_code" else ""
        return cells.text_typer(guards, length=spec.length, required=required, blank=self._constant(key))

    def _constant(self, key: str) -> str:
        """What a field is where no cell gives it: the mapping's default, else blank."""
        given = self.plan.mapping.defaults.get(key, "")
        kind = FIELDS[key].kind
        if key == "currency":
            return self.plan.currency
        if key in ("kind", "basis"):
            words = KIND_WORDS if key == "kind" else BASIS_WORDS
            return words[given.casefold()] if given else {"kind": "invoice", "basis": "invoiced"}[key]
        if kind is Kind.NUMBER:
            return cells.normal_number(given) if cells.PLAIN_NUMBER.match(given) else NULL
        if kind is Kind.DATE:
            return given or NULL
        return cells.escaped(given)

    def type(self, chunk: Chunk) -> TypedChunk:
        """The chunk's good rows as COPY lines and its rejections in the order of the file."""
        rejections = [self._ragged(number, row) for number, row in chunk.ragged]
        if not chunk.rows:
            return TypedChunk(len(rejections), 0, "", [], [], rejections)
        raw = list(zip(*chunk.rows, strict=True))
        typed = {key: column.typed(raw[column.at]) for key, column in self._columns.items()}
        given = {key: typed[key] for key in self.plan.mapping.identity if key in typed}
        faults = self._cell_faults(raw)
        self._apply_amounts(chunk, raw, typed, faults)
        numbers, marks = chunk.numbers, self._marks(chunk, faults)
        origins = self._origins.typed(chunk, faults) if self._origins else None
        if faults:
            rejections += [self._rejection(chunk, at, faults[at]) for at in sorted(faults)]
            keep = [at not in faults for at in range(len(chunk.rows))]
            typed = {key: list(compress(values, keep)) for key, values in typed.items()}
            given = {key: list(compress(values, keep)) for key, values in given.items()}
            numbers = list(compress(numbers, keep))
            marks = [list(compress(values, keep)) for values in marks]
            origins = origins.kept(keep) if origins else None
        rejections.sort(key=lambda rejection: rejection.number)
        lines = self._lines(numbers, marks, origins, typed, given)
        account_facts = self._facts("account", ACCOUNT_FACTS, numbers, typed)
        if self._origins and origins:
            account_facts += self._origins.parent_facts(numbers, origins)
        return TypedChunk(
            read=len(chunk.rows) + len(chunk.ragged),
            good=len(numbers),
            lines=lines,
            account_facts=account_facts,
            product_facts=self._facts("product", PRODUCT_FACTS, numbers, typed),
            rejections=rejections,
        )

    def values_of(self, line: str) -> dict[str, str]:
        """Field → value of one COPY line, and the constants of the file; blank where there is none."""
        lead = 2 + 2 * bool(self.plan.marks) + bool(self.plan.origins)
        parts = line.rstrip("\n").split("\t")[lead:]
        staged = dict(zip(self.staged, parts, strict=True))
        return {key: cells.unescaped(text) for key, text in (self.constants | staged).items()}

    def _ragged(self, number: int, row: list[str]) -> Rejection:
        details: dict[str, object] = {"found": len(row), "expected": len(self.plan.columns)}
        return Rejection(number, row, [Fault("", "", "cell_count", details)])

    def _cell_faults(self, raw: list[tuple[str, ...]]) -> dict[int, list[Fault]]:
        faults: dict[int, list[Fault]] = {}
        for column in self._columns.values():
            for at in column.faulty_rows(raw[column.at]):
                cell = raw[column.at][at]
                fault = column.faults[cell]
                shown = cells.shown(self.plan.guards.original(cell))
                header = self.plan.columns[column.at]
                faults.setdefault(at, []).append(Fault(header, shown, fault.code, fault.details))
        return faults

    def _rejection(self, chunk: Chunk, at: int, faults: list[Fault]) -> Rejection:
        return Rejection(chunk.numbers[at], self.plan.original_cells(chunk.rows[at]), faults)

    def _apply_amounts(
        self, chunk: Chunk, raw: list[tuple[str, ...]], typed: dict[str, list[str]], faults: dict[int, list[Fault]]
    ) -> None:
        """Fill amount (and kind, quantity, cost where a credit note turns their sign) of every row."""
        size = len(chunk.rows)
        credit = self._credit_notes(typed)
        columns = [
            typed.get(key) or repeat(self._blanks[key], size) for key in ("amount", "quantity", "unit_price", "cost")
        ]
        results = self._money.amounts(zip(*columns, credit or repeat(False, size), strict=True))
        for at, fault in self._money.faulty_rows(results):
            if at not in faults:
                faults[at] = [self._money_fault(raw, at, fault)]
        typed["amount"] = [result.amount for result in results]
        if "kind" not in typed:
            typed["kind"] = [self._blanks["kind"]] * size
        if credit and any(credit):
            typed["kind"] = [
                CREDIT_NOTE if is_credit else kind for is_credit, kind in zip(credit, typed["kind"], strict=True)
            ]
            for key in ("quantity", "cost"):
                if key in typed:
                    typed[key] = [getattr(result, key) for result in results]

    def _credit_notes(self, typed: dict[str, list[str]]) -> list[bool] | None:
        """Which rows are credit notes by the prefix of their reference or, in a file without kinds, by naming what they
        credit; None where nothing tells."""
        prefix = cells.escaped(self.plan.mapping.credit_note_prefix)
        references, links = typed.get("reference"), typed.get("credits_reference")
        is_linked = list(map(bool, links)) if links and "kind" not in self._columns else None
        is_marked = [text.startswith(prefix) for text in references] if prefix and references else None
        if is_linked and is_marked:
            return [linked or marked for linked, marked in zip(is_linked, is_marked, strict=True)]
        return is_linked or is_marked

    def _money_fault(self, raw: list[tuple[str, ...]], at: int, fault: CellFault) -> Fault:
        index = self.plan.index
        if fault.code == "missing_amount":
            column = index.get("amount", index.get("unit_price", index.get("quantity")))
            return Fault(self.plan.columns[column] if column is not None else "", "", fault.code)
        shown = [cells.shown(raw[index[key]][at]).strip() for key in ("quantity", "unit_price") if key in index]
        return Fault(self._money.column, " × ".join(shown), fault.code, fault.details)

    def _marks(self, chunk: Chunk, faults: dict[int, list[Fault]]) -> list[list[str]]:
        """Batch and row of rows that come from an error file, as COPY takes them; [] for any other file."""
        if self.plan.marks is None:
            return []
        columns: list[list[str]] = [[], []]
        for at, row in enumerate(chunk.rows):
            batch, number = (cells.shown(row[position]).strip() for position in self.plan.marks)
            if not batch:
                number = ""  # a file of a dry run: its rows come for the first time
            elif not (_is_count(batch) and _is_count(number)):
                fault = Fault(self.plan.columns[self.plan.marks[0]], f"{batch}, {number}", "bad_mark")
                faults.setdefault(at, []).append(fault)
            columns[0].append(batch or NULL)
            columns[1].append(number or NULL)
        return columns

    def _lines(
        self,
        numbers: list[int],
        marks: list[list[str]],
        origins: Origins | None,
        typed: dict[str, list[str]],
        given: dict[str, list[str]],
    ) -> str:
        if not numbers:
            return ""
        hashes = self._hashes(len(numbers), typed, given) if not origins or ORDINARY in origins.identities else []
        if origins:
            hashes = origins.over(hashes)
        columns: list[Iterable[str]] = [map(str, numbers), hashes, *marks]
        if origins:
            columns.append(origins.sources)
        columns += [typed[key] for key in self.staged]
        return "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"

    def _hashes(self, size: int, typed: dict[str, list[str]], given: dict[str, list[str]]) -> list[str]:
        """The hash of each row's normalised identity as hex; of the external id alone where there is one."""
        identity = [given.get(key) or repeat(self._blanks[key], size) for key in self.plan.mapping.identity]
        prefix, digest = self._identity_prefix.encode(), hashlib.blake2b
        hashes = [
            digest(prefix + "\t".join(row).encode(), digest_size=HASH_BYTES).hexdigest()
            for row in zip(*identity, strict=True)
        ]
        if external := typed.get("external_id"):
            for at, text in enumerate(external):
                if text:
                    hashes[at] = digest(b"external_id\n" + text.encode(), digest_size=HASH_BYTES).hexdigest()
        return hashes

    def _facts(self, owner: str, keys: tuple[str, ...], numbers: list[int], typed: dict[str, list[str]]) -> list[str]:
        """COPY lines (row, code, facts …) of accounts or products as this file first gives them, each combination once."""
        codes = typed.get(f"{owner}_code")
        if not codes:
            return []
        given = [key for key in keys if key in typed]
        columns = [codes, *(typed[key] for key in given)]
        seen = self._facts_seen[owner]
        fresh = set(zip(*columns, strict=True)).difference(seen)
        if not fresh:
            return []
        if len(seen) > SEEN_FACTS:
            seen.clear()
        seen |= fresh
        first = dict(zip(zip(*map(reversed, columns), strict=True), reversed(numbers), strict=True))
        at = [given.index(key) + 1 if key in given else 0 for key in keys]
        return [
            "\t".join(
                (
                    str(first[fact]),
                    fact[0],
                    *(fact[i] if i else self._blanks[key] for i, key in zip(at, keys, strict=True)),
                )
            )
            for fact in fresh
            if fact[0]
        ]


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 2**31


@dataclass(frozen=True, slots=True)
class Money:
    """The amount of a row, with quantity and cost as the sign of a credit note leaves them."""

    amount: str
    quantity: str
    cost: str
    fault: CellFault | None = None


class AmountRule:
    """amount as given, else quantity × unit price exactly; negated for a credit note whose amount is above zero."""

    def __init__(self, *, column: str) -> None:
        self.column = column
        self._memo: dict[tuple[str, str, str, str, bool], Money] = {}
        self._has_faults = False

    def amounts(self, keys: Iterable[tuple[str, str, str, str, bool]]) -> list[Money]:
        keys = list(keys)
        memo = self._memo
        if len(memo) > MEMO_CELLS:
            memo.clear()
        for key in set(keys).difference(memo):
            memo[key] = money = money_of(*key)
            self._has_faults = self._has_faults or money.fault is not None
        return [memo[key] for key in keys]

    def faulty_rows(self, results: list[Money]) -> list[tuple[int, CellFault]]:
        if not self._has_faults:
            return []
        return [(at, money.fault) for at, money in enumerate(results) if money.fault is not None]


def money_of(amount: str, quantity: str, price: str, cost: str, is_credit: bool) -> Money:  # noqa: FBT001 - a memo's key
    """The amount of one row by the rules of AmountRule; texts in normal form or NULL."""
    computed = amount == NULL
    if computed:
        if NULL in (quantity, price):
            return Money(NULL, quantity, cost, CellFault("missing_amount"))
        amount = cells.normal_number(format(EXACT.multiply(Decimal(quantity), Decimal(price)), "f"))
        whole, _, decimals = amount.lstrip("-").partition(".")
        if len(decimals) > MONEY_PLACES:
            return Money(NULL, quantity, cost, CellFault("amount_decimals", limit=MONEY_PLACES))
        if len(whole) > MONEY_DIGITS:
            return Money(NULL, quantity, cost, CellFault("amount_out_of_range", limit=MONEY_DIGITS))
    if is_credit and amount[0] != "-" and amount != "0":
        return Money("-" + amount, _negated(quantity) if computed else quantity, _negated(cost))
    return Money(amount, quantity, cost)


def _negated(number: str) -> str:
    """Below zero what is above it; NULL, zero and what is below stay."""
    return number if number in (NULL, "0") or number[0] == "-" else "-" + number
