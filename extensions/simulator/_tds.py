# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ONVIF's device service: what the device is, time, network protocols, users, restart."""

from __future__ import annotations

import datetime as dt
import typing as t

from ._onvif_args import Args
from ._onvif_catalog import NAMESPACES, USER_LEVELS, AccessClass
from ._onvif_door import Operation, Reply, Run, SoapRequest
from ._onvif_state import Account, Host, Protocol
from ._soap import Node, SoapFault, maker
from ._tas_tls import security_capabilities

if t.TYPE_CHECKING:
    from ._onvif import OnvifCamera

__all__ = ["DEVICE_OPERATIONS", "VERSION", "protocol_nodes", "read_protocols", "read_time", "time_node"]

_tds, _tt = maker("tds"), maker("tt")
VERSION: t.Final = (26, 6)
_PATHS: t.Final = {
    "tds": "/onvif/device_service", "tas": "/onvif/security_service", "tmd": "/onvif/deviceio_service",
}  # fmt: skip
_CATEGORIES: t.Final = ("All", "Analytics", "Device", "Events", "Imaging", "Media", "PTZ")
_PROTOCOLS: t.Final = ("HTTP", "HTTPS", "RTSP")
_HOST: t.Final = "Type IPv4Address? IPv6Address? DNSname? Extension?"
_HOST_FIELDS: t.Final = {"IPv4": "IPv4Address", "IPv6": "IPv6Address", "DNS": "DNSname"}
_INTERFACE: t.Final = "eth0"
_USER: t.Final = "Username Password? UserLevel Extension?"


# -- what it is ------------------------------------------------------------------------------------------------------


async def _services(camera: OnvifCamera, request: SoapRequest) -> Reply:
    wanted = request.args.flag("IncludeCapability")
    capabilities = {"tds": _capability_node, "tas": security_capabilities}
    found = []
    for prefix, path in _PATHS.items():
        if prefix == "tas" and not camera.spec.advanced_security:
            continue
        make = capabilities.get(prefix) if wanted else None
        found.append(
            _tds.Service(
                _tds.Namespace(NAMESPACES[prefix]),
                _tds.XAddr(request.base_url + path),
                _tds.Capabilities(make(camera)) if make is not None else None,
                _tds.Version(_tt.Major(VERSION[0]), _tt.Minor(VERSION[1])),
            )
        )
    return Reply(content=found)


def _capability_node(camera: OnvifCamera) -> Node:
    spec = camera.spec
    flags = {True: "true", False: "false"}
    network = {"IPFilter": False, "ZeroConfiguration": False, "IPVersion6": False, "DynDNS": False}
    security = {
        **{f"TLS{version}": version in spec.tls_versions for version in ("1.0", "1.1", "1.2")},
        "OnboardKeyGeneration": spec.legacy_certificates,
        "AccessPolicyConfig": False,
        "DefaultAccessPolicy": True,
        "Dot1X": False,
        "RemoteUserHandling": False,
        "X.509Token": False,
        "SAMLToken": False,
        "KerberosToken": False,
        "UsernameToken": True,
        "HttpDigest": not spec.token_only,
        "RELToken": False,
    }
    discovery = {"DiscoveryResolve": True, "DiscoveryBye": True, "RemoteDiscovery": False}
    return _tds.Capabilities(
        _tds.Network({**{name: flags[value] for name, value in network.items()}, "NTP": "1"}),
        _tds.Security({**{name: flags[value] for name, value in security.items()}, "MaxUsers": str(spec.max_users)}),
        _tds.System({name: flags[value] for name, value in discovery.items()}),
    )


async def _service_capabilities(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[_capability_node(camera)])


async def _capabilities(camera: OnvifCamera, request: SoapRequest) -> Reply:
    categories = [text.strip() for text in request.args.texts("Category")] or ["All"]
    for category in categories:
        if category not in _CATEGORIES:
            raise SoapFault("InvalidArgVal", f"Category is {category!r}; it can be {', '.join(_CATEGORIES)}.")
        if category not in ("All", "Device"):
            raise SoapFault("NoSuchService", f"The device has no service {category}.")
    base = request.base_url
    inputs = {"VideoSources": 1, "VideoOutputs": 0, "AudioSources": 0, "AudioOutputs": 0, "RelayOutputs": 0}
    device_io = _tt.DeviceIO(_tt.XAddr(base + _PATHS["tmd"]), *(_tt(name, value) for name, value in inputs.items()))
    extension = _tt.Extension(device_io) if "All" in categories else None
    return Reply(content=[_tds.Capabilities(_old_capabilities(camera, base), extension)])


