"""The clock of recurring duties: `python -m gonemaster_tasks.maintenance.beat`; of several, one is active by a lock."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from celery import signals

from gonemaster_db.session import open_store
from gonemaster_tasks.app import make_app_of
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.environment import warn_of_unknown_variables
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import worker_store_settings
from gonemaster_tasks.errors import TasksError
from gonemaster_tasks.logs import configure_logging


def run_beat(settings: Settings) -> None:
    """Send what is due until a signal ends it; waits while another beat holds the lock.

    Raises:
        BrokerRefused: this broker cannot carry the queue.
    """
    broker = Broker.open(settings.broker_url)
    broker.check()
    broker.close()
    app = make_app_of(_with_what_is_stored(settings))
    app.Beat(loglevel="INFO", quiet=True).run()


def _with_what_is_stored(settings: Settings) -> Settings:
    """Read what was saved over the API; later changes come by way of the entries in Redis."""
    live = LiveSettings(settings)
    with closing(open_store(worker_store_settings(settings))) as store:
        live.try_load(store)
    return live.current


def main(arguments: Sequence[str] | None = None) -> int:
    """Run beat; the exit code is 1 when its lock was lost, and something must start it again."""
    parser = argparse.ArgumentParser(prog="gonemaster-beat", description=__doc__)
    parser.add_argument("--config", type=Path, help="configuration file (JSON)")
    given = parser.parse_args(arguments)
    try:
        settings = load_settings({}, file=given.config)
        configure_logging(form=settings.log_format, level=settings.log_level)
        warn_of_unknown_variables()
        signals.setup_logging.connect(lambda **_: None, weak=False)  # celery keeps off our loggers
        run_beat(settings)
    except TasksError as error:
        sys.stderr.write(f"gonemaster beat: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
