# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter vms_plan, on certificates that openssl made; the picture, read by somebody else's parser."""

from __future__ import annotations

import pathlib
import subprocess
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.camsec.fleet.plugins.filter.vms_plan import FilterModule
from lxml import etree

plan = FilterModule().filters()["vms_plan"]
SVG = "{http://www.w3.org/2000/svg}"
Json = dict[str, t.Any]


def openssl(*arguments: str, data: str = "") -> str:
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Pki:
    """A root, an intermediate authority, and what they sign."""

    def __init__(self, folder: pathlib.Path, days: int = 3650) -> None:
        self.folder = folder
        self.root = self._make("root", "Root", "", "basicConstraints=critical,CA:true", days=days)
        self.issuer = self._make("issuer", "Issuer", "root", "basicConstraints=critical,CA:true", days=days)

    def _make(self, name: str, common_name: str, signer: str, extension: str, *, days: int) -> str:
        key = str(self.folder / f"{name}.key")
        request = ["req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", f"/CN={common_name}"]
        options = ["-addext", extension, "-days", str(days)]
        if signer:
            options += ["-CA", str(self.folder / f"{signer}.pem"), "-CAkey", str(self.folder / f"{signer}.key")]
        pem = openssl(*request, "-x509", *options)
        (self.folder / f"{name}.pem").write_text(pem)
        return pem

    def server(self, name: str, days: int = 397) -> Json:
        """What a server holds for a group."""
        pem = self._make(name, f"{name}.example", "issuer", f"subjectAltName=DNS:{name}.example", days=days)
        return {"content": pem, "issuers": [self.issuer]}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


def site(pki: Pki, *, held: bool = True) -> list[Json]:
    names = {"mgmt": "management_server", "rec": "recording_server"}
    return [
        {
            "name": name,
            "host_name": f"{name}.example",
            "roles": [role],
            "certificates": {"server": pki.server(name)} if held else {},
        }
        for name, role in names.items()
    ]


def test_certificates_below_an_intermediate_authority(pki: Pki) -> None:
    servers = site(pki)
    found = plan(servers, management=True, roots=[pki.root])
    assert [(step["id"], step["server"]) for step in found["steps"]] == [
        ("trust_root", "mgmt"), ("trust_root", "rec"),
        ("check_handshake", "mgmt"), ("check_handshake", "rec"),
        ("enable_encryption", "mgmt"), ("enable_encryption", "rec"), ("verify_links", "mgmt"),
    ]  # fmt: skip
    print_of_root = openssl("x509", "-noout", "-fingerprint", "-sha256", data=pki.root).split("=")[1].strip()
    assert found["steps"][0]["root"] == print_of_root.replace(":", "").lower()
    for each in servers:
        each["trusted"] = [print_of_root] if each["name"] == "mgmt" else [pki.root]
        each["encrypted"] = ["server"]
    again = plan(servers, management=True, roots=[pki.root])
    assert again["steps"] == []
    assert again["link_counts"] == {"encrypted": 2, "plain": 1}
    assert again["table"][:2] == ["Links: 2 encrypted, 1 plain.", "Nothing is to be done."]
    assert {ending["what"] for ending in again["endings"]} == {
        "certificate of mgmt (server)", "certificate of rec (server)", "root Root",
    }  # fmt: skip
    instants = [ending["at"] for ending in again["endings"]]
    assert instants == sorted(instants)


def test_without_its_root_a_certificate_is_none(pki: Pki) -> None:
    with pytest.raises(AnsibleFilterError, match="a certificate whose root is not known"):
        plan(site(pki), management=True)
    other = {**site(pki)[0], "certificates": {"server": {"content": pki.server("x")["content"]}}}
    with pytest.raises(AnsibleFilterError, match=r"a certificate for x\.example"):
        plan([other], management=True, roots=[pki.root])


def test_an_authority_issues_what_is_missing(pki: Pki) -> None:
    found = plan(site(pki, held=False), management=True, streaming=True, authority_root=pki.root)
    issued = [(step["server"], step["group"]) for step in found["steps"] if step["id"] == "install_certificate"]
    assert issued == [("mgmt", "server"), ("rec", "server"), ("rec", "streaming_media")]
    assert any("Trust the root of our own authority" in line for line in found["table"])
    assert any("it verifies that of rec" in line or "its own certificate" in line for line in found["table"])


def test_of_several_roots_the_one_that_the_authority_issues_below_counts(pki: Pki, tmp_path: pathlib.Path) -> None:
    old = Pki(tmp_path, days=3000)
    found = plan(site(pki, held=False), management=True, authority_root=old.root + pki.root + pki.issuer)
    (root,) = {step["root"] for step in found["steps"] if step["id"] == "install_certificate"}
    print_of_root = openssl("x509", "-noout", "-fingerprint", "-sha256", data=pki.root).split("=")[1].strip()
    assert root == print_of_root.replace(":", "").lower()
    assert len({step["root"] for step in found["steps"] if step["id"] == "trust_root"}) == 2


