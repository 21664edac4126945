"""What tests of a window share: the dataset, the faults, and what was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aep_provider.aep.gateway import Prepared
from support.aep import BareAep

ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
ADOPT = {"dataset_id": ID, "is_upsert": True}

LOST = {"reset": "before"}
NO_REPLY = {"reset": "after"}
REFUSED = {"status": 403, "body": {"error_code": "403027", "message": "User region is missing"}}
BUSY = {"status": 409, "body": {"type": "x", "status": 409, "title": "ConflictError", "detail": "Try again."}}


def profile(aep: BareAep) -> list[str]:
    found: list[str] = aep.datasets()[ID]["tags"]["unifiedProfile"]
    return [element for element in found if not element.startswith("enabledAt")]


def patches(aep: BareAep) -> list[str]:
    """What each PATCH wrote to ``unifiedProfile``, and whether it was for one version only."""
    found = []
    for entry in aep.writes():
        value = next(one["value"] for one in entry["body"] if one["path"] == "/tags/unifiedProfile")
        setting = "off" if value[0] == "enabled:false" else "upsert" if "isUpsert:true" in value else "plain"
        found.append(setting + ("!" if "if-match" in {name.lower() for name in entry["headers"]} else ""))
    return found


def before_disable(
    monkeypatch: pytest.MonkeyPatch, do: Callable[[], object], times: int = 1, nth: int = 1
) -> None:
    """Do something right before the nth disable is sent and those after it, after the dataset was read for it."""
    sending = Prepared.send
    disables: list[object] = []

    def send(self: Prepared, fill: Any = None) -> Any:
        if self.name.startswith("PATCH") and b"enabled:false" in (self._request.body or b""):
            disables.append(self)
            if nth <= len(disables) < nth + times:
                do()
        return sending(self, fill)

    monkeypatch.setattr(Prepared, "send", send)
