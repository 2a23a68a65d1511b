# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the endpoint is told: options of one YAML file, which the command line may override."""

from __future__ import annotations

import dataclasses as dc
import ipaddress
import pathlib
import re
import typing as t

import yaml

from ...plugins.module_utils._core._errors import InputError
from ...plugins.module_utils._tls._policies import PROTOCOLS, Policy, policy_of

__all__ = ["OPTIONS", "CertificateFiles", "Configuration", "Option", "read_configuration"]

_SIZE: t.Final = re.compile(r"(?P<number>\d+) ?(?P<unit>|B|kB|[KMGT]i?B)")
_UNITS: t.Final[t.Mapping[str, int]] = {
    "": 1,
    "B": 1,
    "kB": 1000,
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGT", 1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", 1)},
}


@dc.dataclass(frozen=True, kw_only=True)
class CertificateFiles:
    """Where a certificate and its key are.

    Attributes:
        certificate_path: PEM, the server's own certificate first, then those of its chain.
        key_path: PEM, not encrypted, readable by the service alone.
    """

    certificate_path: pathlib.Path
    key_path: pathlib.Path


@dc.dataclass(frozen=True, kw_only=True)
class Configuration:
    """Everything that the endpoint is told, checked; docs/ftpes_endpoint.md explains each option.

    Sizes are in bytes, speeds in bytes per second, times in seconds; 0 means no limit where a limit is optional.
    """

    address: str
    port: int
    root: pathlib.Path
    users_file: pathlib.Path
    certificates: tuple[CertificateFiles, ...]
    policy: Policy
    dh_bits: int
    session_reuse: str
    require_close_notify: bool
    passive_ports: tuple[int, int] | None
    passive_address: str | None
    active_mode: bool
    temporary_names: tuple[str, ...]
    max_file_size: int
    on_full: str
    durable: bool
    max_connections: int
    max_connections_per_address: int
    max_connections_per_user: int
    rate_per_connection: int
    rate_total: int
    idle_seconds: float
    stall_seconds: float
    login_seconds: float
    login_delay_seconds: float
    login_max_delay_seconds: float
    login_failures_before_pause: int
    login_pause_seconds: float
    stop_seconds: float
    reload_seconds: float
    banner: str
    audit_log: pathlib.Path | None
    pid_file: pathlib.Path | None
    ready_file: pathlib.Path | None


@dc.dataclass(frozen=True, kw_only=True)
class Option:
    """One option of the file.

    Attributes:
        read: Turns the YAML value into the attribute; raises ValueError with what was expected.
        default: YAML value when it is not given; Ellipsis: it must be given.
        help: For `--help` and the guide.
        scalar: Whether the command line has it.
    """

    read: t.Callable[[t.Any], t.Any]
    default: t.Any
    help: str
    scalar: bool = True


