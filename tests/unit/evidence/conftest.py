# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of evidence share: an authority with a signer, a server in memory, openssl as the judge."""

from __future__ import annotations

import collections
import dataclasses as dc
import hashlib
import pathlib
import subprocess
import threading
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._facts import Event, utc_now
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._send import Outcome, Wish, send
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._worker import RunOptions
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._errors import FtpRefusedError
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._facts import (
    ChannelFacts,
    Proof,
    Server,
    UploadResult,
)
from ansible_collections.camsec.fleet.plugins.module_utils._ftpes._source import Source
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._tls._policies import policy_of

PASSPHRASE = Secret("correct horse battery")
GOOD = "TLS_AES_256_GCM_SHA384"
DEPRECATED = "TLS_RSA_WITH_AES_128_CBC_SHA"


def openssl(*arguments: str | pathlib.Path, check: bool = True) -> tuple[int, str]:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    if check and done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return done.returncode, done.stdout + done.stderr


@dc.dataclass
class Authority:
    """A root with an issuing authority below it."""

    home: pathlib.Path
    authority: CertificateAuthority

    @property
    def root(self) -> pathlib.Path:
        return self.home / "root.pem"

    def signer(self, directory: pathlib.Path, **terms: t.Any) -> None:
        """Put `signer.key` and `signer.pem` into a state directory."""
        key, issued = self.authority.issue_with_new_key(
            passphrase=PASSPHRASE,
            device="station1",
            subject_alt_names=["station1.example"],
            key_type=terms.pop("key_type", "ecdsa"),
            evidence_signer=terms.pop("evidence_signer", True),
            **terms,
        )
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "signer.key").touch(mode=0o600)
        (directory / "signer.key").write_text(key.reveal())
        (directory / "signer.pem").write_text(issued.chain_pem)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    home = tmp_path_factory.mktemp("authority") / "ca"
    made = CertificateAuthority.create(
        home, passphrase=PASSPHRASE, common_name="Root", key_type="ecdsa", intermediate_common_name="Issuing"
    )
    return Authority(home, made)


class MemoryServer:
    """Keeps files; every call goes through `fault`, which a test may set."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.stored: collections.Counter[str] = collections.Counter()
        self.logins = 0
        self.suite = GOOD
        self.lock = threading.Lock()
        self.fault: t.Callable[[str, str], None] = lambda _verb, _path: None


class MemorySession:
    """What the runner uses of a session, over a :class:`MemoryServer`; judged by the same rules."""

    def __init__(self, memory: MemoryServer, server: Server, **_more: t.Any) -> None:
        self._memory = memory
        self._server = server
        self._open = False

    def __enter__(self) -> t.Self:
        self.open()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def open(self) -> None:
        if not self._open:
            self._memory.fault("login", "")
            self._memory.logins += 1
            self._open = True

    def close(self) -> None:
        self._open = False

    @property
    def control(self) -> ChannelFacts:
        return ChannelFacts(protocol="TLSv1.3", suite=self._memory.suite, resumed=False, spki_sha256="ab" * 32)

    def make_directories(self, path: str) -> None:
        self._memory.fault("mkdir", path)

    def size(self, path: str) -> int | None:
        with self._memory.lock:
            lies = self._memory.files.get(path)
        return None if lies is None else len(lies)

    def upload(
        self,
        source: Source,
        remote_path: str,
        *,
        temporary_path: str,
        progress: t.Callable[[int], None] | None = None,
        **_more: t.Any,
    ) -> UploadResult:
        started = utc_now()
        content = bytearray(source.size)
        source.read_into(memoryview(content))
        digest = hashlib.sha256(content).hexdigest()
        self._memory.fault("begin", remote_path)
        with self._memory.lock:
            lies = self._memory.files.get(remote_path)
        if lies is not None and lies != bytes(content):
            raise FtpRefusedError(code=553, device="memory", subject=remote_path, found="553 taken", expected="free")
        if lies is None:
            if progress is not None:
                progress(len(content))
            self._memory.fault("sent", remote_path)
            source.check_unchanged()
            with self._memory.lock:
                self._memory.files[remote_path] = bytes(content)
                self._memory.stored[remote_path] += 1
            self._memory.fault("renamed", remote_path)
        return UploadResult(
            remote_path=remote_path,
            temporary_path=temporary_path,
            size=len(content),
            sha256=digest,
            proof=Proof(size=len(content), sha256=digest, kind="hash:SHA-256", strength="hash", confirmed=digest),
            already_there=lies is not None,
            bytes_sent=0 if lies is not None else len(content),
            started_at=started,
            ended_at=utc_now(),
            control=self.control,
            data=(dc.replace(self.control, resumed=True),),
            host=self._server.host,
            port=self._server.port,
            address="192.0.2.1",
            banner="220 memory",
        )


class Bench:
    """A folder with evidence, a state directory with a signer, a server in memory."""

    def __init__(self, home: pathlib.Path, authority: Authority) -> None:
        self.home = home
        self.authority = authority
        self.state = home / "state"
        self.source = home / "A001"
        self.source.mkdir()
        self.memory = MemoryServer()
        self.events: list[Event] = []
        self.stop = threading.Event()
        authority.signer(self.state)

    def file(self, name: str, content: bytes = b"evidence") -> pathlib.Path:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def wish(self, **changes: t.Any) -> Wish:
        server = Server(
            host="ftp.example",
            user="station1",
            password=Secret("secret"),
            policy=policy_of("compatible"),
            spki_sha256=("ab" * 32,),
        )
        options: dict[str, t.Any] = {
            "server": server,
            "remote_directory": "case/1",
            "state_directory": str(self.state),
            "paths": (str(self.source),),
            "run": RunOptions(first_delay=0.0, longest_delay=0.0, attempts=3),
        }
        return Wish(**{**options, **changes})

    def session(self, server: Server, **more: t.Any) -> MemorySession:
        return MemorySession(self.memory, server, **more)

    def send(self, **changes: t.Any) -> Outcome:
        opener = t.cast("t.Any", self.session)
        return send(self.wish(**changes), on_event=self.events.append, stop=self.stop, open_session=opener)

    def bag(self) -> pathlib.Path:
        """The server's files as a folder."""
        place = self.home / "copy"
        for name, content in self.memory.files.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return place / "case/1"

    def sentences(self, outcome: Outcome) -> list[str]:
        for error in outcome.errors:
            assert isinstance(error, CamsecError)
            assert "\n" not in error.message
        return [error.message for error in outcome.errors]


@pytest.fixture
def bench(tmp_path: pathlib.Path, authority: Authority) -> Bench:
    return Bench(tmp_path, authority)
