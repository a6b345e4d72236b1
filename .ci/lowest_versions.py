"""Print pip constraints that pin each direct dependency to its lowest allowed version in setup.cfg."""

import configparser
import re
import sys
from collections.abc import Iterator
from pathlib import Path

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?(?P<versions>[^;]*)")


def requirements(path: Path) -> Iterator[str]:
    """Yield the requirements of the package and its extras, except the linters."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path, encoding="utf-8")
    extras = {name: block for name, block in parser["options.extras_require"].items() if name != "lint"}
    for block in (parser["options"]["install_requires"], *extras.values()):
        for line in block.splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip()


def lowest(requirement: str) -> str:
    """Return the pin of one requirement.

    Raises:
        ValueError: the requirement has no lower bound.
    """
    found = _REQUIREMENT.match(requirement)
    bound = re.search(r">=\s*([0-9][^,;\s]*)", found["versions"]) if found else None
    if not found or not bound:
        raise ValueError(f"{requirement} has no lowest version")
    return f"{found['name']}=={bound[1]}"


def main() -> None:
    """Print one constraint per line."""
    for requirement in requirements(Path(__file__).parents[1] / "setup.cfg"):
        sys.stdout.write(f"{lowest(requirement)}\n")


if __name__ == "__main__":
    main()
