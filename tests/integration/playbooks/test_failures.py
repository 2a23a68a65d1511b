# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong in a rollout: it stops, says so, and nothing is left where its recorder does not see it."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.camsec.fleet.extensions.simulator.testing import own_base_address

from .conftest import PORT, Site, running

DAY = 86400.0
UNTOUCHED = ("http", 1)
DONE = ("https", 1)


def test_nothing_after_a_canary_that_fails(fresh: Site) -> None:
    fresh.fault("cam1", kind="html", path="get_https")
    run = fresh.site()
    assert run.status == 2
    assert "cam1: " in run.output
    assert [fresh.asked(name) for name in ("cam2", "cam3", "cam4")] == [[], [], []]
    assert fresh.links() == dict.fromkeys((1, 2, 3, 4), UNTOUCHED)


def test_a_failed_wave_is_finished_and_the_last_one(fresh: Site) -> None:
    """The camera beside the one that fails is in HTTPS by then: its recorder has to follow it all the same."""
    fresh.fault("cam2", kind="html", path="get_https")
    run = fresh.site(camsec_camera_waves=[1, 2, "100%"])
    assert run.status == 2
    assert "cam2: " in run.output[run.output.index("The rollout stops") :]
    assert fresh.links() == {1: DONE, 2: UNTOUCHED, 3: DONE, 4: UNTOUCHED}
    assert fresh.connected() == dict.fromkeys((1, 2, 3, 4), 1)
    assert fresh.asked("cam4") == []
    fresh.mend("cam2")
    again = fresh.site()
    assert again.status == 0, again.output
    assert again.changed["cam1"] == 0
    assert again.changed["cam2"]
    assert again.changed["cam4"]
    assert fresh.links() == dict.fromkeys((1, 2, 3, 4), DONE)


def test_a_camera_that_its_recorder_loses_is_brought_back(fresh: Site) -> None:
    # By the recorder's clock the new certificate has expired: the camera answers well, and only the recorder objects.
    fresh.simulator.control("/devices/rec/set", "POST", {"clock_offset": 500 * DAY})
    numbers = ("-e", "camera_https_link_timeout=4", "-e", "camera_https_link_interval=1")
    run = fresh.site(*numbers, camsec_camera_waves=[2, "100%"])
    assert run.status == 2
    for name in ("cam1", "cam2"):
        sentence = f"{name}: found not seen by rec (-(expired)), expected CAM_CONNECT 1."
        assert sentence in run.text, run.output
    assert "It was brought back to HTTP, where rec sees it again." in run.text
    assert fresh.links() == dict.fromkeys((1, 2, 3, 4), UNTOUCHED)
    assert fresh.connected() == dict.fromkeys((1, 2, 3, 4), 1)
    assert fresh.asked("cam3") == []
    assert "live=http" in fresh.curl("cam1", "get_https", plain=True)
    fresh.simulator.control("/devices/rec/set", "POST", {"clock_offset": 0.0})
    again = fresh.site()
    assert again.status == 0, again.output
    assert fresh.links() == dict.fromkeys((1, 2, 3, 4), DONE)


def test_a_recorder_that_fails_in_its_turn(fresh: Site) -> None:
    # Its answer is lost, so it is asked how it connects to the camera now: by HTTPS.
    fresh.fault("rec", kind="drop", path="sec_camera", after_write=True, count=1)
    run = fresh.site(camsec_camera_waves=[1, "100%"])
    assert run.status == 2
    assert "rec: " in run.output[run.output.index("The rollout stops") :]
    fresh.await_connected(dict.fromkeys((1, 2, 3, 4), 1))
    assert fresh.links()[1] == DONE
    assert fresh.asked("cam2") == []
    # It tells nothing at all: the camera goes back to where it was.
    fresh.fault("rec", kind="html", path="sec_camera")
    run = fresh.site("--limit", "cam2,localhost")
    fresh.mend("rec")
    assert run.status == 2
    assert "cam2: found not seen by rec" in run.text, run.output
    assert "It was brought back to HTTP; rec does NOT see it yet." in run.text
    assert "live=http" in fresh.curl("cam2", "get_https", plain=True)
    fresh.await_connected(dict.fromkeys((1, 2, 3, 4), 1))


