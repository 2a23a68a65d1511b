# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the servers' tasks and the plan of the whole VMS."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import load_one_certificate
from ansible_collections.camsec.fleet.plugins.plugin_utils._vms_site import (
    vms_failures,
    vms_link_faults,
    vms_link_losses,
    vms_servers,
    vms_todo,
)


def link(presenter: str, verifier: str, status: str, reason: str = "", rule: str = "VMS-01") -> dict[str, str]:
    return {
        "rule": rule,
        "presenter": presenter,
        "group": "server",
        "verifier": verifier,
        "status": status,
        "reason": reason,
        "reason_rule": "VMS-10",
    }


def test_a_server_without_a_result_has_not_answered() -> None:
    hostvars: dict[str, dict[str, t.Any]] = {
        "mgmt": {
            "camsec_vms_roles": ["management_server"],
            "told": {"server": {"name": "mgmt"}, "roots": ["R"], "links": [link("rec", "mgmt", "plain")]},
        },
        "rec": {
            "camsec_vms_roles": ["recording_server"],
            "camsec_vms_host_name": "rec.example",
            "camsec_vms_ports": {"streaming": 1},
            "told": {"failed": True, "msg": "rec: no."},
        },
    }
    site = vms_servers(hostvars, hostvars, read="told")
    known = {"name": "rec", "host_name": "rec.example", "roles": ["recording_server"]}
    assert site["servers"] == [{"name": "mgmt"}, {**known, "reachable": False}]
    assert site["peers"][1] == {**known, "ports": {"streaming": 1}}
    assert site["roots"] == ["R"]
    assert len(site["links"]) == 1


def test_each_server_gets_its_own_steps() -> None:
    def step(kind: str, server: str, group: str = "", root: str = "") -> dict[str, str]:
        return {"id": kind, "server": server, "group": group, "root": root, "title": kind, "rule": "VMS-10"}

    steps = [
        step("trust_root", "rec", root="unknown"),
        step("install_certificate", "rec", "server"),
        step("check_handshake", "rec", "server"),
        step("enable_encryption", "mgmt", "server"),
        step("disable_encryption", "rec", "streaming_media"),
        step("verify_links", "mgmt"),
    ]
    plan = {
        "steps": steps, "blocked": [steps[0]], "held_up_by": ["why"], "table": ["row"],
        "impacts": [{"rule": "VMS-10", "text": ""}, {"rule": "VMS-03", "text": ""}],
        "client_trust": [{"client": "a", "trusted": True}, {"client": "b", "trusted": None}],
    }  # fmt: skip
    todo = vms_todo(plan, [])
    assert (todo["steps"], todo["blocked"], todo["held_up_by"], todo["unready_clients"]) == (6, 1, ["why"], ["b"])
    assert todo["unseen"] == ["VMS-03"]
    rec = todo["servers"]["rec"]
    assert (rec["certificate"], rec["check"], rec["groups_on"], rec["groups_off"]) == (
        ["server"], ["server"], [], ["streaming_media"],
    )  # fmt: skip
    assert rec["titles"][0] == "trust_root [VMS-10]"
    assert todo["servers"]["mgmt"]["groups_on"] == ["server"]


def test_failures_of_tasks_and_loops_are_said_once() -> None:
    hostvars = {
        "a": {"one": {"failed": True, "msg": "a: no."}, "two": {"results": [{"failed": True, "msg": "a: no."}, {}]}},
        "b": {"one": {"skipped": True}, "two": {"unreachable": True}},
    }
    assert vms_failures(hostvars, hostvars, results=["one", "two", "three"]) == ["a: no.", "b: failed"]


def test_a_link_that_worked_and_does_not_is_named_with_its_reason() -> None:
    before = [link("m", "a", "plain"), link("m", "b", "encrypted"), link("m", "c", "broken"), link("m", "d", "plain")]
    after = [link("m", name, "broken", "no trust") for name in ("a", "b", "c")]
    assert vms_link_losses(before, after) == [
        "a to m, b to m: the link worked before and does not now: no trust. [VMS-10]",
        "d: nobody could look at its links again.",
    ]
    assert vms_link_losses(before[:2], [link("m", "a", "encrypted"), link("m", "b", "plain")]) == []
    assert vms_link_faults(after) == ["a to m, b to m, c to m: the link is broken: no trust. [VMS-10]"]
    assert vms_link_faults(before[:2]) == []


def test_a_handshake_that_failed_says_what_windows_said() -> None:
    good = {"thumbprint": "CD", "status": "encrypted", "errors": []}
    check = {"thumbprint": "AB", "status": "encrypted", "errors": ["RemoteCertificateChainErrors", "UntrustedRoot"]}
    hostvars = {"a": {"one": {"failed": True, "certificate_checks": [good, check]}}}
    (sentence,) = vms_failures(hostvars, hostvars, results=["one"])
    assert sentence.startswith(
        "a: handshake with certificate AB on the server itself: found RemoteCertificateChainErrors,"
    )


def test_roles_of_an_ini_inventory() -> None:
    hostvars = {"a": {"camsec_vms_roles": "event_server, log_server"}}
    assert vms_servers(hostvars, hostvars, read="told")["servers"][0]["roles"] == ["event_server", "log_server"]


def test_a_root_is_found_in_a_file_with_others(tmp_path: pathlib.Path) -> None:
    passphrase = Secret("a passphrase of the tests")
    made = [
        CertificateAuthority.create(tmp_path / name, passphrase=passphrase, common_name=name, key_type="ecdsa")
        for name in ("one", "two")
    ]
    step = {"id": "trust_root", "server": "rec", "group": "", "title": "", "rule": ""}
    plan = {
        "steps": [{**step, "root": made[1].root_certificate.sha256}],
        "blocked": [], "held_up_by": [], "impacts": [], "table": [], "client_trust": [],
    }  # fmt: skip
    todo = vms_todo(plan, ["".join(one.root_certificate.pem for one in made)])
    found = load_one_certificate(todo["servers"]["rec"]["trust"])
    assert found.sha256 == made[1].root_certificate.sha256
