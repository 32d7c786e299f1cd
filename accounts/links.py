"""Links between accounts: made, ended, and kept in step with the columns of Account that say the same of today.

One truth: ``Account.dealer`` and ``Account.referred_by`` say who it is *today*, whoever writes them (page, REST, import,
admin, a merge). The links of the two types that follow them are their dated history: a trigger closes the old one and
opens the new one on the day the column changes. Making or ending such a link here changes the column, so that the two
never disagree; a link of the past is history alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import Account, AccountLink, AccountLinkType, LinkColumn, User
from accounts.querysets import today_local
from crm.lib.exceptions import CrmError
from crm.lib.wall import beyond_the_wall

OURS = (
    ("dealer", gettext_noop("is the dealer of"), gettext_noop("buys through"), False, LinkColumn.DEALER),
    ("refers", gettext_noop("recommended us to"), gettext_noop("came to us by"), False, LinkColumn.REFERRED_BY),
    ("supplies", gettext_noop("is a supplier of"), gettext_noop("is a customer of"), False, ""),
    ("competes", gettext_noop("competes with"), gettext_noop("competes with"), True, ""),
    ("same-owner", gettext_noop("has the same owner as"), gettext_noop("has the same owner as"), True, ""),
)


class LinkRefused(CrmError):
    """A link that cannot be; the message says why, and what can be done."""

    code = "link-refused"
    status = 422


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A link as one of its two accounts sees it. ``other`` is linked where ``is_visible``."""

    link: AccountLink
    words: str
    other: Account
    is_visible: bool
    is_current: bool


def ensure_types(*, using: str = "default") -> None:
    """The five types we begin with; a repeat changes nothing."""
    for key, forward, backward, is_mutual, follows in OURS:
        AccountLinkType.objects.using(using).get_or_create(
            key=key,
            defaults={"forward": forward, "backward": backward, "is_mutual": is_mutual, "follows": str(follows)},
        )


def links_of(account: Account, *, viewer: User) -> list[LinkLine]:
    """From both ends, current ones first. Two queries."""
    rows = (
        AccountLink.objects.filter(Q(source=account) | Q(target=account))
        .select_related("type", "source", "target")
        .order_by("type__forward", F("valid_from").desc(nulls_last=True), "-pk")
    )
    with beyond_the_wall("the other end of a link is told by its name to whoever may open this one"):
        links = list(rows)
    others = {link.pk: link.target if link.source_id == account.pk else link.source for link in links}
    ids = [other.pk for other in others.values()]
    seen = set(Account.objects.visible_to(viewer).filter(pk__in=ids).values_list("pk", flat=True))
    today = today_local()
    lines = [
        LinkLine(
            link=link,
            words=link.type.words(is_forward=link.source_id == account.pk),
            other=others[link.pk],
            is_visible=others[link.pk].pk in seen,
            is_current=link.valid_to is None or link.valid_to > today,
        )
        for link in links
        if others[link.pk].merged_into_id is None
    ]
    return sorted(lines, key=lambda line: not line.is_current)


def visible_links(viewer: User) -> QuerySet[AccountLink]:
    """Links of which the reader may open at least one end."""
    seen = Account.objects.visible_to(viewer).order_by().values("pk")
    return AccountLink.objects.filter(Q(source__in=seen) | Q(target__in=seen))


@transaction.atomic
def link_accounts(
    *,
    type: AccountLinkType,  # noqa: A002 - the word of the field
    source: Account,
    target: Account,
    since: date | None = None,
    until: date | None = None,
    note: str = "",
    by: User | None = None,
) -> AccountLink:
    """ "source <forward> target" from ``since`` until ``until`` (exclusive). Raises LinkRefused."""
    if type.is_mutual and source.pk > target.pk:
        source, target = target, source
    Account.objects.select_for_update(of=("self",)).filter(pk__in=[source.pk, target.pk]).count()
    link = AccountLink(
        type=type, source=source, target=target, valid_from=since, valid_to=until, note=note, created_by=by
    )
    today = today_local()
    is_now = (since is None or since <= today) and (until is None or until > today)
    if type.follows and since is not None and since > today:
        raise LinkRefused(_("This link says who it is today: give a day that has come."))
    if type.follows and is_now and until is not None:
        raise LinkRefused(_("This link says who it is today: end it on the day it ends."))
    if type.follows:
        _make_room(link)
    if type.is_mutual and _stands_turned(link):
        raise LinkRefused(_("The two are linked like this in these days already."))
    try:
        link.full_clean()
    except ValidationError as error:
        raise LinkRefused(" ".join(error.messages)) from error
    if type.follows and is_now:
        return _follow(link)
    link.save()
    return link


@transaction.atomic
def end_link(*, link: AccountLink, on: date, by: User | None = None) -> AccountLink:
    """The link holds until ``on`` (exclusive). Raises LinkRefused."""
    link = AccountLink.objects.select_for_update(of=("self",)).select_related("type").get(pk=link.pk)
    if link.valid_to is not None and link.valid_to <= on:
        raise LinkRefused(_("This link has ended before that day."))
    if link.valid_from is not None and on <= link.valid_from:
        raise LinkRefused(_("The link begins on %(day)s: end it later.") % {"day": link.valid_from.isoformat()})
    if link.type.follows and link.valid_to is None:
        if on > today_local():
            raise LinkRefused(_("This link says who it is today: end it on the day it ends."))
        if by and not Account.objects.visible_to(by).filter(pk=link.target_id).exists():
            raise LinkRefused(_("This is kept at the other account, which you may not open: ask who looks after it."))
        Account.objects.filter(pk=link.target_id).update(**{link.type.follows: None})  # the trigger ends it today
    AccountLink.objects.filter(pk=link.pk).update(valid_to=on)
    link.refresh_from_db()
    return link


def _stands_turned(link: AccountLink) -> bool:
    """A merge may have left a mutual link the other way round."""
    turned = AccountLink.objects.filter(type=link.type, source=link.target, target=link.source)
    return any(_meet(link, row) for row in turned)


def _meet(one: AccountLink, other: AccountLink) -> bool:
    """They share a day."""
    begins = one.valid_to is None or other.valid_from is None or other.valid_from < one.valid_to
    return begins and (other.valid_to is None or one.valid_from is None or other.valid_to > one.valid_from)


def _make_room(link: AccountLink) -> None:
    """One dealer, one who recommended, a day: the one before ends where this one begins."""
    others = AccountLink.objects.filter(type=link.type, target=link.target).select_related("source")
    for row in [row for row in others if _meet(link, row)]:
        begins_before = link.valid_from is not None and (row.valid_from is None or row.valid_from < link.valid_from)
        if row.source_id == link.source_id or not begins_before or link.valid_to is not None:
            raise LinkRefused(_("In these days it is %(account)s already: end that first.") % {"account": row.source})
        AccountLink.objects.filter(pk=row.pk).update(valid_to=link.valid_from)


def _follow(link: AccountLink) -> AccountLink:
    """Write the column; the trigger opens the link, which then gets its first day, note and author."""
    try:
        Account.objects.filter(pk=link.target_id).update(**{link.type.follows: link.source_id})
    except IntegrityError as error:
        raise LinkRefused(_("An account is not linked to itself: choose another one.")) from error
    opened = AccountLink.objects.get(type=link.type, source=link.source, target=link.target, valid_to__isnull=True)
    values: dict[str, Any] = {"valid_from": link.valid_from, "note": link.note, "created_by": link.created_by}
    AccountLink.objects.filter(pk=opened.pk).update(**values)
    opened.refresh_from_db()
    return opened
