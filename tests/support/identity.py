"""The runs of the identity matrix: how a URN changes, by which option, on which state; and what may become of the data.

A dataset that holds data, or was changed after its creation, may only be deleted or renamed if the user said so:

- *deleted*: a typed command names the record that holds the dataset, and nothing protects it: ``destroy`` with its
  state, ``--replace`` with its URN, or ``--target`` with its URN when the program does not declare it any more.
  Removing a resource from the program says so as well, but only if no other resource of the program declares the
  dataset's name: then it was moved.
- *renamed*: a resource that holds the dataset in its state, by the same URN, an alias, or a rename of the resource or
  the stack, is given another ``name``.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import astuple, dataclass

CHANGES = ("none", "name", "parent", "type", "project", "stack")
ALIASES = ("alias", "no alias")
OPTIONS = (
    "none",
    "protect",
    "retain_on_delete",
    "transformation",
    "replace",
    "target",
    "continue-on-error",
    "state delete",
    "state rename",
    "state move",
)
STATES = ("current", "lost", "restored", "another backend")
USES = ("batch", "changed")
NAMES = ("Members", "All members")

TYPE = "pulumi-python:dynamic/aep:UpsertDataset"
RUNS, SAMPLE = 150, 30


@dataclass(frozen=True)
class Combination:
    """One value of each axis.

    Attributes:
        change: what of the URN the new program changes.
        alias: whether an alias, or a rename of the stack, says so.
        option: what else is in play.
        state: the state that the new program meets.
        use: what shows that the dataset is in use.
        name: the name that the new program gives the dataset.
    """

    change: str
    alias: str
    option: str
    state: str
    use: str
    name: str

    def __str__(self) -> str:
        return "-".join(astuple(self)).replace(" ", "_")

    @property
    def anew(self) -> bool:
        """Whether the new program meets a state without any resource."""
        fresh_stack = self.change in ("project", "stack") and self.alias == "no alias"
        return self.state in ("lost", "another backend") or fresh_stack

    @property
    def has_record(self) -> bool:
        """Whether the state that the new program meets holds the dataset, under whatever URN."""
        return not self.anew and self.option not in ("state delete", "state move")

    @property
    def holds(self) -> bool:
        """Whether what the new program declares is, by its URN or alias, the record that holds the dataset."""
        if not self.has_record:
            return False
        if self.option == "state rename":
            # It renames the record from `members` to `people`: only a program that says `people` finds it.
            return self.change == "name"
        return self.change == "none" or self.alias == "alias"

    @property
    def meets(self) -> str:
        """What the new program meets: its record, one that it leaves out, or none."""
        return "record" if self.holds else "left out" if self.has_record else "none"

    @property
    def sensible(self) -> bool:
        """Whether the run is a question: a record that is left out while another name is declared is a removal."""
        return self.name == NAMES[0] or self.holds or not self.has_record

    @property
    def may_delete(self) -> bool:
        """Whether a typed command says that the dataset is to be replaced, or that its record is to go."""
        if self.option == "target":
            return self.meets == "left out"
        return self.holds and self.option in ("replace", "transformation")

    @property
    def may_rename(self) -> bool:
        """Whether the program says it."""
        return self.holds and self.name != NAMES[0]

    @property
    def logical(self) -> str:
        """The logical name in the new program."""
        return "people" if self.change == "name" else "members"

    @property
    def project(self) -> str:
        """The project of the new program."""
        return "store" if self.change == "project" else "shop"

    @property
    def stack(self) -> str:
        """The stack of the new program."""
        return "next" if self.change == "stack" else "dev"

    @property
    def urn(self) -> str:
        """The URN that the new program declares."""
        types = {"parent": f"acme:aep:Group${TYPE}", "type": "pulumi-python:dynamic/acme:Members"}
        return urn(self.logical, types.get(self.change, TYPE), project=self.project, stack=self.stack)


def urn(logical: str = "members", types: str = TYPE, *, project: str = "shop", stack: str = "dev") -> str:
    """The URN of a resource."""
    return f"urn:pulumi:{stack}::{project}::{types}::{logical}"


def runs() -> list[Combination]:
    """The runs: each next one has the most pairs of values, and then triples, that none before it had."""
    values = itertools.product(CHANGES, ALIASES, OPTIONS, STATES, USES, NAMES)
    left = [one for one in itertools.starmap(Combination, values) if one.sensible]
    random.Random(14).shuffle(left)
    together = {one: (_together(one, 2), _together(one, 3)) for one in left}
    chosen: list[Combination] = []
    pairs: set[object] = set()
    triples: set[object] = set()
    while len(chosen) < RUNS:
        best = max(left, key=lambda one: (len(together[one][0] - pairs), len(together[one][1] - triples)))
        pairs |= together[best][0]
        triples |= together[best][1]
        left.remove(best)
        chosen.append(best)
    return chosen


def _together(one: Combination, how_many: int) -> set[object]:
    return set(itertools.combinations(enumerate((*astuple(one), one.meets)), how_many))
