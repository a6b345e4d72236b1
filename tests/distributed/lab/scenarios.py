"""The faults of the lab, one function each, and the trial that surrounds them."""

import shutil
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from tests.distributed.lab.invariants import PATIENCE_S, Allowed, Times, Verdict, judge, known_runs, wait_for_end
from tests.distributed.lab.load import Load
from tests.distributed.lab.services import ROLE, SLOTS, Lab, Shape
from tests.support.workers import wait_until

# Not a multiple of the pause between two attempts: a fault that ends at an attempt would hide the pause.
FAULT_S = 30.6
FREEZES, FREEZE_S = 3, 20
LOCK_S = 12  # the lock of a beat expires after this time
LAG_S = 5


@dataclass
class Trial:
    """One fault in one lab. A scenario records when its fault was injected, and when it ended."""

    lab: Lab
    load: Load
    fault_s: float  # how long a fault lasts
    freezes: int
    moments: list[float] = field(default_factory=list)
    over: float | None = None
    allowed: Allowed = field(default_factory=Allowed)
    note: str = ""  # for the table

    def begin(self) -> None:
        """Record that the fault is injected now."""
        self.moments.append(time.monotonic())

    def last(self, seconds: float | None = None) -> None:
        """Wait while the fault lasts."""
        time.sleep(self.fault_s if seconds is None else seconds)

    def silence(self, *names: str) -> None:
        """Record the hosts that cannot respond."""
        self.allowed = replace(self.allowed, silent=frozenset(names))

    def end(self) -> None:
        """Record that the fault is over."""
        self.over = time.monotonic()


@dataclass(frozen=True)
class Scenario:
    """A fault, and the lab in which it is injected. `act` returns when the fault is over or has become permanent."""

    name: str  # in the table
    act: Callable[[Trial], None]
    shape: Shape = field(default_factory=Shape)
    spoils: bool = False  # needs a separate lab, because a host does not come back
    batches: int = 1  # how many times as long the batch is


def attempt(
    lab: Lab, scenario: Scenario, *, batch: int, fault_s: float = FAULT_S, freezes: int = FREEZES
) -> tuple[Verdict, Trial]:
    """Inject one fault while jobs run, wait for their end and for a healthy service, and judge."""
    store = lab.store()
    before = known_runs(store)
    store.close()
    lab.trials += 1
    load = Load(lab, f"t{lab.trials}")
    trial = Trial(lab, load, fault_s, freezes)
    load.start(batch * scenario.batches)
    load.wait_for_starts(SLOTS * lab.shape.workers)
    scenario.act(trial)
    load.stop_submitting()
    runs = wait_for_end(lab, before)
    sound = lab.becomes_sound()
    load.stop_watching()
    assert not load.faults, load.faults
    verdict = judge(lab, load, runs, Times(tuple(trial.moments), trial.over), trial.allowed)
    return verdict if sound else replace(verdict, sound_s=None), trial


# Hosts of the service


def a_worker_host_is_cut_off(trial: Trial) -> None:
    _cut(trial, "worker1")


def a_worker_host_is_frozen(trial: Trial) -> None:
    """A host is frozen several times for longer than a lease; one of its pending BRPOPs then takes an interactive
    job."""
    host = trial.lab["worker1"]
    for _ in range(trial.freezes):
        trial.begin()
        host.freeze()
        for number in range(SLOTS):
            trial.load.submit(number)
        trial.last(min(FREEZE_S, trial.fault_s))
        host.thaw()
        trial.end()
        before = _starts_on(trial, "worker1")
        wait_until(partial(_has_started_since, trial, before), what="it works again")


def a_worker_host_loses_power(trial: Trial) -> None:
    _lose_power(trial, "worker1")


def a_worker_host_is_parted_from_the_database(trial: Trial) -> None:
    _part(trial, "worker1", "db1")


def a_worker_host_is_parted_from_redis(trial: Trial) -> None:
    _part(trial, "worker1", "redis1")


def an_api_host_loses_power(trial: Trial) -> None:
    _lose_power(trial, "api1")


