"""Domains: list, details with history, comparison of two runs, and changes."""

from collections.abc import Sequence
from typing import Any

import marshmallow as ma
from flask import Blueprint, Response, redirect, request, url_for

from gonemaster_api.errors import BadRequest, NotFound
from gonemaster_api.queries.domains import read_domain_named, read_domains
from gonemaster_api.queries.runs.comparison import KINDS, RunComparison, compare_runs
from gonemaster_api.queries.runs.runs import read_run, read_runs
from gonemaster_api.queries.searching import search_term
from gonemaster_api.rest.tag_names import UNTAGGED, check_tag_name
from gonemaster_api.state import State, state
from gonemaster_api.ui.admin.domains.history import read_domain_page, read_history
from gonemaster_api.ui.admin.jobs.inspection import Inspection, read_newest
from gonemaster_api.ui.admin.lists import SIZES, read_list, store_no_response, tag_names
from gonemaster_api.ui.admin.new_test.form import split_values
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import Form, read_query
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.strip import clear_queue_status
from gonemaster_api.ui.shell.tables.csv_files import csv_file
from gonemaster_api.ui.shell.texts.formats import number, u_label
from gonemaster_api.ui.shell.texts.hidden_characters import clean
from gonemaster_api.ui.shell.texts.languages import gettext, language, mark, ngettext
from gonemaster_api.ui.shell.texts.notes import Note, register_notes, see_other
from gonemaster_api.ui.shell.urls import local_path
from gonemaster_api.use_cases.domain_removal import count_prunable_domains, delete_domain, prune_domains
from gonemaster_api.use_cases.submission.jobs import submit_single_job
from gonemaster_api.use_cases.tags import add_domains_to_tag, remove_domains_from_tag
from gonemaster_api.v1.domains.schemas import DomainQuerySchema
from gonemaster_api.v1.runs.schemas import DiffQuerySchema, JudgedRunQuerySchema
from gonemaster_api.web.actor import who
from gonemaster_db.core.errors import AmbiguousProfile
from gonemaster_db.core.levels import SEVERITIES
from gonemaster_db.models import Operation

blueprint = Blueprint("ui_domains", __name__, url_prefix="/domains")


register_notes(
    {
        "domain-tags": Note(mark("Tags saved.")),
        "domain-deleted": Note(mark("Domain deleted.")),
        "domains-pruned": Note(
            mark("One domain without runs is deleted."), mark("%(num)s domains without runs are deleted.")
        ),
        "domain-choose-profile": Note(
            mark("The tags of the domain have different default profiles. Choose a profile."), level="notice"
        ),
    }
)


@blueprint.get("")
def show() -> Response:
    """List domains with the outcome of their newest run."""
    shared, query = state(), read_query(DomainQuerySchema, limit=SIZES[0])
    found = read_list(query, lambda values: read_domains(shared, values))
    values: dict[str, Any] = {"sizes": SIZES, "severities": SEVERITIES, "untagged": UNTAGGED, "tags": tag_names(shared)}
    return page("admin/domains/list.html", status=query.status, query=query, found=found, **values)


@blueprint.get("/<path:name>")
def detail(name: str) -> Response:
    """Show a domain: its score over time, the changes since the previous run, and its runs."""
    shared = state()
    try:
        shown = read_domain_page(shared, name, locale=language())
    except NotFound:
        return page("admin/domains/unknown.html", status=404, name=name)
    query = read_query(JudgedRunQuerySchema, limit=SIZES[0])
    number_of = shown.domain["id"]
    found = read_list(query, lambda values: read_runs(shared, values, domain_id=number_of))
    newest = shown.history.newest

    def finished() -> Inspection | None:
        return read_newest(shared, newest["id"]) if newest else None

    return page(
        "admin/domains/detail.html", status=query.status, shown=shown, query=query, found=found, finished=finished
    )


