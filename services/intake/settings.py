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
    queued_patience_s: Annotated[float, Field(ge=0)] = setting(
        0.0,
        help="Seconds that a queued job may wait before its message is sent again, if more than "
        "`CONVTAILOR_SWEEP_PATIENCE_S`: where machines come by the number of messages, each is one more machine.",
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
    require_key: bool = setting(
        False, help="Whether to take jobs of those with an API key only; `convtailor keys` makes keys."
    )
    confirm_addresses: bool = setting(
        False,
        help="Whether people without an API key have to confirm their address by a click before anything is done with "
        "a job, or mailed but the request for the click.",
    )
    confirm_within_h: Annotated[float, Field(gt=0, le=168)] = setting(
        24.0, help="Hours in which the click has to come; the job then expires."
    )
    trusted_domains: str = setting(
        "", help="Domains, separated by commas, whose addresses need no click, such as `example.org,lab.example.org`."
    )
    jobs_per_network_hour: Annotated[int, Field(ge=0)] = setting(
        0, help="Most jobs within an hour of callers without an API key from one network (/24, IPv6: /56); 0: no limit."
    )
    jobs_per_address_day: Annotated[int, Field(ge=0)] = setting(
        0, help="Most jobs within a day for one mail address, by callers without an API key; 0: no limit."
    )
    bytes_per_network_day: Annotated[int, Field(ge=0)] = setting(
        0, help="Most bytes of archives within a day of callers without an API key from one network; 0: no limit."
    )
    max_jobs: Annotated[int, Field(ge=0, le=100_000)] = setting(
        0, help="Most jobs that may be open at a time, from the first request to the end; 0: no limit."
    )
    forwarded_hops: Annotated[int, Field(ge=0, le=20)] = setting(
        0,
        help="Proxies in front that each add the caller's address to X-Forwarded-For, such as 1 on Cloud Run; 0: the "
        "header is not heeded.",
    )
    stop_grace_s: Annotated[int, Field(ge=1)] = setting(
        5, help="Seconds that running requests have to finish when the service is told to stop."
    )
