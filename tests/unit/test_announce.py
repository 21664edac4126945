"""What one program declares, as the plugin is told it."""

from __future__ import annotations

import asyncio
import json
from types import MappingProxyType

import pytest

from aep_provider.announcement import packed, unpacked
from aep_provider.program.announce import _AT_ONCE, Announcement, _Program


def test_whichever_resource_comes_first_brings_what_is_declared() -> None:
    program = _Program()
    program.waiting.append({"resource": "orders", "dataset_id": "1"})
    carried = [program.told() for _ in range(_AT_ONCE + 1)]
    # The SDK sends so many at once at most; one that is sent later cannot overtake them all.
    assert [json.loads(unpacked(text)) for text in carried[0]] == [
        [{"resource": "orders", "dataset_id": "1"}]
    ]
    assert carried == [carried[0]] * _AT_ONCE + [[]]


def test_what_is_declared_later_is_carried_besides() -> None:
    program = _Program()
    program.waiting.append({"resource": "orders"})
    program.told()
    program.waiting.append({"resource": "members", "tags": MappingProxyType({"team": ("a", "b")})})
    first, second = (json.loads(unpacked(text)) for text in program.told())
    assert first == [{"resource": "orders"}]
    assert second == [{"resource": "members", "tags": {"team": ["a", "b"]}}]


def test_what_repeats_itself_becomes_small_and_comes_back_whole() -> None:
    entries = [
        {"resource": f"größe-{number}", "schema_id": "https://ns.adobe.com/a/schemas/b"}
        for number in range(100)
    ]
    text = json.dumps(entries)
    assert unpacked(packed(text)) == text
    assert len(packed(text)) < len(text) / 5


def test_what_nobody_asks_about_is_told_once_something_is_asked_about() -> None:
    program = _Program()
    program.unasked.append({"resource": "orders"})
    assert program.told() == []
    program.waiting.append({"resource": "members", "dataset_id": "1"})
    told = [{"resource": "members", "dataset_id": "1"}, {"resource": "orders"}]
    assert [json.loads(unpacked(text)) for text in program.told()] == [told]
    program.unasked.append({"resource": "sales"})
    assert json.loads(unpacked(program.told()[-1])) == [{"resource": "sales"}]


@pytest.mark.parametrize(("preview", "sent"), [(True, {"preview": True, "declared": []}), (False, None)])
def test_an_up_sends_no_announcement_that_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, preview: bool, sent: object
) -> None:
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: preview)

    async def announced() -> object:
        return await Announcement()

    assert asyncio.run(announced()) == sent
