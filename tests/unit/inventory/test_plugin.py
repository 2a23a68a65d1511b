# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge to Ansible: files, entries, the cache, and what devices must not be able to do to an inventory."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.template import trust_as_template as own
from ansible_collections.camsec.fleet.plugins.inventory.onvif import InventoryModule as Onvif
from ansible_collections.camsec.fleet.plugins.inventory.recorder import InventoryModule as Recorder
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._core._host import InventoryHost, InventoryHosts
from ansible_collections.camsec.fleet.plugins.module_utils._recorder.inventory import SOURCE_OPTIONS
from ansible_collections.camsec.fleet.plugins.plugin_utils._inventory import FleetInventory

OPTIONS: dict[str, t.Any] = {
    "cache": False,
    "strict": False,
    "compose": {},
    "groups": {},
    "keyed_groups": [],
    "use_extra_vars": False,
    "leading_separator": True,
}
HOST = InventoryHost(
    name="cam", groups=("camsec_cameras",), variables={"ansible_host": "192.0.2.11", "model": "{{ 7 * 7 }}"}
)


class Fake(FleetInventory):
    """A plugin that finds what a test says."""

    NAME = "fake"
    suffix = "camsec_fake"

    def __init__(self, *hosts: InventoryHost, **options: t.Any) -> None:
        super().__init__()
        self.hosts = hosts
        self.options = {**OPTIONS, **options}
        self.warned: list[str] = []
        self.kept: t.Mapping[str, t.Any] = {}

    def _read_config_data(self, path: str) -> None:
        """The options are here."""

    def get_option(self, option: str) -> t.Any:
        return self.options[option]

    def has_option(self, option: str) -> bool:
        return option in self.options

    def get_cache_key(self, path: str) -> str:
        return f"fake {path}"

    def warn(self, sentences: t.Iterable[str]) -> None:
        self.warned += sentences

    def collect(self, path: str, kept: t.Mapping[str, t.Any]) -> InventoryHosts:
        self.kept = kept
        self.keep(path, {"a": 1})
        return InventoryHosts(hosts=self.hosts, warnings=())


def parsed(plugin: FleetInventory, inventory: InventoryData | None = None) -> InventoryData:
    inventory = inventory or InventoryData()
    plugin.parse(inventory, DataLoader(), "x.camsec_fake.yml")
    return inventory


@pytest.mark.parametrize(
    ("plugin", "name", "wanted"),
    [
        (Recorder, "camsec_recorder.yml", True),
        (Recorder, "site.camsec_recorder.yaml", True),
        (Recorder, "site.camsec_onvif.yml", False),
        (Recorder, "camsec_recorder.json", False),
        (Onvif, "site.camsec_onvif.yml", True),
        (Onvif, "site.yml", False),
    ],
)
def test_files(plugin: type[FleetInventory], name: str, wanted: bool, tmp_path: pathlib.Path) -> None:
    assert plugin().verify_file(str(tmp_path / name)) is False, "it is not there"
    (tmp_path / name).write_text("x")
    assert plugin().verify_file(str(tmp_path / name)) is wanted


def test_hosts_and_groups() -> None:
    inventory = parsed(Fake(HOST))
    assert [host.name for host in inventory.groups["camsec_cameras"].hosts] == ["cam"]
    assert inventory.hosts["cam"].vars["ansible_host"] == "192.0.2.11"
    assert inventory.groups["camsec_cameras"].vars == {"ansible_connection": "local"}


def test_another_source_says_how_to_connect() -> None:
    inventory = InventoryData()
    inventory.add_group("camsec_cameras")
    inventory.set_variable("camsec_cameras", "ansible_connection", "ssh")
    parsed(Fake(HOST), inventory)
    assert inventory.groups["camsec_cameras"].vars == {"ansible_connection": "ssh"}


def test_what_an_earlier_source_said_stays() -> None:
    inventory = InventoryData()
    inventory.add_host("cam")
    inventory.set_variable("cam", "ansible_host", "192.0.2.99")
    parsed(Fake(HOST), inventory)
    assert inventory.hosts["cam"].vars["ansible_host"] == "192.0.2.99"
    assert inventory.hosts["cam"].vars["model"] == "{{ 7 * 7 }}"


