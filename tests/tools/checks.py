# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every check of the tree and count them; `make test` calls it.

The checks are data (:data:`CHECKS`). At most two run at a time, those that name the same `uses` one after another.
A check passes when its commands end with status 0; status 77 means that it could not run here, which is said loudly.
The last line counts every pytest test and, besides, one for each other check.
"""

from __future__ import annotations

import argparse
import concurrent.futures as cf
import dataclasses as dc
import os
import pathlib
import signal
import subprocess
import sys
import time
import typing as t
import xml.etree.ElementTree as ET

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
LOGS = BUILD / "logs"
STAGED = BUILD / "stage" / "ansible_collections" / "camsec" / "fleet"
SKIPPED = 77
TAIL = 40


@dc.dataclass(frozen=True, kw_only=True)
class Check:
    """One check.

    Attributes:
        name: As `--only` takes it.
        commands: Run one after the other; `{bin}`, `{build}`, `{root}` are filled in. The first failure ends it.
        where: Working directory, below the checkout.
        environment: Variables besides the common ones.
        group: `lint` for what takes seconds, else `full`.
        uses: Names of what two checks must not use at the same time.
        after: Names of checks that make what this one needs.
        junit: Whether pytest is among the commands and writes a report under the check's name.
        seconds: More than this and it is ended.
    """

    name: str
    commands: tuple[str, ...]
    where: str = "."
    environment: t.Mapping[str, str] = dc.field(default_factory=dict)
    group: str = "full"
    uses: frozenset[str] = frozenset()
    after: tuple[str, ...] = ()
    junit: bool = False
    seconds: int = 900


DEV = {"PYTHONPATH": "{root}/.dev", "MYPYPATH": "{root}/.dev"}
FLEET = "ansible_collections.camsec.fleet"
OTHER = "{root}/.venv-other/bin/python"
TYPED = ("plugins", "extensions.simulator", "extensions.uploader", "extensions.endpoint")
# Folders of tests/integration by the check that runs them; what is in neither is of the check `integration`.
CAMERAS = ("axis", "camera", "dialects", "inventories", "onvif", "sunell")
EVIDENCE = ("ftpes", "preflight", "evidence", "endpoint", "storage")
VMS = ("vms",)
LOOPBACK = frozenset({"loopback"})
CHECKS = (
    Check(
        name="sanity",
        commands=(
            "{bin}/python tests/tools/stage.py {build}/sanity/ansible_collections/camsec/fleet",
            "{bin}/python tests/tools/sanity.py",
        ),
    ),
    Check(
        name="unit",
        commands=("{bin}/python -m pytest tests/unit --junitxml={build}/logs/unit.xml",),
        environment=DEV,
        junit=True,
    ),
    Check(
        name="integration",
        commands=(
            "{bin}/python -m pytest tests/integration"
            + "".join(f" --ignore=tests/integration/{name}" for name in (*CAMERAS, *EVIDENCE, *VMS))
            + " --junitxml={build}/logs/integration.xml",
        ),
        environment=DEV,
        uses=LOOPBACK,
        junit=True,
        seconds=1500,
    ),
    *(
        Check(
            name=name,
            commands=(
                "{bin}/python -m pytest "
                + " ".join(f"tests/integration/{folder}" for folder in folders)
                + f" --junitxml={{build}}/logs/{name}.xml",
            ),
            environment=DEV,
            junit=True,
            seconds=1500,
        )
        for name, folders in (
            ("integration-cameras", CAMERAS),
            ("integration-evidence", EVIDENCE),
            ("integration-vms", VMS),
        )
    ),
    Check(name="ruff", commands=("{bin}/ruff check .",), group="lint"),
    Check(name="ruff-format", commands=("{bin}/ruff format --check .",), group="lint"),
    Check(
        name="mypy",
        commands=("{bin}/mypy " + " ".join(f"-p {FLEET}.{part}" for part in TYPED),),
        environment=DEV,
        group="lint",
    ),
    Check(
        name="ansible-lint",
        commands=("{bin}/ansible-lint --offline --nocolor --profile production --strict",),
        where=".build/stage/ansible_collections/camsec/fleet",
        group="lint",
    ),
    Check(
        name="collection-docs",
        commands=(
            "{bin}/antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=self --skip-rstcheck .",
        ),
        where=".build/stage/ansible_collections/camsec/fleet",
        group="lint",
    ),
    Check(
        name="changelog",
        commands=("{bin}/antsibull-changelog lint",),
        where=".build/stage/ansible_collections/camsec/fleet",
        group="lint",
    ),
    Check(name="licences", commands=("{bin}/reuse lint --quiet || {bin}/reuse lint",), where=".", group="lint"),
    Check(name="plugin-docs", commands=("{bin}/python tests/tools/plugin_docs.py",), group="lint"),
    Check(name="tarball", commands=("{bin}/python tests/tools/tarball.py",)),
    Check(name="demo", commands=(f"{{bin}}/python -m {FLEET}.extensions.demo",), uses=LOOPBACK),
    Check(name="other-core", commands=("{bin}/python tests/tools/other_core.py",)),
    Check(
        name="other-core-docs",
        commands=(
            f"ANSIBLE_COLLECTIONS_PATH=/nonexistent {OTHER} tests/tools/plugin_docs.py",
            f"ANSIBLE_COLLECTIONS_PATH={{build}}/other/collections {OTHER} tests/tools/plugin_docs.py",
        ),
        after=("other-core",),
    ),
    Check(
        name="other-core-unit",
        commands=(f"{OTHER} -m pytest tests/unit --junitxml={{build}}/logs/other-core-unit.xml",),
        environment={"CAMSEC_TEST_INSTALLED": "1"},
        after=("other-core",),
        junit=True,
    ),
    Check(
        name="other-core-demo",
        commands=(f"{OTHER} -m {FLEET}.extensions.demo",),
        after=("other-core",),
        uses=LOOPBACK,
    ),
)


@dc.dataclass(kw_only=True)
class Result:
    """How a check went; the counts hold pytest's tests, or the check itself."""

    check: Check
    status: str
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list[str] = dc.field(default_factory=list)

    @property
    def log(self) -> pathlib.Path:
        """What the check said."""
        return LOGS / f"{self.check.name}.log"


