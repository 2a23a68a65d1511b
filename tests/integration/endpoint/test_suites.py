# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which suites are really served: asked with `openssl s_client`, one by one, on both channels."""

from __future__ import annotations

import re
import subprocess
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.endpoint.testing import RunningEndpoint
from ansible_collections.camsec.fleet.plugins.module_utils._tls._policies import POLICIES, policy_of
from ansible_collections.camsec.fleet.plugins.module_utils._tls._suites import SUITES, TLS12_SUITES, CipherSuite

Run = t.Callable[..., RunningEndpoint]


def offered(endpoint: RunningEndpoint, suite: CipherSuite) -> str | None:
    """The suite that comes of a hello with this one suite; nothing when the handshake fails."""
    versions = ["-tls1_3", "-ciphersuites"] if suite.protocol == "TLSv1.3" else ["-tls1_2", "-cipher"]
    wanted = suite.openssl_name if suite.protocol == "TLSv1.3" else f"{suite.openssl_name}:@SECLEVEL=0"
    done = subprocess.run(
        ["openssl", "s_client", "-starttls", "ftp", "-connect", f"{endpoint.host}:{endpoint.port}", *versions, wanted],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    match = re.search(r"Cipher is (\S+)", done.stdout)
    assert match is not None, done.stdout + done.stderr
    return None if match[1] == "(NONE)" else match[1]


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_two_certificates_serve_exactly_the_policy(name: str, run: Run, rsa: t.Any, ecdsa: t.Any) -> None:
    endpoint = run(policy=name, certificates=[rsa, ecdsa], max_connections_per_address=0)
    served = {suite for suite in SUITES if offered(endpoint, suite) == suite.openssl_name}
    assert served == set(POLICIES[name].suites)


def test_compatible_serves_the_fifteen() -> None:
    assert len([suite for suite in POLICIES["compatible"].suites if suite.protocol == "TLSv1.2"]) == 15


def test_one_certificate_serves_its_own_suites(run: Run, ecdsa: t.Any) -> None:
    endpoint = run(policy="compatible", certificates=[ecdsa])
    served = {suite for suite in TLS12_SUITES if offered(endpoint, suite)}
    assert {suite.authentication for suite in served} == {"ECDSA"}
    assert len(served) == 3


def test_custom_and_one_version(run: Run) -> None:
    suites = ["TLS_RSA_WITH_AES_256_GCM_SHA384", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"]
    endpoint = run(policy="custom", suites=suites, dh_bits=3072)
    assert {suite.iana_name for suite in SUITES if offered(endpoint, suite)} == set(suites)


def test_the_servers_order_counts(run: Run) -> None:
    endpoint = run(policy="compatible", tls_versions=["TLSv1.2"])
    done = subprocess.run(
        [
            "openssl", "s_client", "-starttls", "ftp", "-connect", f"{endpoint.host}:{endpoint.port}",
            "-cipher", "AES128-SHA:AES256-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0",
        ],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert "Cipher is ECDHE-RSA-AES256-GCM-SHA384" in done.stdout


@pytest.mark.parametrize("bits", [2048, 3072])
def test_groups_of_dhe(run: Run, bits: int) -> None:
    endpoint = run(policy="compatible", dh_bits=bits)
    done = subprocess.run(
        [
            "openssl", "s_client", "-starttls", "ftp", "-connect", f"{endpoint.host}:{endpoint.port}",
            "-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384",
        ],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert re.search(rf"(Server|Peer) Temp Key: DH, {bits} bits", done.stdout), done.stdout


def test_no_renegotiation(run: Run) -> None:
    endpoint = run(tls_versions=["TLSv1.2"])
    done = subprocess.run(
        ["openssl", "s_client", "-starttls", "ftp", "-connect", f"{endpoint.host}:{endpoint.port}", "-crlf"],
        input="R\n", capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert "RENEGOTIATING" in done.stdout + done.stderr
    assert "no renegotiation" in done.stderr


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_the_data_channel_has_the_same_policy(run: Run, connect: t.Any, tls: str) -> None:
    endpoint = run()
    client = connect(endpoint, tls=tls).enter()
    assert client.store("a.mxf", b"x").startswith("226")
    data = endpoint.await_event("tls", channel="data")
    allowed = {suite.iana_name for suite in policy_of("recommended").suites}
    assert data["suite"] in allowed
    assert data["resumed"] is True
    assert data["protocol"] == f"TLSv{tls}"


def test_older_versions_are_refused(endpoint: RunningEndpoint) -> None:
    done = subprocess.run(
        [
            "openssl", "s_client", "-starttls", "ftp", "-connect", f"{endpoint.host}:{endpoint.port}",
            "-tls1_1", "-cipher", "ALL:@SECLEVEL=0",
        ],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert "Cipher is (NONE)" in done.stdout
