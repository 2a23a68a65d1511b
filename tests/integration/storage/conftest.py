# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers for the camera's card and the simulated camera: OpenSSH's SFTP, vsftpd, proftpd, pure-ftpd."""

from __future__ import annotations

import dataclasses as dc
import importlib
import importlib.util
import json
import pathlib
import subprocess
import sys
import types
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker

MODULES = "ansible_collections.camsec.fleet.plugins.modules"
SUPPORT = pathlib.Path(__file__).resolve().parents[2] / "support" / "real_ftp.py"
Result = dict[str, t.Any]


def _load() -> types.ModuleType:
    name = "camsec_test_real_ftp"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, SUPPORT)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def real() -> types.ModuleType:
    """The harness of real servers."""
    return _load()


@pytest.fixture
def need(real: types.ModuleType) -> t.Callable[[str], None]:
    """Skip loudly where a kind of server cannot run."""

    def check(kind: str) -> None:
        reason = real.unavailable(kind)
        if reason is not None:
            pytest.skip(f"SKIPPED: {reason}")

    return check


@dc.dataclass(frozen=True, kw_only=True)
class Pki:
    """A root, and a certificate of each kind for one address."""

    folder: pathlib.Path
    root: pathlib.Path
    host: str

    def pair(self, kind: str) -> tuple[pathlib.Path, pathlib.Path]:
        return self.folder / f"{kind}.pem", self.folder / f"{kind}.key"


def make_pki(folder: pathlib.Path, host: str, name: str = "Studio Root", days: str = "30") -> Pki:
    def openssl(*arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)

    root, key = folder / "root.pem", folder / "root.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "100", "-addext",
            "keyUsage=critical,keyCertSign,cRLSign", "-keyout", key, "-out", root)  # fmt: skip
    (folder / "ext.cnf").write_text(
        f"basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=IP:{host}\n"
    )
    for kind, new in (("rsa", ["rsa:2048"]), ("ecdsa", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])):
        openssl("req", "-new", "-newkey", *new, "-nodes", "-subj", f"/CN={host}", "-keyout", folder / f"{kind}.key",
                "-out", folder / "new.csr")  # fmt: skip
        openssl("x509", "-req", "-in", folder / "new.csr", "-CA", root, "-CAkey", key, "-days", days, "-extfile",
                folder / "ext.cnf", "-out", folder / f"{kind}.pem")  # fmt: skip
    return Pki(folder=folder, root=root, host=host)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("pki"), "127.64.1.1")


@pytest.fixture(scope="session")
def other_pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("other"), "127.64.1.1", "Other Root")


@pytest.fixture(scope="session")
def run() -> t.Callable[..., Result]:
    """Run a module as the worker does."""

    def call(module: str, *, check: bool = False, **options: t.Any) -> Result:
        spec = importlib.import_module(f"{MODULES}.{module}").SPEC
        result = run_in_worker(spec, options, check_mode=check)
        assert "PRIVATE KEY" not in json.dumps(result)
        return result

    return call
