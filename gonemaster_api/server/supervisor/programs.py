"""The programs of the service, in the order in which they start."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module

from gonemaster_api.server.supervisor.child import Program
from gonemaster_engine.memory import without_collections
from gonemaster_engine.net.wire.rdata import load_all_types
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.rendering import to_environ
from gonemaster_tasks.config.settings import Settings

SERVER, WORKER = "gonemaster_api.server", "gonemaster_tasks.worker"  # modules; the demo has its own
COUNTS = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads the variable at import
_SHARED = (
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.concurrency.thread",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.loops",
    "gonemaster_tasks.broker.scheduler",
    "gonemaster_tasks.worker.main",
)
_MARGIN_S = 15.0  # seconds between a program's own shutdown timeout and SIGKILL


def import_shared_modules() -> None:
    """Load what workers and beat need, so that the processes forked from this one share the memory.

    The modules of the API are not among them: prometheus_client reads the environment of the process at its import.
    """
    with without_collections():
        for module in _SHARED:
            import_module(module)
        load_all_types()


def embedded_redis(settings: Settings) -> EmbeddedRedis:
    """Return the embedded broker of a data directory, whether or not it is running.

    Raises:
        BrokerUnavailable: the path is too long for a socket.
    """
    return EmbeddedRedis(settings.data_dir / "redis")


def with_broker(settings: Settings) -> Settings:
    """Return the settings with the URL of the embedded broker if no broker is configured."""
    if not settings.embedded_broker:
        return settings
    return replace(settings, broker_url=embedded_redis(settings).url)


def broker(settings: Settings) -> Program:
    """Return the program of the embedded Redis or Valkey. Its log is redis.log in its directory.

    Raises:
        BrokerUnavailable: no server program is installed, or it does not start.
    """
    redis = embedded_redis(settings)
    redis.adopt_files()
    return Program(
        name="redis",
        command=tuple(redis.command()),
        environ=os.environ,
        stop_timeout_s=_MARGIN_S,
        ready=redis.answers,
        log_file=redis.log_file,
    )


def workers(settings: Settings) -> list[Program]:
    """Return the programs of the worker processes."""
    return [
        Program(
            name=f"worker-{number}",
            command=(WORKER, *_own_arguments(settings, number)),
            is_module=True,
            environ=_environ(settings),
            stop_timeout_s=settings.drain_timeout.total_seconds() + _MARGIN_S,
            on_orphaned=signal.SIGKILL,  # without the broker a warm shutdown never ends; leases expire
        )
        for number in range(1, settings.worker_processes + 1)
    ]


def _own_arguments(settings: Settings, number: int) -> list[str]:
    """Return the arguments that differ between the workers of one tree."""
    # The process number makes names unique if several trees run on one host.
    arguments = ["--name", f"worker-{number}-{os.getpid()}"]
    if settings.metrics_listen:
        host, _, port = settings.metrics_listen.rpartition(":")
        arguments += ["--metrics-listen", f"{host}:{int(port) + number - 1 if int(port) else 0}"]
    return arguments


def beat(settings: Settings) -> Program:
    """Return the program of the scheduler of periodic tasks."""
    return Program(
        name="beat",
        command=("gonemaster_tasks.maintenance.beat",),
        is_module=True,
        environ=_environ(settings),
        stop_timeout_s=_MARGIN_S,
        on_orphaned=signal.SIGKILL,
    )


def notify(settings: Settings) -> Program:
    """Return the program of the receiver of NOTIFY messages."""
    return Program(
        name="notify",
        command=("gonemaster_tasks.notify",),
        is_module=True,
        environ=_environ(settings),
        stop_timeout_s=_MARGIN_S,
    )


def api(
    settings: Settings, *, descriptors: Sequence[int], counts: str, ready: Callable[[], bool] | None = None
) -> list[Program]:
    """Return the programs of the API processes, which share listening sockets and a directory for their counts."""
    environ = {**_environ(settings), COUNTS: counts}
    listening = [argument for number in descriptors for argument in ("--listen-descriptor", str(number))]
    return [
        Program(
            name="api" if settings.api_processes == 1 else f"api-{number}",
            command=(SERVER, "api", *listening),
            is_module=True,
            environ=environ,
            stop_timeout_s=settings.shutdown_timeout.total_seconds() + _MARGIN_S,
            inherited=tuple(descriptors),
            ready=ready,
            reloads=True,
        )
        for number in range(1, settings.api_processes + 1)
    ]


def count_into(directory: str) -> None:
    """Make this process, an API process without a supervisor, store its counts in a directory."""
    os.environ[COUNTS] = directory


def _environ(settings: Settings) -> Mapping[str, str]:
    """Return the environment of a child, in which flags and settings of the file are variables."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GONEMASTER_")}
    return environment | to_environ(settings) | {"PYTHONUNBUFFERED": "1"}
