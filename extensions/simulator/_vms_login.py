# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Ansible logs in to the VMS' hosts: a key of the simulator's, and what the hosts' own keys are."""

from __future__ import annotations

import pathlib
import tempfile
import typing as t

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from ._store import write_private

if t.TYPE_CHECKING:
    from ._vms_server import VmsServer

__all__ = ["VmsLogin"]


class VmsLogin:
    """A folder with `id_ed25519` and `known_hosts`, both 0600.

    It stays as it is over a reset, so that an inventory goes on to hold: in the state directory, or a temporary one.
    """

    def __init__(self, state_dir: pathlib.Path | None) -> None:
        # In the inventory the paths have to hold wherever it is used.
        self._state_dir = state_dir.absolute() if state_dir is not None else None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    @property
    def _folder(self) -> pathlib.Path:
        """Made when it is first asked for."""
        if self._state_dir is not None:
            folder = self._state_dir / "vms"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return folder
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="camsec-simulator-")
        return pathlib.Path(self._temporary.name)

    def public_key(self) -> str:
        """What the hosts let in."""
        path = self._folder / "id_ed25519"
        if not path.exists():
            write_private(path, _new_key())
        key = serialization.load_ssh_private_key(path.read_bytes(), None).public_key()
        return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()

    def write_known_hosts(self, servers: t.Iterable[VmsServer]) -> None:
        """Write down which keys the hosts have now."""
        lines = [f"[{one.spec.address}]:{one.spec.ssh_port} {one.host.public_key()}\n" for one in servers]
        write_private(self._folder / "known_hosts", "".join(lines))

    def facts(self) -> dict[str, t.Any]:
        """What the inventory says of every host."""
        options = f"-o UserKnownHostsFile={self._folder / 'known_hosts'} -o StrictHostKeyChecking=yes"
        return {"ansible_ssh_private_key_file": str(self._folder / "id_ed25519"), "ansible_ssh_common_args": options}

    def remove(self) -> None:
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            temporary.cleanup()


def _new_key() -> str:
    return (
        ed25519.Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
        .decode()
    )
