# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server at a time: what the modules do, refuse and leave behind."""

from __future__ import annotations

import json
import re
import subprocess
import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

from ..playbooks.conftest import CA_PASSPHRASE, Run
from .conftest import Vms

NAME = "recording-01"
HOST = "recording-01.vms.example"


def told(run: Run) -> dict[str, t.Any]:
    found = re.search(r"=> (\{.*\})\s*$", run.output, re.DOTALL)
    assert found, run.output
    return t.cast("dict[str, t.Any]", json.loads(found[1]))


def authority(vms: Vms, name: str = "ca") -> CertificateAuthority:
    return CertificateAuthority.create(
        vms.folder / name, passphrase=Secret(CA_PASSPHRASE), common_name=f"Root {name}", key_type="ecdsa"
    )


def cycle(vms: Vms, module: str, options: str) -> dict[str, t.Any]:
    """Check mode, the change, again, again in check mode: the change alone changes."""
    before = vms.stores()
    rehearsed = told(vms.ask(NAME, module, options, "--check"))
    assert rehearsed["changed"] is True, rehearsed
    assert vms.stores() == before
    done = told(vms.ask(NAME, module, options, "--diff"))
    assert done["changed"] is True, done
    assert told(vms.ask(NAME, module, options))["changed"] is False
    assert told(vms.ask(NAME, module, options, "--check"))["changed"] is False
    return done


def test_roots_come_and_go(fresh: Vms) -> None:
    own = authority(fresh)
    digest = own.root_certificate.sha256
    present = f"ca_path={fresh.ca}"
    assert cycle(fresh, "vms_trusted_ca", present)["after"]["trusted"] == {digest: True}
    assert cycle(fresh, "vms_trusted_ca", f"{present} state=absent")["after"]["trusted"] == {digest: False}


def test_a_certificate_is_requested_signed_and_installed(fresh: Vms) -> None:
    own = authority(fresh)
    refused = told(fresh.ask(NAME, "vms_certificate", ""))
    assert "Run camsec.fleet.vms_trusted_ca first." in refused["msg"]
    fresh.ask(NAME, "vms_trusted_ca", f"ca_path={fresh.ca}")
    done = cycle(fresh, "vms_certificate", "subject_alt_name=rec1")
    assert [step["id"] for step in done["plan"]] == ["install_certificate", "check_handshake"]
    assert [one.device for one in own.ledger.certificates()] == [NAME]
    server = fresh.server(NAME)
    (entry,) = server["stores"]["My"]
    assert (entry["thumbprint"], entry["key_readable"]) == (done["thumbprint"], True)
    assert set(done["certificate"]["subject_alt_names"]) == {
        f"DNS:{HOST}", "DNS:rec1", f"IP:{fresh.hosts[NAME]['ansible_host']}",
    }  # fmt: skip


def test_a_signature_that_fails_leaves_no_key_behind(fresh: Vms) -> None:
    authority(fresh)
    fresh.ask(NAME, "vms_trusted_ca", f"ca_path={fresh.ca}")
    (fresh.folder / "ca" / "ledger.sqlite3").write_bytes(b"no database")
    run = fresh.ask(NAME, "vms_certificate", "")
    assert run.status != 0, run.output
    assert told(run)["error"]["kind"] == "PkiError"
    info = told(fresh.ask(NAME, "vms_info", ""))
    assert info["certificates"] == []


def test_a_pkcs12_from_elsewhere(fresh: Vms) -> None:
    own = authority(fresh)
    key, issued = own.issue_with_new_key(
        passphrase=Secret(CA_PASSPHRASE), device=NAME, subject_alt_names=[f"DNS:{HOST}"]
    )
    folder = fresh.folder
    (folder / "key.pem").write_text(key.reveal())
    (folder / "cert.pem").write_text(issued.pem)
    command = ["openssl", "pkcs12", "-export", "-inkey", folder / "key.pem", "-in", folder / "cert.pem"]
    subprocess.run([*command, "-out", folder / "rec.p12", "-passout", "pass:secret of the file"], check=True)
    (folder / "rec.p12").chmod(0o600)
    fresh.ask(NAME, "vms_trusted_ca", f"ca_path={fresh.ca}")
    options = f"pkcs12_path={folder / 'rec.p12'} pkcs12_passphrase='secret of the file'"
    # It stands in the place of the authority that the inventory names.
    run = fresh.ask(NAME, "vms_certificate", options, "-vvv")
    assert '"changed": true' in run.output, run.output
    assert "secret of the file" not in run.output.replace(f"-a {options}", "")
    again = told(fresh.ask(NAME, "vms_certificate", options))
    assert again["changed"] is False
    assert fresh.server(NAME)["stores"]["My"][0]["key_readable"] is True


def test_the_whole_of_one_server(fresh: Vms) -> None:
    authority(fresh)
    done = cycle(fresh, "vms_server", f"ca_path={fresh.ca} streaming_media=true")
    assert [step["id"] for step in done["plan"]] == [
        "trust_root", "install_certificate", "check_handshake", "enable_encryption",
    ]  # fmt: skip
    host = fresh.hosts[NAME]
    assert "Verification: OK" in fresh.openssl(NAME, host["ansible_host"], host["camsec_vms_ports"]["streaming"])
    off = cycle(fresh, "vms_server", "streaming_media=false")
    assert [step["id"] for step in off["plan"]] == ["disable_encryption"]


def test_half_steps_are_refused_in_one_sentence(fresh: Vms) -> None:
    on = "certificate_group=streaming_media enabled=true"
    assert "[VMS-11]" in told(fresh.ask(NAME, "vms_encryption", on))["msg"]
    nobody = told(fresh.ask(NAME, "vms_encryption", f"{on} thumbprint={'AB' * 20}"))
    assert "AB" * 20 in nobody["msg"]
    odd = told(fresh.ask(NAME, "vms_encryption", f"{on} thumbprint=AB"))
    assert "40 hexadecimal digits" in odd["msg"]
    group = told(fresh.ask(NAME, "vms_encryption", "certificate_group=mobile_server enabled=true"))
    assert "mobile_server" in group["msg"]
    account = fresh.ask(NAME, "vms_info", "", camsec_vms_service_account="EXAMPLE\\nobody")
    assert told(account)["error"]["subject"] == "certificate stores"
    assert fresh.server(NAME)["encrypted"] == []


def test_a_server_that_cannot_be_reached_is_one_sentence(fresh: Vms) -> None:
    fresh.control(f"servers/{NAME}/power_off", "POST")
    failed = told(fresh.ask(NAME, "vms_info", ""))
    assert failed["error"]["kind"] == "ConnectError"
    assert failed["msg"].startswith(f"{NAME}: connection to the Windows host: found ")
    fresh.control(f"servers/{NAME}/power_on", "POST")


def test_information_says_how_many_days_are_left(fresh: Vms) -> None:
    authority(fresh)
    fresh.ask(NAME, "vms_server", f"ca_path={fresh.ca} streaming_media=true lifetime_days=90")
    info = told(fresh.ask(NAME, "vms_info", ""))
    (one,) = info["certificates"]
    assert (one["days_left"], one["presented_by"], one["root_trusted"]) == (89, ["streaming_media"], True)
    assert info["groups"]["streaming_media"]["status"] == "encrypted"
    assert info["groups"]["server"]["status"] == "plain"
    assert {service["status"] for service in info["services"]} == {"Running"}
