# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that clients are to trust: checked before any client gets them, named so that they are found again."""

from __future__ import annotations

import base64
import dataclasses as dc
import datetime as dt
import hashlib
import plistlib
import re
import typing as t
import uuid

from .._core._errors import InputError, PkiError
from .._tls._certificate import CertificateFacts, certificate_blocks, iso, pem_labels
from ._files import read_text

__all__ = ["Anchor", "TrustWish", "apple_profile", "file_name", "fingerprints", "trust_wish"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME_DIGITS = 16
#: What the uniform identifiers of a profile are derived from, so that the same roots make the same profile.
_PROFILE_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:camsec.fleet:apple-profile")


@dc.dataclass(frozen=True, kw_only=True)
class Anchor:
    """A certificate that clients are to trust.

    Attributes:
        facts: What it says.
    """

    facts: CertificateFacts

    def shown(self) -> dict[str, t.Any]:
        """What a role needs of it."""
        return {
            "name": file_name(self.facts.sha256),
            "sha256": self.facts.sha256,
            "subject": self.facts.subject,
            "not_after": iso(self.facts.not_after),
            "self_signed": self.facts.self_signed,
            "content": self.facts.pem,
        }


@dc.dataclass(frozen=True, kw_only=True)
class TrustWish:
    """What a client should trust, and what no longer.

    Attributes:
        wanted: To be trusted, each once.
        absent: SHA-256 of those that are not to be trusted any more.
    """

    wanted: tuple[Anchor, ...]
    absent: tuple[str, ...]

    def shown(self) -> dict[str, t.Any]:
        """The wish as a role takes it."""
        return {
            "wanted": [anchor.shown() for anchor in self.wanted],
            "absent": [{"sha256": sha256, "name": file_name(sha256)} for sha256 in self.absent],
        }


def file_name(sha256: str) -> str:
    """The file that holds a certificate in a client's folder of certificates; no other file there is ever touched.

    Args:
        sha256: Of the certificate, lower-case hexadecimal.

    Returns:
        The name; Debian takes files that end in ``.crt`` only.
    """
    return f"camsec-{sha256[:_NAME_DIGITS]}.crt"


def trust_wish(
    paths: t.Sequence[str], contents: t.Sequence[str], absent: t.Sequence[str], *, now: dt.datetime
) -> TrustWish:
    """Check what clients are to trust.

    Args:
        paths: PEM files.
        contents: PEM texts.
        absent: SHA-256 of certificates that are not to be trusted any more; colons and case do not matter.
        now: The clock.

    Returns:
        The wish.

    Raises:
        CamsecError: One of them is not to be trusted by anybody, or wanted and unwanted at once; or there are none.
    """
    if not (paths or contents or absent):
        raise InputError(
            device="client trust",
            subject="certificates",
            found="none to trust and none to remove",
            expected="one or more",
            advice="Name the PEM files of the roots.",
        )
    sources = [(str(path), read_text(path, subject="trusted certificate")) for path in paths]
    sources += [(f"content {number}", text) for number, text in enumerate(contents, 1)]
    found = [facts for source, text in sources for facts in _checked(source, text, now)]
    wanted = {facts.sha256: Anchor(facts=facts) for facts in found}
    unwanted = tuple(dict.fromkeys(map(_sha256, absent)))
    both = [wanted[sha256].facts.subject for sha256 in unwanted if sha256 in wanted]
    if both:
        raise InputError(
            device="client trust",
            subject="certificates",
            found=f"{both[0]} both to be trusted and to be removed",
            expected="each certificate on one side only",
        )
    return TrustWish(wanted=tuple(wanted.values()), absent=unwanted)


def _checked(source: str, text: str, now: dt.datetime) -> list[CertificateFacts]:
    labels = pem_labels(text)
    if len(labels) < 2 or set(labels) != {"CERTIFICATE"}:
        # One certificate, or what is none: the sentence of what is wrong with it is the same everywhere.
        return [
            _checked_one(source, CertificateFacts.from_pem(text, device=source, subject="trusted certificate"), now)
        ]
    found = [
        CertificateFacts.from_pem(block, device=source, subject="trusted certificate")
        for block in certificate_blocks(text)
    ]
    # The trust file of a rotation has the old root, which may have ended, beside the new one.
    lasting = [facts for facts in found if facts.not_after >= now]
    return [_checked_one(source, facts, now) for facts in lasting or found]


def _checked_one(source: str, facts: CertificateFacts, now: dt.datetime) -> CertificateFacts:
    found = ""
    if not facts.is_ca:
        found = f"{facts.subject}, which is no certificate authority"
    elif now > facts.not_after:
        found = f"{facts.subject}, which ended on {iso(facts.not_after)}"
    elif now < facts.not_before:
        found = f"{facts.subject}, which is valid from {iso(facts.not_before)} on"
    if found:
        raise PkiError(
            device=source,
            subject="trusted certificate",
            found=found,
            expected="a valid certificate of an authority (basic constraints CA:TRUE)",
            advice=""
            if facts.is_ca
            else "Clients trust the root that signed a server's certificate, not the certificate.",
        )
    return facts


def _sha256(value: str) -> str:
    plain = str(value).replace(":", "").strip().lower()
    if not _SHA256.fullmatch(plain):
        raise InputError(
            device="client trust",
            subject="certificate to be removed",
            found=repr(str(value)[:80]),
            expected="its SHA-256, 64 hexadecimal digits, colons allowed",
        )
    return plain


def fingerprints(text: str) -> list[str]:
    """The SHA-256 of all certificates of a bundle.

    Args:
        text: Any text with certificates in PEM.

    Returns:
        Lower-case hexadecimal, in the order of the text.

    Raises:
        PkiError: One of them is no base64.
    """
    found = []
    for block in certificate_blocks(text):
        try:
            der = base64.b64decode("".join(block.split("-----")[2].split()), validate=True)
        except ValueError:
            raise PkiError(
                device="bundle", subject="certificate", found="a damaged block", expected="certificates in PEM"
            ) from None
        found.append(hashlib.sha256(der).hexdigest())
    return found


def apple_profile(anchors: t.Sequence[Anchor], *, identifier: str, display_name: str, organization: str) -> str:
    """A configuration profile that brings certificates to Apple's devices.

    Args:
        anchors: The certificates.
        identifier: Of the profile, in reverse-DNS form: one with the same identifier replaces the one before.
        display_name: What people see.
        organization: Whose profile it is.

    Returns:
        The property list; the same for the same arguments.
    """
    payloads = [_apple_payload(anchor.facts, identifier) for anchor in anchors]
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": _uuid(identifier, *(anchor.facts.sha256 for anchor in anchors)),
        "PayloadDisplayName": display_name,
        "PayloadOrganization": organization,
        "PayloadDescription": "Certificates that this device trusts for encrypted video.",
        "PayloadContent": payloads,
    }
    return plistlib.dumps(profile).decode()


def _apple_payload(facts: CertificateFacts, identifier: str) -> dict[str, t.Any]:
    return {
        "PayloadType": "com.apple.security.root" if facts.self_signed else "com.apple.security.pkcs1",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{identifier}.{facts.sha256[:_NAME_DIGITS]}",
        "PayloadUUID": _uuid(identifier, "payload", facts.sha256),
        "PayloadDisplayName": facts.subject_common_name or facts.subject,
        "PayloadCertificateFileName": file_name(facts.sha256),
        "PayloadContent": facts.der,
    }


def _uuid(*parts: str) -> str:
    return str(uuid.uuid5(_PROFILE_SPACE, "\n".join(parts))).upper()
