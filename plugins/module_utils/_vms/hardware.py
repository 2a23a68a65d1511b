# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera's HTTPS settings as the VMS has them: read, planned, changed, read again."""

from __future__ import annotations

import dataclasses as dc
import types
import typing as t

from .._core._errors import ConnectError, InputError, ProtocolError, VerificationError
from .._core._plan import Impact, Plan, Step
from .._tls._certificate import CertificateFacts
from .._transport._contact import Contact, Target, contact, contact_shown
from .._transport._session import DeviceSession
from .gateway import GatewayApi, Hardware, is_id

__all__ = [
    "HardwareResource",
    "HardwareState",
    "WantedHardware",
    "gateway_at",
    "hardware_by_name",
    "hardware_https",
    "only_hardware",
    "plan_hardware",
    "reached_shown",
]

#: Option -> the API's name; the capital S is real.
_FIELDS: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "https": "httpSEnabled",
        "camera_https_port": "httpSPort",
        "validate_certificate": "httpSValidateCertificate",
        "validate_host_name": "httpSValidateHostname",
    }
)
_PORT: t.Final = "camera_https_port"
#: How the API may write yes and no. INFERRED: PowerShell shows the first two, the API's answer was seen without its
#: values. Whichever is found is written back.
_SPELLINGS: t.Final[tuple[tuple[str | bool, str | bool], ...]] = (
    ("yes", "no"),
    ("Yes", "No"),
    (True, False),
    ("true", "false"),
    ("True", "False"),
    ("1", "0"),
)
#: A setting, what rests on it, and why.
_RESTS_ON: t.Final = (
    ("https", "validate_certificate", "a certificate to be verified only where there is HTTPS"),
    (
        "validate_certificate",
        "validate_host_name",
        "a name to be verified only in a certificate that is verified itself",
    ),
)
_UNVERIFIED = (
    "The VMS fetches video by HTTPS without looking at the camera's certificate: whoever stands between can pass for"
    " the camera. Set validate_certificate and validate_host_name."
)
_NOT_ENCRYPTED = (
    "Check the address, the port and the network. A VMS that is not encrypted yet answers in plain HTTP only: set"
    " first_contact to plain_http until it is, on a network that you trust."
)
_PLAIN = "The password went to the VMS over plain HTTP, as first_contact allows: change it once the VMS is encrypted."

Value: t.TypeAlias = "bool | int"


@dc.dataclass(frozen=True, kw_only=True)
class HardwareState:
    """One piece of hardware with its HTTPS settings.

    Attributes:
        hardware: The hardware.
        recording_server: Name of its recording server, or empty.
        settings: By option; those that the driver does not have are missing.
        raw: By the API's name, as it was read.
        contact: How the VMS was reached.
    """

    hardware: Hardware
    recording_server: str
    settings: t.Mapping[str, Value]
    raw: t.Mapping[str, t.Any]
    contact: Contact

    def shown(self, settings: t.Mapping[str, Value] | None = None) -> dict[str, t.Any]:
        """The state as a result shows it.

        Args:
            settings: Instead of its own.
        """
        return {
            "id": self.hardware.id,
            "name": self.hardware.name,
            "address": self.hardware.address,
            "recording_server": self.recording_server,
            **(self.settings if settings is None else settings),
        }


@dc.dataclass(frozen=True, kw_only=True)
class WantedHardware:
    """What is wanted of one piece of hardware.

    Attributes:
        hardware: Its name, its address or its id.
        recording_server: Name or id of its recording server; None for any.
        settings: By option; those that are missing stay.
    """

    hardware: str
    recording_server: str | None
    settings: t.Mapping[str, Value]


def hardware_https(raw: t.Mapping[str, t.Any], *, device: str, name: str) -> dict[str, Value]:
    """The HTTPS settings of a driver.

    Args:
        raw: By the API's name.
        device: The VMS.
        name: The hardware's name.

    Returns:
        By option; what the driver does not have is missing.

    Raises:
        ProtocolError: A value is not one of those known.
    """
    found: dict[str, Value] = {}
    for option, field in _FIELDS.items():
        if field not in raw:
            continue
        value = _port(raw[field]) if option == _PORT else _flag(raw[field])
        if value is None:
            raise ProtocolError(
                device=device,
                subject=f"{field} of {name}",
                found=repr(raw[field])[:40],
                expected="a port" if option == _PORT else "yes or no",
            )
        found[option] = value
    return found


def _flag(value: object) -> bool | None:
    for yes, no in _SPELLINGS:
        if type(value) is type(yes) and value in (yes, no):
            return value == yes
    return None


def _port(value: object) -> int | None:
    text = "" if isinstance(value, bool) else str(value)
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65535 else None


