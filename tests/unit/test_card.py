"""The card of a preview: the words of each change, and how it looks in Markdown, on a terminal and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aep_provider.cli import card_entry, card_text, previewed
from aep_provider.cli.card_entry import Card, Dark, Entry
from aep_provider.cli.previewed import SavedPlan, Step
from aep_provider.cli.pulumi import PulumiFailed
from aep_provider.cli.stack import RESOURCE_TYPE
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import plan
from aep_provider.entries import Entry as Declared
from aep_provider.operations.change import Change, Policy

GOLDEN = Path(__file__).parent / "golden"
ID, OTHER = "5b020a27e7040801dedbf46e", "65f1c0a2b3d4e5f60718293a"
URN = f"urn:pulumi:dev::aep::{RESOURCE_TYPE}::orders"

DARK = Dark(
    expected="about 0.21 s (no window of this stack is on record; a request takes 0.21 s now)",
    seconds=0.21,
    in_flight="1 batch: 01HZ (processing); `up` waits for them, 600 s at most, with Profile on",
    writers=["A streaming dataflow writes into Dataset 'Orders': Kafka (enabled)."],
    quietest="03:00-04:00 UTC (0 of 41 batches of the last seven days)",
    consent="given: allow_profile_gap in stacks/Pulumi.dev.yaml",
    change_window="open now: Mon-Thu 20:00-23:00 Europe/Berlin",
)
CARD = Card(
    stack="dev",
    sandbox="dev",
    kind="production",
    production="aep:allowProduction is true in the configuration of stack dev",
    entries=[
        Entry(
            "events",
            "adopt",
            OTHER,
            "Web events",
            ["adopts it"],
            refusals=["behaviour: Schema 'Events' holds experience events. Set is_upsert=False."],
        ),
        Entry(
            "orders",
            "change",
            ID,
            "Orders",
            ["upsert on: Profile and Identity go off and on again"],
            "",
            DARK,
        ),
        Entry(
            "lost",
            "change",
            ID,
            "Lost",
            ["enables Profile, upsert on"],
            "since 2026-11-25, by an interrupted run",
        ),
        Entry(
            "new",
            "create",
            "",
            "Members",
            ["creates 'Members' in Profile, with upsert"],
            advice=["20 of 20."],
        ),
    ],
    unchanged=7,
    profile="12 record datasets of 20 now, 1 more with this",
    notes=["Web and Mobile SDK datastreams cannot be seen."],
    plan=SavedPlan("plan.json", "ab" * 32),
)
REFUSED = replace(
    CARD, entries=[], unchanged=None, errors=[("orders", "not enabled for Profile\nEnable it.")], plan=None
)


def step(
    op: str, olds: dict[str, Any] | None = None, news: dict[str, Any] | None = None, **outputs: Any
) -> Step:
    return Step(op, URN, ID, olds or {}, {"name": "Orders", **outputs}, news or {})


def change(
    has: dict[str, list[str]], /, *, adopting: bool = False, name: str = "Orders", **wanted: Any
) -> Change:
    observed = Observed.read(ID, {"name": name, "tags": has})
    desired = Desired(**{"is_upsert": True, **wanted})
    return Change(desired, Policy(), observed, plan(observed, desired, "now"), adopting=adopting)


ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
OFF = {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:true"]}
NEW = Change(Desired(is_upsert=False, managed={"name": "Members"}), Policy())


@pytest.mark.parametrize(
    ("op", "made", "action", "words"),
    [
        ("create", NEW, "create", ["creates 'Members' in Profile, without upsert"]),
        ("create", change(UPSERT, adopting=True), "adopt", ["adopts it as it is"]),
        (
            "create",
            change(
                ON | {"t": ["a"]}, adopting=True, managed={"name": "New"}, tags={"t": ("b",), "u": ("c",)}
            ),
            "adopt",
            [
                "adopts it",
                "overwrites name: 'Orders' -> 'New'",
                "overwrites tag t: ['a'] -> ['b']",
                "adds tag u",
                "upsert on: Profile and Identity go off and on again",
            ],
        ),
        (
            "update",
            change(UPSERT, is_upsert=False),
            "change",
            ["upsert off: Profile and Identity go off and on again"],
        ),
        ("update", change(OFF), "change", ["enables Profile, upsert on"]),
        ("update", change({}, is_upsert=False), "change", ["enables Profile and Identity, upsert off"]),
        ("update", change(UPSERT, managed={"name": "New"}), "change", ["renames 'Orders' to 'New'"]),
        (
            "update",
            change(UPSERT, managed={"description": "d"}, released_tags=frozenset()),
            "change",
            ["changes description: '' -> 'd'"],
        ),
        (
            "update",
            change(UPSERT | {"t": ["a"]}, released_tags=frozenset({"t"})),
            "change",
            ["removes tag t"],
        ),
        (
            "update",
            change(UPSERT | {"pulumiManagedBy": ["aep/qa/x"]}, owner="aep/dev/x"),
            "change",
            ["takes it from aep/qa/x"],
        ),
        ("update", change(UPSERT), "change", ["nothing in AEP, only what the state records"]),
        ("update", None, "change", ["its dataset could not be found"]),
    ],
)
def test_a_change_is_told_in_words(op: str, made: Change | None, action: str, words: list[str]) -> None:
    assert card_entry.action(step(op), made, "") == action
    assert card_entry.changes(step(op), made, "") == words


@pytest.mark.parametrize(
    ("outputs", "action", "words"),
    [
        ({"adopted": True}, "release", f"releases 'Orders' ({ID}): the dataset stays as it is"),
        ({"adopted": False}, "delete", f"deletes 'Orders' ({ID}), with its data in the lake and in Profile"),
        ({}, "release", f"releases 'Orders' ({ID}): the dataset stays as it is"),
    ],
)
def test_an_end_says_whether_the_dataset_is_deleted(outputs: dict[str, Any], action: str, words: str) -> None:
    assert card_entry.action(step("delete", **outputs), None, "") == action
    assert card_entry.changes(step("delete", **outputs), None, "") == [words]
    whole = card_entry.changes(step("replace", **outputs), change(UPSERT, adopting=True), "")
    assert whole == [words, "adopts it as it is"]


def test_a_take_over_is_told_in_the_words_of_the_guard() -> None:
    assert card_entry.action(step("create"), NEW, "takes over 5b02") == "take over"
    assert card_entry.changes(step("create"), NEW, "takes over 5b02") == ["takes over 5b02"]


def test_what_is_not_known_yet_is_said_to_be_so() -> None:
    unknown = step("create", news={"name": previewed.UNKNOWN, "is_upsert": True})
    assert card_entry.action(unknown, None, "") == "not known yet"
    assert card_entry.changes(unknown, None, "") == ["known only during `up`: name"]


def test_what_only_steers_the_provider_is_told_from_what_to_what() -> None:
    one = step("update", {"wait_timeout": 600.0}, {"wait_timeout": 900.0})
    assert card_entry.changes(one, change(UPSERT), "") == ["wait_timeout: 600 -> 900"]


@pytest.mark.parametrize(
    ("given", "production", "words"),
    [
        (True, True, "given: allow_profile_gap in f.yaml"),
        (False, True, "missing: a sandbox of type production needs allow_profile_gap=True"),
        (False, False, "not given, and not needed in a sandbox of type development"),
    ],
)
def test_consent_says_whether_and_where(given: bool, production: bool, words: str) -> None:
    made = Change(Desired(is_upsert=True), Policy(allow_profile_gap=given))
    assert card_entry.consent(made, production=production, declared_in="f.yaml") == words


@pytest.mark.parametrize(
    ("resource", "shared_file", "where"),
    [
        ("orders", "", "stack.yaml"),
        ("orders", "all.yaml", "all.yaml"),
        ("changed", "all.yaml", "stack.yaml"),
        ("own", "all.yaml", "stack.yaml"),
        ("x", "all.yaml", "the program"),
    ],
)
def test_consent_is_where_the_stack_or_the_program_says_it(
    resource: str, shared_file: str, where: str
) -> None:
    entries = [
        Declared({"resource": "orders"}),
        Declared({"resource": "changed"}, changed=("allow_profile_gap",)),
        Declared({"name": "own"}, shared=False),
    ]
    assert card_entry.consented_in(resource, entries, "stack.yaml", shared_file) == where


@pytest.mark.parametrize(("name", "card"), [("card", CARD), ("refused", REFUSED)])
def test_a_card_looks_as_it_did(name: str, card: Card) -> None:
    shown = {
        "md": card_text.markdown(card),
        "txt": [line for line, _ in card_text.text(card)],
        "json": json.dumps(card.row(), indent=1).splitlines(),
    }
    for ending, lines in shown.items():
        assert lines == (GOLDEN / f"{name}.{ending}").read_text().splitlines(), f"{name}.{ending}"


def test_a_name_becomes_no_markup_and_mentions_nobody() -> None:
    name = "<b>@all</b> [x](http://y) | `rm` #1\n\n# Big"
    told = "\n".join(card_text.markdown(replace(CARD, entries=[Entry(name, "change", ID, name, [name])])))
    for sign in ("<b>", "@all", "[x]", "\n# Big"):
        assert sign not in told.replace("`<b>@all</b> [x](http://y) rm #1 # Big`", "")
    assert len([line for line in told.splitlines() if line.startswith("| ")]) == 2


def test_a_card_of_many_datasets_fits_a_comment() -> None:
    many = [Entry(f"d{number}", "change", ID, "x" * 9000, ["y" * 9000] * 3) for number in range(1000)]
    told = "\n".join(card_text.markdown(replace(CARD, entries=many)))
    assert "and 970 more, in the log" in told
    assert len(told) < 65_536


def pulumi_step(op: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    states = {"oldState": old, "newState": new}
    whole = {key: {"type": RESOURCE_TYPE, "id": ID, "inputs": held} for key, held in states.items() if held}
    return {"op": op, "urn": URN, **whole}


def test_a_preview_is_read_without_what_does_not_change() -> None:
    held = previewed.read(
        {
            "steps": [
                {"op": "same", "urn": "u", "newState": {"type": "pulumi:pulumi:Stack"}},
                pulumi_step("refresh", {"name": "a"}, {"name": "b"}),
                pulumi_step(
                    "update", {"name": "b", "__provider": "p"}, {"name": "c", "profile_enabled": True}
                ),
                pulumi_step("create-replacement", {}, {"name": "c"}),
            ],
            "diagnostics": [
                {"urn": URN, "severity": "warning", "message": "warning: it writes\n"},
                {"urn": URN, "severity": "warning", "message": "warning: it writes\n"},
                {"message": "error: Resource monitor has terminated\n", "severity": "error"},
                {
                    "urn": URN,
                    "severity": "error",
                    "message": f"error: {RESOURCE_TYPE} resource 'orders' has a problem: no\nDo this.\n",
                },
            ],
        }
    )
    (one,) = held.steps
    assert (one.op, one.id, one.olds, one.news, one.resource) == (
        "update",
        ID,
        {"name": "b"},
        {"name": "c"},
        "orders",
    )
    assert held.errors == [("orders", "no\nDo this.")]
    assert held.warnings == [("orders", "it writes")]


def test_the_order_in_which_the_engine_came_to_resources_does_not_show() -> None:
    names = ["c", "a", "b"]
    steps = [
        {**pulumi_step("delete", {"name": name}, None), "urn": f"{URN.rpartition('::')[0]}::{name}"}
        for name in names
    ]
    said = [
        {"urn": step["urn"], "severity": severity, "message": text}
        for step in steps
        for severity, text in (("error", "no"), ("warning", "second"), ("warning", "first"))
    ]
    held = previewed.read({"steps": steps, "diagnostics": said})
    assert [step.resource for step in held.steps] == ["a", "b", "c"]
    assert held.errors == [("a", "no"), ("b", "no"), ("c", "no")]
    assert held.warnings == [(name, text) for name in ("a", "b", "c") for text in ("second", "first")]


def test_an_error_without_a_resource_counts_where_it_is_all_there_is() -> None:
    held = previewed.read({"diagnostics": [{"message": "error: no passphrase\n", "severity": "error"}]})
    assert held.errors == [("", "no passphrase")]


@pytest.mark.parametrize(
    "preview", [{"steps": [{"newState": {"type": RESOURCE_TYPE}}]}, {"steps": 1}, {"diagnostics": [1]}]
)
def test_what_is_not_a_preview_is_an_error_of_its_own(preview: dict[str, Any]) -> None:
    with pytest.raises(PulumiFailed, match="is not what `pulumi preview --json` prints"):
        previewed.read(preview)


def planned(*steps: str, urn: str = URN, **changes: Any) -> dict[str, Any]:
    return {urn: {"steps": steps, "goal": {"inputDiff": changes}}}


@pytest.mark.parametrize(
    ("plans", "differs"),
    [
        (planned("update", updates={"name": "c"}), ""),
        (planned("update", updates={"name": "c", "profile_enabled": True}), ""),
        (planned("same"), "update of 'orders' is not in it"),
        ({}, "update of 'orders' is not in it"),
        (planned("update", updates={"name": "d"}), "of 'orders' it has another name"),
        (planned("update"), "of 'orders' it has another name"),
        (planned("update", deletes=["name"]), "of 'orders' it has another name"),
        (planned("update", updates={"name": "c"}, adds={"description": "x"}), "it has another description"),
        (
            planned("update", updates={"name": "c"}) | planned("delete", urn=f"{URN}2"),
            "the preview has no delete of 'orders2'",
        ),
        (planned("update", updates={"name": "c"}) | planned("same", urn=f"{URN}2"), ""),
    ],
)
def test_a_plan_has_to_be_for_what_the_preview_shows(
    tmp_path: Path, plans: dict[str, Any], differs: str
) -> None:
    held = previewed.read({"steps": [pulumi_step("update", {"name": "b"}, {"name": "c"})]})
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"resourcePlans": plans}))
    if not differs:
        assert len(previewed.plan(file, held).digest) == 64
        return
    with pytest.raises(PulumiFailed, match=f"belongs to another preview: .*{differs}"):
        previewed.plan(file, held)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"resourcePlans": {"u": 1}}'])
def test_a_file_that_is_not_a_plan_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(content)
    with pytest.raises(PulumiFailed, match=r"plan\.json cannot be read"):
        previewed.plan(file, previewed.read({}))


@pytest.mark.parametrize("mark", ["`", "``", "```"])
def test_a_name_ends_no_code_mark_of_a_card(mark: str) -> None:
    said = card_text._safe(
        f"{mark}`@org/team [click](http://evil.example) ![](http://evil/x.png){mark} x {mark}`"
    )
    assert "`" not in said
    assert "[click](" not in said
