"""Write THIRD-PARTY.md: the packages that gonemaster installs, with their licences.

Run it in an environment that has the package: it reads the metadata of the installed dependencies.
"""

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FILE = Path(__file__).parents[1] / "THIRD-PARTY.md"
_HEAD = """# Third-party software

gonemaster is licensed under BSD-2-Clause ([LICENSE](LICENSE)). The wheel contains no code of others. Its data files in
`gonemaster_engine/data` include files of IANA (root hints, trust anchors and registries), published without conditions.
`pip` installs the packages below, with `gonemaster` or with `gonemaster-client`. The container image also contains
Debian's base system and Python, whose licences are those of Debian's packages. `make sbom` writes the exact versions,
and `make notices` updates this list.

| package | licence |
| --- | --- |
"""


def dependencies(
    name: str, extras: tuple[str, ...] = ("", "analytics", "flower", "mcp", "recordings")
) -> Iterator[str]:
    """Yield the names of the dependencies on this platform, recursively."""
    seen: set[str] = set()
    queue = [(name, extras)]
    while queue:
        package, wanted = queue.pop()
        for text in importlib.metadata.requires(package) or []:
            needed = Requirement(text)
            applies = not needed.marker or any(needed.marker.evaluate({"extra": extra}) for extra in wanted)
            if applies and canonicalize_name(needed.name) not in seen:
                seen.add(canonicalize_name(needed.name))
                queue.append((needed.name, ("", *needed.extras)))
    yield from sorted(seen)


def licence_of(package: str) -> str:
    """Return the licence in the metadata of a package: the expression, the classifiers, or the short text."""
    fields = importlib.metadata.metadata(package)
    named = [value.rpartition(" :: ")[2] for value in fields.get_all("Classifier") or [] if value.startswith("License")]
    found = fields.get("License-Expression") or ", ".join(named) or (fields.get("License") or "").splitlines()[0]
    return re.sub(r" License$", "", found)


def main() -> int:
    """Write the file."""
    names = sorted({*dependencies("gonemaster"), *dependencies("gonemaster-client", ("", "axfr"))})
    lines = (f"| {name} | {licence_of(name)} |\n" for name in names)
    FILE.write_text(_HEAD + "".join(lines))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
