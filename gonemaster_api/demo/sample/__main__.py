"""Write demonstration data with snapshots; the service may be running.

    python -m gonemaster_api.demo.sample --domains 500 --snapshots 12

Run it with the Python, the environment variables and the configuration file of the service.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import closing

from gonemaster_api.demo.sample.snapshots import capture_all
from gonemaster_api.demo.sample.story import MAX_DOMAINS, Story
from gonemaster_api.demo.sample.write import TAG, StoreInUse, write_demo_data
from gonemaster_api.server.supervisor import datadir
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.migrations.runner import upgrade
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.scoring import current_scoring
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.errors import SettingsError

MAX_SNAPSHOTS = 120


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    given = _parser().parse_args(arguments)
    try:
        settings = load_settings()
        if settings.db_driver == "sqlite":
            datadir.prepare(settings.data_dir)
        with closing(open_store(store_settings(settings))) as store:
            upgrade(store)
            _write(store, settings, given)
    except (SettingsError, StoreError, StoreInUse, datadir.DataDirRefused) as error:
        sys.stderr.write(f"demonstration data: {error}\n")
        return 2
    return 0


def _write(store: Store, settings: Settings, given: argparse.Namespace) -> None:
    story = Story(domains=given.domains, months=given.snapshots, seed=given.seed)
    until = utcnow().replace(hour=0, minute=0, second=0, microsecond=0)
    made = write_demo_data(
        store, story, seed=given.seed, until=until, allow_existing_runs=given.allow_existing_runs, report=_print
    )
    _print("capturing snapshots")
    scoring = current_scoring(store, settings).fingerprint
    captured = capture_all(store, floor=settings.analysis_tag_view_min_level, scoring_config_hash=scoring)
    _print(f"cohort {TAG!r}: {given.domains} domains, {made.runs} runs, {captured} snapshots")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gonemaster_api.demo.sample", description=__doc__, allow_abbrev=False
    )
    for name, default, low, high, about in (
        ("domains", 500, 1, MAX_DOMAINS, "number of domains"),
        ("snapshots", 12, 1, MAX_SNAPSHOTS, "number of months"),
        ("seed", 0, 0, 2**31, "seed of the random data"),
    ):
        allowed = f"{about}, {low} to {high}; default {default}"
        parser.add_argument(f"--{name}", type=_between(low, high), default=default, metavar="N", help=allowed)
    parser.add_argument("--allow-existing-runs", action="store_true", help="write to a database that has runs")
    return parser


def _between(low: int, high: int) -> Callable[[str], int]:
    def integer(text: str) -> int:
        if not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"must be between {low} and {high}")
        return int(text)

    return integer


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
