"""Take the pictures of the emulator's page that the documentation shows: ``python tools/screenshots.py``.

It starts an emulator, tells a story over plain HTTP (a dataset is switched to upsert while batches come in),
and photographs the page in Chromium without a screen. Exit code 3 means that there is no Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import requests
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from aep_provider.emulator import Emulator, seeds

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
SHOTS = {
    "page-light.png": (1600, 1150, "light", ""),
    "page-dark.png": (1000, 1150, "dark", ""),
    "page-narrow.png": (390, 1400, "light", ""),
    "page-window.png": (1000, 620, "light", "zoom"),
}
"""By file: width and height in pixels, colour scheme, what is done first."""
ORDERS = seeds.DEMO_PROFILE_DATASET
OFF, UPSERT = ["enabled:false"], ["enabled:true", "isUpsert:true"]
READY = "return document.querySelectorAll('[data-axis]').length > 0"
ZOOM = """
const card = document.querySelector(`[data-dataset="${arguments[0]}"]`);
card.querySelector("[data-window=off]").click();
card.querySelectorAll(":scope > .folds > details").forEach((fold) => { fold.open = true; });
window.scrollTo({ top: card.offsetTop - 12 });
"""


class Story:
    """What happens before the pictures are taken.

    Args:
        url: of the emulator.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = requests.Session()
        self._http.trust_env = False
        form = {
            "grant_type": "client_credentials",
            "client_id": seeds.CLIENT_ID,
            "client_secret": seeds.CLIENT_SECRET,
            "scope": "openid",
        }
        token = self._http.post(f"{url}/ims/token/v3", data=form, timeout=30).json()["access_token"]
        self._headers = {
            "Authorization": f"Bearer {token}",
            "x-api-key": seeds.CLIENT_ID,
            "x-gw-ims-org-id": seeds.ORG_ID,
            "x-sandbox-name": seeds.SANDBOX,
        }

    def tell(self) -> None:
        """Create a dataset, and switch one to upsert; batches end before, meanwhile and afterwards."""
        self._create()
        self._batch(ORDERS, "COMPLETE")
        self._pass(25)
        self._pass(40)
        late = self._batch(ORDERS, None)
        self._tags(ORDERS, OFF)
        self._pass(0.7)
        self._send("POST", f"/import/batches/{late}", params={"action": "COMPLETE"})
        self._pass(0)
        self._pass(1.14)
        self._tags(ORDERS, UPSERT)
        self._send("GET", f"/catalog/dataSets/{ORDERS}")
        self._pass(95)
        self._batch(ORDERS, "COMPLETE")
        self._pass(40)
        self._send("GET", "/catalog/dataSets", params={"limit": "100", "properties": "name,tags"})
        self._pass(65)
        self._batch(ORDERS, None)

    def _send(self, method: str, path: str, **options: object) -> requests.Response:
        headers = {**self._headers, **options.pop("headers", {})}  # type: ignore[dict-item]
        url = f"{self._url}/data/foundation{path}"
        reply = self._http.request(method, url, headers=headers, timeout=30, **options)  # type: ignore[arg-type]
        reply.raise_for_status()
        return reply

    def _pass(self, seconds: float) -> None:
        order = {"seconds": seconds, "batches": True}
        self._http.post(f"{self._url}/_emulator/tick", json=order, timeout=30).raise_for_status()

    def _tags(self, dataset_id: str, values: list[str]) -> None:
        identity = [value for value in values if value != "isUpsert:true"]
        tags = {"unifiedProfile": values, "unifiedIdentity": identity}
        operations = [{"op": "add", "path": f"/tags/{name}", "value": value} for name, value in tags.items()]
        headers = {"Content-Type": "application/json-patch+json"}
        self._send("PATCH", f"/catalog/dataSets/{dataset_id}", data=json.dumps(operations), headers=headers)

    def _batch(self, dataset_id: str, action: str | None) -> str:
        """Upload a row in a batch of its own, and complete the batch if that is the action."""
        order = {"datasetId": dataset_id, "inputFormat": {"format": "json"}}
        batch = str(self._send("POST", "/import/batches", json=order).json()["id"])
        row = json.dumps({"personalEmail": {"address": "ann@example.com"}, "orders": 12})
        path = f"/import/batches/{batch}/datasets/{dataset_id}/files/rows.json"
        self._send("PUT", path, data=row, headers={"Content-Type": "application/octet-stream"})
        if action:
            self._send("POST", f"/import/batches/{batch}", params={"action": action})
        return batch

    def _create(self) -> None:
        schema = {"id": seeds.PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}
        tags = {
            "unifiedProfile": UPSERT,
            "unifiedIdentity": ["enabled:true"],
            "pulumiManagedBy": ["shop/dev/members", "claim:1f0c"],
        }
        body = {"name": "Newsletter members", "schemaRef": schema, "tags": tags}
        self._send("POST", "/catalog/dataSets", json=body)


def browser() -> Chrome | None:
    """Start Chromium without a screen; None where there is none."""
    found = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if found is None or driver is None:
        return None
    options = ChromeOptions()
    options.binary_location = found
    arguments = ["--headless=new", "--disable-dev-shm-usage", "--no-proxy-server", "--hide-scrollbars"]
    # Chromium refuses to isolate its processes for root, and containers have no other user.
    for argument in [*arguments, *(["--no-sandbox"] if os.geteuid() == 0 else [])]:
        options.add_argument(argument)
    return Chrome(options=options, service=Service(driver))


def photograph(chrome: Chrome, url: str, folder: Path) -> None:
    """Write every picture into a folder."""
    for name, (width, height, scheme, first) in SHOTS.items():
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        chrome.get(f"{url}/_emulator/")
        WebDriverWait(chrome, 20, poll_frequency=0.05).until(lambda it: it.execute_script(READY))
        if first:
            chrome.execute_script(ZOOM, ORDERS)
        chrome.save_screenshot(str(folder / name))


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, default=PICTURES, help="where the pictures go")
    folder: Path = parser.parse_args().folder
    chrome = browser()
    if chrome is None:
        print("no Chromium with its driver: apt-get install chromium chromium-driver", file=sys.stderr)
        return 3
    folder.mkdir(parents=True, exist_ok=True)
    with chrome, Emulator(seed="demo") as aep:
        Story(aep.url).tell()
        photograph(chrome, aep.url, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
