"""docs/getting-started.md but for the real organisation: its commands, in the order in which they stand there."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.checkout import ROOT, Checkout
from support.documented import blocks, commands, not_printed

PAGE = (ROOT / "docs/getting-started.md").read_text().partition("## 4. ")[0]
EXAMPLE = ROOT / "docs/examples/program"
FILES = {"yaml": ("Pulumi.yaml", "Pulumi.dev.yaml"), "python": ("__main__.py",)}


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    copy = Checkout(tmp_path / "checkout")
    yield copy
    subprocess.run(
        [copy.folder / ".venv/bin/python", "tools/stack.py", "stop-emulator"], cwd=copy.folder, check=True
    )


def script() -> str:
    """Every command of the page, and each file written where it is shown."""
    lines = []
    files = {language: iter(names) for language, names in FILES.items()}
    for language, text, before in blocks(PAGE):
        if language == "console":
            lines += [f"echo '$ '{shlex.quote(one)}\n{one}" for one in commands(text)]
        elif language in files and (name := next(files[language], "")):
            assert f"`{name}`" in before
            lines.append(f"cat > {name} <<'END OF FILE'\n{text}END OF FILE")
    return "\n".join(lines)


@pytest.mark.timeout(600)  # it makes an environment and installs into it, and runs `up` four times
def test_a_newcomer_follows_the_page_from_start_to_end(checkout: Checkout, tmp_path: Path) -> None:
    printed = checkout.shell(
        script(), HOME=str(tmp_path), XDG_CACHE_HOME=str(Path.home() / ".cache"), PULUMI_OPTION_YES="true"
    )
    assert not (checkout.folder / ".aep/emulator.json").exists()
    shown = [text for language, text, _ in blocks(PAGE) if language == "text"]
    assert len(shown) == 3
    # The first is what `make env` gives to `eval`, and test_make.py looks at it.
    assert [not_printed(text, printed) for text in shown[1:]] == [[], []]


def test_the_files_of_the_page_are_those_of_the_example() -> None:
    for language, names in FILES.items():
        shown = [text for kind, text, _ in blocks(PAGE) if kind == language]
        for name, text in zip(names, shown, strict=False):
            assert text == (EXAMPLE / name).read_text()
