# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issue certificates in one process, as library or by modules that are called one after another; tell what it took.

Options come as JSON on standard input, so that the passphrase is in no process list.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import pathlib
import sys
import time
import typing as t

from ansible.module_utils.testing import patch_module_args
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority

Options = t.Mapping[str, t.Any]
_PEER = "ansible_collections.community.crypto.plugins.modules"
_OURS = "ansible_collections.camsec.fleet.plugins.modules"


def library(options: Options, number: int) -> None:
    """Our authority, with a key for each certificate."""
    authority = _authority(options["bench_authority"])
    key, issued = authority.issue_with_new_key(
        passphrase=Secret(options["bench_passphrase"]),
        device=f"device-{number}",
        subject_alt_names=[f"IP:{_address(number)}"],
        key_type=options["bench_key_type"],
        key_size=options["bench_key_size"],
    )
    stem = pathlib.Path(options["bench_directory"], f"device-{number}")
    stem.with_suffix(".key").write_text(key.reveal(), encoding="ascii")
    stem.with_suffix(".pem").write_text(issued.pem, encoding="ascii")


_opened: dict[str, CertificateAuthority] = {}


def _authority(directory: str) -> CertificateAuthority:
    if directory not in _opened:
        _opened[directory] = CertificateAuthority.open(directory)
    return _opened[directory]


def ours(options: Options, number: int) -> None:
    """Our module."""
    stem = f"{options['bench_directory']}/device-{number}"
    _call(
        f"{_OURS}.certificate",
        {
            "authority_directory": options["bench_authority"],
            "authority_passphrase": options["bench_passphrase"],
            "private_key_path": f"{stem}.key",
            "certificate_path": f"{stem}.pem",
            "key_type": options["bench_key_type"],
            "key_size": options["bench_key_size"],
            "regenerate": "on_mismatch",
            "subject_alt_name": [f"IP:{_address(number)}"],
        },
    )


def peer(options: Options, number: int) -> None:
    """The three modules of community.crypto."""
    stem, address = f"{options['bench_directory']}/device-{number}", _address(number)
    kind = {"rsa": "RSA", "ecdsa": "ECC"}[options["bench_key_type"]]
    _call(f"{_PEER}.openssl_privatekey", {"path": f"{stem}.key", "type": kind, "size": 2048, "curve": "secp256r1"})
    _call(
        f"{_PEER}.openssl_csr",
        {
            "path": f"{stem}.csr",
            "privatekey_path": f"{stem}.key",
            "common_name": address,
            "subject_alt_name": [f"IP:{address}"],
        },
    )
    _call(
        f"{_PEER}.x509_certificate",
        {
            "path": f"{stem}.pem",
            "csr_path": f"{stem}.csr",
            "provider": "ownca",
            "ownca_path": f"{options['bench_authority']}/root.pem",
            "ownca_privatekey_path": f"{options['bench_authority']}/root.key",
            "ownca_privatekey_passphrase": options["bench_passphrase"],
            "ownca_not_after": "+397d",
        },
    )


def _call(name: str, arguments: Options) -> None:
    module, said = importlib.import_module(name), io.StringIO()
    with patch_module_args(dict(arguments)), contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        module.main()
    result = json.loads(said.getvalue())
    if result.get("failed") or not result["changed"]:
        raise SystemExit(f"{name}: {result.get('msg', 'nothing changed')}")


def _address(number: int) -> str:
    return f"192.0.2.{number % 250 + 1}"


def main() -> None:
    """Issue so many, after one that is not measured."""
    options = json.loads(sys.stdin.read())
    issue: t.Callable[[Options, int], None] = {"library": library, "ours": ours, "peer": peer}[options["contender"]]
    issue(options, 0)
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(1, options["count"] + 1):
        issue(options, number)
    print(json.dumps({"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
