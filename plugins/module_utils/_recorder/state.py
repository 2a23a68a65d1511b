# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recorder is like now, and what it should be like."""

from __future__ import annotations

import dataclasses as dc
import re
import typing as t

from .._core._secret import Secret
from .._tls._certificate import CertificateFacts
from .._transport._connection import Peer
from .._transport._contact import Contact

__all__ = [
    "CAMERA_STATES",
    "CameraState",
    "Encryption",
    "EncryptionSetting",
    "Kit",
    "Licenses",
    "LinkSetting",
    "PcSide",
    "RecorderState",
    "Recording",
    "System",
    "TrustedCa",
    "UnlockKey",
    "Wanted",
    "WantedCamera",
    "WantedEncryption",
    "WantedHttps",
    "WantedLicenses",
    "masked",
]

#: ``CAM_CONNECT_nnCH``: 0, 1, 2.
CAMERA_STATES: t.Final = ("not_registered", "normal", "error")


@dc.dataclass(frozen=True, kw_only=True)
class System:
    """The recorder itself.

    Attributes:
        model: For example ``WJ-NX400K``.
        version: Software version.
        serial_number: Serial number, empty if not shown.
        max_cameras: Cameras that it can have.
    """

    model: str
    version: str
    serial_number: str
    max_cameras: int

    def shown(self) -> dict[str, t.Any]:
        """The facts as a result shows them."""
        return dc.asdict(self)


def masked(key: str) -> str:
    """An unlock key as it may be shown.

    Args:
        key: The key, or what the recorder shows of it.

    Returns:
        The first four and the last four digits.
    """
    digits = re.sub(r"[\s-]", "", key)
    return f"{digits[:4]}{'*' * 12}{digits[-4:]}"


@dc.dataclass(frozen=True, kw_only=True)
class Kit:
    """A registered licence kit (REC-05).

    Attributes:
        model: For example ``WJ-NXS16WUX``.
        key: Its unlock key, masked.
    """

    model: str
    key: str

    def shown(self) -> dict[str, t.Any]:
        """The kit as a result shows it."""
        return dc.asdict(self)


@dc.dataclass(frozen=True, kw_only=True)
class Licenses:
    """The registered licences (REC-01 to REC-07).

    Attributes:
        total: Cameras that the kits allow.
        used: Cameras that use one.
        main_unlocked: The recorder's own unlock key is registered; None where only the counts were read.
        kits: The kits; None where only the counts were read.
    """

    total: int
    used: int
    main_unlocked: bool | None = None
    kits: tuple[Kit, ...] | None = None

    def shown(self) -> dict[str, t.Any]:
        """The licences as a result shows them."""
        counts: dict[str, t.Any] = {"total": self.total, "used": self.used}
        if self.kits is None:
            return counts
        return {"main_unlocked": self.main_unlocked, **counts, "kits": [kit.shown() for kit in self.kits]}


@dc.dataclass(frozen=True, kw_only=True)
class PcSide:
    """Between the recorder and PCs (REC-10 to REC-12).

    Attributes:
        connection: ``http_and_https`` or ``https_only``.
        tls_1_1: TLS 1.1 is allowed.
        https_port: TCP port for HTTPS.
        http_port: TCP port for HTTP.
        ftp_port: TCP port for FTP.
        site_alarm_port: Port that receives site alarms.
        port_forwarding: Port forwarding is on.
        port_forwarding_ports: Its ports.
    """

    connection: str
    tls_1_1: bool
    https_port: int
    http_port: int
    ftp_port: int
    site_alarm_port: int
    port_forwarding: bool
    port_forwarding_ports: tuple[int, ...]

    def shown(self) -> dict[str, t.Any]:
        """The settings as a result shows them."""
        return {**dc.asdict(self), "port_forwarding_ports": list(self.port_forwarding_ports)}


