"""What goes with what an account buys? Products that customers like it also bought, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from accounts.models import Account, Product, User
from crm.lib.exceptions import CrmError
from crm.lib.periods import ttm
from crm.lib.remember import is_remembered, remembered
from metrics import reasons
from metrics.formulas.association import ownership
from metrics.formulas.exact import BoolArray
from metrics.formulas.similarity import NO_PRODUCT, TOP, HitRates, hit_rates, product_similarity, suggestions
from metrics.frames import IntArray
from metrics.frames_products import ProductRows, product_rows, products_as_of, products_state
from metrics.models_rejections import REASON_LENGTH, SuggestionRejection
from metrics.scope import Scope, scope_of

NAME = "product_model"
MOST_PRODUCTS = 500  # the most owned ones; who else buys the others is too few to tell
MIN_TESTED = 20  # accounts with something new, below which a test tells nothing


class NothingToReject(CrmError):
    """The reason is missing or too long, or the suggestion is rejected already."""

    code = "rejection-refused"
    status = 409


@dataclass(frozen=True, slots=True)
class SuggestionTest:
    """Share of accounts that bought one of three suggestions in the last 12 months, made from what they owned before;
    by related products and by the most popular ones. None and a ``reason`` where there are too few to tell."""

    accounts: int
    top: int
    related: float | None
    popular: float | None
    reason: str

    @property
    def is_better(self) -> bool:
        """Whether related products are what is suggested; else the popular ones are, and are named so."""
        return self.related is not None and self.popular is not None and round(self.related - self.popular, 9) > 0


@dataclass(frozen=True, slots=True, eq=False)
class ProductModel:
    """What the whole ledger says of products: ids by number of owners, most owned first; how many own each; how alike
    they are and how many own both (scipy sparse); accounts that own anything."""

    product_ids: IntArray
    owners: IntArray
    similarity: Any
    joint: Any
    accounts: int
    test: SuggestionTest


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One product for one account. is_related : ``joint`` of the ``owners`` that buy ``because`` also buy it; else it is
    popular: ``joint`` of all ``owners`` customers buy it."""

    account_id: int
    product: Product
    is_related: bool
    because: Product | None
    joint: int
    owners: int

    @property
    def sentence(self) -> str:
        if self.because is None:
            return _("One of the most popular: %(joint)s of %(owners)s customers buy it.") % {
                "joint": self.joint,
                "owners": self.owners,
            }
        return _("Customers who buy %(because)s also buy it: %(joint)s of %(owners)s.") % {
            "because": self.because,
            "joint": self.joint,
            "owners": self.owners,
        }


@dataclass(frozen=True, slots=True)
class Suggested:
    """Suggestions by account, best first, and how good such suggestions have been; as_of is None before the first night."""

    by_account: Mapping[int, Sequence[Suggestion]]
    test: SuggestionTest
    as_of: date | None

    def of(self, account: Account) -> Sequence[Suggestion]:
        return self.by_account.get(account.pk, ())


def suggested(account_ids: Sequence[int], *, basis: str | None = None) -> Suggested:
    """Up to three products for each of the accounts, which the caller must be allowed to see.

    Learnt from all customers of the ledger, once a night; a few queries whatever the number of accounts. Never a product
    the account has bought, and none that was rejected for it.
    """
    everything = scope_of(Account.objects.all(), basis=basis)
    as_of = products_as_of()
    if as_of is None:
        return Suggested({}, _untested(0), None)
    model = product_model(everything, as_of)
    mine = scope_of(Account.objects.filter(pk__in=account_ids), basis=basis)
    ids = np.array(sorted(account_ids), dtype=np.int64)
    rows = product_rows(mine, as_of=as_of)
    owned = _matrix(rows.account_ids, rows.product_ids, ids, model.product_ids, ~np.isnat(rows.first_on))
    barred = _rejected(ids, model.product_ids)
    if model.test.is_better:
        found = suggestions(owned, model.similarity, excluded=barred, top=TOP)
        product, because = found.product, found.because_of
    else:
        product = _most_popular(model, ((owned + barred) > 0).toarray())
        because = np.full(product.shape, NO_PRODUCT)
    return Suggested(_worded(ids, product, because, model), model.test, as_of)


def product_model(everything: Scope, as_of: date) -> ProductModel:
    """What products go together over the whole ledger, kept until a night changes the sums."""
    return remembered(NAME, _state(everything, as_of), lambda: _learnt(product_rows(everything, as_of=as_of), as_of))


def is_product_model_kept(everything: Scope, as_of: date) -> bool:
    """Whether the next suggestion waits for nothing to be learnt; two look-ups."""
    return is_remembered(NAME, _state(everything, as_of))


def _state(everything: Scope, as_of: date) -> tuple[object, ...]:
    return (*products_state(everything), as_of, ProductModel.__slots__, SuggestionTest.__slots__)


def _learnt(rows: ProductRows, as_of: date) -> ProductModel:
    is_owned = ~np.isnat(rows.first_on)
    accounts = np.unique(rows.account_ids[is_owned])
    ids = _most_owned(rows, is_owned)
    owned = _matrix(rows.account_ids, rows.product_ids, accounts, ids, is_owned)
    counted = owned.astype(np.int64)
    return ProductModel(
        product_ids=ids,
        owners=np.asarray(counted.sum(axis=0), dtype=np.int64),
        similarity=product_similarity(owned),
        joint=(counted.T @ counted).tocsr(),
        accounts=len(accounts),
        test=_test(rows, is_owned, accounts, ttm(as_of).start),
    )


