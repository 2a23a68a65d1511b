# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at a server found, as data; what it means is judged in :mod:`._judge`."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import typing as t

from .._tls._certificate import CertificateFacts
from .._tls._policies import CameraModel
from ._enumerate import Suites
from ._login import Account, Listing

__all__ = ["Chain", "DataChannel", "Facts", "Order", "Pick"]


@dc.dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be looked at.

    Attributes:
        host: Address or host name.
        port: TCP port of the control connection.
        server_name: Name or address that the certificate should have.
        card: PEM of the certificates on the camera's card; none when they are not to be judged.
        models: Camera models to answer for.
        account: Who may log in; none when the data channel is not to be looked at.
        timeout: Seconds for connecting and for each answer.
        time_limit: Seconds for everything.
        parallel: Connections at a time.
        warn_days: Days before the end of a certificate from which on it is told.
    """

    host: str
    port: int
    server_name: str
    card: str | None
    models: tuple[CameraModel, ...]
    account: Account | None
    timeout: float = 10.0
    time_limit: float = 120.0
    parallel: int = 6
    warn_days: int = 30


@dc.dataclass(frozen=True, kw_only=True)
class Pick:
    """What the server picked out of one camera's suites.

    Attributes:
        first: Where the recommended ones were offered first.
        reversed: Where they were offered last.
    """

    first: int | None
    reversed: int | None


@dc.dataclass(frozen=True, kw_only=True)
class Chain:
    """Certificates that the server showed.

    Attributes:
        suites: Code points of the TLS 1.2 suites with which it showed them; none for TLS 1.3.
        certificates: The server's own first.
        trusted: The chain holds against the card's certificates; None when there were none to try.
        problems: Why a client refuses them, each as one sentence.
        weaknesses: What is weak in them, each as one sentence.
    """

    suites: tuple[int, ...]
    certificates: tuple[CertificateFacts, ...]
    trusted: bool | None
    problems: tuple[str, ...]
    weaknesses: tuple[str, ...]


@dc.dataclass(frozen=True, kw_only=True)
class DataChannel:
    """The data channel.

    Attributes:
        skipped: Why it was not looked at; empty when it was.
        session_reuse: ``demanded``, ``offered``, ``not_offered`` or ``unknown``.
        listings: For each suite of the control channel, what came of a listing that resumed its session.
        fresh: A listing without resumption.
        suites: What a data connection without resumption takes; None where the server demands resumption.
        features: FEAT after the login.
        foreign_address: What PASV names where that is not the server's own address; else empty.
    """

    skipped: str = ""
    session_reuse: str = "unknown"
    listings: t.Mapping[str, Listing] = dc.field(default_factory=dict)
    fresh: Listing | None = None
    suites: Suites | None = None
    features: tuple[str, ...] = ()
    foreign_address: str = ""


@dc.dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that was found.

    Attributes:
        address: Of the server.
        greeting: Its first line.
        features: FEAT before the login.
        cleartext_login: It asks for a password in the clear.
        control: What the control channel takes.
        older: Protocol versions before TLS 1.2 that it takes.
        chains: What it showed.
        picks: By the camera model's name, on the control channel.
        data: The data channel.
        data_picks: By the camera model's name, on the data channel; empty when it was not looked at.
        looked_at: When.
        seconds: How long it took.
        connections: How many connections it took.
    """

    address: str
    greeting: str
    features: tuple[str, ...]
    cleartext_login: bool
    control: Suites
    older: tuple[int, ...]
    chains: tuple[Chain, ...]
    picks: t.Mapping[str, Pick]
    data: DataChannel
    data_picks: t.Mapping[str, Pick]
    looked_at: dt.datetime
    seconds: float
    connections: int
