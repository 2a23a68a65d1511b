# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: the markers, and that they test this checkout (or, where said so, an installed wheel)."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
ERRORS = "ansible_collections.camsec.fleet.plugins.module_utils._core._errors"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    config.addinivalue_line("markers", "root: needs to run as root")
    _require_collection()


def _require_collection() -> None:
    try:
        found = importlib.util.find_spec(ERRORS)
    except ModuleNotFoundError:
        found = None
    advice = "run `make dev-link` and set PYTHONPATH=.dev (see CONTRIBUTING.md), or run `make test`"
    if found is None or found.origin is None:
        raise pytest.UsageError(f"the collection camsec.fleet cannot be imported: {advice}")
    installed = os.environ.get("CAMSEC_TEST_INSTALLED") == "1"
    if not installed and not pathlib.Path(found.origin).resolve().is_relative_to(ROOT / "plugins"):
        raise pytest.UsageError(f"{found.origin} would be tested instead of this checkout: {advice}")


@pytest.fixture
def at_once() -> t.Callable[[str, t.Sequence[t.Sequence[str]]], list[str]]:
    """Run Python code in as many processes of its own, which all start together; see :func:`_at_once`."""
    return _at_once


def _at_once(code: str, arguments: t.Sequence[t.Sequence[str]]) -> list[str]:
    """Run Python code in as many processes of its own, which all start together; a fork of pytest may deadlock.

    Args:
        code: Reads its arguments from ``sys.argv``.
        arguments: Of each process.

    Returns:
        What each printed.
    """
    command = [sys.executable, "-c", "import sys; sys.stdin.readline(); " + code]
    processes = [
        subprocess.Popen([*command, *one], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for one in arguments
    ]
    for process in processes:
        t.cast("t.IO[str]", process.stdin).write("go\n")
        t.cast("t.IO[str]", process.stdin).flush()
    printed = [process.communicate(timeout=90)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return printed
