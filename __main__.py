"""One UpsertDataset for each entry of the stack's `aep:datasets`."""

import pulumi

from aep_provider import UpsertDataset

datasets = pulumi.Config("aep").require_object("datasets")

for entry in datasets:
    arguments = dict(entry)
    logical_name = arguments.pop("resource", None) or arguments.get("name")
    if not logical_name:
        raise ValueError(f"aep:datasets: an entry needs `resource`, its logical name: {entry}")
    dataset = UpsertDataset(logical_name, **arguments)
    pulumi.export(logical_name, dataset.dataset_id)
