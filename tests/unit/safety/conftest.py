# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the searches share: keys and certificates that are made once, the wishes, and the count of what was met."""

from __future__ import annotations

import collections
import dataclasses as dc
import datetime as dt
import functools
import ipaddress
import itertools
import types
import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._camera.abilities import KeyKind
from ansible_collections.camsec.fleet.plugins.module_utils._camera.certificate import Certificate
from ansible_collections.camsec.fleet.plugins.module_utils._camera.driver import CameraDriver
from ansible_collections.camsec.fleet.plugins.module_utils._camera.resource import Limits
from ansible_collections.camsec.fleet.plugins.module_utils._camera.state import (
    CameraState,
    HttpsState,
    SubjectName,
    WantedCertificate,
)
from ansible_collections.camsec.fleet.plugins.module_utils._camera.whole import WantedCamera, WholeCamera
from ansible_collections.camsec.fleet.plugins.module_utils._core._plan import Plan, Step
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._bundle import Bundle
from ansible_collections.camsec.fleet.plugins.module_utils._tls._certificate import CertificateFacts
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Trust
from ansible_collections.camsec.fleet.plugins.module_utils._transport._contact import Contact, Target
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

DEVICE = "192.0.2.11"
HTTP_PORT, PORT, OTHER_PORT = 80, 443, 9443
NOW = dt.datetime.now(tz=dt.UTC).replace(microsecond=0)
SIZES = (2048, 3072)
LIFETIME = 397
#: A certificate's issuer, its days to come, and whether it has the camera's address among its names.
KINDS: t.Final[dict[str, tuple[str, int, bool]]] = {
    "good": ("Our CA", LIFETIME, True),
    "due": ("Our CA", 10, True),
    "foreign": ("Another CA", 3000, True),
    "misnamed": ("Our CA", 3000, False),
}
#: Where the camera's clock may stand, days from now: inside all validities, past that of "due", and past a new one's.
CLOCKS: t.Final = (0, 20, 1000)
_MODULUS_BITS: t.Final = 1024  # the stand-ins for real keys; what the camera calls their size is said beside them


@functools.cache
def key_pem(number: int, bits: int = _MODULUS_BITS) -> str:
    """A key of that number, PEM."""
    del number
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@functools.cache
def curve_pem(number: int) -> str:
    """A key of that number on P-256, PEM."""
    del number
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@functools.cache
def _signer() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, text)])


