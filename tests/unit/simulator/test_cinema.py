# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated cinema camera: what it offers, what it loads, how its jobs end, who reaches its card."""

from __future__ import annotations

import contextlib
import hashlib
import pathlib
import shutil
import socket
import struct
import threading
import time
import typing as t
import urllib.error

import paramiko
import pytest
import yaml
from ansible_collections.camsec.fleet.extensions.simulator._fleet import fleet_yaml, parse_fleet
from ansible_collections.camsec.fleet.extensions.simulator._spec import FleetError
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator

PASSWORD = "Reel-7of9"
FLEET = f"""
defaults:
  cinema_camera: {{sftp_port: 2222, password: {PASSWORD}, timeout: 3}}
  ftpes_server: {{port: 2121}}
cinema_cameras:
  - {{name: burano, address: 127.64.3.1}}
  - {{name: handheld, address: 127.64.3.2, model: PXW-Z300}}
ftpes_servers:
  - {{name: good, address: 127.64.3.10}}
  - {{name: expired, address: 127.64.3.11, certificate: expired}}
  - {{name: future, address: 127.64.3.12, certificate: not_yet_valid}}
  - {{name: misnamed, address: 127.64.3.13, certificate: wrong_name}}
  - {{name: unknown, address: 127.64.3.14, certificate: unknown_root}}
  - {{name: newest, address: 127.64.3.15, tls: '1.3'}}
  - {{name: strict, address: 127.64.3.16, tls: '1.2', quirks: [session_reuse]}}
"""
# Written down here once more, from the guides, as numbers of the registry.
FIFTEEN = {
    0xC030, 0xC02F, 0xC02C, 0x002F, 0x009D, 0x003D, 0x003C, 0xC028, 0xC027, 0xC024, 0xC023, 0x009F, 0x006B, 0x0039,
    0x0067,
}  # fmt: skip
DONE = {"Completed", "Aborted"}
Body = dict[str, t.Any]


class Camera:
    """A camera, and how tests speak to it."""

    def __init__(self, simulator: RunningSimulator, name: str = "burano") -> None:
        self.sim = simulator
        self.it = simulator.cinema_camera(name)
        self.path = f"/cinema_cameras/{name}"

    def post(self, call: str, **body: t.Any) -> t.Any:
        return self.sim.control(f"{self.path}/{call}", "POST", body)

    def refused(self, call: str, **body: t.Any) -> str:
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.post(call, **body)
        return caught.value.read().decode()

    def all(self) -> Body:
        return t.cast("Body", self.sim.control(self.path))

    def load(self) -> None:
        shutil.copy(self.sim.simulator.ftpes.root_path, self.it.card.root / "certification.pem")
        self.post("menu/load_certificate")

    def aim(self, server: str = "good", **more: t.Any) -> t.Any:
        target = self.sim.ftpes_server(server)
        given = {
            "serverId": 1, "hostName": target.host, "portNumber": target.port, "userName": target.user,
            "password": target.password, "secureProtocol": "On_FTPS", **more,
        }  # fmt: skip
        return self.post("FTPServerSetting", **given)

    def add(self, *files: str, server: int = 1) -> list[Body]:
        return t.cast("list[Body]", self.post("ControlFTPJobList", control="Add", serverId=server, files=list(files)))

    def jobs(self) -> list[Body]:
        return t.cast("list[Body]", self.sim.control(f"{self.path}/FTPJobList"))

    def wait(self, *, until: t.Callable[[list[Body]], bool] | None = None) -> list[Body]:
        """The jobs, once they are done, or whatever is waited for."""
        over = until or (lambda jobs: all(job["status"] in DONE or job["statusValue"] >= 0x10000 for job in jobs))
        end = time.monotonic() + 30
        while time.monotonic() < end:
            jobs = self.jobs()
            if over(jobs):
                return jobs
            time.sleep(0.01)
        raise AssertionError(self.jobs())

    def upload(self, server: str = "good", size: int = 100_000, **setting: t.Any) -> Body:
        self.post("record", file="A001C001.MXF", size=size)
        self.aim(server, **setting)
        self.add("A001C001.MXF")
        return self.wait()[-1]

    def setting(self) -> Body:
        return t.cast("Body", self.all()["FTPServerSettingList"][0])


