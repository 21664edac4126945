"""The datasets of every sandbox, from one file."""

import pulumi

from aep_provider import declare


async def main() -> pulumi.Inputs:
    """Declare what datasets.yaml and the stack say."""
    return {name: dataset.dataset_id for name, dataset in (await declare()).items()}


pulumi.run(main)
