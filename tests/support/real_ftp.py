# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's servers on loopback: vsftpd, proftpd, pure-ftpd over FTPES, and OpenSSH's SFTP.

    with RealFtpServer(kind="vsftpd", certificate=pem, key=key, root=tmp_path) as server:
        ... server.host, server.port, server.user, server.password, server.home (on disk), server.base (for the client)

`tests/tools/ftp_servers.py` fetches the programs. As root each server runs in a mount namespace of its own, where a
private /etc/passwd, /etc/shadow and /etc/pam.d lie over the machine's, which stays untouched; logins are real ones.
As an ordinary user only proftpd and sshd start, the latter with keys only. :func:`unavailable` says why one cannot.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses as dc
import getpass
import grp
import importlib.util
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import textwrap
import time
import types
import typing as t

FTP_KINDS = ("vsftpd", "proftpd", "pure-ftpd")
USER = "evidence"
PASSWORD = "Reel-7-of-9"
_UID = 20021
_MOUNT = "/mnt"
_START_SECONDS = 20.0
# Ends a server whose test was killed: the pipe's other end is then closed.
_WATCHDOG = 'read -r line; kill -TERM "-$1"; sleep 2; kill -KILL "-$1" 2>/dev/null'
_BEGINNING = """\
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
sshd:x:20022:65534:sshd:/nonexistent:/usr/sbin/nologin
"""

_tool_path = pathlib.Path(__file__).resolve().parents[1] / "tools" / "ftp_servers.py"
_spec = importlib.util.spec_from_file_location("camsec_test_ftp_servers", _tool_path)
assert _spec is not None
assert _spec.loader is not None
_tool = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_tool)


def programs() -> pathlib.Path:
    """The tree with the unpacked programs; fetches it the first time.

    Raises:
        RuntimeError: It cannot be had here; the text says why.
    """
    try:
        return t.cast("pathlib.Path", _tool.prepare())
    except _tool.Unavailable as error:
        raise RuntimeError(str(error)) from error


def program(name: str) -> tuple[str, dict[str, str]]:
    """A program of the tree and the environment that it needs, for example of `lftp`.

    Args:
        name: A key of `PROGRAMS` in `tests/tools/ftp_servers.py`.

    Returns:
        Its path, and a whole environment with LD_LIBRARY_PATH.
    """
    tree = programs()
    return str(tree / _tool.PROGRAMS[name]), {**os.environ, "LD_LIBRARY_PATH": _tool.library_path(tree)}


def unavailable(kind: str) -> str | None:
    """Why this kind of server cannot run here; nothing if it can.

    Args:
        kind: `vsftpd`, `proftpd`, `pure-ftpd` or `sshd`.

    Returns:
        The reason, for a loud skip.
    """
    try:
        programs()
    except RuntimeError as error:
        return f"{kind}: {error}"
    if kind in ("vsftpd", "pure-ftpd") and os.geteuid() != 0:
        return f"{kind} starts only as root"
    return None


