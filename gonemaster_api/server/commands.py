"""The commands of `gonemaster-server`, which run the whole service or one part of it."""

import asyncio
import signal
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import NoReturn

import structlog

from gonemaster_api.server.database import (
    back_up_to,
    check_tables,
    downgrade_tables,
    print_plan,
    print_revision,
    print_sizes,
    upgrade_tables,
)
from gonemaster_api.server.supervisor import datadir, listening, programs
from gonemaster_api.server.supervisor.child import Program
from gonemaster_api.server.supervisor.counts import counts_directory
from gonemaster_api.server.supervisor.datadir import DataDirInUse, DataDirRefused
from gonemaster_api.server.supervisor.listening import CannotListen, NotLoopback
from gonemaster_api.server.supervisor.tree import StartFailed, Supervisor
from gonemaster_api.server.tokens import AuthOptions, AuthRefused, run_auth
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.connection.failures import refuses_login
from gonemaster_db.core.errors import StoreError, StoreUnavailable
from gonemaster_db.core.session import open_store
from gonemaster_db.migrations import runner
from gonemaster_db.service.access import has_tokens
from gonemaster_db.zonemaster.source import SourceRefused
from gonemaster_engine.errors import (
    EngineError,
    InvalidDomain,
    ProfileError,
    ScoringConfigError,
    SourceAddressUnavailable,
)
from gonemaster_engine.net.ports import check_source
from gonemaster_engine.resources import load_anchors, load_hints
from gonemaster_engine.scoring.config import load_config
from gonemaster_engine.version import __version__
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.environment import refuse_unknown_protection, warn_of_unknown_variables
from gonemaster_tasks.config.logging import log_as_set
from gonemaster_tasks.config.profiles import base_profile
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.errors import BrokerRefused, BrokerUnavailable, TasksError
from gonemaster_tasks.reference_data.fetch import FetchFailed, fetch_tlds
from gonemaster_tasks.tracing import check_tracing

log = structlog.get_logger(__name__)


class StartRefused(Exception):
    """The service cannot start with these settings; the message states the reason."""


def run(
    command: tuple[str, ...],
    settings: Settings,
    descriptors: Sequence[int] = (),
    *,
    auth: AuthOptions,
) -> int:
    """Run a command until it ends or is stopped, and return its exit status.

    Raises:
        StartRefused: the service cannot start.
    """
    log_as_set(settings)
    refuse_unknown_protection()
    warn_of_unknown_variables()
    datadir_needed = settings.embedded_broker or settings.db_driver == "sqlite"
    try:
        if datadir_needed:
            datadir.prepare(settings.data_dir)
        if command[0] == "auth":
            return run_auth(command[1:], settings, auth)
        return _chosen(command, programs.with_broker(settings), settings, descriptors)()
    except (
        DataDirInUse, DataDirRefused, CannotListen, BrokerRefused, StartFailed, AuthRefused, SourceRefused
    ) as error:  # fmt: skip
        raise StartRefused(str(error)) from error
    except OSError as error:
        raise StartRefused(_cannot_use(settings.data_dir, error) if error.filename else str(error)) from error
    except (StoreError, BrokerUnavailable) as error:
        raise StartRefused(str(error)) from error


def _cannot_use(data_dir: Path, error: OSError) -> str:
    reason = "it is not a directory" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
    detail = "" if str(error.filename) == str(data_dir) else f" ({error.filename})"
    return f"the data directory {data_dir} cannot be used: {reason}{detail}; choose another one with --data-dir"


def _chosen(
    command: tuple[str, ...], resolved: Settings, given: Settings, descriptors: Sequence[int]
) -> Callable[[], int]:
    if command[0] in ("all", "api", "worker", "notify"):
        _check_files(resolved)
    chosen: dict[tuple[str, ...], Callable[[], int]] = {
        ("all",): lambda: run_all(resolved, embedded=given.embedded_broker),
        ("api",): lambda: run_api(resolved, descriptors),
        ("worker",): lambda: run_workers(resolved),
        ("beat",): lambda: run_beat(resolved),
        ("notify",): lambda: run_notify(resolved),
        ("flower",): lambda: run_flower(resolved),
        ("db", "upgrade"): lambda: upgrade_tables(resolved),
        ("db", "plan"): lambda: print_plan(resolved),
        ("db", "check"): lambda: check_tables(resolved),
        ("db", "size"): lambda: print_sizes(resolved),
        ("db", "current"): lambda: print_revision(resolved),
        ("reference-data", "update"): lambda: update_reference_data(resolved),
    }
    match command:
        case ("db", "downgrade", revision):
            return lambda: downgrade_tables(resolved, revision)
        case ("import", "zonemaster", source):
            return lambda: _import(resolved, source)
        case ("dsync", domain):
            return lambda: check_dsync(resolved, domain)
        case ("backup", path):
            return lambda: back_up_to(resolved, Path(path))
    return chosen[command]


