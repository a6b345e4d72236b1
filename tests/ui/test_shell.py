"""The frame of all pages: languages, themes, notes, confirmations, error pages, hostile text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gonemaster_api.errors import ApiError
from gonemaster_api.ui.shell import strip
from gonemaster_api.ui.shell.forms.confirmations import Confirmation
from gonemaster_api.ui.shell.forms.forms import Form, read_query
from gonemaster_api.ui.shell.texts import languages, notes
from gonemaster_api.ui.shell.texts.formats import ago, aware, day, duration, number, percent, shortened, size, u_label
from gonemaster_api.ui.shell.texts.hidden_characters import clean
from gonemaster_api.ui.shell.urls import here, local_path
from gonemaster_api.v1.jobs.schemas import JobListQuerySchema
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.monitoring.pending_calls import CallTimeout
from tests.api.conftest import MakeApp

HTML = {"Accept": "text/html"}


def render(client: FlaskClient, template: str, path: str = "/", **values: object) -> str:
    with client.application.test_request_context(path):
        return client.application.jinja_env.from_string(template).render(**values)


def test_hidden_characters_are_escaped(client: FlaskClient) -> None:
    text = "a\u202egpj.exe\x00\u200b<b>"
    shown = "a⟨U+202E⟩gpj.exe⟨U+0000⟩⟨U+200B⟩&lt;b&gt;"
    assert render(client, "{{ text }}", text=text) == shown
    assert render(client, '{{ _("%(x)s found", x=text) }}', text=text) == f"{shown} found"
    assert render(client, "{% trans %}{{ text }} found{% endtrans %}", text=text) == f"{shown} found"
    assert clean("räksmörgås\tplain\n") == "räksmörgås\tplain\n"


def test_numbers_and_times_are_formatted(client: FlaskClient) -> None:
    moment = aware("2026-11-26T09:51:58Z")
    assert (number(48212), number(None), number(0.25, 1)) == ("48\u202f212", "–", "0.2")
    assert [size(octets) for octets in (None, 12_288, 3 * 2**20)] == ["–", "12\u00a0KiB", "3\u00a0MiB"]
    spans = [duration(seconds) for seconds in (0.34, 6.4, 1084, 7200, 273600)]
    assert spans == ["340\u00a0ms", "6.4\u00a0s", "18\u00a0min 04\u00a0s", "2\u00a0h 0\u00a0min", "3 d 4 h"]
    assert ago(moment, aware("2026-11-26T09:54:00Z")) == "2\u00a0min ago"
    assert ago(moment, aware("2026-11-28T09:54:00Z")) == "26 Nov 2026"
    assert u_label("xn--bcher-kva.example") == "bücher.example"
    assert len(shortened("x" * 90)) == 32
    with client.application.test_request_context(headers={"Accept-Language": "sv"}):
        assert languages.language() in languages.languages()


def test_only_all_is_100_percent(client: FlaskClient) -> None:
    shares = [percent(part, 250) for part in (0, 1, 125, 249, 250)]
    assert [share.replace("\u00a0", " ") for share in shares] == ["0 %", "< 1 %", "50 %", "99 %", "100 %"]
    assert percent(9_999, 10_000, 1) == "99.9\u00a0%"
    assert percent(0, 0) == "–"


def test_page_in_swedish(client: FlaskClient) -> None:
    assert languages.languages()[0] == "en"
    page = client.get("/?lang=sv").get_data(as_text=True)
    assert '<html lang="sv"' in page
    assert "Hoppa till innehållet" in page
    page = client.get("/", headers={"Accept-Language": "sv-FI, ja;q=0.5"}).get_data(as_text=True)
    assert '<html lang="sv"' in page
    assert '<html lang="en"' in client.get("/?lang=xx").get_data(as_text=True)
    with client.application.test_request_context("/?lang=sv"):
        assert (duration(6.4), day(aware("2026-05-26T09:51:58Z"))) == ("6,4\u00a0s", "26 maj 2026")


def test_notes_are_swedish_in_both_numbers(client: FlaskClient) -> None:
    counted = [note for note in notes._NOTES.values() if note.plural]
    assert counted
    with client.application.test_request_context("/?lang=sv"):
        for note in counted:
            shown = {languages.ngettext(note.text, note.plural, number) for number in (1, 2)}
            assert shown.isdisjoint({note.text % {"num": 1}, note.plural % {"num": 2}})


def test_a_browser_remembers_its_theme_and_is_led_back(client: FlaskClient) -> None:
    sent = {"theme": "dark", "keys": "off", "lang": "xx", "next": "/?tier=batch&lang=en"}
    answer = client.post("/preferences", data=sent)
    assert (answer.status_code, answer.location) == (303, "/?tier=batch")
    assert '<html lang="en" data-theme="dark" data-keys="off">' in client.get("/").get_data(as_text=True)
    client.post("/preferences", data={"theme": "", "keys": ""})
    assert "data-theme" not in client.get("/").get_data(as_text=True)


@pytest.mark.parametrize("text", ["https://evil.example/", "//evil.example", "/\\evil.example", "/a\nb", "", None])
def test_forms_redirect_to_this_server_only(text: str | None) -> None:
    assert local_path(text) == "/"


def test_addresses_keep_the_filter_and_begin_again_at_the_first_page(client: FlaskClient) -> None:
    with client.application.test_request_context("/recent?domain=%26x&sort=a&cursor=100&note=held"):
        assert here(sort="b") == "/recent?domain=%26x&sort=b"
        assert here(domain=None, cursor="200") == "/recent?sort=a&cursor=200"


def test_unknown_notes_are_ignored(client: FlaskClient) -> None:
    assert "data-toast" not in client.get("/?note=evil%20text&n=5").get_data(as_text=True)


def test_a_partial_equals_that_of_the_page(client: FlaskClient) -> None:
    whole = client.get("/").get_data(as_text=True)
    part = client.get("/", headers={"X-Partial": "state"})
    assert part.get_data(as_text=True).strip()[:40] in whole
    assert "<html" not in part.get_data(as_text=True)
    assert "X-Partial" in part.headers["Vary"]
    assert client.get("/strip").get_data(as_text=True).count("<section") == 1


@pytest.mark.parametrize("name", ["nothing", "../shell/base", "state.html", "_state"])
def test_unknown_partials_are_not_found(client: FlaskClient, name: str) -> None:
    assert client.get("/", headers={"X-Partial": name}).status_code == 404


def test_browsers_get_pages_of_errors_and_programs_documents(client: FlaskClient) -> None:
    page = client.get("/no/such/page", headers=HTML | {"X-Partial": "state"})
    text = page.get_data(as_text=True)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "<h1>Page not found</h1>" in text
    assert "<code>not_found</code>" in text
    assert re.search(r"Request \S+<", text)
    assert client.get("/no/such/page").get_json()["error"]["code"] == "not_found"
    assert client.get("/api/v1/jobs/none", headers=HTML).get_json()["error"]["code"] == "not_found"


def test_an_error_page_escapes_its_message_and_counts_down(client: FlaskClient) -> None:
    with client.application.test_request_context("/public/", headers=HTML):
        error = ApiError(429, "rate_limited", "<b>\u202e", headers={"Retry-After": "17"})
        answer = client.application.handle_user_exception(error)
    text = client.application.make_response(answer).get_data(as_text=True)
    assert "<b data-countdown>17</b>" in text
    assert "&lt;b&gt;⟨U+202E⟩" in text


def test_pages_without_database_or_broker_say_so(make_app: MakeApp, queue: QueueParts) -> None:
    away = Broker.open("redis://127.0.0.1:1/0")
    client = make_app(parts=replace(queue, broker=away)).test_client()
    assert "The broker is unavailable" in client.get("/").get_data(as_text=True)


def confirm(app: Flask, confirmation: Confirmation, sent: dict[str, str] | None = None) -> tuple[int, str] | None:
    with app.test_request_context("/x/delete", method="GET" if sent is None else "POST", data=sent):
        answer = confirmation.unless_confirmed()
        return (answer.status_code, answer.get_data(as_text=True)) if answer else None


def test_confirmations_by_weight(client: FlaskClient) -> None:
    plain = Confirmation(title="Cancel?", button="Cancel it", back="/")
    tick = replace(plain, weight="tick", tick="Yes, all 48")
    typed = replace(plain, weight="type", typed="batch_01")
    yes = {"confirmed": "yes"}
    asked = [confirm(client.application, one) for one in (plain, tick, typed)]
    assert [answer[0] for answer in asked if answer] == [200, 200, 200]
    assert confirm(client.application, plain, yes) is None
    refused = confirm(client.application, tick, yes)
    assert refused
    assert refused[0] == 400
    assert confirm(client.application, tick, yes | {"confirm": "yes"}) is None
    wrong = confirm(client.application, typed, yes | {"confirm": "batch_0<1"})
    assert wrong
    assert wrong[0] == 400
    assert 'value="batch_0&lt;1"' in wrong[1]
    assert confirm(client.application, typed, yes | {"confirm": " batch_01 "}) is None


def test_a_wrong_query_falls_back_and_says_what_was_wrong(client: FlaskClient) -> None:
    with client.application.test_request_context("/recent?sort=evil&limit=9999&domain=&status=failed"):
        query = read_query(JobListQuerySchema, limit=50)
    assert {problem.code for problem in query.problems} == {"invalid_sort", "invalid_limit"}
    assert (query.values["limit"], query.status) == (50, 400)


def test_a_form_keeps_what_was_typed_and_places_errors(client: FlaskClient) -> None:
    with client.application.test_request_context("/", method="POST", data={"domain": " a..b ", "tags": ["x", "y"]}):
        form = Form.sent()
    form.fail_as(ApiError(400, "invalid_domain", "empty label", details={"field": "domain"}))
    form.fail_as(ApiError(409, "conflict", "elsewhere", details={"field": "other"}))
    assert (form["domain"], form.all("tags"), form.status) == ("a..b", ["x", "y"], 400)
    assert form.errors == {"domain": "empty label", "": "elsewhere"}
    macros = "{% from 'components/forms.html' import field, summary with context %}"
    text = render(client, macros + "{{ summary(form) }}{{ field(form, 'domain', 'Domain') }}", form=form)
    assert 'aria-invalid="true" aria-describedby="f-domain-bad"' in text
    assert 'value="a..b"' in text


def test_the_queue_page_without_the_state_of_the_queue_is_unavailable(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(_session: object) -> None:
        raise CallTimeout

    monkeypatch.setattr(strip, "count_states", late)
    for headers in (HTML, HTML | {"X-Partial": "state"}, HTML | {"X-Partial": "waiting"}):
        page = client.get("/", headers=headers)
        assert (page.status_code, "<h1>The service is temporarily unavailable</h1>" in page.text) == (503, True)
    assert "The database is unavailable" in client.get("/strip").text
