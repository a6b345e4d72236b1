"""Sentences of the analysis pages: what test cases check, advice, and what changed in a snapshot."""

import json
from collections.abc import Iterator, Mapping

from gonemaster_api.queries.analysis.reading import ViewReading
from gonemaster_api.queries.causes import cause_tone
from gonemaster_api.state import state
from gonemaster_api.ui.analysis.words import cause_word
from gonemaster_api.ui.shell.texts.formats import day, number
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_db.analysis.categories import CAUSE
from gonemaster_db.analysis.comparisons import StoredComparison
from gonemaster_db.analysis.histories import read_distributions
from gonemaster_db.analysis.public_snapshots import PublicSnapshot
from gonemaster_db.analysis.views.operators import largest_operator
from gonemaster_engine.findings.messages import advice, best_locale, description
from gonemaster_engine.testcases.catalogue import cases
from gonemaster_tasks.config.scoring import current_scoring
from gonemaster_tasks.control.comparisons import read_comparison

_TONES = ("s1", "notice", "warning", "error", "critical")  # of root causes


def case_sentence(testcase: str) -> str:
    """Return what a test case checks; empty if the engine no longer has it."""
    found = cases().get(testcase.lower())
    return description(found.purpose, locale=best_locale(language())) if found else ""


def tag_advice(tag: str, module: str) -> str:
    """Return the advice of a message tag."""
    return advice(tag, module, locale=best_locale(language()))


def read_tag_changes(view: ViewReading, before: PublicSnapshot | None) -> Mapping[tuple[str, str], int]:
    """Return the change of the number of domains since a snapshot, by tag and test case; unchanged tags are absent."""
    if before is None:
        return {}
    found = read_comparison(
        state().store, view.session, before, view.shown, current_scoring(state().store, state().settings)
    )
    return {(one.key.tag, one.key.testcase): one.domains_after - one.domains_before for one in found.tags}


def opening(view: ViewReading, before: PublicSnapshot | None) -> list[str]:
    """Return up to three sentences: what changed since an earlier snapshot, what matters most, and where."""
    return list(_sentences(view, before))


def _sentences(view: ViewReading, before: PublicSnapshot | None) -> Iterator[str]:
    if before is None:
        yield _("This is the first snapshot; it has %(n)s domains.", n=number(view.shown.domain_count))
    else:
        yield _change(view, before)
    causes = {cause: count for cause, count in _causes(view, view.shown).items() if count}
    worst = max(causes, key=lambda cause: (_TONES.index(cause_tone(cause)), causes[cause]), default="")
    if not worst:
        return
    yield _matters(view, before, worst, causes[worst])
    operator = largest_operator(view.session, view.view_id, worst)
    if operator and operator[2] > 1:
        name = view.as_label(operator[0], operator[1])
        yield _("%(n)s of these domains are hosted by %(operator)s.", n=number(operator[2]), operator=name)


def _causes(view: ViewReading, snapshot: PublicSnapshot) -> Mapping[str, int]:
    """Return the number of domains by root cause in a snapshot."""
    stored = read_distributions(view.session, [snapshot.view_id]).get(snapshot.view_id)
    found: Mapping[str, Mapping[str, int]] = json.loads(stored) if stored else {}
    return found.get(CAUSE, {})


def _change(view: ViewReading, before: PublicSnapshot) -> str:
    found = _comparison(view, before)
    since = day(before.first_run_at or before.captured_at)
    if not view.shows_scores:
        count = number(len(found.level_changed))
        return _("Since %(day)s, the worst level of %(n)s domains has changed.", day=since, n=count)
    totals = found.totals
    return _(
        "Since %(day)s, %(better)s of %(all)s domains have improved and %(worse)s have regressed.",
        day=since, better=_count(totals["improved"]), worse=_count(totals["regressed"]), all=number(totals["compared"]),
    )  # fmt: skip


def _count(value: int) -> str:
    return number(value) if value else _("none")


def _comparison(view: ViewReading, before: PublicSnapshot) -> StoredComparison:
    config = current_scoring(state().store, state().settings)
    return read_comparison(state().store, view.session, before, view.shown, config)


def _matters(view: ViewReading, before: PublicSnapshot | None, cause: str, count: int) -> str:
    values = {"n": number(count), "all": number(view.shown.domain_count), "cause": cause_word(cause)}
    was = _causes(view, before) if before else {}
    if before is None or not was:
        return _("The most severe root cause, “%(cause)s”, affects %(n)s of %(all)s domains.", **values)
    more = count - was.get(cause, 0)
    change = {"n": number(abs(more)), "day": day(before.first_run_at or before.captured_at)}
    if more > 0:
        values["change"] = _("%(n)s more than on %(day)s", **change)
    elif more < 0:
        values["change"] = _("%(n)s fewer than on %(day)s", **change)
    else:
        values["change"] = _("as many as on %(day)s", **change)
    return _("The most severe root cause, “%(cause)s”, affects %(n)s of %(all)s domains, %(change)s.", **values)
