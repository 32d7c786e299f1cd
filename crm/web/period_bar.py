"""The period bar of the dashboard: two periods, a currency, a level; read from the address, kept in its links."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest

from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import PeriodError
from crm.lib.periods import ACCEPTED_FORMS, Period, check_comparable, ttm
from crm.web.levels import LEVELS, known_level, level_choices
from crm.web.period_choices import base_of, notes_on, period_text, presets
from metrics.periods import read_period
from metrics.scope import Level
from metrics.selectors import company_basis, currencies_in_view


@dataclass(frozen=True, slots=True)
class PresetLink:
    label: Any
    query: str
    is_on: bool


class PeriodBar:
    """What the address says, or the rolling year against the one before. ``error`` says what could not be read."""

    def __init__(self, request: HttpRequest, *, as_of: date) -> None:
        self.params = request.GET
        self.as_of = as_of
        self.error = ""
        self.level = known_level(self.params.get("level", ""))
        currency = self.params.get("currency", "")
        self.currency = currency if len(currency) == 3 and currency.isascii() and currency.isupper() else None
        try:
            self.base, self.comparison = self._read()
        except PeriodError as error:
            self.error = str(error)
            self.base, self.comparison = base_of(ttm(as_of)), ttm(as_of)

    def _read(self) -> tuple[Period, Period]:
        asked = {name: (self.params.get(name) or "").strip() for name in ("base", "comparison")}
        comparison = read_period(asked["comparison"]) if asked["comparison"] else ttm(self.as_of)
        base = read_period(asked["base"]) if asked["base"] else base_of(comparison)
        check_comparable(base, comparison)
        return base, comparison

    @property
    def levels(self) -> list[tuple[str, Any, bool]]:
        """(choice, words, whether it is on)."""
        return [(key, words, key == self.level) for key, words in LEVELS]

    @property
    def level_words(self) -> Any:
        return dict(LEVELS)[self.level]

    def choices(self) -> dict[str, Any]:
        """Level, membership and currency as the services take them."""
        return {**level_choices(self.level), "currency": self.currency}

    @cached_property
    def query(self) -> dict[str, str]:
        """The choice as parameters, for drawers and links."""
        return {"base": period_text(self.base), "comparison": period_text(self.comparison)} | self.rest

    @property
    def rest(self) -> dict[str, str]:
        """Level and currency, where they are not the default."""
        found = {"level": self.level} if self.level != Level.ENTITY else {}
        return found | ({"currency": self.currency} if self.currency else {})

    @cached_property
    def presets(self) -> list[PresetLink]:
        offered = presets(self.as_of, base=self.query["base"], comparison=self.query["comparison"])
        return [
            PresetLink(one.label, urlencode({"base": one.base, "comparison": one.comparison} | self.rest), one.is_now)
            for one in offered
        ]

    @property
    def is_custom(self) -> bool:
        return not any(preset.is_on for preset in self.presets)

    @property
    def notes(self) -> list[str]:
        """What to know before the two are compared."""
        return notes_on(self.base, self.comparison)

    @property
    def accepted_forms(self) -> str:
        return ACCEPTED_FORMS

    def currencies(self, accounts: AccountQuerySet) -> list[str]:
        """Currencies worth choosing: those of the records in view, and the company's."""
        return sorted({*currencies_in_view(accounts, basis=company_basis()), settings.BASE_CURRENCY})
