# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the wire client share: certificates by openssl, real servers, quirky servers, sessions."""

from __future__ import annotations

import dataclasses as dc
import hashlib
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator.testing import QuirkyFtpesServer
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._facts import Server, UploadResult
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._session import Session
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._source import Source
from ansible_collections.camsec.fleet.plugins.module_utils._tls._policies import policy_of

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import real_ftp  # it lies beside the tests, not in a package

HOST = "127.62.0.1"
_KEYS = {"rsa": ("rsa:2048",), "ecdsa": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")}


class Certificates:
    """One root, and certificates of servers, made by openssl."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.root = home / "root.pem"
        self._root_key = home / "root.key"
        self._openssl(
            "req", "-x509", "-newkey", *_KEYS["ecdsa"], "-nodes", "-keyout", self._root_key, "-out", self.root,
            "-days", "30", "-subj", "/CN=Root",
        )  # fmt: skip

    def make(self, kind: str, *names: str, days: str = "30") -> tuple[pathlib.Path, pathlib.Path]:
        """Certificate with its chain, and its key."""
        place = self.home / os.urandom(4).hex()
        place.mkdir()
        key, request, certificate, extensions = (place / name for name in ("key", "csr", "pem", "ext"))
        self._openssl("req", "-newkey", *_KEYS[kind], "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=server")
        names = names or (f"IP:{HOST}", "IP:::1", "DNS:localhost")
        extensions.write_text(f"subjectAltName={','.join(names)}\nbasicConstraints=critical,CA:FALSE\n")
        self._openssl(
            "x509", "-req", "-in", request, "-CA", self.root, "-CAkey", self._root_key, "-CAcreateserial",
            "-out", certificate, "-days", days, "-extfile", extensions,
        )  # fmt: skip
        return certificate, key

    @staticmethod
    def _openssl(*arguments: str | pathlib.Path) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def pairs(certificates: Certificates) -> dict[str, tuple[pathlib.Path, pathlib.Path]]:
    """Certificate and key of a server by the kind of the key."""
    return {kind: certificates.make(kind) for kind in _KEYS}


@dc.dataclass(frozen=True)
class Site:
    """How tests reach servers."""

    root: pathlib.Path
    tmp: pathlib.Path

    def server(self, there: t.Any, **options: t.Any) -> Server:
        """What a session is told of a running server."""
        return Server(
            **{
                "host": there.host,
                "port": there.port,
                "user": there.user,
                "password": Secret(there.password),
                "policy": policy_of("modern"),
                "ca_path": str(self.root),
                "timeout": 5.0,
                "close_timeout": 2.0,
                **options,
            }
        )

    def file(self, size: int, name: str = "clip.mxf") -> pathlib.Path:
        """A file of random content."""
        path = self.tmp / name
        path.write_bytes(os.urandom(size))
        return path

    @staticmethod
    def send(session: Session, path: pathlib.Path, remote: str = "", **options: t.Any) -> UploadResult:
        """One upload, under the file's own name."""
        remote = remote or path.name
        options.setdefault("temporary_path", f"{remote}.part")
        with Source.open(path) as source:
            return session.upload(source, remote, **options)


@pytest.fixture
def site(certificates: Certificates, tmp_path: pathlib.Path) -> Site:
    return Site(certificates.root, tmp_path)


@pytest.fixture
def real(
    pairs: dict[str, tuple[pathlib.Path, pathlib.Path]], tmp_path: pathlib.Path
) -> t.Callable[..., real_ftp.RealFtpServer]:
    """Makes a real server; skips loudly where it cannot run."""

    def make(kind: str, key: str = "rsa", **options: t.Any) -> real_ftp.RealFtpServer:
        reason = real_ftp.unavailable(kind)
        if reason is not None:
            pytest.skip(f"SKIPPED: {reason}")
        certificate, private = options.pop("pair", pairs[key])
        return real_ftp.RealFtpServer(
            kind=kind, certificate=certificate, key=private, root=tmp_path, **{"host": HOST, **options}
        )

    return make


@pytest.fixture
def quirky(pairs: dict[str, tuple[pathlib.Path, pathlib.Path]]) -> t.Callable[..., QuirkyFtpesServer]:
    """Makes a simulated server; a context manager."""

    def make(quirk: str | tuple[str, ...] = (), **options: t.Any) -> QuirkyFtpesServer:
        certificate, key = options.pop("pair", pairs["rsa"])
        return QuirkyFtpesServer(quirk=quirk, certificate=certificate, key=key, **{"host": HOST, **options})

    return make


@pytest.fixture(scope="session")
def twelve() -> tuple[real_ftp.Configuration, ...]:
    return real_ftp.TWELVE


def sha256(path: pathlib.Path) -> str:
    """SHA-256 as sha256sum has it, not as the code under test."""
    done = subprocess.run(["sha256sum", str(path)], capture_output=True, text=True, check=True)
    return done.stdout.split()[0].removeprefix("\\")


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="session")
def checksum() -> t.Callable[[pathlib.Path], str]:
    return sha256