@functools.cache
def certificate_pem(key: str, kind: str) -> str:
    """A certificate of that kind for a key, PEM."""
    issuer, days, named = KINDS[kind]
    private = serialization.load_pem_private_key(key.encode(), None)
    address = DEVICE if named else "192.0.2.99"
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(DEVICE))
        .issuer_name(_name(issuer))
        .public_key(t.cast("rsa.RSAPrivateKey", private).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=1))
        .not_valid_after(NOW + dt.timedelta(days=days))
        .add_extension(names, critical=False)
        .sign(_signer(), hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@functools.cache
def facts_of(pem: str) -> CertificateFacts:
    """What a certificate says."""
    return CertificateFacts.from_pem(pem)


# -- wishes and plans ------------------------------------------------------------------------------------------------


@dc.dataclass(frozen=True, kw_only=True)
class Wish:
    """A desired state of the module ``camera``."""

    connection: str
    size: int = SIZES[0]
    type: str = "rsa"
    new_key: str = "on_mismatch"
    http_window: bool = False
    managed: bool = True

    def wanted(self) -> WantedCamera:
        """As the module makes it of its options."""
        certificate = WantedCertificate(
            subject=SubjectName(common_name=DEVICE),
            subject_alt_names=(f"IP:{DEVICE}",),
            lifetime_days=LIFETIME,
            backdate_hours=24,
            renew_before_days=30,
            renew_share=None,
            passphrase=Secret("Siegel-Geheimnis-9"),
        )
        return WantedCamera(
            https=HttpsState(connection=self.connection, https_port=PORT),
            key=KeyKind(type=self.type, size=self.size),
            new_key=self.new_key,
            http_window=self.http_window,
            certificate=certificate if self.managed else None,
        )


WISHES: t.Final = (
    *(
        Wish(connection=connection, size=size, new_key=new_key, http_window=window)
        for connection, size, new_key, window in itertools.product(
            ("https", "http"), SIZES, ("on_mismatch", "with_certificate"), (False, True)
        )
    ),
    *(Wish(connection=connection, managed=False) for connection in ("https", "http")),
)


class OurCA:
    """The certificate authority, as far as planning asks it."""

    issuer_certificate: t.Any = types.SimpleNamespace(not_after=NOW + dt.timedelta(days=9000))
    trusted_path = "/nowhere/trusted.pem"

    def issued_by_us(self, facts: CertificateFacts) -> bool:
        return facts.issuer_common_name == "Our CA"

    def revoked(self, _facts: CertificateFacts) -> str:
        """None is: a revoked certificate is planned for as a foreign one."""
        return ""

    def subject_differs(self, facts: CertificateFacts, subject: SubjectName) -> bool:
        return facts.subject_common_name != subject.common_name

    def common_name_for(self, host: str) -> str:
        return host

    def check_ready(self, _wanted: WantedCertificate, *, device: str, fault: str) -> None:
        """Whatever is wanted can be signed."""


class Planned(WholeCamera):
    """The module's resource; the certificate in force over plain HTTP is told, as the ledger would."""

    told: CertificateFacts | None = None

    def known_certificate(self, state: CameraState) -> CertificateFacts | None:
        return state.certificate or self.told


def target(https_port: int) -> Target:
    """The camera, met in the weakest way, so that no plan is refused for want of trust."""
    return Target(
        host=DEVICE,
        https_ports=(https_port,),
        http_port=HTTP_PORT,
        credentials=Credentials(username="admin", password=Secret("Kamera-Geheimnis-7")),
        trust=Trust(),
        first_contact="any_certificate",
    )


@functools.cache
def contact_of(scheme: str, port: int, trust: str) -> Contact:
    """A contact that nothing is sent over."""
    weak = dc.replace(target(port), trust=Trust(any_certificate=scheme == "https"))
    return Contact(session=weak.session(scheme, port), trust=trust)


def resource(wish: Wish, told: CertificateFacts | None) -> Planned:
    """The module's resource for a wish, with our authority."""
    authority = t.cast("t.Any", OurCA())
    made = Planned(wish.wanted(), target=target(PORT), limits=Limits(), drivers=(), authority=authority)
    made.told = told
    return made


def with_key(key: str, kind: str) -> Certificate:
    """The module ``camera_certificate`` with a certificate of that kind for a key from outside."""
    bundle = Bundle(leaf=facts_of(certificate_pem(key, kind)), key=Secret(key))
    return Certificate(bundle, target=target(PORT), limits=Limits(), drivers=())


# -- what was met ----------------------------------------------------------------------------------------------------


@dc.dataclass(kw_only=True)
class Tally:
    """Counts, so that a search that found nothing to look at does not pass."""

    states: int = 0
    moves: int = 0
    refused_moves: int = 0
    plans: int = 0
    unchanged: int = 0
    steps: int = 0
    refusals: collections.Counter[str] = dc.field(default_factory=collections.Counter)
    ways_back: collections.Counter[str] = dc.field(default_factory=collections.Counter)

    def shown(self, name: str) -> str:
        """One paragraph."""
        rules = ", ".join(f"{rule} {count}" for rule, count in sorted(self.refusals.items()))
        ways = ", ".join(f"{way} {count}" for way, count in sorted(self.ways_back.items()))
        return (
            f"{name}: {self.states} states by {self.moves} moves ({self.refused_moves} more were refused);"
            f" {self.plans} plans, {self.unchanged} of them without a step, {self.steps} steps carried out;"
            f" refused: {rules or 'none'}; ways back: {ways or 'none'}"
        )


def read_keystore(driver: CameraDriver, shown: str | None) -> CameraState:
    """The state of a camera with a keystore as its driver reads it.

    Args:
        driver: The driver.
        shown: The certificate in the handshake, PEM; None over plain HTTP.
    """
    reading = driver.rest(driver.first_read())
    return CameraState(
        rules=driver.rules,
        http_port=HTTP_PORT,
        contact=contact_of("https" if shown else "http", PORT if shown else HTTP_PORT, "any_certificate"),
        peer=t.cast("t.Any", object()) if shown else None,
        certificate=facts_of(shown) if shown else None,
        abilities=driver.abilities(),
        **{field.name: getattr(reading, field.name) for field in dc.fields(reading)},
    )


def carry_out(driver: CameraDriver, step: Step, private: t.Callable[[], str]) -> None:
    """One step on a camera with a keystore, as the resource does it.

    Args:
        driver: The driver.
        step: The step.
        private: Gives the key that a certificate is installed for, PEM.
    """
    match step.id:
        case "generate_key":
            driver.generate_key(step.data["kind"])
        case "make_request":
            driver.make_request(step.data["subject"], step.data["names"])
        case "sign_request":
            assert x509.load_pem_x509_csr(driver.certificate_request().encode()).is_signature_valid
        case "install_certificate":
            driver.install_certificate(certificate_pem(private(), "good"), ())
        case "install_with_key":
            driver.install_with_key(step.data["pem"], step.data["issuers"], step.data["key"])
        case "set_https":
            driver.set_https(step.data["https"])
        case unknown:
            raise AssertionError(unknown)


def ids(plan: Plan) -> list[str]:
    """The steps of a plan."""
    return [step.id for step in plan.steps]
