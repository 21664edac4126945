"""URN change x option x state through the real command: nothing that is in use is deleted or renamed unasked.

`support.identity` says what the runs are, and what counts as asking. Each step of a run is a process of its own, and
judged by what the emulator holds.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.identity import ALIASES, CHANGES, NAMES, OPTIONS, RUNS, SAMPLE, STATES, Combination, runs, urn
from support.project import Project
from support.settings import environment as settings

MATRIX = runs()
BATCH = "01HZ3FWJ6QX8T4N2B7C9E1F3G5"
CREATE_FIRST = """
def create_first(args):
    args.opts.delete_before_replace = False
    return pulumi.ResourceTransformationResult(args.props, args.opts)
pulumi.runtime.register_stack_transformation(create_first)
"""
GROUP = """
group = pulumi.ComponentResource("acme:aep:Group", "group")
"""
MEMBERS = """
class Members(UpsertDataset, module="acme", name="Members"):
    pass
"""
FORMERLY = {
    "name": 'name="members"',
    "parent": "parent=pulumi.ROOT_STACK_RESOURCE",
    "type": 'type_="pulumi-python:dynamic/aep:UpsertDataset"',
    "project": 'project="shop"',
    "stack": 'stack="dev"',
}


@dataclass
class Baseline:
    """A dataset and its state, made once and copied for each run.

    Attributes:
        folder: of the project.
        backends: of the state, after the creation and after a change.
        datasets: what the emulator held then.
    """

    folder: Path
    backends: list[Path] = field(default_factory=list)
    datasets: list[dict[str, Any]] = field(default_factory=list)


def declared(option: str, *, name: str, description: str, run: Combination | None = None) -> str:
    """The program: the first one, or the one of a run."""
    change, opts, head = "none", [], ""
    if run is not None:
        change = run.change
        if change != "none" and run.alias == "alias":
            opts.append(f"aliases=[pulumi.Alias({FORMERLY[change]})]")
        if change == "parent":
            opts.append("parent=group")
        head = {"parent": GROUP, "type": MEMBERS}.get(change, "")
        head += CREATE_FIRST if option == "transformation" else ""
    if option == "retain_on_delete":
        opts.append("retain_on_delete=True")
    unprotected = "" if option == "protect" else "deletion_protection=False, "
    return (
        f'{head}{"Members" if change == "type" else "UpsertDataset"}("{"people" if change == "name" else "members"}", '
        f'name="{name}", schema_id="{PROFILE_SCHEMA}", description="{description}", {unprotected}'
        f"opts=pulumi.ResourceOptions({', '.join(opts)}))"
    )


@pytest.fixture(scope="session")
def baseline(pulumi: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Baseline]:
    """Makes, once for each kind of protection, the dataset that the runs begin with."""
    made: dict[str, Baseline] = {}

    def make(option: str) -> Baseline:
        kind = option if option in ("protect", "retain_on_delete") else "none"
        if kind in made:
            return made[kind]
        folder = tmp_path_factory.mktemp(kind) / "project"
        found = made[kind] = Baseline(folder)
        with Emulator(strict=True) as emulator:
            aep = Aep(emulator.url)
            project = checkout(folder, pulumi, aep, folder.parent / "backend")
            project.run("stack", "init", "dev")
            for description in ("first", "second"):
                project.program(declared(kind, name=NAMES[0], description=description))
                project.up()
                found.backends.append(folder.parent / description)
                shutil.copytree(folder.parent / "backend", found.backends[-1])
                found.datasets.append(aep.datasets())
            project.end()
        return found

    return make


def checkout(
    folder: Path, pulumi: str, aep: Aep, backend: Path, project: str = "shop", stack: str = "dev"
) -> Project:
    """A folder with the project, and a backend."""
    folder.mkdir(parents=True, exist_ok=True)
    backend.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(
        f"name: {project}\nruntime:\n  name: python\n  options:\n    toolchain: pip\n    virtualenv: {sys.prefix}\n"
    )
    kept = {key: os.environ[key] for key in ("HOME", "LANG", "XDG_CACHE_HOME") if key in os.environ}
    environment = kept | {
        "PATH": f"{Path(pulumi).parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_HOME": str(folder.parent / "pulumi-home"),
        "PULUMI_STACK": stack,
        "PYTHONDONTWRITEBYTECODE": "1",
        **settings(aep.url),
    }
    return Project(folder, pulumi, environment, stack)


@dataclass
class Course:
    """One run: what is there before, what is done, and the judgement after each step."""

    what: Combination
    aep: Aep
    made: Baseline
    pulumi: str
    root: Path
    log: list[str] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)

    def go(self) -> None:
        """Everything, in order."""
        first = self._before()
        acting = self._acting(first)
        self._program(acting)
        for flags in self._commands():
            self._step(acting, "up", *flags)
        self._step(acting, "up", "--continue-on-error")
        self._nothing_missing(acting)
        if not self.what.has_record:
            self._step(acting, "destroy")
        self._holder(first)

    def end(self) -> None:
        """End what was started."""
        for project in self.projects:
            project.end()

    def _before(self) -> Project:
        """The dataset in use, and the state that made it."""
        changed = self.what.use == "changed" or self.what.state == "restored"
        (self.id,) = self.made.datasets[changed]
        self.aep.seed(datasets=self.made.datasets[changed])
        if self.what.use == "batch":
            batch = {"status": "success", "relatedObjects": [{"type": "dataSet", "id": self.id}]}
            now = self.made.datasets[changed][self.id]["created"]
            self.aep.seed(batches={BATCH: {**batch, "created": now, "updated": now, "completed": now}})
        # A backup is from before the change.
        backend = self.made.backends[changed and self.what.state != "restored"]
        shutil.copytree(backend, self.root / "backend")
        shutil.copytree(self.made.folder, self.root / "first")
        first = self._checkout("first", "backend", "shop", "dev")
        if self.what.state != "lost":
            self._typed(first)
        return first

    def _typed(self, first: Project) -> None:
        """The commands on the state."""
        if self.what.option == "state delete":
            first.run("state", "delete", urn(), "--yes", "--force")
        elif self.what.option == "state rename":
            first.run("state", "rename", urn(), "people", "--yes")
        elif self.what.option == "state move":
            first.run("stack", "init", "other", "--no-select", PULUMI_STACK="")
            first.run("state", "move", urn(), "--source", "dev", "--dest", "other", "--yes")

    def _acting(self, first: Project) -> Project:
        """The checkout in which the new program runs."""
        what = self.what
        elsewhere = what.state in ("lost", "another backend")
        if elsewhere or what.anew:
            acting = self._checkout("acting", "empty" if elsewhere else "backend", what.project, what.stack)
            acting.run("stack", "init", what.stack, PULUMI_STACK="")
            return acting
        if what.change in ("project", "stack"):
            first.run("stack", "rename", f"organization/{what.project}/{what.stack}")
        return self._checkout("first", "backend", what.project, what.stack)

    def _program(self, acting: Project) -> None:
        acting.program(declared(self.what.option, name=self.what.name, description="new", run=self.what))

    def _commands(self) -> list[tuple[str, ...]]:
        """The flags of each `up`."""
        what = self.what
        parent = urn("group", "acme:aep:Group", project=what.project, stack=what.stack)
        group = ("--target", parent) if what.change == "parent" else ()
        flags: dict[str, list[tuple[str, ...]]] = {
            "transformation": [("--replace", self.what.urn)],
            "replace": [("--replace", self.what.urn)],
            "target": [(*group, "--target", self.what.urn), ("--target", urn())],
            "continue-on-error": [("--continue-on-error",), ("--continue-on-error", "--refresh")],
        }
        return flags.get(self.what.option, [()])

    def _step(self, project: Project, *command: str, expect: int | None = None) -> None:
        """One command, in a process of its own, and the judgement."""
        held = self.id in self.aep.datasets()
        result = project.run(*command, "--yes", "--skip-preview", expect=expect)
        self.log.append(
            f"$ pulumi {' '.join(command)}   # in {project.folder.name}: {result.code}\n{result.text}"
        )
        assert "Traceback" not in result.text, self._told("a traceback")
        now = self.aep.datasets().get(self.id)
        if now is None:
            assert not held or self.what.may_delete, self._told("the dataset was deleted")
        else:
            names = NAMES if self.what.may_rename else NAMES[:1]
            assert now["name"] in names, self._told(f"the dataset was renamed to {now['name']!r}")

    def _nothing_missing(self, project: Project) -> None:
        """No record names a dataset that is not there, and no dataset has two records."""
        ids = [record["id"] for record in records(project)]
        assert len(ids) == len(set(ids)), self._told("two records of one dataset")
        missing = set(ids) - set(self.aep.datasets())
        assert not missing, self._told(f"the state names datasets that are not there: {missing}")

    def _holder(self, first: Project) -> None:
        """Whoever held the dataset before still works with it, as if nothing had happened."""
        what = self.what
        if what.state == "lost" or what.option == "state delete" or what.has_record:
            return
        stack = "other" if what.option == "state move" else "dev"
        holder = self._checkout("first", "backend", "shop", stack)
        if what.option == "state rename":
            return
        holder.program(declared(what.option, name=NAMES[0], description="still here"))
        self._step(holder, "up", expect=0)
        assert self.aep.datasets()[self.id]["description"] == "still here"

    def _checkout(self, folder: str, backend: str, project: str, stack: str) -> Project:
        made = checkout(self.root / folder, self.pulumi, self.aep, self.root / backend, project, stack)
        self.projects.append(made)
        return made

    def _told(self, what: str) -> str:
        return "\n".join((f"{self.what}: {what}", *self.log))


def records(project: Project) -> list[dict[str, Any]]:
    """The records of datasets in the state, from the backend's file."""
    backend = Path(project.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    (name,) = [
        line for line in (project.folder / "Pulumi.yaml").read_text().splitlines() if "name: " in line
    ][:1]
    file = backend / ".pulumi/stacks" / name.removeprefix("name: ") / f"{project.stack}.json"
    latest = json.loads(file.read_text())["checkpoint"]["latest"] or {}
    return [one for one in latest.get("resources") or [] if "pulumi-python:dynamic" in one["type"]]


@pytest.fixture
def course(
    aep: Aep, baseline: Callable[[str], Baseline], pulumi: str, tmp_path: Path
) -> Iterator[Callable[[Combination], Course]]:
    """Sets a run up, and ends what it started."""
    made: list[Course] = []

    def make(what: Combination) -> Course:
        made.append(Course(what, aep, baseline(what.option), pulumi, tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.mark.parametrize("what", MATRIX[:SAMPLE], ids=str)
def test_what_is_in_use_is_neither_deleted_nor_renamed_unasked(
    course: Callable[[Combination], Course], what: Combination
) -> None:
    course(what).go()


@pytest.mark.long
@pytest.mark.parametrize("what", MATRIX, ids=str)
def test_the_whole_matrix_neither_deletes_nor_renames_unasked(
    course: Callable[[Combination], Course], what: Combination
) -> None:
    course(what).go()


def test_the_sample_has_every_value_of_every_axis() -> None:
    assert len(set(MATRIX)) == RUNS
    for axis, values in {"change": CHANGES, "alias": ALIASES, "option": OPTIONS, "state": STATES}.items():
        assert {getattr(one, axis) for one in MATRIX[:SAMPLE]} == set(values)
