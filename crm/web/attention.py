"""What needs attention: accounts with a reason, the money at stake and the next step; the same words on every page."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.enums import KEY_GRADES, ContractStatus, Grade
from accounts.models import Account, Contract, User
from accounts.querysets import AccountQuerySet
from accounts.selectors_opinions import expiring_ratings
from crm.web import formats
from crm.web.rights import may_activate, may_change_team
from plans.models import AccountCompliance, Task
from plans.selectors_portfolio import broken_for_key_accounts
from tiering.selectors import BIG_DECLINE, needs_attention, of_the_night
from tiering.selectors_activation import overdue_review, waiting_for_decision

CONTRACT_ENDS_WITHIN_DAYS = 90
SHOWN = 8
SHOWN_BROKEN = 2  # of these, where key accounts do not get what they are promised


@dataclass(frozen=True, slots=True)
class Item:
    """One reason to look at an account. ``stake`` is what is lost if nothing happens, in ``currency``."""

    account_id: int
    account: str
    grade: str
    reason: str
    stake: Decimal | None
    currency: str
    action: str
    href: str
    is_bad: bool = False


def needing_attention(accounts: AccountQuerySet, *, limit: int = SHOWN) -> list[Item]:
    """The accounts that need somebody, worst first, then by money at stake, with the gravest reason of each.

    Who they are is the night's; what is said of them is what is known now.
    """
    chosen = of_the_night(
        "attention",
        accounts,
        lambda: [one.account.pk for one in needs_attention(accounts, limit=limit)],
        about=limit,
    )
    found = []
    for one in needs_attention(accounts.filter(pk__in=chosen), limit=limit):
        reasons = items_of(one.account, has_manager=True)
        if reasons:
            found.append(replace(reasons[0], stake=one.at_stake))
    broken = [promise_item(one) for one in broken_for_key_accounts(accounts, without=chosen)[:SHOWN_BROKEN]]
    return found[: limit - len(broken)] + broken


def promise_item(found: AccountCompliance) -> Item:
    """What the account was promised and has not been given. No query where account and figures came along."""
    account = found.account
    figures = getattr(account, "figures", None)
    words = ngettext(
        "%(broken)s promise broken, %(share)s kept", "%(broken)s promises broken, %(share)s kept", found.broken
    ) % {"broken": found.broken, "share": formats.percent(found.compliance or 0, decimals=0)}
    stake, currency = (figures.ttm_revenue, figures.currency) if figures else (None, "")
    href = reverse("accounts:plan", args=[account.pk])
    return Item(
        account.pk, account.name, account.grade, words, stake, currency, _("Give what was promised"), href, is_bad=False
    )


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something the reader is asked to do, for no account in particular."""

    text: str
    action: str
    href: str


def reminders(user: User, *, as_of: date, today: date) -> list[Reminder]:
    """What the reader is asked to do: rate anew, decide on a version, look at the one in force. Four queries at most."""
    found = []
    count = expiring_ratings(user, as_of=as_of).order_by().count()
    if count:
        words = ngettext(
            "%(count)s rating of yours runs out within 30 days",
            "%(count)s ratings of yours run out within 30 days",
            count,
        )
        found.append(Reminder(words % {"count": formats.number(count)}, _("Rate anew"), reverse("ratings:index")))
    found += _task_reminders(user, today=today)
    return found + (_model_reminders(user, today=today) if may_activate(user) else [])


def _task_reminders(user: User, *, today: date) -> list[Reminder]:
    """What is overdue: the reader's own tasks, and to those who change teams what others have left undone in their view;
    what nobody has is theirs too. One query."""
    found = []
    late = Task.objects.visible_to(user).overdue(today)  # type: ignore[attr-defined]
    counts = late.aggregate(
        mine=Count("pk", filter=Q(owner=user)), others=Count("pk", filter=Q(owner=None) | ~Q(owner=user))
    )
    if counts["mine"]:
        words = ngettext("%(count)s task of yours is overdue", "%(count)s tasks of yours are overdue", counts["mine"])
        found.append(Reminder(words % {"count": formats.number(counts["mine"])}, _("See them"), reverse("tasks:index")))
    if counts["others"] and may_change_team(user):
        words = ngettext(
            "%(count)s task of others in your view is overdue",
            "%(count)s tasks of others in your view are overdue",
            counts["others"],
        )
        href = f"{reverse('tasks:index')}?list=overdue"
        found.append(Reminder(words % {"count": formats.number(counts["others"])}, _("See them"), href))
    return found


