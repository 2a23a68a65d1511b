# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A listener that is closed while it opens, a device that loses its power while it starts."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from ansible_collections.camsec.fleet.extensions.simulator._listener import Listener
from ansible_collections.camsec.fleet.extensions.simulator.testing import RunningSimulator, own_base_address

ADDRESS = own_base_address(5)[:-1] + "1"
PORT = 8080


async def _handle(_request: web.BaseRequest) -> web.Response:
    return web.Response(text="here")


def _listener() -> Listener:
    return Listener(address=ADDRESS, port=PORT, handler=_handle, tls=None)


async def _ask() -> bytes:
    reader, writer = await asyncio.open_connection(ADDRESS, PORT)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


@pytest.mark.asyncio
async def test_a_listener_that_is_closed_while_it_opens_leaves_nothing_behind() -> None:
    first = _listener()
    opening = asyncio.create_task(first.open())
    await asyncio.sleep(0)
    await first.close()
    await opening
    assert not first.is_open
    # The system gives the next socket the number of the one that was closed; the event loop has to hear it.
    second = _listener()
    await second.open()
    try:
        assert (await _ask()).endswith(b"here")
    finally:
        await second.close()


@pytest.mark.asyncio
async def test_a_listener_that_was_closed_does_not_open() -> None:
    listener = _listener()
    listener.bind()
    listener.release()
    await listener.open()
    assert not listener.is_open
    with pytest.raises(ConnectionRefusedError):
        await _ask()


def test_a_device_that_loses_its_power_while_it_starts_is_off_and_starts_again() -> None:
    with RunningSimulator(recorders=1, cameras=1, base_address=own_base_address(6)) as sim:
        recorder = next(device for device in sim.simulator.devices.values() if device.kind == "recorder")

        async def cut_while_starting() -> None:
            await recorder.power_off()
            await asyncio.gather(recorder.power_on(), recorder.power_on(), recorder.power_off())

        sim.run(cut_while_starting())
        assert recorder.power == "off"
        assert not any(listener.is_open for listener in recorder.listeners())
        sim.run(recorder.power_on())
        assert recorder.power == "on"
        assert all(listener.is_open for listener in recorder.listeners())
