# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin recorder, read from simulated recorders that refuse every write."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import typing as t

import pytest
import yaml

from .conftest import (
    ADDRESSES,
    CAMERA_PASSWORD,
    CAMERAS,
    HTTP,
    HTTPS,
    NET,
    PASSWORDS,
    VAULT_PASSWORD,
    Run,
    Site,
)

REC1 = {address for address, (recorder, _number, _own) in CAMERAS.items() if recorder == "rec1"}
REC2 = {address for address, (recorder, _number, _own) in CAMERAS.items() if recorder == "rec2"}


def logins(asked: list[str]) -> list[str]:
    return [one for one in asked if "dlogin.cgi" in one]


def secrets_in(*texts: str) -> list[str]:
    secrets = [*PASSWORDS.values(), VAULT_PASSWORD, CAMERA_PASSWORD, "Wrong-secret-1"]
    return [secret for secret in secrets if any(secret in text for text in texts)]


def test_list(site: Site) -> None:
    run = site.list(site.inventory("rec1", "rec2"))
    assert run.status == 0, run.text
    assert set(run.hosts) == {"rec1", "rec2", *REC1, *REC2}
    groups = {
        "camsec_recorders": {"rec1", "rec2"},
        "camsec_cameras": REC1 | REC2,
        "camsec_recorder_rec1": {"rec1", *REC1},
        "camsec_recorder_rec2": {"rec2", *REC2},
        "camsec_model_WJ_NX400K": {"rec1", "rec2"},
        "camsec_model_WV_OLD": {f"{NET}.13"},
        "camsec_state_error": {f"{NET}.12"},
        "camsec_state_normal": {f"{NET}.11", f"{NET}.13", f"{NET}.21"},
        "camsec_connection_https": {f"{NET}.12"},
        "camsec_connection_http": {f"{NET}.11", f"{NET}.13", f"{NET}.21"},
        "camsec_data_encryption_on": {f"{NET}.11"},
        "camsec_unread": set(),
    }
    assert {name: run.group(name) for name in groups} == groups


def test_variables(site: Site) -> None:
    hosts = site.list(site.inventory("rec1")).hosts
    recorder = {
        "ansible_connection": "local",
        "ansible_host": ADDRESSES["rec1"],
        "camsec_http_port": HTTP,
        "camsec_https_port": HTTPS,
        "camsec_username": "ADMIN",
        "camsec_command_interval": 0.0,
        "camsec_model": "WJ-NX400K",
        "camsec_licenses": {"total": 4, "used": 2},
        "camsec_contact": {"scheme": "http", "port": HTTP, "trust": "plain_http"},
    }
    assert {name: hosts["rec1"].get(name) for name in recorder} == recorder
    assert "camsec_password" not in hosts["rec1"]
    camera = {
        "ansible_connection": "local",
        "ansible_host": f"{NET}.12",
        "camsec_recorder": "rec1",
        "camsec_camera_number": 2,
        "camsec_https_port": 8443,
        "camsec_state": "error",
        "camsec_registered_connection": "https",
    }
    assert {name: hosts[f"{NET}.12"].get(name) for name in camera} == camera
    assert hosts[f"{NET}.13"]["camsec_connection"] == "http"
    assert "camsec_https_port" not in hosts[f"{NET}.13"]


def test_one_login_and_a_logout(site: Site) -> None:
    run = site.list(site.inventory("rec1", "rec2"))
    assert run.status == 0, run.text
    for name in ("rec1", "rec2"):
        asked = site.asked(name)
        assert [one for one in logins(asked) if one.endswith(" 200")] == ["GET /cgi-bin/dlogin.cgi 200"], asked
        assert asked[-1] == "GET /cgi-bin/logout.cgi 200"
        assert {one.split()[0] for one in asked} == {"GET"}


def test_a_logout_whatever_happens(site: Site) -> None:
    fault = {"kind": "html", "path": "sec_camera"}
    site.simulator.control("/devices/rec1/fault", "POST", fault)
    run = site.list(site.inventory("rec1"), "-vvvv")
    site.simulator.control("/devices/rec1/fault", "DELETE")
    assert run.status != 0
    assert f"{ADDRESSES['rec1']}: answer to /cgi-bin/sec_camera.cgi: found " in run.text
    assert site.asked("rec1")[-1] == "GET /cgi-bin/logout.cgi 200"
    assert site.sessions("rec1") == 0
    assert secrets_in(run.text) == []