@pytest.fixture(scope="module")
def whole() -> t.Iterator[RunningSimulator]:
    with RunningSimulator(FLEET) as simulator:
        yield simulator


@pytest.fixture
def sim(whole: RunningSimulator) -> RunningSimulator:
    whole.control("/reset", "POST")
    return whole


@pytest.fixture
def camera(sim: RunningSimulator) -> Camera:
    return Camera(sim)


# -- the client ----------------------------------------------------------------------------------------------------


def hello_of(camera: Camera) -> bytes:
    """The ClientHello that a camera sends after AUTH TLS, as it is on the wire."""
    with socket.create_server(("127.64.3.99", 0)) as listener:
        listener.settimeout(10)
        seen: list[bytes] = []

        def serve() -> None:
            connection, _peer = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                connection.sendall(b"220 hello\r\n")
                connection.recv(100)
                connection.sendall(b"234 go on\r\n")
                record = b""
                while len(record) < 5 or len(record) < 5 + struct.unpack(">H", record[3:5])[0]:
                    record += connection.recv(4096)
                seen.append(record)

        thread = threading.Thread(target=serve)
        thread.start()
        camera.post("record", file="x.mxf", size=1)
        camera.post("FTPServerSetting", serverId=1, hostName="127.64.3.99", portNumber=listener.getsockname()[1],
                    secureProtocol=2)  # fmt: skip
        camera.add("x.mxf")
        thread.join(20)
    return seen[0]


@pytest.mark.parametrize(("name", "wanted"), [("burano", FIFTEEN), ("handheld", FIFTEEN - {0x002F, 0x009D})])
def test_offers_exactly_the_suites_of_its_model(sim: RunningSimulator, name: str, wanted: set[int]) -> None:
    record = hello_of(Camera(sim, name))
    assert record[0] == 22
    body = record[9:]
    assert body[:2] == b"\x03\x03"
    position = 34 + 1 + body[34]
    (length,) = struct.unpack(">H", body[position : position + 2])
    offered = struct.unpack(f">{length // 2}H", body[position + 2 : position + 2 + length])
    # 0x00FF is no suite but says that renegotiation is safe (RFC 5746 section 3.3).
    assert set(offered) - {0x00FF} == wanted
    # supported_versions would offer TLS 1.3 (RFC 8446 section 4.2.1).
    assert b"\x00\x2b" not in extensions(body, position + 2 + length)


def extensions(body: bytes, position: int) -> list[bytes]:
    position += 1 + body[position] + 2
    found = []
    while position < len(body):
        found.append(body[position : position + 2])
        position += 4 + struct.unpack(">H", body[position + 2 : position + 4])[0]
    return found


def test_upload_arrives_whole(camera: Camera) -> None:
    camera.load()
    recorded = camera.post("record", file="XDROOT/Clip/A001.MXF", size=1_000_000)
    camera.aim(destinationDir="in/coming", directoryHierarchyType="SameAsInCamera")
    camera.add("XDROOT/Clip/A001.MXF")
    (job,) = camera.wait()
    assert (job["status"], job["statusValue"], job["sent"]) == ("Completed", 0x400, 1_000_000)
    assert (job["protocol"], job["resumed"]) == ("TLSv1.2", True)
    server = camera.sim.ftpes_server("good")
    content = (server.root / "in/coming/XDROOT/Clip/A001.MXF").read_bytes()
    assert hashlib.sha256(content).hexdigest() == recorded["sha256"]
    assert camera.setting()["connectionStatus"] == "Connected"
    commands = list(server.record.commands)
    assert commands[0] == "clear AUTH TLS"
    assert all(command.startswith("tls ") for command in commands[1:])
    assert {"tls PBSZ 0", "tls PROT P"} <= set(commands)


def test_many_clips_over_one_connection_that_demands_session_reuse(camera: Camera) -> None:
    camera.load()
    for number in range(12):
        camera.post("record", file=f"C{number}.MXF", size=10_000 * number)
    camera.aim("strict")
    camera.add(*(f"C{number}.MXF" for number in range(12)))
    jobs = camera.wait()
    assert {job["status"] for job in jobs} == {"Completed"}
    server = camera.sim.ftpes_server("strict")
    assert server.record.connections == 1
    assert [transfer["resumed"] for transfer in server.record.transfers] == [True] * 12


