# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sunell cameras, each test with its own, whose clock stands still; openssl and curl as judges."""

from __future__ import annotations

import dataclasses as dc
import pathlib
import re
import subprocess
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._spec import Fleet, SunellCameraSpec, User
from ansible_collections.camsec.fleet.extensions.simulator._sunell import SunellCamera
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address

PASSWORD = "Sunell-Geheimnis-7"
VIEWER = User(name="viewer", password="Betrachter-3", level=3)
HTTP, HTTPS = 8080, 8443
CAMERAS = 90
OTHER_VERSION = "v3.6.1615.1006.3.0.2.16.0"
#: Which cameras are not the usual ones.
SPECIAL: dict[str, dict[str, t.Any]] = {
    "older": {"query_login": True},
    "other-version": {"version": OTHER_VERSION},
    "locks": {"lockout_after": 3},
    "wrong-clock": {"clock_offset": -3e8},
    "plain": {"https": False},
}
_RESTART, _MOVE = 60, 3


def run(*command: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run somebody else's program."""
    return subprocess.run(command, input=data, capture_output=True, text=True, timeout=120, check=False)


def must(*command: str, data: str | None = None) -> str:
    done = run(*command, data=data)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@dc.dataclass(frozen=True, kw_only=True)
class Reply:
    """What curl got; status 0: nothing."""

    status: int
    text: str
    head: str

    @property
    def fields(self) -> dict[str, str]:
        """The key=value lines, which end in CRLF and have nothing around them; of a key that repeats the last."""
        assert self.status == 200, (self.status, self.text, self.head)
        assert self.text.endswith("\r\n")
        return dict(line.split("=", 1) for line in self.text.removesuffix("\r\n").split("\r\n"))

    @property
    def reason(self) -> str:
        found = re.search(r"<H1>(.*)</H1>", self.text)
        return found[1] if found else ""


@dc.dataclass(kw_only=True)
class Rig:
    """One camera of the simulator, and the judges."""

    sim: RunningSimulator
    spec: SunellCameraSpec
    folder: pathlib.Path
    host: str = ""
    user: str = ""
    https_port: int = HTTPS

    def __post_init__(self) -> None:
        self.host = self.host or self.spec.address
        self.user = self.user or f"{self.spec.username}:{PASSWORD}"

    @property
    def device(self) -> SunellCamera:
        """The simulated camera itself, only read."""
        return self.sim.sunell_camera(self.spec.name)

    # -- requests

    def curl(self, path: str, *options: str, scheme: str = "http", port: int = HTTP, login: bool = True) -> Reply:
        command = ["curl", "-sS", "-k", "--noproxy", "*", "--max-time", "60", "-D", "/dev/stderr"]
        if login and not self.spec.query_login:
            command += ["--digest", "-u", self.user]
        url = f"{scheme}://{self.host}:{port}/cgi-bin/{path}"
        done = subprocess.run(
            [*command, "-w", "\n#%{http_code}", *options, url], capture_output=True, timeout=120, check=False
        )
        text, _mark, status = done.stdout.decode().rpartition("\n#")
        return Reply(status=int(status), text=text, head=done.stderr.decode())

    def get(self, path: str, **options: t.Any) -> Reply:
        return self.curl(path, **options)

    def param(self, action: str, kind: str, **fields: object) -> Reply:
        """param.cgi, the fields in the URL."""
        given = [part for key, value in fields.items() for part in ("--data-urlencode", f"{key}={value}")]
        return self.curl(f"param.cgi?action={action}&type={kind}", *(["-G", *given] if given else []))

    def post(self, action: str, kind: str, **fields: str) -> Reply:
        given = [part for key, value in fields.items() for part in ("--data-urlencode", f"{key}={value}")]
        return self.curl(f"param.cgi?action={action}&type={kind}", *given)

    def upload(self, kind: str, **files: str) -> Reply:
        given = []
        for name, text in files.items():
            path = self.folder / f"{name}.pem"
            path.write_text(text)
            given += ["-F", f"{name}=@{path}"]
        return self.curl(f"param.cgi?action=upload&type={kind}", *given)

    @property
    def ways(self) -> dict[str, str]:
        return self.param("get", "HTTPS").fields

    def order(self, action: str, **body: object) -> t.Any:
        """The control interface."""
        return self.sim.control(f"/devices/{self.spec.name}/{action}", "POST", body)

    # -- what lasts

    def restart(self) -> None:
        assert self.curl("operate.cgi?action=deviceRestart").status == 200
        self.sim.advance(_RESTART)

    def reset(self) -> None:
        assert self.curl("operate.cgi?action=deviceReset").status == 200
        self.sim.advance(_RESTART)

    def move(self, host: str) -> Reply:
        reply = self.param("set", "localNetwork", IPProtoVer=1, netCardId=1, IPAddress=host)
        if reply.status == 200:
            self.host = host
            self.sim.advance(_MOVE)
        return reply

    # -- certificates

    def root(self) -> str:
        reply = self.param("export", "CACert")
        assert reply.status == 200, reply
        return reply.text

    def make_request(self, **fields: str) -> str:
        given = {"commonName": self.host, **fields}
        assert self.param("create", "certReq", **given).status == 200
        return self.param("export", "certReq").text

    def shown(self) -> str:
        """The certificate that the camera presents, as s_client sees it; empty when there is no handshake."""
        done = run("openssl", "s_client", "-connect", f"{self.host}:{self.https_port}", data="")
        if "-----BEGIN CERTIFICATE-----" not in done.stdout:
            return ""
        return must("openssl", "x509", data=done.stdout)

    def verdict(self, ca: str | pathlib.Path, name: str = "") -> str:
        """What `openssl verify` says of the certificate presented: OK, or why not."""
        path = self.folder / "shown.pem"
        path.write_text(self.shown())
        wanted = ["-verify_hostname", name] if name else ["-verify_ip", self.host]
        done = run("openssl", "verify", "-x509_strict", "-CAfile", str(ca), *wanted, str(path))
        return "OK" if done.returncode == 0 else done.stderr

    def trusted_root(self) -> pathlib.Path:
        path = self.folder / "cacert.crt"
        path.write_text(self.root())
        return path

    def fetches(self, ca: str | pathlib.Path) -> bool:
        """Whether a client that trusts only this CA reads something over HTTPS."""
        port = self.https_port
        login = ["--digest", "-u", self.user]
        url = f"https://{self.host}:{port}/cgi-bin/param.cgi?action=get&type=devicePort"
        done = run("curl", "-sS", "--noproxy", "*", "--max-time", "60", "--cacert", str(ca), *login, url)
        return f"httpsPort={port}" in done.stdout


def public_key(pem: str) -> str:
    """Of a certificate, a request or a private key, by openssl."""
    if "REQUEST" in pem:
        return must("openssl", "req", "-noout", "-pubkey", data=pem)
    if "PRIVATE" in pem:
        return must("openssl", "pkey", "-pubout", data=pem)
    return must("openssl", "x509", "-noout", "-pubkey", data=pem)


@dc.dataclass(frozen=True, kw_only=True)
class OutsideCA:
    """A certificate authority that openssl keeps, as the manual's way 2 makes it."""

    folder: pathlib.Path

    @property
    def trusted(self) -> str:
        return str(self.folder / "rootCA.crt")

    def sign(self, csr: str, *names: str, days: int = 365) -> str:
        """A certificate for a CSR; `names` as openssl writes them (IP:..., DNS:...)."""
        extensions = self.folder / "leaf.cnf"
        extensions.write_text(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
            + (f"subjectAltName={','.join(names)}\n" if names else "")
        )
        ca = ["-CA", self.trusted, "-CAkey", str(self.folder / "rootCA.key"), "-sha256"]
        return must("openssl", "x509", "-req", *ca, "-days", str(days), "-extfile", str(extensions), data=csr)

    def pair(self, common_name: str, *names: str, days: int = 365) -> tuple[str, str]:
        """A server certificate and its private key, made outside of every device."""
        key = must("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        csr = must("openssl", "req", "-new", "-key", "/dev/stdin", "-subj", f"/O=SNL/CN={common_name}", data=key)
        return self.sign(csr, *names, days=days), key


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> OutsideCA:
    folder = tmp_path_factory.mktemp("outside")
    must(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365",
        "-subj", "/C=CN/ST=GD/L=SZ/O=SNL/OU=TECH/CN=ipc.security.com",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout", str(folder / "rootCA.key"), "-out", str(folder / "rootCA.crt"),
    )  # fmt: skip
    return OutsideCA(folder=folder)


@pytest.fixture(scope="session")
def net() -> str:
    """Three octets that no other simulator of this process uses; the next higher ones are free for moves."""
    first, second, third, _host = own_base_address(2).split(".")
    return f"{first}.{second}.{int(third) + 4}"


@pytest.fixture(scope="session")
def sim(net: str) -> t.Iterator[RunningSimulator]:
    names = [*SPECIAL, *(f"sunell-{number:02}" for number in range(1, CAMERAS - len(SPECIAL) + 1))]
    cameras = [
        SunellCameraSpec(
            name=name, address=f"{net}.{number}", http_port=HTTP, https_port=HTTPS, password=PASSWORD, users=(VIEWER,),
            **SPECIAL.get(name, {}),
        )
        for number, name in enumerate(names, 1)
    ]  # fmt: skip
    with RunningSimulator(Fleet(sunell_cameras=tuple(cameras))) as running:
        yield running


@pytest.fixture(scope="session")
def unused(sim: RunningSimulator) -> t.Iterator[SunellCameraSpec]:
    return iter([spec for spec in sim.fleet.sunell_cameras if spec.name not in SPECIAL])


@pytest.fixture
def new_rig(
    sim: RunningSimulator, unused: t.Iterator[SunellCameraSpec], tmp_path_factory: pytest.TempPathFactory
) -> t.Callable[..., Rig]:
    def make(special: str = "") -> Rig:
        found = next((spec for spec in sim.fleet.sunell_cameras if spec.name == special), None)
        return Rig(sim=sim, spec=found or next(unused), folder=tmp_path_factory.mktemp("judge"))

    return make


@pytest.fixture
def rig(new_rig: t.Callable[..., Rig]) -> Rig:
    """A camera fresh from the factory."""
    return new_rig()


@pytest.fixture
def elsewhere(rig: Rig) -> str:
    """An address to which this test's camera can move."""
    first, second, third, host = rig.spec.address.split(".")
    return f"{first}.{second}.{int(third) + 1}.{host}"
