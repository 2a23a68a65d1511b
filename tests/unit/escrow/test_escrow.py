# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The escrow of recording passwords (REC-35), judged by ansible-vault; and its lookup in a real playbook."""

from __future__ import annotations

import datetime as dt
import importlib
import json
import os
import pathlib
import stat
import subprocess
import sys
import traceback
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    EscrowError,
    InputError,
    MissingLibraryError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._escrow import _escrow
from ansible_collections.camsec.fleet.plugins.module_utils._escrow._escrow import Escrow, escrow_path
from hypothesis import given, settings
from hypothesis import strategies as st

VAULT = "vault secret 1"
ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(sys.executable).parent


def hour(number: float) -> dt.datetime:
    return dt.datetime(2026, 11, 22, tzinfo=dt.UTC) + dt.timedelta(hours=number)


@pytest.fixture
def escrow(tmp_path: pathlib.Path) -> Escrow:
    return Escrow(escrow_path(tmp_path / "escrow", "rec01"), Secret(VAULT))


def passwords(escrow: Escrow, instant: float) -> list[str]:
    return [entry.password.reveal() for entry in escrow.password_at(hour(instant))]


def change(escrow: Escrow, new: str, old: str | None, at: float) -> None:
    escrow.begin_change(Secret(new), None if old is None else Secret(old), hour(at))
    escrow.confirm(hour(at + 0.1))


def test_before_there_is_anything(escrow: Escrow, tmp_path: pathlib.Path) -> None:
    escrow.check()
    assert list(tmp_path.iterdir()) == []  # a check makes nothing
    assert escrow.present() is None
    assert escrow.pending() is None
    assert escrow.entries() == []
    assert not escrow.matches(Secret("any"))
    for call in (escrow.confirm, escrow.revert):
        with pytest.raises(EscrowError, match="found no change that is pending"):
            call(hour(1))


def test_both_passwords_are_written_before_the_recorder_is_asked(escrow: Escrow, tmp_path: pathlib.Path) -> None:
    escrow.begin_change(Secret("new-1"), Secret("old-0"), hour(10))
    (tmp_path / "vault").write_text(VAULT + "\n")
    told = subprocess.run(
        [BIN / "ansible-vault", "view", "--vault-password-file", tmp_path / "vault", escrow.path],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    document = json.loads(told)
    assert [(one["password"], one["state"]) for one in document["entries"]] == [
        ("old-0", "in_force"),
        ("new-1", "pending"),
    ]
    assert document["log"] == [
        {"at": hour(10).isoformat(), "event": "begin", "fingerprint": escrow.fingerprint(Secret("new-1"))}
    ]
    assert b"new-1" not in escrow.path.read_bytes()
    assert stat.S_IMODE(escrow.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(escrow.path.parent.stat().st_mode) == 0o700
    assert passwords(escrow, 9) == ["old-0"]
    assert passwords(escrow, 11) == ["old-0", "new-1"]  # never confirmed: both


def test_confirmed(escrow: Escrow) -> None:
    escrow.begin_change(Secret("new-1"), Secret("old-0"), hour(10))
    assert not escrow.matches(Secret("new-1"))
    assert not escrow.matches(Secret("old-0"))
    escrow.confirm(hour(11))
    assert escrow.matches(Secret("new-1"))
    assert not escrow.matches(Secret("old-0"))
    assert passwords(escrow, 9) == ["old-0"]
    assert passwords(escrow, 10.5) == ["new-1", "old-0"]  # somewhere in between it was changed
    assert passwords(escrow, 12) == ["new-1"]
    backup = escrow.path.with_name("rec01.vault.bak")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert Escrow(backup, Secret(VAULT)).pending() is not None


def test_refused(escrow: Escrow) -> None:
    change(escrow, "new-1", "old-0", 10)
    escrow.begin_change(Secret("new-2"), Secret("new-1"), hour(12))
    escrow.revert(hour(13))
    assert [entry.state for entry in escrow.entries()] == ["former", "in_force", "refused"]
    assert escrow.matches(Secret("new-1"))
    assert passwords(escrow, 12.5) == passwords(escrow, 14) == ["new-1"]


def test_several_changes_keep_every_password(escrow: Escrow) -> None:
    for number in range(1, 6):
        change(escrow, f"p{number}", f"p{number - 1}", 10 * number)
    assert [passwords(escrow, 10 * number + 5) for number in range(6)] == [[f"p{number}"] for number in range(6)]
    assert [entry.state for entry in escrow.entries()] == ["former"] * 5 + ["in_force"]


def test_a_change_that_was_never_confirmed(escrow: Escrow) -> None:
    change(escrow, "p1", "p0", 1)
    escrow.begin_change(Secret("p2"), Secret("p1"), hour(10))  # then the controller lost power
    escrow.begin_change(Secret("p3"), None, hour(20))  # nobody knows which one is in force
    assert sorted(passwords(escrow, 15)) == ["p1", "p2"]
    assert sorted(passwords(escrow, 21)) == ["p1", "p2", "p3"]
    assert not escrow.matches(Secret("p1"))
    escrow.confirm(hour(22))
    assert passwords(escrow, 23) == ["p3"]
    assert escrow.matches(Secret("p3"))


@pytest.mark.parametrize(("old", "expected"), [("p1", ["p1"]), ("p2", ["p2"])])
def test_the_old_password_settles_what_was_never_confirmed(escrow: Escrow, old: str, expected: list[str]) -> None:
    change(escrow, "p1", "p0", 1)
    escrow.begin_change(Secret("p2"), Secret("p1"), hour(10))
    escrow.begin_change(Secret("p3"), Secret(old), hour(20))
    escrow.revert(hour(21))
    assert passwords(escrow, 22) == expected
    assert set(passwords(escrow, 15)) == {"p1", "p2"}
    assert len(escrow.entries()) == 4
    present = escrow.present()
    assert present is not None
    assert present.password.reveal() == old


def test_a_change_behind_our_back(escrow: Escrow) -> None:
    change(escrow, "p1", "p0", 1)
    change(escrow, "p2", "by hand", 10)
    assert set(passwords(escrow, 5)) == {"p1", "by hand"}
    assert passwords(escrow, 12) == ["p2"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["confirm", "revert", "lost"]), max_size=5))
