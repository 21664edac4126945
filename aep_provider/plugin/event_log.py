"""Events for machines, one JSON object a line: windows, gaps, waits, refusals and failures.

Imported only where `AEP_LOG` asks for it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from aep_provider.errors import SettingsError

SCHEMA_VERSION = 1
"""Goes up when a field changes its meaning or goes away; a new field or event does not change it."""

ALWAYS: Mapping[str, str] = {
    "schema_version": f"{SCHEMA_VERSION}; another number once a field has changed its meaning or is gone",
    "time": "when it was written, in UTC",
    "event": "which of the events below",
    "operation": "`check`, `diff`, `create`, `read`, `update` or `delete`",
    "project": "of Pulumi",
    "stack": "of Pulumi",
    "resource": "the logical name",
    "sandbox": 'the sandbox, `""` where the settings cannot be read',
    "dataset": 'the id of the dataset, `""` where it has none yet',
}
"""The fields of every event, and what they mean."""

_TIMES = {
    "from": 'when Profile went off, `""` where nobody noted it',
    "to": 'when it came back on, `""` where it is, or may be, still off',
}

EVENTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "wait": (
        "an update waits for batches in flight; Profile is on",
        {
            "state": "`begun`, `over`, or `too_long`, after which a `refusal` follows",
            "seconds": "waited so far",
            "timeout": "seconds to wait at most",
            "batches": "ids of the batches that are in flight",
        },
    ),
    "window": (
        "Profile was switched off, and on again where it worked",
        {
            **_TIMES,
            "seconds": "between the two, or `null`",
            "upsert": "the setting that was wanted",
            "outcome": "`changed`, or the error: `RolledBack`, `NotConverged`, `ProfileOff`",
        },
    ),
    "gap": (
        "Profile has missed what was ingested in a time; also of a window that another run has left",
        {
            **_TIMES,
            "replay": "ids of batches to ingest again, `null` where they could not be listed",
            "suspect": "ids of batches of which nobody can see whether Profile took them, or `null`",
            "late": "`true`: these batches were listed later than the gap was first told",
        },
    ),
    "refusal": (
        "a call was refused, or stopped; nothing was switched off",
        {"error": "the class of the error, `CheckFailure` for an argument", "message": "its first line"},
    ),
    "failure": (
        "a call failed on the way; what is true of Profile is in the message",
        {
            "error": "the class of the error",
            "message": 'its first line, `""` for an error of no class of ours',
        },
    ),
}
"""By name, what happened, and the fields that say more of it."""


class EventLog:
    """Writes events of all threads of a process.

    Args:
        write: takes one line, whole.
        now: the time.
    """

    def __init__(self, write: Callable[[bytes], object], now: Callable[[], datetime]) -> None:
        self._write = write
        self._now = now
        self._here = threading.local()

    @contextmanager
    def about(self, operation: str, urn: str, sandbox: str) -> Iterator[None]:
        """What this thread writes inside is about one call of the engine."""
        parts = [*urn.split("::", 3), "", "", "", ""]
        self._here.about = {
            "operation": operation,
            "project": parts[1],
            "stack": parts[0].rpartition(":")[2],
            "resource": parts[3],
            "sandbox": sandbox,
        }
        try:
            yield
        finally:
            del self._here.about

    def event(self, name: str, dataset_id: str, fields: Mapping[str, Any]) -> None:
        """Write an event.

        Args:
            name: one of `EVENTS`.
            dataset_id: the dataset, or ``""``.
            fields: those of the event.

        Raises:
            OSError: it could not be written.
        """
        said: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "time": self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "event": name,
            **getattr(self._here, "about", {}),
            "dataset": dataset_id,
        }
        self._write(json.dumps(said | dict(fields), default=list).encode() + b"\n")


def opened(environ: Mapping[str, str], now: Callable[[], datetime]) -> EventLog:
    """The log that the environment asks for.

    Args:
        environ: ``AEP_LOG``, and ``AEP_LOG_FILE``, a file to append to; without it standard error.
        now: the time.

    Raises:
        SettingsError: they cannot be used.
    """
    if environ["AEP_LOG"] != "json":
        raise SettingsError(f"AEP_LOG is {environ['AEP_LOG']!r}", "It can be json, or unset.")
    file = environ.get("AEP_LOG_FILE", "")
    if not file:
        return EventLog(lambda line: os.write(2, line), now)
    # Several processes append to it, a whole line at a time; and a pipe that nobody reads must not hold a run up.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(file, flags, 0o600)
    except OSError as error:
        raise SettingsError(
            f"AEP_LOG_FILE {file!r} cannot be written: {error.strerror}",
            "Name a file in a folder that exists; a named pipe needs a reader that stays.",
        ) from error
    return EventLog(lambda line: os.write(descriptor, line), now)