@blueprint.get("/<path:name>/runs/<run_id>")
def run(name: str, run_id: str) -> Response:
    """Redirect to the page of a run, which has the ID of its job."""
    found = read_run(state(), run_id)
    if found["domain"] != read_domain_named(state(), name)["name"]:
        raise NotFound("run of this domain", run_id)
    return redirect(url_for("ui_jobs.detail", job_id=run_id), Response=Response)  # type: ignore[return-value]  # redirect() returns this class


@blueprint.get("/<path:name>/compare")
def compare(name: str) -> Response:
    """Compare two runs: by default the newest run and the run before it."""
    shared, query = state(), read_query(CompareSchema)
    domain = read_domain_named(shared, name)
    before, after = query.values.get("before"), query.values.get("after")
    if not (before and after):
        before, after = _default_pair(shared, domain["id"], before, after)
    _check_runs(shared, domain["name"], (before, after))
    found = compare_runs(shared, before, after, min_level=query.values["min_level"], locale=language())
    found = found.filtered(search_term(query.values["search"]), query.values["change"])
    if request.args.get("format") == "csv":
        return _comparison_csv(domain["name"], found)
    values = {"domain": domain, "query": query, "found": found, "severities": ("INFO", *SEVERITIES)}
    return page("admin/domains/compare.html", status=query.status, **values)


class CompareSchema(DiffQuerySchema):
    """The runs to compare."""

    before = ma.fields.String(validate=ma.validate.Length(max=64))
    after = ma.fields.String(validate=ma.validate.Length(max=64))
    search = ma.fields.String(load_default="", validate=ma.validate.Length(max=253))
    change = ma.fields.String(load_default="", validate=ma.validate.OneOf(("", *KINDS)))


def _comparison_csv(name: str, found: RunComparison) -> Response:
    """Return the differences of two runs as CSV: the root causes, then the findings, worst first."""
    rows: list[tuple[str, ...]] = [
        *(("appeared", level, "", "", title) for level, title in found.causes_appeared),
        *(("cleared", level, "", "", title) for level, title in found.causes_cleared),
    ]
    for kind in KINDS:
        rows += [(kind, one.level, one.testcase.upper(), one.tag, one.text) for one in getattr(found, kind)]
    return csv_file(f"{name}-comparison", ("change", "level", "testcase", "tag", "text"), rows)


def _default_pair(shared: State, domain_id: int, before: str | None, after: str | None) -> tuple[str, str]:
    history = read_history(shared, domain_id)
    ids = [entry["id"] for entry in history.runs]
    if len(ids) < 2:  # A comparison has two sides.
        raise NotFound("second run of this domain", "")
    after = after or next(run_id for run_id in reversed(ids) if run_id != before)
    earlier = ids[: ids.index(after)] if after in ids else ids
    return before or (earlier[-1] if earlier else ids[-1]), after


def _check_runs(shared: State, name: str, run_ids: Sequence[str]) -> None:
    for run_id in run_ids:
        if read_run(shared, run_id)["domain"] != name:
            raise BadRequest("invalid_run", gettext("%(run)s is not a run of this domain.", run=run_id))


@blueprint.post("/<path:name>/test")
def test_again(name: str) -> Response:
    """Queue a test of the domain with the default options and redirect to it."""
    shared, domain = state(), read_domain_named(state(), name)
    try:
        job = submit_single_job(shared, {"domain": domain["name"]}, keep=store_no_response)
    except AmbiguousProfile:
        return see_other(url_for("ui_test.show", domain=domain["name"]), "domain-choose-profile")
    clear_queue_status()
    return see_other(url_for("ui_jobs.detail", job_id=job["id"]), "job-queued")


