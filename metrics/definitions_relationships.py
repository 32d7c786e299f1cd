"""Figures of relationships with people at the customer, for the catalogue (domain.md 5.1 to 5.3)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.metric import Direction, Metric, Unit

PEOPLE = _("people in active buying centres, the log of attitudes and the log of interactions, until the day")
MET = _("contacts by department and level, and visits, calls and meetings of the last 180 days")

RELATIONSHIPS = (
    Metric(
        "relationships", _("Relationships"), Unit.GROUP_OF_FIGURES, Direction.UP,
        _("Key people, breadth, and company to company, each against its target"), PEOPLE,
        _("How do we stand with the people who decide, how many do we know, and how close are the companies?"),
    ),
    Metric("key_relationship_score", _("Key relationship score"), Unit.NUMBER, Direction.UP,
           _("Σ influence × [50 + (s − 50) × f] ÷ Σ influence, s = (attitude + 2) ÷ 4 × 100, f = 1 within the contact "
             "cadence, else 0.5 ^ ((days − cadence) ÷ cadence)"), PEOPLE,
           _("From 0 to 100, 50 is neutral. What we have not confirmed by a contact for long drifts to 50; so does a person "
             "nobody has met. Of several accounts it is their mean.")),
    Metric("relationship_coverage", _("Coverage of departments and levels"), Unit.RATE, Direction.UP,
           _("Cells of department × level with somebody met ÷ cells that have to be known"), MET,
           _("Which cells have to be known follows from the grade, or from what was decided for the account. Of several "
             "accounts it is their mean.")),
    Metric("organisational_level", _("Organisational level"), Unit.NUMBER, Direction.UP,
           _("Highest level whose evidence counts on the day; 1 without evidence"),
           _("evidence of levels with its days"),
           _("1 transactional, 2 approved supplier or framework, 3 yearly plan and regular review, 4 executives visit each "
             "other, 5 strategic agreement. Of several accounts it is their mean.")),
    Metric("mapped_accounts", _("Accounts with a map of who decides"), Unit.COUNT, Direction.UP,
           _("Accounts with somebody in an active buying centre"), PEOPLE, _("Where the key score can be known at all.")),
    Metric("gap_accounts", _("Accounts with a gap among those who decide"), Unit.COUNT, Direction.DOWN,
           _("Accounts with a map that lacks a decider or a coach, or whose decider is against us or was not contacted "
             "within the cadence"), PEOPLE, _("Each gap is named on the page of its account.")),
    Metric("single_threaded_accounts", _("Accounts on a single thread"), Unit.COUNT, Direction.DOWN,
           _("Accounts with one single contact met in 180 days, or all of them met by one of us"), MET,
           _("One person leaves, and the relationship is gone.")),
)  # fmt: skip
