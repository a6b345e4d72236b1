"""What processes let each other know: copies of the pauses, and marks of changes that are under way or done."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gonemaster_tasks.broker.connection import reachable, server_time
from gonemaster_tasks.broker.keys import CHANGING, EPOCH, PAUSED, RECONCILE, SETTINGS, SUBMITTING


@dataclass(frozen=True)
class Controls:
    """What a worker looks at before it takes the next message."""

    paused: Mapping[str, float]  # tier to the POSIX time of the end of the pause, 0 for none
    epoch: str = ""  # empty after Redis lost its content
    wanted: bool = False  # whether a reconciliation is wanted at once
    settings_mark: str = ""  # as `Marks.settings_mark` returns it


class Marks:
    """Small keys that say what the database says, or that the two may differ. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def set_controls(self, controls: Controls) -> None:
        """Replace the copy of the pauses; workers read it before they take a message."""
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            # In one transaction: a worker that reads in between must not see an empty set and start a paused tier.
            pipe.delete(PAUSED)
            if controls.paused:
                pipe.hset(PAUSED, mapping=dict(controls.paused))
            pipe.execute()

    def controls(self) -> Controls:
        """Read the copy of the pauses, the epoch, the mark of the settings, and whether a reconciliation is wanted."""
        with reachable(), self._client.pipeline(transaction=False) as pipe:
            pipe.hgetall(PAUSED)
            pipe.get(EPOCH)
            pipe.exists(RECONCILE)
            pipe.get(SETTINGS)
            paused, epoch, wanted, mark = pipe.execute()
        return Controls({tier: _time(until) for tier, until in paused.items()}, epoch or "", bool(wanted), mark or "")

    def set_epoch(self, epoch: str) -> None:
        """Mark the content of Redis as complete. The mark is lost with the content, and so shows that it was lost."""
        with reachable():
            self._client.set(EPOCH, epoch)

    def publish_settings(self, mark: str) -> None:
        """Let all processes read the stored settings; `mark` is that of the database."""
        with reachable():
            # A token of its own: to publish the same mark again makes everybody read again.
            self._client.set(SETTINGS, f"{mark}:{secrets.token_hex(4)}")

    def settings_mark(self) -> str:
        """Return what was published last, empty if it is lost; it begins with the mark of the database and a colon."""
        with reachable():
            return self._client.get(SETTINGS) or ""

    def begin_change(self, tiers: Sequence[str]) -> list[str]:
        """Note that the order of tiers is being changed; return those for which this was not noted before."""
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            for tier in tiers:
                pipe.sadd(CHANGING, tier)
            return [tier for tier, new in zip(tiers, pipe.execute(), strict=True) if new]

    def end_change(self, tiers: Sequence[str]) -> None:
        """Note that rows and messages of tiers are in the same order."""
        if tiers:
            with reachable():
                self._client.srem(CHANGING, *tiers)

    def changing(self) -> list[str]:
        """List the tiers whose order is being changed, or was when the process that changed it was killed."""
        with reachable():
            return sorted(self._client.smembers(CHANGING))

    def begin_submission(self, name: str, life: timedelta) -> None:
        """Note that messages of new rows are under way, so that the reconciler waits; repeat before `life` ends."""
        with reachable():
            # The server's clock on both sides: a host with a wrong one would hide its submission, or block reconciling.
            self._client.zadd(SUBMITTING, {name: server_time(self._client) + life.total_seconds()})

    def end_submission(self, name: str) -> None:
        """Note that all messages of a submission are in the queue."""
        with reachable():
            self._client.zrem(SUBMITTING, name)

    def submissions(self) -> int:
        """Count the submissions whose messages are under way."""
        with reachable(), self._client.pipeline(transaction=False) as pipe:
            pipe.zremrangebyscore(SUBMITTING, "-inf", server_time(self._client))
            pipe.zcard(SUBMITTING)
            return int(pipe.execute()[1])


def _time(text: str) -> float:
    """Read the end of a pause; what is no time counts as no end, until the pauses are copied again."""
    try:
        return float(text)
    except ValueError:
        return 0.0
