# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the card share: certificates made by openssl, and one way to run a module."""

from __future__ import annotations

import datetime as dt
import importlib
import json
import pathlib
import subprocess
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker

MODULES = "ansible_collections.camsec.fleet.plugins.modules"
Result = dict[str, t.Any]


def openssl(*arguments: str | pathlib.Path) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Maker:
    """An authority that openssl keeps in a folder."""

    def __init__(self, home: pathlib.Path, name: str) -> None:
        self.home = home / name.replace(" ", "-").lower()
        self.home.mkdir()
        self.path, self._key = self.home / "root.pem", self.home / "root.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", self._key,
                "-out", self.path, "-days", "3650")  # fmt: skip

    @property
    def pem(self) -> str:
        return self.path.read_text()

    @property
    def key_pem(self) -> str:
        return self._key.read_text()

    @property
    def sha256(self) -> str:
        return openssl("x509", "-in", self.path, "-noout", "-fingerprint", "-sha256").split("=")[1].replace(
            ":", "").strip().lower()  # fmt: skip

    def issue(self, name: str, *, ca: bool = False, issuer: tuple[str, str] | None = None) -> tuple[str, str]:
        """Certificate and key of a server, or of an intermediate authority."""
        folder = self.home
        alternative = f"IP:{name}" if name[0].isdigit() else f"DNS:{name}"
        extensions = folder / "ext.cnf"
        extensions.write_text(
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n" if ca
            else f"basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName={alternative}\n"
        )  # fmt: skip
        certificate, key = issuer or (self.pem, self._key.read_text())
        (folder / "issuer.pem").write_text(certificate)
        (folder / "issuer.key").write_text(key)
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", folder / "new.key",
                "-out", folder / "new.csr")  # fmt: skip
        made = openssl("x509", "-req", "-in", folder / "new.csr", "-CA", folder / "issuer.pem", "-CAkey",
                       folder / "issuer.key", "-days", "30", "-extfile", extensions)  # fmt: skip
        return made, (folder / "new.key").read_text()


@pytest.fixture(scope="session")
def makers(tmp_path_factory: pytest.TempPathFactory) -> t.Callable[[str], Maker]:
    """Authorities by name, each made once."""
    home, made = tmp_path_factory.mktemp("makers"), dict[str, Maker]()

    def get(name: str = "Studio Root") -> Maker:
        if name not in made:
            made[name] = Maker(home, name)
        return made[name]

    return get


@pytest.fixture(scope="session")
def run() -> t.Callable[..., Result]:
    """Run a module as the worker does; no private key ever comes back."""

    def call(module: str, *, check: bool = False, **options: t.Any) -> Result:
        spec = importlib.import_module(f"{MODULES}.{module}").SPEC
        result = run_in_worker(spec, options, check_mode=check)
        assert "PRIVATE KEY" not in json.dumps(result)
        return result

    return call


def dated(name: str, begin: str, end: str) -> str:
    """A root that is valid from one day to another; openssl 3.0 has no option for that."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(dt.datetime.fromisoformat(begin))
        .not_valid_after(dt.datetime.fromisoformat(end))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Bench:
    """A folder that stands for a card, and the options of a task."""

    def __init__(self, home: pathlib.Path, run: t.Callable[..., Result]) -> None:
        self._run = run
        self.home = home
        self.card = home / "card"
        self.card.mkdir()
        self.file = self.card / "certification.pem"
        self.ledger = home / "cards.sqlite3"
        self.options: dict[str, t.Any] = {
            "path": str(self.card),
            "require_mount": False,
            "card": "A001",
            "ledger_path": str(self.ledger),
        }

    def __call__(self, *, check: bool = False, **options: t.Any) -> Result:
        return self._run("storage_certificate", check=check, **{**self.options, **options})

    def info(self, **options: t.Any) -> Result:
        return self._run("storage_certificate_info", ledger_path=str(self.ledger), **options)

    def snapshot(self) -> dict[str, bytes]:
        """Every file of the card and the ledger's entries."""
        files = {path.name: path.read_bytes() for path in self.card.iterdir() if path.is_file()}
        if self.ledger.exists():
            files["ledger"] = self.ledger.read_bytes()
        return files

    def message(self, **options: t.Any) -> str:
        """The sentence of a failure, the same in check mode, with nothing written."""
        before = self.snapshot()
        checked, done = self(check=True, **options), self(**options)
        assert done.get("failed"), done
        assert done == checked
        assert self.snapshot() == before
        message: str = done["msg"]
        assert "\n" not in message
        return message


@pytest.fixture
def bench(tmp_path: pathlib.Path, run: t.Callable[..., Result]) -> Bench:
    return Bench(tmp_path, run)
