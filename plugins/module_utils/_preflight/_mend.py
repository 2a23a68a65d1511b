# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that would bring a server to what is recommended. Pure."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .._tls._policies import POLICIES
from .._tls._suites import TLS12_SUITES

__all__ = ["Remedy", "remedies", "software"]


@dc.dataclass(frozen=True, kw_only=True)
class Remedy:
    """What to write into one server's configuration.

    Attributes:
        server: ``vsftpd``, ``proftpd``, ``pure-ftpd`` or ``camsec-ftpes-server``.
        place: The file, or the command line.
        lines: To be written there.
    """

    server: str
    place: str
    lines: tuple[str, ...]


_SIGNS: t.Final = (
    ("vsftpd", ("vsftpd",)),
    ("proftpd", ("proftpd",)),
    ("pure-ftpd", ("pure-ftpd", "pureftpd")),
    ("camsec-ftpes-server", ("camsec", "pyftpdlib")),
)


def software(greeting: str) -> str:
    """Which server it seems to be.

    Args:
        greeting: Its first line.

    Returns:
        A key of the remedies, or empty.
    """
    said = greeting.lower()
    return next((name for name, signs in _SIGNS if any(sign in said for sign in signs)), "")


def remedies(key_types: t.Collection[str]) -> tuple[Remedy, ...]:
    """Lines that leave the recommended suites and TLS 1.3.

    Args:
        key_types: Kinds of the server's keys: ``rsa``, ``ecdsa``; suites of other kinds would be of no use.

    Returns:
        One for each kind of server.
    """
    wanted = {kind.upper() for kind in key_types} & {"RSA", "ECDSA"}
    recommended = POLICIES["recommended"].suites
    suites = [
        suite.openssl_name
        for suite in TLS12_SUITES
        if suite in recommended and (not wanted or suite.authentication in wanted)
    ]
    ciphers = ":".join(suites)
    return (
        Remedy(
            server="vsftpd",
            place="vsftpd.conf",
            lines=(
                "ssl_enable=YES",
                "force_local_logins_ssl=YES",
                "force_local_data_ssl=YES",
                "ssl_sslv2=NO",
                "ssl_sslv3=NO",
                f"ssl_ciphers={ciphers}",
                "# vsftpd 3.0.4 and newer, which know these:",
                "# ssl_tlsv1_2=YES",
                "# ssl_tlsv1_3=YES",
            ),
        ),
        Remedy(
            server="proftpd",
            place="tls.conf",
            lines=(
                "TLSEngine on",
                "TLSRequired on",
                "TLSProtocol TLSv1.2 TLSv1.3",
                f"TLSCipherSuite {ciphers}",
                "TLSServerCipherPreference on",
            ),
        ),
        Remedy(
            server="pure-ftpd",
            place="command line, or conf/TLS (3) and conf/TLSCipherSuite",
            lines=("-Y 3", f"-J {ciphers}"),
        ),
        Remedy(server="camsec-ftpes-server", place="command line", lines=("--policy recommended",)),
    )
