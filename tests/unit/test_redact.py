"""What errors show of texts from outside: never a secret, nothing that moves a terminal's cursor."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aep_provider.aep.redact import HIDDEN, LONGEST, escaped, redact, shown
from aep_provider.aep.responses import error_from_response, unreadable
from aep_provider.aep.transport import Response

ENCODINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "authorization header": lambda secret: f"Bearer {secret}",
    "url": lambda secret: quote(secret, safe=""),
    "url, lower case": lambda secret: quote(secret, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
    "form": quote_plus,
    "json": lambda secret: json.dumps({"echo": secret}),
    "json in json": lambda secret: json.dumps(json.dumps(secret)),
    "json that keeps other letters": lambda secret: json.dumps(secret, ensure_ascii=False),
    "html": html.escape,
    "python": repr,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 for a URL": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "basic credential": lambda secret: base64.b64encode(f"client:{secret}".encode()).decode(),
    "basic credential of a longer name": lambda secret: base64.b64encode(
        f"client-a:{secret}".encode()
    ).decode(),
    "hexadecimal": lambda secret: secret.encode().hex(),
}
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60)
SECRET = 'p8e-/+Zx"é\\<&key>='


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(secret=SECRETS, around=st.text(max_size=12))
@example(secret=SECRET, around="")
def test_no_encoding_of_a_secret_is_shown(encoding: str, secret: str, around: str) -> None:
    encoded = ENCODINGS[encoding](secret)
    clean = shown(f"{around}{encoded}{around}", [secret], longest=10_000)
    assert encoded not in clean
    assert secret not in clean


@given(text=st.text(max_size=80), secrets=st.lists(st.text(min_size=4, max_size=6), max_size=3))
def test_whatever_is_hidden_no_secret_is_left(text: str, secrets: list[str]) -> None:
    clean = redact(text, secrets)
    assert not [secret for secret in secrets if secret in clean]


@given(text=st.text(alphabet="ab*", max_size=40))
def test_hiding_a_secret_does_not_make_another_one(text: str) -> None:
    assert "ab***ab" not in redact(text, ["aabb", "ab***ab"])


@pytest.mark.parametrize("encode", [str, repr, ascii, json.dumps, html.escape])
def test_an_encoded_secret_is_hidden_to_its_last_character(encode: Callable[[str], str]) -> None:
    assert shown(encode(SECRET), [SECRET]).strip("'\"") == HIDDEN


@given(text=st.text())
def test_a_text_without_secrets_is_as_it_was(text: str) -> None:
    assert redact(text, ["", "a", "xyz"]) == text


@given(text=st.text())
def test_what_is_shown_is_one_printable_line(text: str) -> None:
    assert escaped(text).isprintable()
    assert len(shown(text, [])) <= LONGEST


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize("form", ["detail", "title", "code", "text", "request id", "content type"])
def test_an_error_never_shows_a_secret_that_a_response_echoes(encoding: str, status: int, form: str) -> None:
    echo = ENCODINGS[encoding](SECRET)
    body = json.dumps({"detail": echo, "title": echo, "error_code": echo}) if form != "text" else f"<p>{echo}"
    headers = {"x-request-id": echo, "Content-Type": echo}
    response = Response("GET x", status, headers, body.encode(), secrets=(SECRET,))
    for error in (error_from_response(response), unreadable(response, echo)):
        assert echo not in str(error)
        assert SECRET not in str(error)


def test_a_secret_is_hidden_before_the_text_is_cut() -> None:
    response = Response(
        "GET x", 500, {}, b"-" * (LONGEST - 8) + b"0123456789abcdef", secrets=("0123456789abcdef",)
    )
    assert "0123" not in str(error_from_response(response))


def test_line_breaks_and_control_characters_of_a_response_are_shown_escaped() -> None:
    body = json.dumps({"detail": "first\nsecond\x1b[2J\u202e"}).encode()
    assert r"first\nsecond\x1b[2J\u202e" in error_from_response(Response("GET x", 400, {}, body)).message
