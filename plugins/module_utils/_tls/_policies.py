# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named cipher-suite policies, and which suites each camera model offers. Data; knows no sockets."""

from __future__ import annotations

import dataclasses as dc
import hashlib
import typing as t

from .._core._errors import InputError, TrustError
from ._suites import SUITES, TLS13_SUITES, CipherSuite, suite_of_name
from ._verdicts import AUTHORITIES, is_deprecated, verdicts

__all__ = ["CAMERA_MODELS", "POLICIES", "CameraModel", "Policy", "camera_model", "policy_of"]

PROTOCOLS: t.Final = ("TLSv1.2", "TLSv1.3")


@dc.dataclass(frozen=True, kw_only=True)
class Policy:
    """Which suites a connection may use.

    Attributes:
        name: ``recommended``, ``compatible``, ``modern`` or ``custom``.
        version: Of the policy's content; for ``custom`` it is made of the suites.
        suites: In the order of preference; those of TLS 1.3 first.
    """

    name: str
    version: str
    suites: tuple[CipherSuite, ...]

    def __post_init__(self) -> None:
        if not self.suites or len(set(self.suites)) != len(self.suites):
            raise ValueError(f"policy {self.name}: no suite, or one that stands twice")

    @property
    def protocols(self) -> tuple[str, ...]:
        """``TLSv1.2``, ``TLSv1.3`` or both, the older first."""
        return tuple(one for one in PROTOCOLS if any(suite.protocol == one for suite in self.suites))

    @property
    def openssl_ciphers(self) -> str:
        """The TLS 1.2 suites as OpenSSL's cipher list takes them; empty when there are none."""
        return ":".join(suite.openssl_name for suite in self.suites if suite.protocol == "TLSv1.2")

    @property
    def openssl_ciphersuites(self) -> str:
        """The TLS 1.3 suites as OpenSSL's ciphersuites list takes them; empty when there are none."""
        return ":".join(suite.openssl_name for suite in self.suites if suite.protocol == "TLSv1.3")

    @property
    def deprecated(self) -> tuple[CipherSuite, ...]:
        """The suites among them that the camera's maker deprecates."""
        return tuple(suite for suite in self.suites if is_deprecated(suite))

    def limited_to(self, protocols: t.Collection[str]) -> Policy:
        """The same policy with fewer protocol versions.

        Args:
            protocols: ``TLSv1.2``, ``TLSv1.3`` or both.

        Returns:
            A policy of the same name and version.

        Raises:
            InputError: No suite of it is left.
        """
        left = tuple(suite for suite in self.suites if suite.protocol in protocols)
        if not left:
            raise _error("TLS versions", ", ".join(sorted(protocols)) or "none", f"one of {', '.join(self.protocols)}")
        return dc.replace(self, suites=left)

    def check(self, suite_name: str, protocol: str, *, device: str, channel: str) -> CipherSuite:
        """Refuse a suite that a handshake gave and the policy does not allow.

        Args:
            suite_name: IANA or OpenSSL name.
            protocol: As the handshake gave it, for example ``TLSv1.2``.
            device: The peer, for the message.
            channel: ``control`` or ``data``, for the message.

        Returns:
            The suite.

        Raises:
            TrustError: Not of this policy.
        """
        for suite in self.suites:
            if suite_name in (suite.iana_name, suite.openssl_name) and suite.protocol == protocol:
                return suite
        raise TrustError(
            device=device,
            subject=f"cipher suite of the {channel} connection",
            found=f"{suite_name} in {protocol}",
            expected=f"one of the policy {self.name} ({', '.join(suite.iana_name for suite in self.suites)})",
        )

    def shown(self) -> dict[str, t.Any]:
        """The policy as a result shows it."""
        return {"name": self.name, "version": self.version, "suites": [suite.iana_name for suite in self.suites]}


