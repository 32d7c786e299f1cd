"""What a merge of accounts does here, in its transaction: the roll-up of both, their products, rejected suggestions."""

from __future__ import annotations

from django.db import connection
from django.db.models import Exists, OuterRef

from accounts.models import AccountMerge
from metrics import product_days
from metrics.frames_products import products_as_of
from metrics.models import SuggestionRejection
from metrics.product_rollup import refresh_account_products
from metrics.rollup import refresh_touched

TOUCHED = "touched_by_merge"


def accounts_merged(sender: object = None, *, merge: AccountMerge, is_undone: bool, **_kwargs: object) -> None:
    """Count the records of both accounts anew; their number, not that of the ledger, decides how long it takes."""
    both = [merge.merged_id, merge.survivor_id]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TOUCHED}")
        cursor.execute(
            f"CREATE TEMP TABLE {TOUCHED} ON COMMIT DROP AS SELECT unnest(%s::bigint[]) AS account_id", [both]
        )
    refresh_touched(touched_table=TOUCHED)
    product_days.refresh_accounts(both)
    as_of = products_as_of()
    if as_of is not None:
        refresh_account_products(as_of, account_ids=both)
    if is_undone:
        _give_back(merge)
    else:
        _move(merge)


def _move(merge: AccountMerge) -> None:
    """Rejections follow, except of a product that is turned down at the account that stays already."""
    same = SuggestionRejection.objects.filter(
        account=merge.survivor_id, product=OuterRef("product"), withdrawn_at__isnull=True
    )
    rows = SuggestionRejection.objects.filter(account=merge.merged_id)
    going = sorted(rows.exclude(Exists(same), withdrawn_at__isnull=True).values_list("pk", flat=True))
    SuggestionRejection.objects.filter(pk__in=going).update(account=merge.survivor_id)
    merge.moved["rejections"] = going
    left = sorted(rows.values_list("pk", flat=True))
    if left:
        merge.moved["stayed"]["rejections"] = left
    merge.save(update_fields=["moved"])


def _give_back(merge: AccountMerge) -> None:
    mine = SuggestionRejection.objects.filter(account=merge.survivor_id, pk__in=merge.moved.get("rejections", ()))
    same = SuggestionRejection.objects.filter(
        account=merge.merged_id, product=OuterRef("product"), withdrawn_at__isnull=True
    )
    going = list(mine.exclude(Exists(same), withdrawn_at__isnull=True).values_list("pk", flat=True))
    SuggestionRejection.objects.filter(pk__in=going).update(account=merge.merged_id)
