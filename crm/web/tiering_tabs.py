"""The tabs of tiering, grouped by what somebody comes for; every page keeps its address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

# group: (words, its pages: (tab, name of the address, words)); a group opens with its first page
GROUPS: tuple[tuple[Any, tuple[tuple[str, str, Any], ...]], ...] = (
    (
        _("Nights"),
        (("night", "tiering:night", _("Last night")), ("job", "tiering:job", _("Nightly job"))),
    ),
    (
        _("Model"),
        (
            ("model", "tiering:model", _("Model")),
            ("weights", "tiering:weights", _("Weights")),
            ("sandbox", "tiering:sandbox", _("Sandbox")),
            ("backtest", "tiering:backtest", _("Backtest")),
            ("drift", "tiering:drift", _("Drift")),
        ),
    ),
    (
        pgettext_lazy("tabs of tiering", "Decisions"),
        (
            ("overrides", "tiering:overrides", _("Overrides")),
            ("activation", "tiering:activation", _("In force")),
            ("ratings", "ratings:index", _("Ratings")),
        ),
    ),
    (
        pgettext_lazy("tabs of tiering", "Analysis"),
        (
            ("migration", "tiering:migration", _("Migration")),
            ("portfolio", "tiering:portfolio", _("Portfolio")),
            ("bands", "tiering:bands", _("Value bands")),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Tab:
    label: Any
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Group:
    label: Any
    href: str
    tabs: tuple[Tab, ...]

    @property
    def is_current(self) -> bool:
        return any(tab.is_current for tab in self.tabs)


def groups(current: str) -> tuple[Group, ...]:
    """All groups with their pages; ``current`` is the tab that is open."""
    found = []
    for label, pages in GROUPS:
        tabs = tuple(Tab(words, reverse(name), key == current) for key, name, words in pages)
        found.append(Group(label, tabs[0].href, tabs))
    return tuple(found)
