# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's options to a server of the VMS: one function a module."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import ipaddress
import typing as t

from .._camera.command import SigningCommand
from .._core._call import Call
from .._core._converge import converge
from .._core._errors import InputError
from .._core._secret import Secret
from .._options import secret
from .._pki._authority import CertificateAuthority
from .._pki._bundle import bundle_from_pkcs12, pkcs12_file
from .._pki._external import ExternalAuthority
from .._pki._files import read_text
from .._pki._renewal import check_window
from .._tls._certificate import CertificateFacts, certificate_blocks, load_one_certificate
from .._tls._names import parse_name, parse_names
from .configurator import DEFAULT_PATH
from .facts import DEFAULT_PORTS, Identity, thumbprint_of
from .information import Information, Peer
from .server import ServerResource
from .server_plan import WantedServer
from .signing import Bundle, ForeignAuthority, OwnAuthority, Signer, Source
from .topology import MOBILE, ROLES, SERVER, STREAMING
from .windows import host_of

__all__ = [
    "CERTIFICATE_INVENTORY",
    "CERTIFICATE_OPTIONS",
    "CONFIGURATOR_OPTIONS",
    "GROUP_CHOICES",
    "JUDGING_CONSTRAINTS",
    "JUDGING_INVENTORY",
    "JUDGING_OPTIONS",
    "SERVER_INVENTORY",
    "SERVER_OPTIONS",
    "SOURCES",
    "SWITCH_OPTIONS",
    "TRUST_OPTIONS",
    "certificate",
    "encryption",
    "info",
    "server",
    "trusted_ca",
]

#: Argument specification of the document fragment ``camsec.fleet.vms``.
SERVER_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "host": {"type": "str"},
    "address": {"type": "str"},
    "vms_host_name": {"type": "str"},
    "vms_mobile_host_name": {"type": "str"},
    "vms_roles": {"type": "list", "elements": "str", "choices": list(ROLES)},
    "vms_ports": {
        "type": "dict",
        "default": {},
        "options": {name: {"type": "int", "default": port} for name, port in DEFAULT_PORTS.items()},
        "apply_defaults": True,
    },
    "vms_service_account": {"type": "str", "default": r"NT AUTHORITY\NETWORK SERVICE"},
    "vms_configurator_path": {"type": "str", "default": DEFAULT_PATH},
    "timeout": {"type": "float", "default": 10.0},
    "switch_timeout": {"type": "float", "default": 180.0},
}
#: What a task takes from the inventory host's ``camsec_…``.
SERVER_INVENTORY: t.Final = tuple(name for name in SERVER_OPTIONS if name not in ("host", "address"))
#: Argument specification of the document fragment ``camsec.fleet.vms.trust``.
TRUST_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "ca_path": {"type": "path"},
    "ca_content": {"type": "str"},
}
#: Argument specification of the document fragment ``camsec.fleet.vms.certificate``.
CERTIFICATE_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "authority_directory": {"type": "path"},
    "authority_passphrase": {"type": "str", "no_log": True},
    "sign_command": {"type": "list", "elements": "str"},
    "sign_timeout": {"type": "float", "default": 60.0},
    "crl_path": {"type": "path"},
    "pkcs12_path": {"type": "path"},
    "pkcs12_passphrase": {"type": "str", "no_log": True},
    "certificate_groups": {"type": "list", "elements": "str", "choices": [SERVER, STREAMING, MOBILE], "default": []},
    "subject_alt_name": {"type": "list", "elements": "str", "default": []},
    "private_key_size": {"type": "int", "choices": [2048, 3072, 4096], "default": 2048},
    "lifetime_days": {"type": "int", "default": 397},
    "backdate_hours": {"type": "int", "default": 24},
    "renew_before": {"type": "float", "default": 30.0},
    "other_authority": {"type": "str", "choices": ["keep", "replace"], "default": "keep"},
    "remove_old": {"type": "bool", "default": True},
}
#: Of these, what a site says once for all its servers.
CERTIFICATE_INVENTORY: t.Final = (
    "authority_directory",
    "authority_passphrase",
    "sign_command",
    "sign_timeout",
    "crl_path",
    "subject_alt_name",
    "lifetime_days",
    "backdate_hours",
    "renew_before",
)
#: Argument specification of the document fragment ``camsec.fleet.vms.switch``.
SWITCH_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "thumbprint": {"type": "str"},
}
#: Argument specification of the document fragment ``camsec.fleet.vms.configurator``.
CONFIGURATOR_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "stop_running_configurator": {"type": "bool", "default": False},
}
#: Of these, what ``vms_info`` judges the present certificate by.
JUDGING_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "ca_path": {"type": "path"},
    **{
        name: CERTIFICATE_OPTIONS[name]
        for name in (
            "authority_directory",
            "sign_command",
            "crl_path",
            "subject_alt_name",
            "renew_before",
            "other_authority",
        )
    },
}
#: Of these, what a site says once for all its servers.
JUDGING_INVENTORY: t.Final = tuple(name for name in JUDGING_OPTIONS if name != "other_authority")
#: Their constraints.
JUDGING_CONSTRAINTS: t.Final[dict[str, t.Any]] = {
    "mutually_exclusive": [("sign_command", "authority_directory")],
    "required_by": {"sign_command": ["ca_path"], "crl_path": ["sign_command"]},
}
#: Where a certificate can come from: one of these options. Of the inventory's, an earlier one stands in a later one's
#: place: where an operator's command signs, our own authority does not.
SOURCES: t.Final = ("pkcs12_path", "sign_command", "authority_directory")
GROUP_CHOICES: t.Final = (SERVER, STREAMING, MOBILE)


