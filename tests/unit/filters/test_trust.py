# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters around trust on clients, on certificates that openssl made."""

from __future__ import annotations

import pathlib
import plistlib
import subprocess

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.filter.apple_profile import FilterModule as AppleProfile
from ansible_collections.camsec.fleet.plugins.filter.certificate_fingerprints import FilterModule as Fingerprints
from ansible_collections.camsec.fleet.plugins.filter.trust_anchors import FilterModule as TrustAnchors

anchors = TrustAnchors().filters()["trust_anchors"]
fingerprints = Fingerprints().filters()["certificate_fingerprints"]
profile = AppleProfile().filters()["apple_profile"]


def openssl(*arguments: str, data: bytes = b"") -> str:
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, timeout=60, check=True)
    return done.stdout.decode()


def make(path: pathlib.Path, name: str, *more: str) -> pathlib.Path:
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{path}.key"]
    openssl("req", "-x509", *curve, "-subj", f"/CN={name}", "-out", str(path), *more)
    return path


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    return make(tmp_path / "root.pem", "Surveillance CA")


@pytest.fixture
def intermediate(tmp_path: pathlib.Path, root: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "intermediate.pem"
    request = openssl(
        "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{path}.key",
        "-subj", "/CN=Intermediate",
    )  # fmt: skip
    extensions = tmp_path / "ca.ext"
    extensions.write_text("basicConstraints=critical,CA:TRUE\n")
    openssl(
        "x509", "-req", "-CA", str(root), "-CAkey", f"{root}.key", "-extfile", str(extensions), "-out", str(path),
        data=request.encode(),
    )  # fmt: skip
    return path


def sha256(path: pathlib.Path) -> str:
    said = openssl("x509", "-in", str(path), "-noout", "-fingerprint", "-sha256")
    return said.strip().partition("=")[2].replace(":", "").lower()


def test_what_a_client_gets(root: pathlib.Path, intermediate: pathlib.Path, tmp_path: pathlib.Path) -> None:
    both = tmp_path / "trusted.pem"
    both.write_text(f"# of the site\n{intermediate.read_text()}{root.read_text()}")
    wanted = anchors([str(both)], contents=[root.read_text()])["wanted"]
    assert [one["sha256"] for one in wanted] == [sha256(intermediate), sha256(root)]
    assert [one["self_signed"] for one in wanted] == [False, True]
    assert wanted[1]["name"] == f"camsec-{sha256(root)[:16]}.crt"
    assert wanted[1]["content"] == root.read_text()


def test_a_bundle(root: pathlib.Path, intermediate: pathlib.Path) -> None:
    text = f"# words\n{root.read_text()}\n# more\n{intermediate.read_text()}"
    assert fingerprints(text) == [sha256(root), sha256(intermediate)]
    assert fingerprints("") == []
    with pytest.raises(AnsibleFilterError, match="found a damaged block"):
        fingerprints("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")


def test_a_trust_file_may_hold_an_old_root_that_has_ended(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    old = tmp_path / "old.pem"
    # The ca command of openssl 3.0 alone takes dates of its own.
    (tmp_path / "index").touch()
    (tmp_path / "ca.conf").write_text(
        f"[ca]\ndefault_ca=x\n[x]\ndatabase={tmp_path / 'index'}\nnew_certs_dir={tmp_path}\nrand_serial=yes\n"
        "default_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n"
        "[e]\nbasicConstraints=critical,CA:TRUE\n"
    )
    request = tmp_path / "old.csr"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{old}.key"]
    openssl("req", *curve, "-subj", "/CN=Old", "-out", str(request))
    openssl(
        "ca", "-batch", "-selfsign", "-config", str(tmp_path / "ca.conf"), "-keyfile", f"{old}.key", "-notext",
        "-in", str(request), "-out", str(old), "-startdate", "20200101000000Z", "-enddate", "20210101000000Z",
    )  # fmt: skip
    both = tmp_path / "trusted.pem"
    both.write_text(root.read_text() + old.read_text())
    assert [one["sha256"] for one in anchors([str(both)])["wanted"]] == [sha256(root)]
    with pytest.raises(AnsibleFilterError, match="which ended on 2021-01-01"):
        anchors([str(old)])


def test_bad_input(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    leaf = make(tmp_path / "leaf.pem", "cam1", "-addext", "basicConstraints=critical,CA:FALSE")
    with pytest.raises(AnsibleFilterError, match="CN=cam1, which is no certificate authority"):
        anchors([str(leaf)])
    with pytest.raises(AnsibleFilterError, match="content 1: trusted certificate: found a private key among"):
        anchors([], contents=[root.read_text() + pathlib.Path(f"{root}.key").read_text()])
    with pytest.raises(AnsibleFilterError, match="found nothing"):
        anchors([], contents=[""])
    with pytest.raises(AnsibleFilterError, match="expected its SHA-256"):
        anchors([], absent=["zz"])


def test_a_profile_for_apples_devices(root: pathlib.Path, intermediate: pathlib.Path, tmp_path: pathlib.Path) -> None:
    text = profile([str(root), str(intermediate)], identifier="example.roots", organization="Example & Sons")
    assert text == profile([str(root), str(intermediate)], identifier="example.roots", organization="Example & Sons")
    told = plistlib.loads(text.encode())
    assert told["PayloadType"] == "Configuration"
    assert told["PayloadOrganization"] == "Example & Sons"
    kinds = [payload["PayloadType"] for payload in told["PayloadContent"]]
    assert kinds == ["com.apple.security.root", "com.apple.security.pkcs1"]
    identifiers = [told["PayloadUUID"], *(payload["PayloadUUID"] for payload in told["PayloadContent"])]
    assert len(set(identifiers)) == 3
    der = tmp_path / "payload.der"
    der.write_bytes(told["PayloadContent"][0]["PayloadContent"])
    subject = openssl("x509", "-inform", "der", "-in", str(der), "-noout", "-subject")
    assert "Surveillance CA" in subject
    with pytest.raises(AnsibleFilterError, match="found none to trust and none to remove"):
        profile([], identifier="example.roots")
