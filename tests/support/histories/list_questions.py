"""Queries for lists: every filter and sort alone, combinations of them, and slices of the lists."""

from urllib.parse import quote, urlencode

from tests.support.histories import chance as material
from tests.support.histories import lists
from tests.support.histories.asking import ATTEMPTS, LONGEST_MS, PARTS, Asker, Options, Query, without_empty_range
from tests.support.histories.limits import Limits
from tests.support.histories.rows import FINISHED, LEVELS, UNFINISHED, DomainRow, TagRow
from tests.support.histories.steps import History

_LEVELS = (*LEVELS, "warning")
_TAGS = (*material.TAGS, "none")
_MESSAGE_TAGS = (*sorted({tag for _, _, tag in material.KINDS}), "NONE")
_FAR = 10**17  # an entry id that no store reaches


class ListQuestions(Asker):
    """Queries for jobs, runs, domains and tags."""

    def ask_jobs(self) -> None:
        now = self.history.now
        moments = self.instants("created_at")
        options: Options = {
            "status": (*UNFINISHED, *FINISHED),
            "batch_id": self.batch_ids(),
            "domain": PARTS,
            "severity": ("warnings_plus", "errors_only"),
            "created_after": moments,
            "created_before": moments,
            "min_duration_ms": self.durations_ms(),
            "min_attempts": ATTEMPTS,
        }
        total = len(self.reference.jobs) + len(self.reference.runs)
        witness = self._job_witness()
        for query in self.queries(options, tuple(lists.JOB_SORTS), mixed=4, witness=witness):
            parameters = without_empty_range(query, "created_after", "created_before") | self.cursor(total)
            self.expect("/jobs", parameters, lists.jobs(self.reference, parameters, now=now))
        for row in self.some(self.reference.jobs.values(), 2):
            self.expect(f"/jobs/{row.id}", {}, lists.job_with_estimate(self.reference, row, now))

    def _job_witness(self) -> Query:
        for run in self.some(self.reference.runs.values(), 1):
            found = {"status": run.status, "domain": run.domain[:2], "min_attempts": str(run.attempt)}
            found |= {} if run.duration_ms is None else {"min_duration_ms": str(min(run.duration_ms, LONGEST_MS))}
            return found if run.batch_id is None else found | {"batch_id": run.batch_id}
        return {}

    def ask_runs(self) -> None:
        moments = self.instants("finished")
        options: Options = {
            "tag": _TAGS,
            "event_tag": (*_MESSAGE_TAGS, ""),
            "domain": PARTS,
            "domain_exact": (*material.NAMES, "AB1.Example.", "nowhere.test"),
            "batch": self.batch_ids(),
            "status": FINISHED,
            "level": _LEVELS,
            "grade": (*material.GRADES, "Z"),
            "finished_after": moments,
            "finished_before": moments,
            "min_duration_ms": self.durations_ms(),
            "min_attempts": ATTEMPTS,
        }
        for _ in range(6):  # the only filter that reads the findings of runs
            self._ask_runs({"event_tag": self.chance.choice(_MESSAGE_TAGS)} | self.sort(lists.JOB_SORTS))
        witness = self._run_witness()
        for query in self.queries(options, tuple(lists.JOB_SORTS), mixed=6, witness=witness):
            self._ask_runs(without_empty_range(query, "finished_after", "finished_before"))

    def _run_witness(self) -> Query:
        for run in self.some((run for run in self.reference.runs.values() if run.lines), 1):
            found = {
                "event_tag": self.chance.choice(run.lines).tag,
                "domain": run.domain[:2],
                "domain_exact": run.domain,
                "status": run.status,
                "level": run.worst_level,
                "batch": run.batch_id,
                "grade": run.grade,
                "tag": next(iter(self.reference.tags_of(run.domain)), None),
                "min_duration_ms": None if run.duration_ms is None else str(min(run.duration_ms, LONGEST_MS)),
                "min_attempts": str(run.attempt),
            }
            return {name: value for name, value in found.items() if value is not None}
        return {}

    def _ask_runs(self, query: Query) -> None:
        parameters = query | self.slice(len(self.reference.runs))
        self.expect("/runs", parameters, lists.runs(self.reference, parameters))

    def ask_all_runs_and_domains(self) -> None:
        """Request whole lists, to compare all rows."""
        whole = {"limit": "500"}
        self.expect("/runs", whole, lists.runs(self.reference, whole))
        self.expect("/domains", whole, lists.domains(self.reference, whole))

    def ask_domains(self) -> None:
        options: Options = {
            "tag": (*_TAGS, "__none__"),
            "name": PARTS,
            "level": _LEVELS,
            "min_level": ("WARNING", "ERROR", "critical"),
        }
        for query in self.queries(options, tuple(lists.DOMAIN_SORTS), mixed=3, witness=self._domain_witness()):
            parameters = query | self.slice(len(self.reference.domains))
            self.expect("/domains", parameters, lists.domains(self.reference, parameters))
        for row in self.some(self.reference.domains.values(), 3):
            self._ask_domain(row)

    def _domain_witness(self) -> Query:
        for row in self.some(self.reference.domains.values(), 1):
            tags, latest = self.reference.tags_of(row.name), self.reference.latest(row.name)
            found = {"name": row.name[-4:], "tag": tags[0] if tags else "__none__"}
            return found | {"level": latest.worst_level} if latest and latest.worst_level else found
        return {}

    def _ask_domain(self, row: DomainRow) -> None:
        self.expect(f"/domains/{row.id}", {}, lists.domain_document(self.reference, row))
        query = self.sort(lists.JOB_SORTS) | self.slice(3)
        self.expect(f"/domains/{row.id}/runs", query, lists.runs(self.reference, query, domain=row.name))

    def ask_tags(self) -> None:
        part = self.slice(3)
        self.expect("/tags", part, lists.tags(self.reference, part))
        for tag in self.reference.tags.values():
            self._ask_tag(tag)

    def _ask_tag(self, tag: TagRow) -> None:
        path, part, now = f"/tags/{quote(tag.name, safe='')}", self.slice(3), self.history.now
        if tag.members:
            self.expect(f"{path}/summary", {}, lists.tag_summary(self.reference, tag.name))
        else:
            self.history.call("GET", f"{path}/summary", status=404)
        query = self.sort(lists.DOMAIN_SORTS) | self.slice(len(tag.members))
        self.expect(f"{path}/domains", query, lists.domains(self.reference, query, tag=tag.name))
        self.expect(f"{path}/batches", part, lists.batches(self.reference, part, now=now, tag=tag.name))


