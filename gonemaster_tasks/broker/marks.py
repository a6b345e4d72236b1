"""Flags between processes: copies of the pauses, and marks of changes that are in progress or done."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gonemaster_tasks.broker.connection import NOT_ALLOWED, reachable, server_time
from gonemaster_tasks.broker.keys import CHANGING, EPOCH, PAUSED, RECONCILE, SETTINGS, SUBMITTING


@dataclass(frozen=True)
class Controls:
    """The flags that a worker reads before it takes the next message."""

    paused: Mapping[str, float]  # tier to the POSIX time of the end of the pause, 0 for none
    epoch: str = ""  # The replication id for which the tiers were rebuilt; empty after Redis lost its content.
    reconcile_requested: bool = False  # Whether an immediate reconciliation is requested.
    settings_mark: str = ""  # as `Marks.settings_mark` returns it
    replication_id: str = ""  # Of Redis: replaced by each restart or promotion; empty without permission for INFO.

    @property
    def outdated(self) -> bool:
        """Whether the messages may differ from the rows: Redis is empty, or returned with older files."""
        return not self.epoch or self.replication_id not in ("", self.epoch)


class Marks:
    """Small keys that reflect the state of the database. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def set_controls(self, controls: Controls) -> None:
        """Replace the copy of the pauses; workers read it before they take a message."""
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            # One transaction, because a worker must not read an empty hash in between and start a paused tier.
            pipe.delete(PAUSED)
            if controls.paused:
                pipe.hset(PAUSED, mapping=dict(controls.paused))
            pipe.execute()

    def controls(self) -> Controls:
        """Return the copy of the pauses, the marks, and the replication id, all of the same server."""
        return self.read_with(lambda _: None)[0]

    def read_with(self, add: Callable[[Any], object]) -> tuple[Controls, list[Any]]:
        """Return the controls, and the replies to the commands that `add` appends to the pipeline."""
        with reachable(), self._client.pipeline(transaction=False) as pipe:
            pipe.info("replication")
            pipe.hgetall(PAUSED)
            pipe.get(EPOCH)
            pipe.exists(RECONCILE)
            pipe.get(SETTINGS)
            add(pipe)
            info, *replies = pipe.execute(raise_on_error=False)
            for reply in (*replies, *(() if isinstance(info, NOT_ALLOWED) else (info,))):
                if isinstance(reply, Exception):
                    raise reply
        paused, epoch, requested, mark, *others = replies
        replication_id = str(info.get("master_replid", "")) if isinstance(info, dict) else ""
        pauses = {tier: _time(until) for tier, until in paused.items()}
        return Controls(pauses, epoch or "", bool(requested), mark or "", replication_id), others

    def set_epoch(self, replication_id: str) -> None:
        """Record that the Redis with this replication id has no older messages in its tiers; empty if unknown."""
        with reachable():
            self._client.set(EPOCH, replication_id or secrets.token_hex(8))

    def publish_settings(self, mark: str) -> None:
        """Make all processes read the stored settings; `mark` is the mark in the database."""
        with reachable():
            # The token is unique: publishing the same mark again makes all processes read the settings again.
            self._client.set(SETTINGS, f"{mark}:{secrets.token_hex(4)}")

    def settings_mark(self) -> str:
        """Return the last published mark, empty if lost; it starts with the mark of the database and a colon."""
        with reachable():
            return self._client.get(SETTINGS) or ""

    def begin_change(self, tiers: Sequence[str]) -> list[str]:
        """Record that the order of tiers is being changed; return the tiers for which this was not recorded before."""
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            for tier in tiers:
                pipe.sadd(CHANGING, tier)
            return [tier for tier, new in zip(tiers, pipe.execute(), strict=True) if new]

    def end_change(self, tiers: Sequence[str]) -> None:
        """Record that the rows and messages of tiers are in the same order."""
        if tiers:
            with reachable():
                self._client.srem(CHANGING, *tiers)

    def changing(self) -> list[str]:
        """Return the tiers with a change of their order in progress or interrupted by a killed process."""
        with reachable():
            return sorted(self._client.smembers(CHANGING))

    def begin_submission(self, name: str, life: timedelta) -> None:
        """Record that messages of new rows are being sent, so that the reconciler waits; repeat before `life` ends."""
        with reachable():
            # Both sides use the server's time: a host with a wrong clock would hide its submission or block others.
            self._client.zadd(SUBMITTING, {name: server_time(self._client) + life.total_seconds()})

    def end_submission(self, name: str) -> None:
        """Record that all messages of a submission are in the queue."""
        with reachable():
            self._client.zrem(SUBMITTING, name)

    def submissions(self) -> int:
        """Return the number of submissions in progress."""
        with reachable(), self._client.pipeline(transaction=False) as pipe:
            pipe.zremrangebyscore(SUBMITTING, "-inf", server_time(self._client))
            pipe.zcard(SUBMITTING)
            return int(pipe.execute()[1])


def _time(text: str) -> float:
    """Parse the end of a pause; an invalid value means no end, until the pauses are copied again."""
    try:
        return float(text)
    except ValueError:
        return 0.0
