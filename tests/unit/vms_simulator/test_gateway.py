# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API gateway, as curl sees it; and the cameras as the VMS reaches them."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import pytest

Site = t.Any


class Api:
    """The gateway with a login."""

    def __init__(self, site: Site, scheme: str = "http", port: int = 8080, options: tuple[str, ...] = ()) -> None:
        self.site = site
        self.options = options
        self.host = f"{scheme}://{site.sim.vms_server('management-01').address}:{port}"
        self.spec = site.sim.vms_server("management-01").spec
        self.token = ""

    def log_in(self, **fields: str) -> t.Any:
        form = {
            "grant_type": "password",
            "username": self.spec.api_username,
            "password": self.spec.gateway_password,
            "client_id": "GrantValidatorClient",
            **fields,
        }
        data = [part for name, value in form.items() for part in ("--data-urlencode", f"{name}={value}")]
        answer = self.site.curl(f"{self.host}/API/IDP/connect/token", *self.options, *data)
        if answer.status == 200:
            self.token = answer.data["access_token"]
        return answer

    def call(self, path: str, *options: str) -> t.Any:
        login = ("-H", f"Authorization: Bearer {self.token}") if self.token else ()
        return self.site.curl(f"{self.host}/api/rest/v1/{path}", *self.options, *login, *options)

    def change(self, path: str, body: object, method: str = "PATCH") -> t.Any:
        data = body if isinstance(body, str) else json.dumps(body)
        return self.call(path, "-X", method, "-H", "Content-Type: application/json", "--data", data)


@pytest.fixture
def api(site: Site) -> Api:
    api = Api(site)
    assert api.log_in().status == 200
    return api


def test_logins(site: Site) -> None:
    api = Api(site)
    assert api.call("recordingServers").status == 401
    wrong = api.log_in(password="wrong")
    assert (wrong.status, wrong.data["error"]) == (400, "invalid_grant")
    assert api.log_in(client_id="another").data == {"error": "invalid_client"}
    assert api.log_in(grant_type="client_credentials").data == {"error": "unsupported_grant_type"}
    assert api.log_in(grant_type="windows_credentials").status == 401
    answer = api.log_in().data
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert api.call("recordingServers").status == 200
    site.sim.advance(3601)
    assert api.call("recordingServers").status == 401
    log = json.dumps(site.sim.control("/devices/management-01/requests"))
    assert answer["access_token"] not in log
    assert api.spec.gateway_password not in log


def test_collections_and_items(api: Api) -> None:
    (server,) = api.call("recordingServers").data["array"]
    assert (server["name"], server["hostName"]) == ("recording-01", "recording-01.vms.example")
    assert (server["portNumber"], server["webServerUri"]) == (7563, "http://recording-01.vms.example:7563/")
    for name in (
        "enabled", "displayName", "id", "description", "lastModified", "synchronizationTime", "timeZoneName",
        "activeWebServerUri", "publicAccessEnabled", "publicWebserverHostName", "publicWebserverPort",
        "multicastServerAddress", "shutdownOnStorageFailure",
    ):  # fmt: skip
        assert name in server
    assert server["relations"]["self"] == {"type": "recordingServers", "id": server["id"]}
    assert api.call(f"recordingServers/{server['id']}").data["data"]["id"] == server["id"]
    (failover,) = api.call("failoverRecorders").data["array"]
    assert (failover["udpPort"], failover["position"]) == (8844, 0)
    (group,) = api.call("failoverGroups").data["array"]
    assert failover["relations"]["parent"] == {"type": "failoverGroups", "id": group["id"]}
    assert api.call(f"failoverGroups/{group['id']}/failoverRecorders").data["array"][0]["id"] == failover["id"]
    (site,) = api.call("sites").data["array"]
    assert server["relations"]["parent"]["id"] == site["id"]
    hardware = api.call("hardware").data["array"]
    assert [one["name"] for one in hardware] == ["camera-0001", "camera-0002"]
    assert hardware[0]["relations"]["parent"] == {"type": "recordingServers", "id": server["id"]}
    assert "password" not in hardware[0]
    below = api.call(f"recordingServers/{server['id']}/hardware").data["array"]
    assert [one["id"] for one in below] == [one["id"] for one in hardware]
    assert [one["name"] for one in api.call("hardware?page=1&size=1").data["array"]] == ["camera-0002"]