@dc.dataclass(frozen=True, kw_only=True)
class TrustedCa:
    """A certificate by which the recorder verifies cameras.

    Attributes:
        sha256: Of the certificate, lower-case hexadecimal.
        subject: Its subject's common name.
    """

    sha256: str
    subject: str

    def shown(self) -> dict[str, t.Any]:
        """The certificate as a result shows it."""
        return dc.asdict(self)


@dc.dataclass(frozen=True, kw_only=True)
class CameraState:
    """A registered camera as its recorder sees it.

    Attributes:
        number: 1 to the recorder's maximum.
        address: Address.
        model: Model.
        tls_supported: REC-21.
        connection: ``http`` or ``https`` (REC-20).
        port: HTTPS port (REC-20).
        internet_mode: REC-23.
        fault: The fault column (REC-22).
        compression: REC-32; in snake case.
        encryption_supported: REC-33.
        encrypted: REC-31.
        thumbnail: ``ok``, ``broken`` or ``decode_error`` (REC-36).
        state: One of :data:`CAMERA_STATES`.
    """

    number: int
    address: str
    model: str
    tls_supported: bool
    connection: str
    port: int
    internet_mode: bool
    fault: str
    compression: str
    encryption_supported: bool
    encrypted: bool
    thumbnail: str
    state: str

    @property
    def licensed(self) -> bool:
        """REC-07: either use costs the one licence."""
        return self.connection == "https" or self.encrypted

    def shown(self) -> dict[str, t.Any]:
        """The camera as the result key ``cameras`` shows it."""
        names = ("number", "address", "model", "connection", "port", "encrypted", "thumbnail", "state", "fault")
        return {name: getattr(self, name) for name in names}

    def setting(self) -> dict[str, t.Any]:
        """The camera's settings as ``before`` and ``after`` show them."""
        return {name: getattr(self, name) for name in ("number", "address", "connection", "port", "encrypted")}


@dc.dataclass(frozen=True, kw_only=True)
class Encryption:
    """The data encryption password (REC-30).

    Attributes:
        password_set: There is one.
        password_version: What tells one password from another without showing it; empty when unknown.
    """

    password_set: bool
    password_version: str = ""

    def shown(self) -> dict[str, t.Any]:
        """The facts as a result shows them."""
        return dc.asdict(self)


@dc.dataclass(frozen=True, kw_only=True)
class Recording:
    """A recorded stretch.

    Attributes:
        camera: Number.
        start: ``yymmddhhmmss``, UTC.
        end: The same.
        encrypted: Recorded with data encryption.
    """

    camera: int
    start: str
    end: str
    encrypted: bool


@dc.dataclass(frozen=True, kw_only=True)
class RecorderState:
    """A recorder's present state: the parts that were asked for, each read once.

    Attributes:
        contact: How it was reached.
        peer: What the handshake showed.
        certificate: The certificate in that handshake.
        system: The recorder itself.
        licenses: Main unit and kits; where only the counts are known, without kits.
        pc_side: Between the recorder and PCs.
        trusted_cas: By which it verifies cameras.
        cameras: The registered cameras; None when not asked for, or not shown before a kit is registered (REC-06).
        unlicensed: No kit is registered, so that the camera settings do not exist (REC-06).
        encryption: The data encryption password.
        root_certificate: The recorder's own root, PEM (REC-13).
        kept_root_sha256: Of the root in ``root_certificate_path``; empty for none, None when not asked for.
    """

    contact: Contact
    peer: Peer | None
    certificate: CertificateFacts | None
    system: System | None = None
    licenses: Licenses | None = None
    pc_side: PcSide | None = None
    trusted_cas: tuple[TrustedCa, ...] | None = None
    cameras: tuple[CameraState, ...] | None = None
    unlicensed: bool = False
    encryption: Encryption | None = None
    root_certificate: str | None = None
    kept_root_sha256: str | None = None

    def camera(self, number: int) -> CameraState | None:
        """The camera of a number, None when there is none."""
        return next((camera for camera in self.cameras or () if camera.number == number), None)

    def shown(self) -> dict[str, t.Any]:
        """The state as ``before`` and ``after`` show it."""
        shown: dict[str, t.Any] = {}
        if self.system:
            shown["system"] = self.system.shown()
        if self.licenses:
            shown["licenses"] = self.licenses.shown()
        if self.pc_side:
            shown["pc_side"] = self.pc_side.shown()
        if self.trusted_cas is not None:
            shown["trusted_cas"] = [ca.shown() for ca in self.trusted_cas]
        if self.cameras is not None:
            shown["cameras"] = [camera.setting() for camera in self.cameras]
        if self.encryption:
            shown["data_encryption"] = self.encryption.shown()
        if self.kept_root_sha256 is not None:
            shown["kept_root_sha256"] = self.kept_root_sha256
        return shown


