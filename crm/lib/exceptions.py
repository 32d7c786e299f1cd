"""The one family of errors the product raises on purpose. Each says the next step; edges turn them into answers.

No Django import: pure modules (formulas, scoring, readers) raise these too.
"""

from __future__ import annotations

from typing import ClassVar


class CrmError(Exception):
    """Root of every expected error.

    ``code`` names the problem for programs and stays the same over releases, ``status`` is the HTTP status an edge
    answers with, the message tells a person what to do next.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400

    def __init__(self, message: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __str__(self) -> str:
        return self.message


class PeriodError(CrmError):
    """A period that cannot be read, or two periods that cannot be compared."""

    code = "bad-period"
    status = 400


class FormulaError(CrmError):
    """Arguments outside the domain of a formula."""

    code = "outside-domain"
    status = 422


class InsufficientData(FormulaError):
    """Fewer observations than a method needs. ``reason`` is a key of metrics.reasons, ``details`` fill its sentence."""

    code = "insufficient-data"
    status = 422

    def __init__(self, message: str, *, reason: str, **details: object) -> None:
        super().__init__(message, **details)
        self.reason = reason


class ImportRefused(CrmError):
    """A file, a mapping or an option with which nothing can be imported. ``reason`` is a code of accounts.imports."""

    code = "import-refused"
    status = 422

    def __init__(self, message: str, *, reason: str = "", **details: object) -> None:
        super().__init__(message, **details)
        self.reason = reason