@pytest.mark.parametrize(
    ("server", "status", "info"),
    [
        ("unknown", "DestCertErr", "CertificateError"),
        ("expired", "DestCertExpired", "CertificateError"),
        ("future", "DestCertNotValid", "CertificateError"),
        ("misnamed", "DestCertNotValid", "CertificateError"),
        ("newest", "DestConnErr", "FTPServerSettingError"),
    ],
)
def test_servers_that_the_camera_does_not_take(camera: Camera, server: str, status: str, info: str) -> None:
    camera.load()
    job = camera.upload(server)
    assert job["status"] == status
    assert camera.setting()["connectionStatus"] == "ConnectionError"
    assert camera.setting()["connectionErrorInfo"] == info
    assert not [command for command in camera.sim.ftpes_server(server).record.commands if "USER" in command]


def test_without_a_certificate_nothing_is_taken(camera: Camera) -> None:
    assert camera.upload()["status"] == "DestCertErr"
    camera.load()
    assert camera.upload()["status"] == "Completed"
    camera.post("menu/forget_certificate")
    assert camera.upload()["status"] == "DestCertErr"


@pytest.mark.parametrize("server", ["unknown", "expired", "future", "misnamed"])
def test_connect_goes_on_in_spite_of_the_certificate(camera: Camera, server: str) -> None:
    camera.load()
    job = camera.upload(server, rootCertificateErrorSetting="Connect")
    assert job["status"] == "Completed"


def test_the_cameras_own_clock_decides(camera: Camera) -> None:
    camera.load()
    camera.post("set", clock_offset=-4000 * 86400.0)
    assert camera.upload()["status"] == "DestCertNotValid"
    camera.post("set", clock_offset=8000 * 86400.0)
    assert camera.upload()["status"] == "DestCertExpired"


@pytest.mark.parametrize(
    ("quirk", "status", "info"),
    [
        ("refuse_login", "DestAuthFailed", ""),
        ("disk_full", "ServerCapacityOver", "FTPServerOverCapacity"),
        ("late_450", "UploadErr", ""),
        ("cut_line", "DestConnErr", "FTPServerSevered"),
        ("drop_connection", "DestConnErr", "FTPServerSevered"),
        ("no_auth", "DestServerErr", ""),
        ("no_prot", "DestServerErr", ""),
        ("stall", "DestConnErr", "FTPServerSevered"),
    ],
)
def test_how_jobs_end(camera: Camera, quirk: str, status: str, info: str) -> None:
    camera.load()
    camera.sim.control("/ftpes_servers/good/behaviour", "POST", {"quirks": [quirk]})
    camera.post("set", timeout=0.5 if quirk == "stall" else 3.0)
    job = camera.upload(size=20_000_000 if quirk in ("stall", "cut_line") else 1000)
    assert job["status"] == status, job
    assert camera.setting()["connectionErrorInfo"] == (info or "FTPServerSettingError")
    camera.sim.control("/ftpes_servers/good/behaviour", "DELETE")
    camera.post("set", timeout=3.0)
    assert camera.upload()["status"] == "Completed"


@pytest.mark.parametrize("quirk", ["no_epsv", "foreign_address", "no_close_notify", "slow"])
def test_what_the_camera_bears(camera: Camera, quirk: str) -> None:
    camera.load()
    camera.sim.control("/ftpes_servers/good/behaviour", "POST", {"quirks": [quirk], "bytes_per_second": 1_000_000})
    assert camera.upload()["status"] == "Completed"


def test_errors_of_the_cameras_own_side(camera: Camera) -> None:
    camera.load()
    camera.aim(portNumber=9)
    camera.post("record", file="a.mxf", size=10)
    camera.add("a.mxf", "nothing.mxf")
    assert [job["status"] for job in camera.wait()] == ["DestConnErr", "FileAccessErr"]
    camera.post("eject_card")
    camera.add("a.mxf")
    assert camera.wait()[-1]["status"] == "MediaAccessErr"
    camera.post("insert_card")
    camera.add("a.mxf", server=2)
    assert camera.wait()[-1]["status"] == "DestConnErr"
    camera.aim(secureProtocol="On_SFTP")
    camera.add("a.mxf")
    assert "does not upload by SFTP" in camera.wait()[-1]["detail"]


