# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sockets: a question to many, and their answers within a time."""

from __future__ import annotations

import collections
import contextlib
import dataclasses as dc
import ipaddress
import random
import selectors
import socket
import struct
import time
import types
import typing as t

from .._core._errors import ConnectError, InputError
from ._message import LONGEST_MESSAGE, PROBE_TYPES, Match, UnusableAnswer, message_id, probe, read_matches

__all__ = ["GROUP", "Answers", "Question", "ask"]

#: Everybody who speaks WS-Discovery, in IPv4.
GROUP: t.Final = "239.255.255.250"
# SOAP-over-UDP 1.1: the delay before a message is sent again, doubled up to the longest.
_DELAY: t.Final = (0.05, 0.25)
_LONGEST_DELAY = 0.5
#: So many datagrams in a row; then answers are taken, so that neither side's buffer runs over.
_IN_A_ROW = 32
_PAUSE = 0.01
# Bounds of what is taken in; a network with more cameras is asked part by part.
_MOST_DATAGRAMS = 20000
_MOST_OF_ONE_SENDER = 64
_MOST_DEVICES = 4096
_MOST_BYTES = 32 << 20


@dc.dataclass(frozen=True, kw_only=True)
class Question:
    """Who is asked, and for how long.

    Attributes:
        addresses: Those that are asked one by one.
        multicast: All in the neighbourhood are asked.
        interfaces: From which network cards: names, or their IPv4 addresses; without any, as the computer's routes say.
        port: UDP port.
        repeats: How often each question is sent again, since UDP loses some.
        timeout: Seconds for answers after the last question.

    Raises:
        InputError: Nobody is asked, or a number is out of its range.
    """

    addresses: tuple[str, ...] = ()
    multicast: bool = True
    interfaces: tuple[str, ...] = ()
    port: int = 3702
    repeats: int = 2
    timeout: float = 5.0

    def __post_init__(self) -> None:
        self._within("port", self.port, 1, 65535)
        self._within("repeats", self.repeats, 0, 9)
        self._within("timeout", self.timeout, 0.1, 60)
        if not self.multicast and not self.addresses:
            raise InputError(
                device="discovery", subject="addresses", found="none", expected="some, where multicast is switched off"
            )

    def _within(self, subject: str, value: float, least: float, most: float) -> None:
        if not least <= value <= most:
            raise InputError(device="discovery", subject=subject, found=f"{value:g}", expected=f"{least:g} to {most:g}")


@dc.dataclass(frozen=True, kw_only=True)
class Answers:
    """What was heard.

    Attributes:
        matches: Who answered (a link-local address with its zone) and what it claims, each once.
        passed_over: Why other messages were not used, and how many.
        problems: What kept questions from being sent, or answers from being taken, one sentence each.
    """

    matches: tuple[tuple[str, Match], ...]
    passed_over: t.Mapping[str, int]
    problems: tuple[str, ...]


def ask(question: Question) -> Answers:
    """Ask, and listen.

    Args:
        question: Who is asked.

    Returns:
        What was heard.

    Raises:
        ConnectError: No question could be sent.
        InputError: A network card that is named is not there.
    """
    with _Wire(question) as wire:
        return wire.run()


@dc.dataclass(frozen=True, kw_only=True)
class _Way:
    """A socket and where it sends to."""

    socket: socket.socket
    targets: tuple[t.Any, ...]


