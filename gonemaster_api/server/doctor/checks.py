"""The checks of the doctor. Each check opens and closes its own connections."""

import asyncio
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

from gonemaster_api.server.doctor.findings import DoctorResult, fault, ok, skipped, warning
from gonemaster_api.server.supervisor.listening import split_address
from gonemaster_db.core.errors import StoreError, StoreOutdated
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.migrations import runner
from gonemaster_db.migrations.compatibility import check_origin
from gonemaster_db.service.probes import database_time, find_pooler, try_to_write
from gonemaster_engine.errors import EngineError, ProfileError, ScoringConfigError
from gonemaster_engine.resources import default_hints, load_hints
from gonemaster_engine.run.reach import SMALL_OCTETS, ExchangeKind, PathReach, probe_reach
from gonemaster_engine.scoring.config import load_config
from gonemaster_tasks.app import make_app_of
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.environment import own_unknown_variables, refuse_unknown_protection
from gonemaster_tasks.config.profiles import base_profile
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.errors import BrokerRefused, BrokerUnavailable, SettingsError
from gonemaster_tasks.masking import mask_password
from gonemaster_tasks.monitoring.health import find_issues
from gonemaster_tasks.queues import MAINTENANCE, TIERS

_LOGIN_RETRY_S = 1.0
_MAX_SKEW_S = 2.0  # leases and signatures tolerate more, but a synchronised clock stays within this limit
_BROKEN_CLOCK_S = 60.0
_MEMORY_SHARE = 0.9
_MAX_ISSUES = 10
_ADVICE = {
    "udp": "allow UDP to port 53 of any address and the answers; a middlebox may be intercepting queries",
    "large": "allow UDP answers above 512 bytes, including fragments",
    "tcp": "allow TCP to port 53 of any address: truncated answers need it",
}
_WITHOUT_IPV6 = "; if this host has no IPv6, set ipv6_mode to off, otherwise every server seems unreachable over IPv6"
_UPGRADE = "run gonemaster-server db upgrade with the installed version of the service"
_START = "start the service: gonemaster-server, or its parts (docs/howto/scale-out.md)"


def check_settings(settings: Settings) -> list[DoctorResult]:
    """Check the files named by the settings, the data directory, and variables that are not settings."""
    found = [*_unknown_variables(), *_files(settings), *_data_dir(settings), *_proxy(settings)]
    return found or [ok("settings", "the settings are valid and their files exist")]


def _unknown_variables() -> Iterator[DoctorResult]:
    try:
        refuse_unknown_protection()
    except SettingsError as error:
        for problem in error.problems:
            yield fault("settings", problem, "correct the name of the variable or remove it")
        return
    for name, similar in own_unknown_variables().items():
        hint = f"use {similar}" if similar else "remove it, or correct its name"
        yield warning("settings", f"{name} is not a setting and has no effect", hint)


def _files(settings: Settings) -> Iterator[DoctorResult]:
    try:
        base_profile(settings)
        if settings.scoring_config_path:
            load_config(settings.scoring_config_path)
    except (ProfileError, ScoringConfigError) as error:
        yield fault("settings", str(error), "correct the file, or profile_path and scoring_config_path")


def _proxy(settings: Settings) -> Iterator[DoctorResult]:
    """Check that a proxy is configured for public access.

    It limits the connections of clients and the time for their headers.
    """
    host, _ = split_address(settings.listen_addr)
    is_local = host == "localhost" or host.startswith("127.") or host == "::1"
    if (settings.public_url or not is_local) and not settings.trusted_proxy_cidrs:
        text = "the API is reachable from other machines without a configured proxy, which the Internet requires"
        yield warning("settings", text, "put nginx or Caddy in front, and set trusted_proxy_cidrs (going-public.md)")


def _data_dir(settings: Settings) -> Iterator[DoctorResult]:
    """Check the data directory of the embedded parts: it exists, belongs to this user, and is closed to other users."""
    path = settings.data_dir
    if not (settings.embedded_broker or settings.db_driver == "sqlite"):
        return
    advice = "choose another one with GONEMASTER_DATA_DIR, or run the service as its owner"
    if not path.exists():
        yield warning("settings", f"the data directory {path} does not exist yet", "the first start creates it")
    elif not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield fault("settings", f"this user is not allowed to write to the data directory {path}", advice)
    elif stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield warning("settings", f"other users can access the data directory {path}", f"chmod 700 {path}")


def check_database(settings: Settings) -> list[DoctorResult]:
    """Connect to the database, compare its schema with this version's, and write a row that is rolled back."""
    where = mask_password(settings.store_dsn)
    if settings.db_driver == "sqlite" and not Path(settings.store_dsn).exists():
        return [
            fault("database", f"there is no database at {where}", "the first start creates it; or correct database.dsn")
        ]
    with closing(open_store(store_settings(settings))) as store:
        try:
            store.ping()
        except StoreError as error:
            return [fault("database", f"{where}: {error}", "start it, or correct database.dsn (GONEMASTER_DB_DSN)")]
        fine = f"{settings.db_driver}, schema {runner.head_revision()}, writable"
        return _schema(store) or [_written(store, fine), *_pooler(store)]


