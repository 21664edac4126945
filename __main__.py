"""One UpsertDataset for each entry of the stack's `aep:datasets`."""

import pulumi

from aep_provider import declare


async def main() -> pulumi.Inputs:
    """Declare them; their ids are the stack's outputs."""
    datasets = await declare()
    return {name: dataset.dataset_id for name, dataset in datasets.items()}


pulumi.run(main)
