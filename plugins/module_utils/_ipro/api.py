# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The i-PRO camera's calls, and nothing else: no decisions, no rules.

How sure each call is stands in ``docs/wire_dialects.md``. No call was tried on hardware; :data:`INFERRED_CALLS` holds
the ones that no public source shows, in one place.
"""

from __future__ import annotations

import datetime as dt
import types
import typing as t

from .._camera.state import CertificateStatus, HttpsState, KeyFacts, SubjectName
from .._core._errors import ConnectError, ProtocolError
from .._transport._frame import parse_frame
from .._transport._session import Answer, DeviceSession

__all__ = ["INFERRED_CALLS", "IproApi", "certificate_status"]

#: Path and fixed fields of the calls that were shaped by analogy (INFERRED).
INFERRED_CALLS: t.Mapping[str, tuple[str, t.Mapping[str, str]]] = types.MappingProxyType(
    {
        "generate_key": ("/cgi-bin/set_crt_key", {"mode": "create"}),
        "apply_previous_key": ("/cgi-bin/set_crt_key", {"mode": "history_apply"}),
        "make_self_signed": ("/cgi-bin/https_self_signed", {"mode": "create"}),
        "confirm_self_signed": ("/cgi-bin/https_self_signed", {"mode": "confirm"}),
        "make_request": ("/cgi-bin/https_signed", {"mode": "create"}),
        "download_request": ("/cgi-bin/https_signed", {"mode": "get_csr"}),
        "confirm_certificate": ("/cgi-bin/https_signed", {"mode": "confirm"}),
    }
)
#: What ``live`` says; ``dual`` is chosen by ONVIF only.
_CONNECTIONS: t.Mapping[str, str] = types.MappingProxyType({"http": "http", "https": "https", "dual": "http_and_https"})
_MAX_REQUEST_BYTES = 16384
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


class IproApi:
    """The calls of one camera over one session.

    Args:
        session: The session; all calls need the administrator's level.
    """

    def __init__(self, session: DeviceSession) -> None:
        self.session = session

    def https(self) -> tuple[HttpsState, dict[str, str]]:
        """How the camera answers and what it says of its certificates (``get_https``, OFFICIAL).

        Returns:
            The state, and the two ``*_info`` fields as the camera gave them.
        """
        fields = self._read("/cgi-bin/get_https", required=("live", "https_port", "self_signed_info", "ca_cert_info"))
        connection = _CONNECTIONS.get(fields["live"], "")
        if not connection or not fields["https_port"].isdecimal():
            raise ProtocolError(
                device=self.session.device,
                subject="answer to /cgi-bin/get_https",
                found=f"live={fields['live'][:20]}, https_port={fields['https_port'][:20]}",
                expected="live http, https or dual, and a port number",
            )
        return HttpsState(connection=connection, https_port=int(fields["https_port"])), fields

    def keys(self) -> tuple[KeyFacts | None, KeyFacts | None, bool]:
        """Present key, previous key, and whether one is being generated (``get_crt_key``, OFFICIAL)."""
        required = ("cur_key_size", "cur_key_last_modified", "pre_key_size", "pre_key_last_modified")
        fields = self._read("/cgi-bin/get_crt_key", required=required)
        return _key(fields, "cur"), _key(fields, "pre"), fields.get("generating") == "yes"

    def http_port(self) -> int:
        """Port for plain HTTP (``get_http_live_port``, OFFICIAL name, INFERRED field)."""
        shown = self._read("/cgi-bin/get_http_live_port", required=("http_port",))["http_port"]
        if not shown.isdecimal():
            raise ProtocolError(
                device=self.session.device,
                subject="answer to /cgi-bin/get_http_live_port",
                found=f"http_port={shown[:20]}",
                expected="a port number",
            )
        return int(shown)

    def request_made_at(self) -> str:
        """The camera's time of the last CSR, empty if there is none (``https_signed?mode=get_info``, OFFICIAL)."""
        fields = self._read("/cgi-bin/https_signed", {"mode": "get_info"}, required=("last_modified",))
        return "" if fields["last_modified"] == "not_generated" else fields["last_modified"]

    def tls_supported(self) -> bool:
        """Whether the model knows HTTPS (``get_capability``, FIELD)."""
        key = "video_server.network.https.supported"
        return self._read("/cgi-bin/get_capability", required=(key,))[key] == "yes"

    def identity(self) -> dict[str, str]:
        """Model, version, serial number, MAC address (``getinfo``, FIELD)."""
        return self._read("/cgi-bin/getinfo", {"FILE": "1"}, required=("MAC", "SERIAL", "VERSION", "PRODUCT_NAME"))

    def clock(self) -> dt.datetime:
        """The camera's time, UTC (``get_time``, OFFICIAL name, INFERRED field)."""
        shown = self._read("/cgi-bin/get_time", required=("time",))["time"]
        try:
            return dt.datetime.strptime(shown, _TIME_FORMAT).replace(tzinfo=dt.UTC)
        except ValueError:
            raise ProtocolError(
                device=self.session.device,
                subject="answer to /cgi-bin/get_time",
                found=f"time={shown[:40]}",
                expected="a time, YYYY-MM-DD HH:MM:SS",
            ) from None

    def set_clock(self, now: dt.datetime) -> None:
        """Set the camera's clock (``time``, OFFICIAL name, INFERRED field).

        Args:
            now: UTC.
        """
        self.session.write("/cgi-bin/time", form={"time": now.strftime(_TIME_FORMAT)})

    def reboot(self) -> None:
        """Restart the camera (``initial``, OFFICIAL), with the number that it gives against forged requests."""
        number = self._read("/cgi-bin/get_randomnum", required=("randomnum",))["randomnum"]
        try:
            self.session.write("/cgi-bin/initial", params={"cmd": "reset", "Randomnum": number})
        except ConnectError:
            # Whether it restarts is seen from outside.
            return

    def installed_serial(self) -> str:
        """Serial number of the installed CA certificate, lower-case hex without leading zeros (INFERRED)."""
        path, fields = INFERRED_CALLS["confirm_certificate"]
        shown = self._read(path, fields, required=("serial_number",))["serial_number"]
        return shown.replace(":", "").lower().lstrip("0")

    def self_signed_details(self) -> dict[str, str]:
        """The self-signed certificate's fields as the camera shows them (HTTPS-12; INFERRED)."""
        path, fields = INFERRED_CALLS["confirm_self_signed"]
        return self._read(path, fields, required=("common_name", "not_after"))

    def certificate_request(self) -> str:
        """The CSR (INFERRED).

        Returns:
            PEM.
        """
        path, fields = INFERRED_CALLS["download_request"]
        answer = self.session.read(path, fields)
        if b"-----BEGIN" not in answer.body or len(answer.body) > _MAX_REQUEST_BYTES:
            raise ProtocolError(
                device=self.session.device,
                subject="certificate signing request",
                found=f"{len(answer.body)} bytes of {answer.content_type or 'unnamed type'}",
                expected="one CSR in PEM form",
            )
        return answer.text

    def generate_key(self, size: int) -> None:
        """Start the generation of a key (INFERRED).

        Args:
            size: Bits.
        """
        path, fields = INFERRED_CALLS["generate_key"]
        self.session.write(path, params={**fields, "size": str(size)})

    def apply_previous_key(self) -> None:
        """Put the previous key in place of the present one (HTTPS-04; INFERRED)."""
        path, fields = INFERRED_CALLS["apply_previous_key"]
        self.session.write(path, params=fields)

    def make_self_signed(self, subject: SubjectName) -> None:
        """Make the self-signed certificate (INFERRED).

        Args:
            subject: Its subject.
        """
        path, fields = INFERRED_CALLS["make_self_signed"]
        self.session.write(path, form={**fields, **subject.form()})

    def delete_self_signed(self) -> None:
        """Delete the self-signed certificate (OFFICIAL)."""
        self.session.write("/cgi-bin/https_self_signed", params={"mode": "delete"})

    def make_request(self, subject: SubjectName) -> None:
        """Make the CSR for the present key (INFERRED).

        Args:
            subject: Its subject.
        """
        path, fields = INFERRED_CALLS["make_request"]
        self.session.write(path, form={**fields, **subject.form()})

    def install_certificate(self, pem: str) -> None:
        """Install the CA certificate (OFFICIAL).

        Args:
            pem: One certificate.
        """
        self.session.write("/cgi-bin/https_install_signed", uploads=[("fileName", "certificate.pem", pem.encode())])

    def delete_certificate(self) -> None:
        """Delete the CA certificate (OFFICIAL)."""
        self.session.write("/cgi-bin/https_signed", params={"mode": "delete"})

    def set_https(self, wanted: HttpsState) -> None:
        """Choose how the camera answers (OFFICIAL); it then cuts all connections.

        Args:
            wanted: Scheme and port; both schemes at once cannot be chosen here, and plain HTTP stands for them. A lost
                answer is no error: evidence comes from the new endpoint.
        """
        live = "https" if wanted.connection == "https" else "http"
        form = {"live": live, "https_port": str(wanted.https_port)}
        try:
            self.session.write("/cgi-bin/set_https", form=form)
        except ConnectError:
            # The camera cuts the connection as part of the change; whether it took place is seen at the new endpoint.
            return

    def _read(
        self, path: str, params: t.Mapping[str, str] | None = None, *, required: tuple[str, ...]
    ) -> dict[str, str]:
        answer: Answer = self.session.read(path, params)
        return parse_frame(answer, device=self.session.device, subject=path, required=required)


def certificate_status(info: str) -> tuple[CertificateStatus, str]:
    """Read ``self_signed_info`` or ``ca_cert_info`` (HTTPS-11, HTTPS-22).

    Args:
        info: The field.

    Returns:
        The status, and the name in the certificate when it is valid.
    """
    if info in ("not_generated", "invalid", "expired"):
        return t.cast("CertificateStatus", info), ""
    return "valid", info


def _key(fields: t.Mapping[str, str], which: str) -> KeyFacts | None:
    generated_at, size = fields[f"{which}_key_last_modified"], fields[f"{which}_key_size"]
    if generated_at == "not_generated" or not size.isdecimal():
        return None
    return KeyFacts(size=int(size), generated_at=generated_at)
