"""What may never move: the names that state refers to, and the names that programs import."""

from __future__ import annotations

import base64
import pickle
import pickletools

import dill
from pulumi.dynamic.dynamic import serialize_provider

import aep_provider
from aep_provider._entry import Reference
from aep_provider.plugin.provider import UpsertDatasetProvider


def test_the_pickle_holds_the_name_of_the_entry_and_no_code() -> None:
    blob = dill.dumps(Reference(), recurse=True)
    texts = {arg for _, arg, _ in pickletools.genops(blob) if isinstance(arg, str)}
    assert texts == {"aep_provider._entry", "provider_v1"}
    assert isinstance(dill.loads(blob), UpsertDatasetProvider)


def test_the_pickle_is_the_same_to_the_byte() -> None:
    blob = dill.dumps(Reference(), protocol=4, recurse=True)
    assert blob == (
        b"\x80\x04\x95*\x00\x00\x00\x00\x00\x00\x00\x8c\x13aep_provider._entry\x94\x8c\x0b"
        b"provider_v1\x94\x93\x94)R\x94."
    )


def test_pulumi_writes_that_pickle_into_state() -> None:
    written = base64.b64decode(serialize_provider(Reference()))
    texts = {arg for _, arg, _ in pickletools.genops(written) if isinstance(arg, str)}
    assert texts == {"aep_provider._entry", "provider_v1"}
    assert isinstance(pickle.loads(written), UpsertDatasetProvider)


def test_the_public_names() -> None:
    assert sorted(aep_provider.__all__) == [
        "AepProviderError",
        "ExistingDataset",
        "ExistingDatasetByName",
        "NewDataset",
        "NewDatasetByTitle",
        "ProfileGap",
        "UpsertDataset",
        "declare",
    ]
    for name in aep_provider.__all__:
        assert getattr(aep_provider, name).__doc__
