"""A small job with everything real: back-ends in a folder, drawn pictures, a mirror of weights, workers."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from PIL import Image, ImageDraw

from services.trainer.run.deadline import Countdown, Deadline
from services.trainer.run.ledger import ObjectLedger
from shared.adapters.embedded.signed_url import UrlSigner
from shared.backends import Backends, open_backends
from shared.clock import utc_now
from shared.job.events import Event, Topic, announcement, decode
from shared.job.job import Archive, Job, JobState, Upload
from shared.job.options import JobOptions, LevelChoice
from shared.ports.heartbeat_store import as_told
from shared.settings import Settings
from tests.doubles.memory_object_store import MemoryObjectStore
from tests.waiting import PATIENCE_S, until

ROOT = Path(__file__).resolve().parents[1]
JOB_ID = "job-1"
CLASSES = ("blue disc", "green bars", "réd square")
MIRRORED = "mobilenet_0.25"
MIRRORED_FILE = "mobilenet_2_5_224_tf_no_top.h5"


def draw(label: int, generator: np.random.Generator) -> Image.Image:
    """Draw a picture of a class, of any size, on a noisy ground."""
    width, height = (int(side) for side in generator.integers(60, 200, 2))
    image = Image.fromarray(generator.integers(90, 160, (height, width, 3), dtype=np.uint8))
    pen = ImageDraw.Draw(image)
    left, top = int(generator.integers(0, width // 2)), int(generator.integers(0, height // 2))
    box = (left, top, left + width // 2, top + height // 2)
    if label == 0:
        pen.ellipse(box, fill=(20, 40, 220))
    elif label == 1:
        for offset in range(0, width // 2, 8):
            pen.rectangle((left + offset, top, left + offset + 3, top + height // 2), fill=(20, 200, 40))
    else:
        pen.rectangle(box, fill=(220, 30, 30))
    return image


def write_archive(path: Path, *, per_class: int, seed: int = 0, noise_frac: float = 0.1) -> Path:
    """Write a zip with one folder per class; some pictures lie in a wrong folder, so none learns it by heart."""
    generator = np.random.default_rng(seed)
    with ZipFile(path, "w") as archive:
        for label, name in enumerate(CLASSES):
            for number in range(per_class):
                shown = label if generator.random() >= noise_frac else int(generator.integers(len(CLASSES)))
                data = BytesIO()
                draw(shown, generator).save(data, "PNG" if number % 2 else "JPEG")
                archive.writestr(f"photos/{name}/{number}.{'png' if number % 2 else 'JPG'}", data.getvalue())
    return path


def write_mirror(directory: Path, *, seed: int = 0) -> Path:
    """Write weights for one small backbone under Keras's own file name; random ones still tell colours apart."""
    import keras  # noqa: PLC0415 - takes seconds, and most of this module does not need it

    keras.utils.set_random_seed(seed)
    directory.mkdir(exist_ok=True)
    base = keras.applications.MobileNet(alpha=0.25, include_top=False, weights=None, input_shape=(224, 224, 3))
    base.save(directory / MIRRORED_FILE)
    return directory


def null_ledger() -> ObjectLedger:
    """Return a ledger that nobody reads."""
    signer = UrlSigner(b"0" * 32, public_url="http://127.0.0.1", clock=utc_now)
    return ObjectLedger(objects=MemoryObjectStore(signer=signer), job_id="none", fence=1, tell=lambda _: None)


def told(backends: Backends, job_id: str = JOB_ID) -> Job:
    """Return the job as its status page tells it."""
    return as_told(backends.job_store.get(job_id).job, backends.heartbeat_store)


def still_countdown(seconds_left: float = 3600.0) -> Countdown:
    """Return a countdown under a clock that stands, before anything is known of what delivering costs."""
    deadline = Deadline(started=0.0, seconds_left=seconds_left, delivery_s=0.0)
    return Countdown(deadline=deadline, monotonic=lambda: 0.0)


