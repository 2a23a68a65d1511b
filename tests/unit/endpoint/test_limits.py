# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits with a clock that stands still; users; the audit log; the configuration's words."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import typing as t

import argon2
import pytest
from ansible_collections.camsec.fleet.extensions.endpoint import _tls, cli
from ansible_collections.camsec.fleet.extensions.endpoint._audit import AuditLog
from ansible_collections.camsec.fleet.extensions.endpoint._config import OPTIONS, read_configuration
from ansible_collections.camsec.fleet.extensions.endpoint._limits import Connections, Logins, Rate, network_of
from ansible_collections.camsec.fleet.extensions.endpoint._users import User, Users, UsersFile
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_each_wrong_login_waits_longer() -> None:
    clock = Clock()
    logins = Logins(delay=1, max_delay=8, before_pause=6, pause=300, clock=clock)
    assert [logins.failed("a", None) for dummy in range(5)] == [1, 2, 4, 8, 8]
    assert logins.failed("b", "cam") == 1
    assert not logins.pausing("a")
    logins.failed("a", "cam")
    assert logins.pausing("a")
    clock.now += 299
    assert logins.pausing("a")
    clock.now += 1
    assert not logins.pausing("a")
    assert logins.failed("a", "cam") == 1
    logins.succeeded("a", "cam")
    assert logins.failed("a", "cam") == 1


def test_one_account_does_not_serve_to_guess_another() -> None:
    """A right login forgets its own wrong ones, not those of others from the same address."""
    clock = Clock()
    logins = Logins(delay=1, max_delay=8, before_pause=6, pause=300, clock=clock)
    for dummy in range(5):
        logins.failed("a", "victim")
        logins.succeeded("a", "mine")
    assert not logins.pausing("a")
    logins.failed("a", "mine")
    assert logins.pausing("a")
    logins.succeeded("a", "mine")
    assert not logins.pausing("a")
    logins.failed("a", None)
    assert logins.pausing("a")
    clock.now += 300
    assert not logins.pausing("a")


def test_a_speed_is_kept() -> None:
    clock = Clock()
    rate = Rate(1000, clock)
    assert rate.take(100) == pytest.approx(0.1)
    assert rate.take(500) == pytest.approx(0.6)
    clock.now += 0.6
    assert rate.take(1000) == pytest.approx(1.0)
    # What was not used is not saved up beyond a tenth of a second.
    clock.now += 3600
    assert rate.take(1000) == pytest.approx(0.9)
    assert Rate(0, clock).take(10**12) == 0


def test_connections_are_counted() -> None:
    connections = Connections(total=3, per_address=2, per_user=1)
    assert connections.enter("a") is None
    assert connections.enter("a") is None
    assert "this address" in str(connections.enter("a"))
    assert connections.enter("b") is None
    assert connections.enter("c") == "too many connections"
    connections.leave("a")
    assert connections.enter("c") is None
    assert connections.login("u")
    assert not connections.login("u")
    connections.logout("u")
    assert connections.login("u")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_what_limits_count(address: str, network: str) -> None:
    assert network_of(address) == network


def test_no_name_forges_a_line(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "audit"
    log = AuditLog(path)
    name = 'a\r\n{"event": "login"}\u2028\x1b[2J\udcff"'
    log.write("upload_end", path=name, nothing=None)
    (line,) = path.read_text(encoding="ascii").splitlines()
    told = json.loads(line)
    assert told["path"] == name
    assert "nothing" not in told
    assert "\x1b" not in line


@pytest.fixture
def users_file(tmp_path: pathlib.Path) -> UsersFile:
    file = UsersFile(tmp_path / "users.yml")
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with file.changed() as users:
        users["cam"] = User(name="cam", password_hash=cheap.hash("right-word"))
        users["off"] = User(name="off", password_hash=cheap.hash("right-word"), enabled=False)
    return file


def test_logins_are_verified(users_file: UsersFile) -> None:
    users = Users(users_file)
    assert users.verify("cam", Secret("right-word")) is not None
    for name, password in (("cam", "wrong"), ("off", "right-word"), ("none", "right-word"), ("cam", "\udcff")):
        assert users.verify(name, Secret(password)) is None


def test_an_unknown_name_takes_a_verification_too(users_file: UsersFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed."""
    users = Users(users_file)
    counted: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counting(self: argon2.PasswordHasher, hashed: str, password: str) -> t.Literal[True]:
        counted.append(hashed)
        return verify(self, hashed, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counting)
    users.verify("nobody", Secret("x"))
    users.verify("cam", Secret("x"))
    assert len(counted) == 2


def test_a_hash_is_never_shown(users_file: UsersFile) -> None:
    hashed = users_file.read()["cam"].password_hash
    assert hashed not in repr(users_file.read())
    for content in (f"users: {{cam: {{password_hash: '{hashed}', more: 1}}}}", f"users: {{cam: ['{hashed}'"):
        users_file.path.write_text(content)
        with pytest.raises(InputError) as caught:
            users_file.read()
        assert hashed not in caught.value.message


def test_a_change_that_fails_changes_nothing(users_file: UsersFile) -> None:
    before = users_file.path.read_bytes()
    with contextlib.suppress(RuntimeError), users_file.changed() as users:
        users.clear()
        raise RuntimeError
    assert users_file.path.read_bytes() == before
    assert [path.name for path in users_file.path.parent.iterdir()] == ["users.yml"]


def test_the_file_is_private(users_file: UsersFile) -> None:
    users_file.path.chmod(0o644)
    with pytest.raises(InputError, match="open to others"):
        users_file.read()


@pytest.mark.parametrize(
    ("text", "size"), [("10 MB", 10**7), ("3 MiB", 3 << 20), ("5kB", 5000), ("7", 7), ("1 TiB", 1 << 40)]
)
def test_sizes(text: str, size: int) -> None:
    assert OPTIONS["rate_total"].read(text) == size


@pytest.mark.parametrize("bits", [2048, 3072])
def test_groups_are_those_of_rfc_7919(bits: int) -> None:
    done = subprocess.run(
        ["openssl", "dhparam", "-noout", "-text", "-check"],
        input=_tls._GROUPS[bits], capture_output=True, timeout=30, check=True,
    )  # fmt: skip
    assert f"GROUP: ffdhe{bits}".encode() in done.stdout


def test_the_guide_names_each_option() -> None:
    guide = (ROOT / "docs" / "ftpes_endpoint.md").read_text(encoding="utf-8")
    assert [name for name in OPTIONS if f"| `{name}` |" not in guide] == []


def test_defaults_need_only_what_has_none() -> None:
    needed = {name for name, option in OPTIONS.items() if option.default is ...}
    assert needed == {"root", "users_file", "certificates"}
    with pytest.raises(InputError, match="root"):
        read_configuration(None, {})


def test_a_command_line_goes_before_the_file(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "endpoint.yml"
    path.write_text("policy: recommended\n")
    assert cli.main(["--config", str(path), "--policy", "none-such", "--root", "/", "--users-file", "/x"]) == 1
    assert "certificates" in capsys.readouterr().err
