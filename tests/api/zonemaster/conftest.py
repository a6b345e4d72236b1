"""An application that serves the JSON-RPC API."""

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import MakeApp


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    return make_app(zonemaster_api=True, zonemaster_add_api_user=True).test_client()
