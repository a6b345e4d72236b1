"""The newest public test of a domain, for its badge."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import NotFound
from gonemaster_api.queries.runs.results import parts_for_public, read_finished_run
from gonemaster_api.state import State
from gonemaster_db.runs.runs import list_public_configs
from gonemaster_engine.version import __version__
from gonemaster_tasks.config.scoring import current_scoring

_MAX_RUNS = 100  # number of recent runs that are searched for a test of the whole domain
_FEW_RUNS = 3  # runs that are read first, because configurations can be large
_PARTIAL = frozenset({"tests", "overrides", "nameservers", "ds", "ipv4_disabled", "ipv6_disabled"})


@dataclass(frozen=True, slots=True)
class Badge:
    """The content of a badge; `day` is the UTC date on which the test finished."""

    domain: str
    grade: str
    day: date


def find_badge_run(state: State, domain: str) -> tuple[str, str]:
    """Return the run id for a domain's badge, and a version that changes with the content of the badge.

    Partial tests and tests with supplied data are skipped; they do not represent the public state of the domain.

    Raises:
        NotFound: there is no such run, or grades are not public.
    """
    if not parts_for_public(state.settings).score:
        raise NotFound("badge", domain)
    with state.store.read_only() as session:
        found = _find_whole_run(session, domain, _FEW_RUNS) or _find_whole_run(session, domain, _MAX_RUNS)
    if found is None:
        raise NotFound("public test of the domain", domain)
    scoring = current_scoring(state.store, state.settings)
    return found, blake2b(f"{__version__}\0{found}\0{scoring.fingerprint}".encode(), digest_size=12).hexdigest()


def read_badge(state: State, run_id: str) -> Badge:
    """Return the badge of a run.

    Raises:
        NotFound: the run has no grade.
    """
    finished = read_finished_run(state, run_id)
    if finished.score is None:
        raise NotFound("grade", run_id)
    return Badge(finished.run.domain, finished.score.grade, finished.run.finished_at.date())


def _find_whole_run(session: Session, domain: str, limit: int) -> str | None:
    runs = list_public_configs(session, domain, limit=limit)
    return next((run_id for run_id, config in runs if _is_full_config(config)), None)


def _is_full_config(config: Mapping[str, Any]) -> bool:
    return not any(config.get(key) for key in _PARTIAL)
