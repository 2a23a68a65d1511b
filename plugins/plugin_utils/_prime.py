# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""First uses of libraries, once in the parent process instead of in each worker.

A worker is a fork that lives for one device. What a library does at its first use (OpenSSL fetching its algorithms,
``re`` compiling patterns, a codec being imported) it would do again for every device: about 5 ms of CPU of 20.
"""

from __future__ import annotations

import codecs
import pathlib
import ssl

from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._thirdparty import etree, requests
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Endpoint, Trust
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Credentials, DeviceSession

__all__ = ["prime"]

_BEGIN = "-----BEGIN CERTIFICATE-----"
_END = "-----END CERTIFICATE-----"


def prime() -> None:
    """Use the libraries once; nothing is sent. A library that is missing is for the task to report."""
    codecs.lookup("utf-8-sig")
    try:
        _prime_session()
        _prime_certificates()
        etree.fromstring(b"<a/>", etree.XMLParser())
    except CamsecError:
        return


def _prime_session() -> None:
    """A session with its TLS context, and a request."""
    endpoint = Endpoint(scheme="https", host="192.0.2.1", port=443)
    credentials = Credentials(username="nobody", password=Secret("nothing"))
    trust = Trust(any_certificate=True)
    with DeviceSession(device="", endpoint=endpoint, credentials=credentials, trust=trust, timeout=1.0) as session:
        session.rehearse()


def _prime_certificates() -> None:
    """Facts and signature of a public root certificate, the first of those that come with requests."""
    bundle = pathlib.Path(requests.utils.DEFAULT_CA_BUNDLE_PATH).read_text(encoding="ascii", errors="replace")
    first = bundle[bundle.index(_BEGIN) : bundle.index(_END) + len(_END)]
    facts = CertificateFacts.from_der(ssl.PEM_cert_to_DER_cert(first))
    if facts.self_signed:
        facts.covers("192.0.2.1")
