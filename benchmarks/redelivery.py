"""How long a job's message is out of reach after its worker was killed without a word."""

import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.emulation import can_emulate, emulated
from benchmarks.figure import Figure
from shared.job.events import Topic, job_queued
from shared.ports.event_bus import DeliveryRules
from tests.cloud.emulator import PUBSUB

REPEATS = 3
LEASE_S = 15
"""As in infra/terraform/topic.tf, like the rules."""
RULES = DeliveryRules(max_attempts=50, min_backoff=timedelta(seconds=10), max_backoff=timedelta(seconds=600))
_GIVE_UP_S = 120.0


def measure(scratch: Path) -> list[Figure]:
    """Kill a worker right after it has renewed its lease, the worst moment, and wait for the message elsewhere."""
    if not can_emulate("redelivery after kill -9"):
        return []
    with emulated(PUBSUB, scratch / "pubsub"):
        seconds = [_until_redelivered(f"demo-redelivery-{number}") for number in range(REPEATS)]
    each = ", ".join(f"{value:.1f}" for value in seconds)
    note = (
        f"worst of {each} s; the lease of {LEASE_S} s had just been renewed, another worker was waiting; "
        "Pub/Sub's emulator, which does not add the retry policy's least wait as Google's own service does"
    )
    return [Figure(name="redelivery after `kill -9` of a worker", measured=max(seconds), unit="s", at_most=20,
                   note=note)]  # fmt: skip


def _until_redelivered(project: str) -> float:
    from shared.adapters.gcp.pubsub.pubsub_event_bus import PubsubEventBus
    from shared.adapters.gcp.pubsub.pubsub_topology import create_topology
    from shared.clock import utc_now

    create_topology(project, rules=RULES, lease_s=LEASE_S)
    bus = PubsubEventBus(project)
    bus.publish(job_queued("job", utc_now()))
    command = [sys.executable, "-m", "benchmarks.pulling_worker", project, str(LEASE_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        try:
            if worker.stdout is None:
                raise RuntimeError("unreachable: a pipe was asked for")
            said = [worker.stdout.readline().strip() for _ in range(3)]
        finally:
            worker.kill()
    killed = time.monotonic()
    if said != ["pulled", "renewed", "renewed"]:
        raise RuntimeError(f"the worker said {said}")
    try:
        while time.monotonic() - killed < _GIVE_UP_S:
            if deliveries := bus.pull(Topic.JOBS, lease=timedelta(seconds=LEASE_S)):
                seconds = time.monotonic() - killed
                bus.ack(deliveries[0])
                return seconds
    finally:
        bus.close()
    raise RuntimeError(f"the message did not come again within {_GIVE_UP_S} s")