def trusted_ca(call: Call) -> dict[str, t.Any]:
    """Of ``vms_trusted_ca``."""
    device = _device(call)
    roots = _roots(call.params, device)
    if not roots:
        raise InputError(device=device, subject="roots", found="none", expected="ca_path or ca_content")
    present = call.params["state"] == "present"
    if present:
        _check_validity(roots, device)
    return _converged(call, WantedServer(trusted=roots) if present else WantedServer(distrusted=roots))


def certificate(call: Call) -> dict[str, t.Any]:
    """Of ``vms_certificate``."""
    if all(call.params[name] is None for name in SOURCES):
        raise InputError(
            device=_device(call), subject="source of the certificate", found="none", expected=" or ".join(SOURCES)
        )
    return _converged(call, _wanted_certificate(call))


def encryption(call: Call) -> dict[str, t.Any]:
    """Of ``vms_encryption``."""
    wanted = WantedServer(groups={call.params["certificate_group"]: call.params["enabled"]}, **_switch(call.params))
    return _converged(call, wanted)


def server(call: Call) -> dict[str, t.Any]:
    """Of ``vms_server``."""
    groups = {group: call.params[group] for group in GROUP_CHOICES if call.params[group] is not None}
    given = any(call.params[name] is not None for name in SOURCES)
    wanted = _wanted_certificate(call) if given else WantedServer()
    roots = _roots(call.params, _device(call))
    _check_validity(roots, _device(call))
    wanted = dc.replace(wanted, trusted=roots, groups=groups, **_switch(call.params))
    return _converged(call, wanted)


def info(call: Call) -> dict[str, t.Any]:
    """Of ``vms_info``."""
    identity = _identity(call.params)
    peers = [Peer.of(row, device=identity.name) for row in call.params["servers"]]
    information = Information(
        host_of(call, device=identity.name), identity, now=dt.datetime.now(tz=dt.UTC), wanted=_known_certificate(call)
    )
    result = information.result(peers)
    if call.params["check_certificate"]:
        result["certificate_checks"] = information.certificate_checks(call.params["certificate_groups"])
    return result


def _converged(call: Call, wanted: WantedServer) -> dict[str, t.Any]:
    identity = _identity(call.params)
    resource = ServerResource(
        host_of(call, device=identity.name), identity, wanted, switch_timeout=call.params["switch_timeout"]
    )
    return converge(resource, check_mode=call.check_mode).result()


def _device(call: Call) -> str:
    return str(call.params["host"])


def _identity(params: t.Mapping[str, t.Any]) -> Identity:
    device = str(params["host"])
    roles = tuple(params["vms_roles"] or ())
    if not roles:
        raise InputError(
            device=device,
            subject="vms_roles",
            found="none",
            expected="what runs on this server, as the option or the variable camsec_vms_roles",
        )
    if params["switch_timeout"] <= 0:
        found = f"{params['switch_timeout']:g}"
        raise InputError(device=device, subject="switch_timeout", found=found, expected="more than 0 seconds")
    for name, port in params["vms_ports"].items():
        if not 1 <= port <= 65535:
            raise InputError(device=device, subject=f"vms_ports.{name}", found=port, expected="a port from 1 to 65535")
    host_name = parse_name(f"DNS:{params['vms_host_name'] or device}", device=device, subject="vms_host_name")
    return Identity(
        name=device,
        host_name=host_name.removeprefix("DNS:"),
        roles=roles,
        ports=params["vms_ports"],
        service_account=params["vms_service_account"],
        configurator=params["vms_configurator_path"],
        mobile_host_name=_mobile_host_name(params, device),
    )


def _mobile_host_name(params: t.Mapping[str, t.Any], device: str) -> str:
    given = params["vms_mobile_host_name"]
    if not given:
        return ""
    return parse_name(f"DNS:{given}", device=device, subject="vms_mobile_host_name").removeprefix("DNS:")


