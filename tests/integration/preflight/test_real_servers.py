# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight against vsftpd, proftpd and pure-ftpd: exact sets, both channels, and lines that do mend."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml

KINDS = ("vsftpd", "proftpd", "pure-ftpd")
ALL_TLS12 = [
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-GCM-SHA384",
    "AES256-SHA256",
    "AES128-SHA256",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-ECDSA-AES128-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-AES256-SHA256",
    "DHE-RSA-AES256-SHA",
    "DHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
]
RECOMMENDED = {"rsa": ALL_TLS12[:2], "ecdsa": ALL_TLS12[2:3]}


def iana(names: t.Iterable[str]) -> set[str]:
    """IANA names by openssl's own table."""
    told = subprocess.run(
        ["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    table = {line.split()[4]: line.split()[2] for line in told.splitlines()}
    return {table[name] for name in names}


def look(tools: t.Any, server: t.Any, pki: t.Any, *options: str, code: int) -> dict[str, t.Any]:
    done = tools.run(
        "preflight", f"{server.host}:{server.port}", "--ca-file", str(pki.card), "--user", server.user,
        "--password-env", "SECRET", "--format", "json", *options, SECRET=server.password,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert server.password not in done.stdout + done.stderr
    return t.cast("dict[str, t.Any]", json.loads(done.stdout))


@pytest.mark.parametrize("key", ["rsa", "ecdsa"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_set_is_exact_on_both_channels(
    tools: t.Any, pki: t.Any, tmp_path: pathlib.Path, kind: str, key: str
) -> None:
    options = {"certificate": pki.chains[key], "key": pki.keys[key], "root": tmp_path}
    with tools.server(kind, **options) as server:
        told = look(tools, server, pki, code=0)
        judged = iana(tools.taken_by_openssl(server.port, ALL_TLS12))
    control = {one["name"] for one in told["control"]["suites"]}
    assert control == judged
    assert len(judged) >= 4
    assert told["endpoint"]["software"] == kind
    assert told["chains"][0]["trusted"] is True
    assert [one["sha256"] for one in told["chains"][0]["certificates"]] == fingerprints(pki.chains[key])
    assert told["control"]["protocols"]["TLSv1.3"]
    data = told["data"]
    assert data["session_reuse"] == ("offered" if kind == "pure-ftpd" else "demanded")
    assert all(one["completed"] and one["data_suite"] == one["suite"] for one in data["listings"])
    # pure-ftpd hands out nothing to resume with in TLS 1.3.
    assert all(one["resumed"] != (kind == "pure-ftpd" and one["protocol"] == "TLSv1.3") for one in data["listings"]), (
        data
    )
    assert {one["suite"] for one in data["listings"] if one["protocol"] == "TLSv1.2"} == control
    assert sum(one["protocol"] == "TLSv1.3" for one in data["listings"]) == 1
    if kind == "pure-ftpd":
        assert {one["name"] for one in data["suites"]} == control
    for camera in told["cameras"]:
        assert camera["verdict"] == "recommended"
        assert camera["control"] == camera["data"] or kind == "pure-ftpd"


def fingerprints(path: pathlib.Path) -> list[str]:
    blocks = [f"-----BEGIN{block}" for block in path.read_text().split("-----BEGIN")[1:]]
    return [
        subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256"],
                       input=block, capture_output=True, text=True, check=True)
        .stdout.strip().partition("=")[2].replace(":", "").lower()
        for block in blocks
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["rsa", "ecdsa"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_lines_that_would_mend_it_do(tools: t.Any, pki: t.Any, tmp_path: pathlib.Path, kind: str, key: str) -> None:
    options = {"certificate": pki.chains[key], "key": pki.keys[key], "root": tmp_path}
    deprecated = ":".join(sorted(set(ALL_TLS12) - set(RECOMMENDED["rsa"]) - set(RECOMMENDED["ecdsa"])))
    with tools.server(kind, ciphers=deprecated, **options) as server:
        before = look(tools, server, pki, code=10)
    remedy = before["remedies"][0]
    assert remedy["server"] == kind
    assert "Only deprecated suites" in before["reason"]
    ciphers = next(line for line in remedy["lines"] if "GCM" in line).replace("=", " ").split()[-1]
    with tools.server(kind, ciphers=ciphers, **options) as server:
        after = look(tools, server, pki, code=0)
    assert {one["name"] for one in after["control"]["suites"]} == iana(RECOMMENDED[key])
    assert after["control"]["other_suites"] == []
    assert after["remedies"] == []


def test_each_server_starts_with_all_the_lines_that_would_mend_it(
    tools: t.Any, pki: t.Any, tmp_path: pathlib.Path
) -> None:
    for kind in KINDS:
        options = {"certificate": pki.chains["rsa"], "key": pki.keys["rsa"], "root": tmp_path}
        with tools.server(kind, **options) as server:
            remedy = look(tools, server, pki, code=0)["remedies"][0]
        lines = remedy["lines"]
        extra = [word for line in lines for word in line.split()] if kind == "pure-ftpd" else lines
        with tools.server(kind, extra=extra, **options) as server:
            after = look(tools, server, pki, code=0)
        assert {one["name"] for one in after["control"]["suites"]} == iana(RECOMMENDED["rsa"]), kind
        assert after["remedies"] == [], kind


@pytest.mark.parametrize("kind", KINDS)
def test_tls_13_only(tools: t.Any, pki: t.Any, tmp_path: pathlib.Path, kind: str) -> None:
    options = {"certificate": pki.chains["rsa"], "key": pki.keys["rsa"], "root": tmp_path, "protocols": ("TLSv1.3",)}
    with tools.server(kind, **options) as server:
        told = look(tools, server, pki, "--camera-model", "MPC-2610", code=11)
    assert told["reason"] == "TLS 1.3 only: this camera offers none."
    assert told["control"]["suites"] == []
    assert told["chains"][0]["trusted"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_a_chain_without_its_intermediate(tools: t.Any, pki: t.Any, tmp_path: pathlib.Path, kind: str) -> None:
    options = {"certificate": pki.incomplete, "key": pki.keys["rsa"], "root": tmp_path}
    with tools.server(kind, **options) as server:
        told = look(tools, server, pki, "--camera-model", "MPC-2610", code=11)
        assert server.user not in server.output().replace(f"/{server.user}", ""), "nobody logged in"
    assert "its issuer CN=intermediate is neither sent nor on the card" in told["reason"]
    assert "password is sent to a verified server only" in told["data"]["skipped"]


def test_a_wrong_password_is_tried_once(tools: t.Any, pki: t.Any, tmp_path: pathlib.Path) -> None:
    with tools.server("proftpd", certificate=pki.chains["rsa"], key=pki.keys["rsa"], root=tmp_path) as server:
        done = tools.run(
            "preflight", f"{server.host}:{server.port}", "--ca-file", str(pki.card), "--user", server.user,
            "--password-env", "SECRET", SECRET="not-the-password",
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (6, "")
    assert "530" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_server_that_limits_connections_of_one_address(tools: t.Any, pki: t.Any, tmp_path: pathlib.Path) -> None:
    options = {"certificate": pki.chains["rsa"], "key": pki.keys["rsa"], "root": tmp_path}
    with tools.server("vsftpd", **options) as server:
        expected = look(tools, server, pki, code=0)
    with tools.server("vsftpd", extra=["max_per_ip=2"], **options) as server:
        told = look(tools, server, pki, "--parallel", "8", code=0)
    for key in ("suites", "tls13_suites", "preference"):
        assert told["control"][key] == expected["control"][key]
    assert sorted(told["control"]["other_suites"]) == sorted(expected["control"]["other_suites"])


def test_ipv6(tools: t.Any, pki: t.Any, tmp_path: pathlib.Path) -> None:
    reason = tools.real.unavailable("vsftpd")
    if reason is not None:
        print(f"SKIPPED: {reason}", file=sys.stderr)
        pytest.skip(reason)
    with tools.real.RealFtpServer(
        kind="vsftpd", host="::1", certificate=pki.chains["rsa"], key=pki.keys["rsa"], root=tmp_path
    ) as server:
        done = tools.run(
            "preflight", f"[::1]:{server.port}", "--server-name", tools.address, "--ca-file", str(pki.card),
            "--user", server.user, "--password-env", "SECRET", "--format", "json", SECRET=server.password,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"]["session_reuse"] == "demanded"


def test_the_playbook(tools: t.Any, pki: t.Any, tmp_path: pathlib.Path) -> None:
    options = {"certificate": pki.chains["rsa"], "key": pki.keys["rsa"], "root": tmp_path}
    with (
        tools.server("vsftpd", ciphers="ECDHE-RSA-AES128-GCM-SHA256", **options) as good,
        tools.server("vsftpd", ciphers="AES128-SHA256", **options) as bad,
    ):
        inventory = {
            "ftpes_endpoints": {
                "vars": {
                    "camsec_ftpes_ca_path": str(pki.card),
                    "camsec_ftpes_username": good.user,
                    "camsec_ftpes_password": good.password,
                    "camsec_ftpes_camera_models": ["MPC-2610"],
                    "ansible_python_interpreter": sys.executable,
                },
                "hosts": {
                    "good": {"ansible_host": good.host, "camsec_ftpes_port": good.port},
                    "bad": {"ansible_host": bad.host, "camsec_ftpes_port": bad.port},
                    "enough": {
                        "ansible_host": bad.host,
                        "camsec_ftpes_port": bad.port,
                        "camsec_ftpes_wanted": "only_deprecated",
                    },
                },
            }
        }  # fmt: skip
        (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory))
        done = subprocess.run(
            [pathlib.Path(sys.executable).with_name("ansible-playbook"), "-i", tmp_path / "inventory.yml", "--check",
             "-vvv", tools.root / "playbooks" / "ftpes_preflight.yml"],
            env={
                **os.environ, "ANSIBLE_COLLECTIONS_PATH": str(tools.root / ".dev"), "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp"), "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
            },
            capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
    output = done.stdout + done.stderr
    assert done.returncode == 2, output
    recap = {line.split()[0]: line for line in done.stdout.partition("PLAY RECAP")[2].splitlines() if ":" in line}
    assert {name: "failed=1" in line for name, line in recap.items()} == {"good": False, "bad": True, "enough": False}
    assert all("changed=0" in line for line in recap.values())
    assert "only_deprecated, expected recommended. Only deprecated suites" in " ".join(output.split())
    assert good.password not in output
