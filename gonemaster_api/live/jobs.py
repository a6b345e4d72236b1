"""The viewers of jobs: those of one job who have seen the same events are served by one reading."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gonemaster_api.live.texts import Piece, event_texts
from gonemaster_api.live.viewers import Viewer
from gonemaster_tasks.broker.events import EventCursor, JobEvent

PAGE = 100  # events of a job that one reading gives


@dataclass(frozen=True)
class Delivery:
    """A piece for some viewers; `last`: it ends their streams."""

    viewers: tuple[Viewer, ...]
    piece: Piece
    last: bool = False


class JobViewers:
    """Viewers by job and by the id of the last event that they were sent. Not safe in threads."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[str, set[Viewer]]] = {}

    @property
    def jobs(self) -> list[str]:
        """The ids of the jobs that are watched."""
        return list(self._groups)

    def add(self, viewer: Viewer) -> None:
        """Add a viewer at its position."""
        self._groups.setdefault(viewer.topic, defaultdict(set))[viewer.position].add(viewer)

    def discard(self, viewer: Viewer) -> None:
        """Leave a viewer out."""
        groups = self._groups.get(viewer.topic, {})
        group = groups.get(viewer.position, set())
        group.discard(viewer)
        if not group:
            groups.pop(viewer.position, None)
        if not groups:
            self._groups.pop(viewer.topic, None)

    def of(self, job_id: str) -> tuple[Viewer, ...]:
        """Return the viewers of a job."""
        return tuple(viewer for group in self._groups.get(job_id, {}).values() for viewer in group)

    def cursors(self) -> list[EventCursor]:
        """Return what is to be read: the positions of all viewers that have taken what they were sent.

        A viewer that has not stays where it is: what it has not seen waits in Redis, not here.
        """
        return [
            EventCursor(job_id, position)
            for job_id, groups in self._groups.items()
            for position, group in groups.items()
            if any(viewer.outlet.ready for viewer in group)
        ]

    def advance(self, read: Iterable[tuple[EventCursor, list[JobEvent]]]) -> Iterator[Delivery]:
        """Take what was read, and yield what each group of viewers gets."""
        idle: dict[str, list[str]] = defaultdict(list)
        for cursor, events in read:
            if events:
                yield from self._move(cursor, events)
            else:
                idle[cursor.job_id].append(cursor.after)
        for job_id, positions in idle.items():
            self._merge(job_id, positions)

    def _move(self, cursor: EventCursor, events: list[JobEvent]) -> Iterator[Delivery]:
        group = self._groups.get(cursor.job_id, {}).get(cursor.after, set())
        served = tuple(viewer for viewer in group if viewer.outlet.ready)
        end = next((place for place, event in enumerate(events) if event.type == "done"), None)
        shown = events if end is None else events[: end + 1]
        for viewer in served:
            self.discard(viewer)
            if end is None:
                viewer.position = events[-1].id
                self.add(viewer)
        if served:
            yield Delivery(served, Piece(event_texts(shown)), last=end is not None)

    def _merge(self, job_id: str, positions: list[str]) -> None:
        """Put together who waits for the same: nothing is behind any of these positions, so nothing is between them.

        Else clients that claim to have seen different events would each cost a reading for as long as they watch.
        """
        first, *others = sorted(positions, key=_order)
        for position in others:
            for viewer in tuple(self._groups.get(job_id, {}).get(position, ())):
                self.discard(viewer)
                viewer.position = first
                self.add(viewer)


def _order(position: str) -> tuple[int, ...]:
    return tuple(int(part) for part in position.split("-"))