@dc.dataclass(frozen=True, kw_only=True)
class UnlockKey:
    """An unlock key to be registered (REC-01).

    Attributes:
        key: The key's digits.
    """

    key: Secret

    @property
    def shown(self) -> str:
        """The masked form."""
        return masked(self.key.reveal())


@dc.dataclass(frozen=True, kw_only=True)
class WantedLicenses:
    """Keys that are to be registered.

    Attributes:
        main: The recorder's own.
        kits: Of the licence kits.
    """

    main: UnlockKey | None = None
    kits: tuple[UnlockKey, ...] = ()


@dc.dataclass(frozen=True, kw_only=True)
class WantedHttps:
    """How PCs are to reach the recorder; None leaves as it is.

    Attributes:
        connection: ``http_and_https`` or ``https_only``.
        tls_1_1: TLS 1.1 is allowed.
        https_port: TCP port.
    """

    connection: str | None
    tls_1_1: bool | None
    https_port: int


@dc.dataclass(frozen=True, kw_only=True)
class WantedCamera:
    """One camera's settings; None leaves as it is.

    Attributes:
        number: The camera.
        connection: ``http`` or ``https``.
        port: HTTPS port.
        address: Where the recorder looks for the camera.
        encrypted: Data encryption.
        send: The recorder sends what it changes to the camera too (the manual's tick).
    """

    number: int
    connection: str | None = None
    port: int | None = None
    address: str | None = None
    encrypted: bool | None = None
    send: bool = False


@dc.dataclass(frozen=True, kw_only=True)
class LinkSetting:
    """What is sent of a camera's connection (REC-20).

    Attributes:
        number: The camera.
        connection: ``http`` or ``https``.
        port: HTTPS port.
        send: The recorder sends it to the camera too.
        address: Another address; None leaves it.
    """

    number: int
    connection: str
    port: int
    send: bool
    address: str | None = None


@dc.dataclass(frozen=True, kw_only=True)
class EncryptionSetting:
    """What is sent of a camera's data encryption (REC-31).

    Attributes:
        number: The camera.
        encrypted: On or off.
        send: The recorder sends it to the camera too.
    """

    number: int
    encrypted: bool
    send: bool


@dc.dataclass(frozen=True, kw_only=True)
class WantedEncryption:
    """The data encryption password.

    Attributes:
        password: The password; None leaves it.
    """

    password: Secret | None = None


@dc.dataclass(frozen=True, kw_only=True)
class Wanted:
    """The desired state of a recorder, each part optional.

    Attributes:
        licenses: Keys to be registered.
        https: Between the recorder and PCs.
        trusted_cas: Certificates by which it has to verify cameras.
        trusted_ca_to_come: In check mode, the file with these certificates that is not there yet.
        retired_cas: Certificates by which it must no longer verify cameras.
        cameras: Settings of cameras; None when cameras are not managed.
        encryption: The data encryption password; None when encryption is not managed.
        root_certificate_path: File in which the recorder's own root is kept.
    """

    licenses: WantedLicenses | None = None
    https: WantedHttps | None = None
    trusted_cas: tuple[CertificateFacts, ...] = ()
    trusted_ca_to_come: str = ""
    retired_cas: tuple[CertificateFacts, ...] = ()
    cameras: tuple[WantedCamera, ...] | None = None
    encryption: WantedEncryption | None = None
    root_certificate_path: str | None = None
