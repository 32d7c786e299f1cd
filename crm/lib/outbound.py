"""The one door through which Facet itself calls an address on the network. Closed unless a setting opens it.

The name is resolved once, every address found is judged, and the connection goes to the address that was judged: a name
that answers otherwise a moment later changes nothing. Redirects are never followed. What is refused is refused before a
byte leaves.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext as _

from crm.lib.exceptions import CrmError

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
ANSWER_BYTES = 2_000
LONGEST_URL = 500
# Ranges inside IPv6 that carry an IPv4 address: where that one is private, so is the whole.
NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutboundRefused(CrmError):
    """An address that is not called. The message says why and what would be called."""

    code = "outbound-refused"
    status = 422


class OutboundFailed(CrmError):
    """The address could not be reached, or did not answer in time."""

    code: ClassVar[str] = "outbound-failed"
    status = 502


@dataclass(frozen=True, slots=True)
class Door:
    """What may be called.

    is_open : whether anything leaves at all
    private_hosts : host names, or host:port, inside the company's network that may be called all the same, by http too
    """

    is_open: bool
    private_hosts: frozenset[str] = frozenset()

    def knows(self, parts: SplitResult) -> bool:
        host = (parts.hostname or "").lower()
        return bool({host, f"{host}:{_port(parts)}"} & self.private_hosts)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str


def check_url(url: str, door: Door) -> SplitResult:
    """The parts of an address that may be called by its spelling; raises OutboundRefused. Nothing is resolved."""
    if not door.is_open:
        raise OutboundRefused(_("Calls to other systems are switched off: an operator can set OUTBOUND=1."))
    if len(url) > LONGEST_URL or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url) or "\\" in url:
        raise OutboundRefused(_("The address holds blanks, control signs or backslashes, or is too long."))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OutboundRefused(_("This is no address: write it like https://example.com/hook.")) from None
    if parts.username is not None or parts.password is not None:
        raise OutboundRefused(_("The address holds a name or a password: they would end up in logs."))
    if not parts.hostname or parts.fragment:
        raise OutboundRefused(_("This is no address: write it like https://example.com/hook."))
    if port == 0:
        raise OutboundRefused(_("Port 0 cannot be called."))
    allowed = {"https", "http"} if door.knows(parts) else {"https"}
    if parts.scheme not in allowed:
        raise OutboundRefused(_("Only https addresses are called."))
    return parts


def resolve(parts: SplitResult, door: Door) -> str:
    """The address to connect to; raises OutboundRefused if any that the name has lies inside a private network."""
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(host, _port(parts), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OutboundFailed(_("The name %(host)s is not known.") % {"host": host}) from None
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    if not addresses:
        raise OutboundFailed(_("The name %(host)s is not known.") % {"host": host})
    if not door.knows(parts) and not all(is_public(ipaddress.ip_address(address)) for address in addresses):
        raise OutboundRefused(
            _("%(host)s lies inside a private network. An operator can name it in OUTBOUND_PRIVATE_HOSTS.")
            % {"host": host}
        )
    return addresses[0]


def is_public(address: Address) -> bool:
    """Whether the address is one of the open internet, with every IPv4 address that it may carry inside."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in NAT64 or int(address) >> 32 == 0:
            inside.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if any(one is not None and not is_public(one) for one in inside):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def post(url: str, *, body: bytes, headers: Mapping[str, str], door: Door) -> Answer:
    """Send ``body`` and give the answer with the first bytes of its text.

    raises OutboundRefused : the address may not be called; nothing was sent
    raises OutboundFailed : no connection, no proof of who answers, or no answer in time
    """
    import urllib3

    parts = check_url(url, door)
    address = resolve(parts, door)
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    pool: urllib3.HTTPConnectionPool
    if parts.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            address, _port(parts), timeout=timeout, server_hostname=parts.hostname, assert_hostname=parts.hostname
        )
    else:
        pool = urllib3.HTTPConnectionPool(address, _port(parts), timeout=timeout)
    try:
        with pool:
            answer = pool.urlopen(
                "POST", target, body=body, headers={**headers, "Host": parts.netloc}, retries=False, redirect=False,
                preload_content=False, assert_same_host=False,
            )  # fmt: skip
            text = answer.read(ANSWER_BYTES, decode_content=False).decode("utf-8", "replace")
            answer.close()
            return Answer(answer.status, text)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise OutboundFailed(f"{type(error).__name__}: {error}"[:300]) from error


def hosts(names: Collection[str]) -> frozenset[str]:
    """Names of a setting as they are compared."""
    return frozenset(name.strip().lower() for name in names if name.strip())


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)
