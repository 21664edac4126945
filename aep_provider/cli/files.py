"""Files that a command writes, in UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aep_provider.errors import AepProviderError


class FileFailed(AepProviderError):
    """A file cannot be written."""


def write(file: Path, text: str, remedy: str) -> None:
    """Write a text file.

    Args:
        file: where.
        text: its content.
        remedy: what to do if it cannot be written.

    Raises:
        FileFailed: it cannot.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileFailed(
            f"{file} cannot be written: {error.strerror}; nothing was changed", remedy
        ) from error


@contextmanager
def restored_on_failure(*files: Path) -> Iterator[None]:
    """Put files back as they were if what is done inside fails."""
    before = {file: file.read_bytes() if file.exists() else None for file in files}
    try:
        yield
    except BaseException:
        for file, content in before.items():
            if content is not None:
                file.write_bytes(content)
            elif file.exists():
                file.unlink()
        raise