def _switch(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    asked = (params["thumbprint"] or "").replace(":", "").replace(" ", "")
    if asked and (len(asked) != 40 or set(asked.lower()) - set("0123456789abcdef")):
        raise InputError(
            device=str(params["host"]),
            subject="thumbprint",
            found=f"{len(asked)} characters",
            expected="40 hexadecimal digits, as Windows shows it",
        )
    return {"thumbprint": asked.upper(), "stop_running_configurator": params["stop_running_configurator"]}


def _roots(params: t.Mapping[str, t.Any], device: str) -> tuple[CertificateFacts, ...]:
    """The roots among the certificates that were given; those between root and server need not be trusted."""
    path, content = params["ca_path"], params["ca_content"]
    text = content or (read_text(path, subject="trusted certificates") if path else "")
    subject = "trusted certificates"
    found = [load_one_certificate(pem, device=device, subject=subject) for pem in certificate_blocks(text)]
    roots = tuple(facts for facts in found if facts.is_ca and facts.self_signed)
    if text and not roots:
        raise InputError(
            device=device,
            subject=f"{subject}{f' in {path}' if path else ''}",
            found=f"{len(found)} certificates, and no root among them",
            expected="a root: a self-signed certificate of an authority",
        )
    return roots


def _check_validity(roots: t.Sequence[CertificateFacts], device: str) -> None:
    """Of what is to be trusted; one that has ended can still go."""
    now = dt.datetime.now(tz=dt.UTC)
    for root in roots:
        if not root.not_before <= now < root.not_after:
            raise InputError(
                device=device,
                subject=f"root {root.subject_common_name}",
                found=f"valid from {root.not_before:%Y-%m-%d} to {root.not_after:%Y-%m-%d}",
                expected="one that is valid now",
            )


def _wanted_certificate(call: Call) -> WantedServer:
    params, device = call.params, _device(call)
    check_window(device, params["renew_before"], params["lifetime_days"])
    return WantedServer(
        names=_names(params, device),
        source=_source(call),
        renew_before=params["renew_before"],
        key_size=params["private_key_size"],
        replace_others=params["other_authority"] == "replace",
        remove_old=params["remove_old"],
        certificate_groups=tuple(params["certificate_groups"]),
        stop_running_configurator=params["stop_running_configurator"],
    )


def _known_certificate(call: Call) -> WantedServer | None:
    """What is wanted of a certificate, for who only asks; nothing without an authority that exists."""
    params, signer = call.params, _known_signer(call)
    if signer is None:
        return None
    return WantedServer(
        names=_names(params, _device(call)),
        source=signer,
        renew_before=params["renew_before"],
        replace_others=params["other_authority"] == "replace",
    )


def _known_signer(call: Call) -> Signer | None:
    """An authority that is asked about certificates, and signs none."""
    params, directory = call.params, call.params["authority_directory"]
    if params["sign_command"] is not None:
        return _foreign({**params, "sign_timeout": 0.0, "lifetime_days": 0, "backdate_hours": 0}, _device(call))
    if not directory or not CertificateAuthority.exists(directory):
        return None
    own = CertificateAuthority.open(directory)
    return OwnAuthority(own=own, passphrase=None, lifetime_days=0, backdate_hours=0)


def _names(params: t.Mapping[str, t.Any], device: str) -> tuple[str, ...]:
    """The host name, then the address of the connection where it is one, then what else was asked for."""
    names = [f"DNS:{_identity(params).host_name}"]
    address = params["address"]
    if address and _is_address(address):
        names.append(f"IP:{address}")
    return parse_names([*names, *params["subject_alt_name"]], device=device)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _source(call: Call) -> Source:
    params, device = call.params, _device(call)
    if params["pkcs12_path"] is not None:
        return _bundle(params, device)
    if params["sign_command"] is not None:
        return _foreign(params, device)
    directory = params["authority_directory"]
    # A fresh fleet in check mode: the task that would make the authority changed nothing.
    there = CertificateAuthority.exists(directory) or not call.check_mode
    return OwnAuthority(
        own=CertificateAuthority.open(directory) if there else None,
        passphrase=secret(params["authority_passphrase"]),
        lifetime_days=params["lifetime_days"],
        backdate_hours=params["backdate_hours"],
    )


def _foreign(params: t.Mapping[str, t.Any], device: str) -> ForeignAuthority:
    command = SigningCommand(arguments=tuple(params["sign_command"]), timeout=params["sign_timeout"])
    return ForeignAuthority(
        external=ExternalAuthority(
            ca_path=params["ca_path"], command=command, crl_path=params["crl_path"], device=device
        ),
        lifetime_days=params["lifetime_days"],
        backdate_hours=params["backdate_hours"],
        renew_before=params["renew_before"],
    )


def _bundle(params: t.Mapping[str, t.Any], device: str) -> Bundle:
    path, passphrase = params["pkcs12_path"], Secret(params["pkcs12_passphrase"] or "")
    found = bundle_from_pkcs12(path, passphrase)
    if found.leaf.key_type != "rsa" or found.key is None:
        raise InputError(
            device=device, subject=f"key in {path}", found=found.leaf.key_type, expected="an RSA key (VMS-19)"
        )
    # Made anew: the operator's passphrase stays here. In the form that Windows Server 2016 still reads.
    content, own = pkcs12_file(found.leaf, found.key, name=device, modern=False)
    return Bundle(
        content=content, passphrase=own, thumbprint=thumbprint_of(found.leaf), issuers=found.issuers, leaf=found.leaf
    )
