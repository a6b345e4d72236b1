"""Check of a batch before submission: invalid names, and the coverage of its snapshots."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.jobs import CheckedNames, read_names
from gonemaster_db.analysis.cohorts import list_cohorts
from gonemaster_db.domains.tags import count_tag_domains, count_tagged, iter_tag_domains

_NOTHING = CheckedNames(read_names(()).names)


@dataclass(frozen=True)
class Coverage:
    """The number of a cohort's domains that a batch would test; its snapshot has only these domains."""

    label: str
    tested: int
    members: int


@dataclass(frozen=True)
class BatchCheck:
    """The jobs that a submission would queue, and the cohorts that would get a snapshot."""

    count: int
    names: CheckedNames
    coverage: Sequence[Coverage]


def check_batch(state: State, *, names: Collection[str], from_tag: str, tags: Collection[str]) -> BatchCheck:
    """Check names, or the domains of a tag, without writing anything. `tags` are the tags that the names would get."""
    checked = read_names(names) if not from_tag else _NOTHING
    with state.store.read_only() as session:
        count = count_tag_domains(session, from_tag) if from_tag else len(checked.names)
        coverage = []
        for cohort in list_cohorts(session):
            tag = cohort.source_tag
            if not cohort.analysis_enabled or tag not in {from_tag, *tags}:
                continue
            members = count_tag_domains(session, tag)
            given = iter_tag_domains(session, from_tag) if from_tag else iter(checked.names)
            tested = members if from_tag == tag else count_tagged(session, tag, given)
            coverage.append(Coverage(cohort.label or tag, tested, members))
    return BatchCheck(count, checked, coverage)
