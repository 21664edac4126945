"""Policies for the datasets of production stacks; a preview that breaks one is refused."""

from __future__ import annotations

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

DATASET = "pulumi-python:dynamic/aep:UpsertDataset"

STACKS = PolicyConfigSchema(
    properties={"production": {"type": "array", "items": {"type": "string"}, "default": ["prod"]}}
)
"""Which stacks are production, by name; `--policy-pack-config` gives others."""


def in_production(args: ResourceValidationArgs) -> bool:
    """Whether a resource is a dataset of a production stack."""
    stack = args.urn.removeprefix("urn:pulumi:").partition("::")[0]
    return args.resource_type == DATASET and stack in args.get_config()["production"]


def deletion_is_refused(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Production needs `deletion_protection`, for what it created and for what it adopted."""
    if in_production(args) and args.props.get("deletion_protection") is not True:
        report("Say deletion_protection=True: a dataset of production is not deleted or released by a run.")


def batches_are_waited_for(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Production never switches Profile off while batches are on their way."""
    if in_production(args) and args.props.get("in_flight_batches") == "ignore":
        report("Leave in_flight_batches out, or say 'wait' or 'fail': 'ignore' loses the batches in flight.")


PolicyPack(
    name="aep-production",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        ResourceValidationPolicy(
            name="deletion-protection",
            description="A dataset of production has deletion_protection.",
            validate=deletion_is_refused,
            config_schema=STACKS,
        ),
        ResourceValidationPolicy(
            name="batches-in-flight",
            description="No dataset of production ignores batches in flight.",
            validate=batches_are_waited_for,
            config_schema=STACKS,
        ),
    ],
)
