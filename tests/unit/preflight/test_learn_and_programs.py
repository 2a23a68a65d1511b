# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connecting client offers, with openssl, curl and raw bytes as clients; and the programs around the library."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.uploader._learn import address_and_port
from ansible_collections.camsec.fleet.plugins.module_utils._core._call import Call
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError, ConnectError, InputError
from ansible_collections.camsec.fleet.plugins.module_utils._preflight._learn import Listener, as_lines, report
from ansible_collections.camsec.fleet.plugins.module_utils._tls._hello import client_hello
from ansible_collections.camsec.fleet.plugins.module_utils._tls._policies import CAMERA_MODELS
from ansible_collections.camsec.fleet.plugins.modules.ftpes_endpoint_info import SPEC

ADDRESS = "127.61.7.2"
PROGRAM = [sys.executable, "-m", "ansible_collections.camsec.fleet.extensions.uploader"]
Client = t.Callable[[int], object]


def learned(client: Client) -> tuple[dict[str, t.Any], list[str]]:
    """What is learned while a client connects, and of which others we were told."""
    others: list[str] = []
    with Listener(ADDRESS, 0) as listener:
        thread = threading.Thread(target=client, args=(listener.port,), daemon=True)
        thread.start()
        told = report(listener.learn(timeout=20, other=others.append))
        thread.join(timeout=20)
    assert all(line.isprintable() for line in as_lines(told))
    return told, others


def s_client(*options: str) -> Client:
    def connect(port: int) -> None:
        done = subprocess.run(
            ["openssl", "s_client", "-starttls", "ftp", "-connect", f"{ADDRESS}:{port}", *options],
            input="", capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert "alert handshake failure" in done.stderr, "it is told no, and knows it at once"

    return connect


@pytest.mark.parametrize("name", CAMERA_MODELS)
def test_a_camera_is_recognised(name: str) -> None:
    suites = [suite.openssl_name for suite in CAMERA_MODELS[name].suites]
    told, dummy = learned(s_client("-tls1_2", "-cipher", f"{':'.join(reversed(suites))}:@SECLEVEL=0"))
    assert name in told["camera_models"]
    assert ("MPC-2610" in told["camera_models"]) == (name == "MPC-2610")
    assert [one["name"] for one in told["suites"]] == [suite.iana_name for suite in CAMERA_MODELS[name].suites][::-1]
    assert told["versions"] == ["TLSv1.2"]
    assert told["commands"] == ["AUTH"] or told["commands"] == ["FEAT", "AUTH"]
    assert f"exactly those of {', '.join(told['camera_models'])}" in as_lines(told)[0]


def test_somebody_else_is_compared_with_the_nearest() -> None:
    told, dummy = learned(s_client("-servername", "ftp.example", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"))
    assert told["camera_models"] == []
    assert told["tls13"]
    assert told["server_name"] == "ftp.example"
    assert "nearest is PXW-Z" in as_lines(told)[0]
    assert len(told["compared"]["MPC-2610"]["missing"]) == 14
    assert told["compared"]["MPC-2610"]["more"] == []


def test_curl_is_read() -> None:
    curl = shutil.which("curl")
    assert curl is not None

    def connect(port: int) -> None:
        subprocess.run(
            [curl, "--silent", "--ssl-reqd", "--max-time", "15", f"ftp://{ADDRESS}:{port}/"],
            capture_output=True, timeout=20, check=False,
        )  # fmt: skip

    told, dummy = learned(connect)
    assert told["tls13"]
    assert not told["implicit_tls"]
    assert len(told["suites"]) > 5


def raw(*parts: bytes) -> Client:
    def connect(port: int) -> None:
        with socket.create_connection((ADDRESS, port), timeout=10) as connection:
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass

    return connect


def test_unknown_numbers_are_shown_as_numbers() -> None:
    told, dummy = learned(raw(b"AUTH TLS\r\n" + client_hello([0xFEF0, 0xC030])))
    assert [one["name"] for one in told["suites"]] == ["0xFEF0", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]


def test_implicit_tls_is_read_and_said() -> None:
    told, dummy = learned(raw(client_hello([0xC030])))
    assert told["implicit_tls"]
    assert "without AUTH TLS" in as_lines(told)[-1]


def test_who_shows_nothing_does_not_end_the_waiting() -> None:
    def connect(port: int) -> None:
        raw()(port)
        raw(b"USER admin\r\nPASS secret\r\nQUIT\r\n")(port)
        raw(b"AUTH TLS\r\nnonsense\r\n")(port)
        raw(b"\x1b[31m" * 2000)(port)
        raw(b"AUTH TLS\r\n", client_hello([0x002F]))(port)

    told, others = learned(connect)
    assert [one["name"] for one in told["suites"]] == ["TLS_RSA_WITH_AES_128_CBC_SHA"]
    assert len(others) == 4
    assert "QUIT before TLS after USER, PASS, QUIT" in others[1]
    assert not any("secret" in one or "admin" in one for one in others)
    assert all(one.isprintable() for one in others)


def test_nobody_comes() -> None:
    with Listener(ADDRESS, 0) as listener, pytest.raises(ConnectError, match=r"none within 0\.2 s"):
        listener.learn(timeout=0.2, other=print)


@pytest.mark.parametrize("address", ["192.0.2.1", "no.such.host.invalid"])
def test_where_nobody_can_listen(address: str) -> None:
    with pytest.raises(InputError, match="address to listen on"):
        Listener(address, 0)


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("ftp.example:2121", None, ("ftp.example", 2121)),
        ("ftp.example", 21, ("ftp.example", 21)),
        ("[::1]:990", 21, ("::1", 990)),
        ("[::1]", 21, ("::1", 21)),
        ("2001:db8::1", 21, ("2001:db8::1", 21)),
    ],
)
def test_address_and_port(text: str, default: int | None, expected: tuple[str, int]) -> None:
    assert address_and_port(text, default) == expected


@pytest.mark.parametrize("text", ["", ":", "host", "host:", "host:x", "host:65536", "host:-1", ":21"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InputError):
        address_and_port(text)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*PROGRAM, *arguments],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_the_program_learns(tools: t.Any) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "learn", "--listen", f"{ADDRESS}:0", "--timeout", "30", "--format", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        port = int(re.fullmatch(r"camsec-upload: listening on [\d.]+:(\d+)\n", process.stderr.readline())[1])  # type: ignore[index]
        tools.openssl("s_client", "-starttls", "ftp", "-connect", f"{ADDRESS}:{port}", "-tls1_2", check=False)
        out, dummy = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert json.loads(out)["versions"] == ["TLSv1.2"]


def test_text_json_and_exit_code_agree(tools: t.Any, pki: t.Any, tmp_path: pathlib.Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{tools.password}\n")
    secret.chmod(0o600)
    seen = {}
    for ciphers, verdict, code in (
        ("ECDHE-RSA-AES256-GCM-SHA384", "recommended", 0),
        ("AES128-SHA256", "only_deprecated", 10),
        ("AES128-GCM-SHA256", "unreachable", 11),
    ):
        with tools.Server(pairs=(pki.rsa,), ciphers=f"{ciphers}:@SECLEVEL=0") as server:
            where = [f"{tools.address}:{server.port}", "--ca-file", str(pki.root.certificate), "--user", "evidence"]
            text = run("preflight", *where, "--password-file", str(secret), "--camera-model", "MPC-2610")
            data = run("preflight", *where, "--password-env", "SECRET", "--format", "json", SECRET=tools.password)
        told = json.loads(data.stdout)
        assert (text.returncode, data.returncode, told["verdict"]) == (code, code, verdict)
        assert text.stdout.splitlines()[0].endswith(f": {verdict.upper()}")
        assert tools.password not in text.stdout + text.stderr + data.stdout + data.stderr
        seen[verdict] = told["reason"]
    assert len(set(seen.values())) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["127.61.7.9:9", "--server-name", "x y"], 3, "server name"),
        (["127.61.7.9:9"], 4, "connection refused"),
        (["127.61.7.9", "--port", "9"], 4, "127.61.7.9:9: connection"),
        (["127.61.7.9:10", "--port", "9"], 3, "expected one of the two"),
        (["127.61.7.9", "--port", "70000"], 3, "expected"),
        (["127.61.7.9:9", "--user", "evidence"], 3, "CAMSEC_UPLOAD_PASSWORD"),
        (["127.61.7.9:9", "--password-env", "HOME"], 3, "a password without a user"),
        (["127.61.7.9:9", "--ca-file", "/no/such/file"], 3, "no such file"),
        (["127.61.7.9:9", "--ca-file", "KEY"], 3, "a private key"),
        (["127.61.7.9:9", "--ca-file", "EMPTY"], 3, "nothing (empty)"),
        (["127.61.7.9:9", "--ca-file", "LARGE"], 3, "[FTP-11]"),
        (["127.61.7.9:x"], 3, "HOST:PORT"),
    ],
    ids=str,
)
def test_bad_input_is_one_sentence(
    pki: t.Any, tmp_path: pathlib.Path, arguments: list[str], code: int, words: str
) -> None:
    (tmp_path / "EMPTY").write_bytes(b"")
    (tmp_path / "LARGE").write_bytes(pki.root.certificate.read_bytes() + b"#" * 1_100_000)
    (tmp_path / "KEY").write_bytes(pki.root.key.read_bytes())
    given = [str(tmp_path / one) if one in ("KEY", "EMPTY", "LARGE") else one for one in arguments]
    done = run("preflight", *given)
    assert (done.returncode, done.stdout) == (code, "")
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr.lower() or words in done.stderr


