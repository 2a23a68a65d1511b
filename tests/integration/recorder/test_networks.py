# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets that are not as the others: the makers' own ports, IPv6, an intermediate CA, an expired one, many cameras.

Each brings cameras and their recorder to HTTPS with the whole-state modules; openssl and curl judge.
"""

from __future__ import annotations

import contextlib
import dataclasses as dc
import importlib
import os
import pathlib
import socket
import subprocess
import time
import typing as t

import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address
from ansible_collections.camsec.fleet.plugins.module_utils._module import run_in_worker

PASSWORD = "Net-Admin-0001"
PASSPHRASE = "ca-pass-word"
MAIN_KEY = "11112222333344445555"
#: A unit of this file each, beside the net of the other recorder tests.
NET = own_base_address(3).rpartition(".")[0].rpartition(".")
Options = dict[str, t.Any]


def net(number: int) -> str:
    return f"{NET[0]}.{int(NET[2]) + number}"


def key(number: int) -> str:
    return f"{number:020}"


@dc.dataclass(frozen=True, kw_only=True)
class World:
    """A simulated fleet, a CA of its own, the modules and the judges."""

    sim: RunningSimulator
    folder: pathlib.Path

    @property
    def ca(self) -> str:
        return str(self.folder / "ca" / "trusted.pem")

    @property
    def ours(self) -> Options:
        return {"authority_directory": str(self.folder / "ca"), "authority_passphrase": PASSPHRASE}

    def spec(self, name: str) -> t.Any:
        return self.sim.device(name).spec

    def make_ca(self, **options: t.Any) -> None:
        module = importlib.import_module("ansible_collections.camsec.fleet.plugins.modules.certificate_authority")
        arguments = {**self.ours, "common_name": "Net CA", "key_type": "ecdsa", **options}
        result = run_in_worker(module.SPEC, arguments, check_mode=False)
        assert result.get("changed"), result

    def run(self, module: str, name: str, *, check: bool = False, **options: t.Any) -> Options:
        spec = self.spec(name)
        arguments = {
            "host": spec.address,
            "http_port": spec.http_port,
            "https_port": spec.https_port,
            "username": spec.username,
            "password": PASSWORD,
            "first_contact": "plain_http",
            "timeout": 5.0,
            "switch_timeout": 10.0,
            **({"command_interval": 0.0} if module.startswith("recorder") else {}),
            **options,
        }
        source = importlib.import_module(f"ansible_collections.camsec.fleet.plugins.modules.{module}")
        return run_in_worker(source.SPEC, arguments, check_mode=check)

    def good(self, module: str, name: str, **options: t.Any) -> Options:
        result = self.run(module, name, **options)
        assert not result.get("failed"), result["msg"]
        return result

    def to_https(self, camera: str, recorder: str, **more: t.Any) -> Options:
        """The camera, then its recorder: twice each, and nothing is left to do the second time."""
        wish = {
            "root_certificate_path": str(self.folder / "root.pem"),
            "trusted_ca_path": self.ca,
            "main_unlock_key": MAIN_KEY,
            "kit_unlock_keys": [key(1)],
            "cameras": [{"number": 1, "connection": "https", "port": self.spec(camera).https_port}],
            "connection": "https_only",
            "link_timeout": 10.0,
        }
        for changed, contact in ((True, "plain_http"), (False, "refuse")):
            result = self.good("camera", camera, first_contact=contact, **self.ours, **more)
            assert result["changed"] is changed, result["plan"]
            result = self.good("recorder", recorder, first_contact=contact, **wish)
            assert result["changed"] is changed, result["plan"]
            assert result["unseen"] == []
            assert result["cameras"][0]["state"] == "normal"
        return result

    # -- the judges ----------------------------------------------------------------------------------------------

    def place(self, name: str) -> str:
        address = self.spec(name).address
        return f"[{address}]" if ":" in address else str(address)

    def handshake(self, name: str, ca: str | pathlib.Path, *more: str) -> subprocess.CompletedProcess[str]:
        """What openssl gets of a device's HTTPS port; it ends well only if chain and address verify, strictly."""
        spec = self.spec(name)
        command = ["openssl", "s_client", "-connect", f"{self.place(name)}:{spec.https_port}", "-CAfile", str(ca)]
        command += ["-verify_return_error", "-verify_ip", spec.address, "-x509_strict", *more]
        return subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=False)

    def s_client(self, name: str, ca: str | pathlib.Path, *more: str) -> str:
        """What openssl says of a device that it verifies."""
        done = self.handshake(name, ca, *more)
        assert done.returncode == 0, done.stderr
        assert "Verify return code: 0 (ok)" in done.stdout
        return done.stdout

    def certificate(self, name: str, ca: str | pathlib.Path) -> str:
        """The certificate that a device shows, as openssl writes it out."""
        shown = self.s_client(name, ca)
        done = subprocess.run(
            ["openssl", "x509", "-noout", "-text"], input=shown, capture_output=True, text=True, check=True
        )
        return done.stdout

    def curl(self, name: str, path: str, *more: str, scheme: str = "https") -> str:
        spec = self.spec(name)
        port = spec.https_port if scheme == "https" else spec.http_port
        command = ["curl", "-sS", "--globoff", "--noproxy", "*", "--max-time", "10", "--digest"]
        command += ["-u", f"{spec.username}:{PASSWORD}", *more, f"{scheme}://{self.place(name)}:{port}/cgi-bin/{path}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout + done.stderr

    def connected(self, name: str = "rec") -> str:
        """CAM_CONNECT of camera 1, from its recorder over verified HTTPS."""
        answer = self.curl(name, "as_getinfo.cgi?FILE=2", "--cacert", str(self.folder / "root.pem"))
        return next(line for line in answer.splitlines() if line.startswith("CAM_CONNECT_01CH")).strip()


def recorder(address: str, **more: t.Any) -> Options:
    kits = [{"model": "WJ-NXS01WUX", "key": key(1)}]
    common = {"name": "rec", "address": address, "http_port": 8080, "https_port": 4443, "command_interval": 0.0}
    return {**common, "password": PASSWORD, "main_unlock_key": MAIN_KEY, "kits": kits, **more}


def camera(address: str, number: int = 1, **more: t.Any) -> Options:
    common = {"name": f"cam{number}", "address": address, "http_port": 8080, "https_port": 8443, "password": PASSWORD}
    return {**common, "key_generation_seconds": 5.0, "recorder": "rec", "camera_number": number, **more}


@contextlib.contextmanager
def world(folder: pathlib.Path, recorders: list[Options], cameras: list[Options], **ca: t.Any) -> t.Iterator[World]:
    fleet = yaml.safe_dump({"recorders": recorders, "cameras": cameras})
    with RunningSimulator(fleet, speed=50.0) as sim:
        made = World(sim=sim, folder=folder)
        made.make_ca(**ca)
        yield made


# -- the makers' own ports -----------------------------------------------------------------------------------------


def why_not(address: str) -> str:
    """Why this process may not have the ports 80 and 443; empty when it may."""
    for port in (80, 443):
        try:
            with socket.create_server((address, port)):
                pass
        except OSError as error:
            start = pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
            first = start.read_text().strip() if start.exists() else "unknown"
            return (
                f"NOT TESTED with the makers' ports 80 and 443: {address}:{port} cannot be opened ({error.strerror});"
                f" uid {os.getuid()}, net.ipv4.ip_unprivileged_port_start {first}"
            )
    return ""


def test_the_makers_default_ports_http_80_and_https_443(tmp_path: pathlib.Path) -> None:
    reason = why_not(f"{net(1)}.1")
    if reason:
        pytest.skip(reason)
    ports = {"http_port": 80, "https_port": 443}
    with world(tmp_path, [recorder(f"{net(1)}.1", **ports)], [camera(f"{net(1)}.11", **ports)]) as made:
        made.to_https("cam1", "rec")
        made.s_client("cam1", made.ca)
        made.s_client("rec", tmp_path / "root.pem")
        assert made.connected() == "CAM_CONNECT_01CH=1"
        for name in ("cam1", "rec"):
            assert "curl: (7)" in made.curl(name, "getinfo", scheme="http")


# -- IPv6 ----------------------------------------------------------------------------------------------------------


def free_ports(number: int) -> list[int]:
    """Ports of ::1 that nobody has; there is one such address only, so they cannot be chosen by the process."""
    socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    found: list[int] = []
    port = 20000 + os.getpid() % 5000
    while len(found) < number:
        port += 1
        with contextlib.suppress(OSError), socket.create_server(("::1", port), family=socket.AF_INET6):
            found.append(port)
    return found


def test_a_camera_and_a_recorder_at_an_ipv6_address(tmp_path: pathlib.Path) -> None:
    try:
        ports = free_ports(4)
    except OSError as error:
        pytest.skip(f"NOT TESTED over IPv6: ::1 cannot be had ({error.strerror})")
    rec = recorder("::1", http_port=ports[0], https_port=ports[1])
    cam = camera("::1", http_port=ports[2], https_port=ports[3])
    with world(tmp_path, [rec], [cam]) as made:
        made.to_https("cam1", "rec")
        for name, ca in (("cam1", made.ca), ("rec", tmp_path / "root.pem")):
            assert "IP Address:0:0:0:0:0:0:0:1" in made.certificate(name, ca)
        assert "CN = [::1]" in made.certificate("cam1", made.ca).replace("CN=", "CN = ")
        assert "live=https" in made.curl("cam1", "get_https", "--cacert", made.ca)
        assert made.connected() == "CAM_CONNECT_01CH=1"


def test_a_camera_at_an_ipv6_address_with_a_zone(tmp_path: pathlib.Path) -> None:
    """The zone is the connection's; no certificate has it."""
    try:
        ports = free_ports(4)
    except OSError as error:
        pytest.skip(f"NOT TESTED over IPv6: ::1 cannot be had ({error.strerror})")
    rec = recorder("::1", http_port=ports[0], https_port=ports[1])
    cam = camera("::1", http_port=ports[2], https_port=ports[3])
    with world(tmp_path, [rec], [cam]) as made:
        lo = socket.if_nametoindex("lo")
        for changed, contact in ((True, "plain_http"), (False, "refuse")):
            result = made.good("camera", "cam1", host=f"::1%{lo}", first_contact=contact, **made.ours)
            assert result["changed"] is changed, result["plan"]
        text = made.certificate("cam1", made.ca)
        assert "IP Address:0:0:0:0:0:0:0:1" in text
        assert f"%{lo}" not in text
        assert "live=https" in made.curl("cam1", "get_https", "--cacert", made.ca)


# -- an intermediate CA --------------------------------------------------------------------------------------------


def test_a_ca_with_an_intermediate(tmp_path: pathlib.Path) -> None:
    devices = [recorder(f"{net(2)}.1")], [camera(f"{net(2)}.11")]
    with world(tmp_path, *devices, intermediate_common_name="Net issuing CA") as made:
        result = made.to_https("cam1", "rec")
        assert len(result["after"]["trusted_cas"]) == 2
        assert made.connected() == "CAM_CONNECT_01CH=1"
        # The camera shows its own certificate alone; who trusts trusted.pem has the intermediate.
        assert made.s_client("cam1", made.ca, "-showcerts").count("BEGIN CERTIFICATE") == 1
        assert "Issuer: CN = Net issuing CA" in made.certificate("cam1", made.ca).replace("CN=", "CN = ")
        leaf = tmp_path / "leaf.pem"
        leaf.write_text(made.s_client("cam1", made.ca))
        verify = ["openssl", "verify", "-x509_strict", "-CAfile", str(tmp_path / "ca" / "root.pem")]
        through = ["-untrusted", str(tmp_path / "ca" / "intermediate.pem")]
        address = ["-verify_ip", made.spec("cam1").address]
        for chain, status in ((through, 0), ([], 2)):
            done = subprocess.run([*verify, *chain, *address, str(leaf)], capture_output=True, text=True, check=False)
            assert done.returncode == status, done.stdout + done.stderr


# -- HTTPS-24 ------------------------------------------------------------------------------------------------------


def test_https_24_an_expired_certificate_ends_https_and_the_camera_is_rescued(tmp_path: pathlib.Path) -> None:
    with world(tmp_path, [recorder(f"{net(3)}.1")], [camera(f"{net(3)}.11")]) as made:
        made.to_https("cam1", "rec")
        made.sim.control("/devices/cam1/set", "POST", {"expire_certificate": True})
        assert "alert certificate expired" in made.handshake("cam1", made.ca).stderr
        assert "BEGIN CERTIFICATE" not in made.handshake("cam1", made.ca).stdout
        assert "live=" not in made.curl("cam1", "get_https", "--cacert", made.ca)
        assert made.run("camera", "cam1", **made.ours)["error"]["kind"] == "ConnectError"
        # Its page of cameras is as old as its last try to connect, which the question after it brings.
        give_up = time.monotonic() + 20
        while (row := made.good("recorder_info", "rec", ca_path=str(tmp_path / "root.pem"))["cameras"][0])[
            "fault"
        ] == "":
            assert time.monotonic() < give_up, row
        assert (row["state"], row["fault"]) == ("error", "-(expired)")
        made.sim.control("/devices/cam1/restart", "POST", {})
        give_up = time.monotonic() + 20
        while "live=http" not in (answer := made.curl("cam1", "get_https", scheme="http")):
            assert time.monotonic() < give_up, answer
            time.sleep(0.1)
        assert "ca_cert_info=expired" in answer
        # By the camera's own clock no certificate of today would be valid: it is set right first.
        made.sim.control("/devices/cam1/set", "POST", {"clock_offset": 0.0})
        refused = made.run("camera", "cam1", first_contact="refuse", **made.ours)
        assert "set first_contact to plain_http" in refused["msg"]
        result = made.good("camera", "cam1", first_contact="plain_http", **made.ours)
        assert result["contact"]["scheme"] == "https"
        made.s_client("cam1", made.ca)
        result = made.good(
            "recorder_camera_link",
            "rec",
            ca_path=str(tmp_path / "root.pem"),
            cameras=[{"number": 1, "connection": "https", "port": 8443}],
        )
        assert (result["changed"], result["unseen"]) == (False, [])
        assert made.connected() == "CAM_CONNECT_01CH=1"


# -- many cameras --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "number", "warned"),
    [("3.00", 4, False), ("3.00", 5, True), ("3.10", 32, False), ("3.10", 33, True)],
)
def test_rec_23_internet_mode_is_a_warning_by_the_software_version(
    tmp_path: pathlib.Path, version: str, number: int, warned: bool
) -> None:
    cameras = [camera(f"{net(4)}.{10 + n}", n, internet_mode=n <= number) for n in range(1, 35)]
    with world(tmp_path, [recorder(f"{net(4)}.1", version=version)], cameras) as made:
        wish = {"cameras": [{"number": 34, "connection": "http", "port": 8443}]}
        made.good("recorder_license", "rec", main_unlock_key=MAIN_KEY, kit_unlock_keys=[key(1)])
        for check in (True, False):
            result = made.good("recorder_camera_link", "rec", check=check, **wish)
            assert result["changed"]
            found = [warning for warning in result["warnings"] if "[REC-23]" in warning]
            assert bool(found) is warned
            assert [one["rule"] for one in result["impacts"]] == (["REC-23"] if warned else [])
            if warned:
                assert f"{number} cameras in internet mode; more than {number - 1} (software {version})" in found[0]


