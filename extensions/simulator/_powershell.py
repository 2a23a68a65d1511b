# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Windows PowerShell 5.1 for the simulated Windows computer: it runs a script as documented, or says what it cannot.

Whatever is not simulated ends the script with a Limit. Pipelines run stage by stage, not item by item: a difference
that shows only where stages change the same thing.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses as dc
import datetime as dt
import logging
import re
import typing as t

from . import _powershell_members as members
from ._powershell_binding import Arguments, run_cmdlet
from ._powershell_native import run_program
from ._powershell_operators import arithmetic, compare
from ._powershell_syntax import Node, parse
from ._powershell_text import format_text, like, regex, unescape
from ._powershell_types import NetType, ScriptBlockType, convert, find_type
from ._powershell_values import (
    VOID,
    Enum,
    ErrorRecord,
    HashTable,
    Limit,
    NetError,
    NetException,
    NetList,
    NetObject,
    PsError,
    PsObject,
    as_int,
    as_list,
    as_number,
    items_of,
    net_error,
    same,
    text_of,
    true,
    type_name,
)

if t.TYPE_CHECKING:
    from ._windows_host import WindowsHost

_log = logging.getLogger(__name__)
__all__ = ["Outcome", "PowerShell", "ScriptBlock"]

_KILO: t.Final = {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40}


# Automatic variables of PowerShell that the simulator has not.
_NOT_THERE: t.Final = frozenset(
    [
        "consolefilename",
        "event",
        "eventargs",
        "eventsubscriber",
        "executioncontext",
        "foreach",
        "host",
        "myinvocation",
        "nestedpromptlevel",
        "profile",
        "psboundparameters",
        "pscmdlet",
        "pscommandpath",
        "psculture",
        "psscriptroot",
        "psuiculture",
        "pwd",
        "shellid",
        "stacktrace",
        "switch",
        "this",
    ]
)


class _Break(Exception):
    """`break`."""


class _Continue(Exception):
    """`continue`."""


class _Return(Exception):
    """`return`; what it gives back is in the output already."""


class _Exit(Exception):
    """`exit`."""

    def __init__(self, code: int) -> None:
        self.code = code


@dc.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a script left: its exit code, standard output, and what it said on other streams (stream, lines)."""

    code: int
    output: str
    messages: tuple[tuple[str, str], ...] = ()
    limit: str = ""


class Scope:
    """Variables and functions of a script, function or block."""

    def __init__(self, parent: Scope | None = None) -> None:
        self.parent = parent
        self.variables: dict[str, t.Any] = {}
        self.types: dict[str, NetType] = {}
        self.functions: dict[str, ScriptBlock] = {}

    def chain(self) -> c.Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


class ScriptBlock(NetObject, ScriptBlockType):
    """A script block; it runs in a scope below that of its caller."""

    TYPE = "System.Management.Automation.ScriptBlock"

    def __init__(self, shell: PowerShell, node: Node, name: str = "") -> None:
        self.shell, self.node, self.name = shell, node, name
        self.captured: dict[str, t.Any] = {}

    def do_invoke(self, *args: t.Any) -> list[t.Any]:
        out: list[t.Any] = []
        self.shell.invoke(self, list(args), out)
        return out

    def do_invokereturnasis(self, *args: t.Any) -> t.Any:
        return collected(self.do_invoke(*args))

    def do_getnewclosure(self) -> ScriptBlock:
        made = ScriptBlock(self.shell, self.node, self.name)
        for scope in reversed(list(self.shell.scope.chain())):
            made.captured |= scope.variables
        return made

    def do_tostring(self) -> str:
        return str(self)

    def __str__(self) -> str:
        text = self.node.text
        return text[1:-1] if text.startswith("{") else text


def collected(items: list[t.Any]) -> t.Any:
    """What a variable gets of a pipeline's output: nothing, one thing, or an array."""
    if not items:
        return VOID
    return items[0] if len(items) == 1 else items


