# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Axis camera, by curl as the maker's documents have it, and by openssl."""

from __future__ import annotations

import dataclasses as dc
import pathlib
import time
import typing as t
import urllib.parse

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._axis.driver import AxisDriver
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Trust
from ansible_collections.camsec.fleet.plugins.module_utils._transport._contact import Target
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Credentials

from .conftest import HTTP, HTTPS, PASSWORD, VIEWER, Rig, run

CERT = "cert/v1"


def make(rig: Rig, alias: str, **more: t.Any) -> t.Any:
    data = {"alias": alias, "subject": "C=SE,CN=example.com", "key_type": "RSA-2048", **more}
    return rig.rest("POST", f"{CERT}/create_certificate", data)


# -- who asks ----------------------------------------------------------------------------------------------------------


def test_digest_over_http_and_basic_over_https(rig: Rig, special: t.Callable[[str], Rig]) -> None:
    assert rig.rest("GET", f"{CERT}/certificates").status == 200
    assert rig.rest("GET", f"{CERT}/certificates", login="--basic").status == 401
    assert rig.rest("GET", f"{CERT}/certificates", login="--basic", scheme="https").status == 200
    assert rig.rest("GET", f"{CERT}/certificates", scheme="https").status == 401
    assert rig.rest("GET", f"{CERT}/certificates", login="--anyauth", scheme="https").status == 200
    assert rig.rest("GET", f"{CERT}/certificates", user="root:wrong").status == 401
    assert special("digest").rest("GET", f"{CERT}/certificates", scheme="https").status == 200


def test_the_identity_needs_no_login(rig: Rig) -> None:
    found = rig.cgi("basicdeviceinfo", "getAllUnrestrictedProperties", user="").json["data"]["propertyList"]
    assert (found["Brand"], found["SerialNumber"]) == ("AXIS", rig.spec.serial_number)
    assert rig.cgi("time", "getDateTimeInfo", user="").status == 401


def test_a_viewer_looks_and_changes_nothing(rig: Rig) -> None:
    user = f"{VIEWER.name}:{VIEWER.password}"
    assert rig.rest("GET", f"{CERT}/certificates", user=user).status == 200
    assert rig.rest("GET", "virtualhost/v1", user=user).status == 403
    assert rig.rest("DELETE", f"{CERT}/certificates/x", user=user).status == 403


def test_wrong_logins_lock_it(special: t.Callable[[str], Rig]) -> None:
    rig = special("locks")
    for _attempt in range(3):
        assert rig.rest("GET", f"{CERT}/certificates", user="root:wrong").status == 401
    assert rig.rest("GET", f"{CERT}/certificates").status == 403


# -- certificates ------------------------------------------------------------------------------------------------------


def test_a_key_that_never_leaves_and_its_certificate(rig: Rig, folder: pathlib.Path) -> None:
    assert make(rig, "My Certificate", subject_alt_names=["DNS:example.com", "IP:192.0.2.7"]).json == {
        "status": "success"
    }
    rows = rig.rest("GET", f"{CERT}/certificates").json["data"]
    assert [row["alias"] for row in rows] == [
        "Axis device ID ECC-P256 (802.1AR)", "Default HTTPS", "My Certificate",
    ]  # fmt: skip
    assert all(set(row) == {"alias", "certificate", "keystore"} for row in rows)
    text = run("openssl", "x509", "-noout", "-text", data=rows[-1]["certificate"]).stdout
    assert "Subject: C = SE, CN = example.com" in text
    assert "DNS:example.com, IP Address:192.0.2.7" in text

    request = rig.rest("POST", f"{CERT}/certificates/My%20Certificate/get_csr", {}).json["data"]
    shown = run("openssl", "req", "-noout", "-text", "-verify", data=request)
    assert "verify OK" in shown.stdout + shown.stderr
    assert "DNS:example.com, IP Address:192.0.2.7" in shown.stdout
    bare = {"subject": "CN=cam", "subject_alt_names": []}
    request = rig.rest("POST", f"{CERT}/certificates/My%20Certificate/get_csr", bare).json["data"]
    assert "Alternative" not in run("openssl", "req", "-noout", "-text", data=request).stdout

    ca, key = folder / "ca.pem", folder / "ca.key"
    made = run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(ca),
               "-subj", "/CN=Root", "-days", "9")  # fmt: skip
    assert made.returncode == 0, made.stderr
    signed = run("openssl", "x509", "-req", "-CA", str(ca), "-CAkey", str(key), "-days", "5", data=request).stdout
    replaced = rig.rest("PATCH", f"{CERT}/certificates/My%20Certificate", {"certificate": signed})
    assert replaced.json == {"status": "success"}
    foreign = rig.rest("PATCH", f"{CERT}/certificates/Default%20HTTPS", {"certificate": signed})
    assert foreign.status == 400
    assert foreign.json["error"]["message"] == "Validation error: The certificate does not match the key"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"key_type": "NIST-P256"}, "key algorithm is not supported"),
        ({"subject": "no name"}, "subject is no distinguished name"),
        ({"subject_alt_names": ["192.0.2.7"]}, "subject_alt_names"),
        ({"subject_alt_names": "DNS:x"}, "subject_alt_names is no list"),
        ({"alias": ""}, "alias has 1 to 128 characters"),
        ({"alias": "Default HTTPS"}, "Alias already exists"),
    ],
)
def test_a_key_that_cannot_be(rig: Rig, more: dict[str, t.Any], message: str) -> None:
    refused = make(rig, **{"alias": "x", **more})
    assert refused.status == 400
    assert message in refused.json["error"]["message"]


