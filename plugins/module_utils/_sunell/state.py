# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Sunell camera is like now."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

__all__ = ["DeviceClock", "HttpsState", "Network", "Ntp", "RequestSubject", "Way"]

#: Whose certificate is in use: of the CA in the firmware (way 1), uploaded with its key (way 2), for a CSR (way 3).
Way = t.Literal["built_in", "uploaded", "signed"]


@dc.dataclass(frozen=True, kw_only=True)
class DeviceClock:
    """The camera's own time; with daylight saving time it is known to the hour only.

    Attributes:
        earliest: UTC.
        latest: UTC; the same, or an hour later.
    """

    earliest: dt.datetime
    latest: dt.datetime


@dc.dataclass(frozen=True, kw_only=True)
class HttpsState:
    """How the camera answers HTTPS, and which certificates it stores.

    Attributes:
        enabled: Whether HTTPS is on.
        way: Whose certificate is in use.
        uploaded: A certificate was uploaded with its key.
        requested: A CSR was made, and its key is stored.
        signed: A certificate for that key is stored.
    """

    enabled: bool
    way: Way
    uploaded: bool
    requested: bool
    signed: bool


@dc.dataclass(frozen=True, kw_only=True)
class Network:
    """The camera's own address.

    Attributes:
        address: IPv4.
        netmask: IPv4.
        gateway: IPv4 or empty.
        dns: Preferred and alternate name server, each IPv4 or empty.
    """

    address: str
    netmask: str
    gateway: str
    dns: tuple[str, str] = ("", "")


@dc.dataclass(frozen=True, kw_only=True)
class Ntp:
    """Its time server.

    Attributes:
        enabled: Whether it follows one.
        server: Address or host name.
        port: UDP port.
        interval: Seconds between two questions.
    """

    enabled: bool
    server: str
    port: int
    interval: int


@dc.dataclass(frozen=True, kw_only=True)
class RequestSubject:
    """The certificate request information (CAM-20).

    Attributes:
        common_name: The device's address or domain.
        country: Two letters, or empty.
        state: State or province, or empty.
        locality: Or empty.
        organization: Or empty.
        organizational_unit: Or empty.
    """

    common_name: str
    country: str = ""
    state: str = ""
    locality: str = ""
    organization: str = ""
    organizational_unit: str = ""
