# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TcpClient, TcpListener and SslStream of .NET: real TLS over real sockets, verified as this Windows would."""

from __future__ import annotations

import collections.abc as c
import concurrent.futures
import contextlib
import ipaddress
import select
import socket
import threading
import time
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL

from ._powershell_crypto import Certificate, Chain
from ._powershell_types import NetType, ScriptBlockType, convert, enum, find_type, register
from ._powershell_values import (
    VOID,
    Enum,
    Limit,
    NetError,
    NetException,
    NetObject,
    PsError,
    PsObject,
    as_int,
    as_list,
    items_of,
    net_error,
    text_of,
    true,
)
from ._windows_store import ADMINISTRATORS, Entry

if t.TYPE_CHECKING:
    from ._powershell import PowerShell

__all__ = ["Task"]

_SOCKET: t.Final = "System.Net.Sockets.SocketException"
_AUTH: t.Final = "System.Security.Authentication.AuthenticationException"
_PATIENCE: t.Final = 30.0

_POLICY: t.Final = enum("System.Net.Security.SslPolicyErrors", {"None": 0, "RemoteCertificateNotAvailable": 1, "RemoteCertificateNameMismatch": 2, "RemoteCertificateChainErrors": 4}, flags=True)  # noqa: E501  # fmt: skip
_PROTOCOLS: t.Final = enum("System.Security.Authentication.SslProtocols", {"None": 0, "Ssl2": 12, "Ssl3": 48, "Tls": 192, "Default": 240, "Tls11": 768, "Tls12": 3072, "Tls13": 12288}, flags=True)  # noqa: E501  # fmt: skip
_VERSIONS: t.Final[c.Mapping[int, int]] = {
    192: SSL.TLS1_VERSION,
    768: SSL.TLS1_1_VERSION,
    3072: SSL.TLS1_2_VERSION,
    12288: SSL.TLS1_3_VERSION,
}


# -- tasks -------------------------------------------------------------------------------------------------------


class Task(NetObject):
    """A System.Threading.Tasks.Task of work that runs in a thread."""

    TYPE = "System.Threading.Tasks.Task"

    def __init__(self, work: c.Callable[[], t.Any]) -> None:
        self.future: concurrent.futures.Future[t.Any] = concurrent.futures.Future()

        def run() -> None:
            try:
                self.future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is the waiting script's to hear
                self.future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()

    def _failure(self) -> NetException | None:
        error = self.future.exception()
        if error is None:
            return None
        if isinstance(error, NetError):
            return error.exception
        if isinstance(error, PsError):
            return error.record.exception
        raise error

    def _aggregate(self, inner: NetException) -> NetException:
        return NetException(
            "System.AggregateException", "One or more errors occurred.", inner=inner, innerexceptions=[inner]
        )

    def do_wait(self, milliseconds: t.Any = -1) -> t.Any:
        limit = as_int(milliseconds)
        try:
            self.future.exception(None if limit < 0 else limit / 1000)
        except concurrent.futures.TimeoutError:
            return False
        failure = self._failure()
        if failure is not None:
            raise NetError(self._aggregate(failure))
        return VOID if limit < 0 else True

    def get_result(self) -> t.Any:
        self.do_wait()
        return self.future.result()

    def get_iscompleted(self) -> bool:
        return self.future.done()

    def get_isfaulted(self) -> bool:
        return self.future.done() and self._failure() is not None

    def get_iscanceled(self) -> bool:
        return False

    def get_status(self) -> str:
        if not self.future.done():
            return "Running"
        return "Faulted" if self._failure() else "RanToCompletion"

    def get_exception(self) -> NetException | None:
        failure = self._failure() if self.future.done() else None
        return self._aggregate(failure) if failure else None

    def get_asyncwaithandle(self) -> _Handle:
        return _Handle(self)

    def do_getawaiter(self) -> _Awaiter:
        return _Awaiter(self)

    def do_dispose(self) -> t.Any:
        return VOID


