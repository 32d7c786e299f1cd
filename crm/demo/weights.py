"""How the demo company came by its next weights: three people compared the dimensions, and a draft waits for approval."""

from collections.abc import Mapping
from datetime import date, timedelta

from django.contrib.auth.models import Permission

from accounts.models import User
from tiering.models import ScoringModel
from tiering.services_activation import propose_activation
from tiering.services_weights import close_survey, give_judgements, open_survey, take_over_survey

TITLE = "What makes a customer valuable to us"
WHY = "Sales, solutions and delivery have compared the four dimensions: strategic value is to count for more."
DAYS_AHEAD = 14
PAIRS = (("SAL", "STR"), ("SAL", "GRO"), ("SAL", "LOY"), ("STR", "GRO"), ("STR", "LOY"), ("GRO", "LOY"))
# Of each pair in turn: 1 both alike, 2 to 9 the first matters more, below zero the second. The last contradicts herself.
JUDGEMENTS = {
    "manager": (1, 2, 3, 2, 3, 2),
    "zhao.yawen": (-2, 1, 2, 2, 3, 2),
    "ingrid.lindqvist": (2, 3, -2, 2, 1, 3),
}
# The same over what loyalty is made of: years, months with an order, share of wallet, paid on time, satisfaction.
OPEN_TITLE = "Inside loyalty"


def judge_weights(model: ScoringModel, users: Mapping[str, User], *, today: date) -> None:
    """A closed survey, the draft that took its weights over, its proposal, and a second survey that still waits."""
    manager, judges = users["manager"], [users[name] for name in JUDGEMENTS]
    right = Permission.objects.get(codename="judge_weights")
    for judge in judges:
        judge.user_permissions.add(right)
    survey = open_survey(model=model, part="", title=TITLE, judges=judges, created_by=manager)
    for name, scales in JUDGEMENTS.items():
        give_judgements(survey=survey, judge=users[name], scales=dict(zip(PAIRS, scales, strict=True)))
    close_survey(survey=survey)
    draft = take_over_survey(survey=survey, base=model, by=manager)
    propose_activation(
        model=draft, proposed_by=manager, effective_on=today + timedelta(days=DAYS_AHEAD), text=WHY, today=today
    )
    open_survey(model=model, part="LOY", title=OPEN_TITLE, judges=judges, created_by=manager)
