# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people write with ftplib: every file of a folder, one connection. With `--reuse`, the well-known few lines more.

Plain ftplib resumes no TLS session; strict servers refuse it then. Nothing is verified here but the certificate.
"""

from __future__ import annotations

import ftplib
import os
import pathlib
import socket
import ssl
import sys


class ReusingFTP(ftplib.FTP_TLS):
    """ftplib with data connections that resume the control connection's session."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int]:  # type: ignore[override]
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        assert isinstance(self.sock, ssl.SSLSocket)
        wrapped = self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session)
        return wrapped, size or 0


def main() -> None:
    reuse = "--reuse" in sys.argv
    host, port, ca, folder, where = [one for one in sys.argv[1:] if one != "--reuse"]
    context = ssl.create_default_context(cafile=ca)
    ftp = (ReusingFTP if reuse else ftplib.FTP_TLS)(context=context, timeout=60)
    ftp.connect(host, int(port))
    ftp.login(os.environ["BENCH_USER"], os.environ["BENCH_PASSWORD"])
    ftp.prot_p()
    if where:
        ftp.cwd(where)
    for path in sorted(pathlib.Path(folder).iterdir()):
        with path.open("rb") as file:
            ftp.storbinary(f"STOR {path.name}", file, blocksize=262144)
    ftp.quit()


main()
