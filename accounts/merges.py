"""Two accounts that are one customer: the merged one becomes part of the one that stays, and can be taken out again.

The ledger keeps its rows; the roll-up counts them for the account that stays. What hangs on the merged account moves, and
what moved is written down, so that ``undo_merge`` gives it back. A row that would break a rule there stays where it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.groups import EDGES, refuse_loops
from accounts.locks import ledger_lock, tree_lock
from accounts.models import (
    Account,
    AccountLink,
    AccountMerge,
    BuyingCentre,
    Contact,
    Contract,
    GroupMembership,
    LevelEvidence,
    MarketEffort,
    PartnershipState,
    Rating,
    Receivable,
    RelationshipTarget,
    RevenueRecord,
    TeamMember,
    User,
    WalletEstimate,
)
from accounts.models.people import DateRange
from accounts.signals import accounts_merged
from crm.lib.exceptions import CrmError

OWN: dict[str, type[Model]] = {
    "contacts": Contact,
    "contracts": Contract,
    "team_members": TeamMember,
    "ratings": Rating,
    "wallet_estimates": WalletEstimate,
    "receivables": Receivable,
    "market_efforts": MarketEffort,
    "buying_centres": BuyingCentre,
    "level_evidence": LevelEvidence,
    "partnership_states": PartnershipState,
    "relationship_target": RelationshipTarget,
}
ONE_HISTORY = frozenset({"partnership_states", "relationship_target"})  # moves where the other account has none
LINK_ENDS = (("links_out", "source", "target"), ("links_in", "target", "source"))
# Whether an account is above another on some day.
ABOVE = f"""
WITH RECURSIVE {EDGES}, climb(top, days) AS (
    SELECT parent, days FROM edge WHERE child = %s
    UNION
    SELECT e.parent, c.days * e.days FROM climb c JOIN edge e ON e.child = c.top AND e.days && c.days
) SELECT EXISTS (SELECT 1 FROM climb WHERE top = %s)
"""


class MergeRefused(CrmError):
    """Two accounts that cannot become one, or a merge that cannot be undone; the message says what to do."""

    code = "merge-refused"
    status = 422


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge would do, in numbers: rows that move and rows that stay, by kind, and records that count elsewhere."""

    moves: dict[str, int]
    stays: dict[str, int]
    records: int


@transaction.atomic
def merge_accounts(*, merged: Account, into: Account, by: User | None, reason: str) -> AccountMerge:
    """Make ``merged`` part of ``into``, or of the account that one was merged into; returns the log of what moved.

    One transaction: facts, log, and the roll-up of both. Raises MergeRefused for one account, for one that is merged
    already, for one whose group the other belongs to, and without a reason.
    """
    ledger_lock()
    tree_lock()
    merged, survivor = _locked(merged, into)
    _refuse(merged, survivor, reason)
    moved = _move(merged, survivor)
    merged.merged_into = survivor
    merged.save(update_fields=["merged_into", "updated_at"])
    refuse_loops(survivor)
    merge = AccountMerge.objects.create(
        merged=merged, survivor=survivor, merged_at=timezone.now(), by=by, reason=reason.strip(), moved=moved
    )
    accounts_merged.send(sender=AccountMerge, merge=merge, is_undone=False)
    return merge


@transaction.atomic
def undo_merge(*, merge: AccountMerge, by: User | None) -> AccountMerge:
    """Take the merged account out again: what moved with it goes back where nobody has moved it on since.

    Raises MergeRefused for a merge undone before, and where a later one must be undone first.
    """
    ledger_lock()
    tree_lock()
    merge = AccountMerge.objects.select_for_update().get(pk=merge.pk)
    merged = Account.objects.select_for_update().get(pk=merge.merged_id)
    survivor = Account.objects.select_for_update().get(pk=merge.survivor_id)
    if merge.undone_at is not None:
        raise MergeRefused(_("This merge was undone before."))
    if merged.merged_into_id != survivor.pk:
        raise MergeRefused(
            _("%(account)s was merged into another account since: undo that merge first.") % {"account": survivor}
        )
    merged.merged_into = None
    merged.save(update_fields=["merged_into", "updated_at"])
    _give_back(merge, merged, survivor)
    refuse_loops(merged)
    merge.undone_at, merge.undone_by = timezone.now(), by
    accounts_merged.send(sender=AccountMerge, merge=merge, is_undone=True)
    merge.save()
    return merge