class _Awaiter(NetObject):
    TYPE = "System.Runtime.CompilerServices.TaskAwaiter"

    def __init__(self, task: Task) -> None:
        self.task = task

    def get_iscompleted(self) -> bool:
        return self.task.get_iscompleted()

    def do_getresult(self) -> t.Any:
        error = self.task.future.exception()
        if error is not None:
            raise error
        return self.task.future.result()


class _Handle(NetObject):
    TYPE = "System.Threading.WaitHandle"

    def __init__(self, task: Task) -> None:
        self.task = task

    def do_waitone(self, milliseconds: t.Any = -1, *_context: t.Any) -> bool:
        limit = as_int(milliseconds)
        concurrent.futures.wait([self.task.future], None if limit < 0 else limit / 1000)
        return self.task.future.done()

    def do_close(self) -> t.Any:
        return VOID

    do_dispose = do_close


def _wait_all(_shell: PowerShell, tasks: t.Any, milliseconds: t.Any = -1) -> t.Any:
    limit = as_int(milliseconds)
    end = time.monotonic() + (limit / 1000 if limit >= 0 else 1e9)
    for task in items_of(tasks):
        left = -1 if limit < 0 else max(0, int((end - time.monotonic()) * 1000))
        if task.do_wait(left) is False:
            return False
    return VOID if limit < 0 else True


register(NetType(Task.TYPE, methods={"WaitAll": _wait_all}))


# -- TCP ---------------------------------------------------------------------------------------------------------


def _socket_error(code: int, text: str) -> NetError:
    return net_error(_SOCKET, text, errorcode=code, nativeerrorcode=code, socketerrorcode=code)


def _address(shell: PowerShell, name: t.Any) -> str:
    """An address for a name: by this computer's resolver, and by nothing else."""
    if isinstance(name, _Address):
        return shell.host.address if name.text in {"127.0.0.1", "0.0.0.0"} else name.text  # noqa: S104
    text = text_of(name)
    found = shell.host.resolve(text)
    if found is not None:
        return found
    try:
        literal = ipaddress.ip_address(text)
    except ValueError:
        raise _socket_error(11001, "No such host is known") from None
    if not literal.is_loopback:
        raise _socket_error(10051, f"A socket operation was attempted to an unreachable network {text}")
    return text


def _connected(shell: PowerShell, name: t.Any, port: t.Any, limit: float = _PATIENCE) -> socket.socket:
    address, number = _address(shell, name), as_int(port)
    try:
        made = socket.create_connection((address, number), timeout=limit, source_address=(shell.host.address, 0))
    except TimeoutError:
        raise _socket_error(
            10060,
            "A connection attempt failed because the connected party did not properly respond after a period of time,"
            f" or established connection failed because connected host has failed to respond {address}:{number}",
        ) from None
    except OSError:
        raise _socket_error(
            10061, f"No connection could be made because the target machine actively refused it {address}:{number}"
        ) from None
    made.setblocking(False)
    shell.host.opened(made)
    return made


class _Stream(NetObject):
    TYPE = "System.Net.Sockets.NetworkStream"

    def __init__(self, client: TcpClient) -> None:
        self.client = client

    def raw(self) -> socket.socket:
        """The socket below; an error when it is closed."""
        raw = self.client.socket
        if raw is None or raw.fileno() < 0:
            raise net_error("System.ObjectDisposedException", "Cannot access a disposed object.")
        return raw

    def set_readtimeout(self, value: t.Any) -> None:
        self.client.timeout = as_int(value) / 1000

    def set_writetimeout(self, value: t.Any) -> None:
        del value

    def do_write(self, data: t.Any, offset: t.Any, count: t.Any) -> t.Any:
        begin, raw = as_int(offset), self.raw()
        try:
            raw.settimeout(self.client.timeout)
            raw.sendall(bytes(items_of(data))[begin : begin + as_int(count)])
        except OSError:
            raise _broken("write data to") from None
        finally:
            raw.setblocking(False)
        return VOID

    def do_read(self, buffer: t.Any, offset: t.Any, count: t.Any) -> int:
        if not isinstance(buffer, bytearray):
            raise Limit("reading into anything but a byte[] made for it")
        begin, raw = as_int(offset), self.raw()
        try:
            raw.settimeout(self.client.timeout)
            data = raw.recv(as_int(count))
        except OSError:
            raise _broken("read data from") from None
        finally:
            raw.setblocking(False)
        buffer[begin : begin + len(data)] = data
        return len(data)

    def do_flush(self) -> t.Any:
        return VOID

    def do_close(self) -> t.Any:
        return self.client.do_close()

    do_dispose = do_close


