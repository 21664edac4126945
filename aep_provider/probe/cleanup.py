"""Deleting scratch datasets: what they are is proved before, and that they are gone after.

The rules are those of a stack's own deletes: a DELETE goes out only to what is certainly ours, and only Catalog's
own 404 while the sandbox is active counts as gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aep_provider.aep import Aep
from aep_provider.aep.batches import PATH as BATCHES
from aep_provider.aep.gateway import ApiRequest
from aep_provider.aep.responses import mapping
from aep_provider.clock import Clock
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import CLAIM_TAG, OWNER_TAG
from aep_provider.errors import (
    AepProviderError,
    ApiError,
    ConnectionFailed,
    NotFound,
    StatusError,
    UnreadableResponse,
)
from aep_provider.probe.scratch import NAME, OWNER

_MARK = re.compile(re.escape(OWNER) + r"[0-9a-f]{8}")

TRIES = (0.0, 0.5, 1.5)
"""Seconds before each DELETE while nobody answers."""

LOOKS = (0.0, 0.5, 1.5, 3.0, 5.0)
"""Seconds before each of the first looks for what a replica may still show, or not yet."""

SEARCHES = 3
"""How many searches in a row have to find nothing new."""

PAUSE = 5.0
"""Seconds between the later ones."""


@dataclass(frozen=True)
class Left:
    """A dataset that looks like a scratch one and was not deleted.

    Attributes:
        id, name: the dataset; the id is ``""`` where only its name is known.
        why: why not.
    """

    id: str
    name: str
    why: str


class CleanUp:
    """Finds scratch datasets and deletes them.

    Args:
        aep: an API that remembers nothing, so that each answer is fresh.
        client_id: our credential.
        clock: for the waits.
        wait: seconds to wait at most for one dataset to disappear.
        say: prints a line.
    """

    def __init__(
        self, aep: Aep, client_id: str, clock: Clock, *, wait: float, say: Callable[[str], None]
    ) -> None:
        self._aep = aep
        self._client_id = client_id
        self._clock = clock
        self._wait = wait
        self._say = say

    def everything(self) -> tuple[int, list[Left]]:
        """Delete the scratch datasets of every run of this credential; how many, and what is left.

        Raises:
            ApiError: they could not be looked for.
        """
        deleted: set[str] = set()
        left: dict[str, Left] = {}
        quiet = 0
        # A page may hold less than there is, and a young dataset may not be listed yet.
        while quiet < SEARCHES:
            self._clock.wait(LOOKS[quiet])
            quiet += 1
            for one in self._search(NAME, OWNER):
                if one.id in deleted or one.id in left:
                    continue
                quiet = 0
                if problem := self.remove(one.id, one):
                    left[one.id] = Left(one.id, one.name, problem)
                else:
                    deleted.add(one.id)
        return len(deleted), list(left.values())

    def these(self, names: dict[str, str], lost: Iterable[str], owner: str) -> list[Left]:
        """Delete the scratch datasets of one run; what is left.

        Args:
            names: by id, those that are known to exist.
            lost: names of those that may exist.
            owner: the owner of the run.
        """
        left = [
            Left(dataset_id, name, problem)
            for dataset_id, name in names.items()
            if (problem := self.remove(dataset_id, owner=owner))
        ]
        open_names = set(lost)
        if not open_names:
            return left
        for pause in self._pauses():
            self._clock.wait(pause)
            try:
                found = [one for one in self._search("", owner, open_names) if one.id not in names]
            except AepProviderError as error:
                why = f"it may exist: its creation was not answered, and it cannot be looked for ({short(error)})"
                return [*left, *(Left("", name, why) for name in sorted(open_names))]
            for one in found:
                names[one.id] = one.name
                open_names.discard(one.name)
                if problem := self.remove(one.id, one):
                    left.append(Left(one.id, one.name, problem))
            if not open_names:
                break
        why = "it may exist: its creation was not answered, and it has not shown up since"
        return [*left, *(Left("", name, why) for name in sorted(open_names))]

    def remove(self, dataset_id: str, listed: Observed | None = None, owner: str = "") -> str:
        """Delete one and see it gone.

        Args:
            dataset_id: the dataset.
            listed: what a listing showed of it; ``None`` = this process created it itself, by what a response said.
            owner: of the run that created it.

        Returns:
            Why it was not deleted, or is not proved to be; ``""`` once it is gone.
        """
        observed = listed
        try:
            for pause in LOOKS[:3]:
                self._clock.wait(pause)
                try:
                    observed = self._aep.catalog.get(dataset_id)
                    break
                except NotFound as error:
                    # What is young may not be shown yet: the DELETE goes out all the same.
                    if not _says_missing(error):
                        raise
            if observed is not None:
                doubt = self._doubt(observed) if listed is not None else self._foreign(observed, owner)
                if problem := doubt or self._foreign_batches(observed.id):
                    return problem
            return self._delete(dataset_id)
        except AepProviderError as error:
            return f"{short(error)} when it was deleted"

    def _foreign(self, observed: Observed, owner: str) -> str:
        """Why a dataset cannot be the one that a response said was created, or ``""``: it shows nothing of this run."""
        # Who created it proves nothing: the same credential may manage stacks.
        ours = observed.name.startswith(NAME) or owner in observed.tag(OWNER_TAG)
        return "" if ours else "nothing of it is the probe's"

    def _doubt(self, observed: Observed) -> str:
        """Why a dataset is not certainly a scratch one of this credential, or ``""``."""
        owner = observed.tag(OWNER_TAG)
        # An owner that a stack chose may begin alike, and a claim is what only a stack writes.
        if len(owner) != 1 or not _MARK.fullmatch(owner[0]) or observed.tag(CLAIM_TAG):
            return f"it does not carry the probe's mark in the tag {OWNER_TAG}"
        if not observed.name.startswith(NAME):
            return "its name is not one of the probe's"
        if observed.created_client != self._client_id:
            return "another credential created it, or it does not say which"
        return f"Adobe manages it ({observed.system_sign})" if observed.system_sign else ""

    def _foreign_batches(self, dataset_id: str) -> str:
        query: dict[str, str | int] = {"dataSet": dataset_id, "limit": 100}
        request = ApiRequest("GET", BATCHES, f"batches of dataset {dataset_id}", query=query)
        batches = mapping(self._aep.gateway.send(request))
        ours = {
            key
            for key, body in batches.items()
            if isinstance(body, dict) and body.get("createdClient") == self._client_id
        }
        # Profile makes batches of its own of each, whose ids begin with it.
        foreign = [key for key in batches if key not in ours and key.partition("-")[0] not in ours]
        return "it holds batches of somebody else" if foreign else ""

    def _delete(self, dataset_id: str) -> str:
        answered = False
        for pause in TRIES:
            self._clock.wait(pause)
            try:
                self._aep.catalog.delete(dataset_id)
                answered = True
                break
            except NotFound as error:
                if not _says_missing(error):
                    raise
                # Gone already, or so young that it is not known yet: sent again, and the reads have to say so too.
                answered = True
            except ApiError as error:
                if not error.effect_unknown:
                    raise
        if not answered:
            return "it is unknown whether it was deleted: the DELETE was not answered"
        for pause in self._pauses():
            self._clock.wait(pause)
            try:
                self._aep.catalog.get(dataset_id)
            except NotFound as error:
                sandbox = self._aep.sandboxes.current_now() if _says_missing(error) else None
                if sandbox is not None and sandbox.state == "active":
                    return ""
        return "it is still shown after its deletion"

    def _pauses(self) -> Iterable[float]:
        yield from LOOKS
        for _ in range(int((self._wait - sum(LOOKS)) / PAUSE)):
            yield PAUSE

    def _search(self, prefix: str, owner: str, names: Iterable[str] = ()) -> list[Observed]:
        """Every dataset by the owner tag or by the name, whoever made it."""
        catalog = self._aep.catalog
        found = [
            one for one in catalog.tagged(OWNER_TAG) if any(v.startswith(owner) for v in one.tag(OWNER_TAG))
        ]
        if prefix:
            found += catalog.beginning(prefix)
        for name in names:
            found += catalog.named(name)
        return list({one.id: one for one in found}.values())


def short(error: AepProviderError) -> str:
    """What failed, without anything that names somebody."""
    if isinstance(error, StatusError):
        return f"AEP answered {error.status}"
    if isinstance(error, ConnectionFailed):
        return "AEP did not answer"
    return "the response cannot be understood" if isinstance(error, UnreadableResponse) else "it was refused"


def _says_missing(error: NotFound) -> bool:
    return error.title == "NotFoundError"
