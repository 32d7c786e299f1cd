from plans.admin import policies, results, teams, work

__all__ = ["policies", "results", "teams", "work"]
