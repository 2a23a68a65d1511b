# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated VMS, its certificates, and openssl and curl to look at it."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import json
import re
import ssl
import subprocess
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.simulator._fleet import generate
from ansible_collections.camsec.fleet.extensions.simulator._pki import issue, make_key, make_root
from ansible_collections.camsec.fleet.extensions.simulator._windows_store import NETWORK_SERVICE, new_key
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

EXE = "C:\\Program Files\\Milestone\\Server Configurator\\ServerConfigurator.exe"
GUIDS = {
    "server": "84430eb7-847c-422d-aa00-7915cd0d7a65",
    "streaming_media": "549df21d-047c-456b-958e-99e65dd8b3ec",
    "mobile_server": "76cfc719-a852-4210-913e-703eadab139a",
    "event_server": "7e02e0f5-549d-4113-b8de-bda2c1f38dbf",
}
SERVERS = ("management-01", "recording-01", "failover-01", "event-01", "mobile-01")
DAY = 86400.0


@dc.dataclass(frozen=True, kw_only=True)
class Authority:
    pem: str
    key: str


@dc.dataclass(frozen=True, kw_only=True)
class Curled:
    status: int
    text: str

    @property
    def data(self) -> t.Any:
        return json.loads(self.text)


class Site:
    """A VMS with one server of each kind, and what an administrator does there."""

    def __init__(self, sim: RunningSimulator, authorities: dict[str, Authority], keys: list[str]) -> None:
        self.sim = sim
        self.authorities = authorities
        self._keys = keys

    # -- certificates

    def trust(self, name: str, authority: str = "ours") -> None:
        der = ssl.PEM_cert_to_DER_cert(self.authorities[authority].pem)
        self.sim.vms_server(name).host.stores.add("Root", der)

    def give(
        self,
        name: str,
        *,
        authority: str = "ours",
        host: str | None = None,
        begin: float = -60.0,
        readable: bool = True,
        with_key: bool = True,
    ) -> str:
        """A certificate and its key in My, as an administrator imports them; its thumbprint."""
        server, root, pem = self.sim.vms_server(name), self.authorities[authority], self._keys[SERVERS.index(name)]
        certificate = issue(
            root_pem=root.pem,
            root_key_pem=root.key,
            key_pem=pem,
            host=host or server.spec.full_name,
            begin=self.sim.simulator.clock.now() + begin,
        )
        key = new_key(t.cast("t.Any", serialization.load_pem_private_key(pem.encode(), None)))
        if readable:
            key.rules[NETWORK_SERVICE] = "read"
        der = ssl.PEM_cert_to_DER_cert(certificate)
        return server.host.stores.add("My", der, key if with_key else None).thumbprint

    def import_pem(self, name: str, pem: str) -> str:
        """A certificate and key of somebody else's program in My, the key readable for the services."""
        key = new_key(t.cast("t.Any", serialization.load_pem_private_key(pem.encode(), None)))
        key.rules[NETWORK_SERVICE] = "read"
        der = ssl.PEM_cert_to_DER_cert(pem[: pem.index("-----END CERTIFICATE-----") + 25] + "\n")
        return self.sim.vms_server(name).host.stores.add("My", der, key).thumbprint

    def give_for_clients(self, name: str) -> str:
        """A certificate of ours whose extended key usage is clientAuth alone, and its key in My; its thumbprint."""
        root, pem = self.authorities["ours"], self._keys[SERVERS.index(name)]
        server, private = self.sim.vms_server(name), serialization.load_pem_private_key(pem.encode(), None)
        assert isinstance(private, rsa.RSAPrivateKey)
        signer = t.cast("t.Any", serialization.load_pem_private_key(root.key.encode(), None))
        begin = dt.datetime.fromtimestamp(int(self.sim.simulator.clock.now()) - 60, dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, server.spec.full_name)]))
            .issuer_name(x509.load_pem_x509_certificate(root.pem.encode()).subject)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + dt.timedelta(days=300))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(server.spec.full_name)]), False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
            .sign(signer, hashes.SHA256())
        )
        key = new_key(private)
        key.rules[NETWORK_SERVICE] = "read"
        return server.host.stores.add("My", certificate.public_bytes(serialization.Encoding.DER), key).thumbprint

    def prepare(self) -> dict[str, str]:
        """Trust and certificates everywhere."""
        for name in SERVERS:
            self.trust(name)
        for client in self.sim.control("/vms/clients"):
            self.sim.control(
                f"/vms/clients/{client['name']}/trust", "POST", {"trusted": [self.authorities["ours"].pem]}
            )
        return {name: self.give(name) for name in SERVERS}

    def encrypt_servers(self) -> dict[str, str]:
        """All the way for the group `server`, in the right order."""
        thumbprints = self.prepare()
        for name in SERVERS:
            assert self.enable(name, "server", thumbprints[name]) == 0
        return thumbprints

    # -- ServerConfigurator

    def configure(self, name: str, *argv: str) -> tuple[int, str]:
        host = self.sim.vms_server(name).host
        return host.programs[EXE](host, argv)

    def enable(self, name: str, group: str, thumbprint: str) -> int:
        code = self.configure(
            name, "/quiet", "/enableencryption", f"/certificategroup={GUIDS[group]}", f"/thumbprint={thumbprint}"
        )[0]
        self.sim.advance(6)
        return code

    def disable(self, name: str, group: str) -> int:
        code = self.configure(name, "/quiet", "/disableencryption", f"/certificategroup={GUIDS[group]}")[0]
        self.sim.advance(6)
        return code

    # -- what is seen

    def links(self, **wanted: str) -> list[dict[str, t.Any]]:
        """The links that are as wanted, tried now."""
        return [link for link in self.sim.vms_links() if all(link.get(key) == value for key, value in wanted.items())]

    def statuses(self, **wanted: str) -> set[str]:
        return {link["status"] for link in self.links(**wanted)}

    def presented(self, name: str, port: int) -> str:
        """The SHA-1 thumbprint that openssl is shown there; empty when the handshake fails."""
        address = self.sim.vms_server(name).address
        shown = subprocess.run(
            ["openssl", "s_client", "-connect", f"{address}:{port}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
        ).stdout  # fmt: skip
        found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", shown, re.DOTALL)
        if found is None:
            return ""
        line = subprocess.run(
            ["openssl", "x509", "-noout", "-fingerprint", "-sha1"],
            input=found[0], capture_output=True, text=True, timeout=30, check=True,
        ).stdout  # fmt: skip
        return line.rpartition("=")[2].strip().replace(":", "")

    def curl(self, url: str, *options: str) -> Curled:
        done = subprocess.run(
            ["curl", "-sS", "--noproxy", "*", "--max-time", "20", "-w", "\n%{http_code}", *options, url],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        text, _line, status = done.stdout.rpartition("\n")
        return Curled(status=int(status), text=text or done.stderr)


@pytest.fixture(scope="session")
def authorities() -> dict[str, Authority]:
    made = {}
    for name in ("ours", "other"):
        key = make_key(2048)
        # Longer than what it issues.
        root = make_root(key, f"Root {name}", 1_500_000_000, organization="Tests")
        made[name] = Authority(pem=root, key=key)
    return made


@pytest.fixture(scope="session")
def keys() -> list[str]:
    return [make_key(2048) for _name in SERVERS]


@pytest.fixture(scope="session")
def base() -> str:
    return own_base_address(4)


@pytest.fixture
def site(authorities: dict[str, Authority], keys: list[str], base: str) -> t.Iterator[Site]:
    fleet = generate(recorders=1, cameras=2, base_address=base, vms_recording_servers=1, vms_failover_servers=1)
    with RunningSimulator(fleet) as sim:
        yield Site(sim, authorities, keys)


@pytest.fixture(scope="session")
def guids() -> dict[str, str]:
    return GUIDS
