# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small stand-in for a VMS's API Gateway, scripted by a test; it keeps state, and remembers every request."""

from __future__ import annotations

import contextlib
import http.server
import json
import pathlib
import ssl
import subprocess
import threading
import typing as t
import urllib.parse
import uuid

USERNAME = "provisioning"
PASSWORD = "Gateway-Geheimnis-9 &=+"
ADDRESS = "127.0.0.1"
Json = dict[str, t.Any]


def guid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def certificate(folder: pathlib.Path, name: str, address: str = ADDRESS) -> tuple[str, str]:
    """A self-signed certificate for an address, by openssl: its file and its key's."""
    paths = str(folder / f"{name}.pem"), str(folder / f"{name}.key")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{address}"]
    command = ["openssl", "req", "-x509", *curve, *names, "-out", paths[0], "-keyout", paths[1]]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return paths


class Refusal(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class StandIn:
    """The gateway; attributes are the script.

    Attributes:
        settings: Driver's settings by the hardware's id, in the API's own form.
        recorded: Method and path of each request, and whether it carried a token.
        bodies: What was sent with them.
        tokens: Those that are good.
        pages: False for a server that does not know `page` and `size`.
        forgets: Changes are acknowledged and not kept.
        cuts: A change is made, and its answer lost.
        forbids: Changes are answered with 403.
        login_refusal: Instead of a token.
        settings_key: How the settings' object is called.
    """

    def __init__(self) -> None:
        self.recorders = {name: guid(name) for name in ("recording01", "recording02")}
        self.hardware: list[Json] = []
        self.settings: dict[str, Json] = {}
        self.recorded: list[tuple[str, str, bool]] = []
        self.bodies: list[bytes] = []
        self.tokens: set[str] = set()
        self.pages = True
        self.forgets = self.cuts = self.forbids = self.no_token_is_good = False
        self.login_refusal: tuple[int, bytes] | None = None
        self.settings_key = "hardwareDriverSettings"
        self.streaming = {"recording01": "https", "recording02": "http", "failover01": "https"}

    def add(self, name: str, address: str, recorder: str = "recording01", **settings: t.Any) -> str:
        """One piece of hardware; settings are added to those of a driver that has all four."""
        found = guid(f"{name} {address} {len(self.hardware)}")
        parent = {"type": "recordingServers", "id": self.recorders[recorder]}
        self.hardware.append({
            "id": found, "name": name, "displayName": name, "address": address, "model": "WV-X1", "enabled": True,
            "relations": {"parent": parent, "self": {"type": "hardware", "id": found}},
        })  # fmt: skip
        self.settings[found] = {
            "displayName": "General", "httpSEnabled": "no", "httpSPort": "443",
            "httpSValidateCertificate": "No", "httpSValidateHostname": "No", "macAddress": "B8A44F64CC37", **settings,
        }  # fmt: skip
        return found

    def changes(self) -> list[str]:
        """Paths of what was changed."""
        return [path for method, path, dummy in self.recorded if method == "PATCH"]

    # -- answers -------------------------------------------------------------------------------------------------

    def answer(self, method: str, target: str, body: bytes, login: str) -> tuple[int, bytes]:
        self.recorded.append((method, target, login.startswith("Bearer ")))
        self.bodies.append(body)
        url = urllib.parse.urlsplit(target)
        try:
            if url.path == "/API/IDP/connect/token":
                return self._token(method, body)
            if self.no_token_is_good or login.removeprefix("Bearer ") not in self.tokens:
                raise Refusal(401, "Unauthorized")
            parts = url.path.removeprefix("/api/rest/v1/").split("/")
            found = self._change(parts, body) if method == "PATCH" else self._read(parts, url.query)
            return 200, json.dumps(found).encode()
        except Refusal as error:
            told = {"error": {"httpCode": error.status, "details": [{"errorText": error.text}]}}
            return error.status, json.dumps(told).encode()

    def _token(self, method: str, body: bytes) -> tuple[int, bytes]:
        if self.login_refusal is not None:
            return self.login_refusal
        form = dict(urllib.parse.parse_qsl(body.decode()))
        assert method == "POST"
        assert form["grant_type"] == "password"
        assert form["client_id"] == "GrantValidatorClient"
        if (form["username"], form["password"]) != (USERNAME, PASSWORD):
            told = {"error": "invalid_grant", "error_description": "invalid_username_or_password"}
            return 400, json.dumps(told).encode()
        token = uuid.uuid4().hex
        self.tokens.add(token)
        return 200, json.dumps({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}).encode()

    def _read(self, parts: t.Sequence[str], query: str) -> Json:
        if parts in (["hardwareDriverSettings"], ["storages"]):
            raise Refusal(400, "by id or below a parent only")
        if len(parts) == 2:
            return {"data": self._one(*parts)}
        objects = self._objects(parts[0] if len(parts) == 1 else parts[2])
        if len(parts) == 3:
            objects = [one for one in objects if one["relations"]["parent"]["id"] == parts[1]]
        asked = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if self.pages:
            page, size = int(asked.get("page", 0)), int(asked.get("size", 500))
            objects = objects[page * size : (page + 1) * size]
        return {"array": objects}

    def _objects(self, kind: str) -> list[Json]:
        if kind == "hardware":
            return self.hardware
        names = list(self.recorders) if kind == "recordingServers" else ["failover01"]
        return [
            {"id": guid(name), "displayName": name, "hostName": f"{name}.example", "enabled": True,
             "webServerUri": f"{self.streaming[name]}://{name}.example:7563/", "relations": {}}
            for name in names
        ]  # fmt: skip

    def _one(self, kind: str, name: str) -> Json:
        if kind == "hardwareDriverSettings" and name in self.settings:
            return {"displayName": "Settings", self.settings_key: self.settings[name]}
        found = next((one for one in self.hardware if kind == "hardware" and one["id"] == name), None)
        if found is None:
            raise Refusal(404, f"Unknown id: {kind}/{name}")
        return found

    def _change(self, parts: t.Sequence[str], body: bytes) -> Json:
        if self.forbids:
            raise Refusal(403, "The user has no right to change this")
        assert parts[0] == "hardwareDriverSettings"
        if not self.forgets:
            self.settings[parts[1]].update(json.loads(body)["hardwareDriverSettings"])
        if self.cuts:
            raise ConnectionAbortedError
        return {"data": self._one(*parts)}


@contextlib.contextmanager
def serving(stand_in: StandIn, pair: tuple[str, str] | None) -> t.Iterator[int]:
    """Serve on loopback, with TLS where there is a certificate; gives the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer in one piece: in two, each waits for the other side's acknowledgement.
        wbufsize = 1 << 16

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                login = self.headers.get("Authorization") or ""
                status, content = stand_in.answer(self.command, self.path, body, login)
            except ConnectionAbortedError:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if content[:1] == b"<" else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer((ADDRESS, 0), Handler, bind_and_activate=True)
    server.daemon_threads = True
    server.handle_error = lambda *_arguments: None  # type: ignore[method-assign]
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