def the_host_of_the_active_beat_is_cut_off(trial: Trial) -> None:
    """The other beat takes over when the lock expires, after 12 s."""
    _cut(trial, _active_beat(trial), seconds=LOCK_S + trial.fault_s)


def the_host_of_the_active_beat_loses_power(trial: Trial) -> None:
    _lose_power(trial, _active_beat(trial))


def clocks_step(trial: Trial) -> None:
    """Four clocks step by ten minutes and back while jobs run."""
    trial.begin()
    for name, ahead_s in STEPS:
        trial.lab.step_clock(name, ahead_s)
    trial.last()
    for name, _ in STEPS:
        trial.lab.step_clock(name, 0)
    trial.end()


def jobs_end_their_workers(trial: Trial) -> None:
    """Each job ends the process that runs it, which is started again; after its last attempt the job fails."""
    trial.begin()
    deadly = frozenset(trial.load.submit(name=kind).job_id for kind in ("kill", "segfault", "exit"))
    trial.allowed = Allowed(failed=deadly)
    wait_until(lambda: _have_ended_workers(trial, deadly), within_s=PATIENCE_S, what="the second start of each")
    trial.end()


def _have_ended_workers(trial: Trial, deadly: frozenset[str]) -> bool:
    for name in trial.lab.workers:
        if trial.lab.programs[name].poll() is not None:
            trial.lab.start(name)
    starts = [start["job_id"] for start in trial.lab.starts()]
    return all(starts.count(job_id) > 1 for job_id in deadly)


def one_host_of_each_kind_is_cut_off(trial: Trial) -> None:
    _cut(trial, "api1", "beat1", "worker1")


# Hosts of data


def the_database_is_cut_off_for_5_s(trial: Trial) -> None:
    _cut(trial, "db1", seconds=5)


def the_database_is_cut_off(trial: Trial) -> None:
    trial.allowed = Allowed(suspended=True)
    _cut(trial, "db1")


def the_database_is_frozen(trial: Trial) -> None:
    trial.allowed = Allowed(suspended=True)
    _freeze(trial, "db1")


def redis_is_cut_off(trial: Trial) -> None:
    trial.allowed = Allowed(suspended=True)
    _cut(trial, "redis1")


def redis_is_frozen(trial: Trial) -> None:
    trial.allowed = Allowed(suspended=True)
    _freeze(trial, "redis1")


def redis_is_cut_off_for_45_s(trial: Trial) -> None:
    """45 s is not a multiple of the retry interval, so the figures show how long the workers take to reconnect."""
    trial.allowed = Allowed(suspended=True)
    _cut(trial, "redis1", seconds=45)


def the_memory_of_redis_is_full(trial: Trial) -> None:
    """Submissions get 503; waiting jobs run."""
    with closing(trial.lab.redis("redis1")) as client:
        trial.begin()
        client.config_set("maxmemory", 1)
        trial.last()
        client.config_set("maxmemory", 0)
        trial.end()


def redis_returns_with_older_files(trial: Trial) -> None:
    """Redis starts with files from before the last interactive jobs were accepted."""
    lab, kept = trial.lab, trial.lab.directory / "older"
    trial.allowed = Allowed(suspended=True)
    shutil.copytree(lab.redis_data("redis1"), kept)
    trial.last(LAG_S)
    trial.begin()
    lab["redis1"].power_off()
    shutil.rmtree(lab.redis_data("redis1"))
    shutil.move(kept, lab.redis_data("redis1"))
    lab.restart("redis1")
    trial.end()


def links_of_data_are_slow_and_lose_packets(trial: Trial) -> None:
    hosts = [trial.lab["db1"], trial.lab["redis1"]]
    trial.begin()
    by = {host.worsen(delay_ms=100, jitter_ms=30, loss_percent=2) for host in hosts}
    trial.note = f"by {', '.join(by)}"
    trial.last()
    for host in hosts:
        host.repair()
    trial.end()


