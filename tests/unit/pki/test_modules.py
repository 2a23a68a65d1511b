# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of the PKI: the cycle of create, again, modify, again, each also in check mode; and real playbooks."""

from __future__ import annotations

import importlib
import json
import pathlib
import stat
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

from .conftest import PASSPHRASE, PHRASE, openssl, play, request, verified

MODULES = "ansible_collections.camsec.fleet.plugins.modules"
Result = dict[str, t.Any]


def run(module: str, *, check: bool = False, **options: t.Any) -> Result:
    spec = importlib.import_module(f"{MODULES}.{module}").SPEC
    result = run_in_worker(spec, options, check_mode=check)
    text = json.dumps(result)
    assert PHRASE not in text
    assert "PRIVATE KEY" not in text
    return result


def snapshot(home: pathlib.Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (stat.S_IMODE(path.stat().st_mode), path.read_bytes() if path.is_file() else b"")
        for path in sorted(home.rglob("*"))
    }


class Bench:
    """A directory with an authority and the options of one certificate."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.authority = CertificateAuthority.create(
            home / "ca", passphrase=PASSPHRASE, common_name="Test Root", key_type="ecdsa"
        )
        self.certificate = home / "cam011.pem"
        self.options: dict[str, t.Any] = {
            "authority_directory": str(home / "ca"),
            "authority_passphrase": PHRASE,
            "certificate_path": str(self.certificate),
            "subject_alt_name": ["192.0.2.11"],
            "device": "cam011",
        }

    def __call__(self, *, check: bool = False, **options: t.Any) -> Result:
        return run("certificate", check=check, **{**self.options, **options})

    def message(self, **options: t.Any) -> str:
        """The sentence of a failure, the same in check mode, with nothing written."""
        before = snapshot(self.home)
        checked, done = self(check=True, **options), self(**options)
        assert done["failed"]
        assert done == checked
        assert snapshot(self.home) == before
        message: str = done["msg"]
        assert "\n" not in message
        return message


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> Bench:
    return Bench(tmp_path)


def test_authority_cycle(tmp_path: pathlib.Path) -> None:
    options = {
        "authority_directory": str(tmp_path / "ca"),
        "authority_passphrase": PHRASE,
        "common_name": "Fleet Root",
        "key_type": "ecdsa",
    }
    planned = run("certificate_authority", check=True, **options)
    assert planned["changed"]
    assert [step["id"] for step in planned["plan"]] == ["create_authority"]
    assert list(tmp_path.iterdir()) == []
    made = run("certificate_authority", **options)
    assert made["changed"]
    assert made["certificate"]["subject"] == "CN=Fleet Root"
    assert made["authority"]["trusted_content"] == (tmp_path / "ca" / "trusted.pem").read_text()
    assert openssl("verify", "-x509_strict", "-CAfile", tmp_path / "ca/trusted.pem", tmp_path / "ca/root.pem")
    before = snapshot(tmp_path)
    for check in (True, False):
        again = run("certificate_authority", check=check, **options)
        assert not again["changed"]
        assert again["before"] == again["after"] == made["after"]
        for other in ({"common_name": "Other"}, {"key_type": "rsa"}, {"key_size": 384}, {"lifetime_days": 1}):
            refused = run("certificate_authority", check=check, **{**options, **other})
            assert refused["failed"]
            assert "An authority is never changed or overwritten" in refused["msg"]
        wrong = run("certificate_authority", check=check, **{**options, "authority_passphrase": "wrong horse"})
        assert "found a wrong passphrase" in wrong["msg"]
        assert snapshot(tmp_path) == before


def test_authority_warns_before_it_ends(tmp_path: pathlib.Path) -> None:
    CertificateAuthority.create(
        tmp_path / "ca", passphrase=PASSPHRASE, common_name="R", key_type="ecdsa", lifetime_days=5, backdate_days=100
    )
    result = run(
        "certificate_authority",
        authority_directory=str(tmp_path / "ca"),
        authority_passphrase=PHRASE,
        common_name="R",
    )
    assert result["warnings"] == ["The certificate authority CN=R has 4 days left; replace it."]


@pytest.mark.parametrize("source", ["request_path", "request_content", "private_key_path"])
def test_certificate_cycle(bench: Bench, source: str) -> None:
    csr = request(bench.home)
    key = bench.home / "cam011.key"
    value = {"request_path": str(csr), "request_content": csr.read_text(), "private_key_path": str(key)}[source]
    bench.options[source] = value

    def judge(address: str) -> None:
        assert verified(bench.authority, bench.certificate, "-verify_ip", address)
        public = openssl("x509", "-in", bench.certificate, "-noout", "-pubkey")
        own = key if source == "private_key_path" else bench.home / "device.key"
        assert openssl("pkey", "-in", own, "-pubout") == public

    for addresses in (["192.0.2.11"], ["192.0.2.12", "DNS:cam011"]):
        bench.options["subject_alt_name"] = addresses
        before = snapshot(bench.home)
        planned = bench(check=True)
        assert planned["changed"]
        assert snapshot(bench.home) == before
        done = bench()
        assert done["changed"]
        assert [step["id"] for step in done["plan"]] == [step["id"] for step in planned["plan"]]
        assert done["certificate"]["content"] == bench.certificate.read_text()
        judge(addresses[0])
        before = snapshot(bench.home)
        for check in (True, False):
            again = bench(check=check)
            assert not again["changed"]
            assert again["before"] == again["after"] == done["after"]
            assert snapshot(bench.home) == before
    assert len(bench.authority.ledger.certificates("cam011")) == 2
    if source == "private_key_path":
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert bench(authority_passphrase=None)["changed"] is False  # nothing to issue: no passphrase needed


def test_reissued_when_due_foreign_or_not_fitting(bench: Bench) -> None:
    key = bench.home / "cam011.key"
    bench.options |= {"private_key_path": str(key), "key_type": "ecdsa"}
    bench(lifetime_days=20, renew_before=5)
    assert not bench(renew_before=5)["changed"]
    assert "fewer than 30" in bench(check=True)["plan"][0]["title"]
    assert "less than 99%" in bench(check=True, renew_before=0, renew_share=0.99)["plan"][0]["title"]
    assert "is named 192.0.2.11" in bench(check=True, common_name="other", renew_before=5)["plan"][0]["title"]
    assert "extended key usages" in bench(check=True, client_auth=True, renew_before=5)["plan"][0]["title"]
    kept = key.read_bytes()
    assert bench()["changed"]
    assert key.read_bytes() == kept
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    key.chmod(0o600)
    assert "does not fit the key" in bench()["plan"][0]["title"]
    (bench.home / "other").mkdir()
    other = Bench(bench.home / "other")
    foreign = other(private_key_path=str(key), certificate_path=str(bench.certificate))
    assert "was issued by CN=Test Root" in foreign["plan"][0]["title"]
    assert foreign["changed"]


def test_regenerate(bench: Bench) -> None:
    key = bench.home / "cam011.key"
    bench.options |= {"private_key_path": str(key), "key_type": "ecdsa"}
    bench()
    first = key.read_bytes()
    assert "It is replaced only with regenerate=on_mismatch" in bench.message(key_size=384)
    assert bench(key_size=384, regenerate="on_mismatch")["changed"]
    assert not bench(key_size=384, regenerate="on_mismatch")["changed"]
    second = key.read_bytes()
    assert not bench(regenerate="on_renewal")["changed"]
    assert bench(regenerate="always")["changed"]
    assert len({first, second, key.read_bytes()}) == 3
    key.write_text("broken")
    assert "found no PEM block, expected a private key" in bench.message()
    assert bench(regenerate="on_mismatch")["changed"]
    assert verified(bench.authority, bench.certificate)


def test_on_renewal_makes_a_new_key(bench: Bench) -> None:
    key = bench.home / "cam011.key"
    bench.options |= {"private_key_path": str(key), "key_type": "ecdsa", "regenerate": "on_renewal"}
    bench(lifetime_days=20, renew_before=5)
    first = key.read_bytes()
    assert bench()["changed"]
    assert key.read_bytes() != first
    assert not bench()["changed"]


def test_chain(tmp_path: pathlib.Path) -> None:
    CertificateAuthority.create(
        tmp_path / "ca", passphrase=PASSPHRASE, common_name="R", key_type="ecdsa", intermediate_common_name="I"
    )
    chain = tmp_path / "chain.pem"
    options = {
        "authority_directory": str(tmp_path / "ca"),
        "authority_passphrase": PHRASE,
        "certificate_path": str(tmp_path / "c.pem"),
        "chain_path": str(chain),
        "private_key_path": str(tmp_path / "c.key"),
        "key_type": "ecdsa",
        "subject_alt_name": ["cam"],
    }
    assert run("certificate", **options)["changed"]
    good = chain.read_text()
    assert openssl("verify", "-x509_strict", "-CAfile", tmp_path / "ca/root.pem", "-untrusted", chain, chain)
    assert not run("certificate", **options)["changed"]
    chain.unlink()
    mended = run("certificate", **options)
    assert [step["id"] for step in mended["plan"]] == ["write_chain"]
    assert chain.read_text() == good
    assert not run("certificate", **options)["changed"]


def test_no_endless_renewal_when_the_authority_ends(tmp_path: pathlib.Path) -> None:
    CertificateAuthority.create(
        tmp_path / "ca", passphrase=PASSPHRASE, common_name="R", key_type="ecdsa", lifetime_days=20
    )
    options = {
        "authority_directory": str(tmp_path / "ca"),
        "authority_passphrase": PHRASE,
        "certificate_path": str(tmp_path / "c.pem"),
        "private_key_path": str(tmp_path / "c.key"),
        "key_type": "ecdsa",
        "subject_alt_name": ["cam"],
    }
    first = run("certificate", **options)
    assert "ends with the authority" in first["warnings"][0]
    again = run("certificate", **options)
    assert not again["changed"]
    assert "A new one would end no later, since the authority ends on" in again["warnings"][0]


def test_bad_input_is_one_sentence(bench: Bench) -> None:
    csr = request(bench.home)
    path = str(csr)
    weak = bench.home / "weak.csr"
    (bench.home / "w").mkdir()
    weak.write_text(request(bench.home / "w", "rsa:1024").read_text())
    torn = bench.home / "torn.csr"
    torn.write_text("")
    key = bench.home / "device.key"
    cases: list[tuple[dict[str, t.Any], str]] = [
        ({"request_path": path, "authority_passphrase": "wrong horse"}, "found a wrong passphrase"),
        ({"request_path": path, "authority_passphrase": None}, "authority_passphrase: found none"),
        ({"request_path": str(weak)}, "found RSA 1024"),
        ({"request_path": str(torn)}, "found nothing (empty)"),
        ({"request_path": str(bench.home)}, "found is a directory"),
        ({"request_path": str(bench.home / "none")}, "found no such file"),
        ({"request_path": str(key)}, "found a private key, expected exactly one certificate request"),
        ({"request_path": path, "subject_alt_name": ["fe80::1%eth0"]}, "expected an IPv6 address without a zone"),
        ({"request_path": path, "subject_alt_name": []}, "found none, expected at least one address"),
        ({"request_path": path, "renew_before": 397}, "or every run would renew"),
        ({"request_path": path, "common_name": "x" * 65}, "found 65 characters"),
        ({"request_path": path, "lifetime_days": 40000}, "lifetime_days: found 40000"),
        ({"request_path": path, "certificate_path": str(key)}, "found a private key, expected exactly one certificate"),
        ({"request_path": path, "certificate_path": str(torn)}, "found nothing (empty), expected exactly one cert"),
        ({"request_path": path, "authority_directory": "/none"}, "found no complete authority"),
        ({"private_key_path": str(bench.certificate)}, "found the same file twice"),
        ({"private_key_path": path}, "expected mode 0600"),
        ({"request_path": path, "request_content": "x"}, "mutually exclusive"),
        ({}, "one of the following is required"),
    ]
    csr.chmod(0o644)
    for options, sentence in cases:
        assert sentence in bench.message(**options)
    assert bench.authority.ledger.certificates() == []


def test_certificate_info(bench: Bench) -> None:
    key = bench.home / "cam011.key"
    issued = bench(private_key_path=str(key), key_type="ecdsa")
    full = {
        "certificate_path": str(bench.certificate),
        "private_key_path": str(key),
        "address": "192.0.2.11",
        "authority_directory": str(bench.home / "ca"),
    }
    good = run("certificate_info", **full, on_problem="fail")
    assert good["problems"] == []
    assert good["certificate"]["sha256"] == issued["certificate"]["sha256"]
    assert good["days_left"] == 396
    assert good["ledger_entry"]["device"] == "cam011"
    assert good["private_key"]["key_type"] == "ecdsa"
    request(bench.home)
    (bench.home / "device.key").chmod(0o600)
    cases = [
        ({"address": "192.0.2.12"}, "found IP:192.0.2.11, expected a subject alternative name for 192.0.2.12"),
        ({"at": "2001-01-01T00:00:00Z"}, "found not valid before"),
        ({"at": "2199-01-01T00:00:00Z"}, "found expired on"),
        ({"private_key_path": str(bench.home / "device.key")}, "does not fit the private key"),
    ]
    for change, sentence in cases:
        told = run("certificate_info", **{**full, **change})
        assert sentence in told["problems"][0]
        failed = run("certificate_info", **{**full, **change}, on_problem="fail")
        assert failed["msg"] == told["problems"][0]
    for change, sentence in [
        ({"certificate_path": str(key)}, "found a private key, expected exactly one certificate"),
        ({"at": "today"}, "expected an instant with a time zone"),
        ({"at": "2026-01-01T00:00:00"}, "expected an instant with a time zone"),
        ({"private_key_path": str(bench.certificate)}, "expected mode 0600"),
    ]:
        assert sentence in run("certificate_info", **{**full, **change})["msg"]
    listed = run("certificate_authority_info", authority_directory=str(bench.home / "ca"), device="cam011")
    assert [entry["sha256"] for entry in listed["issued"]] == [good["certificate"]["sha256"]]
    assert listed["contacts"] == []


def test_playbook(tmp_path: pathlib.Path) -> None:
    common = {"authority_directory": str(tmp_path / "ca"), "authority_passphrase": PHRASE}
    authority = {"camsec.fleet.certificate_authority": {**common, "common_name": "Fleet Root", "key_type": "ecdsa"}}
    certificate = {
        "camsec.fleet.certificate": {
            **common,
            "private_key_path": str(tmp_path / "c.key"),
            "certificate_path": str(tmp_path / "c.pem"),
            "subject_alt_name": ["192.0.2.11"],
            "key_type": "ecdsa",
        }
    }
    wrong = {"camsec.fleet.certificate_authority": {**common, "common_name": "Other"}}
    info = {"camsec.fleet.certificate_info": {"certificate_path": str(tmp_path / "c.key")}}
    tasks = [authority, certificate, certificate, wrong, info, {"camsec.fleet.certificate_authority_info": {
        "authority_directory": str(tmp_path / "ca")}}]  # fmt: skip
    results, printed = play(tmp_path, [dict(task) for task in tasks], "--diff")
    assert [result.get("changed") for result in results] == [True, True, False, False, False, False]
    assert [bool(result.get("failed", "msg" in result)) for result in results] == [False] * 3 + [True] * 2 + [False]
    assert results[3]["error"]["subject"] == "common_name of the certificate authority"
    assert results[5]["issued"][0]["device"] == "192.0.2.11"
    assert PHRASE not in printed
    assert "PRIVATE KEY" not in printed


@pytest.mark.parametrize(
    "name",
    [
        "certificate",
        "certificate_authority",
        "certificate_authority_info",
        "certificate_info",
        "certificate_revocation",
        "certificate_revocation_list",
        "tls_endpoint_info",
    ],
)
def test_documentation_and_specification_name_the_same_options(name: str) -> None:
    module = importlib.import_module(f"{MODULES}.{name}")
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    shared = {"authority_directory", "authority_passphrase"}
    assert set(documented) | shared >= set(module.SPEC.argument_spec)
    assert set(documented) <= set(module.SPEC.argument_spec)
    for option, text in documented.items():
        spec = module.SPEC.argument_spec[option]
        for key in ("type", "choices", "default", "elements"):
            if key in text or key in spec:
                assert text.get(key) == spec.get(key), (option, key)
    for task in yaml.safe_load(module.EXAMPLES):
        for key, options in task.items():
            if key.startswith("camsec.fleet."):
                used = importlib.import_module(f"{MODULES}.{key.rsplit('.', 1)[1]}").SPEC.argument_spec
                assert set(options) <= set(used)
