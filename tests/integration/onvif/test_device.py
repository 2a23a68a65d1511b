# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The device service by the foreign client: what the device is, time, users, restart, factory default, who may what."""

from __future__ import annotations

import socket
import time
import typing as t

import pytest

Camera = t.Any
Authority = t.Any
NewCamera = t.Callable[..., Camera]
Expects = t.Callable[[str], t.ContextManager[None]]
TDS = "http://www.onvif.org/ver10/device/wsdl"
TAS = "http://www.onvif.org/ver10/advancedsecurity/wsdl"
TT = "http://www.onvif.org/ver10/schema"


def test_what_it_is(either: Camera) -> None:
    device, base = either.device, f"http://{either.address}:{either.HTTP}/onvif"
    services = {one.Namespace: one.XAddr for one in device.GetServices(IncludeCapability=False)}
    assert services == {
        TDS: f"{base}/device_service",
        TAS: f"{base}/security_service",
        "http://www.onvif.org/ver10/deviceIO/wsdl": f"{base}/deviceio_service",
    }
    device.GetServices(IncludeCapability=True)
    assert device.GetServiceCapabilities().Security.HttpDigest is True
    assert device.GetCapabilities(Category="All").Device.Security["TLS1.2"] is True
    assert device.GetDeviceInformation().FirmwareVersion == "1.0"
    assert "onvif://www.onvif.org/name/NVT-1" in [scope.ScopeItem for scope in device.GetScopes()]


def test_a_model_without_advanced_security(new_camera: NewCamera, expects: Expects) -> None:
    camera = new_camera("legacy")
    assert TAS not in [one.Namespace for one in camera.device.GetServices(IncludeCapability=True)]
    with expects("Sender/UnknownAction"):
        camera.keystore.GetAllKeys()


def test_names_and_time_servers(either: Camera, expects: Expects) -> None:
    device = either.device
    device.SetHostname(Name="gate-1")
    assert device.GetHostname().Name == "gate-1"
    hosts = [{"Type": "IPv4", "IPv4Address": "192.0.2.1"}, {"Type": "DNS", "DNSname": "time.example"}]
    device.SetNTP(FromDHCP=False, NTPManual=hosts)
    assert [one.Type for one in device.GetNTP().NTPManual] == ["IPv4", "DNS"]
    for host, name in [
        ({"Type": "IPv4", "IPv4Address": "192.0.2.300"}, "InvalidIPv4Address"),
        ({"Type": "IPv6", "IPv6Address": "192.0.2.3"}, "InvalidIPv6Address"),
        ({"Type": "DNS", "DNSname": "-no-"}, "InvalidDnsName"),
    ]:
        with expects(f"Sender/InvalidArgVal/{name}"):
            device.SetNTP(FromDHCP=False, NTPManual=[host])
    with expects("Sender/InvalidArgVal/InvalidHostname"):
        device.SetHostname(Name="no name")


def test_addresses(camera: Camera, expects: Expects) -> None:
    device = camera.device
    (interface,) = device.GetNetworkInterfaces()
    assert interface.IPv4.Config.Manual[0].Address == camera.address
    ipv4 = {"Enabled": True, "Manual": [{"Address": "192.0.2.300", "PrefixLength": 24}], "DHCP": False}
    with expects("Sender/InvalidArgVal/InvalidIPv4Address"):
        device.SetNetworkInterfaces(InterfaceToken=interface.token, NetworkInterface={"IPv4": ipv4})
    with expects("Sender/InvalidArgVal/InvalidNetworkInterface"):
        device.SetNetworkInterfaces(InterfaceToken="eth9", NetworkInterface={"IPv4": ipv4})
    with expects("Sender/InvalidArgVal/InvalidGatewayAddress"):
        device.SetNetworkDefaultGateway(IPv4Address=["gate"])
    device.SetNetworkDefaultGateway(IPv4Address=["192.0.2.1"])
    assert device.GetNetworkDefaultGateway().IPv4Address == ["192.0.2.1"]
    new = f"{camera.address.rpartition('.')[0]}.253"
    ipv4["Manual"] = [{"Address": new, "PrefixLength": 25}]
    assert device.SetNetworkInterfaces(InterfaceToken=interface.token, NetworkInterface={"IPv4": ipv4}) is False
    assert camera.sim.device(camera.name).address == new
    assert camera.sim.device(camera.name).state.network.prefix_length == 25
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((camera.address, camera.HTTP), timeout=20).close()
    camera.sim.advance(6)
    socket.create_connection((new, camera.HTTP), timeout=20).close()