def test_a_root_that_has_ended_is_no_root_of_the_authority(pki: Pki, tmp_path: pathlib.Path) -> None:
    ending = Pki(tmp_path, days=30)
    for text in (ending.root + pki.root, pki.root + ending.root):
        found = plan(site(pki, held=False), management=True, authority_root=text, at="2027-06-01T00:00:00Z")
        assert len({step["root"] for step in found["steps"] if step["root"]}) == 1
    with pytest.raises(AnsibleFilterError, match="authority_root"):
        plan(site(pki, held=False), management=True, authority_root=ending.root, at="2027-06-01T00:00:00Z")


def test_what_was_judged_now_says_nothing_about_another_instant(pki: Pki) -> None:
    servers = site(pki)
    servers[1]["certificates"]["server"] |= {"due": "a certificate that was revoked", "due_rule": "VMS-13"}
    issued = [step for step in plan(servers, management=True, authority_root=pki.root)["steps"] if step["reason"]]
    assert "a certificate that was revoked" in {step["reason"] for step in issued}
    later = plan(servers, management=True, authority_root=pki.root, at="2027-01-01T00:00:00Z")
    assert "a certificate that was revoked" not in {step["reason"] for step in later["steps"]}


def test_the_picture_is_svg_whatever_the_names_are(pki: Pki) -> None:
    servers = site(pki, held=False)
    clients = [{"name": '<wall> & "co"', "kind": "smart_client", "trusted": []}]
    servers += [{"name": f"rec{number:04}", "roles": ["recording_server"]} for number in range(1000)]
    found = plan(servers, clients=clients, management=True, streaming=True, authority_root=pki.root)
    picture = etree.fromstring(found["svg"].encode())
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert clients[0]["name"] in texts
    assert "972 more" in texts
    assert len(list(picture.iter(f"{SVG}rect"))) == 1 + 30 + 1
    assert found["link_counts"]["plain"] == len(found["links"])
    boxes = [(float(box.get("x")), float(box.get("y"))) for box in picture.iter(f"{SVG}rect")]
    assert len(set(boxes)) == len(boxes)
    assert max(y for _x, y in boxes) < float(picture.get("height"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"colour": "red"}, "server mgmt: found the key colour, expected some of broken, certificates"),
        ({"name": ""}, "server: found "),
        ({"roles": "management_server"}, "roles of mgmt: found 'management_server', expected a list of texts"),
        ({"trusted": ["abc"]}, "trusted of mgmt: found abc, expected a SHA-256 in hexadecimal"),
        ({"certificates": {"web": {}}}, "certificate group of mgmt: found web, expected one of server"),
        ({"certificates": {"server": "PEM"}}, "certificate of mgmt \\(server\\): found 'PEM', expected a dictionary"),
        ({"certificates": {"server": {"content": "PEM"}}}, "mgmt \\(server\\)"),
        ({"encrypted": ["web"]}, "certificate group of mgmt: found web"),
    ],
)
def test_data_that_cannot_be(pki: Pki, change: Json, sentence: str) -> None:
    with pytest.raises(AnsibleFilterError, match=sentence) as caught:
        plan([{**site(pki, held=False)[0], **change}])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"warn_before": 30}, "warn_before: found 30, expected more than 0 and less than renew_before \\(30\\)"),
        ({"at": "today"}, "at: found today, expected an instant of ISO 8601 with a time zone"),
        ({"at": "2026-11-28T10:00:00"}, "expected an instant of ISO 8601 with a time zone"),
        ({"roots": ["x"]}, "roots"),
    ],
)
def test_options_that_cannot_be(pki: Pki, options: Json, sentence: str) -> None:
    with pytest.raises(AnsibleFilterError, match=sentence):
        plan(site(pki, held=False), **options)


def test_the_instant_can_be_chosen(pki: Pki) -> None:
    later = plan(site(pki), management=True, authority_root=pki.root, at="2030-01-01T00:00:00+00:00")
    reasons = {step["reason"].partition(" that")[0] for step in later["steps"] if step["id"] == "install_certificate"}
    assert reasons == {"a certificate"}


def test_certificates_that_end_soon_are_not_switched_on_without_a_word(pki: Pki) -> None:
    servers = site(pki)
    for each in servers:
        each["certificates"] = {"server": pki.server(each["name"], days=2)}
    found = plan(servers, management=True, roots=[pki.root])
    near = {ending["what"]: ending["severity"] for ending in found["endings"]}
    assert near == {
        "certificate of mgmt (server)": "warning", "certificate of rec (server)": "warning", "root Root": "note",
    }  # fmt: skip
    assert [line for line in found["table"] if line.startswith("The certificate of rec (server) ends on ")]


@pytest.mark.parametrize("at", ["2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"])
def test_an_authority_whose_root_is_not_valid_is_refused(pki: Pki, at: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        plan(site(pki, held=False), management=True, authority_root=pki.root, at=at)
    message = str(caught.value)
    assert message.startswith("VMS: authority_root: found a root that is valid from ")
    assert message.endswith(f", expected one that is valid on {at[:10]}.")
    # Switching off issues nothing, and is what helps when all has ended.
    encrypted = [{**each, "encrypted": ["server"]} for each in site(pki)]
    off = plan(encrypted, management=False, authority_root=pki.root, at=at)
    assert [step["server"] for step in off["steps"] if step["id"] == "disable_encryption"] == ["rec", "mgmt"]
