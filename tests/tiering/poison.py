"""Fifty ways in which one account's rows can be beyond computing: some get past every form, none gets past the night.

Each kind names what it puts into the database for one account and the reason under which the account is listed; None
means that the account is graded like any other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models.expressions import RawSQL

from accounts.models import Account, Receivable, ReceivablePayment
from tests.factories import make_contract, make_rating, make_receivable, make_wallet_estimate, post_revenue
from tiering.enums import QuarantineReason

NAN = RawSQL("'NaN'::numeric", ())  # the fields refuse it; a repair by hand does not
LARGEST = Decimal("999999999999999.9999")
TTM, PRIOR, LAST_YEAR, YEAR_BEFORE = date(2024, 9, 3), date(2023, 9, 3), date(2024, 2, 3), date(2023, 2, 3)
NUMBER, AMOUNT, DAY = QuarantineReason.NOT_A_NUMBER, QuarantineReason.AMOUNT, QuarantineReason.DATE


@dataclass(frozen=True)
class Kind:
    name: str
    reason: str | None
    lines: tuple[dict, ...] = ()
    more: Callable[[Account], object] | None = None

    def put(self, account: Account) -> None:
        if self.lines:
            post_revenue([{"account": account, **line} for line in self.lines])
        if self.more is not None:
            self.more(account)


def line(day: date = TTM, amount: Decimal = Decimal(100), **fields) -> dict:
    return {"booked_on": day, "amount": amount, **fields}


def changed(**fields) -> Callable[[Account], object]:
    return lambda account: Account.objects.filter(pk=account.pk).update(**fields)


def receivable(
    amount: Decimal, *, due: date, times: int = 1, paid: Decimal | None = None
) -> Callable[[Account], object]:
    """Past the model's own checks, as a repair by hand would be."""

    def put(account: Account) -> None:
        for _ in range(times):
            made = make_receivable(account=account, issued_on=due, due_on=due, amount=Decimal(50))
            Receivable.objects.filter(pk=made.pk).update(amount=amount)
            if paid is not None:
                ReceivablePayment.objects.create(receivable=made, paid_on=due, amount=paid)

    return put


DAYS = {
    "this year": TTM,
    "the year before": PRIOR,
    "last fiscal year": LAST_YEAR,
    "the fiscal year before": YEAR_BEFORE,
}
KINDS: tuple[Kind, ...] = (
    *(Kind(f"an amount that is no number, {when}", NUMBER, (line(day, NAN),)) for when, day in DAYS.items()),
    *(Kind(f"a cost that is no number, {when}", NUMBER, (line(day, cost=NAN),)) for when, day in DAYS.items()),
    *(
        Kind(f"amounts beyond 10^15, {when}", AMOUNT, (line(day, LARGEST), line(day, LARGEST)))
        for when, day in DAYS.items()
    ),
    *(
        Kind(f"amounts below -10^15, {when}", AMOUNT, (line(day, -LARGEST), line(day, -LARGEST)))
        for when, day in DAYS.items()
    ),
    *(Kind(f"10^18 in a thousand lines, {when}", AMOUNT, (line(day, LARGEST),) * 1000) for when, day in [("this year", TTM)]),
    *(
        Kind(f"costs beyond 10^15, {when}", AMOUNT, (line(day, cost=LARGEST), line(day, cost=LARGEST)))
        for when, day in [("last fiscal year", LAST_YEAR), ("the fiscal year before", YEAR_BEFORE)]
    ),
    Kind("a credit note that is no number", NUMBER, (line(TTM, NAN, kind="credit_note"),)),
    Kind("no number on the last day", NUMBER, (line(date(2024, 11, 30), NAN),)),
    Kind("no number beside a good line of the day", NUMBER, (line(), line(amount=NAN))),
    Kind("no number in two currencies", NUMBER, (line(amount=NAN), line(amount=NAN, currency="USD"))),
    *(
        Kind(f"booked in {day:%Y-%m-%d}", DAY, (line(day),))
        for day in (
            date(1, 1, 1), date(2, 2, 2), date(999, 12, 31), date(1066, 10, 14), date(1899, 12, 31), date(2200, 1, 1),
            date(5000, 5, 5), date(9999, 1, 1), date(9999, 12, 31),
        )
    ),
    Kind("booked in the year 9999 and no number", DAY, (line(date(9999, 12, 1), NAN),)),
    Kind("a wallet that is no number", NUMBER, more=lambda account: make_wallet_estimate(account=account, amount=NAN)),
    Kind("a debt that is no number", NUMBER, more=receivable(NAN, due=date(2024, 6, 1))),
    Kind("a debt of a month that is no number", NUMBER, more=receivable(NAN, due=date(2024, 11, 15))),
    Kind("debts beyond 10^15", AMOUNT, more=receivable(LARGEST, due=date(2024, 6, 1), times=2)),
    Kind("fresh debts beyond 10^15", AMOUNT, more=receivable(LARGEST, due=date(2024, 11, 15), times=2)),
    Kind("a payment that is no number", NUMBER, more=receivable(Decimal(50), due=date(2024, 6, 1), paid=NAN)),
    Kind("opened in the year 1, a customer before the data", DAY, (line(date(2021, 3, 3)),), changed(before_data_start=True, opened_on=date(1, 1, 1))),
    # What looks odd and is none: graded like any other.
    Kind("nobody owns it", None, more=changed(owner=None)),
    Kind("negative revenue", None, (line(TTM, Decimal(-900000)),)),
    Kind("one line of nearly 10^15", None, (line(TTM, LARGEST),)),
    Kind("a ten-thousandth", None, (line(TTM, Decimal("0.0001")),)),
    Kind("zero", None, (line(TTM, Decimal(0)),)),
    Kind("booked in 1969", None, (line(date(1969, 12, 31)), line(date(1969, 12, 30)))),
    Kind("booked in 1905", None, (line(date(1905, 1, 1)),)),
    Kind("opened in the year 9999", None, more=changed(opened_on=date(9999, 12, 31))),
    Kind("a credit stop in the year 9999", None, more=changed(credit_stop_on=date(9999, 12, 31))),
    Kind("a wallet of nothing", None, more=lambda account: make_wallet_estimate(account=account, amount=Decimal(0))),
    Kind("a contract until the year 9999", None, more=lambda account: make_contract(account=account, ends_on=date(9999, 12, 31))),
    Kind("a contract of an amount that is no number", None, more=lambda account: make_contract(account=account, amount=NAN, currency="CNY")),
    Kind("a rating until the year 9999", None, more=lambda account: make_rating(account=account, expires_on=date(9999, 12, 31))),
    Kind("a quantity that is no number", None, (line(quantity=NAN),)),
    Kind("an unknown currency", None, (line(currency="XXX"),)),
)  # fmt: skip
