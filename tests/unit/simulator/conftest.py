# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulator for the session, its devices as curl sees them, and a CA that is openssl's."""

from __future__ import annotations

import dataclasses as dc
import json
import pathlib
import re
import subprocess
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address

MAIN_KEY = "1" * 20
KIT_4 = "4" * 20
KIT_1 = "7" * 20
BASE = own_base_address()[:-2]

FLEET = f"""
defaults:
  recorder: {{http_port: 8080, https_port: 4443, command_interval: 0}}
  camera: {{http_port: 8080, recorder: rec}}
recorders:
  - name: rec
    address: {BASE}.1
    main_unlock_key: "{MAIN_KEY}"
    kits: [{{model: WJ-NXS04WUX, key: "{KIT_4}"}}, {{model: WJ-NXS01WUX, key: "{KIT_1}"}}]
    users: [{{name: setup, password: setup-pw, level: 2}}, {{name: viewer, password: viewer-pw, level: 3}}]
    port_forward: true
    port_forward_ports: [81, 8500]
cameras:
  - {{name: cam1, address: {BASE}.11, camera_number: 1, users: [{{name: viewer, password: viewer-pw}}]}}
  - {{name: cam2, address: {BASE}.12, camera_number: 2, compression: h264_1}}
  - {{name: no-tls, address: {BASE}.13, camera_number: 3, tls: false}}
  - {{name: no-enc, address: {BASE}.14, camera_number: 4, encryption: false, compression: mjpeg}}
  - {{name: jpeg, address: {BASE}.15, camera_number: 5, compression: mjpeg, internet_mode: true}}
  - {{name: cam6, address: {BASE}.16, camera_number: 6}}
"""