def test_what_the_web_server_uses_cannot_be_deleted(rig: Rig) -> None:
    for alias in ("Default%20HTTPS", "Axis%20device%20ID%20ECC-P256%20(802.1AR)"):
        assert "is in use" in rig.rest("DELETE", f"{CERT}/certificates/{alias}").json["error"]["message"]
    missing = rig.rest("DELETE", f"{CERT}/certificates/nobody")
    assert (missing.status, missing.json["error"]["code"]) == (404, 1)
    make(rig, "x")
    assert rig.rest("DELETE", f"{CERT}/certificates/x").status == 200


def test_a_pair_from_outside(rig: Rig, folder: pathlib.Path) -> None:
    certificate, key = folder / "pair.pem", folder / "pair.key"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate),
        "-subj", "/CN=pair", "-days", "9")  # fmt: skip
    pair = {"alias": "pair", "certificate": certificate.read_text(), "private_key": key.read_text()}
    assert rig.rest("POST", f"{CERT}/certificates", pair).status == 201
    other = rig.rest("GET", f"{CERT}/certificates/Default%20HTTPS").json["data"]["certificate"]
    refused = rig.rest("POST", f"{CERT}/certificates", {**pair, "alias": "other", "certificate": other})
    assert "does not match the key" in refused.json["error"]["message"]
    assert key.read_text() not in rig.rest("GET", f"{CERT}/certificates/pair").text


def test_axis_os_before_11_11_has_no_certificate_management(special: t.Callable[[str], Rig]) -> None:
    missing = special("old").rest("GET", f"{CERT}/certificates")
    assert (missing.status, missing.json["status"], missing.json["error"]["code"]) == (404, "error", 1)


@pytest.mark.parametrize(
    ("body", "status"), [("", 400), ("{", 400), ("[]", 400), ("{}", 400), ('{"data":7}', 400), ("x" * 300_000, 400)]
)
def test_bodies_that_are_none(rig: Rig, body: str, status: int) -> None:
    answer = rig.ask(f"/config/rest/{CERT}/create_certificate", method="POST", data=body)
    assert answer.status == status
    assert answer.json["status"] == "error"


# -- the web server ----------------------------------------------------------------------------------------------------


def wanted(certificate: str, policy: str = "HttpAndHttps", ciphers: str = "ECDHE-RSA-AES128-GCM-SHA256") -> str:
    return (
        f"<w:SetWebServerTlsConfiguration><w:Configuration><w:Tls>true</w:Tls><w:ConnectionPolicies><w:Admin>{policy}"
        f"</w:Admin></w:ConnectionPolicies><w:Ciphers><c:Cipher>{ciphers}</c:Cipher></w:Ciphers><w:CertificateSet>"
        f"<c:Certificates><c:Id>{certificate}</c:Id></c:Certificates><c:CACertificates/><c:TrustedCertificates/>"
        "</w:CertificateSet></w:Configuration></w:SetWebServerTlsConfiguration>"
    )


def test_another_certificate_is_shown_at_once(rig: Rig) -> None:
    make(rig, "mine")
    assert rig.soap(wanted("mine")).status == 200
    assert "CN = example.com" in run("openssl", "x509", "-noout", "-subject", data=rig.shown()).stdout
    assert "<acert:Id>mine</acert:Id>" in rig.soap("<w:GetWebServerTlsConfiguration/>").text


