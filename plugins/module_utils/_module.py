# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam between Ansible and the library: one specification, run as a module or inside the worker.

A module file holds its documentation, a :class:`ModuleSpec` named ``SPEC`` and ``main()``. As an ordinary module it
goes through :func:`run_module`; the action plugin ``device`` runs the very same specification with
:func:`run_in_worker`.
"""

from __future__ import annotations

import dataclasses as dc
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError

from ._core._call import Call
from ._core._errors import CamsecError, InputError, RuleError
from ._core._shell import Shell

__all__ = ["ModuleSpec", "failure", "run_in_worker", "run_module"]

_CONSTRAINTS = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")


@dc.dataclass(frozen=True, kw_only=True)
class ModuleSpec:
    """What a module takes and does.

    Attributes:
        argument_spec: Ansible's argument specification.
        run: Does the work; returns the result's keys (``warnings`` is a list of sentences).
        inventory_options: Options that a task without ``host`` takes from the inventory host's ``camsec_<option>``.
        constraints: ``mutually_exclusive``, ``required_together``, ``required_one_of``, ``required_if``,
            ``required_by``.
        change: What of a camera it changes: ``tls`` (key, certificate, connection) or ``password``, which one run does
            not change both; empty for nothing of that.
    """

    argument_spec: t.Mapping[str, t.Any]
    run: t.Callable[[Call], dict[str, t.Any]]
    inventory_options: t.Collection[str] = ()
    constraints: t.Mapping[str, t.Any] = dc.field(default_factory=dict)
    change: str = ""

    def __post_init__(self) -> None:
        undeclared = set(self.inventory_options) - set(self.argument_spec)
        if undeclared:
            raise ValueError(f"inventory options without a specification: {sorted(undeclared)}")
        unknown = set(self.constraints) - set(_CONSTRAINTS)
        if unknown:
            raise ValueError(f"unknown constraints: {sorted(unknown)}")


def failure(error: CamsecError) -> dict[str, t.Any]:
    """The result's keys of a failure.

    Args:
        error: What went wrong.

    Returns:
        ``msg`` and ``error`` (``device``, ``subject``, ``found``, ``expected``, ``advice``, ``rule``).
    """
    return {
        "msg": error.message,
        "error": {
            "kind": type(error).__name__,
            "device": error.device,
            "subject": error.subject,
            "found": error.found,
            "expected": error.expected,
            "advice": error.advice,
            "rule": error.rule if isinstance(error, RuleError) else "",
        },
    }


def run_module(spec: ModuleSpec) -> None:
    """Run as an ordinary Ansible module.

    Args:
        spec: The module's specification.
    """
    module = AnsibleModule(argument_spec=dict(spec.argument_spec), supports_check_mode=True, **dict(spec.constraints))
    try:
        result = spec.run(Call(params=module.params, check_mode=module.check_mode))
    except CamsecError as error:
        module.fail_json(**failure(error))
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    module.exit_json(**result)


def run_in_worker(
    spec: ModuleSpec, arguments: t.Mapping[str, t.Any], *, check_mode: bool, shell: Shell | None = None
) -> dict[str, t.Any]:
    """Run inside the Ansible worker process.

    Args:
        spec: The module's specification.
        arguments: The task's arguments, templated.
        check_mode: Nothing may be changed.
        shell: Runs commands on the task's host.

    Returns:
        A task result; values of ``no_log`` options are masked wherever they would appear.
    """
    constraints = {name: spec.constraints.get(name) for name in _CONSTRAINTS}
    mutually_exclusive = constraints.pop("mutually_exclusive")
    validator = ArgumentSpecValidator(dict(spec.argument_spec), mutually_exclusive=mutually_exclusive, **constraints)
    validation = validator.validate(dict(arguments))
    secrets = validation._no_log_values
    try:
        if validation.error_messages:
            raise _bad_options(validation.errors, str(arguments.get("host") or "this task"))
        result = spec.run(Call(params=validation.validated_parameters, check_mode=check_mode, shell=shell))
    except CamsecError as error:
        result = {"failed": True, **failure(error)}
    return t.cast("dict[str, t.Any]", remove_values(result, secrets))


def _bad_options(errors: t.Iterable[Exception], device: str) -> InputError:
    texts = [f"unsupported option {error}" if isinstance(error, UnsupportedError) else str(error) for error in errors]
    return InputError(
        device=device,
        subject="options of the task",
        found="; ".join(text.rstrip(".") for text in texts),
        expected="what the module's documentation describes",
    )
