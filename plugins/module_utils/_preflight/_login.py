# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data channel, seen by somebody who may log in: what it takes, and whether it demands the control session.

Only listings are asked for; nothing is written. The password goes over no connection whose certificate and name do
not hold.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import re
import socket
import ssl
import time
import typing as t

from .._core._errors import ConnectError, LoginError, ProtocolError, RefusedError
from .._core._secret import Secret
from .._tls._hello import ServerAnswer
from .._tls._suites import CipherSuite
from ._gate import Crowded
from ._wire import Conversation, Reply, Target, printable

__all__ = ["Account", "DataOffers", "Listing", "Login", "trusting"]

_EPSV = re.compile(r"\((.)\1\1([0-9]{1,5})\1\)")
_PASV = re.compile(r"([0-9]{1,3}(?:,[0-9]{1,3}){5})")
_LARGEST_LISTING = 1 << 20
_OKAY = 200
_ABOUT_DATA = (226, 425, 426, 450, 451)


@dc.dataclass(frozen=True, kw_only=True)
class Account:
    """Who logs in.

    Attributes:
        user: Name.
        password: Its password.
    """

    user: str
    password: Secret


@dc.dataclass(frozen=True, kw_only=True)
class Listing:
    """One data connection.

    Attributes:
        protocol: For example ``TLSv1.2``; empty when there was no handshake.
        suite: OpenSSL's name of the suite; empty when there was no handshake.
        resumed: It resumed the control connection's session.
        completed: The server said that all was well.
        reply: What the server said at the end.
    """

    protocol: str
    suite: str
    resumed: bool
    completed: bool
    reply: str