class PowerShell:
    """One run of powershell.exe."""

    def __init__(self, host: WindowsHost) -> None:
        self.host = host
        self.zone = dt.timedelta(seconds=host.time_zone)
        self.scope = self.root = Scope()
        self.strict = False
        self.ok = True
        self.errors: list[ErrorRecord] = []
        self.messages: list[tuple[str, str]] = []
        self.output: list[t.Any] = []
        self.console_encoding = host.console_encoding
        self.environment = host.environment()
        # Static properties that scripts set (ServicePointManager.SecurityProtocol).
        self.statics: dict[str, t.Any] = {}
        self._write_error: c.Callable[[ErrorRecord], None] = self._show_error
        self._action: str | None = None
        self._power_cuts = host.power_cuts
        self._trying = 0
        self._last: Node | None = None
        self._started = False
        self.root.variables |= {
            "erroractionpreference": "Continue",
            "progresspreference": "Continue",
            "warningpreference": "Continue",
            "lastexitcode": None,
            "ofs": " ",
        }

    # -- a whole script ------------------------------------------------------------------------------------------

    def run(self, script: str, stdin: c.Sequence[str] = ()) -> Outcome:
        """Run a script with lines of standard input; Limit and every error end in the outcome."""
        self.root.variables["input"] = list(stdin)
        self.root.variables["args"] = []
        code, limit = 0, ""
        try:
            self._run_top(script)
            code = 0 if self.ok else 1
        except _Exit as error:
            code = error.code
        except (_Return, _Break, _Continue):
            code = 0
        except PsError as error:
            self._show_error(error.record)
            code = 1
        except NetError as error:
            self._show_error(self._record(error))
            code = 1
        except Limit as error:
            code, limit = 1, str(error)
        except RecursionError:
            code, limit = 1, str(Limit("so deep a recursion"))
        except Exception as error:  # noqa: BLE001 - the script's end, whatever it met
            # A use of a value that nobody thought of: said, and in the simulator's log.
            _log.exception("a script met what is not simulated")
            code, limit = 1, str(Limit(f"what line {self._last.line if self._last else 0} does ({error!r})"))
        text = ""
        try:
            text = self._rendered()
        except Limit as error:
            code, limit = 1, limit or str(error)
        return Outcome(code=code, output=text, messages=tuple(self.messages), limit=limit)

    def _run_top(self, script: str) -> None:
        node = parse(script)
        if params := node.first("param_block"):
            self._bind(params, [], self.root)
        for part in node.parts:
            if part.kind != "param_block":
                self.execute(part, self.output)

    def _rendered(self) -> str:
        return "".join(f"{self.line_of(item)}\r\n" for item in self.output if item is not None)

    def line_of(self, item: t.Any) -> str:
        """How the console shows an object; the layout of tables and lists is not simulated."""
        if isinstance(item, ErrorRecord):
            return "\r\n".join(item.lines())
        if isinstance(item, list | bytes | bytearray):
            return "\r\n".join(self.line_of(one) for one in item)
        if isinstance(item, NetObject) and not isinstance(item, Enum | NetType):
            shown = getattr(item, "SHOWN", False)
            if not shown:
                raise Limit(f"the console's layout of {item.full_name}")
        return text_of(item)

    def block_of(self, text: str) -> ScriptBlock:
        """A script block of a text."""
        return ScriptBlock(self, parse(text))

    # -- variables -----------------------------------------------------------------------------------------------

    def variable(self, name: str) -> t.Any:
        """A variable's value, by its name without `$`."""
        low = name.lower()
        special = self._automatic(low)
        if special is not self:
            return special
        prefix, _colon, rest = low.rpartition(":")
        if prefix == "env":
            return self.environment.get(rest.upper())
        scopes = [self.root] if prefix in {"script", "global"} else self.scope.chain()
        if prefix not in {"", "script", "global", "local", "private", "variable"}:
            raise Limit(f"the variable ${name}")
        for scope in scopes:
            if rest in scope.variables:
                value = scope.variables[rest]
                if rest == "input":
                    scope.variables[rest] = []
                return value
        if rest in _NOT_THERE:
            raise Limit(f"the variable ${name}")
        if self.strict:
            exception = NetException(
                "System.Management.Automation.RuntimeException",
                f"The variable '${name}' cannot be retrieved because it has not been set.",
            )
            raise PsError(ErrorRecord(exception, error_id="VariableIsUndefined", category="InvalidOperation"))
        return None

    def _automatic(self, low: str) -> t.Any:
        """An automatic variable; `self` when it is none."""
        simple: dict[str, t.Any] = {
            "true": True,
            "false": False,
            "null": None,
            "?": self.ok,
            "error": NetList(reversed(self.errors)),
        }
        simple |= {"pid": 4242, "home": f"C:\\Users\\{self.host.account}"}
        if low in simple:
            return simple[low]
        if low in {"_", "psitem"}:
            return next((scope.variables["_"] for scope in self.scope.chain() if "_" in scope.variables), None)
        if low == "psversiontable":
            return self._version_table()
        return self

    def _version_table(self) -> HashTable:
        table = HashTable()
        table["PSVersion"] = PsObject({"Major": 5, "Minor": 1, "Build": 20348, "Revision": 1})
        table["PSEdition"] = "Desktop"
        table["BuildVersion"] = self.host.version
        return table

    def set_variable(self, name: str, value: t.Any) -> None:
        """Set a variable where its name says, or in the scope that runs."""
        prefix, _colon, rest = name.lower().rpartition(":")
        if prefix == "env":
            self.environment[rest.upper()] = text_of(value)
            return
        if prefix not in {"", "script", "global", "local", "private"}:
            raise Limit(f"setting the variable ${name}")
        if rest == "null":
            return
        if rest in {"true", "false"}:
            raise self.error(
                f"Cannot overwrite variable {rest} because it is read-only or constant.", error_id="VariableNotWritable"
            )
        scope = self.root if prefix in {"script", "global"} else self.scope
        kind = scope.types.get(rest)
        scope.variables[rest] = convert(self, value, kind) if kind is not None else value

    # -- errors --------------------------------------------------------------------------------------------------

    def error(
        self,
        message: str,
        *,
        kind: str = "System.Management.Automation.RuntimeException",
        error_id: str = "",
        category: str = "InvalidOperation",
        target: t.Any = None,
        activity: str = "",
    ) -> PsError:
        """An error that ends its statement."""
        exception = NetException(kind, message)
        record = ErrorRecord(exception, error_id=error_id, category=category, target=target, activity=activity)
        return PsError(record)

    def preference(self) -> str:
        action = self._action or text_of(self.variable("ErrorActionPreference"))
        return action.lower()

    def report(self, record: ErrorRecord) -> None:
        """A cmdlet's error that does not end it, unless -ErrorAction or the preference says so."""
        self.ok = False
        self._place(record)
        action = self.preference()
        if action == "stop":
            self.errors.append(record)
            raise PsError(record, thrown=True)
        if action == "ignore":
            return
        self.errors.append(record)
        if action != "silentlycontinue":
            self._write_error(record)

    def _place(self, record: ErrorRecord) -> None:
        if not record.line and self._last is not None:
            record.line, record.column = self._last.line, self._last.column
            record.source = self._last.text.split("\n")[0]

    def _show_error(self, record: ErrorRecord) -> None:
        self.messages.append(("Error", "\r\n".join(record.lines())))

    def warn(self, text: str) -> None:
        if text_of(self.variable("WarningPreference")).lower() == "continue":
            self.messages.append(("Warning", text))

    @contextlib.contextmanager
    def error_action(self, action: str | None) -> c.Iterator[None]:
        """-ErrorAction of a command, for as long as it runs."""
        before = self._action
        self._action = action or before
        try:
            yield
        finally:
            self._action = before

    @contextlib.contextmanager
    def _errors_to(self, place: str | None, out: list[t.Any]) -> c.Iterator[None]:
        before = self._write_error
        if place == "output":
            self._write_error = out.append
        elif place == "nothing":
            self._write_error = lambda _record: None
        try:
            yield
        finally:
            self._write_error = before

    # -- statements ----------------------------------------------------------------------------------------------

    def execute(self, node: Node, out: list[t.Any]) -> None:
        """Run a statement; what it gives goes to `out`."""
        if node.kind in {"statement_list", "script_block", "script_block_body", "program"}:
            for part in node.parts:
                self.execute(part, out)
            return
        if node.kind in {"empty_statement", ";"}:
            return
        handler = getattr(self, f"_run_{node.kind}", None)
        if handler is None:
            raise Limit(f"the statement at line {node.line} ({node.kind})")
        if node.kind != "pipeline":
            handler(node, out)
            return
        if self.host.power_cuts != self._power_cuts:
            # The computer went off under the script: nothing more happens, and nobody hears of it.
            raise _Exit(1)
        self._last = node
        try:
            handler(node, out)
        except NetError as error:
            self._failed(PsError(self._record(error)), node)
        except PsError as error:
            self._failed(error, node)

    @staticmethod
    def _record(error: NetError) -> ErrorRecord:
        return ErrorRecord(error.exception, error_id=error.exception.kind.rpartition(".")[2])

    def _failed(self, error: PsError, node: Node) -> None:
        """An error reached its statement: it goes up, or is shown and the next statement runs."""
        self.ok = False
        self._last = node
        self._place(error.record)
        if error.record not in self.errors:
            self.errors.append(error.record)
        action = self.preference()
        if self._trying or action == "stop":
            raise PsError(error.record, thrown=True) from error
        quiet = action in {"silentlycontinue", "ignore"}
        if error.thrown and not quiet:
            raise error
        if not quiet:
            self._write_error(error.record)

    def _block(self, node: Node | None, out: list[t.Any]) -> None:
        if node is None:
            return
        for part in node.parts:
            if part.kind not in {"{", "}"}:
                self.execute(part, out)

    def _condition(self, node: Node | None) -> bool:
        assert node is not None
        return true(self._value_of_pipeline(node))

    def _run_if_statement(self, node: Node, out: list[t.Any]) -> None:
        if self._condition(node.first("pipeline")):
            self._block(node.first("statement_block"), out)
            return
        clauses = node.first("elseif_clauses")
        for clause in clauses.parts if clauses else []:
            if self._condition(clause.first("pipeline")):
                self._block(clause.first("statement_block"), out)
                return
        other = node.first("else_clause")
        if other is not None:
            self._block(other.first("statement_block"), out)

    def _loop_body(self, node: Node, out: list[t.Any]) -> bool:
        """Run a loop's body once; False when it is left."""
        try:
            self._block(node.first("statement_block"), out)
        except _Break:
            return False
        except _Continue:
            pass
        return True

    def _run_while_statement(self, node: Node, out: list[t.Any]) -> None:
        condition = node.parts[2]
        while self._condition(condition):
            if not self._loop_body(node, out):
                return

    def _run_do_statement(self, node: Node, out: list[t.Any]) -> None:
        condition = node.parts[-2]
        until = node.first("until") is not None
        while self._loop_body(node, out):
            if self._condition(condition) == until:
                return

    def _run_for_statement(self, node: Node, out: list[t.Any]) -> None:
        sections: list[list[Node]] = [[], [], []]
        at = 0
        for part in node.parts[2:]:
            if part.kind == ")":
                break
            if part.kind == ";":
                at += 1
            else:
                sections[at].append(part)
        for part in sections[0]:
            self._silently(part)
        while not sections[1] or self._condition(sections[1][0]):
            if not self._loop_body(node, out):
                return
            for part in sections[2]:
                self._silently(part)

    def _silently(self, node: Node) -> None:
        if node.kind == "assignment_expression":
            self._assign(node)
        else:
            self.execute(node, [])

    def _run_foreach_statement(self, node: Node, out: list[t.Any]) -> None:
        name, source = node.first("variable"), node.first("pipeline")
        assert name is not None
        assert source is not None
        for item in as_list(self._value_of_pipeline(source)):
            self.set_variable(_name(name), item)
            if not self._loop_body(node, out):
                return

    def _run_switch_statement(self, node: Node, out: list[t.Any]) -> None:
        source, body = node.first("switch_condition"), node.first("switch_body")
        assert source is not None
        assert body is not None
        options = {part.text.lower() for one in node.named("switch_parameters") for part in one.parts}
        if options - {"-regex", "-wildcard", "-casesensitive", "-exact"}:
            raise Limit(f"switch {' '.join(sorted(options))}")
        pipeline = source.first("pipeline")
        assert pipeline is not None
        clauses = [part for one in body.named("switch_clauses") for part in one.named("switch_clause")]
        for item in items_of(self._value_of_pipeline(pipeline)) or [None]:
            try:
                self._switch_one(item, clauses, options, out)
            except _Break:
                return
            except _Continue:
                continue

    def _switch_one(self, item: t.Any, clauses: list[Node], options: set[str], out: list[t.Any]) -> None:
        with self._item(item):
            matched = False
            for clause in clauses:
                condition, block = clause.parts[0], clause.first("statement_block")
                is_default = condition.text.strip().lower() == "default"
                if (is_default and not matched) or (not is_default and self._switch_fits(item, condition, options)):
                    matched = True
                    self._block(block, out)

    def _switch_fits(self, item: t.Any, condition: Node, options: set[str]) -> bool:
        inside = condition.parts[0] if condition.parts else condition
        case = "-casesensitive" in options
        if inside.kind == "script_block_expression":
            return true(collected(self.run_with_item(self.value(inside), item)))
        wanted = condition.text if inside.kind == "simple_name" or not condition.parts else self.value(inside)
        if "-regex" in options:
            return regex(text_of(wanted), case).search(text_of(item)) is not None
        if "-wildcard" in options:
            return like(text_of(item), text_of(wanted), case=case)
        return same(item, wanted, case=case)

    def _run_try_statement(self, node: Node, out: list[t.Any]) -> None:
        handlers = node.first("catch_clauses")
        last = node.first("finally_clause")
        try:
            self._trying += handlers is not None
            try:
                self._block(node.first("statement_block"), out)
            finally:
                self._trying -= handlers is not None
        except PsError as error:
            self._catch(error, handlers.parts if handlers else [], out)
        finally:
            if last is not None:
                self._block(last.first("statement_block"), out)

    def _catch(self, error: PsError, clauses: list[Node], out: list[t.Any]) -> None:
        record = error.record
        for clause in clauses:
            types = clause.first("catch_type_list")
            caught = record.exception if types is None else self._caught(record.exception, types)
            if caught is None:
                continue
            if caught is not record.exception:
                record = ErrorRecord(caught, error_id=record.error_id, category=record.category, target=record.target)
            before, self._action = self._action, None
            try:
                with self._item(record):
                    self._block(clause.first("statement_block"), out)
            except _Rethrow:
                raise error from None
            finally:
                self._action = before
            return
        raise error

    @staticmethod
    def _caught(exception: NetException, types: Node) -> NetException | None:
        """Which exception a typed catch gets: the one inside of a method's exception comes first."""
        wanted = {_type_text(one).lower() for one in types.named("type_literal")}
        wanted |= {f"system.{name}" for name in wanted} | {f"system.management.automation.{name}" for name in wanted}
        for candidate in (exception.inner, exception):
            if candidate and {name.lower() for name in candidate.type_names()} & wanted:
                return candidate
        return None

    def _run_flow_control_statement(self, node: Node, out: list[t.Any]) -> None:
        word, value = node.parts[0].kind.lower(), node.first("pipeline")
        if word == "return":
            if value is not None:
                self.execute(value, out)
            raise _Return
        if word == "throw":
            self._throw(node, value)
            return
        if word == "exit":
            code = as_int(self._value_of_pipeline(value)) if value is not None else 0
            raise _Exit(code & 0xFFFFFFFF)
        if len(node.parts) > 1:
            raise Limit(f"{word} with a label")
        raise _Break if word == "break" else _Continue

    def _throw(self, node: Node, value: Node | None) -> None:
        self._last = node
        if value is None:
            if isinstance(self.variable("_"), ErrorRecord):
                raise _Rethrow
            what: t.Any = "ScriptHalted"
        else:
            what = self._value_of_pipeline(value)
        if isinstance(what, ErrorRecord):
            record = what
        elif isinstance(what, NetException):
            record = ErrorRecord(what, error_id=what.message, category="OperationStopped")
        else:
            text = text_of(what)
            exception = NetException("System.Management.Automation.RuntimeException", text, hresult=0x80131501)
            record = ErrorRecord(exception, error_id=text, category="OperationStopped", target=what)
        self._place(record)
        if record not in self.errors:
            self.errors.append(record)
        # Documented for SilentlyContinue: outside of `try`, throw then does nothing.
        if self._trying or self.preference() not in {"silentlycontinue", "ignore"}:
            raise PsError(record, thrown=True)

    def _run_function_statement(self, node: Node, out: list[t.Any]) -> None:
        del out
        name = node.first("function_name")
        assert name is not None
        if node.parts[0].kind.lower() != "function":
            raise Limit(f"a {node.parts[0].kind}")
        bare = name.text.lower().rpartition(":")[2]
        self.scope.functions[bare] = ScriptBlock(self, node, name.text)

    # -- pipelines -----------------------------------------------------------------------------------------------

    @staticmethod
    def _pure(node: Node) -> Node | None:
        """The expression that a pipeline is, when it is one without a command."""
        if node.kind != "pipeline":
            return node
        if len(node.parts) == 1 and node.parts[0].kind == "pipeline_chain" and len(node.parts[0].parts) == 1:
            inside = node.parts[0].parts[0]
            if inside.kind != "command":
                return inside
        return None

    def _value_of_pipeline(self, node: Node) -> t.Any:
        """What a pipeline gives where a value is wanted: an expression's value as it is, or the output collected."""
        if node.kind == "pipeline" and len(node.parts) == 1 and node.parts[0].kind == "assignment_expression":
            return self._assign(node.parts[0])
        if node.kind not in {"pipeline", "pipeline_chain"} and node.kind.endswith("_statement"):
            out: list[t.Any] = []
            self.execute(node, out)
            return collected(out)
        pure = self._pure(node)
        if pure is not None:
            value = self.value(pure)
            self.ok = True
            return value
        out = []
        self._run_pipeline(node, out)
        return collected(out)

    def _run_pipeline(self, node: Node, out: list[t.Any]) -> None:
        if len(node.parts) != 1:
            raise Limit(f"the pipeline at line {node.line}")
        inside = node.parts[0]
        if inside.kind == "assignment_expression":
            self._assign(inside)
            return
        stages: list[list[Node]] = [[]]
        for part in inside.parts:
            if part.kind == "|":
                stages.append([])
            else:
                stages[-1].append(part)
        items: list[t.Any] | None = None
        for number, stage in enumerate(stages):
            target: list[t.Any] = out if number == len(stages) - 1 else []
            self._stage(stage, items, target)
            items = target

    def _run_pipeline_chain(self, node: Node, out: list[t.Any]) -> None:
        self._run_pipeline(Node("pipeline", node.text, [node], node.line, node.column, node.start), out)

    def _stage(self, parts: list[Node], items: list[t.Any] | None, out: list[t.Any]) -> None:
        first = parts[0]
        if first.kind == "command":
            self._command(first, items, out)
            return
        if items is not None:
            raise Limit(f"an expression behind a pipe, at line {first.line},")
        redirections: dict[str, str] = {}
        for group in parts[1:]:
            for one in group.parts:
                self._redirection(one, redirections)
        with self._errors_to(redirections.get("errors"), out):
            value = self.value(first)
        if not _is_step(first) and redirections.get("output") != "nothing":
            out.extend(items_of(value))
        self.ok = True

    def _redirection(self, node: Node, found: dict[str, str]) -> None:
        merging = node.first("merging_redirection_operator")
        if merging is not None:
            if merging.text not in {"2>&1", "*>&1"}:
                raise Limit(f"the redirection {merging.text}")
            found["errors"] = "output"
            return
        sign, name = node.parts[0].text, node.parts[-1]
        target = next((part for part in [*name.parts, name] if part.kind == "variable"), name)
        if target.text.lower() != "$null":
            raise Limit(f"redirecting to the file {target.text}")
        streams = {">": ["output"], ">>": ["output"], "1>": ["output"], "2>": ["errors"], "*>": ["output", "errors"]}
        if sign not in {*streams, "3>", "4>", "5>", "6>"}:
            raise Limit(f"the redirection {sign}")
        for stream in streams.get(sign, []):
            found[stream] = "nothing"

    # -- commands ------------------------------------------------------------------------------------------------

    def _command(self, node: Node, items: list[t.Any] | None, out: list[t.Any]) -> None:
        operator = node.first("command_invokation_operator")
        name = self._command_name(node, operator)
        elements = node.first("command_elements")
        given = self._arguments(elements.parts if elements else [])
        target: list[t.Any] = [] if given.redirections.get("output") == "nothing" else out
        with self._errors_to(given.redirections.get("errors"), target):
            self.ok = True
            dot = operator is not None and operator.text.strip() == "."
            self._dispatch(name, given, items, target, dot=dot)

    def _command_name(self, node: Node, operator: Node | None) -> t.Any:
        word = node.first("command_name")
        if word is not None:
            return self.expand(word.text) if "$" in word.text else word.text.replace("`", "")
        inside = next(
            part for part in node.parts if part.kind not in {"command_invokation_operator", "command_elements"}
        )
        if operator is None and inside.kind != "foreach":
            raise Limit(f"the command at line {node.line}")
        if inside.kind == "command_name_expr":
            inside = inside.parts[0]
        return self.value(inside)

    def _dispatch(
        self, name: t.Any, given: Arguments, items: list[t.Any] | None, out: list[t.Any], *, dot: bool
    ) -> None:
        if isinstance(name, ScriptBlock):
            self.invoke(name, given.items, out, items=items, dot=dot)
            return
        text = text_of(name)
        function = next((s.functions[text.lower()] for s in self.scope.chain() if text.lower() in s.functions), None)
        if function is not None:
            self.invoke(function, given.items, out, items=items, dot=dot)
            return
        if not run_cmdlet(self, text, given.items, items, out):
            run_program(self, text, given.items, items, out)

    def _arguments(self, parts: list[Node]) -> Arguments:
        given = Arguments()
        bind_next = False
        for part in _joined(parts):
            if part.kind == "command_argument_sep":
                bind_next = part.text.strip() == ":" or any(one.kind == ":" for one in part.parts)
            elif part.kind == "redirection":
                self._redirection(part, given.redirections)
            elif part.kind == "command_parameter":
                self._parameter(part, given)
            else:
                self._argument(part, given, bind=bind_next)
                bind_next = False
        return given

    @staticmethod
    def _parameter(part: Node, given: Arguments) -> None:
        name, colon, value = part.text.partition(":")
        if colon and value:
            raise Limit(f"the argument {part.text}")
        given.items.append((name, Arguments.NOTHING))

    def _argument(self, part: Node, given: Arguments, *, bind: bool) -> None:
        if part.kind == "variable" and part.text.startswith("@"):
            self._splat(self.variable(part.text[1:]), given)
            return
        if part.kind == "generic_token" and part.text.startswith(">"):
            # `>$null` without a blank is a word to the grammar.
            if part.text.lower() not in {">$null", ">>$null"}:
                raise Limit(f"redirecting to the file {part.text}")
            given.redirections["output"] = "nothing"
            return
        if part.kind == "generic_token":
            self._token(part.text, given, bind=bind)
            return
        value = self.value(part)
        if bind and given.items and given.items[-1][1] is Arguments.NOTHING:
            given.items[-1] = (given.items[-1][0], value)
        else:
            given.items.append((None, value))

    def _token(self, text: str, given: Arguments, *, bind: bool) -> None:
        """A bare word; a comma makes an array of it and its neighbours."""
        words = [self.expand(word) for word in text.split(",")] if text != "," else ["", ""]
        value: t.Any = words[0] if len(words) == 1 else [word for word in words if word]
        if text.startswith(",") and given.items and given.items[-1][0] is None:
            before = given.items.pop()[1]
            value = [*items_of(before), *(value if isinstance(value, list) else [value])]
        if bind and given.items and given.items[-1][1] is Arguments.NOTHING:
            given.items[-1] = (given.items[-1][0], value)
            return
        given.items.append((None, value))

    @staticmethod
    def _splat(value: t.Any, given: Arguments) -> None:
        if isinstance(value, HashTable):
            given.items += [(f"-{text_of(key)}", item) for key, item in value.pairs()]
        else:
            given.items += [(None, item) for item in as_list(value)]

    # -- script blocks and functions -----------------------------------------------------------------------------

    def invoke(
        self,
        block: ScriptBlock,
        args: c.Sequence[t.Any],
        out: list[t.Any],
        *,
        items: list[t.Any] | None = None,
        dot: bool = False,
    ) -> None:
        """Call a script block or function; `args` are values, or a command's arguments."""
        given = [one if isinstance(one, tuple) else (None, one) for one in args]
        before = self.scope
        scope = before if dot else Scope(before)
        scope.variables.update(block.captured)
        scope.variables["input"] = list(items or [])
        params, bodies = _parts_of(block.node)
        try:
            self.scope = scope
            rest = self._bind(params, given, scope) if params is not None else _plain(given)
            scope.variables["args"] = rest
            for body in bodies:
                self._body(body, items, out)
        except _Return:
            pass
        finally:
            self.scope = before

    def _body(self, body: Node, items: list[t.Any] | None, out: list[t.Any]) -> None:
        named = [one for part in [body, *body.parts] for one in part.named("named_block_list")]
        if not named and body.kind != "named_block_list":
            self.execute(body, out)
            return
        for block in (named[0] if named else body).named("named_block"):
            word, statements = block.parts[0].text.lower(), block.first("statement_block")
            if word == "process":
                for item in items if items is not None else [None]:
                    with self._item(item):
                        self._block(statements, out)
            elif word in {"begin", "end"}:
                self._block(statements, out)
            else:
                raise Limit(f"a {word} block")

    @contextlib.contextmanager
    def _item(self, item: t.Any) -> c.Iterator[None]:
        """`$_` for as long as a block runs."""
        missing = object()
        scope = self.scope
        before = scope.variables.get("_", missing)
        scope.variables["_"] = item
        try:
            yield
        finally:
            if before is missing:
                scope.variables.pop("_", None)
            else:
                scope.variables["_"] = before

    def run_with_item(self, block: t.Any, item: t.Any) -> list[t.Any]:
        """What a block of ForEach-Object or Where-Object gives for an item; it runs in its caller's scope."""
        out: list[t.Any] = []
        self.run_block_with_item(block, item, out)
        return out

    def run_block_with_item(self, block: t.Any, item: t.Any, out: list[t.Any]) -> None:
        if not isinstance(block, ScriptBlock):
            raise self.error("Cannot convert the value to a ScriptBlock.", category="InvalidArgument")
        params, bodies = _parts_of(block.node)
        with self._item(item):
            if params is not None:
                self._bind(params, [], self.scope)
            before = {name: value for name, value in self.scope.variables.items() if name in block.captured}
            self.scope.variables.update(block.captured)
            try:
                for body in bodies:
                    self.execute(body, out)
            except _Return:
                pass
            finally:
                self.scope.variables.update(before)

    def _bind(self, params: Node, given: list[tuple[str | None, t.Any]], scope: Scope) -> list[t.Any]:
        """A function's parameters get their values; what is left over is $args."""
        wanted = [
            _Parameter(one) for block in params.named("parameter_list") for one in block.named("script_parameter")
        ]
        values, rest = _assigned(wanted, given, self)
        advanced = any(param.advanced for param in wanted) or "cmdletbinding" in params.text.lower()
        if rest and advanced:
            raise self.error(
                f"A positional parameter cannot be found that accepts argument '{text_of(rest[0])}'.",
                kind="System.Management.Automation.ParameterBindingException",
                error_id="PositionalParameterNotFound",
                category="InvalidArgument",
            )
        for param in wanted:
            kind = find_type(param.type_name) if param.type_name else None
            if param.name in values:
                value = values[param.name]
            elif param.mandatory:
                raise self.error(
                    f"Cannot process command because of one or more missing mandatory parameters: {param.shown}.",
                    kind="System.Management.Automation.ParameterBindingException",
                    error_id="MissingMandatoryParameter",
                    category="InvalidArgument",
                )
            else:
                value = self.value(param.default) if param.default is not None else None
            if kind is not None and (param.name in values or param.default is not None or not _nullable(kind)):
                value = convert(self, value, kind)
                scope.types[param.name] = kind
            scope.variables[param.name] = value
        return rest

    # -- assignment ----------------------------------------------------------------------------------------------

    def _assign(self, node: Node) -> t.Any:
        target = node.parts[0]
        operator, source = node.parts[1].text.strip(), node.parts[-1]
        value = self._value_of_pipeline(source)
        if operator != "=":
            value = arithmetic(operator[:-1], self.value(target), value)
        self._store(target, value)
        return value

    def _store(self, target: Node, value: t.Any) -> None:
        handler = {
            "variable": self._store_variable,
            "cast_expression": self._store_typed,
            "member_access": self._store_member,
            "element_access": self._store_element,
            "array_literal_expression": self._store_several,
            "parenthesized_expression": self._store_inside,
        }.get(target.kind)
        if handler is None:
            raise Limit(f"assigning to `{target.text}`")
        handler(target, value)

    def _store_inside(self, node: Node, value: t.Any) -> None:
        self._store(_inside(node), value)

    def _store_variable(self, node: Node, value: t.Any) -> None:
        self.set_variable(_name(node), value)

    def _store_typed(self, node: Node, value: t.Any) -> None:
        kind, inner = find_type(_type_text(node.parts[0])), node.parts[1]
        if inner.kind != "variable":
            raise Limit(f"assigning to `{node.text}`")
        value = convert(self, value, kind)
        self.scope.types.pop(_name(inner).lower(), None)
        self.set_variable(_name(inner), value)
        if kind.name not in {"ordered", "System.Management.Automation.PSCustomObject"}:
            self.scope.types[_name(inner).lower()] = kind

    def _store_member(self, node: Node, value: t.Any) -> None:
        name = self._member_name(node.parts[2])
        value = None if value is VOID else value
        if node.parts[1].kind == "::":
            kind = self.value(node.parts[0])
            setter = kind.setters.get(name.lower()) if isinstance(kind, NetType) else None
            if setter is None:
                raise Limit(f"setting `{node.text}`")
            setter(self, value)
            return
        members.set_property(self.value(node.parts[0]), name, value)

    def _store_element(self, node: Node, value: t.Any) -> None:
        owner, key = self.value(node.parts[0]), self.value(node.parts[2])
        value = None if value is VOID else value
        if isinstance(owner, HashTable):
            owner[key] = value
        elif isinstance(owner, list | bytearray):
            at = as_int(key)
            if not -len(owner) <= at < len(owner):
                raise net_error("System.IndexOutOfRangeException", "Index was outside the bounds of the array.")
            owner[at] = as_int(value) if isinstance(owner, bytearray) else value
        else:
            raise Limit(f"assigning to an element of {type_name(owner)}")

    def _store_several(self, node: Node, value: t.Any) -> None:
        targets = [part for part in node.parts if part.kind != ","]
        values = as_list(value)
        for at, target in enumerate(targets):
            last = at == len(targets) - 1
            rest = values[at:]
            self._store(target, collected(rest) if last and len(rest) > 1 else rest[0] if rest else None)

    # -- expressions ---------------------------------------------------------------------------------------------

    def value(self, node: Node) -> t.Any:
        """What an expression is."""
        handler = getattr(self, f"_value_{node.kind}", None)
        if handler is None:
            raise Limit(f"`{node.text[:60]}` at line {node.line} ({node.kind})")
        return handler(node)

    def _value_variable(self, node: Node) -> t.Any:
        return self.variable(_name(node))

    @staticmethod
    def _value_verbatim_string_characters(node: Node) -> str:
        return node.text[1:-1].replace("''", "'")

    @staticmethod
    def _value_verbatim_here_string_characters(node: Node) -> str:
        return _here(node.text)

    def _value_expandable_string_literal(self, node: Node) -> str:
        return self._expanded(node, node.text.encode(), 1, len(node.text.encode()) - 1)

    def _value_expandable_here_string_literal(self, node: Node) -> str:
        source = node.text.encode()
        return self._expanded(node, source, source.index(b"\n") + 1, source.rindex(b"\n"), here=True)

    def _expanded(self, node: Node, source: bytes, at: int, end: int, *, here: bool = False) -> str:
        text = ""
        for part in node.parts:
            if part.kind not in {"variable", "sub_expression"}:
                continue
            begin = part.start - node.start
            if begin < at:
                continue
            piece = source[at:begin].decode()
            text += _unescaped(piece, here=here) + text_of(self.value(part))
            at = begin + len(part.text.encode())
        return text + _unescaped(source[at : max(at, end)].decode(), here=here)

    def expand(self, text: str) -> str:
        """A bare word's text, with its variables."""
        if "$" not in text:
            return re.sub(r"`(.)", r"\1", text)
        node = parse('"' + text.replace('"', '""') + '"')
        found = node
        while found.kind != "expandable_string_literal":
            found = found.parts[0]
        return text_of(self.value(found))

    @staticmethod
    def _value_decimal_integer_literal(node: Node) -> int | float:
        return _number(node.text)

    @staticmethod
    def _value_hexadecimal_integer_literal(node: Node) -> int:
        number = int(node.text.rstrip("lL"), 16)
        return number - (1 << 32) if 1 << 31 <= number < 1 << 32 and len(node.text) == 10 else number

    @staticmethod
    def _value_real_literal(node: Node) -> int | float:
        return _number(node.text)

    def _value_generic_token(self, node: Node) -> str:
        return self.expand(node.text)

    def _value_simple_name(self, node: Node) -> str:
        return node.text.strip()

    def _value_type_literal(self, node: Node) -> NetType:
        return find_type(_type_text(node))

    def _value_logical_expression(self, node: Node) -> bool:
        left, sign, right = node.parts
        word = sign.text.lower()
        first = true(self.value(left))
        if word == "-and":
            return first and true(self.value(right))
        if word == "-or":
            return first or true(self.value(right))
        return first != true(self.value(right))

    def _binary(self, node: Node) -> t.Any:
        left, sign, right = node.parts
        return compare(self, sign.text.strip(), self.value(left), self.value(right))

    _value_bitwise_expression = _binary
    _value_comparison_expression = _binary

    def _arithmetic(self, node: Node) -> t.Any:
        left, sign, right = node.parts
        return arithmetic(sign.text.strip(), self.value(left), self.value(right))

    _value_additive_expression = _arithmetic
    _value_multiplicative_expression = _arithmetic

    def _value_format_expression(self, node: Node) -> str:
        pattern, _sign, values = node.parts
        found = self.value(values)
        return format_text(text_of(self.value(pattern)), items_of(found) if isinstance(found, list) else [found])

    def _value_range_expression(self, node: Node) -> list[int]:
        first, last = as_int(self.value(node.parts[0])), as_int(self.value(node.parts[2]))
        step = 1 if last >= first else -1
        return list(range(first, last + step, step))

    def _value_array_literal_expression(self, node: Node) -> list[t.Any]:
        return [_null(self.value(part)) for part in node.parts if part.kind != ","]

    def _value_expression_with_unary_operator(self, node: Node) -> t.Any:
        sign, operand = node.parts[0].text.strip().lower(), node.parts[-1]
        value = self.value(operand)
        if sign in {"-not", "!"}:
            return not true(value)
        if sign == ",":
            return [_null(value)]
        if sign in {"-", "+"}:
            number = as_number(value)
            return -number if sign == "-" else number
        if sign in {"-join", "-ijoin"}:
            return "".join(text_of(item) for item in as_list(value))
        if sign in {"-split", "-isplit"}:
            return [word for item in as_list(value) for word in text_of(item).split()]
        if sign == "-bnot":
            return ~as_int(value)
        raise Limit(f"the operator {sign}")

    def _step(self, node: Node) -> t.Any:
        target = next(part for part in node.parts if part.kind not in {"++", "--"})
        sign = next(part.kind for part in node.parts if part.kind in {"++", "--"})
        before = as_number(self.value(target))
        after = before + (1 if sign == "++" else -1)
        self._store(target, after)
        return before if node.kind.startswith("post") else after

    _value_post_increment_expression = _step
    _value_post_decrement_expression = _step
    _value_pre_increment_expression = _step
    _value_pre_decrement_expression = _step

    def _value_cast_expression(self, node: Node) -> t.Any:
        kind = find_type(_type_text(node.parts[0]))
        return convert(self, self.value(node.parts[1]), kind)

    def _value_parenthesized_expression(self, node: Node) -> t.Any:
        return self._value_of_pipeline(_inside(node))

    def _outputs(self, node: Node) -> list[t.Any]:
        out: list[t.Any] = []
        for part in node.parts[1:-1]:
            self.execute(part, out)
        return out

    def _value_sub_expression(self, node: Node) -> t.Any:
        return collected(self._outputs(node))

    def _value_array_expression(self, node: Node) -> list[t.Any]:
        return self._outputs(node)

    def _value_hash_literal_expression(self, node: Node) -> HashTable:
        table = HashTable()
        for body in node.named("hash_literal_body"):
            for entry in body.named("hash_entry"):
                key, source = entry.parts[0], entry.parts[2]
                name = key.text.strip() if key.kind == "simple_name" else self.value(key)
                table[name] = _null(self._value_of_pipeline(source))
        return table

    def _value_script_block_expression(self, node: Node) -> ScriptBlock:
        return ScriptBlock(self, node)

    def _value_element_access(self, node: Node) -> t.Any:
        owner, key = self.value(node.parts[0]), self.value(node.parts[2])
        if owner is None or owner is VOID:
            raise self.error("Cannot index into a null array.", error_id="NullArray")
        if isinstance(owner, HashTable):
            return [owner[one] for one in key] if isinstance(key, list) else owner[key]
        if isinstance(owner, list) and isinstance(key, str):
            return next((one for one in owner if isinstance(one, NetObject) and same(one.get("Name"), key)), None)
        if isinstance(owner, list | bytes | bytearray | str):
            return self._elements(owner, key)
        raise Limit(f"an index into {type_name(owner)}")

    def _elements(self, owner: list[t.Any] | bytes | bytearray | str, key: t.Any) -> t.Any:
        def one(number: t.Any) -> t.Any:
            at = as_int(number)
            if -len(owner) <= at < len(owner):
                return owner[at]
            if self.strict:
                raise net_error("System.IndexOutOfRangeException", "Index was outside the bounds of the array.")
            return None

        if isinstance(key, list):
            return [owner[as_int(at)] for at in key if -len(owner) <= as_int(at) < len(owner)]
        return one(key)

    def _member_name(self, node: Node) -> str:
        inside = node.parts[0] if node.kind == "member_name" and node.parts else node
        return inside.text.strip() if inside.kind in {"simple_name", "member_name"} else text_of(self.value(inside))

    def _value_member_access(self, node: Node) -> t.Any:
        owner, name = self.value(node.parts[0]), self._member_name(node.parts[2])
        if node.parts[1].kind == "::":
            return self._kind(owner).static(self, name)
        return members.get_property(self, owner, name)

    def _value_argument_list(self, node: Node) -> t.Any:
        """`New-Object Name('x')`: an argument in parentheses, close to the word before it."""
        values = self._list_of(node)
        return values[0] if len(values) == 1 else values

    def _list_of(self, node: Node | None) -> list[t.Any]:
        return [
            _null(self.value(part))
            for block in (node.parts if node else [])
            if block.kind not in {"(", ")"}
            for part in (block.parts if block.kind == "argument_expression_list" else [block])
            if part.kind != ","
        ]

    @staticmethod
    def _kind(owner: t.Any) -> NetType:
        return owner if isinstance(owner, NetType) else find_type(text_of(owner))

    def _value_invokation_expression(self, node: Node) -> t.Any:
        owner, name = self.value(node.parts[0]), self._member_name(node.parts[2])
        args = self._list_of(node.first("argument_list"))
        if node.parts[1].kind == "::":
            return self.call_static(self._kind(owner), name, args)
        return self._wrapped(name, len(args), lambda: members.call_method(self, owner, name, args))

    def call_static(self, kind: NetType, name: str, args: list[t.Any]) -> t.Any:
        """`[kind]::name(args)`."""
        if name.lower() == "new":
            return self.construct(kind, args)
        method = kind.methods.get(name.lower())
        if method is None:
            raise Limit(f"the static method {name} of {kind.name}")
        return self._wrapped(name, len(args), lambda: _called(method, self, args, f"{kind.name}.{name}"))

    def construct(self, kind: NetType, args: list[t.Any]) -> t.Any:
        """`[kind]::new(args)`."""
        maker = kind.new
        if maker is None:
            raise Limit(f"a new {kind.name}")
        return self._wrapped(".ctor", len(args), lambda: _called(maker, self, args, f"a new {kind.name}"))

    def _wrapped(self, name: str, count: int, work: c.Callable[[], t.Any]) -> t.Any:
        """A method's exception comes wrapped, as PowerShell does it."""
        try:
            return work()
        except NetError as error:
            raise PsError(self.wrap(name, count, error.exception)) from error

    @staticmethod
    def wrap(name: str, count: int, exception: NetException) -> ErrorRecord:
        """The record of a MethodInvocationException."""
        text = f'Exception calling "{name}" with "{count}" argument(s): "{exception.message}"'
        outer = NetException(
            "System.Management.Automation.MethodInvocationException", text, inner=exception, hresult=0x80131501
        )
        return ErrorRecord(outer, error_id=exception.kind.rpartition(".")[2])


