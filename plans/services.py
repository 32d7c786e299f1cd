"""Policies in versions: drafted, edited, put into force by somebody else from a day on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from crm.lib.exceptions import CrmError
from plans.catalogue import MAKE
from plans.enums import PROMISED_GRADES, PolicyState
from plans.models import PolicyVersion, Promise, Strategy


class PolicyRefused(CrmError):
    """A version that cannot be changed or put into force; the message says what to do."""

    code = "policy-refused"
    status = 409


class NotYours(CrmError):
    """Whoever made something asks to decide on it."""

    code = "needs-second-person"
    status = 409


@transaction.atomic
def draft_policy(*, made_by: User, note: str = "") -> PolicyVersion:
    """A draft equal to the version that was put into force last.

    raises PolicyRefused : there is a draft already
    """
    if PolicyVersion.objects.filter(state=PolicyState.DRAFT).exists():
        raise PolicyRefused(_("There is a draft already. Edit it, or discard it first."))
    source = PolicyVersion.objects.select_for_update().get(state=PolicyState.ACTIVE)
    number = (PolicyVersion.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    draft = PolicyVersion.objects.create(number=number, made_by=made_by, note=note)
    promises, strategies = list(source.promises.all()), list(source.strategies.all())
    for promise in promises:
        promise.pk, promise.version = None, draft
    for strategy in strategies:
        strategy.pk, strategy.version = None, draft
    Promise.objects.bulk_create(promises)
    Strategy.objects.bulk_create(strategies)
    return draft


def open_draft(version: PolicyVersion) -> PolicyVersion:
    """The version, locked; raises PolicyRefused where it is no draft."""
    locked = PolicyVersion.objects.select_for_update().get(pk=version.pk)
    if not locked.is_draft:
        raise PolicyRefused(_("This version has been in use and cannot be changed. Make a new draft."))
    return locked


@transaction.atomic
def edit_grade(
    *, version: PolicyVersion, grade: str, promises: Mapping[str, Mapping[str, Any]], words: Mapping[str, str]
) -> None:
    """Replace what a draft promises to one grade.

    promises : type → the fields that may be set (target, level, period, clock, severity, counts_remote, weight, unit_cost,
        currency, customer_text_*); a type that is absent is not promised. ``words``: fields of the strategy.
    """
    draft = open_draft(version)
    draft.promises.filter(grade=grade).delete()
    rows = [_promise(draft, grade, type_, fields) for type_, fields in promises.items()]
    for row in rows:
        row.full_clean(exclude=["version"], validate_unique=False)
    Promise.objects.bulk_create(rows)
    Strategy.objects.update_or_create(version=draft, grade=grade, defaults=dict(words))
    draft.save(update_fields=["updated_at"])


def _promise(draft: PolicyVersion, grade: str, type_: str, fields: Mapping[str, Any]) -> Promise:
    return Promise(version=draft, grade=grade, type=type_, **promise_parts(type_, fields))


def promise_parts(type_: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a promise: those that follow from its type, and those that may be set."""
    make = MAKE[type_]
    parts = {"unit": make.unit, "evidence": make.evidence, "start_event": make.start, "stop_event": make.stop}
    return parts | {"clock": make.clock} | dict(fields)


@transaction.atomic
def activate_policy(*, version: PolicyVersion, activated_by: User, valid_from: date) -> PolicyVersion:
    """Put a draft into force from a day on; the version before holds until then.

    raises NotYours : whoever made it, whatever the rights
    raises PolicyRefused : no draft, a day that has passed, or not after the day the version before began
    """
    draft = open_draft(version)
    if draft.made_by_id == activated_by.pk:
        raise NotYours(_("You made this version. Another person must put it into force."))
    if valid_from < timezone.localdate():
        raise PolicyRefused(_("A promise cannot be changed for days that have passed. Choose today or a later day."))
    missing = set(PROMISED_GRADES) - set(draft.strategies.values_list("grade", flat=True))
    if missing:
        raise PolicyRefused(_("Each grade needs its purpose and strategy before this can be put into force."))
    before = PolicyVersion.objects.select_for_update().filter(state=PolicyState.ACTIVE).first()
    if before is not None:
        if before.valid_from is None or valid_from <= before.valid_from:
            raise PolicyRefused(
                _("The version in force began on %(day)s. Choose a later day.") % {"day": before.valid_from}
            )
        before.state, before.valid_to = PolicyState.RETIRED, valid_from
        before.save(update_fields=["state", "valid_to", "updated_at"])
    draft.state, draft.valid_from = PolicyState.ACTIVE, valid_from
    draft.activated_by, draft.activated_at = activated_by, timezone.now()
    draft.save()
    return draft


@transaction.atomic
def discard_draft(*, version: PolicyVersion) -> None:
    """Throw a draft away; its number may be used again."""
    open_draft(version).delete()