def test_quirks(api: Api) -> None:
    (server,) = api.call("recordingServers").data["array"]
    assert api.call("storages").status == api.call("hardwareDriverSettings").status == 400
    (storage,) = api.call(f"recordingServers/{server['id']}/storages").data["array"]
    assert api.call(f"storages/{storage['id']}").data["data"]["name"] == "Local default"
    unknown = api.call("recordings")
    assert unknown.data == {"error": {"httpCode": 404, "details": [{"errorText": "Unknown resource: recordings"}]}}
    assert api.call("recordingServers/00000000-0000-0000-0000-000000000000").status == 404
    assert api.call("hardware?includeChildren=cameras").status == 400
    assert api.call("hardware?page=x").status == 400
    assert api.change("recordingServers", {}).status == 405
    assert api.call("hardware", "-X", "DELETE").status == 405


def _hardware(api: Api, number: int = 0) -> str:
    return str(api.call("hardware").data["array"][number]["id"])


def test_driver_settings(api: Api) -> None:
    number = _hardware(api)
    path = f"hardwareDriverSettings/{number}"
    settings = api.call(path).data["data"]["hardwareDriverSettings"]
    assert {name: settings[name] for name in settings if name.startswith("httpS")} == {
        "httpSEnabled": "no",
        "httpSPort": "443",
        "httpSValidateCertificate": "No",
        "httpSValidateHostname": "No",
    }
    assert api.call(f"hardware/{number}/hardwareDriverSettings").data["array"][0]["hardwareDriverSettings"] == settings
    wanted = {"httpSEnabled": "Yes", "httpSPort": 8443, "httpSValidateCertificate": "Yes"}
    changed = api.change(path, {"hardwareDriverSettings": wanted}).data["data"]["hardwareDriverSettings"]
    assert (changed["httpSEnabled"], changed["httpSPort"], changed["httpSValidateCertificate"]) == (
        "yes",
        "8443",
        "Yes",
    )
    assert api.change(path, {"httpSValidateHostname": "yes"}, "PUT").status == 200
    assert api.call(path).data["data"]["hardwareDriverSettings"]["httpSValidateHostname"] == "Yes"
    # A settings object that was read can be sent back.
    assert api.change(path, api.call(path).data["data"]).status == 200
    other = api.call(f"hardwareDriverSettings/{_hardware(api, 1)}").data["data"]["hardwareDriverSettings"]
    assert other["httpSEnabled"] == "no"


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[]",
        {"httpSEnabled": "perhaps"},
        {"httpSPort": "0"},
        {"httpSPort": True},
        {"colour": "red"},
        {"httpSEnabled": "yes", "httpSPort": "x"},
    ],
)
def test_bad_settings_change_nothing(api: Api, body: object) -> None:
    path = f"hardwareDriverSettings/{_hardware(api)}"
    before = api.call(path).data
    assert api.change(path, body).status == 400
    assert api.call(path).data == before


def test_read_only_and_faults(api: Api) -> None:
    path = f"hardwareDriverSettings/{_hardware(api)}"
    api.site.sim.control("/read_only", "POST", {"enabled": True})
    assert api.change(path, {"httpSEnabled": "yes"}).status == 500
    assert api.site.sim.control("/read_only")["refused"] == 1
    api.site.sim.control("/read_only", "POST", {"enabled": False})
    api.site.sim.control("/devices/management-01/fault", "POST", {"kind": "unavailable", "count": 1})
    assert api.call("sites").status == 503
    fault = {"kind": "unavailable", "count": 1, "after_write": True}
    api.site.sim.control("/devices/management-01/fault", "POST", fault)
    assert api.change(path, {"httpSEnabled": "yes"}).status == 503
    assert api.call(path).data["data"]["hardwareDriverSettings"]["httpSEnabled"] == "yes"


