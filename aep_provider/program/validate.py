"""What a program gets wrong, told before the engine is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakSet

import pulumi

from aep_provider import arguments
from aep_provider.errors import InvalidInput
from aep_provider.program.announce import ProgramError, is_known


def as_program_error(judge: Callable[..., Any], *given: Any) -> Any:
    """Call what judges arguments; its error is shown by its message alone, or with a traceback for debugging."""
    try:
        return judge(*given)
    except InvalidInput as error:
        if os.environ.get("AEP_DEBUG"):
            raise
        raise ProgramError(error.message, error.remedy) from None


_warned: WeakSet[pulumi.Resource] = WeakSet()


def warn_of_plain_secret() -> None:
    """Warn once a program where its configuration holds the client secret in plain text, as state does then."""
    key, stack = "aep:clientSecret", pulumi.runtime.get_root_resource()
    if stack is None or stack in _warned:
        return
    _warned.add(stack)
    if pulumi.runtime.get_config(key) and not pulumi.runtime.is_config_secret(key):
        # Imported here because no other program needs the settings.
        from aep_provider.settings import plain_secret

        problem, remedy = plain_secret(pulumi.get_stack())
        pulumi.log.warn(f"{problem}. {remedy}")


def completed(
    resource_name: str, given: Mapping[str, Any], opts: pulumi.ResourceOptions | None
) -> dict[str, Any]:
    """Judge what is known already, and return it with the defaults.

    Args:
        resource_name: the logical name.
        given: arguments by name.
        opts: the resource's options.

    Raises:
        InvalidInput: all that is wrong, at once.
    """
    return dict(as_program_error(_completed, resource_name, given, opts))


def _completed(
    resource_name: str, given: Mapping[str, Any], opts: pulumi.ResourceOptions | None
) -> dict[str, Any]:
    unknown = frozenset(key for key, value in given.items() if not is_known(value))
    normal, problems = arguments.validated(given, unknown)
    problems += _wrong_options(given, normal, opts)
    if problems:
        first = problems[0]
        raise InvalidInput(
            f"UpsertDataset {resource_name!r}: {first.property} {first.reason}",
            "\n".join(f"- {problem.property} {problem.reason}" for problem in problems[1:]),
        )
    return normal


def _wrong_options(
    given: Mapping[str, Any], normal: Mapping[str, Any], opts: pulumi.ResourceOptions | None
) -> list[arguments.Problem]:
    problems: list[arguments.Problem] = []
    if not is_known(given.get("deletion_protection")):
        reason = "must be a plain True or False, not an Output: it sets Pulumi's option protect."
        problems.append(arguments.Problem("deletion_protection", reason))
    if opts is None:
        return problems
    if opts.delete_before_replace is False:
        reason = "must not be False: creating first would take over the dataset that is then deleted."
        problems.append(arguments.Problem("delete_before_replace", reason))
    if opts.import_ is not None:
        reason = f"does not work with a dynamic provider. Adopt the dataset: dataset_id={opts.import_!r}."
        problems.append(arguments.Problem("import_", reason))
    if opts.protect is False and normal.get("deletion_protection"):
        reason = "must not be False where the dataset is protected. Set deletion_protection=False instead."
        problems.append(arguments.Problem("protect", reason))
    return problems
