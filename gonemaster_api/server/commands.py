"""What `gonemaster-server` can run: the whole service, or one part of it."""

import socket
import sys
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import NoReturn

import structlog

from gonemaster_api.server.supervisor import datadir, listening, programs
from gonemaster_api.server.supervisor.child import Program
from gonemaster_api.server.supervisor.datadir import DataDirInUse, DataDirRefused
from gonemaster_api.server.supervisor.listening import CannotListen
from gonemaster_api.server.supervisor.tree import StartFailed, Supervisor
from gonemaster_db.clock import utcnow
from gonemaster_db.errors import StoreError
from gonemaster_db.migrations import runner
from gonemaster_db.session import open_store
from gonemaster_engine.errors import ProfileError, ScoringConfigError
from gonemaster_engine.scoring.config import load_config
from gonemaster_engine.version import __version__
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.environment import refuse_unknown_protection, warn_of_unknown_variables
from gonemaster_tasks.config.profiles import base_profile
from gonemaster_tasks.config.scoring import current_scoring
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.demo_data.snapshots import capture_all
from gonemaster_tasks.demo_data.story import Story
from gonemaster_tasks.demo_data.write import TAG, StoreInUse, write_demo_data
from gonemaster_tasks.errors import BrokerRefused, BrokerUnavailable
from gonemaster_tasks.logs import configure_logging
from gonemaster_tasks.reference_data.fetch import FetchFailed, fetch_tlds

log = structlog.get_logger(__name__)

HELP = """commands:
  all              the whole service in one process tree (default)
  api              the HTTP API
  worker           worker processes
  beat             the scheduler of periodic tasks
  flower           Flower, a monitor of workers and tasks (requires the extra [flower])
  db upgrade       migrate the database to the current version
  db downgrade N   migrate the database back to version N, for an older version of the service
  db current       print the version of the database
  reference-data update
                   fetch the list of top-level domains from IANA
  demo-data [--domains 500] [--snapshots 12] [--seed 0] [--beside-others]
                   write made-up domains with a story over twelve months
"""


class StartRefused(Exception):
    """The service cannot start as configured; the message has the reason."""


@dataclass(frozen=True)
class DemoOptions:
    """What `demo-data` writes."""

    domains: int = 500
    snapshots: int = 12
    seed: int = 0
    beside_others: bool = False


def run(command: tuple[str, ...], settings: Settings, descriptor: int | None, *, demo: DemoOptions) -> int:
    """Run a command until it ends or is stopped; return its exit status.

    Raises:
        StartRefused: unknown command, or a start that cannot succeed.
    """
    configure_logging(form=settings.log_format, level=settings.effective_log_level)
    refuse_unknown_protection()
    warn_of_unknown_variables()
    datadir_needed = settings.embedded_broker or settings.db_driver == "sqlite"
    try:
        if datadir_needed:
            datadir.prepare(settings.data_dir)
        if command == ("demo-data",):
            return write_demo(programs.with_broker(settings), demo)
        return _chosen(command, programs.with_broker(settings), settings, descriptor)()
    except (DataDirInUse, DataDirRefused, CannotListen, BrokerRefused, StartFailed) as error:
        raise StartRefused(str(error)) from error
    except OSError as error:
        raise StartRefused(f"{settings.data_dir}: {error.strerror}" if error.filename else str(error)) from error
    except (StoreError, BrokerUnavailable) as error:
        raise StartRefused(str(error)) from error


def _chosen(command: tuple[str, ...], resolved: Settings, given: Settings, descriptor: int | None) -> Callable[[], int]:
    if command[0] in ("all", "api", "worker"):
        _check_files(resolved)
    match command:
        case ("all",):
            return lambda: run_all(resolved, embedded=given.embedded_broker)
        case ("api",):
            return lambda: run_api(resolved, descriptor)
        case ("worker",):
            return lambda: run_workers(resolved)
        case ("beat",):
            return lambda: run_beat(resolved)
        case ("flower",):
            return lambda: run_flower(resolved)
        case ("db", "upgrade"):
            return lambda: upgrade_tables(resolved)
        case ("db", "downgrade", revision):
            return lambda: downgrade_tables(resolved, revision)
        case ("db", "current"):
            return lambda: print_revision(resolved)
        case ("reference-data", "update"):
            return lambda: update_reference_data(resolved)
    raise StartRefused(f"unknown command {' '.join(command)!r}; see gonemaster-server --help")


def run_all(settings: Settings, *, embedded: bool) -> int:
    """Run the whole service: broker if embedded, migrations, workers, beat, API; until a signal."""
    datadir.prepare(settings.data_dir)
    with datadir.lock(settings.data_dir), _listener(settings) as listener:
        url = listening.url_of(listener)
        upgrade_tables(settings)
        if not embedded:
            _check_broker(settings)
        groups = [
            [programs.broker(settings)] if embedded else [],
            programs.workers(settings),
            [programs.beat(settings)],
            [programs.api(settings, descriptor=listener.fileno(), ready=lambda: _serves(url))],
        ]
        supervisor = Supervisor(groups, json_lines=settings.log_format == "json")
        return supervisor.run(on_ready=lambda: log.info("gonemaster is ready", url=url, version=__version__))


