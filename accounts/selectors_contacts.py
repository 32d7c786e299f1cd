"""The one place where personal data of contacts is read for pages, answers and files.

Whoever may not read it gets the people without name, title, address and number; what they are for us stays readable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.access import Action
from accounts.models import Account, Contact, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

PERSONAL_FIELDS = ("name", "title", "email", "phone", "notes")


def may_read_personal(reader: User | AnonymousUser) -> bool:
    """Whether names, titles, addresses, numbers and attitudes of contacts are for this reader."""
    return isinstance(reader, User) and reader.may(Action.PERSONAL_VIEW)


def contacts_of(account: Account, *, reader: User | AnonymousUser) -> list[Contact]:
    """Everybody known at an account, those still there first, with whom they report to. One query."""
    rows = account.contacts.select_related("reports_to").order_by("-is_active", "-is_primary", "name", "pk")
    return masked(rows, reader=reader)


def contacts_in(accounts: QuerySet[Account], *, reader: User | AnonymousUser) -> QuerySet[Contact]:
    """Contacts of accounts the caller chose; nobody where the reader may not know them by name."""
    rows = Contact.objects.filter(account__in=accounts.order_by().values("pk"))
    return rows if may_read_personal(reader) else rows.none()


def masked(rows: Iterable[Contact], *, reader: User | AnonymousUser) -> list[Contact]:
    """The same people, as this reader may see them."""
    found = list(rows)
    if may_read_personal(reader):
        return found
    for contact in found:
        _hide(contact)
        if contact.reports_to_id and Contact.reports_to.is_cached(contact) and contact.reports_to is not None:
            _hide(contact.reports_to)
    return found


def _hide(contact: Contact) -> None:
    for name in PERSONAL_FIELDS:
        setattr(contact, name, "")
    contact.attitude = contact.attitude_since = None
    contact.name = _("Contact %(number)s") % {"number": contact.pk}
