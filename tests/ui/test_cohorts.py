"""The cohort pages: list, switches, forms, snapshots, deletion."""

from __future__ import annotations

import re
from datetime import timedelta

from flask.testing import FlaskClient

from gonemaster_db.analysis.snapshots import slug_of
from gonemaster_db.core.session import Store
from tests.support.analysis.cohorts import made_facts, make_batch, make_cohort, snapshot_of
from tests.support.analysis.runs import project_all, run_batch
from tests.support.rows import NOON
from tests.ui.test_batches import text_of
from tests.ui.test_tags import fill

YES = {"confirmed": "yes"}


def make(client: FlaskClient, tag: str = "mine", **fields: str) -> str:
    made = client.post("/cohorts/new", data={"source_tag": tag, "label": "Ours", **fields})
    assert made.status_code == 303, made.text
    return made.location.partition("?")[0]


def test_cohorts_are_made_listed_and_changed(client: FlaskClient) -> None:
    assert "No cohorts" in text_of(client, "/cohorts")
    path = make(client, analysis_enabled="yes", reference_list="iana_tlds")
    page = text_of(client, "/cohorts")
    assert ">Ours</a>" in page
    assert re.search(r"\+1\D?[0-9]{3} / −0", page)  # All top-level domains are missing.
    assert "Missing from the tag: 1" in text_of(client, path)
    assert "This tag already has a cohort." in client.post("/cohorts/new", data={"source_tag": "mine"}).text
    assert client.post("/cohorts/new", data={"source_tag": "", "label": "kept"}).status_code == 400
    assert 'value="kept"' in client.post("/cohorts/new", data={"source_tag": "", "label": "kept"}).text
    wrong = client.post("/cohorts/new", data={"source_tag": "other", "is_default": "yes"})
    assert "invalid_catalog" in wrong.text
    changed = client.post(f"{path}/edit", data={"label": "Theirs", "sort_order": "-3"})
    assert changed.location == f"{path}?note=cohort_saved"
    assert "<h1>Theirs</h1>" in text_of(client, path)
    assert "must be an integer" in client.post(f"{path}/edit", data={"sort_order": "many"}).text
    assert "must be an integer" in client.post(f"{path}/edit", data={"sort_order": "--5"}).text
    for number in ("999", "9" * 30):
        text_of(client, f"/cohorts/{number}", 404)


def test_switches_say_what_they_need_and_ask_before_they_remove(client: FlaskClient) -> None:
    path = make(client, analysis_enabled="yes")
    early = client.post(f"{path}/switch", data={"name": "is_default", "value": "yes"})
    assert early.status_code == 400
    assert "invalid_catalog" in early.text
    for name in ("public_enabled", "is_default"):
        assert client.post(f"{path}/switch", data={"name": name, "value": "yes"}).status_code == 303
    assert text_of(client, path).count('aria-checked="true"') == 3
    for name in ("is_default", "public_enabled"):
        client.post(f"{path}/switch", data={"name": name, "value": "no"})
    off = {"name": "analysis_enabled", "value": "no"}
    assert "Disable analysis" in client.post(f"{path}/switch", data=off).text
    assert client.post(f"{path}/switch", data=off | YES).status_code == 303
    assert "Analysis is off for this cohort" in text_of(client, path)
    assert client.post(f"{path}/switch", data={"name": "evil"}).status_code == 400


def test_a_new_snapshot_is_a_batch_of_the_tag(client: FlaskClient) -> None:
    path = make(client, analysis_enabled="yes")
    assert "no domain has the tag" in client.post(f"{path}/run", data=YES).text
    fill(client, "mine", "a.example", "b.example")
    assert "Test 2 domains" in text_of(client, f"{path}/run")
    assert 'name="default" value="yes"' in text_of(client, f"{path}/run?default=yes")
    done = client.post(f"{path}/run", data=YES | {"default": "yes"})
    assert re.fullmatch(r"/batches/batch_\w+\?note=snapshot_begun&n=2", done.location)
    assert "becomes a snapshot" in text_of(client, done.location)


