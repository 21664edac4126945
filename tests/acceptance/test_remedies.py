"""Every remedy that the code can print is followed by a test, or it is said here why it cannot be."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from support.remedies import inventory

TESTS = Path(__file__).resolve().parents[1]

MATRIX = "plugin/test_fault_matrix.py::test_a_fault_leaves_nothing_that_a_rerun_does_not_heal"

PROBED = "acceptance/test_cli_probe.py::test_it_asks_reports_and_leaves_the_sandbox_as_it_was"

ELSEWHERE = {
    "The probe works in sandboxes of type development only.": PROBED,
    "Use --sandbox with the name of a development sandbox": PROBED,
    "Give --schema the $id of a schema": PROBED,
    "Name a schema with --schema, or use --clean or --explain.": PROBED,
    "Create it first.": PROBED,
    "Use the file that `aep-provider probe --report FILE` wrote.": "emulator/test_like.py::"
    "test_every_switch_that_was_measured_is_set",
    "The beliefs are:": "acceptance/test_cli_probe.py::test_a_belief_is_explained",
    "Encrypt it: `pulumi config set --secret": "acceptance/test_cli_doctor.py::test_a_secret_in_plain_text_is_a_"
    "problem_and_the_command_that_is_named_cures_it",
    "Import fewer (--name, or ids)": "acceptance/test_cli_import.py::"
    "test_more_entries_than_a_program_takes_are_refused",
    "For a program of your own: `aep-provider import --code`": "acceptance/test_cli_import.py::"
    "test_run_refuses_a_program_that_does_not_read_the_list_and_code_is_the_way_out",
    "To keep one that was created: `pulumi state delete": "acceptance/test_cli_owned.py::"
    "test_what_the_state_holds_is_released_by_the_way_that_is_named",
    "Choose another file with --file.": "acceptance/test_cli_import.py::"
    "test_a_file_that_cannot_be_written_leaves_the_stack_file_alone",
    "the numbers go from 1 to …": "acceptance/test_cli_import.py::test_on_a_terminal_it_asks_which",
    "is neither a number nor a range": "acceptance/test_cli_import.py::test_on_a_terminal_it_asks_which",
    "Run `pulumi up` again when those have ended.": "acceptance/test_waiting.py::"
    "test_at_most_two_datasets_are_waited_for_at_once",
    "Run `pulumi up` again.": "acceptance/test_kill_matrix.py::test_command_and_plugin_killed",
    "it looks for its own dataset before it creates one": MATRIX,
    "it takes the dataset over": MATRIX,
    "Run `pulumi up` again later.": MATRIX,
    "If it is the one that you want: dataset_id=…": "plugin/test_create.py::"
    "test_without_our_tags_the_way_out_is_the_id",
    "parent=pulumi.ROOT_STACK_RESOURCE": "acceptance/test_remedies_of_changes.py::"
    "test_a_resource_with_another_parent_keeps_its_dataset_as_told",
    "… -m pip install aep-provider": "acceptance/test_elsewhere.py::test_the_wheel_with_pip",
    "replacing it (`--replace`, or a taint), add --refresh": "acceptance/test_existing.py::"
    "test_a_dataset_in_use_is_made_anew_with_another_schema_as_the_preview_says",
    "Stop what writes into the dataset, wait": "acceptance/test_cli_replay.py::test_a_batch_on_its_way_is_refused",
    "--json has the whole plan": "acceptance/test_cli_replay.py::"
    "test_a_format_that_the_script_cannot_order_is_refused",
    "`aep-provider enable …`, and plan again": "acceptance/test_cli_replay.py::"
    "test_while_profile_is_off_nothing_is_planned",
    "Leave --suspect out": "acceptance/test_cli_replay.py::"
    "test_doubtful_batches_from_before_upsert_went_off_are_refused_and_left_out",
    "Use either --script or --json": "acceptance/test_cli_replay.py::test_wrong_usage",
    "Name the stack that manages it": "acceptance/test_cli_replay.py::"
    "test_state_knows_what_neither_tags_nor_times_tell",
}
"""Remedies that tests of other files follow."""

NOT_FOLLOWED = {
    "Make it writable, or add by hand": "who runs the tests may write to any file",
    "Ingest it again from its source": "only its owner has the source of a batch",
    "have it added to one of its roles": "only an administrator of AEP can do it",
    "whether the credential has a product profile": "what stands in Adobe's consoles is not emulated",
    "and that its Developer Console project has": "what stands in Adobe's consoles is not emulated",
    "Look at it in AEP.": "a dataset without a schema has no way out but a person's judgement",
    "Check that the backend can be reached.": "it comes after two minutes without an answer",
    "Install it: https://www.pulumi.com": "it would install Pulumi; tests/tools/test_get_pulumi.py gets one",
    "Install all files of Pulumi's release": "it would install Pulumi",
    "Set it: the validity of a token": "a test cannot set the machine's clock",
    "run pip install 'aep-provider[emulator]'": "no registry has the package yet",
    "Upgrade aep-provider here as well.": "there is no newer version",
    "Please report it, with `pulumi version`.": "nobody can cure it but us",
    "This is a defect of aep-provider.": "nobody can cure it but us",
    "Change upsert of an enabled dataset with `pulumi up`.": "a race of two writers; any `up` follows it",
    "Find out who writes to it": "somebody else has to stop",
    "Something else may write to it. Run `pulumi up --refresh`.": "a race of two writers; any `up` follows it",
    "Run this again to see the new one.": "a race of two writers",
    "Choose another file with --report": "the file that was named is the only thing that is wrong",
    "Run this again.": "it follows a write that AEP took and did not show",
}
"""Remedies that no test can follow, and why."""

NO_REMEDY = (
    "Use either --markdown or --json, not both.",
    "--declared goes with --json only.",
    "--from and --to name one stack.",
    "is not a day or a time such as",
    "… aep:changeWindow is ….",
    "It does not open in the next two weeks.",
    "Taken for true: …",
    "is not a time up to a day",
    "--namespace and --identity are for --batches.",
    "is in this stack already",
    "belongs to Adobe: …",
    "has no schema",
    "so it may not be possible to enable it",
    "the output cannot be written: …",
    "cannot start the emulator: …",
    "switched it off and not on again",
    "and after `pulumi up` in the state",
    "\nRead from ….",
    "the stack says … and … says …",
    "documentation disagrees on whether",
)
"""Texts that stand where remedies do, and say what is so."""


@cache
def followed() -> set[str]:
    """The texts by which the tests beside this one look for remedies: each is a part of one alone, or all of it."""
    every, found = inventory(), set()
    for path in Path(__file__).parent.glob("test_remedies_of_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            is_command = text.startswith(("pulumi ", "aep-provider ")) or " " not in text
            if not is_command and (text in every or sum(text in one for one in every) == 1):
                found.add(text)
    return found


@pytest.mark.parametrize("remedy", inventory())
def test_a_remedy_is_followed_or_it_is_said_why_not(remedy: str) -> None:
    known = [text for text in (*followed(), *ELSEWHERE, *NOT_FOLLOWED, *NO_REMEDY) if text in remedy]
    assert known, remedy


@pytest.mark.parametrize("text", [*ELSEWHERE, *NOT_FOLLOWED, *NO_REMEDY])
def test_what_is_listed_is_in_the_code(text: str) -> None:
    assert any(text in remedy for remedy in inventory()), text


@pytest.mark.parametrize("place", sorted(set(ELSEWHERE.values())))
def test_the_tests_that_are_named_exist(place: str) -> None:
    file, _, name = place.partition("::")
    assert f"def {name}(" in (TESTS / file).read_text() or not name