def test_active_mode_and_plain_ftp(camera: Camera) -> None:
    camera.load()
    assert camera.upload(passiveMode="Off")["status"] == "Completed"
    camera.sim.control("/ftpes_servers/good/behaviour", "POST", {"quirks": ["no_auth"]})
    job = camera.upload(secureProtocol="Off")
    assert (job["status"], job["protocol"], job["suite"]) == ("Completed", "", "")


def test_existing_file_is_overwritten_or_not(camera: Camera) -> None:
    camera.load()
    assert camera.upload(size=10)["path"] == "A001C001.MXF"
    assert camera.upload(size=20)["path"] == "A001C001_1.MXF"
    assert camera.upload(size=30, overwriteType="Overwrite")["path"] == "A001C001.MXF"
    root = camera.sim.ftpes_server("good").root
    assert {path.name: path.stat().st_size for path in root.iterdir()} == {"A001C001.MXF": 30, "A001C001_1.MXF": 20}


def test_queue_is_suspended_resumed_and_emptied(camera: Camera) -> None:
    camera.load()
    camera.sim.control("/ftpes_servers/good/behaviour", "POST", {"quirks": ["slow"], "bytes_per_second": 100_000})
    for name in "ab":
        camera.post("record", file=f"{name}.mxf", size=30_000_000)
    camera.aim()
    camera.add("a.mxf", "b.mxf")
    camera.wait(until=lambda jobs: jobs[0]["status"] == "Transferring")
    camera.post("ControlFTPJobList", control="Suspend")
    camera.wait(until=lambda jobs: [job["status"] for job in jobs] == ["Waiting", "Waiting"])
    camera.sim.control("/ftpes_servers/good/behaviour", "DELETE")
    camera.post("ControlFTPJobList", control="Delete", jobs=[2])
    camera.post("ControlFTPJobList", control="Resume")
    jobs = camera.wait()
    assert [(job["jobId"], job["status"]) for job in jobs] == [(1, "Completed")]
    assert "queue" in camera.refused("ControlFTPJobList", control="Delete", jobs=[2])
    assert "control is 'Stop'" in camera.refused("ControlFTPJobList", control="Stop")


# -- menu, settings, account ---------------------------------------------------------------------------------------


def test_menu_loads_what_the_guide_allows(camera: Camera) -> None:
    file = camera.it.card.root / "certification.pem"
    assert "There is no certification.pem" in camera.refused("menu/load_certificate")
    good = camera.sim.simulator.ftpes.root_path.read_text()
    key = (camera.sim.simulator.ftpes.root_path.parent / "root.key").read_text()
    for content, sentence in (
        ("", "no PEM file"),
        ("rubbish", "no PEM file"),
        (good + "#" * 1_000_000, "larger than 1 MB"),
        (good + key, "other than certificates"),
        (good.replace("M", "N", 1), "cannot be read"),
    ):
        file.write_text(content)
        assert sentence in camera.refused("menu/load_certificate"), content[:50]
    assert camera.all()["certificates"] == []
    file.write_text(good)
    assert camera.post("menu/load_certificate")["changed"] is True
    assert camera.post("menu/load_certificate")["changed"] is False
    assert camera.all()["certificates"][0]["subject"].startswith("CN=Root of the simulated FTPES servers")
    camera.post("eject_card")
    assert "no card in the camera" in camera.refused("menu/load_certificate")


