"""The account of EX-16 in domain.md as a stored row of a published night."""

from datetime import date

from tests.factories import make_account
from tiering import evaluation
from tiering.enums import RunState, RunTrigger
from tiering.models import Score, ScoringModel, TierRun
from tiering.services import create_model

AS_OF = date(2026, 10, 31)
NAN = float("nan")
# Raw values of EX-16 in domain.md, money in yuan, and what the conditions read of a1 in EX-17.
RAW = {
    "S1": 12_500_000, "S2": 3_750_000, "S3": 0.3, "V1": 4, "V2": 3.5, "V3": 3, "P1": 0.1, "P2": 12_500_000, "P3": 4,
    "P4": NAN, "L1": 4, "L2": 11, "L3": 0.5, "L4": 0.9, "L5": NAN,
}  # fmt: skip
INPUT = {
    "revenue_ttm": 12_500_000, "revenue_prior_ttm": 11_000_000, "revenue_fy1": 12_000_000, "revenue_fy2": 11_000_000,
    "gross_profit_fy1": 3_000_000, "gross_profit_fy2": 3_000_000, "months": 48, "evaluators": 2, "business": 1,
    "opportunity": 1, "sal": 64, "str": 64.375, "gro": 66.764706, "gro_evidence": 0.85, "signal_points": 0,
    "overdue_31": 0, "overdue_61": 0, "overdue_90": 0,
}  # fmt: skip


def make_draft(**fields) -> ScoringModel:
    return create_model(preset="full", as_of=AS_OF, currency="CNY", **fields)


def make_night(model: ScoringModel, **fields) -> TierRun:
    run = TierRun.objects.create(
        **{"as_of": AS_OF, "model": model, "state": RunState.PUBLISHED, "trigger": RunTrigger.COMMAND}
        | {"published_at": "2026-11-01T00:00Z", "counts": {"gold": 1}, "matrix": [["general", "gold", 1]]}
        | {"phases": [{"name": "scores", "seconds": 0.5}]}
        | fields
    )
    run.base = run
    run.save()
    return run


def make_score(run: TierRun, **fields) -> Score:
    values = RAW | INPUT | fields.pop("raw", {})
    layout = evaluation.raw_layout(run.model.design())
    fields.setdefault("account", None)
    fields["account"] = fields["account"] or make_account()
    return Score.objects.create(
        **{
            "run": run,
            "base": run,
            "valid_from": run.as_of,
            "grade": "gold",
            "ladder": "gold",
            "previous_grade": "gold",
            "composite": 67.061397,
        }
        | {"evidence": 0.9475, "raw": [values[code] for code in layout], "contributions": [NAN] * len(RAW)}
        | fields
    )