@blueprint.route("/<path:name>/tags", methods=["GET", "POST"])
def tags(name: str) -> Response:
    """Show the tags of a domain in a form and save changes."""
    shared = state()
    domain = read_domain_named(shared, name)
    form = Form.sent()
    if request.method == "POST" and _change_tags(shared, domain, form):
        return see_other(url_for("ui_domains.detail", name=domain["name"]), "domain-tags")
    typed = form["tags"] if request.method == "POST" else ", ".join(domain["tags"])
    values = {"domain": domain, "form": form, "typed": typed, "tags": tag_names(shared)}
    return page("admin/domains/tags.html", status=form.status, **values)


def _change_tags(shared: State, domain: dict[str, Any], form: Form) -> bool:
    """Add and remove the tags that differ from the form; return whether that succeeded."""
    # Pages escape hidden characters, so the submitted tag is compared in its escaped form.
    shown = {clean(tag): tag for tag in domain["tags"]}
    tags = [shown.get(word, word) for word in split_values(form["tags"])]
    try:
        for tag in tags:
            check_tag_name(tag, code="invalid_tags")
    except BadRequest as error:
        form.fail("tags", error.message, error.code)
        return False
    for tag in tags:
        if tag not in domain["tags"]:
            add_domains_to_tag(shared, tag, [domain["name"]])
    for tag in domain["tags"]:
        if tag not in tags:
            remove_domains_from_tag(shared, tag, [domain["name"]])
    return True


@blueprint.route("/<path:name>/delete", methods=["GET", "POST"])
def delete(name: str) -> Response:
    """Ask for a confirmation, then delete a domain with its runs."""
    shared = state()
    domain = read_domain_named(shared, name)
    runs = domain["run_count"]
    count = ngettext("one run", "%(n)s runs", runs, n=number(runs))
    confirmation = Confirmation(
        title=gettext("Delete %(domain)s?", domain=u_label(domain["name"])),
        text=gettext("The domain is removed from its tags, and its runs with all findings are deleted."),
        facts=((gettext("Runs"), number(runs)), (gettext("Tags"), number(len(domain["tags"])))),
        kept=gettext("data captured in analysis snapshots"),
        button=gettext("Delete domain and %(count)s", count=count) if runs else gettext("Delete domain"),
        keep=gettext("Keep domain"),
        weight="type" if runs else "plain",
        typed=domain["name"],
        back=url_for("ui_domains.detail", name=domain["name"]),
    ).unless_confirmed()
    if confirmation is not None:
        return confirmation
    started = delete_domain(shared, domain["id"], who=who())
    if started is not None:
        return see_other(url_for("ui_operations.detail", operation_id=started.id), "operation")
    return see_other(url_for("ui_domains.show"), "domain-deleted")


@blueprint.route("/-/prune", methods=["GET", "POST"])
def prune() -> Response:
    """Ask for a confirmation, then delete all domains without runs, or only those of one tag."""
    shared, tag = state(), request.values.get("tag") or None
    total = count_prunable_domains(shared, tag=tag)
    count = ngettext("one domain", "%(n)s domains", total, n=number(total))
    back = url_for("ui_domains.show", tag=tag) if tag else url_for("ui_domains.show")
    confirmation = Confirmation(
        title=gettext("Delete the domains without runs?"),
        text=gettext(
            "These domains were never tested, or their runs have been purged. Domains with a waiting or "
            "running job are not deleted."
        ),
        facts=((gettext("Domains without runs"), number(total)),),
        notes=(gettext("Only domains with the tag %(tag)s.", tag=tag),) if tag else (),
        button=gettext("Delete %(count)s", count=count),
        keep=gettext("Keep in queue"),
        weight="tick",
        tick=gettext("Yes, %(count)s", count=count),
        fields={"tag": tag} if tag else {},
        back=back,
    ).unless_confirmed()
    if confirmation is not None:
        return confirmation
    done = prune_domains(shared, tag=tag, who=who())
    if isinstance(done, Operation):
        return see_other(url_for("ui_operations.detail", operation_id=done.id), "operation")
    return see_other(local_path(back), "domains-pruned", n=done)