class TcpClient(NetObject):
    """A System.Net.Sockets.TcpClient."""

    TYPE = "System.Net.Sockets.TcpClient"

    def __init__(self, shell: PowerShell, made: socket.socket | None = None) -> None:
        self.shell, self.socket = shell, made
        self.timeout = _PATIENCE

    def _connect(self, name: t.Any, port: t.Any) -> t.Any:
        self.socket = _connected(self.shell, name, port)
        return VOID

    def do_connect(self, name: t.Any, port: t.Any) -> t.Any:
        return self._connect(name, port)

    def do_connectasync(self, name: t.Any, port: t.Any) -> Task:
        return Task(lambda: self._connect(name, port))

    def do_beginconnect(self, name: t.Any, port: t.Any, *_callback: t.Any) -> Task:
        return Task(lambda: self._connect(name, port))

    def do_endconnect(self, task: t.Any) -> t.Any:
        error = task.future.exception()
        if error is not None:
            raise error
        return VOID

    def do_getstream(self) -> _Stream:
        if self.socket is None:
            raise net_error(
                "System.InvalidOperationException", "The operation is not allowed on non-connected sockets."
            )
        return _Stream(self)

    def get_connected(self) -> bool:
        return self.socket is not None and self.socket.fileno() >= 0

    def set_receivetimeout(self, value: t.Any) -> None:
        self.timeout = as_int(value) / 1000 or _PATIENCE

    def set_sendtimeout(self, value: t.Any) -> None:
        del value

    def set_nodelay(self, value: t.Any) -> None:
        del value

    def do_close(self) -> t.Any:
        if self.socket is not None:
            self.socket.close()
        return VOID

    do_dispose = do_close


def _new_client(shell: PowerShell, name: t.Any = None, port: t.Any = None) -> TcpClient:
    if name is None or isinstance(name, Enum):
        return TcpClient(shell)
    if port is None:
        raise Limit("a TcpClient with an end point")
    return TcpClient(shell, _connected(shell, name, port))


register(NetType(TcpClient.TYPE, new=_new_client))


class _Address(NetObject):
    TYPE = "System.Net.IPAddress"
    SHOWN = True

    def __init__(self, text: str) -> None:
        self.text = text

    def get_ipaddresstostring(self) -> str:
        return self.text

    def __str__(self) -> str:
        return self.text


def _parse_address(_shell: PowerShell, text: t.Any) -> _Address:
    try:
        return _Address(str(ipaddress.ip_address(text_of(text))))
    except ValueError as error:
        raise net_error("System.FormatException", "An invalid IP address was specified.") from error


register(
    NetType(
        _Address.TYPE,
        methods={"Parse": _parse_address},
        cast=lambda shell, value: value if isinstance(value, _Address) else _parse_address(shell, value),
        properties={
            "Loopback": lambda _shell: _Address("127.0.0.1"),
            "Any": lambda _shell: _Address("0.0.0.0"),  # noqa: S104 - it becomes the computer's own address
        },
    )
)


