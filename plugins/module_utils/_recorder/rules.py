# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recorder's manual forbids, each rule with its id and reason; checked before anything is sent.

Source: i-PRO secure extension kit WJ-NXS01WUX/04/16/32, with the recorders WJ-NX400K, NX300, NX200, NX100.
"""

from __future__ import annotations

import re
import types
import typing as t

from .._core._errors import InputError, RuleError
from .._core._plan import Impact
from .._core._secret import Secret
from .._tls._names import parse_name
from .state import CameraState, Licenses, PcSide, RecorderState, UnlockKey, WantedCamera, WantedLicenses

__all__ = [
    "ENCRYPTABLE_COMPRESSIONS",
    "FORBIDDEN_HTTPS_PORTS",
    "IMPACTS",
    "KIT_SIZES",
    "check_camera_numbers",
    "check_encryptable",
    "check_https_port",
    "check_https_port_free",
    "check_kit_registered",
    "check_link",
    "check_main_unlocked",
    "check_password",
    "check_password_present",
    "check_seats",
    "check_seats_on_the_way",
    "check_unlock_key",
    "fewest_kits",
    "internet_mode_impact",
    "seats",
]

#: REC-12.
FORBIDDEN_HTTPS_PORTS: t.Final = frozenset(
    (
        *(20, 21, 23, 25, 42, 53, 67, 68, 69, 79, 105, 110, 123, 161, 162, 546, 547, 995),
        *range(10001, 10008),
        *range(50000, 50256),
    )
)
#: Cameras that each kit adds.
KIT_SIZES: t.Final[t.Mapping[str, int]] = types.MappingProxyType(
    {"WJ-NXS01WUX": 1, "WJ-NXS04WUX": 4, "WJ-NXS16WUX": 16, "WJ-NXS32WUX": 32}
)
#: REC-32.
ENCRYPTABLE_COMPRESSIONS: t.Final = frozenset(("h265_1", "h264_1", "mjpeg"))
#: Side effects by the id of their rule.
IMPACTS: t.Final[t.Mapping[str, Impact]] = types.MappingProxyType(
    {
        impact.rule: impact
        for impact in (
            Impact(rule="REC-10", text="Port forwarding stops working, since PCs reach the recorder by HTTPS only."),
            Impact(
                rule="REC-14",
                text="PCs, software and firewalls that use the old HTTPS port are cut off until they use the new one.",
            ),
            Impact(
                rule="REC-34",
                text="Cameras that encrypt and that the new password is not sent to go on with the old one: their"
                " pictures cannot be decrypted until it is sent.",
            ),
            Impact(
                rule="REC-35",
                text="Pictures recorded before need the password that was in force then; the escrow keeps it.",
            ),
            Impact(
                rule="REC-36",
                text="Thumbnails are broken as long as the recorder's setting is not sent to the camera too.",
            ),
            Impact(
                rule="REC-37",
                text="On four or more tiles encrypted cameras are thinned out: I-frames only, JPEG one a second.",
            ),
        )
    }
)
_SIZES = tuple(sorted(KIT_SIZES.values(), reverse=True))
_MODEL_OF_SIZE = {size: model for model, size in KIT_SIZES.items()}
_PASSWORD = re.compile(r"[!-~]{4,16}")
_KEY = re.compile(r"[0-9]{20}")

if not all(1 <= port <= 65535 for port in FORBIDDEN_HTTPS_PORTS) or 443 in FORBIDDEN_HTTPS_PORTS:
    raise ValueError("a forbidden port is not a port, or it is the default port")


def check_https_port(device: str, port: int) -> None:
    """REC-12, the part that needs no answer of the recorder: 1 to 65535, and not one of the list.

    Raises:
        RuleError: The port cannot be used.
    """
    if not 1 <= port <= 65535:
        expected = "a port from 1 to 65535"
        raise RuleError(rule="REC-12", device=device, subject="HTTPS port", found=port, expected=expected)
    if port in FORBIDDEN_HTTPS_PORTS:
        raise RuleError(
            rule="REC-12",
            device=device,
            subject="HTTPS port",
            found=f"{port}, which the manual forbids",
            expected="a port from 1 to 65535 without 20, 21, 23, 25, 42, 53, 67-69, 79, 105, 110, 123, 161, 162, 546,"
            " 547, 995, 10001-10007 and 50000-50255",
        )


def check_https_port_free(device: str, port: int, present: PcSide) -> None:
    """REC-12, the other part: not one that the recorder uses at present.

    Raises:
        RuleError: The recorder uses it itself.
    """
    uses = {
        "HTTP port": (present.http_port,),
        "FTP port": (present.ftp_port,),
        "site alarm receiving port": (present.site_alarm_port,),
        "port forwarding port": present.port_forwarding_ports,
    }
    for use, ports in uses.items():
        if port in ports:
            raise RuleError(
                rule="REC-12",
                device=device,
                subject="HTTPS port",
                found=f"{port}, the recorder's {use} at present",
                expected="a port that the recorder does not use itself",
            )


def check_unlock_key(device: str, key: UnlockKey) -> None:
    """REC-01, REC-04: a key that cannot be one is not sent.

    Raises:
        InputError: It has not 20 digits.
    """
    text = re.sub(r"[\s-]", "", key.key.reveal())
    if not _KEY.fullmatch(text):
        raise InputError(
            device=device,
            subject="unlock key",
            found=f"a text of {len(text)} characters{'' if text.isdecimal() else ', not all of them digits'}",
            expected="20 digits, with or without hyphens and spaces (REC-04)",
        )


def check_main_unlocked(device: str, present: Licenses, wanted: WantedLicenses) -> None:
    """REC-02: the recorder's own key comes first.

    Raises:
        RuleError: It is neither registered nor among the wanted ones.
    """
    if wanted.kits and not present.main_unlocked and wanted.main is None:
        raise RuleError(
            rule="REC-02",
            device=device,
            subject="licence kit",
            found="a recorder whose own unlock key is not registered",
            expected="the main unit's unlock key before any kit's",
            advice="Shortest legal order: register main_unlock_key, register kit_unlock_keys.",
        )


def check_kit_registered(device: str, state: RecorderState, needed: int) -> None:
    """REC-06: the settings between recorder and cameras do not exist before a kit is registered.

    Raises:
        RuleError: None is.
    """
    if state.unlicensed:
        buy = f" ({_shopping_list(needed)})" if needed else ""
        raise RuleError(
            rule="REC-06",
            device=device,
            subject="settings of cameras",
            found="no licence kit registered",
            expected=f"a kit for {needed} camera(s){buy} before HTTPS to cameras or data encryption is set",
            advice="Shortest legal order: register main_unlock_key, register kit_unlock_keys, set the cameras.",
        )


def seats(cameras: t.Iterable[CameraState]) -> int:
    """REC-07: licences in use, the union of the cameras on HTTPS and those that encrypt.

    Args:
        cameras: All cameras of the recorder.

    Returns:
        How many of them use a licence.
    """
    return sum(camera.licensed for camera in cameras)


def fewest_kits(shortfall: int) -> dict[str, int]:
    """What to buy: the fewest kits that cover a shortfall, and among those the least that is too much.

    With k = ceil(shortfall / 32) kits at least k - 1 have to be of 32 cameras, since two smaller ones are 32 at most.

    Args:
        shortfall: Licences that are missing.

    Returns:
        Number by model; empty when nothing is missing.
    """
    if shortfall <= 0:
        return {}
    whole, rest = divmod(shortfall - 1, _SIZES[0])
    last = min(size for size in _SIZES if size > rest)
    bought = {_MODEL_OF_SIZE[_SIZES[0]]: whole} if whole else {}
    model = _MODEL_OF_SIZE[last]
    return {**bought, model: bought.get(model, 0) + 1}


def check_seats(device: str, cameras: t.Sequence[CameraState], total: int) -> None:
    """REC-07: enough licences for the state after the change.

    Raises:
        RuleError: Some are missing; what to buy is named.
    """
    needed = seats(cameras)
    if needed > total:
        missing = needed - total
        raise RuleError(
            rule="REC-07",
            device=device,
            subject="licences",
            found=f"{total} in all, {missing} too few",
            expected=f"{needed}, one for each camera that is on HTTPS or encrypts",
            advice=f"Fewest kits to buy: {_shopping_list(missing)}.",
        )


def check_seats_on_the_way(device: str, cameras: t.Sequence[CameraState], total: int) -> None:
    """REC-07: connection and encryption are two requests, and the licences must do between them too.

    Raises:
        RuleError: They do in neither order.
    """
    needed = seats(cameras)
    if needed > total:
        raise RuleError(
            rule="REC-07",
            device=device,
            subject="licences between two steps",
            found=f"{total} in all",
            expected=f"{needed} while connections are changed and encryption is not yet",
            advice="Shortest legal order: set the cameras that give a licence back to http and encrypt false in a task"
            " of their own, then the others.",
        )


def check_camera_numbers(device: str, state: RecorderState, wanted: t.Sequence[WantedCamera]) -> None:
    """REC-20, REC-31: each camera once, and one that is registered on this recorder.

    Raises:
        InputError: A number occurs twice.
        RuleError: No camera is registered under a number.
    """
    numbers = [camera.number for camera in wanted]
    for number in sorted({number for number in numbers if numbers.count(number) > 1}):
        raise InputError(
            device=device, subject="cameras", found=f"camera {number} more than once", expected="each camera once"
        )
    known = [camera.number for camera in state.cameras or ()]
    for number in numbers:
        if number not in known and not state.unlicensed:
            raise RuleError(
                rule="REC-20",
                device=device,
                subject=f"camera {number}",
                found="no camera registered under this number",
                expected=f"one of {_ranges(known)}" if known else "a registered camera; this recorder has none",
            )


def check_link(device: str, camera: CameraState, wanted: WantedCamera) -> None:
    """REC-20, REC-21: a port that is one, and a camera that knows TLS.

    Raises:
        RuleError: The camera cannot be set so.
    """
    if wanted.port is not None and not 1 <= wanted.port <= 65535:
        raise RuleError(
            rule="REC-20",
            device=device,
            subject=f"HTTPS port of camera {camera.number}",
            found=wanted.port,
            expected="a port from 1 to 65535",
        )
    if wanted.connection is None or camera.tls_supported or not (wanted.connection == "https" or wanted.send):
        return
    raise RuleError(
        rule="REC-21",
        device=device,
        subject=f"camera {camera.number}",
        found=f"a camera ({camera.model or 'unknown model'}) without TLS support",
        expected="TLS support before it is set to HTTPS or sent to",
        advice="Set connection http and send false for it, or replace it.",
    )


def check_addresses(device: str, planned: t.Sequence[CameraState], wanted: t.Sequence[WantedCamera]) -> None:
    """An address that is one, and that no other camera of the recorder has.

    Args:
        device: Name in messages.
        planned: The cameras as they are wanted.
        wanted: The wishes.

    Raises:
        InputError: It is none, or another camera has it.
    """
    for camera in wanted:
        if camera.address is None:
            continue
        parse_name(camera.address, device=device, subject=f"address of camera {camera.number}")
        for other in planned:
            if other.address == camera.address and other.number != camera.number:
                raise InputError(
                    device=device,
                    subject=f"address of camera {camera.number}",
                    found=f"{camera.address}, which is that of camera {other.number}",
                    expected="one of its own",
                )


def check_encryptable(device: str, camera: CameraState, wanted: WantedCamera) -> None:
    """REC-32, REC-33: a camera that can encrypt, with a compression that the recorder can receive encrypted.

    Raises:
        RuleError: The camera cannot be set so.
    """
    if wanted.encrypted is None:
        return
    if not camera.encryption_supported and (wanted.encrypted or wanted.send):
        raise RuleError(
            rule="REC-33",
            device=device,
            subject=f"camera {camera.number}",
            found=f"a camera ({camera.model or 'unknown model'}) without data encryption",
            expected="support for data encryption before it is switched on or sent to",
            advice="Set encrypt false and send false for it, or replace it.",
        )
    if wanted.encrypted and camera.compression not in ENCRYPTABLE_COMPRESSIONS:
        raise RuleError(
            rule="REC-32",
            device=device,
            subject=f"compression of camera {camera.number}",
            found=_compression(camera.compression),
            expected="H.265(1), H.264(1) or MJPEG: with others the recorder cannot receive encrypted pictures",
            advice="Change the camera's compression first.",
        )


def check_password(device: str, password: Secret | None) -> None:
    """REC-30: 4 to 16 half-width letters, digits and symbols.

    Raises:
        RuleError: It cannot be entered. The message tells nothing of it but its length.
    """
    if password is not None and not _PASSWORD.fullmatch(password.reveal()):
        fits = 4 <= len(password) <= 16
        found = "a character that cannot be entered" if fits else f"{len(password)} characters"
        raise RuleError(
            rule="REC-30",
            device=device,
            subject="data encryption password",
            found=found,
            expected="4 to 16 half-width letters, digits and symbols (printable ASCII without the space)",
        )


def check_password_present(device: str, cameras: t.Sequence[CameraState], password_set: bool) -> None:
    """REC-30: no password only as long as no camera encrypts.

    Raises:
        RuleError: A camera encrypts and there is no password.
    """
    encrypting = [camera.number for camera in cameras if camera.encrypted]
    if encrypting and not password_set:
        raise RuleError(
            rule="REC-30",
            device=device,
            subject="data encryption password",
            found=f"none, while camera {_ranges(encrypting)} is to encrypt",
            expected="a password",
            advice="Shortest legal order: set the data encryption password, switch encryption on; one task does both.",
        )


def internet_mode_impact(cameras: t.Sequence[CameraState], version: str) -> Impact | None:
    """REC-23: many internet-mode cameras can make communication unstable.

    Args:
        cameras: All the recorder's cameras.
        version: Its software version.

    Returns:
        The impact; None when there are few enough.
    """
    number = sum(camera.internet_mode for camera in cameras)
    limit = 32 if _version(version) > (3, 0) else 4
    if number <= limit:
        return None
    return Impact(
        rule="REC-23",
        text=f"{number} cameras in internet mode; more than {limit} (software {version}) can make communication"
        " unstable.",
    )


def _version(text: str) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _shopping_list(shortfall: int) -> str:
    return " and ".join(f"{number} x {model}" for model, number in fewest_kits(shortfall).items())


def _compression(name: str) -> str:
    codec, _underscore, variant = name.partition("_")
    return f"{codec[:1].upper()}.{codec[1:]}({variant})" if variant else (name.upper() or "none that is known")


def _ranges(numbers: t.Sequence[int]) -> str:
    """Numbers for people: ``1-4, 7``."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in parts)
