"""Beliefs about batches, upsert and Profile, which only batches can answer: ``--batches``."""

from __future__ import annotations

from aep_provider.measured import DISABLING_KEEPS, REPLAY_REPLACES, WINDOW_NEEDED
from aep_provider.probe.belief import Belief, Level

_WITH = "With --batches: "

BELIEFS = (
    Belief(
        id=DISABLING_KEEPS,
        statement="Switching Profile off on a dataset leaves its profile records where they are.",
        level=Level.UNKNOWN,
        source="Adobe disagrees: the upsert tutorial prescribes it as routine, the enablement planning page says that "
        "it removes them",
        rests="operations/checks.py (consent), operations/window.py",
        if_false="Each change of upsert empties Profile of what the dataset brought, and all of it has to be ingested "
        "again.",
        how=f"{_WITH}look the identity up while Profile is off, and again after the next batch.",
        switch="profile_on_disable",
    ),
    Belief(
        id="window-batch-is-lost",
        statement="A batch that ends while Profile is off does not reach Profile when it is switched on again.",
        level=Level.DOCUMENTED,
        source="Enable upsert, warning; Profile troubleshooting (nothing is backfilled)",
        rests="operations/gap_report.py, operations/in_flight.py",
        if_false="The gap report asks for batches to be ingested again that Profile has.",
        how=f"{_WITH}ingest one while Profile is off, and look for its text until the batch after it is seen.",
    ),
    Belief(
        id="upsert-merges",
        statement="With upsert a later batch of JSON changes only the fields that it brings.",
        level=Level.ASSUMED,
        source="Enable upsert; it names Parquet, and no page says that JSON does the same",
        rests="what is_upsert is for",
        if_false="Each batch still overwrites the record, and the window was for nothing.",
        how=f"{_WITH}ingest a row with another field, and look whether the first one is still there.",
    ),
    Belief(
        id=WINDOW_NEEDED,
        statement="Upsert that is set by one PATCH, with Profile on all the time, does not count for later batches.",
        level=Level.UNKNOWN,
        source="Adobe documents two steps; code of others sets it in one, and nobody says whether it then works",
        rests="dataset/plan.py, operations/window.py",
        if_false="The time in which Profile is off could be avoided. This package still follows the documentation.",
        how=f"{_WITH}add isUpsert to a dataset that is on, and ingest a row with another field.",
        switch="patch_without_disable",
    ),
    Belief(
        id="profile-follows-the-lake",
        statement="Profile shows a batch at most three hours after the lake has it.",
        level=Level.LIVE,
        source="notes of a third party on one tenant: 20 to 120 minutes, at most about three hours",
        rests="operations/gap_report.py (which batches are doubtful)",
        if_false="The gap report leaves batches out that Profile has missed.",
        how=f"{_WITH}look the identity up until the batch is seen.",
    ),
    Belief(
        id="batch-statuses-are-known",
        statement="The statuses that a batch shows are those of Adobe's list, and the end is one that counts as ended.",
        level=Level.SPECIFIED,
        source="Catalog OpenAPI, status of a batch; which of them mean in flight is inferred",
        rests="aep/batches.py",
        if_false="The provider waits for a batch that has ended, until it gives up.",
        how=f"{_WITH}read each batch until it ends, and note its statuses.",
    ),
    Belief(
        id="new-batch-is-listed",
        statement="A batch is in its dataset's listing as soon as it is created.",
        level=Level.ASSUMED,
        source="no page says how far the listing lags",
        rests="operations/in_flight.py",
        if_false="Profile is switched off while a batch is on its way that nobody could see.",
        how=f"{_WITH}list the dataset's batches right after creating one.",
        switch="list_lag",
    ),
    Belief(
        id="sub-batches-are-told-apart",
        statement="Batches that Profile makes of another one have an id that ends in -INGEST.",
        level=Level.LIVE,
        source="notes of a third party on one tenant",
        rests="aep/batches.py",
        if_false="The provider waits for Profile's own work, or tells the user to ingest it again.",
        how=f"{_WITH}list the dataset's batches at the end; whatever the probe did not make should be named so.",
        switch="sub_batch_seconds",
    ),
    Belief(
        id=REPLAY_REPLACES,
        statement="A batch that is created with replay.predecessors is accepted, and its predecessor leaves.",
        level=Level.DOCUMENTED,
        source="Batch ingestion overview, replay",
        rests="operations/replay.py (how to ingest again)",
        if_false="Rows are twice in the lake after they were ingested again.",
        how=f"{_WITH}ingest the first batch again in that way, and read the status of the first.",
    ),
)
