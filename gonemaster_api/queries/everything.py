"""A search over domains, tags, batches and runs, and what an installation already has."""

from dataclasses import dataclass

from gonemaster_api.queries.workers import read_workers
from gonemaster_api.state import State
from gonemaster_db.batches.batches import list_batches
from gonemaster_db.core.errors import JobNotFound
from gonemaster_db.core.filters import DomainFilter
from gonemaster_db.domains.domain_list import list_domains
from gonemaster_db.domains.tags import find_tag_names
from gonemaster_db.queue.jobs import find_job_or_run, has_tests

_MOST = 6
_FIRST_RUN_LIFE_S = 5.0


@dataclass(frozen=True)
class SearchResults:
    """The names that match a search, at most six of each kind."""

    domains: list[str]
    tags: list[str]
    batches: list[tuple[str, str]]  # ID and name
    jobs: list[tuple[str, str]]  # ID and domain


def search_everything(state: State, text: str) -> SearchResults:
    """Return what matches: parts of names of domains, tags and batches, and whole IDs of jobs."""
    part = text.strip().lower()
    if not part:
        return SearchResults([], [], [], [])
    with state.store.read_only() as session:
        domains = list_domains(session, DomainFilter(name=part), sort="name_asc", limit=_MOST, offset=0)
        batches = list_batches(session, search=part, limit=_MOST)
        try:
            job = find_job_or_run(session, text.strip())
            jobs = [(job.id, job.domain)]
        except JobNotFound:
            jobs = []
        return SearchResults(
            [domain.name for domain in domains.items],
            list(find_tag_names(session, part, limit=_MOST)),
            [(item.batch.id, item.batch.name or item.batch.description or item.batch.id) for item in batches.items],
            jobs,
        )


@dataclass(frozen=True)
class FirstRun:
    """The first steps that an installation has done."""

    has_tests: bool
    has_lists: bool
    has_batches: bool
    has_workers: bool
    has_tokens: bool

    @property
    def is_over(self) -> bool:
        """Whether the first steps that everyone needs are done."""
        return self.has_tests and self.has_lists and self.has_batches


def read_first_run(state: State) -> FirstRun:
    """Return the first steps that are done, at most five seconds old."""

    def read() -> FirstRun:
        workers = read_workers(state) or ()
        with state.store.read_only() as session:
            batches = bool(list_batches(session, limit=1).items)
            lists = batches or bool(find_tag_names(session, "", limit=1))
            return FirstRun(
                has_tests=has_tests(session),
                has_lists=lists,
                has_batches=batches,
                has_workers=len(workers) > 1,
                has_tokens=state.keyring.mode() != "open",
            )

    found: FirstRun = state.recent.get("first-run", read, life_s=_FIRST_RUN_LIFE_S)
    return found
