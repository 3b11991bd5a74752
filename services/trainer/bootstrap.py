"""Puts the worker together: the only place of this service that names what stands behind the ports."""

import os
import socket
import uuid
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from services.trainer.line_process import own_python
from services.trainer.settings import TrainerSettings
from services.trainer.training_process import TrainingProcess
from services.trainer.worker import Worker, WorkerRules
from services.trainer.workspace import forget_workspace
from shared.backends import open_backends
from shared.settings import environment_of

TRAINING_COMMAND = (*own_python(), "-m", "services.trainer.child")


def build_worker(settings: TrainerSettings, environ: Mapping[str, str] = os.environ) -> Worker:
    """Return a worker over the back-ends that the settings name.

    Args:
        settings: See there.
        environ: What training processes get besides the settings.

    Raises:
        shared.settings.InvalidSettings: If the back-ends cannot be used.
    """
    backends = open_backends(settings)
    child_environ = {**environ, **environment_of(settings)}
    return Worker(
        store=backends.job_store,
        bus=backends.event_bus,
        spawn=lambda: TrainingProcess(TRAINING_COMMAND, child_environ),
        forget=partial(forget_workspace, settings.scratch),
        owner=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
        rules=WorkerRules(
            lease=timedelta(seconds=settings.lease_s),
            poll_s=settings.poll_s,
            max_attempts=settings.max_attempts,
            grace_s=settings.grace_s,
            warm_child=settings.warm_child,
        ),
    )
