# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's options to a camera's resource: one function a module."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import ipaddress
import typing as t
from pathlib import Path

from .._core._call import Call
from .._core._converge import converge
from .._core._errors import InputError
from .._core._secret import Secret
from .._escrow._escrow import Escrow, escrow_path
from .._options import CONTACT_OPTIONS, secret, target_from
from .._pki._authority import CertificateAuthority
from .._pki._bundle import Bundle, bundle_from_pem, bundle_from_pkcs12
from .._pki._check import require_usable
from .._pki._external import ExternalAuthority
from .._pki._files import read_text
from .._pki._keys import KEY_TYPES
from .._pki._renewal import check_window, warning_window
from .._tls._names import parse_name, without_zone
from .._transport._contact import Target
from .abilities import TLS_VERSIONS, KeyKind
from .account import Account, WantedAccount
from .address import Address, WantedAddress
from .built_in_authority import BuiltInAuthority, WantedExport
from .certificate import Certificate
from .certificate_request import CertificateRequest, WantedRequest
from .clock import Clock, WantedClock
from .command import SigningCommand
from .driver import CameraDriver
from .drivers import DRIVER_CHOICES, drivers_named
from .https import Https, WantedHttps
from .information import CameraInformation
from .private_key import PrivateKey, WantedKey
from .reboot import Reboot, WantedReboot
from .resource import CameraResource, Limits
from .self_signed import SelfSignedCertificate
from .signing import ForeignSigner, OwnSigner, Signer
from .state import HttpsState, SubjectName, WantedCertificate
from .whole import WantedCamera, WholeCamera

__all__ = [
    "CAMERA_CONTACT",
    "CAMERA_OPTIONS",
    "INVENTORY_OPTIONS",
    "KEY_SIZES",
    "SUBJECT_OPTIONS",
    "TLS_OPTION",
    "account",
    "address",
    "builtin_authority",
    "certificate",
    "certificate_request",
    "clock",
    "https",
    "info",
    "private_key",
    "reboot",
    "self_signed_certificate",
    "whole",
]

#: Argument specification of the document fragment ``camsec.fleet.device.camera``.
CAMERA_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "driver": {"type": "str", "choices": list(DRIVER_CHOICES), "default": "ipro"},
    "serial_number": {"type": "str", "default": ""},
    "key_timeout": {"type": "float", "default": 300.0, "no_log": False},
    "switch_timeout": {"type": "float", "default": 120.0},
}
#: Sizes of private keys, of either type.
KEY_SIZES: t.Final = sorted(size for sizes in KEY_TYPES.values() for size in sizes)
#: Argument specification of the option ``tls_versions``.
TLS_OPTION: t.Final[dict[str, t.Any]] = {
    "tls_versions": {"type": "list", "elements": "str", "choices": list(TLS_VERSIONS), "default": []}
}
#: What ``camera`` takes from the inventory besides the contact: what a site says once for all its cameras.
INVENTORY_OPTIONS: t.Final[tuple[str, ...]] = (
    "driver",
    "serial_number",
    "connection",
    "authority_directory",
    "authority_passphrase",
    "sign_command",
    "sign_timeout",
    "crl_path",
    "subject_alt_name",
    "private_key_type",
    "private_key_size",
    "tls_versions",
    "new_private_key",
    "allow_http_window",
    "lifetime_days",
    "backdate_hours",
    "renew_before",
    "renew_share",
    "warn_before",
)
#: How to reach a camera and what it speaks: a task without ``host`` takes these from the inventory.
CAMERA_CONTACT: t.Final[tuple[str, ...]] = (*CONTACT_OPTIONS, "driver", "serial_number")
#: Argument specification of the document fragment ``camsec.fleet.device.subject``.
SUBJECT_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "common_name": {"type": "str"},
    "country": {"type": "str", "default": ""},
    "state_or_province": {"type": "str", "default": ""},
    "locality": {"type": "str", "default": ""},
    "organization": {"type": "str", "default": ""},
    "organizational_unit": {"type": "str", "default": ""},
}

R = t.TypeVar("R", bound=CameraResource[t.Any])


def private_key(call: Call) -> dict[str, t.Any]:
    """Of ``camera_private_key``."""
    params = call.params
    wanted = WantedKey(
        kind=KeyKind.of(params["type"], params["size"], device=params["host"], subject="size"),
        regenerate=params["regenerate"],
        generated_at=params["generated_at"],
    )
    return _converged(PrivateKey, wanted, call)


def certificate_request(call: Call) -> dict[str, t.Any]:
    """Of ``camera_certificate_request``."""
    wanted = WantedRequest(subject=_subject(call.params), regenerate=call.params["regenerate"])
    return _converged(CertificateRequest, wanted, call)


def self_signed_certificate(call: Call) -> dict[str, t.Any]:
    """Of ``camera_self_signed_certificate``."""
    wanted = _subject(call.params) if call.params["state"] == "present" else None
    return _converged(SelfSignedCertificate, wanted, call)


