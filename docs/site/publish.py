"""Add a built site to the folder of all published versions: python -m docs.site.publish HTML FOLDER VERSION BASE."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from pathlib import Path

from docs.site.errors import SiteError

LATEST = "latest"  # a copy of the newest release, so that links to it stay valid
DEVELOPMENT = "dev"
_NAME = re.compile(r"\d+(\.\d+){1,3}([a-z]+\d+)?|dev")
_REDIRECT = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>gonemaster</title><meta http-equiv="refresh" content="0; url={0}/"></head>
<body><a href="{0}/">gonemaster</a></body></html>
"""


def main() -> int:
    """Publish one version; return 1 if its name is not allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("html", type=Path, help="folder of the built site")
    parser.add_argument("folder", type=Path, help="folder of all versions")
    parser.add_argument("version", help=f"a release such as 1.2.0, or {DEVELOPMENT}")
    parser.add_argument("base", help="URL of the folder of all versions")
    options = parser.parse_args()
    try:
        publish(options.html, options.folder, options.version, options.base)
    except SiteError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def publish(html: Path, folder: Path, version: str, base: str) -> None:
    """Copy a site into the folder of its version, and update the list of versions and the start page.

    Raises:
        SiteError: the version is neither a release nor "dev".
    """
    if not _NAME.fullmatch(version):
        raise SiteError(f'version "{version}" must be a release such as 1.2.0, or {DEVELOPMENT}')
    _replace(html, folder / version)
    names = versions(folder)
    releases = [name for name in names if name != DEVELOPMENT]
    if releases and version == releases[0]:
        _replace(html, folder / LATEST)
    start = LATEST if releases else DEVELOPMENT
    (folder / "index.html").write_text(_REDIRECT.format(start), encoding="utf-8")
    (folder / ".nojekyll").write_text("", encoding="utf-8")  # folders that start with an underscore are published
    listed = [_entry(name, base, preferred=name in releases[:1]) for name in names]
    (folder / "switcher.json").write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")


def versions(folder: Path) -> list[str]:
    """Return the published versions: the development version, then releases from the newest."""
    found = [path.name for path in folder.iterdir() if path.is_dir() and _NAME.fullmatch(path.name)]
    return sorted(found, key=_order, reverse=True)


def _order(name: str) -> tuple[int, list[int]]:
    return (1, []) if name == DEVELOPMENT else (0, [int(part) for part in re.findall(r"\d+", name)])


def _entry(name: str, base: str, *, preferred: bool) -> dict[str, object]:
    folder = LATEST if preferred else name
    label = f"{name} ({LATEST})" if preferred else name
    return {"name": label, "version": name, "url": f"{base.rstrip('/')}/{folder}/", "preferred": preferred}


def _replace(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


if __name__ == "__main__":
    sys.exit(main())
