# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TLS server of an ONVIF camera as OpenSSL has it: certificates, versions, clients' certificates."""

from __future__ import annotations

import dataclasses as dc
import os
import pathlib
import ssl
import tempfile
import typing as t
import warnings

from ._onvif_state import OnvifState
from ._pki import load_into

__all__ = ["make_context"]


@dc.dataclass(frozen=True, kw_only=True)
class _Version:
    tls: ssl.TLSVersion
    off: ssl.Options


with warnings.catch_warnings():
    # A device has old versions as well; that they are old is the client's to say.
    warnings.simplefilter("ignore", DeprecationWarning)
    _VERSIONS: t.Final = {
        "1.0": _Version(tls=ssl.TLSVersion.TLSv1, off=ssl.OP_NO_TLSv1),
        "1.1": _Version(tls=ssl.TLSVersion.TLSv1_1, off=ssl.OP_NO_TLSv1_1),
        "1.2": _Version(tls=ssl.TLSVersion.TLSv1_2, off=ssl.OP_NO_TLSv1_2),
        "1.3": _Version(tls=ssl.TLSVersion.TLSv1_3, off=ssl.OP_NO_TLSv1_3),
    }


def make_context(state: OnvifState) -> ssl.SSLContext:
    """A new one for every change: OpenSSL keeps certificates of another kind of key beside those that replace them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The device serves whatever its owner installs; judging that is the client's.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    _set_versions(context, state.tls.versions)
    # Of several the first is preferred; what is loaded last replaces one of the same kind.
    for name in reversed(state.tls.assigned):
        path = state.store.paths[name]
        load_into(context, state.store.chain_pem(path), state.store.leaf_key(path).private)
    if state.tls.client_required:
        context.verify_mode = ssl.CERT_REQUIRED
        _trust(context, state)
    return context


def _set_versions(context: ssl.SSLContext, enabled: t.Sequence[str]) -> None:
    versions = [_VERSIONS[name].tls for name in enabled]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = min(versions), max(versions)
        for name, version in _VERSIONS.items():
            if name not in enabled:
                context.options |= version.off


def _trust(context: ssl.SSLContext, state: OnvifState) -> None:
    """The anchors, and the CRLs where every anchor has one: OpenSSL takes CRLs from a file only."""
    store = state.store
    anchors = [store.certificates[name] for name in state.anchors()]
    crls = list(store.crls.values())
    issuers = {crl.parsed.issuer for crl in crls}
    if crls and all(anchor.parsed.subject in issuers for anchor in anchors):
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    descriptor, name = tempfile.mkstemp(prefix="camsec-simulator-", suffix=".pem")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("".join([*(one.pem for one in anchors), *(crl.pem for crl in crls)]))
        context.load_verify_locations(cafile=name)
    finally:
        pathlib.Path(name).unlink()