def test_no_password_is_ever_lost(tmp_path_factory: pytest.TempPathFactory, answers: list[str]) -> None:
    escrow = Escrow(tmp_path_factory.mktemp("e") / "rec.vault", Secret(VAULT))
    tried, real = ["p0"], "p0"
    for number, answer in enumerate(answers, 1):
        new = f"p{number}"
        escrow.begin_change(Secret(new), Secret(real), hour(10 * number))
        assert real in passwords(escrow, 10 * number)
        tried.append(new)
        if answer == "confirm":
            escrow.confirm(hour(10 * number + 1))
            real = new
        elif answer == "revert":
            escrow.revert(hour(10 * number + 1))
        assert real in passwords(escrow, 10 * number + 5)
    assert {entry.password.reveal() for entry in escrow.entries()} == (set(tried) if answers else set())


def test_fingerprints(escrow: Escrow, tmp_path: pathlib.Path) -> None:
    early = escrow.fingerprint(Secret("new-1"))
    change(escrow, "new-1", None, 10)
    assert escrow.fingerprint(Secret("new-1")) == early  # the key is kept
    again = Escrow(escrow.path, Secret(VAULT))
    assert again.fingerprint(Secret("new-1")) == early != again.fingerprint(Secret("new-2"))
    other = Escrow(tmp_path / "other.vault", Secret(VAULT))
    assert other.fingerprint(Secret("new-1")) != early
    assert len(early) == 16
    int(early, 16)


def test_a_wrong_vault_password_never_overwrites(escrow: Escrow) -> None:
    change(escrow, "new-1", "old-0", 10)
    before = escrow.path.read_bytes()
    wrong = Escrow(escrow.path, Secret("another"))
    calls: list[t.Callable[[], object]] = [
        wrong.check,
        wrong.present,
        wrong.entries,
        lambda: wrong.matches(Secret("new-1")),
        lambda: wrong.begin_change(Secret("new-2"), Secret("new-1"), hour(12)),
        lambda: wrong.confirm(hour(12)),
        lambda: wrong.revert(hour(12)),
    ]
    for call in calls:
        with pytest.raises(EscrowError, match="found a file that this vault password does not decrypt"):
            call()
    assert escrow.path.read_bytes() == before