def a_lock_is_held(trial: Trial) -> None:
    """Lock the rows of the running jobs of a worker, as an open transaction in psql does."""
    server = trial.lab.databases[0]
    trial.begin()
    with server.cursor(trial.lab.database) as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT id FROM jobs WHERE status = 'running' AND worker LIKE 'worker1@%' FOR UPDATE")
        trial.last()
        cursor.execute("ROLLBACK")
    trial.end()


def the_disk_of_the_database_is_full(trial: Trial) -> None:
    _fill(trial, trial.lab["db1"].path(trial.lab.databases[0].data))


def the_disk_of_redis_is_full(trial: Trial) -> None:
    trial.allowed = Allowed(suspended=True)
    _fill(trial, trial.lab["redis1"].path(trial.lab.redis_data("redis1")))


# Others take over


def a_synchronous_standby_is_promoted(trial: Trial) -> None:
    """The primary loses power. Confirmed writes of the API survive; claims can be lost, because they wait for no
    standby."""
    _follow_synchronously(trial.lab)
    trial.allowed = Allowed(lost_claims=1)
    trial.begin()
    trial.lab["db1"].power_off()
    trial.lab.databases[1].promote()
    trial.load.wait_for_starts(trial.load.started() + SLOTS)


def the_name_of_the_database_moves_to_a_standby(trial: Trial) -> None:
    """The clients know one name, whose address changes a few seconds after the promotion."""
    _follow_synchronously(trial.lab)
    trial.allowed = Allowed(lost_claims=1, suspended=True)
    trial.begin()
    trial.lab["db1"].power_off()
    trial.lab.databases[1].promote()
    trial.last(LAG_S)
    trial.lab.name_database("db2")
    trial.end()


def a_standby_that_lags_is_promoted(trial: Trial) -> None:
    """Jobs accepted while the standby received nothing are lost; jobs that ended in that time are run again."""
    since = time.monotonic()
    trial.lab["db1"].part_from(trial.lab["db2"])
    trial.last(LAG_S)
    trial.begin()
    trial.lab["db1"].power_off()
    trial.lab.databases[1].promote()
    trial.allowed = Allowed(lost_claims=2, lag=(since, time.monotonic()))
    trial.load.wait_for_starts(trial.load.started() + SLOTS)


def certificates_are_replaced(trial: Trial) -> None:
    """Another authority issues new certificates for PostgreSQL and Redis; all connections end."""
    trial.begin()
    trial.lab.renew_certificates()
    trial.end()


def certificates_have_expired(trial: Trial) -> None:
    """No client connects, until PostgreSQL and Redis have valid certificates."""
    trial.allowed = Allowed(suspended=True)
    trial.begin()
    trial.lab.renew_certificates(ends_in=-timedelta(seconds=1))
    trial.last()
    trial.lab.renew_certificates()
    trial.end()


def passwords_are_rotated(trial: Trial) -> None:
    """Follow docs/howto/logins.md: new passwords for Redis, with restarts, and for PostgreSQL, with a new file."""
    lab = trial.lab
    trial.begin()
    with closing(lab.redis("redis1")) as client, lab.databases[0].cursor(lab.database) as cursor:
        client.execute_command("ACL", "SETUSER", ROLE, ">new")
        lab.redis_password = "new"
        for name in lab.processes:
            _replace(trial, name)
        client.execute_command("ACL", "SETUSER", ROLE, "<old")
        cursor.execute(f"ALTER ROLE {ROLE} PASSWORD 'new'")
        lab.end_connections()
        trial.last(LAG_S)
        lab.write_database_password("new")
    trial.end()


def releases_run_side_by_side(trial: Trial) -> None:
    """Migrate twice during a sweep; after each step one host of each kind gets that release, at the end all get the
    last."""
    trial.begin()
    for number, commit in ((2, LATER), (3, "")):
        trial.lab.use_release(commit)
        for kind in ("worker", "api", "beat"):
            _replace(trial, f"{kind}{number}")
    trial.last()
    for name in trial.lab.processes:
        if not name.endswith("3"):
            _replace(trial, name)
    trial.end()


