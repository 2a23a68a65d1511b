# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PowerShell's syntax: a script's text as a tree, by tree-sitter's grammar."""

from __future__ import annotations

import dataclasses as dc
import functools
import re
import typing as t

import tree_sitter
import tree_sitter_powershell

from ._powershell_values import Limit, net_error

__all__ = ["Node", "parse"]

# A chain of these with one child each is that child: `1` is a logical expression of a comparison of ... of a number.
_WRAPPERS: t.Final = frozenset(
    {
        "logical_expression", "bitwise_expression", "comparison_expression", "additive_expression",
        "multiplicative_expression", "format_expression", "range_expression", "array_literal_expression",
        "unary_expression", "expression_with_unary_operator", "string_literal", "integer_literal", "path_command_name",
        "argument_expression", "left_assignment_expression", "key_expression", "while_condition", "for_initializer",
        "for_condition", "for_iterator", "command_name_expr", "switch_filename", "redirected_file_name",
    }
)  # fmt: skip


@dc.dataclass(slots=True, eq=False)
class Node:
    """A part of a script. `text` is its source; `parts` are its children, keywords and signs among them."""

    kind: str
    text: str
    parts: list[Node]
    line: int
    column: int
    start: int

    def named(self, *kinds: str) -> list[Node]:
        return [part for part in self.parts if part.kind in kinds]

    def first(self, *kinds: str) -> Node | None:
        return next((part for part in self.parts if part.kind in kinds), None)


@functools.cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


def _broken(node: tree_sitter.Node) -> tree_sitter.Node | None:
    """The first part that the grammar does not know. A blank missing in `a,b` is one of its oddities."""
    if node.is_error or (node.is_missing and (node.parent is None or node.parent.type != "command_argument_sep")):
        return node
    if not node.has_error:
        return None
    return next((found for child in node.children if (found := _broken(child))), None)


def _number_as_command(node: tree_sitter.Node) -> tree_sitter.Node | None:
    """A range or a long number at a statement's beginning, which the grammar takes for a command's name."""
    if node.type == "command_name" and re.fullmatch(rb"\d+\.\.\S+|\d+[lL]", node.text or b""):
        return node
    return next((found for child in node.children if (found := _number_as_command(child))), None)


def _as_value(text: bytes) -> bytes:
    """`1..3` as `(1)..3` and `5L` as `5`: so the grammar reads them as what they are."""
    first, dots, last = text.partition(b"..")
    return b"(" + first + b")" + dots + last if dots else text[:-1]


def _swallowed_blank(node: tree_sitter.Node, source: bytes) -> int | None:
    """Where the grammar took a blank for a name's beginning: after `)` and `}` it wants a new line, PowerShell not."""
    for child in (node, *node.children):
        if child.type == "simple_name" and source[child.start_byte : child.start_byte + 1] in {b" ", b"\t"}:
            return child.start_byte
    return None


def _check_references(node: Node) -> None:
    """`"$name: text"` is an error of PowerShell's parser, since it means a drive; the grammar lets it pass."""
    if node.kind in {"expandable_string_literal", "expandable_here_string_literal"}:
        source = node.text.encode()
        for part in node.named("variable"):
            end = part.start - node.start + len(part.text.encode())
            if not part.text.startswith("${") and source[end : end + 1] == b":" and source[end + 1 : end + 2] != b":":
                raise net_error(
                    "System.Management.Automation.ParseException",
                    f"At line:{part.line} char:{part.column}\r\nVariable reference is not valid. ':' was not followed"
                    " by a valid variable name character. Consider using ${} to delimit the name.",
                )
    for part in node.parts:
        _check_references(part)


def _end_of_parameters(node: tree_sitter.Node) -> int | None:
    """Where a `param(...)` ends behind which the grammar wants a new line, and PowerShell does not."""
    if node.type == "param_block":
        return node.end_byte
    return next((end for child in node.children if (end := _end_of_parameters(child)) is not None), None)


@functools.lru_cache(maxsize=200)
def parse(text: str) -> Node:
    """The tree of a script; Limit when the grammar cannot read it."""
    source = text.replace("\r\n", "\n").encode()
    while True:
        tree = _parser().parse(source)
        broken = _broken(tree.root_node)
        if broken is None:
            number = _number_as_command(tree.root_node)
            if number is None:
                made = _node(tree.root_node)
                _check_references(made)
                return made
            source = source[: number.start_byte] + _as_value(number.text or b"") + source[number.end_byte :]
            continue
        at = _swallowed_blank(broken, source)
        after = _end_of_parameters(broken)
        if at is None and after is not None and source[after : after + 1] != b"\n":
            source = source[:after] + b"\n" + source[after:]
            continue
        if at is None:
            line = broken.start_point[0] + 1
            words = (broken.text or b"").decode(errors="replace").strip().split("\n")[0][:60]
            raise Limit(f"the syntax at line {line}, at `{words}`,")
        source = source[:at] + b"\n" + source[at + 1 :]


def _kind(node: tree_sitter.Node) -> str:
    """A node's type; the grammar has an expression's types twice, once for arguments."""
    return re.sub(r"_argument(?=_expression)", "", node.type)


def _node(node: tree_sitter.Node) -> Node:
    while node.child_count == 1 and _kind(node) in _WRAPPERS and node.children[0].is_named:
        node = node.children[0]
    kind = _kind(node)
    text = (node.text or b"").decode()
    parts = [_node(child) for child in node.children if child.type != "comment"]
    return Node(kind, text, parts, node.start_point[0] + 1, node.start_point[1] + 1, node.start_byte)
