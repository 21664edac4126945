"""`aep-provider card`: what a reviewer has to know, through the real command."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from aep_provider.emulator.seeds import CLIENT_ID, PLAIN_SCHEMA, PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project
from support.times import CLOSED, OPEN

GOLDEN = Path(__file__).parent / "golden" / "card.md"
ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
OFF = {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:false"]}
GAP = ["from:2026-01-31T09:00:00.000Z", "by:aep/dev/left", "was:plain"]
ADOPT = f"UpsertDataset('orders', dataset_id='{ID}')"


def number(count: int) -> str:
    return f"65f1c0a2b3d4e5f6071829{count:02}"


def before(aep: Aep) -> str:
    """The datasets and the program of a stack in which everything is about to happen."""
    for count, name in enumerate(
        ("Toggled", "Renamed", "Let go", "Replaced", "Left", "Same", "Adopted", "Other")
    ):
        aep.dataset(number(count), PROFILE_SCHEMA, ON, name=name)
    return "\n".join(
        [
            f"UpsertDataset('toggled', dataset_id='{number(0)}', is_upsert=False)",
            f"UpsertDataset('renamed', dataset_id='{number(1)}', is_upsert=False, name='Renamed')",
            f"UpsertDataset('let-go', dataset_id='{number(2)}', is_upsert=False)",
            f"UpsertDataset('replaced', dataset_id='{number(3)}', is_upsert=False)",
            f"UpsertDataset('left', dataset_id='{number(4)}', is_upsert=False)",
            f"UpsertDataset('same', dataset_id='{number(5)}', is_upsert=False)",
            f"UpsertDataset('gone', name='Gone', schema_id='{PROFILE_SCHEMA}', deletion_protection=False)",
        ]
    )


AFTER = "\n".join(
    [
        f"UpsertDataset('toggled', dataset_id='{number(0)}', allow_profile_gap=True)",
        f"UpsertDataset('renamed', dataset_id='{number(1)}', is_upsert=False, name='Has another name')",
        f"UpsertDataset('replaced', dataset_id='{number(7)}', is_upsert=False)",
        f"UpsertDataset('left', dataset_id='{number(4)}', is_upsert=False)",
        f"UpsertDataset('same', dataset_id='{number(5)}', is_upsert=False)",
        f"UpsertDataset('adopted', dataset_id='{number(6)}', name='Shop', in_flight_batches='fail')",
        f"new = UpsertDataset('new', name='Members', schema_id='{PROFILE_SCHEMA}')",
        f"UpsertDataset('later', name=new.dataset_id.apply(str), schema_id='{PROFILE_SCHEMA}')",
    ]
)


def batch(aep: Aep, dataset_id: str) -> None:
    now = int(datetime.now(timezone.utc).timestamp() * 1000)
    related = [{"type": "dataSet", "id": dataset_id}]
    aep.seed(batches={"01HZ": {"status": "processing", "created": now, "relatedObjects": related}})


def steady(text: str) -> str:
    """A card without what differs from run to run: ids of new datasets, and times."""
    text = re.sub(r"\b6b[0-9a-f]{22}\b", "<id>", text)
    text = re.sub(
        r"about \d+\.\d\d s|takes \d+\.\d\d s", lambda found: re.sub(r"\d+\.\d\d", "<n>", found[0]), text
    )
    return re.sub(r"\d\d:00-\d\d:00 UTC", "<hour>", text)


def card(project: Project, *flags: str, expect: int = 0) -> str:
    return project.command("card", "-C", str(project.folder), *flags, expect=expect).out


def as_json(project: Project, *flags: str, expect: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(card(project, "--json", *flags, expect=expect))
    return found


def test_the_card_of_everything_at_once_looks_as_it_did(project: Project, aep: Aep) -> None:
    with (project.folder / "Pulumi.yaml").open("a") as file:
        file.write("options:\n  refresh: always\n")
    project.program(before(aep))
    project.up()
    aep.seed(datasets={number(4): aep.datasets()[number(4)] | {"tags": OFF | {"pulumiProfileGap": GAP}}})
    batch(aep, number(0))
    project.program(AFTER)
    aep.forget()
    told = steady(card(project, "--markdown"))
    assert told == GOLDEN.read_text()
    assert aep.writes() == []


def test_a_refusal_is_on_the_card_and_in_the_exit_code(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PLAIN_SCHEMA, ON, name="Orders")
    project.program(ADOPT)
    found = as_json(project, expect=1)
    assert (found["refused"], found["unchanged"]) == (True, None)
    ((error),) = found["errors"]
    assert error["resource"] == "orders"
    assert "is not enabled for Profile" in error["text"]
    assert "- `orders`: Schema" in card(project, "--markdown", expect=1)


def test_two_sandboxes_of_one_program_may_have_one_name(project: Project, aep: Aep) -> None:
    project.config("aep:sandbox", project.environment.pop("AEP_SANDBOX"))
    project.program(
        "provider = pulumi.ProviderResource('pulumi-python', 'two', {",
        f"    'sandbox': 'prod', 'orgId': '{project.environment['AEP_ORG_ID']}', 'allowProduction': True,",
        f"    'clientId': '{project.environment['AEP_CLIENT_ID']}',",
        "})",
        f"given = {{'name': 'Members', 'schema_id': '{PROFILE_SCHEMA}'}}",
        "UpsertDataset('members', **given)",
        "UpsertDataset('members-2', opts=pulumi.ResourceOptions(provider=provider), **given)",
    )
    assert as_json(project)["refused"] is False
    project.up()
    assert [len(aep.datasets(sandbox)) for sandbox in ("dev", "prod")] == [1, 1]


def test_consent_names_the_file_and_production_what_is_missing(project: Project, aep: Aep) -> None:
    aep.seed(sandbox="prod", datasets={ID: aep_dataset()})
    project.environment["AEP_SANDBOX"] = "prod"
    entry = {"resource": "orders", "dataset_id": ID, "allow_profile_gap": True}
    with (project.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write(f"config:\n  aep:allowProduction: true\n  aep:datasets: {json.dumps([entry])}\n")
    project.program(f"UpsertDataset('orders', dataset_id='{ID}', allow_profile_gap=True)")
    found = as_json(project)
    assert found["entries"][0]["dark"]["consent"] == "given: allow_profile_gap in Pulumi.dev.yaml"
    assert found["production"] == "aep:allowProduction is true in the configuration of stack dev"


def aep_dataset() -> dict[str, Any]:
    schema = {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}
    return {"name": "Orders", "schemaRef": schema, "tags": ON}


def test_a_preview_that_was_kept_is_read_instead_of_made(project: Project, aep: Aep, tmp_path: Path) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Orders")
    project.program(ADOPT)
    kept = tmp_path / "preview.json"
    kept.write_text(project.run("preview", "--json").text)
    project.program("pass")
    (entry,) = as_json(project, "--preview", str(kept))["entries"]
    assert (entry["resource"], entry["action"]) == ("orders", "adopt")
    kept.write_text("[]")
    told = project.command("card", "-C", str(project.folder), "--preview", str(kept), expect=3).text
    assert "The preview is not what `pulumi preview --json` prints" in told


def test_up_does_what_the_card_says_or_nothing(project: Project, aep: Aep, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Orders")
    with (project.folder / "Pulumi.yaml").open("a") as file:
        file.write("options:\n  refresh: always\n")
    project.program(ADOPT)
    found = as_json(project, "--plan", str(plan))
    assert found["plan"]["file"] == str(plan)
    project.program(ADOPT.replace(")", ", name='Changed since')"))
    refused = project.up(f"--plan={plan}", expect=None)
    assert refused.code != 0
    assert "violates plan" in refused.text
    assert aep.writes() == []
    project.program(ADOPT)
    project.up(f"--plan={plan}")
    assert aep.datasets()[ID]["tags"]["unifiedProfile"][:2] == ["enabled:true", "isUpsert:true"]


def test_a_plan_of_another_preview_is_refused(project: Project, aep: Aep, tmp_path: Path) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    plan, kept = tmp_path / "plan.json", tmp_path / "preview.json"
    project.program(ADOPT)
    kept.write_text(project.run("preview", "--json").text)
    project.program("pass")
    project.preview(f"--save-plan={plan}")
    flags = ("--preview", str(kept), "--plan", str(plan))
    told = project.command("card", "-C", str(project.folder), *flags, expect=3).text
    assert "belongs to another preview: create of 'orders'" in told


def both_made(project: Project, program: str, folder: Path, name: str) -> tuple[Path, Path]:
    """A preview and its plan, made in one run as a pipeline makes them."""
    preview, plan = folder / f"{name}.json", folder / f"{name}-plan.json"
    project.program(program)
    preview.write_text(project.run("preview", "--json", f"--save-plan={plan}").text)
    return preview, plan


def test_a_plan_of_the_same_steps_with_other_values_is_refused(
    project: Project, aep: Aep, tmp_path: Path
) -> None:
    project.program(
        before(aep),
        f"UpsertDataset('worded', name='W', schema_id='{PROFILE_SCHEMA}',",
        "    description=pulumi.Output.secret('hush'), tags={'a': ['1']})",
    )
    project.up()
    after = (
        f"{AFTER}\nUpsertDataset('worded', name='W', schema_id='{PROFILE_SCHEMA}', tags={{'a': ['1', '2']}})"
    )
    preview, plan = both_made(project, after, tmp_path, "one")
    told = as_json(project, "--preview", str(preview), "--plan", str(plan))
    assert told["plan"]["file"] == str(plan), "creates, updates, a replacement, unknown and secret values"
    others = {
        "of 'worded' it has another tags": after.replace("'2'", "'3'"),
        "of 'worded' it has another description": after.replace(", tags=", ", description='x', tags="),
        "of 'replaced' it has another dataset_id": after.replace(number(7), number(8)),
        "the preview has no create of 'more'": f"{after}\nUpsertDataset('more', dataset_id='{ID}')",
    }
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="More")
    aep.dataset(number(8), PROFILE_SCHEMA, ON, name="Another")
    for text, program in others.items():
        _, other = both_made(project, program, tmp_path, "other")
        flags = ("--preview", str(preview), "--plan", str(other))
        refused = project.command("card", "-C", str(project.folder), *flags, expect=3).text
        assert text in " ".join(refused.split())


@pytest.mark.parametrize(("text", "refused"), [(CLOSED, True), (OPEN, False)])
def test_the_change_window_holds_at_preview_in_up_and_on_the_card(
    project: Project, aep: Aep, text: str, refused: bool
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Orders")
    project.config("aep:changeWindow", text)
    project.program(ADOPT)
    project.up()
    project.program(ADOPT.replace(")", ", is_upsert=False)"))
    aep.forget()
    preview, up = project.preview(expect=None), project.up(expect=None)
    closed = [f"Run `pulumi up` at or after {text[:3]} " in told.text for told in (preview, up)]
    assert closed == [refused, refused]
    assert (preview.code == 0, up.code == 0, len(aep.writes())) == (
        (False, False, 0) if refused else (True, True, 2)
    )


def test_the_card_says_when_the_change_window_is_open(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Orders")
    project.config("aep:changeWindow", OPEN)
    project.program(ADOPT)
    (entry,) = as_json(project)["entries"]
    assert entry["dark"]["change_window"] == f"open now: {OPEN}"


def test_a_change_window_that_is_none_fails_the_preview(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.config("aep:changeWindow", "at night")
    project.program(ADOPT)
    told = " ".join(project.preview(expect=None).text.split())
    assert "aep:changeWindow has 'at night', which is not days, times and a time zone" in told


def test_a_take_over_that_switches_profile_off_says_so(project: Project, aep: Aep) -> None:
    an_hour_ago = int((datetime.now(timezone.utc).timestamp() - 3600) * 1000)
    ours = {"pulumiManagedBy": ["aep/dev/orders"], "pulumiClaim": ["a1"]}
    aep.dataset(
        ID, PROFILE_SCHEMA, UPSERT | ours, name="Orders", created=an_hour_ago, createdClient=CLIENT_ID
    )
    project.program(f"UpsertDataset('orders', name='Orders', schema_id='{PROFILE_SCHEMA}', is_upsert=False)")
    (entry,) = as_json(project)["entries"]
    assert (entry["action"], entry["id"], entry["refusals"]) == ("take over", ID, [])
    assert "upsert off: Profile and Identity go off and on again" in entry["changes"]
    assert entry["dark"]["in_flight"] == "none"
