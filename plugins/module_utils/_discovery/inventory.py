# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From answers to devices, and from devices to hosts of an inventory. No I/O."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .._core._errors import CamsecError, ProtocolError
from .._core._host import InventoryHost, InventoryHosts, group_name
from ._message import Match
from ._places import place, plain, read_xaddr
from ._scopes import read_scopes

__all__ = ["Device", "devices_from", "inventory_hosts"]

_UNSAFE = re.compile(r"[^a-z0-9-]+")
_LONGEST_NAME = 80
#: Ansible takes hosts of these names for the computer that it runs on.
_THIS_COMPUTER: t.Final = frozenset(("localhost", "127.0.0.1", "::1"))

#: A device as plain data, which may be kept in a cache.
Device = dict[str, t.Any]


def devices_from(
    answers: t.Iterable[tuple[str, Match]], *, foreign_address: str
) -> tuple[list[Device], list[CamsecError]]:
    """The devices that answered.

    Args:
        answers: Senders and what they claim.
        foreign_address: What to do with a claim that points to another host than the sender: ``ignore`` or ``use``.

    Returns:
        The devices by their addresses, each endpoint once, and what is to be said of the others.
    """
    by_endpoint: dict[str, dict[str, list[Match]]] = {}
    for sender, match in answers:
        by_endpoint.setdefault(match.endpoint.lower(), {}).setdefault(sender, []).append(match)
    devices: list[Device] = []
    complaints: list[CamsecError] = []
    for senders in by_endpoint.values():
        device, said = _device(senders, foreign_address)
        complaints += said
        if device is not None:
            devices.append(device)
    return sorted(devices, key=lambda device: (_order(device["address"]), device["endpoint"])), complaints


def _device(
    senders: t.Mapping[str, t.Sequence[Match]], foreign_address: str
) -> tuple[Device | None, list[CamsecError]]:
    """One endpoint: the first of its senders that it can be reached by counts."""
    complaints: list[CamsecError] = []
    known: list[Device] = []
    for sender in sorted(senders, key=_order):
        device = _located(sender, senders[sender], foreign_address)
        if isinstance(device, CamsecError):
            complaints.append(device)
        else:
            known.append(device)
    if known:
        complaints = []
    if len({device["address"] for device in known}) > 1:
        complaints.append(
            ProtocolError(
                device=known[0]["address"],
                subject="endpoint",
                found=f"{_shown(known[0]['endpoint'])} at {', '.join(device['address'] for device in known[1:4])} too",
                expected="it at one address",
                advice="The first address is used.",
            )
        )
    return (known[0] if known else None), complaints


def _located(sender: str, matches: t.Sequence[Match], foreign_address: str) -> Device | CamsecError:
    xaddrs = _together(match.xaddrs for match in matches)
    claims = [claim for claim in map(read_xaddr, xaddrs) if claim is not None]
    found = place(sender, claims, foreign_address=foreign_address)
    if found is None:
        others = ", ".join(dict.fromkeys(claim.host for claim in claims[:4])) or "no address of a service"
        return ProtocolError(
            device=sender,
            subject="discovery answer",
            found=others,
            expected="the address that the answer came from",
            advice="It is left out. foreign_address: use takes the device's word for another host.",
        )
    scopes = _together(match.scopes for match in matches)
    facts = read_scopes(scopes)
    return {
        "endpoint": matches[0].endpoint,
        "address": found.host,
        "sender": sender,
        "foreign": found.foreign,
        "http_port": found.http_port,
        "https_port": found.https_port,
        "xaddrs": list(found.xaddrs),
        "types": _together(match.types for match in matches),
        "scopes": scopes,
        "name": facts.name,
        "model": facts.hardware,
        "manufacturer": facts.manufacturer,
        "location": facts.location,
        "locations": list(facts.locations),
        "profiles": list(facts.profiles),
    }


def _together(lists: t.Iterable[t.Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(value for values in lists for value in values))


def _order(address: str) -> tuple[int, int, str]:
    """Numbers before names, IPv4 before IPv6, a link-local address last."""
    try:
        number = ipaddress.ip_address(plain(address))
    except ValueError:
        return 9, 0, address
    return number.version + 2 * number.is_link_local, int(number), address


def _shown(endpoint: str) -> str:
    return "".join(letter for letter in endpoint if letter.isprintable())[:_LONGEST_NAME]


# Hosts.


def inventory_hosts(devices: t.Iterable[Device], *, hostname: str) -> InventoryHosts:
    """Devices as hosts.

    Args:
        devices: The devices.
        hostname: What they are called: ``address`` or ``endpoint``.

    Returns:
        The hosts. A device of a name that is taken is left out with a warning.
    """
    hosts: dict[str, InventoryHost] = {}
    warnings: list[str] = []
    for device in devices:
        name = device["address"] if hostname == "address" else _endpoint_name(device["endpoint"])
        if name in hosts or name in _THIS_COMPUTER:
            warnings.append(
                f"{device['address']}: endpoint {_shown(device['endpoint'])}: found the name {name}, which another"
                " device or this computer has, expected a name of its own. It is left out."
                + (" Set hostname to endpoint." if hostname == "address" else "")
            )
        else:
            hosts[name] = InventoryHost(name=name, groups=_groups(device), variables=_variables(device))
    return InventoryHosts(hosts=tuple(hosts.values()), warnings=tuple(warnings))


def _endpoint_name(endpoint: str) -> str:
    """Its UUID where it has one; always with a prefix, so that no claim makes a name of another host."""
    plain_name = endpoint.lower().removeprefix("urn:").removeprefix("uuid:")
    return f"onvif-{_UNSAFE.sub('-', plain_name)[:_LONGEST_NAME].strip('-')}"


def _variables(device: Device) -> dict[str, t.Any]:
    ports = {f"camsec_{name}": device[name] for name in ("http_port", "https_port") if device[name] is not None}
    claims = (
        "endpoint",
        "types",
        "scopes",
        "xaddrs",
        "name",
        "model",
        "manufacturer",
        "location",
        "locations",
        "profiles",
    )
    return {
        "ansible_host": device["address"],
        **ports,
        "camsec_driver": "onvif",
        **{f"onvif_{name}": device[name] for name in claims},
        "onvif_sender": device["sender"],
        "onvif_foreign_address": device["foreign"],
    }


def _groups(device: Device) -> tuple[str, ...]:
    return (
        "camsec_discovered",
        *group_name("onvif_model", device["model"]),
        *group_name("onvif_location", device["location"]),
        *(name for profile in device["profiles"] for name in group_name("onvif_profile", profile)),
    )