class TcpListener(NetObject):
    """A System.Net.Sockets.TcpListener; it listens on the computer's own address, whichever it is given."""

    TYPE = "System.Net.Sockets.TcpListener"

    def __init__(self, shell: PowerShell, port: int) -> None:
        self.shell, self.port = shell, port
        self.socket: socket.socket | None = None

    def do_start(self, *_backlog: t.Any) -> t.Any:
        try:
            self.socket = socket.create_server((self.shell.host.address, self.port))
        except OSError:
            raise _socket_error(
                10048, "Only one usage of each socket address (protocol/network address/port) is normally permitted"
            ) from None
        self.shell.host.opened(self.socket)
        return VOID

    def _accept(self) -> TcpClient:
        if self.socket is None:
            raise net_error(
                "System.InvalidOperationException",
                "Not listening. You must call the Start() method before calling this method.",
            )
        try:
            self.socket.settimeout(_PATIENCE)
            made, _peer = self.socket.accept()
        except OSError:
            raise _socket_error(
                10004, "A blocking operation was interrupted by a call to WSACancelBlockingCall"
            ) from None
        made.setblocking(False)
        self.shell.host.opened(made)
        return TcpClient(self.shell, made)

    def do_accepttcpclient(self) -> TcpClient:
        return self._accept()

    def do_accepttcpclientasync(self) -> Task:
        return Task(self._accept)

    def do_beginaccepttcpclient(self, *_callback: t.Any) -> Task:
        return Task(self._accept)

    def do_endaccepttcpclient(self, task: t.Any) -> TcpClient:
        return t.cast("TcpClient", task.future.result())

    def do_pending(self) -> bool:
        return self.socket is not None and bool(select.select([self.socket], [], [], 0)[0])

    def get_localendpoint(self) -> PsObject:
        if self.socket is None:
            return PsObject({"Address": _Address(self.shell.host.address), "Port": self.port})
        return PsObject({"Address": _Address(self.shell.host.address), "Port": self.socket.getsockname()[1]})

    def do_stop(self) -> t.Any:
        if self.socket is not None:
            # A thread may wait in accept: shutting down wakes it, closing alone would not.
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
        return VOID


register(NetType(TcpListener.TYPE, new=lambda shell, _address_given, port: TcpListener(shell, as_int(port))))


def _host_entry(shell: PowerShell, name: t.Any) -> PsObject:
    return PsObject({"HostName": text_of(name), "AddressList": [_Address(_address(shell, name))]})


register(
    NetType(
        "System.Net.Dns",
        methods={
            "GetHostName": lambda shell: shell.host.host_name.partition(".")[0],
            "GetHostEntry": lambda shell, name: (
                PsObject({"HostName": shell.host.host_name, "AddressList": [_Address(shell.host.address)]})
                if text_of(name).lower() in {"", "localhost", shell.host.host_name.partition(".")[0].lower()}
                else _host_entry(shell, name)
            ),
            "GetHostAddresses": lambda shell, name: [_Address(_address(shell, name))],
        },
    )
)


# -- TLS ---------------------------------------------------------------------------------------------------------


def _no_check(*_args: t.Any) -> bool:
    """OpenSSL lets everything pass: the verdict is Windows'."""
    return True


def _context(method: int, protocols: int) -> SSL.Context:
    context = SSL.Context(method)
    wanted = [version for bit, version in _VERSIONS.items() if protocols & bit == bit]
    # INFERRED: of the system's default, TLS 1.2 and 1.3 are on.
    context.set_min_proto_version(min(wanted) if wanted else SSL.TLS1_2_VERSION)
    if wanted:
        context.set_max_proto_version(max(wanted))
    if wanted and min(wanted) < SSL.TLS1_2_VERSION:
        context.set_cipher_list(b"DEFAULT@SECLEVEL=0")
    return context


