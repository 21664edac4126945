"""The batches of the probe, against the emulator: it names what the emulator is set to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from aep_provider.aep import connect
from aep_provider.emulator.catalog import fragments, profile
from aep_provider.emulator.seeds import PLAIN_SCHEMA, PROFILE_SCHEMA
from aep_provider.measured import DISABLING_KEEPS, WINDOW_NEEDED
from aep_provider.probe.belief import Answer, NotAsked
from aep_provider.probe.beliefs.ingestion import BELIEFS
from aep_provider.probe.raw import Raw
from aep_provider.probe.rows import Shape
from aep_provider.probe.scratch import Scratch
from aep_provider.probe.steps import batches
from aep_provider.probe.steps.step import Run
from aep_provider.settings import Settings
from support.aep import BareAep, serving
from support.clock import FakeClock
from support.probed import ticking
from support.settings import environment

MERGES, LOST = "upsert-merges", "window-batch-is-lost"


@dataclass
class Told:
    """What the step answered, and why it went no further."""

    answers: dict[str, Answer]
    stopped: str

    def verdict(self, belief: str) -> str:
        """Of one belief."""
        return self.answers[belief].verdict


@pytest.fixture
def aep() -> Iterator[BareAep]:
    with serving() as running:
        yield running


@pytest.fixture
def run(aep: BareAep) -> Callable[..., Run]:
    def made(**given: Any) -> Run:
        settings = Settings.load({}, environment(aep.url))
        clock: FakeClock = given.pop("clock", None) or FakeClock()
        client = connect(settings, clock)
        raw = Raw(client.gateway)
        scratch = Scratch(raw, PROFILE_SCHEMA, "2026-11-27T11:20:00Z")
        usual: dict[str, Any] = {
            "schema_id": PROFILE_SCHEMA,
            "wait": 600.0,
            "identity": ("", ""),
            "say": lambda _: None,
        }
        return Run(client, settings, clock, raw, scratch, **(usual | given))

    return made


@pytest.fixture
def told(run: Callable[..., Run]) -> Callable[..., Told]:
    def ask(**given: Any) -> Told:
        answers, stopped = {}, ""
        try:
            for answer in batches.ask(run(**given)):
                answers[answer.belief] = answer
        except NotAsked as error:
            stopped = str(error)
        return Told(answers, stopped)

    return ask


def test_against_the_emulator_every_question_is_answered(told: Callable[..., Told]) -> None:
    found = told()
    assert found.stopped == ""
    verdicts = {belief: answer.verdict for belief, answer in found.answers.items()}
    assert set(verdicts) == {belief.id for belief in BELIEFS}
    assert verdicts.pop(WINDOW_NEEDED) == "differs"
    assert verdicts.pop("sub-batches-are-told-apart") == "not asked"
    assert set(verdicts.values()) == {"agrees"}


@pytest.mark.parametrize(
    ("value", "verdict", "seen"),
    [
        ("keep", "agrees", "disabling kept the profile record"),
        ("remove", "differs", "disabling removed the profile record"),
    ],
)
def test_it_names_what_disabling_does(
    told: Callable[..., Told], aep: BareAep, value: str, verdict: str, seen: str
) -> None:
    aep.switch(profile_on_disable=value)
    found = told().answers[DISABLING_KEEPS]
    assert found == Answer(DISABLING_KEEPS, verdict, seen, {"profile_on_disable": value})  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "verdict"), [("warn", "differs"), ("refuse", "agrees")])
def test_it_names_whether_one_patch_is_enough(
    told: Callable[..., Told], aep: BareAep, value: str, verdict: str
) -> None:
    aep.switch(patch_without_disable=value)
    found = told().answers
    assert found[WINDOW_NEEDED].verdict == verdict
    assert found[WINDOW_NEEDED].switch == {"patch_without_disable": value}
    assert found[MERGES].verdict == "agrees"


def test_it_names_how_long_profiles_own_batches_are_on_their_way(
    told: Callable[..., Told], aep: BareAep
) -> None:
    aep.switch(sub_batch_seconds=5)
    found = told(clock=ticking(aep)).answers["sub-batches-are-told-apart"]
    # Looked at after 1, 3 and 8 seconds.
    assert (found.verdict, found.switch) == ("agrees", {"sub_batch_seconds": 8})


def test_a_batch_that_is_not_named_as_profiles_own_differs(
    told: Callable[..., Told], aep: BareAep, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.switch(sub_batch_seconds=5)
    monkeypatch.setattr(batches, "is_internal", lambda _: False)
    assert told().verdict("sub-batches-are-told-apart") == "differs"


def test_the_batch_that_takes_the_place_of_the_first_is_seen_to_do_so(told: Callable[..., Told]) -> None:
    assert told().verdict("replay-replaces-its-predecessor") == "agrees"


def test_a_record_that_was_removed_does_not_hide_whether_upsert_merges(
    told: Callable[..., Told], aep: BareAep
) -> None:
    aep.switch(profile_on_disable="remove", patch_without_disable="refuse")
    found = told()
    assert (found.verdict(DISABLING_KEEPS), found.verdict(MERGES)) == ("differs", "agrees")


def test_a_record_that_goes_only_later_is_not_taken_for_an_upsert_that_overwrites(
    told: Callable[..., Told], aep: BareAep
) -> None:
    aep.switch(patch_without_disable="refuse")

    def remove(line: str) -> None:
        """Take the record away between the last look while Profile is off and the fourth batch."""
        if line.startswith("fourth"):
            aep.switch(profile_on_disable="remove")
            (dataset,) = (key for key, body in aep.datasets().items() if body["name"].endswith(" batches"))
            for value in (["enabled:true"], ["enabled:false"]):
                operation = {"op": "add", "path": "/tags/unifiedProfile", "value": value}
                aep.someone_else("PATCH", dataset, [operation])

    found = told(say=remove)
    assert (found.verdict(DISABLING_KEEPS), found.verdict(MERGES)) == ("differs", "agrees")


@pytest.fixture
def overwriting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Upsert that is accepted and does nothing."""
    real = fragments.ingest

    def ingest(world: Any, sandbox: str, dataset_id: str, dataset: Any, key: str, row: Any) -> bool:
        tags = {**dataset["tags"], "unifiedProfile": ["enabled:true"]}
        return real(world, sandbox, dataset_id, {**dataset, "tags": tags}, key, row)

    monkeypatch.setattr(fragments, "ingest", ingest)


