# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The frame of answers and errors that both kinds of device share (docs/wire_dialects.md, Common frame)."""

from __future__ import annotations

import dataclasses as dc
import html
import http
import typing as t

from aiohttp import web

__all__ = ["After", "Answer", "ApiError", "Params", "busy", "error_response", "lines_answer"]

After = t.Callable[[], t.Coroutine[t.Any, t.Any, None]]
Lines = t.Sequence[tuple[str, object]]


class ApiError(Exception):
    """A refusal: the status and the sentence that says why."""

    def __init__(self, status: int, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


def busy(reason: str, seconds: float) -> ApiError:
    return ApiError(503, reason, retry_after=seconds)


@dc.dataclass(frozen=True, kw_only=True)
class Answer:
    """What a call gives back; `after` runs once it has been sent, `filename` makes it a download."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    filename: str = ""
    after: After | None = None

    def response(self) -> web.Response:
        headers = {"Content-Type": self.content_type, "Server": "embedded"}
        if self.filename:
            headers["Content-Disposition"] = f'attachment; filename="{self.filename}"'
        return web.Response(body=self.body, headers=headers)


def lines_answer(lines: Lines, *, after: After | None = None) -> Answer:
    text = "<HTML>\r\n" + "".join(f"{key}={value}\r\n" for key, value in lines) + "</HTML>\r\n"
    return Answer(body=b"\xef\xbb\xbf" + text.encode(), after=after)


def error_response(error: ApiError) -> web.Response:
    title = f"{error.status} {http.HTTPStatus(error.status).phrase}"
    reason = html.escape(error.reason, quote=False)
    body = f"<HTML><HEAD><TITLE>{title}</TITLE></HEAD><BODY><H1>{reason}</H1></BODY></HTML>"
    response = web.Response(status=error.status, body=body.encode())
    response.headers["Content-Type"] = "text/html; charset=utf-8"
    response.headers["Server"] = "embedded"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, int(error.retry_after + 0.999)))
    return response


@dc.dataclass(frozen=True, kw_only=True)
class Params:
    """The query and the form of a request, the form winning; uploaded files apart."""

    values: t.Mapping[str, str]
    files: t.Mapping[str, bytes]

    def get(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)

    def need(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            raise ApiError(400, f"The field {name} is missing.")
        return value

    def one_of(self, name: str, choices: t.Sequence[str]) -> str:
        value = self.need(name)
        if value not in choices:
            raise ApiError(400, f"{name} is {value!r}; it can be {', '.join(choices)}.")
        return value

    def number(self, name: str, low: int, high: int, rule: str) -> int:
        value = self.need(name)
        if not (value.isascii() and value.isdigit() and low <= int(value[:12]) <= high):
            raise ApiError(400, f"{rule}: {name} is {value!r}; it can be {low} to {high}.")
        return int(value)


async def json_body(request: web.Request, known: t.Collection[str] | None) -> dict[str, t.Any]:
    """A request's JSON object; ApiError when it is none, or has a key that is not known."""
    try:
        body = await request.json()
    except ValueError as error:
        raise ApiError(400, "the body is no JSON") from error
    if not isinstance(body, dict):
        raise ApiError(400, "the body is no JSON object")
    for key in body:
        if known is not None and key not in known:
            raise ApiError(400, f"the body has an unknown key {key!r}")
    return t.cast("dict[str, t.Any]", body)