@pytest.mark.parametrize(
    "body",
    [
        wanted("nobody"),
        wanted("Default HTTPS", policy="Sometimes"),
        wanted("Default HTTPS", ciphers="RC4-SHA"),
        wanted("Default HTTPS").replace("w:Configuration", "Configuration"),
    ],
    ids=["certificate", "policy", "cipher", "namespace"],
)
def test_a_web_server_that_cannot_be(rig: Rig, body: str) -> None:
    before = rig.soap("<w:GetWebServerTlsConfiguration/>").text
    refused = rig.soap(body)
    assert refused.status == 400
    assert "Fault" in refused.text
    assert rig.soap("<w:GetWebServerTlsConfiguration/>").text == before


def test_https_alone_and_the_power_that_brings_it_back(rig: Rig) -> None:
    assert rig.soap(wanted("Default HTTPS", policy="Https")).status == 200
    assert rig.ask("/", user="").status == 0
    rig.sim.control(f"/devices/{rig.spec.name}/power_off", "POST", {})
    rig.sim.control(f"/devices/{rig.spec.name}/power_on", "POST", {})
    assert rig.ask("/", user="").status == 0
    assert rig.rest("GET", f"{CERT}/certificates", scheme="https", login="--basic").status == 200
    rig.sim.control(f"/devices/{rig.spec.name}/factory_reset", "POST", {})
    end = time.monotonic() + 20
    while rig.device.power != "on" and time.monotonic() < end:
        time.sleep(0.01)
    assert rig.rest("GET", "virtualhost/v1").json["data"]["virtualhosts"][0]["port"] == 8080


# -- the driver, where it differs --------------------------------------------------------------------------------------


def module(rig: Rig, name: str, **options: t.Any) -> dict[str, t.Any]:
    import importlib

    from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker

    source = importlib.import_module(f"ansible_collections.camsec.fleet.plugins.modules.{name}")
    contact = {
        "host": rig.spec.address, "http_port": 8080, "https_port": 8443, "username": "root", "password": PASSWORD,
        "driver": "axis", "first_contact": "any_certificate", "timeout": 5,
    }  # fmt: skip
    result = run_in_worker(source.SPEC, {**contact, **options}, check_mode=False)
    assert PASSWORD not in str(result)
    return result


def test_the_driver_names_what_an_old_camera_needs(special: t.Callable[[str], Rig]) -> None:
    failed = module(special("old"), "camera_info")
    assert "found no certificate management, expected AXIS OS 11.11 or later" in failed["msg"]


def test_the_driver_gives_no_password_to_a_certificate_that_proves_nothing(
    rig: Rig, special: t.Callable[[str], Rig]
) -> None:
    """It goes on to plain HTTP, which takes Digest; where plain HTTP is off, it says so."""
    assert module(rig, "camera_info")["contact"]["trust"] == "plain_http"
    assert module(special("digest"), "camera_info")["contact"]["trust"] == "any_certificate"
    assert rig.soap(wanted("Default HTTPS", policy="Https")).status == 200
    failed = module(rig, "camera_info")
    assert "found a device behind a certificate that proves nothing" in failed["msg"].replace("login: ", "found ")
    assert "HTTP Basic" in failed["msg"]
    (entry,) = [one for one in rig.device.log.entries if one["path"] == "/config/rest/cert/v1/certificates"][-1:]
    assert entry["status"] == 401


def test_a_key_that_takes_longer_than_an_answer_is_waited_for(special: t.Callable[[str], Rig]) -> None:
    """The secure element takes 0.3 s here; the answer is waited for 0.1 s."""
    rig = special("slow")
    made = module(rig, "camera_private_key", timeout=0.1, key_timeout=60)
    assert made["changed"], made
    assert sum(alias.startswith("camsec.fleet") for alias in rig.device.state.certificates) == 1


@pytest.fixture(scope="module")
def trust(folder: pathlib.Path) -> dict[str, str]:
    """A certificate authority of ours, as the modules take it."""
    trust = {"authority_directory": str(folder / "authority"), "authority_passphrase": "Siegel-Geheimnis-9"}
    CertificateAuthority.create(
        trust["authority_directory"], passphrase=Secret(trust["authority_passphrase"]), common_name="Our Root"
    )
    return trust


