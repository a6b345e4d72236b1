"""The common parts of the analysis pages: cohort, snapshot, tabs, and the version used by caches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from flask import Response, request, url_for

from gonemaster_api.errors import ApiError, NotFound
from gonemaster_api.public.revalidation import REVALIDATED
from gonemaster_api.queries.analysis.reading import Reading, ViewReading, limited_session, reading
from gonemaster_api.state import state
from gonemaster_api.ui.analysis.sentences import case_sentence
from gonemaster_api.ui.analysis.words import cause_word, class_word, key_word, translated
from gonemaster_api.ui.shell.page_cache import cached_page
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.ui.shell.texts.sentences import tag_sentence
from gonemaster_api.ui.shell.urls import absolute
from gonemaster_db.analysis.categories import BY_NAME, DNSSEC_POSTURE
from gonemaster_db.analysis.public_snapshots import PublicSnapshot, list_public_cohorts
from gonemaster_engine.findings.causes.registry import RULE_BY_ID

PAGES = (
    ("overview", mark("Overview"), "ui_analysis.show", "o"),
    ("domain", mark("Domains"), "ui_analysis_lists.domains", "d"),
    ("nameserver", mark("Name servers"), "ui_analysis_lists.nameservers", "n"),
    ("endpoint", mark("Addresses"), "ui_analysis_lists.addresses", "a"),
    ("asn", mark("Networks"), "ui_analysis_lists.networks", "s"),
    ("prefix", mark("Prefixes"), "ui_analysis_lists.prefixes", "p"),
    ("tag", mark("Findings"), "ui_analysis_lists.findings", "f"),
    ("testcase", mark("Test cases"), "ui_analysis_lists.testcases", "c"),
    ("trends", mark("Trends"), "ui_analysis_courses.trends", "t"),
    ("diff", mark("Changes"), "ui_analysis_diff.show", "r"),
)
_MAX_LABEL = 64
_EMPTY = ("no_selectable_cohorts", "no_default_cohort", "invalid_catalog", "multiple_default_cohorts")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The current page, cohort and snapshot, with the alternatives to each."""

    current: str
    cohorts: list[tuple[str, str]]
    tag: str
    label: str
    description: str
    snapshots: list[PublicSnapshot]
    shown: PublicSnapshot | None
    vantage: str
    canonical: str = ""

    @property
    def tabs(self) -> list[tuple[str, str, str, str]]:
        """The ten tabs: key, label, URL, and the key to press after `g`."""
        return [(key, gettext(label), place(endpoint), letter) for key, label, endpoint, letter in PAGES]

    @property
    def before(self) -> PublicSnapshot | None:
        """The snapshot before the selected one."""
        return None if self.shown is None else snapshot_before(self.snapshots, self.shown)


def snapshot_before(newest_first: list[PublicSnapshot], shown: PublicSnapshot) -> PublicSnapshot | None:
    """Return the snapshot before another one in a list, newest first; None if there is none."""
    ids = [snapshot.id for snapshot in newest_first]
    index = ids.index(shown.id) + 1 if shown.id in ids else len(ids)
    return newest_first[index] if index < len(ids) else None


def previous_snapshot(view: ViewReading) -> PublicSnapshot | None:
    """Return the snapshot before that of a reading; None if it is the first."""
    return snapshot_before(view.snapshots(), view.shown)


def place(endpoint: str, **values: Any) -> str:
    """Return the URL of a page for the same cohort and snapshot; omit defaults that the reader did not select."""
    chosen = {name: request.args[name] for name in ("cohort", "snapshot") if request.args.get(name)}
    return url_for(endpoint, **(chosen | values))


def render_view(
    current: str,
    template: str,
    read: Callable[[ViewReading], Mapping[str, Any]],
    *,
    changes: bool = False,
    **values: Any,
) -> Response:
    """Render data of the selected snapshot, or answer 304 if the client has the current version.

    With `changes`, the content also depends on data outside the snapshot, such as entries that are purged with their
    run or registration data that is fetched. The version then covers all of this data.
    """

    def view_of(found: Reading, frame: Frame) -> ViewReading:
        if frame.shown is None:
            raise NotFound("snapshot", "")
        return ViewReading(state=found.state, session=found.session, cohort=found.cohort, shown=frame.shown)

    def render(found: Reading, frame: Frame) -> Response:
        return _page(template, frame, **values, **read(view_of(found, frame)))

    def extra_version(found: Reading, frame: Frame) -> str:
        return repr(read(view_of(found, frame)))

    return _shown(current, render, needs_snapshot=True, extra_version=extra_version if changes else None)


