# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated Windows computer by SSH: paramiko, OpenSSH below Ansible, and handshakes that its scripts make."""

from __future__ import annotations

import base64
import dataclasses as dc
import json
import pathlib
import time

import asyncssh
import paramiko
import pytest
from ansible_collections.camsec.fleet.extensions.simulator._windows_store import ADMINISTRATORS, CSP, new_key
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from ...unit.windows.conftest import Authority, der_of, make_host
from ..playbooks.conftest import run_ansible
from .conftest import PORT, Running, client


@dc.dataclass(frozen=True, kw_only=True)
class Ended:
    out: bytes
    err: bytes
    code: int


def call(made: paramiko.SSHClient, command: str, stdin: bytes = b"") -> Ended:
    given, out, err = made.exec_command(command, timeout=60)
    given.write(stdin)
    given.channel.shutdown_write()
    return Ended(out=out.read(), err=err.read(), code=out.channel.recv_exit_status())


def encoded(script: str) -> str:
    text = base64.b64encode(script.encode("utf-16-le")).decode()
    return f"powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {text}"


def test_scripts_by_paramiko(running: Running) -> None:
    with client(running.host) as made:
        done = call(made, encoded('$input | ForEach-Object { "<$_>" }; exit 5'), b"one\r\ntwo\n")
        assert (done.out, done.code) == (b"<one>\r\n<two>\r\n", 5)
        # With -EncodedCommand errors that go to a pipe are CLIXML, progress among them.
        failed = call(made, encoded("Get-Item C:\\nope"))
        assert failed.code == 1
        assert failed.err.startswith(b"#< CLIXML\r\n")
        assert b"Cannot find path 'C:\\nope' because it does not exist._x000D__x000A_</S>" in failed.err
        plain = call(made, "PowerShell -NoProfile -Command \"throw 'x'\"")
        assert plain.code == 1
        assert plain.err.startswith(b"x\r\n")
        assert call(made, "netsh.exe http show sslcert").out.startswith(b"\r\nSSL Certificate bindings")
        assert b"Limit of the simulator" in call(made, "dir & whoami").err
        assert b"Limit of the simulator" in call(made, encoded("Get-NetAdapter")).err
        assert call(made, "C:\\nope.exe").code == 1
        long = call(made, encoded("#" + "x" * 4000))
        assert (long.code, long.err) == (1, b"The command line is too long.\r\n")
    names = [entry["command"] for entry in running.host.log]
    assert names[:4] == ["powershell", "powershell", "powershell", "netsh.exe"]
    assert "two" not in json.dumps(list(running.host.log))


@pytest.mark.parametrize(("locale", "codec"), [("en-US", "cp437"), ("ja-JP", "cp932"), ("de-DE", "cp850")])
def test_the_console_has_an_old_code_page(locale: str, codec: str) -> None:
    with Running(make_host(locale=locale, port=PORT)) as made, client(made.host) as ssh:
        sign = {"cp437": "é", "cp932": "証", "cp850": "Ä"}[codec]
        assert call(ssh, encoded(f"'{sign}'")).out == f"{sign}\r\n".encode(codec)
        modern = f"[Console]::OutputEncoding = [Text.Encoding]::UTF8; '{sign}'"
        assert call(ssh, encoded(modern)).out == f"{sign}\r\n".encode()


def test_who_comes_in(tmp_path: pathlib.Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "id")
    host = make_host(port=PORT, authorized_keys=[key.export_public_key().decode()])
    with Running(host):
        with client(host, password=None, key_filename=str(tmp_path / "id"), username="administrator") as made:
            assert call(made, "whoami").out == b"rec01\\administrator\r\n"
        for wrong in ({"password": "no"}, {"username": "guest"}):
            with pytest.raises(paramiko.AuthenticationException), client(host, **wrong):
                pass


