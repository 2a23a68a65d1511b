# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Licences of the secure extension kit (REC-01 to REC-07)."""

from __future__ import annotations

import dataclasses as dc
import re

from ._catalog import KITS
from ._frame import ApiError
from ._spec import RecorderSpec

__all__ = ["Licences"]


@dc.dataclass(kw_only=True)
class Licences:
    """The keys that were registered."""

    main: bool = False
    kits: list[tuple[str, str]] = dc.field(default_factory=list)

    @property
    def total(self) -> int:
        """REC-05."""
        return sum(KITS[model] for model, _key in self.kits)

    def register(self, spec: RecorderSpec, target: str, text: str) -> None:
        key = re.sub(r"[\s\-]", "", text)
        if target == "MAIN":
            if key != spec.main_key:
                raise ApiError(400, "REC-04: the unlock key of the main unit is wrong; enter a valid one.")
            self.main = True
            return
        if not self.main:
            raise ApiError(400, "REC-02: register the unlock key of the main unit first.")
        if any(key == known for _model, known in self.kits):
            raise ApiError(400, "REC-04: this unlock key is registered already.")
        for kit in spec.kits:
            if kit.key == key:
                self.kits.append((kit.model, key))
                return
        raise ApiError(400, "REC-04: the unlock key is wrong for this recorder; enter a valid one.")

    def check(self, used: int) -> None:
        if used > self.total:
            raise ApiError(400, f"REC-07: {used} / {self.total}: more licences would be in use than are registered.")

    def lines(self, used: int) -> list[tuple[str, object]]:
        return [
            ("MAIN_UNLOCK", int(self.main)),
            ("TOTAL_LICENSES", self.total),
            ("USED_LICENSES", used),
            ("KIT_NUM", len(self.kits)),
            *(
                (f"KIT_{number:02}", f"{model},{key[:4]}{'*' * 12}{key[-4:]}")
                for number, (model, key) in enumerate(self.kits, 1)
            ),
        ]
