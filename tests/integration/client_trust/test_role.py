# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role `client_trust` with Debian's `update-ca-certificates` on folders of its own, judged by openssl and curl."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = pathlib.Path(__file__).resolve().parents[3]
ADDRESS = "127.77.0.1"


def openssl(*arguments: str, cwd: pathlib.Path) -> str:
    done = subprocess.run(["openssl", *arguments], cwd=cwd, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def _collections() -> dict[str, str]:
    """This checkout, unless an installed wheel is tested."""
    installed = os.environ.get("CAMSEC_TEST_INSTALLED") == "1"
    return {} if installed else {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".dev")}


@dc.dataclass(frozen=True, kw_only=True)
class Authority:
    """A root that openssl made, and a server's certificate below it."""

    folder: pathlib.Path
    name: str

    @classmethod
    def make(cls, folder: pathlib.Path, name: str) -> Authority:
        subject = ["-subj", f"/CN={name}"]
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *curve, "-keyout", f"{name}.key", "-out", f"{name}.pem", *subject, cwd=folder)
        openssl("req", *curve, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=server", cwd=folder)
        (folder / "leaf.ext").write_text(f"subjectAltName=IP:{ADDRESS}\nbasicConstraints=CA:FALSE\n")
        openssl(
            "x509", "-req", "-in", "leaf.csr", "-CA", f"{name}.pem", "-CAkey", f"{name}.key", "-extfile", "leaf.ext",
            "-out", f"{name}-leaf.pem", "-days", "2", cwd=folder,
        )  # fmt: skip
        shutil.move(folder / "leaf.key", folder / f"{name}-leaf.key")
        return cls(folder=folder, name=name)

    @property
    def root(self) -> pathlib.Path:
        return self.folder / f"{self.name}.pem"

    @property
    def leaf(self) -> pathlib.Path:
        return self.folder / f"{self.name}-leaf.pem"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.root.read_text())).hexdigest()

    @property
    def file_name(self) -> str:
        return f"camsec-{self.sha256[:16]}.crt"

    @contextlib.contextmanager
    def server(self) -> t.Iterator[int]:
        """`openssl s_server` with the server's certificate."""
        with socket.socket() as probe:
            probe.bind((ADDRESS, 0))
            port = probe.getsockname()[1]
        command = ["openssl", "s_server", "-accept", f"{ADDRESS}:{port}", "-www", "-cert", str(self.leaf)]
        command += ["-key", str(self.folder / f"{self.name}-leaf.key"), "-quiet"]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            end = time.monotonic() + 20
            while time.monotonic() < end:
                with contextlib.suppress(OSError), socket.create_connection((ADDRESS, port), timeout=1):
                    break
                time.sleep(0.05)
            yield port
        finally:
            process.kill()
            process.wait()


@dc.dataclass(frozen=True, kw_only=True)
class Client:
    """A client's folders, below one of the test's."""

    folder: pathlib.Path
    variables: dict[str, t.Any]

    @property
    def local(self) -> pathlib.Path:
        return self.folder / "local"

    @property
    def bundle(self) -> pathlib.Path:
        return pathlib.Path(self.variables["client_trust_bundle_path"])

    def play(
        self, *arguments: str, hosts: t.Mapping[str, t.Mapping[str, t.Any]] | None = None, **variables: t.Any
    ) -> subprocess.CompletedProcess[str]:
        """Run the playbook for one client, or for several that share these folders and have variables of their own."""
        given = {**variables, "ansible_python_interpreter": sys.executable}
        given |= {"camsec_client_trust_become": False}
        inventory = self.folder / "inventory.json"
        desks = {
            name: {"ansible_connection": "local", **self.variables, **own}
            for name, own in (hosts or {"desk": {}}).items()
        }
        inventory.write_text(json.dumps({"camsec_clients": {"hosts": desks}}))
        return subprocess.run(
            [
                str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory),
                "-e", json.dumps(given), *arguments, "camsec.fleet.client_trust",
            ],
            capture_output=True, text=True, timeout=120, check=False, cwd=self.folder,
            env={
                **os.environ,
                **_collections(),
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_HOME": str(self.folder / "ansible"),
            },
        )  # fmt: skip

    def changed(self, *arguments: str, **variables: t.Any) -> int:
        done = self.play(*arguments, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        match = re.search(r"changed=(\d+)", done.stdout)
        assert match is not None
        return int(match[1])

    def files(self) -> dict[str, str]:
        """All that the client has of certificates."""
        return {
            str(path.relative_to(self.folder)): path.read_text() if path.is_file() else "gone"
            for name in ("local", "etc", "usr")
            for path in sorted((self.folder / name).rglob("*"))
            if not path.is_dir()
        }

    def trusts(self, authority: Authority) -> bool:
        """Whether openssl and curl, which have to agree, trust a server of this authority by the client's bundle."""
        verify = ["openssl", "verify", "-no-CApath", "-CAfile", str(self.bundle), str(authority.leaf)]
        by_openssl = subprocess.run(verify, capture_output=True, check=False, timeout=60).returncode == 0
        with authority.server() as port:
            fetch = ["curl", "-sS", "--noproxy", "*", "--cacert", str(self.bundle), f"https://{ADDRESS}:{port}/"]
            by_curl = subprocess.run(fetch, capture_output=True, check=False, timeout=60).returncode == 0
        assert by_openssl == by_curl
        return by_openssl


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("site"), "site-root")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("other"), "other-root")