def test_commands_keep_their_distance(site: Site) -> None:
    """At 20 times the speed a recorder that wants 3 seconds gets them in 0.15; it puts off whoever is faster."""
    site.simulator.control("/devices/rec1/set", "POST", {"command_interval": 3})
    run = site.list(site.inventory("rec1", command_interval=0.6))
    site.simulator.control("/devices/rec1/set", "POST", {"command_interval": 0})
    assert run.status == 0, run.text
    assert [one for one in site.asked("rec1") if one.endswith(" 503")] == []


def test_graph_by_number(site: Site) -> None:
    run = site.run("ansible-inventory", "-i", site.inventory("rec1", hostname="recorder_number"), "--graph")
    cameras = run.stdout[run.stdout.index("@camsec_cameras") :].split("@")[1]
    assert cameras.split() == ["camsec_cameras:", "|", "|--rec1-1", "|", "|--rec1-2", "|", "|--rec1-3", "|--"]


def test_constructed(site: Site) -> None:
    source = site.inventory(
        "rec1",
        compose={"camsec_http_port": "8080", "place": "camsec_recorder ~ '/' ~ camsec_camera_number"},
        groups={"lost": "camsec_state | default('') == 'error'"},
        keyed_groups=[{"key": "camsec_compression", "prefix": "compression"}],
    )
    run = site.list(source)
    assert run.hosts[f"{NET}.11"]["place"] == "rec1/1"
    assert run.hosts[f"{NET}.11"]["camsec_http_port"] == 8080
    assert run.group("lost") == {f"{NET}.12"}
    assert run.group("compression_h265_1") == REC1
    strict = site.list(site.inventory("rec1", strict=True, groups={"x": "missing == 1"}))
    assert strict.status != 0
    assert "Could not add host" in strict.text


def vaulted(site: Site, secret: str) -> tuple[str, str]:
    """A secret encrypted by ansible-vault, as YAML, and the file with its password."""
    password_file = site.write("vault-password", VAULT_PASSWORD)
    run = site.run(
        "ansible-vault", "encrypt_string", "--vault-password-file", password_file, "--name", "password", secret
    )
    assert run.status == 0, run.text
    return run.stdout, password_file