def test_what_others_put_there_stays(rig: Rig, trust: dict[str, str]) -> None:
    make(rig, "ACS client")
    for number in range(3):
        names = [f"DNS:gate{number}.example.org"]
        done = module(rig, "camera", subject_alt_name=names, new_private_key="with_certificate", **trust)
        assert done.get("changed"), done
    assert list(rig.device.state.certificates) == [
        "Axis device ID ECC-P256 (802.1AR)", "Default HTTPS", "ACS client", "camsec.fleet 3",
    ]  # fmt: skip


class Foreign(t.NamedTuple):
    """Root, intermediate and a pair, made by openssl: somebody else's."""

    root: str
    intermediate: str
    leaf: str
    key: str


@pytest.fixture(scope="module")
def foreign(folder: pathlib.Path) -> Foreign:
    def made(name: str, *options: str) -> tuple[str, pathlib.Path]:
        pem, key = folder / f"{name}.pem", folder / f"{name}.key"
        done = run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(pem),
                   "-subj", f"/CN={name}", "-days", "9", *options)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return str(pem), key

    root, root_key = made("Their Root")
    middle, middle_key = made("Their CA", "-CA", root, "-CAkey", str(root_key))
    leaf, leaf_key = made(
        "leaf", "-CA", middle, "-CAkey", str(middle_key), "-addext", "basicConstraints=critical,CA:false"
    )
    return Foreign(*(pathlib.Path(one).read_text() for one in (root, middle, leaf, str(leaf_key))))


def shows_foreign(rig: Rig, foreign: Foreign) -> None:
    pair = {"alias": "theirs", "certificate": foreign.leaf, "private_key": foreign.key}
    assert rig.rest("POST", f"{CERT}/certificates", pair).status == 201
    for alias, pem in (("root", foreign.root), ("middle", foreign.intermediate)):
        assert rig.rest("POST", f"{CERT}/ca_certificates", {"alias": alias, "certificate": pem}).status == 201
    assert rig.soap(wanted("theirs")).status == 200


def test_somebody_elses_certificate_in_use_is_replaced_by_one_beside_it(
    rig: Rig, trust: dict[str, str], foreign: Foreign
) -> None:
    shows_foreign(rig, foreign)
    before = dict(rig.device.state.certificates)
    done = module(rig, "camera", **trust)
    assert done.get("changed"), done
    state = rig.device.state
    assert state.web.certificate == "camsec.fleet 1"
    assert {alias: state.certificates[alias] for alias in before} == before


def test_the_way_back_sends_the_old_chain_along_again(rig: Rig, foreign: Foreign) -> None:
    """Only the old certificate is known then; what leads to its root is on the camera."""
    shows_foreign(rig, foreign)
    state = rig.device.state
    target = Target(
        host=rig.spec.address,
        http_port=HTTP,
        https_ports=(HTTPS,),
        credentials=Credentials(username="root", password=Secret(PASSWORD)),
        trust=Trust(),
        first_contact="plain_http",
    )
    with target.session("http", HTTP, Trust()) as session:
        AxisDriver(session, key_seconds=10).install_certificate(foreign.leaf, ())
    assert (state.web.certificate, state.web.issuers) == ("theirs", ("middle",))
    assert state.certificates["theirs"].pem == foreign.leaf
    assert rig.shown().count("BEGIN CERTIFICATE") == 2


def test_the_device_id_cannot_be_changed(rig: Rig) -> None:
    alias = "Axis device ID ECC-P256 (802.1AR)"
    pem = rig.device.state.certificates[alias].pem
    refused = rig.rest("PATCH", f"{CERT}/certificates/{urllib.parse.quote(alias)}", {"certificate": pem})
    assert refused.status == 400
    assert "device ID" in refused.json["error"]["message"]


def test_certificates_that_nobody_can_read_are_no_obstacle(rig: Rig, trust: dict[str, str], foreign: Foreign) -> None:
    state = rig.device.state
    factory = state.certificates["Default HTTPS"]
    state.certificates["rubbish"] = dc.replace(factory, pem="no certificate")
    state.certificates["chain"] = dc.replace(factory, pem=foreign.leaf + foreign.intermediate)
    state.issuers["rubbish CA"] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    done = module(rig, "camera", **trust)
    assert done.get("changed"), done
    assert {"rubbish", "chain"} < state.certificates.keys()


