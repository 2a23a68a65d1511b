# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an evidence upload and a preflight cost, beside other people's programs on the same servers, in one run.

Uploads: `camsec-upload send` (every file proven, receipts and manifest), curl, lftp's mirror with four at a time and
ftplib, to vsftpd as Debian ships it (session reuse demanded) and to `camsec-ftpes-server`. The preflight: ours and
sslyze on the same server. A contender that leaves anything out is shown as "did not complete"; nothing is asserted of
times.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses as dc
import hashlib
import importlib.util
import json
import os
import pathlib
import platform
import secrets
import shutil
import subprocess
import sys
import tempfile
import typing as t

from ansible_collections.camsec.fleet.extensions.endpoint.testing import RunningEndpoint
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority
from measure import Cost, cost_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(sys.executable).parent
MIB = 1024 * 1024


def _load_servers() -> t.Any:
    spec = importlib.util.spec_from_file_location("real_ftp", ROOT / "tests" / "support" / "real_ftp.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["real_ftp"] = module
    spec.loader.exec_module(module)
    return module


real_ftp = _load_servers()


@dc.dataclass(frozen=True, kw_only=True)
class Load:
    """What is uploaded.

    Attributes:
        key: Its name in the JSON file.
        title: Its name in the tables.
        files: How many.
        size: Bytes of each.
    """

    key: str
    title: str
    files: int
    size: int

    @property
    def megabytes(self) -> float:
        """All of it, in MB (10^6 bytes)."""
        return self.files * self.size / 1e6


@dc.dataclass(frozen=True, kw_only=True)
class Target:
    """A server that runs.

    Attributes:
        key: Its name.
        title: Its name in the tables.
        host: Loopback address.
        port: TCP port.
        user: Account.
        password: Its password.
        home: Where uploads land on this disk.
    """

    key: str
    title: str
    host: str
    port: int
    user: str
    password: str
    home: pathlib.Path


@dc.dataclass(frozen=True, kw_only=True)
class Errand:
    """What a client is told to do.

    Attributes:
        target: The server.
        folder: The files to send.
        where: The folder on the server that they go to.
        own: A folder for the client's own files.
        ca: PEM file of the CA to trust.
        signer: Folder with the key and the certificate that sign our receipts.
    """

    target: Target
    folder: pathlib.Path
    where: str
    own: pathlib.Path
    ca: pathlib.Path
    signer: pathlib.Path


Make = t.Callable[[Errand], tuple[t.Sequence[str], t.Mapping[str, str]]]


@dc.dataclass(frozen=True, kw_only=True)
class Run:
    """One contender's run of one load.

    Attributes:
        contender: Its name.
        cost: What it cost.
        others_cpu_seconds: CPU time of everything else meanwhile, the server's above all.
        complaint: Why it does not count; empty when every byte arrived.
    """

    contender: str
    cost: Cost
    others_cpu_seconds: float
    complaint: str


class Bench:
    """The measurement of uploads.

    Args:
        options: The program's.
        scratch: Where files and servers' homes go.
    """

    def __init__(self, options: argparse.Namespace, scratch: pathlib.Path) -> None:
        self._options = options
        self._scratch = scratch
        self.ca = scratch / "ca.pem"
        self._number = 0
        self.certificates = self._make_certificates()
        self._signer = self._make_signer()

    def _make_signer(self) -> pathlib.Path:
        """An authority of the collection and a signer of receipts; not measured."""
        passphrase, folder = self._scratch / "passphrase", self._scratch / "signer"
        passphrase.write_text(secrets.token_urlsafe(18))
        passphrase.chmod(0o600)
        authority = self._scratch / "authority"
        CertificateAuthority.create(
            authority, passphrase=Secret(passphrase.read_text()), common_name="Bench", key_type="ecdsa"
        )
        _quiet(
            *(str(BIN / "camsec-upload"), "signer", "--state-directory", str(folder), "--name", "bench.example"),
            *("--authority-directory", str(authority), "--passphrase-file", str(passphrase)),
        )
        return folder

    def _make_certificates(self) -> tuple[pathlib.Path, pathlib.Path]:
        """A CA and a server certificate by openssl; not measured."""
        key, certificate = self._scratch / "server.key", self._scratch / "server.pem"
        _quiet(
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-sha256", "-days", "30"),
            *("-subj", "/CN=Benchmark CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", str(self._scratch / "ca.key"), "-out", str(self.ca)),
        )
        _quiet(
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-sha256", "-days", "30"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
            *("-addext", "basicConstraints=critical,CA:FALSE", "-CA", str(self.ca)),
            *("-CAkey", str(self._scratch / "ca.key"), "-keyout", str(key), "-out", str(certificate)),
        )
        return certificate, key

    def prepare(self, load: Load) -> pathlib.Path:
        """The files of a load: random, so that nothing can compress them."""
        folder = self._scratch / load.key
        folder.mkdir()
        for number in range(load.files):
            with (folder / f"clip{number:04}.mxf").open("wb") as file:
                for start in range(0, load.size, 8 * MIB):
                    file.write(os.urandom(min(8 * MIB, load.size - start)))
        return folder

    def measure(self, target: Target, load: Load, folder: pathlib.Path) -> list[Run]:
        """Run every contender on one load; the server's folder is emptied in between."""
        return [
            self._run(name, make, target, load, folder) for name, make in CONTENDERS.items() if name in self._wanted()
        ]

    def _wanted(self) -> set[str]:
        return set(self._options.contenders or CONTENDERS)

    def _run(self, name: str, make: Make, target: Target, load: Load, folder: pathlib.Path) -> Run:
        self._number += 1
        where = f"run{self._number:03}"
        landing = target.home / where
        landing.mkdir()
        owner = target.home.stat()
        os.chown(landing, owner.st_uid, owner.st_gid)
        own = self._scratch / f"client{self._number:03}"
        own.mkdir(mode=0o700)
        errand = Errand(target=target, folder=folder, where=where, own=own, ca=self.ca, signer=self._signer)
        command, environment = make(errand)
        environment = {**os.environ, "LC_ALL": "C.UTF-8", **environment}
        before = _busy_seconds()
        cost = cost_of(command, environment=environment, where=own, log=own / "log")
        others = _busy_seconds() - before - cost.cpu_seconds
        complaint = _complaint(cost, folder, landing)
        shutil.rmtree(landing)
        run = Run(contender=name, cost=cost, others_cpu_seconds=max(0.0, others), complaint=complaint)
        print(f"  {target.title}, {load.title}, {name}: {cost.seconds:.2f} s {complaint}", file=sys.stderr, flush=True)
        return run


Make = t.Callable[[Target, pathlib.Path, str, pathlib.Path, pathlib.Path], tuple[t.Sequence[str], t.Mapping[str, str]]]


def _ours(errand: Errand) -> tuple[t.Sequence[str], t.Mapping[str, str]]:
    target, secret = errand.target, errand.own / "password"
    secret.write_text(target.password)
    secret.chmod(0o600)
    return [
        *(str(BIN / "camsec-upload"), "send", str(errand.folder), "--host", target.host, "--port", str(target.port)),
        *("--user", target.user, "--password-file", str(secret), "--ca-file", str(errand.ca)),
        *("--remote-directory", errand.where, "--state-directory", str(errand.own / "state")),
        *("--sessions", "4", "--minimum-proof", "size", "--read-back", "never", "--output", "plain"),
        *("--signer-key", str(errand.signer / "signer.key"), "--signer-certificate", str(errand.signer / "signer.pem")),
    ], {}


def _curl(*extra: str) -> Make:
    def make(errand: Errand) -> tuple[t.Sequence[str], t.Mapping[str, str]]:
        target = errand.target
        lines = [f'user = "{target.user}:{target.password}"', "ssl-reqd", f'cacert = "{errand.ca}"', *extra]
        lines += ["silent", "show-error", "fail-early"]
        for path in sorted(errand.folder.iterdir()):
            lines.append(f'upload-file = "{path}"')
            lines.append(f'url = "ftp://{target.host}:{target.port}/{errand.where}/{path.name}"')
        (errand.own / "curlrc").write_text("\n".join(lines))
        return ["curl", "--disable", "--config", str(errand.own / "curlrc")], {}

    return make


def _lftp(errand: Errand) -> tuple[t.Sequence[str], t.Mapping[str, str]]:
    target, script = errand.target, errand.own / "script"
    script.write_text(
        "set cmd:fail-exit yes\nset ftp:ssl-force yes\nset ftp:ssl-protect-data yes\n"
        f"set ssl:ca-file {errand.ca}\nset net:max-retries 2\nset net:timeout 60\n"
        f"open -u {target.user},{target.password} ftp://{target.host}:{target.port}\n"
        f"mirror -R -P 4 --no-perms {errand.folder} {errand.where}\n"
    )
    program, environment = real_ftp.program("lftp")
    return [program, "-f", str(script)], {**environment, "HOME": str(errand.own)}


def _ftplib(*extra: str) -> Make:
    def make(errand: Errand) -> tuple[t.Sequence[str], t.Mapping[str, str]]:
        target = errand.target
        command = [sys.executable, str(HERE / "ftplib_upload.py"), target.host, str(target.port), str(errand.ca)]
        account = {"BENCH_USER": target.user, "BENCH_PASSWORD": target.password}
        return [*command, str(errand.folder), errand.where, *extra], account

    return make


OURS = "camsec-upload"
CONTENDERS: t.Final[t.Mapping[str, Make]] = {
    OURS: _ours,
    "curl": _curl(),
    "curl --parallel": _curl("parallel", "parallel-max = 4"),
    "curl, TLS 1.2": _curl('tls-max = "1.2"'),
    "lftp mirror -P 4": _lftp,
    "ftplib": _ftplib(),
    "ftplib that resumes": _ftplib("--reuse"),
}


def _complaint(cost: Cost, folder: pathlib.Path, landing: pathlib.Path) -> str:
    """What is missing on the server's disk; empty when every byte of every file is there."""
    landed = {path.name: path for path in landing.rglob("*") if path.is_file()}
    for path in folder.iterdir():
        arrived = landed.get(path.name)
        if arrived is None or arrived.stat().st_size != path.stat().st_size or _sum(arrived) != _sum(path):
            last = cost.output.strip().splitlines()[-1:] or [""]
            return f"did not complete (exit {cost.status}: {last[0][:160]})"
    return "" if cost.status == 0 else f"all arrived, but exit {cost.status}"


def _sum(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _busy_seconds() -> float:
    """CPU time that this machine has used in all."""
    with pathlib.Path("/proc/stat").open() as file:
        ticks = [int(word) for word in file.readline().split()[1:]]
    idle = ticks[3] + ticks[4]
    return float(sum(ticks[:8]) - idle) / os.sysconf("SC_CLK_TCK")


def _quiet(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def table(target: Target, load: Load, runs: t.Sequence[Run]) -> str:
    """One load on one server, in Markdown."""
    done = [run for run in runs if not run.complaint]
    peers = [run.cost.seconds for run in done if run.contender != OURS]
    rows = [
        f"\n{load.title} to {target.title}\n",
        "| client | s | MB/s | client CPU s | CPU s of all else | peak MiB | ratio to the fastest peer |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for run in runs:
        if run.complaint:
            rows.append(f"| {run.contender} | {run.complaint} | | | | | |")
            continue
        cost = run.cost
        ratio = f"{cost.seconds / min(peers):.2f}" if peers else "no peer"
        rows.append(
            f"| {run.contender} | {cost.seconds:.2f} | {load.megabytes / cost.seconds:.0f} | {cost.cpu_seconds:.2f} |"
            f" {run.others_cpu_seconds:.2f} | {cost.peak_mib:.0f} | {ratio} |"
        )
    return "\n".join(rows)


def shown(target: Target, load: Load, runs: t.Sequence[Run]) -> list[dict[str, t.Any]]:
    """The same for the JSON file."""
    return [
        {
            "server": target.key,
            "load": load.key,
            "client": run.contender,
            "seconds": run.cost.seconds,
            "client_cpu_seconds": run.cost.cpu_seconds,
            "others_cpu_seconds": run.others_cpu_seconds,
            "peak_mib": run.cost.peak_mib,
            "complaint": run.complaint,
        }
        for run in runs
    ]


def sslyze() -> pathlib.Path | None:
    """Sslyze in an environment of its own, since it holds cryptography back; nothing where it cannot be installed."""
    home = ROOT / ".build" / "sslyze"
    program = home / "bin" / "sslyze"
    if not program.exists():
        try:
            _quiet(sys.executable, "-m", "venv", str(home))
            _quiet(str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "sslyze")
        except subprocess.CalledProcessError as error:
            print(f"SKIPPED: sslyze: {error.stderr.strip()[-300:]}", file=sys.stderr)
            return None
    return program


def preflight(bench: Bench, scratch: pathlib.Path, runs: int) -> tuple[list[dict[str, t.Any]], str]:
    """The preflight beside sslyze: the same server, TLS 1.2 and 1.3, whole programs; the least of some runs each.

    Ours looks at the control channel alone here, as sslyze does, but at SSL 3.0 to TLS 1.1 and three cameras as well.
    """
    rows: list[dict[str, t.Any]] = []
    text = [
        "\nPreflight of vsftpd\n",
        "| program | s, least | s, most | suites | the same set |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    with vsftpd(bench, scratch) as target:
        where = f"{target.host}:{target.port}"
        commands = {"camsec-upload preflight": [str(BIN / "camsec-upload"), "preflight", where, "--format", "json"]}
        other = sslyze()
        if other is not None:
            commands["sslyze"] = [str(other), "--starttls", "ftp", "--tlsv1_2", "--tlsv1_3", "--json_out", "-", where]
        seen: dict[str, set[str]] = {}
        for name, command in commands.items():
            costs = []
            for number in range(runs):
                log = scratch / f"preflight{number}"
                costs.append(cost_of(command, environment=os.environ, where=scratch, log=log))
                seen[name] = _suites_in(name, costs[-1].output)
            seconds = sorted(cost.seconds for cost in costs)
            same = "yes" if seen[name] == seen["camsec-upload preflight"] else "NO"
            text.append(f"| {name} | {seconds[0]:.2f} | {seconds[-1]:.2f} | {len(seen[name])} | {same} |")
            rows.append({"program": name, "seconds": seconds, "suites": sorted(seen[name]), "same": same})
    if len(rows) > 1:
        text.append(f"\nsslyze takes {rows[1]['seconds'][0] / rows[0]['seconds'][0]:.1f} times as long.")
    return rows, "\n".join(text)


def _suites_in(program: str, output: str) -> set[str]:
    """IANA names of the suites that a program found on the control channel."""
    told = json.loads(output[output.index("{") :])
    if program == "sslyze":
        found = told["server_scan_results"][0]["scan_result"]
        each = [found[f"tls_1_{minor}_cipher_suites"]["result"]["accepted_cipher_suites"] for minor in (2, 3)]
        return {entry["cipher_suite"]["name"] for entries in each for entry in entries}
    control = told["control"]
    return {entry["name"] for key in ("suites", "tls13_suites") for entry in control[key]} | set(
        control["other_suites"]
    )


LOADS: t.Final = (
    Load(key="large", title="1 x 2 GiB", files=1, size=2048 * MIB),
    Load(key="medium", title="100 x 10 MiB", files=100, size=10 * MIB),
    Load(key="small", title="2,000 x 64 KiB", files=2000, size=64 * 1024),
)
QUICK: t.Final = (
    Load(key="large", title="1 x 256 MiB", files=1, size=256 * MIB),
    Load(key="medium", title="20 x 10 MiB", files=20, size=10 * MIB),
    Load(key="small", title="200 x 64 KiB", files=200, size=64 * 1024),
)


@contextlib.contextmanager
def vsftpd(bench: Bench, scratch: pathlib.Path) -> t.Iterator[Target]:
    """Vsftpd with Debian's defaults for TLS: session reuse demanded."""
    certificate, key = bench.certificates
    with real_ftp.RealFtpServer(kind="vsftpd", certificate=certificate, key=key, root=scratch) as server:
        yield Target(
            key="vsftpd",
            title="vsftpd",
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password,
            home=server.home,
        )


@contextlib.contextmanager
def endpoint(bench: Bench, scratch: pathlib.Path) -> t.Iterator[Target]:
    """Our endpoint with its own defaults, but for the connections that one address may make."""
    with RunningEndpoint(scratch, certificates=[bench.certificates], durable=True) as server:
        server.home.mkdir(mode=0o700, exist_ok=True)
        yield Target(
            key="endpoint",
            title="camsec-ftpes-server",
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password,
            home=server.home,
        )


SERVERS: t.Final = {"vsftpd": vsftpd, "endpoint": endpoint}


def main() -> int:
    """Measure, print the tables and write the JSON file; 1 when we did not complete."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small loads, to see whether all of it works")
    parser.add_argument("--load", action="append", choices=[load.key for load in LOADS], help="only these loads")
    parser.add_argument("--server", action="append", choices=list(SERVERS), help="only these servers")
    parser.add_argument("--contenders", nargs="*", choices=list(CONTENDERS), help="only these clients")
    parser.add_argument("--scratch", type=pathlib.Path, help="where to work (default: /dev/shm, else the usual place)")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / ".build" / "bench" / "ftpes.json")
    options = parser.parse_args()
    memory = pathlib.Path("/dev/shm")  # so that no disk is measured
    with tempfile.TemporaryDirectory(dir=options.scratch or (memory if memory.is_dir() else None)) as folder:
        scratch = pathlib.Path(folder)
        bench = Bench(options, scratch)
        rows, text = measure(options, bench, scratch)
        looks, comparison = preflight(bench, scratch, runs=1 if options.quick else 5)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    options.json.write_text(json.dumps({"machine": machine, "runs": rows, "preflight": looks}, indent=2))
    print(text, comparison, sep="\n")
    return 1 if any(row["client"] == OURS and row["complaint"] for row in rows) else 0


def measure(options: argparse.Namespace, bench: Bench, scratch: pathlib.Path) -> tuple[list[dict[str, t.Any]], str]:
    """Every load on every server."""
    loads = [load for load in (QUICK if options.quick else LOADS) if not options.load or load.key in options.load]
    folders = {load.key: bench.prepare(load) for load in loads}
    rows: list[dict[str, t.Any]] = []
    tables = []
    for name, server in SERVERS.items():
        if options.server and name not in options.server:
            continue
        with server(bench, scratch) as target:
            for load in loads:
                runs = bench.measure(target, load, folders[load.key])
                rows += shown(target, load, runs)
                tables.append(table(target, load, runs))
    return rows, "\n".join(tables)


if __name__ == "__main__":
    sys.exit(main())
