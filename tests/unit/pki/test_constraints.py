# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name constraints: our verdict and openssl's are the same, and nothing outside of them is signed."""

from __future__ import annotations

import itertools
import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._pki import _authority
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from ansible_collections.camsec.fleet.plugins.module_utils._pki._check import certificate_problems
from ansible_collections.camsec.fleet.plugins.module_utils._pki._constraints import parse_permitted

from .conftest import PASSPHRASE, openssl, request, verified

NETWORK, DOMAIN = "IP:192.0.2.0/24", "DNS:cams.example"
NAMES = (
    ("IP:192.0.2.11",),
    ("IP:192.0.3.11",),
    ("IP:2001:db8::1",),
    ("DNS:a.cams.example",),
    ("DNS:cams.example",),
    ("DNS:mycams.example",),
    ("DNS:*.cams.example",),
    ("IP:192.0.2.11", "DNS:a.cams.example"),
    ("IP:192.0.2.11", "DNS:bank.example"),
)
COMMON_NAMES = ("192.0.2.11", "192-0-2-11", "a.cams.example", "bank.example", "Camera 11")


def made(home: pathlib.Path, *permitted: str, intermediate: str = "") -> CertificateAuthority:
    return CertificateAuthority.create(
        home,
        passphrase=PASSPHRASE,
        common_name="Test Root",
        key_type="ecdsa",
        intermediate_common_name=intermediate,
        permitted_names=permitted,
    )


@pytest.mark.parametrize("permitted", [(NETWORK,), (DOMAIN,), (NETWORK, DOMAIN), ("IP:2001:db8::/32",)])
def test_openssl_agrees_for_every_name(
    tmp_path: pathlib.Path, permitted: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stolen key signs anything: only the certificates above stand against it, for us as for openssl."""
    authority = made(tmp_path / "ca", *permitted)
    monkeypatch.setattr(CertificateAuthority, "check_names", lambda *_arguments, **_named: None)
    monkeypatch.setattr(CertificateAuthority, "common_name_for", lambda _self, host: host)
    asked = request(tmp_path, "ec", "-pkeyopt", "ec_paramgen_curve:P-256").read_text()
    verdicts = set()
    for names, common_name in itertools.product(NAMES, COMMON_NAMES):
        issued = authority.sign_request(
            asked, passphrase=PASSPHRASE, device="cam", subject_alt_names=names, common_name=common_name
        )
        path = tmp_path / "leaf.pem"
        path.write_text(issued.pem)
        good = verified(authority, path)
        assert (authority.violation(issued.facts) == "") == good, (names, common_name, permitted)
        verdicts.add(good)
    assert verdicts == {True, False}


@pytest.mark.parametrize("intermediate", ["", "Test Issuing"])
def test_a_name_outside_is_refused_before_anything(tmp_path: pathlib.Path, intermediate: str) -> None:
    authority = made(tmp_path / "ca", NETWORK, intermediate=intermediate)
    asked = request(tmp_path).read_text()
    with pytest.raises(InputError) as caught:
        authority.sign_request(asked, passphrase=PASSPHRASE, device="cam", subject_alt_names=["192.0.3.11"])
    assert "cam: name that the certificate is for: found IP:192.0.3.11, expected names within IP:192.0.2.0/24" in str(
        caught.value.message
    )
    assert authority.ledger.certificates() == []
    issued = authority.sign_request(asked, passphrase=PASSPHRASE, device="192.0.2.11", subject_alt_names=["192.0.2.11"])
    (tmp_path / "leaf.pem").write_text(issued.pem)
    assert verified(authority, tmp_path / "leaf.pem")
    text = openssl("x509", "-in", tmp_path / "ca" / f"{'intermediate' if intermediate else 'root'}.pem", "-noout",
                   "-text")  # fmt: skip
    assert "Name Constraints: critical" in text
    assert "IP:192.0.2.0/255.255.255.0" in text


def test_an_address_is_no_common_name_where_it_would_pass_for_a_host_name(tmp_path: pathlib.Path) -> None:
    for number, permitted in enumerate([(), (NETWORK,), (NETWORK, DOMAIN)]):
        authority = made(tmp_path / f"ca{number}", *permitted)
        _key, issued = authority.issue_with_new_key(
            passphrase=PASSPHRASE, device="192.0.2.11", subject_alt_names=["192.0.2.11"], key_type="ecdsa"
        )
        (tmp_path / "leaf.pem").write_text(issued.pem)
        assert issued.facts.subject_common_name == ("192-0-2-11" if permitted else "192.0.2.11")
        assert verified(authority, tmp_path / "leaf.pem")


def test_a_violation_is_a_problem_of_the_certificate(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = made(tmp_path / "ca", NETWORK)
    with monkeypatch.context() as stolen:
        stolen.setattr(CertificateAuthority, "check_names", lambda *_arguments, **_named: None)
        _key, issued = authority.issue_with_new_key(
            passphrase=PASSPHRASE, device="cam", subject_alt_names=["bank.example"], key_type="ecdsa"
        )
    now = issued.facts.not_before + (issued.facts.not_after - issued.facts.not_before) / 2
    [problem] = certificate_problems(issued.facts, now=now, device="cam", authority=authority)
    assert problem.message == (
        "cam: certificate: found DNS:bank.example, which the name constraints of CN=Test Root do not allow,"
        " expected names that its authority may issue for."
    )


@pytest.mark.parametrize(
    "name", ["192.0.2.1/24", "IP:cam", "DNS:.cams.example", "*.cams.example", "IP:192.0.2.0/33", "under_score.example"]
)
def test_what_is_no_network_and_no_domain_is_refused(tmp_path: pathlib.Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        made(tmp_path / "ca", name)
    assert "permitted_names" in caught.value.message
    assert not (tmp_path / "ca").exists()


def test_canonical_form() -> None:
    found = parse_permitted(["192.0.2.7", "ip: 2001:DB8::/32", "Cams.Example", "DNS:cams.example", "192.0.2.7/32"])
    assert found == ("IP:192.0.2.7/32", "IP:2001:db8::/32", "DNS:cams.example")


def test_an_authority_remembers_and_compares_them(tmp_path: pathlib.Path) -> None:
    made(tmp_path / "ca", NETWORK)
    assert CertificateAuthority.open(tmp_path / "ca").parameters.permitted_names == (NETWORK,)
    with pytest.raises(InputError):
        _authority.AuthorityParameters.of(common_name="x", permitted_names=["192.0.2.1/24"])
    wanted: t.Any = _authority.AuthorityParameters.of(common_name="Test Root", permitted_names=["192.0.2.0/24"])
    assert wanted.permitted_names == (NETWORK,)
