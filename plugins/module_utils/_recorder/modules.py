# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's options to what is wanted of a recorder: one function a module."""

from __future__ import annotations

import dataclasses as dc
import typing as t
from pathlib import Path

from .._core._call import Call
from .._core._converge import converge
from .._core._errors import InputError
from .._core._secret import Secret
from .._escrow._escrow import Escrow, escrow_path
from .._options import secret, target_from
from .._pki._files import exists, read_text
from .._tls._certificate import CertificateFacts, certificate_blocks, pem_labels
from .information import information, root_certificate
from .resource import EscrowAccess, Limits, RecorderResource
from .state import UnlockKey, Wanted, WantedCamera, WantedEncryption, WantedHttps, WantedLicenses

__all__ = [
    "CONSTRAINTS",
    "ENCRYPTION_OPTIONS",
    "HTTPS_OPTIONS",
    "LICENSE_OPTIONS",
    "LINK_OPTIONS",
    "RECORDER_OPTIONS",
    "ROOT_OPTIONS",
    "camera_link",
    "data_encryption",
    "https",
    "info",
    "license_",
    "root_certificate_info",
    "whole",
]

#: Argument specification of the document fragment ``camsec.fleet.recorder``.
RECORDER_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "command_interval": {"type": "float", "default": 3.0},
    "switch_timeout": {"type": "float", "default": 60.0},
}
#: Of ``camsec.fleet.recorder.root``.
ROOT_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {"root_certificate_path": {"type": "path"}}
#: Of ``camsec.fleet.recorder.license``.
LICENSE_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "main_unlock_key": {"type": "str", "no_log": True},
    "kit_unlock_keys": {"type": "list", "elements": "str", "default": [], "no_log": True},
}
#: Of ``camsec.fleet.recorder.https``.
HTTPS_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "connection": {"type": "str", "choices": ["http_and_https", "https_only"]},
    "tls_1_1": {"type": "bool"},
}
#: Of ``camsec.fleet.recorder.link``.
LINK_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "trusted_ca_path": {"type": "path"},
    "trusted_ca_content": {"type": "str"},
    "retired_ca_path": {"type": "path"},
    "retired_ca_content": {"type": "str"},
    "on_unseen": {"type": "str", "choices": ["fail", "revert", "report"], "default": "fail"},
    "link_timeout": {"type": "float", "default": 60.0},
}
#: Of ``camsec.fleet.recorder.encryption``.
ENCRYPTION_OPTIONS: t.Final[dict[str, dict[str, t.Any]]] = {
    "data_encryption_password": {"type": "str", "no_log": True},
    "former_data_encryption_password": {"type": "str", "no_log": True},
    "on_unknown_former": {"type": "str", "choices": ["fail", "accept_loss"], "default": "fail"},
    "escrow_path": {"type": "path"},
    "escrow_directory": {"type": "path"},
    "escrow_name": {"type": "str"},
    "escrow_password": {"type": "str", "no_log": True},
    "escrow_password_file": {"type": "path", "no_log": False},
}
#: Constraints among these options.
CONSTRAINTS: t.Final[dict[str, t.Any]] = {
    "mutually_exclusive": [
        ("trusted_ca_path", "trusted_ca_content"),
        ("retired_ca_path", "retired_ca_content"),
        ("escrow_path", "escrow_directory"),
        ("escrow_password", "escrow_password_file"),
    ],
    # By no default: the lookup and the roles find the file by the inventory name, which a module does not know.
    "required_by": {"escrow_directory": ["escrow_name"]},
}


def license_(call: Call) -> dict[str, t.Any]:
    """Of ``recorder_license``."""
    return _converged(Wanted(licenses=_licenses(call.params)), call)


def https(call: Call) -> dict[str, t.Any]:
    """Of ``recorder_https``."""
    params = call.params
    return _converged(Wanted(https=_https(params), root_certificate_path=params["root_certificate_path"] or None), call)


def camera_link(call: Call) -> dict[str, t.Any]:
    """Of ``recorder_camera_link``."""
    params = call.params
    cameras = tuple(
        WantedCamera(
            number=one["number"],
            connection=one["connection"],
            port=one["port"],
            address=one["address"],
            send=one["send"],
        )
        for one in params["cameras"]
    )
    return _converged(_with_trust(Wanted(cameras=cameras), call), call)


def data_encryption(call: Call) -> dict[str, t.Any]:
    """Of ``recorder_data_encryption``."""
    cameras = tuple(
        WantedCamera(number=one["number"], encrypted=one["encrypt"], send=one["send"]) for one in call.params["cameras"]
    )
    return _converged(Wanted(cameras=cameras, encryption=_encryption(call.params)), call)


