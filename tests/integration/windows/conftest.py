# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated Windows computer that runs, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import base64
import collections.abc as c
import contextlib
import threading
import typing as t

import paramiko
import pytest
from ansible_collections.camsec.fleet.extensions.simulator._windows_host import WindowsHost

from ...unit.windows.conftest import Authority, make_host

__all__ = ["PASSWORD", "PORT", "Running", "client", "running"]

PASSWORD: t.Final = "Password-1"
PORT: t.Final = 2222


class Running:
    """A computer that is on."""

    def __init__(self, host: WindowsHost) -> None:
        self.host = host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def do(self, work: c.Coroutine[t.Any, t.Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def __enter__(self) -> t.Self:
        self._thread.start()
        self.do(self.host.power_on())
        return self

    def __exit__(self, *_exception: object) -> None:
        self.do(self.host.power_off())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


@contextlib.contextmanager
def client(host: WindowsHost, **changes: t.Any) -> c.Iterator[paramiko.SSHClient]:
    """Paramiko's client, which knows the host key and nothing else."""
    values = {"username": "Administrator", "password": PASSWORD, "allow_agent": False, "look_for_keys": False}
    with paramiko.SSHClient() as made:
        name = f"[{host.address}]:{host.port}"
        kind, text = host.public_key().split()
        made.get_host_keys().add(name, kind, paramiko.PKey.from_type_string(kind, base64.b64decode(text)))
        made.connect(host.address, port=host.port, timeout=30, **{**values, **changes})
        yield made


@pytest.fixture
def running() -> c.Iterator[Running]:
    with Running(make_host(port=PORT)) as made:
        yield made


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority.made("Root of the tests")
