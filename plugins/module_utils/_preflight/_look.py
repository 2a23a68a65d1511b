# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at an FTPES server as a camera would meet it, on both channels. Changes nothing there."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import functools
import ssl
import threading
import time
import typing as t

from .._core._errors import ConnectError, InputError, LoginError, ProtocolError, TrustError
from .._tls._hello import ServerAnswer
from .._tls._suites import TLS12_SUITES, CipherSuite, suite_of_code_point
from ._enumerate import TLS12, Offers, Suites, look, older_versions
from ._facts import Chain, DataChannel, Facts, Order, Pick
from ._gate import Busy, Crowded, Gate, together
from ._login import Account, DataOffers, Dropped, Listing, Login, trusting
from ._trust import chains_shown
from ._wire import Conversation, Target, resolve

__all__ = ["look_at"]

_ONLY12 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
_ONLY13 = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)
_TLS13_NAME: t.Final = "TLSv1.3"
# A name without a password: it tells nothing, and only shows whether the password would be asked for in the clear.
_NOBODY: t.Final = "camsec-preflight"
_FULL_HOUSES: t.Final = 2


def look_at(order: Order) -> Facts:
    """Find out everything about a server.

    Args:
        order: What to look at.

    Returns:
        The facts.

    Raises:
        InputError: The order cannot be carried out.
        ConnectError: Nobody there, or the scan stayed incomplete.
        RefusedError: No AUTH TLS.
        ProtocolError: No FTP, or no TLS.
        LoginError: The account is refused.
        VerificationError: Two looks found different things.
    """
    _check(order)
    started, now = time.monotonic(), dt.datetime.now(dt.UTC)
    target = resolve(order.host, order.port, server_name=order.server_name, timeout=order.timeout)
    gate = Gate(width=order.parallel, time_limit=order.time_limit, device=target.device)
    greeted = gate.call(functools.partial(_first_contact, target), again=Busy)
    ask = functools.partial(_ask, target)
    # Whoever has no TLS, or speaks something else, says so here, once.
    offers = Offers(ask, gate=gate, device=target.device, channel="control")
    control = look(offers, gate, device=target.device, channel="control")
    older = older_versions(ask, gate)
    chains = chains_shown(target, gate, control=control, card=order.card, now=now)
    picks = _picks(order, offers, gate)
    data, data_picks = _data(order, target, gate, control=control, chains=chains, picks=picks)
    return Facts(
        address=str(target.address[0]),
        greeting=greeted.greeting,
        features=greeted.features,
        cleartext_login=greeted.asked_for_password,
        control=control,
        older=older,
        chains=chains,
        picks=picks,
        data=data,
        data_picks=data_picks,
        looked_at=now,
        seconds=round(time.monotonic() - started, 3),
        connections=gate.connections,
    )


def _check(order: Order) -> None:
    def refuse(subject: str, found: object, expected: str) -> t.NoReturn:
        raise InputError(device=order.host, subject=subject, found=found, expected=expected)

    if not order.host or any(letter.isspace() or not letter.isprintable() for letter in order.host):
        refuse("host", repr(order.host), "an address or a host name")
    for subject, number, smallest, largest in (
        ("port", order.port, 1, 65535),
        ("timeout", order.timeout, 0.1, 600),
        ("time limit", order.time_limit, 1, 3600),
        ("connections at a time", order.parallel, 1, 64),
    ):
        if not smallest <= number <= largest:
            refuse(subject, number, f"{smallest} to {largest}")
    if not order.models:
        refuse("camera models", "none", "at least one")
    if order.account is None:
        return
    for subject, text in (("user", order.account.user), ("password", order.account.password.reveal())):
        if not text or any(letter in text for letter in "\r\n\0"):
            refuse(subject, "nothing, or a line break", "one line of text")
    if order.card is None:
        refuse(
            "login",
            "no certificates to verify the server with",
            "the card's certificates, since a password is sent to a verified server only",
        )