def _written(before: object, value: Value) -> object:
    """A value in the form in which the setting was read."""
    if not isinstance(value, bool):
        return value if isinstance(before, int) else str(value)
    for yes, no in _SPELLINGS:
        if type(before) is type(yes) and before in (yes, no):
            return yes if value else no
    raise RuntimeError("read before it is written")


def plan_hardware(current: HardwareState, wanted: t.Mapping[str, Value]) -> Plan:
    """The step from one setting to another.

    What stops making sense goes with what it rests on: without HTTPS there is no certificate to look at, and without
    that no name in it.

    Args:
        current: The present state.
        wanted: By option; what is missing stays.

    Returns:
        The plan.

    Raises:
        InputError: It makes no sense, or the driver cannot.
    """
    after = _after(current, wanted)
    _check_sense(current, wanted, after)
    changes = {option: value for option, value in after.items() if value != current.settings[option]}
    warnings = []
    if after.get("https") and not after.get("validate_certificate"):
        warnings.append(_UNVERIFIED)
    if current.contact.trust == "plain_http":
        warnings.append(_PLAIN)
    return Plan(
        before=current.shown(),
        after=current.shown(after),
        steps=_steps(current, changes),
        impacts=_impacts(changes, after),
        warnings=tuple(warnings),
    )


def _after(current: HardwareState, wanted: t.Mapping[str, Value]) -> dict[str, Value]:
    after = dict(current.settings)
    for option, value in wanted.items():
        if option in after:
            after[option] = value
        elif value is not False:
            raise InputError(
                device=current.contact.session.device,
                subject=f"{option} of {current.hardware.name}",
                found=f"a driver without {_FIELDS[option]}",
                expected="a driver that has this setting",
                advice="Newer drivers have it: replace the hardware's driver in the VMS.",
            )
    for above, below, dummy in _RESTS_ON:
        turned_off = not after.get(above) and (above in wanted or after.get(above) != current.settings.get(above))
        if turned_off and below in after and below not in wanted:
            after[below] = False
    return after


def _check_sense(current: HardwareState, wanted: t.Mapping[str, Value], after: t.Mapping[str, Value]) -> None:
    for above, below, words in _RESTS_ON:
        if wanted.get(below) and not after.get(above):
            raise InputError(
                device=current.contact.session.device,
                subject=f"{below} of {current.hardware.name}",
                found=f"true, with {above} false",
                expected=words,
                advice=f"Set {above} too.",
            )


def _steps(current: HardwareState, changes: t.Mapping[str, Value]) -> tuple[Step, ...]:
    if not changes:
        return ()
    words = ", ".join(f"{option} {str(value).lower()}" for option, value in changes.items())
    data = {_FIELDS[option]: _written(current.raw[_FIELDS[option]], value) for option, value in changes.items()}
    return (Step(id="set_hardware_https", title=f"Set in the VMS: {words}", data=data),)


def _impacts(changes: t.Mapping[str, Value], after: t.Mapping[str, Value]) -> tuple[Impact, ...]:
    """Without the camera's name: of a thousand cameras it is one line."""
    found = []
    if changes.keys() & {"https", _PORT}:
        way = f"HTTPS on port {after.get(_PORT)}" if after.get("https") else "plain HTTP"
        text = f"The recording server connects to the camera anew, by {way}; the camera has to answer there."
        found.append(Impact(rule="HTTPS-30", text=text))
    if changes.get("validate_certificate"):
        text = "The recording server loses the camera unless it trusts the root of the camera's certificate."
        found.append(Impact(rule="HTTPS-25", text=text))
    if changes.get("validate_host_name"):
        text = "The recording server loses the camera unless its certificate names the address that the VMS has for it."
        found.append(Impact(rule="HTTPS-25", text=text))
    return tuple(found)


def hardware_by_name(hardware: t.Iterable[Hardware]) -> dict[str, list[Hardware]]:
    """All hardware by what a user may call it.

    Args:
        hardware: All of it.

    Returns:
        By its name, its address without scheme, port and path, and its id, each in small letters.
    """
    found: dict[str, list[Hardware]] = {}
    for one in hardware:
        for text in {one.name.lower(), one.host, one.id} - {""}:
            found.setdefault(text, []).append(one)
    return found


def only_hardware(text: str, found: t.Sequence[Hardware], *, device: str) -> Hardware:
    """The one piece of hardware that is meant.

    Args:
        text: What the user calls it.
        found: All that is called so.
        device: The VMS.

    Returns:
        The hardware.

    Raises:
        InputError: There is none, or several.
    """
    if len(found) == 1:
        return found[0]
    some = ", ".join(f"{one.name} at {one.address} ({one.id})" for one in found[:5])
    raise InputError(
        device=device,
        subject=f"hardware {text}",
        found=f"{len(found)} of them: {some}" if found else "none with this name, address or id",
        expected="exactly one",
        advice="Name it by its id." if found else "",
    )


