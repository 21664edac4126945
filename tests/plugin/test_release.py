"""`aep-provider release` writes for what it has shown; whoever has taken the dataset over meanwhile keeps it."""

from __future__ import annotations

import importlib

import pytest

from aep_provider.aep import connect
from aep_provider.aep.catalog import Catalog, Read
from aep_provider.errors import Refused
from aep_provider.operations.context import Context, Silent
from aep_provider.operations.location import existing
from aep_provider.settings import Settings
from support.aep import BareAep
from support.clock import FakeClock
from support.settings import config
from support.window import ID, ON

# The command of that name stands for it in the package.
release = importlib.import_module("aep_provider.cli.release")

OURS = {"pulumiManagedBy": ["aep/dev/orders"], "pulumiClaim": ["claim:1111111111111111"]}


@pytest.mark.parametrize(
    ("taken", "to"),
    [
        (OURS | {"pulumiClaim": ["claim:2222222222222222"]}, "aep/dev/orders"),
        ({"pulumiManagedBy": ["shop/prod/orders"]}, "shop/prod/orders"),
    ],
    ids=["under the same name", "by another stack"],
)
def test_what_somebody_took_over_right_before_the_write_stays_theirs(
    aep: BareAep, monkeypatch: pytest.MonkeyPatch, taken: dict[str, list[str]], to: str
) -> None:
    aep.dataset(ID, ON | OURS)
    settings, clock = Settings.load(config(aep.url), {}), FakeClock()
    context = Context(connect(settings, clock), settings, Silent(), clock)
    shown = existing(context, ID)
    reading = Catalog.read_for_write

    def read(self: Catalog, dataset_id: str) -> Read:
        found = reading(self, dataset_id)
        gone = [{"op": "remove", "path": f"/tags/{key}"} for key in OURS if key not in taken]
        theirs = [{"op": "add", "path": f"/tags/{key}", "value": value} for key, value in taken.items()]
        aep.someone_else("PATCH", dataset_id, gone + theirs)
        return found

    monkeypatch.setattr(Catalog, "read_for_write", read)
    with pytest.raises(Refused, match=f"changed its owner meanwhile, to '{to}'"):
        release._release(context, ID, shown)
    tags = aep.datasets()[ID]["tags"]
    assert {key: value for key, value in tags.items() if key.startswith("pulumi")} == taken
