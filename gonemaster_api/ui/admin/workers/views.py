"""The list of workers, and the page of one worker."""

from typing import Any

from flask import Blueprint, Response, request

from gonemaster_api.queries.health import read_issues
from gonemaster_api.queries.workers import GROUPED_FROM, domains_of, group_workers, read_worker, read_workers
from gonemaster_api.state import state
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.partial_cache import cached_partials

blueprint = Blueprint("ui_workers", __name__, url_prefix="/workers")


@blueprint.get("")
@cached_partials
def show() -> Response:
    """List the live workers; above 20 workers, one line per host unless a host is selected."""
    shared, host = state(), request.args.get("host", "")
    live = read_workers(shared) or []
    chosen = [worker for worker in live if worker.host == host] if host else live
    hosts = group_workers(live) if not host and len(live) >= GROUPED_FROM else []
    values: dict[str, Any] = {"live": live, "chosen": chosen, "hosts": hosts, "host": host}
    return page("admin/workers/list.html", **values, domains=lambda: domains_of(shared, chosen))


@blueprint.get("/<name>")
@cached_partials
def detail(name: str) -> Response:
    """Show one worker: its process, its jobs and its last runs."""
    shared = state()
    found = read_worker(shared, name)
    issues = [issue for issue in read_issues(shared) if issue.subject == name]
    return page("admin/workers/detail.html", found=found, worker=found.worker, issues=issues)
