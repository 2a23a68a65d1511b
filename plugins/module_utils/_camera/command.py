# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the operator's signing command: no shell, a time limit, a size limit, and one sentence when it fails.

By asyncio, since a module's library may not use ``subprocess`` and there is no AnsibleModule where it runs in a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses as dc
import os
import re
import shutil
import signal
import typing as t

from .._core._errors import InputError, PkiError

__all__ = ["SigningCommand"]

_SUBJECT: t.Final = "sign_command"
_LARGEST: t.Final = 1024 * 1024
_LONGEST_TOLD: t.Final = 200
_PATIENCE: t.Final = 5.0
_SECRET_NAME: t.Final = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL|AUTH", re.IGNORECASE)
_SHORTEST_SECRET: t.Final = 6


@dc.dataclass(frozen=True, kw_only=True)
class SigningCommand:
    """The operator's command.

    Attributes:
        arguments: Program and arguments; no shell looks at them.
        timeout: Seconds until it and what it started are killed.
    """

    arguments: tuple[str, ...]
    timeout: float

    def check(self, *, device: str) -> None:
        """Refuse a command that cannot be run, before anything is sent to a device.

        Args:
            device: Inventory name, for the error.

        Raises:
            PkiError: There is no such program, or it may not be run.
        """
        if not self.arguments or shutil.which(self.arguments[0]) is None:
            raise PkiError(
                device=device,
                subject=_SUBJECT,
                found=f"no program {self.arguments[0]!r} that can be run" if self.arguments else "an empty list",
                expected="a program on PATH or the path of one, then its arguments",
                advice="It is run without a shell, on the host that the task runs on.",
            )
        if self.timeout <= 0:
            raise InputError(
                device=device, subject="sign_timeout", found=f"{self.timeout:g}", expected="more than 0 seconds"
            )

    def run(self, stdin: str, variables: t.Mapping[str, str], *, device: str) -> str:
        """Run it and give it something to read.

        Args:
            stdin: What it reads.
            variables: Environment variables besides those that are there.
            device: Inventory name, for the errors.

        Returns:
            What it wrote to its standard output.

        Raises:
            PkiError: It cannot be run, fails, takes too long, or writes more than 1 MiB, or no text.
        """
        self.check(device=device)
        environment = {**os.environ, **variables}
        try:
            status, output, complaint = asyncio.run(_run(self.arguments, stdin.encode(), environment, self.timeout))
        except TimeoutError:
            raise _failed(device, f"no end after {self.timeout:g} s", "a certificate within sign_timeout") from None
        except OSError as error:
            raise _failed(device, (error.strerror or "an error").lower(), "a program that can be run") from error
        if max(len(output), len(complaint)) > _LARGEST:
            raise _failed(device, "more than 1 MiB of output", "a certificate and its intermediate ones in PEM")
        if status != 0:
            told = _told(complaint, environment)
            raise _failed(device, f"exit status {status}{f' ({told})' if told else ''}", "status 0 and a certificate")
        try:
            return output.decode("ascii")
        except UnicodeDecodeError:
            raise _failed(device, "output that is no text", "a certificate and its intermediate ones in PEM") from None


async def _run(
    command: t.Sequence[str], stdin: bytes, environment: t.Mapping[str, str], seconds: float
) -> tuple[int, bytes, bytes]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=pipe, env=dict(environment), start_new_session=True
    )
    try:
        async with asyncio.timeout(seconds):
            return await _talk(process, stdin)
    finally:
        await _end(process)


async def _talk(process: asyncio.subprocess.Process, stdin: bytes) -> tuple[int, bytes, bytes]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("all three are pipes")
    _given, output, complaint = await asyncio.gather(
        _give(process.stdin, stdin), _read(process.stdout, process), _read(process.stderr, process)
    )
    return await process.wait(), output, complaint


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left; a process is only through when its pipes have been read to their end."""
    _kill(process)
    with contextlib.suppress(TimeoutError):  # something that left the session may hold a pipe open for ever
        async with asyncio.timeout(_PATIENCE):
            for stream in (process.stdout, process.stderr):
                while stream is not None and await stream.read(65536):
                    pass
            await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    # Whatever it started is in its session; a command that is through has nothing left there.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _give(stream: asyncio.StreamWriter, content: bytes) -> None:
    # A command that does not read what it is given may be right all the same.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.write(content)
        await stream.drain()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.close()
        await stream.wait_closed()


async def _read(stream: asyncio.StreamReader, process: asyncio.subprocess.Process) -> bytes:
    """All of it; a command that writes too much is killed, and only the beginning kept."""
    found = bytearray()
    while block := await stream.read(65536):
        found += block[: _LARGEST + 1 - len(found)]
        if len(found) > _LARGEST:
            _kill(process)
    return bytes(found)


def _told(complaint: bytes, environment: t.Mapping[str, str]) -> str:
    """Its last line, for one sentence, without the secrets that it may have been given."""
    lines = [line for line in complaint.decode(errors="replace").splitlines() if line.strip()]
    told = "".join(character if character.isprintable() else " " for character in lines[-1]) if lines else ""
    for name, value in environment.items():
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET:
            told = told.replace(value, "***")
    return told.strip()[:_LONGEST_TOLD].rstrip(".")


def _failed(device: str, found: str, expected: str) -> PkiError:
    return PkiError(device=device, subject=_SUBJECT, found=found, expected=expected)
