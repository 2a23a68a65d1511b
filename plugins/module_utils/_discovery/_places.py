# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom to ask, and at which address a device that answered is reached. No I/O."""

from __future__ import annotations

import dataclasses as dc
import ipaddress
import re
import typing as t
import urllib.parse

from .._core._errors import InputError

__all__ = ["MOST_ADDRESSES", "Place", "XAddr", "place", "plain", "read_xaddr", "single_addresses"]

#: A network of 4,096 addresses is a /20; more would be asked in vain for minutes.
MOST_ADDRESSES: t.Final = 4096
_PORTS: t.Final = {"http": 80, "https": 443}
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


@dc.dataclass(frozen=True, kw_only=True)
class XAddr:
    """Where a device says that its device service is.

    Attributes:
        url: The whole URL, as it was claimed.
        scheme: ``http`` or ``https``.
        host: Address without a zone, or host name in lower case.
        port: TCP port.
    """

    url: str
    scheme: str
    host: str
    port: int


@dc.dataclass(frozen=True, kw_only=True)
class Place:
    """At which address a device is reached.

    Attributes:
        host: Address, a link-local IPv6 address with its zone here, or host name.
        http_port: TCP port, None when it claims no such service.
        https_port: The same for HTTPS.
        xaddrs: The URLs that this was taken from.
        foreign: It is another host than the one that answered.
    """

    host: str
    http_port: int | None
    https_port: int | None
    xaddrs: tuple[str, ...]
    foreign: bool


def single_addresses(texts: t.Iterable[str]) -> tuple[str, ...]:
    """Addresses and networks as single addresses.

    Args:
        texts: ``192.0.2.7``, ``192.0.2.0/24``, ``fe80::1%eth0``.

    Returns:
        The addresses, each once; of a network without its own address and the broadcast address.

    Raises:
        InputError: One is neither, or they are more than :data:`MOST_ADDRESSES`.
    """
    found: dict[str, None] = {}
    for text in texts:
        network = _network(text)
        size = network.num_addresses if network is not None else 1
        if len(found) + size > MOST_ADDRESSES + 2:
            _too_many(text)
        found.update(dict.fromkeys([text] if network is None else map(str, network.hosts())))
        if len(found) > MOST_ADDRESSES:
            _too_many(text)
    return tuple(found)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network, None for a single address with a zone."""
    try:
        if "%" in text:
            ipaddress.IPv6Address(text)
            network = None
        else:
            network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise _bad(text, "an IPv4 or IPv6 address, or a network such as 192.0.2.0/24") from None
    if network is not None and (network.is_multicast or network.is_unspecified):
        raise _bad(text, "addresses of devices")
    return network


def _bad(text: str, expected: str) -> InputError:
    return InputError(device="discovery", subject="addresses", found=repr(text), expected=expected)


def _too_many(text: str) -> t.NoReturn:
    raise _bad(text, f"at most {MOST_ADDRESSES} addresses in all")


def read_xaddr(url: str) -> XAddr | None:
    """Read where a device says that it is.

    Args:
        url: The claim.

    Returns:
        Its parts, None when it is no such URL.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or parts.username is not None or port == 0 or not url.isprintable():
        return None
    address = _address(host)
    if address is None and not (_HOST_NAME.fullmatch(host) and re.search(r"[a-z]", host.rpartition(".")[2])):
        return None
    if address is not None and (address.is_multicast or address.is_unspecified):
        return None
    name = host if address is None else plain(str(address))
    return XAddr(url=url, scheme=scheme, host=name, port=port or _PORTS[scheme])


def plain(address: str) -> str:
    """An address without its zone: a zone is the sender's own name of a network card and means nothing elsewhere.

    Args:
        address: The address.

    Returns:
        Its shortest form.
    """
    return address.partition("%")[0]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def place(sender: str, xaddrs: t.Iterable[XAddr], *, foreign_address: str) -> Place | None:
    """At which address a device is reached.

    Args:
        sender: Address that the answer came from, a link-local one with its zone.
        xaddrs: What it claims.
        foreign_address: ``ignore``, or ``use`` for claims of other hosts where it claims none for itself.

    Returns:
        The place, None when it claims none that counts.
    """
    claims = list(xaddrs)
    own = [claim for claim in claims if claim.host == plain(sender)]
    if own:
        return _place(sender, own, foreign=False)
    if foreign_address != "use":
        return None
    for claim in claims:
        host = _with_zone(claim.host, sender)
        if host is not None:
            return _place(host, [one for one in claims if one.host == claim.host], foreign=True)
    return None


def _with_zone(host: str, sender: str) -> str | None:
    """A link-local address is on the network card that the answer came through; None where that is not known."""
    address = _address(host)
    if address is None or address.version == 4 or not address.is_link_local:
        return host
    zone = sender.partition("%")[2]
    return f"{host}%{zone}" if zone else None


def _place(host: str, claims: t.Sequence[XAddr], *, foreign: bool) -> Place:
    ports = {claim.scheme: claim.port for claim in reversed(claims)}
    return Place(
        host=host,
        http_port=ports.get("http"),
        https_port=ports.get("https"),
        xaddrs=tuple(claim.url for claim in claims),
        foreign=foreign,
    )
