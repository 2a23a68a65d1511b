# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`camsec-upload suites`: the table of suites, policies, camera models, and where authorities disagree."""

from __future__ import annotations

import argparse
import json
import typing as t

from ...plugins.module_utils._tls._policies import CAMERA_MODELS, POLICIES
from ...plugins.module_utils._tls._suites import SUITES, CipherSuite
from ...plugins.module_utils._tls._verdicts import AUTHORITIES, disagreement, verdicts
from ._exit import DONE

__all__ = ["HELP", "add_arguments", "as_markdown", "run"]

HELP: t.Final = "show the cipher suites, what each authority says of them, the policies and the camera models"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line.

    Args:
        parser: Of this command.
    """
    parser.add_argument("--policy", choices=tuple(POLICIES), help="only the suites of this policy")
    parser.add_argument("--camera-model", choices=tuple(CAMERA_MODELS), help="only the suites that this model offers")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="(default: text)")


def run(options: argparse.Namespace) -> int:
    """Print the table.

    Args:
        options: The command line.

    Returns:
        The exit code.
    """
    chosen = [suite for suite in SUITES if _wanted(suite, options)]
    print({"json": _as_json, "markdown": as_markdown, "text": _as_text}[options.format](chosen))
    return DONE


def _wanted(suite: CipherSuite, options: argparse.Namespace) -> bool:
    policy, model = POLICIES.get(options.policy), CAMERA_MODELS.get(options.camera_model)
    return (policy is None or suite in policy.suites) and (model is None or suite in model.suites)


def _described(suite: CipherSuite) -> dict[str, t.Any]:
    return {
        **suite.shown(),
        "policies": [name for name, policy in POLICIES.items() if suite in policy.suites],
        "camera_models": [name for name, model in CAMERA_MODELS.items() if suite in model.suites],
        "verdicts": {one.authority: {"status": one.status, "reason": one.reason} for one in verdicts(suite)},
        "disagreement": disagreement(suite),
    }


def _as_json(suites: t.Sequence[CipherSuite]) -> str:
    return json.dumps(
        {
            "authorities": {key: authority.title for key, authority in AUTHORITIES.items()},
            "suites": [_described(suite) for suite in suites],
        },
        indent=2,
    )


def as_markdown(suites: t.Sequence[CipherSuite]) -> str:
    """The tables of docs/ftpes_policies.md.

    Args:
        suites: To be shown.

    Returns:
        Markdown.
    """
    columns = ("Suite", "Code point", "OpenSSL", "Key exchange", "Key", "Cipher", "Hash", "Policies", "Cameras")
    lines = [_row(columns), _row(["---"] * len(columns))]
    for suite in suites:
        told = _described(suite)
        cells = (
            f"`{suite.iana_name}`",
            told["code_point"],
            f"`{suite.openssl_name}`" if suite.openssl_name != suite.iana_name else "the same",
            suite.key_exchange,
            suite.authentication,
            f"{suite.cipher}_{suite.mode}",
            suite.hash,
            ", ".join(told["policies"]) or "none",
            ", ".join(told["camera_models"]) or "none",
        )
        lines.append(_row(cells))
    lines += ["", _row(("Suite", *AUTHORITIES)), _row(["---"] * (1 + len(AUTHORITIES)))]
    lines += [
        _row((f"`{suite.iana_name}`", *(one.status.replace("_", " ") for one in verdicts(suite)))) for suite in suites
    ]
    lines += ["", "Where they disagree:", ""]
    lines += [f"* `{suite.iana_name}`. {words}" for suite in suites if (words := disagreement(suite))]
    lines += ["", "Why, authority by authority:", ""]
    for key, authority in AUTHORITIES.items():
        reasons: dict[str, list[str]] = {}
        for suite in suites:
            status, reason = authority.judge(suite)
            reasons.setdefault(f"{status.replace('_', ' ')}: {reason}", []).append(suite.iana_name)
        lines.append(f"* **{key}**: {authority.title}")
        lines += [f"  * {words} ({_counted(names)})" for words, names in reasons.items()]
    return "\n".join(lines)


def _counted(names: t.Sequence[str]) -> str:
    return f"`{names[0]}`" if len(names) == 1 else f"{len(names)} suites"


def _row(cells: t.Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _as_text(suites: t.Sequence[CipherSuite]) -> str:
    lines = [f"{key}: {authority.title}" for key, authority in AUTHORITIES.items()]
    for suite in suites:
        told = _described(suite)
        lines += [
            "",
            f"{suite.iana_name}  {told['code_point']}  {suite.protocol}  OpenSSL: {suite.openssl_name}",
            f"  policies: {', '.join(told['policies']) or 'none'}",
            f"  cameras: {', '.join(told['camera_models']) or 'none'}",
            *(f"  {one.authority}: {one.status}. {one.reason}" for one in verdicts(suite)),
        ]
        if told["disagreement"]:
            lines.append(f"  They disagree. {told['disagreement']}")
    return "\n".join(lines)
