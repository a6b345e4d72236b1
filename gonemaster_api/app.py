"""The application factory."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask, redirect

from gonemaster_api.auth.failures import FailedAttempts
from gonemaster_api.auth.keyring import Keyring
from gonemaster_api.batch_counts import BatchWatch
from gonemaster_api.errors import register_error_handlers
from gonemaster_api.lookups import DnsLookups
from gonemaster_api.public import BLUEPRINTS as PUBLIC_BLUEPRINTS
from gonemaster_api.rest.blueprint import Api
from gonemaster_api.rest.converters import register_converters
from gonemaster_api.rest.docs import register_docs
from gonemaster_api.rest.json_output import JsonProvider
from gonemaster_api.rest.parsing import register_text_checks
from gonemaster_api.state import NAME, State
from gonemaster_api.streams.hub import Hub
from gonemaster_api.streams.seats import Seats
from gonemaster_api.ui.admin import BLUEPRINTS as ADMIN_PAGES
from gonemaster_api.ui.analysis import BLUEPRINTS as ANALYSIS_PAGES
from gonemaster_api.ui.crawlers.views import blueprint as crawlers
from gonemaster_api.ui.help.views import blueprint as help_pages
from gonemaster_api.ui.login.views import blueprint as login_page
from gonemaster_api.ui.public import BLUEPRINTS as PUBLIC_PAGES
from gonemaster_api.ui.shell.setup import register_shell
from gonemaster_api.v1 import BLUEPRINTS
from gonemaster_api.web.access_log import register_access_log
from gonemaster_api.web.authentication import register_authentication
from gonemaster_api.web.body_limits import register_body_limits
from gonemaster_api.web.exporter import register_exporter
from gonemaster_api.web.header_lengths import register_header_lengths
from gonemaster_api.web.headers import register_headers
from gonemaster_api.web.hosts import register_host_check
from gonemaster_api.web.origins import register_origin_check
from gonemaster_api.web.proxies import register_proxies
from gonemaster_api.web.rate_limits import register_rate_limits
from gonemaster_api.web.request_deadlines import register_request_deadlines
from gonemaster_api.web.traces import register_traces
from gonemaster_api.zonemaster.routes import blueprint as zonemaster
from gonemaster_db.core.session import open_store
from gonemaster_engine.version import __version__
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import api_store_settings
from gonemaster_tasks.config.view_files import read_view_files
from gonemaster_tasks.control.parts import QueueParts, open_queue

_DESCRIPTION = """\
Tests the DNS health of domains, one or millions. Submit a job or a batch, follow its progress, read its result.

Every error has the shape `{"error": {"code", "message", "details"}}`; the meaning of a code never changes.
Times are RFC 3339 in UTC. Levels from least to most: DEBUG3, DEBUG2, DEBUG, INFO, NOTICE, WARNING, ERROR, CRITICAL.
"""


def create_app(
    settings: Settings,
    *,
    queue: QueueParts | None = None,
    stopping: threading.Event | None = None,
    outage_wait: timedelta | None = None,
) -> Flask:
    """Create the application. Store and broker are opened from the settings unless `queue` is given.

    `outage_wait` limits how long the responses that operators need wait for a service that is unavailable.

    Raises:
        BrokerRefused: the URL of the broker is not usable.
    """
    app = _Application("gonemaster_api", static_folder="static", template_folder="templates")
    app.json = JsonProvider(app)
    app.url_map.strict_slashes = False
    register_converters(app)
    parts = queue or open_queue(settings, open_store(api_store_settings(settings)))
    read_view_files(parts.store, settings)
    app.extensions[NAME] = make_state(
        settings, queue=parts, stopping=stopping or threading.Event(), outage_wait=outage_wait
    )
    register_access_log(app)
    register_exporter(app)
    register_proxies(app, settings.trusted_proxy_cidrs)
    register_request_deadlines(app)
    register_header_lengths(app)
    register_traces(app)
    register_host_check(app)
    register_origin_check(app)
    register_authentication(app)
    register_rate_limits(app)
    register_text_checks(app)
    register_body_limits(app, settings)
    register_headers(app)
    register_error_handlers(app)
    _register_api(app)
    register_docs(app)
    register_shell(app)
    for pages in (login_page, help_pages, crawlers, zonemaster, *ADMIN_PAGES, *ANALYSIS_PAGES):
        app.register_blueprint(pages)
    for pages in PUBLIC_PAGES:
        app.register_blueprint(pages, url_prefix=f"/{settings.public_ui_path.rstrip('/')}{pages.url_prefix or ''}")
    return app


class _Application(Flask):
    """A Flask application without coroutine views and hooks, so that they need no check on each request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function unchanged."""
        return func


def make_state(
    settings: Settings, *, queue: QueueParts, stopping: threading.Event, outage_wait: timedelta | None = None
) -> State:
    """Load stored settings, and create the state that the views share."""
    live = LiveSettings(settings)
    live.try_load(queue.store)
    streams = threading.BoundedSemaphore(max(1, settings.api_threads * 3 // 4))
    batches = BatchWatch()
    return State(
        live=live,
        queue=queue,
        keyring=Keyring(settings, queue.store),
        failures=FailedAttempts(queue.broker),
        lookups=DnsLookups(live),
        stopping=stopping,
        streams=streams,
        hub=Hub(queue.store, queue.broker.address, batches, stopping=stopping),
        seats=Seats(limit=settings.max_viewers, client_limit=settings.max_viewers_per_client),
        batches=batches,
        outage_wait=outage_wait,
    )


def _register_api(app: Flask) -> None:
    app.config.update(
        API_TITLE="gonemaster",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.0.3",
        API_SPEC_OPTIONS={"info": {"description": _DESCRIPTION}},
    )
    api = Api(app)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=f"/api/v1{blueprint.url_prefix or ''}")
    for blueprint in PUBLIC_BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=f"/pub/api/v1{blueprint.url_prefix or ''}")
    app.extensions["gonemaster-openapi"] = api.spec
    app.add_url_rule("/api/v1", "api", lambda: redirect("/api/v1/", code=301))
    app.add_url_rule("/api/v1/", "api_root", lambda: redirect("/api/v1/docs"))
