"""Staff's way to scoring models (drafts can be edited) and to what the nights wrote (only looked at)."""

from tiering.admin import activation, backtests, model, overrides, results, weights

__all__ = ["activation", "backtests", "model", "overrides", "results", "weights"]
