"""Staff's way to scoring models (drafts can be edited) and to what the nights wrote (only looked at)."""

from tiering.admin import backtests, model, overrides, results

__all__ = ["backtests", "model", "overrides", "results"]
