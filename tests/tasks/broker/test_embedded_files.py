"""The embedded broker moves away files of another server program that it cannot read, and keeps those it can read."""

import logging
from pathlib import Path

import pytest

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import BATCH


def fill(server: EmbeddedRedis) -> None:
    """Leave a message in the files of a server, and stop it."""
    broker = Broker.open(server.url)
    broker.lists.enqueue("job_0001", BATCH)
    broker.close()
    server.stop()


def base_file(server: EmbeddedRedis) -> Path:
    (found,) = (server.directory / "appendonlydir").glob("*.base.rdb")
    return found


def waiting(server: EmbeddedRedis) -> list[str]:
    broker = Broker.open(server.url)
    found = list(broker.lists.waiting_ids(BATCH))
    broker.close()
    return found


def write_as_another(server: EmbeddedRedis, writer: str = "Redis server v=99.0.0") -> bytes:
    """Turn the files into those of a program with an unknown format; return the new base file."""
    content = base_file(server).read_bytes()
    digits = content.index(b"0")  # REDIS0011, VALKEY080: the digits after the name are the format version
    end = next(place for place in range(digits, len(content)) if not content[place : place + 1].isdigit())
    foreign = content[:digits] + b"9" * (end - digits) + content[end:]
    base_file(server).write_bytes(foreign)
    (server.directory / "written-by").write_text(writer)
    return foreign


def test_files_of_another_format_are_put_aside(own_redis: EmbeddedRedis, caplog: pytest.LogCaptureFixture) -> None:
    fill(own_redis)
    foreign = write_as_another(own_redis)
    with caplog.at_level(logging.WARNING):
        own_redis.adopt_files()
    (line,) = [record for record in caplog.records if "files quarantined" in record.getMessage()]
    assert "queue rebuilt from the database" in line.getMessage()
    assert line.__dict__["written_by"] == "Redis server v=99.0.0"
    (aside,) = (own_redis.directory / "unreadable" / "appendonlydir").glob("*.base.rdb")
    assert aside.read_bytes() == foreign
    own_redis.start()
    assert waiting(own_redis) == []


def test_files_of_another_program_that_can_be_read_are_kept(own_redis: EmbeddedRedis) -> None:
    fill(own_redis)
    (own_redis.directory / "written-by").write_text("Redis server v=1.0.0")
    own_redis.adopt_files()
    own_redis.start()
    assert waiting(own_redis) == ["job_0001"]
    assert not (own_redis.directory / "unreadable").exists()
    assert (own_redis.directory / "written-by").read_text() != "Redis server v=1.0.0"


def test_files_stay_where_they_are_if_they_are_not_the_reason(
    own_redis: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(own_redis)
    before = base_file(own_redis).read_bytes()
    command = own_redis.command()
    monkeypatch.setattr(own_redis, "command", lambda: [*command, "--no-such-option", "yes"])
    with pytest.raises(BrokerUnavailable, match="did not start"):
        own_redis.start()
    assert base_file(own_redis).read_bytes() == before
    monkeypatch.undo()
    own_redis.start()
    assert waiting(own_redis) == ["job_0001"]
