# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints on loopback, and a client that a test leads by the hand."""

from __future__ import annotations

import contextlib
import copy
import ftplib
import itertools
import pathlib
import ssl
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.endpoint.testing import PASSWORD, USER, RunningEndpoint, self_signed

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import real_ftp  # noqa: E402

HOST = "127.65.0.1"
_NUMBERS = itertools.count()
Pair = tuple[pathlib.Path, pathlib.Path]


class Client(ftplib.FTP_TLS):
    """ftplib, but its data connections resume the control connection's session, and `raw` is open."""

    def __init__(self, endpoint: RunningEndpoint, *, tls: str = "1.3", reuse: bool = True) -> None:
        context = ssl.create_default_context(cafile=str(endpoint.certificates[0][0]))
        version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[tls]
        context.minimum_version = context.maximum_version = version
        super().__init__(context=context, timeout=20)
        self.encoding = "utf-8"
        self.reuse = reuse
        self.endpoint = endpoint
        self.connect(endpoint.host, endpoint.port)

    def enter(self) -> t.Self:
        """TLS, login, PROT P."""
        self.login(self.endpoint.user, self.endpoint.password)
        self.prot_p()
        return self

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[t.Any, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:  # type: ignore[attr-defined]
            session = self.sock.session if self.reuse else None  # type: ignore[union-attr]
            connection = self.context.wrap_socket(connection, server_hostname=self.host, session=session)
        return connection, size

    def store(self, name: str, content: bytes, *, rest: int | None = None, command: str = "STOR") -> str:
        """Upload, with TLS's close_notify."""
        connection = self.transfercmd(f"{command} {name}", rest)
        connection.sendall(content)
        self.end(connection)
        return self.voidresp()

    @staticmethod
    def end(connection: t.Any) -> None:
        """Send close_notify and close."""
        connection.unwrap().close()

    def refused(self, command: str) -> str:
        """The answer to a command that must be refused."""
        with pytest.raises(ftplib.error_perm) as caught:
            self.sendcmd(command)
        return str(caught.value)


@pytest.fixture(scope="session")
def rsa(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return self_signed(tmp_path_factory.mktemp("rsa"), "rsa", host=HOST)


@pytest.fixture(scope="session")
def ecdsa(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return self_signed(tmp_path_factory.mktemp("ecdsa"), "ecdsa", host=HOST)


@pytest.fixture
def run(tmp_path: pathlib.Path, rsa: Pair) -> t.Iterator[t.Callable[..., RunningEndpoint]]:
    """Start endpoints; they end with the test."""
    with contextlib.ExitStack() as stack:

        def start(**options: t.Any) -> RunningEndpoint:
            options.setdefault("certificates", [rsa])
            return stack.enter_context(RunningEndpoint(tmp_path, host=HOST, **options))

        yield start


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, rsa: Pair) -> t.Iterator[RunningEndpoint]:
    users = {f"{USER}{number}": PASSWORD for number in range(100)}
    folder = tmp_path_factory.mktemp("shared")
    with RunningEndpoint(folder, host=HOST, certificates=[rsa], users=users) as running:
        yield running


@pytest.fixture
def endpoint(shared: RunningEndpoint) -> RunningEndpoint:
    """An endpoint with the defaults, and a user of the test's own on it."""
    mine = copy.copy(shared)
    mine.user = mine.only_user = f"{USER}{next(_NUMBERS)}"
    return mine


@pytest.fixture
def connect() -> t.Iterator[t.Callable[..., Client]]:
    """Make clients; they are closed with the test."""
    with contextlib.ExitStack() as stack:

        def start(endpoint: RunningEndpoint, **options: t.Any) -> Client:
            client = Client(endpoint, **options)
            stack.callback(client.close)
            return client

        yield start


@pytest.fixture
def program() -> t.Callable[..., subprocess.CompletedProcess[str]]:
    """Run the program to its end."""

    def call(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            RunningEndpoint.command(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=RunningEndpoint.environment(),
        )

    return call


@pytest.fixture(scope="session")
def lftp() -> tuple[str, dict[str, str]]:
    try:
        return real_ftp.program("lftp")
    except RuntimeError as error:
        pytest.skip(f"lftp: {error}")