def common_environment() -> dict[str, str]:
    """The environment of every check: this Python's real bin directories first, Ansible's files below .build."""
    names = [sys.executable, os.path.realpath(sys.executable)]
    path = [str(pathlib.Path(name).parent) for name in names]
    path += [p for p in os.environ.get("PATH", "").split(os.pathsep) if not p.endswith(("/shims", "/.pyenv/bin"))]
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTEST_", "PYTHONPATH"))
    }
    return kept | {
        "PATH": os.pathsep.join(path),
        "VIRTUAL_ENV": str(pathlib.Path(sys.executable).parent.parent),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
        "ANSIBLE_HOME": str(BUILD / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "stage"),
        "ANSIBLE_NOCOLOR": "1",
        "GIT_CEILING_DIRECTORIES": str(BUILD),
    }


def fill(text: str) -> str:
    """Fill in the places of a command or a variable."""
    return text.format(bin=pathlib.Path(sys.executable).parent, build=BUILD, root=ROOT)


def execute(check: Check, log: t.TextIO) -> int:
    """Run the commands of a check; returns the status of the last one that ran."""
    environment = common_environment() | {key: fill(value) for key, value in check.environment.items()}
    end = time.monotonic() + check.seconds
    for command in map(fill, check.commands):
        print(f"$ {command}", file=log, flush=True)
        with subprocess.Popen(
            command, shell=True, cwd=ROOT / check.where, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                status = process.wait(max(1.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                print(f"ended after {check.seconds} s", file=log, flush=True)
                return 124
        if status:
            return status
    return 0


def count_tests(result: Result, status: int) -> None:
    """Take the counts out of pytest's report."""
    report = LOGS / f"{result.check.name}.xml"
    suites = list(ET.parse(report).getroot().iter("testsuite")) if report.exists() else []
    total, failed, skipped = (
        sum(int(suite.get(key, 0)) for suite in suites for key in keys)
        for keys in (("tests",), ("failures", "errors"), ("skipped",))
    )
    # A broken fixture at a test's end makes an error besides the test itself; nothing may then be counted below zero.
    result.passed, result.failed, result.skipped = max(0, total - failed - skipped), failed, skipped
    for case in (case for suite in suites for case in suite.iter("testcase")):
        for reason in case.iter("skipped"):
            result.notes.append(f"SKIPPED: {case.get('classname')}.{case.get('name')}: {reason.get('message')}")
    if not total or (status and not failed):
        result.failed += 1


def run(check: Check) -> Result:
    """Run one check."""
    start = time.monotonic()
    (LOGS / f"{check.name}.xml").unlink(missing_ok=True)
    with (LOGS / f"{check.name}.log").open("w") as log:
        status = execute(check, log)
    word = {0: "ok", SKIPPED: "SKIPPED"}.get(status, "FAILED")
    result = Result(check=check, status=word, seconds=time.monotonic() - start)
    if check.junit:
        count_tests(result, status)
        result.status = "FAILED" if result.failed else word
    else:
        result.passed, result.failed, result.skipped = (int(word == w) for w in ("ok", "FAILED", "SKIPPED"))
    said = result.log.read_text(errors="replace").splitlines()
    result.notes += [line for line in said if line.startswith(("NOTE:", "SKIPPED:"))]
    return result


def line(result: Result) -> str:
    """One line about a check."""
    tests = f"  {result.passed} passed, {result.failed} failed" if result.check.junit else ""
    tests += f", {result.skipped} skipped" if tests and result.skipped else ""
    return f"{result.status:8}{result.seconds:7.1f} s  {result.check.name}{tests}"


class Schedule:
    """Runs checks, a few at a time, and shows each as it ends."""

    def __init__(self, checks: t.Sequence[Check], jobs: int) -> None:
        self._waiting = list(checks)
        self._jobs = jobs
        self._running: dict[cf.Future[Result], Check] = {}
        self._results: dict[str, Result] = {}
        self._names = {check.name for check in checks}

    def run(self) -> list[Result]:
        """Run them all; the results come in the order of the checks."""
        order = [check.name for check in self._waiting]
        with cf.ThreadPoolExecutor(self._jobs) as pool:
            while self._waiting or self._running:
                self._start(pool)
                done = cf.wait(self._running, return_when=cf.FIRST_COMPLETED).done
                for future in done:
                    del self._running[future]
                    self._finish(future.result())
        return [self._results[name] for name in order]

    def _start(self, pool: cf.ThreadPoolExecutor) -> None:
        for check in list(self._waiting):
            needed = [name for name in check.after if name in self._names]
            ended = [self._results[name] for name in needed if name in self._results]
            if any(result.status != "ok" for result in ended):
                self._waiting.remove(check)
                self._give_up(check, next(result for result in ended if result.status != "ok"))
                continue
            busy = {use for other in self._running.values() for use in other.uses}
            if len(self._running) < self._jobs and len(ended) == len(needed) and not busy & check.uses:
                self._waiting.remove(check)
                self._running[pool.submit(run, check)] = check

    def _give_up(self, check: Check, cause: Result) -> None:
        skipped = cause.status == "SKIPPED"
        result = Result(check=check, status=cause.status, seconds=0, failed=int(not skipped), skipped=int(skipped))
        result.notes.append(f"{cause.status}: {check.name} needs {cause.check.name}")
        result.log.write_text(result.notes[0] + "\n")
        self._finish(result)

    def _finish(self, result: Result) -> None:
        self._results[result.check.name] = result
        print(line(result), flush=True)
        if result.status == "FAILED":
            said = result.log.read_text(errors="replace").splitlines()
            print(*(f"    | {text}" for text in said[-TAIL:]), sep="\n", flush=True)
            print(f"    the whole of it: {result.log.relative_to(ROOT)}", flush=True)


def summary(results: t.Sequence[Result], seconds: float) -> str:
    """Every check once more, what was left out, and the closing line."""
    count = {word: sum(getattr(result, word) for result in results) for word in ("passed", "failed", "skipped")}
    lines = ["", f"Summary, {seconds:.0f} s on {os.cpu_count()} cores:", *map(line, results)]
    lines += sorted({f"{result.check.name}: {note}" for result in results for note in result.notes})
    closing = f"{count['passed']} passed, {count['failed']} failed"
    return "\n".join([*lines, closing + (f", {count['skipped']} skipped" if count["skipped"] else "")])


def main() -> int:
    """Run the checks that are asked for; 1 when anything failed."""
    parser = argparse.ArgumentParser(description="Run the checks of this tree.")
    parser.add_argument("--only", action="append", metavar="NAME", choices=[check.name for check in CHECKS])
    parser.add_argument("--group", choices=["lint"])
    parser.add_argument("--jobs", type=int, default=2, choices=range(1, 9), metavar="N")
    parser.add_argument("--list", action="store_true", help="print the names")
    options = parser.parse_args()
    checks = [check for check in CHECKS if not options.only or check.name in options.only]
    checks = [check for check in checks if not options.group or check.group == options.group]
    if options.list:
        print(*(check.name for check in checks), sep="\n")
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, ROOT / "tests" / "tools" / "stage.py", STAGED], check=True)
    start = time.monotonic()
    results = Schedule(checks, options.jobs).run()
    print(summary(results, time.monotonic() - start), flush=True)
    return 1 if any(result.failed for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
