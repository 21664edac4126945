"""Tables that fit the terminal: columns are dropped and names shortened, and it is said which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import click
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from aep_provider.cli import console

NARROWEST = 20
"""Columns that a name or a text that is folded keeps at least."""

_BETWEEN = 2
"""Columns between two columns of a table."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: its heading.
        rank: 0 is always shown; of the others the highest goes first where the width does not suffice.
        shorten: whether a long text gets an ellipsis.
        fold: whether a long text goes on in the next line.
    """

    title: str
    rank: int = 0
    shorten: bool = False
    fold: bool = False

    def least(self, natural: int) -> int:
        """How narrow it may become: ids, settings and dates are never broken."""
        return min(natural, max(NARROWEST, len(self.title))) if self.shorten or self.fold else natural


@dataclass(frozen=True)
class Layout:
    """Which columns are shown and how wide.

    Attributes:
        widths: by index of the column.
        dropped: the titles of those that are not shown.
        shortened: whether a text was cut.
    """

    widths: dict[int, int]
    dropped: Sequence[str]
    shortened: bool


def layout(columns: Sequence[Column], natural: Sequence[int], width: int) -> Layout:
    """Fit a table into a width.

    Args:
        columns: all of them.
        natural: how wide each has to be to show everything.
        width: what there is. Where even the columns of rank 0 do not fit, they are wider.
    """
    shown = dict(enumerate(columns))

    def spare() -> int:
        least = sum(column.least(natural[number]) for number, column in shown.items())
        return width - least - _BETWEEN * (len(shown) - 1)

    while spare() < 0 and any(column.rank for column in shown.values()):
        del shown[max(shown, key=lambda number: shown[number].rank)]
    left = max(spare(), 0)
    widths = {}
    for number, column in shown.items():
        least = column.least(natural[number])
        more = min(natural[number] - least, left)
        widths[number] = least + more
        left -= more
    return Layout(
        widths,
        [column.title for number, column in enumerate(columns) if number not in shown],
        any(column.shorten and widths[number] < natural[number] for number, column in shown.items()),
    )


def table(
    title: str, columns: Sequence[Column], rows: Iterable[Iterable[object]], *, wide: bool = False
) -> None:
    """Print a table; a cell is a text, or a text and a style.

    Args:
        title: printed above it.
        columns: as they stand in `rows`.
        rows: the cells.
        wide: show everything, however wide the terminal is.
    """
    lines = [[cell if isinstance(cell, tuple) else (cell, "") for cell in row] for row in rows]
    texts = [[console.printable(text) for text, _ in row] for row in lines]
    natural = [
        max([len(column.title), *(cell_len(row[number]) for row in texts)])
        for number, column in enumerate(columns)
    ]
    output = console.output()
    fitted = layout(columns, natural, sum(natural) * 2 if wide else output.width)
    output.print(Text(console.printable(title), style="italic"), soft_wrap=True)
    output.print(
        _joined([(Text(columns[number].title, "bold"), at) for number, at in fitted.widths.items()]),
        soft_wrap=True,
    )
    whole = sum(fitted.widths.values()) + _BETWEEN * (len(fitted.widths) - 1)
    output.print("─" * whole, soft_wrap=True)
    for row, shown in zip(lines, texts, strict=True):
        cells = [
            (_cut(shown[number], columns[number], width, row[number][1], output), width)
            for number, width in fitted.widths.items()
        ]
        for line in zip_longest(*(cell for cell, _ in cells), fillvalue=Text()):
            joined = zip(line, (width for _, width in cells), strict=True)
            # Where it is too wide for the terminal all the same, its own wrapping loses nothing.
            output.print(_joined(list(joined)), soft_wrap=True)
    if told := _told(fitted):
        console.line(told, "dim")


def _cut(text: str, column: Column, width: int, style: str, output: Console) -> list[Text]:
    """The lines of a cell."""
    if column.shorten and cell_len(text) > width:
        text = set_cell_size(text, width - 1) + "…"
    whole = Text(text, style=style)
    return list(whole.wrap(output, width)) if column.fold else [whole]


def _joined(cells: Sequence[tuple[Text, int]]) -> Text:
    line = Text()
    for text, width in cells:
        line.append_text(text)
        line.append(" " * (width - text.cell_len + _BETWEEN))
    line.rstrip()
    return line


def takes_wide(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option `--wide`."""
    return click.option("--wide", is_flag=True, help="Show every column in full, however wide.")(command)


def _told(fitted: Layout) -> str:
    parts = [f"columns not shown: {', '.join(fitted.dropped)}"] if fitted.dropped else []
    parts += ["names shortened"] if fitted.shortened else []
    return f"({'; '.join(parts)}; --wide shows everything)" if parts else ""
