"""Random queries to the API about a history, and the comparison of each response with the reference."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from tests.support.histories.differences import difference
from tests.support.histories.rows import instant
from tests.support.histories.steps import History

Query = dict[str, str]
Options = Mapping[str, Sequence[str]]  # values by parameter
T = TypeVar("T")
PARTS = ("a", "AB", "_", "%", "example", ".test", "\\", "nowhere", "")  # of domain names
ATTEMPTS = ("0", "1", "2", "3", "1000")  # the least numbers of starts
LONGEST_MS = 86_400_000  # the greatest bound that the API accepts
_ABSENT_TIME = "2020-01-01T00:00:00Z"


class Asker:
    """Sends queries about one history."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.reference = history.reference
        self.chance = history.chance

    def expect(self, path: str, query: Query, expected: Any) -> None:
        """Send a query and compare the response; the message has the URL and the first difference."""
        url = f"{path}?{urlencode(query)}" if query else path
        wrong = difference(expected, self.history.call("GET", url))
        assert not wrong, f"GET {url}: {wrong}"

    def some(self, items: Iterable[T], most: int) -> list[T]:
        """Choose some of the items; all if there are few."""
        listed = list(items)
        return self.chance.sample(listed, min(most, len(listed)))

    def queries(self, options: Options, sorts: Sequence[str], *, mixed: int, witness: Query) -> Iterator[Query]:
        """Yield each parameter alone with one of its values, each sort, and combinations of parameters.

        `witness` has the values of one row, so that a combination of them matches it.
        """
        yield {}
        for name, values in options.items():
            yield {name: self.chance.choice(values)} | self.sort(sorts)
        for sort in sorts:
            yield {"sort": sort} | self.mixture(options, self.chance.choice((0, 0, 1, 2)), witness)
        for _ in range(mixed):
            yield self.mixture(options, self.chance.choice((2, 2, 3)), witness) | self.sort(sorts)

    def mixture(self, options: Options, count: int, witness: Query) -> Query:
        """Return some parameters, each usually with a value that matches the witness, sometimes with any value."""
        found = {}
        for name in self.chance.sample(list(options), min(count, len(options))):
            matching = name in witness and self.chance.random() < 0.7
            found[name] = witness[name] if matching else self.chance.choice(options[name])
        return found

    def sort(self, sorts: Iterable[str]) -> Query:
        """Return one of the sorts, or none."""
        return {"sort": self.chance.choice(list(sorts))} if sorts and self.chance.random() < 0.7 else {}

    def slice(self, total: int) -> Query:
        """Return a random slice of a list: usually its start, sometimes its middle, or a position after its end."""
        limit = {"limit": str(self.chance.choice((1, 2, 5, 10, 20, 100, 500)))}
        if self.chance.random() < 0.7:
            return limit
        offset = self.chance.choice((0, 1, 2, 5, total // 4, max(0, total - 1), total + 1))
        return limit | {"offset": str(offset)}

    def cursor(self, total: int) -> Query:
        """Return a slice of a list that also accepts cursors and page numbers."""
        draw = self.chance.randrange(4)
        if draw == 0:
            return {"page": str(self.chance.randint(1, 4)), "page_size": str(self.chance.choice((1, 5, 50)))}
        if draw == 1:
            return {"cursor": str(self.chance.randint(0, total)), "limit": "5"}
        return self.slice(total)

    def batch_ids(self) -> list[str]:
        """Return the ids of all batches and one id that does not exist."""
        return [*self.reference.batches, "batch_none"]

    def instants(self, attribute: str) -> list[str]:
        """Return the times of runs, so that some runs lie exactly on a bound."""
        moments = {getattr(run, attribute) for run in self.reference.runs.values()}
        return [instant(moment) or "" for moment in sorted(moments)] or [_ABSENT_TIME]

    def durations_ms(self) -> list[str]:
        """Return bounds of durations: those of runs, so that some runs lie exactly on a bound, none and the longest."""
        found = {run.duration_ms for run in self.reference.runs.values() if run.duration_ms is not None}
        return [str(bound) for bound in sorted(found | {0, LONGEST_MS}) if bound <= LONGEST_MS]


def without_empty_range(query: Query, after: str, before: str) -> Query:
    """Drop the start of a range that ends before it: the API rejects such a range."""
    empty = after in query and before in query and query[after] >= query[before]
    return {name: value for name, value in query.items() if not empty or name != after}
