from django.db import models


class FactChange(models.Model):
    """A change of which accounts there are, or of a fact of theirs that figures rest on: closing, group, earlier history.

    Written by triggers, one row a statement that adds or removes accounts and one an account whose facts change. Nobody
    reads the rows: their number and the last of them say whether an answer computed before still holds.
    """

    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.changed_at:%Y-%m-%d %H:%M:%S}"