def preview(*, merged: Account, into: Account) -> MergePreview:
    """What ``merge_accounts`` would do now; raises as it does, a reason apart."""
    survivor = into.merged_into or into
    _refuse(merged, survivor, "-")
    moves, stays = {}, {}
    for name, model in OWN.items():
        every = model._default_manager.filter(account=merged).count()  # noqa: SLF001 - Django's public name
        going = _movable(name, merged, survivor).count()
        moves[name], stays[name] = going, every - going
    moves["children"] = merged.children.count()
    records = RevenueRecord.objects.filter(account=merged).count()
    return MergePreview(moves, stays, records)


def _locked(merged: Account, into: Account) -> tuple[Account, Account]:
    """Both rows as they are now, locked in one order; for ``into`` the account that stays."""
    survivor_id = Account.objects.filter(pk=into.pk).values_list("merged_into", flat=True).get() or into.pk
    rows = {row.pk: row for row in Account.objects.select_for_update().filter(pk__in={merged.pk, survivor_id})}
    return rows[merged.pk], rows[survivor_id]


def _refuse(merged: Account, survivor: Account, reason: str) -> None:
    if merged.merged_into_id is not None:
        raise MergeRefused(_("%(account)s was merged into another account before.") % {"account": merged})
    if merged.pk == survivor.pk:
        raise MergeRefused(_("An account cannot be merged into itself: choose another one."))
    if not reason.strip():
        raise MergeRefused(_("Say why the two are one customer."))
    with connection.cursor() as cursor:
        cursor.execute(ABOVE, [survivor.pk, merged.pk])
        is_above = cursor.fetchone()[0]
    if is_above:
        raise MergeRefused(
            _("%(survivor)s belongs to the group of %(merged)s: merge the other way round, or change its group first.")
            % {"survivor": survivor, "merged": merged}
        )


def _movable(name: str, merged: Account, survivor: Account) -> QuerySet[Any]:
    """Rows of one kind that break no rule at the account that stays."""
    rows = OWN[name]._default_manager.filter(account=merged)  # noqa: SLF001 - Django's public name
    return _free(name, rows, survivor)


def _move(merged: Account, survivor: Account) -> dict[str, Any]:
    moved: dict[str, Any] = {"stayed": {}}
    if Contact.objects.filter(account=survivor, is_primary=True).exists():  # one account has one first contact
        moved["first_contacts"] = _ids(Contact.objects.filter(account=merged, is_primary=True))
        Contact.objects.filter(pk__in=moved["first_contacts"]).update(is_primary=False)
    for name, model in OWN.items():
        moved[name] = _ids(_movable(name, merged, survivor))
        _point(model.objects.filter(pk__in=moved[name]), account=survivor)  # type: ignore[attr-defined]
        left = _ids(model.objects.filter(account=merged))  # type: ignore[attr-defined]
        if left:
            moved["stayed"][name] = left
    moved["children"] = _ids(merged.children.all())
    _point(Account.objects.filter(pk__in=moved["children"]), parent=survivor)
    moved["memberships"] = _ids(GroupMembership.objects.filter(parent=merged))
    _point(GroupMembership.objects.filter(pk__in=moved["memberships"]), parent=survivor)
    _move_links(moved, merged, survivor)  # before the columns that some of them follow
    moved["dealt"] = _ids(merged.dealt_accounts.exclude(pk=survivor.pk))
    _point(Account.objects.filter(pk__in=moved["dealt"]), dealer=survivor)
    moved["own_dealer"] = _ids(merged.dealt_accounts.filter(pk=survivor.pk))  # nobody buys through itself
    _point(Account.objects.filter(pk__in=moved["own_dealer"]), dealer=None)
    moved["referred"] = _ids(merged.referred_accounts.exclude(pk=survivor.pk))
    _point(Account.objects.filter(pk__in=moved["referred"]), referred_by=survivor)
    moved["own_referral"] = _ids(merged.referred_accounts.filter(pk=survivor.pk))
    _point(Account.objects.filter(pk__in=moved["own_referral"]), referred_by=None)
    moved["merged_before"] = _ids(merged.merged_accounts.all())
    _point(Account.objects.filter(pk__in=moved["merged_before"]), merged_into=survivor)
    if merged.before_data_start and not survivor.before_data_start:
        moved["before_data_start"] = True
        survivor.before_data_start = True
        survivor.save(update_fields=["before_data_start", "updated_at"])
    return moved


