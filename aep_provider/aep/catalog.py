"""Catalog: datasets. Source: Adobe's *Catalog Service API* description and guide (``/dataSets``)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from aep_provider.aep.gateway import ApiRequest, Gateway, Prepared
from aep_provider.aep.paginate import Page, next_offset, paginate
from aep_provider.aep.responses import etag, mapping, strings, unreadable
from aep_provider.aep.single_flight import Memory
from aep_provider.aep.transport import Response
from aep_provider.dataset.carriers import Carriers
from aep_provider.dataset.observed import MalformedDataset, Observed, properties
from aep_provider.errors import Conflict
from aep_provider.validators import DATASET_ID

PATH = "/data/foundation/catalog/dataSets"
JSON_PATCH = "application/json-patch+json"
PAGE = 100
"""Datasets per page; more than 100 is an error, not clamped (seen live)."""

Pages = Callable[[int], Page[int, "Observed | None"]]
"""Reads the page of a listing that begins at an offset."""

_SHOWN = frozenset({"name", "schemaRef", "tags"})
"""What every dataset has: a response without it would read as a dataset that is off."""

_READ, _WRITE = "View Datasets", "Manage Datasets"


LOOKS_FOR_TAGS = (0.5, 1.0, 1.5)
"""Seconds to wait before a dataset without tags is read again."""


class Read(NamedTuple):
    """What one GET of a dataset said.

    Attributes:
        observed: the dataset.
        etag: its version, for the ``If-Match`` of a write; ``""`` where the response had none.
    """

    observed: Observed
    etag: str


class Catalog:
    """Reads and writes datasets of the gateway's sandbox.

    Attributes:
        written: the ids of the datasets that this process has begun to write to: what was read of them
            before, or together with others, counts no more.
    """

    def __init__(self, gateway: Gateway, memory: Memory[Carriers]) -> None:
        self._gateway = gateway
        self._tagged = memory
        self.written: set[str] = set()

    def get(self, dataset_id: str, *, urgent: bool = False) -> Observed:
        """As `read_for_write`, without the version.

        Args:
            dataset_id: 24 hexadecimal characters.
            urgent: for a read inside a window: with a short time-out, and not repeated.
        """
        return self._read(dataset_id, urgent=urgent).observed

    def read_for_write(self, dataset_id: str) -> Read:
        """Read one dataset, with the version that a write can be made for.

        Args:
            dataset_id: 24 hexadecimal characters.

        Raises:
            NotFound: a 404 of any kind; whether that means gone is not decided here.
            ForeignResponse: it belongs to another organisation or sandbox.
            ApiError: it could not be read, or not understood.
        """
        return self._read(dataset_id, urgent=False)

    def _read(self, dataset_id: str, *, urgent: bool) -> Read:
        # Without tags it reads as off. One response that leaves them out is not enough to believe that.
        for pause in LOOKS_FOR_TAGS:
            read, has_tags = self._read_once(dataset_id, urgent=urgent)
            if has_tags:
                break
            if not urgent:
                self._gateway.clock.wait(pause)
        else:
            read, _ = self._read_once(dataset_id, urgent=urgent)
        return read

    def _read_once(self, dataset_id: str, *, urgent: bool) -> tuple[Read, bool]:
        request = ApiRequest("GET", f"{PATH}/{dataset_id}", f"dataset {dataset_id}", permission=_READ)
        response = self._gateway.send(request, urgent=urgent)
        body = mapping(response)
        if dataset_id not in body:
            raise unreadable(response, f"an object with the key {dataset_id} was expected")
        dataset = body[dataset_id]
        try:
            observed = Observed.read(dataset_id, dataset)
        except MalformedDataset as error:
            raise unreadable(response, str(error)) from error
        self._gateway.check_ours(response, dataset)
        return Read(observed, etag(response)), "tags" in dataset

    def many(self, dataset_ids: Sequence[str]) -> dict[str, Observed]:
        """Read several datasets with one request, as far as the response shows them.

        What is missing from the result need not be gone: it is left out as well if the response does not show
        all of it. Source: *Look up multiple objects* of Adobe's Catalog guide; the parameter ``properties``
        from the description of the same path.

        Args:
            dataset_ids: at most some 50, for the length of the URL.

        Raises:
            ApiError: nothing could be read, or understood.
        """
        path = f"{PATH}/{','.join(dataset_ids)}"
        request = ApiRequest(
            "GET", path, "several datasets", query={"properties": ",".join(properties())}, permission=_READ
        )
        response = self._gateway.send(request)
        shown = self._whole(mapping(response))
        return {dataset_id: shown[dataset_id] for dataset_id in dataset_ids if dataset_id in shown}

    def page(self, start: int) -> tuple[dict[str, Observed], bool]:
        """Read one page of the listing of all datasets, in whatever order the service has.

        Once, with a short time-out: whoever asks can do without.

        Args:
            start: how many datasets to pass over.

        Returns:
            The datasets of which the page shows everything, and whether more may follow.

        Raises:
            ApiError: the page could not be read, or not understood.
        """
        response = self._listing({}, start, urgent=True)
        page = mapping(response)
        return self._whole(page), len(page) >= PAGE

    def create(self, body: Mapping[str, Any]) -> str:
        """Create a dataset (POST) and return its id. Never repeated here: there is no idempotency key."""
        name = body.get("name")
        request = ApiRequest("POST", PATH, f"dataset named {name!r}", body=body, permission=_WRITE)
        response = self._gateway.send(request)
        references = strings(response)
        created = references[0].rpartition("/")[2].lower() if len(references) == 1 else ""
        if not DATASET_ID.fullmatch(created):
            raise unreadable(response, 'an array such as ["@/dataSets/<id>"] was expected')
        self.written.add(created)
        return created

    def patch(self, dataset_id: str, operations: Sequence[Mapping[str, Any]], *, if_match: str = "") -> None:
        """Send a JSON Patch; once more where another request for the same dataset was being worked on (409).

        Args:
            dataset_id: the dataset.
            operations: the patch.
            if_match: the `Read.etag` of the version that it is for, or ``""`` for whatever is there.

        Raises:
            PreconditionFailed: it is no longer that version.
            ApiError: it was refused, or its outcome is unknown (`ApiError.effect_unknown`).
        """
        self.written.add(dataset_id)
        request = _patch(dataset_id, operations, if_match)
        try:
            self._gateway.send(request)
        except Conflict:
            self._gateway.send(request)

    def prepare_patch(
        self,
        dataset_id: str,
        operations: Sequence[Mapping[str, Any]],
        *,
        urgent: bool,
        if_match: str = "",
    ) -> Prepared:
        """Make a JSON Patch ready, for the two requests of a window.

        Args:
            dataset_id: the dataset.
            operations: the patch.
            urgent: give up early, since Profile is off: for the enable only. A disable that is given up
                early may take effect after the enable. What is not urgent counts once its status has come.
            if_match: the `Read.etag` of the version that it is for, or ``""`` for whatever is there.
        """
        self.written.add(dataset_id)
        request = _patch(dataset_id, operations, if_match)
        return self._gateway.prepare(request, urgent=urgent, status_suffices=not urgent)

    def delete(self, dataset_id: str) -> None:
        """Send DELETE; the response proves nothing."""
        self.written.add(dataset_id)
        request = ApiRequest("DELETE", f"{PATH}/{dataset_id}", f"dataset {dataset_id}", permission=_WRITE)
        self._gateway.send(request)

    def named(self, name: str) -> list[Observed]:
        """Every dataset of exactly this name."""
        # In the filter `,` separates, `*` is a wildcard and a leading `!` negates. A wildcard in their place
        # finds a superset, and what counts is compared here anyway.
        pattern = re.sub(r"^!|[,*]+", "*", name)
        return list(self._filtered({"name": pattern}, lambda body: _may_be_named(body, name)))

    def beginning(self, text: str) -> list[Observed]:
        """Every dataset whose name begins with this text, which holds none of ``,``, ``*`` and ``!``."""
        return list(self._filtered({"name": f"{text}*"}, lambda body: _begins(body, text)))

    def tagged(self, key: str) -> Carriers:
        """Every dataset that carried a tag key when this process first asked."""
        return self._tagged.get(key, lambda: self._carrying(key))

    def tagged_ahead(
        self, key: str, each: Callable[[Observed], None] | None = None, *, expected: int = 0
    ) -> None:
        """Have them listed, for `tagged`.

        Args:
            key: the tag key.
            each: told of each dataset when its page comes, and not when the last one has; it must not raise.
            expected: how many they probably are. Not used here, where one page is asked for after another.
        """
        self._tagged.ahead(key, lambda: self._carrying(key, each))

    def _carrying(self, key: str, each: Callable[[Observed], None] | None = None) -> Carriers:
        found = Carriers()
        for dataset in self._filtered({"tags": f"{key}:*"}, lambda body: _may_hold_tag(body, key)):
            found.append(dataset)
            if each is not None:
                each(dataset)
        return found

    def get_ahead(self, dataset_ids: Sequence[str]) -> None:
        """Have datasets read that `get` will be asked for. Nothing here, where each is read when it is asked for."""

    def named_ahead(self, name: str) -> None:
        """Have a name looked up that `named` will be asked for. Nothing here, as above."""

    def all(self) -> Iterator[Observed]:
        """Every dataset of the sandbox, page by page."""
        return self._filtered({}, lambda _: True)

    def _filtered(
        self, query: Mapping[str, str], wanted: Callable[[Mapping[str, Any]], bool]
    ) -> Iterator[Observed]:
        # `start` counts from 0 (documented, and seen live).
        listed = paginate(self._pages(query, wanted), 0)
        return (dataset for dataset in listed if dataset is not None)

    def _pages(self, query: Mapping[str, str], wanted: Callable[[Mapping[str, Any]], bool]) -> Pages:
        """Reads the pages of one listing."""
        return partial(self._fetch, query, wanted)

    def _fetch(
        self, query: Mapping[str, str], wanted: Callable[[Mapping[str, Any]], bool], start: int
    ) -> Page[int, Observed | None]:
        response = self._listing(query, start)
        page = mapping(response)
        for body in page.values():
            if isinstance(body, dict):
                self._gateway.check_ours(response, body)
        try:
            read: dict[Hashable, Observed | None] = {
                dataset_id: _read(dataset_id, body, wanted) for dataset_id, body in page.items()
            }
        except MalformedDataset as error:
            raise unreadable(response, str(error)) from error
        return Page(response, read, next_offset(start, len(page)))

    def _whole(self, entries: Mapping[str, object]) -> dict[str, Observed]:
        """The datasets that show what every dataset has; asking for the others alone says what ails them."""
        found: dict[str, Observed] = {}
        for dataset_id, body in entries.items():
            whole = isinstance(body, dict) and body.keys() >= _SHOWN and not self._gateway.foreign(body)
            if DATASET_ID.fullmatch(dataset_id) and whole:
                with contextlib.suppress(MalformedDataset):
                    found[dataset_id] = Observed.read(dataset_id, body)
        return found

    def _listing(self, query: Mapping[str, str], start: int, *, urgent: bool = False) -> Response:
        whole: dict[str, str | int] = {
            **query,
            "limit": PAGE,
            "start": start,
            "properties": ",".join(properties()),
        }
        request = ApiRequest("GET", PATH, "datasets", query=whole, permission=_READ)
        return self._gateway.send(request, urgent=urgent)


def _may_be_named(body: Mapping[str, Any], name: str) -> bool:
    """Whether it has this name; a name that is not text must not be passed over."""
    found = body.get("name") or ""
    return not isinstance(found, str) or found == name


def _begins(body: Mapping[str, Any], text: str) -> bool:
    found = body.get("name")
    return isinstance(found, str) and found.startswith(text)


def _may_hold_tag(body: Mapping[str, Any], key: str) -> bool:
    """Whether it carries this tag; tags that are not an object must not be passed over."""
    found = body.get("tags") or {}
    return not isinstance(found, dict) or key in found


def _read(dataset_id: str, body: object, wanted: Callable[[Mapping[str, Any]], bool]) -> Observed | None:
    """A dataset of a page, if it is wanted; what is malformed in one that is not does not matter."""
    if not DATASET_ID.fullmatch(dataset_id):
        raise MalformedDataset(f"{dataset_id!r} is not a dataset id")
    if not isinstance(body, dict):
        raise MalformedDataset(f"dataset {dataset_id}: not a JSON object")
    if not wanted(body):
        return None
    try:
        return Observed.read(dataset_id, body)
    except MalformedDataset as error:
        raise MalformedDataset(f"dataset {dataset_id}: {error}") from error


def _patch(dataset_id: str, operations: Sequence[Mapping[str, Any]], if_match: str = "") -> ApiRequest:
    return ApiRequest(
        "PATCH",
        f"{PATH}/{dataset_id}",
        f"dataset {dataset_id}",
        body=list(operations),
        content_type=JSON_PATCH,
        if_match=if_match,
        permission=_WRITE,
    )
