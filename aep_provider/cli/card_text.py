"""A card as Markdown for a pull request, and as lines for a terminal. Pure.

A name in AEP, or a message that quotes one, must not become markup, mention anybody, or fill the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from aep_provider.cli.card_entry import Card, Entry
from aep_provider.words import plural

LONGEST = 400
"""Letters of one line."""

MOST = 30
"""Datasets that a card shows in full: a comment on GitHub holds 65,536 letters."""

_MARKS = {sign: f"&#{ord(sign)};" for sign in "&<@[]|*#~\\"}


def markdown(card: Card) -> list[str]:
    """The card in Markdown; its first line is how the next run finds the comment.

    Args:
        card: what there is to say.
    """
    lines = [f"<!-- aep {card.stack} -->", f"#### {_safe(_title(card))}"]
    lines += _section("Refused", [f"- {_named(name)}{_safe(text)}" for name, text in card.errors])
    lines += ["", _STOPPED] if card.errors else []
    shown = card.entries[:MOST]
    if shown:
        lines += ["", "| dataset | | Profile off | |", "|---|---|---|---|", *map(_row, shown)]
    for one in shown:
        lines += ["", f"**`{_plain(one.resource)}`** {_safe(_who(one))}".rstrip(), ""]
        lines += [
            f"- {_safe(label)}: {_safe(text)}" if label else f"- {_safe(text)}" for label, text in _facts(one)
        ]
    if len(card.entries) > MOST:
        lines += ["", f"and {len(card.entries) - MOST} more, in the log"]
    lines += _section("Also", [f"- {_safe(text)}" for text in _also(card)])
    return lines


def text(card: Card) -> Iterator[tuple[str, str]]:
    """The card for a terminal: each line and its style.

    Args:
        card: what there is to say.
    """
    yield _title(card), "bold"
    for name, said in card.errors:
        yield f"refused  {f'{name}: ' if name else ''}{_one_line(said)}", "red"
    if card.errors:
        yield _STOPPED.strip("_"), "dim"
    for one in card.entries:
        yield "", ""
        yield f"{one.resource}  {_who(one)}".rstrip(), "bold"
        for label, said in _facts(one):
            style = (
                "red"
                if label.startswith(("refused", "Profile is OFF"))
                else "yellow"
                if label == "note"
                else ""
            )
            yield f"  {f'{label}: ' if label else ''}{_one_line(said)}", style
    also = _also(card)
    if also:
        yield "", ""
    for said in also:
        yield _one_line(said), ""


_STOPPED = "_A preview ends at the first resource that is refused, so others may be missing here._"


def _title(card: Card) -> str:
    kind = f" ({card.kind})" if card.kind else ""
    counts = [f"{plural(len(card.entries), 'dataset')} to change"] if card.entries else []
    counts += [f"Profile goes off for {len(card.dark)}"] if card.dark else []
    counts += ["`up` would be refused"] if card.refused else []
    told = ", ".join(counts) or "no changes"
    return f"AEP stack `{card.stack}`, sandbox `{card.sandbox}`{kind}: {told}"


def _who(one: Entry) -> str:
    return " ".join(filter(None, (repr(one.name) if one.name else "", f"({one.id})" if one.id else "")))


def _row(one: Entry) -> str:
    off = one.dark.expected.partition(" (")[0] if one.dark else "already off" if one.off else "no"
    verdict = "refused" if one.refusals else "waits" if one.dark and one.dark.in_flight[:1].isdigit() else ""
    return f"| `{_plain(one.resource)}` | {one.action} | {_safe(off)} | {verdict} |"


def _facts(one: Entry) -> list[tuple[str, str]]:
    """What is said of a dataset, each with a label or without one."""
    found = [("Profile is OFF", one.off)] if one.off else []
    found += [("refused", said) for said in one.refusals]
    found += [("", said) for said in one.changes]
    if one.dark is not None:
        dark = one.dark
        found += [("Profile off", dark.expected), ("batches in flight", dark.in_flight)]
        found += [("streaming writer", said) for said in dark.writers] or [("streaming writers", "none seen")]
        found += [("quietest hour", dark.quietest)]
        found += [("change window", dark.change_window)] if dark.change_window else []
        found += [("consent", dark.consent)]
    found += [("may be over by `up`", said) for said in one.cured]
    return found + [("note", said) for said in one.advice]


def _also(card: Card) -> list[str]:
    found = [f"{plural(card.unchanged, 'dataset')} unchanged"] if card.unchanged is not None else []
    found += [f"Profile datasets of the sandbox: {card.profile}"] if card.profile else []
    found += [card.production] if card.production else []
    found += card.notes
    if card.plan is not None:
        found.append(
            f"plan {card.plan.file}, SHA-256 {card.plan.digest}: `pulumi up --plan {card.plan.file}` does what the "
            "plan says, or nothing"
        )
    return found


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"**{title}**", "", *lines] if lines else []


def _named(resource: str) -> str:
    return f"`{_plain(resource)}`: " if resource else ""


def _plain(name: str) -> str:
    """A name inside code marks."""
    return re.sub(r"[`|\s]+", " ", name)


def _safe(said: str) -> str:
    """A text in which nothing but what stands in code marks is markup."""
    parts: Iterable[str] = _one_line(said).split("`")
    parts = list(parts)
    # Markdown pairs runs of equal length, so a doubled mark would end the code somewhere else.
    if len(parts) % 2 == 0 or "``" in said:
        parts = ["'".join(parts)]
    return "`".join(
        part if number % 2 else "".join(_MARKS.get(sign, sign) for sign in part)
        for number, part in enumerate(parts)
    )


def _one_line(said: str) -> str:
    sentences = [" ".join(part.split()) for part in said.strip().splitlines()]
    ended = [part if part.endswith((".", ":", ",", ";")) else f"{part}." for part in sentences[:-1]]
    line = " ".join(filter(None, (*ended, *sentences[-1:])))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