def test_settings_have_the_names_and_values_of_the_sdk(camera: Camera) -> None:
    shown = camera.aim(overwriteType=1, displayName="Studio")
    assert shown["passwordExists"] == 1
    assert "password" not in shown
    assert (shown["secureProtocol"], shown["values"]["secureProtocol"]) == ("On_FTPS", 2)
    assert (shown["overwriteType"], shown["values"]["overwriteType"]) == ("Overwrite", 1)
    assert camera.aim(password="")["passwordExists"] == 0
    for body, sentence in (
        ({"serverId": 1, "secureProtocol": "On"}, "it can be Off (1), On_FTPS (2), On_SFTP (3)"),
        ({"serverId": 1, "secureProtocol": True}, "it can be Off (1)"),
        ({"serverId": 1, "portNumber": "21"}, "not of type int"),
        ({"serverId": 1, "portNumber": 0}, "portNumber is 0"),
        ({"serverId": 11}, "serverId is 11; it can be 1 to 10"),
        ({"serverId": 1, "hostName": "a\r\nDELE x"}, "hostName has characters that cannot be printed"),
        ({"serverId": 1, "connectionStatus": 1}, "FTPServerSetting has no 'connectionStatus'"),
        ({}, "serverId is None"),
    ):
        assert sentence in camera.refused("FTPServerSetting", **body)


def test_account_and_access_point(camera: Camera) -> None:
    camera.post("account", user="dit.cart", password="Reel-8of9")
    assert camera.all()["username"] == "dit.cart"
    assert "FTP-20" in camera.refused("account", user="dit cart", password="Reel-8of9")
    refused = camera.refused("account", user="dit", password="nodigits")
    assert "FTP-21" in refused
    assert "nodigits" not in refused
    assert camera.all()["access_point"] == "WPA2"
    for security in ("WPA3", "None"):
        camera.post("access_point", security=security)
    for security in ("WEP", "WPA"):
        assert "FTP-23" in camera.refused("access_point", security=security)


def test_nothing_changes_while_it_is_read_only(camera: Camera) -> None:
    camera.load()
    camera.sim.control("/read_only", "POST", {"enabled": True})
    for call, body in (
        ("account", {"user": "x", "password": PASSWORD}),
        ("access_point", {"security": "WPA3"}),
        ("menu/load_certificate", {}),
        ("menu/forget_certificate", {}),
        ("FTPServerSetting", {"serverId": 1}),
        ("ControlFTPJobList", {"control": "Suspend"}),
    ):
        assert "read-only" in camera.refused(call, **body)
    with login(camera) as files, pytest.raises(OSError, match="read-only"):
        files.open("certification.pem", "w")
    assert camera.sim.control("/read_only")["refused"] == 7


# -- the card by SFTP ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def login(camera: Camera, user: str = "admin", password: str = PASSWORD) -> t.Iterator[paramiko.SFTPClient]:
    transport = paramiko.Transport(socket.create_connection((camera.it.spec.address, 2222), 10))
    try:
        transport.start_client(timeout=10)
        shown = transport.get_remote_server_key()
        assert f"{shown.get_name()} {shown.get_base64()}" == camera.all()["sftp_host_key"]
        transport.auth_password(user, password)
        client = paramiko.SFTPClient.from_transport(transport)
        assert client is not None
        yield client
    finally:
        transport.close()


def test_card_by_sftp(camera: Camera) -> None:
    with login(camera) as files:
        assert files.listdir("/") == []
        with files.open("/clip.mxf", "w") as file:
            file.write(b"x" * 100)
        files.posix_rename("clip.mxf", "other.mxf")
        assert (camera.it.card.root / "other.mxf").read_bytes() == b"x" * 100
        with pytest.raises(OSError, match=r"."):
            files.symlink("/etc/passwd", "link")
        assert files.listdir("/../..") == ["other.mxf"]


def test_full_and_write_protected_card(camera: Camera) -> None:
    camera.post("set", card_capacity=1000)
    with login(camera) as files:
        with pytest.raises(OSError, match="full"), files.open("a", "w") as file:
            file.write(b"x" * 2000)
        files.remove("a")
        camera.post("set", card_write_protected=True)
        with pytest.raises(PermissionError):
            files.open("a", "w")
    assert "full" in camera.refused("record", file="b", size=2000) or camera.it.card.write_protected
    camera.post("set", card_write_protected=False)
    assert "full" in camera.refused("record", file="b", size=2000)


def test_wrong_access_locks_the_camera(camera: Camera) -> None:
    for _try in range(5):
        with pytest.raises((paramiko.SSHException, EOFError, OSError)), login(camera, password="Wrong-pass1"):
            pass
    assert camera.all()["locked"]
    with pytest.raises((paramiko.SSHException, EOFError, OSError)), login(camera):
        pass
    camera.sim.advance(301)
    with login(camera) as files:
        assert files.listdir() == []


