"""Where a dataset lives, and whether it is still there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aep_provider.dataset.observed import Observed
from aep_provider.errors import NotFound, Refused, WrongLocation
from aep_provider.operations.context import Context
from aep_provider.settings import Settings, same_endpoint

LAG = timedelta(minutes=15)
"""What a lagging replica hides is younger than this."""


def check_location(settings: Settings, recorded: Mapping[str, Any], *, writing: bool = False) -> None:
    """Refuse to touch a resource whose record names another location. No request is made.

    Args:
        settings: where the provider is set to.
        recorded: the outputs on record.
        writing: whether a record that names no location is refused as well.

    Raises:
        WrongLocation: sandbox, organisation or endpoint differ.
    """
    if writing and not all(recorded.get(key) for key in settings.location):
        raise WrongLocation(
            "The state of this resource does not say where its dataset lives; nothing was done",
            "Run `pulumi refresh`, which fills it in, then run again.",
        )
    for key, label, variable in (
        ("sandbox", "sandbox", "aep:sandbox or AEP_SANDBOX"),
        ("org_id", "organisation", "aep:orgId or AEP_ORG_ID"),
        ("endpoint", "endpoint", "aep:endpoint or AEP_ENDPOINT"),
    ):
        was, now = recorded.get(key), settings.location[key]
        if not was or was == now or (key == "endpoint" and same_endpoint(str(was), now)):
            continue
        raise WrongLocation(
            f"This dataset lives in {label} {was!r}, but the provider is set to {now!r}; nothing was done",
            f"Set {variable} back to {was!r}. Use a stack of its own for another one: `pulumi stack init`.",
        )


def existing(context: Context, dataset_id: str, created: datetime | None = None) -> Observed:
    """Read a dataset that has to be there.

    Args:
        context: where and how.
        dataset_id: the dataset.
        created: when it was created, where that is known.

    Raises:
        Refused: it does not exist.
        ApiError: it could not be read, or a 404 does not prove that it is gone.
    """
    try:
        return context.aep.catalog.get(dataset_id)
    except NotFound as error:
        if not gone(context, error, created):
            raise
        raise Refused(
            f"Dataset {dataset_id} does not exist in sandbox {context.sandbox}",
            "Check dataset_id and aep:sandbox. If it was deleted, run `pulumi refresh`.",
        ) from error


def gone(context: Context, error: NotFound, created: datetime | None) -> bool:
    """Whether a 404 on a read by id means that the dataset does not exist any more.

    Only Catalog's own JSON answer counts, only while the sandbox is active, and only for a dataset that is not
    young: a gateway's HTML page, a sandbox that is being reset or a replica that lags would otherwise empty the
    stack.

    Args:
        context: where and how.
        error: the 404.
        created: when the dataset was created; ``None`` = not known, so not known to be young.
    """
    if not says_missing(error):
        return False
    if created is not None and context.now() - created < LAG:
        error.remedy = (
            "It was created less than 15 minutes ago, so AEP may not show it yet. Run again in some minutes. If it "
            "was deleted by hand: `pulumi state delete <urn>`."
        )
        return False
    found = context.aep.sandboxes.current_now()
    return found is not None and found.state == "active"


def says_missing(error: NotFound) -> bool:
    """Whether a 404 is Catalog's own about the dataset, and not a gateway's page."""
    return error.title == "NotFoundError"