def test_the_gateway_over_tls(site: Site, tmp_path: pathlib.Path) -> None:
    thumbprints = site.prepare()
    assert site.enable("recording-01", "streaming_media", thumbprints["recording-01"]) == 0
    assert site.enable("management-01", "server", thumbprints["management-01"]) == 0
    root = tmp_path / "root.pem"
    root.write_text(site.authorities["ours"].pem)
    address = site.sim.vms_server("management-01").address
    name = "management-01.vms.example"
    options = ("--cacert", str(root), "--resolve", f"{name}:4443:{address}")
    api = Api(site, "https", 4443, options)
    api.host = f"https://{name}:4443"
    assert api.log_in().status == 200
    (server,) = api.call("recordingServers").data["array"]
    assert server["webServerUri"] == "https://recording-01.vms.example:7563/"
    assert Api(site).log_in().status == 403


# -- cameras as hardware -----------------------------------------------------------------------------------------------


def _camera_to_https(site: Site, name: str, folder: pathlib.Path) -> None:
    """A camera with a certificate of ours, by curl, as an administrator would do it."""
    spec = site.sim.device(name).spec
    base, login = (
        f"http://{spec.address}:{spec.http_port}/cgi-bin",
        ("--digest", "-u", f"{spec.username}:{spec.password}"),
    )
    assert site.curl(f"{base}/set_crt_key?mode=create&size=2048", *login).status == 200
    site.sim.advance(120)
    form = ("--data-urlencode", "mode=create", "--data-urlencode", f"common_name={spec.address}")
    assert site.curl(f"{base}/https_signed", *login, *form).status == 200
    root = site.authorities["ours"]
    paths = {part: folder / part for part in ("in.csr", "root.pem", "root.key", "out.pem", "ext.cnf")}
    paths["in.csr"].write_text(site.curl(f"{base}/https_signed?mode=get_csr", *login).text)
    paths["root.pem"].write_text(root.pem)
    paths["root.key"].write_text(root.key)
    paths["ext.cnf"].write_text(f"extendedKeyUsage=serverAuth\nsubjectAltName=IP:{spec.address}\n")
    subprocess.run(
        [
            "openssl", "x509", "-req", "-in", str(paths["in.csr"]), "-CA", str(paths["root.pem"]),
            "-CAkey", str(paths["root.key"]), "-days", "90", "-extfile", str(paths["ext.cnf"]),
            "-out", str(paths["out.pem"]),
        ],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    upload = ("-F", f"fileName=@{paths['out.pem']}")
    assert site.curl(f"{base}/https_install_signed", *login, *upload).status == 200
    switch = ("--data-urlencode", "live=https", "--data-urlencode", "https_port=8443")
    assert site.curl(f"{base}/set_https", *login, *switch).status == 200
    site.sim.advance(15)


def test_hardware_links(api: Api, tmp_path: pathlib.Path) -> None:
    site = api.site
    assert site.statuses(kind="hardware") == {"plain"}
    _camera_to_https(site, "camera-0001", tmp_path)
    assert [link["status"] for link in site.links(kind="hardware")] == ["broken", "plain"]
    path = f"hardwareDriverSettings/{_hardware(api)}"
    assert api.log_in().status == 200
    assert api.change(path, {"httpSEnabled": "yes", "httpSPort": "8443"}).status == 200
    assert site.links(presenter="camera-0001")[0]["status"] == "encrypted"
    assert api.change(path, {"httpSValidateCertificate": "Yes", "httpSValidateHostname": "Yes"}).status == 200
    link = site.links(presenter="camera-0001")[0]
    assert link["status"] == "broken"
    assert "does not accept the camera's certificate" in link["reason"]
    site.trust("recording-01")
    assert site.links(presenter="camera-0001")[0]["status"] == "encrypted"
    # The recording server's own look at the camera is no client's request.
    assert site.sim.control("/devices/camera-0002/requests")["counts"]["client"] == 0
