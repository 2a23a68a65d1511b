# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module and the program do with their options."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .._core._call import Call
from .._core._errors import InputError
from .._core._secret import Secret
from .._tls._card import LARGEST, card_certificates
from .._tls._names import bare, parse_name
from .._tls._policies import CAMERA_MODELS, camera_model
from ._facts import Order
from ._login import Account
from ._look import look_at
from ._report import as_lines, report

__all__ = ["card_pem", "endpoint_info", "order_of", "preflight"]

# Larger files are refused by their size alone; this bounds what is read of them.
_MOST: t.Final = 16 * LARGEST


def endpoint_info(call: Call) -> dict[str, t.Any]:
    """Look at an FTPES server.

    Args:
        call: Options of ``ftpes_endpoint_info``.

    Returns:
        The result's keys.

    Raises:
        CamsecError: See :func:`preflight`.
    """
    params = call.params
    password = params["password"]
    told = preflight(
        order_of(
            host=params["host"],
            port=params["port"],
            server_name=params["server_name"],
            ca_path=params["ca_path"],
            ca_content=params["ca_content"],
            models=params["camera_models"],
            user=params["username"],
            password=None if password is None else Secret(password),
            timeout=params["timeout"],
            time_limit=params["time_limit"],
            parallel=params["parallel"],
        )
    )
    return {"changed": False, **told, "lines": as_lines(told)}


def preflight(order: Order) -> dict[str, t.Any]:
    """Look at a server and judge it.

    Args:
        order: What to look at.

    Returns:
        The report.

    Raises:
        InputError: The order cannot be carried out.
        ConnectError: Nobody there, or the scan stayed incomplete.
        RefusedError: No AUTH TLS.
        ProtocolError: No FTP, or no TLS.
        LoginError: The account is refused.
        VerificationError: Two looks found different things.
    """
    return report(look_at(order), order)


def order_of(
    *,
    host: str,
    port: int,
    server_name: str | None,
    ca_path: str | None,
    ca_content: str | None = None,
    models: t.Sequence[str],
    user: str | None,
    password: Secret | None,
    timeout: float,
    time_limit: float,
    parallel: int,
) -> Order:
    """Put an order together out of options.

    Args:
        host: Address or host name; an IPv6 address may stand in brackets.
        port: TCP port.
        server_name: Name that the certificate should have; by default ``host``.
        ca_path: File with the card's certificates.
        ca_content: Or their text.
        models: Camera models; all where there are none.
        user: Account.
        password: Its password.
        timeout: Seconds for connecting and for each answer.
        time_limit: Seconds for everything.
        parallel: Connections at a time.

    Returns:
        The order.

    Raises:
        InputError: A name, a camera model or half an account.
        PkiError: The card's certificates cannot be used.
        RuleError: They are too large (FTP-11).
    """
    host = host.strip("[]")
    if (user is None) != (password is None):
        raise InputError(
            device=host,
            subject="login",
            found="a user without a password" if password is None else "a password without a user",
            expected="both or none",
        )
    name = bare(parse_name(server_name or host, device=host, subject="server name"))
    card = card_pem(ca_path, ca_content)
    return Order(
        host=host,
        port=port,
        server_name=name,
        card=card,
        models=tuple(camera_model(one) for one in dict.fromkeys(models or CAMERA_MODELS)),
        account=None if user is None or password is None else Account(user=user, password=password),
        timeout=timeout,
        time_limit=time_limit,
        parallel=parallel,
    )


def card_pem(path: str | None, content: str | None) -> str | None:
    """The certificates of the card, checked, without what else stood around them.

    Args:
        path: File.
        content: Or text.

    Returns:
        PEM, None when neither was given.

    Raises:
        InputError: The file cannot be read.
        PkiError: Something else than certificates.
        RuleError: Too large (FTP-11).
    """
    if path is None and content is None:
        return None
    device = path or "ca_content"
    read = (content or "").encode() if path is None else _read(path)
    return "".join(one.pem for one in card_certificates(read, device=device))


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MOST)
    except OSError as error:
        raise InputError(
            device=path,
            subject="certificates for the camera's card",
            found=(error.strerror or type(error).__name__).lower(),
            expected="a readable file",
        ) from error
