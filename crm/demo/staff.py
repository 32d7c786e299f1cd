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

# What the sales manager may do besides seeing every account; the others only look after their own.
MANAGER_PERMISSIONS = (
    *("view_all_accounts", "import_revenue", "withdraw_batch", "retier"),
    *("add_scoringmodel", "activate_model", "add_weightsurvey"),
    *("view_account", "change_account", "view_contact", "add_contact", "change_contact", "view_teammember"),
    *(
        "add_teammember",
        "change_teammember",
        "view_contract",
        "view_contractmilestone",
        "view_product",
        "view_revenuerecord",
    ),
    *("view_rating", "add_rating", "change_rating", "view_walletestimate", "add_walletestimate"),
    *("view_marketeffort", "add_marketeffort", "change_marketeffort"),
    *("add_policyversion", "activate_policy", "approve_accountplan", "view_policyversion", "view_promiseresult"),
    *("change_walletestimate", "view_importbatch", "view_scoringmodel", "view_tierrun", "view_score"),
    *("view_gradeperiod", "view_backtestrun", "add_backtestrun", "view_banddecision", "add_banddecision"),
    *("view_receivable", "add_receivable", "add_receivablepayment"),
    *("change_interaction", "add_sponsor", "change_sponsor", "add_discount", "approve_discount"),
    *("view_interaction", "view_servicerequest", "view_sponsor", "view_discount"),
)


EVALUATOR_PERMISSIONS = ("add_rating", "add_walletestimate")


def sellers_of(region: str) -> list[Person]:
    return [person for person in STAFF if person.role == SELLER and region in person.regions]


def holders_of(role: TeamRole) -> list[Person]:
    return [person for person in STAFF if person.role == role]
