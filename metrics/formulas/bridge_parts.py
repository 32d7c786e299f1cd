"""The lines of the bridge split by product: the account decides the line, each part has its share of the account's effect.

Pure, no Django import. Letters as in ``bridge``; B_ip, C_ip net revenue of account i with part p, so that B_i = Σ_p B_ip.
Every effect of an account is linear in B_i and C_i once its line is known, so its parts add up to it exactly:

    expansion, contraction  C_ip − B_ip        churned      −B_ip, and C_ip in the adjustment
    new, reactivated        C_ip, and −B_ip in the adjustment        in no line   C_ip − B_ip in the adjustment

A part can fall inside an account that grows, and rise inside one that shrinks. Own definition (domain.md 1.2 splits
accounts, not products): it keeps opening + lines = closing for each part, and the lines of the parts add up to the bridge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.bridge import BridgeLine
from metrics.formulas.exact import BoolArray

IntArray = NDArray[np.int64]

LINES = (BridgeLine.EXPANSION, BridgeLine.CONTRACTION, BridgeLine.CHURNED, BridgeLine.REACTIVATED, BridgeLine.NEW)
NO_LINE = len(LINES)  # class of accounts in none of them: nothing above 0 in either window
CLASSES = len(LINES) + 1
_CHURNED, _GAINED = LINES.index(BridgeLine.CHURNED), [LINES.index(BridgeLine.REACTIVATED), LINES.index(BridgeLine.NEW)]


def account_classes(members: dict[BridgeLine, BoolArray]) -> IntArray:
    """Number of the line of each account in LINES, NO_LINE where it is in none, shape (n,), from ``Bridge.members``.

    raises FormulaError : an account is in two lines
    """
    table = np.stack([np.asarray(members[line], dtype=bool) for line in LINES])
    if (table.sum(axis=0) > 1).any():
        raise FormulaError("an account is in one line")
    return np.where(table.any(axis=0), table.argmax(axis=0), NO_LINE).astype(np.int64)


def part_effects(base: ArrayLike, comparison: ArrayLike) -> dict[BridgeLine, NDArray[Any]]:
    """Effect of each part on each line, shape (p,), from its sums over the accounts of each class.

    base, comparison : Σ B_ip and Σ C_ip, shape (CLASSES, p), whole units or any numbers that add up exactly
    Σ_p effect = the line; Σ base + Σ effects of all lines = Σ comparison, for every part.
    raises FormulaError : shapes are not (CLASSES, p)
    """
    b, c = np.asarray(base), np.asarray(comparison)
    if b.shape != c.shape or b.ndim != 2 or len(b) != CLASSES:
        raise FormulaError(f"sums of {CLASSES} classes of accounts are needed")
    grown = c - b
    effects: dict[BridgeLine, NDArray[Any]] = {line: grown[number] for number, line in enumerate(LINES)}
    effects[BridgeLine.CHURNED] = -b[_CHURNED]
    for number in _GAINED:
        effects[LINES[number]] = c[number]
    effects[BridgeLine.ADJUSTMENT] = c[_CHURNED] - b[_GAINED].sum(axis=0) + grown[NO_LINE]
    return effects


def with_whole(parts: NDArray[Any], totals: NDArray[Any], *, rounding: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """(parts that add up to the totals of their row, what is missing from each row), shapes (k, p) and (k,), whole units.

    rounding : units by which rounding alone may leave a row beside its total; they go to its largest part. A row that
    misses its total by more is left as it is: what is missing belongs to no part.
    """
    rest = totals - parts.sum(axis=1)
    if not parts.shape[1]:
        return parts, rest
    is_rounding = np.abs(rest.astype(np.float64)) <= rounding
    largest = np.abs(parts.astype(np.float64)).argmax(axis=1)
    mended = parts.copy()
    mended[np.arange(len(parts)), largest] += np.where(is_rounding, rest, 0)
    return mended, np.where(is_rounding, 0, rest)
