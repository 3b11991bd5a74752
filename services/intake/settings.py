"""What intake takes from the environment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from shared.push_gate import PushSettings
from shared.settings import setting

AUTO_URL = "auto"


@dataclass(frozen=True, kw_only=True)
class IntakeSettings(PushSettings):
    """Settings of intake, beside those of every service."""

    public_url: Annotated[str, Field(pattern=rf"^({AUTO_URL}|https?://[^\s/]\S*)$")] = setting(
        AUTO_URL,
        help="Address under which people reach intake, such as `https://photos.example.org`; what it answers and signs "
        "begins with it. `auto`: the one that each request came to, and for mails the one it listens at.",
    )
    host: str = setting("127.0.0.1", help="Address that intake listens at.")
    port: Annotated[int, Field(ge=0, le=65535)] = setting(
        8080, fallback="PORT", help="Port that intake listens at; 0 picks a free one. Without it, `PORT` counts."
    )
    request_threads: Annotated[int, Field(ge=1, le=256)] = setting(8, help="Requests served at the same time.")
    ready_file: Path | None = setting(
        None,
        help='File that receives `{"url": …, "public_url": …}` once intake serves: where this machine and others '
        "reach it.",
    )
    max_upload_bytes: Annotated[int, Field(ge=1)] = setting(4 * 2**30, help="Largest archive taken, in bytes.")
    upload_valid_s: Annotated[int, Field(ge=1, le=7 * 86400)] = setting(
        3600,
        help="Seconds in which an upload may begin. It may take longer; a job whose archive has not come in the time "
        "that a line of half a megabit per second takes then expires.",
    )
    link_valid_s: Annotated[int, Field(ge=1, le=7 * 86400)] = setting(
        3600, help="Seconds that a download URL handed out by intake is valid."
    )
    sweep_patience_s: Annotated[float, Field(ge=1)] = setting(
        120.0, help="Seconds that a job may stand still before its message counts as lost and is sent again."
    )
    transfer_threads: Annotated[int, Field(ge=1, le=256)] = setting(
        32, help="Uploads and downloads served at the same time, beside the requests."
    )
    stall_s: Annotated[float, Field(gt=0)] = setting(
        60.0, help="Seconds without a byte after which an upload or download is given up."
    )
    min_bytes_per_s: Annotated[float, Field(gt=0)] = setting(
        1000.0,
        help="Speed of an upload or download, in bytes per second, below which it is given up in the end. A slower one "
        "may fall behind by `CONVTAILOR_STALL_S`.",
    )
    stop_grace_s: Annotated[int, Field(ge=1)] = setting(
        5, help="Seconds that running requests have to finish when the service is told to stop."
    )