def _handshake(connection: SSL.Connection, raw: socket.socket, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        left = end - time.monotonic()
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            ready = left > 0 and select.select([raw], [], [], left)[0]
        except SSL.WantWriteError:
            ready = left > 0 and select.select([], [raw], [], left)[1]
        except SSL.SysCallError:
            raise net_error(
                "System.IO.IOException",
                "Authentication failed because the remote party has closed the transport stream.",
            ) from None
        except SSL.ZeroReturnError:
            raise net_error(
                "System.IO.IOException",
                "Authentication failed because the remote party has closed the transport stream.",
            ) from None
        except SSL.Error as error:
            raise _sspi(error) from None
        except (OSError, ValueError):
            raise net_error("System.ObjectDisposedException", "Cannot access a disposed object.") from None
        else:
            return
        if not ready:
            raise net_error(
                "System.IO.IOException",
                "Unable to read data from the transport connection: A connection attempt failed because the connected"
                " party did not properly respond after a period of time.",
            )


def _sspi(error: SSL.Error) -> NetError:
    reasons = " ".join(
        str(part) for item in t.cast("list[t.Any]", error.args[0] if error.args else []) for part in item
    )
    if "unexpected eof" in reasons.lower():
        return net_error(
            "System.IO.IOException", "Authentication failed because the remote party has closed the transport stream."
        )
    inner = NetException(
        "System.ComponentModel.Win32Exception", "The message received was unexpected or badly formatted",
        hresult=0x80004005, nativeerrorcode=-2146893018,
    )  # fmt: skip
    return net_error(_AUTH, "A call to SSPI failed, see inner exception.", inner=inner)


class SslStream(NetObject):
    """A System.Net.Security.SslStream."""

    TYPE = "System.Net.Security.SslStream"

    def __init__(self, shell: PowerShell, inner: _Stream, callback: t.Any) -> None:
        self.shell, self.client, self.callback = shell, inner.client, callback
        self.connection: SSL.Connection | None = None
        self.peer: bytes | None = None
        self.local: Certificate | None = None

    # -- as a client ---------------------------------------------------------------------------------------------

    def _as_client(self, name: t.Any, protocols: t.Any, *, main: bool) -> t.Any:
        host = text_of(name)
        context = _context(SSL.TLS_CLIENT_METHOD, self._protocols(protocols))
        context.set_verify(SSL.VERIFY_NONE, _no_check)
        raw = self._raw()
        connection = SSL.Connection(context, raw)
        try:
            ipaddress.ip_address(host)
        except ValueError:
            connection.set_tlsext_host_name(host.encode("idna") if host else b"")
        connection.set_connect_state()
        _handshake(connection, raw, self.client.timeout)
        chain = [
            one.to_cryptography().public_bytes(serialization.Encoding.DER)
            for one in connection.get_peer_cert_chain() or []
        ]
        leaf = chain[0] if chain else None
        verdict = self.shell.host.stores.judge(leaf, chain[1:], host, self.shell.host.now())
        self.peer = leaf
        errors = 0
        for word in verdict.errors:
            errors |= _POLICY.named(word).value
        if not self._accepted(leaf, chain, verdict.statuses, Enum(_POLICY, errors), main=main):
            self.peer = None
            # An alert, as Schannel sends it, so that the other side hears of it.
            connection.shutdown()
            raise net_error(_AUTH, "The remote certificate is invalid according to the validation procedure.")
        self.connection = connection
        return VOID

    def _accepted(
        self, leaf: bytes | None, chain: list[bytes], statuses: t.Iterable[str], errors: Enum, *, main: bool
    ) -> bool:
        if self.callback is None:
            return errors.value == 0
        if not main:
            raise net_error(
                "System.Management.Automation.PSInvalidOperationException",
                "There is no Runspace available to run scripts in this thread. You can provide one in the"
                " DefaultRunspace property of the System.Management.Automation.Runspaces.Runspace type. The script"
                f" block you attempted to invoke was: {text_of(self.callback)[:40]}",
            )
        certificate = Certificate(self.shell, Entry(der=leaf)) if leaf is not None else None
        path = self.shell.host.stores.path_of(leaf, chain[1:]) if leaf is not None else ()
        given = Chain(self.shell).fill(statuses, path)
        out: list[t.Any] = []
        self.shell.invoke(self.callback, [self, certificate, given, errors], out)
        # A delegate's value is its block's output; of several things PowerShell makes an array, which is true.
        return true(out)

    def _protocols(self, protocols: t.Any) -> int:
        if protocols is None:
            return 0
        return int(convert(self.shell, protocols, find_type(_PROTOCOLS.name)).value)

    def _raw(self) -> socket.socket:
        return _Stream(self.client).raw()

    @staticmethod
    def _client_args(args: tuple[t.Any, ...]) -> t.Any:
        """The protocols among AuthenticateAsClient's further arguments: (certificates, protocols, revocation)."""
        if len(args) not in {0, 3}:
            raise Limit(f"AuthenticateAsClient with {len(args) + 1} arguments")
        if args and (as_list(args[0]) or true(args[2])):
            raise Limit("AuthenticateAsClient with a client certificate or a revocation check")
        return args[1] if args else None

    def do_authenticateasclient(self, name: t.Any, *args: t.Any) -> t.Any:
        return self._as_client(name, self._client_args(args), main=True)

    def do_authenticateasclientasync(self, name: t.Any, *args: t.Any) -> Task:
        protocols = self._client_args(args)
        return Task(lambda: self._as_client(name, protocols, main=False))

    def do_beginauthenticateasclient(self, name: t.Any, *args: t.Any) -> Task:
        protocols = self._client_args(args[:-2])
        return Task(lambda: self._as_client(name, protocols, main=False))

    def do_endauthenticateasclient(self, task: t.Any) -> t.Any:
        return task.do_getawaiter().do_getresult()

    # -- as a server ---------------------------------------------------------------------------------------------

    def _as_server(self, certificate: t.Any, protocols: t.Any) -> t.Any:
        key = certificate.entry.key
        if not certificate.get_hasprivatekey():
            raise net_error(
                "System.NotSupportedException",
                "The server mode SSL must use a certificate with the associated private key.",
            )
        if certificate.entry.orphaned or (key is not None and not key.allows(ADMINISTRATORS)):
            # INFERRED: Schannel's words for a key that the process may not open or that is gone
            # (SEC_E_UNKNOWN_CREDENTIALS).
            inner = NetException(
                "System.ComponentModel.Win32Exception", "The credentials supplied to the package were not recognized",
                nativeerrorcode=-2146893043,
            )  # fmt: skip
            raise net_error(_AUTH, "A call to SSPI failed, see inner exception.", inner=inner)
        context = _context(SSL.TLS_SERVER_METHOD, self._protocols(protocols))
        context.use_privatekey(key.private if key is not None else certificate.private)
        sent = [x509.load_der_x509_certificate(der) for der in self._sent(certificate)]
        context.use_certificate(sent[0])
        for one in sent[1:]:
            context.add_extra_chain_cert(one)
        raw = self._raw()
        connection = SSL.Connection(context, raw)
        connection.set_accept_state()
        _handshake(connection, raw, self.client.timeout)
        self.connection, self.local = connection, certificate
        return VOID

    def _sent(self, certificate: Certificate) -> tuple[bytes, ...]:
        return self.shell.host.stores.chain_of(certificate.entry.der)

    @staticmethod
    def _server_args(args: tuple[t.Any, ...]) -> t.Any:
        if len(args) not in {0, 3}:
            raise Limit(f"AuthenticateAsServer with {len(args) + 1} arguments")
        if args and (true(args[0]) or true(args[2])):
            raise Limit("AuthenticateAsServer with a client certificate or a revocation check")
        return args[1] if args else None

    def do_authenticateasserver(self, certificate: t.Any, *args: t.Any) -> t.Any:
        return self._as_server(certificate, self._server_args(args))

    def do_authenticateasserverasync(self, certificate: t.Any, *args: t.Any) -> Task:
        protocols = self._server_args(args)
        return Task(lambda: self._as_server(certificate, protocols))

    # -- what came of it -----------------------------------------------------------------------------------------

    def get_remotecertificate(self) -> Certificate | None:
        return Certificate(self.shell, Entry(der=self.peer)) if self.peer is not None else None

    def get_localcertificate(self) -> Certificate | None:
        return self.local

    def get_isauthenticated(self) -> bool:
        return self.connection is not None

    get_isencrypted = get_isauthenticated

    def get_sslprotocol(self) -> Enum:
        names = {"TLSv1": 192, "TLSv1.1": 768, "TLSv1.2": 3072, "TLSv1.3": 12288}
        return Enum(_PROTOCOLS, names.get(self.connection.get_protocol_version_name(), 0) if self.connection else 0)

    def set_readtimeout(self, value: t.Any) -> None:
        self.client.timeout = as_int(value) / 1000

    def set_writetimeout(self, value: t.Any) -> None:
        del value

    def do_flush(self) -> t.Any:
        return VOID

    def do_write(self, data: t.Any, offset: t.Any = 0, count: t.Any = None) -> t.Any:
        if self.connection is None:
            raise net_error(
                "System.InvalidOperationException",
                "This operation is only allowed using a successfully authenticated context.",
            )
        raw = data if isinstance(data, bytes) else bytes(items_of(data))
        begin = as_int(offset)
        self.connection.sendall(raw[begin : len(raw) if count is None else begin + as_int(count)])
        return VOID

    def do_close(self) -> t.Any:
        connection, self.connection = self.connection, None
        if connection is not None:
            with contextlib.suppress(SSL.Error):
                connection.shutdown()
        return self.client.do_close()

    do_dispose = do_close


def _new_stream(shell: PowerShell, inner: t.Any, *args: t.Any) -> SslStream:
    callback = args[1] if len(args) > 1 else None
    if len(args) > 2 and any(one is not None for one in args[2:]):
        raise Limit("an SslStream with a selection callback or a policy")
    if callback is not None and not isinstance(callback, ScriptBlockType):
        raise Limit("a validation callback that is no script block")
    if not isinstance(inner, _Stream):
        raise net_error("System.ArgumentNullException", "Value cannot be null.\r\nParameter name: innerStream")
    return SslStream(shell, inner, callback)


register(NetType(SslStream.TYPE, new=_new_stream))


def _delegate(shell: PowerShell, value: t.Any) -> t.Any:
    return None if value is None else convert(shell, value, find_type("scriptblock"))


register(NetType("System.Net.Security.RemoteCertificateValidationCallback", cast=_delegate))


# -- text over a connection --------------------------------------------------------------------------------------


class StreamWriter(NetObject):
    """A System.IO.StreamWriter over a connection: text in UTF-8, sent when it is flushed."""

    TYPE = "System.IO.StreamWriter"

    def __init__(self, stream: _Stream) -> None:
        self.stream, self.held = stream, b""

    def do_write(self, text: t.Any) -> t.Any:
        self.held += text_of(text).encode()
        return VOID

    def do_writeline(self, text: t.Any = "") -> t.Any:
        return self.do_write(f"{text_of(text)}\r\n")

    def do_flush(self) -> t.Any:
        raw, held, self.held = self.stream.raw(), self.held, b""
        try:
            raw.settimeout(self.stream.client.timeout)
            raw.sendall(held)
        except OSError:
            raise _broken("write data to") from None
        finally:
            raw.setblocking(False)
        return VOID

    def do_close(self) -> t.Any:
        self.do_flush()
        return self.stream.do_close()

    do_dispose = do_close


class StreamReader(NetObject):
    """A System.IO.StreamReader over a connection."""

    TYPE = "System.IO.StreamReader"

    def __init__(self, stream: _Stream) -> None:
        self.stream, self.held = stream, b""

    def do_readline(self) -> str | None:
        """The next line without its end; $null at the end of what comes."""
        while b"\n" not in self.held:
            block = self._receive()
            if not block:
                rest, self.held = self.held, b""
                return rest.decode(errors="replace") if rest else None
            self.held += block
        line, _end, self.held = self.held.partition(b"\n")
        return line.removesuffix(b"\r").decode(errors="replace")

    def _receive(self) -> bytes:
        raw = self.stream.raw()
        try:
            raw.settimeout(self.stream.client.timeout)
            return raw.recv(4096)
        except OSError:
            raise _broken("read data from") from None
        finally:
            raw.setblocking(False)

    def do_close(self) -> t.Any:
        return self.stream.do_close()

    do_dispose = do_close


def _broken(what: str) -> NetError:
    words = f"Unable to {what} the transport connection: An existing connection was forcibly closed by the remote host."
    return net_error("System.IO.IOException", words)


def _over(kind: type[StreamWriter | StreamReader]) -> t.Callable[..., StreamWriter | StreamReader]:
    def new(_shell: PowerShell, stream: t.Any, *more: t.Any) -> StreamWriter | StreamReader:
        if not isinstance(stream, _Stream) or more:
            raise Limit(f"a {kind.TYPE} over anything but a connection")
        return kind(stream)

    return new


register(NetType(StreamWriter.TYPE, new=_over(StreamWriter)))
register(NetType(StreamReader.TYPE, new=_over(StreamReader)))
