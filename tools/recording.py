"""Draw what the README says that `make up` prints as a terminal, in docs/pictures/make-up.svg.

    python tools/recording.py

The text is the README's, which a test compares with a real run; another test compares the picture with the text.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/pictures/make-up.svg"
WIDTH, LINE, MARGIN, SIGN = 920, 18, 16, 8.4
COLOURS = (
    (r"^\$ .*", "#ffffff"),
    (r"^ *(warning: .*|Profile off.*|5b0.* no batch.*)", "#e5c07b"),
    (r"^ *\+ .*", "#98c379"),
    (r"^(Datasets of|Diagnostics|Outputs|Resources|name ).*", "#61afef"),
    (r"^\('?.*", "#7f848e"),
    (r"^'.*", "#e5c07b"),
)


def shown() -> list[str]:
    """The lines of the first output in the README, under the command that was typed."""
    found = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    return ["$ make up", *found[1].splitlines()]


def drawn(lines: list[str]) -> str:
    """The picture of these lines."""
    height = 2 * MARGIN + LINE * len(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>make up, in a terminal</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#1e2127"/>',
        '<g font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="14">',
    ]
    for number, line in enumerate(lines):
        colour = next((colour for pattern, colour in COLOURS if re.match(pattern, line)), "#c8ccd4")
        # The length is given, so that columns stand under each other in any font.
        length = f' textLength="{len(line) * SIGN:.1f}" lengthAdjust="spacingAndGlyphs"' if line else ""
        parts.append(
            f'<text x="{MARGIN}" y="{MARGIN + LINE * (number + 0.75):.1f}" fill="{colour}"{length}'
            f' xml:space="preserve">{html.escape(line, quote=False)}</text>'
        )
    return "\n".join([*parts, "</g>", "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(drawn(shown()))
