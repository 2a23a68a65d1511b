# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of Sunell's IP cameras, as data that validates itself at import.

FIELD: third-party code that talks to real ones. INFERRED: by analogy; not seen anywhere, and not tried on hardware.
"""

from __future__ import annotations

import dataclasses as dc
import re
import typing as t

from ._catalog import CertificateField

__all__ = [
    "CA_FILE",
    "FACTORY_NTP",
    "FACTORY_PORTS",
    "GROUPS",
    "KEY_SIZE",
    "REQUEST_FIELDS",
    "REQUEST_FILE",
    "ROOT_BEGIN",
    "ROOT_DAYS",
    "TIME_ZONES",
    "WAYS",
    "Group",
    "Way",
]

Way = t.Literal["builtin", "uploaded", "signed"]

#: CAM-02, CAM-21.
CA_FILE: t.Final = "cacert.crt"
REQUEST_FILE: t.Final = "certreq.pem"
#: CAM-02: from 2023-08-14 to 2033-08-11.
ROOT_BEGIN: t.Final = "2023-08-14 00:00:00"
ROOT_DAYS: t.Final = 3650
#: CAM-10, CAM-11.
KEY_SIZE: t.Final = 2048
#: INFERRED: how type=HTTPS numbers the three ways.
WAYS: t.Final[tuple[Way, ...]] = ("builtin", "uploaded", "signed")
#: FIELD.
FACTORY_PORTS: t.Final[t.Mapping[str, int]] = {
    "controlPort": 30001,
    "httpPort": 80,
    "rtspPort": 554,
    "rtmpPort": 8080,
    "sslPort": 0,
    "httpsPort": 443,
}
#: FIELD.
FACTORY_NTP: t.Final[t.Mapping[str, object]] = {"NTPIP": "ntp.nict.jp", "NTPPort": 123, "NTPCheckTime": 3600}


@dc.dataclass(frozen=True, kw_only=True)
class Group:
    """A group of users; `SuperAdmin` and its privileges are FIELD, the others INFERRED."""

    name: str
    level: int
    privileges: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.level not in (1, 2, 3) or list(self.privileges) != sorted(set(self.privileges)):
            raise ValueError(f"group {self.name}: no group")


GROUPS: t.Final = (
    Group(name="SuperAdmin", level=1, privileges=(*range(9), 10, 11, 12, 13, 14, 16)),
    Group(name="Operator", level=2, privileges=(0, 1, 2, 3)),
    Group(name="User", level=3, privileges=(0,)),
)

# INFERRED: the fields of the certificate request information; their limits are X.509's upper bounds.
_PRINTED: t.Final = r"[ -~]*"
REQUEST_FIELDS: t.Final[t.Mapping[str, CertificateField]] = {
    "commonName": CertificateField(
        name="common_name", short="CN", limit=64, required=True, pattern=r"[0-9A-Za-z.\-:*]+"
    ),
    "country": CertificateField(name="country", short="C", limit=2, pattern=r"(?:[A-Za-z]{2})?"),
    "province": CertificateField(name="state", short="ST", limit=128, pattern=_PRINTED),
    "city": CertificateField(name="locality", short="L", limit=128, pattern=_PRINTED),
    "organization": CertificateField(name="organization", short="O", limit=64, pattern=_PRINTED),
    "department": CertificateField(name="organizational_unit", short="OU", limit=64, pattern=_PRINTED),
}

#: Minutes east of Greenwich. 235 (Osaka, Sapporo, Tokyo) is FIELD and is Windows' index of that zone; the other indexes
#: are Windows' too (INFERRED). Daylight saving time is not in here.
TIME_ZONES: t.Final[t.Mapping[int, int]] = {
    0: -720, 1: -660, 2: -600, 3: -540, 4: -480, 10: -420, 13: -420, 15: -420, 20: -360, 25: -360, 30: -360, 33: -360,
    35: -300, 40: -300, 45: -300, 50: -240, 55: -240, 56: -240, 60: -210, 65: -180, 70: -180, 73: -180, 75: -120,
    80: -60, 83: -60, 85: 0, 90: 0, 95: 60, 100: 60, 105: 60, 110: 60, 113: 60, 115: 120, 120: 120, 125: 120, 130: 120,
    135: 120, 140: 120, 145: 180, 150: 180, 155: 180, 158: 180, 160: 210, 165: 240, 170: 240, 175: 270, 180: 300,
    185: 300, 190: 330, 193: 345, 195: 360, 200: 360, 201: 360, 203: 390, 205: 420, 207: 420, 210: 480, 215: 480,
    220: 480, 225: 480, 227: 480, 230: 540, 235: 540, 240: 540, 245: 570, 250: 570, 255: 600, 260: 600, 265: 600,
    270: 600, 275: 600, 280: 660, 285: 720, 290: 720, 300: 780,
}  # fmt: skip


def _check() -> None:
    for name, port in FACTORY_PORTS.items():
        if not re.fullmatch(r"[a-z]+Port", name) or not 0 <= port <= 65535:
            raise ValueError(f"{name}={port} is no port")
    zones = list(TIME_ZONES.items())
    if zones != sorted(zones) or [east for _zone, east in zones] != sorted(TIME_ZONES.values()):
        raise ValueError("the time zones are out of order: their indexes run from west to east")
    if [group.level for group in GROUPS] != [1, 2, 3]:
        raise ValueError("every level has one group")


_check()
