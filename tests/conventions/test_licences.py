"""REUSE.toml names the licence of each file, and LICENSES has the text of each licence."""

from __future__ import annotations

import subprocess
import tomllib

from tests.deploy.files import setup_value, tools_python
from tests.support.sources import ROOT

ANNOTATIONS = tomllib.loads((ROOT / "REUSE.toml").read_text(encoding="utf-8"))["annotations"]


def test_every_file_has_the_licence_of_the_package_unless_it_is_named() -> None:
    first, *others = ANNOTATIONS
    assert (first["path"], first["SPDX-License-Identifier"]) == ("**", setup_value("metadata", "license"))
    assert [path for each in others for path in each["path"] if not list(ROOT.glob(path))] == []


def test_each_licence_has_its_text() -> None:
    used = {each["SPDX-License-Identifier"] for each in ANNOTATIONS}
    assert {path.stem for path in (ROOT / "LICENSES").iterdir()} == used
    assert (ROOT / "LICENSES/BSD-2-Clause.txt").read_text() == (ROOT / "LICENSE").read_text()


def test_reuse_finds_nothing() -> None:
    done = subprocess.run(
        [tools_python(), "-m", "reuse", "lint"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