class _Rethrow(Exception):
    """`throw` alone in a catch block."""


# -- parts of the tree -------------------------------------------------------------------------------------------


class _Parameter:
    """A parameter as a function declares it."""

    def __init__(self, node: Node) -> None:
        variable = node.first("variable")
        assert variable is not None
        self.shown = _name(variable)
        self.name = self.shown.lower()
        default = node.first("script_parameter_default")
        self.default = default.parts[-1] if default else None
        self.type_name, self.mandatory, self.advanced = "", False, False
        for attribute in [one for part in node.named("attribute_list") for one in part.named("attribute")]:
            self._attribute(attribute)

    def _attribute(self, node: Node) -> None:
        kind = node.first("type_literal")
        if kind is not None:
            self.type_name = _type_text(kind)
            return
        name = node.first("attribute_name")
        word = name.text.lower() if name else ""
        if word in {"allownull", "allowemptystring", "allowemptycollection"}:
            return
        if word != "parameter":
            raise Limit(f"the attribute {node.text}")
        self.advanced = True
        text = node.text.lower().replace(" ", "")
        self.mandatory = "mandatory" in text and "mandatory=$false" not in text

    @property
    def is_switch(self) -> bool:
        return self.type_name.lower() in {"switch", "system.management.automation.switchparameter"}


