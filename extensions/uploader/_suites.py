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

__all__ = ["HELP", "add_arguments", "run"]

HELP: t.Final = "show the cipher suites, what each authority says of them, the policies and the camera models"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line.

    Args:
        parser: Of this command.
    """
    parser.add_argument("--policy", choices=tuple(POLICIES), help="only the suites of this policy")
    parser.add_argument("--camera-model", choices=tuple(CAMERA_MODELS), help="only the suites that this model offers")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")


def run(options: argparse.Namespace) -> int:
    """Print the table.

    Args:
        options: The command line.

    Returns:
        The exit code.
    """
    chosen = [suite for suite in SUITES if _wanted(suite, options)]
    print(_as_json(chosen) if options.format == "json" else _as_text(chosen))
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
