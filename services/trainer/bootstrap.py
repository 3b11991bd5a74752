"""Puts the worker together: the only place of this service that names what stands behind the ports."""

import os
import socket
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta

from services.trainer.run.device import visibility
from services.trainer.scratch.disk import disk_usage
from services.trainer.scratch.workspace import lasting_usage
from services.trainer.settings import TrainerSettings
from services.trainer.worker.disk_room import DiskRoom
from services.trainer.worker.training_process import TrainingProcess
from services.trainer.worker.worker import Worker, WorkerRules
from services.trainer.zoo.sources.mirror import open_mirror
from shared.backends import open_backends
from shared.process.child_process import python_module
from shared.settings import InvalidSettings, environment_of

MIN_CLOUD_LEASE_S, MAX_CLOUD_LEASE_S = 10, 600
"""Shortest and longest time for which Pub/Sub leases a message, in seconds."""
TRAINING_COMMAND = python_module("services.trainer.training.process")


def build_worker(
    settings: TrainerSettings, environ: Mapping[str, str] = os.environ, *, command: Sequence[str] = TRAINING_COMMAND
) -> Worker:
    """Return a worker over the back-ends that the settings name.

    Args:
        settings: See there.
        environ: What training processes get besides the settings.
        command: What is started as a training process.

    Raises:
        shared.settings.InvalidSettings: If the back-ends cannot be used, or not with these settings.
    """
    if settings.backend == "gcp" and not MIN_CLOUD_LEASE_S <= settings.trainer_lease_s <= MAX_CLOUD_LEASE_S:
        raise InvalidSettings(
            f"CONVTAILOR_TRAINER_LEASE_S is {settings.trainer_lease_s:g}; Pub/Sub leases messages for "
            f"{MIN_CLOUD_LEASE_S} to {MAX_CLOUD_LEASE_S} s"
        )
    open_mirror(settings)  # a fault in its address is told now, not by the first job
    backends = open_backends(settings)
    child_environ = training_environ(settings, environ)
    return Worker(
        store=backends.job_store,
        heartbeats=backends.heartbeat_store,
        objects=backends.object_store,
        bus=backends.event_bus,
        spawn=lambda: TrainingProcess(command, child_environ),
        disk=DiskRoom(scratch=settings.scratch, usage=disk_usage if settings.wait_for_disk else lasting_usage),
        owner=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
        rules=WorkerRules(
            lease=timedelta(seconds=settings.trainer_lease_s),
            poll_s=settings.poll_s,
            max_attempts=settings.max_attempts,
            warm_child=settings.warm_child,
            require_gpu=settings.require_gpu,
            idle_exit_s=settings.idle_exit_s,
            price_per_hour=settings.hourly_price,
        ),
    )


def training_environ(settings: TrainerSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a training process: the worker's own, its settings, and the one GPU it may see."""
    return {**environ, **environment_of(settings), **visibility(settings.gpu)}
