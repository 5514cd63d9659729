"""Which address a PSA may have: https on the public internet, or the sandbox on this machine by explicit setting.

Belongs here: checking the base URL, and the address that its name turned out to have, before anything is sent.
Does not belong here: paths below the base URL, which are each vendor's own.
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from resources.psa.errors import Refused

_SET = "Set it to the host root, for example https://api-na.myconnectwise.net"


def checked_base_url(text: str, *, allow_loopback: bool) -> str:
    """The base URL without a trailing slash. Raises ``Refused`` with what is wrong.

    Private, link-local and reserved addresses are refused whatever their spelling, so that a setting cannot turn
    this process against its own network; loopback is for the sandbox, by explicit setting.
    """
    parts = _split(text)
    if parts.username is not None or parts.password is not None:
        raise Refused(f"psa.base_url holds credentials: they belong in the environment. {_SET}")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise Refused(f"psa.base_url has a path or query: the vendor's path is added by TrueUp. {_SET}")
    host = parts.hostname or ""
    if is_loopback_name(host) and not allow_loopback:
        raise Refused(f"psa.base_url names this machine ({host}): only the sandbox, with psa.allow_loopback")
    if parts.scheme == "http" and not is_loopback_name(host):
        raise Refused(f"psa.base_url is http, so credentials would travel in the clear: use https. {_SET}")
    _check_literal(host, allow_loopback=allow_loopback)
    return f"{parts.scheme}://{parts.netloc}"


def stranger(host: str, vendor: str, domains: Sequence[str]) -> Refused:
    """What is said of a host that is none of a vendor's who hosts all tenants itself: no credential goes there."""
    known = " or ".join(f".{domain}" for domain in domains)
    return Refused(
        f"psa.base_url names {host:.80}, which is no host of {vendor}'s: those end with {known}. Nothing was sent. "
        "Correct psa.base_url, or psa.kind"
    )


def connection_guard(*, allow_loopback: bool) -> Callable[[str, Mapping[str, Any]], None]:
    """A trace hook for httpx that looks at the peer of every new connection before a byte is sent.

    A public name may lead to a private address, and another one at each look-up; only the connected peer is sure.
    Raises ``Refused`` and closes the connection.
    """

    def guard(event: str, info: Mapping[str, Any]) -> None:
        if event != "connection.connect_tcp.complete":
            return
        stream = info["return_value"]
        peer = ipaddress.ip_address(stream.get_extra_info("server_addr")[0].partition("%")[0])
        if not _is_allowed(peer, allow_loopback=allow_loopback):
            stream.close()
            raise Refused(f"psa.base_url leads to {peer}, {_kind(peer)}. Nothing was sent. {_SET}")

    return guard


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text.strip())
        _ = parts.port  # raises when the port is no number
    except ValueError as error:
        raise Refused(f"psa.base_url is no address ({error}). {_SET}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Refused(f"psa.base_url must be https and a host. {_SET}")
    return parts


def is_loopback_name(host: str) -> bool:
    """Whether a host is this machine by its name or literal address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return _unmapped(ipaddress.ip_address(host)).is_loopback
    except ValueError:
        return False


def _check_literal(host: str, *, allow_loopback: bool) -> None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return
    if not _is_allowed(address, allow_loopback=allow_loopback):
        raise Refused(f"psa.base_url is {address}, {_kind(address)}. {_SET}")


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _is_allowed(address: _Address, *, allow_loopback: bool) -> bool:
    plain = _unmapped(address)
    if plain.is_loopback:
        return allow_loopback
    return plain.is_global and not plain.is_multicast


def _kind(address: _Address) -> str:
    return "an address of this machine" if _unmapped(address).is_loopback else "an address of a private network"


def _unmapped(address: _Address) -> _Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
