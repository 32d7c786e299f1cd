"""The one error of the pure reading part. No Django import; the words are in accounts/imports/reasons.py."""

from crm.lib.exceptions import CrmError


class Unreadable(CrmError):
    """A file that cannot be taken as it is. ``reason`` is a key of reasons.REFUSALS, ``details`` fill its sentence."""

    code = "unreadable-file"
    status = 422

    def __init__(self, reason: str, **details: object) -> None:
        super().__init__(reason, **details)
        self.reason = reason
