"""``python -m tools.smoke URL EMAIL``: sends a small job of handwritten digits to a service and waits for its end.

Exit code 0 where it ends as done. ``CONVTAILOR_API_KEY`` is shown where it is set; without a key the click that
confirms the address has to be made meanwhile.
"""

import sys
import tempfile
import time
from pathlib import Path

from services.client.api.client import Client
from services.client.commands.access import key_of
from services.onebox.digits import write_digits
from shared.job.job import JobState

OPTIONS = {"candidates": "tiny", "epochs": 3, "tune_epochs": 0, "budget_minutes": 20}
PATIENCE_S = 3600
"""A machine may have to be made first."""


def main(url: str, email: str) -> int:
    """Run one job and tell each change of its state."""
    with tempfile.TemporaryDirectory() as folder, Client(url) as client:
        archive = Path(folder) / "digits.zip"
        write_digits(archive, Path(folder) / "held-back")
        made = client.submit(email, OPTIONS, size_bytes=archive.stat().st_size, key=key_of(None))
        client.upload(made.upload, archive)
        ends_s, told = time.monotonic() + PATIENCE_S, None
        while time.monotonic() < ends_s:
            job = client.status(made.job_id, made.token)
            if job.state is not told:
                told = job.state
                print(f"{time.strftime('%H:%M:%S')} {job.state} {job.detail}", flush=True)
            if job.is_ended:
                return 0 if job.state is JobState.DONE else 1
            time.sleep(job.retry_after_s or 5)
    print(f"no end within {PATIENCE_S} s", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