def test_faults(running: Running) -> None:
    running.host.faults.add("drop_after_script")
    with client(running.host) as made:
        assert call(made, encoded("Set-Content C:\\ProgramData\\x 1")).code == -1
    assert running.host.files.is_file("C:\\ProgramData\\x")
    running.host.faults.add("refuse_connection")
    with pytest.raises((EOFError, OSError, paramiko.SSHException)), client(running.host):
        pass
    running.host.faults.clear()
    running.do(running.host.power_off())
    with pytest.raises(OSError), client(running.host):  # noqa: PT011 - whatever the socket says
        pass
    running.do(running.host.power_on())
    with client(running.host) as made:
        assert call(made, encoded("1")).out == b"1\r\n"


def test_a_power_cut_ends_a_script(running: Running) -> None:
    host = running.host
    with client(host) as made:
        folder = "C:\\ProgramData"
        script = f"Set-Content {folder}\\early 1; Start-Sleep -Milliseconds 800; Set-Content {folder}\\late 1"
        _in, out, _err = made.exec_command(encoded(script))
        end = time.monotonic() + 30
        while not host.files.is_file(f"{folder}\\early") and time.monotonic() < end:
            time.sleep(0.02)
        running.do(host.power_off())
        assert out.channel.recv_exit_status() == -1
    time.sleep(1.2)
    assert host.files.is_file(f"{folder}\\early")
    assert not host.files.is_file(f"{folder}\\late")
    running.do(host.power_on())


def test_by_ansible(running: Running, tmp_path: pathlib.Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "id")
    (tmp_path / "id").chmod(0o600)
    running.host.authorized_keys = (key.export_public_key().decode(),)
    known = tmp_path / "known_hosts"
    known.write_text(f"[{running.host.address}]:{PORT} {running.host.public_key()}\n", encoding="ascii")
    inventory = tmp_path / "hosts.yml"
    options = f"-o UserKnownHostsFile={known} -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes"
    variables = {
        "ansible_host": running.host.address,
        "ansible_port": PORT,
        "ansible_user": "Administrator",
        "ansible_connection": "ssh",
        "ansible_shell_type": "powershell",
        "ansible_ssh_private_key_file": str(tmp_path / "id"),
        "ansible_ssh_common_args": f"{options} -o IdentitiesOnly=yes -o ControlMaster=no -o ControlPath=none",
    }
    inventory.write_text(json.dumps({"all": {"hosts": {"rec01": variables}}}), encoding="ascii")
    script = encoded("(Get-ChildItem Cert:\\LocalMachine\\My | Measure-Object).Count; $env:COMPUTERNAME")
    run = run_ansible(["ansible", "-i", str(inventory), "rec01", "-m", "ansible.builtin.raw", "-a", script], tmp_path)
    assert run.status == 0, run.output
    assert "0\r\nREC01" in run.output.replace("\n", "\r\n").replace("\r\r", "\r")


# -- handshakes --------------------------------------------------------------------------------------------------

BOTH_ENDS = r"""
$c = Get-ChildItem Cert:\LocalMachine\My
$l = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0); $l.Start()
$t = $l.AcceptTcpClientAsync()
$k = New-Object System.Net.Sockets.TcpClient('localhost', $l.LocalEndpoint.Port)
$server = [Net.Security.SslStream]::new($t.Result.GetStream(), $false)
$st = $server.AuthenticateAsServerAsync($c)
$script:seen = 'not asked'
$ask = { param($sender, $certificate, $chain, $errors) $script:seen = "$errors/" + ($chain.ChainStatus.Status -join '+'); $true }
$tls = if ($%s) { [Net.Security.SslStream]::new($k.GetStream(), $false, $ask) } else { [Net.Security.SslStream]::new($k.GetStream()) }
try { $tls.AuthenticateAsClient('%s'); "$seen $($tls.SslProtocol) $($tls.RemoteCertificate.Thumbprint -eq $c.Thumbprint)" }
catch { $e = $_.Exception.InnerException; $e.GetType().Name + ': ' + $e.Message }
try { [void]$st.Wait(5000) } catch { 'server: ' + $_.Exception.InnerException.InnerException.GetType().Name }
$tls.Dispose(); $server.Dispose(); $l.Stop()
"""  # noqa: E501
INVALID = "AuthenticationException: The remote certificate is invalid according to the validation procedure."


