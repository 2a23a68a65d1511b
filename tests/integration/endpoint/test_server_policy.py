# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role `ftpes_server_policy`, judged by the real servers and `openssl s_client`."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._tls._policies import POLICIES
from ansible_collections.camsec.fleet.plugins.module_utils._tls._suites import TLS12_SUITES, TLS13_SUITES, CipherSuite

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import real_ftp  # noqa: E402

Pair = tuple[pathlib.Path, pathlib.Path]


def play(folder: pathlib.Path, variables: t.Mapping[str, t.Any], *arguments: str) -> subprocess.CompletedProcess[str]:
    book = folder / "play.yml"
    tasks = [{"name": "Policy", "ansible.builtin.import_role": {"name": "camsec.fleet.ftpes_server_policy"}}]
    book.write_text(json.dumps([{"name": "Policy", "hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    return subprocess.run(
        [
            str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local",
            "-e", json.dumps(dict(variables) | {"ansible_python_interpreter": sys.executable}), *arguments, str(book),
        ],
        capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(folder / "ansible")},
    )  # fmt: skip


def changed(done: subprocess.CompletedProcess[str]) -> int:
    assert done.returncode == 0, done.stdout + done.stderr
    match = re.search(r"changed=(\d+)", done.stdout)
    assert match is not None
    return int(match[1])


class Configured(real_ftp.RealFtpServer):
    """A real server on the configuration file that the role has written."""

    def __init__(self, *, play: t.Callable[[pathlib.Path], None], **options: t.Any) -> None:
        super().__init__(**options)
        self._play = play

    def _command(self) -> list[str]:
        command = super()._command()
        path = self.private / f"{self.kind}.conf"
        self._play(path)
        # Only the file is to say what is offered.
        (self.private / "openssl.cnf").write_text("")
        return command


def offered(host: str, port: int, suite: CipherSuite) -> bool:
    versions = ["-tls1_3", "-ciphersuites"] if suite.protocol == "TLSv1.3" else ["-tls1_2", "-cipher"]
    done = subprocess.run(
        ["openssl", "s_client", "-starttls", "ftp", "-connect", f"{host}:{port}", *versions, suite.openssl_name],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    return f"Cipher is {suite.openssl_name}" in done.stdout


def wanted(pair: Pair | None) -> dict[str, str] | None:
    return None if pair is None else {"certificate_path": str(pair[0]), "key_path": str(pair[1])}


@pytest.mark.parametrize("kind", ["proftpd", "vsftpd"])
@pytest.mark.parametrize("policy", ["recommended", "compatible"])
def test_the_server_offers_what_the_policy_says(
    kind: str, policy: str, tmp_path: pathlib.Path, rsa: Pair, ecdsa: Pair
) -> None:
    reason = real_ftp.unavailable(kind)
    if reason is not None:
        pytest.skip(reason)
    program, environment = real_ftp.program(kind)
    checker = tmp_path / "checker"
    # proftpd with its libraries, as a package would have it.
    checker.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{environment["LD_LIBRARY_PATH"]}" exec {program} "$@"\n')
    checker.chmod(0o755)
    variables = {
        "ftpes_server_policy_server": kind,
        "ftpes_server_policy_name": policy,
        "ftpes_server_policy_rsa": wanted(rsa),
        "ftpes_server_policy_ecdsa": wanted(ecdsa),
        "ftpes_server_policy_proftpd_program": str(checker),
        "ftpes_server_policy_service_manager": "none",
    }

    def go_through(path: pathlib.Path, told: dict[str, t.Any]) -> None:
        """Check mode with its diff, twice for real, and a file that the server would not take."""
        path.chmod(0o640)
        before = path.read_text()
        dry = play(tmp_path, told, "--check", "--diff")
        assert changed(dry) == 1
        assert "+# BEGIN camsec.fleet FTPES policy" in dry.stdout
        assert path.read_text() == before
        assert [changed(play(tmp_path, told)) for dummy in range(2)] == [1, 0]
        assert path.stat().st_mode & 0o777 == 0o640
        (backup,) = path.parent.glob(f"{path.name}.*~")
        assert backup.read_text() == before
        if kind == "proftpd":
            written = path.read_text()
            broken = play(tmp_path, told | {"ftpes_server_policy_dh_parameters_path": "/nonexistent/dh.pem"})
            assert broken.returncode != 0
            assert "failed to validate" in broken.stdout
            assert path.read_text() == written

    def configure(path: pathlib.Path) -> None:
        told = dict(variables) | {"ftpes_server_policy_configuration_path": str(path)}
        if policy == "recommended":
            go_through(path, told)
        else:
            assert changed(play(tmp_path, told)) == 1
        shutil.copy(path, tmp_path / "written.conf")

    server = Configured(
        play=configure, kind=kind, certificate=rsa[0], key=rsa[1], root=tmp_path, host="127.65.0.5", ciphers="ALL"
    )
    with server:
        served = {suite for suite in TLS12_SUITES if offered(server.host, server.port, suite)}
        expected = {suite for suite in POLICIES[policy].suites if suite.protocol == "TLSv1.2"}
        if kind == "vsftpd":
            # vsftpd 3.0.3 has no group for DHE, and no option for one.
            expected = {suite for suite in expected if suite.key_exchange != "DHE"}
        assert served == expected, (tmp_path / "written.conf").read_text()
        assert all(offered(server.host, server.port, suite) for suite in TLS13_SUITES)


def test_a_value_that_cannot_be_is_one_sentence(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "vsftpd.conf"
    path.write_text("listen=YES\n")
    done = play(
        tmp_path,
        {
            "ftpes_server_policy_configuration_path": str(path),
            "ftpes_server_policy_tls_versions": ["TLSv1.3"],
            "ftpes_server_policy_service_manager": "none",
        },
    )
    assert done.returncode != 0
    assert "vsftpd has no option for the suites of TLS 1.3" in done.stdout + done.stderr
    assert path.read_text() == "listen=YES\n"