def whole(call: Call) -> dict[str, t.Any]:
    """Of ``recorder``."""
    params = call.params
    keys = _licenses(params)
    cameras = params["cameras"]
    wanted = Wanted(
        licenses=keys if keys.main is not None or keys.kits else None,
        https=_https(params) if params["connection"] is not None else None,
        cameras=tuple(map(_camera, cameras)) if cameras is not None else None,
        encryption=_encryption(params) if params["data_encryption_password"] is not None else None,
        root_certificate_path=params["root_certificate_path"] or None,
    )
    return _converged(_with_trust(wanted, call), call)


def info(call: Call) -> dict[str, t.Any]:
    """Of ``recorder_info``."""
    return information(_resource(Wanted(), call))


def root_certificate_info(call: Call) -> dict[str, t.Any]:
    """Of ``recorder_root_certificate_info``."""
    return root_certificate(_resource(Wanted(), call))


def _converged(wanted: Wanted, call: Call) -> dict[str, t.Any]:
    with _resource(wanted, call) as resource:
        return converge(resource, check_mode=call.check_mode).result()


def _resource(wanted: Wanted, call: Call) -> RecorderResource:
    params = call.params
    root = params.get("root_certificate_path")
    target = target_from(params, ca_path=root if root and Path(root).exists() else None)
    limits = Limits(
        command_interval=params["command_interval"],
        link_seconds=params.get("link_timeout", Limits.link_seconds),
        switch_seconds=params["switch_timeout"],
        on_unseen=params.get("on_unseen", Limits.on_unseen),
    )
    return RecorderResource(wanted, target=target, limits=limits, escrow=_escrow(call))


def _licenses(params: t.Mapping[str, t.Any]) -> WantedLicenses:
    main = params["main_unlock_key"]
    return WantedLicenses(
        main=UnlockKey(key=Secret(main)) if main else None,
        kits=tuple(UnlockKey(key=Secret(key)) for key in params["kit_unlock_keys"]),
    )


def _https(params: t.Mapping[str, t.Any]) -> WantedHttps:
    return WantedHttps(connection=params["connection"], tls_1_1=params["tls_1_1"], https_port=params["https_port"])


def _camera(one: t.Mapping[str, t.Any]) -> WantedCamera:
    return WantedCamera(
        number=one["number"],
        connection=one["connection"],
        port=one["port"],
        encrypted=one["encrypt"],
        send=one["send"],
    )


def _encryption(params: t.Mapping[str, t.Any]) -> WantedEncryption:
    return WantedEncryption(password=secret(params["data_encryption_password"]))


def _with_trust(wanted: Wanted, call: Call) -> Wanted:
    """With the certificates for cameras; a rehearsal may name a file that only the real run makes."""
    wanted = dc.replace(wanted, retired_cas=_given_cas(call.params, "retired_ca", "retired certificates"))
    path = call.params["trusted_ca_path"]
    if call.check_mode and path and not exists(path):
        return dc.replace(wanted, trusted_ca_to_come=path)
    return dc.replace(wanted, trusted_cas=_given_cas(call.params, "trusted_ca", "trusted certificates"))


def _given_cas(params: t.Mapping[str, t.Any], option: str, subject: str) -> tuple[CertificateFacts, ...]:
    """Of the options ``<option>_path`` and ``<option>_content``."""
    path = params[f"{option}_path"]
    text = read_text(path, subject=subject) if path else params[f"{option}_content"]
    if text is None:
        return ()
    labels = pem_labels(text)
    if not labels or set(labels) != {"CERTIFICATE"}:
        raise InputError(
            device=path or params["host"],
            subject=subject if path else f"{option}_content",
            found=", ".join(sorted({label.lower() for label in labels})) or "no PEM block",
            expected="one or more certificates in PEM and nothing else",
        )
    return tuple(
        CertificateFacts.from_pem(block, device=path or params["host"], subject=subject.removesuffix("s"))
        for block in certificate_blocks(text)
    )


def _escrow(call: Call) -> EscrowAccess | None:
    params = call.params
    path = params.get("escrow_path")
    if params.get("escrow_directory"):
        path = escrow_path(params["escrow_directory"], params["escrow_name"])
    if not path:
        return None
    password = secret(params["escrow_password"]) or _password_of(params["escrow_password_file"])
    if password is None or not len(password):
        raise InputError(
            device=str(path),
            subject="vault password of the escrow",
            found="none",
            expected="escrow_password or escrow_password_file",
        )
    return EscrowAccess(
        escrow=Escrow(path, password),
        former_password=secret(params["former_data_encryption_password"]),
        accept_loss=params["on_unknown_former"] == "accept_loss",
        look_only=call.check_mode,
    )


def _password_of(path: str | None) -> Secret | None:
    return Secret(read_text(path, subject="vault password of the escrow").strip()) if path else None
