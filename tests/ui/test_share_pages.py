"""The page of links that share one result: create, list and revoke."""

from __future__ import annotations

from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from tests.support.rows import make_run, record
from tests.ui.public_runs import ENTRIES

HTML = {"Accept": "text/html"}


def test_page_creates_lists_and_revokes(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=ENTRIES))
    assert f"/jobs/{run.id}/shares" in client.get(f"/jobs/{run.id}", headers=HTML).text
    form = f"/jobs/{run.id}/shares"
    assert client.post(form, data={"days": "x"}, headers=HTML).status_code == 400
    created = client.post(form, data={"days": "7"}, headers=HTML)
    assert created.status_code == 201
    link = created.text.split('id="link"')[1].split('value="')[1].split('"')[0]
    path = "/" + link.split("/", 3)[3]
    assert client.get(path, headers=HTML).status_code == 200
    page = client.get(form, headers=HTML).text
    assert link not in page, "it is shown once"
    share = page.split("<small><code>")[1][:12]
    assert client.post(f"{form}/{share}/revoke", headers=HTML).status_code == 303
    assert client.get(path, headers=HTML).status_code == 410
