# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificate a VMS server presents for a certificate group, out of what its store holds at that moment."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import ssl
import typing as t

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ._pki import load_into, make_key, make_self_signed
from ._windows_host import WindowsHost
from ._windows_store import CSP, Entry, new_key

__all__ = ["Bound", "Presenter", "Trouble"]

# Everyone, Authenticated Users, Users: what every service account is as well.
_EVERYBODY: t.Final = ("S-1-1-0", "S-1-5-11", "S-1-5-32-545")
_IIS_AGE: t.Final = 365 * 86400.0


@dc.dataclass(frozen=True, kw_only=True)
class Bound:
    """What ServerConfigurator bound to a certificate group: a thumbprint, and the subject that counts (VMS-17)."""

    thumbprint: str
    subject: str


@dc.dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why nothing can be presented: a clause, and the rule that says so."""

    rule: str
    reason: str


class Presenter:
    """The certificates of one host's certificate groups."""

    def __init__(self, host: WindowsHost, account: str) -> None:
        self._host = host
        self._account = account
        self.bound: dict[str, Bound] = {}
        #: The thumbprint of IIS' own certificate, which HTTP.sys presents as it stands; empty: there is none.
        self.iis = ""
        self._contexts: dict[tuple[str, tuple[bytes, ...]], ssl.SSLContext] = {}

    def entry(self, group: str) -> Entry | None:
        """The certificate of that group now: of those with the bound subject the one that became valid last (VMS-17).

        One that is valid goes before one that is not. What came into the store last decides between equals.
        """
        bound = self.bound.get(group)
        if bound is None:
            return None
        entries = [one for one in self._host.stores.entries("My") if one.key and self._fits(one, bound)]
        now = dt.datetime.fromtimestamp(self._host.now(), dt.UTC)
        ranked = [(_is_valid(entry, now), entry.certificate.not_valid_before_utc, n) for n, entry in enumerate(entries)]
        if not ranked:
            return None
        valid, _begin, last = max(ranked)
        # When none is valid, nothing has taken the place of the one that was bound.
        kept = next((entry for entry in entries if entry.thumbprint == bound.thumbprint), entries[last])
        return entries[last] if valid else kept

    def trouble(self, group: str) -> Trouble | None:
        """Why the handshakes of that group fail; None when a certificate can be presented."""
        bound, entry = self.bound.get(group), self.entry(group)
        if bound is None:
            return None
        if entry is None:
            return Trouble(
                rule="VMS-11", reason=f"{self._host.name} holds no certificate of {bound.subject} with a key"
            )
        if not self.readable(entry.thumbprint):
            reason = f"{self._account} on {self._host.name} cannot read the private key of {entry.thumbprint}"
            return Trouble(rule="VMS-14", reason=reason)
        return None

    def readable(self, thumbprint: str) -> bool:
        """Whether the service account can use that certificate's key."""
        sid = self._host.service_sid(self._account)
        return sid is not None and self._host.stores.readable(thumbprint, sid, *_EVERYBODY)

    def _fits(self, entry: Entry, bound: Bound) -> bool:
        """INFERRED: IIS' own certificate has the host's name as well, and does not pass for a renewed one."""
        own = entry.thumbprint == self.iis and bound.thumbprint != self.iis
        return entry.subject == bound.subject and not own

    def context(self, group: str) -> ssl.SSLContext:
        """For the next handshake; without a certificate that can be presented it fails, as it does on Windows."""
        return self._context(self.entry(group) if self.trouble(group) is None else None)

    def iis_entry(self) -> Entry | None:
        """IIS' own certificate, while the store has it."""
        return self._host.stores.find("My", self.iis)

    def iis_context(self) -> ssl.SSLContext:
        """The same for IIS' own certificate; HTTP.sys, which reads its key, is SYSTEM."""
        return self._context(self.iis_entry())

    def _context(self, entry: Entry | None) -> ssl.SSLContext:
        if entry is None or entry.key is None:
            return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chain = self._host.stores.chain_of(entry.der)
        kept = self._contexts.get((entry.thumbprint, chain))
        if kept is None:
            kept = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            load_into(kept, "".join(ssl.DER_cert_to_PEM_cert(one) for one in chain), entry.key.pem)
            self._contexts[entry.thumbprint, chain] = kept
        return kept

    def make_iis(self, host_name: str) -> None:
        """IIS' own certificate and its key, in My; both were there before the VMS came."""
        key_pem = make_key(2048)
        pem = make_self_signed(key_pem, {"common_name": host_name}, self._host.now() - _IIS_AGE)
        private = serialization.load_pem_private_key(key_pem.encode(), None)
        assert isinstance(private, rsa.RSAPrivateKey)
        entry = self._host.stores.add("My", ssl.PEM_cert_to_DER_cert(pem), new_key(private, provider=CSP))
        entry.friendly_name = "IIS"
        self.iis = entry.thumbprint

    def shown(self, group: str) -> dict[str, object]:
        """The group as the control interface shows it."""
        bound, entry, trouble = self.bound.get(group), self.entry(group), self.trouble(group)
        return {
            "encrypted": bound is not None,
            "bound": bound.thumbprint if bound else None,
            "subject": bound.subject if bound else None,
            "presented": entry.thumbprint if entry and trouble is None else None,
            "not_after": entry.certificate.not_valid_after_utc.isoformat() if entry else None,
            "trouble": trouble.reason if trouble else "",
        }


def _is_valid(entry: Entry, now: dt.datetime) -> bool:
    return entry.certificate.not_valid_before_utc <= now <= entry.certificate.not_valid_after_utc
