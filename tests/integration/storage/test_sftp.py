# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`storage_certificate` over SFTP, against OpenSSH's own server."""

from __future__ import annotations

import pathlib
import subprocess
import types
import typing as t

import pytest

from .conftest import Pki, Result

HOST = "127.64.1.2"


class Bench:
    """A card behind sshd, and the options of a task."""

    def __init__(self, server: t.Any, run: t.Callable[..., Result], home: pathlib.Path) -> None:
        self.server = server
        self._run = run
        self.card = server.home / "card"
        self.card.mkdir()
        self.card.chmod(0o777)
        self.file = self.card / "certification.pem"
        self.path = f"{server.base}/card"
        self.ledger = home / "cards.sqlite3"
        self.login: dict[str, t.Any] = {
            "host": server.host,
            "port": server.port,
            "user": server.user,
            "private_key_path": str(server.user_key),
            "known_hosts_path": str(server.known_hosts),
        }

    def __call__(self, *, check: bool = False, login: t.Mapping[str, t.Any] | None = None, **options: t.Any) -> Result:
        sftp = {name: value for name, value in {**self.login, **(login or {})}.items() if value is not None}
        given = {"path": self.path, "card": "A001", "ledger_path": str(self.ledger), "sftp": sftp, **options}
        return self._run("storage_certificate", check=check, **given)

    def change(self, *, check: bool = False, **options: t.Any) -> Result:
        """It succeeds and changes something."""
        done = self(check=check, **options)
        assert done.get("changed"), done.get("msg", "nothing was changed")
        return done

    def message(self, **options: t.Any) -> str:
        before = sorted(self.card.iterdir())
        checked, done = self(check=True, **options), self(**options)
        assert done.get("failed"), done
        assert done["msg"] == checked["msg"]
        assert sorted(self.card.iterdir()) == before
        assert "\n" not in done["msg"]
        return t.cast("str", done["msg"])


