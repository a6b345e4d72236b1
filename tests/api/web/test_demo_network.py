"""The network of the demo counts as global only in the processes of the demo; every other request for it is refused."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.demo.network import NETWORK
from gonemaster_engine.errors import ProfileError
from gonemaster_engine.profile.profile import default_profile
from gonemaster_tasks.config.environment import unknown_variables
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.settings import OPTIONS
from gonemaster_tasks.errors import SettingsError
from tests.api.web.test_errors import error_of
from tests.support.sources import ROOT

OPTION = "count_as_global"
VARIABLE = "GONEMASTER_COUNT_AS_GLOBAL"
ADDRESS = "127.16.0.53"
# What an ordinary process answers about an address of the network, after it has read the settings.
PROGRAM = f"""
from gonemaster_tasks.config.loader import load_settings
from gonemaster_engine.addresses import is_allowed_target
load_settings()
print(is_allowed_target("{ADDRESS}", guarded=True))
"""


def test_only_the_engine_and_the_demo_mention_the_option() -> None:
    files = [*ROOT.glob("gonemaster_*/**/*.py"), *(ROOT / "deploy").glob("**/*.py")]
    found = {path.relative_to(ROOT).as_posix() for path in files if OPTION in path.read_text(encoding="utf-8")}
    assert found == {"gonemaster_engine/addresses.py", "gonemaster_api/demo/network.py"}


def test_the_service_does_not_import_the_demo() -> None:
    program = "import sys, gonemaster_api.server.cli, gonemaster_api.server.api_process, gonemaster_tasks.worker.main\n"
    program += "print([name for name in sys.modules if name.startswith('gonemaster_api.demo')])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_ordinary_starts_refuse_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not [option for option in OPTIONS if OPTION in (option.key, option.name)]
    file = tmp_path / "config.json"
    file.write_text(f'{{"{OPTION}": "{NETWORK}"}}')
    with pytest.raises(SettingsError, match="unknown key"):
        load_settings(file=file)
    with pytest.raises(SettingsError, match="unknown setting"):
        load_settings({OPTION: NETWORK})
    for module in ("gonemaster_api.server", "gonemaster_engine.cli", "gonemaster_tasks.worker"):
        monkeypatch.setattr(sys, "argv", [module, "--count-as-global", NETWORK])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name="__main__")
        assert ended.value.code == 2
        assert "--count-as-global" in capsys.readouterr().err


def test_a_variable_changes_nothing() -> None:
    assert unknown_variables({VARIABLE: NETWORK}) == {VARIABLE: ""}
    environ = os.environ | {VARIABLE: NETWORK}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"


def test_a_profile_cannot_have_the_option() -> None:
    with pytest.raises(ProfileError, match=OPTION):
        default_profile().merge({"net": {OPTION: [NETWORK]}})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"profile_overrides": {"net": {OPTION: [NETWORK]}}}, "invalid_profile_overrides"),
        ({OPTION: NETWORK}, None),
        ({"nameservers": [{"ns": "ns1.example", "ip": ADDRESS}]}, None),
    ],
)
def test_http_requests_cannot_have_the_option(client: FlaskClient, body: dict[str, Any], code: str | None) -> None:
    answer = client.post("/api/v1/jobs", json={"domain": "healthy.xa", **body})
    assert answer.status_code == 400
    assert code in (None, error_of(answer)["code"])
    assert client.get("/api/v1/jobs").get_json()["total"] == 0


def test_the_settings_of_the_api_do_not_have_the_option(client: FlaskClient) -> None:
    assert OPTION not in client.get("/api/v1/settings").get_json()
    answer = client.put("/api/v1/settings", json={OPTION: NETWORK})
    assert (answer.status_code, error_of(answer)["code"]) == (400, "unknown_setting")