def render_cohort(
    current: str, template: str, read: Callable[[Reading, Frame], Mapping[str, Any]], **values: Any
) -> Response:
    """Render data of all snapshots of the selected cohort, or answer 304 if the client has the current version."""

    def render(found: Reading, frame: Frame) -> Response:
        return _page(template, frame, **values, **read(found, frame))

    return _shown(current, render, needs_snapshot=False)


def read_view(read: Callable[[ViewReading], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Read the selected snapshot without a page, for exports."""
    with reading(state(), request.args.get("cohort") or None) as found:
        shown = found.snapshot(request.args.get("snapshot") or None)
        return read(ViewReading(state=found.state, session=found.session, cohort=found.cohort, shown=shown))


def _shown(
    current: str,
    render: Callable[[Reading, Frame], Response],
    *,
    needs_snapshot: bool,
    extra_version: Callable[[Reading, Frame], str] | None = None,
) -> Response:
    tag, slug = request.args.get("cohort") or None, request.args.get("snapshot") or None
    try:
        with reading(state(), tag) as found:
            frame = _frame(found, current, slug)
            if needs_snapshot and frame.shown is None:
                return _page("analysis/empty.html", frame, code="no_snapshot")
            version = _version(found, frame, extra_version(found, frame) if extra_version else "")
            return cached_page(version, lambda: render(found, frame), caching=REVALIDATED, indexed=True)
    except ApiError as error:
        if error.code not in _EMPTY:
            raise
        return _page("analysis/empty.html", _without_cohort(current), code=error.code)


def _page(template: str, frame: Frame, **values: Any) -> Response:
    postures = [(key, posture.label) for key, posture in BY_NAME[DNSSEC_POSTURE].keys.items()]
    words: dict[str, Any] = {
        "translated": translated,
        "cause_word": cause_word,
        "causes_known": list(RULE_BY_ID),
        "class_word": class_word,
        "key_word": key_word,
        "tag_sentence": tag_sentence,
        "case_sentence": case_sentence,
        "postures": postures,
    }
    return page(template, at=frame, place=place, **words, **values)


def _frame(found: Reading, current: str, slug: str | None) -> Frame:
    snapshots = found.snapshots()
    return Frame(
        current=current,
        cohorts=_cohorts(found),
        tag=found.cohort.source_tag,
        label=found.cohort.label or found.cohort.source_tag,
        description=found.cohort.description,
        snapshots=snapshots,
        shown=found.snapshot(slug) if slug or snapshots else None,
        vantage=_vantage(),
        canonical=absolute(str(request.endpoint), **(request.view_args or {})),
    )


def _without_cohort(current: str) -> Frame:
    with limited_session(state()) as session:
        cohorts = [(cohort.source_tag, cohort.label or cohort.source_tag) for cohort in list_public_cohorts(session)]
    return Frame(
        current=current, cohorts=cohorts, tag="", label="", description="", snapshots=[], shown=None, vantage=""
    )


def _cohorts(found: Reading) -> list[tuple[str, str]]:
    return [(cohort.source_tag, cohort.label or cohort.source_tag) for cohort in list_public_cohorts(found.session)]


def _vantage() -> str:
    label = state().settings.analysis_vantage_label
    return label if len(label) <= _MAX_LABEL else ""


def _version(found: Reading, frame: Frame, extra_version: str) -> str:
    """Return a value that changes with the content of the page and its snapshot bar."""
    digest = blake2b(digest_size=8)
    shown = frame.shown and (frame.shown.id, frame.shown.view_id)
    for value in (frame.cohorts, shown, frame.vantage, frame.label, frame.description, frame.canonical, extra_version):
        digest.update(repr(value).encode() + b"\0")
    return f"{found.version(*frame.snapshots)}-{digest.hexdigest()}"
