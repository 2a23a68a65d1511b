# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cipher-suite policy as lines of vsftpd's or proftpd's own configuration. Pure text, for the filter of that name."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._tls._policies import PROTOCOLS, Policy, policy_of

__all__ = ["SERVERS", "server_configuration"]

SERVERS: t.Final = ("proftpd", "vsftpd")
_BEGIN: t.Final = "# BEGIN camsec.fleet FTPES policy"
_END: t.Final = "# END camsec.fleet FTPES policy"
_OFF: t.Final = "# camsec.fleet: "
_KEYS: t.Final = {"certificate_path", "key_path"}
_Lines = list[tuple[str, str]]


def server_configuration(
    text: str,
    *,
    server: str,
    policy: str,
    suites: t.Sequence[str] = (),
    tls_versions: t.Sequence[str] = PROTOCOLS,
    session_reuse: str = "require",
    require_close_notify: bool = True,
    rsa: t.Mapping[str, str] | None = None,
    ecdsa: t.Mapping[str, str] | None = None,
    dh_parameters_path: str | None = None,
    vsftpd_tls_options: str = "single",
) -> str:
    """Put a policy into a server's configuration.

    Lines of the file that set the same are turned into comments, the policy's own stand in a marked block at its end.

    Args:
        text: The configuration as it is.
        server: ``vsftpd`` or ``proftpd``.
        policy: Name of the policy.
        suites: Of the policy ``custom``.
        tls_versions: ``TLSv1.2``, ``TLSv1.3`` or both.
        session_reuse: ``require`` or ``prefer``.
        require_close_notify: Refuse an upload that ends without close_notify (vsftpd alone has the option).
        rsa: ``certificate_path`` and ``key_path`` of an RSA certificate; without it those of the file stay.
        ecdsa: The same for ECDSA.
        dh_parameters_path: File with the group for DHE (proftpd alone has the option).
        vsftpd_tls_options: ``single`` for vsftpd 3.0.3, which knows ``ssl_tlsv1`` alone; ``versions`` for later ones.

    Returns:
        The configuration as it should be; the same text when it is so already.

    Raises:
        InputError: A value that cannot be, or that the server has no words for.
    """
    _check("server", server, SERVERS)
    _check("session_reuse", session_reuse, ("require", "prefer"))
    _check("vsftpd_tls_options", vsftpd_tls_options, ("single", "versions"))
    chosen = policy_of(policy, suites).limited_to(tls_versions)
    for name, files in (("rsa", rsa), ("ecdsa", ecdsa)):
        if files is not None and (set(files) != _KEYS or not all(map(_is_path, files.values()))):
            raise _error(name, "another form", "certificate_path and key_path, absolute, without blanks")
    if dh_parameters_path is not None and not _is_path(dh_parameters_path):
        raise _error("dh_parameters_path", dh_parameters_path, "an absolute path without blanks")
    if server == "vsftpd":
        wanted = _vsftpd(chosen, session_reuse, require_close_notify, vsftpd_tls_options)
        wanted += _vsftpd_certificates(rsa, ecdsa)
        return _merged(text, wanted, managed=[name for name, dummy in wanted], pattern=r"{name}=", joint="=", wrap=None)
    wanted = _proftpd(chosen, session_reuse, dh_parameters_path) + _proftpd_certificates(rsa, ecdsa)
    managed = [name for name, dummy in wanted] + ["TLSOptions", "TLSCipherSuite"]
    return _merged(text, wanted, managed=managed, pattern=r"\s*{name}(\s|$)", joint=" ", wrap="Global")


def _check(name: str, value: str, choices: t.Sequence[str]) -> None:
    if value not in choices:
        raise _error(name, value, " or ".join(choices))


def _error(subject: str, found: str, expected: str) -> InputError:
    return InputError(device="FTP server configuration", subject=subject, found=found, expected=expected)


def _is_path(value: t.Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"/[^\s\"'#]+", value) is not None