def run_api(settings: Settings, descriptor: int | None) -> int:
    """Serve the API in this process, on a socket that the supervisor bound or on one of its own."""
    from gonemaster_api.server import gunicorn_app

    if descriptor is not None:
        gunicorn_app.serve(settings, descriptor=descriptor)
        return 0
    with _listener(settings) as listener:
        log.info("listening", url=listening.url_of(listener))
        gunicorn_app.serve(settings, descriptor=listener.detach())  # gunicorn closes it
    return 0


def _listener(settings: Settings) -> socket.socket:
    """Open the socket of the API: in open mode on a loopback address, unless the operator insists on another one.

    Raises:
        CannotListen: the message says what to do.
    """
    allowed = settings.insecure_open or not settings.open_mode
    listener = listening.bind(settings.listen_addr, loopback_only=not allowed)
    listener.set_inheritable(True)
    if settings.insecure_open and settings.open_mode:
        text = "INSECURE: no login is required, everyone who reaches this address may do everything"
        log.warning(text, url=listening.url_of(listener), setting="GONEMASTER_INSECURE_OPEN")
    return listener


def run_workers(settings: Settings) -> int:
    """Run worker processes alone, supervised, until a signal."""
    _check_parts(settings)
    return _supervise(settings, programs.workers(settings))


def run_beat(settings: Settings) -> int:
    """Run beat alone, supervised."""
    _check_parts(settings)
    return _supervise(settings, [programs.beat(settings)])


def run_flower(settings: Settings) -> NoReturn:
    """Serve Flower in this process until a signal."""
    from gonemaster_api.server.flower import FlowerMissing, serve_flower

    _check_broker(settings)
    try:
        serve_flower(settings)
    except FlowerMissing as error:
        raise StartRefused(str(error)) from error


def _supervise(settings: Settings, group: list[Program]) -> int:
    return Supervisor([group], json_lines=settings.log_format == "json").run()


def upgrade_tables(settings: Settings) -> int:
    """Migrate the database to the current version."""
    with closing(open_store(store_settings(settings))) as store:
        before = runner.current_revision(store)
        runner.upgrade(store)
        after = runner.current_revision(store)
    if before != after:
        log.info("database migrated", before=before, after=after)
    return 0


def downgrade_tables(settings: Settings, revision: str) -> int:
    """Migrate the database back; no part of the service may run."""
    with closing(open_store(store_settings(settings))) as store:
        before = runner.current_revision(store)
        runner.downgrade(store, revision=revision)
        log.info("database migrated", before=before, after=runner.current_revision(store))
    return 0


def print_revision(settings: Settings) -> int:
    """Print the revision of the database."""
    with closing(open_store(store_settings(settings))) as store:
        sys.stdout.write(f"{runner.current_revision(store) or 'none'}\n")
    return 0


def update_reference_data(settings: Settings) -> int:
    """Fetch the list of top-level domains, whether or not that is done regularly."""
    with closing(open_store(store_settings(settings))) as store:
        if not runner.is_current(store):
            raise StartRefused("the database is not up to date: run gonemaster-server db upgrade")
        try:
            found = fetch_tlds(store, settings, now=utcnow())
        except FetchFailed as error:
            raise StartRefused(str(error)) from error
    sys.stdout.write(f"{len(found.names)} top-level domains, version {found.version}\n")
    return 0


def write_demo(settings: Settings, demo: DemoOptions) -> int:
    """Write demonstration data and make their snapshots; the service may run meanwhile."""
    upgrade_tables(settings)
    story = Story(domains=demo.domains, months=demo.snapshots, seed=demo.seed)
    until = utcnow().replace(hour=0, minute=0, second=0, microsecond=0)
    with closing(open_store(store_settings(settings))) as store:
        try:
            made = write_demo_data(
                store, story, seed=demo.seed, until=until, beside_others=demo.beside_others, told=_say
            )
        except StoreInUse as error:
            raise StartRefused(str(error)) from error
        scoring = current_scoring(store, settings).fingerprint
        _say("making snapshots")
        captured = capture_all(store, floor=settings.analysis_tag_view_min_level, scoring_config_hash=scoring)
    _say(f"cohort {TAG!r}: {demo.domains} domains, {made.runs} runs, {captured} snapshots")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _check_files(settings: Settings) -> None:
    """Validate the files that the settings name."""
    try:
        base_profile(settings)
    except ProfileError as error:
        raise StartRefused(f"profile_path: {error}") from error
    try:
        if settings.scoring_config_path:
            load_config(settings.scoring_config_path)
    except ScoringConfigError as error:
        raise StartRefused(f"scoring_config_path: {error}") from error


def _check_parts(settings: Settings) -> None:
    """Check broker and database first: a child that fails at start would only be restarted in a loop."""
    _check_broker(settings)
    with closing(open_store(store_settings(settings))) as store:
        if not runner.is_current(store):
            raise StartRefused("the database is not up to date: run gonemaster-server db upgrade")


def _check_broker(settings: Settings) -> None:
    with closing(Broker.open(settings.broker_url)) as broker:
        broker.check()


def _serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/v1/healthz", timeout=2) as answer:  # noqa: S310 - our own URL
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False
