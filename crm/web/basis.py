"""The basis of figures and the period of credit notes, as addresses ask for them and as pages and files say them."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.enums import CreditNotes, RevenueBasis
from crm.lib.exceptions import PeriodError
from metrics.frames_backlog import CONTRACTS
from metrics.frames_receivables import RECEIVABLES
from metrics.frames_relationships import RELATIONSHIPS
from metrics.selectors import company_basis


def basis_of(params: Mapping[str, Any]) -> str:
    """The basis an address asks for; the company's where it names none that there is."""
    asked = params.get("basis", "")
    return str(asked) if asked in RevenueBasis.values else company_basis()


def ledger_choices(params: Mapping[str, Any]) -> dict[str, str | None]:
    """Basis and credit notes of an address, as the services take them. Raises PeriodError for a word there is not."""
    known = (("basis", RevenueBasis.values), ("credit_notes", CreditNotes.values))
    for name, values in known:
        if params.get(name) and params[name] not in values:
            raise PeriodError(_("Choose one of: %(names)s.") % {"names": ", ".join(values)})
    return {name: params.get(name) or None for name, _values in known}


def basis_words(basis: str) -> str:
    if basis == CONTRACTS:
        return _("Signed contracts")
    if basis == RECEIVABLES:
        return _("Invoices to be paid")
    if basis == RELATIONSHIPS:
        return _("Contacts and interactions")
    return str(dict(RevenueBasis.choices).get(basis, basis))


def credit_note_words(credit_notes: str) -> str:
    """What a passport says; nothing of the usual way, in which closed periods never change."""
    if credit_notes != CreditNotes.RESTATED:
        return ""
    return _("credit notes in the period of their original")


def credit_note_facts(credit_notes: str) -> list[tuple[str, str]]:
    """The same as a line of a file or a list of facts."""
    words = credit_note_words(credit_notes)
    return [(_("Credit notes"), str(CreditNotes.RESTATED.label))] if words else []
