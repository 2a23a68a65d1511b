# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes to a Windows host, and what is made of what comes back."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    PkiError,
    ProtocolError,
    RefusedError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._core._shell import CommandAnswer
from ansible_collections.camsec.fleet.plugins.module_utils._vms import configurator, scripts
from ansible_collections.camsec.fleet.plugins.module_utils._vms.facts import handshake, link_port
from ansible_collections.camsec.fleet.plugins.module_utils._vms.windows import Target, WindowsHost


class Scripted:
    """Answers once, and keeps what it was given."""

    def __init__(self, answer: t.Any, *, status: int = 0, complaint: str = "") -> None:
        text = answer if isinstance(answer, str) else base64.b64encode(json.dumps(answer).encode()).decode()
        self._answer = CommandAnswer(status=status, output=text, complaint=complaint)
        self.command, self.given = "", b""

    def run(self, command: str, given: bytes) -> CommandAnswer:
        self.command, self.given = command, given
        return self._answer


def host(shell: Scripted) -> WindowsHost:
    return WindowsHost(shell, device="rec", timeout=2.5)


def test_a_secret_is_on_standard_input_and_nowhere_else() -> None:
    shell = Scripted({"found": {"thumbprint": "AB"}})
    host(shell).import_pkcs12(b"\x30", Secret("sésame öffne dich"), "NETWORK SERVICE")
    script = base64.b64decode(shell.command.split()[-1]).decode("utf-16-le")
    assert script == scripts.BOOTSTRAP
    # What stays below the limit of cmd.exe, which runs it on a host of Win32-OpenSSH.
    assert len(shell.command) < 8191
    assert shell.given.isascii()
    assert shell.given.count(b"\n") == 1
    assert json.loads(shell.given)["given"]["passphrase"] == "sésame öffne dich"


def test_what_a_host_says_is_one_sentence() -> None:
    shell = Scripted({"error": "Keyset does not exist\r\n", "kind": "System.Exception"})
    with pytest.raises(RefusedError) as raised:
        host(shell).grant_key("AB", "NETWORK SERVICE")
    assert raised.value.message == (
        "rec: private key of AB: found Keyset does not exist (System.Exception), expected what was asked for, done."
    )


@pytest.mark.parametrize(
    "answer",
    ["", "no base64 at all", "e30=", base64.b64encode(b"[1]").decode(), {"found": "text"}, {"found": None}],
)
def test_an_answer_of_another_kind_is_refused(answer: t.Any) -> None:
    with pytest.raises(ProtocolError, match="PowerShell"):
        host(Scripted(answer, status=1, complaint="bash: PowerShell: command not found")).remove_trusted("AB")


def test_a_profile_that_talks_does_not_disturb() -> None:
    noisy = "Welcome to this host\r\n" + base64.b64encode(json.dumps({"found": {"exit_code": -4}}).encode()).decode()
    assert host(Scripted(noisy)).configure("sc.exe", ["/quiet"], stop_running=False, seconds=5) == -4


def test_fewer_handshakes_than_asked_for_are_refused() -> None:
    shell = Scripted({"found": {"handshakes": []}})
    with pytest.raises(ProtocolError, match="0 results for 1 targets"):
        host(shell).handshakes([Target(host="localhost", port=7609, name="rec.example")])
    assert json.loads(shell.given)["given"]["timeout"] == 2500


def test_a_handshake_without_a_verdict_is_refused() -> None:
    with pytest.raises(ProtocolError):
        handshake({"status": "encrypted"}, "rec")
    with pytest.raises(PkiError, match=r"no X\.509 certificate"):
        handshake({"status": "encrypted", "leaf": "AAAA"}, "rec")
    assert handshake({"status": "plain"}, "rec").status == "plain"


@pytest.mark.parametrize("code", [-1, -2, -3, -4, 100, 100000, 300000, 7])
def test_each_exit_code_has_its_sentence(code: int) -> None:
    with pytest.raises(RefusedError, match=f"exit code {code}: "):
        configurator.check_exit(code, device="rec", group="server")


def test_exit_code_0_is_success_and_arguments_are_as_documented() -> None:
    configurator.check_exit(0, device="rec", group="server")
    assert configurator.enable("server", "AB") == [
        "/quiet", "/enableencryption", "/certificategroup=84430eb7-847c-422d-aa00-7915cd0d7a65", "/thumbprint=AB",
    ]  # fmt: skip
    assert configurator.disable("mobile_server") == [
        "/quiet", "/disableencryption", "/certificategroup=76cfc719-a852-4210-913e-703eadab139a",
    ]  # fmt: skip


def test_where_the_ends_of_a_link_meet() -> None:
    ports = {"management": 1, "data_collector": 2, "webapi": 3, "streaming": 4, "mobile": 5}
    assert link_port(("management_server",), "server", ports) == 1
    assert link_port(("event_server",), "server", ports) == 2
    assert link_port(("failover_recording_server",), "server", ports) == 3
    assert link_port(("recording_server",), "streaming_media", ports) == 4
    assert link_port(("mobile_server",), "mobile_server", ports) == 5
