"""Faults in which a real Redis answers with an error; an administrator's connection causes and removes each."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.support.workers import wait_until

ENDLESS = "while true do end"


def _administrator(server: EmbeddedRedis) -> Any:
    """Return a login that no fault affects."""
    client: Any = redis.Redis(unix_socket_path=str(server.socket), decode_responses=True)
    client.acl_setuser("administrator", enabled=True, nopass=True, categories=["+@all"], keys=["*"], channels=["*"])
    client.close()
    return redis.Redis(unix_socket_path=str(server.socket), username="administrator", password="-", socket_timeout=30)


def busy(admin: Any, server: EmbeddedRedis) -> Iterator[None]:
    """Run a script that does not end."""
    admin.config_set("busy-reply-threshold", 20)
    runner = threading.Thread(target=_run_endless_script, args=(server,), daemon=True)
    runner.start()
    wait_until(lambda: "BUSY" in _reply(admin, "GET", "k"), what="BUSY")
    yield
    admin.execute_command("SCRIPT", "KILL")
    runner.join(20)


def _run_endless_script(server: EmbeddedRedis) -> None:
    client: Any = redis.Redis(unix_socket_path=str(server.socket), username="administrator", password="-")
    try:
        client.eval(ENDLESS, 0)
    except redis.RedisError:
        return
    finally:
        client.close()


def oom(admin: Any, server: EmbeddedRedis) -> Iterator[None]:
    """Fill the memory, with eviction disabled."""
    admin.config_set("maxmemory", 1)
    yield
    admin.config_set("maxmemory", 0)


def noperm(admin: Any, server: EmbeddedRedis) -> Iterator[None]:
    """Revoke the rights of our login."""
    admin.execute_command("ACL", "SETUSER", "default", "-@all")
    yield
    admin.execute_command("ACL", "SETUSER", "default", "+@all")


def wrongpass(admin: Any, server: EmbeddedRedis) -> Iterator[None]:
    """Set an unknown password, and end our connections."""
    admin.execute_command("ACL", "SETUSER", "default", "resetpass", ">other")
    admin.execute_command("CLIENT", "KILL", "USER", "default")
    yield
    admin.execute_command("ACL", "SETUSER", "default", "nopass")


def readonly(admin: Any, server: EmbeddedRedis) -> Iterator[None]:
    """Make the server the replica of an unavailable one."""
    admin.execute_command("REPLICAOF", "127.0.0.1", "1")
    yield
    admin.execute_command("REPLICAOF", "NO", "ONE")


def masterdown(admin: Any, server: EmbeddedRedis) -> Iterator[None]:
    """Make the server read-only as `readonly` does, and refuse to serve stale data."""
    admin.config_set("replica-serve-stale-data", "no")
    yield from readonly(admin, server)


def misconf(admin: Any, server: EmbeddedRedis) -> Iterator[None]:
    """Make saving fail: the file name is that of a directory, which fails for root as well."""
    obstacle = server.directory / "dump.rdb"
    obstacle.mkdir()
    (obstacle / "file").touch()
    admin.config_set("save", "3600 1000000")
    admin.set("something", "to save")
    admin.bgsave()
    wait_until(lambda: admin.info("persistence")["rdb_last_bgsave_status"] != "ok", what="a failed save")
    yield
    admin.config_set("save", "")  # otherwise the server would refuse to stop


FAULTS = {fault.__name__: fault for fault in (busy, oom, noperm, wrongpass, readonly, masterdown, misconf)}


@contextmanager
def answering_with(name: str, server: EmbeddedRedis) -> Iterator[None]:
    """Let a server answer with this error during the block."""
    admin = _administrator(server)
    try:
        yield from FAULTS[name](admin, server)
    finally:
        admin.close()


def _reply(client: Any, *command: str) -> str:
    try:
        return str(client.execute_command(*command))
    except redis.RedisError as error:
        return str(error)
