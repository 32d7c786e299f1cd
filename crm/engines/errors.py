"""What can go wrong with the embedded engines, said in one line that names the next step."""

from crm.lib.exceptions import CrmError


class EngineError(CrmError):
    """An engine could not be made, started or reached."""
