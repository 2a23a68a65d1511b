# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom, read out of the source; and that routing, action group and files name the same modules."""

from __future__ import annotations

import ast
import graphlib
import pathlib
import sys
import tomllib
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLEET = "ansible_collections.camsec.fleet."
UTILS = "plugins.module_utils."
STDLIB = sys.stdlib_module_names | {"__future__"}

# The layers from the top down; a file may import what stands in its own line or below.
LAYERS: t.Final = (
    ("modules", "action", "lookup", "inventory", "filter", "test", "callback", "plugin_utils"),
    ("_module",),
    (
        "_recorder",
        "_camera",
        "_ipro",
        "_axis",
        "_onvif",
        "_sunell",
        "_rollout",
        "_evidence",
        "_preflight",
        "_storage",
        "_vms",
    ),
    ("_options", "_ftpes"),
    ("_pki", "_tls", "_escrow", "_transport", "_discovery"),
    ("_core",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
# Guarded in one place; for all but the core.
ANYWHERE = {"_thirdparty"}
# Kinds of plugins that run in the controller alone and may import all of ansible.
CONTROLLER = {"action", "lookup", "inventory", "filter", "test", "callback", "plugin_utils"}
PURE = {"_core", "_pki", "_tls"}
NETWORK = {"asyncio", "ftplib", "http", "requests", "socket", "socketserver", "urllib3"}
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
SIMULATOR = sorted((ROOT / "extensions" / "simulator").rglob("*.py"))


def name_of(path: pathlib.Path) -> str:
    """The dotted name of a file below the collection's root."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def layer_of(name: str) -> str:
    """The layer that a dotted name below `plugins` belongs to: its folder, or its file in module_utils."""
    return name.removeprefix(UTILS).removeprefix("plugins.").split(".")[0]


def imports(path: pathlib.Path) -> list[tuple[int, str]]:
    """Every import of a file, wherever it stands: its line and its dotted name (ours without the collection's)."""
    package = name_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (base, node.module) if part)
            # `from ._core import _plan` names a module, `from ._plan import Plan` something in it; both are caught.
            found += [(node.lineno, f"{source}.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"__import__", "importlib.import_module"}:
            first = node.args[0]
            if isinstance(first, ast.Constant):
                found.append((node.lineno, str(first.value)))
    return [(line, name.removeprefix(FLEET)) for line, name in found]


def runtime_imports(path: pathlib.Path) -> set[str]:
    """The neighbours that a file imports when it runs, wherever in it: not those that its annotations alone need."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "t.TYPE_CHECKING"
    ]
    idle = {inner for node in guarded for inner in ast.walk(node)}
    return {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node not in idle
        for name in ([node.module] if node.module else [alias.name for alias in node.names])
    }


def top_of(name: str) -> str:
    return name.partition(".")[0]


def is_ours(name: str) -> bool:
    return name.startswith(("plugins.", "extensions."))


def complaints(paths: list[pathlib.Path], wrong: t.Callable[[pathlib.Path, str], str]) -> list[str]:
    """`file:line: what is wrong` for every import that `wrong` has a word about."""
    assert paths, "nothing to look at"
    return [
        f"{path.relative_to(ROOT)}:{line}: {name}: {words}"
        for path in paths
        for line, name in imports(path)
        if (words := wrong(path, name))
    ]


def test_layers() -> None:
    def wrong(path: pathlib.Path, name: str) -> str:
        here = layer_of(name_of(path))
        if not name.startswith("plugins.") or here in ANYWHERE | {"doc_fragments"}:
            return ""
        there = layer_of(name)
        if there in ANYWHERE:
            return "the core knows no third party" if here == "_core" else ""
        if there not in LEVEL or here not in LEVEL:
            return f"{here} -> {there}: a layer without a place in LAYERS"
        return "" if LEVEL[here] <= LEVEL[there] else f"{here} must not import {there}"

    assert complaints(PLUGINS, wrong) == []


def test_core_imports_stdlib_and_itself() -> None:
    def wrong(path: pathlib.Path, name: str) -> str:
        if layer_of(name_of(path)) != "_core":
            return ""
        allowed = name.startswith(f"{UTILS}_core.") or (not is_ours(name) and top_of(name) in STDLIB)
        return "" if allowed else "not of the standard library"

    assert complaints(PLUGINS, wrong) == []


def test_pure_layers_know_neither_ansible_nor_the_network() -> None:
    def wrong(path: pathlib.Path, name: str) -> str:
        layer = layer_of(name_of(path))
        if layer not in PURE or (layer == "_tls" and path.stem == "_probe"):
            return ""
        top = name.removeprefix(f"{UTILS}_thirdparty.").split(".")[0]
        return f"{layer} is pure" if top == "ansible" or top in NETWORK else ""

    assert complaints(PLUGINS, wrong) == []


def test_third_party_only_in_one_place() -> None:
    def wrong(path: pathlib.Path, name: str) -> str:
        top = top_of(name)
        if path.stem == "_thirdparty" or is_ours(name) or top in STDLIB or top == "ansible":
            return ""
        return "import it in _thirdparty.py"

    assert complaints(PLUGINS, wrong) == []


def test_ansible_only_at_the_edge() -> None:
    def wrong(path: pathlib.Path, name: str) -> str:
        layer = layer_of(name_of(path))
        if top_of(name) != "ansible" or layer in CONTROLLER:
            return ""
        # What is shipped to another machine finds there nothing but ansible.module_utils.
        shipped = layer in {"modules", "_module"} and name.startswith("ansible.module_utils.")
        vault = layer == "_escrow" and name.startswith(("ansible.parsing.vault", "ansible.errors"))
        return "" if shipped or vault else f"{layer} must not know it"

    assert complaints(PLUGINS, wrong) == []


def test_plugins_import_no_program() -> None:
    def wrong(_path: pathlib.Path, name: str) -> str:
        return "a program" if name.startswith("extensions") else ""

    assert complaints(PLUGINS, wrong) == []


def test_simulator_stays_an_independent_judge() -> None:
    def wrong(_path: pathlib.Path, name: str) -> str:
        ours = is_ours(name) and not name.startswith("extensions.simulator")
        return "shares nothing with the client" if ours or top_of(name) == "ansible" else ""

    assert complaints(SIMULATOR, wrong) == []


def test_simulated_windows_imports_in_one_direction() -> None:
    files = {path.stem: path for path in SIMULATOR if path.stem.startswith(("_powershell", "_windows"))}
    graph = {name: runtime_imports(path) & files.keys() for name, path in files.items()}
    assert graph["_powershell_all"] > {"_powershell", "_powershell_commands"}
    order = list(graphlib.TopologicalSorter(graph).static_order())  # CycleError names the circle
    assert order.index("_powershell_values") < order.index("_powershell") < order.index("_windows_host")


@pytest.mark.parametrize(
    "path", [p for p in PLUGINS if p.stem.startswith("_") and p.stem != "__init__"], ids=lambda path: path.stem
)
def test_private_module_lists_what_it_offers(path: pathlib.Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assigned = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    targets = [t for node in assigned for t in (node.targets if isinstance(node, ast.Assign) else [node.target])]
    assert "__all__" in {target.id for target in targets if isinstance(target, ast.Name)}


def test_the_reader_of_imports_sees_each_kind(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plugins" / "module_utils" / "_tls" / "_x.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import socket\n"
        "from .._core import _plan\n"
        "from . import _names\n"
        f"from {FLEET}plugins.modules import camera\n"
        "def f():\n    import requests.adapters\n"
        "importlib.import_module('aiohttp')\n"
    )
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert [entry[1] for entry in sorted(imports(path))] == [
        "socket",
        f"{UTILS}_core._plan",
        f"{UTILS}_tls._names",
        "plugins.modules.camera",
        "requests.adapters",
        "aiohttp",
    ]


RUNTIME = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
# The other modules work on files of the controller.
DEVICE_MODULES = [name for name in MODULES if name.split("_")[0] in {"camera", "recorder"}]
# Those that speak to a VMS's API Gateway.
GATEWAY_MODULES = [name for name in MODULES if name.startswith("vms_hardware")]
# Those that send PowerShell over the connection of the task's host.
WINDOWS_MODULES = [name for name in MODULES if name.startswith("vms_") and name not in GATEWAY_MODULES]
ACTIONS = sorted(path.stem for path in (ROOT / "plugins" / "action").glob("*.py") if path.stem != "__init__")


def test_action_group_and_files_name_the_same_modules() -> None:
    assert sorted(RUNTIME["action_groups"]["device"]) == DEVICE_MODULES
    assert sorted(RUNTIME["action_groups"]["vms"]) == WINDOWS_MODULES
    assert sorted(RUNTIME["action_groups"]["vms_gateway"]) == GATEWAY_MODULES


def test_every_device_module_runs_in_the_worker() -> None:
    routed = RUNTIME["plugin_routing"]["modules"]
    in_worker = sorted([*DEVICE_MODULES, *GATEWAY_MODULES, *WINDOWS_MODULES])
    own = [name for name in in_worker if name in ACTIONS]
    assert sorted([*routed, *own]) == in_worker
    targets = {entry["action_plugin"] for entry in routed.values()}
    assert {target.removeprefix("camsec.fleet.") for target in targets} <= set(ACTIONS)


def test_whole_state_modules_have_an_action_file_of_their_own_name() -> None:
    assert {"camera", "recorder", "vms_hardware", "vms_server"} <= set(ACTIONS)


def test_execution_environment_brings_what_the_wheel_brings() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wheel = {entry for entry in project["dependencies"] if not entry.startswith("ansible-core")}
    lines = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {line for line in lines if not line.startswith("#")} == wheel
