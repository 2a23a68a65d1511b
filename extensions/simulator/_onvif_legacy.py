# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates of the device service before Advanced Security: the same keystore, by names that clients choose."""

from __future__ import annotations

import dataclasses as dc
import re
import typing as t

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from ._keystore import StoredCertificate
from ._onvif_pki import Private, as_pem, spki_hex
from ._onvif_state import OnvifState
from ._soap import SoapFault

__all__ = ["LegacyCertificates"]

_NAME: t.Final = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII)


class LegacyCertificates:
    """What changes more than one thing runs within the state's `all_or_nothing`.

    A certificate is on when it is the first of a path that the TLS server has; the path is made with it.
    """

    def __init__(self, state: OnvifState) -> None:
        self._state = state

    # -- what there is -------------------------------------------------------------------------------------------

    def own(self) -> list[StoredCertificate]:
        """Those with a private key: what TLS can present."""
        store = self._state.store
        return [one for one in store.certificates.values() if store.keys[one.key_id].private]

    def authorities(self) -> list[StoredCertificate]:
        return [self._state.store.certificates[name] for name in self._state.tls.authorities]

    def find_own(self, name: str) -> StoredCertificate:
        certificate = self._state.store.certificate(name)
        if certificate not in self.own():
            raise SoapFault("CertificateID", f"The certificate {name!r} has no private key.")
        return certificate

    def statuses(self) -> dict[str, bool]:
        leaves = self._leaves()
        return {one.id: one.id in leaves for one in self.own()}

    def _leaves(self) -> dict[str, str]:
        """The paths in use by their first certificates."""
        paths = self._state.store.paths
        return {paths[name].certificates[0]: name for name in self._state.tls.assigned}

    def check_name(self, name: str) -> None:
        """Of a new certificate."""
        if not re.fullmatch(_NAME, name):
            raise SoapFault("InvalidArgVal", f"{name!r} is no id: a letter, then letters, digits, and - _ .")
        if name in self._state.store.certificates:
            raise SoapFault("CertificateID", f"There is a certificate {name!r} already.")

    # -- loading -------------------------------------------------------------------------------------------------

    def load_own(self, name: str, parsed: x509.Certificate, key: Private | None = None) -> None:
        """A certificate for a key that is here or comes with it; one of the same name and key is renewed."""
        store = self._state.store
        if key is not None:
            if spki_hex(key.public_key()) != spki_hex(parsed.public_key()):
                raise SoapFault("PublicPrivateKeyMismatch", "The certificate is of another key.")
            store.put_private(key, "")
        known = store.certificates.get(name)
        if known is None:
            self.check_name(name)
            store.put_certificate(parsed, private=True, name=name)
            return
        if spki_hex(parsed.public_key()) != store.keys[known.key_id].spki:
            raise SoapFault("CertificateID", f"The certificate {name!r} is of another key.")
        self._renew(known, parsed)

    def _renew(self, known: StoredCertificate, parsed: x509.Certificate) -> None:
        store = self._state.store
        store.certificates[known.id] = dc.replace(known, pem=as_pem(parsed))
        for path in [path for path in store.paths.values() if known.id in path.certificates]:
            if path.id in self._state.tls.legacy_paths:
                store.paths[path.id] = dc.replace(path, certificates=tuple(self._chain(known.id)))
            else:
                store.check_path(path.certificates)

    def load_authority(self, name: str, parsed: x509.Certificate) -> None:
        self.check_name(name)
        self._state.store.put_certificate(parsed, name=name)
        self._state.tls.authorities.append(name)

    def delete(self, names: t.Sequence[str]) -> None:
        """Certificates, and keys that nothing refers to any more: here nobody could delete a key otherwise."""
        store = self._state.store
        leaves = self._leaves()
        for name in names:
            certificate = store.certificate(name)
            if name in leaves:
                raise SoapFault("ReferenceExists", f"The certificate {name!r} is in use.")
            self._state.delete_certificate(name)
            if not any(one.key_id == certificate.key_id for one in store.certificates.values()):
                store.delete_key(certificate.key_id)

    # -- using them ----------------------------------------------------------------------------------------------

    def set_statuses(self, wanted: t.Mapping[str, bool]) -> None:
        """All of them, or none."""
        for name in wanted:
            self.find_own(name)
        state, leaves = self._state, self._leaves()
        kept = [path for leaf, path in leaves.items() if wanted.get(leaf, True)]
        added = [name for name, on in wanted.items() if on and name not in leaves]
        count = len(kept) + len(added)
        if count > state.spec.max_tls_certification_paths:
            raise SoapFault(
                "MaximumNumberOfCertificationPathsReached",
                f"{count} certificates would be in use; the TLS server takes {state.spec.max_tls_certification_paths}.",
            )
        if count == 0 and state.protocols["HTTPS"].enabled:
            raise SoapFault("ReferenceExists", "HTTPS is enabled and needs a certificate.")
        dropped = [path for path in state.tls.assigned if path not in kept]
        for path in [path for path in dropped if path in state.tls.legacy_paths]:
            state.tls.legacy_paths.remove(path)
            del state.store.paths[path]
        made = [state.store.put_path(self._chain(name), "") for name in added]
        state.tls.legacy_paths += [path.id for path in made]
        state.tls.assigned = [*kept, *(path.id for path in made)]

    def _chain(self, name: str) -> list[str]:
        """A certificate and those above it that are here, without a root: clients have that."""
        found, store = [name], self._state.store
        while True:
            below = store.certificates[found[-1]].parsed
            above = next((one for one in store.certificates.values() if _signed(below, one.parsed)), None)
            if above is None or above.id in found or above.parsed.subject == above.parsed.issuer:
                return found
            found.append(above.id)


def _signed(below: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
