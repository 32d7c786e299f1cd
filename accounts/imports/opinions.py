"""Files of ratings and of wallet estimates. Everybody speaks in their own name; who administers users may bring in what
others said. read = new + already there + rejected.

A judgement is one of an account, its speaker and its day (a rating also of its indicator): the same again is there, other
content is rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import IO, Any

from django.db.models import Model, QuerySet

from accounts.enums import EvaluatorFunction, RatingIndicator
from accounts.imports.cells import CellFault
from accounts.imports.columns import Rejection
from accounts.imports.lists import (
    ACCOUNT_WORDS,
    AT_ONCE,
    Column,
    Listing,
    ListResult,
    TypedRow,
    accounts_named,
    import_list,
    post_list,
    refusal,
)
from accounts.imports.readers import open_table
from accounts.models import Rating, User, WalletEstimate
from accounts.querysets import AccountQuerySet
from accounts.services import rating_expiry, wallet_expiry
from crm.lib.money import money_text

SCORES = frozenset("12345")
INDICATORS = {code.casefold(): code for code in RatingIndicator.values}
FUNCTIONS = {code.casefold(): code for code in EvaluatorFunction.values} | {
    "销售": "sales", "銷售": "sales", "解决方案": "solutions", "解決方案": "solutions", "交付": "delivery",
    "财务": "finance", "財務": "finance", "产品": "product", "產品": "product", "管理层": "management", "管理層": "management",
    "客户": "customer", "客戶": "customer",
}  # fmt: skip
EXPIRY = Column(("expires", "expires on", "valid until", "到期日", "有效期至"), "day")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends the file. accounts : those they see; user : None for the command; for_others : may name anybody"""

    accounts: AccountQuerySet
    user: User | None = None
    for_others: bool = True


def _rating_faults(row: TypedRow) -> Iterator[tuple[str, CellFault]]:
    if row.values["score"] not in SCORES:
        yield "score", CellFault("score_out_of_range")
    yield from _expiry_faults(row, "rated_on")


def _wallet_faults(row: TypedRow) -> Iterator[tuple[str, CellFault]]:
    if row.given_money("amount") < 0:
        yield "amount", CellFault("negative_wallet")
    yield from _expiry_faults(row, "estimated_on")


def _expiry_faults(row: TypedRow, since: str) -> Iterator[tuple[str, CellFault]]:
    expires_on = row.day("expires_on")
    if expires_on and expires_on <= row.given_day(since):
        yield "expires_on", CellFault("expires_too_early")


RATINGS = Listing(
    columns={
        "account": Column(ACCOUNT_WORDS, "text", "missing_account"),
        "indicator": Column(("指标", "指標"), "word", "missing_indicator", words=INDICATORS),
        "score": Column(("rating", "评分", "評分"), "count", "missing_score"),
        "evaluator": Column(("user", "user name", "评价人", "評價人"), "text"),
        "function": Column(("role", "department", "职能", "職能"), "word", "missing_function", words=FUNCTIONS),
        "rated_on": Column(("rated on", "date", "day", "日期", "评价日期", "評價日期"), "day", "missing_date"),
        "expires_on": EXPIRY,
        "evidence": Column(("reason", "依据", "依據"), "text", length=2_000),
    },
    contradictions=_rating_faults,
)
WALLETS = Listing(
    columns={
        "account": Column(ACCOUNT_WORDS, "text", "missing_account"),
        "amount": Column(("wallet", "amount a year", "金额", "金額", "年采购额", "年採購額"), "money", "missing_money"),
        "currency": Column(("ccy", "币种", "货币", "幣別", "貨幣"), "currency", "missing_currency"),
        "source": Column(("来源", "來源"), "text", "missing_source", length=200),
        "author": Column(("user", "user name", "作者"), "text"),
        "estimated_on": Column(("estimated on", "date", "day", "日期"), "day", "missing_date"),
        "expires_on": EXPIRY,
    },
    contradictions=_wallet_faults,
)


def import_ratings(*, path: Path, sender: Sender, dry_run: bool = False, errors: IO[bytes] | None = None) -> ListResult:
    """Keep the ratings of a CSV, CSV.gz or XLSX file; the same file again changes nothing. Without an expiry they are good
    for 12 months, satisfaction for 6. Raises ImportRefused for a file that cannot be read."""
    return import_list(
        partial(open_table, path), RATINGS, partial(_keep, KEPT_RATINGS, sender), dry_run=dry_run, errors=errors
    )


def import_wallets(*, path: Path, sender: Sender, dry_run: bool = False, errors: IO[bytes] | None = None) -> ListResult:
    """Keep the wallet estimates of a file; good for 12 months unless it says otherwise."""
    return import_list(
        partial(open_table, path), WALLETS, partial(_keep, KEPT_WALLETS, sender), dry_run=dry_run, errors=errors
    )


