# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every device module has, and what they become."""

from __future__ import annotations

import typing as t

from ._core._errors import InputError
from ._core._secret import Secret
from ._tls._names import parse_name, without_zone
from ._transport._connection import Trust
from ._transport._contact import FIRST_CONTACT_CHOICES, Target
from ._transport._session import Credentials

__all__ = ["CONTACT_OPTIONS", "DEVICE_OPTIONS", "secret", "target_from"]

#: Argument specification of the document fragment ``camsec.fleet.device``.
DEVICE_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "host": {"type": "str"},
    "http_port": {"type": "int", "default": 80},
    "https_port": {"type": "int", "default": 443},
    "former_https_port": {"type": "int"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "ca_path": {"type": "path"},
    "spki_sha256": {"type": "list", "elements": "str", "default": []},
    "first_contact": {"type": "str", "choices": list(FIRST_CONTACT_CHOICES), "default": "refuse"},
    "timeout": {"type": "float", "default": 10.0},
}
#: How to reach a device and by what to trust it: a task without ``host`` takes these from the inventory.
CONTACT_OPTIONS: t.Final[tuple[str, ...]] = tuple(name for name in DEVICE_OPTIONS if name != "host")


def secret(value: str | None) -> Secret | None:
    """A secret option.

    Args:
        value: As Ansible gave it.

    Returns:
        The secret, None when the option was not given.
    """
    return None if value is None else Secret(value)


def target_from(params: t.Mapping[str, t.Any], *, ca_path: str | None = None) -> Target:
    """The device that the options name.

    Args:
        params: The module's options.
        ca_path: Trusted certificates where ``ca_path`` was not given.

    Returns:
        The target.

    Raises:
        InputError: There is no host or account, or it cannot be one, a pin is not a SHA-256, or a port is not one.
    """
    host = _given(params, "host", device="no device")
    parse_name(without_zone(host), device=host, subject="host")
    username, password = _given(params, "username", device=host), _given(params, "password", device=host)
    if not username.isascii():
        raise InputError(
            device=host, subject="username", found="characters outside of ASCII", expected="letters, digits and symbols"
        )
    pins = tuple(pin.replace(":", "").lower() for pin in params["spki_sha256"])
    for pin in pins:
        if len(pin) != 64 or set(pin) - set("0123456789abcdef"):
            raise InputError(
                device=host, subject="spki_sha256", found=repr(pin), expected="64 hexadecimal digits, colons allowed"
            )
    _check_port(host, "http_port", params["http_port"])
    former = params["former_https_port"]
    if former is not None:
        _check_port(host, "former_https_port", former)
    ports = [port for port in (params["https_port"], former) if port is not None and 1 <= port <= 65535]
    return Target(
        host=host,
        https_ports=tuple(dict.fromkeys(ports)),
        http_port=params["http_port"],
        credentials=Credentials(username=username, password=Secret(password)),
        trust=Trust(ca_path=params["ca_path"] or ca_path, spki_sha256=pins),
        first_contact=params["first_contact"],
        timeout=params["timeout"],
    )


def _given(params: t.Mapping[str, t.Any], name: str, *, device: str) -> str:
    value: str | None = params[name]
    if not value:
        raise InputError(
            device=device,
            subject=name,
            found="nothing",
            expected=f"the option {name}, or, in a task without the option host, the variable camsec_{name}",
        )
    return value


def _check_port(host: str, name: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise InputError(device=host, subject=name, found=port, expected="a port from 1 to 65535")