def run(*command: str, data: str | None = None) -> str:
    """Run somebody else's program; its standard output and error, whatever its status."""
    done = subprocess.run(command, input=data, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


@dc.dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    text: str
    head: str = ""

    @property
    def reason(self) -> str:
        found = re.search(r"<H1>(.*)</H1>", self.text)
        return found[1] if found else ""

    @property
    def lines(self) -> dict[str, str]:
        assert self.status == 200, (self.status, self.text)
        assert self.text.startswith("\ufeff<HTML>\n"), self.text
        assert self.text.endswith("</HTML>\n"), self.text
        return dict(line.split("=", 1) for line in self.text.splitlines()[1:-1])


@dc.dataclass
class Device:
    """A device by curl, with the login that it has."""

    sim: RunningSimulator
    name: str
    scheme: str = "http"
    port: int = 8080
    user: str = ""
    uid: str = ""
    folder: pathlib.Path = pathlib.Path()

    @property
    def spec(self) -> t.Any:
        return self.sim.device(self.name).spec

    def curl(self, path: str, *options: str) -> Reply:
        spec = self.spec
        login = self.user or f"{spec.username}:{spec.password}"
        url = f"{self.scheme}://{spec.address}:{self.port}/cgi-bin/{path}"
        mark = "\n#%{http_code}"
        command = [
            "curl",
            "-sS",
            "-k",
            "--noproxy",
            "*",
            "--max-time",
            "20",
            "--digest",
            "-u",
            login,
            "-D",
            "/dev/stderr",
        ]
        done = subprocess.run(
            [*command, "-w", mark, *options, url], capture_output=True, text=True, timeout=30, check=False
        )
        text, _mark, status = done.stdout.rpartition("\n#")
        return Reply(status=int(status), text=text, head=done.stderr)

    def get(self, path: str) -> Reply:
        reply = self.curl(self._with_uid(path))
        return self.curl(self.log_in()._with_uid(path)) if self._timed_out(reply) else reply

    def _timed_out(self, reply: Reply) -> bool:
        """The session has timed out while a test let time pass."""
        return bool(self.uid) and reply.reason == "UID error"

    def post(self, path: str, **fields: object) -> Reply:
        reply = self._post(path, **fields)
        return self.log_in()._post(path, **fields) if self._timed_out(reply) else reply

    def _post(self, path: str, **fields: object) -> Reply:
        if self.uid:
            fields["UID"] = self.uid
        return self.curl(
            path, *(part for key, value in fields.items() for part in ("--data-urlencode", f"{key}={value}"))
        )

    def upload(self, path: str, text: str) -> Reply:
        file = self.folder / "upload.pem"
        file.write_text(text)
        return self.curl(self._with_uid(path), "-F", f"fileName=@{file}")

    def _with_uid(self, path: str) -> str:
        if not self.uid:
            return path
        return f"{path}{'&' if '?' in path else '?'}UID={self.uid}"

    # -- cameras

    def make_key(self) -> None:
        assert self.get("set_crt_key?mode=create&size=2048").status == 200
        self.sim.advance(120)

    def make_csr(self, **fields: str) -> str:
        values = {"common_name": self.spec.address, **fields}
        assert self.post("https_signed", mode="create", **values).status == 200
        return self.get("https_signed?mode=get_csr").text

    def go_https(self, port: int = 8443) -> None:
        assert self.post("set_https", live="https", https_port=port).status == 200
        self.sim.advance(10)
        self.scheme, self.port = "https", port

    def secure(self, ca: Authority) -> str:
        """The whole way to HTTPS with a CA certificate; the certificate."""
        self.make_key()
        certificate = ca.sign(self.make_csr(), self.spec.address)
        assert self.upload("https_install_signed", certificate).status == 200
        self.go_https()
        return certificate

    # -- recorders

    def log_in(self) -> Device:
        found = re.search(r"UID=(\d+)", self.curl("dlogin.cgi?UID=-1").text)
        assert found is not None
        self.uid = found[1]
        return self

    def license(self) -> None:
        assert self.post("sec_license.cgi", TARGET="MAIN", KEY=MAIN_KEY).status == 200
        assert self.post("sec_license.cgi", TARGET="SECURE", KEY=KIT_4).status == 200

    def connects(self) -> dict[int, str]:
        """CAM_CONNECT of the registered cameras, after time for a re-check."""
        self.sim.advance(6)
        lines = self.curl("as_getinfo.cgi?FILE=2").lines
        return {number: lines[f"CAM_CONNECT_{number:02}CH"] for number in range(1, 8)}


class Authority:
    """A CA made and used with the openssl program."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.path = folder / "ca.pem"
        run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
            "-subj", "/O=Tests/CN=Test Root", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout", str(folder / "ca.key"), "-out", str(self.path),
        )  # fmt: skip
        self.pem = self.path.read_text()

    def sign(self, csr: str, address: str, days: int = 90) -> str:
        extensions = self.folder / "ext.cnf"
        extensions.write_text(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
            "extendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
            f"subjectAltName=IP:{address}\n"
        )
        (self.folder / "in.csr").write_text(csr)
        return subprocess.run(
            [
                "openssl", "x509", "-req", "-in", str(self.folder / "in.csr"), "-CA", str(self.path),
                "-CAkey", str(self.folder / "ca.key"), "-days", str(days), "-extfile", str(extensions),
            ],
            capture_output=True, text=True, check=True, timeout=30,
        ).stdout  # fmt: skip


@pytest.fixture(scope="session")
def session_simulator() -> t.Iterator[RunningSimulator]:
    with RunningSimulator(FLEET) as simulator:
        yield simulator


@pytest.fixture
def sim(session_simulator: RunningSimulator) -> RunningSimulator:
    """The simulator with its clock standing still, as the factory left it."""
    session_simulator.control("/seed", "POST", FLEET)
    session_simulator.settle()
    return session_simulator


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def camera(sim: RunningSimulator, tmp_path: pathlib.Path) -> t.Callable[..., Device]:
    def make(name: str = "cam1", **options: t.Any) -> Device:
        return Device(sim, name, folder=tmp_path, **options)

    return make


@pytest.fixture
def cam(camera: t.Callable[..., Device]) -> Device:
    return camera()


@pytest.fixture
def rec(camera: t.Callable[..., Device]) -> Device:
    """The recorder, logged in as its administrator."""
    return camera("rec").log_in()


@pytest.fixture
def licensed(rec: Device) -> Device:
    """The recorder with four licences."""
    rec.license()
    return rec


@pytest.fixture(scope="session")
def shell() -> t.Callable[..., str]:
    return run


@pytest.fixture(scope="session")
def fleet_text() -> str:
    return FLEET


@pytest.fixture(scope="session")
def as_json() -> t.Callable[[str], t.Any]:
    return json.loads