class _Server:
    """A program that is started on a free loopback port and stopped by its process group."""

    kind = ""

    def __init__(self, *, root: pathlib.Path, host: str, port: int) -> None:
        reason = unavailable(self.kind)
        if reason is not None:
            raise RuntimeError(reason)
        self.tree = programs()
        self.root = root / f"{self.kind}-{os.urandom(4).hex()}"
        self.home = self.root / "home"
        self.private = self.root / "private"
        self.log = self.root / "log"
        self.host = host
        self.port = port or _free_port(host)
        self.privileged = os.geteuid() == 0
        self.user = USER if self.privileged else getpass.getuser()
        self.password = PASSWORD
        self._home_there = f"{_MOUNT}/home" if self.privileged else str(self.home)
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._environment: dict[str, str] = {}

    @property
    def base(self) -> str:
        """The home folder as the client names it; never ends with a slash."""
        return self._home_there

    def start(self) -> t.Self:
        """Start it and wait until it takes connections."""
        for folder in (self.home, self.private):
            folder.mkdir(parents=True, exist_ok=True)
        if self.privileged:
            os.chown(self.home, _UID, _UID)
            self._write_accounts()
        environment = {**os.environ, "LD_LIBRARY_PATH": _tool.library_path(self.tree), **self._environment}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._namespace(), *self._command()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.root,
            )
        atexit.register(self.stop)
        self._watchdog = subprocess.Popen(
            ["sh", "-c", _WATCHDOG, "watchdog", str(self._process.pid)], stdin=subprocess.PIPE, start_new_session=True
        )
        self._wait()
        return self

    def stop(self) -> None:
        """Stop it and each process that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.stop)
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.communicate()
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=3)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def __enter__(self) -> t.Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.stop()

    def output(self) -> str:
        """What it has written so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                with socket.create_connection((self.host, self.port), timeout=2) as one:
                    if one.recv(1):
                        return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{self.kind} did not start: {self.output()[-2000:]}")

    def _write_accounts(self) -> None:
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"],
            input=self.password.encode(),
            capture_output=True,
            check=True,
        ).stdout.decode()
        line = f"{self.user}:x:{_UID}:{_UID}:evidence:{self._home_there}:/bin/sh\n"
        (self.private / "passwd").write_text(_BEGINNING + line)
        (self.private / "shadow").write_text(f"{self.user}:{hashed.strip()}:19000:0:99999:7:::\n")
        (self.private / "shells").write_text("/bin/sh\n")
        (self.private / "pam.d").mkdir(exist_ok=True)
        (self.private / "pam.d" / "vsftpd").write_text(
            "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n"
        )
        (self.private / "passwd.proftpd").write_text(line.replace(":x:", f":{hashed.strip()}:"))
        for name in ("shadow", "passwd.proftpd"):
            (self.private / name).chmod(0o600)

    def _namespace(self) -> list[str]:
        """The home may lie where only root comes by; in the namespace it lies in /mnt/home."""
        if not self.privileged:
            return []
        script = textwrap.dedent(
            """\
            set -e
            mount -t tmpfs -o mode=755 tmpfs {mount}
            mkdir {mount}/home {mount}/empty
            if [ -n "$CAMSEC_DISK" ]; then
                mount -t tmpfs -o "size=$CAMSEC_DISK,mode=777" tmpfs {mount}/home
            else
                mount --bind "$1/home" {mount}/home
            fi
            for name in passwd shadow shells; do
                if [ -e /etc/$name ]; then mount --bind "$1/private/$name" /etc/$name; fi
            done
            mount --bind "$1/private/pam.d" /etc/pam.d
            mkdir -p /run && mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd
            shift
            exec "$@"
            """
        ).format(mount=_MOUNT)
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "server", str(self.root)]