def post_ratings(*, rows: Sequence[Mapping[str, Any]], sender: Sender) -> ListResult:
    """The ratings of a request, all of them or none: with ``rejected`` above 0 nothing is kept."""
    return post_list(rows, RATINGS, partial(_keep, KEPT_RATINGS, sender))


def post_wallets(*, rows: Sequence[Mapping[str, Any]], sender: Sender) -> ListResult:
    return post_list(rows, WALLETS, partial(_keep, KEPT_WALLETS, sender))


@dataclass(frozen=True, slots=True)
class Kept:
    """How rows of one kind are kept. speaker, dated : names of its person and its day; made : a row as an unsaved object;
    key : what a judgement is one of; said : its content, compared and shown."""

    model: type[Model]
    speaker: str
    dated: str
    made: Callable[[TypedRow, int, int], Any]
    key: Callable[[Any], tuple[Any, ...]]
    said: Callable[[Any], tuple[Any, ...]]


def _rating(row: TypedRow, account_id: int, user_id: int) -> Rating:
    rated_on, indicator = row.given_day("rated_on"), row.values["indicator"]
    return Rating(
        account_id=account_id,
        indicator=indicator,
        score=int(row.values["score"]),
        evaluator_id=user_id,
        function=row.values["function"],
        rated_on=rated_on,
        expires_on=row.day("expires_on") or rating_expiry(indicator=indicator, rated_on=rated_on),
        evidence=row.text("evidence"),
    )


def _wallet(row: TypedRow, account_id: int, user_id: int) -> WalletEstimate:
    estimated_on = row.given_day("estimated_on")
    return WalletEstimate(
        account_id=account_id,
        amount=row.given_money("amount"),
        currency=row.values["currency"],
        source=row.text("source"),
        author_id=user_id,
        estimated_on=estimated_on,
        expires_on=row.day("expires_on") or wallet_expiry(estimated_on=estimated_on),
    )


KEPT_RATINGS = Kept(
    Rating, "evaluator", "rated_on", _rating,
    key=lambda one: (one.account_id, one.indicator, one.evaluator_id, one.rated_on),
    said=lambda one: (one.score, one.function, one.expires_on, one.evidence),
)  # fmt: skip
KEPT_WALLETS = Kept(
    WalletEstimate, "author", "estimated_on", _wallet,
    key=lambda one: (one.account_id, one.author_id, one.estimated_on),
    said=lambda one: (one.amount, one.currency, one.source, one.expires_on),
)  # fmt: skip


def _keep(kept: Kept, sender: Sender, rows: Sequence[TypedRow], result: ListResult) -> list[Rejection]:
    """Store what is new: three queries to look and a statement for each AT_ONCE rows."""
    accounts, users = accounts_named(rows, sender.accounts), _users(kept, rows, sender)
    refused, made = [], list[tuple[TypedRow, Any]]()
    for row in rows:
        account_id, user_id = accounts.get(row.text("account")), users.get(row.text(kept.speaker))
        if account_id is None:
            refused.append(refusal(row, "account", "unseen_account"))
        elif user_id is None:
            refused.append(refusal(row, kept.speaker, "unknown_user"))
        elif not sender.for_others and (sender.user is None or user_id != sender.user.pk):
            refused.append(refusal(row, kept.speaker, "speaks_for_others"))
        else:
            made.append((row, kept.made(row, account_id, user_id)))
    stored = _stored(kept, [one for _row, one in made])
    fresh: dict[tuple[Any, ...], Any] = {}
    for row, one in made:
        key = kept.key(one)
        there = stored.get(key) or fresh.get(key)
        if there is None:
            fresh[key] = one
            result.new += 1
        elif kept.said(there) == kept.said(one):
            result.already_there += 1
        else:
            code = "stored_differs" if key in stored else "listed_differs"
            refused.append(refusal(row, kept.dated, code, known=_told(kept.said(there))))
    kept.model._default_manager.bulk_create(fresh.values(), batch_size=AT_ONCE)  # noqa: SLF001 - Django's public name
    return refused


def _users(kept: Kept, rows: Sequence[TypedRow], sender: Sender) -> dict[str, int]:
    """User name → person; an empty cell is the sender."""
    names = {row.text(kept.speaker) for row in rows}
    found = dict(User.objects.filter(username__in=names - {""}).values_list("username", "pk"))
    return found if sender.user is None else found | {"": sender.user.pk}


def _stored(kept: Kept, made: Sequence[Any]) -> dict[tuple[Any, ...], Any]:
    """What is there of the same accounts and days, by key; of several on one key the last. One query."""
    if not made:
        return {}
    rows: QuerySet[Any] = kept.model._default_manager.filter(  # noqa: SLF001 - Django's public name
        **{
            "account__in": {one.account_id for one in made},
            f"{kept.dated}__in": {getattr(one, kept.dated) for one in made},
        }
    )
    return {kept.key(one): one for one in rows.order_by("pk")}


def _told(said: tuple[Any, ...]) -> str:
    """The stored content, short."""
    return ", ".join(money_text(part) or "" if isinstance(part, Decimal) else str(part) for part in said if part != "")