def certificate(call: Call) -> dict[str, t.Any]:
    """Of ``camera_certificate``."""
    wanted = _given_certificate(call.params) if call.params["state"] == "present" else None
    return _converged(Certificate, wanted, call)


def https(call: Call) -> dict[str, t.Any]:
    """Of ``camera_https``."""
    wanted = WantedHttps(https=_https(call.params), tls_versions=tuple(call.params["tls_versions"]))
    return _converged(Https, wanted, call)


def builtin_authority(call: Call) -> dict[str, t.Any]:
    """Of ``camera_builtin_authority``."""
    wanted = WantedExport(path=call.params["path"], accepted=call.params["accept_shared_private_key"])
    return _converged(BuiltInAuthority, wanted, call)


def info(call: Call) -> dict[str, t.Any]:
    """Of ``camera_info``."""
    with _resource(CameraInformation, None, call) as camera:
        return camera.information()


def clock(call: Call) -> dict[str, t.Any]:
    """Of ``camera_time``."""
    params = call.params
    if params["maximum_offset"] <= 0:
        raise InputError(
            device=params["host"],
            subject="maximum_offset",
            found=f"{params['maximum_offset']:g}",
            expected="more than 0 seconds",
        )
    wanted = WantedClock(maximum_offset=params["maximum_offset"], time_server=params["time_server"] or "")
    return _converged(Clock, wanted, call)


def account(call: Call) -> dict[str, t.Any]:
    """Of ``camera_account``."""
    params = call.params
    host, username = params["host"], params["username"]
    new = secret(params["new_password"])
    if new is None or not len(new):
        raise InputError(device=host, subject="new_password", found="nothing", expected="a password")
    path = escrow_path(params["escrow_directory"], f"{params['escrow_name'] or host}.{username}")
    escrow = Escrow(path, secret(params["escrow_password"]), kind="account")
    escrow.check(look_only=call.check_mode)
    return _converged(Account, WantedAccount(password=new, escrow=escrow), call)


def address(call: Call) -> dict[str, t.Any]:
    """Of ``camera_address``."""
    params = call.params
    host = params["host"]
    wanted = WantedAddress(
        address=_ipv4(host, "address", params["address"]),
        prefix_length=_prefix_length(host, params["netmask"]),
        gateway=_ipv4(host, "gateway", params["gateway"]) if params["gateway"] else None,
        look_only=call.check_mode,
    )
    _ipv4(host, "host", host)
    directory = params["authority_directory"]
    authority = OwnSigner(CertificateAuthority.open(directory)) if directory else None
    return _converged(Address, wanted, call, authority)


def _ipv4(device: str, subject: str, text: str) -> str:
    try:
        found = ipaddress.IPv4Address(text)
    except ValueError:
        found = None
    if found is None or found.is_multicast or found.is_unspecified or int(found) == 2**32 - 1:
        raise InputError(
            device=device or "no device", subject=subject, found=repr(text), expected="the IPv4 address of one host"
        )
    return str(found)


def _prefix_length(device: str, netmask: str | None) -> int | None:
    if netmask is None:
        return None
    try:
        bits = ipaddress.IPv4Network((0, netmask)).prefixlen
    except ValueError:
        bits = 0
    if not 1 <= bits <= 30:
        raise InputError(
            device=device, subject="netmask", found=repr(netmask), expected="a netmask such as 255.255.255.0"
        )
    return bits


def reboot(call: Call) -> dict[str, t.Any]:
    """Of ``camera_reboot``."""
    return _converged(Reboot, WantedReboot(down_seconds=call.params["down_timeout"]), call)


def whole(call: Call) -> dict[str, t.Any]:
    """Of ``camera``."""
    params = call.params
    directory = params["authority_directory"]
    # A fresh fleet in check mode: the task that would make the authority changed nothing.
    planned = bool(directory) and call.check_mode and not CertificateAuthority.exists(directory)
    signer = None if planned else _signer(params)
    if planned and params["ca_path"] and not Path(params["ca_path"]).exists():
        call = dc.replace(call, params={**params, "ca_path": None})
    managed = planned or signer is not None
    wanted = WantedCamera(
        https=_https(params),
        key=KeyKind.of(
            params["private_key_type"], params["private_key_size"], device=params["host"], subject="private_key_size"
        ),
        tls_versions=tuple(params["tls_versions"]),
        new_key=params["new_private_key"],
        http_window=params["allow_http_window"],
        certificate=_wanted_certificate(params, signer) if managed and params["connection"] == "https" else None,
    )
    with _resource(WholeCamera, wanted, call, signer) as camera:
        result = converge(camera, check_mode=call.check_mode).result()
        if call.check_mode and camera.renewal_planned_because:
            result["warnings"].append(f"{params['host']}: {camera.renewal_planned_because}")
        return result


