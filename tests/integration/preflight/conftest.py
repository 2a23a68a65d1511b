# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's FTP servers with certificates of a small PKI: root, intermediate, RSA and ECDSA."""

from __future__ import annotations

import dataclasses as dc
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import types
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
ADDRESS = "127.61.8.1"
_PICKED = re.compile(r"Cipher is ([A-Z0-9_-]+)")


def _load() -> types.ModuleType:
    path = ROOT / "tests" / "support" / "real_ftp.py"
    name = "camsec_test_real_ftp_preflight"
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


def openssl(*arguments: str | pathlib.Path, check: bool = True) -> str:
    done = subprocess.run(
        ["openssl", *map(str, arguments)], input="", capture_output=True, text=True, timeout=60, check=False
    )
    if check and done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout + done.stderr


@dc.dataclass(frozen=True, kw_only=True)
class Pki:
    """Files: the card's root, a chain and a key for each kind, and a chain without its intermediate."""

    card: pathlib.Path
    chains: t.Mapping[str, pathlib.Path]
    keys: t.Mapping[str, pathlib.Path]
    incomplete: pathlib.Path


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    home = tmp_path_factory.mktemp("pki")

    def issue(name: str, issuer: str, extensions: str, *key: str) -> None:
        (home / f"{name}.ext").write_text(extensions)
        openssl("req", "-new", "-newkey", *key, "-nodes", "-keyout", home / f"{name}.key", "-out", home / f"{name}.csr",
                "-subj", f"/CN={name}")  # fmt: skip
        openssl("x509", "-req", "-in", home / f"{name}.csr", "-CA", home / f"{issuer}.pem",
                "-CAkey", home / f"{issuer}.key", "-CAcreateserial", "-days", "60", "-extfile", home / f"{name}.ext",
                "-out", home / f"{name}.pem")  # fmt: skip

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", home / "root.key", "-out", home / "root.pem",
            "-days", "60", "-subj", "/CN=root")  # fmt: skip
    issue("intermediate", "root", "basicConstraints=critical,CA:TRUE\n", "rsa:2048")
    names = f"subjectAltName=IP:{ADDRESS}\n"
    issue("rsa", "intermediate", names, "rsa:2048")
    issue("ecdsa", "intermediate", names, "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    above = (home / "intermediate.pem").read_text()
    for kind in ("rsa", "ecdsa"):
        (home / f"{kind}.chain.pem").write_text((home / f"{kind}.pem").read_text() + above)
    return Pki(
        card=home / "root.pem",
        chains={kind: home / f"{kind}.chain.pem" for kind in ("rsa", "ecdsa")},
        keys={kind: home / f"{kind}.key" for kind in ("rsa", "ecdsa")},
        incomplete=home / "rsa.pem",
    )


@dc.dataclass(frozen=True, kw_only=True)
class Tools:
    """The helpers of this file, for tests that cannot import it."""

    real: types.ModuleType
    run: t.Callable[..., subprocess.CompletedProcess[str]]
    taken_by_openssl: t.Callable[[int, t.Iterable[str]], set[str]]
    address: str = ADDRESS
    root: pathlib.Path = ROOT

    def server(self, kind: str, **options: t.Any) -> t.Any:
        """A server, or a skip that says loudly why there is none."""
        reason = self.real.unavailable(kind)
        if reason is not None:
            print(f"SKIPPED: {reason}", file=sys.stderr)
            pytest.skip(reason)
        if kind == "proftpd" and options["certificate"].name.endswith(".chain.pem"):
            # It sends nothing but the first certificate of its file; what is above stands in a file of its own.
            options["extra"] = [*options.get("extra", ()), f"TLSCertificateChainFile {options['certificate']}"]
        return self.real.RealFtpServer(kind=kind, host=ADDRESS, **options)


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "ansible_collections.camsec.fleet.extensions.uploader", *arguments],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def _taken_by_openssl(port: int, names: t.Iterable[str]) -> set[str]:
    """Of these OpenSSL names those with which `openssl s_client` completes a TLS 1.2 handshake."""
    found = set()
    for name in names:
        told = openssl("s_client", "-starttls", "ftp", "-connect", f"{ADDRESS}:{port}", "-tls1_2",
                       "-cipher", f"{name}:@SECLEVEL=0", check=False)  # fmt: skip
        match = _PICKED.search(told)
        if match is not None and match[1] == name:
            found.add(name)
    return found


@pytest.fixture(scope="session")
def tools() -> Tools:
    return Tools(real=_load(), run=_run, taken_by_openssl=_taken_by_openssl)
