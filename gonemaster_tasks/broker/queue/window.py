"""The window of a tier: only its first queued jobs have messages, so the memory of Redis does not grow with a batch."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.connection import reachable, read_script
from gonemaster_tasks.broker.queue.messages import build_message
from gonemaster_tasks.queues import BATCH

WINDOWED = frozenset({BATCH})
DEFAULT_SIZE = 100_000  # messages
Outcome = Literal["moved", "full", "done"]


@dataclass(frozen=True, slots=True)
class QueueCut:
    """The end of a window: queued jobs after (position, job_id) have no message, all others have one.

    An empty ID sorts before all jobs of that position. The token differs after each change, so a process that has read
    a cut notices that another process has changed it or has relied on it.
    """

    position: int
    job_id: str
    text: str  # in Redis

    @classmethod
    def at(cls, position: int, job_id: str) -> "QueueCut":
        """Return a cut with a new token."""
        return cls(position, job_id, f"{position}:{job_id}:{secrets.token_hex(6)}")

    @property
    def key(self) -> tuple[int, str]:
        """The position and ID, which sort like the rows."""
        return self.position, self.job_id


START = -(2**63)  # the position of a cut before all jobs


class MessageWindow:
    """The cuts of the tiers in WINDOWED. All methods raise BrokerUnavailable.

    A tier without a cut is complete: each queued job has a message.
    """

    def __init__(self, client: Any, size: int) -> None:
        self._client = client
        self._extend = client.register_script(read_script("extend.lua"))
        self.size = size

    def cut(self, tier: str) -> QueueCut | None:
        """Return the cut of a tier, None if the tier is complete. An unreadable cut counts as one before all jobs."""
        if tier not in WINDOWED:
            return None
        with reachable():
            text = self._client.get(keys.cut(tier))
        return None if text is None else _parse(text)

    def end(self, tier: str) -> tuple[int, str] | None:
        """Return position and ID of the cut, None if the tier is complete."""
        cut = self.cut(tier)
        return None if cut is None else cut.key

    def extend(self, tier: str, job_ids: Sequence[str], *, cut: QueueCut | None, to: QueueCut | None) -> Outcome:
        """Append messages and replace the cut `cut`, which the caller has read, by `to`, in one step.

        Return "moved" if the cut is another one now, and "full" if the window has no room for all messages; both
        change nothing. At most 5,000 IDs, because Lua limits the number of arguments.
        """
        texts = ("" if cut is None else cut.text, "" if to is None else to.text)
        messages = (build_message(job_id, tier) for job_id in job_ids)
        with reachable():
            outcome: Outcome = self._extend(keys=[tier, keys.cut(tier)], args=[*texts, self.size, *messages])
        return outcome

    def replace(self, tier: str, cut: QueueCut | None, to: QueueCut | None) -> bool:
        """Replace a cut that the caller has read; return False if it is another one now."""
        return self.extend(tier, (), cut=cut, to=to) == "done"

    def reset(self, tier: str) -> None:
        """Set the cut before all jobs of a tier about to be rebuilt, so that other processes add no messages."""
        if tier in WINDOWED:
            with reachable():
                self._client.set(keys.cut(tier), QueueCut.at(START, "").text)

    def shorten(self, tier: str, messages: int, *, to: QueueCut) -> None:
        """Remove the last messages of a tier, which are after the cut `to`."""
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            pipe.lpop(tier, messages)
            pipe.set(keys.cut(tier), to.text)
            pipe.execute()


def _parse(text: str) -> QueueCut:
    position, _, rest = text.partition(":")
    try:
        return QueueCut(int(position), rest.partition(":")[0], text)
    except ValueError:
        return QueueCut(START, "", text)
