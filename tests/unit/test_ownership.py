"""Whose a dataset is: the owner that a URN names, and every answer of the pure decision."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aep_provider.dataset.observed import Observed
from aep_provider.dataset.ownership import (
    INTERRUPTED_FOR,
    RESOURCE_TYPE,
    Standing,
    before_creation,
    on_record,
    owner_of,
    urn_of,
)
from aep_provider.dataset.tags import Ownership, timestamp

NOW = datetime(2026, 1, 31, 9, tzinfo=timezone.utc)
OWNER, CLIENT, SCHEMA = "shop/dev/members", "our-client", "https://ns.adobe.com/acmeinc/schemas/1"
DAY = INTERRUPTED_FOR.total_seconds()
STANDINGS = "MINE", "INTERRUPTED", "ALIVE", "SOMEBODY_ELSES", "ANOTHER_CLAIM", "UNOWNED"

words = st.text(st.sampled_from("a$%/"), min_size=1, max_size=3) | st.text(min_size=1, max_size=8)
type_tokens = st.sampled_from(
    [RESOURCE_TYPE, "pulumi-python:dynamic/acme:Members", "acme:aep:Loyalty", "acme:aep/x:Support"]
)
stacks = st.sampled_from(["dev", "prod", "a.b-c"])
urns = st.builds(
    lambda stack, project, types, name: f"urn:pulumi:{stack}::{project}::{'$'.join(types)}::{name}",
    stacks,
    stacks,
    st.lists(type_tokens, min_size=1, max_size=3),
    words,
)
owners = st.sampled_from(["", OWNER, "shop/dev/people", "shop/prod/members"])
claims = st.sampled_from(["", "0a", "0b"])


def dataset(
    owner: str = OWNER,
    claim: str = "",
    *,
    kept: bool = False,
    age: float = 60,
    client: str = CLIENT,
    schema: str = SCHEMA,
) -> Observed:
    """A dataset that was created `age` seconds ago."""
    ours = Ownership(owner, claim, kept).tags() if owner else {}
    body = {
        "name": "Members",
        "schemaRef": {"id": schema},
        "created": int((NOW.timestamp() - age) * 1000),
        "createdClient": client,
        "tags": {key: list(elements) for key, elements in ours.items()},
    }
    return Observed.read("5b020a27e7040801dedbf46e", body)


def judged(observed: Observed, *, batches: bool = False) -> Standing:
    return before_creation(observed, OWNER, client_id=CLIENT, schema_id=SCHEMA, batches=batches, now=NOW)[0]


@given(urns, urns)
def test_resources_that_pulumi_tells_apart_never_share_an_owner(one: str, other: str) -> None:
    assume(one != other)
    assert owner_of(one, "") != owner_of(other, "")


@given(stacks, stacks, st.lists(type_tokens, min_size=1, max_size=3), words, words, words)
def test_under_one_prefix_resources_never_share_an_owner(
    stack: str, project: str, types: list[str], one: str, other: str, prefix: str
) -> None:
    assume(one != other)
    head = f"urn:pulumi:{stack}::{project}::{'$'.join(types)}::"
    assert owner_of(head + one, prefix) != owner_of(head + other, prefix)


@given(urns)
def test_the_owner_names_the_urn_that_it_was_made_of(urn: str) -> None:
    assert urn_of(owner_of(urn, "")) == urn


@pytest.mark.parametrize(
    ("types", "owner"),
    [
        (RESOURCE_TYPE, "shop/dev/members"),
        (f"acme:aep:Loyalty${RESOURCE_TYPE}", "shop/dev/acme:aep:Loyalty$members"),
        (f"zoo:aep:Loyalty${RESOURCE_TYPE}", "shop/dev/zoo:aep:Loyalty$members"),
        (f"pulumi:pulumi:Stack${RESOURCE_TYPE}", "shop/dev/members"),
        ("pulumi-python:dynamic/acme:Members", "shop/dev/pulumi-python:dynamic/acme:Members$$members"),
    ],
)
def test_the_owner_is_the_urn_without_what_is_the_same_for_all(types: str, owner: str) -> None:
    assert owner_of(f"urn:pulumi:dev::shop::{types}::members", "") == owner


def test_an_own_type_is_told_apart_from_a_parent_of_that_type() -> None:
    own = "pulumi-python:dynamic/acme:Members"
    alone, child = f"urn:pulumi:dev::shop::{own}::x", f"urn:pulumi:dev::shop::{own}${RESOURCE_TYPE}::x"
    assert owner_of(alone, "") != owner_of(child, "")


@pytest.mark.parametrize("text", ["", "members", "urn:pulumi:dev::shop::a:b:C", "arn:aws::a::b::c"])
def test_what_is_not_a_urn_has_no_owner(text: str) -> None:
    with pytest.raises(ValueError, match="is not a URN"):
        owner_of(text, "")


@given(owners, claims, owners.filter(bool), claims)
def test_only_equal_owner_and_equal_claim_are_mine(owner: str, claim: str, recorded: str, had: str) -> None:
    standing = on_record(dataset(owner, claim), recorded, had)
    if not owner:
        assert standing is Standing.UNOWNED
    elif owner != recorded:
        assert standing is Standing.SOMEBODY_ELSES
    else:
        # A claim is written with an owner only, so without one there is none to differ.
        assert standing is (Standing.MINE if claim == had else Standing.ANOTHER_CLAIM)


@given(
    owner=owners,
    claim=claims,
    kept=st.booleans(),
    age=st.floats(-3600, 3 * DAY),
    client=st.sampled_from([CLIENT, "", "another"]),
    schema=st.sampled_from([SCHEMA, "https://ns.adobe.com/acmeinc/schemas/2"]),
    batches=st.booleans(),
)
def test_interrupted_is_proven_by_everything_at_once(
    owner: str, claim: str, kept: bool, age: float, client: str, schema: str, batches: bool
) -> None:
    standing = judged(
        dataset(owner, claim, kept=kept, age=age, client=client, schema=schema), batches=batches
    )
    if owner != OWNER:
        assert standing is (Standing.SOMEBODY_ELSES if owner else Standing.UNOWNED)
    else:
        young, unchanged = age <= DAY, not (kept and claim)
        proven = young and unchanged and client == CLIENT and schema == SCHEMA and not batches
        assert standing is (Standing.INTERRUPTED if proven else Standing.ALIVE)


@pytest.mark.parametrize(
    ("observed", "batches", "why"),
    [
        (dataset(claim="0a", kept=True), False, "it was changed after its creation"),
        (dataset(age=2 * DAY), False, f"it was created at {timestamp(NOW - 2 * INTERRUPTED_FOR)}"),
        (dataset(client="another"), False, "another credential created it (another)"),
        (dataset(client=""), False, "another credential created it (unknown)"),
        (dataset(schema="s2"), False, "it has schema 's2'"),
        (dataset(), True, "batches were ingested into it"),
    ],
)
def test_a_dataset_in_use_says_what_shows_it(observed: Observed, batches: bool, why: str) -> None:
    found = before_creation(observed, OWNER, client_id=CLIENT, schema_id=SCHEMA, batches=batches, now=NOW)
    assert found == (Standing.ALIVE, why)


def test_a_day_is_the_oldest_that_an_interrupted_run_left() -> None:
    assert judged(dataset(age=DAY)) is Standing.INTERRUPTED
    assert judged(dataset(age=DAY + 1)) is Standing.ALIVE


def test_without_a_time_of_creation_nothing_is_taken_over() -> None:
    body = {"name": "Members", "schemaRef": {"id": SCHEMA}, "createdClient": CLIENT}
    body["tags"] = {"pulumiManagedBy": [OWNER]}
    assert judged(Observed.read("5b020a27e7040801dedbf46e", body)) is Standing.ALIVE


@given(owners.filter(bool), claims.filter(bool), st.booleans())
def test_owner_and_claim_are_read_as_they_were_written(owner: str, claim: str, kept: bool) -> None:
    written = Ownership(owner, claim, kept)
    assert Ownership.read(written.tags()) == written


def test_every_standing_is_an_answer_of_one_of_the_two_questions() -> None:
    assert {one.name for one in Standing} == set(STANDINGS)
    assert timedelta(0) < INTERRUPTED_FOR
