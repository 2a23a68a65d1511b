# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The links of a VMS (VMS-01 to VMS-04, and those to the cameras), each tried by a real connection when asked for."""

from __future__ import annotations

import asyncio
import dataclasses as dc
import functools
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from ._vms_catalog import FETCHING, MOBILE, SERVER, STREAMING
from ._vms_wire import Unreachable, ask_plainly, presented_chain
from ._windows_store import WRONG_NAME, Stores, Verdict

if t.TYPE_CHECKING:
    from ._vms_hardware import Hardware
    from ._vms_server import VmsServer
    from ._vms_system import VmsClient

__all__ = ["LinkState", "Verifier", "hardware_link", "management_link", "server_links", "try_link", "try_links"]

_AT_ONCE: t.Final = 32


class Verifier(t.Protocol):
    """Who connects, and what it trusts."""

    @property
    def name(self) -> str:
        """Its own."""

    @property
    def source(self) -> str:
        """The address that it connects from."""

    @property
    def stores(self) -> Stores:
        """What it trusts."""

    @property
    def on(self) -> bool:
        """Whether it has power."""

    def now(self) -> float: ...


@dc.dataclass(frozen=True, kw_only=True)
class LinkState:
    """A link as the connection just made has shown it."""

    rule: str
    kind: str
    presenter: str
    group: str
    verifier: str
    port: int
    status: t.Literal["plain", "encrypted", "broken"] = "broken"
    reason: str = ""
    broken_by: str = ""
    thumbprint: str | None = None
    subject: str | None = None
    not_after: str | None = None
    push_to_talk: bool | None = None

    def shown(self) -> dict[str, object]:
        """As the control interface shows it."""
        return {name: value for name, value in dc.asdict(self).items() if value is not None}


@dc.dataclass(frozen=True, kw_only=True)
class Meeting:
    """A link before it is tried: who meets whom, where, and by which of the two ways."""

    rule: str
    presenter: VmsServer
    group: str
    verifier: Verifier
    port: int
    encrypted: bool
    kind: str = "server"
    web_client: bool = False

    def state(self, **found: t.Any) -> LinkState:
        talk: dict[str, t.Any] = {"push_to_talk": found.get("status") == "encrypted"} if self.web_client else {}
        return LinkState(
            rule=self.rule,
            kind=self.kind,
            presenter=self.presenter.name,
            group=self.group,
            verifier=self.verifier.name,
            port=self.port,
            **talk,
            **found,
        )


def server_links(
    management: VmsServer, servers: t.Sequence[VmsServer], clients: t.Sequence[VmsClient]
) -> list[Meeting]:
    """Every link between servers and from clients to servers."""
    return [*_management_links(management, servers), *_stream_links(servers, clients)]


def management_link(management: VmsServer, server: VmsServer) -> Meeting:
    """How a server connects to the management server: by TLS when encryption is on at itself (VMS-10)."""
    on = server.encrypted(SERVER)
    return Meeting(
        rule="VMS-01" if server.spec.is_recording else "VMS-02",
        presenter=management,
        group=SERVER,
        verifier=server,
        port=management.spec.https_port if on else management.spec.http_port,
        encrypted=on,
    )


def _management_links(management: VmsServer, servers: t.Sequence[VmsServer]) -> t.Iterator[Meeting]:
    """Both ways."""
    for server in servers:
        if server is management:
            continue
        recording = server.spec.is_recording
        yield management_link(management, server)
        ports = [("VMS-02", server.spec.data_collector_port)]
        ports += [("VMS-01", server.spec.webapi_port)] if recording and not server.stands_by else []
        for rule, port in ports:
            yield Meeting(
                rule=rule,
                presenter=server,
                group=SERVER,
                verifier=management,
                port=port,
                encrypted=management.encrypted(SERVER),
            )


def _stream_links(servers: t.Sequence[VmsServer], clients: t.Sequence[VmsClient]) -> t.Iterator[Meeting]:
    """VMS-03 and VMS-04; who fetches learns from the VMS which way the server speaks."""
    for server in servers:
        if server.spec.is_recording and not server.stands_by:
            yield from _recorder_links(server, servers, clients)
        if MOBILE in server.spec.groups:
            yield from _phone_links(server, clients)


def _recorder_links(
    recorder: VmsServer, servers: t.Sequence[VmsServer], clients: t.Sequence[VmsClient]
) -> t.Iterator[Meeting]:
    fetching = [one for one in servers if one is not recorder and set(one.spec.roles) & set(FETCHING)]
    watching = [client for client in clients if client.fetches(STREAMING, recorder.name)]
    ends: list[tuple[Verifier, str]] = [(one, "server") for one in fetching]
    ends += [(client, "client") for client in watching]
    for verifier, kind in ends:
        yield Meeting(
            rule="VMS-03",
            presenter=recorder,
            group=STREAMING,
            verifier=verifier,
            port=recorder.spec.streaming_port,
            encrypted=recorder.encrypted(STREAMING),
            kind=kind,
        )


