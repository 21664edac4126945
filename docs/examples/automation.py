"""Run Pulumi from Python, with the program inline and no project folder.

    python automation.py

Settings come from the AEP_ variables; PULUMI_BACKEND_URL and PULUMI_CONFIG_PASSPHRASE as always.
"""

import sys

import pulumi
from pulumi import automation

from aep_provider import UpsertDataset

SCHEMA = (
    "https://ns.adobe.com/acmeinc/schemas/aabe76f1f4ec532b6a9928e5cc4bc8654f1578ca32573768c572b03d153ea33c"
)


def program() -> None:
    """What is declared."""
    members = UpsertDataset("loyalty-members", name="Loyalty programme", schema_id=SCHEMA)
    pulumi.export("loyalty-members", members.dataset_id)


def main() -> None:
    """Look at what AEP holds, then create and change what is declared."""
    stack = automation.create_or_select_stack(
        stack_name="dev",
        project_name="customer-data",
        program=program,
        opts=automation.LocalWorkspaceOptions(
            # An inline program names no virtual environment: the provider would run in any python3 on PATH.
            env_vars={"PULUMI_PYTHON_CMD": sys.executable},
        ),
    )
    # Without a project file nothing says `refresh: always`, and the refresh has to run the inline program.
    result = stack.up(refresh=True, run_program=True, on_output=print)
    print(result.outputs["loyalty-members"].value)


if __name__ == "__main__":
    main()