def _give_back(merge: AccountMerge, merged: Account, survivor: Account) -> None:
    moved = merge.moved
    for name, model in OWN.items():
        rows = model._default_manager.filter(account=survivor, pk__in=moved.get(name, ()))  # noqa: SLF001
        free = _ids(_free(name, rows, merged))
        _point(model._default_manager.filter(pk__in=free), account=merged)  # noqa: SLF001
    if not Contact.objects.filter(account=merged, is_primary=True).exists():
        Contact.objects.filter(account=merged, pk__in=moved.get("first_contacts", ())).update(is_primary=True)
    _point(Account.objects.filter(parent=survivor, pk__in=moved.get("children", ())), parent=merged)
    _point(GroupMembership.objects.filter(parent=survivor, pk__in=moved.get("memberships", ())), parent=merged)
    _give_links_back(moved, merged, survivor)
    _point(Account.objects.filter(dealer=survivor, pk__in=moved.get("dealt", ())), dealer=merged)
    _point(Account.objects.filter(dealer=None, pk__in=moved.get("own_dealer", ())), dealer=merged)
    _point(Account.objects.filter(referred_by=survivor, pk__in=moved.get("referred", ())), referred_by=merged)
    _point(Account.objects.filter(referred_by=None, pk__in=moved.get("own_referral", ())), referred_by=merged)
    before = Account.objects.filter(merged_into=survivor, pk__in=moved.get("merged_before", ()))
    _point(before, merged_into=merged)
    if moved.get("before_data_start"):
        survivor.before_data_start = False
        survivor.save(update_fields=["before_data_start", "updated_at"])


def _move_links(moved: dict[str, Any], merged: Account, survivor: Account) -> None:
    """Both ends, but no link of the two with each other, none that is there already, and not who the merged account's own
    dealer or referrer was: that is a fact of the merged account, as its column is."""
    for name, end, other in LINK_ENDS:
        rows = AccountLink.objects.filter(**{end: merged}).exclude(**{other: survivor})
        rows = rows.exclude(~Q(type__follows="")) if end == "target" else rows
        moved[name] = _ids(_free_links(rows, end, other, survivor))
        _point(AccountLink.objects.filter(pk__in=moved[name]), **{end: survivor})


def _give_links_back(moved: dict[str, Any], merged: Account, survivor: Account) -> None:
    for name, end, other in LINK_ENDS:
        rows = AccountLink.objects.filter(**{end: survivor}, pk__in=moved.get(name, ()))
        free = _ids(_free_links(rows, end, other, merged))
        _point(AccountLink.objects.filter(pk__in=free), **{end: merged})


def _free_links(rows: QuerySet[Any], end: str, other: str, account: Account) -> QuerySet[Any]:
    """Links that the account does not have in their days, whichever way round a mutual one stands."""
    days = DateRange("valid_from", "valid_to")
    there = AccountLink.objects.annotate(days=days).filter(type=OuterRef("type"), days__overlap=OuterRef("days"))
    same = there.filter(**{end: account, other: OuterRef(other)})
    turned = there.filter(type__is_mutual=True, **{other: account, end: OuterRef(other)})
    return rows.annotate(days=days).exclude(Exists(same)).exclude(Exists(turned))


def _free(name: str, rows: QuerySet[Any], account: Account) -> QuerySet[Any]:
    """Rows that break no rule at the account: seats nobody holds in their days, invoices whose number it does not have."""
    if name == "receivables":
        return rows.exclude(Exists(Receivable.objects.filter(account=account, number=OuterRef("number"))))
    if name == "buying_centres":
        return rows.exclude(name__in=BuyingCentre.objects.filter(account=account).values("name"))
    if name in ONE_HISTORY:
        return rows.exclude(Exists(OWN[name]._default_manager.filter(account=account)))  # noqa: SLF001
    if name != "team_members":
        return rows
    days = DateRange("valid_from", "valid_to")
    there = TeamMember.objects.filter(account=account, role=OuterRef("role")).annotate(days=days)
    two_holders = Q(is_deputy=False) & Q(is_deputy=OuterRef("is_deputy"))
    taken = there.filter(two_holders | Q(user=OuterRef("user")), days__overlap=OuterRef("days"))
    return rows.annotate(days=days).exclude(Exists(taken))


def _point(rows: QuerySet[Any], **to: Account | None) -> None:
    rows.update(**to, updated_at=timezone.now())


def _ids(rows: Iterable[Any]) -> list[int]:
    return sorted(rows.values_list("pk", flat=True))  # type: ignore[attr-defined]
