"""Thin doors for the worker; each is safe to deliver twice."""

from celery import shared_task

from accounts.imports.services import commit_batch


@shared_task(name="accounts.import_batch")
def import_batch_task(batch_id: int) -> None:
    """Post a queued batch; the state is in its row."""
    commit_batch(batch_id=batch_id)
