# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cameras forbid, whatever their dialect; checked before anything is sent. A dialect adds what its manual forbids.

Every check takes the device's name, the state or the wish, and raises :class:`RuleError` with the id that the rule has
in that dialect.
"""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import re
import typing as t

from .._core._errors import RuleError
from .._core._plan import Impact, Step
from .._tls._certificate import iso
from .abilities import OUR_TLS_VERSIONS, RSA_ALONE, Abilities, KeyKind

if t.TYPE_CHECKING:
    from .._tls._certificate import CertificateFacts
    from .state import CameraState, HttpsState, SubjectName

__all__ = ["CameraRules", "KeystoreRules", "RuleIds"]


@dc.dataclass(frozen=True, kw_only=True)
class RuleIds:
    """What a dialect calls its rules, by what they are about."""

    no_tls: str
    key: str
    key_change: str
    key_generation: str
    previous_key: str
    pair: str
    foreign_key: str
    subject: str
    self_signed: str
    self_signed_deletion: str
    request: str
    installation: str
    deletion: str
    connection: str
    tls_versions: str
    port: str
    clock: str
    address: str = ""


@dc.dataclass(frozen=True, kw_only=True)
class CameraRules:
    """The rules of one dialect.

    Attributes:
        dialect: As the option ``driver`` has it.
        ids: Their ids.
        cannot: Steps that the dialect has no call for, each with the reason as the end of a sentence.
        abilities: What its cameras can do, where a camera itself is not asked.
        forbidden_ports: TCP ports that HTTPS cannot have.
        forbidden_ports_text: The same for people.
        field_limits: Most characters of each field of a subject; the country has two or none.
        field_characters: What a field may hold.
        field_characters_text: The same for people.
        certificate_holds_key: No key can be made while a certificate of a CA is installed.
        key_apart: A key is made by itself; otherwise each CSR makes a new one.
        keeps_chain: It keeps the certificates between its own and the root, and sends them.
        keeps_request: It keeps the CSR made last; otherwise making one changes nothing on it.
        https_alone: With HTTPS on, plain HTTP is off.
        https_impacts: What HTTPS changes besides.
        clock_advice: What helps when a new certificate's validity does not hold the camera's clock.
    """

    dialect: str
    ids: RuleIds
    cannot: t.Mapping[str, str] = dc.field(default_factory=dict)
    abilities: Abilities = RSA_ALONE
    forbidden_ports: frozenset[int] = frozenset()
    forbidden_ports_text: str = ""
    field_limits: t.Mapping[str, int]
    field_characters: re.Pattern[str]
    field_characters_text: str
    certificate_holds_key: bool = False
    key_apart: bool = True
    keeps_chain: bool = True
    keeps_request: bool = True
    https_alone: bool = True
    https_impacts: tuple[Impact, ...] = ()
    clock_advice: str = "Set the camera's clock first, for example with the module camera_time."

    def __post_init__(self) -> None:
        if not all(1 <= port <= 65535 for port in self.forbidden_ports):
            raise ValueError("a forbidden port is not a port")
        if bool(self.forbidden_ports) != bool(self.forbidden_ports_text):
            raise ValueError("forbidden ports and their text belong together")

    def check_possible(self, device: str, steps: t.Iterable[Step]) -> None:
        """What this dialect cannot do is said before anything is sent.

        Raises:
            RuleError: A step has no call in this dialect.
        """
        for step in steps:
            if step.id in self.cannot:
                raise RuleError(
                    rule=step.rule,
                    device=device,
                    subject=step.title,
                    found=f"a camera of the dialect {self.dialect}, {self.cannot[step.id]}",
                    expected="one that can be told to",
                )

    def check_clock(self, device: str, clock: dt.datetime, begin: dt.datetime, end: dt.datetime) -> None:
        """A certificate whose validity does not hold the camera's clock is worth nothing to it.

        Args:
            device: Name in messages.
            clock: The camera's time.
            begin: Of the new certificate's validity.
            end: Of the new certificate's validity.

        Raises:
            RuleError: The camera's clock is outside.
        """
        if not begin <= clock <= end:
            raise RuleError(
                rule=self.ids.clock,
                device=device,
                subject="clock",
                found=iso(clock),
                expected=f"a time from {iso(begin)} to {iso(end)}, the new certificate's validity",
                advice=self.clock_advice,
            )

    def check_https_port(self, device: str, port: int, http_port: int) -> None:
        """1 to 65535, and not one that the camera uses itself.

        Raises:
            RuleError: The port cannot be used.
        """
        expected = "a port from 1 to 65535 that the camera does not use itself"
        found: object = ""
        if not 1 <= port <= 65535:
            found = port
        elif port in self.forbidden_ports:
            found = f"{port}, which the manual forbids"
            expected = f"a port from 1 to 65535 without {self.forbidden_ports_text}"
        elif port == http_port:
            found = f"{port}, the camera's own HTTP port"
        if found != "":
            raise RuleError(rule=self.ids.port, device=device, subject="HTTPS port", found=found, expected=expected)

    def check_http_port(self, device: str, wanted: HttpsState, found: int, given: int) -> None:
        """The camera is met at its own HTTP port afterwards; looked for elsewhere it would be lost.

        Raises:
            RuleError: It answers HTTP on another port than the one given.
        """
        if wanted.connection == "http" and found != given:
            raise RuleError(
                rule=self.ids.connection,
                device=device,
                subject="http_port",
                found=given,
                expected=f"{found}, the port on which this camera answers HTTP",
            )

    def check_switch(self, device: str, state: CameraState, wanted: HttpsState) -> None:
        """Whether the camera can be brought from one to the other in one go; most can.

        Args:
            device: Name in messages.
            state: Present state.
            wanted: How it is to answer.

        Raises:
            RuleError: It cannot; the shortest legal way is named.
        """

    def check_subject(self, device: str, subject: SubjectName) -> None:
        """Lengths and characters of the subject's fields.

        Raises:
            RuleError: A field cannot be entered.
        """
        for name, limit in self.field_limits.items():
            value = getattr(subject, name)
            lengths = {"common_name": range(1, limit + 1), "country": (0, limit)}.get(name, range(limit + 1))
            if len(value) not in lengths or not self.field_fits(name, value):
                raise RuleError(
                    rule=self.ids.subject,
                    device=device,
                    subject=f"certificate subject, {name}",
                    found=repr(value[:140]),
                    expected=f"{lengths[0]} {'or' if len(lengths) == 2 else 'to'} {limit} characters of"
                    f" {self.field_characters_text}"
                    + ("; an IPv6 address in brackets" if name == "common_name" else ""),
                )

    def field_fits(self, name: str, value: str) -> bool:
        """Whether a field of a subject may hold this.

        Args:
            name: The field.
            value: Its value.

        Returns:
            True when its characters are allowed.
        """
        del name
        return self.field_characters.fullmatch(value) is not None

    def check_tls_supported(self, device: str, state: CameraState) -> None:
        """Some models have no HTTPS.

        Raises:
            RuleError: This is one of them.
        """
        if not state.tls_supported:
            raise RuleError(
                rule=self.ids.no_tls,
                device=device,
                subject="HTTPS",
                found="a camera without TLS support",
                expected="a camera that supports HTTPS",
                advice="Set connection to http for it, or replace it.",
            )

    def check_key_kind(self, device: str, state: CameraState, kind: KeyKind) -> None:
        """A key that the camera can make; where each CSR makes one, its size is the camera's own.

        Raises:
            RuleError: It cannot.
        """
        kinds = state.abilities.key_kinds
        possible = kind in kinds if self.key_apart else kind.type in {one.type for one in kinds}
        if not possible:
            raise RuleError(
                rule=self.ids.key_generation,
                device=device,
                subject="private key",
                found=f"a wish for {kind}",
                expected=", ".join(map(str, kinds)) or "none, since this camera makes no key",
            )

    def check_foreign_key(self, device: str, state: CameraState, key_type: str) -> None:
        """A private key from outside: of a type that the camera takes, and never in the clear.

        Raises:
            RuleError: It takes none of that type, or is met over plain HTTP.
        """
        taken = sorted(state.abilities.foreign_keys)
        if key_type not in taken:
            raise RuleError(
                rule=self.ids.foreign_key,
                device=device,
                subject="private key from outside",
                found=f"a key of the type {key_type}",
                expected=f"a key of the type {' or '.join(taken)}" if taken else "none, since this camera takes none",
            )
        if state.peer is None:
            raise RuleError(
                rule=self.ids.foreign_key,
                device=device,
                subject="private key from outside",
                found="a connection in plain HTTP, over which whoever listens would have the key",
                expected="HTTPS",
                advice="Bring the camera to HTTPS first, with a self-signed certificate if need be.",
            )

    def check_tls_versions(self, device: str, state: CameraState, wanted: t.Sequence[str]) -> None:
        """Versions that the camera has, and among them one by which we reach it again.

        Raises:
            RuleError: It has not, or there is none.
        """
        unknown = [version for version in wanted if version not in state.abilities.tls_versions]
        found = f"{', '.join(unknown)}, which this camera cannot enable" if unknown else ""
        expected = f"some of {', '.join(state.abilities.tls_versions)}"
        if not found and not set(wanted) & set(OUR_TLS_VERSIONS):
            found = f"{', '.join(wanted)} alone, by which this collection could not reach the camera again"
            expected = f"{' or '.join(OUR_TLS_VERSIONS)} among them"
        if found:
            raise RuleError(
                rule=self.ids.tls_versions, device=device, subject="tls_versions", found=found, expected=expected
            )

    def check_key_changeable(self, device: str, state: CameraState) -> None:
        """Whether a key may be generated or replaced now.

        Raises:
            RuleError: It may not; the shortest legal way is named.
        """

    def check_key_alone(self, device: str, state: CameraState) -> None:
        """Whether a key may be made without a certificate for it in the same run.

        Raises:
            RuleError: It may not.
        """

    def check_key_exists(self, device: str, state: CameraState, subject: str) -> None:
        """A certificate or a CSR needs a key.

        Raises:
            RuleError: There is no key.
        """
        if state.key is None and self.key_apart:
            raise RuleError(
                rule=self.ids.key,
                device=device,
                subject=subject,
                found="no private key",
                expected="a private key",
                advice=f"Shortest legal order: generate the private key, make the {subject}.",
            )

    def check_self_signed_makeable(self, device: str, state: CameraState) -> None:
        """Whether a self-signed certificate may be made now.

        Raises:
            RuleError: It may not.
        """

    def check_self_signed_deletable(self, device: str, state: CameraState) -> None:
        """Not the certificate in use.

        Raises:
            RuleError: HTTPS runs with it.
        """
        if state.https.connection != "http" and state.ca_certificate != "valid":
            raise self._in_use(device, self.ids.self_signed_deletion, "self-signed certificate", state)

    def check_ca_certificate_deletable(self, device: str, state: CameraState) -> None:
        """Not while HTTPS runs with it.

        Raises:
            RuleError: It does.
        """
        if state.https.connection != "http":
            raise self._in_use(device, self.ids.deletion, "CA certificate", state)

    def _in_use(self, device: str, rule: str, subject: str, state: CameraState) -> RuleError:
        return RuleError(
            rule=rule,
            device=device,
            subject=subject,
            found=f"connection {state.https.connection}, for which this certificate is in use",
            expected="a certificate that is not in use",
            advice="Shortest legal order: set the connection to http, delete the certificate.",
        )

    def check_certificate_installable(self, device: str, state: CameraState) -> None:
        """A CSR comes first.

        Raises:
            RuleError: No CSR was made.
        """
        if not state.request_made_at:
            raise RuleError(
                rule=self.ids.installation,
                device=device,
                subject="CA certificate",
                found="no CSR made on this camera",
                expected="a certificate for a CSR that this camera made",
                advice=f"Shortest legal order: {self._key_first(state)}make a CSR, have it signed, install the"
                " certificate.",
            )

    def check_built_in_trusted(self, device: str, *, allowed: bool) -> None:
        """Whether clients may be given the authority in the firmware; most dialects have none.

        Raises:
            RuleError: They may not.
        """

    def check_built_in_clock(self, device: str, clock: dt.datetime, authority: CertificateFacts) -> None:
        """Whether the authority in the firmware may issue a certificate by this clock; most dialects have none.

        Args:
            device: Name in messages.
            clock: The camera's time.
            authority: Certificate of that authority.

        Raises:
            RuleError: It may not.
        """

    def restart_impacts(self, state: CameraState) -> tuple[Impact, ...]:
        """What a restart changes besides.

        Args:
            state: Present state.

        Returns:
            Nothing, unless the manual says otherwise.
        """
        del state
        return ()

    def check_https_ready(self, device: str, state: CameraState) -> None:
        """HTTPS needs a key and a certificate.

        Raises:
            RuleError: One is missing.
        """
        has_key = state.key is not None or not self.key_apart
        if not has_key or "valid" not in (state.ca_certificate, state.self_signed):
            missing = f"no valid certificate (CA certificate {state.ca_certificate})" if has_key else "no private key"
            raise RuleError(
                rule=self.ids.connection,
                device=device,
                subject="connection",
                found=missing,
                expected="a private key and a valid certificate before the connection is set to https",
                advice=f"Shortest legal order: {self._key_first(state)}make a CSR, have it signed, install the"
                " certificate, set the connection to https.",
            )

    def _key_first(self, state: CameraState) -> str:
        return "generate the private key, " if state.key is None and self.key_apart else ""


class KeystoreRules(CameraRules):
    """Cameras with a keystore: they make a CSR for a key at any time, and show one of their certificates."""

    def check_key_alone(self, device: str, state: CameraState) -> None:
        """What no certificate uses is put away by the next run, and no later run could tell that it was meant.

        Raises:
            RuleError: A CA certificate is in use.
        """
        if state.key is not None and state.ca_certificate in ("valid", "expired"):
            raise RuleError(
                rule=self.ids.key_change,
                device=device,
                subject="private key",
                found="a CA certificate in use, whose key stays while the camera shows it",
                expected="a new key together with its certificate",
                advice="Use the module camera with new_private_key=with_certificate, which makes both.",
            )

    def check_certificate_installable(self, device: str, state: CameraState) -> None:
        """The camera keeps nothing of a CSR: what counts is the key.

        Raises:
            RuleError: There is no key.
        """
        self.check_key_exists(device, state, "CSR")

    def check_https_ready(self, device: str, state: CameraState) -> None:
        """What the camera shows has its key in the keystore, whoever made it.

        Raises:
            RuleError: It has no valid certificate to show.
        """
        if "valid" not in (state.ca_certificate, state.self_signed):
            super().check_https_ready(device, state)

    def check_self_signed_makeable(self, device: str, state: CameraState) -> None:
        """One certificate serves: a self-signed one would take the place of the CA's.

        Raises:
            RuleError: A CA certificate is in force.
        """
        if state.ca_certificate == "valid":
            order = (
                "Shortest legal order: set the connection to http, delete the CA certificate, make the self-signed one."
            )
            raise RuleError(
                rule=self.ids.self_signed,
                device=device,
                subject="self-signed certificate",
                found="a CA certificate in force, whose place it would take",
                expected="no CA certificate",
                advice="" if "delete_certificate" in self.cannot else order,
            )
