# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role `camera_https` tells of every variable that the module takes from the inventory."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from ansible_collections.camsec.fleet.plugins.modules.camera import SPEC

ROLE = pathlib.Path(__file__).resolve().parents[3] / "roles" / "camera_https"
TOLD = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]


@pytest.mark.parametrize("name", SPEC.inventory_options)
def test_a_variable_of_the_inventory(name: str) -> None:
    option, told = SPEC.argument_spec[name], TOLD[f"camsec_{name}"]
    assert {key: told.get(key) for key in ("type", "elements")} == {
        key: option.get(key) for key in ("type", "elements")
    }
    # An empty default says the same as none.
    assert (told.get("default") or None) == (option.get("default") or None)
    assert told.get("choices") == option.get("choices")
    assert f"\n| `camsec_{name}` |" in (ROLE / "README.md").read_text()
