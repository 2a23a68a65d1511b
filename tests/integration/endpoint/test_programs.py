# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's clients: curl and lftp."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.endpoint.testing import RunningEndpoint

Run = t.Callable[..., RunningEndpoint]


def curl(endpoint: RunningEndpoint, *arguments: str) -> subprocess.CompletedProcess[str]:
    common = ["curl", "--silent", "--show-error", "--ssl-reqd", "--cacert", str(endpoint.certificates[0][0])]
    common += ["--user", f"{endpoint.user}:{endpoint.password}", "--max-time", "60"]
    return subprocess.run([*common, *arguments], capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_curl(endpoint: RunningEndpoint, tmp_path: pathlib.Path, tls: str) -> None:
    version = [f"--tlsv{tls}", "--tls-max", tls]
    url = f"ftp://{endpoint.host}:{endpoint.port}/"
    content = os.urandom(8_000_000)
    (tmp_path / "a.mxf").write_bytes(content)
    done = curl(endpoint, *version, "--ftp-create-dirs", "--upload-file", str(tmp_path / "a.mxf"), url + "day/a.mxf")
    assert done.returncode == 0, done.stderr
    assert (endpoint.home / "day" / "a.mxf").read_bytes() == content
    assert curl(endpoint, *version, url + "day/").stdout.rstrip().endswith("a.mxf")
    back = curl(endpoint, *version, "--output", str(tmp_path / "back"), url + "day/a.mxf")
    assert back.returncode == 0, back.stderr
    assert (tmp_path / "back").read_bytes() == content
    again = curl(endpoint, *version, "--upload-file", str(tmp_path / "a.mxf"), url + "day/a.mxf")
    assert again.returncode == 25
    assert "553" in again.stderr
    assert curl(endpoint, *version, "--quote", "DELE day/a.mxf", url).returncode == 21
    assert all(one["resumed"] for one in endpoint.events("tls") if one["channel"] == "data")


def test_curl_resumes(endpoint: RunningEndpoint, tmp_path: pathlib.Path) -> None:
    url = f"ftp://{endpoint.host}:{endpoint.port}/a.part"
    (tmp_path / "a.mxf").write_bytes(b"0123456789" * 10_000)
    (tmp_path / "head").write_bytes((b"0123456789" * 10_000)[:34_567])
    assert curl(endpoint, "--upload-file", str(tmp_path / "head"), url).returncode == 0
    done = curl(endpoint, "--continue-at", "-", "--upload-file", str(tmp_path / "a.mxf"), url)
    assert done.returncode == 0, done.stderr
    assert (endpoint.home / "a.part").read_bytes() == b"0123456789" * 10_000
    assert endpoint.events("upload_start")[-1]["offset"] == 34_567


@pytest.mark.parametrize("parallel", [1, 4])
def test_lftp(run: Run, lftp: tuple[str, dict[str, str]], tmp_path: pathlib.Path, parallel: int) -> None:
    endpoint = run(policy="modern")
    program, environment = lftp
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    for number in range(12):
        (source / "sub" / f"{number}.mxf").write_bytes(os.urandom(number * 20_000))
    settings = [
        "set ftp:ssl-force true",
        "set ftp:ssl-protect-data true",
        f"set ssl:ca-file {endpoint.certificates[0][0]}",
        "set net:max-retries 1",
        "set net:timeout 20",
        "set xfer:clobber true",
        f"open -u {endpoint.user},{endpoint.password} ftp://{endpoint.host}:{endpoint.port}",
        f"mirror -R -P {parallel} {source} there",
        "ls there/sub",
    ]
    done = subprocess.run(
        [program, "-c", "; ".join(settings)],
        env=environment | {"HOME": str(tmp_path)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for number in range(12):
        there = endpoint.home / "there" / "sub" / f"{number}.mxf"
        assert there.read_bytes() == (source / "sub" / f"{number}.mxf").read_bytes()
        assert there.stat().st_mode & 0o777 == 0o440
        assert int(there.stat().st_mtime) == int((source / "sub" / f"{number}.mxf").stat().st_mtime)
    assert all(one["resumed"] for one in endpoint.events("tls") if one["channel"] == "data")