def test_vaulted_password_and_no_secret_shown(site: Site) -> None:
    line, password_file = vaulted(site, PASSWORDS["rec1"])
    config = site.config("rec1", recorders=[{"name": "rec1", "host": ADDRESSES["rec1"]}], cache=True)
    config |= {"cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(site.path / "cache")}
    source = site.write("site.camsec_recorder.yml", yaml.safe_dump(config) + line)
    run = site.list(source, "--vault-password-file", password_file, "-vvvv")
    assert run.status == 0, run.text
    assert f"{NET}.11" in run.stdout
    kept = [path.read_text(encoding="utf-8") for path in (site.path / "cache").iterdir()]
    assert len(kept) == 1
    assert f"{NET}.11" in kept[0]
    assert secrets_in(run.stdout, run.stderr, *kept) == []
    without = site.list(source, "--flush-cache")
    assert without.status != 0
    assert secrets_in(without.stdout, without.stderr) == []


def test_password_by_environment_and_by_template(site: Site) -> None:
    entries = [
        {"name": "rec1", "host": ADDRESSES["rec1"]},
        {"name": "rec2", "host": ADDRESSES["rec2"], "password": "{{ vault_rec2 }}"},
    ]
    source = site.inventory(recorders=entries, username=None)
    environment = {"CAMSEC_RECORDER_PASSWORD": PASSWORDS["rec1"], "CAMSEC_RECORDER_USERNAME": "ADMIN"}
    variables = site.write("vault.yml", {"vault_rec2": PASSWORDS["rec2"]})
    run = site.list(source, "-e", f"@{variables}", **environment)
    assert run.status == 0, run.text
    assert run.group("camsec_cameras") == REC1 | REC2
    undefined = site.list(source, **environment)
    assert undefined.status != 0
    assert "'vault_rec2' is undefined" in undefined.text
    assert secrets_in(undefined.text) == []


def test_verified_by_the_kept_root_certificate(site: Site) -> None:
    """As the roles leave it: no first contact is needed, and a wrong certificate is not passed over."""
    root = root_of("rec1")
    site.write("trust/rec1.pem", root)
    run = site.list(site.inventory("rec1", first_contact=None, trust_directory="trust"))
    assert run.status == 0, run.text
    recorder = run.hosts["rec1"]
    assert recorder["camsec_contact"] == {"scheme": "https", "port": HTTPS, "trust": "certificate_authority"}
    assert recorder["camsec_ca_path"] == str(site.path / "trust" / "rec1.pem")
    site.forget()
    site.write("trust/rec2.pem", root)
    wrong = site.list(site.inventory("rec2", trust_directory="trust"))
    assert wrong.status != 0
    assert "expected one that the given CA or pin vouches for" in wrong.text
    assert site.asked("rec2") == []


def root_of(name: str) -> str:
    """The recorder's own root, fetched as somebody without our software would."""
    login = f"ADMIN:{PASSWORDS[name]}"
    base = f"http://{ADDRESSES[name]}:{HTTP}/cgi-bin"
    command = ["curl", "-sS", "--fail", "--noproxy", "*", "-m", "60", "--digest", "-u", login]
    page = subprocess.run([*command, f"{base}/dlogin.cgi?UID=-1"], capture_output=True, text=True, check=True).stdout
    uid = page.split("UID=")[1].split("&")[0]
    pem = subprocess.run(
        [*command, f"{base}/root_certificate.cgi?UID={uid}"], capture_output=True, text=True, check=True
    )
    subprocess.run([*command, f"{base}/logout.cgi?UID={uid}"], capture_output=True, check=True)
    return pem.stdout


def test_first_contact_is_refused_by_default(site: Site) -> None:
    run = site.list(site.inventory("rec1", first_contact=None))
    assert run.status != 0
    assert "found no way that may be tried, expected the device to answer" in run.text
    assert site.asked("rec1") == []


CACHE: dict[str, t.Any] = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile"}


def test_cache(site: Site) -> None:
    cache = {**CACHE, "cache_connection": str(site.path / "cache")}
    first = site.list(site.inventory("rec1", **cache))
    site.forget()
    second = site.list(site.inventory("rec1", **cache, groups={"lost": "camsec_state | default('') == 'error'"}))
    assert site.asked("rec1") == []
    assert second.hosts == first.hosts
    assert second.group("lost") == {f"{NET}.12"}
    # One that the cache does not know is read, the other is not.
    third = site.list(site.inventory("rec1", "rec2", **cache))
    assert third.group("camsec_cameras") == REC1 | REC2
    assert (site.asked("rec1"), len(logins(site.asked("rec2"))) > 0) == ([], True)
    flushed = site.list(site.inventory("rec1", **cache), "--flush-cache")
    assert flushed.hosts == first.hosts
    assert logins(site.asked("rec1"))


@pytest.fixture
def rec2_off(site: Site) -> t.Iterator[Site]:
    site.simulator.control("/devices/rec2/power_off", "POST")
    yield site
    site.simulator.control("/devices/rec2/power_on", "POST")


def test_a_recorder_that_is_off(rec2_off: Site) -> None:
    site = rec2_off
    cache = {**CACHE, "cache_connection": str(site.path / "cache")}
    failed = site.list(site.inventory("rec1", "rec2"))
    assert failed.status != 0
    assert f"{ADDRESSES['rec2']}: contact: found HTTP connection" in failed.text
    assert "Traceback" not in failed.text
    warned = site.list(site.inventory("rec1", "rec2", on_unreachable="warn", **cache))
    assert warned.status == 0, warned.text
    assert warned.group("camsec_cameras") == REC1
    assert warned.group("camsec_recorders") == {"rec1", "rec2"}
    assert warned.group("camsec_unread") == {"rec2"}
    assert f"{ADDRESSES['rec2']}: contact: found HTTP connection" in warned.text
    site.simulator.control("/devices/rec2/power_on", "POST")
    site.forget()
    back = site.list(site.inventory("rec1", "rec2", on_unreachable="warn", **cache))
    assert back.group("camsec_cameras") == REC1 | REC2
    assert back.group("camsec_unread") == set()
    assert site.asked("rec1") == []


@pytest.mark.parametrize("enabled", ["auto", "camsec.fleet.recorder,auto,yaml,ini"])
def test_a_refused_login_is_tried_once(site: Site, enabled: str) -> None:
    """Ansible tries a file with one plugin after the other; HTTP Digest asks once for the challenge."""
    entries = [{"name": "rec1", "host": ADDRESSES["rec1"], "password": "Wrong-secret-1"}]
    run = site.list(site.inventory(recorders=entries), "-vvvv", ANSIBLE_INVENTORY_ENABLED=enabled)
    assert run.status != 0
    assert "login: found the account was refused, expected a user name and password that this device knows" in run.text
    assert logins(site.asked("rec1")) == ["GET /cgi-bin/dlogin.cgi 401"] * 2
    assert site.asked("rec1") == logins(site.asked("rec1"))
    assert secrets_in(run.stdout, run.stderr) == []


def test_options_that_cannot_be_used(site: Site) -> None:
    for entries, words in (
        ([{"name": "rec1"}], "missing required arguments: host, password"),
        ([{"host": ADDRESSES["rec1"], "password": "Wrong-secret-1", "port": 1}], "unsupported option port"),
        ([{"host": "a b", "password": "Wrong-secret-1"}], "a b: host: found 'a b', expected labels of"),
        ([], "recorders: found none, expected at least one recorder"),
    ):
        run = site.list(site.inventory(recorders=entries), "-vvvv")
        assert run.status != 0
        assert words in run.text, run.text
        assert "Traceback" not in run.text
        assert secrets_in(run.text) == []


def test_a_recorder_without_a_kit(site: Site) -> None:
    run = site.list(site.inventory("bare"))
    assert run.status == 0, run.text
    assert set(run.hosts) == {"bare"}
    assert "bare: licence kit: found none, without which the recorder does not tell its 1 cameras (REC-06)" in run.text
    assert site.sessions("bare") == 0


@pytest.fixture
def complete(site: Site) -> Site:
    """An inventory folder as a site has it: the plugin's file, and the rest in group variables."""
    site.write(
        "inventory/site.camsec_recorder.yml",
        site.config("rec2", compose={"camsec_http_port": str(HTTP)}, trust_directory=str(site.path / "trust")),
    )
    site.write(
        "inventory/group_vars/all.yml",
        {
            "ansible_python_interpreter": sys.executable,
            "camsec_authority_directory": str(site.path / "ca"),
            "camsec_authority_passphrase": "Passphrase-of-the-CA-1",
            "camsec_trust_directory": str(site.path / "trust"),
            "camsec_first_contact": "plain_http",
        },
    )
    site.write("inventory/group_vars/camsec_recorders.yml", {"camsec_password": PASSWORDS["rec2"]})
    site.write(
        "inventory/group_vars/camsec_cameras.yml",
        {"camsec_username": "admin", "camsec_password": CAMERA_PASSWORD, "camsec_https_port": 8443},
    )
    return site


def recap(run: Run) -> dict[str, dict[str, int]]:
    lines = run.stdout[run.stdout.index("PLAY RECAP") :].splitlines()[1:]
    rows = [line.split() for line in lines if " : " in line]
    return {row[0]: {name: int(count) for name, count in (part.split("=") for part in row[2:])} for row in rows}


def test_site_rehearsed(complete: Site) -> None:
    """The rollout plans the camera and its recorder's link out of this inventory."""
    run = complete.run("ansible-playbook", "-i", str(complete.path / "inventory"), "--check", "camsec.fleet.site")
    assert run.status == 0, run.stdout + run.stderr
    hosts = recap(run)
    assert set(hosts) == {"localhost", "rec2", *REC2}
    assert [hosts[name]["changed"] for name in ("rec2", *REC2)] == [1, 1]


def test_audit(complete: Site) -> None:
    run = complete.run("ansible-playbook", "-i", str(complete.path / "inventory"), "camsec.fleet.audit")
    assert run.status == 0, run.stdout + run.stderr
    assert "2 devices, " in run.text
    assert f"{NET}.21: out of line: Answer in HTTPS only" in run.text
    assert pathlib.Path(complete.path / "ca").exists() is False
