# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of an ONVIF operation, read from its element."""

from __future__ import annotations

import base64
import datetime as dt
import re
import typing as t

from ._onvif_catalog import NAMESPACES
from ._soap import Node, SoapFault, check_children

__all__ = ["Args", "parse_datetime"]

_FLAGS: t.Final[t.Mapping[str, bool]] = {"true": True, "1": True, "false": False, "0": False}


class Args:
    """An element whose children are these parts of its schema, in this order (see `check_children`)."""

    def __init__(self, node: Node, prefix: str, parts: str) -> None:
        self.namespace = NAMESPACES[prefix]
        check_children(node, self.namespace, parts)
        self.node = node

    def nodes(self, name: str) -> list[Node]:
        return list(self.node.findall(f"{{{self.namespace}}}{name}"))

    def has(self, name: str) -> bool:
        return bool(self.nodes(name))

    def texts(self, name: str) -> list[str]:
        """The texts of all children of that name; an element within is refused."""
        found = self.nodes(name)
        if any(len(node) for node in found):
            raise SoapFault("InvalidArgs", f"{name} is a text; it holds elements.")
        return ["".join(node.itertext()) for node in found]

    def text(self, name: str, default: str = "") -> str:
        return next(iter(self.texts(name)), default)

    def word(self, name: str, default: str = "") -> str:
        """A text whose blanks at both ends mean nothing."""
        return self.text(name, default).strip()

    def flag(self, name: str, *, default: bool = False) -> bool:
        if not self.has(name):
            return default
        text = self.word(name)
        if text not in _FLAGS:
            raise SoapFault("InvalidArgs", f"{name} is {text!r}; it is true or false.")
        return _FLAGS[text]

    def numbers(self, name: str) -> list[int]:
        words = [text.strip() for text in self.texts(name)]
        for word in words:
            if not re.fullmatch(r"[+-]?\d{1,18}", word, re.ASCII):
                raise SoapFault("InvalidArgs", f"{name} is {word!r}; it is a number.")
        return [int(word) for word in words]

    def number(self, name: str, default: int = 0) -> int:
        return next(iter(self.numbers(name)), default)

    def one_of(self, name: str, choices: t.Sequence[str]) -> str:
        word = self.word(name)
        if word not in choices:
            raise SoapFault("InvalidArgVal", f"{name} is {word!r}; it can be {', '.join(choices)}.")
        return word

    def binary(self, name: str) -> bytes:
        text = re.sub(r"\s+", "", self.text(name))
        try:
            return base64.b64decode(text, validate=True)
        except ValueError as error:
            raise SoapFault("InvalidArgs", f"{name} is no base64.") from error

    def time(self, name: str) -> float | None:
        """Seconds since 1970 of an xs:dateTime; without a zone it is UTC."""
        if not self.has(name):
            return None
        try:
            return parse_datetime(self.word(name))
        except ValueError as error:
            raise SoapFault("InvalidArgs", f"{name} is {self.word(name)!r}; it is a date and time.") from error

    def inner(self, name: str, parts: str, prefix: str | None = None) -> list[Args]:
        """The children of that name, each with parts of its own."""
        own = prefix or next(key for key, value in NAMESPACES.items() if value == self.namespace)
        return [Args(node, own, parts) for node in self.nodes(name)]


def parse_datetime(text: str) -> float:
    """ValueError when it is none."""
    stamp = dt.datetime.fromisoformat(text)
    if "T" not in text:
        raise ValueError("no time in it")
    return (stamp if stamp.tzinfo is not None else stamp.replace(tzinfo=dt.UTC)).timestamp()
