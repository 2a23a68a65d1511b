# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests and benchmarks: an endpoint as a process of its own, ended by its id."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import types
import typing as t

import argon2
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ._users import User, UsersFile

__all__ = ["PASSWORD", "USER", "RunningEndpoint", "self_signed"]

USER: t.Final = "evidence"
PASSWORD: t.Final = "Reel-7-of-9"  # noqa: S105  # of a test
# Logins of tests need not be slow.
_CHEAP: t.Final = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def self_signed(
    folder: pathlib.Path, kind: str = "rsa", *, host: str = "127.0.0.1", days: int = 30
) -> tuple[pathlib.Path, pathlib.Path]:
    """Make a certificate that signs itself.

    Args:
        folder: Where to.
        kind: `rsa` or `ecdsa`.
        host: Address or name in it.
        days: How long it is valid; a negative number gives one that is expired.

    Returns:
        The certificate and its key, PEM.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=abs(days) + 1))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_path = folder / f"{kind}.pem", folder / f"{kind}.key"
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_path.write_bytes(content)
    key_path.chmod(0o600)
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return pem, key_path


class RunningEndpoint:
    """`camsec-ftpes-server` on loopback; a context manager.

    Args:
        folder: Its files go here.
        host: Loopback address.
        certificates: Certificates and their keys; without any one that signs itself is made.
        users: Names and passwords.
        prefix: A command that runs the program, for example `prlimit --fsize=…`.
        options: Of the configuration, over its defaults and those for tests (no delays, no fsync).
    """

    def __init__(
        self,
        folder: pathlib.Path,
        *,
        host: str = "127.0.0.1",
        certificates: t.Sequence[tuple[pathlib.Path, pathlib.Path]] = (),
        users: t.Mapping[str, str] | None = None,
        prefix: t.Sequence[str] = (),
        **options: t.Any,
    ) -> None:
        self.folder = folder / f"endpoint-{os.urandom(4).hex()}"
        self.root = self.folder / "homes"
        self.host = host
        self.port = 0
        self.user, self.password = USER, PASSWORD
        self.users = dict(users) if users is not None else {USER: PASSWORD}
        self.prefix = tuple(prefix)
        #: Events of others are left out.
        self.only_user: str | None = None
        self.audit_log = self.folder / "audit.jsonl"
        self.users_file = self.folder / "users.yml"
        self.configuration = self.folder / "endpoint.yml"
        self.log = self.folder / "stderr"
        self.ready_file = self.folder / "ready.json"
        self._process: subprocess.Popen[bytes] | None = None
        self.root.mkdir(parents=True)
        self.certificates = list(certificates) or [self_signed(self.folder, host=host)]
        self._write_users()
        self._write_configuration(options)

    @property
    def home(self) -> pathlib.Path:
        """The home of `user`, which is there after the first login."""
        return self.root / self.user

    def _write_users(self) -> None:
        with UsersFile(self.users_file).changed() as users:
            for name, password in self.users.items():
                users[name] = User(name=name, password_hash=_CHEAP.hash(password))

    def _write_configuration(self, options: t.Mapping[str, t.Any]) -> None:
        defaults = {
            "address": self.host,
            "port": 0,
            "root": str(self.root),
            "users_file": str(self.users_file),
            "certificates": [{"certificate_path": str(pem), "key_path": str(key)} for pem, key in self.certificates],
            "audit_log": str(self.audit_log),
            "ready_file": str(self.ready_file),
            "login_delay_seconds": 0,
            "durable": False,
            "stop_seconds": 5,
            "reload_seconds": 0.2,
        }
        self.configuration.write_text(yaml.safe_dump(defaults | dict(options)), encoding="utf-8")

    @staticmethod
    def command(*arguments: str) -> list[str]:
        """The program's command line.

        Args:
            arguments: Behind its name.

        Returns:
            The command, with this Python.
        """
        return [sys.executable, "-m", __name__.rpartition(".")[0], *arguments]

    @staticmethod
    def environment() -> dict[str, str]:
        """An environment in which the program finds what this process finds.

        Returns:
            All variables.
        """
        return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def start(self) -> t.Self:
        """Start it, and wait until it listens."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                [*self.prefix, *self.command("serve", "--config", str(self.configuration))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(),
            )
        end = time.monotonic() + 30
        while not self.ready_file.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"the endpoint did not start: {self.log.read_text(encoding='utf-8')}")
            time.sleep(0.02)
        self.port = int(json.loads(self.ready_file.read_text(encoding="utf-8"))["port"])
        return self

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._process is None:
            raise RuntimeError("the endpoint is not started")
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send it a signal.

        Args:
            number: The signal.
        """
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self, timeout: float = 30.0) -> int:
        """Wait until it has ended.

        Args:
            timeout: Seconds.

        Returns:
            Its exit code.
        """
        if self._process is None:
            raise RuntimeError("the endpoint is not started")
        return self._process.wait(timeout)

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def events(self, event: str | None = None) -> list[dict[str, t.Any]]:
        """What the audit log holds.

        Args:
            event: Only those of this kind.

        Returns:
            The events, the oldest first.
        """
        # The last line may still be on its way.
        lines = self.audit_log.read_text(encoding="ascii").split("\n")[:-1]
        told = [json.loads(line) for line in lines]
        users = (None, self.only_user)
        return [
            one
            for one in told
            if (event is None or one["event"] == event) and (self.only_user is None or one.get("user") in users)
        ]

    def await_event(self, event: str, count: int = 1, timeout: float = 20.0, **facts: t.Any) -> dict[str, t.Any]:
        """Wait for an event.

        Args:
            event: Its kind.
            count: How many of them.
            timeout: Seconds.
            facts: That it must have.

        Returns:
            The newest.
        """
        end = time.monotonic() + timeout
        while True:
            found = [one for one in self.events(event) if facts.items() <= one.items()]
            if len(found) >= count:
                return found[-1]
            if time.monotonic() > end:
                raise RuntimeError(f"no {count} × {event} {facts} in {self.events()}")
            time.sleep(0.02)

    def __enter__(self) -> t.Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.stop()