@pytest.fixture(scope="module")
def plain_server(real: types.ModuleType, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[t.Any]:
    reason = real.unavailable("sshd")
    if reason is not None:
        pytest.skip(f"SKIPPED: {reason}")
    with real.Sshd(root=tmp_path_factory.mktemp("sshd"), host=HOST) as server:
        yield server


@pytest.fixture
def bench(plain_server: t.Any, run: t.Callable[..., Result], tmp_path: pathlib.Path) -> t.Iterator[Bench]:
    new = Bench(plain_server, run, tmp_path)
    yield new
    for path in new.card.iterdir():
        path.unlink()
    new.card.rmdir()


def names(card: pathlib.Path) -> list[str]:
    return [path.name for path in card.iterdir()]


def test_cycle_of_twelve(bench: Bench, pki: Pki, other_pki: Pki) -> None:
    for wanted in (pki, other_pki):
        options = {"certificate_path": str(wanted.root)}
        old = bench.file.read_text() if bench.file.exists() else None
        planned = bench(check=True, **options)
        assert planned.get("changed"), planned
        assert (bench.file.read_text() if bench.file.exists() else None) == old
        done = bench(**options)
        assert [step["id"] for step in done["plan"]] == ["write_certificate", "note_in_ledger"]
        assert done["plan"] == planned["plan"]
        assert done["after"] == planned["after"]
        assert bench.file.read_text() == wanted.root.read_text()
        for check in (True, False):
            assert not bench(check=check, **options)["changed"]
        assert names(bench.card) == ["certification.pem"]
    assert bench(check=True, state="absent")["changed"]
    assert bench.file.exists()
    done = bench(state="absent")
    assert [step["id"] for step in done["plan"]] == ["remove_certificate", "note_in_ledger"]
    assert names(bench.card) == []
    for check in (True, False):
        assert not bench(check=check, state="absent")["changed"]


def test_info_reads_the_card(bench: Bench, pki: Pki, run: t.Callable[..., Result]) -> None:
    bench(certificate_path=str(pki.root))
    told = run("storage_certificate_info", path=bench.path, sftp=bench.login)
    assert [one["subject"] for one in told["file"]["certificates"]] == ["CN=Studio Root"]


def shown_fingerprint(server: t.Any) -> str:
    path = pathlib.Path(server.private) / "host_key.pub"
    program = subprocess.run(["ssh-keygen", "-lf", path], capture_output=True, text=True, check=False)
    if program.returncode:
        pytest.skip("SKIPPED: ssh-keygen is not installed")
    return program.stdout.split()[1]


def test_host_is_known_by_key_or_fingerprint(bench: Bench, pki: Pki) -> None:
    options = {"certificate_path": str(pki.root)}
    assert bench(login={"known_hosts_path": None, "host_key": bench.server.host_key}, **options)["changed"]
    shown = shown_fingerprint(bench.server)
    assert not bench(login={"known_hosts_path": None, "host_key": shown}, **options)["changed"]


def test_wrong_host_is_told_nothing(bench: Bench, pki: Pki, tmp_path: pathlib.Path) -> None:
    options = {"certificate_path": str(pki.root)}
    strange = tmp_path / "strange"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", strange], check=True)
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    key = " ".join(pathlib.Path(f"{other}.pub").read_text().split()[:2])
    hosts = tmp_path / "known_hosts"
    hosts.write_text(f"[{bench.server.host}]:{bench.server.port} {key}\n")
    for login in (
        {"known_hosts_path": str(hosts)},
        {"known_hosts_path": None, "host_key": key},
        {"known_hosts_path": None, "host_key": "SHA256:uNiVztksCsDhcc0u9e8BrrEvYQMRDnLEL28jlHfRlIU"},
    ):
        message = bench.message(login=login, **options)
        assert "SSH host key: found ssh-ed25519 SHA256:" in message
        assert "Nothing was sent." in message
        assert shown_fingerprint(bench.server) in message
    hosts.write_text(f"somebody-else {key}\n")
    assert f"found no key of [{HOST}]:" in bench.message(login={"known_hosts_path": str(hosts)}, **options)
    assert "found no such file" in bench.message(login={"known_hosts_path": "/nowhere"}, **options)
    assert "host_key: found no public key" in bench.message(
        login={"known_hosts_path": None, "host_key": "rubbish"}, **options
    )
    assert "a host is never taken on trust" in bench.message(login={"known_hosts_path": None}, **options)
    # Nobody tried to log in.
    assert bench.server.output().count("Failed") == 0


def test_logins_that_are_refused(bench: Bench, pki: Pki, tmp_path: pathlib.Path) -> None:
    options = {"certificate_path": str(pki.root)}
    wrong = {"private_key_path": None, "password": "wrong-Horse-7"}
    message = bench.message(login=wrong, **options)
    assert "SFTP login: found a refusal of the password of" in message
    assert "wrong-Horse-7" not in message
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a phrase", "-f", key], check=True)
    found = bench.message(login={"private_key_path": str(key)}, **options)
    assert "SSH private key: found an encrypted key and no passphrase" in found
    opened = {"private_key_path": str(key), "private_key_passphrase": "a phrase"}
    assert "found a refusal of the private key of" in bench.message(login=opened, **options)
    found = bench.message(login={**opened, "private_key_passphrase": "another phrase"}, **options)
    assert "found no private key, or a wrong passphrase" in found
    assert "found no private key" in bench.message(login={"private_key_path": str(pki.root)}, **options)
    assert "found no such file" in bench.message(login={"private_key_path": "/nowhere"}, **options)
    both = {"password": "Zq9-%Zq9"}
    assert "expected a password or a private key" in bench.message(login=both, **options)


def test_login_with_a_password(bench: Bench, pki: Pki) -> None:
    if not bench.server.privileged:
        pytest.skip("SKIPPED: sshd takes passwords only as root")
    login = {"private_key_path": None, "password": bench.server.password}
    assert bench(login=login, certificate_path=str(pki.root))["changed"]


def test_place_that_is_no_card(bench: Bench, pki: Pki) -> None:
    options = {"certificate_path": str(pki.root)}
    assert "found no such directory" in bench.message(path=f"{bench.server.base}/nowhere", **options)
    bench.file.mkdir()
    assert "found certification.pem that is no file" in bench.message(**options)
    bench.file.rmdir()
    (bench.card / "x").write_text("x")
    assert "found no directory" in bench.message(path=f"{bench.path}/x", **options)
    closed = {"port": 1, "known_hosts_path": None, "host_key": bench.server.host_key}
    assert "found nobody who listens (connection refused)" in bench.message(login=closed, **options)
    assert "SFTP port: found 0" in bench.message(login={"port": 0}, **options)


def test_write_protected_card(bench: Bench, pki: Pki) -> None:
    if not bench.server.privileged:
        pytest.skip("SKIPPED: the folder would have to belong to somebody else")
    bench.card.chmod(0o555)
    done = bench(certificate_path=str(pki.root))
    bench.card.chmod(0o777)
    assert "writing to the card: found permission denied" in done["msg"]
    assert names(bench.card) == []


@pytest.mark.usefixtures("plain_server")
def test_server_without_posix_rename(
    real: types.ModuleType, run: t.Callable[..., Result], tmp_path: pathlib.Path, pki: Pki, other_pki: Pki
) -> None:
    with real.Sshd(root=tmp_path, host=HOST, extra=["ForceCommand internal-sftp -P posix-rename,fsync"]) as server:
        bench = Bench(server, run, tmp_path)
        for wanted in (pki, other_pki, pki):
            assert bench(certificate_path=str(wanted.root))["changed"]
            assert bench.file.read_text() == wanted.root.read_text()
            assert names(bench.card) == ["certification.pem"]


@pytest.mark.usefixtures("plain_server")
def test_read_only_server(
    real: types.ModuleType, run: t.Callable[..., Result], tmp_path: pathlib.Path, pki: Pki
) -> None:
    with real.Sshd(root=tmp_path, host=HOST, extra=["ForceCommand internal-sftp -R"]) as server:
        bench = Bench(server, run, tmp_path)
        done = bench(certificate_path=str(pki.root))
        assert "expected a card that can be written to" in done["msg"]
        assert names(bench.card) == []
