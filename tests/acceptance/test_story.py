"""The story of two datasets, by the real `pulumi` command. Read this first: it shows what the project is for.

`project` is a Pulumi project in a folder of its own, `aep` the emulator that it is configured for: what
`aep.datasets()` shows is what the service truly holds.
"""

from __future__ import annotations

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

ORDERS = "5b020a27e7040801dedbf46e"


def test_the_story_of_a_new_and_an_existing_dataset(project: Project, aep: Aep) -> None:
    # Somebody made "Orders" by hand: it feeds Profile, without upsert.
    by_hand = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"], "team": ["crm"]}
    aep.dataset(ORDERS, PROFILE_SCHEMA, by_hand, name="Orders")

    # The program declares a new dataset, and the existing one with upsert.
    members = f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}")'
    orders = f'UpsertDataset("orders", dataset_id="{ORDERS}", is_upsert=True)'
    project.program(members, orders)

    # Preview says what will happen, and writes nothing.
    told = project.preview().text
    assert "members" in told
    assert "orders" in told
    assert aep.writes() == []

    # Up creates the one: feeding Profile, with upsert, and marked as ours.
    told = project.up().text
    [created] = [key for key in aep.datasets() if key != ORDERS]
    assert profile(aep, created) == ["enabled:true", "isUpsert:true"]
    assert aep.datasets()[created]["tags"]["pulumiManagedBy"] == ["aep/dev/members"]

    # It adopts the other and changes only what the program says. For that, Profile was off for a moment.
    assert profile(aep, ORDERS) == ["enabled:true", "isUpsert:true"]
    assert aep.datasets()[ORDERS]["tags"]["team"] == ["crm"]
    assert "Profile was off from" in told

    # Another up has nothing to do, and asks AEP nothing.
    aep.forget()
    project.up("--expect-no-changes")
    assert aep.requests() == []

    # A changed line is a change in place: one write.
    project.program(members.replace("Members", "Loyalty members"), orders)
    project.up()
    assert aep.datasets()[created]["name"] == "Loyalty members"
    (write,) = aep.writes()
    assert write["body"][0] == {"op": "add", "path": "/name", "value": "Loyalty members"}

    # Somebody switches Profile off in the user interface. A refresh sees it, the next up repairs it.
    aep.someone_else(
        "PATCH", created, [{"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:false"]}]
    )
    assert "profile_enabled" in project.preview("--refresh").text
    project.up("--refresh")
    assert profile(aep, created) == ["enabled:true", "isUpsert:true"]

    # A line that disappears by mistake deletes nothing: the created dataset is protected.
    project.program(orders)
    assert "protected" in project.up(expect=1).text
    assert created in aep.datasets()

    # With protection given up, destroy deletes what was created here and releases what was adopted.
    project.program(members.replace(")", ", deletion_protection=False)"), orders)
    project.up()
    project.destroy()
    assert list(aep.datasets()) == [ORDERS]
    assert profile(aep, ORDERS) == ["enabled:true", "isUpsert:true"]
    assert "pulumiManagedBy" not in aep.datasets()[ORDERS]["tags"]


def profile(aep: Aep, dataset_id: str) -> list[str]:
    """The settings in the Profile tag, without the time at which the service noted them."""
    values: list[str] = aep.datasets()[dataset_id]["tags"]["unifiedProfile"]
    return [value for value in values if not value.startswith("enabledAt")]