def _assigned(
    wanted: list[_Parameter], given: list[tuple[str | None, t.Any]], shell: PowerShell
) -> tuple[dict[str, t.Any], list[t.Any]]:
    """Which parameter gets which argument: by name (or the beginning of one), then by place."""
    values: dict[str, t.Any] = {}
    waiting: _Parameter | None = None
    loose: list[t.Any] = []
    for name, value in given:
        if name is None:
            if waiting is not None:
                values[waiting.name], waiting = value, None
            else:
                loose.append(value)
            continue
        word = name.lstrip("-").lower()
        found = [one for one in wanted if one.name == word] or [one for one in wanted if one.name.startswith(word)]
        if not found and word in {"erroraction", "ea", "verbose", "debug", "errorvariable", "warningaction", "whatif"}:
            raise Limit(f"-{word} of a function")
        if len(found) != 1:
            raise shell.error(
                f"A parameter cannot be found that matches parameter name '{name.lstrip('-')}'.",
                kind="System.Management.Automation.ParameterBindingException",
                error_id="NamedParameterNotFound",
                category="InvalidArgument",
            )
        if value is not Arguments.NOTHING:
            values[found[0].name] = value
        elif found[0].is_switch:
            values[found[0].name] = True
        else:
            waiting = found[0]
    free = [one for one in wanted if one.name not in values and not one.is_switch]
    for param, value in zip(free, loose, strict=False):
        values[param.name] = _null(value)
    return values, loose[len(free) :]


