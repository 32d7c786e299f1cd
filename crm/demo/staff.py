"""Who works at the demo company."""

from dataclasses import dataclass

from accounts.enums import EvaluatorFunction, TeamRole


@dataclass(frozen=True, slots=True)
class Person:
    """One employee. ``regions`` are those an account manager looks after; ``is_login``: gets a password in demo mode."""

    username: str
    name: str
    function: EvaluatorFunction
    role: TeamRole | None = None
    regions: tuple[str, ...] = ()
    sees_all: bool = False
    is_login: bool = False


SALES, SOLUTIONS, DELIVERY = EvaluatorFunction.SALES, EvaluatorFunction.SOLUTIONS, EvaluatorFunction.DELIVERY
SELLER, SOLVER, DELIVERER = TeamRole.ACCOUNT_MANAGER, TeamRole.SOLUTION_MANAGER, TeamRole.DELIVERY_MANAGER

STAFF: tuple[Person, ...] = (
    Person("manager", "林静", EvaluatorFunction.MANAGEMENT, sees_all=True, is_login=True),
    Person("seller", "王晓琳", SALES, SELLER, ("East China",), is_login=True),
    Person("chen.wei", "陈伟", SALES, SELLER, ("East China", "North China")),
    Person("zhou.min", "周敏", SALES, SELLER, ("South China", "Hong Kong and Macao")),
    Person("liu.peng", "刘鹏", SALES, SELLER, ("Central China", "West China")),
    Person("sofia.bakker", "Sofia Bakker", SALES, SELLER, ("Europe",)),
    Person("james.walker", "James Walker", SALES, SELLER, ("Americas", "Asia Pacific")),
    Person("zhao.yawen", "赵雅文", SOLUTIONS, SOLVER),
    Person("marco.moretti", "Marco Moretti", SOLUTIONS, SOLVER),
    Person("huang.guodong", "黄国栋", SOLUTIONS, SOLVER),
    Person("delivery", "孙婷", DELIVERY, DELIVERER, is_login=True),
    Person("director", "何志远", EvaluatorFunction.MANAGEMENT, sees_all=True),
    Person("helena.brandt", "Helena Brandt", EvaluatorFunction.MANAGEMENT),
    Person("zhang.lei", "张磊", EvaluatorFunction.MANAGEMENT),
    Person("ingrid.lindqvist", "Ingrid Lindqvist", DELIVERY, DELIVERER),
)


def sellers_of(region: str) -> list[Person]:
    return [person for person in STAFF if person.role == SELLER and region in person.regions]


def holders_of(role: TeamRole) -> list[Person]:
    return [person for person in STAFF if person.role == role]