def _moment(year: int, month: int, day: int) -> dict[str, t.Any]:
    return {"Time": {"Hour": 12, "Minute": 0, "Second": 0}, "Date": {"Year": year, "Month": month, "Day": day}}


def test_time(new_camera: NewCamera, expects: Expects) -> None:
    camera = new_camera(digest=True)
    device = camera.device
    zone = {"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}
    device.SetSystemDateAndTime(
        DateTimeType="Manual", DaylightSavings=True, TimeZone=zone, UTCDateTime=_moment(2031, 2, 3)
    )
    got = device.GetSystemDateAndTime()
    assert (got.UTCDateTime.Date.Year, got.UTCDateTime.Time.Hour, got.TimeZone.TZ) == (2031, 12, zone["TZ"])
    with expects("Sender/InvalidArgVal/InvalidDateTime"):
        device.SetSystemDateAndTime(DateTimeType="Manual", DaylightSavings=False, UTCDateTime=_moment(2031, 2, 30))
    with expects("Sender/InvalidArgVal/InvalidTimeZone"):
        device.SetSystemDateAndTime(DateTimeType="Manual", DaylightSavings=False, TimeZone={"TZ": "Europe/Berlin"})
    with expects("Sender/InvalidArgVal/NtpServerUndefined"):
        device.SetSystemDateAndTime(DateTimeType="NTP", DaylightSavings=False)
    device.SetNTP(FromDHCP=False, NTPManual=[{"Type": "DNS", "DNSname": "time.example"}])
    device.SetSystemDateAndTime(DateTimeType="NTP", DaylightSavings=False)
    assert device.GetSystemDateAndTime().UTCDateTime.Date.Year < 2031
    with expects("Sender/InvalidArgVal/TimeSyncedToNtp"):
        device.SetNTP(FromDHCP=False)


def test_a_token_of_another_time_is_refused_until_the_clock_is_set(camera: Camera, expects: Expects) -> None:
    """The clock can be read without a login, which is how a client learns what to write into its tokens."""
    camera.control("/set", "POST", {"clock_offset": 86400.0 * 400})
    year = camera.device.GetSystemDateAndTime().UTCDateTime.Date.Year
    assert year > time.gmtime().tm_year
    with expects("Sender/NotAuthorized"):
        camera.device.GetDeviceInformation()
    camera.match_clock()
    camera.device.GetDeviceInformation()


def test_users(either: Camera, expects: Expects) -> None:
    device = either.device
    user = {"Username": "new", "Password": "Password-of-new", "UserLevel": "Operator"}
    device.CreateUsers(User=[user])
    assert {one.Username: (one.UserLevel, one.Password) for one in device.GetUsers()}["new"] == ("Operator", None)
    other = type(either)(
        sim=either.sim, name=either.name, judge=either.judge, folder=either.folder, digest=either.digest, user="new"
    )
    device_of_new = other.new_client(password="Password-of-new").devicemgmt()
    device_of_new.GetDeviceInformation()
    with expects("Sender/NotAuthorized"):
        device_of_new.GetUsers()
    device.SetUser(User=[{**user, "UserLevel": "Administrator"}])
    assert len(device_of_new.GetUsers()) == 4
    for wrong, code in [
        ({"Username": "new"}, "Sender/OperationProhibited/UsernameClash"),
        ({"Username": "n" * 33}, "Sender/OperationProhibited/UsernameTooLong"),
        ({"Username": ""}, "Sender/OperationProhibited/UsernameTooShort"),
        ({"Username": "a", "Password": "p" * 33}, "Sender/OperationProhibited/PasswordTooLong"),
        ({"Username": "a", "Password": "short"}, "Sender/OperationProhibited/PasswordTooWeak"),
        ({"Username": "a", "UserLevel": "Anonymous"}, "Sender/OperationProhibited/AnonymousNotAllowed"),
    ]:
        with expects(code):
            device.CreateUsers(User=[{**user, **wrong}])
    with expects("Sender/InvalidArgVal/UsernameMissing"):
        device.SetUser(User=[{**user, "Username": "nobody"}])
    with expects("Sender/InvalidArgVal/UsernameMissing"):
        device.DeleteUsers(Username=["nobody"])
    device.DeleteUsers(Username=["new", "operator", "user"])
    with expects("Sender/InvalidArgVal/FixedUser"):
        device.DeleteUsers(Username=["admin"])
    with expects("Sender/InvalidArgVal/FixedUser"):
        device.SetUser(User=[{"Username": "admin", "UserLevel": "User"}])


def test_there_is_room_for_so_many_users(new_camera: NewCamera, expects: Expects) -> None:
    device = new_camera("small").device
    users = [{"Username": name, "Password": "Password-1", "UserLevel": "User"} for name in ("a", "b")]
    with expects("Receiver/Action/TooManyUsers"):
        device.CreateUsers(User=users)
    device.CreateUsers(User=users[:1])


def test_restart(either: Camera, authority: Authority) -> None:
    path = either.secure(authority)
    assert either.device.SystemReboot() == "The device restarts."
    either.sim.settle()
    assert either.control()["power"] == "restarting"
    either.advance(60)
    assert either.control()["power"] == "on"
    assert either.tls.GetAssignedServerCertificates() == [path]
    assert "Verify return code: 0 (ok)" in either.handshake("-CAfile", str(authority.root))


def test_factory_defaults(camera: Camera, authority: Authority) -> None:
    """A soft one leaves network, keys and certificates; a hard one leaves nothing."""
    camera.secure(authority)
    camera.device.SetHostname(Name="other")
    camera.device.CreateUsers(User=[{"Username": "new", "Password": "Password-1", "UserLevel": "User"}])
    camera.device.SetSystemFactoryDefault(FactoryDefault="Soft")
    camera.advance(60)
    assert camera.device.GetHostname().Name == camera.name
    assert len(camera.device.GetUsers()) == 3
    assert len(camera.keystore.GetAllKeys()) == 1
    assert camera.control()["https"] is True
    camera.device.SetSystemFactoryDefault(FactoryDefault="Hard")
    camera.advance(60)
    assert not camera.keystore.GetAllKeys()
    assert not camera.keystore.GetAllCertificates()
    assert [one["scheme"] for one in camera.control()["listening"]] == ["http"]


# -- who may what ----------------------------------------------------------------------------------------------------

#: An operation of each access class, with arguments; one that is let in may be refused for another reason.
CLASSES = {
    "PRE_AUTH": f'<GetServices xmlns="{TDS}"><IncludeCapability>false</IncludeCapability></GetServices>',
    "READ_SYSTEM": f'<GetDeviceInformation xmlns="{TDS}"/>',
    "READ_SYSTEM_SECRET": f'<GetAllKeys xmlns="{TAS}"/>',
    "WRITE_SYSTEM": f'<SetHostname xmlns="{TDS}"><Name>x</Name></SetHostname>',
    "UNRECOVERABLE": f'<DeleteKey xmlns="{TAS}"><KeyID>none</KeyID></DeleteKey>',
}
ALLOWED = {
    "admin": set(CLASSES),
    "operator": {"PRE_AUTH", "READ_SYSTEM"},
    "user": {"PRE_AUTH", "READ_SYSTEM"},
}


@pytest.mark.parametrize("user", ALLOWED)
def test_access_classes(camera: Camera, user: str) -> None:
    let_in = {access for access, body in CLASSES.items() if camera.ask(body, user=user).fault != "Sender/NotAuthorized"}
    assert let_in == ALLOWED[user]


@pytest.mark.parametrize(("kind", "status"), [("plain", 401), ("tokens", 400)])
def test_nobody_may_what_needs_no_login(
    new_camera: NewCamera, soap: t.Callable[..., str], kind: str, status: int
) -> None:
    """Without credentials: 401 and a challenge, but 400 from a device that knows tokens alone."""
    camera = new_camera(kind)
    for access, body in CLASSES.items():
        reply = camera.post(soap(body))
        camera.judge.judge(reply.root)
        assert reply.status == (200 if access == "PRE_AUTH" else status)
        assert (reply.fault == "Sender/NotAuthorized") == (access != "PRE_AUTH")
        assert ("WWW-Authenticate" in reply.headers) == (reply.status == 401)
