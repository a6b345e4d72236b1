"""The image, built without a registry and really run: one domain, a clean stop, a read-only root, a size limit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request

import pytest

from tests.deploy.files import DEPLOY
from tests.support.dnsworld import World
from tests.support.redis_addresses import free_port
from tests.support.service import open_url, wait_for

MISSING = [program for program in ("buildah", "mmdebstrap", "unshare") if not shutil.which(program)]
pytestmark = [
    pytest.mark.nightly,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("image"),
    pytest.mark.skipif(bool(MISSING), reason=f"NOT RUN: not on this machine: {', '.join(MISSING)}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="NOT RUN: needs root"),
]

TAG = "localhost/gonemaster:of-a-test"
LIMIT_MB = 250
# What an engine does for `run --read-only --user 10001 --volume DATA --tmpfs /tmp`, which buildah cannot do everywhere:
# the tree is bound read-only, with a volume and an empty /tmp, and the program runs as the user of the image.
RUN = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount --bind "$2" "$1/var/lib/gonemaster"
mount -t tmpfs none "$1/tmp"
mount -t proc none "$1/proc"
mount --rbind /dev "$1/dev"
shift 2
exec chroot --userspec=10001:10001 "$ROOT_OF_IMAGE" "$@"
"""


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """The mounted tree of the image."""
    command = [str(DEPLOY / "image" / "build-without-registry"), TAG]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    container = _output("buildah", "from", TAG)
    try:
        yield Path(_output("buildah", "mount", container))
    finally:
        _output("buildah", "rm", container)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def running(image: Path, volume: Path, *arguments: str, environ: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    fields = json.loads(_output("buildah", "inspect", "--type", "image", TAG))["OCIv1"]["config"]
    values = dict(line.split("=", 1) for line in fields["Env"]) | environ | {"ROOT_OF_IMAGE": str(image)}
    process = subprocess.Popen(
        ["unshare", "--mount", "bash", "-c", RUN, "run", image, volume, *fields["Entrypoint"], *arguments],
        env=values | {"PATH": f"{values['PATH']}:/usr/sbin:/sbin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_size(image: Path) -> None:
    size = json.loads(_output("buildah", "images", "--json", TAG))[0]["size"]
    number, unit = size.split()
    assert float(number) * {"MB": 1, "GB": 1000}[unit] <= LIMIT_MB, f"the image has {size}"


def test_what_the_image_does_not_have(image: Path) -> None:
    for path in ("usr/bin/gcc", "usr/bin/pip", "opt/gonemaster/bin/pip", "usr/share/doc", "usr/share/locale"):
        assert not (image / path).exists(), path
    assert not list((image / "var/lib/apt/lists").glob("*_Packages*"))


def test_the_whole_service_runs_read_only_and_tests_a_domain(
    image: Path, tmp_path: Path, demo_world: World, demo_hints: Path
) -> None:
    volume = tmp_path / "volume"
    volume.mkdir(mode=0o700)
    shutil.copy(demo_hints, volume / "hints")
    for path in (volume, volume / "hints"):
        os.chown(path, 10001, 10001)
    tmp_path.chmod(0o755)
    port = free_port()
    environ = {
        "GONEMASTER_LISTEN": f"127.0.0.1:{port}",
        "GONEMASTER_ROOT_HINTS": "/var/lib/gonemaster/hints",
        "GONEMASTER_DNS_PORT": str(demo_world.port),
        "GONEMASTER_ALLOW_NON_GLOBAL": "true",
        "GONEMASTER_WORKER_PROCESSES": "1",
        "GONEMASTER_LOG_FORMAT": "json",
    }
    url = f"http://127.0.0.1:{port}/api/v1"
    with running(image, volume, "all", environ=environ) as process:
        wait_for(lambda: process.poll() is not None or _is_ready(url), timeout_s=120, what="the service in the image")
        assert process.poll() is None, process.communicate()[0]
        body = json.dumps({"domain": "good.xa"}).encode()
        job = json.load(open_url(Request(f"{url}/jobs", body, {"Content-Type": "application/json"})))
        wait_for(
            lambda: json.load(open_url(f"{url}/jobs/{job['id']}"))["status"] in ("succeeded", "failed"),
            timeout_s=120,
            what="a finished test",
        )
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=90)
        assert process.returncode == 0, output
    assert (volume / "gonemaster.db").stat().st_uid == 10001


def _is_ready(url: str) -> bool:
    try:
        return bool(open_url(f"{url}/readyz").status == 200)
    except OSError:
        return False
