"""A worker that holds one job's message as a trainer does: pulled by itself, its lease renewed each third of its time.

It prints a line when it has the message and one for each renewal, and goes on until it is killed::

    PUBSUB_EMULATOR_HOST=… python -m benchmarks.pulling_worker PROJECT LEASE_S
"""

import sys
import time
from datetime import timedelta

from shared.adapters.gcp.pubsub.pubsub_event_bus import PubsubEventBus
from shared.job.events import Topic


def main(project: str, lease_s: int) -> None:
    """Hold the first message that comes."""
    lease = timedelta(seconds=lease_s)
    bus = PubsubEventBus(project)
    while not (deliveries := bus.pull(Topic.JOBS, lease=lease)):
        pass
    print("pulled", flush=True)
    while True:
        time.sleep(lease_s / 3)
        bus.extend(deliveries[0], lease=lease)
        print("renewed", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
