# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of `camsec-ftpes-server`."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses as dc
import getpass
import json
import os
import pathlib
import stat
import sys
import time
import typing as t

import argon2
import yaml

from ...plugins.module_utils._core._errors import CamsecError, InputError
from ...plugins.module_utils._core._secret import Secret
from ._config import OPTIONS, Configuration, read_configuration
from ._home import Home
from ._server import Endpoint
from ._upload import sync_directory
from ._users import User, UsersFile, check_name, check_password

__all__ = ["main"]

_COMMANDS: t.Final = ("serve", "temporary", "user")
_DAY: t.Final = 86400.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="camsec-ftpes-server", description="Takes evidence over explicit FTPS (FTPES), write once."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve (the default command)")
    _add_options(serve)
    serve.add_argument("--check", action="store_true", help="check the configuration, say what it means, and end")
    temporary = commands.add_parser("temporary", help="list or remove what was never completed")
    _add_options(temporary)
    temporary.add_argument("--older-than-days", type=float, default=7.0, metavar="N", help="(default: 7)")
    temporary.add_argument("--remove", action="store_true", help="remove them; without it they are listed")
    _add_user(commands.add_parser("user", help="change the users file; passwords come from standard input"))
    return parser


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=pathlib.Path, metavar="FILE", help="configuration (YAML)")
    for name, option in OPTIONS.items():
        if option.scalar:
            default = "" if option.default in (..., None) else f" (default: {option.default})"
            parser.add_argument(
                f"--{name.replace('_', '-')}", dest=f"set_{name}", metavar="VALUE", help=f"{option.help}{default}"
            )
    parser.add_argument(
        "--certificate",
        nargs=2,
        action="append",
        metavar=("PEM", "KEY"),
        help="a certificate and its key; twice at most",
    )


def _add_user(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--users-file", type=pathlib.Path, required=True, metavar="FILE")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, text in (
        ("add", "add a user; the password is read from standard input, or asked for"),
        ("set-password", "give a user another password"),
        ("remove", "remove a user; the home stays"),
        ("enable", "let a user log in again"),
        ("disable", "let a user log in no more"),
    ):
        one = actions.add_parser(action, help=text)
        one.add_argument("name")
        if action == "add":
            one.add_argument("--no-download", action="store_true", help="the user may not read back")
    apply = actions.add_parser(
        "apply", help="have exactly the users of a JSON list on standard input: name, password, download, enabled"
    )
    apply.add_argument("--dry-run", action="store_true", help="tell what would change")
    actions.add_parser("list", help="list the users").add_argument("--format", choices=("text", "json"), default="text")


def main(argv: t.Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; without it, those of the process.

    Returns:
        0; 1 when it cannot be done, with one sentence on standard error; 2 for a wrong command line.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (arguments[0] not in _COMMANDS and arguments[0] not in ("-h", "--help")):
        arguments.insert(0, "serve")
    options = _parser().parse_args(arguments)
    try:
        return {"serve": _serve, "temporary": _temporary, "user": _user}[options.command](options)
    except CamsecError as error:
        print(f"camsec-ftpes-server: {error.message}", file=sys.stderr)
        return 1


def _configuration(options: argparse.Namespace) -> Configuration:
    overrides: dict[str, t.Any] = {
        name: yaml.safe_load(value) for name in OPTIONS if (value := getattr(options, f"set_{name}", None)) is not None
    }
    if options.certificate:
        overrides["certificates"] = [
            {"certificate_path": str(pathlib.Path(pem).absolute()), "key_path": str(pathlib.Path(key).absolute())}
            for pem, key in options.certificate
        ]
    return read_configuration(options.config, overrides)


def _serve(options: argparse.Namespace) -> int:
    endpoint = Endpoint(_configuration(options))
    if options.check:
        print("\n".join(["the configuration is valid", *endpoint.notes()]))
        return 0
    endpoint.run()
    return 0


def _temporary(options: argparse.Namespace) -> int:
    configuration = _configuration(options)
    before = time.time() - options.older_than_days * _DAY
    for path in _never_completed(configuration, before):
        status = path.lstat()
        if options.remove:
            path.unlink()
            sync_directory(str(path.parent))
        told = {
            "path": str(path),
            "size": status.st_size,
            "modified": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(status.st_mtime)),
            "removed": options.remove,
        }
        print(json.dumps(told))
    return 0