def test_files_that_are_no_escrow(escrow: Escrow, tmp_path: pathlib.Path) -> None:
    change(escrow, "new-1", "old-0", 10)
    good = escrow.path.read_bytes()
    plain = tmp_path / "plain"
    plain.write_text('{"version": 2, "password": "new-1"}')
    (tmp_path / "vault").write_text(VAULT)
    subprocess.run(
        [BIN / "ansible-vault", "encrypt", "--vault-password-file", tmp_path / "vault", plain],
        check=True, capture_output=True,
    )  # fmt: skip
    cases = {
        b"": "found a file that ansible-vault did not write",
        b"password: new-1\n": "found a file that ansible-vault did not write",
        good[:-200]: "found a file that this vault password does not decrypt",
        b"$ANSIBLE_VAULT;1.1;AES256\nzz\n": "found a file that this vault password does not decrypt",
        plain.read_bytes(): "found a damaged document",
    }
    for content, sentence in cases.items():
        escrow.path.write_bytes(content)
        for call in (escrow.check, lambda: escrow.begin_change(Secret("new-2"), Secret("new-1"), hour(12))):
            with pytest.raises(EscrowError, match=sentence) as caught:
                call()
            assert "new-" not in "".join(traceback.format_exception(caught.value)).rsplit("Error: ", maxsplit=1)[-1]
            assert caught.value.__cause__ is None
        assert escrow.path.read_bytes() == content
    escrow.path.unlink()
    with pytest.raises(EscrowError, match=r"found no file but its previous version \(.bak\)"):
        escrow.check()
    escrow.path.mkdir()
    with pytest.raises(EscrowError, match="found is a directory"):
        escrow.check()


def test_directories_that_cannot_be_used(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "rec01.vault", tmp_path / "file" / "deeper" / "rec01.vault"):
        escrow = Escrow(path, Secret(VAULT))
        with pytest.raises(EscrowError):
            escrow.check()
        with pytest.raises(EscrowError):
            escrow.begin_change(Secret("new-1"), None, hour(1))


def test_a_disk_that_cannot_be_written(escrow: Escrow, monkeypatch: pytest.MonkeyPatch) -> None:
    change(escrow, "new-1", "old-0", 10)
    before = escrow.path.read_bytes()

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EscrowError, match="found no space left on device"):
        escrow.check()
    with pytest.raises(EscrowError, match="found no space left on device"):
        escrow.begin_change(Secret("new-2"), Secret("new-1"), hour(12))
    assert escrow.path.read_bytes() == before
    assert not list(escrow.path.parent.glob(".*"))


def test_a_look_writes_nothing(escrow: Escrow, monkeypatch: pytest.MonkeyPatch) -> None:
    change(escrow, "new-1", "old-0", 10)
    before = escrow.path.parent.stat().st_mtime_ns
    escrow.check(look_only=True)
    assert escrow.path.parent.stat().st_mtime_ns == before
    with pytest.raises(EscrowError, match="found a file that this vault password does not decrypt"):
        Escrow(escrow.path, Secret("another")).check(look_only=True)
    monkeypatch.setattr(os, "access", lambda *_arguments: False)
    with pytest.raises(EscrowError, match="found permission denied, expected a directory that can be written"):
        escrow.check(look_only=True)
    escrow.check()


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "../rec", "a b", "rec\n", "x" * 201])
def test_names_that_are_no_file(name: str) -> None:
    with pytest.raises(InputError):
        escrow_path("/srv/escrow", name)


def test_input_that_cannot_be_used(escrow: Escrow) -> None:
    with pytest.raises(InputError, match="without a time zone"):
        escrow.begin_change(Secret("new-1"), None, dt.datetime(2026, 11, 22))  # noqa: DTZ001
    with pytest.raises(InputError, match="without a time zone"):
        escrow.password_at(dt.datetime(2026, 11, 22))  # noqa: DTZ001
    with pytest.raises(InputError, match="new recording password: found nothing"):
        escrow.begin_change(Secret(""), None, hour(1))
    with pytest.raises(InputError, match="found characters that are no Unicode text"):
        escrow.begin_change(Secret("x"), Secret("\udcff"), hour(1))
    with pytest.raises(InputError, match="vault password: found nothing"):
        Escrow(escrow.path, Secret(""))


