"""Where a request comes from, for the log of log-ins and its limits."""

import ipaddress
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from accounts.models.logins import AGENT_LENGTH


@dataclass(frozen=True, slots=True)
class Visitor:
    """``address`` is None where it cannot be told (a socket, a command); ``agent`` is what the browser calls itself."""

    address: str | None = None
    agent: str = ""

    @property
    def neighbourhood(self) -> str:
        """What counts as one address: an IPv4 address, or the /64 network that one IPv6 subscriber holds."""
        if self.address is None:
            return ""
        found = ipaddress.ip_address(self.address)
        if found.version == 4:
            return str(found)
        return str(ipaddress.ip_network((found, 64), strict=False))


def visitor_of(request: HttpRequest) -> Visitor:
    """The address is what the outermost of TRUSTED_PROXIES saw: what stands left of it, the client may have written."""
    told = request.META.get("REMOTE_ADDR", "")
    proxies: int = settings.TRUSTED_PROXIES
    if proxies:
        seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        told = seen[-proxies] if len(seen) >= proxies else told
    agent = request.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[:AGENT_LENGTH]
    return Visitor(address=_address(told), agent=agent)


def _address(text: str) -> str | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found).partition("%")[0]
