# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""openssl, with two intermediate authorities, signs for cameras of every dialect by the guide's own script."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml

from ..playbooks.conftest import run_ansible
from .conftest import HTTP, HTTPS, PASSWORD, Rig, ids, run

Options = dict[str, t.Any]
GUIDE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "external_ca.md"
INSTALL = ["make_request", "sign_request", "install_certificate"]
CONFIGURATION = """
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""


def must(*command: str | pathlib.Path) -> None:
    done = run(*map(str, command))
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A root, a policy authority below it, and one that issues below that; the script of the guide."""
    home = tmp_path_factory.mktemp("company")
    (home / "ca.cnf").write_text(CONFIGURATION)
    above = ""
    for name in ("root", "policy", "issuing"):
        must("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             home / f"{name}.key", "-out", home / f"{name}.csr", "-subj", f"/CN=Company {name}", "-config",
             home / "ca.cnf")  # fmt: skip
        signer = ("-CA", home / f"{above}.pem", "-CAkey", home / f"{above}.key") if above else (
            "-signkey", home / f"{name}.key")  # fmt: skip
        must("openssl", "x509", "-req", "-in", home / f"{name}.csr", *signer, "-days", "3650", "-extfile",
             home / "ca.cnf", "-extensions", "ca", "-out", home / f"{name}.pem")  # fmt: skip
        above = name
    (home / "ca.pem").write_text("".join((home / f"{name}.pem").read_text() for name in ("root", "policy", "issuing")))
    found = re.search(r"<!-- sign-with-openssl -->\n```sh\n(.+?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    script(home / "sign", found[1].replace("/srv/company-ca", str(home)))
    return home


def script(path: pathlib.Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def theirs(company: pathlib.Path) -> Options:
    return {"sign_command": [str(company / "sign")], "ca_path": str(company / "ca.pem"), "first_contact": None}


def wish(rig: Rig, theirs: Options, **more: t.Any) -> Options:
    return {**theirs, "first_contact": rig.first_contact, **more}


def test_to_https_and_renewed_by_a_command(rig: Rig, company: pathlib.Path, theirs: Options) -> None:
    done = rig.changes_once("camera", **wish(rig, theirs))
    assert [one for one in ids(done) if one in INSTALL] == INSTALL
    assert rig.verified(company / "ca.pem")
    assert rig.reached("https", HTTPS, company / "ca.pem")
    serial = rig.serial()
    # What is due is signed anew, and over the verified connection.
    again = rig.good("camera", **wish(rig, theirs, renew_share=0.9999, lifetime_days=500, renew_before=450))
    assert again["changed"]
    assert rig.serial() != serial
    assert rig.verified(company / "ca.pem")


def test_a_camera_that_can_sends_the_whole_chain(rig: Rig, company: pathlib.Path, theirs: Options) -> None:
    rig.good("camera", **wish(rig, theirs))
    shown = rig.shown().count("-----BEGIN CERTIFICATE-----")
    alone = rig.dialect == "ipro"
    assert shown == (1 if alone else 3)
    assert rig.verified(company / "root.pem") == (not alone)


def test_what_is_not_good_never_reaches_the_camera(rig: Rig, company: pathlib.Path, theirs: Options) -> None:
    rig.good("camera", **wish(rig, theirs))
    serial = rig.serial()
    bad = rig.folder / "bad"
    for text, expected in (
        (f"{company}/sign | sed -n '1!G;h;$p'", "certificate from sign_command"),
        (f"{company}/sign >/dev/null; cat {company}/issuing.pem", "a certificate for a foreign key"),
        ("echo no >&2; exit 1", "found exit status 1 (no)"),
        (f"CAMSEC_SUBJECT_ALT_NAMES=IP:192.0.2.99 {company}/sign", "subject alternative names for"),
        (f"CAMSEC_LIFETIME_DAYS=3 {company}/sign", "not to be renewed at once"),
    ):
        script(bad, f"#!/bin/sh\n{text}\n")
        result = rig.run("camera", **wish(rig, theirs, sign_command=[str(bad)], subject_alt_name=["DNS:new.example"]))
        assert result["failed"]
        assert expected in result["msg"]
        assert rig.serial() == serial
    # A new key is the price of a request on some cameras; the next run brings all in order.
    rig.good("camera", **wish(rig, theirs, subject_alt_name=["DNS:new.example"]))
    assert rig.verified(company / "ca.pem")


def test_a_name_goes_when_it_is_unwanted(rig: Rig, company: pathlib.Path, theirs: Options) -> None:
    """As after a move; names that are not asked for alone are no reason for another certificate."""
    former = "192.0.2.99"
    rig.good("camera", **wish(rig, theirs, subject_alt_name=[f"IP:{former}"]))
    assert f"IP Address:{former}" in rig.names()
    assert not rig.good("camera", **wish(rig, theirs))["changed"]
    serial = rig.serial()
    stubborn = rig.folder / "stubborn"
    script(stubborn, f'#!/bin/sh\nCAMSEC_SUBJECT_ALT_NAMES="$CAMSEC_SUBJECT_ALT_NAMES,IP:{former}" {company}/sign\n')
    refused = rig.run("camera", **wish(rig, theirs, sign_command=[str(stubborn)], unwanted_alt_name=[f"IP:{former}"]))
    assert f"found one that names {former}, expected one without it" in refused["msg"]
    assert rig.serial() == serial
    rig.changes_once("camera", **wish(rig, theirs, unwanted_alt_name=[f"IP:{former}", f"IP:{rig.host}"]))
    assert former not in rig.names()
    assert rig.verified(company / "ca.pem")


def test_by_any_module_as_the_guide_says(rig: Rig, company: pathlib.Path) -> None:
    """The guide's own tasks, with the address of this camera and the way to the script."""
    if rig.dialect != "sunell":
        rig.good("camera_private_key", size=2048)
    found = re.search(r"<!-- any-module -->\n```yaml\n(.+?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    tasks = yaml.safe_load(
        found[1]
        .replace("/usr/local/bin/sign-with-our-ca", str(company / "sign"))
        .replace("plain_http", rig.first_contact)
    )
    camera = {"http_port": HTTP, "https_port": HTTPS, "driver": rig.dialect, "switch_timeout": 60}
    play = {
        "name": "By any module",
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "module_defaults": {"group/camsec.fleet.device": camera},
        "vars": {"camera_host": rig.host, "camera_password": PASSWORD},
        "tasks": tasks,
    }
    (rig.folder / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    done = run_ansible(["ansible-playbook", str(rig.folder / "play.yml")], rig.folder)
    assert done.status == 0, done.output
    rig.good("camera_https", first_contact=rig.first_contact, ca_path=str(company / "ca.pem"), connection="https")
    assert rig.verified(company / "ca.pem")
