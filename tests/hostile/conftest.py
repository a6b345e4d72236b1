"""The application of tests/api, for callers and browsers that mean harm."""

from tests.api.conftest import client, made_apps, make_app, queue, settings, stopping

__all__ = ["client", "made_apps", "make_app", "queue", "settings", "stopping"]
