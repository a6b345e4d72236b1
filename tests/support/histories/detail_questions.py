"""Queries about single runs and batches: results, chains, differences, previews, values of a tag."""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any
from urllib.parse import urlencode

from tests.support.histories import chance as material
from tests.support.histories import lists, shapes
from tests.support.histories.asking import ATTEMPTS, PARTS, Asker, Query, without_empty_range
from tests.support.histories.differences import difference
from tests.support.histories.limits import LONGEST
from tests.support.histories.rows import FINISHED, LEVELS, UNFINISHED, RunRow

Ask = Callable[[RunRow], None]
_KINDS = ("", "", "changed", "only_before", "only_after", "not_comparable")


class RunQuestions(Asker):
    """Queries about runs; the first read of a run without a score stores it."""

    def ask_results(self) -> None:
        for run in self.some(self.reference.runs.values(), 6):
            results: list[Ask] = [partial(self._ask_result, kind) for kind in ("runs", "jobs")]
            asks = [self._ask_run, self._ask_job, *results]
            for ask in self.some(asks, len(asks)):
                ask(run)
            self._ask_chain(run)
        for run_id in self.some(self.reference.removed, 1):
            for path in (f"/runs/{run_id}", f"/jobs/{run_id}/result", f"/runs/{run_id}/dnssec-chain"):
                self.history.call("GET", path, status=404)

    def _ask_run(self, run: RunRow) -> None:
        self.expect(f"/runs/{run.id}", {}, shapes.read_run(self.reference, run))

    def _ask_result(self, kind: str, run: RunRow) -> None:
        locale = self.chance.choice(material.LOCALES)
        self.expect(f"/{kind}/{run.id}/result", {"locale": locale}, shapes.result(run, locale))

    def _ask_job(self, run: RunRow) -> None:
        self.expect(f"/jobs/{run.id}", {}, lists.run_as_job(run))

    def _ask_chain(self, run: RunRow) -> None:
        path = f"/runs/{run.id}/dnssec-chain"
        if run.chain is None:
            self.history.call("GET", path, status=404)
        else:
            self.expect(path, {}, run.chain)

    def ask_differences(self) -> None:
        for before, after in self.some(product(self.some(self.reference.runs.values(), 3), repeat=2), 4):
            query = {"min_level": self.chance.choice(LEVELS), "args": self.chance.choice(("true", "false"))}
            expected = shapes.run_difference(before, after, query["min_level"], args=query["args"] == "true")
            self.expect(f"/runs/{before.id}/diff/{after.id}", query, shapes.with_causes(expected, before, after))