def _pooler(store: Store) -> Iterator[DoctorResult]:
    """Yield whether PgBouncer, if there is one, connects again soon after an outage of PostgreSQL."""
    pooler = find_pooler(store)
    if pooler is None:
        return
    retry_s, setting = pooler.login_retry_s, "server_login_retry"
    if retry_s is None:
        yield ok("database", f"through PgBouncer, whose {setting} this login may not read; it should be 1")
    elif retry_s > _LOGIN_RETRY_S:
        text = f"{setting} of PgBouncer is {retry_s:g} s: outages of PostgreSQL last up to {retry_s:g} s longer"
        yield warning("database", text, f"set {setting} = 1 in PgBouncer (docs/howto/scale-out.md)")


def _schema(store: Store) -> list[DoctorResult]:
    found, head = runner.current_revision(store), runner.head_revision()
    if found == head:
        return []
    if found is None:
        return [fault("database", "it has no tables yet", _UPGRADE)]
    try:
        check_origin(store)
    except StoreOutdated as error:
        return [fault("database", str(error), "follow docs/howto/upgrade.md")]
    if runner.is_newer(store):
        return _later_schema(store, f"its schema is {found}, of a later version")
    return [fault("database", f"its schema is {found}, this version needs {head}", _UPGRADE)]


def _later_schema(store: Store, text: str) -> list[DoctorResult]:
    """Return no results if this version also works with the later schema, as in the middle of an upgrade."""
    try:
        runner.check_schema(store)
    except StoreOutdated:
        return [fault("database", f"{text} which is not compatible with this version", "install that version")]
    return []


def _written(store: Store, summary: str) -> DoctorResult:
    try:
        try_to_write(store)
    except StoreError as error:
        reason = str(error).splitlines()[0]
        return fault(
            "database", f"cannot be written: {reason}", "check its disk, its permissions, and whether it is a replica"
        )
    return ok("database", summary)


def check_broker(settings: Settings) -> list[DoctorResult]:
    """Connect to the broker. It must not evict messages, and should store them on disk."""
    where = mask_password(settings.broker_url)
    advice = (
        _START if not where or "redis+socket" in where else "start it, or correct broker_url (GONEMASTER_BROKER_URL)"
    )
    try:
        with closing(Broker.open(settings.broker_url)) as broker:
            broker.check()
            found = [*_broker_memory(broker), *_broker_disk(broker)]
    except BrokerRefused as error:
        return [fault("broker", str(error), "use a single server or Sentinel, of version 6.2 or later")]
    except BrokerUnavailable as error:
        return [fault("broker", f"{where}: {error}" if where else str(error), advice)]
    return found or [ok("broker", "answers, does not evict keys, persists messages")]


def _broker_memory(broker: Broker) -> Iterator[DoctorResult]:
    policy = broker.eviction_policy()
    if policy not in ("", "noeviction"):
        text = f"maxmemory-policy is {policy}: messages may be lost when its memory is full"
        yield fault("broker", text, "set maxmemory-policy noeviction")
    facts = broker.facts()
    used, maximum = int(facts.get("used_memory", 0)), int(facts.get("maxmemory", 0))
    if maximum and used > _MEMORY_SHARE * maximum:
        yield warning(
            "broker", f"{used / maximum:.0%} of its memory is used", "raise maxmemory, or move other data elsewhere"
        )


def _broker_disk(broker: Broker) -> Iterator[DoctorResult]:
    facts = broker.facts()
    failed = [name for name in ("aof_last_write_status", "rdb_last_bgsave_status") if facts.get(name, "ok") != "ok"]
    if failed:
        yield fault("broker", f"its last write to disk failed ({failed[0]})", "check its disk and its log")
    if int(facts.get("loading", 0)):
        yield warning("broker", "it is still loading its data", "wait until it has finished")
    if not int(facts.get("aof_enabled", 0)):
        text = (
            "appendonly is off: after a restart of Redis, messages are rebuilt from the database, which takes a minute"
        )
        yield warning("broker", text, "set appendonly yes")


def check_clock(settings: Settings) -> list[DoctorResult]:
    """Compare the clock of this host with the clocks of broker and database."""
    with closing(Broker.open(settings.broker_url)) as broker:
        skews = {"broker": broker.time() - time.time()}
    with closing(open_store(store_settings(settings))) as store:
        try:
            there = database_time(store)
        except StoreError:
            there = None
        if there is not None:
            skews["database"] = there.timestamp() - time.time()
    return [_clock_result(name, skew_s) for name, skew_s in skews.items() if abs(skew_s) > _MAX_SKEW_S] or [
        ok("clock", f"agrees with {' and '.join(skews)} within {_MAX_SKEW_S:g} s")
    ]


