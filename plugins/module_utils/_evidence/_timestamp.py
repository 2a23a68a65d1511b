# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time stamps of a third party (RFC 3161), over the signature of a receipt, as `openssl ts -verify` reads them."""

from __future__ import annotations

import datetime as dt
import hashlib
import typing as t
from urllib.parse import urlsplit

from .. import _thirdparty  # its slow libraries are loaded only where a time stamp is asked for
from .._core._errors import ConnectError, InputError, ProtocolError, VerificationError
from .._thirdparty import x509

__all__ = ["TimestampService", "check_timestamp"]

_LARGEST = 1 << 20
_GRANTED = 0


class TimestampService:
    """A service that says when it saw a hash.

    Args:
        url: Its address, HTTP or HTTPS. Over plain HTTP the answer is as trustworthy: it is signed.
        trusted: Certificates that its signatures must lead to; without them only the answer's content is checked.
        timeout: Seconds for connecting and for each answer.

    Raises:
        InputError: The address cannot be one.
    """

    def __init__(self, url: str, *, trusted: t.Sequence[x509.Certificate] = (), timeout: float = 30.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise InputError(
                device="this host",
                subject="address of the time stamp service",
                found=f"{parts.scheme or 'no scheme'}, host {parts.hostname or 'missing'}",
                expected="http://… or https://…, without an account",
            )
        self._url = url
        self._host = parts.hostname
        self._trusted = tuple(trusted)
        self._timeout = timeout

    def stamp(self, content: bytes) -> bytes:
        """Have the hash of some bytes stamped.

        Args:
            content: The bytes; only their SHA-256 is sent.

        Returns:
            The answer, checked, DER.

        Raises:
            ConnectError: The service cannot be reached, or refuses.
            ProtocolError: It answers something else.
            VerificationError: The answer is about other bytes, or its signature leads nowhere.
        """
        request = _thirdparty.rfc3161.TimestampRequestBuilder().data(content).nonce(nonce=True).build()
        answer = self._posted(request.as_bytes())
        _check(answer, content, self._trusted, device=self._host, nonce=request.nonce)
        return answer

    def _posted(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        try:
            with _thirdparty.requests.post(
                self._url, data=body, headers=headers, timeout=self._timeout, stream=True, allow_redirects=False
            ) as response:
                content = response.raw.read(_LARGEST + 1, decode_content=True)
                status = response.status_code
        except (_thirdparty.requests.RequestException, OSError) as error:
            raise ConnectError(
                device=self._host,
                subject="time stamp service",
                found=type(error).__name__,
                expected="an answer",
                advice="The receipts are kept; the next run asks again.",
            ) from error
        if status != 200:
            raise ConnectError(
                device=self._host, subject="time stamp service", found=f"HTTP status {status}", expected="200"
            )
        if len(content) > _LARGEST:
            raise ProtocolError(
                device=self._host, subject="time stamp", found="more than 1 MiB", expected="a few kilobytes"
            )
        return bytes(content)


def check_timestamp(
    answer: bytes, content: bytes, trusted: t.Sequence[x509.Certificate], *, device: str
) -> dt.datetime:
    """Check a time stamp.

    Args:
        answer: What the service answered, DER.
        content: The bytes that it should be about.
        trusted: Certificates that its signature must lead to; without them the signature is not checked.
        device: Receipt that the error names.

    Returns:
        When the service saw the hash.

    Raises:
        ProtocolError: It is none.
        VerificationError: It is about other bytes, was not granted, or its signature leads nowhere.
    """
    return _check(answer, content, trusted, device=device, nonce=None)


def _check(
    answer: bytes, content: bytes, trusted: t.Sequence[x509.Certificate], *, device: str, nonce: int | None
) -> dt.datetime:
    try:
        response = _thirdparty.rfc3161.decode_timestamp_response(answer)
    except (ValueError, TypeError) as error:
        raise ProtocolError(
            device=device, subject="time stamp", found="data that is none", expected="an answer of RFC 3161"
        ) from error
    if response.status != _GRANTED:
        raise VerificationError(
            device=device, subject="time stamp", found=f"status {response.status}", expected="status 0, granted"
        )
    try:
        _verify(response, content, trusted, nonce)
    except (_thirdparty.TimestampError, ValueError) as error:
        raise VerificationError(
            device=device,
            subject="time stamp",
            found=str(error).rstrip(".") or type(error).__name__,
            expected="one over this very signature, by a service that is trusted",
        ) from error
    return response.tst_info.gen_time.astimezone(dt.UTC)


def _verify(response: t.Any, content: bytes, trusted: t.Sequence[x509.Certificate], nonce: int | None) -> None:
    info = response.tst_info
    if nonce is not None and info.nonce != nonce:
        raise _thirdparty.TimestampError("the nonce of another request")
    if trusted:
        builder = _thirdparty.rfc3161.VerifierBuilder()
        for certificate in trusted:
            builder = builder.add_root_certificate(certificate)
        builder.build().verify_message(response, content)
        return
    digest = hashes_of(content).get(info.message_imprint.hash_algorithm.dotted_string)
    if digest is None or digest != info.message_imprint.message:
        raise _thirdparty.TimestampError("the hash of other bytes")


def hashes_of(content: bytes) -> dict[str, bytes]:
    """The hashes that a time stamp may be about.

    Args:
        content: The bytes.

    Returns:
        Hash by the number of its algorithm.
    """
    return {
        "2.16.840.1.101.3.4.2.1": hashlib.sha256(content).digest(),
        "2.16.840.1.101.3.4.2.2": hashlib.sha384(content).digest(),
        "2.16.840.1.101.3.4.2.3": hashlib.sha512(content).digest(),
    }
