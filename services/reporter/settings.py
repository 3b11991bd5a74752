"""What the operator of a reporter may choose."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from services.reporter.mailers.smtp_mailer import Security
from shared.push_gate import PushSettings
from shared.settings import setting


class MailCarrier(StrEnum):
    """What carries mail."""

    OUTBOX = "outbox"
    SMTP = "smtp"
    SENDGRID = "sendgrid"


@dataclass(frozen=True, kw_only=True)
class ReporterSettings(PushSettings):
    """Settings of the reporter, beside those of every service."""

    host: str = setting("127.0.0.1", help="Address that the reporter listens at, where events are pushed.")
    port: Annotated[int, Field(ge=1, le=65535)] = setting(
        8081, fallback="PORT", help="Port that it then listens at. Without it, `PORT` counts."
    )
    request_threads: Annotated[int, Field(ge=1, le=64)] = setting(4, help="Reports then written at the same time.")
    stop_grace_s: Annotated[int, Field(ge=1)] = setting(
        8, help="Seconds that reports have to finish when the service is told to stop; Cloud Run waits 10."
    )
    mailer: MailCarrier = setting(
        MailCarrier.OUTBOX, help="What carries mail: `outbox` (.eml files in a folder), `smtp` or `sendgrid`."
    )
    outbox_dir: Path | None = setting(None, help="Folder of the .eml files; `outbox` in the data folder by default.")
    mail_from: str = setting("convtailor@localhost", help="Address that mails come from.")
    mail_from_name: str = setting("convtailor", help="Name that mails come from.")
    smtp_host: str | None = setting(None, help="Mail server; required with `smtp`.")
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = setting(
        587, help="Its port: usually 587 with `starttls`, 465 with `tls`, 25 with `none`."
    )
    smtp_security: Security = setting(Security.STARTTLS, help="How the connection is protected: starttls, tls or none.")
    smtp_user: str | None = setting(None, help="Name to log in with; no log-in by default.")
    smtp_password: str = setting("", help="Its password.", secret=True)
    smtp_timeout_s: Annotated[float, Field(gt=0)] = setting(
        20.0, help="Longest wait for any one answer of the mail server, in seconds."
    )
    smtp_ca_file: Path | None = setting(None, help="Certificates to trust instead of the system's.")
    sendgrid_key: str = setting("", help="API key of SendGrid; required with `sendgrid`.", secret=True)
    sendgrid_host: Annotated[str, Field(pattern=r"^https?://[^\s/]+$")] = setting(
        "https://api.sendgrid.com", help="Address of its API, without a path; accounts of the EU have their own."
    )
    sendgrid_timeout_s: Annotated[float, Field(gt=0)] = setting(
        20.0, help="Longest wait for any one answer of SendGrid, in seconds."
    )
    mail_link_days: Annotated[float, Field(gt=0, le=365)] = setting(
        30.0, help="Days that links in mails work; never longer than what they lead to is kept."
    )
    delivery_dir: Path | None = setting(
        None,
        help="Folder on this machine to which somebody brings the files of the job; links in the mail then lead there "
        "and never end. `convtailor run` sets it, since its server is gone when the mail is read.",
    )
    mail_patience_h: Annotated[float, Field(gt=0)] = setting(
        24.0, help="Hours for which a mail that is not taken is tried again; then the job ends without it."
    )
    reporter_lease_s: Annotated[float, Field(ge=1)] = setting(
        60.0,
        fallback="CONVTAILOR_LEASE_S",
        help="A reporter not heard of for this many seconds is taken for dead and its job given to another. Without "
        "it, `CONVTAILOR_LEASE_S` counts, its name before.",
    )

    @property
    def outbox(self) -> Path:
        """The folder of the .eml files."""
        return self.outbox_dir or self.data_dir / "outbox"