@pytest.mark.parametrize(
    ("name", "trusted", "days", "asked", "first"),
    [
        ("rec01.example", True, 0, "true", "None/ Tls13 True"),
        ("rec01.example", True, 0, "false", "not asked Tls13 True"),
        ("other.example", True, 0, "true", "RemoteCertificateNameMismatch/ Tls13 True"),
        ("other.example", True, 0, "false", INVALID),
        ("rec01.example", False, 0, "true", "RemoteCertificateChainErrors/PartialChain Tls13 True"),
        ("rec01.example", True, 200, "false", INVALID),
    ],
)
def test_handshakes(authority: Authority, name: str, trusted: bool, days: int, asked: str, first: str) -> None:  # noqa: PLR0917 - a row of the table
    host = make_host(clock_offset=days * 86400.0)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    host.stores.add("My", der_of(authority.issue(key.public_key(), dns=["rec01.example"])), new_key(key, provider=CSP))
    if trusted:
        host.stores.add("Root", der_of(authority.certificate))
    outcome = host.run_script(BOTH_ENDS % (asked, name))
    assert outcome.limit == "", outcome
    assert outcome.output.splitlines()[0] == first, outcome


def test_a_certificate_that_is_not_for_servers(authority: Authority) -> None:
    host = make_host()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    leaf = authority.issue(key.public_key(), dns=["rec01.example"], usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    host.stores.add("My", der_of(leaf), new_key(key))
    host.stores.add("Root", der_of(authority.certificate))
    seen = host.run_script(BOTH_ENDS % ("true", "rec01.example")).output.splitlines()
    assert seen[0] == "RemoteCertificateChainErrors/NotValidForUsage Tls13 True"
    refused = host.run_script(BOTH_ENDS % ("false", "rec01.example")).output.splitlines()
    assert refused[0] == INVALID


@pytest.mark.parametrize("orphaned", [False, True])
def test_a_key_that_cannot_be_used_ends_the_handshake(authority: Authority, orphaned: bool) -> None:
    host = make_host()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made = new_key(key)
    print_ = host.stores.add("My", der_of(authority.issue(key.public_key())), made).thumbprint
    host.stores.set_rules(made.unique_name, {ADMINISTRATORS: "deny"})
    assert not orphaned or host.stores.orphan_key(print_)
    script = (BOTH_ENDS % ("true", "rec01.example")).replace(
        "$script:seen = 'n", "$k.ReceiveTimeout = 500; $script:seen = 'n"
    )
    lines = host.run_script(script).output.splitlines()
    assert lines[0].startswith("IOException")
    assert lines[1] == "server: AuthenticationException"


def test_names_are_found_by_the_computer_alone(running: Running) -> None:
    del running
    host = make_host(port=PORT)
    script = (
        "foreach ($n in 'nowhere.example', 'localhost') { try { [void][Net.Sockets.TcpClient]::new($n, 9) }"
        " catch { $_.Exception.InnerException.Message } }\n"
        f"$c = [Net.Sockets.TcpClient]::new(); $c.ConnectAsync('rec01.example', {PORT}).Wait(5000); $c.Connected"
    )
    lines = host.run_script(script).output.splitlines()
    assert lines[0] == "No such host is known"
    assert lines[1].startswith("No connection could be made because the target machine actively refused it")
    assert lines[2:] == ["True", "True"]


def test_a_callback_is_not_run_in_another_thread(authority: Authority) -> None:
    """PowerShell's known trap: a script block as a delegate has no runspace in the thread of an asynchronous call."""
    host = make_host()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    host.stores.add("My", der_of(authority.issue(key.public_key())), new_key(key))
    script = (BOTH_ENDS % ("true", "rec01.example")).replace(
        "$tls.AuthenticateAsClient('rec01.example')", "$tls.AuthenticateAsClientAsync('rec01.example').Wait(5000)"
    )
    lines = host.run_script(script).output.splitlines()
    assert lines[0].startswith("AggregateException: ")
