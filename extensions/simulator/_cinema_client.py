# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cinema camera's FTPES client: blocking, on a thread of its own; offers exactly its model's suites."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import ipaddress
import pathlib
import re
import socket
import ssl
import threading
import typing as t

from cryptography import x509

from ._cinema_catalog import ConnectionError_, JobStatus

__all__ = ["Client", "Target", "UploadError"]

_BLOCK: t.Final = 64 * 1024
_NO_CHECK_TIME: t.Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: the camera's own clock decides
_WRONG_NAME: t.Final = {62, 63, 64}  # X509_V_ERR_HOSTNAME_MISMATCH, …_EMAIL_…, …_IP_ADDRESS_…
_FULL: t.Final = {452, 552}
_NO_RIGHT: t.Final = {532, 550, 553}
_CLOSE_SECONDS: t.Final = 5.0


class UploadError(Exception):
    """Why a job ended: its status, what the connection's status says of it, and a sentence of the simulator."""

    def __init__(self, status: JobStatus, detail: str, info: ConnectionError_ | None = None) -> None:
        self.status = status
        self.detail = detail
        self.info = info
        super().__init__(detail)


@dc.dataclass(frozen=True, kw_only=True)
class Target:
    """A server as the camera's settings have it; `certificates` is what was loaded, `now` the camera's clock."""

    source_address: str
    host: str
    port: int
    user: str
    password: str
    passive: bool
    secure: bool
    connect_anyway: bool
    suites: tuple[str, ...]
    certificates: str
    now: t.Callable[[], float]
    timeout: float = 20.0


