"""One dataset that is created, one that exists."""

import pulumi

from aep_provider import UpsertDataset

SCHEMA = (
    "https://ns.adobe.com/acmeinc/schemas/aabe76f1f4ec532b6a9928e5cc4bc8654f1578ca32573768c572b03d153ea33c"
)

config = pulumi.Config()
members = UpsertDataset("loyalty-members", name="Loyalty programme", schema_id=SCHEMA)
orders = UpsertDataset("orders", dataset_id=config.require("ordersId"), is_upsert=True)
pulumi.export("loyalty-members", members.dataset_id)