def _phone_links(mobile: VmsServer, clients: t.Sequence[VmsClient]) -> t.Iterator[Meeting]:
    on = mobile.encrypted(MOBILE)
    for client in (client for client in clients if client.fetches(MOBILE, mobile.name)):
        yield Meeting(
            rule="VMS-04",
            presenter=mobile,
            group=MOBILE,
            verifier=client,
            port=mobile.spec.mobile_https_port if on else mobile.spec.mobile_http_port,
            encrypted=on,
            kind="client",
            web_client=client.spec.kind == "web_client",
        )


async def try_links(meetings: t.Sequence[Meeting], hardware: t.Sequence[tuple[VmsServer, Hardware]]) -> list[LinkState]:
    """All of them, some at a time."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(work: t.Callable[[], t.Awaitable[LinkState]]) -> LinkState:
        async with gate:
            return await work()

    works: list[t.Callable[[], t.Awaitable[LinkState]]] = [functools.partial(try_link, each) for each in meetings]
    works += [functools.partial(hardware_link, server, each) for server, each in hardware]
    return list(await asyncio.gather(*(one(work) for work in works)))


async def try_link(link: Meeting) -> LinkState:
    """What a connection gives now."""
    if not link.verifier.on:
        return link.state(reason=f"{link.verifier.name} is powered off")
    return await (_try_encrypted(link) if link.encrypted else _try_plain(link))


async def _try_plain(link: Meeting) -> LinkState:
    presenter = link.presenter
    try:
        status = await ask_plainly(
            presenter.address, link.port, host_name=presenter.spec.full_name, source=link.verifier.source
        )
    except Unreachable as error:
        return _unreachable(link, error)
    if status == 403:
        return _unreachable(link, Unreachable("refuses plain HTTP"))
    return link.state(status="plain")


async def _try_encrypted(link: Meeting) -> LinkState:
    presenter, verifier = link.presenter, link.verifier
    try:
        chain = await presented_chain(
            presenter.address, link.port, host_name=presenter.spec.full_name, source=verifier.source
        )
    except Unreachable as error:
        return _unreachable(link, error)
    seen = _seen(chain[0])
    verdict = verifier.stores.judge(chain[0], chain[1:], presenter.spec.full_name, verifier.now())
    if verdict.good:
        return link.state(status="encrypted", **seen)
    rule, reason = explain(verdict, verifier.name, presenter.spec.full_name, link.rule)
    return link.state(reason=reason, broken_by=rule, **seen)


def _unreachable(link: Meeting, error: Unreachable) -> LinkState:
    """What the connection gave, and why, as far as the presenter's own state tells."""
    presenter = link.presenter
    gave = f"{presenter.name} {error} at {presenter.address}:{link.port}"
    if presenter.power != "on":
        return link.state(reason=f"{presenter.name} is powered off")
    if presenter.encrypted(link.group) != link.encrypted:
        on, off = (presenter.name, link.verifier.name) if not link.encrypted else (link.verifier.name, presenter.name)
        return link.state(reason=f"{gave}: encryption is on at {on} and off at {off}", broken_by="VMS-10")
    trouble = presenter.certificates.trouble(link.group) if link.encrypted else None
    if trouble is not None:
        return link.state(reason=f"{gave}: {trouble.reason}", broken_by=trouble.rule)
    return link.state(reason=gave)


def explain(verdict: Verdict, verifier: str, host_name: str, rule: str) -> tuple[str, str]:
    """The rule that a certificate breaks, and a clause."""
    if "NotTimeValid" in verdict.statuses:
        return "VMS-16", f"{verifier} does not accept the certificate of {host_name} at its time ({verdict})"
    if verdict.statuses:
        return rule, f"{verifier} does not trust the certificate of {host_name} ({verdict})"
    if WRONG_NAME in verdict.errors:
        return "VMS-12", f"the certificate does not name {host_name} ({verdict})"
    return rule, f"{verifier} does not take the certificate of {host_name} ({verdict})"


def _seen(der: bytes) -> dict[str, t.Any]:
    certificate = x509.load_der_x509_certificate(der)
    return {
        # Windows names certificates by SHA-1; nothing is secured by it.
        "thumbprint": certificate.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303
        "subject": certificate.subject.rfc4514_string(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
    }


async def hardware_link(server: VmsServer, hardware: Hardware) -> LinkState:
    """A recording server's connection to a camera, as the hardware's settings say."""
    spec, port = hardware.spec, hardware.port

    def state(**found: t.Any) -> LinkState:
        return LinkState(
            rule="", kind="hardware", presenter=spec.name, group="", verifier=server.name, port=port, **found
        )

    if not server.on:
        return state(reason=f"{server.name} is powered off")
    try:
        if not hardware.https:
            await ask_plainly(spec.address, port, host_name=spec.address, source=server.source)
            return state(status="plain")
        chain = await presented_chain(spec.address, port, host_name=spec.address, source=server.source)
    except Unreachable as error:
        return state(reason=f"{spec.name} {error} at {spec.address}:{port}")
    verdict = server.stores.judge(chain[0], chain[1:], spec.address, server.now())
    problem = hardware.objection(verdict)
    if problem:
        return state(reason=f"{server.name} does not accept the camera's certificate ({problem})", **_seen(chain[0]))
    return state(status="encrypted", **_seen(chain[0]))
