# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ServerConfigurator: its arguments and what its exit codes mean."""

from __future__ import annotations

import dataclasses as dc
import types
import typing as t

from .._core._errors import RefusedError
from .topology import CERTIFICATE_GROUPS

__all__ = ["APPLIED", "DEFAULT_PATH", "check_exit", "disable", "enable"]

DEFAULT_PATH: t.Final = r"C:\Program Files\Milestone\Server Configurator\ServerConfigurator.exe"


@dc.dataclass(frozen=True, kw_only=True)
class _Meaning:
    found: str
    advice: str


#: Exit codes with which the certificate is bound all the same (FIELD): the server then speaks TLS, but the management
#: server does not know it.
APPLIED: t.Final = frozenset({100, 100000, 300000})
#: -1 to -4 are the maker's (OFFICIAL), the others are what people met (FIELD).
_MEANINGS: t.Final[t.Mapping[int, _Meaning]] = types.MappingProxyType(
    {
        -1: _Meaning(found="an unknown error", advice="Read ServerConfigurator's log on that server."),
        -2: _Meaning(found="arguments that it does not take", advice="It takes them from XProtect 2020 R3 on."),
        -3: _Meaning(
            found="a value that it does not take",
            advice="The certificate group is not of this server, or the thumbprint.",
        ),
        -4: _Meaning(
            found="another instance of it, or a certificate below a root that this server does not trust",
            advice="End that instance (stop_running_configurator), or trust the root first (vms_trusted_ca).",
        ),
        100: _Meaning(
            found="the certificate bound, and no right to register it at the management server",
            advice="The account of the connection has to be in the role Administrators of the VMS.",
        ),
        100000: _Meaning(
            found="the certificate bound, and no registration at the identity provider",
            advice="The management server has to answer, and to trust the root of this server.",
        ),
        300000: _Meaning(
            found="the certificate bound, and no registration in the system",
            advice="The certificate has to name the host by which the management server knows it.",
        ),
    }
)


def enable(group: str, thumbprint: str) -> list[str]:
    """Arguments that switch encryption on. One group a call: of several, only the first is applied (FIELD).

    Args:
        group: Certificate group.
        thumbprint: Of the certificate.

    Returns:
        The arguments.
    """
    return [
        "/quiet",
        "/enableencryption",
        f"/certificategroup={CERTIFICATE_GROUPS[group]}",
        f"/thumbprint={thumbprint}",
    ]


def disable(group: str) -> list[str]:
    """Arguments that switch encryption off.

    Args:
        group: Certificate group.

    Returns:
        The arguments.
    """
    return ["/quiet", "/disableencryption", f"/certificategroup={CERTIFICATE_GROUPS[group]}"]


def check_exit(code: int, *, device: str, group: str) -> None:
    """Turn an exit code into an error.

    Args:
        code: The exit code.
        device: Inventory name.
        group: Certificate group, for the error.

    Raises:
        RefusedError: It is not 0.
    """
    if code == 0:
        return
    meaning = _MEANINGS.get(code, _Meaning(found="a code that its maker does not name", advice="Read its log there."))
    raise RefusedError(
        device=device,
        subject=f"ServerConfigurator (certificate group {group})",
        found=f"exit code {code}: {meaning.found}",
        expected="exit code 0",
        advice=meaning.advice,
    )
