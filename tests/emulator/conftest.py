"""An emulator per test, and HTTP sessions that speak to it. Nothing here knows the provider's own client."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.client import LoggedRequest
from aep_provider.emulator.seeds import PLAIN_SCHEMA, PROFILE_SCHEMA
from support.adobe import Description, described, folder, service
from support.command import COMMAND, WAIT, Process

CATALOG = "/data/foundation/catalog"
SECRETS = {"demo-client": "demo-secret", "other-client": "other-secret"}
SCOPE = "openid,AdobeID,read_organizations"


class Client(requests.Session):
    """A session whose URLs are paths below ``base``; no call waits for ever."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.trust_env = False
        self._base = base

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", 30)
        path = url.decode() if isinstance(url, bytes) else url
        return super().request(method, self._base + path, *args, **kwargs)


@pytest.fixture
def serve() -> Iterator[Callable[..., Emulator]]:
    """Start emulators with options of one's own; all of them end with the test."""
    with ExitStack() as running:
        yield lambda **options: running.enter_context(Emulator(**options))


@pytest.fixture
def aep(serve: Callable[..., Emulator]) -> Emulator:
    """A fresh strict emulator: what the tests send is what Adobe documents."""
    return serve(strict=True)


@pytest.fixture
def connect(serve: Callable[..., Emulator]) -> Iterator[Callable[..., requests.Session]]:
    """Open a session: ``connect(url)`` with the four headers, ``connect(url, client=None)`` with none."""
    with ExitStack() as open_sessions:

        def session(
            url: str, path: str = "", client: str | None = "demo-client", sandbox: str | None = "dev"
        ) -> requests.Session:
            made = open_sessions.enter_context(Client(url + path))
            if client is not None:
                made.headers.update(Control(url).headers(client, SECRETS[client], sandbox=sandbox))
            return made

        yield session


@pytest.fixture
def bare(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    """A session without any of Adobe's headers."""
    return connect(aep.url, client=None)


@pytest.fixture
def platform(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    """An authorised session in the sandbox "dev"."""
    return connect(aep.url)


@pytest.fixture
def catalog(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    """An authorised session in "dev" below Catalog's base path."""
    return connect(aep.url, CATALOG)


@pytest.fixture
def control(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    """A session below the control routes."""
    return connect(aep.url, "/_emulator", client=None)


@pytest.fixture
def create(catalog: requests.Session) -> Callable[..., str]:
    """Create a dataset over HTTP and return its id."""

    def post(name: str = "Loyalty", schema: str = PROFILE_SCHEMA, **fields: Any) -> str:
        reply = catalog.post("/dataSets", json=dataset(name, schema, **fields))
        assert reply.status_code == 201, reply.text
        return str(reply.json()[0]).rpartition("/")[2]

    return post


def dataset(name: str, schema: str, **fields: Any) -> dict[str, Any]:
    content_type = "application/vnd.adobe.xed+json;version=1"
    return {"name": name, "schemaRef": {"id": schema, "contentType": content_type}, **fields}


@pytest.fixture
def read(catalog: requests.Session) -> Callable[[str], dict[str, Any]]:
    """Read one dataset over HTTP, without its wrapping."""

    def get(dataset_id: str) -> dict[str, Any]:
        reply = catalog.get(f"/dataSets/{dataset_id}")
        assert reply.status_code == 200, reply.text
        body: dict[str, Any] = reply.json()[dataset_id]
        return body

    return get


@pytest.fixture
def identified(platform: requests.Session) -> dict[str, Any]:
    """Give the schema outside the union a primary identity, so that it may join; return the descriptor."""
    body = {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": PLAIN_SCHEMA,
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": "/sku",
        "xdm:namespace": "SKU",
        "xdm:isPrimary": True,
    }
    reply = platform.post("/data/foundation/schemaregistry/tenant/descriptors", json=body)
    assert (reply.status_code, body.items() <= reply.json().items()) == (201, True)
    made: dict[str, Any] = reply.json()
    return made


@pytest.fixture
def patch(catalog: requests.Session) -> Callable[..., requests.Response]:
    """Send a JSON Patch: ``patch(id, ("add", "/path", value), ("remove", "/path"))``."""

    def send(dataset_id: str, *operations: tuple[Any, ...]) -> requests.Response:
        body = [dict(zip(("op", "path", "value"), operation, strict=False)) for operation in operations]
        media_type = "application/json-patch+json"
        return catalog.patch(f"/dataSets/{dataset_id}", json=body, headers={"Content-Type": media_type})

    return send


@pytest.fixture
def steer(aep: Emulator) -> Iterator[Control]:
    """The typed client for the control routes."""
    with Control(aep.url) as made:
        yield made


@pytest.fixture
def seed(steer: Control) -> Callable[..., None]:
    """Put raw objects in: ``seed(datasets={...}, batches={...})``."""
    return steer.seed


@pytest.fixture
def fault(steer: Control) -> Callable[..., str]:
    """Order a fault for the requests to ``path`` (a regular expression) and return its id."""

    def order(action: dict[str, Any], method: str = "GET", path: str = "/dataSets", **rule: Any) -> str:
        return steer.fault(action, method=method, path=path, **rule)

    return order


@pytest.fixture
def log(steer: Control) -> Callable[[], list[LoggedRequest]]:
    """Return the entries of the request log, oldest first."""
    return steer.requests


@pytest.fixture
def adobe() -> Callable[[str], Description]:
    """Return the description of the service that a path belongs to; the test is skipped without the files."""
    folder()
    return lambda path: described(service(path))


@pytest.fixture
def run() -> Iterator[Callable[..., Process]]:
    """Start the command with arguments; whatever still runs is killed when the test ends."""
    started: list[Process] = []

    def start(*arguments: object) -> Process:
        command = [*COMMAND, *map(str, arguments)]
        made = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(made)
        return made

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=WAIT)
