# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subject alternative names: RFC 5280 section 4.2.1.6, host names of RFC 1123 section 2.1, IDNA 2008 A-labels."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .._core._errors import InputError
from .._thirdparty import idna, x509

__all__ = ["bare", "general_names", "name_covers", "parse_name", "parse_names", "shown_names", "without_zone"]

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
_ADDRESS_LIKE = re.compile(r"[0-9.]+|[0-9]+|0x[0-9a-f]+", re.ASCII)
_LONGEST = 253
_ZONE = re.compile(r"%[0-9A-Za-z._~-]{1,64}", re.ASCII)
_OTHER_KINDS = ("URI", "EMAIL", "RID", "DIRNAME", "OTHERNAME")


def parse_name(text: str, *, device: str = "this host", subject: str = "subject alternative name") -> str:
    """Bring one subject alternative name to its canonical form.

    Args:
        text: ``IP:192.0.2.1``, ``DNS:cam``, or the bare address or host name.
        device: Device or file that the error names.
        subject: Object that the error names.

    Returns:
        ``IP:`` with the shortest form of the address, or ``DNS:`` with the lower-case A-label form of the host name.

    Raises:
        InputError: It is neither an address nor a host name that a certificate may hold.
    """

    def refuse(expected: str, advice: str = "") -> t.NoReturn:
        raise InputError(device=device, subject=subject, found=repr(text), expected=expected, advice=advice)

    kind, colon, rest = text.strip().partition(":")
    kind = kind.strip().upper() if colon else ""
    if kind in _OTHER_KINDS:
        refuse("an IP: or a DNS: name", "No client of a camera checks names of another kind.")
    value = rest.strip() if kind in ("IP", "DNS") else text.strip()
    if "%" in value and ":" in value:
        refuse("an IPv6 address without a zone", "A certificate cannot hold a zone such as %eth0.")
    address = _address(value)
    if address is None and kind == "IP":
        refuse("an IPv4 or IPv6 address after IP:")
    if address is None:
        return f"DNS:{_host_name(value, refuse)}"
    if kind == "DNS":
        refuse("a host name after DNS:", "Write an address with IP: since clients never match an address by DNS:.")
    return f"IP:{_device_address(address, refuse)}"


def without_zone(host: str) -> str:
    """An IPv6 address without its zone (RFC 4007, section 11).

    A zone such as ``%eth0`` says by which of its own links this host reaches the address: that belongs to a connection
    and neither into a certificate nor before another host's eyes.

    Args:
        host: Address or host name.

    Returns:
        The address alone; whatever else it is, as it is.
    """
    address, percent, zone = host.partition("%")
    with_zone = ":" in address and _ZONE.fullmatch(f"{percent}{zone}") is not None
    return address if with_zone and _address(address) is not None else host


def parse_names(
    texts: t.Iterable[str], *, device: str = "this host", subject: str = "subject alternative names"
) -> tuple[str, ...]:
    """Bring subject alternative names to their canonical form, each once, in the given order.

    Args:
        texts: See :func:`parse_name`.
        device: Device or file that the error names.
        subject: Object that the error names.

    Returns:
        The names.

    Raises:
        InputError: One of them cannot be used, or there is none.
    """
    names = tuple(dict.fromkeys(parse_name(text, device=device, subject=subject) for text in texts))
    if not names:
        raise InputError(device=device, subject=subject, found="none", expected="at least one address or host name")
    return names


def name_covers(name: str, address: str) -> bool:
    """Whether a certificate's name covers what a client connects to (RFC 9525 section 6).

    Args:
        name: ``IP:…`` or ``DNS:…`` as in :class:`CertificateFacts`.
        address: Address or host name, IPv6 with or without brackets; its zone does not count.

    Returns:
        True when it does. ``*`` stands for exactly one whole label, the leftmost; ``DNS:`` never matches an address.
    """
    kind, _colon, value = name.partition(":")
    wanted_address = _address(without_zone(address))
    if wanted_address is not None:
        return kind == "IP" and _address(value) == wanted_address
    if kind != "DNS":
        return False
    try:
        wanted = bare(parse_name(f"DNS:{address}"))
    except InputError:
        return False
    value = value.lower().removesuffix(".")
    if wanted.startswith("*"):
        return False
    if value.startswith("*."):
        first, dot, rest = wanted.partition(".")
        return bool(first and dot) and rest == value[2:] and "." in rest
    return wanted == value


def general_names(names: t.Iterable[str]) -> list[x509.GeneralName]:
    """The names as ``cryptography`` wants them.

    Args:
        names: Canonical names.

    Returns:
        The same names, in the same order.
    """
    made: list[x509.GeneralName] = []
    for name in names:
        kind, _colon, value = name.partition(":")
        made.append(x509.IPAddress(ipaddress.ip_address(value)) if kind == "IP" else x509.DNSName(value))
    return made


def shown_names(names: t.Iterable[x509.GeneralName]) -> tuple[str, ...]:
    """The names of a certificate that a client checks.

    Args:
        names: The extension's names, possibly written by a device.

    Returns:
        ``IP:…`` and ``DNS:…``; names of other kinds are left out.
    """
    shown: list[str] = []
    for name in names:
        if isinstance(name, x509.IPAddress):
            value = name.value
            shown.append(f"IP:{getattr(value, 'compressed', value)}")
        elif isinstance(name, x509.DNSName):
            shown.append(f"DNS:{name.value}")
    return tuple(shown)


def bare(name: str) -> str:
    """A name without its kind.

    Args:
        name: ``IP:…`` or ``DNS:…``.

    Returns:
        The address or host name.
    """
    return name.partition(":")[2]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if "%" in text:
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _device_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address, refuse: t.Callable[..., t.NoReturn]) -> str:
    if address.is_unspecified or address.is_multicast:
        refuse("the address of one device")
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        refuse("an IPv4 address in its own form", f"Write IP:{address.ipv4_mapped}.")
    return address.compressed


def _host_name(value: str, refuse: t.Callable[..., t.NoReturn]) -> str:
    name = value.lower().removesuffix(".")
    if not name:
        refuse("an address or a host name")
    wildcard = name.startswith("*.")
    rest = name[2:] if wildcard else name
    if "*" in rest:
        refuse("'*' only as the whole leftmost label")
    if wildcard and "." not in rest:
        refuse("'*.' before a domain of at least two labels", "Clients refuse a wildcard for a whole top-level domain.")
    rest = _a_labels(rest, refuse)
    labels = rest.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        refuse(
            "labels of 1 to 63 letters, digits and inner hyphens, joined by dots",
            "An underscore is not allowed in a host name." if "_" in rest else "",
        )
    if _ADDRESS_LIKE.fullmatch(labels[-1]):
        refuse("an address or a host name", "A host name that ends in a number would be taken for an address.")
    name = f"*.{rest}" if wildcard else rest
    if len(name) > _LONGEST:
        refuse(f"at most {_LONGEST} characters")
    return name


def _a_labels(name: str, refuse: t.Callable[..., t.NoReturn]) -> str:
    if name.isascii() and "xn--" not in name:
        return name
    try:
        return idna.encode(name, uts46=True, transitional=False).decode("ascii").lower()
    except (UnicodeError, IndexError):  # idna.IDNAError is a UnicodeError
        refuse("a host name that IDNA 2008 allows")
