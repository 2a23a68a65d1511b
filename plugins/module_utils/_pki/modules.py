# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of the PKI do with their options."""

from __future__ import annotations

import datetime as dt
import typing as t

from .._core._call import Call
from .._core._converge import converge
from .._core._errors import InputError
from .._core._secret import Secret
from .._tls._certificate import load_one_certificate
from .._tls._names import bare, parse_name
from ._authority import CertificateAuthority
from ._authority_resource import AuthorityResource, authority_facts
from ._certificate_resource import CertificateResource, CertificateWish
from ._check import certificate_problems
from ._files import read_text
from ._keys import describe_key, load_private_key
from ._revocation import RevocationResource, RevocationWish
from ._revocation_list import RevocationListResource, RevocationListWish
from ._trust import TrustResource

__all__ = ["authority", "authority_info", "certificate", "certificate_info", "revocation", "revocation_list", "trust"]

_AUTHORITY_OPTIONS = (
    "common_name",
    "key_type",
    "key_size",
    "lifetime_days",
    "intermediate_common_name",
    "intermediate_lifetime_days",
    "backdate_days",
    "permitted_names",
)
_WISH_OPTIONS = (
    "authority_directory",
    "certificate_path",
    "request_path",
    "request_content",
    "private_key_path",
    "chain_path",
    "key_type",
    "key_size",
    "regenerate",
    "common_name",
    "client_auth",
    "evidence_signer",
    "lifetime_days",
    "backdate_hours",
    "renew_before",
    "renew_share",
    "warn_before",
)


def authority(call: Call) -> dict[str, t.Any]:
    """Make or check an authority.

    Args:
        call: Options of ``certificate_authority``.

    Returns:
        The result's keys.

    Raises:
        CamsecError: See :class:`AuthorityResource`.
    """
    params = call.params
    resource = AuthorityResource(
        params["authority_directory"],
        passphrase=Secret(params["authority_passphrase"]),
        wanted={name: params[name] for name in _AUTHORITY_OPTIONS},
    )
    return converge(resource, check_mode=call.check_mode).result()


def authority_info(call: Call) -> dict[str, t.Any]:
    """Tell about an authority, what it issued, and first contacts.

    Args:
        call: Options of ``certificate_authority_info``.

    Returns:
        The result's keys.

    Raises:
        PkiError: The authority cannot be read.
    """
    now = dt.datetime.now(dt.UTC)
    opened = CertificateAuthority.open(call.params["authority_directory"])
    device = call.params["device"]
    contacts = opened.ledger.contacts(device)
    return {
        "changed": False,
        **authority_facts(opened, now),
        "issued": [entry.shown() for entry in opened.ledger.certificates(device)],
        "revoked": [revocation.shown() for revocation in opened.ledger.revocations(device)],
        "contacts": [
            {"device": one.device, "address": one.address, "port": one.port, "trust": one.trust, "at": one.at}
            for one in contacts
        ],
    }


def certificate(call: Call) -> dict[str, t.Any]:
    """Issue or renew a certificate in a file.

    Args:
        call: Options of ``certificate``.

    Returns:
        The result's keys.

    Raises:
        CamsecError: See :class:`CertificateResource`.
    """
    params = call.params
    passphrase = params["authority_passphrase"]
    wish = CertificateWish(
        subject_alt_names=tuple(params["subject_alt_name"]),
        device=params["device"] or "",
        passphrase=None if passphrase is None else Secret(passphrase),
        **{name: params[name] for name in _WISH_OPTIONS},
    )
    resource = CertificateResource(wish)
    result = converge(resource, check_mode=call.check_mode).result()
    if call.check_mode and resource.renewal_planned_because:
        result["warnings"].append(f"{wish.device}: {resource.renewal_planned_because}")
    return result