def test_cameras_of_other_dialects_are_brought_back() -> None:
    """They answered in HTTP and HTTPS; a recorder that tells nothing is taken to see them in HTTP, as at first."""
    net = own_base_address(5).rpartition(".")[0]
    common = {"http_port": 8080, "https_port": PORT, "password": "Cam-Admin-0009"}
    others = {
        "onvif_cameras": [{"name": "onvif1", "address": f"{net}.41", "key_generation_seconds": 2, **common}],
        "axis_cameras": [{"name": "axis1", "address": f"{net}.51", **common}],
    }
    with running(["{}"], offset=5, others=others) as site:
        for number, name in enumerate(("onvif1", "axis1"), 2):
            site.change(name, camsec_recorder="rec", camsec_camera_number=number)
        # Without the recorders' play there is nothing to verify the recorder by.
        run = site.site("--limit", "onvif1,axis1,localhost", camsec_camera_waves=["100%"])
        assert run.status == 2
        for name in ("onvif1", "axis1"):
            assert f"{name}: found not seen by rec" in run.text, run.output
            place = f"http://{site.hosts[name]['ansible_host']}:8080/"
            asked = ["curl", "-sS", "-o", "/dev/null", "--noproxy", "*", "-m", "20", place]
            assert subprocess.run(asked, check=False).returncode == 0
        assert run.text.rpartition("The rollout stops")[2].count("It was brought back to HTTP;") == 2, run.output


def test_a_recorder_that_refuses_the_login_is_asked_once(fresh: Site) -> None:
    run = fresh.site("--limit", "camsec_recorders,localhost")
    assert run.status == 0, run.output
    fresh.change("rec", camsec_password="Not-the-password-1")
    fresh.forget_requests()
    # As a user gives numbers on the command line: they are strings.
    numbers = ("-e", "camera_https_link_timeout=6", "-e", "camera_https_link_interval=1")
    run = fresh.site("--limit", "camsec_cameras,localhost", *numbers, camsec_camera_waves=["100%"])
    assert run.status == 2
    sentence = "It was brought back to HTTP; whether rec sees it is not known, since it has refused the login"
    assert run.text.rpartition("fatal: ")[2].count(sentence) == 4, run.output
    # The question for the challenge, and one login.
    assert fresh.simulator.control("/devices/rec/requests")["statuses"] == {"401": 2}
    assert {connection for connection, _seen in fresh.links().values()} == {"http"}
    assert "live=http" in fresh.curl("cam4", "get_https", plain=True)


def test_waiting_for_a_recorder_ends_when_it_refuses_the_login(fresh: Site) -> None:
    assert fresh.site("--limit", "camsec_recorders,localhost").status == 0
    # It loses the camera, and knows our password no more when it is asked whether it sees it again.
    right, once = fresh.hosts["rec"]["camsec_password"], fresh.folder / "once"
    answer = f"test -e {once} && echo wrong || echo {right}; touch {once}"
    fresh.change("rec", camsec_password=f"{{{{ lookup('ansible.builtin.pipe', '{answer}') }}}}")
    settings = {"clock_offset": 500 * DAY, "lockout_after": 2, "lockout_seconds": 9 * DAY}
    fresh.simulator.control("/devices/rec/set", "POST", settings)
    run = fresh.site("--limit", "cam1,localhost")
    fresh.change("rec", camsec_password=right)
    assert run.status == 2
    assert once.exists()
    assert "It was brought back to HTTP; whether rec sees it is not known" in run.text, run.output
    assert fresh.connected()  # It is not locked.
    fresh.simulator.control("/devices/rec/set", "POST", {"lockout_after": 0})


@pytest.mark.parametrize(
    ("host", "variables", "sentence"),
    [
        ("cam3", {"camsec_camera_number": 2}, "cam3: camsec_camera_number: found 2, which cam2 has on rec too"),
        ("cam2", {"camsec_recorder": "rec9"}, "cam2: camsec_recorder: found 'rec9', expected the inventory name"),
    ],
)
def test_an_inventory_that_cannot_be(fresh: Site, host: str, variables: dict[str, object], sentence: str) -> None:
    fresh.change(host, **variables)
    run = fresh.site()
    assert run.status == 2
    assert sentence in run.text, run.output
    assert [fresh.asked(name) for name in fresh.hosts] == [[]] * 5


def test_without_an_escrow_nothing_is_sent(fresh: Site) -> None:
    fresh.change("cam1", camsec_data_encryption=True)
    before = fresh.states()
    for missing, sentence in (
        ("camsec_escrow_password", "expected escrow_password or escrow_password_file"),
        ("camsec_escrow_directory", "camsec_escrow_directory: found nothing"),
    ):
        run = fresh.site(**{missing: None})
        assert run.status == 2
        assert sentence in run.text, run.output
    assert fresh.states() == before
    assert [fresh.asked(name) for name in fresh.hosts] == [[]] * 5


def test_licences_are_counted_before_a_camera_is_touched() -> None:
    with running(["{}"] * 3, offset=5, kit="WJ-NXS01WUX") as site:
        run = site.site()
        assert run.status == 2
        assert "REC-07" in run.text
        assert "Fewest kits to buy: " in run.text, run.output
        assert "WJ-NXS04WUX" in run.text
        assert [site.asked(f"cam{number}") for number in (1, 2, 3)] == [[], [], []]
        assert site.links() == dict.fromkeys((1, 2, 3), UNTOUCHED)
