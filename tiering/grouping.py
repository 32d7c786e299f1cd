"""Sums and medians per account over flat arrays, in a few passes whatever the number of accounts. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tiering.scoring import Bools, Floats

Ints = NDArray[np.int64]


SPARSE = 8  # a table of places may be this many times longer than the ids it serves


def places_of(ids: Ints, *, among: Ints) -> Ints:
    """Position of each id in ``among`` (ascending); every id must be in it.

    Ids of one table lie close together, so a table of places answers a million look-ups in a few milliseconds; where
    they do not, a binary search does.
    """
    if not len(ids) or not len(among):
        return np.zeros(len(ids), dtype=np.int64)
    first, last = int(among[0]), int(among[-1])
    if last - first > SPARSE * len(among):
        return np.searchsorted(among, ids)
    table = np.zeros(last - first + 1, dtype=np.int64)
    table[among - first] = np.arange(len(among))
    return table[ids - first]


def group_sums(values: Floats, *, places: Ints, count: int, decimals: int) -> Floats:
    """Sum per group, rounded: rows may arrive in any order, and float sums depend on it beyond these decimals."""
    return np.round(np.bincount(places, weights=values, minlength=count), decimals)


def window_sums(
    values: Floats, *, places: Ints, slots: Ints, windows: list[list[int]], count: int, slot_count: int
) -> list[Floats]:
    """Sum per group in each window, where a window is a list of slots and each value lies in one slot.

    One pass over the values, whatever the number of windows.
    """
    table = np.bincount(places * slot_count + slots, weights=values, minlength=count * slot_count)
    by_slot = table.reshape(count, slot_count)
    return [by_slot[:, window].sum(axis=1) for window in windows]


def group_any(mask: Bools, *, places: Ints, count: int) -> Bools:
    return np.bincount(places[mask], minlength=count) > 0


def group_counts(places: Ints, *, count: int) -> Ints:
    return np.bincount(places, minlength=count)


def sorted_distinct(keys: Ints) -> Ints:
    """np.unique by sorting: its hash table takes four times as long for a million keys that are mostly different."""
    ordered = np.sort(keys)
    is_first = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    return ordered[is_first]


def distinct_pairs(places: Ints, other: Ints, *, count: int) -> Ints:
    """How many different values of ``other`` (0 or above) each group has."""
    if not len(places):
        return np.zeros(count, dtype=np.int64)
    width = int(other.max()) + 1
    return np.bincount(sorted_distinct(places * width + other) // width, minlength=count)


def group_medians(values: Ints, *, places: Ints, count: int) -> Floats:
    """Median of whole numbers 0 or above per group, the mean of the two middle ones for an even number; NaN for an
    empty group. Group and value go into one key, because one sort of whole numbers is ten times a sort by two keys."""
    medians = np.full(count, np.nan)
    if not len(values):
        return medians
    width = int(values.max()) + 1
    ordered = np.sort(places * width + values)
    sizes = np.bincount(places, minlength=count)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    filled = np.flatnonzero(sizes)
    low = ordered[starts[filled] + (sizes[filled] - 1) // 2] % width
    high = ordered[starts[filled] + sizes[filled] // 2] % width
    medians[filled] = (low + high) / 2
    return medians


def group_ranges(values: Floats, *, places: Ints, count: int) -> Floats:
    """Largest minus smallest value per group, 0 for an empty group."""
    top, bottom = np.full(count, -np.inf), np.full(count, np.inf)
    np.maximum.at(top, places, values)
    np.minimum.at(bottom, places, values)
    return np.where(np.isfinite(top), top - bottom, 0.0)