class BatchQuestions(Asker):
    """Queries about batches."""

    def ask_batches(self) -> None:
        now = self.history.now
        labels = ("", "M", "ine", "%", "_", "of März", "none")
        searches = ("", "survey", "MOVE", "ine", "%", "_", "of März", "batch_", *self.some(self.reference.batches, 1))
        for query in self.queries({"label": labels, "search": searches}, (), mixed=1, witness={}):
            parameters = query | self.slice(len(self.reference.batches))
            self.expect("/batches", parameters, lists.batches(self.reference, parameters, now=now))
        for batch_id in self.some(self.reference.batches, 4):
            self._ask_batch(batch_id)
            preview = shapes.deletion_preview(self.reference, batch_id)
            self.expect(f"/batches/{batch_id}/delete-preview", {}, preview)

    def _ask_batch(self, batch_id: str) -> None:
        moments = self.instants("created_at")
        options = {
            "status": (*UNFINISHED, *FINISHED),
            "domain": PARTS,
            "severity": ("warnings_plus", "errors_only"),
            "created_after": moments,
            "created_before": moments,
            "min_duration_ms": self.durations_ms(),
            "min_attempts": ATTEMPTS,
        }
        query = self.mixture(options, self.chance.choice((0, 0, 1, 2)), {}) | self.sort(lists.JOB_SORTS)
        total = len(self.reference.runs_of(batch_id))
        query = without_empty_range(query, "created_after", "created_before") | self.cursor(total)
        expected = lists.batch(self.reference, batch_id, query, now=self.history.now)
        self.expect(f"/batches/{batch_id}", query, expected)

    def ask_differences(self) -> None:
        """Compare the two batches that share the most domains, and some other pairs."""
        pairs = sorted(
            product(self.reference.batches, self.reference.batches), key=self._compared_domains, reverse=True
        )
        for before, after in pairs[:2] + self.some(pairs, 4):
            self._ask_difference(before, after)

    def _compared_domains(self, pair: tuple[str, str]) -> int:
        """Count the domains whose findings are compared; a batch is not compared with itself."""
        before, after = ({run.domain for run in self.reference.runs_of(batch) if run.lines} for batch in pair)
        return len(before & after) if pair[0] != pair[1] else 0

    def _ask_difference(self, before: str, after: str) -> None:
        """Read all pages: the store decides where a page ends, but no page exceeds the limit."""
        level, kind = self.chance.choice(LEVELS), self.chance.choice(_KINDS)
        args = self.chance.choice((True, False))
        query = {"min_level": level, "limit": str(self.chance.choice((1, 3, 100)))} | ({"kind": kind} if kind else {})
        query |= {"args": "true"} if args else {}
        expected = shapes.batch_difference(self.reference, before, after, level, args=args)
        expected["items"] = [item for item in expected["items"] if kind in ("", item["kind"])]
        url = f"/batches/{before}/diff/{after}?{urlencode(query)}"
        wrong = difference(expected, self._walk(url, int(query["limit"])))
        assert not wrong, f"GET {url}: {wrong}"

    def _walk(self, url: str, limit: int) -> dict[str, Any]:
        first = found = self.history.call("GET", url)
        items = list(found["items"])
        while "next_after" in found:
            assert len(found["items"]) <= limit
            found = self.history.call("GET", f"{url}&{urlencode({'after': found['next_after']})}")
            assert "counts" not in found
            items += found["items"]
        return {name: value for name, value in first.items() if name not in ("limit", "next_after")} | {"items": items}

    def ask_tag_values(self) -> None:
        """Query tag values. Half of the finished batches get new statistics first, as earlier reads made theirs
        stale."""
        for batch_id in self.some(self.reference.batches, 6):
            if not self.reference.jobs_of(batch_id) and self.chance.random() < 0.5:
                self.history.count_values(batch_id)
            for _ in range(3):
                self._ask_tag_value(batch_id)

    def _ask_tag_value(self, batch_id: str) -> None:
        path, query = f"/batches/{batch_id}/tag-values", self._tag_value_query(batch_id)
        if self.reference.jobs_of(batch_id):
            self.history.call("GET", f"{path}?{urlencode(query)}", status=409)
        else:
            self.expect(path, query, shapes.tag_values(self.reference, batch_id, query))

    def _tag_value_query(self, batch_id: str) -> Query:
        tag, argument = self._tag_and_argument(batch_id)
        return {
            "tag": tag,
            "arg": argument,
            "min_count": str(self.chance.choice((1, 1, 2))),
            "limit": str(self.chance.choice((1, LONGEST, 50))),
            "weight_by_score": self.chance.choice(("true", "false")),
        }

    def _tag_and_argument(self, batch_id: str) -> tuple[str, str]:
        """Return usually a pair that runs of the batch have, often the one with the most values."""
        values: dict[tuple[str, str], set[str]] = {}
        for line in (line for run in self.reference.runs_of(batch_id) for line in run.lines):
            for name, value in line.args.items():
                values.setdefault((line.tag, name), set()).add(repr(value))
        pairs = sorted(values, key=lambda pair: (len(values[pair]), pair))
        if not pairs or self.chance.random() < 0.2:
            return self.chance.choice(material.KINDS)[2], self.chance.choice((*material.ARGUMENTS, "none"))
        return pairs[-1] if self.chance.random() < 0.5 else self.chance.choice(pairs)