def _replace(trial: Trial, name: str) -> None:
    """Replace the processes of a host, and wait until they work."""
    trial.lab.stop(name)
    before = _starts_on(trial, name)
    trial.lab.start(name)
    if name.startswith("worker"):
        wait_until(lambda: _starts_on(trial, name) > before, what=f"{name} works")
    wait_until(lambda: all(api.get("/readyz").status == 200 for api in trial.lab.apis), what=f"{name} works")


def the_master_of_redis_loses_power(trial: Trial) -> None:
    """The master and a Sentinel lose power; the other Sentinels promote a replica. The old master becomes a replica."""
    _lose_power(trial, trial.lab.master())


def the_master_of_redis_is_cut_off(trial: Trial) -> None:
    _cut(trial, trial.lab.master())


def the_database_behind_a_pooler_is_cut_off(trial: Trial) -> None:
    trial.allowed = Allowed(suspended=True)
    _cut(trial, "db1")


def the_pooler_is_frozen(trial: Trial) -> None:
    trial.allowed = Allowed(suspended=True)
    _freeze(trial, "pool")


STEPS = (("api2", 600.0), ("beat1", -600.0), ("worker1", 600.0), ("worker2", -600.0))
STEPPING_CLOCKS = Shape(stepping_clocks=tuple(name for name, _ in STEPS))
WRONG_CLOCKS = Shape(wrong_clocks=STEPS)
STANDBY = Shape(standby=True)
NAMED = Shape(standby=True, by_name=True)
SENTINELS = Shape(sentinels=True)
POOLER = Shape(pooler=True)
EARLIER, LATER = "06c506bd", "2898c609"
"""Commits that landed with the first migration, and with the second one."""
RELEASES = Shape(apis=3, beats=3, release=EARLIER)
TLS = Shape(tls=True)
PASSWORDS = Shape(passwords=True)
SMALL_DISKS = Shape(disks=(("db1", "96m"), ("redis1", "16m")))

SCENARIOS = (
    Scenario("worker host cut off, 30 s", a_worker_host_is_cut_off),
    Scenario("worker host frozen, 3 times 20 s", a_worker_host_is_frozen),
    Scenario("worker host loses power, on again after 30 s", a_worker_host_loses_power),
    Scenario("worker host parted from PostgreSQL, 30 s", a_worker_host_is_parted_from_the_database),
    Scenario("worker host parted from Redis, 30 s", a_worker_host_is_parted_from_redis),
    Scenario("API host loses power, on again after 30 s", an_api_host_loses_power),
    Scenario("host of the active beat cut off, 60 s", the_host_of_the_active_beat_is_cut_off),
    Scenario("host of the active beat loses power, on again after 30 s", the_host_of_the_active_beat_loses_power),
    Scenario("jobs that end their workers", jobs_end_their_workers),
    Scenario("one host each of API, beat and workers cut off, 30 s", one_host_of_each_kind_is_cut_off),
    Scenario("PostgreSQL cut off, 5 s", the_database_is_cut_off_for_5_s),
    Scenario("PostgreSQL cut off, 30 s", the_database_is_cut_off),
    Scenario("PostgreSQL frozen, 30 s", the_database_is_frozen),
    Scenario("Redis cut off, 30 s", redis_is_cut_off),
    Scenario("Redis cut off, 45 s", redis_is_cut_off_for_45_s),
    Scenario("Redis frozen, 30 s", redis_is_frozen),
    Scenario("memory of Redis full, 30 s", the_memory_of_redis_is_full),
    Scenario("Redis loses power, returns with files 5 s older", redis_returns_with_older_files),
    Scenario("PostgreSQL and Redis: 100 ± 30 ms each way, 2 % lost, 30 s", links_of_data_are_slow_and_lose_packets),
    Scenario("rows of a worker's running jobs locked by a person, 30 s", a_lock_is_held),
    Scenario("four clocks ±10 min wrong; worker host loses power", a_worker_host_loses_power, WRONG_CLOCKS),
    Scenario("four clocks step by ±10 min, back after 30 s", clocks_step, STEPPING_CLOCKS),
    Scenario("disk of PostgreSQL full, 30 s", the_disk_of_the_database_is_full, SMALL_DISKS),
    Scenario("disk of Redis full, 30 s", the_disk_of_redis_is_full, SMALL_DISKS),
    Scenario(
        "primary loses power, synchronous standby promoted", a_synchronous_standby_is_promoted, STANDBY, spoils=True
    ),
    Scenario("primary loses power, standby 5 s behind promoted", a_standby_that_lags_is_promoted, STANDBY, spoils=True),
    Scenario(
        "primary loses power, its name moves to the standby after 5 s",
        the_name_of_the_database_moves_to_a_standby,
        NAMED,
        spoils=True,
    ),
    Scenario("master of Redis cut off, 30 s, Sentinels", the_master_of_redis_is_cut_off, SENTINELS),
    Scenario("master of Redis loses power, Sentinels", the_master_of_redis_loses_power, SENTINELS),
    Scenario("PostgreSQL behind PgBouncer cut off, 30 s", the_database_behind_a_pooler_is_cut_off, POOLER),
    Scenario("PgBouncer frozen, 30 s", the_pooler_is_frozen, POOLER),
    Scenario("TLS certificates of PostgreSQL and Redis replaced", certificates_are_replaced, TLS),
    Scenario("TLS certificates of PostgreSQL and Redis expired, 30 s", certificates_have_expired, TLS),
    Scenario("passwords of PostgreSQL and Redis rotated", passwords_are_rotated, PASSWORDS, spoils=True, batches=3),
    Scenario("upgrade with three releases side by side", releases_run_side_by_side, RELEASES, spoils=True, batches=3),
)


