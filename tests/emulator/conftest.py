"""An emulator per test, and HTTP sessions that speak to it. Nothing here knows the provider's own client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import ORG_ID, PROFILE_SCHEMA

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
                made.headers.update(_headers(url, client))
                if sandbox is not None:
                    made.headers["x-sandbox-name"] = sandbox
            return made

        yield session


def _headers(url: str, client: str) -> dict[str, str]:
    form = {
        "grant_type": "client_credentials",
        "client_id": client,
        "client_secret": SECRETS[client],
        "scope": SCOPE,
    }
    with Client(url) as session:
        reply = session.post("/ims/token/v3", data=form)
    reply.raise_for_status()
    token = reply.json()["access_token"]
    return {"Authorization": f"Bearer {token}", "x-api-key": client, "x-gw-ims-org-id": ORG_ID}


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
def patch(catalog: requests.Session) -> Callable[..., requests.Response]:
    """Send a JSON Patch: ``patch(id, ("add", "/path", value), ("remove", "/path"))``."""

    def send(dataset_id: str, *operations: tuple[Any, ...]) -> requests.Response:
        body = [dict(zip(("op", "path", "value"), operation, strict=False)) for operation in operations]
        media_type = "application/json-patch+json"
        return catalog.patch(f"/dataSets/{dataset_id}", json=body, headers={"Content-Type": media_type})

    return send


@pytest.fixture
def seed(control: requests.Session) -> Callable[..., None]:
    """Put raw objects in: ``seed(datasets={...}, batches={...})``."""

    def post(sandbox: str = "dev", **objects: Any) -> None:
        reply = control.post("/seed", json={"sandbox": sandbox, **objects})
        assert reply.status_code == 200, reply.text

    return post


@pytest.fixture
def fault(control: requests.Session) -> Callable[..., str]:
    """Order a fault for the requests to ``path`` (a regular expression) and return its id."""

    def post(action: dict[str, Any], method: str = "GET", path: str = "/dataSets", **rule: Any) -> str:
        order = {"match": {"method": method, "path": path}, "action": action, **rule}
        reply = control.post("/faults", json=order)
        assert reply.ok, reply.text
        return str(reply.json()["id"])

    return post


@pytest.fixture
def log(control: requests.Session) -> Callable[[], list[dict[str, Any]]]:
    """Return the entries of the request log, oldest first."""

    def get() -> list[dict[str, Any]]:
        reply = control.get("/requests")
        assert reply.status_code == 200, reply.text
        entries: list[dict[str, Any]] = reply.json()["requests"]
        return entries

    return get