def certificate_info(call: Call) -> dict[str, t.Any]:
    """Tell about a certificate, and what would make clients refuse it.

    Args:
        call: Options of ``certificate_info``.

    Returns:
        The result's keys.

    Raises:
        PkiError: It cannot be read, or it has a problem and ``on_problem`` is ``fail``.
    """
    params = call.params
    now = _instant(params["at"], "at") if params["at"] else dt.datetime.now(dt.UTC)
    device = params["certificate_path"] or "certificate_content"
    text = params["certificate_content"]
    if text is None:
        text = read_text(params["certificate_path"], subject="certificate")
    facts = load_one_certificate(text, device=device)
    key = None
    if params["private_key_path"] is not None:
        key = describe_key(load_private_key(params["private_key_path"]).public_key())
    address = params["address"]
    if address is not None:
        address = bare(parse_name(address, subject="address"))
    opened = None if params["authority_directory"] is None else CertificateAuthority.open(params["authority_directory"])
    problems = certificate_problems(
        facts,
        now=now,
        device=device,
        address=address,
        key_spki_sha256=None if key is None else key["spki_sha256"],
        authority=opened,
    )
    if problems and params["on_problem"] == "fail":
        raise problems[0]
    entry = None if opened is None else opened.ledger.find(facts.serial_number)
    return {
        "changed": False,
        "certificate": {
            **facts.shown(now),
            "key_type": facts.key_type,
            "key_size": facts.key_size,
            "is_ca": facts.is_ca,
            "self_signed": facts.self_signed,
            "authority_key_identifier": facts.authority_key_identifier,
            "subject_key_identifier": facts.subject_key_identifier,
        },
        "days_left": facts.days_left(now),
        "problems": [problem.message for problem in problems],
        "private_key": key,
        "ledger_entry": None if entry is None else entry.shown(),
    }


def revocation(call: Call) -> dict[str, t.Any]:
    """Revoke certificates of the ledger, or take a hold back.

    Args:
        call: Options of ``certificate_revocation``.

    Returns:
        The result's keys.

    Raises:
        CamsecError: See :class:`RevocationResource`.
    """
    params = call.params
    wish = RevocationWish(
        present=params["state"] == "present",
        serial_number=params["serial_number"],
        device=params["device"],
        reason=params["reason"],
        revoked_at=_instant(params["revoked_at"], "revoked_at") if params["revoked_at"] else None,
    )
    opened = CertificateAuthority.open(params["authority_directory"])
    resource = RevocationResource(opened, wish, now=dt.datetime.now(dt.UTC))
    return converge(resource, check_mode=call.check_mode).result()


def revocation_list(call: Call) -> dict[str, t.Any]:
    """Publish an authority's revocation list where the present one would not do.

    Args:
        call: Options of ``certificate_revocation_list``.

    Returns:
        The result's keys.

    Raises:
        CamsecError: See :class:`RevocationListResource`.
    """
    params = call.params
    passphrase = params["authority_passphrase"]
    wish = RevocationListWish(
        path=params["path"],
        next_update_days=params["next_update_days"],
        renew_before=params["renew_before"],
        passphrase=None if passphrase is None else Secret(passphrase),
    )
    opened = CertificateAuthority.open(params["authority_directory"])
    resource = RevocationListResource(opened, wish, now=dt.datetime.now(dt.UTC))
    return converge(resource, check_mode=call.check_mode).result()


def trust(call: Call) -> dict[str, t.Any]:
    """Say what the clients of an authority trust.

    Args:
        call: Options of ``certificate_authority_trust``.

    Returns:
        The result's keys.

    Raises:
        CamsecError: See :class:`TrustResource`.
    """
    params = call.params
    resource = TrustResource(params["authority_directory"], params["trusted_authority_directories"])
    return converge(resource, check_mode=call.check_mode).result()


def _instant(text: str, subject: str) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InputError(
            device="this host",
            subject=subject,
            found=repr(text),
            expected="an instant with a time zone, for example 2026-11-22T10:00:00Z",
        )
    return instant