def trusting(
    pem: str | None,
    *,
    suites: t.Sequence[CipherSuite] = (),
    versions: tuple[ssl.TLSVersion, ssl.TLSVersion],
    name: bool,
) -> ssl.SSLContext:
    """A context that trusts these certificates and nothing else.

    Args:
        pem: The certificates; None only for a handshake that looks and then hangs up.
        suites: What to offer in TLS 1.2; all where there are none.
        versions: The oldest and the newest.
        name: The certificate's name has to fit too.

    Returns:
        The context.

    Raises:
        ssl.SSLError: The local OpenSSL has none of the suites.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = name
    context.hostname_checks_common_name = False
    context.minimum_version, context.maximum_version = versions
    # Level 0, since the server is judged and not used: what is weak is told, not hidden behind a failed handshake.
    context.set_ciphers(f"{':'.join(suite.openssl_name for suite in suites) or 'ALL'}:@SECLEVEL=0")
    if pem is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=pem)
    return context


class Login:
    """A control connection with somebody logged in, its data connections protected.

    Args:
        target: The server.
        account: Who logs in.
        context: Whom to trust and what to offer.

    Raises:
        LoginError: The server refuses the account.
        ConnectError: It hangs up after the login.
        RefusedError: It does not protect data connections.
    """

    def __init__(self, target: Target, account: Account, context: ssl.SSLContext) -> None:
        self._target = target
        self._context = context
        self.alive = True
        self._talk = Conversation(target, secret=account.password)
        try:
            self._talk.start_tls()
            self.tls = self._talk.wrap(context)
            self._log_in(account)
            self._protect()
        except BaseException:
            self._talk.close()
            raise

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *dummy: object) -> None:
        if self.alive:
            with contextlib.suppress(ConnectError, ProtocolError):
                self._talk.command("QUIT")
        self._talk.close()

    def features(self) -> tuple[str, ...]:
        """What the server says that it can do (RFC 2389), after the login.

        Returns:
            One line each.
        """
        reply = self._talk.command("FEAT")
        return tuple(line.strip() for line in reply.lines[1:-1]) if reply.code == 211 else ()

    def foreign_address(self) -> str:
        """An address other than its own that the server names for data connections (PASV), as behind a wrong NAT.

        Returns:
            The address, empty where there is none.

        Raises:
            Crowded: The control connection was lost.
        """
        if self._target.family != socket.AF_INET:
            return ""
        reply = self._talk.command("PASV")
        match = _PASV.search(reply.text) if reply.code == 227 else None
        address = "" if match is None else ".".join(match[1].split(",")[:4])
        return "" if address in ("0.0.0.0", self._target.address[0]) else address  # noqa: S104  (compared, not bound)

    def listing(self, *, resume: bool) -> Listing:
        """Have the login directory listed over a data connection.

        Args:
            resume: Offer the control connection's session.

        Returns:
            What came of it.

        Raises:
            Crowded: The control connection was lost.
        """
        with self._data() as (plain, first):
            if first.code >= 400:
                return Listing(protocol="", suite="", resumed=False, completed=False, reply=first.text)
            try:
                data = self._context.wrap_socket(
                    plain, server_hostname=self._target.server_name, session=self.tls.session if resume else None
                )
            except (ssl.SSLError, OSError) as error:
                plain.close()
                reply = self._final()
                return Listing(
                    protocol="",
                    suite="",
                    resumed=False,
                    completed=False,
                    reply=f"{_why(error)}; {reply.text}",
                )
            protocol, suite, resumed = (
                data.version() or "",
                (data.cipher() or ("", "", 0))[0],
                bool(data.session_reused),
            )
            whole = _drain(data, self._target.timeout)
            reply = first if first.code == 226 else self._final()
            return Listing(
                protocol=protocol,
                suite=suite,
                resumed=resumed,
                completed=whole and reply.code in (226, 250),
                reply=reply.text,
            )

    def hello(self, suites: t.Sequence[int], version: int) -> ServerAnswer:
        """Offer suites on a data connection without a session, and leave it there.

        Args:
            suites: Code points in the order of preference.
            version: Newest protocol version.

        Returns:
            What the server said.

        Raises:
            Crowded: The control connection was lost.
            RefusedError: The server opens no data connection.
        """
        with self._data() as (plain, first):
            if first.code >= 400:
                raise RefusedError(
                    device=self._target.device,
                    subject="data connection",
                    found=first.text,
                    expected="150: a listing of the login directory",
                )
            answer = self._talk.hello_on(plain, suites, version)
            plain.close()
            with contextlib.suppress(ConnectError, ProtocolError):
                self._final()
            return answer

    def _final(self) -> Reply:
        """The last reply to LIST. Servers that never give it over a broken data connection are not waited for."""
        try:
            self._talk.send("NOOP")
            reply = self._talk.reply("LIST")
        except (ConnectError, ProtocolError):
            self.alive = False  # some end the whole session over a data connection that went wrong
            raise
        if reply.code == _OKAY:
            return Reply(code=0, lines=("no final reply",))
        try:
            self._talk.reply("NOOP")
        except (ConnectError, ProtocolError):
            self.alive = False
        return reply

    def _log_in(self, account: Account) -> None:
        reply = self._after_tls(f"USER {account.user}")
        if reply.code == 331:
            reply = self._after_tls(f"PASS {account.password.reveal()}")
        if reply.code not in (230, 232):
            raise LoginError(
                device=self._target.device,
                subject=f"login as {printable(account.user)}",
                found=reply.text,
                expected="230: an account that may log in",
                advice="It was tried once and will not be tried again.",
            )

    def _protect(self) -> None:
        for command in ("PBSZ 0", "PROT P"):
            reply = self._after_tls(command)
            if reply.code != 200:
                raise RefusedError(
                    device=self._target.device,
                    subject=command,
                    found=reply.text,
                    expected="200: encrypted data connections (RFC 4217 section 9)",
                )

    def _after_tls(self, command: str) -> Reply:
        try:
            return self._talk.command(command)
        except ConnectError as error:
            if not isinstance(error, Crowded) or error.found.startswith("421"):
                raise
            raise Dropped(
                device=self._target.device,
                subject=f"answer to {command.partition(' ')[0]}",
                found=error.found,
                expected="a server that stays connected after the handshake",
            ) from error

    @contextlib.contextmanager
    def _data(self) -> t.Iterator[tuple[socket.socket, Reply]]:
        plain = self._talk.dial(self._passive())
        try:
            yield plain, self._talk.command("LIST")
        finally:
            plain.close()

    def _passive(self) -> int:
        """The port of the next data connection; the address is always the server's own."""
        reply = self._talk.command("EPSV")
        if reply.code in _ABOUT_DATA:  # comes late, and is about the connection before
            reply = self._talk.reply("EPSV")
        match = _EPSV.search(reply.text) if reply.code == 229 else None
        if match is not None and 0 < int(match[2]) <= 0xFFFF:
            return int(match[2])
        if self._target.family == socket.AF_INET:
            reply = self._talk.command("PASV")
            match = _PASV.search(reply.text) if reply.code == 227 else None
            if match is not None:
                high, low = map(int, match[1].split(",")[4:])
                if high <= 0xFF and low <= 0xFF and (high or low):
                    return high * 256 + low
        raise RefusedError(
            device=self._target.device,
            subject="passive data connection",
            found=reply.text,
            expected="229 or 227 with a port (EPSV, PASV)",
        )


class Dropped(ConnectError):
    """The server hung up on somebody who had TLS already."""


class DataOffers:
    """Offers suites on data connections, with as few logins as the server allows; for several threads at once.

    Args:
        open_login: Logs in.
    """

    def __init__(self, open_login: t.Callable[[], Login]) -> None:
        self._open = open_login
        self._idle: list[Login] = []

    def __call__(self, suites: t.Sequence[int], version: int) -> ServerAnswer:
        """Offer; see :class:`._enumerate.Ask`."""
        try:
            login = self._idle.pop()
        except IndexError:
            login = self._open()
        try:
            answer = login.hello(suites, version)
        except BaseException:
            login.__exit__()
            self.close()  # a crowded server gets its places back
            raise
        if login.alive:
            self._idle.append(login)
        else:
            login.__exit__()
        return answer

    def close(self) -> None:
        """Log out everywhere."""
        while self._idle:
            self._idle.pop().__exit__()


def _drain(data: ssl.SSLSocket, timeout: float) -> bool:
    """Read a listing; whether it came to its end without an error."""
    deadline, seen = time.monotonic() + timeout, 0
    try:
        while seen < _LARGEST_LISTING:
            data.settimeout(max(0.01, deadline - time.monotonic()))
            content = data.recv(1 << 16)
            if not content:
                return True
            seen += len(content)
    except (ssl.SSLError, OSError):
        return False
    finally:
        with contextlib.suppress(ssl.SSLError, OSError, ValueError):
            data.settimeout(1.0)
            data.unwrap()
        data.close()
    return True


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return "the data connection was closed"