@dc.dataclass(frozen=True, kw_only=True)
class CameraModel:
    """What a model of camera offers as an FTPES client; TLS 1.2 is its newest.

    Attributes:
        name: As the maker writes it.
        suites: What it offers; the maker gives no order.
        source: Where that is written.
    """

    name: str
    suites: tuple[CipherSuite, ...]
    source: str


_FIFTEEN: t.Final = SUITES[:15]
_MISSING_ON_PXW: t.Final = {"TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_GCM_SHA384"}
_PXW: t.Final = tuple(suite for suite in _FIFTEEN if suite.iana_name not in _MISSING_ON_PXW)
_ECDHE_AEAD: t.Final = tuple(
    suite for suite in SUITES if suite.protocol == "TLSv1.2" and suite.key_exchange == "ECDHE" and suite.aead
)

# No authority is against TLS 1.3, so each policy takes it where the peer has it; the camera itself has not.
POLICIES: t.Final[t.Mapping[str, Policy]] = {
    policy.name: policy
    for policy in (
        Policy(name="recommended", version="2026-11", suites=(*TLS13_SUITES, *SUITES[:3])),
        Policy(name="compatible", version="2026-11", suites=(*TLS13_SUITES, *_FIFTEEN)),
        Policy(name="modern", version="2026-11", suites=(*TLS13_SUITES, *_ECDHE_AEAD)),
    )
}
CAMERA_MODELS: t.Final[t.Mapping[str, CameraModel]] = {
    model.name: model
    for model in (
        CameraModel(name="MPC-2610", suites=_FIFTEEN, source="MPC-2610 Help Guide, FTPES (FTPS) function"),
        CameraModel(name="PXW-Z300", suites=_PXW, source="PXW-Z300 Help Guide, FTPES (FTPS) function"),
        CameraModel(name="PXW-Z380", suites=_PXW, source="PXW-Z380 Help Guide, FTPES (FTPS) function"),
    )
}


def policy_of(name: str, suites: t.Sequence[str] = ()) -> Policy:
    """Look a policy up, or make one's own.

    Args:
        name: ``recommended``, ``compatible``, ``modern`` or ``custom``.
        suites: For ``custom``: IANA or OpenSSL names, the preferred first.

    Returns:
        The policy.

    Raises:
        InputError: No such policy, suites given with a named one, or none with ``custom``.
    """
    if name == "custom":
        return _custom(suites)
    if suites:
        raise _error(f"suites of the policy {name}", ", ".join(suites), "none, since a named policy brings its own")
    if name not in POLICIES:
        raise _error("name", name, f"{', '.join(POLICIES)} or custom")
    return POLICIES[name]


def camera_model(name: str) -> CameraModel:
    """Look a camera model up.

    Args:
        name: Of :data:`CAMERA_MODELS`.

    Returns:
        The model.

    Raises:
        InputError: No such model.
    """
    if name not in CAMERA_MODELS:
        raise InputError(
            device=name, subject="camera model", found="one without data", expected=", ".join(CAMERA_MODELS)
        )
    return CAMERA_MODELS[name]


def _custom(names: t.Sequence[str]) -> Policy:
    suites = [suite_of_name(name) for name in names]
    if not suites:
        raise _error("suites of the policy custom", "none", "at least one")
    if len(set(suites)) != len(suites):
        raise _error("suites of the policy custom", ", ".join(names), "each suite once")
    suites.sort(key=lambda suite: suite.protocol != "TLSv1.3")
    content = ",".join(suite.iana_name for suite in suites)
    return Policy(name="custom", version=hashlib.sha256(content.encode()).hexdigest()[:12], suites=tuple(suites))


def _error(subject: str, found: str, expected: str) -> InputError:
    return InputError(device="cipher-suite policy", subject=subject, found=found, expected=expected)


for _one in SUITES:
    if len(verdicts(_one)) != len(AUTHORITIES):
        raise ValueError(f"{_one.iana_name}: not every authority has a verdict")
