"""Where an operation is interrupted: before or after the effect of each of its requests.

What a kill between two requests leaves behind does not depend on where between them it falls, so "before" each
request, "after" each write and "after" the last are all boundaries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from aep_provider.emulator.seeds import PROFILE_SCHEMA

ID = "5b020a27e7040801dedbf46e"

TOKEN, ONE, MANY = "POST /ims/token/v3", "GET catalog/dataSets/{id}", "GET catalog/dataSets"
SANDBOXES, SCHEMA = "GET sandbox-management/", "GET schemaregistry/tenant/schemas/{schema}"
FLOWS = ("GET flowservice/targetConnections", "GET flowservice/flows")
BATCHES, POST, PATCH = "GET catalog/batches", "POST catalog/dataSets", "PATCH catalog/dataSets/{id}"
TOGGLE = [TOKEN, ONE, SANDBOXES, SCHEMA, *FLOWS, BATCHES, ONE, PATCH, PATCH, ONE, BATCHES]


@dataclass(frozen=True)
class Operation:
    """One thing that `pulumi up` does: the programs before and during it, and the requests it makes."""

    name: str
    requests: list[str]
    program: str
    profile: tuple[str, ...]
    """`unifiedProfile` at the end, without ``enabledAt``."""
    before: str = ""
    """The program that is deployed first."""
    profile_before: tuple[str, ...] = ()
    """`unifiedProfile` of the dataset that exists from the start."""
    beside: range = range(0)
    """The numbers of the requests that are sent side by side, so in any order."""

    @property
    def creates(self) -> bool:
        """Whether the dataset is new."""
        return not self.profile_before

    @property
    def writes(self) -> list[int]:
        """The numbers of the requests that change something."""
        return [n for n, request in enumerate(self.requests, 1) if request in (POST, PATCH)]


CREATE = Operation(
    "create",
    [TOKEN, SANDBOXES, MANY, MANY, SCHEMA, POST, MANY],
    f'UpsertDataset("orders", name="Orders", schema_id="{PROFILE_SCHEMA}")',
    ("enabled:true", "isUpsert:true"),
    beside=range(2, 6),
)
ADOPT = Operation(
    "adopt",
    TOGGLE,
    f'UpsertDataset("orders", dataset_id="{ID}")',
    ("enabled:true", "isUpsert:true"),
    profile_before=("enabled:true",),
    beside=range(2, 7),
)
UPDATE = Operation(
    "toggle",
    TOGGLE,
    f'UpsertDataset("orders", dataset_id="{ID}", is_upsert=False)',
    ("enabled:true",),
    before=ADOPT.program,
    profile_before=("enabled:true", "isUpsert:true"),
    beside=range(2, 7),
)


@dataclass(frozen=True)
class Boundary:
    """Before or after the effect of request number `number` of an operation."""

    operation: Operation
    moment: str
    number: int

    @property
    def landed(self) -> list[int]:
        """The numbers of the writes that had taken effect."""
        return [n for n in self.operation.writes if n < self.number + (self.moment == "after")]

    @property
    def is_before_the_writes(self) -> bool:
        """Whether none was even sent."""
        return self.number < self.operation.writes[0]

    @property
    def profile_is_off(self) -> bool:
        """Whether it lies between disable and enable."""
        return not self.operation.creates and len(self.landed) == 1

    def __str__(self) -> str:
        request = self.operation.requests[self.number - 1].split("/{")[0]
        short = request.replace(" ", "_").replace("/", "_").strip("_")
        return f"{self.operation.name}-{self.moment}_{self.number:02}_{short}"


def boundaries(operation: Operation) -> Iterator[Boundary]:
    """All of an operation; of what is sent side by side, the first that comes."""
    for number in range(1, len(operation.requests) + 1):
        if number in operation.beside[1:]:
            continue
        yield Boundary(operation, "before", number)
        if number in operation.writes or number == len(operation.requests):
            yield Boundary(operation, "after", number)


def decisive(operation: Operation) -> Iterator[Boundary]:
    """The first, the last, and those around each write."""
    for boundary in boundaries(operation):
        ends = (("before", 1), ("after", len(operation.requests)))
        if boundary.number in operation.writes or (boundary.moment, boundary.number) in ends:
            yield boundary


def around_the_writes(operation: Operation) -> Iterator[Boundary]:
    """From the last two reads before the first write to the end."""
    return (boundary for boundary in boundaries(operation) if boundary.number >= operation.writes[0] - 2)


def taking_turns(choose: Callable[[Operation], Iterable[Boundary]], first: int = 0) -> list[Boundary]:
    """Each boundary of a toggle once: by turns of an adoption and of an update, which make the same requests.

    Args:
        choose: the boundaries of an operation.
        first: 0 = the adoption begins, 1 = the update.
    """
    both = zip(choose(ADOPT), choose(UPDATE), strict=True)
    return [pair[(number + first) % 2] for number, pair in enumerate(both)]


WINDOWS = [boundary for op in (ADOPT, UPDATE) for boundary in boundaries(op) if boundary.profile_is_off]
POSTED = Boundary(CREATE, "after", 6)
