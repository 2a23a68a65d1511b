# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A camera as the VMS knows it: address, and whether and how it is reached by HTTPS."""

from __future__ import annotations

import typing as t
import uuid

from ._frame import ApiError
from ._vms_spec import VmsHardwareSpec
from ._windows_store import WRONG_CHAIN, WRONG_NAME, Verdict

__all__ = ["Hardware", "vms_id"]

_NAMESPACE: t.Final = uuid.UUID("6f0c7a55-7a8e-4b0a-9a3c-2d3b0a0f5c11")
_YES_NO: t.Final[t.Mapping[str, bool]] = {"yes": True, "no": False, "true": True, "false": False}


def vms_id(kind: str, name: str) -> str:
    """The GUID of an object of the VMS; the same one after a restart."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


class Hardware:
    """One piece of hardware, with the settings of its driver that concern HTTPS."""

    def __init__(self, spec: VmsHardwareSpec) -> None:
        self.spec = spec
        self.id = vms_id("hardware", spec.name)
        self.https = spec.https
        self.https_port = spec.https_port
        self.validate_certificate = spec.validate_certificate
        self.validate_host_name = spec.validate_host_name

    @property
    def port(self) -> int:
        """Where the recording server connects to."""
        return self.https_port if self.https else self.spec.http_port

    def objection(self, verdict: Verdict) -> str:
        """What of Windows' verdict on the camera's certificate counts by the settings; empty when nothing does.

        INFERRED: without `httpSValidateCertificate` nothing is looked at, the name neither.
        """
        if not self.validate_certificate:
            return ""
        counted = verdict.errors - (frozenset() if self.validate_host_name else {WRONG_NAME})
        statuses = verdict.statuses if WRONG_CHAIN in counted else frozenset()
        return ", ".join([*sorted(counted), *sorted(statuses)])

    # -- as the API has it: "HTTPS" with a capital S at an odd place is real ---------------------------------------

    def settings(self) -> dict[str, object]:
        """`hardwareDriverSettings`. The words are those that the maker's PowerShell module shows; INFERRED for REST."""
        return {
            "displayName": "General",
            "detectedModelName": self.spec.model,
            "firmwareUpgradeSupported": "No",
            "firmwareVersion": "1.0",
            "httpSEnabled": "yes" if self.https else "no",
            "httpSPort": str(self.https_port),
            "httpSValidateCertificate": "Yes" if self.validate_certificate else "No",
            "httpSValidateHostname": "Yes" if self.validate_host_name else "No",
            "macAddress": self.spec.mac,
            "productID": self.spec.model,
            "serialNumber": self.spec.mac,
        }

    def change(self, changes: t.Mapping[str, t.Any]) -> None:
        """Other settings; ApiError (and no change) when one cannot be."""
        made: dict[str, t.Any] = {}
        for name, value in changes.items():
            field = _FIELDS.get(name)
            if field is None:
                if name in self.settings():
                    continue  # What only the driver sets is not looked at (INFERRED).
                raise ApiError(400, f"Unknown property: {name}")
            made[field] = _port(name, value) if field == "https_port" else _yes(name, value)
        for field, value in made.items():
            setattr(self, field, value)

    def dump(self) -> dict[str, t.Any]:
        return {field: getattr(self, field) for field in _FIELDS.values()}

    def load(self, data: t.Mapping[str, t.Any]) -> None:
        for field in _FIELDS.values():
            setattr(self, field, data[field])


_FIELDS: t.Final[t.Mapping[str, str]] = {
    "httpSEnabled": "https",
    "httpSPort": "https_port",
    "httpSValidateCertificate": "validate_certificate",
    "httpSValidateHostname": "validate_host_name",
}


def _yes(name: str, value: object) -> bool:
    """INFERRED: upper and lower case are the same, and JSON's own booleans are taken as well."""
    known = _YES_NO.get(str(value).lower())
    if known is None:
        raise ApiError(400, f"Invalid value of {name}: {value!r}")
    return known


def _port(name: str, value: object) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65535):
        raise ApiError(400, f"Invalid value of {name}: {value!r}")
    return int(text)
