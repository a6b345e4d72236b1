"""Build the documentation site: python -m docs.site [--out DIR] [--version NAME]."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from docs.site import findings, navigation, openapi, sources
from docs.site.check import check_built
from docs.site.errors import SiteError

_CONF = Path(__file__).resolve().parent


def main() -> int:
    """Build the site; return 1 and write the problems if a page, a link or an entry of the navigation is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=sources.ROOT / "build/site", help="folder of the site")
    parser.add_argument("--version", default="", help="name of the version; default: that of the package")
    options = parser.parse_args()
    try:
        sys.stdout.write(f"{build(options.out, options.version)}\n")
    except SiteError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def build(out: Path, version: str = "") -> str:
    """Write the sources, run Sphinx on them, check the result, and return a line of figures.

    Raises:
        SiteError: something is wrong; the text says where.
    """
    source, html = out / "source", out / "html"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    sources.copy_pages(source)
    navigation.check({name.removesuffix(".md") for name in sources.pages().values()})
    findings.write(source)
    openapi.write(source)
    navigation.write(source, [findings.SECTION, openapi.SECTION])
    run_sphinx(source, html, out / "doctrees", version)
    return check_built(html)


def run_sphinx(source: Path, html: Path, doctrees: Path, version: str) -> None:
    """Run Sphinx in its own process; each warning is an error."""
    command = [
        *(sys.executable, "-m", "sphinx", "-b", "dirhtml", "-c", str(_CONF), "-d", str(doctrees)),
        *("-j", "auto", "-q", "-W", "--keep-going", str(source), str(html)),
    ]
    environment = {**os.environ, "SITE_VERSION": version, "PYTHONPATH": str(sources.ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SiteError(done.stderr.strip() or done.stdout.strip())


if __name__ == "__main__":
    sys.exit(main())
