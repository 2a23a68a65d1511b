# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Axis cameras, each test with its own; curl and openssl as judges."""

from __future__ import annotations

import dataclasses as dc
import itertools
import json
import pathlib
import subprocess
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._axis import AxisCamera
from ansible_collections.camsec.fleet.extensions.simulator._axis_spec import AxisCameraSpec
from ansible_collections.camsec.fleet.extensions.simulator._spec import Fleet, User
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address

PASSWORD = "Achsen-Geheimnis-7"
HTTP, HTTPS = 8080, 8443
CAMERAS = 40
VIEWER = User(name="viewer", password="Betrachter-3", level=3)
#: Which cameras are not the usual ones.
SPECIAL: dict[str, dict[str, t.Any]] = {
    "old": {"version": "11.10.61"},
    "digest": {"https_login": "digest"},
    "locks": {"lockout_after": 3},
    "slow": {"key_generation_seconds": 300.0},
    "unicode": {"password": "Kamera-€-Wort-7"},
}


def run(*command: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run somebody else's program."""
    return subprocess.run(command, input=data, capture_output=True, text=True, timeout=120, check=False)


@dc.dataclass(frozen=True, kw_only=True)
class Reply:
    """What curl got; status 0: nothing."""

    status: int
    text: str

    @property
    def json(self) -> t.Any:
        return json.loads(self.text)


@dc.dataclass(frozen=True, kw_only=True)
class Rig:
    """One camera of the simulator, and the judges."""

    sim: RunningSimulator
    spec: AxisCameraSpec

    @property
    def device(self) -> AxisCamera:
        return self.sim.axis_camera(self.spec.name)

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        data: str | None = None,
        user: str = f"root:{PASSWORD}",
        scheme: str = "http",
        login: str = "--digest",
        kind: str = "application/json",
    ) -> Reply:
        port = HTTPS if scheme == "https" else HTTP
        url = f"{scheme}://{self.spec.address}:{port}{path}"
        body = ("--data-binary", "@-", "--header", f"Content-Type: {kind}") if data is not None else ()
        account = ("--user", user, login) if user else ()
        done = run(
            "curl", "--silent", "--insecure", "--noproxy", "*", "--max-time", "20", "--request", method,
            "--write-out", "\n%{http_code}", *account, *body, url, data=data,
        )  # fmt: skip
        text, _newline, status = done.stdout.rpartition("\n")
        return Reply(status=int(status), text=text)

    def rest(self, method: str, path: str, data: t.Any = None, **options: t.Any) -> Reply:
        body = None if data is None else json.dumps({"data": data})
        return self.ask(f"/config/rest/{path}", method=method, data=body, **options)

    def cgi(self, name: str, call: str, params: t.Any = None, **options: t.Any) -> Reply:
        body = {"apiVersion": "1.0", "method": call} | ({} if params is None else {"params": params})
        return self.ask(f"/axis-cgi/{name}.cgi", method="POST", data=json.dumps(body), **options)

    def soap(self, body: str, **options: t.Any) -> Reply:
        envelope = (
            '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
            ' xmlns:w="http://www.axis.com/vapix/ws/webserver" xmlns:c="http://www.axis.com/vapix/ws/cert">'
            f"<e:Body>{body}</e:Body></e:Envelope>"
        )
        return self.ask("/vapix/services", method="POST", data=envelope, kind="application/soap+xml", **options)

    def shown(self) -> str:
        done = run("openssl", "s_client", "-showcerts", "-connect", f"{self.spec.address}:{HTTPS}", data="")
        return done.stdout


@pytest.fixture(scope="session")
def sim() -> t.Iterator[RunningSimulator]:
    first, second, third, _last = own_base_address(2).split(".")
    net = int(third) + 6
    names = [*SPECIAL, *(f"axis{number:02}" for number in range(CAMERAS))]
    specs = [
        AxisCameraSpec(
            name=name,
            address=f"{first}.{second}.{net}.{number}",
            http_port=HTTP,
            https_port=HTTPS,
            users=(VIEWER,),
            **{"password": PASSWORD, **SPECIAL.get(name, {})},
        )
        for number, name in enumerate(names, 1)
    ]
    with RunningSimulator(Fleet(axis_cameras=tuple(specs)), speed=1000.0) as running:
        for device in running.simulator.devices.values():
            # At this speed a nonce would last a third of a second.
            t.cast("t.Any", device).gate.lifetime = 1e9
        yield running


@pytest.fixture(scope="session")
def unused() -> t.Iterator[int]:
    return itertools.count()


@pytest.fixture
def rig(sim: RunningSimulator, unused: t.Iterator[int]) -> Rig:
    """A camera fresh from the factory."""
    usual = [spec for spec in sim.fleet.axis_cameras if spec.name not in SPECIAL]
    return Rig(sim=sim, spec=usual[next(unused)])


@pytest.fixture
def special(sim: RunningSimulator) -> t.Callable[[str], Rig]:
    """One of the others, by its name."""
    specs = {spec.name: spec for spec in sim.fleet.axis_cameras}
    return lambda name: Rig(sim=sim, spec=specs[name])


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("axis")