def _first_contact(target: Target) -> _Greeted:
    with Conversation(target) as talk:
        reply = talk.command("FEAT")
        features = tuple(line.strip() for line in reply.lines[1:-1]) if reply.code == 211 else ()
        try:
            asked = talk.command(f"USER {_NOBODY}").code == 331
        except Crowded:
            asked = False  # it hangs up on whoever comes without TLS
        return _Greeted(greeting=talk.greeting.text, features=features, asked_for_password=asked)


@dc.dataclass(frozen=True, kw_only=True)
class _Greeted:
    """What a server says to somebody without TLS."""

    greeting: str
    features: tuple[str, ...]
    asked_for_password: bool


def _ask(target: Target, suites: t.Sequence[int], version: int) -> ServerAnswer:
    with Conversation(target) as talk:
        talk.start_tls()
        return talk.hello(suites, version)


def _picks(order: Order, offers: Offers, gate: Gate) -> dict[str, Pick]:
    """A real offer of exactly each model's suites, in two orders."""
    sets = {tuple(suite.code_point for suite in model.suites) for model in order.models}
    asked = [turned for one in sets for turned in (one, one[::-1])]
    works = [functools.partial(offers.answer, one, TLS12) for one in asked]
    got = {one: answer.suite for one, answer in zip(asked, together(gate, works), strict=True)}
    return {
        model.name: Pick(
            first=got[tuple(suite.code_point for suite in model.suites)],
            reversed=got[tuple(suite.code_point for suite in model.suites)[::-1]],
        )
        for model in order.models
    }


def _data(
    order: Order,
    target: Target,
    gate: Gate,
    *,
    control: Suites,
    chains: tuple[Chain, ...],
    picks: t.Mapping[str, Pick],
) -> tuple[DataChannel, dict[str, Pick]]:
    if order.account is None:
        return DataChannel(skipped="no login was given."), {}
    if order.card is None:  # _check saw to it
        return DataChannel(skipped="no certificates to verify the server with."), {}
    problems = [problem for chain in chains for problem in chain.problems]
    if problems:
        return DataChannel(skipped=f"the password is sent to a verified server only. {problems[0]}"), {}
    return _DataLook(target, gate, order.account, order.card, control).take(order, picks)


