"""The provider in an import file is the one that Pulumi writes into state."""

from __future__ import annotations

import base64
import pickletools

import dill
from pulumi.dynamic.dynamic import serialize_provider

from aep_provider._entry import Reference
from aep_provider.cli.adoption import PROVIDER
from aep_provider.plugin.provider import UpsertDatasetProvider


def test_the_import_file_names_the_provider_as_pulumi_does() -> None:
    blob = base64.b64decode(PROVIDER)
    assert isinstance(dill.loads(blob), UpsertDatasetProvider)

    def names(pickled: bytes) -> set[str]:
        return {arg for _, arg, _ in pickletools.genops(pickled) if isinstance(arg, str)}

    assert names(blob) == names(base64.b64decode(serialize_provider(Reference())))
