"""The list of harmless mutants."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from mutation.harmless import harmless

ROOT = Path(__file__).resolve().parents[2]
LISTED = harmless((ROOT / "tools/harmless-mutants.txt").read_text())


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: Path(listed[0]).stem)
def test_a_harmless_mutant_is_of_code_that_is_still_there(listed: tuple[str, ...]) -> None:
    file, *change = listed
    lines = {line.strip() for line in (ROOT / file).read_text().splitlines()}
    assert {line[2:] for line in change if line.startswith("- ")} <= lines


def test_a_harmless_mutant_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="a reason"):
        harmless("aep_provider/words.py\n- a = 1\n+ a = 2\n")