def _signer(params: t.Mapping[str, t.Any]) -> Signer | None:
    """Who signs; nothing where certificates are not the task's business."""
    if params["authority_directory"]:
        return OwnSigner(CertificateAuthority.open(params["authority_directory"]))
    if params["sign_command"] is None:
        return None
    external = ExternalAuthority(
        ca_path=params["ca_path"],
        command=SigningCommand(arguments=tuple(params["sign_command"]), timeout=params["sign_timeout"]),
        crl_path=params["crl_path"],
        device=params["host"],
    )
    return ForeignSigner(external)


def _converged(kind: type[R], wanted: t.Any, call: Call, authority: Signer | None = None) -> dict[str, t.Any]:
    with _resource(kind, wanted, call, authority) as resource:
        return converge(resource, check_mode=call.check_mode).result()


def _resource(kind: type[R], wanted: t.Any, call: Call, authority: Signer | None = None) -> R:
    params = call.params
    drivers = drivers_named(params["driver"])
    resource = kind(
        wanted,
        target=_target(params, drivers, authority),
        limits=Limits(key_seconds=params["key_timeout"], switch_seconds=params["switch_timeout"]),
        drivers=drivers,
        authority=authority,
    )
    resource.serial_number = params["serial_number"]
    return resource


def _target(
    params: t.Mapping[str, t.Any],
    drivers: t.Sequence[type[CameraDriver]],
    authority: Signer | None,
) -> Target:
    target = target_from(params, ca_path=authority.trusted_path if authority else None)
    if len(drivers) == 1:  # otherwise the rules are known when the camera's dialect is
        drivers[0].rules.check_https_port(target.host, params["https_port"], target.http_port)
    return target


def _https(params: t.Mapping[str, t.Any]) -> HttpsState:
    return HttpsState(connection=params["connection"], https_port=params["https_port"])


def _subject(params: t.Mapping[str, t.Any]) -> SubjectName:
    host = without_zone(params["host"])
    common_name = params["common_name"] or (f"[{host}]" if ":" in host else host)
    if "%" in common_name and ":" in common_name:
        raise InputError(
            device=params["host"],
            subject="common_name",
            found=repr(common_name),
            expected="an IPv6 address without a zone",
            advice="A certificate cannot hold a zone such as %eth0.",
        )
    return SubjectName(
        common_name=common_name,
        country=params["country"],
        state=params["state_or_province"],
        locality=params["locality"],
        organization=params["organization"],
        organizational_unit=params["organizational_unit"],
    )


def _wanted_certificate(params: t.Mapping[str, t.Any], signer: Signer | None) -> WantedCertificate:
    host = without_zone(params["host"])
    check_window(params["host"], params["renew_before"], params["lifetime_days"])
    warn_before = warning_window(
        params["host"], params["warn_before"], params["renew_before"], params["renew_share"], params["lifetime_days"]
    )
    names = [parse_name(name, device=params["host"]) for name in (host, *params["subject_alt_name"])]
    unwanted = [parse_name(name, device=params["host"]) for name in params["unwanted_alt_name"]]
    subject = _subject(params)
    if signer is not None and not params["common_name"]:
        subject = dc.replace(subject, common_name=signer.common_name_for(subject.common_name))
    return WantedCertificate(
        subject=subject,
        subject_alt_names=tuple(dict.fromkeys(names)),
        lifetime_days=params["lifetime_days"],
        backdate_hours=params["backdate_hours"],
        renew_before_days=params["renew_before"],
        renew_share=params["renew_share"],
        warn_before_days=warn_before,
        passphrase=secret(params["authority_passphrase"]),
        unwanted_names=tuple(name for name in unwanted if name not in names),
    )


def _given_certificate(params: t.Mapping[str, t.Any]) -> Bundle:
    host, passphrase = params["host"], secret(params["private_key_passphrase"])
    if params["pkcs12_path"]:
        bundle = bundle_from_pkcs12(params["pkcs12_path"], _needed_passphrase(passphrase, host))
    else:
        bundle = _given_pem(params, passphrase)
    require_usable(bundle.leaf, device=host, address=host, now=dt.datetime.now(tz=dt.UTC))
    return bundle


def _needed_passphrase(passphrase: Secret | None, host: str) -> Secret:
    if passphrase is None:
        raise InputError(
            device=host, subject="private_key_passphrase", found="none", expected="the passphrase of pkcs12_path"
        )
    return passphrase


def _given_pem(params: t.Mapping[str, t.Any], passphrase: Secret | None) -> Bundle:
    path, key_path = params["certificate_path"], params["private_key_path"]
    pem = read_text(path, subject="certificate") if path else params["certificate_content"]
    bundle = bundle_from_pem(pem, device=params["host"], subject=path or "certificate_content")
    if key_path:
        return bundle.with_key(key_path, passphrase)
    if passphrase is not None:
        raise InputError(
            device=params["host"],
            subject="private_key_passphrase",
            found="a passphrase without a key",
            expected="private_key_path or pkcs12_path as well",
        )
    return bundle
