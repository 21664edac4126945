"""Listings of datasets: pages and filters, over the scratch datasets of this run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from aep_provider.probe.belief import Answer, NotAsked
from aep_provider.probe.scratch import NAME, tags_of
from aep_provider.probe.steps.datasets import PLAIN
from aep_provider.probe.steps.look import judged, listing, needed, patch, shown, until
from aep_provider.probe.steps.step import Run, Step

_NO_NAME = f"{NAME}that nobody has"
_NO_TAG = "aepProviderProbeNothing"
_MOST_PAGES = 20


def pages(run: Run) -> Iterator[Answer]:
    """Limits, offsets, and how much a page holds."""
    over, under = (listing(run, limit=limit) for limit in (101, 0))
    seen = f"limit 101: {over.describe()}, limit 0: {under.describe()}"
    yield judged("page-limit", over.status == under.status == 400, seen)
    past = listing(run, limit=1, start=10_000_000)
    yield judged(
        "past-the-end", past.status == 200 and past.json() == {}, "an empty object", otherwise=past.describe()
    )
    known = set(run.scratch.names)
    if len(known) < 3:
        raise NotAsked("too few scratch datasets could be created")
    query = run.scratch.name("*")
    whole = until(run, lambda: _walked(run, query), lambda found: known <= set(chain(*found)))
    if not whole.shown:
        raise NotAsked("the listing does not show the scratch datasets")
    # Once more: while the listing was behind, its first pages were of another moment than its last ones.
    settled = _walked(run, query)
    first = len(settled[0])
    total = len(set(chain(*settled)))
    yield judged(
        "page-whole",
        first >= min(total, 100),
        "a page holds all that it was asked for",
        {"page_cap": first} if first < total else {},
        f"a page holds {first} although more are there",
    )
    if first < 2:
        raise NotAsked("a page holds one dataset only")
    one, two, both = (_page(run, query, limit, start) for limit, start in ((1, 0), (1, 1), (2, 0)))
    yield judged(
        "start-offset",
        one + two == both,
        "start counts from 0",
        otherwise="pages overlap or leave some out",
    )


def _walked(run: Run, name: str) -> list[list[str]]:
    """The ids on each page, until one is empty."""
    found: list[list[str]] = []
    start = 0
    while len(found) < _MOST_PAGES and (page := _page(run, name, 100, start)):
        found.append(page)
        start += len(page)
    return found or [[]]


def _page(run: Run, name: str, limit: int, start: int) -> list[str]:
    reply = listing(run, name=name, limit=limit, start=start, properties="name")
    return list(needed(reply, "a listing was refused").object())


def names(run: Run) -> Iterator[Answer]:
    """By name: exact, with a wildcard, several, and for a name that nobody has."""
    dataset_id, name = run.scratch.labelled(PLAIN), run.scratch.name(PLAIN)
    none = needed(listing(run, name=_NO_NAME, limit=5, properties="name"), "a listing by name")
    exact = listing(run, name=name, limit=100, properties="name").object()
    good = not none.object() and dataset_id in exact
    yield judged(
        "name-filter",
        good,
        "only that name",
        {"name_filter": "honoured" if good else "ignored"},
        "other names as well, or not this one",
    )
    wild = listing(run, name=f"{name[:-2]}*", limit=100, properties="name").object()
    yield judged(
        "name-wildcard",
        dataset_id in wild and not none.object(),
        "* stands for anything",
        otherwise="* finds nothing, or the filter is ignored",
    )
    both = listing(run, name=f"{_NO_NAME},{name}", limit=100, properties="name").object()
    yield judged(
        "name-comma",
        dataset_id in both and not none.object(),
        "a comma means any of them",
        otherwise="a comma finds nothing, or the filter is ignored",
    )


def tags(run: Run) -> Iterator[Answer]:
    """By tag: for one that is there, and for one that nobody has."""
    dataset_id = run.scratch.labelled(PLAIN)
    no_tag = needed(listing(run, tags=f"{_NO_TAG}:*", limit=5, properties="name"), "a listing by tag")
    needed(
        patch(run, dataset_id, [{"op": "add", "path": "/tags/probeColon", "value": ["a:b"]}]),
        "a write was refused",
    )
    shown(run, dataset_id, lambda body: "probeColon" in tags_of(body), "a tag")
    own = until(
        run,
        lambda: listing(run, tags="probeColon:*", limit=100, properties="name").object(),
        lambda page: dataset_id in page,
    )
    tagged = own.shown and not no_tag.object()
    yield judged(
        "tag-filter",
        tagged,
        "only datasets with that tag",
        {"tag_filter": "honoured" if tagged else "ignored"},
        "others as well, or not those",
    )
    colon = listing(run, tags="probeColon:a:b", limit=100, properties="name").object()
    wrong = listing(run, tags="probeColon:a:c", limit=100, properties="name").object()
    splits = dataset_id in colon and dataset_id not in wrong
    yield judged(
        "tag-colon",
        splits,
        "the first colon ends the key",
        otherwise="a value with a colon is not found, or any is",
    )


STEPS = (
    Step("Pages of a listing", ("page-limit", "past-the-end", "page-whole", "start-offset"), pages),
    Step("Datasets by name", ("name-filter", "name-wildcard", "name-comma"), names),
    Step("Datasets by tag", ("tag-filter", "tag-colon"), tags),
)
