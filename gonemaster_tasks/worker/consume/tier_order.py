"""The order in which a worker polls the queues, in the form that kombu requires."""

from kombu.utils.scheduling import priority_cycle

from gonemaster_tasks.queues import ORDER
from gonemaster_tasks.worker.consume.gate import Gate

_gate: Gate | None = None


def install(gate: Gate | None) -> None:
    """Set the gate that the queue order of this process follows, None for none: kombu creates TierOrder itself."""
    global _gate  # kombu knows the class only by its path.
    _gate = gate


class TierOrder(priority_cycle):
    """The queue order for kombu, which the main thread queries before each BRPOP: fast, never raises.

    The order is independent of the order of `-Q`, of control commands, pauses and resumptions.
    """

    requested: list[str] = []  # noqa: RUF012 - replaced, never changed

    def consume(self, n: int) -> list[str]:
        """Return the queues for the next BRPOP; an empty list sends none."""
        if _gate is not None:
            _gate.polls += 1
        self.requested = self._order(n)  # Redis acts on this reply up to a second later, so has_more compares with it.
        return self.requested

    def partial(self, n: int) -> bool:
        """Whether a BRPOP sent now would omit some of the queues."""
        return len(self._order(n)) < n

    def has_more(self, n: int) -> bool:
        """Whether more queues are allowed now than in the last BRPOP."""
        return not set(self._order(n)) <= set(self.requested)

    def received(self) -> None:
        """Count a message that BRPOP returned."""
        if _gate is not None:
            _gate.received += 1

    def needs_server(self) -> bool:
        """Whether the gate must identify the Redis of its connection again."""
        return _gate is not None and not _gate.is_connected_to_rebuilt()

    def connected(self, replication_id: str) -> None:
        """Record in the gate the Redis to which BRPOP is sent."""
        if _gate is not None:
            _gate.connect(replication_id)

    def refused(self, reason: str) -> None:
        """Request no queue for a moment, after BRPOP returned an error."""
        if _gate is not None:
            _gate.refuse(reason)

    def accepted(self) -> None:
        """Record that BRPOP returned no error."""
        if _gate is not None:
            _gate.refusal = ""

    def _order(self, n: int) -> list[str]:
        names = self.items[:n]
        # This process is not a worker but a client that controls workers: it waits for replies in a separate queue.
        if _gate is None:
            return [*(name for name in ORDER if name in names), *(name for name in names if name not in ORDER)]
        return _gate.queues(names)
