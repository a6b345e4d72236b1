"""What can be watched: the latest texts of a job or batch, made once for all its viewers."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gonemaster_api.streams.texts import END_ID, counts_id, counts_text, done_text, event_texts, is_finished
from gonemaster_tasks.broker.events import JobEvent

_KEPT = 100  # events of a job in memory; earlier ones are in Redis
_LAST_ID = f"{2**64}-0"  # behind all ids of Redis


@dataclass(eq=False)
class Viewer:
    """One open stream. `is_over` says when it may see no more; `after` is the id of the last event that it was sent."""

    is_over: Callable[[], bool]
    after: str
    sent_at: float = 0.0
    is_quiet: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Topic:
    """The texts of one job or batch, the newest last, each with its id."""

    def __init__(self, kept: int) -> None:
        self.viewers: set[Viewer] = set()
        self.has_ended = False
        self.texts: deque[tuple[str, bytes]] = deque(maxlen=kept)

    def wake(self) -> None:
        """Let the viewers look for texts."""
        for viewer in self.viewers:
            viewer.woken.set()


class JobTopic(Topic):
    """The newest events of a job, up to `cursor`: all that are behind `floor`."""

    def __init__(self) -> None:
        super().__init__(_KEPT)
        self.floor = self.cursor = "0"

    def add(self, events: Sequence[JobEvent]) -> None:
        """Take events that were read behind the cursor."""
        for event in events:
            if len(self.texts) == _KEPT:
                self.floor = self.texts[0][0]
            self.texts.append((event.id, event_texts([event]).encode()))
            self.cursor = event.id
            if event.type == "done":
                self.has_ended = True
                break
        self.wake()

    def end(self, status: str) -> None:
        """Take the end from the database: its event was lost."""
        if not self.has_ended:
            self.texts.append((_LAST_ID, done_text(status).encode()))
            self.has_ended = True
            self.wake()

    def has_all_for(self, viewer: Viewer) -> bool:
        """Return whether all that is behind the position of a viewer is here."""
        return position_of(viewer.after) >= position_of(self.floor)

    async def next(self, viewer: Viewer) -> bytes:
        """Return what is behind the position of a viewer, and move the viewer."""
        position, found = position_of(viewer.after), []
        for identity, text in reversed(self.texts):
            if position_of(identity) <= position:
                break
            found.append(text)
        if found:
            viewer.after = self.texts[-1][0]
        return found[0] if len(found) == 1 else b"".join(reversed(found))


class BatchTopic(Topic):
    """The latest counts of a batch."""

    def __init__(self) -> None:
        super().__init__(1)

    def add(self, counts: Mapping[str, int] | None, is_deleted: bool) -> None:
        """Take the latest counts, None before the first ones."""
        if is_deleted:
            self._set("deleted", done_text("deleted"), ends=True)
        elif counts is not None:
            self._set(counts_id(counts), counts_text(counts), ends=is_finished(counts))

    def _set(self, identity: str, text: str, *, ends: bool) -> None:
        if self.has_ended or (self.texts and self.texts[-1][0] == identity and not ends):
            return
        self.texts.append((END_ID if ends else identity, text.encode()))
        self.has_ended = ends
        self.wake()

    async def next(self, viewer: Viewer) -> bytes:
        """Return the counts unless a viewer has seen them."""
        if not self.texts or viewer.after == self.texts[-1][0]:
            return b""
        viewer.after = self.texts[-1][0]
        return self.texts[-1][1]


def position_of(event_id: str) -> tuple[int, int]:
    """Return an id of Redis as numbers; "0" is before the first event."""
    milliseconds, _, number = event_id.partition("-")
    return int(milliseconds), int(number or 0)