def _model_reminders(user: User, *, today: date) -> list[Reminder]:
    """Versions that wait for this person, and the one in force if its review is overdue. Two queries."""
    found = [
        Reminder(
            _("%(model)s is proposed and waits for somebody to decide") % {"model": one.model},
            _("Decide"),
            reverse("tiering:activation"),
        )
        for one in waiting_for_decision(user)
    ]
    model = overdue_review(today=today)
    if model is not None:
        words = _("The scoring model was to be reviewed by %(day)s") % {"day": formats.day(model.review_on)}
        found.append(Reminder(words, _("Review it"), f"{reverse('tiering:model')}#review"))
    return found


def promise_items(account: Account) -> list[Item]:
    """The same for one account, where a promise is broken; one query."""
    found = AccountCompliance.objects.filter(account=account, broken__gt=0).first()
    if found is None:
        return []
    found.account = account
    return [promise_item(found)]


def items_of(account: Account, *, has_manager: bool, ending: Iterable[Contract] = ()) -> list[Item]:
    """Every reason to look at one account, the gravest first. No query."""
    figures = getattr(account, "figures", None)
    ttm, prior = (figures.ttm_revenue, figures.prior_ttm_revenue) if figures else (None, None)
    currency = figures.currency if figures else ""

    def item(reason: str, stake: Decimal | None, action: str, tab: str, *, is_bad: bool = False) -> Item:
        href = reverse(f"accounts:{tab}", args=[account.pk])
        return Item(account.pk, account.name, account.grade, reason, stake, currency, action, href, is_bad)

    found = [item(words, ttm, _("Clear it up with finance"), "detail", is_bad=True) for words in _flags(account)]
    if account.grade == Grade.PROBLEM and not found:
        found.append(item(_("Problem state"), ttm, _("See the signals and make a plan"), "grade", is_bad=True))
    elif account.is_watched:
        found.append(item(_("On watch: warning signs add up"), ttm, _("See the signals"), "grade"))
    rate = figures.growth_rate if figures else None
    if rate is not None and rate <= BIG_DECLINE and prior and prior > 0:
        lost = (prior - ttm) if ttm is not None else None
        words = _("Revenue fell by %(rate)s in 12 months") % {"rate": formats.percent(-rate, decimals=0)}
        found.append(
            item(words, lost, _("Find out what is bought elsewhere"), "revenue", is_bad=rate <= 2 * BIG_DECLINE)
        )
    if account.grade in KEY_GRADES and not has_manager:
        found.append(item(_("A key account without an account manager"), ttm, _("Name an account manager"), "people"))
    for contract in ending:
        words = _("Contract %(number)s ends on %(day)s") % {
            "number": contract.number,
            "day": formats.day(contract.ends_on),
        }
        found.append(item(words, contract.amount, _("Prepare the renewal"), "contracts"))
    return found


def contracts_ending(account: Account, *, as_of: date) -> list[Contract]:
    """Running contracts that end soon after ``as_of``. One query."""
    last = as_of + timedelta(days=CONTRACT_ENDS_WITHIN_DAYS)
    running = account.contracts.filter(status=ContractStatus.ACTIVE, ends_on__gte=as_of, ends_on__lte=last)
    return list(running.order_by("ends_on", "pk"))


def _flags(account: Account) -> list[str]:
    flags = (
        (account.credit_stop_on, _("Credit stop since %(day)s")),
        (account.litigation_on, _("Litigation since %(day)s")),
        (account.insolvency_on, _("Insolvent since %(day)s")),
    )
    return [words % {"day": formats.day(day)} for day, words in flags if day]
