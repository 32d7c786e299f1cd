"""What the demo company promises since its books begin, its plans with key accounts, and how it gets accounts out of trouble."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from accounts.models import Account, User
from crm.demo.companies import Company
from crm.demo.horizon import Horizon, dice
from crm.demo.profiles import KEY_PROFILES, Profile
from plans.enums import PolicyState
from plans.models import AccountPlan, PlanAction, PolicyVersion, RemediationAction, RemediationPlan

GOALS = (
    "拿下华东二期产线，把钱包份额从三成提到四成半。",
    "与采购中心签三年框架协议，覆盖全部工厂。",
    "联合开发轻量化部件，年内完成样件验收。",
    "把服务合同推广到另外两个厂区。",
    "从单一品类扩展到三个品类，季度联合复盘。",
    "建立高层互访机制，锁定下一代平台定点。",
)
STEPS = ("拜访技术负责人，确认下一代需求", "准备联合复盘材料", "与财务核对返利方案", "安排高层会面", "提交三年框架报价")
EXIT_TESTS = (
    "逾期款全部收回，且连续两个月按期付款。",
    "毛利率回到百分之十以上并保持一个季度。",
    "两起严重投诉关闭，客户书面确认。",
)
REMEDY_STEPS = (
    "与客户财务负责人约谈还款计划",
    "重新核算报价与服务成本",
    "质量负责人到现场复核",
    "每周计划检查，向总监汇报",
)
WAITING_SHARE, WITHOUT_SHARE = 0.15, 0.15  # of key accounts whose plan waits for approval, or that have none
HOURS = {Profile.PILLAR: (320, 520), Profile.CORE: (140, 240)}
OTHER_HOURS = (60, 140)


def _begin_policies(horizon: Horizon) -> None:
    """The starting values hold since the books begin."""
    PolicyVersion.objects.filter(state=PolicyState.ACTIVE, number=1).update(valid_from=horizon.start)


def store_plans(
    found: Sequence[Company],
    *,
    accounts: Mapping[str, Account],
    users: Mapping[str, User],
    seed: int,
    horizon: Horizon,
    today: date,
) -> None:
    """Promises since the books begin, and a plan of this year for most key accounts with steps behind it and ahead."""
    _begin_policies(horizon)
    plans = AccountPlan.objects.bulk_create(_plans(found, accounts, users, seed=seed, horizon=horizon))
    rng = dice(seed, "plan steps")
    PlanAction.objects.bulk_create(
        PlanAction(plan=plan, text=STEPS[(place + at) % len(STEPS)], owner=plan.owner, due_on=due, done_on=done)
        for place, plan in enumerate(plans)
        for at, (due, done) in enumerate(_days(today, late=bool(rng.random() < 0.25)))
    )


def _plans(
    found: Sequence[Company], accounts: Mapping[str, Account], users: Mapping[str, User], *, seed: int, horizon: Horizon
) -> Iterator[AccountPlan]:
    rng = dice(seed, "account plans")
    key = sorted((one for one in found if one.profile in KEY_PROFILES), key=lambda one: -one.own_level)
    start = date(horizon.last_day.year, 1, 1)
    for rank, company in enumerate(key, start=1):
        drawn = float(rng.random())
        if drawn < WITHOUT_SHARE:
            continue
        low, high = HOURS.get(company.profile, OTHER_HOURS)
        account = accounts[company.code]
        is_approved = drawn > WITHOUT_SHARE + WAITING_SHARE and account.owner_id != users["manager"].pk
        yield AccountPlan(
            account=account,
            valid_from=start,
            valid_to=date(start.year + 1, 1, 1),
            owner=account.owner,
            goal=GOALS[rank % len(GOALS)],
            priority_rank=rank,
            planned_hours=Decimal(int(rng.integers(low, high))),
            made_by=account.owner,
            approved_by=users["manager"] if is_approved else None,
            approved_on=start + timedelta(days=int(rng.integers(5, 40))) if is_approved else None,
        )


def _days(today: date, *, late: bool) -> Iterator[tuple[date, date | None]]:
    """(due, done) of a step that is done, one that is late or just ahead, and one further on."""
    yield today - timedelta(days=40), today - timedelta(days=44)
    yield (today - timedelta(days=9) if late else today + timedelta(days=12)), None
    yield today + timedelta(days=45), None


def fill_remediations(today: date) -> None:
    """Words for the plans that the nights opened: two of three have an exit test and steps. A repeat adds nothing."""
    empty = RemediationPlan.objects.filter(closed_on__isnull=True, exit_test="", actions__isnull=True)
    plans = [plan for place, plan in enumerate(empty.order_by("account__code")) if place % 3 != 2]
    for place, plan in enumerate(plans):
        plan.exit_test = EXIT_TESTS[place % len(EXIT_TESTS)]
    RemediationPlan.objects.bulk_update(plans, ["exit_test"])
    RemediationAction.objects.bulk_create(
        RemediationAction(
            plan=plan,
            owner_id=plan.owner_id,
            text=REMEDY_STEPS[(place + at) % len(REMEDY_STEPS)],
            due_on=due,
            done_on=done,
        )
        for place, plan in enumerate(plans)
        for at, (due, done) in enumerate(_days(today, late=place % 2 == 0))
    )