def test_a_host_called_like_a_group_is_no_word_about_the_group() -> None:
    plugin = Fake(*(InventoryHost(name=name, groups=("g",), variables={"x": 1}) for name in ("all", "g", "cam")))
    inventory = InventoryData()
    inventory.add_group("g")
    parsed(plugin, inventory)
    assert list(inventory.hosts) == ["cam"]
    assert inventory.groups["all"].vars == {}
    assert plugin.warned == [
        f"{name}: host: found a group of this name, expected none. It is left out." for name in ("all", "g")
    ]


def test_group_names_are_made_safe() -> None:
    inventory = parsed(Fake(InventoryHost(name="cam", groups=("onvif_model_{{ x }}-Ä\n",), variables={})))
    (name,) = set(inventory.groups) - {"all", "ungrouped"}
    assert name.startswith("onvif_model_")
    assert set(name) <= set("onvif_model_x") | {"_", "Ä"}


def test_constructed() -> None:
    plugin = Fake(
        HOST,
        compose={"twice": own("model ~ model")},
        groups={"known": own("ansible_host == '192.0.2.11'"), "unknown": own("missing == 1")},
        keyed_groups=[{"key": own("ansible_host"), "prefix": "at"}],
    )
    inventory = parsed(plugin)
    assert {"known", "at_192_0_2_11"} <= set(inventory.groups)
    assert "unknown" not in inventory.groups
    assert inventory.hosts["cam"].vars["twice"] == "{{ 7 * 7 }}{{ 7 * 7 }}", "what a device says is no template"


def test_strict() -> None:
    with pytest.raises(AnsibleParserError, match="Could not add host cam to group unknown"):
        parsed(Fake(HOST, strict=True, groups={"unknown": own("missing == 1")}))


def test_cache() -> None:
    plugin = Fake(HOST, cache=True)
    plugin._cache = {}  # type: ignore[assignment]
    parsed(plugin)
    assert plugin.kept == {}
    assert plugin._cache == {"fake x.camsec_fake.yml": {"version": 1, "found": {"a": 1}}}
    parsed(plugin)
    assert plugin.kept == {"a": 1}


@pytest.mark.parametrize("kept", [None, [], "x", {}, {"version": 0, "found": {"a": 1}}, {"version": 1, "found": [1]}])
def test_cache_of_another_version(kept: object) -> None:
    plugin = Fake(HOST, cache=True)
    plugin._cache = {"fake x.camsec_fake.yml": kept}  # type: ignore[assignment]
    parsed(plugin)
    assert plugin.kept == {}


# Entries.

DEFAULTS: dict[str, t.Any] = {
    "username": "ADMIN",
    "password": None,
    "http_port": 80,
    "https_port": 443,
    "first_contact": "refuse",
    "timeout": 10.0,
    "command_interval": 3.0,
    "spki_sha256": [],
}


def checked(given: object) -> dict[str, t.Any]:
    return Fake(**DEFAULTS).checked(given, SOURCE_OPTIONS, "x.yml")


def test_entry_takes_what_it_leaves_out_from_beside_it() -> None:
    entry = checked({"host": "192.0.2.5", "password": "p", "https_port": "4443", "timeout": None})
    assert (entry["username"], entry["https_port"], entry["timeout"], entry["name"]) == ("ADMIN", 4443, 10.0, None)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"host": "192.0.2.5"}, "missing required arguments: password"),
        ({"password": "Secret-1"}, "missing required arguments: host"),
        ({"host": "h", "password": "Secret-1", "https_port": "Secret-1x"}, "argument 'https_port' is of type"),
        ({"host": "h", "password": "Secret-1", "passwort": "Secret-1"}, "unsupported option passwort"),
        ({"host": "h", "password": "Secret-1", "first_contact": "any"}, "first_contact must be one of"),
        ("192.0.2.5", "entry: found str, expected options and values"),
    ],
)
def test_entry_that_cannot_be_used(given: object, words: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(given)
    assert words in caught.value.message
    assert "Secret-1" not in caught.value.message.replace("Secret-1x", "")
    assert caught.value.message.startswith("x.yml")


def test_paths_are_below_the_folder_of_the_file() -> None:
    below = FleetInventory.below
    assert below("/site/x.yml", "certificates/rec.pem") == "/site/certificates/rec.pem"
    assert below("/site/x.yml", "/etc/rec.pem") == "/etc/rec.pem"
    assert below("/site/x.yml", None) is None
    assert below("/site/x.yml", "~/rec.pem") == str(pathlib.Path.home() / "rec.pem")