class Client:
    """One control connection and its uploads."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._control: socket.socket | None = None
        self._data: socket.socket | None = None
        self._buffer = b""
        self._aborted = threading.Event()
        self._context = _context(target) if target.secure else None
        #: What was negotiated, and what was wrong with the certificate where the camera connected all the same.
        self.protocol = self.suite = self.certificate_error = ""
        self.resumed: list[bool] = []

    # -- connecting ----------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connect, secure, log in; UploadError with the job's status when that fails."""
        target = self._target
        try:
            self._control = socket.create_connection(
                (target.host, target.port), target.timeout, source_address=self._source()
            )
            self._expect("", {220}, JobStatus.DestServerErr)
            if self._context is not None:
                self._secure()
            self._log_in()
        except UploadError as error:
            self.close()
            raise self._stopped() or error from None
        except OSError as error:
            self.close()
            raise self._stopped() or UploadError(JobStatus.DestConnErr, f"no connection ({_why(error)})") from error

    def _source(self) -> tuple[str, int] | None:
        """The camera's own address, where the server is on loopback too."""
        try:
            server = ipaddress.ip_address(self._target.host)
        except ValueError:
            return None
        own = ipaddress.ip_address(self._target.source_address)
        return (str(own), 0) if server.is_loopback and server.version == own.version else None

    def _secure(self) -> None:
        assert self._context is not None
        assert self._control is not None
        self._expect("AUTH TLS", {234}, JobStatus.DestServerErr)
        if self._buffer:
            raise UploadError(JobStatus.DestServerErr, "the server went on in the clear after AUTH TLS")
        try:
            secured = self._context.wrap_socket(self._control, server_hostname=self._target.host)
        except ssl.SSLCertVerificationError as error:
            status = JobStatus.DestCertNotValid if error.verify_code in _WRONG_NAME else JobStatus.DestCertErr
            raise UploadError(status, error.verify_message, ConnectionError_.CertificateError) from error
        except (ssl.SSLError, ConnectionError) as error:
            raise UploadError(JobStatus.DestConnErr, f"no TLS ({_why(error)})") from error
        self._control = secured
        self.protocol, self.suite = secured.version() or "", (secured.cipher() or ("",))[0]
        self._check_time(secured)

    def _check_time(self, secured: ssl.SSLSocket) -> None:
        """By the camera's own clock: the server's certificate, then what was loaded from the card."""
        shown = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
        loaded: list[x509.Certificate] = []
        if self._target.certificates:
            loaded = x509.load_pem_x509_certificates(self._target.certificates.encode())
        issuers = [one for one in loaded if one.subject == shown.issuer] or loaded[:1]
        try:
            for certificate in (shown, *issuers):
                self._check_validity(certificate)
        except UploadError as error:
            if not self._target.connect_anyway:
                raise
            self.certificate_error = error.status.name

    def _check_validity(self, certificate: x509.Certificate) -> None:
        now = self._target.now()
        if now >= certificate.not_valid_after_utc.timestamp():
            text = f"{certificate.subject.rfc4514_string()} has expired"
            raise UploadError(JobStatus.DestCertExpired, text, ConnectionError_.CertificateError)
        if now < certificate.not_valid_before_utc.timestamp():
            text = f"{certificate.subject.rfc4514_string()} is not valid yet"
            raise UploadError(JobStatus.DestCertNotValid, text, ConnectionError_.CertificateError)

    def _log_in(self) -> None:
        code, text = self._command(f"USER {self._target.user}")
        if code == 331:
            code, text = self._command(f"PASS {self._target.password}")
        if code not in (230, 232):
            raise UploadError(JobStatus.DestAuthFailed, f"the login was refused ({code})")
        if self._context is not None:
            self._expect("PBSZ 0", {200}, JobStatus.DestServerErr)
            self._expect("PROT P", {200}, JobStatus.DestServerErr)
        self._expect("TYPE I", {200}, JobStatus.DestServerErr)
        del text

    # -- uploading -----------------------------------------------------------------------------------------------

    def upload(self, source: pathlib.Path, folders: t.Sequence[str], *, overwrite: bool, sent: list[int]) -> str:
        """Upload a file into a folder; where it went. `sent[0]` counts the bytes."""
        try:
            folder = self._folder(folders)
            name = source.name if overwrite else self._free_name(folder, source.name)
            path = f"{folder}/{name}" if folder else name
            self._store(source, path, sent)
        except UploadError as error:
            raise self._stopped() or error from None
        except OSError as error:
            info = ConnectionError_.FTPServerSevered
            text = f"the connection broke ({_why(error)})"
            raise self._stopped() or UploadError(JobStatus.DestConnErr, text, info) from error
        return path

    def _folder(self, parts: t.Sequence[str]) -> str:
        path = ""
        for part in parts:
            path = f"{path}/{part}" if path else part
            code, text = self._command(f"MKD {path}")
            # 550 also says that it is there already; whether it is shows when the file is stored.
            if code not in (257, 250, 521, 550):
                info = ConnectionError_.DirectoryCreateError
                raise UploadError(JobStatus.DestServerErr, f"no folder {path} ({code} {text})", info)
        return path

    def _free_name(self, folder: str, name: str) -> str:
        stem, suffix = pathlib.PurePath(name).stem, pathlib.PurePath(name).suffix
        for number in range(1000):
            wanted = f"{stem}_{number}{suffix}" if number else name
            code, _text = self._command(f"SIZE {folder}/{wanted}" if folder else f"SIZE {wanted}")
            if code != 213:
                return wanted
        raise UploadError(JobStatus.UploadErr, f"too many files like {name}")

    def _store(self, source: pathlib.Path, path: str, sent: list[int]) -> None:
        try:
            file = source.open("rb")
        except OSError as error:
            raise UploadError(JobStatus.FileAccessErr, f"{source.name} cannot be read") from error
        with file:
            listener = self._open_data()
            self._expect(f"STOR {path}", {125, 150}, JobStatus.DestServerErr)
            try:
                self._send(self._secured(listener), file, sent)
            except OSError as error:
                self._data_broke(error)
            self._close_data()
        self._expect("", {226, 250}, JobStatus.UploadErr)

    def _data_broke(self, error: OSError) -> t.NoReturn:
        """The server's answer says more than the broken connection, if there is one."""
        self._close_data()
        if self._aborted.is_set():
            raise error
        code, text = self._answer()
        raise _refusal(code, text, JobStatus.UploadErr) from error

    def _open_data(self) -> socket.socket | None:
        """Connect, since some servers answer STOR only then; in active mode the socket that the server connects to."""
        assert self._control is not None
        if self._target.passive:
            place = self._passive()
            self._data = socket.create_connection(place, self._target.timeout, source_address=self._source())
            return None
        own, family = self._control.getsockname()[0], self._control.family
        listener = socket.create_server((own, 0), family=family)
        listener.settimeout(self._target.timeout)
        port = listener.getsockname()[1]
        number = 2 if family == socket.AF_INET6 else 1
        self._expect(f"EPRT |{number}|{own}|{port}|", {200}, JobStatus.DestServerErr)
        return listener

    def _passive(self) -> tuple[str, int]:
        assert self._control is not None
        peer = str(self._control.getpeername()[0])
        code, text = self._command("EPSV")
        if code == 229 and (match := re.search(r"\(\|\|\|(\d+)\|\)", text)):
            return peer, int(match[1])
        code, text = self._command("PASV")
        numbers = re.search(r"(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)", text)
        if code != 227 or numbers is None:
            raise UploadError(JobStatus.PASVNotSupport, f"no passive mode ({code})")
        # The address in the answer is not looked at: the data go where the login went.
        return peer, int(numbers[5]) * 256 + int(numbers[6])

    def _secured(self, listener: socket.socket | None) -> socket.socket:
        if listener is not None:
            with listener:
                self._data, _peer = listener.accept()
            self._data.settimeout(self._target.timeout)
        data = self._data
        assert data is not None
        if self._context is None or not isinstance(self._control, ssl.SSLSocket):
            return data
        # Servers refuse, by default, a data connection that does not resume the control connection's session.
        session = self._control.session
        secured = self._context.wrap_socket(data, server_hostname=self._target.host, session=session)
        self._data = secured
        self.resumed.append(bool(secured.session_reused))
        return secured

    def _send(self, data: socket.socket, file: t.BinaryIO, sent: list[int]) -> None:
        while block := file.read(_BLOCK):
            if self._aborted.is_set():
                raise ConnectionAbortedError
            data.sendall(block)
            sent[0] += len(block)
        if isinstance(data, ssl.SSLSocket):
            data.settimeout(_CLOSE_SECONDS)
            # Not every server says goodbye; its answer on the control connection decides.
            with contextlib.suppress(ssl.SSLError, OSError):
                data.unwrap()

    # -- talking -------------------------------------------------------------------------------------------------

    def _command(self, text: str) -> tuple[int, str]:
        assert self._control is not None
        self._control.sendall(f"{text}\r\n".encode())
        return self._answer()

    def _expect(self, command: str, good: t.Collection[int], status: JobStatus) -> None:
        code, text = self._command(command) if command else self._answer()
        if code not in good:
            raise _refusal(code, text, status)

    def _answer(self) -> tuple[int, str]:
        first = self._line()
        while first[:3].isdigit() and first[3:4] == "-":
            line = self._line()
            if line[:4] == f"{first[:3]} ":
                return int(first[:3]), line[4:]
        if not first[:3].isdigit():
            raise UploadError(JobStatus.DestServerErr, "the answer is no FTP")
        return int(first[:3]), first[4:]

    def _line(self) -> str:
        assert self._control is not None
        while b"\n" not in self._buffer:
            try:
                chunk = self._control.recv(4096)
            except OSError as error:
                raise self._severed(_why(error)) from error
            if not chunk or len(self._buffer) > _BLOCK:
                raise self._severed("the server closed it" if not chunk else "an endless answer")
            self._buffer += chunk
        line, _newline, self._buffer = self._buffer.partition(b"\n")
        return line.decode(errors="replace").rstrip("\r")

    def _severed(self, why: str) -> UploadError:
        text = f"the control connection broke ({why})"
        return UploadError(JobStatus.DestConnErr, text, ConnectionError_.FTPServerSevered)

    # -- ending --------------------------------------------------------------------------------------------------

    def _stopped(self) -> UploadError | None:
        """Whatever went wrong: it was stopped from outside."""
        return UploadError(JobStatus.Aborted, "the job was stopped") if self._aborted.is_set() else None

    def _close_data(self) -> None:
        data, self._data = self._data, None
        if data is not None:
            data.close()

    def abort(self) -> None:
        """From another thread: whatever goes on ends now."""
        self._aborted.set()
        for one in (self._data, self._control):
            if one is not None:
                # Of the plain socket: TLS must not be spoken by two threads.
                with contextlib.suppress(OSError, ValueError):
                    socket.socket.shutdown(one, socket.SHUT_RDWR)

    def close(self) -> None:
        """Say goodbye, if there is anybody to say it to."""
        self._close_data()
        control, self._control = self._control, None
        if control is not None:
            with contextlib.suppress(OSError):
                control.sendall(b"QUIT\r\n")
            control.close()


def _context(target: Target) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(target.suites) + ":@SECLEVEL=1")
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    context.check_hostname = not target.connect_anyway
    context.verify_mode = ssl.CERT_NONE if target.connect_anyway else ssl.CERT_REQUIRED
    if target.certificates:
        context.load_verify_locations(cadata=target.certificates)
    return context


def _refusal(code: int, text: str, status: JobStatus) -> UploadError:
    detail = f"the server answered {code} {text}".strip()
    if code in _FULL:
        return UploadError(JobStatus.ServerCapacityOver, detail, ConnectionError_.FTPServerOverCapacity)
    if code in _NO_RIGHT:
        return UploadError(JobStatus.DestServerErr, detail, ConnectionError_.AuthorityError)
    if code == 421:
        return UploadError(JobStatus.DestConnErr, detail, ConnectionError_.FTPServerSevered)
    return UploadError(status, detail)


def _why(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return (error.strerror or type(error).__name__).lower()