def _clock_result(name: str, skew_s: float) -> DoctorResult:
    text = f"the clock of the {name} is {abs(skew_s):.1f} s {'ahead of' if skew_s > 0 else 'behind'} that of this host"
    advice = "synchronize all clocks with NTP (chrony, systemd-timesyncd)"
    return (fault if abs(skew_s) > _BROKEN_CLOCK_S else warning)("clock", text, advice)


def check_beat(settings: Settings) -> list[DoctorResult]:
    """Check that a beat is active and has its whole schedule."""
    with closing(Broker.open(settings.broker_url)) as broker, closing(make_app_of(settings)) as celery:
        if not broker.beat.active():
            text = "no beat is active: nothing is purged, no schedule runs"
            return [fault("beat", text, "start one: gonemaster-server beat (it acquires its lock within a minute)")]
        if missing := broker.beat.missing_entries(celery):
            text = f"its schedule lacks {', '.join(sorted(missing))}"
            return [warning("beat", text, "a worker restores it within a minute")]
    return [ok("beat", "active, all entries scheduled")]


def check_workers(settings: Settings) -> list[DoctorResult]:
    """Check for running workers, and for queues without a worker."""
    with closing(Broker.open(settings.broker_url)) as broker:
        workers = broker.workers.live()
        now = datetime.fromtimestamp(broker.time(), UTC)
    if not workers:
        return [fault("workers", "no worker process is running", "start a worker: gonemaster-server worker")]
    served = {queue for worker in workers if not worker.draining for queue in worker.queues}
    found = [
        fault(
            "workers", f"no worker consumes the queue {queue}", f"start one with --queues {queue}, or with all of them"
        )
        for queue in (*TIERS, MAINTENANCE)
        if queue not in served
    ]
    hosts, slots = len({worker.host for worker in workers}), sum(worker.slots for worker in workers)
    oldest = min(worker.started_at for worker in workers)
    age_s = max(0, int(now.timestamp() - oldest))
    return found or [
        ok("workers", f"{len(workers)} processes on {hosts} hosts, {slots} slots, the oldest {age_s} s old")
    ]


def check_queue(settings: Settings) -> list[DoctorResult]:
    """Check the health of the queue, except for issues that other checks report."""
    with ExitStack() as opened:
        store = opened.enter_context(closing(open_store(store_settings(settings))))
        broker = opened.enter_context(closing(Broker.open(settings.broker_url)))
        celery = opened.enter_context(closing(make_app_of(settings)))
        issues = find_issues(QueueParts(store, broker, celery), settings)
    reported_elsewhere = {"beat_absent", "schedule_missing", "may_evict"}
    shown = [issue for issue in issues if issue.kind not in reported_elsewhere]
    return [
        warning("queue", f"{issue.kind}: {issue.subject}: {issue.text}", issue.advice) for issue in shown[:_MAX_ISSUES]
    ] or [ok("queue", "no issues with jobs, messages, schedules or operations")]


def check_dns(settings: Settings) -> list[DoctorResult]:
    """Query servers of the root hints over each transport that tests use."""
    try:
        hints = load_hints(settings.root_hints_path) if settings.root_hints_path else default_hints()
    except EngineError as error:
        return [fault("dns", str(error), "correct root_hints_path")]
    found = asyncio.run(
        probe_reach(hints, port=settings.dns_port, source4=settings.source_addr4, source6=settings.source_addr6)
    )
    return [_network_result(way, reach, settings) for way, reach in found.items()]


def _network_result(way: ExchangeKind, reach: PathReach, settings: Settings) -> DoctorResult:
    name = "dns"
    if way.family == 6 and settings.ipv6_mode == "off":
        return skipped(name, f"{way.name}: ipv6_mode is off")
    if not reach.tried:
        return skipped(name, f"{way.name}: the root hints have no address of this family")
    if not reach.answered:
        text = f"{way.name}: none of {reach.tried} root servers answers ({reach.error})"
        return fault(name, text, _ADVICE[way.kind] + (_WITHOUT_IPV6 if way.family == 6 else ""))
    summary = f"{way.name}: {reach.answered} of {reach.tried} root servers answer"
    if way.kind != "large":
        return ok(name, summary)
    if reach.truncated or (reach.octets <= SMALL_OCTETS and not settings.root_hints_path):
        advice = "a middlebox truncates large UDP answers; tests retry over TCP, which takes longer"
        return warning(name, f"{summary}, but no answer above {SMALL_OCTETS} octets arrives", advice)
    return ok(name, f"{summary}, {reach.octets} octets")
