"""Which programs make up the service, in the order in which they start."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

from gonemaster_api.server.supervisor.child import Program
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.rendering import to_environ
from gonemaster_tasks.config.settings import Settings

_PYTHON = (sys.executable, "-m")
# Celery warns when root may receive pickled messages; ours are JSON only.
_QUIET_PYTHON = (sys.executable, "-W", "ignore:You're running the worker", "-m")
COUNTS = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads the variable when it is imported
_MARGIN_S = 15.0  # on top of a program's own shutdown timeout, before it is killed


def embedded_redis(settings: Settings) -> EmbeddedRedis:
    """Return the embedded broker of a data directory, whether it runs or not.

    Raises:
        BrokerUnavailable: the path is too long for a socket.
    """
    return EmbeddedRedis(settings.data_dir / "redis")


def with_broker(settings: Settings) -> Settings:
    """Fill in the URL of the embedded broker if no broker is configured."""
    if not settings.embedded_broker:
        return settings
    return replace(settings, broker_url=embedded_redis(settings).url)


def broker(settings: Settings) -> Program:
    """Describe the embedded Redis or Valkey; its log is redis.log in its directory.

    Raises:
        BrokerUnavailable: there is no server program, or it does not start.
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
    """Describe the worker processes."""
    return [
        Program(
            name=f"worker-{number}",
            command=(*_QUIET_PYTHON, "gonemaster_tasks.worker", *_own_arguments(settings, number)),
            environ=_environ(settings),
            stop_timeout_s=settings.drain_timeout.total_seconds() + _MARGIN_S,
            on_orphaned=signal.SIGKILL,  # without the broker a warm shutdown never ends; leases expire
        )
        for number in range(1, settings.worker_processes + 1)
    ]


def _own_arguments(settings: Settings, number: int) -> list[str]:
    """Return what differs between the workers of one tree."""
    # The process number keeps names apart when several trees run on one host.
    arguments = ["--name", f"worker-{number}-{os.getpid()}"]
    if settings.metrics_listen:
        host, _, port = settings.metrics_listen.rpartition(":")
        arguments += ["--metrics-listen", f"{host}:{int(port) + number - 1 if int(port) else 0}"]
    return arguments


def beat(settings: Settings) -> Program:
    """Describe the scheduler of periodic tasks."""
    return Program(
        name="beat",
        command=(*_PYTHON, "gonemaster_tasks.maintenance.beat"),
        environ=_environ(settings),
        stop_timeout_s=_MARGIN_S,
        on_orphaned=signal.SIGKILL,
    )


def api(settings: Settings, *, descriptor: int, counts: str, ready: Callable[[], bool] | None = None) -> list[Program]:
    """Describe the processes of the API, which share a listening socket and the directory of what they count."""
    environ = {**_environ(settings), COUNTS: counts}
    return [
        Program(
            name="api" if settings.api_processes == 1 else f"api-{number}",
            command=(*_PYTHON, "gonemaster_api.server", "api", "--listen-descriptor", str(descriptor)),
            environ=environ,
            stop_timeout_s=settings.shutdown_timeout.total_seconds() + _MARGIN_S,
            inherited=(descriptor,),
            ready=ready,
            reloads=True,
        )
        for number in range(1, settings.api_processes + 1)
    ]


def count_into(directory: str) -> None:
    """Let this process, an API without a supervisor, count into a directory."""
    os.environ[COUNTS] = directory


def _environ(settings: Settings) -> Mapping[str, str]:
    """Give a child the settings of the supervisor: flags and file have become variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GONEMASTER_")}
    return kept | to_environ(settings) | {"PYTHONUNBUFFERED": "1"}
