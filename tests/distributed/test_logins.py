"""Logins with minimal, insufficient and wrong permissions, and passwords that change while the service works."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.errors import BrokerLoginRefused, BrokerRefused
from gonemaster_tasks.masking import mask_password
from gonemaster_tasks.monitoring.health import find_issues
from tests.support.faults import Load
from tests.support.postgres import PostgresServer
from tests.support.redis_addresses import documented_rules, redis_on_port, sentinel
from tests.support.stores import MakeSettings
from tests.support.workers import Farm, open_farm, wait_until


@dataclass(frozen=True)
class Server:
    """A Redis with users, seen by its administrator."""

    port: int
    admin: Any
    directory: Path

    def url(self, password: str, user: str = "gonemaster") -> str:
        return f"redis://{user}:{password}@127.0.0.1:{self.port}/0"

    def set_user(self, *rules: str) -> None:
        self.admin.execute_command("ACL", "SETUSER", "gonemaster", *rules)

    def refusals(self) -> list[str]:
        """Return the denied commands, except for the client name, which redis-py tries to set."""
        return [str(entry["object"]) for entry in self.admin.acl_log() if "setinfo" not in str(entry["object"])]


@pytest.fixture
def server() -> Iterator[Server]:
    directory = Path(tempfile.mkdtemp(prefix="gm-redis-"))  # not tmp_path: the path of a socket must be short
    with redis_on_port(directory) as port, closing(redis.Redis(port=port, decode_responses=True)) as admin:
        made = Server(port, admin, directory)
        made.set_user(*documented_rules("old"))
        yield made
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def farm_of(make_store_settings: MakeSettings, tmp_path: Path) -> Iterator[Any]:
    """Open farms: `farm_of(url)` is one whose processes have that login."""
    opened = []

    def open_one(url: str) -> Farm:
        broker = Broker.open(url)
        made = open_farm(broker, make_store_settings("sqlite"), tmp_path)
        opened.append((made, broker))
        return made.__enter__()

    yield open_one
    for made, broker in opened:
        made.__exit__(None, None, None)
        broker.close()


def test_the_documented_permissions_are_enough(server: Server, farm_of: Any) -> None:
    farm = farm_of(server.url("old"))
    farm.broker.check()
    server.admin.acl_log_reset()
    farm.start_worker("one")
    farm.start_beat()
    running = farm.submit("running-60000.test")
    wait_until(lambda: farm.started(running), what="its start")
    cancel_job(farm.parts, running)  # a broadcast
    assert farm.run_of(running).status == "canceled"
    wait_until(lambda: farm.broker.beat.active(), what="beat")
    find_issues(farm.parts, load_settings({}))
    farm.stop("beat")
    farm.stop("one")
    assert server.refusals() == []


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["-info", "-client"])
def test_what_is_not_needed_may_be_missing(server: Server, farm_of: Any, missing: str) -> None:
    server.set_user(missing)
    farm = farm_of(server.url("old"))
    # One slot is for normal jobs, so the worker's BRPOP waits for only some of the queues.
    worker = farm.start_worker("one")
    load = Load(farm)
    load.submit(20)
    load.assert_each_ended_once()
    assert worker.poll() is None
    assert ("polling the queues more often" in farm.log("one")) == (missing == "-client")


@pytest.mark.parametrize("missing", ["-eval", "-publish", "-brpop", "resetchannels", "resetkeys", "-time"])
def test_what_is_needed_is_named_at_the_start(server: Server, missing: str) -> None:
    server.set_user(missing)
    with closing(Broker.open(server.url("old"))) as broker, pytest.raises(BrokerRefused, match=r"logins\.md"):
        broker.check()


def test_a_wrong_password_differs_from_an_unavailable_server(server: Server) -> None:
    with closing(Broker.open(server.url("wrong"))) as broker:
        with pytest.raises(BrokerLoginRefused):
            broker.ping()
        with pytest.raises(BrokerRefused, match="broker_url: login refused"):
            broker.check()


def test_the_api_refuses_to_start_with_a_wrong_login(server: Server, farm_of: Any) -> None:
    farm = farm_of(server.url("wrong"))
    farm._start("api", ["gonemaster_api.server", "api", "--listen", "127.0.0.1:0"], {})
    assert farm.processes.pop("api").wait(timeout=120) == 2
    assert "broker_url: login refused" in farm.log("api")
    assert "Traceback" not in farm.log("api")
    assert ":wrong@" not in farm.log("api")


@pytest.mark.parametrize("command", ["api", "worker"])
def test_a_wrong_login_of_postgresql_ends_the_start(broker: Broker, tmp_path: Path, command: str) -> None:
    with guarded_postgres("right") as (_, dsn):
        settings = StoreSettings(driver="postgres", dsn=f"{dsn}&password=wrong")
        with open_farm(broker, settings, tmp_path) as farm:
            listen = ["--listen", "127.0.0.1:0"] if command == "api" else []
            farm._start(command, ["gonemaster_api.server", command, *listen], {})
            assert farm.processes.pop(command).wait(timeout=120) == 2
            assert "password authentication failed" in farm.log(command)
            assert command == "worker" or "database.dsn: login refused" in farm.log(command)
            assert "Traceback" not in farm.log(command)
            assert "=wrong" not in farm.log(command)


def test_a_worker_behind_sentinels_that_want_a_user_and_a_password(server: Server, farm_of: Any) -> None:
    of_master = "sentinel auth-user gm gonemaster\nsentinel auth-pass gm old\n"
    watcher = "user watcher on >guard ~* &* +ping +sentinel +client|setinfo +auth +subscribe\nrequirepass other\n"
    with sentinel(server.directory, server.port, "gm", also=of_master + watcher, password="other") as port:
        url = f"sentinel://gonemaster:old@127.0.0.1:{port}/0?master_name=gm&sentinel_username=watcher"
        farm = farm_of(server.url("old"))  # the test itself does not need a Sentinel
        farm.environ["GONEMASTER_BROKER_URL"] = f"{url}&sentinel_password=guard"
        farm.start_worker("one")
        assert farm.run_of(farm.submit("behind.test")).status == "succeeded"
        farm.start_beat()
        wait_until(lambda: farm.broker.beat.active(), within_s=120, what="beat")
        assert "guard" not in farm.log("one") + farm.log("beat")


def test_the_login_of_sentinels_is_their_own(server: Server) -> None:
    of_master = "sentinel auth-user gm gonemaster\nsentinel auth-pass gm old\nrequirepass guard\n"
    with sentinel(server.directory, server.port, "gm", also=of_master, password="guard") as port:
        url = f"sentinel://gonemaster:old@127.0.0.1:{port}/0?master_name=gm"
        with closing(Broker.open(url)) as broker, pytest.raises(BrokerRefused):
            broker.check()
        with closing(Broker.open(f"{url}&sentinel_password=guard")) as broker:
            broker.check()
            assert broker.address.celery_options["sentinel_kwargs"]["password"] == "guard"
    assert "guard" not in mask_password(f"{url}&sentinel_password=guard")


@pytest.mark.slow
def test_the_password_of_redis_is_changed_while_jobs_run(server: Server, farm_of: Any) -> None:
    farm = farm_of(server.url("old"))
    farm.start_worker("one")
    load = Load(farm)
    load.submit(60)
    server.set_user(">new")
    farm.start_worker("two", GONEMASTER_BROKER_URL=server.url("new"))
    farm.stop("one")
    server.set_user("<old")
    server.admin.execute_command("CLIENT", "KILL", "USER", "gonemaster")  # so that all processes log in again
    with closing(Broker.open(server.url("old"))) as late, pytest.raises(BrokerLoginRefused):
        late.ping()
    farm.broker.close()
    farm.broker = Broker.open(server.url("new"))
    load.assert_each_ended_once()
    farm.broker.close()


@contextmanager
def guarded_postgres(password: str) -> Iterator[tuple[PostgresServer, str]]:
    """A server that requires a password, and the DSN without it."""
    with PostgresServer() as database:
        with database.cursor("postgres") as cursor:
            cursor.execute(f"CREATE ROLE gm LOGIN PASSWORD '{password}'")
            cursor.execute("CREATE DATABASE service OWNER gm")
            cursor.execute("SHOW hba_file")
            hba = Path(cursor.fetchone()[0])
            hba.write_text(f"local all gm scram-sha-256\n{hba.read_text()}")
            cursor.execute("SELECT pg_reload_conf()")
        yield database, f"postgresql://gm@/service?host={database.home}"


@pytest.mark.slow
def test_the_password_of_postgresql_is_changed_while_jobs_run(broker: Broker, tmp_path: Path) -> None:
    with (
        guarded_postgres("old") as (database, dsn),
        tempfile.TemporaryDirectory(prefix="gm-pass-", dir="/tmp") as name,
    ):
        home, passfile = database.home, Path(name) / "pgpass"
        _write_password(passfile, home, "old")
        settings = StoreSettings(driver="postgres", dsn=f"{dsn}&passfile={passfile}")
        with open_farm(broker, settings, tmp_path) as farm:
            upgrade(farm.store)
            farm.start_worker("one")
            load = Load(farm)
            load.submit(60)
            load.wait_until_running()
            with database.cursor("postgres") as cursor:
                cursor.execute("ALTER ROLE gm PASSWORD 'new'")
                cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gm'")
            wait_until(lambda: "is unavailable" in farm.log("one"), what="a connection is refused")
            _write_password(passfile, home, "new")
            load.assert_each_ended_once()
            assert farm.stop("one", signal.SIGTERM) == 0


def _write_password(passfile: Path, home: Path, password: str) -> None:
    new = passfile.with_suffix(".new")
    new.write_text(f"{home}:*:*:gm:{password}\n")
    new.chmod(0o600)
    new.replace(passfile)
