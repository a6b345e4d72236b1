"""Each example of the API works literally, against a real service whose domains are those of a DNS on loopback."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.site.examples import LANGUAGES, examples
from tests.support.service import Service

NAMES = {"example.com": "good.xa", "example.net": "signed.xa"}
PROGRAMS = {
    "curl": (["bash", "-euo", "pipefail"], "example.sh", ("bash", "curl", "jq")),
    "python": ([sys.executable, "-W", "error"], "example.py", ()),
    "javascript": (["node"], "example.mjs", ("node",)),
}


@pytest.fixture(scope="module")
def service(in_demo_world: dict[str, str]) -> Iterator[Service]:
    with Service(environ=in_demo_world) as shared:
        yield shared.wait_until_ready()


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_example_works(language: str, service: Service, tmp_path: Path) -> None:
    command, name, tools = PROGRAMS[language]
    if missing := [tool for tool in tools if not shutil.which(tool)]:
        pytest.skip(f"NOT RUN: no {', '.join(missing)}; .ci/apt-tools installs it")
    assert len(examples()) > 3
    for example in examples():
        code = getattr(example, language).replace("http://127.0.0.1:8080", service.url)
        for old, new in NAMES.items():
            code = code.replace(old, new)
        (tmp_path / name).write_text(code)
        done = subprocess.run([*command, name], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, f"{example.title}: {done.stderr}"
        assert done.stdout.strip(), example.title
        assert "undefined" not in done.stdout, example.title
        assert "null" not in done.stdout, f"{example.title}: {done.stdout}"
