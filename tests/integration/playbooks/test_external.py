# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole rollout with an authority that is openssl's, and none of ours."""

from __future__ import annotations

import subprocess
import typing as t

from .conftest import Site

SCRIPT = """#!/bin/sh
set -eu
cd "$(dirname "$0")"
printf 'subjectAltName=%s\\nbasicConstraints=critical,CA:FALSE\\n' "$CAMSEC_SUBJECT_ALT_NAMES" >"$CAMSEC_DEVICE.cnf"
openssl x509 -req -CA root.pem -CAkey root.key -days "$CAMSEC_LIFETIME_DAYS" -extfile "$CAMSEC_DEVICE.cnf"
"""


def test_a_rollout_with_an_authority_of_somebody_else(fresh: Site) -> None:
    home = fresh.folder / "company"
    home.mkdir()
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.pem",
            "-days", "3650", "-subj", "/CN=Company Root", "-addext", "keyUsage=critical,keyCertSign"]  # fmt: skip
    subprocess.run(made, cwd=home, capture_output=True, check=True)
    (home / "sign").write_text(SCRIPT, encoding="utf-8")
    (home / "sign").chmod(0o755)
    wish: dict[str, t.Any] = {
        "camsec_authority_directory": None,
        "camsec_authority_passphrase": None,
        "camsec_sign_command": [str(home / "sign")],
        "camsec_ca_path": str(home / "root.pem"),
        "camsec_trusted_ca_path": str(home / "root.pem"),
        "camsec_camera_waves": ["100%"],
    }
    run = fresh.site(**wish)
    assert run.status == 0, run.output
    for name in ("cam1", "cam2", "cam3", "cam4"):
        fresh.verified(name, home / "root.pem")
    fresh.await_connected(dict.fromkeys((1, 2, 3, 4), 1))
    assert not (fresh.folder / "ca").exists()
    again = fresh.site(**wish)
    assert again.status == 0, again.output
    assert set(again.changed.values()) == {0}
