"""Print pip constraints that pin each direct dependency of service and client to its lowest allowed version."""

import configparser
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?(?P<versions>[^;]*)")


def requirements(root: Path) -> Iterator[str]:
    """Yield the requirements of the packages and their extras, except the linters."""
    client = tomllib.loads((root / "client/pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield from client["dependencies"]
    for extra in client["optional-dependencies"].values():
        yield from extra
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(root / "setup.cfg", encoding="utf-8")
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
    for pin in dict.fromkeys(map(lowest, requirements(Path(__file__).parents[1]))):
        sys.stdout.write(f"{pin}\n")


if __name__ == "__main__":
    main()
