"""The order in which a worker's slots look at the queues, as kombu asks for it."""

from kombu.utils.scheduling import priority_cycle

from gonemaster_tasks.queues import ORDER
from gonemaster_tasks.worker.consume.gate import Gate

_gate: Gate | None = None
_REST_S = 1.0


def install(gate: Gate) -> None:
    """Make the order of this process follow a gate; kombu makes TierOrder itself, without arguments."""
    global _gate  # kombu knows the class by its path only
    _gate = gate


class TierOrder(priority_cycle):
    """Order of queues for kombu, asked before each BRPOP by the main thread: quick, and it never raises.

    It holds whatever the order of `-Q`, of control commands, and of pauses and resumptions was.
    """

    asked: list[str] = []  # noqa: RUF012 - replaced, never changed

    def consume(self, n: int) -> list[str]:
        """Return the queues for the next BRPOP; an empty list sends none."""
        self.asked = self._wanted(n)  # Redis acts on this answer up to a second later, so has_more compares with it
        return self.asked

    def partial(self, n: int) -> bool:
        """Whether a BRPOP sent now would leave some of the queues out."""
        return len(self._wanted(n)) < n

    def has_more(self, n: int) -> bool:
        """Whether more could be asked for than the last BRPOP did."""
        return not set(self._wanted(n)) <= set(self.asked)

    def refused(self) -> None:
        """Ask for nothing for a moment, after BRPOP was answered with an error."""
        if _gate is not None:
            _gate.rest(_REST_S)

    def _wanted(self, n: int) -> list[str]:
        names = self.items[:n]
        if _gate is None:  # no worker: who controls workers waits for their replies in a queue of its own
            return [*(name for name in ORDER if name in names), *(name for name in names if name not in ORDER)]
        return _gate.queues(names)
