# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the TLS facts share: certificates made by openssl, the independent judge."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import subprocess
import time
import typing as t

import pytest

OPENSSL = "openssl"


def openssl(*arguments: str | pathlib.Path, stdin: str | None = None, check: bool = True) -> str:
    done = subprocess.run(
        [OPENSSL, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    if check and done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout + done.stderr


class Pair(t.NamedTuple):
    certificate: pathlib.Path
    key: pathlib.Path


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A self-signed certificate for 127.0.0.1, as a camera makes it."""
    home = tmp_path_factory.mktemp("pair")
    made = Pair(home / "camera.pem", home / "camera.key")
    openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", made.key, "-out", made.certificate, "-days", "10",
        "-subj", "/O=Example/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:cam.example",
    )  # fmt: skip
    return made


@contextlib.contextmanager
def tls_server(pair: Pair, *options: str) -> t.Iterator[int]:
    """Run openssl s_server on a free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [OPENSSL, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", pair.certificate, "-key", pair.key, "-quiet",
         *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        for dummy in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=10)
