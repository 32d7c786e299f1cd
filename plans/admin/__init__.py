from plans.admin import policies, results, work

__all__ = ["policies", "results", "work"]
