"""The quick part of the lab: workers on separate hosts are frozen and cut off, and a standby is promoted."""

import logging

import pytest

from tests.distributed.lab.report import row
from tests.distributed.lab.scenarios import (
    Scenario,
    a_synchronous_standby_is_promoted,
    a_worker_host_is_cut_off,
    a_worker_host_is_frozen,
    attempt,
)
from tests.distributed.lab.services import Shape, open_lab

log = logging.getLogger(__name__)

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

SMALL = Shape(workers=2, apis=1, beats=1, standby=True, lease_s=4)
FAULTS = (a_worker_host_is_frozen, a_worker_host_is_cut_off, a_synchronous_standby_is_promoted)


def test_frozen_and_lost_hosts_lose_and_double_no_job() -> None:
    with open_lab(SMALL) as lab:
        for act in FAULTS:
            verdict, _ = attempt(lab, Scenario(act.__name__, act), batch=40, fault_s=8, freezes=1)
            log.info(" | ".join(row(act.__name__, verdict)))
            assert (verdict.lost, verdict.doubled, verdict.failed, verdict.given_up) == (0, 0, 0, 0)
            assert verdict.jobs > 40  # clients submitted interactive jobs, too
        assert verdict.standstill_s > 0
