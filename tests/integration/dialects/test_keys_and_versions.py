# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What models of one dialect differ in: kinds of keys, keys from outside, TLS versions. Judged by openssl."""

from __future__ import annotations

import base64
import dataclasses as dc
import functools
import json
import os
import pathlib
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator import _camera_state, _sunell_certificates, _tas_keystore
from ansible_collections.camsec.fleet.extensions.simulator._axis_state import AxisState
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import ConnectError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._onvif.api import OnvifApi
from ansible_collections.camsec.fleet.plugins.module_utils._onvif.driver import OnvifDriver
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from .conftest import FILE_PASSPHRASE, HTTP, HTTPS, PASSPHRASE, PASSWORD, Files, Options, Rig, ids, run

ROOT = pathlib.Path(__file__).resolve().parents[3]
TAKES_KEYS = ("onvif", "sunell", "axis")


def to_https(rig: Rig, authority: CertificateAuthority) -> None:
    """Over plain HTTP no key is sent; a camera's self-signed certificate is enough for HTTPS, unless it takes Basic."""
    if rig.dialect == "onvif":
        rig.good("camera_private_key")
        rig.good("camera_self_signed_certificate")
        rig.good("camera_https", first_contact="any_certificate")
    if rig.dialect == "axis":
        rig.good("camera", authority_directory=str(authority.directory), authority_passphrase=PASSPHRASE)


def trusting(authority: CertificateAuthority) -> Options:
    return {"first_contact": "any_certificate", "ca_path": str(authority.trusted_path)}


def chain_length(rig: Rig) -> int:
    return rig.shown().count("BEGIN CERTIFICATE")


# -- keys of other kinds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["onvif", "axis"])
@pytest.mark.parametrize(("size", "name"), [({}, "P-256"), ({"private_key_size": 384}, "P-384")], ids=str)
def test_an_elliptic_curve(rig: Rig, authority: CertificateAuthority, ours: Options, size: Options, name: str) -> None:
    wish = {"private_key_type": "ecdsa", **size, **ours}
    done = rig.changes_once("camera", **wish)
    assert done["after"]["private_key"]["type"] == "ecdsa"
    assert f"NIST CURVE: {name}" in run("openssl", "x509", "-noout", "-text", data=rig.shown()).stdout
    assert rig.verified(authority.trusted_path)
    named = {"subject_alt_name": ["DNS:gate.example.org"], "first_contact": "refuse", **wish}
    assert "generate_key" not in ids(rig.changes_once("camera", **named))
    # To RSA and nothing left behind of the curve.
    back = {**named, "private_key_type": "rsa", "private_key_size": 3072}
    assert ids(rig.changes_once("camera", **back))[0] == "generate_key"
    assert "3072 bit" in run("openssl", "x509", "-noout", "-text", data=rig.shown()).stdout
    assert own_keys(rig) == 1


def own_keys(rig: Rig) -> int:
    """Private keys on the camera that are not its maker's."""
    if rig.dialect == "axis":
        return sum(alias.startswith("camsec.fleet") for alias in rig.device.state.certificates)
    return len([key for key in rig.device.full_state()["onvif"]["store"]["keys"] if key["private"]])