def gateway_at(target: Target) -> tuple[Contact, GatewayApi]:
    """Reach an API Gateway and log in.

    Args:
        target: The management server.

    Returns:
        How it was reached, and its calls.

    Raises:
        CamsecError: Not reached, not trusted, or the account was refused.
    """

    def log_in(session: DeviceSession) -> GatewayApi:
        api = GatewayApi(session)
        api.login()
        return api

    try:
        return contact(target, log_in)
    except ConnectError as error:
        if target.first_contact == "refuse":
            error.advice = _NOT_ENCRYPTED
        raise


class HardwareResource:
    """What is wanted of one piece of hardware.

    Use it as a context manager, so that the connection is closed however it ends.

    Args:
        wanted: The desired state.
        target: The management server.
    """

    def __init__(self, wanted: WantedHardware, *, target: Target) -> None:
        self.wanted = wanted
        self.target = target
        self._api: GatewayApi | None = None
        self._before: HardwareState | None = None

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *details: object) -> None:
        if self._api is not None:
            self._api.session.close()

    def read(self) -> HardwareState:
        """The present state.

        Returns:
            The state.

        Raises:
            CamsecError: The VMS cannot be reached or understood, or has no such hardware, or several.
        """
        reached, self._api = gateway_at(self.target)
        recorders = {recorder.id: recorder.name for recorder in self._api.recording_servers()}
        hardware = self._find(self._api, recorders)
        server = recorders.get(hardware.recording_server_id, "")
        self._before = self._with_settings(self._api, hardware, server, reached)
        return self._before

    def _with_settings(self, api: GatewayApi, hardware: Hardware, server: str, reached: Contact) -> HardwareState:
        raw = api.driver_settings(hardware.id)
        settings = hardware_https(raw, device=api.device, name=hardware.name)
        return HardwareState(hardware=hardware, recording_server=server, settings=settings, raw=raw, contact=reached)

    def _find(self, api: GatewayApi, recorders: t.Mapping[str, str]) -> Hardware:
        text = self.wanted.hardware
        server = self._server(recorders)
        if is_id(text):
            found = [api.one_hardware(text)]
        else:
            found = hardware_by_name(api.hardware(server)).get(text.lower(), [])
        found = [one for one in found if server in (None, one.recording_server_id)]
        return only_hardware(text, found, device=self.target.host)

    def _server(self, recorders: t.Mapping[str, str]) -> str | None:
        text = self.wanted.recording_server
        if text is None:
            return None
        low = text.lower()
        found = [one for one, name in recorders.items() if low in (one, name.lower())]
        if len(found) != 1:
            raise InputError(
                device=self.target.host,
                subject=f"recording server {text}",
                found=f"{len(found)} of them" if found else "none with this name or id",
                expected="exactly one",
            )
        return found[0]

    def plan(self, current: HardwareState) -> Plan:
        """The step to what is wanted.

        Args:
            current: The present state.

        Returns:
            The plan.
        """
        return plan_hardware(current, self.wanted.settings)

    def apply(self, step: Step) -> None:
        """Send the changes; what came of a lost answer is seen by reading again.

        Args:
            step: The step.
        """
        try:
            self._known_api().change_driver_settings(self._known_before().hardware.id, step.data)
        except ConnectError:
            return

    def verify(self, plan: Plan) -> dict[str, t.Any]:
        """Read again.

        Args:
            plan: The plan that was carried out.

        Returns:
            ``after`` and how the VMS was reached.

        Raises:
            VerificationError: The VMS does not have what was sent.
        """
        before = self._known_before()
        state = self._with_settings(self._known_api(), before.hardware, before.recording_server, before.contact)
        for option, value in state.settings.items():
            if value != plan.after[option]:
                raise VerificationError(
                    device=self.target.host,
                    subject=f"{option} of {state.hardware.name}",
                    found=value,
                    expected=str(plan.after[option]),
                )
        return self.evidence(state)

    def evidence(self, current: HardwareState) -> dict[str, t.Any]:
        """What the read proved.

        Args:
            current: The state.

        Returns:
            ``after`` and how the VMS was reached.
        """
        return {"after": current.shown(), **reached_shown(current.contact)}

    def abandon(self, step: Step, error: Exception) -> None:
        """There is one request, which the VMS takes or refuses as a whole; nothing is left half done."""

    def _known_api(self) -> GatewayApi:
        if self._api is None:
            raise RuntimeError("read() comes first")
        return self._api

    def _known_before(self) -> HardwareState:
        if self._before is None:
            raise RuntimeError("read() comes first")
        return self._before


def reached_shown(reached: Contact) -> dict[str, t.Any]:
    """How the VMS was reached.

    Args:
        reached: The contact.

    Returns:
        ``contact`` and, over HTTPS, ``endpoint`` and ``certificate``.
    """
    peer = reached.session.peer
    return contact_shown(reached, CertificateFacts.from_der(peer.certificate) if peer else None)