@pytest.mark.usefixtures("overwriting")
def test_an_upsert_that_does_not_merge_is_found(told: Callable[..., Told]) -> None:
    found = told()
    assert found.verdict(MERGES) == "differs"
    assert found.answers[WINDOW_NEEDED].switch == {"patch_without_disable": "ineffective"}
    assert found.verdict(DISABLING_KEEPS) == "agrees"


@pytest.mark.usefixtures("overwriting")
def test_a_text_of_another_dataset_is_not_taken_for_ours(
    told: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Shape.text
    monkeypatch.setattr(Shape, "text", lambda *given: real(*given) or "Ann")
    found = told()
    assert (found.verdict(MERGES), found.verdict(WINDOW_NEEDED)) == ("differs", "agrees")


def test_a_window_whose_batch_reaches_profile_is_found(
    told: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile, "state", lambda dataset: {"enabled": True, "upsert": True})
    assert told().verdict(LOST) == "differs"


def test_a_profile_that_is_never_seen_ends_the_story_with_the_reason(
    told: Callable[..., Told], aep: BareAep
) -> None:
    aep.fault({"status": 404, "body": {}}, times=None, service="profile")
    found = told(wait=90.0)
    assert "Profile did not show the first batch within 90 s" in found.stopped
    assert found.verdict("batch-statuses-are-known") == "agrees"
    assert DISABLING_KEEPS not in found.answers


def test_after_three_hours_the_belief_about_them_is_false(told: Callable[..., Told], aep: BareAep) -> None:
    aep.fault({"status": 404, "body": {}}, times=None, service="profile")
    assert told(wait=3 * 3600.0).verdict("profile-follows-the-lake") == "differs"


@pytest.mark.parametrize(
    ("fault", "match", "told_why"),
    [
        ({"status": 403, "body": {}}, {"service": "profile"}, "profiles cannot be looked up: 403"),
        ({"status": 500, "body": {}}, {"service": "import"}, "a batch could not be created: 500"),
        ({"status": 403, "body": {}}, {"service": "import", "method": "PUT"}, "a batch could not be filled: 403"),
        ({"reset": "before"}, {"service": "import"}, "a batch could not be created: no response"),
        ({"status": 500, "body": {}}, {"service": "schemaregistry"}, "descriptors of the schema could not be read"),
        ({"raw_body": "<html>", "status": 200}, {"service": "import"}, "a batch could not be created: 200, HTML"),
        ({"status": 403, "body": {}}, {"method": "PATCH"}, "Profile could not be switched off: 403"),
        ({"status": 500, "body": {}}, {"method": "PATCH"}, "whether upsert was set by one PATCH is not known"),
        ({"status": 500, "body": {}}, {"path": "catalog/batches"}, "batches cannot be listed: 500"),
    ],
)  # fmt: skip
def test_a_service_that_refuses_is_the_reason_and_no_traceback(
    told: Callable[..., Told], aep: BareAep, fault: dict[str, Any], match: dict[str, Any], told_why: str
) -> None:
    aep.fault(fault, times=None, **match)
    assert told_why in told().stopped


def test_a_batch_that_fails_is_named(told: Callable[..., Told], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aep_provider.probe.rows.Shape.row", lambda *_: [])
    assert "the first batch ended as failed" in told().stopped


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"schema_id": PLAIN_SCHEMA}, "has no primary identity"),
        ({"identity": ("CRMID", "1")}, "another namespace than --namespace names"),
    ],
)
def test_a_row_that_cannot_be_made_is_refused_before_anything_is_created(
    told: Callable[..., Told], aep: BareAep, given: dict[str, Any], why: str
) -> None:
    assert why in told(**given).stopped
    assert aep.writes() == []


def test_the_identity_is_the_users_or_one_that_is_marked(told: Callable[..., Told], aep: BareAep) -> None:
    told(identity=("email", "ann@example.com"))
    told()
    asked = [str(entry["query"]["entityId"][0]) for entry in aep.requests() if entry["service"] == "profile"]
    assert asked[0] == "ann@example.com"
    assert asked[-1].startswith("aep-provider-probe-")
    assert asked[-1].endswith("@example.com")


def test_it_writes_five_batches_of_one_row_into_one_dataset(told: Callable[..., Told], aep: BareAep) -> None:
    told()
    made = [entry for entry in aep.writes() if entry["path"].endswith("/import/batches")]
    assert len(made) == 5
    assert len({entry["body"]["datasetId"] for entry in made}) == 1
    uploads = [entry for entry in aep.writes() if entry["method"] == "PUT"]
    assert len(uploads) == 5
