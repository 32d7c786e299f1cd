"""What the codes of cohorts, sleepers and kinds of customers are called on screen."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from metrics.formulas.cohorts import CohortBase
from metrics.formulas.rfm import RfmSegment, ValueBand
from metrics.services.churn import LossState
from metrics.services.segments import BandAction
from metrics.services.sleepers import NextStep, SleepState

SHARE_BASES = {
    CohortBase.FIRST_PERIOD: _("the first period, a part of one"),
    CohortBase.FIRST_FULL_PERIOD: _("the first full period"),
}
STATES = {
    SleepState.LATE: _("later than its rhythm"),
    SleepState.CHURNED: _("churned"),
}
LOSSES = {
    LossState.CHURNED: _("churned"),
    LossState.LAPSED: _("lapsed"),
}
STEPS = {
    NextStep.OFFER: _("Call with an offer of its own"),
    NextStep.CONTACT: _("Contact with a promotion"),
    NextStep.WIN_BACK: _("Visit and win back"),
    NextStep.DECIDE: _("Last try, then close"),
}
SEGMENTS = {
    RfmSegment.CHAMPION: _("Champions"),
    RfmSegment.CANNOT_LOSE: _("Champions gone silent"),
    RfmSegment.AT_RISK: _("Frequent buyers gone silent"),
    RfmSegment.LOYAL: _("Loyal"),
    RfmSegment.LARGE_OCCASIONAL: _("Large and occasional"),
    RfmSegment.NEW: _("Just begun"),
    RfmSegment.GROWING: _("Growing"),
    RfmSegment.NEEDS_ATTENTION: _("Slipping"),
    RfmSegment.ABOUT_TO_SLEEP: _("Fading"),
    RfmSegment.LARGE_ASLEEP: _("Large, long silent"),
    RfmSegment.HIBERNATING: _("Hibernating"),
    RfmSegment.LOST: _("Nearly lost"),
}
BANDS = {
    ValueBand.HIGH: _("High value"),
    ValueBand.MID: _("Middle value"),
    ValueBand.LOW: _("Low value"),
}
ACTIONS = {
    BandAction.FOCUS: _("Focus: the best people, visits and offers of their own"),
    BandAction.CULTIVATE: _("Cultivate: find what would make them buy more"),
    BandAction.REASSESS: _("Re-assess: keep, improve or end"),
}


def worded(codes: NDArray[np.str_], words: Mapping[StrEnum, Any]) -> NDArray[np.object_]:
    """The words of each code, in the reader's language; empty for none."""
    known, place = np.unique(codes, return_inverse=True)
    texts = {code.value: str(text) for code, text in words.items()}
    return np.array([texts.get(str(code), "") for code in known], dtype=object)[place]