@dataclass(frozen=True, kw_only=True)
class Site:
    """One machine's folder with a job in it; the test plays intake and reporter."""

    folder: Path
    mirror: Path
    job_id: str = JOB_ID

    @property
    def archive(self) -> Path:
        return self.folder / "photos.zip"

    @property
    def backends(self) -> Backends:
        return open_backends(Settings(data_dir=self.folder / "data"))

    def submit(self, archive: Path, **options: Any) -> None:
        """Put a queued job into the store and announce it."""
        backends, now = self.backends, utc_now()
        key = f"uploads/{self.job_id}/archive.zip"
        with archive.open("rb") as file:
            stored = backends.object_store.put(key, file, content_type="application/zip")
        with ZipFile(archive) as opened:
            num_images = len(opened.namelist())
        job = Job(
            job_id=self.job_id,
            email="you@example.org",
            token_hash="0" * 64,
            options=JobOptions(**{"candidates": (MIRRORED,), "levels": LevelChoice.LAST, **options}),
            state=JobState.QUEUED,
            created_at=now,
            updated_at=now,
            upload=Upload(object_key=key, max_bytes=2**30, expires_at=now),
            archive=Archive(
                object_key=key,
                generation=stored.generation,
                size_bytes=stored.size_bytes,
                num_images=num_images,
                num_classes=len(CLASSES),
            ),
        )
        backends.job_store.create(job)
        for event in announcement(job, now):
            backends.event_bus.publish(event)

    def start_worker(self, *, python: str = sys.executable, **environ: str) -> subprocess.Popen[bytes]:
        """Start a trainer as onebox does, with this interpreter or :func:`tests.preloaded.python.preloaded_python`."""
        settings = {
            "CONVTAILOR_DATA_DIR": str(self.folder / "data"),
            "CONVTAILOR_WEIGHTS": str(self.mirror),
            "CONVTAILOR_DOWNLOAD": "false",
            "CONVTAILOR_TRAINER_LEASE_S": "4",
            "CONVTAILOR_MAX_ATTEMPTS": "20",
            **environ,
        }
        with (self.folder / "trainer.log").open("ab") as log:
            return subprocess.Popen(
                [python, "-m", "services.trainer"],
                env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
                stderr=log,
                stdout=log,
            )

    @property
    def log(self) -> str:
        return (self.folder / "trainer.log").read_text()

    def job(self) -> Job:
        return told(self.backends, self.job_id)

    def wait_for(
        self, what: Callable[[Job], bool], worker: subprocess.Popen[bytes], *, within_s: float = PATIENCE_S
    ) -> Job:
        """Return the job as soon as it is as wanted.

        Raises:
            AssertionError: If it is not in time, or the worker ended.
        """
        backends = self.backends

        def look() -> Job | None:
            job = told(backends, self.job_id)
            if what(job):
                return job
            assert worker.poll() is None, self.log
            return None

        return until(look, within_s=within_s, every_s=0.02, tell=lambda: f"{told(backends, self.job_id)}\n{self.log}")

    def fetch(self, name: str, folder: Path) -> Path:
        """Copy a delivered file into a folder."""
        keys = [key for key in self.stored() if key.endswith(f"/{name}")]
        (folder / name).write_bytes(self.backends.object_store.read(keys[-1]))
        return folder / name

    def change(self, **changes: Any) -> None:
        """Write something into the job."""
        store = self.backends.job_store
        stored = store.get(self.job_id)
        store.replace(stored, replace(stored.job, **changes))

    def cancel(self) -> None:
        """Ask for the job to stop, as intake does."""
        self.change(cancel_requested_at=utc_now())

    def told(self) -> Sequence[Event]:
        """Return what the reporter hears."""
        bus = self.backends.event_bus
        return [decode(each.data) for each in bus.pull(Topic.RESULTS, lease=timedelta(minutes=5), max_messages=100)]

    def stored(self) -> list[str]:
        """Return every key below the job."""
        return [stored.key for stored in self.backends.object_store.list(f"jobs/{self.job_id}/")]