@pytest.mark.parametrize("dialect", ["onvif"])
def test_a_curve_that_only_this_camera_offers(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    curves = dc.replace(rig.device.spec, rsa_key_lengths=(), elliptic_curves=("secp521r1",))
    monkeypatch.setattr(rig.device, "spec", curves)
    failed = rig.bad("camera_private_key")
    assert "found a wish for RSA of 2048 bits, expected ECDSA on P-521. [tas:CreateRSAKeyPair]" in failed["msg"]
    rig.changes_once("camera_private_key", type="ecdsa", size=521)
    rig.changes_once("camera_self_signed_certificate")
    rig.good("camera_https", first_contact="any_certificate")
    assert "NIST CURVE: P-521" in run("openssl", "x509", "-noout", "-text", data=rig.shown()).stdout


@pytest.mark.parametrize("dialect", ["onvif"])
def test_a_key_made_beside_a_self_signed_certificate_is_the_one_to_go_on_with(rig: Rig, ours: Options) -> None:
    rig.changes_once("camera_private_key")
    rig.changes_once("camera_self_signed_certificate")
    assert rig.changes_once("camera_private_key", type="ecdsa", regenerate="on_mismatch")["changed"]
    made = rig.unchanged("camera_certificate_request")["certificate_signing_request"]
    assert "NIST CURVE: P-256" in run("openssl", "req", "-noout", "-text", data=made).stdout
    assert own_keys(rig) == 2
    rig.good("camera", private_key_type="ecdsa", **ours)
    assert "NIST CURVE: P-256" in run("openssl", "x509", "-noout", "-text", data=rig.shown()).stdout
    assert own_keys(rig) == 1


@pytest.mark.parametrize("dialect", ["onvif"])
def test_an_elliptic_curve_with_a_self_signed_certificate(rig: Rig) -> None:
    assert rig.changes_once("camera_private_key", type="ecdsa")["after"]["private_key"]["size"] == 256
    rig.changes_once("camera_self_signed_certificate")
    rig.good("camera_https", first_contact="any_certificate")
    shown = run("openssl", "x509", "-noout", "-text", data=rig.shown()).stdout
    assert "NIST CURVE: P-256" in shown
    assert "Signature Algorithm: ecdsa-with-SHA256" in shown


@pytest.mark.parametrize("dialect", ["ipro", *TAKES_KEYS])
def test_a_kind_that_a_camera_does_not_make_is_refused_before_anything_is_sent(rig: Rig, ours: Options) -> None:
    size = 521 if rig.dialect in ("onvif", "axis") else 256
    wish: Options = {"private_key_type": "ecdsa", "private_key_size": size, **ours}
    for check_mode in (True, False):
        failed = rig.bad("camera", check_mode=check_mode, **wish)
        assert f"private key: found a wish for ECDSA on P-{size}, expected RSA of 2048 bits" in failed["msg"]
    if rig.dialect == "onvif":
        assert "ECDSA on P-384. [tas:CreateRSAKeyPair]" in rig.bad("camera_private_key", type="ecdsa", size=521)["msg"]
    mixed = rig.bad("camera", **{**wish, "private_key_size": 2048})
    assert "private_key_size: found 2048, expected 256, 384, 521 for a key of the type ecdsa" in mixed["msg"]
    assert rig.counts()["writes"] == 0


# -- keys from outside -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", TAKES_KEYS)
@pytest.mark.parametrize("form", ["as_pem", "as_locked_pem", "as_pkcs12"])
def test_a_certificate_with_its_key(
    rig: Rig, authority: CertificateAuthority, tmp_path: pathlib.Path, form: str
) -> None:
    to_https(rig, authority)
    files = Files.make(tmp_path / "files", authority, rig.host)
    given = {**getattr(files, form), **trusting(authority)}
    done = rig.changes_once("camera_certificate", **given)
    assert ids(done) == ["install_with_key"]
    files.kept_out_of(done)
    assert any("made outside of the camera" in warning for warning in done["warnings"])
    # Axis alone was brought to a verified certificate before.
    unproven = any("whoever stands in between has it" in warning for warning in done["warnings"])
    assert unproven == (rig.dialect != "axis")
    assert done["contact"]["trust"] == "certificate_authority"
    assert done["impacts"] == []
    assert rig.serial() == files.serial == done["certificate"]["serial_number"]
    assert rig.verified(authority.trusted_path)
    assert chain_length(rig) == 2
    # From one form to the other nothing changes.
    assert not rig.good("camera_certificate", **files.as_pem, **trusting(authority))["changed"]


@pytest.mark.parametrize("dialect", ["onvif"])
def test_a_camera_that_knows_pkcs8_alone_and_one_that_takes_no_keys(
    rig: Rig, authority: CertificateAuthority, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_https(rig, authority)
    files = Files.make(tmp_path / "files", authority, rig.host, kind="EC")
    given = {**files.as_pkcs12, **trusting(authority)}
    for uploads, words in ((("rsa",), "a key of the type rsa"), ((), "none, since this camera takes none")):
        with monkeypatch.context() as patch:
            able(patch, pkcs8=frozenset(uploads), pkcs12=frozenset())
            failed = rig.bad("camera_certificate", **given)
            assert f"found a key of the type ecdsa, expected {words}" in failed["msg"]
    with monkeypatch.context() as patch:
        able(patch, pkcs12=frozenset())
        rig.good("camera_certificate", **given)
    assert "UploadKeyPairInPKCS8" in json.dumps(rig.sim.control(f"/devices/{rig.name}/requests")["requests"])
    assert rig.serial() == files.serial
    assert rig.verified(authority.trusted_path)


def able(patch: pytest.MonkeyPatch, **changes: t.Any) -> None:
    """A device whose capabilities say something else."""
    original = OnvifApi.capabilities
    patch.setattr(OnvifApi, "capabilities", lambda self: dc.replace(original(self), **changes))


@pytest.mark.parametrize("dialect", ["ipro"])
def test_an_ipro_camera_takes_no_key(rig: Rig, authority: CertificateAuthority, tmp_path: pathlib.Path) -> None:
    files = Files.make(tmp_path / "files", authority, rig.host)
    for check_mode in (True, False):
        failed = rig.bad("camera_certificate", check_mode=check_mode, **files.as_pem)
        files.kept_out_of(failed)
        assert "whose private key is made in the camera and stays there" in failed["msg"]
    assert rig.counts()["writes"] == 0


@pytest.mark.parametrize("dialect", TAKES_KEYS)
def test_no_key_is_sent_over_plain_http(rig: Rig, authority: CertificateAuthority, tmp_path: pathlib.Path) -> None:
    if rig.dialect == "sunell":
        rig.good("camera_https", connection="http")
    files = Files.make(tmp_path / "files", authority, rig.host)
    rig.forget()
    for check_mode in (True, False):
        failed = rig.bad("camera_certificate", check_mode=check_mode, **files.as_pem, first_contact="plain_http")
        assert "found a connection in plain HTTP, over which whoever listens would have the key" in failed["msg"]
    assert rig.counts()["writes"] == 0


@pytest.mark.parametrize("dialect", ["sunell"])
def test_sunell_takes_rsa_keys_only(rig: Rig, authority: CertificateAuthority, tmp_path: pathlib.Path) -> None:
    files = Files.make(tmp_path / "files", authority, rig.host, kind="EC")
    failed = rig.bad("camera_certificate", **files.as_pem)
    assert failed["msg"].endswith("found a key of the type ecdsa, expected a key of the type rsa. [CAM-13]")
    assert rig.counts()["writes"] == 0


@pytest.mark.parametrize("dialect", TAKES_KEYS)
def test_cam_25_one_certificate_for_two_cameras(
    rig: Rig, authority: CertificateAuthority, tmp_path: pathlib.Path, unused: dict[str, t.Iterator[int]]
) -> None:
    fleet = rig.sim.fleet
    specs: dict[str, t.Any] = {
        "onvif": fleet.onvif_cameras, "sunell": fleet.sunell_cameras, "axis": fleet.axis_cameras,
    }  # fmt: skip
    spec = specs[rig.dialect][next(unused[rig.dialect])]
    other = dc.replace(rig, name=spec.name, host=spec.address)
    files = Files.make(tmp_path / "files", authority, rig.host, other.host)
    for one, second in ((rig, other), (other, rig)):
        to_https(one, authority)
        done = one.changes_once("camera_certificate", **files.as_pkcs12, **trusting(authority))
        assert f"also names IP:{second.host}: every device that gets it has the same" in done["impacts"][0]["text"]
        assert one.serial() == files.serial
        assert one.verified(authority.trusted_path)


@pytest.mark.parametrize("dialect", TAKES_KEYS)
def test_cam_15_address_and_clock_are_those_of_the_certificate(
    rig: Rig, authority: CertificateAuthority, tmp_path: pathlib.Path
) -> None:
    to_https(rig, authority)
    elsewhere = Files.make(tmp_path / "elsewhere", authority, "192.0.2.99")
    files = Files.make(tmp_path / "files", authority, rig.host)
    other_key = {**files.as_pem, "private_key_path": str(elsewhere.key)}
    rig.forget()
    for check_mode in (True, False):
        failed = rig.bad("camera_certificate", check_mode=check_mode, **elsewhere.as_pem)
        assert f"found IP:192.0.2.99, expected a subject alternative name for {rig.host}" in failed["msg"]
        wrong = rig.run("camera_certificate", check_mode=check_mode, **other_key)
        assert "found a key that is not that of the certificate" in wrong["msg"]
        unknown = {**files.as_pkcs12, "private_key_passphrase": "Falsches-Wort"}
        locked = rig.run("camera_certificate", check_mode=check_mode, **unknown)
        assert "found a passphrase that does not open it" in locked["msg"]
        assert "Falsches-Wort" not in locked["msg"]
    missing = rig.bad("camera_certificate", pkcs12_path=str(files.pkcs12))
    assert "private_key_passphrase: found none, expected the passphrase of pkcs12_path" in missing["msg"]
    alone = rig.bad("camera_certificate", certificate_path=str(files.chain), private_key_passphrase=FILE_PASSPHRASE)
    assert "found a passphrase without a key" in alone["msg"]
    rig.set(clock_offset=-50 * 365.25 * 86400)
    for check_mode in (True, False):
        failed = rig.bad("camera_certificate", check_mode=check_mode, **files.as_pem, **trusting(authority))
        assert ": clock: found 197" in failed["msg"]
        assert "with the module camera_time" in failed["msg"]
    assert rig.counts()["writes"] == 0


@pytest.mark.parametrize("dialect", TAKES_KEYS)
def test_from_a_key_from_outside_to_one_of_the_cameras_own(
    rig: Rig, authority: CertificateAuthority, ours: Options, tmp_path: pathlib.Path
) -> None:
    """A key that was made elsewhere is not taken over into the next certificate, and nothing of it stays behind."""
    to_https(rig, authority)
    files = Files.make(tmp_path / "files", authority, rig.host)
    rig.good("camera_certificate", **files.as_pem, **trusting(authority))
    public = run("openssl", "x509", "-noout", "-pubkey", data=rig.shown()).stdout
    trusted = {"first_contact": "refuse", "ca_path": str(authority.trusted_path), **ours}
    rig.unchanged("camera", **trusted)  # it is one of ours, and not due
    rig.changes_once("camera", subject_alt_name=["DNS:gate.example.org"], **trusted)
    assert run("openssl", "x509", "-noout", "-pubkey", data=rig.shown()).stdout != public
    assert rig.verified(authority.trusted_path)
    if rig.dialect == "onvif":
        store = rig.device.full_state()["onvif"]["store"]
        assert len([key for key in store["keys"] if key["private"]]) == 1
        assert [len(store[name]) for name in ("keys", "certificates", "paths")] == [2, 2, 1]


@pytest.mark.parametrize("dialect", TAKES_KEYS)
def test_a_certificate_that_does_not_verify_is_taken_back(
    rig: Rig, authority: CertificateAuthority, ours: Options, tmp_path: pathlib.Path
) -> None:
    """The operator names an authority that did not issue it: the camera goes back to the certificate before."""
    rig.good("camera", **ours)
    before = rig.serial()
    stranger = CertificateAuthority.create(
        tmp_path / "stranger", passphrase=Secret(PASSPHRASE), common_name="Stranger", key_type="ecdsa"
    )
    files = Files.make(tmp_path / "files", stranger, rig.host)
    failed = rig.bad(
        "camera_certificate",
        **files.as_pem,
        first_contact="refuse",
        ca_path=str(authority.trusted_path),
        switch_timeout=1,
    )
    files.kept_out_of(failed)
    assert "The certificate that was there before was put back." in failed["msg"]
    assert rig.serial() == before
    assert rig.verified(authority.trusted_path)


@pytest.mark.parametrize("dialect", ["sunell"])
def test_cam_24_after_a_factory_reset_the_certificate_for_the_old_key_is_refused(
    rig: Rig, authority: CertificateAuthority, ours: Options
) -> None:
    rig.good("camera", **ours)
    old = run("openssl", "x509", data=rig.shown()).stdout
    rig.act("factory_reset")
    end = time.monotonic() + 60
    while rig.device.power != "on" and time.monotonic() < end:
        time.sleep(0.01)
    rig.forget()
    gone = rig.bad("camera_certificate", certificate_content=old)
    assert "found no CSR made on this camera" in gone["msg"]
    assert "A factory reset deletes the CSR and its key (CAM-24)" in gone["msg"]
    assert rig.counts()["writes"] == 0
    rig.good("camera_certificate_request")
    rig.forget()
    other = rig.bad("camera_certificate", certificate_content=old)
    assert "a public key that is not the one in the camera's CSR" in other["msg"]
    assert "(CAM-23)" in other["msg"]
    assert rig.counts()["writes"] == 0
    rig.good("camera", **ours)
    assert rig.verified(authority.trusted_path)


@pytest.mark.parametrize("dialect", ["ipro", *TAKES_KEYS])
def test_a_request_whose_signature_does_not_verify(rig: Rig, ours: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a hostile camera, which would like a certificate for somebody else's key."""
    hostile(monkeypatch)
    failed = rig.bad("camera", **ours)
    assert "certificate request: found a signature that its own key did not make" in failed["msg"]
    assert rig.good("camera_info")["camera"]["ca_certificate"] == "not_generated"


def hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated cameras' CSRs from now on: the last byte of each signature is another one."""

    def spoilt(der: bytes) -> bytes:
        return der[:-1] + bytes([der[-1] ^ 1])

    def as_pem(make: t.Callable[..., str], *arguments: t.Any) -> str:
        request = x509.load_pem_x509_csr(make(*arguments).encode())
        lines = base64.encodebytes(spoilt(request.public_bytes(serialization.Encoding.DER))).decode()
        return f"-----BEGIN CERTIFICATE REQUEST-----\n{lines}-----END CERTIFICATE REQUEST-----\n"

    request = AxisState.request
    monkeypatch.setattr(
        AxisState, "request", lambda self, *arguments: as_pem(functools.partial(request, self), *arguments)
    )
    for module in (_camera_state, _sunell_certificates):
        monkeypatch.setattr(module, "make_csr", functools.partial(as_pem, module.make_csr))
    sign = _tas_keystore.sign_request
    monkeypatch.setattr(_tas_keystore, "sign_request", lambda *arguments: spoilt(sign(*arguments)))


@pytest.mark.parametrize("dialect", ["sunell"])
def test_no_key_and_no_passphrase_is_shown_by_ansible_playbook(
    rig: Rig, authority: CertificateAuthority, tmp_path: pathlib.Path
) -> None:
    """In the worker and shipped as an ordinary module, with -vvv and --diff, and when it fails."""
    files = Files.make(tmp_path / "files", authority, rig.host)
    common = {
        "host": rig.host, "http_port": HTTP, "https_port": HTTPS, "username": "admin", "password": PASSWORD,
        "driver": rig.dialect, **trusting(authority),
    }  # fmt: skip
    wrong = {**files.as_pkcs12, "private_key_passphrase": "Falsches-Wort-3"}
    shipped = {"async": 60, "poll": 1}
    tasks: list[Options] = [
        {"camsec.fleet.camera_certificate": {**common, **wrong}, "ignore_errors": True},
        {"camsec.fleet.camera_certificate": {**common, **files.as_locked_pem}},
        {"camsec.fleet.camera_certificate": {**common, **files.as_pkcs12}, **shipped},
    ]
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    folders = {f"ANSIBLE_{name}": str(tmp_path / name.lower()) for name in ("LOCAL_TEMP", "REMOTE_TEMP", "HOME")}
    variables = {**os.environ, **folders, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev"), "ANSIBLE_NOCOLOR": "1"}
    command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local"]
    command += ["-e", f"ansible_python_interpreter={sys.executable}", "-e", f"ansible_async_dir={tmp_path}/async"]
    done = subprocess.run(
        [*command, "-vvv", "--diff", str(tmp_path / "play.yml")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=variables,
    )
    whole = done.stdout + done.stderr
    assert done.returncode == 0, whole
    assert "found a passphrase that does not open it" in whole
    assert "ok=3    changed=1 " in whole
    files.kept_out_of({"output": whole})
    for word in (PASSWORD, "Falsches-Wort-3", "Traceback"):
        assert word not in whole
    assert rig.serial() == files.serial


# -- TLS versions ----------------------------------------------------------------------------------------------------


def speaks(rig: Rig, version: str, port: int = HTTPS) -> bool:
    """Whether openssl comes to a handshake in that version."""
    option = {"1.2": "-tls1_2", "1.3": "-tls1_3"}[version]
    done = run("openssl", "s_client", option, "-connect", f"{rig.host}:{port}", data="")
    return "BEGIN CERTIFICATE" in done.stdout


@pytest.mark.parametrize("dialect", ["onvif"])
def test_tls_versions(rig: Rig, authority: CertificateAuthority, ours: Options) -> None:
    done = rig.changes_once("camera", tls_versions=["1.3"], **ours)
    assert ids(done)[-2:] == ["set_tls_versions", "set_https"]
    assert (speaks(rig, "1.2"), speaks(rig, "1.3")) == (False, True)
    assert done["endpoint"]["protocol"] == "TLSv1.3"
    trusted = {"first_contact": "refuse", "ca_path": str(authority.trusted_path)}
    other = rig.changes_once("camera_https", tls_versions=["1.2"], **trusted)
    assert ids(other) == ["set_tls_versions"]
    assert (other["before"]["tls_versions"], other["after"]["tls_versions"]) == (["1.3"], ["1.2"])
    assert other["endpoint"]["protocol"] == "TLSv1.2"
    assert (speaks(rig, "1.2"), speaks(rig, "1.3")) == (True, False)
    both = rig.changes_once("camera_https", tls_versions=["1.3", "1.2"], **trusted)
    assert both["after"]["tls_versions"] == ["1.2", "1.3"]
    assert (speaks(rig, "1.2"), speaks(rig, "1.3")) == (True, True)
    # Without the option they stay as they are, and are not asked for.
    assert rig.unchanged("camera_https", **trusted)["after"]["tls_versions"] is None


@pytest.mark.parametrize("dialect", ["onvif"])
def test_tls_versions_that_cannot_be_are_refused_before_anything_is_sent(rig: Rig, ours: Options) -> None:
    for module, options in (("camera", ours), ("camera_https", {})):
        for check_mode in (True, False):
            failed = rig.bad(module, check_mode=check_mode, tls_versions=["1.1", "1.2"], **options)
            assert (
                "tls_versions: found 1.1, which this camera cannot enable, expected some of 1.2, 1.3" in failed["msg"]
            )
    assert "value of tls_versions must be one or more of" in rig.bad("camera_https", tls_versions=["2"])["msg"]
    assert rig.counts()["writes"] == 0


@pytest.mark.parametrize("dialect", ["ipro", "sunell", "axis"])
def test_a_dialect_without_a_call_for_tls_versions(rig: Rig, ours: Options) -> None:
    reason = (
        "whose TLS versions go with its AXIS OS" if rig.dialect == "axis" else "no public call chooses TLS versions"
    )
    for module, options in (("camera", ours), ("camera_https", {})):
        for check_mode in (True, False):
            failed = rig.bad(module, check_mode=check_mode, tls_versions=["1.3"], **options)
            assert reason in failed["msg"]
    assert rig.counts()["writes"] == 0


@pytest.mark.parametrize("dialect", ["onvif"])
@pytest.mark.parametrize("lost", ["before", "after"])
def test_tls_versions_when_the_connection_breaks(
    rig: Rig, authority: CertificateAuthority, ours: Options, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.good("camera", **ours)
    original = OnvifDriver.set_tls_versions
    trusted = {"first_contact": "refuse", "ca_path": str(authority.trusted_path)}

    def breaks(self: OnvifDriver, versions: t.Sequence[str]) -> None:
        if lost == "after":
            original(self, versions)
        monkeypatch.undo()
        raise ConnectError(device=rig.host, subject="x", found="a broken connection", expected="an answer")

    monkeypatch.setattr(OnvifDriver, "set_tls_versions", breaks)
    failed = rig.bad("camera_https", tls_versions=["1.3"], **trusted)
    assert "TLS 1.2, 1.3 are enabled again, as before: run this again." in failed["msg"]
    assert (speaks(rig, "1.2"), speaks(rig, "1.3")) == (True, True)
    rig.changes_once("camera_https", tls_versions=["1.3"], **trusted)


@pytest.mark.parametrize("dialect", ["onvif"])
def test_tls_versions_when_the_switch_after_them_fails(
    rig: Rig, authority: CertificateAuthority, ours: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.good("camera", **ours)

    def breaks(self: OnvifDriver, _wanted: t.Any) -> None:
        monkeypatch.undo()
        raise ConnectError(device=self.session.device, subject="x", found="a broken connection", expected="an answer")

    monkeypatch.setattr(OnvifDriver, "set_https", breaks)
    trusted = {"first_contact": "refuse", "ca_path": str(authority.trusted_path)}
    failed = rig.bad("camera_https", tls_versions=["1.3"], https_port=9443, former_https_port=HTTPS, **trusted)
    assert f"The camera answers https on port {HTTPS} again, as before. TLS 1.2, 1.3 are enabled" in failed["msg"]
    assert (speaks(rig, "1.2"), speaks(rig, "1.3")) == (True, True)


# -- the authority in the firmware (Sunell's way 1) ------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["sunell"])
def test_cam_02_the_built_in_authority_is_no_trusted_file_without_a_word(rig: Rig, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "cacert.crt"
    shown = rig.unchanged("camera_builtin_authority")
    assert any("lies in every camera of this firmware" in warning for warning in shown["warnings"])
    for check_mode in (True, False):
        failed = rig.bad("camera_builtin_authority", check_mode=check_mode, path=str(path))
        assert "found no explicit word that clients are to trust it" in failed["msg"]
        assert "option permitted_names" in failed["msg"]
        assert failed["msg"].endswith("accept_shared_private_key: true. [CAM-02]")
    assert not path.exists()
    word = {"path": str(path), "accept_shared_private_key": True}
    done = rig.changes_once("camera_builtin_authority", **word)
    assert any("nobody verified" in warning for warning in done["warnings"])
    assert done["after"]["trusted_file"] == done["authority"]["sha256"]
    # Whoever trusts it meets the camera: and every other one of the firmware.
    assert rig.verified(path)
    assert rig.unchanged("camera_builtin_authority", first_contact="refuse", ca_path=str(path), **word)["authority"]
    assert path.stat().st_mode & 0o777 == 0o644
    assert rig.counts()["writes"] == 0


@pytest.mark.parametrize("dialect", ["sunell"])
def test_a_file_of_something_else_is_not_touched(
    rig: Rig, authority: CertificateAuthority, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "trusted.pem"
    for content in ("hello", pathlib.Path(authority.trusted_path).read_text()):
        path.write_text(content)
        failed = rig.run("camera_builtin_authority", path=str(path), accept_shared_private_key=True)
        assert failed["msg"].startswith(f"{path}: file: found ")
        assert "expected no file, or one that holds a certificate of " in failed["msg"]
        assert path.read_text() == content


@pytest.mark.parametrize("dialect", ["ipro", "onvif"])
def test_a_camera_without_an_authority_of_its_own(rig: Rig, tmp_path: pathlib.Path) -> None:
    failed = rig.bad("camera_builtin_authority", path=str(tmp_path / "x"), accept_shared_private_key=True)
    assert f"a camera of the dialect {rig.dialect}, " in failed["msg"]
    assert not (tmp_path / "x").exists()
    assert rig.good("camera_info")["camera"]["built_in_authority"] is None


@pytest.mark.parametrize("dialect", ["sunell"])
def test_cam_03_what_is_known_of_the_built_in_certificate(rig: Rig, ours: Options) -> None:
    known = rig.good("camera_info")["camera"]["built_in_authority"]
    assert (known["in_use"], known["fits_host"], known["clock_inside"]) == (True, True, True)
    assert known["authority"]["not_before"] == "2023-08-14T00:00:00Z"
    rig.good("camera", **ours)
    known = rig.good("camera_info")["camera"]["built_in_authority"]
    assert (known["in_use"], known["fits_host"]) == (False, None)
    rig.good("camera_https", connection="http")
    assert rig.good("camera_info")["camera"]["built_in_authority"]["in_use"] is None