def _joined(parts: list[Node]) -> list[Node]:
    """`$x.Method() y`: the grammar has the call's arguments behind the method, in a part of their own."""
    found: list[Node] = []
    for part in parts:
        before = found[-1] if found else None
        apart = before is None or "command_argument_sep" in {part.kind, before.kind}
        if apart or (part.kind == "argument_list" and before is not None and before.kind == "generic_token"):
            found.append(part)
        elif before is not None and part.kind == "argument_list" and before.kind == "member_access":
            call = Node("invokation_expression", before.text + part.text, [*before.parts, part], *_place(before))
            found[-1] = call
        else:
            raise Limit(f"the arguments at line {part.line}, at `{part.text[:40]}`,")
    return found


def _place(node: Node) -> tuple[int, int, int]:
    return node.line, node.column, node.start


def _nullable(kind: NetType) -> bool:
    return kind.cast is None and kind.name != "System.String" and kind.members is None


def _called(method: c.Callable[..., t.Any], shell: PowerShell, args: list[t.Any], what: str) -> t.Any:
    try:
        return method(shell, *args)
    except TypeError as error:
        if "positional argument" not in str(error):
            raise
        raise Limit(f"{what} with {len(args)} arguments") from error


def _plain(given: list[tuple[str | None, t.Any]]) -> list[t.Any]:
    found: list[t.Any] = []
    for name, value in given:
        if name is not None:
            found.append(name)
        if value is not Arguments.NOTHING:
            found.append(_null(value))
    return found