def test_rec_07_several_recorders_each_name_their_own_fewest_kits(tmp_path: pathlib.Path) -> None:
    short = {
        "rec1": (1, 2, "1 x WJ-NXS01WUX"),
        "rec2": (4, 20, "1 x WJ-NXS16WUX"),
        "rec3": (1, 40, "1 x WJ-NXS32WUX and 1 x WJ-NXS16WUX"),
    }
    recorders, cameras = [], []
    for index, (name, (size, wanted, _buy)) in enumerate(short.items(), 1):
        kits = [{"model": f"WJ-NXS{size:02}WUX", "key": key(index)}]
        recorders.append(recorder(f"{net(5)}.{index}", name=name, kits=kits, main_unlock_key=f"{index}" * 20))
        cameras += [
            camera(f"{net(5)}.{10 + len(cameras) + n}", n, name=f"{name}-cam{n}", recorder=name)
            for n in range(1, wanted + 1)
        ]
    with world(tmp_path, recorders, cameras) as made:
        for index, (name, (size, wanted, buy)) in enumerate(short.items(), 1):
            keys = {"main_unlock_key": f"{index}" * 20, "kit_unlock_keys": [key(index)]}
            made.good("recorder_license", name, **keys)
            wish = {"cameras": [{"number": n, "connection": "https"} for n in range(1, wanted + 1)], **keys}
            made.sim.control("/read_only", "POST", {"enabled": True})
            for check in (True, False):
                result = made.run("recorder", name, check=check, trusted_ca_path=made.ca, **wish)
                assert result["error"]["rule"] == "REC-07"
                assert f"found {size} in all, {wanted - size} too few, expected {wanted}," in result["msg"]
                assert f"Fewest kits to buy: {buy}." in result["msg"]
            assert made.sim.control("/read_only")["refused"] == 0
            made.sim.control("/read_only", "POST", {"enabled": False})
