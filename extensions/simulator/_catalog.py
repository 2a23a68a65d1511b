# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the manuals say of the devices, as data that validates itself at import."""

from __future__ import annotations

import dataclasses as dc
import re
import typing as t

__all__ = [
    "CAMERA_FORBIDDEN_PORTS",
    "CERTIFICATE_FIELDS",
    "COMPRESSIONS",
    "KEY_SIZES",
    "KITS",
    "RECORDER_FORBIDDEN_PORTS",
    "RECORDER_MODELS",
    "CertificateField",
    "Compression",
    "PortSet",
]


@dc.dataclass(frozen=True, kw_only=True)
class PortSet:
    """Ports and port ranges, as a manual lists them."""

    ranges: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        last = 0
        for low, high in self.ranges:
            if not last < low <= high <= 65535:
                raise ValueError(f"port range {low}-{high} is out of order, overlaps, or is no port")
            last = high

    def __contains__(self, port: object) -> bool:
        return isinstance(port, int) and any(low <= port <= high for low, high in self.ranges)

    @classmethod
    def parse(cls, text: str) -> PortSet:
        ranges = []
        for part in text.replace(" ", "").split(","):
            low, _dash, high = part.partition("-")
            ranges.append((int(low), int(high or low)))
        return cls(ranges=tuple(ranges))


@dc.dataclass(frozen=True, kw_only=True)
class Compression:
    """A compression of a camera's pictures, and whether a recorder can handle it encrypted (REC-32)."""

    name: str
    codec: t.Literal["h265", "h264", "jpeg"]
    encryptable: bool

    def __post_init__(self) -> None:
        if not re.fullmatch(r"h26[45]_[134]|mjpeg", self.name):
            raise ValueError(f"{self.name!r} is no compression of the manual")

    @property
    def thinned(self) -> str:
        """What is left of it on four or more tiles when it is encrypted (REC-37)."""
        return "1IPS" if self.codec == "jpeg" else "I_FRAME"


@dc.dataclass(frozen=True, kw_only=True)
class CertificateField:
    """A subject field of the camera's certificate dialogs (HTTPS-10, HTTPS-20)."""

    name: str
    short: str
    limit: int
    required: bool = False
    pattern: str = r"[0-9A-Za-z\-._,+/()]*"

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"{self.name}: a limit of {self.limit} characters")
        re.compile(self.pattern)


CAMERA_FORBIDDEN_PORTS: t.Final = PortSet.parse(
    "20, 21, 23, 25, 42, 53, 67, 68, 69, 80, 110, 123, 161, 162, 554, 995, 10669, 10670, 59000-61000"
)
RECORDER_FORBIDDEN_PORTS: t.Final = PortSet.parse(
    "20, 21, 23, 25, 42, 53, 67, 68, 69, 79, 105, 110, 123, 161, 162, 546, 547, 995, 10001-10007, 50000-50255"
)
KITS: t.Final[t.Mapping[str, int]] = {"WJ-NXS01WUX": 1, "WJ-NXS04WUX": 4, "WJ-NXS16WUX": 16, "WJ-NXS32WUX": 32}
RECORDER_MODELS: t.Final[t.Mapping[str, int]] = {"WJ-NX400K": 64, "WJ-NX300": 32, "WJ-NX200": 32, "WJ-NX100": 16}
KEY_SIZES: t.Final = (1024, 2048, 3072, 4096)
COMPRESSIONS: t.Final[t.Mapping[str, Compression]] = {
    entry.name: entry
    for entry in (
        Compression(name="h265_1", codec="h265", encryptable=True),
        Compression(name="h265_3", codec="h265", encryptable=False),
        Compression(name="h265_4", codec="h265", encryptable=False),
        Compression(name="h264_1", codec="h264", encryptable=True),
        Compression(name="h264_3", codec="h264", encryptable=False),
        Compression(name="h264_4", codec="h264", encryptable=False),
        Compression(name="mjpeg", codec="jpeg", encryptable=True),
    )
}
CERTIFICATE_FIELDS: t.Final = (
    CertificateField(name="common_name", short="CN", limit=64, required=True),
    CertificateField(name="country", short="C", limit=2, pattern=r"(?:[A-Za-z]{2})?"),
    CertificateField(name="state", short="ST", limit=128),
    CertificateField(name="locality", short="L", limit=128),
    CertificateField(name="organization", short="O", limit=64),
    CertificateField(name="organizational_unit", short="OU", limit=64),
)


def _check() -> None:
    for model, cameras in {**KITS, **RECORDER_MODELS}.items():
        if not re.fullmatch(r"WJ-NX[0-9A-Z]+", model) or not 1 <= cameras <= 64:
            raise ValueError(f"{model}: {cameras} cameras")
    if len({field.name for field in CERTIFICATE_FIELDS}) != len(CERTIFICATE_FIELDS):
        raise ValueError("a certificate field is listed twice")
    if 443 in CAMERA_FORBIDDEN_PORTS or 443 in RECORDER_FORBIDDEN_PORTS:
        raise ValueError("the default HTTPS port 443 is listed as forbidden")


_check()
