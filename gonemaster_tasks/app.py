"""The Celery application: one configuration for workers, beat, API and Flower."""

import socket
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from celery import Celery
from kombu.entity import Queue

from gonemaster_db.core.clock import utcnow
from gonemaster_tasks import queues
from gonemaster_tasks.broker.address import BrokerAddress, parse_broker_url
from gonemaster_tasks.config.settings import Settings

# Far longer than the longest run and a warm shutdown: leases detect dead workers, this is only a fallback.
VISIBILITY_TIMEOUT_S = 7200
_BEAT_LOOP_S = 2  # A changed interval takes effect within two seconds.
PURGE_ENTRY, SCHEDULES_ENTRY, WATCH_ENTRY = "purge", "schedules", "watch"
PROJECT_ENTRY, CAPTURE_ENTRY, METRICS_ENTRY = "project", "capture", "metrics"
_BEAT_LOCK_S = 12  # A standby takes over within 15 s after the end of a beat that could not release its lock.
_WATCH_INTERVAL_S = 10
_METRICS_INTERVAL_S = 10


class App(Celery):
    """A Celery application that uses the clock of the process (`gonemaster_db.core.clock`), which RedBeat needs."""

    amqp_cls = "gonemaster_tasks.broker.reconnection:Amqp"

    def now(self) -> datetime:
        """Return the time in UTC."""
        return utcnow()


def _kombu_transport(_: BrokerAddress) -> Mapping[str, Any]:
    return {}


def make_app(
    broker_url: str,
    *,
    purge_interval_s: int = 3600,
    scheduler_interval_s: int = 60,
    projection_interval_s: int = 10,
    capture_interval_s: int = 30,
    transport: Callable[[BrokerAddress], Mapping[str, Any]] = _kombu_transport,
) -> Celery:
    """Create the application for a broker URL from the settings.

    `transport` returns, for a broker address, the Celery settings that replace kombu's own transport.
    """
    address = parse_broker_url(broker_url)
    app = App("gonemaster", set_as_current=False)
    intervals = {PURGE_ENTRY: purge_interval_s, SCHEDULES_ENTRY: scheduler_interval_s}
    intervals |= {
        WATCH_ENTRY: _WATCH_INTERVAL_S,
        PROJECT_ENTRY: projection_interval_s,
        CAPTURE_ENTRY: capture_interval_s,
        METRICS_ENTRY: _METRICS_INTERVAL_S,
    }
    app.conf.update(_queue_conf(address), **_beat_conf(address, intervals))
    app.conf.update(transport(address))
    return app


def make_app_of(
    settings: Settings, *, transport: Callable[[BrokerAddress], Mapping[str, Any]] = _kombu_transport
) -> Celery:
    """Create the application of a process; the URL of the broker must be set."""
    return make_app(
        settings.broker_url,
        purge_interval_s=settings.purge_interval_seconds,
        scheduler_interval_s=settings.scheduler_interval_seconds,
        projection_interval_s=settings.analysis_projection_interval_seconds,
        capture_interval_s=settings.analysis_capture_interval_seconds,
        transport=transport,
    )


# BRPOP only waits, so the kernel must detect a silent host, within 4 s, and one that was restarted, within 2 s. kombu
# drops the connection after 12 to 17 s.
_PROBES = {"TCP_KEEPIDLE": 1, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 4000}
_KEEPALIVE = {  # macOS has only some of these.
    getattr(socket, name): value for name, value in _PROBES.items() if hasattr(socket, name)
}


def _queue_conf(address: BrokerAddress) -> dict[str, Any]:
    return {
        "broker_url": address.url,
        # Without this, kombu would verify no certificate, and a transport given by its path would not use TLS at all.
        "broker_use_ssl": {"ssl_cert_reqs": ssl.CERT_REQUIRED} if address.url.startswith("rediss:") else False,
        "task_queues": [Queue(name, routing_key=name) for name in queues.ORDER],
        "task_default_queue": queues.NORMAL,
        "task_create_missing_queues": False,
        "task_routes": queues.ROUTES,
        "task_acks_late": True,
        "task_reject_on_worker_lost": False,  # The reaper requeues the job when its lease expires.
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_prefetch_multiplier": 1,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_send_task_events": False,  # Events are a large share of the cost of a short job; Flower enables them.
        "task_send_sent_event": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "queue_order_strategy": "gonemaster_tasks.worker.consume.tier_order:TierOrder",
            "priority_steps": [0],  # With several steps, kombu would poll all steps of one queue before the next queue.
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "unacked_restore_interval": 15,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5,  # Longer than the second that BRPOP waits in the server.
            "socket_connect_timeout": 2,  # The kernel repeats a lost SYN after a second.
            "socket_keepalive": True,
            "socket_keepalive_options": _KEEPALIVE,
            # A BRPOP is abandoned after this plus one second without a reply: a master that was cut off never answers.
            "health_check_interval": 5,
            **address.celery_options,
        },
        "enable_utc": True,
        "timezone": "UTC",
    }


def _beat_conf(address: BrokerAddress, intervals: Mapping[str, int]) -> dict[str, Any]:
    tasks = {PURGE_ENTRY: queues.PURGE, SCHEDULES_ENTRY: queues.RUN_SCHEDULES}
    tasks |= {WATCH_ENTRY: queues.WATCH, PROJECT_ENTRY: queues.PROJECT, CAPTURE_ENTRY: queues.CAPTURE}
    tasks[METRICS_ENTRY] = queues.AGGREGATE
    return {
        "beat_scheduler": "gonemaster_tasks.broker.scheduler:Scheduler",
        "beat_max_loop_interval": min(_BEAT_LOOP_S, *intervals.values()),
        "redbeat_redis_url": address.redbeat_url,
        "redbeat_redis_options": {},  # RedBeat uses our client; without this setting it would warn.
        "redbeat_lock_timeout": _BEAT_LOCK_S,
        "beat_schedule": {
            # `expires` would depend on the clock of another host; instead, the sender checks for waiting calls.
            name: {"task": tasks[name], "schedule": interval_s, "options": {"queue": queues.MAINTENANCE}}
            for name, interval_s in intervals.items()
        },
    }