def _import(settings: Settings, source: str) -> int:
    from gonemaster_api.server.imports import import_from_zonemaster  # of no use to the service

    return import_from_zonemaster(settings, source)


def run_all(settings: Settings, *, embedded: bool) -> int:
    """Run the whole service until a signal: embedded broker if configured, migrations, workers, beat and API."""
    datadir.prepare(settings.data_dir)
    with datadir.lock(settings.data_dir), _listeners(settings) as listeners, counts_directory() as counts:
        url = listening.url_of(listeners[0])
        upgrade_tables(settings)
        if not embedded:
            _check_broker(settings)
        programs.import_shared_modules()
        groups = [
            [programs.broker(settings)] if embedded else [],
            programs.workers(settings),
            [programs.beat(settings), *([programs.notify(settings)] if settings.notify_listen else [])],
            programs.api(settings, descriptors=_numbers(listeners), ready=lambda: _serves(url), counts=counts),
        ]
        is_json, ready_timeout = settings.log_format == "json", settings.start_timeout
        supervisor = Supervisor(groups, json_lines=is_json, ready_timeout=ready_timeout)
        return supervisor.run(on_ready=lambda: log.info("gonemaster is ready", url=url, version=__version__))


def run_api(settings: Settings, descriptors: Sequence[int]) -> int:
    """Serve the API in this process, or in several processes that share their sockets.

    `descriptors` are the sockets of the supervisor if this process is its child.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # ignored until the handler is installed: the tokens are not read yet
    _check_logins(settings)
    if descriptors:
        _serve(settings, [socket.socket(fileno=number) for number in descriptors])
        return 0
    with counts_directory() as counts, _listeners(settings) as listeners:
        programs.count_into(counts)
        log.info("listening", url=listening.url_of(listeners[0]))
        if settings.api_processes > 1:
            return _supervise(settings, programs.api(settings, descriptors=_numbers(listeners), counts=counts))
        _serve(settings, listeners)
    return 0


def _serve(settings: Settings, listeners: Sequence[socket.socket]) -> None:
    from gonemaster_api.server import api_process  # imports prometheus_client, which reads the environment

    api_process.serve(settings, listeners=listeners)


def _numbers(listeners: Sequence[socket.socket]) -> list[int]:
    return [listener.fileno() for listener in listeners]


@contextmanager
def _listeners(settings: Settings) -> Iterator[list[socket.socket]]:
    """Open the socket of the API, and that of `zonemaster_listen` if there is one. Raises like `_listener`.

    The second one may be on the network without admin tokens: on it there is nothing but the JSON-RPC API.
    """
    with ExitStack() as sockets:
        listeners = [sockets.enter_context(_listener(settings))]
        if settings.zonemaster_listen:
            second = listening.bind(settings.zonemaster_listen, flag="--zonemaster-listen")
            second.set_inheritable(True)
            listeners.append(sockets.enter_context(second))
            log.info("listening for the JSON-RPC API of Zonemaster", url=listening.url_of(second))
        yield listeners


def _listener(settings: Settings) -> socket.socket:
    """Open the socket of the API.

    In open mode it must be on a loopback address, unless the operator allows other addresses.

    Raises:
        CannotListen: the message contains the remedy.
        StartRefused: the public pages are protected, but no token exists that could open them.
        StoreError: the database cannot be read, so it is unknown whether tokens exist.
    """
    is_open = cache(lambda: settings.open_mode and not _has_stored_tokens(settings))
    if settings.auth_protect_public and is_open():
        text = "auth.protect_public needs admin tokens: run gonemaster-server auth add-token, or set auth.admin_tokens"
        raise StartRefused(text)
    try:
        listener = listening.bind(settings.listen_addr, loopback_only=True)
    except NotLoopback:
        if is_open() and not settings.insecure_open:
            raise
        listener = listening.bind(settings.listen_addr)
    listener.set_inheritable(True)
    if settings.insecure_open and is_open():
        text = "INSECURE: no login is required, everyone who reaches this address may do everything"
        log.warning(text, url=listening.url_of(listener), setting="GONEMASTER_INSECURE_OPEN")
    return listener


def _has_stored_tokens(settings: Settings) -> bool:
    with closing(open_store(store_settings(settings))) as store:
        return has_tokens(store)


def run_workers(settings: Settings) -> int:
    """Run supervised worker processes only, until a signal."""
    _check_parts(settings)
    programs.import_shared_modules()
    return _supervise(settings, programs.workers(settings))


def run_beat(settings: Settings) -> int:
    """Run a supervised beat only, until a signal."""
    _check_parts(settings)
    return _supervise(settings, [programs.beat(settings)])


def run_notify(settings: Settings) -> int:
    """Run a supervised receiver of NOTIFY messages only, until a signal.

    Raises:
        StartRefused: no address is configured.
    """
    if not settings.notify_listen:
        raise StartRefused("notify_listen is empty: set the address on which NOTIFY messages are received")
    with closing(open_store(store_settings(settings))) as store:
        runner.check_schema(store)
    return _supervise(settings, [programs.notify(settings)])


def check_dsync(settings: Settings, domain: str) -> int:
    """Print what the parent zone of a domain publishes for NOTIFY messages, and what the endpoints answer.

    Raises:
        StartRefused: not a domain.
    """
    from gonemaster_tasks.notify.probe import probe  # of no use to the service

    try:
        found = asyncio.run(probe(domain, settings))
    except InvalidDomain as error:
        raise StartRefused(str(error)) from error
    print("\n".join(found.lines()), flush=True)
    return 0 if found.is_good else 1


def run_flower(settings: Settings) -> NoReturn:
    """Serve Flower in this process until a signal."""
    from gonemaster_api.server.flower import FlowerMissing, serve_flower

    _check_broker(settings)
    try:
        serve_flower(settings)
    except FlowerMissing as error:
        raise StartRefused(str(error)) from error


def _supervise(settings: Settings, group: list[Program]) -> int:
    is_json, ready_timeout = settings.log_format == "json", settings.start_timeout
    return Supervisor([group], json_lines=is_json, ready_timeout=ready_timeout).run()


def update_reference_data(settings: Settings) -> int:
    """Fetch the list of top-level domains, whether or not regular updates are enabled."""
    with closing(open_store(store_settings(settings))) as store:
        runner.check_schema(store)
        try:
            found = fetch_tlds(store, settings, now=utcnow())
        except FetchFailed as error:
            raise StartRefused(str(error)) from error
    sys.stdout.write(f"{len(found.names)} top-level domains, version {found.version}\n")
    return 0


def _check_files(settings: Settings) -> None:
    """Check the files named by the settings, and that required packages are installed."""
    try:
        profile = base_profile(settings)
        check_source(profile.source4)
        check_source(profile.source6)
    except ProfileError as error:
        raise StartRefused(f"profile_path: {error}") from error
    except SourceAddressUnavailable as error:
        raise StartRefused(str(error)) from error
    try:
        if settings.scoring_config_path:
            load_config(settings.scoring_config_path)
    except ScoringConfigError as error:
        raise StartRefused(f"scoring_config_path: {error}") from error
    try:
        if settings.root_hints_path:
            load_hints(settings.root_hints_path)
            load_anchors(settings.root_hints_path)
    except EngineError as error:
        raise StartRefused(f"root_hints_path: {error}") from error
    try:
        check_tracing(settings.otlp_endpoint)
    except TasksError as error:
        raise StartRefused(str(error)) from error


def _check_parts(settings: Settings) -> None:
    """Check broker and database first, because a child that fails at start would be restarted in a loop."""
    _check_broker(settings)
    with closing(open_store(store_settings(settings))) as store:
        runner.check_schema(store)


def _check_logins(settings: Settings) -> None:
    """Check that broker and database accept the logins. A service that does not respond only causes a warning.

    Raises:
        BrokerRefused, StartRefused: the message contains the remedy.
    """
    try:
        _check_broker(settings)
    except BrokerUnavailable as error:
        log.warning("the broker does not answer yet", error=str(error))
    try:
        with closing(open_store(store_settings(settings))) as store:
            store.ping()
    except StoreUnavailable as error:
        if not refuses_login(str(error)):
            log.warning("the database does not answer yet", error=str(error))
            return
        raise StartRefused(f"database.dsn: login refused: {error}; see docs/howto/logins.md") from error


def _check_broker(settings: Settings) -> None:
    with closing(Broker.open(settings.broker_url)) as broker:
        broker.check()


def _serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/v1/healthz", timeout=2) as answer:  # noqa: S310 - our own URL
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False
