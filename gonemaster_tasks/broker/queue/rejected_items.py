"""Invalid items that other programs wrote under our queue names: moved aside so that they do not block a consumer."""

import json
import logging
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import redis

from gonemaster_tasks.broker.connection import reachable, server_time
from gonemaster_tasks.broker.keys import REJECTED, TYPES

log = logging.getLogger(__name__)

KEPT = 100
_MAX_CHARACTERS = 2000  # characters of an item
_LIFE = timedelta(days=1)  # From the last item on; the queue health reports it for this long.


@dataclass(frozen=True)
class RejectedItem:
    """An item removed from a queue: the start of its text, the reason, and the time (POSIX seconds)."""

    queue: str
    reason: str
    item: str
    at: float


class RejectedItems:
    """The last hundred rejected items. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def add(self, queue: str, item: bytes | str, reason: str) -> None:
        """Store an item that was removed from a queue."""
        text = item if isinstance(item, str) else item[: 4 * _MAX_CHARACTERS].decode(errors="backslashreplace")
        with reachable():
            rejected = RejectedItem(queue, reason, text[:_MAX_CHARACTERS], server_time(self._client))
            self._push(rejected)
        log.error("invalid queue item rejected", extra={"queue": queue, "reason": reason, "kept_in": REJECTED})

    def newest(self) -> RejectedItem | None:
        """Return the item rejected last."""
        with reachable():
            texts = self._client.lrange(REJECTED, 0, 0)
        return _item(texts[0]) if texts else None

    def count(self) -> int:
        """Return the number of stored items, at most a hundred; all items expire a day after the last one was added."""
        with reachable():
            return int(self._client.llen(REJECTED))

    def quarantine_wrong_types(self) -> Sequence[str]:
        """Rename our keys that have a wrong type; return their names. Cheap if there are none."""
        with reachable():
            with self._client.pipeline(transaction=False) as pipe:
                for name in TYPES:
                    pipe.type(name)
                types = dict(zip(TYPES, pipe.execute(), strict=True))
            wrong = [name for name, found in types.items() if found not in ("none", TYPES[name])]
            for name in wrong:
                self._rename(name, types[name])
        return wrong

    def _rename(self, name: str, found: str) -> None:
        aside = f"{REJECTED}:{name}:{secrets.token_hex(4)}"
        try:
            self._client.rename(name, aside)
        except redis.ResponseError:  # Another process was faster.
            if self._client.exists(name):
                raise
            return
        self._client.expire(aside, _LIFE)
        reason = f"the key was a {found}, not a {TYPES[name]}; it is now {aside}"
        self._push(RejectedItem(name, reason, "", server_time(self._client)))
        log.error("key of a wrong type renamed", extra={"key": name, "type": found, "kept_in": aside})

    def _push(self, item: RejectedItem) -> None:
        with self._client.pipeline(transaction=True) as pipe:
            pipe.lpush(REJECTED, json.dumps(asdict(item)))
            pipe.ltrim(REJECTED, 0, KEPT - 1)
            pipe.expire(REJECTED, _LIFE)
            pipe.execute()


def _item(text: str) -> RejectedItem | None:
    try:
        return RejectedItem(**json.loads(text))
    except (ValueError, TypeError):
        return None
