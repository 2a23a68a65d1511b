# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`camsec-upload signer`: a key and a certificate for signing receipts, from the fleet's own authority."""

from __future__ import annotations

import argparse
import os
import typing as t
from pathlib import Path

from ...plugins.module_utils._core._converge import converge
from ...plugins.module_utils._core._secret import Secret
from ...plugins.module_utils._evidence._signer import SIGNER_CERTIFICATE, SIGNER_KEY
from ...plugins.module_utils._pki._certificate_resource import CertificateResource, CertificateWish
from ...plugins.module_utils._pki._files import make_directory, read_secret_bytes
from ._arguments import state_argument
from ._exit import DONE

__all__ = ["HELP", "add_arguments", "run"]

HELP: t.Final = "make or renew the key and the certificate that sign receipts, with an authority on this host"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line.

    Args:
        parser: Of this command.
    """
    state_argument(parser)
    parser.add_argument("--authority-directory", metavar="DIR", required=True, help="of the certificate authority")
    parser.add_argument("--passphrase-file", metavar="FILE", required=True, help="its passphrase; mode 0600")
    parser.add_argument("--name", required=True, help="host name of the station that signs")
    parser.add_argument("--lifetime-days", type=int, default=397, metavar="N", help="(default: 397)")


def run(options: argparse.Namespace) -> int:
    """Make or renew the signer.

    Args:
        options: The command line.

    Returns:
        The exit code.
    """
    home = Path(os.path.expanduser(options.state_directory))  # noqa: PTH111  # also for `~user`
    make_directory(home, subject="state directory")
    passphrase = read_secret_bytes(options.passphrase_file, subject="passphrase of the authority")
    wish = CertificateWish(
        authority_directory=options.authority_directory,
        # A signature brings all certificates below the root along, so that a reader needs the root alone.
        certificate_path=str(home / "signer-certificate.pem"),
        chain_path=str(home / SIGNER_CERTIFICATE),
        private_key_path=str(home / SIGNER_KEY),
        subject_alt_names=(options.name,),
        common_name=f"Evidence signer {options.name}"[:64],
        device=options.name,
        passphrase=Secret(passphrase.decode("utf-8", "surrogateescape").rstrip("\r\n")),
        key_type="ecdsa",
        evidence_signer=True,
        lifetime_days=options.lifetime_days,
    )
    result = converge(CertificateResource(wish), check_mode=False).result()
    certificate = result["certificate"]
    word = "made" if result["changed"] else "still good"
    print(f"{word}: {certificate['subject']}, valid until {certificate['not_after']}, in {home / SIGNER_CERTIFICATE}")
    return DONE
