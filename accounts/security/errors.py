from datetime import datetime

from crm.lib.exceptions import CrmError


class LoginRefused(CrmError):
    """A log-in, a code or a link that is not accepted. ``reason`` is a LoginReason; ``free_at``: when a lock ends."""

    code = "login-refused"
    status = 403

    def __init__(self, message: str, *, reason: str, free_at: datetime | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.free_at = free_at
