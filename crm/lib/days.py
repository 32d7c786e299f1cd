"""A day as the reader's language writes it short, the same in sentences and on pages."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from django.utils.formats import date_format
from django.utils.translation import get_language


def day_text(day: date) -> str:
    """10 Jan 2025; in Chinese 2025年1月10日."""
    return _day_text(day, get_language() or "")


@lru_cache(maxsize=4096)
def _day_text(day: date, language: str) -> str:
    return str(date_format(day, "SHORT_DATE_FORMAT" if language.startswith("zh") else "j M Y"))