def _integer(low: int, high: int) -> t.Callable[[t.Any], int]:
    def read(value: t.Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return int(value)
        raise ValueError(f"a whole number from {low} to {high}")

    return read


def _size(value: t.Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return int(value)
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a number of bytes, also as 10 MB or 10 MiB")
    return int(match["number"]) * _UNITS[match["unit"]]


def _seconds(value: t.Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 86400:
        raise ValueError("seconds, from 0 to 86400")
    return float(value)


def _boolean(value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _choice(*choices: t.Any) -> t.Callable[[t.Any], t.Any]:
    def read(value: t.Any) -> t.Any:
        if value not in choices:
            raise ValueError(" or ".join(map(str, choices)))
        return value

    return read


def _path(value: t.Any) -> pathlib.Path:
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError("an absolute path")
    return pathlib.Path(value)


def _optional_path(value: t.Any) -> pathlib.Path | None:
    return None if value in (None, "-") else _path(value)


def _address(value: t.Any) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("an IP address; :: takes IPv4 and IPv6") from None


def _optional_ipv4(value: t.Any) -> str | None:
    try:
        return None if value is None else str(ipaddress.IPv4Address(value))
    except ValueError:
        raise ValueError("an IPv4 address: the one that clients outside see in answers to PASV") from None


def _ports(value: t.Any) -> tuple[int, int] | None:
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,5})-(\d{1,5})", value) if isinstance(value, str) else None
    if match is None or not 1 <= int(match[1]) <= int(match[2]) <= 65535:
        raise ValueError("a range such as 50000-50199")
    return int(match[1]), int(match[2])


def _texts(value: t.Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ValueError("a list of texts")
    return tuple(value)


def _protocols(value: t.Any) -> tuple[str, ...]:
    chosen = _texts(value)
    if not chosen or not set(chosen) <= set(PROTOCOLS):
        raise ValueError(f"one or both of {', '.join(PROTOCOLS)}")
    return chosen


def _patterns(value: t.Any) -> tuple[str, ...]:
    chosen = _texts(value)
    if not chosen or any("/" in one or not one.strip("*?") for one in chosen):
        raise ValueError("patterns of file names, none of which fits every name")
    return chosen


def _banner(value: t.Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= 75:
        raise ValueError("one printable line of at most 75 characters")
    return value


def _certificates(value: t.Any) -> tuple[CertificateFiles, ...]:
    keys = {"certificate_path", "key_path"}
    if not isinstance(value, list) or not 1 <= len(value) <= 2:
        raise ValueError("one or two entries, each with certificate_path and key_path")
    if not all(isinstance(one, dict) and set(one) == keys for one in value):
        raise ValueError("entries with certificate_path and key_path")
    return tuple(CertificateFiles(**{key: _path(path) for key, path in one.items()}) for one in value)


OPTIONS: t.Final[t.Mapping[str, Option]] = {
    "address": Option(read=_address, default="::", help="IP address to listen on; :: takes IPv4 and IPv6"),
    "port": Option(read=_integer(0, 65535), default=21, help="port to listen on; 0 picks one"),
    "root": Option(read=_path, default=..., help="directory with the users' homes"),
    "users_file": Option(read=_path, default=..., help="file with the users"),
    "certificates": Option(read=_certificates, default=..., help="one or two certificates (RSA, ECDSA)", scalar=False),
    "policy": Option(read=str, default="recommended", help="recommended, compatible, modern or custom"),
    "suites": Option(read=_texts, default=[], help="cipher suites of the policy custom, in order", scalar=False),
    "tls_versions": Option(read=_protocols, default=list(PROTOCOLS), help="TLS versions to offer", scalar=False),
    "dh_bits": Option(read=_choice(2048, 3072), default=2048, help="group of DHE suites: 2048 or 3072 (RFC 7919)"),
    "session_reuse": Option(
        read=_choice("require", "prefer"),
        default="require",
        help="whether data connections must resume the TLS session of their control connection: require or prefer",
    ),
    "require_close_notify": Option(
        read=_boolean, default=True, help="an upload that ends without TLS's close_notify is not complete"
    ),
    "passive_ports": Option(read=_ports, default=None, help="ports of data connections, for example 50000-50199"),
    "passive_address": Option(read=_optional_ipv4, default=None, help="IPv4 address in answers to PASV, behind NAT"),
    "active_mode": Option(read=_boolean, default=False, help="take PORT and EPRT too"),
    "temporary_names": Option(
        read=_patterns,
        default=["*.part", "*.filepart", ".in.*"],
        help="names of files that are not evidence yet",
        scalar=False,
    ),
    "max_file_size": Option(read=_size, default=0, help="largest file; 0: no limit"),
    "on_full": Option(
        read=_choice("keep", "remove"),
        default="keep",
        help="what becomes of a part of a file when the disk is full: keep (to be resumed) or remove",
    ),
    "durable": Option(read=_boolean, default=True, help="a file is on the disk (fsync) before it is called complete"),
    "max_connections": Option(read=_integer(1, 10000), default=256, help="control connections at a time"),
    "max_connections_per_address": Option(
        read=_integer(0, 10000), default=32, help="those of one address; 0: no limit"
    ),
    "max_connections_per_user": Option(read=_integer(0, 10000), default=16, help="logins of one user; 0: no limit"),
    "rate_per_connection": Option(read=_size, default=0, help="bytes per second of a data connection; 0: no limit"),
    "rate_total": Option(read=_size, default=0, help="bytes per second of all of them; 0: no limit"),
    "idle_seconds": Option(read=_seconds, default=300, help="a control connection without commands is closed"),
    "stall_seconds": Option(read=_seconds, default=60, help="a data connection without progress is closed"),
    "login_seconds": Option(read=_seconds, default=60, help="time for TLS and login"),
    "login_delay_seconds": Option(
        read=_seconds, default=1, help="first delay after a wrong login; it doubles each time"
    ),
    "login_max_delay_seconds": Option(read=_seconds, default=16, help="longest such delay"),
    "login_failures_before_pause": Option(
        read=_integer(1, 1000), default=10, help="wrong logins after which an address has to pause"
    ),
    "login_pause_seconds": Option(read=_seconds, default=300, help="how long it has to pause"),
    "stop_seconds": Option(read=_seconds, default=30, help="how long transfers may go on after SIGTERM"),
    "reload_seconds": Option(read=_seconds, default=5, help="how often certificate files are looked at; 0: on SIGHUP"),
    "banner": Option(read=_banner, default="Evidence endpoint ready.", help="greeting"),
    "audit_log": Option(read=_optional_path, default=None, help="file of the audit log; - is standard error"),
    "pid_file": Option(read=_optional_path, default=None, help="holds the process id while it runs"),
    "ready_file": Option(read=_optional_path, default=None, help="written (JSON) when it listens"),
}


def read_configuration(path: pathlib.Path | None, overrides: t.Mapping[str, t.Any]) -> Configuration:
    """Read and check the configuration.

    Args:
        path: YAML file, or nothing.
        overrides: Options that go before those of the file.

    Returns:
        The configuration.

    Raises:
        InputError: The file cannot be read, or a value cannot be used.
    """
    where = "command line" if path is None else str(path)
    given = ({} if path is None else _load(path)) | dict(overrides)
    for name in given:
        if name not in OPTIONS:
            raise _error(where, f"option {name}", "no such option", f"one of {', '.join(OPTIONS)}")
    values = {name: _value(where, name, option, given) for name, option in OPTIONS.items()}
    chosen = policy_of(values.pop("policy"), values.pop("suites"))
    values["policy"] = chosen.limited_to(values.pop("tls_versions"))
    return Configuration(**values)


def _load(path: pathlib.Path) -> dict[str, t.Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        found = (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())
        raise _error(str(path), "configuration", found, "a YAML file of options") from error
    if not isinstance(content, dict):
        raise _error(str(path), "configuration", f"a {type(content).__name__}", "a mapping of options")
    return content


def _value(where: str, name: str, option: Option, given: t.Mapping[str, t.Any]) -> t.Any:
    value = given.get(name, option.default)
    if value is ...:
        raise _error(where, f"option {name}", "nothing", option.help)
    try:
        return option.read(value)
    except ValueError as error:
        raise _error(where, f"option {name}", repr(value), str(error)) from None


def _error(where: str, subject: str, found: str, expected: str) -> InputError:
    return InputError(device=where, subject=subject, found=found, expected=expected)
