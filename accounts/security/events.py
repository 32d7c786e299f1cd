"""The log of log-ins: who, when, from where, with what result, and why not."""

from datetime import datetime

from accounts.enums_logins import LoginEventKind
from accounts.models import LoginEvent, User
from accounts.security.visitors import Visitor


def record(
    kind: LoginEventKind,
    *,
    now: datetime,
    user: User | None = None,
    actor: User | None = None,
    reason: str = "",
    username: str = "",
    visitor: Visitor | None = None,
    detail: str = "",
) -> LoginEvent:
    """Add a line. With a ``reason`` it tells of a refusal; ``actor`` only where somebody else than ``user`` did it."""
    visitor = visitor or Visitor()
    return LoginEvent.objects.create(
        at=now,
        kind=kind,
        ok=not reason,
        reason=reason,
        user=user,
        actor=actor if actor != user else None,
        username=username[:254],
        address=visitor.address,
        agent=visitor.agent,
        detail=detail[:300],
    )