def snapshots(store: Store) -> tuple[str, list[str]]:
    """Return the path of a cohort with three snapshots, and their slugs, oldest first.

    Two snapshots have made-up facts, one has runs.
    """
    cohort = make_cohort(store)
    slugs = []
    for number in range(2):
        at = NOON + timedelta(days=number)
        facts = made_facts(store, ["a.example", "b.example"], at=at)
        slugs.append(snapshot_of(store, cohort, facts, batch=make_batch(store, now=at), now=at).slug)
    later = NOON + timedelta(days=2)
    batch = make_batch(store, now=later)
    run_batch(store, batch, ["a.example"], at=later)
    project_all(store, now=later)
    slugs.append(slug_of(batch))
    return f"/cohorts/{cohort.id}", slugs


def test_snapshots_are_listed_in_any_order(client: FlaskClient, store: Store) -> None:
    path, slugs = snapshots(store)
    for sort, expected in (("captured_desc", slugs[1::-1]), ("captured_asc", slugs[:2]), ("slug_asc", slugs)):
        page = text_of(client, f"{path}?sort={sort}")
        at = [page.index(f">{slug}<") for slug in expected]
        assert at == sorted(at), sort
    assert text_of(client, path, part="snapshots").strip() in text_of(client, path)


def test_snapshots_are_managed(client: FlaskClient, store: Store) -> None:
    path, (first, last, of_runs) = snapshots(store)
    change = f"{path}/snapshots/{first}/change"
    for action in ("default", "newest", "retire", "restore", "hide", "show"):
        done = client.post(change, data={"action": action})
        undo = f"&of=1%3A{first}" if action == "retire" else ""
        assert done.location == f"{path}?note=snapshot_{action}{undo}", done.text
    client.post(change, data={"action": "retire"})
    undone = client.post("/cohorts/snapshots/undo", data={"of": f"1:{first}"})
    assert undone.location == f"{path}?note=snapshot_restore"
    assert client.post("/cohorts/snapshots/undo", data={"of": "x"}).status_code == 404
    assert client.post(change, data={"action": "evil"}).status_code == 400
    assert "source_runs_purged" in client.post(change, data={"action": "rebuild"}).text
    again = f"{path}/snapshots/{of_runs}/change"
    assert client.post(again, data={"action": "rebuild"}).location == f"{path}?note=snapshot_rebuild"
    assert 'data-refresh="7"' in text_of(client, path, part="snapshots")
    assert "materialization_running" in client.post(again, data={"action": "rebuild"}).text
    assert client.post(f"{path}/rematerialize").status_code == 409
    saved = client.post(f"{path}/snapshots/{first}", data={"slug": "first", "label": "The <first>", "description": ""})
    assert saved.location == f"{path}?note=snapshot_saved"
    assert "The &lt;first&gt;" in text_of(client, path)
    taken = client.post(f"{path}/snapshots/first", data={"slug": last})
    assert "Another snapshot of the cohort already uses this slug." in taken.text
    assert "1 to 64 characters" in client.post(f"{path}/snapshots/first", data={"slug": "No Slug"}).text
    gone = client.post(f"{path}/snapshots/first/purge", data=YES | {"confirm": "first"})
    assert gone.location == f"{path}?note=snapshot_purged"
    text_of(client, f"{path}/snapshots/first", 404)


def test_a_cohort_is_rebuilt_cleared_and_deleted(client: FlaskClient, store: Store) -> None:
    path, slugs = snapshots(store)
    assert "slugs, labels" in text_of(client, f"{path}/rebuild")
    assert f"Kept unchanged, because runs were purged: {slugs[1]}" in text_of(client, f"{path}/rebuild")
    assert "Deleted permanently" in text_of(client, f"{path}/rebuild?force=yes")
    assert "not rebuilt with the cohort" in text_of(client, path)
    assert client.post(f"{path}/rebuild", data=YES).status_code == 400
    # One snapshot has its runs.
    assert client.post(f"{path}/rematerialize").location == f"{path}?note=snapshots_rebuilding&n=1"
    assert "note=cohort_rebuilding" in client.post(f"{path}/rebuild", data=YES | {"confirm": "yes"}).location
    assert client.post(f"{path}/clear", data=YES | {"confirm": "yes"}).status_code == 303
    assert slugs[0] not in text_of(client, path)
    assert client.post(f"{path}/delete", data=YES | {"confirm": "x"}).status_code == 400
    assert client.post(f"{path}/delete", data=YES | {"confirm": "tld"}).location == "/cohorts?note=cohort_deleted"
    text_of(client, path, 404)
