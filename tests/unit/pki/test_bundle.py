# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates from outside, made and packed by openssl: what is taken, and one sentence for what is not."""

from __future__ import annotations

import base64
import dataclasses as dc
import pathlib
import subprocess
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import PkiError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._bundle import (
    Bundle,
    bundle_from_pem,
    bundle_from_pkcs12,
    pkcs8_base64,
    pkcs12_file,
)

PASSPHRASE = "Schluessel-Wort-5"
DEVICE = "192.0.2.11"


def openssl(*arguments: object, data: str | None = None) -> str:
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


@dc.dataclass(frozen=True, kw_only=True)
class Made:
    """A root, one below it, a device's certificate below that, and the device's key; all made by openssl."""

    folder: pathlib.Path

    def path(self, name: str) -> pathlib.Path:
        return self.folder / name

    def pem(self, *names: str) -> str:
        return "".join(self.path(f"{name}.pem").read_text() for name in names)

    def pkcs12(self, name: str, *options: object, passphrase: str = PASSPHRASE) -> str:
        made = self.path(name)
        openssl("pkcs12", "-export", "-out", made, "-passout", f"pass:{passphrase}", *options)
        made.chmod(0o600)
        return str(made)


@pytest.fixture(scope="module", params=["rsa", "ecdsa"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = Made(folder=tmp_path_factory.mktemp("made"))
    kind = ("RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    if request.param == "ecdsa":
        kind = ("EC", "-pkeyopt", "ec_paramgen_curve:P-384")
    for name in ("root", "issuer", "leaf", "other"):
        openssl("genpkey", "-algorithm", *kind, "-out", made.path(f"{name}.key"))
        made.path(f"{name}.key").chmod(0o600)
    for name, issuer, extension in (
        ("root", "root", "basicConstraints=critical,CA:true"),
        ("issuer", "root", "basicConstraints=critical,CA:true"),
        ("leaf", "issuer", "basicConstraints=critical,CA:false"),
        ("other", "root", "basicConstraints=critical,CA:false"),
    ):
        out = made.path(f"{name}.pem")
        signer = ("-CA", made.path(f"{issuer}.pem"), "-CAkey", made.path(f"{issuer}.key")) if issuer != name else ()
        subject = ("-subj", f"/CN={name}", "-days", "30", "-addext", extension, "-out", out)
        openssl("req", "-x509", "-new", "-key", made.path(f"{name}.key"), *subject, *signer)
    return made


def from_pem(text: str) -> Bundle:
    return bundle_from_pem(text, device=DEVICE, subject="certificate_content")


# -- what is taken ---------------------------------------------------------------------------------------------------


def test_a_certificate_alone_and_with_its_chain(made: Made) -> None:
    assert from_pem(made.pem("leaf")) == Bundle(leaf=from_pem(made.pem("leaf")).leaf)
    chain = from_pem(f"Some words\n{made.pem('leaf', 'issuer')}")
    assert chain.issuers == (made.pem("issuer"),)
    # The root is the clients' own: it is left out.
    assert from_pem(made.pem("leaf", "issuer", "root")) == chain


def test_a_key_out_of_a_file_plain_and_encrypted(made: Made) -> None:
    plain = from_pem(made.pem("leaf")).with_key(str(made.path("leaf.key")), None)
    locked = made.path("locked.key")
    openssl("pkcs8", "-topk8", "-in", made.path("leaf.key"), "-out", locked, "-passout", f"pass:{PASSPHRASE}")
    locked.chmod(0o600)
    assert from_pem(made.pem("leaf")).with_key(str(locked), Secret(PASSPHRASE)) == plain
    assert plain.key is not None
    assert openssl("pkey", "-pubout", data=plain.key.reveal()) == openssl(
        "pkey", "-pubout", "-in", made.path("leaf.key")
    )
    assert "PRIVATE KEY" not in repr(plain)


@pytest.mark.parametrize("legacy", [(), ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1")])
def test_a_pkcs12_file_whatever_the_order_of_its_certificates(made: Made, legacy: tuple[str, ...]) -> None:
    more = made.path("more.pem")
    more.write_text(made.pem("root", "issuer"))
    given = ("-inkey", made.path("leaf.key"), "-in", made.path("leaf.pem"), "-certfile", more)
    path = made.pkcs12("all.p12", *given, *legacy)
    found = bundle_from_pkcs12(path, Secret(PASSPHRASE))
    assert found == from_pem(made.pem("leaf", "issuer")).with_key(str(made.path("leaf.key")), None)


@pytest.mark.parametrize("modern", [True, False])
def test_what_goes_to_the_camera_is_read_by_openssl(made: Made, modern: bool) -> None:
    bundle = from_pem(made.pem("leaf", "issuer")).with_key(str(made.path("leaf.key")), None)
    assert bundle.key is not None
    content, passphrase = pkcs12_file(bundle.leaf, bundle.key, name="camera", modern=modern)
    packed = made.path("packed.p12")
    packed.write_bytes(content)
    opened = openssl("pkcs12", "-in", packed, "-nodes", "-passin", f"pass:{passphrase.reveal()}")
    assert openssl("x509", data=opened) == made.pem("leaf")
    assert opened.count("BEGIN CERTIFICATE") == 1
    public = openssl("pkey", "-pubout", "-in", made.path("leaf.key"))
    assert openssl("pkey", "-pubout", data=opened) == public
    der = made.path("key.der")
    der.write_bytes(base64.b64decode(pkcs8_base64(bundle.key).reveal()))
    assert openssl("pkey", "-inform", "DER", "-pubout", "-in", der) == public


# -- what is not -----------------------------------------------------------------------------------------------------


def refused(call: t.Callable[[], object], found: str, expected: str) -> None:
    with pytest.raises(PkiError) as caught:
        call()
    message = caught.value.message
    assert found in message
    assert expected in message
    assert "\n" not in message
    assert PASSPHRASE not in message
    assert "BEGIN" not in message


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("issuer", "leaf"), "found issuer followed by leaf, which did not issue it"),
        (("leaf", "root"), "found leaf followed by root, which did not issue it"),
        (("leaf", "issuer", "other"), "found issuer followed by other, which did not issue it"),
        (("leaf",) * 9, "found 9 certificates"),
    ],
)
def test_a_chain_in_the_wrong_order(made: Made, names: tuple[str, ...], found: str) -> None:
    expected = "expected the device's certificate first, then each one's issuer"
    refused(lambda: from_pem(made.pem(*names)), found, expected)


def test_what_is_no_devices_certificate(made: Made) -> None:
    expected = "expected a device's certificate, issued by an authority"
    refused(lambda: from_pem(made.pem("issuer")), "found the certificate of a certificate authority", expected)
    own = openssl("req", "-x509", "-new", "-key", made.path("leaf.key"), "-subj", "/CN=x", "-addext",
                  "basicConstraints=CA:false")  # fmt: skip
    refused(lambda: from_pem(own), "found a self-signed certificate", expected)
    refused(
        lambda: from_pem(made.pem("leaf") + made.path("leaf.key").read_text()), "a private key among", "exactly one"
    )


def test_keys_that_cannot_be(made: Made) -> None:
    leaf, locked, open_to_all = from_pem(made.pem("leaf")), made.path("bad.key"), made.path("open.key")
    refused(
        lambda: leaf.with_key(str(made.path("other.key")), None), "not that of the certificate for leaf", "of one pair"
    )
    openssl("pkcs8", "-topk8", "-in", made.path("leaf.key"), "-out", locked, "-passout", f"pass:{PASSPHRASE}")
    locked.chmod(0o600)
    refused(lambda: leaf.with_key(str(locked), None), "an encrypted key", "in the option private_key_passphrase")
    refused(lambda: leaf.with_key(str(locked), Secret("x")), "a wrong passphrase", "the key's own passphrase")
    plain = str(made.path("leaf.key"))
    refused(lambda: leaf.with_key(plain, Secret("x")), "an unencrypted key", "that the passphrase encrypts")
    open_to_all.write_text(made.path("leaf.key").read_text())
    open_to_all.chmod(0o644)
    refused(lambda: leaf.with_key(str(open_to_all), None), "mode 0644, open to other users", "mode 0600")
    refused(lambda: leaf.with_key(str(made.path("no.key")), None), "no such file", "a readable file")


def test_pkcs12_files_that_cannot_be(made: Made) -> None:
    key, leaf = ("-inkey", made.path("leaf.key")), ("-in", made.path("leaf.pem"))
    good = made.pkcs12("good.p12", *key, *leaf)
    refused(lambda: bundle_from_pkcs12(good, Secret("x")), "a passphrase that does not open it", "own passphrase")
    no_key = made.pkcs12("no-key.p12", "-nokeys", *leaf)
    refused(lambda: bundle_from_pkcs12(no_key, Secret(PASSPHRASE)), "found no private key", "and its certificate")
    no_certificate = made.pkcs12("no-certificate.p12", "-nocerts", *key)
    refused(
        lambda: bundle_from_pkcs12(no_certificate, Secret(PASSPHRASE)), "found no certificate", "and its certificate"
    )
    stranger = made.pkcs12("stranger.p12", *key, *leaf, "-certfile", made.path("other.pem"))
    refused(lambda: bundle_from_pkcs12(stranger, Secret(PASSPHRASE)), "followed by other, which did not", "each one's")
    text = made.path("text.p12")
    text.write_text(made.pem("leaf"))
    text.chmod(0o600)
    refused(lambda: bundle_from_pkcs12(str(text), Secret(PASSPHRASE)), "data of another kind", "a PKCS#12 file")
    cut = made.path("cut.p12")
    cut.write_bytes(pathlib.Path(good).read_bytes()[:200])
    cut.chmod(0o600)
    refused(lambda: bundle_from_pkcs12(str(cut), Secret(PASSPHRASE)), "or a damaged file", "own passphrase")


def test_a_key_of_another_kind(tmp_path: pathlib.Path) -> None:
    made = Made(folder=tmp_path)
    openssl("genpkey", "-algorithm", "ED25519", "-out", made.path("leaf.key"))
    openssl("req", "-x509", "-new", "-key", made.path("leaf.key"), "-subj", "/CN=x", "-out", made.path("leaf.pem"))
    path = made.pkcs12("ed.p12", "-inkey", made.path("leaf.key"), "-in", made.path("leaf.pem"))
    refused(lambda: bundle_from_pkcs12(path, Secret(PASSPHRASE)), "a key of another kind", "an RSA or an ECDSA key")
