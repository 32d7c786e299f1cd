"""The words of relationships: gaps, threads, layers, the same on page, in files and over REST."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.enums import Attitude
from accounts.enums_relations import Layer, OrganisationalLevel
from crm.web import formats
from metrics.formulas.relationships import Gap, Thread

GAP_WORDS = {
    Gap.NO_MAP: gettext_lazy("Nobody is in a buying centre"),
    Gap.NO_DECIDER: gettext_lazy("No decider is known"),
    Gap.NO_COACH: gettext_lazy("No coach"),
    Gap.DECIDER_AGAINST: gettext_lazy("A decider is against us"),
    Gap.DECIDER_SILENT: gettext_lazy("A decider was not contacted in time"),
}
GAP_CODES = {
    Gap.NO_MAP: "no_map",
    Gap.NO_DECIDER: "no_decider",
    Gap.NO_COACH: "no_coach",
    Gap.DECIDER_AGAINST: "decider_against",
    Gap.DECIDER_SILENT: "decider_silent",
}
THREAD_CODES = {
    Thread.SPREAD: "spread",
    Thread.ONE_CONTACT: "one_contact",
    Thread.ONE_OF_OURS: "one_of_ours",
    Thread.SILENT: "silent",
}
THREAD_WORDS = {
    Thread.SPREAD: gettext_lazy("Several people on both sides"),
    Thread.ONE_CONTACT: gettext_lazy("One single contact"),
    Thread.ONE_OF_OURS: gettext_lazy("All through one of us"),
    Thread.SILENT: gettext_lazy("Nobody met in 180 days"),
}
# Where each attitude stands on the map, from the left; not known comes first.
PLACES: tuple[int | None, ...] = (None, *sorted(Attitude.values))
UNKNOWN = gettext_lazy("not known")
TONES = {-2: "bad", -1: "warn", 0: "", 1: "good", 2: "good"}


def gaps_in(flags: int) -> list[Gap]:
    return [gap for gap in GAP_WORDS if flags & gap]


def gap_words(flags: int) -> list[str]:
    return [str(GAP_WORDS[gap]) for gap in gaps_in(flags)]


def attitude_words(attitude: int | None) -> str:
    return str(UNKNOWN) if attitude is None else str(Attitude(attitude).label)


def layer_value(layer: str, value: float | None) -> str:
    """A value or target in the unit of its layer."""
    if value is None:
        return "–"
    if layer == Layer.KEY:
        return formats.number(value, decimals=0)
    return formats.percent(value, decimals=0) if layer == Layer.GENERAL else formats.number(value, decimals=0)


def level_words(level: float | None) -> str:
    return "" if level is None else str(OrganisationalLevel(int(level)).label)


def yes_no(value: object) -> str:
    return _("yes") if value else _("no")
