# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Sunell camera's calls, and nothing else: no decisions, no rules.

How sure each call is stands in ``docs/wire_dialects.md``. No call was tried on hardware; :data:`INFERRED_CALLS` holds
the ones that no public source shows, in one place, and a :class:`SunellApi` can be given others. The older variant,
whose login stands in the URL, is not spoken: URLs end in logs.
"""

from __future__ import annotations

import datetime as dt
import types
import typing as t

from .._core._errors import ConnectError, ProtocolError
from .._core._secret import Secret
from .._transport._frame import parse_frame
from .._transport._session import Answer, DeviceSession
from .state import DeviceClock, HttpsState, Network, Ntp, RequestSubject, Way
from .zones import MINUTES_EAST

__all__ = ["INFERRED_CALLS", "SunellApi"]

#: Action and type of the calls that were shaped by analogy (INFERRED). The type HTTPS is known, its fields are not.
INFERRED_CALLS: t.Mapping[str, tuple[str, str]] = types.MappingProxyType(
    {
        "https": ("get", "HTTPS"),
        "set_https": ("set", "HTTPS"),
        "built_in_root": ("export", "CACert"),
        "upload_pair": ("upload", "serverCert"),
        "delete_pair": ("delete", "serverCert"),
        "make_request": ("create", "certReq"),
        "download_request": ("export", "certReq"),
        "upload_signed": ("upload", "signedCert"),
        "delete_signed": ("delete", "signedCert"),
        "change_password": ("modifyUser", "User"),
    }
)
_PARAM = "/cgi-bin/param.cgi"
_OPERATE = "/cgi-bin/operate.cgi"
_PORTS = ("controlPort", "httpPort", "rtspPort", "rtmpPort", "sslPort", "httpsPort")
_DATE = ("year", "month", "day", "hour", "minute", "second")
_CARD = {"IPProtoVer": "1", "netCardId": "1"}
#: INFERRED: how the camera numbers the ways.
_WAYS: tuple[Way, ...] = ("built_in", "uploaded", "signed")
#: INFERRED: the fields of the certificate request information.
_SUBJECT: t.Mapping[str, str] = types.MappingProxyType(
    {
        "common_name": "commonName",
        "country": "country",
        "state": "province",
        "locality": "city",
        "organization": "organization",
        "organizational_unit": "department",
    }
)
_MAX_PEM_BYTES = 16384


class SunellApi:
    """The calls of one camera over one session.

    Args:
        session: The session; writes need a user of the group SuperAdmin.
        inferred: Action and type of the inferred calls, for a firmware that names them otherwise.

    Raises:
        ValueError: A call is missing.
    """

    def __init__(self, session: DeviceSession, *, inferred: t.Mapping[str, tuple[str, str]] = INFERRED_CALLS) -> None:
        if inferred.keys() != INFERRED_CALLS.keys():
            raise ValueError(f"inferred calls are {', '.join(INFERRED_CALLS)}")
        self.session = session
        self._inferred = inferred

    # -- about the camera

    def identity(self) -> dict[str, str]:
        """Model, version, MAC address (``deviceInfo``, FIELD); the camera asks no login for it."""
        return self._get("deviceInfo", required=("productModel", "softwareVer", "MACAddress"))

    def ports(self) -> dict[str, int]:
        """TCP ports by the camera's names (``devicePort``, FIELD)."""
        fields = self._get("devicePort", required=_PORTS)
        return {name: self._number(fields, name, "devicePort") for name in _PORTS}

    def set_ports(self, **ports: int) -> None:
        """Other ports, by the camera's names (FIELD).

        Args:
            ports: For example ``httpsPort=8443``. A lost answer is no error: evidence comes from the new endpoint.

        Raises:
            ValueError: The camera knows no such port.
        """
        if not ports.keys() <= set(_PORTS):
            raise ValueError(f"ports are {', '.join(_PORTS)}")
        self._set_and_lose("devicePort", {name: str(port) for name, port in ports.items()})

    def network(self) -> Network:
        """Its address (``localNetwork``, FIELD; the camera writes ``subGetway``)."""
        required = ("IPAddress", "subNetmask", "subGetway")
        fields = self._get("localNetwork", _CARD, required=required)
        return Network(
            address=fields["IPAddress"],
            netmask=fields["subNetmask"],
            gateway=fields["subGetway"],
            dns=(fields.get("preferredDNS", ""), fields.get("alternateDNS", "")),
        )

    def set_network(self, wanted: Network) -> None:
        """Another address (FIELD); the camera moves at once.

        Args:
            wanted: The whole setting. A lost answer is no error: evidence comes from the new address.
        """
        fields = {
            "IPAddress": wanted.address,
            "subNetmask": wanted.netmask,
            "subGetway": wanted.gateway,
            "preferredDNS": wanted.dns[0],
            "alternateDNS": wanted.dns[1],
        }
        self._set_and_lose("localNetwork", {**_CARD, **fields})

    # -- time

    def local_time(self) -> dt.datetime:
        """The camera's local time, naive (``dateTime``, FIELD)."""
        fields = self._get("dateTime", required=_DATE)
        year, month, day, hour, minute, second = (self._number(fields, name, "dateTime") for name in _DATE)
        try:
            return dt.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  # it is local to the camera
        except ValueError:
            raise self._unknown("dateTime", " ".join(fields[name][:8] for name in _DATE), "a time") from None

    def time_zone(self) -> tuple[int, bool]:
        """Index of the time zone, and whether daylight saving time is switched on (``timeZone``, FIELD)."""
        fields = self._get("timeZone", required=("timeZone", "DSTOpenFlag"))
        return self._number(fields, "timeZone", "timeZone"), fields["DSTOpenFlag"] == "1"

    def clock(self) -> DeviceClock | None:
        """The camera's time, UTC; None when its time zone is unknown here. Two requests: it gives local time only."""
        index, daylight_saving = self.time_zone()
        local = self.local_time()
        if index not in MINUTES_EAST:
            return None
        latest = local.replace(tzinfo=dt.timezone(dt.timedelta(minutes=MINUTES_EAST[index]))).astimezone(dt.UTC)
        return DeviceClock(earliest=latest - dt.timedelta(hours=int(daylight_saving)), latest=latest)

    def set_clock(self, wanted: dt.datetime) -> None:
        """Set the camera's time (``dateTime``, FIELD). Two requests: it takes local time only.

        Args:
            wanted: An aware datetime.

        Raises:
            ProtocolError: The camera's time zone is unknown here, or has daylight saving time.
        """
        index, daylight_saving = self.time_zone()
        if daylight_saving or index not in MINUTES_EAST:
            found = "daylight saving time" if daylight_saving else f"timeZone={index}"
            raise self._unknown("timeZone", found, "a time zone of known distance without daylight saving time")
        local = wanted.astimezone(dt.timezone(dt.timedelta(minutes=MINUTES_EAST[index])))
        self._write("set", "dateTime", {name: str(getattr(local, name)) for name in _DATE})

    def ntp(self) -> Ntp:
        """Its time server (``NTP``, FIELD)."""
        fields = self._get("NTP", required=("enableFlag", "NTPIP", "NTPPort", "NTPCheckTime"))
        return Ntp(
            enabled=fields["enableFlag"] == "1",
            server=fields["NTPIP"],
            port=self._number(fields, "NTPPort", "NTP"),
            interval=self._number(fields, "NTPCheckTime", "NTP"),
        )

    def set_ntp(self, wanted: Ntp) -> None:
        """Another time server (FIELD).

        Args:
            wanted: The whole setting.
        """
        fields = {
            "enableFlag": str(int(wanted.enabled)),
            "IPProtoVer": "1",
            "NTPIP": wanted.server,
            "NTPPort": str(wanted.port),
            "NTPCheckTime": str(wanted.interval),
        }
        self._write("set", "NTP", fields)

    # -- users

    def change_password(self, name: str, password: Secret) -> None:
        """Give a user another password (INFERRED); this session's own login is then refused.

        Args:
            name: The user.
            password: The new one; it stands in the body.
        """
        fields = {"userName": name, "newPassword": password.reveal()}
        self.session.write(_PARAM, params=self._call("change_password"), form=fields)

    # -- HTTPS and certificates

    def https(self) -> HttpsState:
        """HTTPS and which certificates are stored (INFERRED fields)."""
        required = ("enableFlag", "certType", "uploadedCert", "certReq", "signedCert")
        fields = self._parsed(self.session.read(_PARAM, self._call("https")), "HTTPS", required)
        way = self._number(fields, "certType", "HTTPS")
        flags = [fields[name] for name in required if name != "certType"]
        if way >= len(_WAYS) or not set(flags) <= {"0", "1"}:
            shown = ", ".join(f"{name}={fields[name][:20]}" for name in required)
            raise self._unknown("HTTPS", shown, f"certType 0 to {len(_WAYS) - 1} and flags 0 or 1")
        return HttpsState(
            enabled=fields["enableFlag"] == "1",
            way=_WAYS[way],
            uploaded=fields["uploadedCert"] == "1",
            requested=fields["certReq"] == "1",
            signed=fields["signedCert"] == "1",
        )

    def set_https(self, *, enabled: bool) -> None:
        """Switch HTTPS (INFERRED).

        Args:
            enabled: Whether it is on. A lost answer is no error when it is switched off.
        """
        try:
            self.session.write(_PARAM, params={**self._call("set_https"), "enableFlag": str(int(enabled))})
        except ConnectError:
            if enabled:
                raise

    def built_in_root(self) -> str:
        """The certificate of the CA in the firmware, ``cacert.crt`` (CAM-02; INFERRED).

        Returns:
            PEM. Its private key is in every camera of this firmware: see ``check_built_in_trusted`` of the rules.
        """
        return self._pem("built_in_root", "cacert.crt", "CERTIFICATE")

    def upload_pair(self, certificate_pem: str, key_pem: Secret) -> None:
        """Upload a server certificate and its private key (CAM-13; INFERRED); they are used from then on (CAM-04).

        Args:
            certificate_pem: The certificate, intermediates behind it.
            key_pem: Unencrypted RSA key.
        """
        files = [
            ("certFile", "server.crt", certificate_pem.encode()),
            ("keyFile", "server.key", key_pem.reveal().encode()),
        ]
        self.session.write(_PARAM, params=self._call("upload_pair"), uploads=files)

    def delete_pair(self) -> None:
        """Delete the uploaded certificate and key (INFERRED)."""
        self.session.write(_PARAM, params=self._call("delete_pair"))

    def make_request(self, subject: RequestSubject) -> None:
        """Make a new private key, and a CSR for it (CAM-20; INFERRED).

        Args:
            subject: The certificate request information.
        """
        fields = {wire: getattr(subject, name) for name, wire in _SUBJECT.items()}
        self.session.write(_PARAM, params={**self._call("make_request"), **fields})

    def certificate_request(self) -> str:
        """The CSR, ``certreq.pem`` (CAM-21; INFERRED).

        Returns:
            PEM.
        """
        return self._pem("download_request", "certreq.pem", "CERTIFICATE REQUEST")

    def upload_signed(self, certificate_pem: str) -> None:
        """Upload the certificate for the last CSR (CAM-23; INFERRED); it is used from then on.

        Args:
            certificate_pem: The certificate, intermediates behind it.
        """
        content = certificate_pem.encode()
        self.session.write(_PARAM, params=self._call("upload_signed"), uploads=[("certFile", "signed.crt", content)])

    def delete_signed(self) -> None:
        """Delete the certificate for the CSR (INFERRED)."""
        self.session.write(_PARAM, params=self._call("delete_signed"))

    # -- the whole camera

    def restart(self) -> None:
        """Restart it (``operate.cgi``, FIELD); a lost answer is no error."""
        try:
            self.session.write(_OPERATE, params={"action": "deviceRestart"})
        except ConnectError:
            # It may go down before its answer is out; whether it did is seen when it comes back.
            return

    # -- how it is asked

    def _call(self, name: str) -> dict[str, str]:
        action, kind = self._inferred[name]
        return {"action": action, "type": kind}

    def _get(self, kind: str, more: t.Mapping[str, str] | None = None, *, required: tuple[str, ...]) -> dict[str, str]:
        answer = self.session.read(_PARAM, {"action": "get", "type": kind, **(more or {})})
        return self._parsed(answer, kind, required)

    def _write(self, action: str, kind: str, fields: t.Mapping[str, str]) -> None:
        self.session.write(_PARAM, params={"action": action, "type": kind, **fields})

    def _set_and_lose(self, kind: str, fields: t.Mapping[str, str]) -> None:
        try:
            self._write("set", kind, fields)
        except ConnectError:
            # The camera may cut the connection as part of the change; whether it took place is seen where it is then.
            return

    def _pem(self, name: str, subject: str, label: str) -> str:
        answer = self.session.read(_PARAM, self._call(name))
        if f"-----BEGIN {label}-----" not in answer.text or len(answer.body) > _MAX_PEM_BYTES:
            found = f"{len(answer.body)} bytes of {answer.content_type or 'unnamed type'}"
            raise self._unknown(subject, found, f"one {label.lower()} in PEM form")
        return answer.text

    def _parsed(self, answer: Answer, kind: str, required: tuple[str, ...]) -> dict[str, str]:
        return parse_frame(answer, device=self.session.device, subject=kind, required=required)

    def _number(self, fields: t.Mapping[str, str], name: str, kind: str) -> int:
        value = fields[name]
        if not (value.isascii() and value.isdecimal() and len(value) < 10):
            raise self._unknown(kind, f"{name}={value[:20]}", "a number")
        return int(value)

    def _unknown(self, kind: str, found: str, expected: str) -> ProtocolError:
        return ProtocolError(device=self.session.device, subject=f"answer to {kind}", found=found, expected=expected)
