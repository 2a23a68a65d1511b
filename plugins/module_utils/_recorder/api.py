# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The i-PRO recorder's calls, and nothing else: no decisions, no rules.

How sure each call is stands in ``docs/wire_dialects.md``. No call was tried on hardware; :data:`INFERRED_CALLS` holds
the ones that no public source shows, in one place. A session of the recorder is a UID: it is got once, every later call
carries it, its commands keep the maker's minimum distance, and it is given back at the end.
"""

from __future__ import annotations

import re
import time
import types
import typing as t

from .._core._errors import CamsecError, ConnectError, ProtocolError
from .._core._secret import Secret
from .._transport._frame import parse_frame
from .._transport._session import BUSY_PATIENCE, Answer, DeviceSession, Refused
from .state import (
    CAMERA_STATES,
    CameraState,
    Encryption,
    EncryptionSetting,
    Kit,
    Licenses,
    LinkSetting,
    PcSide,
    Recording,
    System,
    TrustedCa,
    masked,
)

__all__ = ["INFERRED_CALLS", "CameraPart", "RecorderApi"]

#: Paths of the calls that were shaped by analogy (INFERRED).
INFERRED_CALLS: t.Mapping[str, str] = types.MappingProxyType(
    {
        "system": "/cgi-bin/sec_system.cgi",
        "license": "/cgi-bin/sec_license.cgi",
        "pc_side": "/cgi-bin/sec_pc.cgi",
        "root_certificate": "/cgi-bin/root_certificate.cgi",
        "trusted_ca": "/cgi-bin/trusted_ca.cgi",
        "trusted_ca_delete": "/cgi-bin/trusted_ca_delete.cgi",
        "camera": "/cgi-bin/sec_camera.cgi",
        "encryption": "/cgi-bin/sec_encryption.cgi",
    }
)
_UID = re.compile(r"hdrctl\.cgi\?UID=(\d+)")
_CONNECT = re.compile(r"CAM_CONNECT_(\d\d)CH=([012])\s*$", re.MULTILINE)
_ERROR_LINE = re.compile(r'^ERROR_LOG="\d+","([^"]*)","[^"]*","([^"]*)"', re.MULTILINE)
_CAMERA_FIELD = re.compile(r"CAM_(\d\d)_([A-Z_]+)")
_DATA_STATUS = re.compile(rb"X-RecData-Satus:\s*([0-3])", re.IGNORECASE)
_MAX_PEM_BYTES = 65536
_LICENSE_FIELDS = ("MAIN_UNLOCK", "TOTAL_LICENSES", "USED_LICENSES", "KIT_NUM")
_CONNECTIONS = {"HTTP_HTTPS": "http_and_https", "HTTPS": "https_only"}

#: One camera's fields by name, of one call.
CameraPart = t.Mapping[str, str]


class RecorderApi:
    """The calls of one recorder.

    Args:
        session: Where the recorder answers.
        command_interval: Seconds between the commands of one UID; the maker's minimum is 3.
    """

    def __init__(self, session: DeviceSession, command_interval: float) -> None:
        self.session = session
        self._interval = command_interval
        self._uid = ""
        self._next_command = 0.0

    @property
    def device(self) -> str:
        """The recorder's name in messages."""
        return self.session.device

    # The session.

    def login(self) -> None:
        """Get a UID (``dlogin.cgi``, OFFICIAL)."""
        answer = self.session.read("/cgi-bin/dlogin.cgi", {"UID": "-1"})
        match = _UID.search(answer.text)
        if match is None:
            raise ProtocolError(
                device=self.device,
                subject="answer to /cgi-bin/dlogin.cgi",
                found=f"{len(answer.body)} bytes without a UID",
                expected="a page that leads to hdrctl.cgi with a UID",
                advice="Is this address really the recorder's?",
            )
        self._uid = match.group(1)

    def logout(self) -> None:
        """Give the UID back (``logout.cgi``, OFFICIAL); a recorder that cannot be reached loses it by itself."""
        uid, self._uid = self._uid, ""
        if not uid:
            return
        try:
            self._pace()
            self.session.read("/cgi-bin/logout.cgi", {"UID": uid})
        except CamsecError:
            # Best effort: an unused UID ends after 90 seconds, and the real error must not be hidden by this one.
            return
        finally:
            self._next_command = 0.0

    def move(self, session: DeviceSession) -> None:
        """Go on at another endpoint with the same UID.

        Args:
            session: The new endpoint.
        """
        self.session.close()
        self.session = session

    # Reads.

    def connect_states(self) -> dict[int, str]:
        """State of every camera number (``as_getinfo.cgi``, OFFICIAL); needs no UID, so it may be asked often."""
        answer = self.session.read("/cgi-bin/as_getinfo.cgi", {"FILE": "2"})
        states = {int(number): CAMERA_STATES[int(state)] for number, state in _CONNECT.findall(answer.text)}
        if not states:
            raise self._not_understood("/cgi-bin/as_getinfo.cgi", answer, "CAM_CONNECT_nnCH=0, 1 or 2")
        return states

    def error_log(self) -> list[str]:
        """The error log, newest first (``loglist.cgi``, OFFICIAL).

        Returns:
            ``time: text`` for each entry.
        """
        answer = self._read("/cgi-bin/loglist.cgi", {"KIND": "ERR", "HTML": "as_errorlog.html"})
        return [f"{when}: {text}" for when, text in _ERROR_LINE.findall(answer.text)]

    def recordings(self, camera: int) -> list[Recording]:
        """A camera's recordings (``recordedtime.cgi``, OFFICIAL call, INFERRED layout).

        Args:
            camera: Its number.

        Returns:
            Oldest first.
        """
        answer = self._read("/cgi-bin/recordedtime.cgi", {"CAM": str(camera)})
        found = []
        for line in answer.text.splitlines():
            parts = line.strip().split(",")
            if len(parts) == 4 and parts[0].isdecimal() and parts[3] in ("0", "1"):
                found.append(Recording(camera=int(parts[0]), start=parts[1], end=parts[2], encrypted=parts[3] == "1"))
        return found

    def decodes(self, camera: int, start: str, end: str, password: Secret | None = None) -> bool | None:
        """Whether a password opens a recording (``httpdl.cgi``, OFFICIAL; ``PASSWORD`` and the codes INFERRED).

        Args:
            camera: Its number.
            start: ``yymmddhhmmss``, UTC.
            end: The same; less than an hour later.
            password: A password for this playback only (REC-35); None for the recorder's present one.

        Returns:
            True when it does, False for a decode error, None when the recorder has no such recording.
        """
        fields = {"STARTTIME": start, "ENDTIME": end, "KIND": "N3", "CAM": str(camera), "PC": "AS60"}
        if password is not None:
            fields["PASSWORD"] = password.reveal()
        answer = self._read("/cgi-bin/httpdl.cgi", fields)
        found = _DATA_STATUS.findall(answer.body)
        if not found:
            raise self._not_understood("/cgi-bin/httpdl.cgi", answer, "a part with X-RecData-Satus")
        if b"0" in found:
            return True
        return False if b"3" in found else None

    def system(self) -> System:
        """Model, version, size (INFERRED)."""
        fields = self._fields("system", ("MODEL", "VERSION", "MAXCAM"))
        return System(
            model=fields["MODEL"],
            version=fields["VERSION"],
            serial_number=fields.get("SERIAL", ""),
            max_cameras=self._number("system", fields, "MAXCAM"),
        )

    def licenses(self) -> Licenses:
        """The registered licences (INFERRED)."""
        return self._licenses(self._fields("license", _LICENSE_FIELDS))

    def pc_side(self) -> PcSide:
        """How PCs reach the recorder (INFERRED)."""
        ports = ("HTTPS_PORT", "HTTP_PORT", "FTP_PORT", "SITE_ALARM_PORT")
        fields = self._fields("pc_side", ("CONNECTION", "TLS11", *ports, "PORT_FORWARD", "PORT_FORWARD_PORTS"))
        connection = _CONNECTIONS.get(fields["CONNECTION"])
        if connection is None:
            raise ProtocolError(
                device=self.device,
                subject=f"answer to {INFERRED_CALLS['pc_side']}",
                found=f"CONNECTION={fields['CONNECTION'][:20]}",
                expected="HTTP_HTTPS or HTTPS",
            )
        forwarded = fields["PORT_FORWARD_PORTS"].replace(" ", "").split(",")
        return PcSide(
            connection=connection,
            tls_1_1=fields["TLS11"] == "ON",
            https_port=self._number("pc_side", fields, "HTTPS_PORT"),
            http_port=self._number("pc_side", fields, "HTTP_PORT"),
            ftp_port=self._number("pc_side", fields, "FTP_PORT"),
            site_alarm_port=self._number("pc_side", fields, "SITE_ALARM_PORT"),
            port_forwarding=fields["PORT_FORWARD"] == "ON",
            port_forwarding_ports=tuple(int(port) for port in forwarded if port.isdecimal()),
        )

    def root_certificate(self) -> str:
        """The recorder's own root (REC-13; INFERRED).

        Returns:
            PEM.
        """
        answer = self._read(INFERRED_CALLS["root_certificate"], {})
        if b"-----BEGIN CERTIFICATE-----" not in answer.body or len(answer.body) > _MAX_PEM_BYTES:
            raise self._not_understood(INFERRED_CALLS["root_certificate"], answer, "one certificate in PEM")
        return answer.text

    def trusted_cas(self) -> tuple[TrustedCa, ...]:
        """The certificates by which the recorder verifies cameras (INFERRED)."""
        fields = self._fields("trusted_ca", ("CA_NUM",))
        found = []
        for number in range(1, self._number("trusted_ca", fields, "CA_NUM") + 1):
            sha256, _comma, subject = fields.get(f"CA_{number:02}", "").partition(",")
            found.append(TrustedCa(sha256=sha256.lower(), subject=subject))
        return tuple(found)

    def cameras(self) -> tuple[tuple[CameraState, ...], int, int] | None:
        """The registered cameras (INFERRED; two calls, since connection and encryption are two pages).

        Returns:
            The cameras without their present connect state, licences in use, licences in all; None before a kit is
            registered (REC-06).
        """
        links = self._licensed("camera", ("USED_LICENSES", "TOTAL_LICENSES"))
        if links is None:
            return None
        encryption = self._licensed("encryption", ("PASSWORD_SET",)) or {}
        self._encryption = Encryption(password_set=encryption.get("PASSWORD_SET") == "1")
        by_link, by_encryption = _by_camera(links), _by_camera(encryption)
        cameras = tuple(self._camera(number, part, by_encryption.get(number, {})) for number, part in by_link.items())
        used, total = (self._number("camera", links, name) for name in ("USED_LICENSES", "TOTAL_LICENSES"))
        return cameras, used, total

    @property
    def encryption(self) -> Encryption:
        """What :meth:`cameras` read of the data encryption password."""
        return self._encryption

    _encryption = Encryption(password_set=False)

    # Writes.

    def register(self, target: str, key: Secret) -> None:
        """Register an unlock key (REC-01; INFERRED).

        Args:
            target: ``MAIN`` or ``SECURE``.
            key: The key.

        Raises:
            ProtocolError: The answer does not say so.
        """
        answer = self._write("license", {"TARGET": target, "KEY": key.reveal()})
        self._acknowledged("license", answer, _LICENSE_FIELDS)

    def set_pc_side(
        self, *, connection: str | None = None, tls_1_1: bool | None = None, https_port: int | None = None
    ) -> None:
        """Choose how PCs reach the recorder (INFERRED); what is None stays.

        Args:
            connection: ``http_and_https`` or ``https_only``.
            tls_1_1: TLS 1.1 is allowed.
            https_port: TCP port. A lost answer is no error: evidence comes from the new endpoint.

        Raises:
            ProtocolError: The answer does not say so.
        """
        form = {}
        if connection is not None:
            form["CONNECTION"] = next(word for word, name in _CONNECTIONS.items() if name == connection)
        if tls_1_1 is not None:
            form["TLS11"] = "ON" if tls_1_1 else "OFF"
        if https_port is not None:
            form["HTTPS_PORT"] = str(https_port)
        try:
            answer = self._write("pc_side", form)
        except ConnectError:
            # The recorder may cut the connection as part of the change; whether it took place is seen at the endpoint.
            return
        self._acknowledged("pc_side", answer, tuple(form))

    def add_trusted_cas(self, pem: str) -> None:
        """Install certificates by which the recorder verifies cameras (INFERRED).

        Args:
            pem: One or more certificates.

        Raises:
            ProtocolError: The answer does not say so.
        """
        path = INFERRED_CALLS["trusted_ca"]
        upload = ("fileName", "trusted_ca.pem", pem.encode())
        answer = self._command(lambda uid: self.session.write(path, params={"UID": uid}, uploads=[upload]))
        self._acknowledged("trusted_ca", answer, ("CA_NUM",))

    def remove_trusted_ca(self, sha256: str) -> None:
        """Take out a certificate by which the recorder verifies cameras (INFERRED).

        Args:
            sha256: Of the certificate, hexadecimal.

        Raises:
            ProtocolError: The answer does not say so.
        """
        path = INFERRED_CALLS["trusted_ca_delete"]
        answer = self._command(lambda uid: self.session.write(path, params={"UID": uid, "SHA256": sha256}))
        self._acknowledged("trusted_ca_delete", answer, ("CA_NUM",))

    def set_links(self, links: t.Iterable[LinkSetting]) -> list[int]:
        """Set how the recorder connects to cameras (REC-20; INFERRED), and where it looks for them (INFERRED).

        Args:
            links: The settings.

        Returns:
            The cameras that could not be sent to.

        Raises:
            ProtocolError: The answer does not say so.
        """
        form = {}
        for link in links:
            form[f"CAM_{link.number:02}_CONNECTION"] = link.connection.upper()
            form[f"CAM_{link.number:02}_PORT"] = str(link.port)
            if link.address is not None:
                form[f"CAM_{link.number:02}_ADDRESS"] = link.address
            form[f"CAM_{link.number:02}_SEND"] = "1" if link.send else "0"
        return _not_sent(self._acknowledged("camera", self._write("camera", form), _answered(form)))

    def set_encryption(self, cameras: t.Iterable[EncryptionSetting], password: Secret | None) -> list[int]:
        """Set data encryption (REC-30, REC-31; INFERRED).

        Args:
            cameras: The settings.
            password: A new password; None leaves it.

        Returns:
            The cameras that could not be sent to.

        Raises:
            ProtocolError: The answer does not say so; a new password may be in force or not then.
        """
        form = {}
        if password is not None:
            form["PASSWORD"] = form["PASSWORD_CONFIRM"] = password.reveal()
        for camera in cameras:
            form[f"CAM_{camera.number:02}_ENCRYPT"] = "ON" if camera.encrypted else "OFF"
            form[f"CAM_{camera.number:02}_SEND"] = "1" if camera.send else "0"
        required = ("PASSWORD_SET", *_answered(form))
        fields = self._acknowledged("encryption", self._write("encryption", form), required)
        if password is not None and fields.get("PASSWORD_SET") != "1":
            raise ProtocolError(
                device=self.device,
                subject=f"answer to {INFERRED_CALLS['encryption']}",
                found=f"PASSWORD_SET={fields['PASSWORD_SET'][:20]}",
                expected="PASSWORD_SET=1 after a password was set",
            )
        return _not_sent(fields)

    # How calls are made.

    def _command(self, send: t.Callable[[str], Answer]) -> Answer:
        """One command of the UID; a lost UID is got again once, a busy recorder asked again for a while.

        Neither was carried out by the recorder, so that a write may be sent again too.
        """
        new_login_left = bool(self._uid)
        give_up = time.monotonic() + BUSY_PATIENCE
        while True:
            if not self._uid:
                self.login()
            self._pace()
            try:
                return send(self._uid)
            except Refused as error:
                if error.status == 403:
                    if "UID" not in error.reason or not new_login_left:
                        raise self._forbidden(error) from None
                    new_login_left = False
                    self._uid = ""
                elif error.status != 503 or time.monotonic() > give_up:
                    raise
                else:
                    time.sleep(0.5)

    def _forbidden(self, error: Refused) -> Refused:
        """REC-03: the login was right, so it is the account's level, unless the recorder names another reason."""
        if any(word in error.reason.lower() for word in ("uid", "locked")):
            return error
        return Refused(
            status=error.status,
            reason=error.reason,
            device=self.device,
            subject=error.subject,
            advice="Use an account of level 1, or of level 2, which may change settings; level 3 may not. [REC-03]",
        )

    def _pace(self) -> None:
        pause = self._next_command - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        self._next_command = time.monotonic() + self._interval

    def _read(self, path: str, params: t.Mapping[str, str]) -> Answer:
        return self._command(lambda uid: self.session.read(path, {"UID": uid, **params}))

    def _write(self, call: str, form: t.Mapping[str, str]) -> Answer:
        return self._command(lambda uid: self.session.write(INFERRED_CALLS[call], form={"UID": uid, **form}))

    def _fields(self, call: str, required: tuple[str, ...]) -> dict[str, str]:
        path = INFERRED_CALLS[call]
        return parse_frame(self._read(path, {}), device=self.device, subject=path, required=required)

    def _licensed(self, call: str, required: tuple[str, ...]) -> dict[str, str] | None:
        try:
            return self._fields(call, required)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def _licenses(self, fields: t.Mapping[str, str]) -> Licenses:
        kits = []
        for number in range(1, self._number("license", fields, "KIT_NUM") + 1):
            model, _comma, key = fields.get(f"KIT_{number:02}", "").partition(",")
            kits.append(Kit(model=model, key=masked(key)))
        return Licenses(
            main_unlocked=fields["MAIN_UNLOCK"] == "1",
            total=self._number("license", fields, "TOTAL_LICENSES"),
            used=self._number("license", fields, "USED_LICENSES"),
            kits=tuple(kits),
        )

    def _camera(self, number: int, link: CameraPart, encryption: CameraPart) -> CameraState:
        connection, port = link.get("CONNECTION", "").lower(), link.get("PORT", "")
        if connection not in ("http", "https") or not port.isdecimal():
            raise ProtocolError(
                device=self.device,
                subject=f"answer to {INFERRED_CALLS['camera']}, camera {number}",
                found=f"connection {connection[:20]!r}, port {port[:20]!r}",
                expected="HTTP or HTTPS and a port number",
            )
        return CameraState(
            number=number,
            address=link.get("ADDRESS", ""),
            model=link.get("MODEL", ""),
            tls_supported=link.get("TLS_SUPPORT") == "1",
            connection=connection,
            port=int(port),
            internet_mode=link.get("INTERNET_MODE") == "1",
            fault=link.get("FAULT", ""),
            compression=encryption.get("COMPRESSION", "").lower(),
            encryption_supported=encryption.get("ENCRYPT_SUPPORT") == "1",
            encrypted=encryption.get("ENCRYPT") == "ON",
            thumbnail=encryption.get("THUMBNAIL", "").lower(),
            state="",
        )

    def _acknowledged(self, call: str, answer: Answer, required: t.Sequence[str]) -> dict[str, str]:
        """A write is believed only when its answer holds what was written."""
        fields = parse_frame(answer, device=self.device, subject=INFERRED_CALLS[call], required=())
        missing = [key for key in required if key not in fields]
        if missing:
            kind = "an HTML page" if answer.content_type == "text/html" else f"{len(answer.body)} bytes"
            raise ProtocolError(
                device=self.device,
                subject=f"answer to the change by {INFERRED_CALLS[call]}",
                found=f"{kind} without {', '.join(missing[:4])}",
                expected="the new state of what was written",
                advice="Whether the recorder carried it out is not known; the next run reads it.",
            )
        return fields

    def _number(self, call: str, fields: t.Mapping[str, str], name: str) -> int:
        if not fields[name].isdecimal():
            raise ProtocolError(
                device=self.device,
                subject=f"answer to {INFERRED_CALLS[call]}",
                found=f"{name}={fields[name][:20]}",
                expected="a number",
            )
        return int(fields[name])

    def _not_understood(self, path: str, answer: Answer, expected: str) -> ProtocolError:
        found = f"{len(answer.body)} bytes of {answer.content_type or 'unnamed type'}"
        return ProtocolError(device=self.device, subject=f"answer to {path}", found=found, expected=expected)


def _answered(form: t.Mapping[str, str]) -> tuple[str, ...]:
    """The keys that acknowledge the cameras' settings in a form."""
    settings = tuple(key for key in form if key.startswith("CAM_") and not key.endswith("_SEND"))
    return (*settings, *(f"{key}_RESULT" for key in form if key.endswith("_SEND") and form[key] == "1"))


def _not_sent(fields: t.Mapping[str, str]) -> list[int]:
    return [number for number, part in _by_camera(fields).items() if part.get("SEND_RESULT") == "NG"]


def _by_camera(fields: t.Mapping[str, str]) -> dict[int, dict[str, str]]:
    cameras: dict[int, dict[str, str]] = {}
    for key, value in fields.items():
        match = _CAMERA_FIELD.fullmatch(key)
        if match is not None:
            cameras.setdefault(int(match.group(1)), {})[match.group(2)] = value
    return dict(sorted(cameras.items()))
