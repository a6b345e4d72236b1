"""Responses of the metrics and their cache times."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import Flask

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.health import read_issues
from gonemaster_api.queries.metrics.document import metrics_document
from gonemaster_api.queries.metrics.prometheus import prometheus_text
from gonemaster_api.queries.metrics.reading import read_metrics
from gonemaster_api.queries.metrics.trends import WINDOWS, trends_text
from gonemaster_api.state import State, state
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.monitoring.health import count_issues

PROMETHEUS = "prom"
SECTIONS = ("health", "jobs", "api", "quality", "insights", "trends")
_LIFE_S = 1.0
_ISSUES_LIFE_S = 10.0  # Issues take several queries and change slowly.


def cached_document(state: State, query: Mapping[str, Any]) -> str:
    """Return the cached or new JSON document for the options of a request."""
    include = tuple(query["include"])
    key = (query.get("window"), include, query["limit_domains"], query["limit_batches"])
    document: str = state.recent.get(("document", *key), lambda: _document(state, query), life_s=_LIFE_S)
    return document


def _document(state: State, query: Mapping[str, Any]) -> str:
    metrics = read_metrics(state)
    sections = SECTIONS if "all" in query["include"] else query["include"]
    document = metrics_document(
        metrics,
        sections=sections,
        limit_domains=query["limit_domains"],
        limit_batches=query["limit_batches"],
        rate_limit_keys=count_rate_limit_keys(state),
    )
    text = json.dumps(document)
    if "trends" not in sections:
        return text
    window = query.get("window")
    trends = trends_text(state, metrics, [window] if window else list(WINDOWS))
    return f'{text.removesuffix("}")}, "trends": {trends}}}'


def warm_up(app: Flask) -> None:
    """Compute the settled points of the trends before the first request; do nothing without a database."""
    with app.app_context(), suppress(ApiError):
        trends_text(state(), read_metrics(state()), list(WINDOWS))


def prometheus_response(state: State) -> bytes:
    """Return the Prometheus text."""
    metrics = read_metrics(state)
    issues = count_issues(read_issues(state, life_s=_ISSUES_LIFE_S))
    return prometheus_text(metrics, rate_limit_keys=count_rate_limit_keys(state), issues=issues)


def count_rate_limit_keys(state: State) -> int:
    """Count the clients that rate limits currently track; 0 if the broker is unavailable."""

    def count() -> int:
        try:
            return state.broker.count_rate_limits()
        except BrokerUnavailable:
            return 0

    found: int = state.recent.get("rate limits", count, life_s=_ISSUES_LIFE_S)
    return found