def _cut(trial: Trial, *names: str, seconds: float | None = None) -> None:
    """Drop the packets to and from these hosts for a while."""
    trial.silence(*names)
    trial.begin()
    for name in names:
        trial.lab[name].cut()
    trial.last(seconds)
    for name in names:
        trial.lab[name].join()
    trial.end()


def _freeze(trial: Trial, name: str) -> None:
    """Stop all processes of a host for a while; its kernel keeps running."""
    trial.begin()
    trial.lab[name].freeze()
    trial.last()
    trial.lab[name].thaw()
    trial.end()


def _part(trial: Trial, one: str, other: str) -> None:
    """Drop the packets between two hosts for a while."""
    trial.begin()
    trial.lab[one].part_from(trial.lab[other])
    trial.last()
    trial.lab[one].meet(trial.lab[other])
    trial.end()


def _lose_power(trial: Trial, name: str) -> None:
    trial.silence(name)
    trial.begin()
    trial.lab[name].power_off()
    trial.last()
    trial.lab.restart(name)
    trial.end()


def _fill(trial: Trial, directory: Path) -> None:
    """Fill the disk for a while."""
    filler = directory / "filler"
    trial.begin()
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 16, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    trial.last()
    filler.unlink()
    trial.end()


def _follow_synchronously(lab: Lab) -> None:
    """From now on every commit waits for the standby."""
    with lab.databases[0].cursor(lab.database) as cursor:
        cursor.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        cursor.execute("SELECT pg_reload_conf()")
        wait_until(lambda: _sync_states(cursor) == ["sync"], what="a synchronous standby")


def _sync_states(cursor: Any) -> list[str]:
    cursor.execute("SELECT sync_state FROM pg_stat_replication")
    return [row[0] for row in cursor.fetchall()]


def _active_beat(trial: Trial) -> str:
    """Wait until one of the beats sends a task; return its host."""
    before = _sent_tasks(trial)
    sending = wait_until(
        lambda: [name for name, count in _sent_tasks(trial).items() if count > before[name]], what="an active beat"
    )
    return str(sending[0])


def _sent_tasks(trial: Trial) -> dict[str, int]:
    return {name: trial.lab.log(name).count("Sending due task") for name in ("beat1", "beat2")}


def _has_started_since(trial: Trial, before: int) -> bool:
    return _starts_on(trial, "worker1") > before


def _starts_on(trial: Trial, host: str) -> int:
    return sum(start["host"] == host for start in trial.lab.starts())
