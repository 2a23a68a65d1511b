# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new password: written down before, proven after; whatever breaks, one of the two in the escrow opens the camera."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._camera.drivers import DRIVERS
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import ConnectError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._escrow._escrow import Escrow

from .conftest import MAKE, PASSWORD, Options, Rig, ids, run

NEW, VAULT = "Neues-Geheimnis-8", "Tresor-Geheimnis-1"
BY_DIALECT = {driver.rules.dialect: driver for driver in DRIVERS}
ABLE = [name for name in MAKE if "set_password" not in BY_DIALECT[name].rules.cannot]
able = pytest.mark.parametrize("dialect", ABLE)


@pytest.fixture
def wish(rig: Rig, ours: Options, tmp_path: t.Any) -> Options:
    """A camera in HTTPS, and what its account is to become."""
    rig.good("camera", **ours)
    rig.forget()
    return {
        "new_password": NEW,
        "escrow_directory": str(tmp_path / "escrow"),
        "escrow_password": VAULT,
        "first_contact": "refuse",
        "ca_path": f"{ours['authority_directory']}/trusted.pem",
    }


def escrow(rig: Rig, wish: Options) -> Escrow:
    return Escrow(f"{wish['escrow_directory']}/{rig.host}.admin.vault", Secret(VAULT))


def kept(rig: Rig, wish: Options) -> list[tuple[str, str]]:
    return [(entry.password.reveal(), entry.state) for entry in escrow(rig, wish).entries()]


def wrong_logins(rig: Rig) -> int:
    entries = rig.sim.control(f"/devices/{rig.name}/requests")["requests"]
    return sum(entry["status"] in (400, 401) for entry in entries)


@able
def test_a_new_password(rig: Rig, wish: Options) -> None:
    planned = rig.planned("camera_account", **wish)
    assert ids(planned) == ["set_password"]
    assert kept(rig, wish) == []
    done = rig.good("camera_account", **wish)
    assert NEW not in str(done)
    assert (done["changed"], done["before"]["password"], done["after"]["password"]) == (
        True, "the former one", "the new one",
    )  # fmt: skip
    assert kept(rig, wish) == [(PASSWORD, "former"), (NEW, "in_force")]
    # Again, with the inventory as it was, and with the new password in it.
    again = rig.unchanged("camera_account", **wish)
    assert again["after"]["password"] == "the new one"
    rig.unchanged("camera_account", password=NEW, **wish)
    assert "the account was refused" in rig.bad("camera_info", **{k: wish[k] for k in ("ca_path",)})["msg"]
    rig.good("camera_info", password=NEW, ca_path=wish["ca_path"])


@able
@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_change_that_breaks_and_the_run_after_it(
    rig: Rig, wish: Options, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = BY_DIALECT[rig.dialect]
    original = driver.set_password

    def breaks(self: t.Any, *arguments: t.Any) -> None:
        if lost == "after":
            original(self, *arguments)
        monkeypatch.undo()
        raise ConnectError(device=rig.host, subject="account", found="a broken connection", expected="an answer")

    monkeypatch.setattr(driver, "set_password", breaks)
    failed = rig.bad("camera_account", **wish)
    taken = "the new password" if lost == "after" else "the former password"
    assert f"The camera takes {taken} now; both are in the escrow." in failed["msg"]
    assert NEW not in str(failed)
    assert {password for password, _state in kept(rig, wish)} == {PASSWORD, NEW}
    assert ids(rig.good("camera_account", **wish)) == ["confirm_escrow" if lost == "after" else "set_password"]
    rig.unchanged("camera_account", **wish)
    assert kept(rig, wish)[-1] == (NEW, "in_force")


@able
def test_without_a_working_escrow_nothing_is_asked(rig: Rig, wish: Options, tmp_path: t.Any) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    failed = rig.run("camera_account", **{**wish, "escrow_directory": str(blocked)})
    assert failed["failed"]
    assert "escrow of account passwords" in failed["msg"]
    assert rig.counts()["client"] == 0


@able
def test_a_password_does_not_go_over_plain_http(rig: Rig, wish: Options, ours: Options) -> None:
    rig.good("camera", connection="http", **{**ours, "first_contact": "plain_http"})
    rig.forget()
    for check_mode in (True, False):
        plain = {**wish, "ca_path": None, "first_contact": "plain_http"}
        failed = rig.bad("camera_account", check_mode=check_mode, **plain)
        assert "met by plain_http, where whoever is in between would read the new password" in failed["msg"]
    assert rig.counts()["writes"] == 0
    assert kept(rig, wish) == []


@pytest.mark.parametrize("dialect", ["onvif", "sunell"])
@pytest.mark.parametrize("known", [False, True], ids=["nothing is known", "another authority is"])
def test_a_password_does_not_go_to_a_camera_that_did_not_prove_who_it_is(
    rig: Rig, wish: Options, known: bool, tmp_path: t.Any
) -> None:
    other = tmp_path / "other.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(tmp_path / "other.key"),
        "-out", str(other), "-subj", "/CN=Another")  # fmt: skip
    unproven = {**wish, "first_contact": "any_certificate", "ca_path": str(other) if known else None}
    for check_mode in (True, False):
        failed = rig.bad("camera_account", check_mode=check_mode, **unproven)
        assert "contact: found a camera that was met by any_certificate, where whoever is in between" in failed["msg"]
        assert "expected HTTPS with a verified certificate. Bring the camera to HTTPS first, and" in failed["msg"]
        assert NEW not in str(failed)
    assert rig.counts()["writes"] == 0
    assert kept(rig, wish) == []
    # The key alone is proof enough, and what is allowed besides does no harm.
    pin = rig.good("camera_info", ca_path=wish["ca_path"])["certificate"]["spki_sha256"]
    pinned = {**unproven, "ca_path": None, "spki_sha256": [pin]}
    assert ids(rig.good("camera_account", **pinned)) == ["set_password"]


@pytest.mark.parametrize("dialect", [name for name in MAKE if name not in ABLE])
def test_a_dialect_without_a_call_says_so(rig: Rig, wish: Options) -> None:
    assert "for which no public call changes a password" in rig.bad("camera_account", **wish)["msg"]
    assert rig.counts()["writes"] == 0
    assert kept(rig, wish) == []