@pytest.fixture
def debian(tmp_path: pathlib.Path, other: Authority) -> Client:
    """A Debian client that trusts another authority already, by its own package."""
    program = shutil.which("update-ca-certificates", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        pytest.skip("update-ca-certificates is not installed")
    for name in ("local", "etc", "usr", "hooks"):
        (tmp_path / name).mkdir()
    shutil.copy(other.root, tmp_path / "usr" / "other.crt")
    (tmp_path / "ca-certificates.conf").write_text("# of this test\nother.crt\n")
    options = {"certsconf": "ca-certificates.conf", "certsdir": "usr", "localcertsdir": "local", "etccertsdir": "etc"}
    options |= {"hooksdir": "hooks"}
    command = [program, *(word for name, path in options.items() for word in (f"--{name}", str(tmp_path / path)))]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return Client(
        folder=tmp_path,
        variables={
            "client_trust_family": "Debian",
            "client_trust_directory": str(tmp_path / "local"),
            "client_trust_update_command": command,
            "client_trust_bundle_path": str(tmp_path / "etc" / "ca-certificates.crt"),
        },
    )


def test_a_root_comes_stays_and_goes(debian: Client, site: Authority, other: Authority) -> None:
    wanted = {"camsec_client_trust_paths": [str(site.root)]}
    foreign = debian.local / "of-somebody-else.crt"
    shutil.copy(other.root, foreign)
    before = debian.files()
    assert not debian.trusts(site)

    dry = debian.play("--check", "--diff", **wanted)
    assert dry.returncode == 0, dry.stdout
    assert "changed=2" in dry.stdout
    assert "+-----BEGIN CERTIFICATE-----" in dry.stdout
    assert debian.files() == before

    assert [debian.changed(**wanted) for dummy in range(2)] == [2, 0]
    assert debian.trusts(site)
    assert debian.trusts(other)

    # Cut off between the files and the store: the next run mends it, and a rehearsal says so.
    debian.bundle.write_text(other.root.read_text())
    assert debian.changed("--check", **wanted) == 1
    assert debian.changed(**wanted) == 1
    assert debian.trusts(site)

    colons = ":".join(re.findall("..", site.sha256.upper()))
    gone: dict[str, t.Any] = {"camsec_client_trust_paths": [], "camsec_client_trust_absent": [colons]}
    assert debian.changed("--check", **gone) == 2
    assert (debian.local / site.file_name).is_file()
    assert [debian.changed(**gone) for dummy in range(2)] == [2, 0]
    assert not debian.trusts(site)
    assert debian.trusts(other)
    assert foreign.is_file()
    # Nor is a link left of what /etc/ssl/certs had of it.
    assert [path for path in (debian.folder / "etc").iterdir() if not path.exists()] == []


def test_what_somebody_else_installed_is_not_taken_out_but_named(debian: Client, site: Authority) -> None:
    shutil.copy(site.root, debian.local / "by-hand.crt")
    subprocess.run(debian.variables["client_trust_update_command"], check=True, capture_output=True, timeout=60)
    done = debian.play(camsec_client_trust_paths=[], camsec_client_trust_absent=[site.sha256])
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert f"found the certificate with the SHA-256 {site.sha256} still, by a file that is not this role's" in said
    assert (debian.local / "by-hand.crt").is_file()
    assert debian.trusts(site)


def test_bad_input_reaches_no_client(debian: Client, site: Authority, tmp_path: pathlib.Path) -> None:
    key = (site.folder / "site-root.key").read_text()
    ended, with_key, garbage = tmp_path / "ended.pem", tmp_path / "with-key.pem", tmp_path / "garbage.pem"
    ended.write_bytes(_ended_root())
    with_key.write_text(site.root.read_text() + key)
    garbage.write_bytes(b"\x00\xff no certificate")
    good = str(site.root)
    sources = {
        "leaf": (site.leaf, "found CN=server, which is no certificate authority, expected a valid certificate of an"),
        "ended": (ended, "found CN=ended-root, which ended on 2021-01-01T00:00:00Z"),
        "with_key": (with_key, "found a private key among other things, expected exactly one certificate in PEM"),
        "garbage": (garbage, "found no PEM block"),
        "missing": (tmp_path / "missing.pem", "found no such file"),
    }
    hosts: dict[str, dict[str, t.Any]] = {
        name: {"camsec_client_trust_paths": [good, str(path)]} for name, (path, dummy) in sources.items()
    }
    sentences = [f"{path}: trusted certificate: {sentence}" for path, sentence in sources.values()]
    hosts["both"] = {"camsec_client_trust_paths": [good], "camsec_client_trust_absent": [site.sha256]}
    sentences.append("CN=site-root both to be trusted and to be removed")
    hosts["short"] = {"camsec_client_trust_paths": [], "camsec_client_trust_absent": ["abc"]}
    sentences.append("found 'abc', expected its SHA-256, 64 hexadecimal digits")
    hosts["other_kind"] = {"camsec_client_trust_paths": [good], "client_trust_family": "Slackware"}
    sentences.append("other_kind: family: found Slackware, expected Debian or RedHat.")
    hosts["nowhere"] = {"camsec_client_trust_paths": [good], "client_trust_directory": str(tmp_path / "nowhere")}
    sentences.append("nowhere: found no such folder, expected the one of the package ca-certificates.")
    nowhere = str(tmp_path / "openssl")
    hosts["no_openssl"] = {"camsec_client_trust_paths": [good], "client_trust_openssl": nowhere}
    sentences.append(f"no_openssl: {nowhere}: found no such program that runs, expected the one of the package openssl")
    hosts["nothing"] = {}
    sentences.append("client trust: certificates: found none to trust and none to remove")
    before = debian.files()
    done = debian.play("-vvv", "--forks", "2", hosts=hosts)
    assert len(re.findall(r"changed=0 .* failed=1 ", done.stdout)) == len(hosts)
    said = " ".join((done.stdout + done.stderr).split())
    assert [sentence for sentence in sentences if sentence not in said] == []
    assert "Traceback" not in said
    assert key.splitlines()[1] not in said
    assert debian.files() == before


def _ended_root() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ended-root")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_red_hat_files_and_command_line(tmp_path: pathlib.Path, site: Authority) -> None:
    """`update-ca-trust` is not here: a stand-in takes `extract` and nothing else, and makes one bundle of the files."""
    for name in ("local", "etc", "usr"):
        (tmp_path / name).mkdir()
    bundle = tmp_path / "etc" / "tls-ca-bundle.pem"
    stand_in = tmp_path / "update-ca-trust"
    stand_in.write_text(
        f'#!/bin/sh\n[ "$*" = extract ] || exit 2\ncat {tmp_path}/local/*.crt 2>/dev/null > {bundle}\nexit 0\n'
    )
    stand_in.chmod(0o755)
    client = Client(
        folder=tmp_path,
        variables={
            "client_trust_family": "RedHat",
            "client_trust_directory": str(tmp_path / "local"),
            "client_trust_update_command": [str(stand_in), "extract"],
            "client_trust_bundle_path": str(bundle),
        },
    )
    third = Authority.make(tmp_path, "third-root")
    both = tmp_path / "trusted.pem"
    both.write_text(site.root.read_text() + third.root.read_text())
    # By default trusted.pem of the site's authority, or what a command of the operator's signs below.
    wanted = {"camsec_authority_directory": str(tmp_path), "client_trust_contents": [third.root.read_text()]}
    assert client.changed(**wanted) == 2
    assert {path.name for path in client.local.iterdir()} == {site.file_name, third.file_name}
    assert client.trusts(site)
    assert client.trusts(third)
    others = {"camsec_sign_command": ["sign"], "camsec_ca_path": str(third.root)}
    gone = {**others, "camsec_authority_directory": str(tmp_path), "camsec_client_trust_absent": [site.sha256]}
    assert client.changed(**gone) == 2
    assert not client.trusts(site)
    assert client.trusts(third)
