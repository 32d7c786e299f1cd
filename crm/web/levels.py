"""What figures are counted in, as pages offer and say it: one choice in the address, level and membership to services."""

from typing import Any

from django.utils.translation import gettext_lazy

from metrics.scope import Level, Membership
from metrics.services.base import Passport
from metrics.services.choices import Choices

GROUP_NOW = "group_now"  # in an address; "group" is groups as they were
LEVELS = (
    (str(Level.ENTITY), gettext_lazy("legal entities")),
    (str(Level.GROUP), gettext_lazy("groups, as they were")),
    (GROUP_NOW, gettext_lazy("groups, as they are today")),
)
_CHOICES: dict[str, Choices] = {
    str(Level.ENTITY): {"level": Level.ENTITY, "membership": Membership.AS_WAS},
    str(Level.GROUP): {"level": Level.GROUP, "membership": Membership.AS_WAS},
    GROUP_NOW: {"level": Level.GROUP, "membership": Membership.AS_NOW},
}


def known_level(text: str) -> str:
    """The choice an address names; legal entities for anything else."""
    return text if text in _CHOICES else str(Level.ENTITY)


def level_choices(text: str) -> Choices:
    """Level and membership as the services take them."""
    return _CHOICES[known_level(text)].copy()


def level_of(level: str, membership: str | None) -> str:
    """The choice in an address that asks for this level and membership."""
    return GROUP_NOW if level == Level.GROUP and membership == Membership.AS_NOW else level


def level_words(passport: Passport) -> Any:
    return dict(LEVELS)[level_of(passport.level, passport.membership)]
