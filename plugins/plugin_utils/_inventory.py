# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory plugins have in common: files, templates, cache, and hosts into Ansible's inventory."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.errors import AnsibleParserError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import CamsecError, InputError
from ansible_collections.camsec.fleet.plugins.module_utils._core._host import InventoryHost, InventoryHosts

__all__ = ["FleetInventory"]

#: The devices are reached by their own protocols, from where Ansible runs; every other source may say otherwise.
_CONNECTION: t.Final = ("ansible_connection", "local")
_CACHE_VERSION: t.Final = 1


class FleetInventory(BaseInventoryPlugin, Constructable, Cacheable):
    """An inventory plugin of this collection; a plugin says what its files are called and what is found.

    A host that another source made keeps each variable that it has: what devices claim does not replace what an
    operator wrote.
    """

    suffix = ""

    @property
    def _ansible(self) -> t.Any:
        """This object itself, of any type: ansible-core does not annotate its plugins."""
        return self

    def verify_file(self, path: str) -> bool:
        """Whether a file is one of this plugin's.

        Args:
            path: The file.

        Returns:
            True when it is readable and is called so.
        """
        above: t.Any = super()
        return path.endswith((f"{self.suffix}.yml", f"{self.suffix}.yaml")) and bool(above.verify_file(path))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Fill the inventory.

        Args:
            inventory: Ansible's inventory.
            loader: Ansible's file loader.
            path: The file.
            cache: Whether the cache may be read.

        Raises:
            AnsibleParserError: The options cannot be used, or nothing could be found out.
        """
        super().parse(inventory, loader, path, cache)
        self._ansible._read_config_data(path)
        self.templar.available_variables = self._vars or {}
        try:
            found = self.collect(path, self._recall(path) if cache and self._ansible.get_option("cache") else {})
        except CamsecError as error:
            raise AnsibleParserError(error.message) from None
        self.warn(found.warnings)
        for host in found.hosts:
            self._add(host)

    def collect(self, path: str, kept: t.Mapping[str, t.Any]) -> InventoryHosts:
        """Find the hosts; to be overridden.

        Args:
            path: The file with the options.
            kept: What an earlier run gave to :meth:`keep`.

        Returns:
            The hosts.
        """
        raise NotImplementedError

    def option(self, name: str) -> t.Any:
        """An option, templated with the extra variables.

        Args:
            name: Its name.

        Returns:
            Its value.
        """
        return self.templar.template(self._ansible.get_option(name))

    def checked(self, given: object, spec: t.Mapping[str, t.Any], path: str) -> dict[str, t.Any]:
        """Options, or one entry of a list of options; what an entry leaves out is the option of the same name.

        Args:
            given: As it was written.
            spec: Argument specification.
            path: The file with the options, which errors name.

        Returns:
            A value for each option of the specification, converted.

        Raises:
            InputError: One of them cannot be used.
        """
        if not isinstance(given, dict):
            raise InputError(device=path, subject="entry", found=type(given).__name__, expected="options and values")
        beside = {name: self.option(name) for name in spec if self._ansible.has_option(name)}
        entry = {name: value for name, value in {**beside, **given}.items() if value is not None}
        result = ArgumentSpecValidator(dict(spec)).validate(entry)
        if result.error_messages:
            texts = [
                f"unsupported option {one}" if isinstance(one, UnsupportedError) else str(one) for one in result.errors
            ]
            raise InputError(
                device=f"{path}, {entry.get('name') or entry.get('host') or 'an entry without host'}",
                subject="options",
                found="; ".join(text.rstrip(".") for text in texts),
                expected="what the plugin's documentation describes",
            )
        return dict(result.validated_parameters)

    @staticmethod
    def below(path: str, value: str | None) -> str | None:
        """A path of the options: a relative one is below the folder of the file with the options.

        Args:
            path: The file with the options.
            value: The path, None when not given.

        Returns:
            The path.
        """
        return str(Path(path).parent / Path(value).expanduser()) if value else None

    def _recall(self, path: str) -> dict[str, t.Any]:
        try:
            kept = self._cache[self._ansible.get_cache_key(path)]
        except KeyError:
            return {}
        # What another version kept may be anything.
        whole = isinstance(kept, dict) and kept.get("version") == _CACHE_VERSION and isinstance(kept.get("found"), dict)
        return dict(kept["found"]) if whole else {}

    def keep(self, path: str, found: t.Mapping[str, t.Any]) -> None:
        """Keep what was found, where a cache is wanted.

        Args:
            path: The file with the options.
            found: Plain data without secrets.
        """
        if self._ansible.get_option("cache"):
            self._cache[self._ansible.get_cache_key(path)] = {"version": _CACHE_VERSION, "found": dict(found)}

    def warn(self, sentences: t.Iterable[str]) -> None:
        """Show warnings.

        Args:
            sentences: One sentence each.
        """
        for sentence in sentences:
            self.display.warning(sentence)

    def _add(self, host: InventoryHost) -> None:
        inventory = self._ansible.inventory
        if host.name in inventory.groups:
            # Ansible would take what is said of such a host for a word about the whole group.
            self.warn([f"{host.name}: host: found a group of this name, expected none. It is left out."])
            return
        known = set(inventory.hosts[host.name].vars) if host.name in inventory.hosts else set()
        inventory.add_host(host.name)
        for name, value in host.variables.items():
            if name not in known:
                inventory.set_variable(host.name, name, value)
        for group in host.groups:
            inventory.add_child(self._group(group), host.name)
        self._construct(host.name)

    def _group(self, name: str) -> str:
        group: str = self._ansible.inventory.add_group(self._sanitize_group_name(name))
        if name in ("camsec_recorders", "camsec_cameras", "camsec_discovered"):
            variable, value = _CONNECTION
            if variable not in self._ansible.inventory.groups[group].vars:
                self._ansible.inventory.set_variable(group, variable, value)
        return group

    def _construct(self, name: str) -> None:
        strict = self._ansible.get_option("strict")
        host = self._ansible.inventory.hosts[name]
        self._ansible._set_composite_vars(self._ansible.get_option("compose"), host.get_vars(), name, strict=strict)
        self._ansible._add_host_to_composed_groups(
            self._ansible.get_option("groups"), host.get_vars(), name, strict=strict
        )
        self._ansible._add_host_to_keyed_groups(
            self._ansible.get_option("keyed_groups"), host.get_vars(), name, strict=strict
        )