def _vsftpd(policy: Policy, session_reuse: str, close_notify: bool, tls_options: str) -> _Lines:
    if not policy.openssl_ciphers:
        raise _error("policy", "TLS 1.3 alone", "TLS 1.2 too, since vsftpd has no option for the suites of TLS 1.3")
    if tls_options == "single":
        versions: _Lines = [("ssl_tlsv1", "YES")]
    else:
        named = (("ssl_tlsv1_2", "TLSv1.2"), ("ssl_tlsv1_3", "TLSv1.3"))
        versions = [("ssl_tlsv1", "NO"), ("ssl_tlsv1_1", "NO")]
        versions += [(option, _yes(version in policy.protocols)) for option, version in named]
    return [
        ("ssl_enable", "YES"),
        ("force_local_logins_ssl", "YES"),
        ("force_local_data_ssl", "YES"),
        ("ssl_sslv2", "NO"),
        ("ssl_sslv3", "NO"),
        *versions,
        ("ssl_ciphers", policy.openssl_ciphers),
        ("require_ssl_reuse", _yes(session_reuse == "require")),
        ("strict_ssl_read_eof", _yes(close_notify)),
    ]


def _vsftpd_certificates(rsa: t.Mapping[str, str] | None, ecdsa: t.Mapping[str, str] | None) -> _Lines:
    lines: _Lines = []
    # vsftpd asks no key what kind it is; its second place was named when DSA was the other kind.
    given = [one for one in (rsa, ecdsa) if one is not None]
    for kind, files in zip(("rsa", "dsa"), given, strict=False):
        lines += [(f"{kind}_cert_file", files["certificate_path"]), (f"{kind}_private_key_file", files["key_path"])]
    return lines


def _proftpd(policy: Policy, session_reuse: str, dh_parameters_path: str | None) -> _Lines:
    lines: _Lines = [
        ("TLSEngine", "on"),
        ("TLSRequired", "on"),
        ("TLSProtocol", " ".join(policy.protocols)),
        ("TLSServerCipherPreference", "on"),
        ("TLSRenegotiate", "none"),
    ]
    if policy.openssl_ciphers:
        lines.append(("TLSCipherSuite", policy.openssl_ciphers))
    if policy.openssl_ciphersuites:
        lines.append(("TLSCipherSuite", f"TLSv1.3 {policy.openssl_ciphersuites}"))
    if session_reuse == "prefer":
        lines.append(("TLSOptions", "NoSessionReuseRequired"))
    if dh_parameters_path is not None:
        lines.append(("TLSDHParamFile", dh_parameters_path))
    return lines


def _proftpd_certificates(rsa: t.Mapping[str, str] | None, ecdsa: t.Mapping[str, str] | None) -> _Lines:
    lines: _Lines = []
    for kind, files in (("RSA", rsa), ("EC", ecdsa)):
        if files is not None:
            lines.append((f"TLS{kind}CertificateFile", files["certificate_path"]))
            lines.append((f"TLS{kind}CertificateKeyFile", files["key_path"]))
    return lines


def _yes(value: bool) -> str:
    return "YES" if value else "NO"


def _merged(text: str, wanted: _Lines, *, managed: t.Sequence[str], pattern: str, joint: str, wrap: str | None) -> str:
    setting = re.compile("|".join(pattern.format(name=re.escape(name)) for name in sorted(set(managed))), re.IGNORECASE)
    kept = [f"{_OFF}{line}" if setting.match(line) else line for line in _outside(text)]
    while kept and not kept[-1].strip():
        kept.pop()
    block = [f"{name}{joint}{value}" for name, value in wanted]
    if wrap is not None:
        block = [f"<{wrap}>", *(f"  {line}" for line in block), f"</{wrap}>"]
    return "\n".join([*kept, _BEGIN, *block, _END]) + "\n"


def _outside(text: str) -> list[str]:
    """The lines that are not in our block."""
    lines, inside = [], False
    for line in text.splitlines():
        if line.strip() == _BEGIN:
            inside = True
        if not inside:
            lines.append(line)
        if line.strip() == _END:
            inside = False
    if inside:
        raise _error("marked block", "its begin without its end", f"both {_BEGIN!r} and {_END!r}, or neither")
    return lines