class _Wire:
    def __init__(self, question: Question) -> None:
        self._question = question
        self._asked = frozenset(question.addresses)
        self._messages = {message_id(): name for name in PROBE_TYPES}
        self._selector = selectors.DefaultSelector()
        self._ways: list[_Way] = []
        self._found: dict[tuple[str, Match], None] = {}
        self._passed_over: collections.Counter[str] = collections.Counter()
        self._not_sent: dict[str, str] = {}
        self._sent = self._datagrams = self._bytes = 0
        self._of_sender: collections.Counter[str] = collections.Counter()
        self._answered: set[tuple[str, str]] = set()
        self._full = False

    def __enter__(self) -> t.Self:
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self._open()
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets."""
        for way in self._ways:
            way.socket.close()
        self._selector.close()

    # Ways.

    def _open(self) -> None:
        question = self._question
        if question.multicast:
            for interface in question.interfaces or ("",):
                self._add(_multicast_socket(interface), [(GROUP, question.port)])
        for family, version in ((socket.AF_INET, 4), (socket.AF_INET6, 6)):
            asked = [one for one in question.addresses if ipaddress.ip_address(one).version == version]
            if asked:
                self._add(_socket(family), [_sockaddr(one, question.port) for one in asked])

    def _add(self, new: socket.socket, targets: t.Sequence[t.Any]) -> None:
        self._ways.append(_Way(socket=new, targets=tuple(targets)))
        self._selector.register(new, selectors.EVENT_READ)

    # The conversation.

    def run(self) -> Answers:
        """Ask several times, and listen until the time is over or everybody has answered."""
        delay = random.uniform(*_DELAY)  # noqa: S311  # so that not all clients speak at once
        for _round in range(self._question.repeats + 1):
            self._send_all()
            self._listen(delay)
            if self._everybody_answered():
                break
            delay = min(2 * delay, _LONGEST_DELAY)
        if not self._sent:
            raise ConnectError(
                device="discovery",
                subject="question",
                found="; ".join(sorted(set(self._not_sent.values()))) or "no way to send it",
                expected="a network that it can be sent to",
            )
        self._listen(self._question.timeout)
        return Answers(
            matches=tuple(self._found), passed_over=dict(self._passed_over), problems=tuple(self._problems())
        )

    def _send_all(self) -> None:
        for way in self._ways:
            for number, target in enumerate(way.targets, 1):
                for identifier, name in self._messages.items():
                    self._send(way.socket, target, probe(identifier, name))
                if number % _IN_A_ROW == 0:
                    self._listen(_PAUSE)

    def _send(self, out: socket.socket, target: t.Any, message: bytes) -> None:
        for _attempt in range(10):
            try:
                out.sendto(message, target)
            except BlockingIOError:
                self._listen(_PAUSE)
            except OSError as error:
                self._not_sent[target[0]] = error.strerror or type(error).__name__
                return
            else:
                self._not_sent.pop(target[0], None)
                self._sent += 1
                return
        self._not_sent[target[0]] = "the network takes no more"

    def _listen(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._full and not self._everybody_answered():
            left = end - time.monotonic()
            if left <= 0:
                return
            for key, _events in self._selector.select(left):
                self._receive(t.cast("socket.socket", key.fileobj))

    def _everybody_answered(self) -> bool:
        question = self._question
        return not question.multicast and len(self._answered) == len(question.addresses) * len(self._messages)

    def _receive(self, source: socket.socket) -> None:
        try:
            data, address = source.recvfrom(LONGEST_MESSAGE + 1)
        except OSError:
            return  # such as a late word of the network that nobody is there
        try:
            answered, matches = read_matches(data, self._messages)
        except UnusableAnswer as reason:
            # Not counted for its sender, whose address anybody can write on a message.
            self._passed_over[str(reason)] += 1
            return
        self._take(_sender(address), answered, matches, len(data))

    def _is_full(self) -> bool:
        many = self._datagrams > _MOST_DATAGRAMS or len(self._found) >= _MOST_DEVICES
        return many or self._bytes > _MOST_BYTES

    def _take(self, sender: str, answered: str, matches: t.Iterable[Match], size: int) -> None:
        self._datagrams += 1
        self._of_sender[sender] += 1
        done = [answered]
        if self._is_full():
            self._full = True
        elif self._of_sender[sender] > _MOST_OF_ONE_SENDER:
            self._passed_over["one of too many from one address"] += 1
            done = list(self._messages)
        else:
            before = len(self._found)
            self._found.update(dict.fromkeys((sender, match) for match in matches))
            self._bytes += size if len(self._found) > before else 0
        if sender in self._asked:
            self._answered.update((sender, one) for one in done)

    def _problems(self) -> t.Iterator[str]:
        if self._full:
            yield (
                f"discovery: answers: found {_MOST_DEVICES} devices or {_MOST_DATAGRAMS} messages, expected fewer. The"
                " rest was not taken: ask part by part."
            )
        for reason, count in sorted(collections.Counter(self._not_sent.values()).items()):
            yield f"discovery: question: found {count} addresses it could not be sent to ({reason}), expected none."


# Sockets.


def _socket(family: socket.AddressFamily) -> socket.socket:
    new = socket.socket(family, socket.SOCK_DGRAM)
    new.setblocking(False)
    return new


def _multicast_socket(interface: str) -> socket.socket:
    new = _socket(socket.AF_INET)
    try:
        new.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        if interface:
            _choose_interface(new, interface)
    except (OSError, ValueError) as error:
        new.close()
        raise InputError(
            device="discovery",
            subject=f"interface {interface}",
            found=getattr(error, "strerror", None) or str(error),
            expected="the name of a network card of this computer, or an IPv4 address of one",
        ) from None
    return new


def _choose_interface(new: socket.socket, interface: str) -> None:
    try:
        address = ipaddress.IPv4Address(interface)
    except ValueError:
        index = socket.if_nametoindex(interface)
        # struct ip_mreqn: group, address, index.
        new.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@4s4si", b"", b"", index))
    else:
        new.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, address.packed)
        new.bind((interface, 0))


def _sockaddr(address: str, port: int) -> t.Any:
    if ":" not in address:
        return address, port
    return socket.getaddrinfo(address, port, socket.AF_INET6, socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)[0][4]


def _sender(address: t.Any) -> str:
    """The sender's address; of a link-local one with the name of the network card that it came through."""
    host = str(address[0]).partition("%")[0]
    if len(address) == 4 and address[3]:
        with contextlib.suppress(OSError):
            return f"{host}%{socket.if_indextoname(address[3])}"
    return host
