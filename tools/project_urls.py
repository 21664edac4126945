"""A build hook of hatchling: the project's addresses, and the README with whole links, in the package's metadata.

The code does not know where its repository is, and each copy of it has another address. So whoever builds a release
says it, in the variable AEP_REPOSITORY_URL; without it the package names no address, and the README is as it stands. An
sdist carries what it was built with.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PATHS = {
    "Source": "",
    "Documentation": "/tree/{tag}/docs",
    "Changelog": "/blob/{tag}/CHANGELOG.md",
    "Issues": "/issues",
    "Security": "/blob/{tag}/SECURITY.md",
}
_LINK = re.compile(r"(!?)(\[[^\]]*\])\((?!https?:|#)([^)\s]+)\)")


class ProjectUrls(MetadataHookInterface):
    """Adds `project.urls` and `project.readme`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Hatchling calls this, with the rest of the metadata."""
        repository = os.environ.get("AEP_REPOSITORY_URL", "").rstrip("/")
        tag = f"v{metadata['version']}"
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        urls = {}
        if repository:
            readme = with_whole_links(readme, repository, tag)
            urls = {name: repository + path.format(tag=tag) for name, path in PATHS.items()}
        metadata["urls"] = urls
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}


def with_whole_links(text: str, repository: str, tag: str) -> str:
    """A page in which each link to a file of the repository leads there from anywhere; a picture to its bytes."""
    return _LINK.sub(
        lambda found: f"{found[1]}{found[2]}({repository}/{'raw' if found[1] else 'blob'}/{tag}/{found[3]})",
        text,
    )