def test_the_module_says_the_same(tools: t.Any, pki: t.Any) -> None:
    with tools.Server(pairs=(pki.rsa,), ciphers="AES128-SHA256:@SECLEVEL=0") as server:
        params: dict[str, t.Any] = {
            "host": tools.address, "port": server.port, "server_name": None, "ca_path": None,
            "ca_content": pki.root.certificate.read_text(), "camera_models": ["PXW-Z380"], "username": "evidence",
            "password": tools.password, "timeout": 5.0, "time_limit": 60.0, "parallel": 4,
        }  # fmt: skip
        assert set(params) == set(SPEC.argument_spec)
        told = SPEC.run(Call(params=params, check_mode=True))
    assert told["changed"] is False
    assert (told["verdict"], told["cameras"][0]["model"]) == ("only_deprecated", "PXW-Z380")
    assert tools.password not in str(told)
    assert told["lines"][0].endswith("ONLY_DEPRECATED")
    assert SPEC.argument_spec["camera_models"]["choices"] == list(CAMERA_MODELS)


def test_half_an_account(pki: t.Any) -> None:
    with pytest.raises(CamsecError, match="a user without a password"):
        SPEC.run(Call(params={
            "host": "127.61.7.9", "port": 21, "server_name": None, "ca_path": str(pki.root.certificate),
            "ca_content": None, "camera_models": None, "username": "evidence", "password": None, "timeout": 5.0,
            "time_limit": 60.0, "parallel": 4,
        }, check_mode=False))  # fmt: skip
