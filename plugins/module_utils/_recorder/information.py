# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be read of a recorder; changes nothing."""

from __future__ import annotations

import dataclasses as dc
import typing as t

from .._tls._certificate import CertificateFacts
from .._transport._contact import contact_shown
from .resource import RecorderResource

__all__ = ["information", "root_certificate"]


def information(resource: RecorderResource) -> dict[str, t.Any]:
    """Everything that the recorder tells, no secrets.

    Args:
        resource: The recorder; nothing is wanted of it.

    Returns:
        ``recorder``, ``cameras``, ``contact`` and, over HTTPS, ``endpoint`` and ``certificate``.
    """
    with resource:
        api = resource.open()
        licenses, pc_side = api.licenses(), api.pc_side()
        recorder: dict[str, t.Any] = {
            "system": api.system().shown(),
            "licenses": licenses.shown(),
            "pc_side": pc_side.shown(),
            "trusted_cas": [ca.shown() for ca in api.trusted_cas()],
            "root_certificate": _facts(resource, api.root_certificate()).shown(),
            "data_encryption": None,
        }
        cameras: list[dict[str, t.Any]] = []
        states = api.connect_states()
        read = api.cameras()
        if read is not None:
            cameras = [
                {
                    **dc.replace(camera, state=states.get(camera.number, "not_registered")).shown(),
                    "tls_supported": camera.tls_supported,
                    "internet_mode": camera.internet_mode,
                    "compression": camera.compression,
                    "encryption_supported": camera.encryption_supported,
                }
                for camera in read[0]
            ]
            recorder["data_encryption"] = {"password_set": api.encryption.password_set}
        recorder["error_log"] = api.error_log()[:20]
        return {"changed": False, "recorder": recorder, "cameras": cameras, **_contact(resource)}


def root_certificate(resource: RecorderResource) -> dict[str, t.Any]:
    """The recorder's own root (REC-13).

    Args:
        resource: The recorder; nothing is wanted of it.

    Returns:
        ``root_certificate`` (facts), ``content`` (PEM), ``sha256`` and how the recorder was reached.
    """
    with resource:
        pem = resource.open().root_certificate()
        facts = _facts(resource, pem)
        return {
            "changed": False,
            "root_certificate": facts.shown(),
            "content": facts.pem,
            "sha256": facts.sha256,
            **_contact(resource),
        }


def _facts(resource: RecorderResource, pem: str) -> CertificateFacts:
    return CertificateFacts.from_pem(pem, device=resource.target.host, subject="root certificate")


def _contact(resource: RecorderResource) -> dict[str, t.Any]:
    reached = resource.reached()
    peer = reached.session.peer
    return contact_shown(reached, CertificateFacts.from_der(peer.certificate) if peer else None)
