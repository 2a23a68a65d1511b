# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of fast cameras, each test with its own; an outside CA that is openssl's; openssl and curl as judges."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import datetime as dt
import importlib
import ipaddress
import pathlib
import subprocess
import threading
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._spec import CameraSpec, Fleet
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

PASSWORD = "Kamera-Geheimnis-7"
PASSPHRASE = "Siegel-Geheimnis-9"
HTTP, HTTPS = 8080, 8443
CAMERAS = 220
#: Device seconds in a real one: a key takes 0.06 s and what the processor needs, a switch 0.01 s, a restart 0.06 s.
SPEED = 2000.0


def run(*command: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run somebody else's program."""
    return subprocess.run(command, input=data, capture_output=True, text=True, timeout=60, check=False)


def must(*command: str, data: str | None = None) -> str:
    done = run(*command, data=data)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@dc.dataclass(frozen=True, kw_only=True)
class Rig:
    """One camera of the simulator, the modules that are run on it, and the judges."""

    sim: RunningSimulator
    spec: CameraSpec
    folder: pathlib.Path

    @property
    def host(self) -> str:
        return self.spec.address

    @property
    def state(self) -> t.Any:
        """The simulated camera's own state, only read."""
        return self.sim.camera(self.spec.name).state

    def options(self, **more: t.Any) -> dict[str, t.Any]:
        common = {
            "host": self.host,
            "http_port": HTTP,
            "https_port": HTTPS,
            "username": self.spec.username,
            "password": PASSWORD,
            "first_contact": "plain_http",
            "timeout": 2,
            "key_timeout": 30,
            "switch_timeout": 3,
        }
        return {**common, **more}

    def run(self, module: str, *, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """The module as the worker runs it."""
        source = importlib.import_module(f"ansible_collections.camsec.fleet.plugins.modules.{module}")
        result = run_in_worker(source.SPEC, self.options(**options), check_mode=check_mode)
        assert PASSWORD not in str(result)
        assert PASSPHRASE not in str(result)
        return result

    def good(self, module: str, **options: t.Any) -> dict[str, t.Any]:
        result = self.run(module, **options)
        assert not result.get("failed"), result
        return result

    def bad(self, module: str, **options: t.Any) -> dict[str, t.Any]:
        """A task that fails with one sentence and changes nothing unless said otherwise."""
        result = self.run(module, **options)
        assert result.get("failed"), result
        assert self.host in result["msg"] or result["error"]["device"] in result["msg"]
        assert ": found " in result["msg"]
        assert ", expected " in result["msg"]
        assert "Traceback" not in result["msg"]
        return result

    def planned(self, module: str, **options: t.Any) -> dict[str, t.Any]:
        """The module in check mode, on a simulator that refuses every write and counts what it refused."""
        self.sim.control("/read_only", "POST", {"enabled": True})
        try:
            return self.good(module, check_mode=True, **options)
        finally:
            assert self.sim.control("/read_only")["refused"] == 0
            self.sim.control("/read_only", "POST", {"enabled": False})

    def fault(self, kind: str, **more: t.Any) -> None:
        self.sim.control(f"/devices/{self.spec.name}/fault", "POST", {"kind": kind, **more})

    def clear_faults(self) -> None:
        self.sim.control(f"/devices/{self.spec.name}/fault", "DELETE")

    def act(self, action: str) -> None:
        self.sim.control(f"/devices/{self.spec.name}/{action}", "POST", {})

    def set(self, **changes: t.Any) -> None:
        self.sim.control(f"/devices/{self.spec.name}/set", "POST", changes)

    def log(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.sim.control(f"/devices/{self.spec.name}/requests"))

    def forget(self) -> None:
        self.sim.control(f"/devices/{self.spec.name}/requests", "DELETE")

    @contextlib.contextmanager
    def when(self, condition: t.Callable[[], bool], action: t.Callable[[], None]) -> t.Iterator[None]:
        """Do something in the middle of what the block does, as soon as the condition holds."""
        end = time.monotonic() + 30
        done: list[bool] = []

        def watch() -> None:
            while time.monotonic() < end and not done:
                if condition():
                    done.append(True)
                    action()
                time.sleep(0.002)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
            assert done, "it did not come to pass"
        finally:
            done.append(True)
            thread.join()

    # -- the judges ----------------------------------------------------------------------------------------------

    def shown(self, port: int = HTTPS) -> str:
        """The certificate that openssl gets from the camera, PEM."""
        done = run("openssl", "s_client", "-connect", f"{self.host}:{port}", data="")
        assert "-----BEGIN CERTIFICATE-----" in done.stdout, done.stderr
        return must("openssl", "x509", data=done.stdout)

    def field(self, name: str, port: int = HTTPS) -> str:
        return must("openssl", "x509", "-noout", f"-{name}", data=self.shown(port)).strip()

    def key(self, port: int = HTTPS) -> str:
        return must("openssl", "x509", "-noout", "-pubkey", data=self.shown(port))

    def verified(self, ca: str | pathlib.Path, port: int = HTTPS) -> bool:
        path = self.folder / "shown.pem"
        path.write_text(self.shown(port))
        done = run("openssl", "verify", "-x509_strict", "-CAfile", str(ca), "-verify_ip", self.host, str(path))
        return done.returncode == 0

    def curl(self, url: str, *more: str) -> subprocess.CompletedProcess[str]:
        login = ("--digest", "--user", f"{self.spec.username}:{PASSWORD}", "--noproxy", "*")
        return run("curl", "--silent", "--show-error", "--max-time", "5", *login, *more, url)

    def answers_http(self) -> bool:
        done = self.curl(f"http://{self.host}:{HTTP}/cgi-bin/get_https")
        return "live=http\n" in done.stdout.replace("\r", "")

    def answers_https(self, ca: str | pathlib.Path, port: int = HTTPS) -> bool:
        done = self.curl(f"https://{self.host}:{port}/cgi-bin/get_https", "--cacert", str(ca))
        return "live=https\n" in done.stdout.replace("\r", "")


@pytest.fixture(scope="session")
def sim() -> t.Iterator[RunningSimulator]:
    base = own_base_address(1)[:-2]
    cameras = [
        CameraSpec(name=f"cam{n:03}", address=f"{base}.{n}", http_port=HTTP, https_port=443, password=PASSWORD)
        for n in range(1, CAMERAS + 1)
    ]
    with RunningSimulator(Fleet(cameras=tuple(cameras)), speed=SPEED) as running:
        for camera in cameras:
            # At this speed a nonce would last 0.15 s, and an upload under a stale one loses its connection.
            running.camera(camera.name).gate.lifetime = 1e9
        yield running


@pytest.fixture(scope="session")
def unused(sim: RunningSimulator) -> t.Iterator[CameraSpec]:
    return iter(sim.fleet.cameras)


@pytest.fixture
def new_rig(
    sim: RunningSimulator, unused: t.Iterator[CameraSpec], tmp_path_factory: pytest.TempPathFactory
) -> t.Callable[[], Rig]:
    def make() -> Rig:
        return Rig(sim=sim, spec=next(unused), folder=tmp_path_factory.mktemp("judge"))

    return make


@pytest.fixture
def rig(new_rig: t.Callable[[], Rig]) -> Rig:
    """A camera fresh from the factory."""
    return new_rig()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.create(
        tmp_path_factory.mktemp("ca") / "own", passphrase=Secret(PASSPHRASE), common_name="Our CA", key_type="ecdsa"
    )


@pytest.fixture(scope="session")
def ours(authority: CertificateAuthority) -> dict[str, t.Any]:
    """The options by which a task uses our authority."""
    return {"authority_directory": str(authority.directory), "authority_passphrase": PASSPHRASE}


@dc.dataclass(frozen=True, kw_only=True)
class OutsideCA:
    """A certificate authority that openssl keeps."""

    folder: pathlib.Path

    @property
    def trusted(self) -> str:
        return str(self.folder / "root.pem")

    def sign(self, csr: str, *names: str, days: int = 90) -> str:
        """A certificate for a CSR; `names` as openssl writes them (IP:..., DNS:...)."""
        extensions = self.folder / "leaf.cnf"
        extensions.write_text(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
            "extendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
            + (f"subjectAltName={','.join(names)}\n" if names else "")
        )
        ca = ["-CA", self.trusted, "-CAkey", str(self.folder / "root.key")]
        return must("openssl", "x509", "-req", *ca, "-days", str(days), "-extfile", str(extensions), data=csr)

    def sign_for(self, csr: str, address: str, begin: dt.datetime, end: dt.datetime) -> str:
        """A certificate of another time: `openssl x509` learned that with 3.4 only."""
        root = x509.load_pem_x509_certificate((self.folder / "root.pem").read_bytes())
        key = serialization.load_pem_private_key((self.folder / "root.key").read_bytes(), None)
        request = x509.load_pem_x509_csr(csr.encode())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        made = (
            x509.CertificateBuilder(root.subject, request.subject, request.public_key(), x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(names, critical=False)
            .sign(t.cast("t.Any", key), hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> OutsideCA:
    folder = tmp_path_factory.mktemp("outside")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(folder / "root.key")]
    extensions = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    must(
        "openssl", "req", "-x509", *key, "-subj", "/CN=Outside CA", "-days", "3650", *extensions,
        "-out", str(folder / "root.pem"),
    )  # fmt: skip
    return OutsideCA(folder=folder)
