# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight against `camsec-ftpes-server`, with one certificate and with two."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.endpoint.testing import RunningEndpoint

RECOMMENDED = {
    "rsa": {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
    "ecdsa": {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
}


@pytest.mark.parametrize("kinds", [("rsa",), ("ecdsa",), ("rsa", "ecdsa")], ids="+".join)
def test_the_default_has_nothing_to_mend(
    tools: t.Any, pki: t.Any, tmp_path: pathlib.Path, kinds: tuple[str, ...]
) -> None:
    pairs = [(pki.chains[kind], pki.keys[kind]) for kind in kinds]
    with RunningEndpoint(tmp_path, host=tools.address, certificates=pairs) as server:
        done = tools.run(
            "preflight", f"{server.host}:{server.port}", "--ca-file", str(pki.card), "--user", server.user,
            "--password-env", "SECRET", "--format", "json", SECRET=server.password,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    wanted = set().union(*(RECOMMENDED[kind] for kind in kinds))
    assert {one["name"] for one in told["control"]["suites"]} == wanted
    assert told["control"]["other_suites"] == []
    assert told["remedies"] == []
    assert {chain["key_type"] for chain in told["chains"]} == set(kinds)
    assert {one["suite"] for one in told["data"]["listings"] if one["protocol"] == "TLSv1.2"} == wanted
    assert all(one["completed"] and one["resumed"] for one in told["data"]["listings"])
    assert not [one for one in told["findings"] if one["level"] == "problem"]
