"""Why did it grow? Notes that people put beside the figures, each with a factor and, if they like, a strategy."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Reach
from accounts.models import Account, User
from crm.lib.exceptions import CrmError
from crm.lib.periods import Period, check_comparable
from metrics.enums import GrowthFactor, GrowthStrategy
from metrics.models import GrowthNote
from metrics.models_notes import NOTE_LENGTH


class NoteRefused(CrmError):
    """A growth note that says nothing, or is about more than its author sees."""

    code = "note-refused"
    status = 422


def may_note_portfolio(user: User) -> bool:
    """Notes about all accounts are for those who see all of them."""
    return user.reach is Reach.ALL


@transaction.atomic
def add_note(
    *,
    author: User,
    account: Account | None,
    base: Period,
    comparison: Period,
    factor: str,
    text: str,
    strategy: str = "",
) -> GrowthNote:
    """Keep a note; ``account`` must be one the author may see, None is the whole portfolio.

    raises NoteRefused : no text or one too long, an unknown factor or strategy, the portfolio without the right to it
    raises PeriodError : the base does not end before the comparison begins
    """
    words = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not 0 < len(words) <= NOTE_LENGTH:
        raise NoteRefused(_("Write the note, in at most %(most)s characters.") % {"most": NOTE_LENGTH})
    if factor not in GrowthFactor.values:
        raise NoteRefused(_("Choose the factor: %(names)s.") % {"names": ", ".join(GrowthFactor.values)})
    if strategy and strategy not in GrowthStrategy.values:
        raise NoteRefused(_("Choose a strategy, or none: %(names)s.") % {"names": ", ".join(GrowthStrategy.values)})
    if account is None and not may_note_portfolio(author):
        raise NoteRefused(_("Notes about all accounts are for those who see every account: choose one of yours."))
    check_comparable(base, comparison)
    return GrowthNote.objects.create(
        account=account, factor=factor, strategy=strategy, text=words, author=author,
        base_start_on=base.start, base_last_on=base.last_day, base_label=base.label,
        comparison_start_on=comparison.start, comparison_last_on=comparison.last_day, comparison_label=comparison.label,
    )  # fmt: skip


def withdraw_note(*, note: GrowthNote, user: User) -> GrowthNote:
    """Take a note back; it stays in the list of withdrawn ones. A repeat changes nothing."""
    GrowthNote.objects.filter(pk=note.pk, withdrawn_at__isnull=True).update(
        withdrawn_at=timezone.now(), withdrawn_by=user
    )
    note.refresh_from_db()
    return note
