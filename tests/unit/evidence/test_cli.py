# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's commands as a user calls them, in this process; what goes over the wire is tested elsewhere."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import subprocess
import sys

import pytest
from ansible_collections.camsec.fleet.extensions.uploader import _output, _suites
from ansible_collections.camsec.fleet.extensions.uploader.cli import main
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import ConnectError
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._facts import Event
from ansible_collections.camsec.fleet.plugins.module_utils._evidence._ledger import JobLedger

from .conftest import DEPRECATED, PASSPHRASE, Authority, Bench, openssl


def arguments(bench: Bench, *more: str) -> list[str]:
    secret = bench.home / "password"
    secret.touch(mode=0o600)
    secret.write_text("secret")
    return ["send", str(bench.source), "--state-directory", str(bench.state), "--host", "127.63.2.1", "--port", "9",
            "--user", "station1", "--password-file", str(secret), "--pin", "AB:" * 31 + "AB",
            "--remote-directory", "case/1", *more]  # fmt: skip


def test_a_dry_run_says_what_would_be_sent(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.file("clip.mxf", b"12345")
    assert main(arguments(bench, "--dry-run", "--output", "json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["would_send"], told["bytes"], told["would_seal"]) == (1, 5, True)
    assert not (bench.state / "ledger.sqlite3").exists()


def test_nobody_answers(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.file("clip.mxf")
    assert main(arguments(bench, "--attempts", "1", "--output", "plain")) == 4
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith("camsec-upload: 127.63.2.1:9: ")
    assert main(["status", "--state-directory", str(bench.state)]) == 0
    assert "1 waiting" in capsys.readouterr().out


@pytest.mark.parametrize(("more", "words"), [
    (["--sessions", "0"], "sessions: found 0, expected from 1 to 64"),
    (["--bag-info", "no-equals"], "LABEL=TEXT"),
    (["--bag-info", "Payload-Oxum=1.1"], "not one of"),
    (["--bag-info", "Note=a\nb"], "one line that is not empty"),
    (["--remote-directory", "a/../b"], "the part '..'"),
    (["--policy", "custom"], "at least one"),
    (["--suite", "AES128-SHA"], "none, since a named policy brings its own"),
    (["--pin", "abc"], "64 lower-case hexadecimal digits"),
    (["--port", "0"], "1 to 65535"),
    (["--crl-file", "crl.pem"], "found a revocation list without ca_path"),
])  # fmt: skip
def test_options_that_cannot_be_used(
    bench: Bench, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    bench.file("clip.mxf")
    assert main(arguments(bench, *more)) == 3
    assert words in capsys.readouterr().err


def test_the_password_is_asked_for_in_no_other_way(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.file("clip.mxf")
    given = arguments(bench, "--dry-run")
    (bench.home / "password").chmod(0o644)
    assert main(given) == 3
    assert "open to other users" in capsys.readouterr().err
    at = given.index("--password-file")
    without = [*given[:at], *given[at + 2 :]]
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: PTH123, SIM115  # closed with the test
    assert main(without) == 3
    assert "CAMSEC_UPLOAD_PASSWORD" in capsys.readouterr().err
    monkeypatch.setenv("CAMSEC_UPLOAD_PASSWORD", "secret")
    assert main(without) == 0


def test_a_signer_for_a_station(
    tmp_path: pathlib.Path, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    phrase = tmp_path / "phrase"
    phrase.touch(mode=0o600)
    phrase.write_text(f"{PASSPHRASE.reveal()}\n")
    command = ["signer", "--authority-directory", str(authority.home), "--passphrase-file", str(phrase),
               "--name", "station9.example", "--state-directory", str(tmp_path / "state")]  # fmt: skip
    assert main(command) == 0
    assert capsys.readouterr().out.startswith("made: CN=Evidence signer station9.example")
    assert stat.S_IMODE((tmp_path / "state/signer.key").stat().st_mode) == 0o600
    _status, told = openssl("x509", "-in", tmp_path / "state/signer.pem", "-noout", "-ext", "keyUsage,extendedKeyUsage")
    assert "Digital Signature, Non Repudiation" in told
    assert "E-mail Protection" in told
    assert "TLS Web" not in told
    assert main(command) == 0
    assert capsys.readouterr().out.startswith("still good")


def test_dropping_a_file_that_is_lost(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    lost = bench.file("lost.mxf")
    bench.file("clip.mxf")

    def fault(verb: str, path: str) -> None:
        if verb == "sent" and "lost" in path:
            raise ConnectError(device="ftp.example:21", subject="connection", found="the end", expected="an answer")

    bench.memory.fault = fault
    assert bench.send().errors
    lost.unlink()
    state = ["--state-directory", str(bench.state)]
    assert main(["status", *state]) == 0
    assert "failed" in capsys.readouterr().out
    assert not bench.send().sealed
    assert main(["status", *state, "--drop", str(bench.source / "clip.mxf")]) == 3  # it is done
    assert main(["status", *state, "--drop", str(lost)]) == 0
    assert bench.send().sealed
    assert main(["status", *state, "--all", "--format", "json"]) == 0


def test_the_question_of_deprecated_suites(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    state = ["--state-directory", str(bench.state)]
    for command in (["query", "--deprecated"], ["status"]):  # a ledger that is missing never says "never"
        assert main([*command, *state]) == 3
        assert "ledger.sqlite3: job ledger: found no such file" in capsys.readouterr().err
    with JobLedger(bench.state):
        pass
    assert main(["query", *state]) == 0
    assert "Nothing was sent yet." in capsys.readouterr().out
    bench.file("clip.mxf")
    bench.send()
    assert main(["query", "--deprecated", *state]) == 0
    assert "No: nothing was ever sent" in capsys.readouterr().out
    bench.memory.suite = DEPRECATED
    bench.send(remote_directory="case/2")
    assert main(["query", "--deprecated", *state, "--format", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert {(row["suite"], row["outcome"]) for row in rows} == {(DEPRECATED, "sent")}
    assert {row["channel"] for row in rows} == {"control", "data"}
    assert str(bench.source / "clip.mxf") in {row["source"] for row in rows}
    assert main(["query", "--suite", "TLS_AES_256_GCM_SHA384", *state]) == 1
    assert main(["query", "--suite", "NONSENSE", *state]) == 3


@pytest.mark.parametrize("command", [["query", "--deprecated"], ["status"], ["status", "--drop", "x"], ["send"]])
def test_a_state_directory_that_cannot_be_looked_into(
    bench: Bench, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    bench.file("clip.mxf")
    command = arguments(bench) if command == ["send"] else command
    closed = "x" * 300  # too long for a name: refused by the system to root, too
    assert main([*command, "--state-directory", str(bench.home / closed)]) == 3
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "job ledger: found file name too long, expected a ledger that can be read and written" in sentence


def test_evidence_that_cannot_be_looked_into(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(bench.authority.home / "root.pem")
    assert main(["verify", str(bench.home / ("x" * 300)), "--ca-file", root]) == 3
    (sentence,) = capsys.readouterr().err.splitlines()
    assert "evidence: found file name too long, expected files and directories that can be read" in sentence


def test_what_was_left_out_is_said(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    (bench.source / "link.mxf").symlink_to(bench.file("clip.mxf"))
    empty = bench.home / "empty"
    (empty / "below").mkdir(parents=True)
    given = arguments(bench, "--dry-run", "--output", "plain")
    assert main([*given[:1], str(empty), *given[1:]]) == 0
    told = capsys.readouterr().out
    assert f"{bench.source}/link.mxf: a symbolic link, which is not followed, was left out.\n" in told
    assert f"{empty}: there is no file in this directory.\n" in told


def test_nobody_reads_on() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-m", "ansible_collections.camsec.fleet.extensions.uploader", "suites"]
    done = subprocess.run(program, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_file_in_the_way_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    def opened(_options: object) -> int:
        return len((tmp_path / "missing").read_bytes())

    monkeypatch.setattr(_suites, "run", opened)
    assert main(["suites"]) == 1
    assert capsys.readouterr().err == f"camsec-upload: {tmp_path}/missing: found no such file or directory\n"


@pytest.mark.parametrize("kind", ["plain", "bar", "json"])
def test_names_do_not_move_the_cursor(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    display = _output.display_of(kind, 100)
    error = ConnectError(device="\x1b[2Jhost", subject="x", found="y", expected="z")
    for event in ("started", "progress", "done", "failed", "retried", "note", "sealed"):
        display.show(Event(kind=event, source="\x1b[2J.mxf", remote_path="a\x07", size=5, sent=5, text="\x1b]0;x\x07"))
    display.end({"sent": 1, "sealed": True}, [("\x1b[2J.mxf", error)])
    printed = capsys.readouterr()
    text = printed.out + (printed.err if kind != "bar" else "")
    assert "\x1b" not in text
    assert "\x07" not in text
    if kind == "json":
        lines = [json.loads(line) for line in printed.out.splitlines()]
        assert [line["event"] for line in lines][-1] == "summary"
        assert lines[-1]["errors"][0]["source"] == "\x1b[2J.mxf"
