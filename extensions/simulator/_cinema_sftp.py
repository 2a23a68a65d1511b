# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator's SFTP to a camera's card. The account's rules and the lock are the camera's."""

from __future__ import annotations

import logging
import os
import typing as t

import asyncssh

from ._listener import PortError

if t.TYPE_CHECKING:
    from ._cinema import CinemaCamera

__all__ = ["SftpDoor", "new_host_key"]

logging.getLogger("asyncssh").setLevel(logging.CRITICAL)


def new_host_key() -> str:
    """A host key in OpenSSH's form."""
    return asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()


class _Gate(asyncssh.SSHServer):
    """Who may come in."""

    def __init__(self, camera: CinemaCamera) -> None:
        self._camera = camera
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        if self._camera.is_locked():
            conn.abort()

    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        good = self._camera.check_login(username, password)
        if not good and self._camera.is_locked() and self._connection is not None:
            self._connection.abort()
        return good

    def public_key_auth_supported(self) -> bool:
        return bool(self._camera.spec.authorized_key)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = asyncssh.import_public_key(self._camera.spec.authorized_key)
        return username == self._camera.state.username and key == known


class _Files(asyncssh.SFTPServer):
    """The card's folder as `/`, with its limits."""

    camera: t.ClassVar[CinemaCamera]

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(chan, chroot=os.fsencode(self.camera.card.root))

    def _changes(self, size: int = 0) -> None:
        camera = self.camera
        if camera.read_only.enabled:
            camera.read_only.refused += 1
            raise asyncssh.SFTPPermissionDenied("The simulator is read-only.")
        if not camera.state.card_inserted or camera.card.write_protected:
            raise asyncssh.SFTPPermissionDenied("The card is write-protected, or not inserted.")
        if size and not camera.card.has_room(size):
            raise asyncssh.SFTPFailure("The card is full.")

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC | asyncssh.FXF_APPEND):
            self._changes()
        return super().open(path, pflags, attrs)

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        self._changes(len(data))
        return t.cast("int", super().write(file_obj, offset, data))

    def remove(self, path: bytes) -> None:
        self._changes()
        super().remove(path)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._changes()
        super().rename(oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._changes()
        super().posix_rename(oldpath, newpath)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        self._changes()
        super().mkdir(path, attrs)

    def rmdir(self, path: bytes) -> None:
        self._changes()
        super().rmdir(path)

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        del oldpath, newpath
        raise asyncssh.SFTPPermissionDenied("The card knows no links.")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        del oldpath, newpath
        raise asyncssh.SFTPPermissionDenied("The card knows no links.")


class SftpDoor:
    """A camera's SFTP server on its address."""

    def __init__(self, camera: CinemaCamera) -> None:
        self._camera = camera
        self._files = type("Files", (_Files,), {"camera": camera})
        self._server: asyncssh.SSHAcceptor | None = None

    async def open(self) -> None:
        spec = self._camera.spec
        if not spec.sftp_port:
            return
        try:
            self._server = await asyncssh.create_server(
                lambda: _Gate(self._camera),
                spec.address,
                spec.sftp_port,
                server_host_keys=[asyncssh.import_private_key(self._camera.state.host_key)],
                sftp_factory=self._files,
                allow_scp=False,
                login_timeout=20,
                keepalive_interval=0,
            )
        except OSError as error:
            place = f"{spec.address}:{spec.sftp_port}"
            raise PortError(f"Limit of the simulator: {place} cannot be opened ({error.strerror}).") from error

    async def close(self) -> None:
        """End every connection."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()

    @property
    def is_open(self) -> bool:
        return self._server is not None

    def public_key(self) -> str:
        """The host key as a line of `known_hosts` has it after the name."""
        key = asyncssh.import_private_key(self._camera.state.host_key)
        return " ".join(key.export_public_key().decode().split()[:2])
