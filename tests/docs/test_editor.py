"""An editor shows what an argument and an output are: asked of a language server."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aep_provider import UpsertDataset

PROGRAM = """\
from aep_provider import UpsertDataset

a = UpsertDataset("a", name="A", schema_id="https://x/y", is_upsert=True, wait_timeout=5)
b = UpsertDataset(
    "b",
    dataset_id="5b020a27e7040801dedbf46e",
    dataset="B",
    schema="People",
    description="B",
    schema_content_type="application/json",
    tags={},
    allow_profile_gap=True,
    in_flight_batches="wait",
    deletion_protection=True,
    opts=None,
)
a.profile_gap
a.claim
"""


class Server:
    """A language server that has one program open."""

    def __init__(self, command: str, folder: Path) -> None:
        self._uri = (folder / "program.py").as_uri()
        self._process = subprocess.Popen(
            [command, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )
        self._asked = 0
        workspace = {"uri": folder.as_uri(), "name": "program"}
        start = {"processId": None, "rootUri": folder.as_uri(), "workspaceFolders": [workspace]}
        self.ask("initialize", {**start, "capabilities": {"workspace": {"configuration": True}}})
        self._send({"method": "initialized", "params": {}})
        opened = {"uri": self._uri, "languageId": "python", "version": 1, "text": PROGRAM}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": opened}})

    def at(self, question: str, word: str, beyond: int = 1) -> str:
        """What the server answers about a place in the program."""
        line = next(number for number, text in enumerate(PROGRAM.splitlines()) if word in text)
        place = {"line": line, "character": PROGRAM.splitlines()[line].index(word) + beyond}
        asked = {"textDocument": {"uri": self._uri}, "position": place}
        return json.dumps(self.ask(f"textDocument/{question}", asked))

    def ask(self, method: str, params: object) -> Any:
        """Send a request and wait for its answer; what the server asks meanwhile is answered."""
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" in message and "id" in message:
                wanted = message["method"] == "workspace/configuration"
                items = message["params"]["items"] if wanted else []
                result = [{"pythonPath": sys.executable} for _ in items] if wanted else None
                self._send({"id": message["id"], "result": result})
            elif message.get("id") == self._asked:
                return message.get("result")

    def end(self) -> None:
        """Stop the server."""
        self._process.kill()
        self._process.communicate()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name == b"Content-Length" else length
        found: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return found


@pytest.fixture
def server(tmp_path: Path, tool: Callable[[str, str], str]) -> Iterator[Server]:
    (tmp_path / "program.py").write_text(PROGRAM)
    running = Server(tool("pyright-langserver", "pyright[nodejs]"), tmp_path)
    yield running
    running.end()


@pytest.mark.long
def test_signature_help_says_what_an_argument_is(server: Server) -> None:
    assert "name: the dataset's name" in server.at("signatureHelp", "name=", len("name="))
    assert "how long to wait for batches" in server.at("signatureHelp", "wait_timeout=", len("wait_timeout="))


@pytest.mark.long
def test_hover_says_what_each_argument_of_a_call_is(server: Server) -> None:
    documented = inspect.getdoc(UpsertDataset.__init__) or ""
    for name in set(inspect.signature(UpsertDataset).parameters) - {"resource_name"}:
        (line,) = re.findall(rf"^    ({name}: .*[.:])$", documented, re.MULTILINE)
        assert json.dumps(line, ensure_ascii=True)[1:-1] in server.at("hover", f"{name}=")


@pytest.mark.long
def test_hover_says_what_an_output_is(server: Server) -> None:
    assert "The last window of this resource" in server.at("hover", "a.profile_gap", 3)
    assert "A random word" in server.at("hover", "a.claim", 3)
