"""Entry point of the command `gonemaster-server`, which reports a missing library in one sentence."""

import sys

from gonemaster_engine.memory import without_collections


def main() -> int:
    """Run the command and return its exit status."""
    try:
        with without_collections():
            from gonemaster_api.server.cli import main as run
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"gonemaster-server: the Python package {error.name} is missing: install gonemaster again,"
            f" with '{sys.executable} -m pip install gonemaster'\n"
        )
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
