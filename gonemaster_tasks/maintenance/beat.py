"""Beat, which sends the periodic tasks: `python -m gonemaster_tasks.maintenance.beat`.

A lock decides which of several beats is active.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from celery import signals

from gonemaster_db.core.clock import follow
from gonemaster_db.core.session import open_store
from gonemaster_tasks.app import make_app_of
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.clock import LazyClock
from gonemaster_tasks.broker.scheduler import pause_after
from gonemaster_tasks.config.environment import refuse_unknown_protection, warn_of_unknown_variables
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.logging import log_as_set
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import observer_store_settings, worker_store_settings
from gonemaster_tasks.errors import BrokerUnavailable, TasksError
from gonemaster_tasks.process_report.database_observer import DatabaseObserver
from gonemaster_tasks.process_report.reporter import Reporter
from gonemaster_tasks.repeating import FailureLog


def run_beat(settings: Settings) -> None:
    """Send due tasks until a signal ends the process; wait while Redis is unavailable or another beat is active.

    Raises:
        BrokerRefused: the broker does not meet the requirements of the queue.
    """
    with closing(Broker.open(settings.broker_url, window=settings.queue_window)) as broker:
        _wait_for(broker)
        clock = LazyClock(broker)
        # All beats need the same clock to decide which tasks are due: another beat may have sent them last.
        follow(clock.now)
        app = make_app_of(_with_overrides(settings))
        broker.beat.share_client(app)
        with _reported(settings, broker, clock):
            app.Beat(loglevel="INFO", quiet=True).run()


@contextmanager
def _reported(settings: Settings, broker: Broker, clock: LazyClock) -> Iterator[None]:
    """Report the state of this process to the others during the block."""
    store = open_store(observer_store_settings(settings))
    observer = DatabaseObserver(store)
    reporter = Reporter(broker, clock, kind="beat", store=store, facts=lambda: observer.facts(clock.timestamp()))
    observer.start()
    reporter.start()
    try:
        yield
    finally:
        reporter.stop()
        observer.stop()


def _wait_for(broker: Broker) -> None:
    failures = FailureLog("beat")
    while True:
        try:
            return broker.check()
        except BrokerUnavailable as error:
            failures.failed(error)
            time.sleep(pause_after(failures.count))


def _with_overrides(settings: Settings) -> Settings:
    """Apply the stored overrides; later changes of the interval reach beat through its entries in Redis."""
    live = LiveSettings(settings)
    with closing(open_store(worker_store_settings(settings))) as store:
        live.try_load(store)
    return live.current


def main(arguments: Sequence[str] | None = None) -> int:
    """Run beat until a signal stops it; return exit code 2 if settings or the broker are refused."""
    parser = argparse.ArgumentParser(prog="gonemaster-beat", description=__doc__)
    parser.add_argument("--config", type=Path, help="configuration file (JSON)")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings({}, file=options.config)
        log_as_set(settings)
        refuse_unknown_protection()
        warn_of_unknown_variables()
        signals.setup_logging.connect(lambda **_: None, weak=False)  # keeps celery from configuring logging
        run_beat(settings)
    except TasksError as error:
        sys.stderr.write(f"gonemaster beat: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
