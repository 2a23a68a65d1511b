# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States of a camera that nobody has to read from one, and certificates out of memory."""

from __future__ import annotations

import datetime as dt
import ipaddress
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._camera.state import CameraState, HttpsState, KeyFacts
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._ipro.rules import RULES
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Trust
from ansible_collections.camsec.fleet.plugins.module_utils._transport._contact import Contact, Target
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DEVICE = "192.0.2.11"
KEY = KeyFacts(size=2048, generated_at="2026-11-22 09:28:00")
OLDER_KEY = KeyFacts(size=3072, generated_at="2026-11-20 09:28:00")
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)

CREDENTIALS = Credentials(username="admin", password=Secret("Kamera-Geheimnis-7"))


def target(**changes: t.Any) -> Target:
    given = {
        "host": DEVICE,
        "https_ports": (443,),
        "http_port": 80,
        "credentials": CREDENTIALS,
        "trust": Trust(spki_sha256=("0" * 64,)),
        "first_contact": "plain_http",
    }
    return Target(**{**given, **changes})


def state(*, trust: str = "plain_http", **changes: t.Any) -> CameraState:
    """A camera with a key, in plain HTTP, and nothing else."""
    contact = Contact(session=target().session("http", 80), trust=trust)
    given = {
        "rules": RULES,
        "https": HttpsState(connection="http", https_port=443),
        "http_port": 80,
        "self_signed": "not_generated",
        "self_signed_name": "",
        "ca_certificate": "not_generated",
        "ca_certificate_name": "",
        "key": KEY,
        "previous_key": None,
        "request_made_at": "",
        "installed_serial": "",
        "tls_supported": True,
        "contact": contact,
        "peer": None,
        "certificate": None,
    }
    return CameraState(**{**given, **changes})


@pytest.fixture(scope="session")
def leaf_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def certificate(leaf_key: ec.EllipticCurvePrivateKey) -> t.Callable[..., CertificateFacts]:
    def make(
        *,
        common_name: str = DEVICE,
        address: str = DEVICE,
        not_before: dt.datetime = NOW - dt.timedelta(days=1),
        not_after: dt.datetime = NOW + dt.timedelta(days=100),
    ) -> CertificateFacts:
        name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, common_name)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "Our CA")]))
            .public_key(leaf_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before)
            .not_valid_after(not_after)
            .add_extension(names, critical=False)
            .sign(leaf_key, hashes.SHA256())
        )
        return CertificateFacts.from_der(made.public_bytes(serialization.Encoding.DER))

    return make
