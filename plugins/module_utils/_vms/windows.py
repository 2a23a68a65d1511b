# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to a Windows host of the VMS: one method a script of :mod:`.scripts`."""

from __future__ import annotations

import base64
import binascii
import json
import typing as t

from .._core._call import Call
from .._core._errors import InputError, ProtocolError, RefusedError
from .._core._secret import Secret
from .._core._shell import CommandAnswer, Shell
from . import scripts

__all__ = ["Target", "WindowsHost", "host_of"]

# The very beginning that Ansible's psrp connection looks for, so that it starts no second PowerShell.
_COMMAND: t.Final = "PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand "
_LONGEST_TOLD: t.Final = 200

Answer = dict[str, t.Any]


class Target(t.TypedDict):
    """Whom to shake hands with: address or host name, port, and the name that the certificate has to have."""

    host: str
    port: int
    name: str


class WindowsHost:
    """A Windows host.

    Args:
        shell: Runs commands there.
        device: Inventory name, for errors.
        timeout: Seconds for each handshake.
    """

    def __init__(self, shell: Shell, *, device: str, timeout: float) -> None:
        self._shell = shell
        self._device = device
        self._timeout = timeout

    def read(self, *, service_account: str, configurator: str) -> Answer:
        """What the stores hold, who may read which key, which services there are.

        Args:
            service_account: Name of the account, whose SID is looked up.
            configurator: Path of ServerConfigurator.

        Returns:
            ``account``, ``configurator``, ``configurators_running``, ``own``, ``roots`` and ``services``.

        Raises:
            RefusedError: A command failed there; there is no such account.
        """
        return self._call(
            "certificate stores", scripts.READ_SERVER, service_account=service_account, configurator=configurator
        )

    def handshakes(self, targets: t.Sequence[Target]) -> list[Answer]:
        """Shake hands from this host, trusting what it trusts.

        Args:
            targets: With whom.

        Returns:
            For each ``status`` (``encrypted``, ``plain``, ``broken`` or ``silent``) and, where there was a handshake,
            ``leaf`` and ``verdict``.
        """
        answer = self._call("handshakes", scripts.HANDSHAKES, targets=list(targets), timeout=self._milliseconds)
        found: list[Answer] = answer["handshakes"]
        if len(found) != len(targets):
            raise self._unclear("handshakes", f"{len(found)} results for {len(targets)} targets")
        return found

    def recorder_configuration(self) -> str:
        """What a recording server on this host is configured to encrypt.

        Returns:
            The element ``serverEncryption`` of its RecorderConfig.xml; empty where there is none.
        """
        return str(self._call("RecorderConfig.xml", scripts.RECORDER_CONFIGURATION).get("element", ""))

    def check_certificate(self, thumbprint: str, name: str) -> Answer:
        """Use a certificate for both ends of a handshake on the host itself.

        Args:
            thumbprint: Of the certificate.
            name: That a client expects in it.

        Returns:
            As one of :meth:`handshakes`.
        """
        return self._call(
            f"handshake with certificate {thumbprint}",
            scripts.CHECK_CERTIFICATE,
            thumbprint=thumbprint,
            name=name,
            timeout=self._milliseconds,
        )

    def add_trusted(self, der: bytes, store: str = "Root") -> None:
        """Put a certificate of an authority into a store.

        Args:
            der: The certificate.
            store: ``Root``, or ``CA`` for those between it and the root.
        """
        self._call(f"store {store}", scripts.ADD_TRUSTED, content=base64.b64encode(der).decode("ascii"), store=store)

    def remove_trusted(self, thumbprint: str) -> None:
        """Take a root out of the store.

        Args:
            thumbprint: Of the root.
        """
        self._call(f"root {thumbprint}", scripts.REMOVE_TRUSTED, thumbprint=thumbprint)

    def make_request(self, inf: str, service_account: str) -> tuple[str, list[str]]:
        """Make a key on the host, readable for an account, and a certificate request for it.

        Args:
            inf: What certreq makes.
            service_account: Who may read the key.

        Returns:
            The request, PEM, and the thumbprints of what is pending.
        """
        answer = self._call("certificate request", scripts.MAKE_REQUEST, inf=inf, service_account=service_account)
        if not isinstance(answer.get("request"), str):
            raise self._unclear("certificate request", "an answer without a request")
        return answer["request"], [str(thumbprint) for thumbprint in answer["pending"]]

    def abandon_request(self, pending: t.Sequence[str]) -> None:
        """Remove a request that was not signed, with its key.

        Args:
            pending: Thumbprints that :meth:`make_request` gave.
        """
        self._call("pending certificate request", scripts.ABANDON_REQUEST, pending=list(pending))

    def accept_certificate(self, pem: str, thumbprint: str) -> None:
        """Put a signed certificate to its key.

        Args:
            pem: The certificate.
            thumbprint: Of the certificate.
        """
        self._call(f"certificate {thumbprint}", scripts.ACCEPT_CERTIFICATE, content=pem, thumbprint=thumbprint)

    def import_pkcs12(self, content: bytes, passphrase: Secret, service_account: str) -> str:
        """Install a certificate with its key, readable for an account.

        Args:
            content: PKCS#12.
            passphrase: Of it; on its way it is on standard input alone.
            service_account: Who may read the key.

        Returns:
            The thumbprint.
        """
        answer = self._call(
            "PKCS#12",
            scripts.IMPORT_PKCS12,
            content=base64.b64encode(content).decode("ascii"),
            passphrase=passphrase.reveal(),
            service_account=service_account,
        )
        return str(answer["thumbprint"])

    def grant_key(self, thumbprint: str, service_account: str) -> None:
        """Let an account read a certificate's private key (VMS-14).

        Args:
            thumbprint: Of the certificate.
            service_account: The account.
        """
        self._call(
            f"private key of {thumbprint}", scripts.GRANT_KEY, thumbprint=thumbprint, service_account=service_account
        )

    def remove_certificate(self, thumbprint: str) -> None:
        """Remove a certificate and its key.

        Args:
            thumbprint: Of the certificate.
        """
        self._call(f"certificate {thumbprint}", scripts.REMOVE_CERTIFICATE, thumbprint=thumbprint)

    def configure(self, configurator: str, arguments: t.Sequence[str], *, stop_running: bool, seconds: float) -> int:
        """Run ServerConfigurator and wait for its end.

        Args:
            configurator: Its path.
            arguments: As documented by its maker.
            stop_running: End another instance first.
            seconds: How long it may take.

        Returns:
            Its exit code.
        """
        answer = self._call(
            "ServerConfigurator",
            scripts.CONFIGURE,
            configurator=configurator,
            arguments=list(arguments),
            stop_running=stop_running,
            timeout=int(seconds * 1000),
        )
        return int(answer["exit_code"])

    @property
    def _milliseconds(self) -> int:
        return int(self._timeout * 1000)

    def _call(self, subject: str, script: str, **given: t.Any) -> Answer:
        encoded = base64.b64encode(scripts.BOOTSTRAP.encode("utf-16-le")).decode("ascii")
        # ASCII and one line: what a console makes of anything else depends on its code page.
        document = json.dumps({"script": script, "given": given}).encode("ascii") + b"\n"
        answer = self._decoded(subject, self._shell.run(_COMMAND + encoded, document))
        if "error" in answer:
            raise RefusedError(
                device=self._device,
                subject=subject,
                found=_told(f"{answer['error']} ({answer.get('kind')})"),
                expected="what was asked for, done",
            )
        found = answer.get("found")
        if not isinstance(found, dict):
            raise self._unclear(subject, "an answer without a result")
        return found

    def _decoded(self, subject: str, answer: CommandAnswer) -> Answer:
        lines = [line.strip() for line in answer.output.splitlines() if line.strip()]
        try:
            document = json.loads(base64.b64decode(lines[-1], validate=True)) if lines else None
        except (binascii.Error, ValueError):
            document = None
        if isinstance(document, dict):
            return document
        told = _told(answer.complaint or answer.output)
        raise self._unclear(subject, f"exit status {answer.status}{f' ({told})' if told else ''}")

    def _unclear(self, subject: str, found: str) -> ProtocolError:
        return ProtocolError(
            device=self._device,
            subject=subject,
            found=found,
            expected="the answer of a PowerShell script",
            advice="The host has to be Windows with PowerShell 5.1, the account an administrator there.",
        )


def host_of(call: Call, *, device: str) -> WindowsHost:
    """The Windows host that a module's task is for.

    Args:
        call: The module's call.
        device: Inventory name, for errors.

    Returns:
        The host.

    Raises:
        InputError: The module was run without its action plugin, or ``timeout`` is no time.
    """
    if call.shell is None:
        raise InputError(
            device=device,
            subject="module",
            found="run by itself",
            expected="run by its action plugin on the controller, over the connection to a Windows host",
        )
    timeout = call.params["timeout"]
    if timeout <= 0:
        raise InputError(device=device, subject="timeout", found=f"{timeout:g}", expected="more than 0 seconds")
    return WindowsHost(call.shell, device=device, timeout=timeout)


def _told(text: str) -> str:
    """What a host said, for one sentence."""
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())[:_LONGEST_TOLD].rstrip(". ")
