"""S5, customer lifetime value, as an indicator that a model may take (domain.md 2.4, 3.1).

It is a model of the whole base: one account's orders move the fit, and with it the value of all the others. So it is
counted anew every night for everybody, and a night with it takes nothing from what earlier ones kept.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import numpy as np

from metrics.scope import Scope
from tiering.enums import IndicatorCode
from tiering.grading import FLAG_DTYPE, Flag
from tiering.grouping import Ints, places_of
from tiering.scoring import Floats

# Indicators whose value for one account hangs on all the others: with them no account's night can be left out.
OF_THE_WHOLE_BASE = frozenset({IndicatorCode.S5})


def measured(codes: Collection[str], scope: Scope, ids: Ints, *, as_of: date) -> tuple[dict[str, Floats], Ints]:
    """(code → value, bits of Flag that say why it is missing), shape (n,); nothing and no query where S5 is not asked for.

    scope : every account, in the currency of the model. Run it in the snapshot in which everything else is read.
    """
    flags = np.zeros(len(ids), dtype=FLAG_DTYPE)
    if IndicatorCode.S5 not in codes:
        return {}, flags
    from metrics.services.lifetime_values import Unknown, lifetime_values  # takes SciPy along

    bits = {
        Unknown.GRADE_C: Flag.CLV_UNTRUSTED, Unknown.NO_AMOUNT: Flag.CLV_NO_AMOUNT, Unknown.NO_COST: Flag.CLV_NO_COST,
    }  # fmt: skip
    found = lifetime_values(scope, as_of=as_of)
    here = np.isin(found.account_ids, ids)
    places = places_of(found.account_ids[here], among=ids)
    values = np.full(len(ids), np.nan)
    values[places] = found.clv[here]
    flags[:] = int(Flag.CLV_UNTRUSTED)  # who never ordered has no history to trust
    flags[places] = 0
    for why, bit in bits.items():
        flags[places] |= np.where(found.unknown[here] == why, int(bit), 0)
    return {IndicatorCode.S5: values}, flags
