"""The datasets that carry a tag, looked through once however many resources look for theirs among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from aep_provider.dataset.observed import Observed


class Carriers(list[Observed]):
    """A listing of one tag, in its order."""

    @cached_property
    def by_owner(self) -> Mapping[str, Sequence[Observed]]:
        """Those of each owner that has any."""
        return self._by(lambda dataset: dataset.owner)

    @cached_property
    def by_name(self) -> Mapping[str, Sequence[Observed]]:
        """Those of each name that any has."""
        return self._by(lambda dataset: dataset.name)

    @cached_property
    def in_profile(self) -> Mapping[bool, int]:
        """How many are in Profile, by whether they hold experience events."""
        return Counter(dataset.time_series for dataset in self if dataset.profile.enabled)

    def _by(self, key: Callable[[Observed], str]) -> Mapping[str, Sequence[Observed]]:
        found: dict[str, list[Observed]] = {}
        for dataset in self:
            found.setdefault(key(dataset), []).append(dataset)
        return found
