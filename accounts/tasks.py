"""Thin doors for the worker; each is safe to deliver twice."""

from celery import shared_task
from django.utils import timezone

from accounts.imports.services import commit_batch
from accounts.security import invitations, resets


@shared_task(name="accounts.import_batch")
def import_batch_task(batch_id: int) -> None:
    """Post a queued batch; the state is in its row."""
    commit_batch(batch_id=batch_id)


@shared_task(name="accounts.mail_invitation")
def mail_invitation_task(invitation_id: int, base: str) -> bool:
    """Send the link of an open invitation; ``base`` is the address of the site."""
    return invitations.mail_invitation(invitation_id=invitation_id, base=base, now=timezone.now())


@shared_task(name="accounts.mail_reset")
def mail_reset_task(email: str, base: str, language: str) -> int:
    """Send a link for a new password to whoever logs in and has the address, if anybody."""
    return resets.mail_reset_link(email=email, base=base, language=language, now=timezone.now())


@shared_task(name="accounts.mail_reset_to")
def mail_reset_to_task(user_id: int, base: str) -> bool:
    """Send a link for a new password to the person whom an administrator named."""
    return resets.mail_reset_link_to(user_id=user_id, base=base)