class RealFtpServer(_Server):
    """vsftpd, proftpd or pure-ftpd with explicit TLS on both channels.

    Args:
        kind: One of :data:`FTP_KINDS`.
        certificate: PEM file with the chain.
        key: PEM file with the private key, RSA or EC.
        root: An empty place for its files.
        host: Loopback address, IPv4 or IPv6.
        port: 0 for a free one.
        protocols: The TLS versions that it takes.
        ciphers: OpenSSL's names of its TLS 1.2 suites, with colons between.
        ciphersuites: The same for TLS 1.3.
        session_reuse: Whether a data connection must resume; pure-ftpd cannot demand it.
        data_tls_required: pure-ftpd's `-Y 3` instead of `-Y 2`; the others demand it always.
        hashes: proftpd with mod_digest: HASH, XSHA256, XCRC and others.
        disk_bytes: The home is a disk of its own of that size, which is not seen from outside (as root only).
        prefer_server_order: proftpd with TLSServerCipherPreference (its default); the others follow their own way.
        extra: More lines of configuration, or of arguments of pure-ftpd.
    """

    def __init__(
        self,
        *,
        kind: str,
        certificate: pathlib.Path | str,
        key: pathlib.Path | str,
        root: pathlib.Path,
        host: str = "127.0.0.1",
        port: int = 0,
        protocols: t.Sequence[str] = ("TLSv1.2", "TLSv1.3"),
        ciphers: str | None = None,
        ciphersuites: str | None = None,
        session_reuse: bool = True,
        data_tls_required: bool = True,
        hashes: bool = False,
        disk_bytes: int | None = None,
        prefer_server_order: bool = True,
        extra: t.Sequence[str] = (),
    ) -> None:
        if kind not in FTP_KINDS:
            raise ValueError(f"{kind}: none of {', '.join(FTP_KINDS)}")
        self.kind = kind
        super().__init__(root=root, host=host, port=port)
        self.certificate, self.key = pathlib.Path(certificate).resolve(), pathlib.Path(key).resolve()
        self.protocols = tuple(sorted(protocols))
        self.ciphers, self.ciphersuites = ciphers, ciphersuites
        self.session_reuse, self.data_tls_required, self.hashes = session_reuse, data_tls_required, hashes
        self.prefer_server_order = prefer_server_order
        self.extra = tuple(extra)
        # vsftpd and pure-ftpd have no option for the versions; OpenSSL's own configuration holds for all three.
        self._environment = {"OPENSSL_CONF": str(self.private / "openssl.cnf")}
        if disk_bytes is not None:
            self._environment["CAMSEC_DISK"] = str(disk_bytes)

    @property
    def base(self) -> str:
        """The home folder as the client names it: empty where the server locks a client into it."""
        return "" if self.privileged else str(self.home)

    def _command(self) -> list[str]:
        self._write_openssl()
        return {"vsftpd": self._vsftpd, "proftpd": self._proftpd, "pure-ftpd": self._pure_ftpd}[self.kind]()

    def _write_openssl(self) -> None:
        lines = [
            "openssl_conf = all",
            "[all]",
            "ssl_conf = ssl",
            "[ssl]",
            "system_default = defaults",
            "[defaults]",
            f"MinProtocol = {self.protocols[0]}",
            f"MaxProtocol = {self.protocols[-1]}",
        ]
        if self.ciphers:
            lines.append(f"CipherString = {self.ciphers}")
        if self.ciphersuites:
            lines.append(f"Ciphersuites = {self.ciphersuites}")
        (self.private / "openssl.cnf").write_text("\n".join(lines) + "\n")

    def _vsftpd(self) -> list[str]:
        six = ":" in self.host
        options = {
            "listen": _yes(not six),
            "listen_ipv6": _yes(six),
            "listen_address6" if six else "listen_address": self.host,
            "listen_port": self.port,
            "background": "NO",
            "anonymous_enable": "NO",
            "local_enable": "YES",
            "write_enable": "YES",
            "local_umask": "022",
            "chroot_local_user": "YES",
            "allow_writeable_chroot": "YES",
            "connect_from_port_20": "NO",
            "pam_service_name": "vsftpd",
            "nopriv_user": "nobody",
            "secure_chroot_dir": f"{_MOUNT}/empty",
            "utf8_filesystem": "YES",
            "log_ftp_protocol": "NO",
            "xferlog_enable": "YES",
            "vsftpd_log_file": str(self.log),
            "max_login_fails": 3,
            "ssl_enable": "YES",
            "force_local_logins_ssl": "YES",
            "force_local_data_ssl": "YES",
            "ssl_sslv2": "NO",
            "ssl_sslv3": "NO",
            "ssl_tlsv1": "YES",
            "ssl_ciphers": self.ciphers or "HIGH",
            "require_ssl_reuse": _yes(self.session_reuse),
            "rsa_cert_file": str(self.certificate),
            "rsa_private_key_file": str(self.key),
        }
        path = self.private / "vsftpd.conf"
        path.write_text("".join(f"{name}={value}\n" for name, value in options.items()) + "\n".join((*self.extra, "")))
        return [self._program("vsftpd"), str(path)]

    def _proftpd(self) -> list[str]:
        kind = "EC" if _is_elliptic(self.key) else "RSA"
        users = self.private / "passwd.proftpd"
        if not self.privileged:
            hashed = subprocess.run(
                ["openssl", "passwd", "-6", "-stdin"], input=self.password.encode(), capture_output=True, check=True
            ).stdout.decode()
            users.write_text(f"{self.user}:{hashed.strip()}:{os.getuid()}:{os.getgid()}:me:{self.home}:/bin/sh\n")
            users.chmod(0o600)
        lines = [
            f"ModulePath {self.tree}/usr/lib/proftpd",
            "LoadModule mod_tls.c",
            *(["LoadModule mod_digest.c", "DigestEngine on"] if self.hashes else []),
            'ServerName "evidence"',
            "ServerType standalone",
            f"DefaultAddress {self.host}",
            f"Port {self.port}",
            "SocketBindTight on",
            f"UseIPv6 {'on' if ':' in self.host else 'off'}",
            "UseReverseDNS off",
            "User nobody" if self.privileged else f"User {self.user}",
            "" if self.privileged else f"Group {grp.getgrgid(os.getgid()).gr_name}",
            f"AuthUserFile {users}",
            "AuthOrder mod_auth_file.c",
            "AuthPAM off",
            "RequireValidShell off",
            "DefaultRoot ~" if self.privileged else "",
            "AllowOverwrite on",
            "AllowStoreRestart on",
            "Umask 022",
            f"ScoreboardFile {self.private}/scoreboard",
            f"PidFile {self.private}/pid",
            f"DelayTable {self.private}/delay",
            "DelayEngine off",
            "WtmpLog off",
            "TransferLog NONE",
            f"SystemLog {self.log}",
            "ControlsEngine off",
            "MaxInstances 200",
            "TLSEngine on",
            "TLSRequired on",
            f"TLSProtocol {' '.join(self.protocols)}",
            f"TLSLog {self.log}",
            f"TLS{kind}CertificateFile {self.certificate}",
            f"TLS{kind}CertificateKeyFile {self.key}",
            f"TLSServerCipherPreference {'on' if self.prefer_server_order else 'off'}",
            f"TLSCipherSuite {self.ciphers}" if self.ciphers else "",
            "" if self.session_reuse else "TLSOptions NoSessionReuseRequired",
            *self.extra,
        ]
        path = self.private / "proftpd.conf"
        path.write_text("".join(f"{line}\n" for line in lines if line))
        return [self._program("proftpd"), "--nodaemon", "--quiet", "--config", str(path)]

    def _pure_ftpd(self) -> list[str]:
        return [
            self._program("pure-ftpd"),
            *("-S", f"{self.host},{self.port}"),
            *("-g", str(self.private / "pid")),
            *("-l", "unix"),
            *("-u", "1"),
            *("-c", "200"),
            *("-C", "200"),
            "-A",
            "-E",
            "-H",
            *("-U", "022:022"),
            *("-Y", "3" if self.data_tls_required else "2"),
            *("-2", f"{self.certificate},{self.key}"),
            *(("-J", self.ciphers) if self.ciphers else ()),
            *self.extra,
        ]

    def _program(self, name: str) -> str:
        return str(self.tree / _tool.PROGRAMS[name])