class EntryQuestions(Asker):
    """Queries for entries, as pages and as CSV."""

    def __init__(self, history: History, limits: Limits) -> None:
        super().__init__(history)
        self._limits = limits

    def ask_entries(self) -> None:
        options: Options = {
            "run": [*self.reference.runs, "job_none"],
            "domain": [str(row.id) for row in self.reference.domains.values()] or ["1"],
            "tag": _TAGS,
            "module": (*(module for module, _, _ in material.KINDS), "zone", "NONE"),
            "testcase": (*(testcase for _, testcase, _ in material.KINDS), "DNSSEC02", "none"),
            "entry_tag": _MESSAGE_TAGS,
            "level": _LEVELS,
            "latest": ("1", "true", "0"),
            "batch": self.batch_ids(),
        }
        for query in self.queries(options, (), mixed=7, witness=self._witness()):
            self._ask_page(query)
        witness = self._witness()
        for _ in range(7):
            self._ask_page(self.mixture(options, 2, witness))
        for count in (1, 2):
            self._ask_csv(self.mixture(options, count, witness))

    def _witness(self) -> Query:
        for run in self.some((run for run in self.reference.runs.values() if run.lines), 1):
            line = self.chance.choice(run.lines)
            tags = self.reference.tags_of(run.domain)
            return {
                "run": run.id,
                "domain": str(self.reference.domains[run.domain].id),
                "module": line.module.lower(),
                "testcase": line.testcase,
                "entry_tag": line.tag,
                "level": line.level,
                **({"tag": tags[0]} if tags else {}),
                **({"batch": run.batch_id} if run.batch_id else {}),
            }
        return {}

    def _ask_page(self, query: Query) -> None:
        matches = lists.matching_entries(self.reference, query)
        count_up_to = self.chance.choice((max(1, len(matches) - 1), max(1, len(matches)), 60))
        self._limits.count_entries_up_to(count_up_to)
        parameters = query | self.slice(len(matches))
        if self.chance.random() < 0.5:
            parameters["after"] = self._place(matches)
        self.expect("/entries", parameters, lists.entries(self.reference, parameters, count_up_to=count_up_to))

    def _place(self, matches: list[lists.Found]) -> str:
        """Return a position in the order of entries: of a match, of any entry, between entries, or of a deleted run."""
        places = ["job_.5", f"{self.chance.choice([*self.reference.removed, 'job_z'])}.7"]
        for run, number, _ in self.some(matches, 1):
            places += [f"{run.id}.{number}", f"{run.id}.{number - 1}"]
        for run in self.some((run for run in self.reference.runs.values() if run.entry_ids), 1):
            places += [f"{run.id}.{self.chance.choice(run.entry_ids)}", f"{run.id}.0", f"{run.id}.{_FAR}"]
        return self.chance.choice(places)

    def _ask_csv(self, query: Query) -> None:
        url = f"/entries?{urlencode(query | {'format': 'csv'})}"
        self.history.forget_recent()
        with self.history.client.get(f"/api/v1{url}") as found:
            assert found.status_code == 200
            assert found.get_data(as_text=True) == lists.entries_csv(self.reference, query), url
