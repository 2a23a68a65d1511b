# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name constraints: RFC 5280 sections 4.2.1.10 and 6.1.4, as openssl applies them, the common name included."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .._core._errors import InputError
from .._thirdparty import x509
from .._tls._certificate import CertificateFacts
from .._tls._names import bare, parse_name

__all__ = ["common_name_within", "name_constraints", "outside", "parse_permitted", "violation"]

_EVERY_ADDRESS: t.Final = ("0.0.0.0/0", "::/0")
#: What openssl takes for a host name in a common name: letters, digits, hyphens, and a dot inside.
_HOST_LIKE: t.Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def parse_permitted(texts: t.Iterable[str]) -> tuple[str, ...]:
    """Bring permitted names to their canonical form, each once.

    Args:
        texts: ``IP:192.0.2.0/24``, ``DNS:example.org`` (it and everything below it), or either without its kind.

    Returns:
        The same names, each with its kind.

    Raises:
        InputError: One of them is neither a network nor a domain.
    """
    return tuple(dict.fromkeys(_permitted(text) for text in texts))


def name_constraints(permitted: t.Sequence[str]) -> x509.NameConstraints:
    """The extension for permitted names; a kind of which nothing is permitted is excluded as a whole.

    Without that, an authority for a network alone could issue for any host name (RFC 5280 section 4.2.1.10).

    Args:
        permitted: Canonical names, at least one.

    Returns:
        The extension.
    """
    domains = [x509.DNSName(bare(name)) for name in permitted if name.startswith("DNS:")]
    networks = [x509.IPAddress(ipaddress.ip_network(bare(name))) for name in permitted if name.startswith("IP:")]
    excluded: list[x509.GeneralName] = [] if domains else [x509.DNSName("")]
    if not networks:
        excluded += [x509.IPAddress(ipaddress.ip_network(every)) for every in _EVERY_ADDRESS]
    return x509.NameConstraints([*networks, *domains], excluded or None)


def outside(names: t.Iterable[str], common_name: str, constraints: x509.NameConstraints) -> tuple[str, ...]:
    """The names that are not allowed.

    Args:
        names: Subject alternative names, ``IP:…`` and ``DNS:…``.
        common_name: Of the subject: openssl takes one with a dot for a host name where no other is given, even an
            address.
        constraints: The extension of a certificate above.

    Returns:
        Those outside of it.
    """
    checked = list(names)
    if _HOST_LIKE.fullmatch(common_name) and not any(name.startswith("DNS:") for name in checked):
        checked.append(f"DNS:{common_name}")
    return tuple(name for name in checked if not _allowed(name, constraints))


def violation(facts: CertificateFacts, above: t.Iterable[CertificateFacts]) -> str:
    """Which names of a certificate the certificates above it do not allow.

    Args:
        facts: The certificate.
        above: Those up to its root; each holds its DER.

    Returns:
        What was found, for an error; empty when all names are allowed.
    """
    for authority in above:
        constraints = _constraints_of(authority)
        found = () if constraints is None else outside(facts.subject_alt_names, facts.subject_common_name, constraints)
        if found:
            return f"{', '.join(found)}, which the name constraints of {authority.subject} do not allow"
    return ""


def common_name_within(host: str, above: t.Iterable[CertificateFacts]) -> str:
    """The common name of a device that is known by an address or host name.

    Args:
        host: Address or host name.
        above: The authorities that its certificate will be below; each holds its DER.

    Returns:
        The host; ``192-0-2-11`` for ``192.0.2.11`` where clients would take it for a host name that is not allowed.
    """
    limits = [found for one in above if (found := _constraints_of(one)) is not None]
    return host.replace(".", "-") if any(outside((), host, one) for one in limits) else host


def _permitted(text: str) -> str:
    kind, colon, rest = text.strip().partition(":")
    value = rest.strip() if colon and kind.strip().upper() in ("IP", "DNS") else text.strip()
    network = None if kind.strip().upper() == "DNS" and colon else _network(value)
    if network is not None:
        return f"IP:{network}"
    if value.startswith((".", "*")) or "/" in value or (colon and kind.strip().upper() == "IP"):
        raise InputError(
            device="this host",
            subject="permitted_names",
            found=repr(text),
            expected="a network such as IP:192.0.2.0/24, without bits of a host, or a domain such as DNS:example.org",
            advice="A domain stands for itself and all names below it.",
        )
    return parse_name(f"DNS:{value}", subject="permitted_names")


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _constraints_of(facts: CertificateFacts) -> x509.NameConstraints | None:
    try:
        extensions = x509.load_der_x509_certificate(facts.der).extensions
        return extensions.get_extension_for_class(x509.NameConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _allowed(name: str, constraints: x509.NameConstraints) -> bool:
    if any(_within(name, subtree) for subtree in constraints.excluded_subtrees or ()):
        return False
    kind = x509.IPAddress if name.startswith("IP:") else x509.DNSName
    same_kind = [subtree for subtree in constraints.permitted_subtrees or () if isinstance(subtree, kind)]
    return not same_kind or any(_within(name, subtree) for subtree in same_kind)


def _within(name: str, subtree: x509.GeneralName) -> bool:
    value = bare(name)
    if isinstance(subtree, x509.IPAddress):
        network = t.cast("ipaddress.IPv4Network | ipaddress.IPv6Network", subtree.value)
        if not name.startswith("IP:"):
            return False
        address = ipaddress.ip_address(value)
        return address.version == network.version and address in network
    if not isinstance(subtree, x509.DNSName) or not name.startswith("DNS:"):
        return False
    domain = subtree.value.lower()
    host = value.lower().removesuffix(".").removeprefix("*.")
    # With a leading dot openssl means the names below alone; empty means every name.
    return not domain or host == domain or host.endswith(domain if domain.startswith(".") else f".{domain}")