class _DataLook:
    """Looks at the data channel with logins."""

    def __init__(self, target: Target, gate: Gate, account: Account, card: str, control: Suites) -> None:
        self._target = target
        self._gate = gate
        self._account = account
        self._card = card
        self._control = control
        self._welcome = False
        self._full_houses = 0
        self._lock = threading.Lock()

    def take(self, order: Order, picks: t.Mapping[str, Pick]) -> tuple[DataChannel, dict[str, Pick]]:
        """Look at everything.

        Args:
            order: What is to be looked at.
            picks: What each model gets on the control channel.

        Returns:
            The data channel, and what each model gets there.
        """
        known = [suite for suite in map(suite_of_code_point, self._control.tls12) if suite is not None]
        # All that we know, since the data channel may take other suites than the control channel.
        wide = list(TLS12_SUITES) if known else []
        features, foreign, resumed, fresh = self._gate.call(functools.partial(self._first, wide))
        listings = self._listings(known)
        reuse = _session_reuse(resumed, fresh)
        channel = DataChannel(
            session_reuse=reuse, listings=listings, fresh=fresh, features=features, foreign_address=foreign
        )
        if reuse in ("demanded", "unknown"):
            return channel, {name: _through(pick, listings) for name, pick in picks.items()}
        ask = DataOffers(functools.partial(self._login, wide))
        try:
            offers = Offers(ask, gate=self._gate, device=self._target.device, channel="data")
            others = self._control.others
            suites = look(offers, self._gate, device=self._target.device, channel="data", others=others)
            return dc.replace(channel, suites=suites), _picks(order, offers, self._gate)
        finally:
            ask.close()

    def _first(self, suites: list[CipherSuite]) -> tuple[tuple[str, ...], str, Listing, Listing]:
        with self._login(suites) as login:
            features, foreign = login.features(), login.foreign_address()
            resumed = login.listing(resume=True)
            try:
                return features, foreign, resumed, login.listing(resume=False)
            except Crowded as error:
                ended = Listing(protocol="", suite="", resumed=False, completed=False, reply=error.found)
                return features, foreign, resumed, ended

    def _listings(self, suites: list[CipherSuite]) -> dict[str, Listing]:
        """For each suite of the control channel a login that offers nothing else."""
        offered: list[tuple[str, list[CipherSuite]]] = [(suite.iana_name, [suite]) for suite in suites]
        if self._control.tls13:
            offered.append((_TLS13_NAME, []))
        works = [functools.partial(self._gate.call, functools.partial(self._listing, one)) for dummy, one in offered]
        found = zip(offered, together(self._gate, works), strict=True)
        return {_label(name, listing): listing for (name, dummy), listing in found if listing is not None}

    def _listing(self, suites: list[CipherSuite]) -> Listing | None:
        for last in (False, True):
            try:
                with self._login(suites) as login:
                    listing = login.listing(resume=True)
            except NoSuite:
                return None
            if listing.completed or last:
                return listing
        return None

    def _login(self, suites: list[CipherSuite]) -> Login:
        try:
            context = trusting(self._card, suites=suites, versions=_ONLY12 if suites else _ONLY13, name=True)
        except ssl.SSLError as error:
            raise NoSuite from error
        try:
            login = Login(self._target, self._account, context)
        except ssl.SSLCertVerificationError as error:
            raise self._untrusted(error.verify_message) from error
        except ssl.SSLError as error:
            raise ProtocolError(
                device=self._target.device,
                subject="TLS handshake",
                found=(error.reason or "no reason given").lower().replace("_", " "),
                expected="a whole handshake with a suite that the server picked before",
            ) from error
        except LoginError as error:
            raise self._full_house(error) from error
        except ConnectError as error:
            if not isinstance(error, Dropped):
                raise
            raise self._full_house(error) from error
        self._welcome = True
        return login

    def _untrusted(self, words: str) -> TrustError:
        return TrustError(
            device=self._target.device,
            subject="certificate",
            found=f"one that held a moment ago and does not now ({words})",
            expected="the same certificate on each connection",
        )

    def _full_house(self, error: ConnectError | LoginError) -> ConnectError | LoginError:
        """The same account was let in before: then the server limits logins at a time, and may let us in later."""
        with self._lock:
            self._full_houses += 1
            if self._welcome and self._full_houses <= _FULL_HOUSES * self._gate.width:
                return Crowded(device=error.device, subject=error.subject, found=error.found, expected=error.expected)
        return error


class NoSuite(Exception):
    """The local OpenSSL was built without the suite."""


def _session_reuse(resumed: Listing, fresh: Listing) -> str:
    if fresh.completed:
        return "offered" if resumed.completed and resumed.resumed else "not_offered"
    return "demanded" if resumed.completed and resumed.resumed else "unknown"


def _through(pick: Pick, listings: t.Mapping[str, Listing]) -> Pick:
    """A data connection that resumes has the control connection's suite, if it comes about."""

    def same(code_point: int | None) -> int | None:
        suite = None if code_point is None else suite_of_code_point(code_point)
        listing = None if suite is None else listings.get(suite.iana_name)
        return code_point if listing is not None and listing.completed else None

    return Pick(first=same(pick.first), reversed=same(pick.reversed))


def _label(name: str, listing: Listing | None) -> str:
    """TLS 1.3 suites cannot be chosen one by one: the row has the name of the one that came."""
    return listing.suite or name if listing is not None and name == _TLS13_NAME else name