def _old_capabilities(camera: OnvifCamera, base: str) -> Node:
    spec = camera.spec
    flags = {
        "TLS1.1": "1.1" in spec.tls_versions,
        "TLS1.2": "1.2" in spec.tls_versions,
        "OnboardKeyGeneration": spec.legacy_certificates,
    }
    never = ("AccessPolicyConfig", "X.509Token", "SAMLToken", "KerberosToken", "RELToken")
    system = {"DiscoveryResolve": True, "DiscoveryBye": True, "RemoteDiscovery": False, "SystemBackup": False}
    return _tt.Device(
        _tt.XAddr(base + _PATHS["tds"]),
        _tt.System(
            *(_tt(name, value) for name, value in system.items()),
            _tt.SystemLogging(False),
            _tt.FirmwareUpgrade(False),
            _tt.SupportedVersions(_tt.Major(VERSION[0]), _tt.Minor(VERSION[1])),
        ),
        _tt.Security(*(_tt(name, value) for name, value in flags.items()), *(_tt(name, False) for name in never)),
    )


async def _information(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    spec = camera.spec
    return Reply(content=[
        _tds.Manufacturer(spec.manufacturer),
        _tds.Model(spec.model),
        _tds.FirmwareVersion(spec.version),
        _tds.SerialNumber(spec.serial_number),
        _tds.HardwareId(spec.model),
    ])  # fmt: skip


async def _scopes(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[
        _tds.Scopes(_tt.ScopeDef("Fixed"), _tt.ScopeItem(scope)) for scope in camera.discovery.scopes
    ])  # fmt: skip


# -- time ------------------------------------------------------------------------------------------------------------


async def _get_time(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    state = camera.state
    return Reply(content=[time_node(camera.now(), state.time_type, state.zone, daylight=state.daylight)])


def time_node(stamp: float, kind: str, zone: str, *, daylight: bool) -> Node:
    now = dt.datetime.fromtimestamp(stamp, dt.UTC)
    return _tds.SystemDateAndTime(
        _tt.DateTimeType(kind),
        _tt.DaylightSavings(daylight),
        _tt.TimeZone(_tt.TZ(zone)),
        _tt.UTCDateTime(
            _tt.Time(_tt.Hour(now.hour), _tt.Minute(now.minute), _tt.Second(now.second)),
            _tt.Date(_tt.Year(now.year), _tt.Month(now.month), _tt.Day(now.day)),
        ),
    )


async def _set_time(camera: OnvifCamera, request: SoapRequest) -> Reply:
    args, state = request.args, camera.state
    kind = args.one_of("DateTimeType", ("Manual", "NTP"))
    zones = [inner.word("TZ") for inner in args.inner("TimeZone", "TZ", "tt")]
    for zone in zones:
        state.check_zone(zone)
    if kind == "NTP":
        if not state.ntp and not state.ntp_from_dhcp:
            raise SoapFault("NtpServerUndefined", "There is no NTP server to take the time from.")
        state.clock_set -= camera.now() - camera.clock.now()
    else:
        state.clock_set += read_time(args) - camera.now()
    state.time_type, state.daylight = kind, args.flag("DaylightSavings")
    state.zone = next(iter(zones), state.zone)
    return Reply()


def read_time(args: Args) -> float:
    """The time that is set by hand, in seconds since 1970."""
    given = args.inner("UTCDateTime", "Time Date", "tt")
    if not given:
        raise SoapFault("InvalidDateTime", "A time that is set by hand is given as UTCDateTime.")
    return _stamp(given[0])


def _stamp(args: Args) -> float:
    date, time = args.inner("Date", "Year Month Day")[0], args.inner("Time", "Hour Minute Second")[0]
    numbers = [*(date.number(name) for name in ("Year", "Month", "Day")),
               *(time.number(name) for name in ("Hour", "Minute", "Second"))]  # fmt: skip
    try:
        return dt.datetime(*numbers, tzinfo=dt.UTC).timestamp()  # type: ignore[arg-type, misc]
    except (ValueError, OverflowError) as error:
        raise SoapFault("InvalidDateTime", "There is no such date and time.") from error


async def _get_ntp(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    state = camera.state
    hosts = [
        _tt.NTPManual(_tt.Type(host.kind), _tt(_HOST_FIELDS[host.kind], host.value)) for host in state.ntp
    ]  # fmt: skip
    return Reply(content=[_tds.NTPInformation(_tt.FromDHCP(state.ntp_from_dhcp), *hosts)])


async def _set_ntp(camera: OnvifCamera, request: SoapRequest) -> Reply:
    hosts = [_host(args) for args in request.args.inner("NTPManual", _HOST, "tt")]
    camera.state.set_ntp(hosts, from_dhcp=request.args.flag("FromDHCP"))
    return Reply()


def _host(args: Args) -> Host:
    kind = args.one_of("Type", tuple(_HOST_FIELDS))
    return Host(kind=kind, value=args.word(_HOST_FIELDS[kind]))


# -- network ---------------------------------------------------------------------------------------------------------


async def _get_protocols(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=protocol_nodes(camera.state.protocols))


def protocol_nodes(protocols: t.Mapping[str, Protocol]) -> list[Node]:
    return [
        _tds.NetworkProtocols(_tt.Name(name), _tt.Enabled(protocol.enabled), _tt.Port(protocol.port))
        for name, protocol in protocols.items()
    ]


def read_protocols(request: SoapRequest) -> dict[str, Protocol]:
    """What SetNetworkProtocols asks for, by name."""
    wanted: dict[str, Protocol] = {}
    for args in request.args.inner("NetworkProtocols", "Name Enabled Port+ Extension?", "tt"):
        name, ports = args.word("Name"), args.numbers("Port")
        if name not in _PROTOCOLS:
            raise SoapFault("ServiceNotSupported", f"There is no protocol {name!r}.")
        if name in wanted or len(ports) > 1:
            raise SoapFault("InvalidArgVal", f"{name} is given twice, or has several ports; it can have one.")
        wanted[name] = Protocol(enabled=args.flag("Enabled"), port=ports[0])
    return wanted


async def _set_protocols(camera: OnvifCamera, request: SoapRequest) -> Reply:
    return Reply(after=camera.set_protocols(read_protocols(request)))


async def _get_interfaces(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    network = camera.state.network
    manual = _tt.Manual(_tt.Address(network.address), _tt.PrefixLength(network.prefix_length))
    node = _tds.NetworkInterfaces(
        _tt.Enabled(True), _tt.IPv4(_tt.Enabled(True), _tt.Config(manual, _tt.DHCP(False)))
    )  # fmt: skip
    node.set("token", _INTERFACE)
    return Reply(content=[node])


async def _set_interfaces(camera: OnvifCamera, request: SoapRequest) -> Reply:
    """The address of the one interface, by hand; what a camera is not asked for here stays."""
    if request.args.word("InterfaceToken") != _INTERFACE:
        raise SoapFault("InvalidNetworkInterface", f"There is one network interface, {_INTERFACE}.")
    wanted = camera.state.network
    interface = request.args.inner("NetworkInterface", "Enabled? Link? MTU? IPv4? IPv6? Extension?", "tt")[0]
    for ipv4 in interface.inner("IPv4", "Enabled? Manual* DHCP?"):
        if ipv4.flag("DHCP"):
            raise SoapFault("ActionNotSupported", "The device has no DHCP client.")
        for manual in ipv4.inner("Manual", "Address PrefixLength"):
            wanted = camera.state.network_with(manual.word("Address"), manual.number("PrefixLength"))
    after = camera.set_network(wanted)
    return Reply(content=[_tds.RebootNeeded(camera.spec.network_needs_reboot)], after=after)


async def _get_gateway(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    gateway = camera.state.network.gateway
    return Reply(content=[_tds.NetworkGateway(*([_tt.IPv4Address(gateway)] if gateway else []))])


async def _set_gateway(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.set_gateway(next(iter(request.args.texts("IPv4Address")), ""))
    return Reply()


async def _get_hostname(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[_tds.HostnameInformation(_tt.FromDHCP(False), _tt.Name(camera.state.hostname))])


async def _set_hostname(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.set_hostname(request.args.word("Name"))
    return Reply()


# -- users -----------------------------------------------------------------------------------------------------------


async def _get_users(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    """Without passwords."""
    return Reply(content=[
        _tds.User(_tt.Username(user.name), _tt.UserLevel(user.level)) for user in camera.state.users.values()
    ])  # fmt: skip


def _accounts(request: SoapRequest) -> list[Account]:
    return [
        Account(name=args.text("Username"), password=args.text("Password"), level=args.one_of("UserLevel", USER_LEVELS))
        for args in request.args.inner("User", _USER, "tt")
    ]


async def _create_users(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.create_users(_accounts(request))
    return Reply()


async def _set_user(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.set_users(_accounts(request))
    return Reply()


async def _delete_users(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.delete_users(request.args.texts("Username"))
    return Reply()


# -- the whole -------------------------------------------------------------------------------------------------------


async def _reboot(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[_tds.Message("The device restarts.")], after=camera.restart)


async def _factory_default(camera: OnvifCamera, request: SoapRequest) -> Reply:
    hard = request.args.one_of("FactoryDefault", ("Hard", "Soft")) == "Hard"

    async def reset() -> None:
        await camera.factory_default(hard=hard)

    return Reply(after=reset)


def _tds_operation(name: str, parts: str, access: AccessClass, run: Run) -> Operation:
    return Operation(prefix="tds", name=name, parts=parts, access=access, run=run)


DEVICE_OPERATIONS: t.Final = tuple(
    _tds_operation(*row)
    for row in (
        ("GetServices", "IncludeCapability", "PRE_AUTH", _services),
        ("GetServiceCapabilities", "", "PRE_AUTH", _service_capabilities),
        ("GetCapabilities", "Category*", "PRE_AUTH", _capabilities),
        ("GetDeviceInformation", "", "READ_SYSTEM", _information),
        ("GetScopes", "", "READ_SYSTEM", _scopes),
        ("GetSystemDateAndTime", "", "PRE_AUTH", _get_time),
        ("SetSystemDateAndTime", "DateTimeType DaylightSavings TimeZone? UTCDateTime?", "WRITE_SYSTEM", _set_time),
        ("GetNTP", "", "READ_SYSTEM", _get_ntp),
        ("SetNTP", "FromDHCP NTPManual*", "WRITE_SYSTEM", _set_ntp),
        ("GetNetworkProtocols", "", "READ_SYSTEM", _get_protocols),
        ("SetNetworkProtocols", "NetworkProtocols+", "WRITE_SYSTEM", _set_protocols),
        ("GetNetworkInterfaces", "", "READ_SYSTEM", _get_interfaces),
        ("SetNetworkInterfaces", "InterfaceToken NetworkInterface", "WRITE_SYSTEM", _set_interfaces),
        ("GetNetworkDefaultGateway", "", "READ_SYSTEM", _get_gateway),
        ("SetNetworkDefaultGateway", "IPv4Address* IPv6Address*", "WRITE_SYSTEM", _set_gateway),
        ("GetHostname", "", "PRE_AUTH", _get_hostname),
        ("SetHostname", "Name", "WRITE_SYSTEM", _set_hostname),
        ("GetUsers", "", "READ_SYSTEM_SECRET", _get_users),
        ("CreateUsers", "User+", "WRITE_SYSTEM", _create_users),
        ("SetUser", "User+", "WRITE_SYSTEM", _set_user),
        ("DeleteUsers", "Username+", "WRITE_SYSTEM", _delete_users),
        ("SystemReboot", "", "UNRECOVERABLE", _reboot),
        ("SetSystemFactoryDefault", "FactoryDefault", "UNRECOVERABLE", _factory_default),
    )
)
