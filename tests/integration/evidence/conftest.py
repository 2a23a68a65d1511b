# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What these tests share: an authority, real FTP servers of Debian, the program as a process, ansible-playbook."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import real_ftp  # noqa: E402  # it lies beside the tests, not in a package

HOST = "127.63.0.1"
PHRASE = "correct horse battery"
PROGRAM = "ansible_collections.camsec.fleet.extensions.uploader"
KINDS = ("vsftpd", "proftpd", "pure-ftpd")


@dc.dataclass(frozen=True)
class Run:
    """One run of the program."""

    status: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, t.Any]:
        """The last line of `--output json`."""
        told: dict[str, t.Any] = json.loads(self.out.splitlines()[-1])
        assert told["event"] == "summary"
        return told


class Site:
    """An authority with certificates for servers and for a signer."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.authority = CertificateAuthority.create(
            home / "ca", passphrase=Secret(PHRASE), common_name="Root", key_type="ecdsa"
        )
        self.root = home / "ca" / "root.pem"
        self.phrase = home / "phrase"
        self.phrase.touch(mode=0o600)
        self.phrase.write_text(PHRASE)

    def certificate(
        self, *names: str, now: dt.datetime | None = None, days: int = 30
    ) -> tuple[pathlib.Path, pathlib.Path]:
        key, issued = self.authority.issue_with_new_key(
            passphrase=Secret(PHRASE), device="ftp", subject_alt_names=names or (HOST,), key_type="rsa", key_size=2048,
            lifetime_days=days, now=now,
        )  # fmt: skip
        place = self.home / os.urandom(4).hex()
        place.mkdir()
        (place / "key.pem").touch(mode=0o600)
        (place / "key.pem").write_text(key.reveal())
        (place / "certificate.pem").write_text(issued.pem)
        return place / "certificate.pem", place / "key.pem"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def server_of(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> t.Iterator[t.Callable[..., real_ftp.RealFtpServer]]:
    """Start a real server, or hand out the one that runs already."""
    with contextlib.ExitStack() as stack:
        running: dict[tuple[t.Any, ...], real_ftp.RealFtpServer] = {}

        def start(kind: str, protocol: str = "TLSv1.3") -> real_ftp.RealFtpServer:
            reason = real_ftp.unavailable(kind)
            if reason is not None:
                pytest.skip(f"{kind} is not here: {reason}")
            if (kind, protocol) not in running:
                certificate, key = site.certificate()
                running[kind, protocol] = stack.enter_context(
                    real_ftp.RealFtpServer(
                        kind=kind, certificate=certificate, key=key, root=tmp_path_factory.mktemp("ftp"), host=HOST,
                        protocols=(protocol,), session_reuse=True, hashes=kind == "proftpd",
                    )
                )  # fmt: skip
            return running[kind, protocol]

        yield start


class Desk:
    """A station that sends: its folder, its ledger, its signer."""

    def __init__(self, home: pathlib.Path, site: Site) -> None:
        self.home = home
        self.site = site
        self.state = home / "state"
        self.source = home / "A001"
        self.source.mkdir()
        made = self.run("signer", "--authority-directory", site.home / "ca", "--passphrase-file", site.phrase,
                        "--name", "station1.example", "--state-directory", self.state)  # fmt: skip
        assert made.status == 0, made.err

    def command(self, *arguments: t.Any) -> list[str]:
        return [sys.executable, "-m", PROGRAM, *map(str, arguments)]

    def run(self, *arguments: t.Any, timeout: float = 120) -> Run:
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Run(done.returncode, done.stdout, done.stderr)

    def sending(self, server: t.Any, *more: t.Any, directory: str = "case/1", ca: t.Any = None) -> list[t.Any]:
        """Arguments of `send` to a server, without what is sent."""
        secret = self.home / "password"
        secret.touch(mode=0o600)
        secret.write_text(server.password)
        base = getattr(server, "base", "")
        return ["send", "--state-directory", self.state, "--host", server.host, "--port", server.port,
                "--user", server.user, "--password-file", secret, "--ca-file", ca or self.site.root,
                "--remote-directory", f"{base}/{directory}" if base else directory, "--output", "json",
                "--retry-delay", "0.05", "--timeout", "5", *more]  # fmt: skip

    def ledger(self, query: str) -> list[tuple[t.Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.state / "ledger.sqlite3")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            return connection.execute(query).fetchall()

    def verify(self, place: pathlib.Path) -> Run:
        return self.run("verify", place, "--ca-file", self.site.root)


@pytest.fixture
def desk(tmp_path: pathlib.Path, site: Site) -> Desk:
    return Desk(tmp_path, site)


def playbook(home: pathlib.Path, plays: t.Any, *options: str, book: pathlib.Path | None = None) -> tuple[int, str]:
    """Run ansible-playbook; its status, and all that it printed."""
    if book is None:
        book = home / "play.yml"
        book.write_text(yaml.safe_dump(plays))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(home / "tmp"),
        "ANSIBLE_ASYNC_DIR": str(home / "async"),
        "ANSIBLE_NOCOLOR": "1",
    }
    program = pathlib.Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [program, "-e", f"ansible_python_interpreter={sys.executable}", "-vvv", *options, book],
        env=environment, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed, printed
    return done.returncode, printed