def _test(rows: ProductRows, is_owned: BoolArray, accounts: IntArray, cut: date) -> SuggestionTest:
    """Time split at ``cut``: what was bought first before it teaches, what was bought first after it is the outcome."""
    is_before = is_owned & (rows.first_on < np.datetime64(cut))
    ids = _most_owned(rows, is_before)
    before = _matrix(rows.account_ids, rows.product_ids, accounts, ids, is_before)
    after = _matrix(rows.account_ids, rows.product_ids, accounts, ids, is_owned & ~is_before)
    found: HitRates = hit_rates(before, after, top=TOP)
    if found.accounts < MIN_TESTED:
        return _untested(found.accounts)
    return SuggestionTest(found.accounts, found.top, found.model, found.popularity, "")


def _untested(accounts: int) -> SuggestionTest:
    sentence = reasons.sentence("suggestions_few_accounts", found=accounts, needed=MIN_TESTED)
    return SuggestionTest(accounts, TOP, None, None, sentence)


def _most_owned(rows: ProductRows, is_owned: BoolArray) -> IntArray:
    """Ids of the products with the most owners, most first, then by id."""
    pairs = np.unique(np.stack([rows.product_ids[is_owned], rows.account_ids[is_owned]]), axis=1)
    ids, owners = np.unique(pairs[0], return_counts=True)
    return ids[np.lexsort((ids, -owners))][:MOST_PRODUCTS]


def _matrix(
    account_ids: IntArray, product_ids: IntArray, accounts: IntArray, products: IntArray, is_in: BoolArray
) -> Any:
    """Ownership (accounts, products) of the rows that are in and whose product is among ``products``."""
    order = np.argsort(products)
    place = np.searchsorted(products, product_ids, sorter=order)
    column = (
        order[np.minimum(place, len(products) - 1)] if len(products) else np.zeros(len(product_ids), dtype=np.int64)
    )
    is_known = is_in & (products[column] == product_ids) if len(products) else np.zeros(len(product_ids), dtype=bool)
    row = np.searchsorted(accounts, account_ids[is_known])
    return ownership(row, column[is_known], accounts=len(accounts), products=len(products))


def _rejected(ids: IntArray, products: IntArray) -> Any:
    found = SuggestionRejection.objects.filter(account_id__in=ids.tolist(), withdrawn_at__isnull=True)
    pairs = np.array(list(found.values_list("account_id", "product_id")), dtype=np.int64).reshape(-1, 2)
    return _matrix(pairs[:, 0], pairs[:, 1], ids, products, np.ones(len(pairs), dtype=bool))


def _most_popular(model: ProductModel, barred: NDArray[np.bool_]) -> IntArray:
    """Columns of the most owned products that are not barred, NO_PRODUCT where none is left; columns go by owners."""
    found = np.full((len(barred), TOP), NO_PRODUCT, dtype=np.int64)
    place = np.cumsum(~barred, axis=1) - 1
    row, column = np.nonzero(~barred & (place < TOP))
    found[row, place[row, column]] = column
    return found


def _worded(
    ids: IntArray, product: IntArray, because: IntArray, model: ProductModel
) -> dict[int, Sequence[Suggestion]]:
    columns = np.unique(np.concatenate([product.ravel(), because.ravel()]))
    named = Product.objects.in_bulk(model.product_ids[columns[columns != NO_PRODUCT]].tolist())
    found: dict[int, list[Suggestion]] = {int(pk): [] for pk in ids.tolist()}
    for row, place in zip(*np.nonzero(product != NO_PRODUCT), strict=True):
        column, reason = int(product[row, place]), int(because[row, place])
        is_related = reason != NO_PRODUCT
        found[int(ids[row])].append(
            Suggestion(
                account_id=int(ids[row]),
                product=named[int(model.product_ids[column])],
                is_related=is_related,
                because=named[int(model.product_ids[reason])] if is_related else None,
                joint=int(model.joint[reason, column]) if is_related else int(model.owners[column]),
                owners=int(model.owners[reason]) if is_related else model.accounts,
            )
        )
    return {pk: tuple(several) for pk, several in found.items()}


# --- What somebody has turned down ---


@transaction.atomic
def reject_suggestion(*, account: Account, product: Product, user: User, reason: str) -> SuggestionRejection:
    """Remember that a product is not for an account; it is not suggested again until this is withdrawn.

    raises NothingToReject : no reason, one that is too long, or the product is rejected for the account already
    """
    words = reason.replace("\x00", "").strip()
    if not 0 < len(words) <= REASON_LENGTH:
        raise NothingToReject(_("Say why, in at most %(most)s characters.") % {"most": REASON_LENGTH})
    found, is_new = SuggestionRejection.objects.get_or_create(
        account=account, product=product, withdrawn_at=None, defaults={"reason": words, "rejected_by": user}
    )
    if not is_new:
        raise NothingToReject(_("This product is rejected for the account already."))
    return found


def withdraw_rejection(*, rejection: SuggestionRejection, user: User) -> SuggestionRejection:
    """Let the product be suggested again; a repeat changes nothing."""
    SuggestionRejection.objects.filter(pk=rejection.pk, withdrawn_at__isnull=True).update(
        withdrawn_at=timezone.now(), withdrawn_by=user
    )
    rejection.refresh_from_db()
    return rejection