def _never_completed(configuration: Configuration, before: float) -> t.Iterator[pathlib.Path]:
    """Files that are no evidence: a temporary name, or a mode that still lets them be written."""
    for folder, dummy, names in os.walk(os.path.realpath(configuration.root)):
        for name in names:
            path = pathlib.Path(folder, name)
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_mtime > before:
                continue
            if status.st_mode & stat.S_IWUSR or Home.named_temporary(name, configuration.temporary_names):
                yield path


def _password() -> Secret:
    if sys.stdin.isatty():
        password = Secret(getpass.getpass("Password: "))
        if Secret(getpass.getpass("Again: ")) != password:
            raise InputError(device="prompt", subject="password", found="two different ones", expected="the same twice")
    else:
        password = Secret(sys.stdin.readline().rstrip("\r\n"))
    check_password(password, "standard input")
    return password


def _user(options: argparse.Namespace) -> int:
    file = UsersFile(options.users_file.absolute())
    if options.action == "list":
        return _list(file, options.format)
    if options.action == "apply":
        return _apply(file, dry_run=options.dry_run)
    check_name(options.name, str(file.path))
    hashed = ""
    if options.action in ("add", "set-password"):
        hashed = argon2.PasswordHasher().hash(_password().reveal())
    with file.changed() as users:
        known = users.get(options.name)
        if (known is None) != (options.action == "add"):
            found = "no such user" if known is None else "one that is there already"
            raise InputError(
                device=str(file.path), subject=f"user {options.name}", found=found, expected=_wanted(options)
            )
        if options.action == "add":
            users[options.name] = User(name=options.name, password_hash=hashed, download=not options.no_download)
        elif options.action == "remove":
            del users[options.name]
        elif known is not None:
            users[options.name] = _altered(known, options.action, hashed)
    return 0


def _wanted(options: argparse.Namespace) -> str:
    return "a new name" if options.action == "add" else "a user of this file"


def _altered(user: User, action: str, hashed: str) -> User:
    if action == "set-password":
        return dc.replace(user, password_hash=hashed)
    return dc.replace(user, enabled=action == "enable")


def _apply(file: UsersFile, *, dry_run: bool) -> int:
    wanted = _read_users()
    told: dict[str, list[str]] = {"added": [], "altered": [], "removed": []}
    users = file.read() if file.path.exists() else {}
    new = {name: _applied(name, one, users.get(name), told) for name, one in wanted.items()}
    told["removed"] = sorted(set(users) - set(new))
    changed = any(told.values()) or not file.path.exists()
    if changed and not dry_run:
        with file.changed() as present:
            present.clear()
            present.update(new)
    print(json.dumps({"changed": changed, **told}))
    return 0


def _read_users() -> dict[str, dict[str, t.Any]]:
    try:
        wanted = json.load(sys.stdin)
    except ValueError:
        # The parser's words could show a password.
        wanted = None
    keys = {"name", "password", "download", "enabled"}
    if not isinstance(wanted, list) or not all(isinstance(one, dict) and set(one) <= keys for one in wanted):
        raise InputError(
            device="standard input", subject="users", found="another form", expected="a JSON list of users"
        )
    for one in wanted:
        check_name(str(one.get("name", "")), "standard input")
        check_password(Secret(str(one.get("password", ""))), f"user {one['name']}")
    return {str(one["name"]): one for one in wanted}


def _applied(name: str, wanted: dict[str, t.Any], known: User | None, told: dict[str, list[str]]) -> User:
    """The account as it should be; a hash that fits the password stays, since a new one would differ each time."""
    flags = {key: bool(wanted.get(key, True)) for key in ("download", "enabled")}
    hasher = argon2.PasswordHasher()
    hashed = None
    if known is not None:
        with contextlib.suppress(argon2.exceptions.VerificationError):
            hasher.verify(known.password_hash, str(wanted["password"]))
            hashed = known.password_hash
    new = User(name=name, password_hash=hashed or hasher.hash(str(wanted["password"])), **flags)
    if known is None:
        told["added"].append(name)
    elif new != known:
        told["altered"].append(name)
    return new


def _list(file: UsersFile, form: str) -> int:
    users = [
        {"name": user.name, "download": user.download, "enabled": user.enabled}
        for user in sorted(file.read().values(), key=lambda one: one.name)
    ]
    if form == "json":
        print(json.dumps(users, indent=2))
    for user in users if form == "text" else ():
        words = [str(user["name"]), *(word for key, word in _WORDS.items() if not user[key])]
        print("  ".join(words))
    return 0


_WORDS: t.Final = {"download": "uploads only", "enabled": "disabled"}
