# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where third-party libraries are imported.

Everything under ``plugins/`` must import without them, since Ansible reads documentation where they are not installed.
A library that is missing is stood in for by :class:`Missing`, which says so in one sentence as soon as it is used.
"""

from __future__ import annotations

import importlib
import typing as t

from ._core._errors import MissingLibraryError

__all__ = [
    "HTTPAdapter",
    "HTTPSConnection",
    "HTTPSConnectionPool",
    "InvalidSignature",
    "Missing",
    "TimestampError",
    "UnsupportedAlgorithm",
    "ec",
    "etree",
    "hashes",
    "idna",
    "oid",
    "padding",
    "paramiko",
    "pkcs7",
    "pkcs12",
    "requests",
    "rfc3161",
    "rsa",
    "serialization",
    "urllib3",
    "x509",
]


class Missing:
    """Stands where a library should be.

    Args:
        name: The library's name on PyPI.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> t.NoReturn:
        raise MissingLibraryError(
            device="this host",
            subject=f"Python library {self._name}",
            found="not installed",
            expected="installed for the Python that runs this task",
            advice=f"Run: pip install {self._name}",
        )


if t.TYPE_CHECKING:
    import paramiko  # type: ignore[import-untyped]
    import requests
    import rfc3161_client as rfc3161
    import urllib3
    from lxml import etree
    from requests.adapters import HTTPAdapter
    from rfc3161_client.errors import VerificationError as TimestampError
    from urllib3.connection import HTTPSConnection
    from urllib3.connectionpool import HTTPSConnectionPool


class _Never(Exception):
    """Stands where a library's exception class should be; nobody raises it."""


try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
    from cryptography.x509 import oid
except ImportError:
    x509 = hashes = serialization = pkcs7 = pkcs12 = ec = padding = rsa = oid = Missing("cryptography")  # type: ignore[assignment]
    InvalidSignature = UnsupportedAlgorithm = _Never  # type: ignore[assignment,misc]

try:
    import idna
except ImportError:
    idna = Missing("idna")  # type: ignore[assignment]

_STANDS_FOR_BASE: t.Final = object
# Libraries that few programs need and that are slow to import: name here -> module, attribute in it, stand-in.
_ON_DEMAND: t.Final[t.Mapping[str, tuple[str, str, t.Any]]] = {
    "HTTPAdapter": ("requests.adapters", "HTTPAdapter", _STANDS_FOR_BASE),
    "HTTPSConnection": ("urllib3.connection", "HTTPSConnection", _STANDS_FOR_BASE),
    "HTTPSConnectionPool": ("urllib3.connectionpool", "HTTPSConnectionPool", _STANDS_FOR_BASE),
    "TimestampError": ("rfc3161_client.errors", "VerificationError", _Never),
    "etree": ("lxml.etree", "", Missing("lxml")),
    "paramiko": ("paramiko", "", Missing("paramiko")),
    "requests": ("requests", "", Missing("requests")),
    "rfc3161": ("rfc3161_client", "", Missing("rfc3161-client")),
    "urllib3": ("urllib3", "", Missing("requests")),
}


def __getattr__(name: str) -> t.Any:
    """Import a library when a module asks for it (PEP 562)."""
    if name not in _ON_DEMAND:
        raise AttributeError(name)
    module_name, attribute, stand_in = _ON_DEMAND[name]
    try:
        module = importlib.import_module(module_name)
    except ImportError:
        return stand_in
    return getattr(module, attribute) if attribute else module
