"""Staff's way to scoring models (drafts can be edited) and to what the nights wrote (only looked at)."""

from tiering.admin import model, results

__all__ = ["model", "results"]