def test_https_alone_is_refused_where_nothing_would_prove_the_camera(rig: Rig) -> None:
    """It takes HTTP Basic there, and would get no password: nobody could bring it back."""
    failed = module(rig, "camera_https", connection="https")
    assert "takes nothing but the password itself in HTTPS (HTTP Basic)" in failed["msg"]
    assert failed["msg"].endswith("Give ca_path or spki_sha256.")
    assert rig.device.state.web.policy == "HttpAndHttps"
    pin = CertificateFacts.from_pem(rig.device.state.certificates["Default HTTPS"].pem).spki_sha256
    done = module(rig, "camera_https", connection="https", spki_sha256=pin, first_contact="refuse")
    assert (done.get("changed"), rig.device.state.web.policy) == (True, "Https"), done

    both = module(
        rig,
        "camera_https",
        connection="http",
        https_port=9443,
        former_https_port=HTTPS,
        spki_sha256=pin,
        first_contact="refuse",
    )
    assert "found 9443, together with the connection http, expected 8443" in both["msg"]
    assert rig.device.state.web.policy == "Https"


def test_port_and_plain_http_in_one_task_are_refused_over_https(rig: Rig) -> None:
    pin = CertificateFacts.from_pem(rig.device.state.certificates["Default HTTPS"].pem).spki_sha256
    wish = {"connection": "http", "https_port": 9443, "former_https_port": HTTPS, "spki_sha256": pin}
    failed = module(rig, "camera_https", first_contact="refuse", **wish)
    assert "found 9443, together with the connection http, expected 8443" in failed["msg"]
    assert (rig.device.state.web.policy, rig.device.state.hosts["default-https"].port) == ("HttpAndHttps", HTTPS)


def test_by_hand_beside_somebody_elses_certificate(rig: Rig, foreign: Foreign) -> None:
    shows_foreign(rig, foreign)
    assert module(rig, "camera_private_key")["changed"]
    found = module(rig, "camera_certificate_request", common_name="gate")
    assert found["certificate_signing_request"].startswith("-----BEGIN CERTIFICATE REQUEST-----")
    assert list(rig.device.state.certificates)[-2:] == ["theirs", "camsec.fleet 1"]


def test_a_password_that_is_not_latin(special: t.Callable[[str], Rig]) -> None:
    rig = special("unicode")
    pin = CertificateFacts.from_pem(rig.device.state.certificates["Default HTTPS"].pem).spki_sha256
    for contact in ({"first_contact": "plain_http"}, {"spki_sha256": pin, "first_contact": "refuse"}):
        found = module(rig, "camera_info", password=rig.spec.password, **contact)
        assert "contact" in found, found


def test_a_csr_for_the_subject_that_was_asked_for_changes_nothing(rig: Rig) -> None:
    assert "expected a private key" in module(rig, "camera_certificate_request", common_name="gate")["msg"]
    module(rig, "camera_private_key")
    before = dict(rig.device.state.certificates)
    for regenerate in ("if_needed", "always"):
        found = module(rig, "camera_certificate_request", common_name="gate", country="SE", regenerate=regenerate)
        assert not found.get("changed"), found
        text = run("openssl", "req", "-noout", "-text", data=found["certificate_signing_request"]).stdout
        assert "Subject: C = SE, CN = gate" in text
    assert rig.device.state.certificates == before


def test_a_key_beside_the_one_in_use_is_refused(rig: Rig, trust: dict[str, str]) -> None:
    module(rig, "camera", **trust)
    before = dict(rig.device.state.certificates)
    failed = module(
        rig,
        "camera_private_key",
        regenerate="always",
        ca_path=CertificateAuthority.open(trust["authority_directory"]).trusted_path,
    )
    assert "new_private_key=with_certificate" in failed["msg"]
    assert rig.device.state.certificates == before


def test_another_authority_leads_to_its_root_before_its_certificate_is_shown(rig: Rig, folder: pathlib.Path) -> None:
    former, coming = (
        {"authority_directory": str(folder / name), "authority_passphrase": "Siegel-Geheimnis-9"}
        for name in ("former", "coming")
    )
    for one in (former, coming):
        CertificateAuthority.create(
            one["authority_directory"],
            passphrase=Secret(one["authority_passphrase"]),
            common_name="A Root",
            intermediate_common_name="A CA",
        )
    module(rig, "camera", **former)
    chains: list[int] = []
    replace, state = rig.device.state.replace, rig.device.state

    def watched(alias: str, pem: str) -> None:
        chains.append(len(state.web.issuers))
        replace(alias, pem)

    state.replace = watched
    done = module(
        rig, "camera", ca_path=CertificateAuthority.open(former["authority_directory"]).trusted_path, **coming
    )
    assert done.get("changed"), done
    assert (chains, len(state.web.issuers)) == ([2], 1)
