"""The sales organisation of the demo company: who heads what, and who is placed where."""

from collections.abc import Mapping
from dataclasses import dataclass

from accounts.enums import OrgLevel, UserRole
from accounts.models import OrgUnit, User
from accounts.organisation import place, save_unit


@dataclass(frozen=True, slots=True)
class Unit:
    name: str
    level: OrgLevel
    above: str = ""
    head: str = ""
    people: tuple[str, ...] = ()


DIRECTION, ABROAD, CHINA = "销售总部", "海外大区", "中国大区"
UNITS: tuple[Unit, ...] = (
    Unit(DIRECTION, OrgLevel.DIRECTOR, head="director", people=("director", "manager")),
    Unit(CHINA, OrgLevel.AREA, DIRECTION, "zhang.lei", ("zhang.lei",)),
    Unit("华东省区", OrgLevel.PROVINCE, CHINA, "chen.wei", ("chen.wei",)),
    Unit("上海区域", OrgLevel.DISTRICT, "华东省区", people=("seller",)),
    Unit("华南省区", OrgLevel.PROVINCE, CHINA, people=("zhou.min",)),
    Unit("中西部省区", OrgLevel.PROVINCE, CHINA, people=("liu.peng",)),
    Unit(ABROAD, OrgLevel.AREA, DIRECTION, "helena.brandt", ("helena.brandt",)),
    Unit("Europe", OrgLevel.PROVINCE, ABROAD, people=("sofia.bakker",)),
    Unit("Americas and Asia Pacific", OrgLevel.PROVINCE, ABROAD, people=("james.walker",)),
    Unit("方案与交付", OrgLevel.AREA, DIRECTION, people=("zhao.yawen", "marco.moretti", "huang.guodong", "delivery")),
)
MANAGERS = ("zhang.lei", "chen.wei", "helena.brandt")


def store_units(users: Mapping[str, User]) -> None:
    """Whoever was there before and is placed already, or has a role of their own, stays so."""
    fresh = User.objects.filter(username__in=MANAGERS, role=UserRole.MEMBER, last_login=None)
    fresh.update(role=UserRole.MANAGER)
    made: dict[str, OrgUnit] = {}
    for unit in UNITS:
        row = save_unit(
            OrgUnit(), name=unit.name, level=unit.level, parent=made.get(unit.above), head=users.get(unit.head)
        )
        made[unit.name] = row
        place([users[name] for name in unit.people if users[name].unit_id is None], row)
