# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera of each dialect, each test with its own; the same options, the same judges (openssl and curl) for all."""

from __future__ import annotations

import contextlib
import dataclasses as dc
import importlib
import itertools
import json
import pathlib
import subprocess
import threading
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._axis_spec import AxisCameraSpec
from ansible_collections.camsec.fleet.extensions.simulator._onvif_spec import OnvifCameraSpec
from ansible_collections.camsec.fleet.extensions.simulator._spec import CameraSpec, Fleet
from ansible_collections.camsec.fleet.extensions.simulator._sunell_spec import SunellCameraSpec
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

PASSWORD = "Kamera-Geheimnis-7"
PASSPHRASE = "Siegel-Geheimnis-9"
#: The passphrase of the files that hold a key.
FILE_PASSPHRASE = "Schluessel-Wort-5"
HTTP, HTTPS = 8080, 8443
EACH = 90
#: Device seconds in a real one: a restart takes 0.6 s, so that whoever looks sees the camera gone.
SPEED = 100.0
Options = dict[str, t.Any]


def run(*command: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run somebody else's program."""
    return subprocess.run(command, input=data, capture_output=True, text=True, timeout=60, check=False)


@dc.dataclass(frozen=True, kw_only=True)
class Rig:
    """One camera, the modules that are run on it, and the judges."""

    sim: RunningSimulator
    dialect: str
    name: str
    host: str
    folder: pathlib.Path
    #: How a camera fresh from the factory may be met: by plain HTTP, or by HTTPS with a certificate of its maker.
    first_contact: str

    @property
    def device(self) -> t.Any:
        """The simulated camera itself, only read."""
        return self.sim.device(self.name)

    def run(self, module: str, *, check_mode: bool = False, **options: t.Any) -> Options:
        source = importlib.import_module(f"ansible_collections.camsec.fleet.plugins.modules.{module}")
        common = {
            "host": self.host,
            "http_port": HTTP,
            "https_port": HTTPS,
            "username": "admin",
            "password": PASSWORD,
            "first_contact": self.first_contact,
            "driver": self.dialect,
            "timeout": 5,
            "key_timeout": 60,
            "switch_timeout": 20,
        }
        result = run_in_worker(source.SPEC, {**common, **options}, check_mode=check_mode)
        assert PASSWORD not in str(result)
        assert PASSPHRASE not in str(result)
        return result

    def good(self, module: str, **options: t.Any) -> Options:
        result = self.run(module, **options)
        assert not result.get("failed"), result
        return result

    def bad(self, module: str, **options: t.Any) -> Options:
        result = self.run(module, **options)
        assert result.get("failed"), result
        assert result["msg"].startswith(f"{self.host}: ")
        assert ": found " in result["msg"]
        assert ", expected " in result["msg"]
        assert "\n" not in result["msg"]
        return result

    def planned(self, module: str, **options: t.Any) -> Options:
        """The module in check mode, on a simulator that refuses every write and counts what it refused."""
        self.sim.control("/read_only", "POST", {"enabled": True})
        try:
            return self.good(module, check_mode=True, **options)
        finally:
            assert self.sim.control("/read_only")["refused"] == 0
            self.sim.control("/read_only", "POST", {"enabled": False})

    def changes_once(self, module: str, **options: t.Any) -> Options:
        """Planned, done as planned, and then neither again."""
        planned = self.planned(module, **options)
        done = self.good(module, **options)
        assert planned["changed"]
        assert done["changed"]
        assert ids(planned) == ids(done)
        self.unchanged(module, **options)
        return done

    def unchanged(self, module: str, **options: t.Any) -> Options:
        assert not self.planned(module, **options)["changed"]
        self.forget()
        again = self.good(module, **options)
        assert not again["changed"], again["plan"]
        assert again["before"] == again["after"]
        assert self.counts()["writes"] == 0
        return again

    def act(self, action: str) -> None:
        self.sim.control(f"/devices/{self.name}/{action}", "POST", {})

    def set(self, **changes: t.Any) -> None:
        self.sim.control(f"/devices/{self.name}/set", "POST", changes)

    def forget(self) -> None:
        self.sim.control(f"/devices/{self.name}/requests", "DELETE")

    def counts(self) -> dict[str, int]:
        return t.cast("dict[str, int]", self.sim.control(f"/devices/{self.name}/requests")["counts"])

    @contextlib.contextmanager
    def when(self, condition: t.Callable[[], bool], action: t.Callable[[], None]) -> t.Iterator[None]:
        """Do something in the middle of what the block does, as soon as the condition holds."""
        end = time.monotonic() + 60
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
        """What openssl is shown, all certificates of the chain, PEM."""
        done = run("openssl", "s_client", "-showcerts", "-connect", f"{self.host}:{port}", data="")
        assert "-----BEGIN CERTIFICATE-----" in done.stdout, done.stderr
        return done.stdout

    def serial(self, port: int = HTTPS) -> str:
        done = run("openssl", "x509", "-noout", "-serial", data=self.shown(port))
        return done.stdout.strip().removeprefix("serial=").lower().lstrip("0")

    def names(self, port: int = HTTPS) -> str:
        """The subject alternative names, in openssl's words."""
        return run("openssl", "x509", "-noout", "-ext", "subjectAltName", data=self.shown(port)).stdout

    def verified(self, ca: pathlib.Path | str, port: int = HTTPS) -> bool:
        """By the CA and, where the camera sends them, the certificates that come with its own."""
        chain = self.folder / "chain.pem"
        chain.write_text(self.shown(port))
        trust = ("-x509_strict", "-CAfile", str(ca), "-verify_ip", self.host, "-untrusted", str(chain))
        return run("openssl", "verify", *trust, str(chain)).returncode == 0

    def reached(self, scheme: str, port: int, ca: pathlib.Path | str | None = None) -> bool:
        trust = ("--cacert", str(ca)) if ca else ()
        url = f"{scheme}://{self.host}:{port}/"
        done = run("curl", "--silent", "--max-time", "10", "--noproxy", "*", "--output", "/dev/null", *trust, url)
        return done.returncode == 0


@dc.dataclass(frozen=True, kw_only=True)
class Files:
    """A certificate of our authority and the key that was made for it, as files; all made by openssl."""

    chain: pathlib.Path
    key: pathlib.Path
    locked: pathlib.Path
    pkcs12: pathlib.Path
    serial: str

    @classmethod
    def make(cls, folder: pathlib.Path, authority: CertificateAuthority, *hosts: str, kind: str = "RSA") -> Files:
        folder.mkdir()
        names = ("server.pem", "server.key", "locked.key", "server.p12")
        chain, key, locked, pkcs12 = (folder / name for name in names)
        option = "rsa_keygen_bits:2048" if kind == "RSA" else "ec_paramgen_curve:P-256"
        run("openssl", "genpkey", "-algorithm", kind, "-pkeyopt", option, "-out", str(key))
        request = run("openssl", "req", "-new", "-key", str(key), "-subj", f"/CN={hosts[0]}").stdout
        issued = authority.sign_request(
            request,
            passphrase=Secret(PASSPHRASE),
            device=hosts[0],
            subject_alt_names=tuple(f"IP:{host}" for host in hosts),
            lifetime_days=90,
            backdate_hours=24,
        )
        chain.write_text("".join((issued.pem, *issued.issuers_pem)))
        word = ("-passout", f"pass:{FILE_PASSPHRASE}")
        run("openssl", "pkcs8", "-topk8", "-in", str(key), "-out", str(locked), *word)
        run("openssl", "pkcs12", "-export", "-inkey", str(key), "-in", str(chain), "-out", str(pkcs12), *word)
        for path in (key, locked, pkcs12):
            path.chmod(0o600)
        return cls(chain=chain, key=key, locked=locked, pkcs12=pkcs12, serial=issued.facts.serial_number)

    @property
    def as_pem(self) -> Options:
        return {"certificate_path": str(self.chain), "private_key_path": str(self.key)}

    @property
    def as_locked_pem(self) -> Options:
        more = {"private_key_path": str(self.locked), "private_key_passphrase": FILE_PASSPHRASE}
        return {"certificate_path": str(self.chain), **more}

    @property
    def as_pkcs12(self) -> Options:
        return {"pkcs12_path": str(self.pkcs12), "private_key_passphrase": FILE_PASSPHRASE}

    def kept_out_of(self, result: Options) -> None:
        shown = json.dumps(result)
        body = "".join(self.key.read_text().splitlines()[1:-1])
        assert FILE_PASSPHRASE not in shown
        assert "PRIVATE KEY" not in shown
        assert body[40:80] not in shown


def ids(result: Options) -> list[str]:
    return [step["id"] for step in result["plan"]]


Make = t.Callable[[str, str, str], t.Any]
MAKE: t.Final[dict[str, tuple[Make, str]]] = {
    "ipro": (
        lambda name, address, password: CameraSpec(
            name=name, address=address, http_port=HTTP, https_port=443, password=password
        ),
        "plain_http",
    ),
    "onvif": (
        lambda name, address, password: OnvifCameraSpec(
            name=name, address=address, http_port=HTTP, https_port=HTTPS, password=password
        ),
        "plain_http",
    ),
    "sunell": (
        lambda name, address, password: SunellCameraSpec(
            name=name, address=address, http_port=HTTP, https_port=HTTPS, password=password
        ),
        "any_certificate",
    ),
    "axis": (
        lambda name, address, password: AxisCameraSpec(
            name=name,
            address=address,
            http_port=HTTP,
            https_port=HTTPS,
            username="admin",
            password=password,
            key_types=("RSA-2048", "RSA-3072", "EC-P256", "EC-P384"),
        ),
        "any_certificate",
    ),
}


@pytest.fixture(scope="session")
def sim() -> t.Iterator[RunningSimulator]:
    first, second, third, dummy = own_base_address(1).split(".")
    kinds: dict[str, list[t.Any]] = {}
    for net, (dialect, (make, _contact)) in enumerate(MAKE.items(), int(third) + 4):
        places = [(f"{dialect}{n:02}", f"{first}.{second}.{net}.{n}") for n in range(1, EACH + 1)]
        kinds[dialect] = [make(name, address, PASSWORD) for name, address in places]
    fleet = Fleet(
        cameras=tuple(kinds["ipro"]),
        onvif_cameras=tuple(kinds["onvif"]),
        sunell_cameras=tuple(kinds["sunell"]),
        axis_cameras=tuple(kinds["axis"]),
    )
    with RunningSimulator(fleet, speed=SPEED) as running:
        for device in running.simulator.devices.values():
            # At this speed a nonce would last 3 s, and a request under a stale one is sent twice.
            t.cast("t.Any", device).gate.lifetime = 1e9
        yield running


@pytest.fixture(scope="session")
def unused() -> dict[str, t.Iterator[int]]:
    return {dialect: itertools.count() for dialect in MAKE}


@pytest.fixture(params=list(MAKE))
def dialect(request: pytest.FixtureRequest) -> str:
    return t.cast("str", request.param)


@pytest.fixture
def rig(dialect: str, sim: RunningSimulator, unused: dict[str, t.Iterator[int]], tmp_path: pathlib.Path) -> Rig:
    """A camera fresh from the factory, of each dialect in turn."""
    specs = {
        "ipro": sim.fleet.cameras,
        "onvif": sim.fleet.onvif_cameras,
        "sunell": sim.fleet.sunell_cameras,
        "axis": sim.fleet.axis_cameras,
    }
    spec: t.Any = specs[dialect][next(unused[dialect])]
    return Rig(
        sim=sim,
        dialect=dialect,
        name=spec.name,
        host=spec.address,
        folder=tmp_path,
        first_contact=MAKE[dialect][1],
    )


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """With an intermediate authority: what a camera sends has to be a chain where it can."""
    return CertificateAuthority.create(
        tmp_path_factory.mktemp("ca") / "own",
        passphrase=Secret(PASSPHRASE),
        common_name="Our Root",
        intermediate_common_name="Our Issuing CA",
        key_type="ecdsa",
    )


@pytest.fixture(scope="session")
def ours(authority: CertificateAuthority) -> Options:
    """The options by which a task uses our authority."""
    return {"authority_directory": str(authority.directory), "authority_passphrase": PASSPHRASE}