class Sshd(_Server):
    """OpenSSH's server with nothing but SFTP.

    Args:
        root: An empty place for its files.
        host: Loopback address.
        port: 0 for a free one.
        extra: More lines of configuration.

    Attributes:
        host_key: Public host key, as a line of `known_hosts` has it after the name.
        user_key: Path of a private key that may log in.
        known_hosts: Path of a file with the host key.
    """

    kind = "sshd"

    def __init__(
        self, *, root: pathlib.Path, host: str = "127.0.0.1", port: int = 0, extra: t.Sequence[str] = ()
    ) -> None:
        super().__init__(root=root, host=host, port=port)
        self.extra = tuple(extra)
        self.user_key = self.private / "user_key"
        self.known_hosts = self.root / "known_hosts"
        self.host_key = ""

    def _command(self) -> list[str]:
        for name in ("host_key", "user_key"):
            _write_ssh_key(self.private / name)
        self.host_key = " ".join((self.private / "host_key.pub").read_text().split()[:2])
        shown = f"[{self.host}]:{self.port}" if self.port != 22 else self.host
        self.known_hosts.write_text(f"{shown} {self.host_key}\n")
        allowed = self.private / "authorized_keys"
        shutil.copy(self.private / "user_key.pub", allowed)
        lines = [
            f"ListenAddress {f'[{self.host}]' if ':' in self.host else self.host}:{self.port}",
            f"HostKey {self.private}/host_key",
            f"AuthorizedKeysFile {_MOUNT}/keys" if self.privileged else f"AuthorizedKeysFile {allowed}",
            f"PidFile {self.private}/pid",
            "Subsystem sftp internal-sftp",
            f"PasswordAuthentication {'yes' if self.privileged else 'no'}",
            "KbdInteractiveAuthentication no",
            "UsePAM no",
            "StrictModes no",
            "MaxStartups 200",
            *self.extra,
        ]
        path = self.private / "sshd_config"
        path.write_text("".join(f"{line}\n" for line in lines))
        command = [str(self.tree / _tool.PROGRAMS["sshd"]), "-D", "-e", "-f", str(path)]
        if not self.privileged:
            return command
        # The keys must lie where the user may read them.
        script = f'cp "$1" {_MOUNT}/keys && chmod 644 {_MOUNT}/keys && shift && exec "$@"'
        return ["sh", "-c", script, "sshd", str(allowed), *command]


def _write_ssh_key(path: pathlib.Path) -> None:
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric import ed25519

    key = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.OpenSSH, ser.NoEncryption()))
    path.chmod(0o600)
    public = key.public_key().public_bytes(ser.Encoding.OpenSSH, ser.PublicFormat.OpenSSH)
    path.with_suffix(".pub").write_bytes(public + b" test\n")


def _is_elliptic(key: pathlib.Path) -> bool:
    shown = subprocess.run(
        ["openssl", "pkey", "-in", str(key), "-noout", "-text"], capture_output=True, text=True, check=True
    )
    return "ASN1 OID" in shown.stdout


def _yes(value: bool) -> str:
    return "YES" if value else "NO"


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host, 0))
        return int(one.getsockname()[1])


@dc.dataclass(frozen=True, kw_only=True)
class Configuration:
    """One of the twelve that an uploader must work with.

    Attributes:
        kind: Server program.
        key: `rsa` or `ecdsa`.
        options: For :class:`RealFtpServer`.
    """

    kind: str
    key: str
    options: t.Mapping[str, t.Any]

    def __str__(self) -> str:
        return "-".join((self.kind, self.key, *(f"{name}_{value}".lower() for name, value in self.options.items())))


TWELVE: t.Final = tuple(
    Configuration(kind=kind, key=key, options={option: value})
    for kind, option in (("vsftpd", "session_reuse"), ("proftpd", "session_reuse"), ("pure-ftpd", "data_tls_required"))
    for key in ("rsa", "ecdsa")
    for value in (True, False)
)