@pytest.mark.parametrize("password", ["pässwörd", "密码", "quote\"'\\ \n", "{{ x }}", "$ANSIBLE_VAULT;"])
def test_any_password_comes_back_as_it_was(escrow: Escrow, password: str) -> None:
    change(escrow, password, None, 1)
    assert passwords(escrow, 2) == [password]
    assert escrow.matches(Secret(password))
    assert password not in repr(escrow.entries())


def test_without_ansible_core(escrow: Escrow, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> t.NoReturn:
        raise ImportError

    monkeypatch.setattr(_escrow.importlib, "import_module", missing)
    with pytest.raises(MissingLibraryError, match="The escrow lives on the controller"):
        Escrow(escrow.path, Secret(VAULT))


AtOnce = t.Callable[[str, t.Sequence[t.Sequence[str]]], list[str]]
CHANGES = """
import datetime as dt
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._escrow._escrow import Escrow
path, vault, first = sys.argv[1:]
begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
for number in range(int(first), 24, 8):
    escrow = Escrow(path, Secret(vault))
    escrow.begin_change(Secret(f"n{number}"), None, begin + dt.timedelta(hours=number))
    try:
        escrow.confirm(begin + dt.timedelta(hours=number + 1))
    except CamsecError:  # another process settled ours meanwhile
        pass
"""


def test_processes_at_once_lose_nothing(escrow: Escrow, at_once: AtOnce) -> None:
    at_once(CHANGES, [(str(escrow.path), VAULT, str(first)) for first in range(8)])
    assert {entry.password.reveal() for entry in escrow.entries()} == {f"n{number}" for number in range(24)}


def test_importable_without_ansible() -> None:
    code = "import sys; sys.modules['ansible'] = None; import " + _escrow.__name__
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    assert importlib.import_module(_escrow.__name__)


def lookup(home: pathlib.Path, expression: str, *options: str) -> tuple[int, str]:
    book = home / "play.yml"
    out = home / "out"
    out.unlink(missing_ok=True)
    task = {
        "name": "Write",
        "ansible.builtin.copy": {"content": "{{ " + expression + " | to_json }}", "dest": str(out), "mode": "0600"},
        "no_log": True,
    }
    fact = {"name": "Show", "ansible.builtin.debug": {"msg": "{{ (" + expression + ") | length }}"}}
    book.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [fact, task]}]))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev"),
        "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(home / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", "localhost,", "-c", "local", "-e",
         f"ansible_python_interpreter={sys.executable}", *options, book],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    printed = done.stdout + done.stderr
    assert "p1-secret" not in printed
    return done.returncode, out.read_text() if out.exists() else printed


def test_lookup_in_a_playbook(escrow: Escrow, tmp_path: pathlib.Path) -> None:
    escrow.begin_change(Secret("p1-secret"), Secret("p0-secret"), hour(10))
    escrow.confirm(hour(11))
    (tmp_path / "vault").write_text(VAULT + "\n")
    (tmp_path / "wrong").write_text("wrong\n")
    name = "'camsec.fleet.recording_password', 'rec01'"
    home = f"escrow_directory='{escrow.path.parent}'"
    by_file = f"vault_password_file='{tmp_path / 'vault'}'"
    assert lookup(tmp_path, f"query({name}, at='2026-11-22T09:00:00Z', {home}, {by_file})") == (0, '["p0-secret"]')
    found = lookup(tmp_path, f"query({name}, at='2026-11-22T10:30:00Z', {home}, vault_password='{VAULT}')")
    assert found == (0, '["p1-secret", "p0-secret"]')
    given = lookup(
        tmp_path, f"query({name}, at='2026-11-22T23:00:00+09:00', {home})", "--vault-id", str(tmp_path / "vault")
    )
    assert given == (0, '["p1-secret"]')
    failures = {
        f"query({name}, {home})": "No vault password",
        f"query({name}, {home}, vault_password_file='{tmp_path / 'wrong'}')": "this vault password does not decrypt",
        f"query({name}, {home}, {by_file}, at='yesterday')": "is no instant",
    }
    for expression, sentence in failures.items():
        code, printed = lookup(tmp_path, expression)
        assert code != 0
        assert sentence in " ".join(printed.split())
        assert "Traceback" not in printed