def test_files_outside_of_the_card(camera: Camera) -> None:
    for name in ("../../etc/passwd", "/etc/passwd", "", "."):
        assert "is no file of the card" in camera.refused("record", file=name, size=1)
        assert "is no file of the card" in camera.refused("ControlFTPJobList", control="Add", serverId=1, files=[name])


# -- the whole -----------------------------------------------------------------------------------------------------


def test_state_outlives_a_restart(tmp_path: pathlib.Path) -> None:
    with RunningSimulator(FLEET.replace("127.64.3.", "127.64.4."), state_dir=tmp_path / "state") as simulator:
        camera = Camera(simulator)
        camera.load()
        assert camera.upload()["status"] == "Completed"
        camera.post("power_off")
        camera.add("A001C001.MXF")
        kept = camera.all()
        roots = simulator.simulator.ftpes.root_path.read_text()
    with RunningSimulator(FLEET.replace("127.64.3.", "127.64.4."), state_dir=tmp_path / "state") as simulator:
        camera = Camera(simulator)
        jobs = camera.wait()
        assert [job["status"] for job in jobs] == ["Completed", "Completed"]
        now = camera.all()
        for name in ("certificates", "sftp_host_key", "clips", "username"):
            assert now[name] == kept[name]
        assert simulator.simulator.ftpes.root_path.read_text() == roots


def test_inventory_and_fleet_file(sim: RunningSimulator) -> None:
    groups = yaml.safe_load(sim.inventory)["all"]["children"]
    burano = groups["cinema_cameras"]["hosts"]["burano"]
    assert burano["ftpes_camera_model"] == "MPC-2610"
    assert pathlib.Path(burano["ftpes_camera_card_path"]).is_dir()
    assert burano["ftpes_camera_sftp_host_key"].startswith("ssh-ed25519 ")
    assert pathlib.Path(groups["ftpes_endpoints"]["hosts"]["good"]["camsec_ftpes_ca_path"]).is_file()
    fleet = parse_fleet(FLEET)
    assert parse_fleet(fleet_yaml(fleet)) == fleet
    assert sim.control("/inventory") == sim.inventory


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("cinema_cameras: [{name: a, address: 127.0.0.1, model: X}]", "model 'X' is not one of MPC-2610, PXW-Z300"),
        ("cinema_cameras: [{name: a, address: 192.0.2.1}]", "is not a loopback address"),
        ("cinema_cameras: [{name: a, address: 127.0.0.1, password: short}]", "FTP-21"),
        ("cinema_cameras: [{name: a, address: 127.0.0.1, username: 'a b'}]", "FTP-20"),
        ("cinema_cameras: [{name: a, address: 127.0.0.1, sftp_port: -1}]", "sftp_port"),
        ("ftpes_servers: [{name: a, address: 127.0.0.1, quirks: [x]}]", "quirk 'x' is not one of late_450"),
        ("ftpes_servers: [{name: a, address: 127.0.0.1, certificate: x}]", "is not one of valid, expired"),
        ("ftpes_servers: [{name: a, address: 127.0.0.1, tls: '1.1'}]", "tls '1.1'"),
        ("ftpes_servers: [{name: a, address: 127.0.0.1}, {name: b, address: 127.0.0.1}]", "both use 127.0.0.1:21"),
        ("ftpes_servers: [{name: a, address: 127.0.0.1}]\ncinema_cameras: [{name: a, address: 127.0.0.1}]", "two dev"),
    ],
)
def test_fleets_that_cannot_be(text: str, sentence: str) -> None:
    with pytest.raises(FleetError) as caught:
        parse_fleet(text)
    assert sentence in str(caught.value)
    assert "short" not in str(caught.value)


def test_names_that_are_not_there(camera: Camera) -> None:
    for path in ("/cinema_cameras/nobody", "/ftpes_servers/nobody"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            camera.sim.control(path)
        assert caught.value.code == 404
    assert {one["name"] for one in camera.sim.control("/cinema_cameras")} == {"burano", "handheld"}
    assert len(camera.sim.control("/ftpes_servers")) == 7
    assert "can be set" not in camera.refused("set", model="X")