def _parts_of(node: Node) -> tuple[Node | None, list[Node]]:
    """The parameters and the bodies of a block, function or script."""
    params = node.first("param_block")
    bodies: list[Node] = []
    for part in node.parts:
        if part.kind == "function_parameter_declaration":
            params = part
        elif part.kind == "script_block":
            params = part.first("param_block") or params
            bodies += [one for one in part.parts if one.kind != "param_block"]
        elif part.kind in {"statement_list", "script_block_body", "named_block_list"}:
            bodies.append(part)
    return params, bodies


def _inside(node: Node) -> Node:
    return next(part for part in node.parts if part.kind not in {"(", ")"})


def _null(value: t.Any) -> t.Any:
    return None if value is VOID else value


def _name(node: Node) -> str:
    text = node.text.strip().lstrip("$@")
    return text[1:-1] if text.startswith("{") else text


def _type_text(node: Node) -> str:
    return re.sub(r"\s", "", node.text.strip())[1:-1]


def _is_step(node: Node) -> bool:
    return "increment" in node.kind or "decrement" in node.kind


def _here(text: str) -> str:
    return text[text.index("\n") + 1 : text.rindex("\n")]


def _unescaped(text: str, *, here: bool) -> str:
    return unescape(text.replace('"', '""')) if here else unescape(text)


def _number(text: str) -> int | float:
    match = re.fullmatch(r"(\d+)?(\.\d+)?(e[+-]?\d+)?[ld]?(kb|mb|gb|tb)?", text.strip().lower())
    assert match is not None
    factor = _KILO.get(match[4] or "", 1)
    if match[2] is None and match[3] is None:
        return int(match[1]) * factor
    return float(f"{match[1] or 0}{match[2] or ''}{match[3] or ''}") * factor
