import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from services.reporter.mailers.outbox_mailer import OutboxMailer, file_name
from services.reporter.mailers.smtp_mailer import Security, SmtpMailer, SmtpServer
from shared.clock import utc_now
from shared.errors import Transient, UserFault
from tests.contract.mailer_contract import MailerContract, make_message
from tests.job_fixture import HandClock


def parse(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


class Mailbox:
    """What the server does: it keeps mail, or answers a step with the line it is told to."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.answers: dict[str, str] = {}

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" in self.answers:
            return self.answers["DATA"]
        assert isinstance(envelope.content, bytes)
        self.messages.append(envelope.content)
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TestOutboxMailer(MailerContract):
    @pytest.fixture
    def mailer(self, tmp_path: Path) -> OutboxMailer:
        self.folder = tmp_path / "new" / "outbox"
        return OutboxMailer(self.folder)

    def delivered(self) -> list[EmailMessage]:
        return [parse(path.read_bytes()) for path in sorted(self.folder.glob("*.eml"))]

    def break_down(self) -> None:
        self.folder.parent.write_text("a file where the folder should be")

    def test_a_repeat_replaces_the_file_and_leaves_nothing_beside_it(self, mailer: OutboxMailer) -> None:
        mailer.send(make_message())
        mailer.send(make_message(text="Again.\n"))
        assert [path.name for path in self.folder.iterdir()] == ["job-1.done.eml"]
        assert self.delivered()[0].get_content().strip() == "Again."

    def test_messages_are_kept_no_longer_than_what_they_link_to_and_those_of_others_stay(self, tmp_path: Path) -> None:
        clock = HandClock(utc_now())
        mailer = OutboxMailer(tmp_path, keep=timedelta(days=30), clock=clock)
        mailer.send(make_message())
        (tmp_path / "mine.eml").write_bytes(b"Subject: Holidays\r\n\r\nSoon.")
        clock.advance(29 * 86400)
        mailer.send(make_message())
        assert len(list(tmp_path.iterdir())) == 2
        clock.advance(2 * 86400)
        OutboxMailer(tmp_path, keep=timedelta(days=30), clock=clock)
        assert [path.name for path in tmp_path.iterdir()] == ["mine.eml"]

    def test_no_message_id_leads_out_of_the_folder(self) -> None:
        assert file_name("<../../etc/passwd@x>") == "_.._etc_passwd.eml"
        assert file_name("<@x>") == "mail.eml"
        assert len(file_name(f"<{'a' * 900}@x>")) < 255


class TestSmtpMailer(MailerContract):
    @pytest.fixture
    def mailer(self) -> Iterator[SmtpMailer]:
        self.mailbox = Mailbox()
        self.server = Controller(self.mailbox, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=False)
        self.server.start()
        yield SmtpMailer(self.place())
        if self.server.loop.is_running():
            self.server.stop()

    def place(self, **changes: object) -> SmtpServer:
        fields = {"host": "127.0.0.1", "port": self.server.port, "security": Security.NONE, "timeout_s": 5.0}
        return SmtpServer(**(fields | changes))  # type: ignore[arg-type]

    def delivered(self) -> list[EmailMessage]:
        return [parse(data) for data in self.mailbox.messages]

    def break_down(self) -> None:
        self.server.stop()

    @pytest.mark.parametrize(
        ("step", "answer"),
        [
            ("RCPT", "550 no such user"),
            ("DATA", "554 looks like spam"),
            ("DATA", "552 too large"),
            ("MAIL", "552 too large"),
        ],
    )
    def test_what_the_server_refuses_for_good_is_the_persons_to_mend(
        self, mailer: SmtpMailer, step: str, answer: str
    ) -> None:
        self.mailbox.answers[step] = answer
        with pytest.raises(UserFault, match=answer[4:]) as caught:
            mailer.send(make_message())
        assert caught.value.fault.code == "mail_refused"
        assert caught.value.fault.details == {"smtp_code": int(answer[:3])}

    @pytest.mark.parametrize(
        ("step", "answer"),
        [
            ("RCPT", "450 mailbox busy"),
            ("DATA", "451 try later"),
            ("MAIL", "421 closing"),
            ("MAIL", "530 authenticate first"),
        ],
    )
    def test_what_may_pass_later_is_transient(self, mailer: SmtpMailer, step: str, answer: str) -> None:
        self.mailbox.answers[step] = answer
        with pytest.raises(Transient):
            mailer.send(make_message())
        assert self.delivered() == []

    def test_a_server_without_starttls_gets_no_mail_in_the_clear(self, mailer: SmtpMailer) -> None:
        with pytest.raises(Transient):
            SmtpMailer(self.place(security=Security.STARTTLS)).send(make_message())
        assert self.delivered() == []

    def test_an_address_the_server_cannot_write_is_refused(self, mailer: SmtpMailer) -> None:
        with pytest.raises(UserFault) as caught:
            mailer.send(make_message(to="jörg@example.org"))
        assert caught.value.fault.code == "mail_refused"

    def test_a_silent_server_is_given_up_in_time(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            server = SmtpServer(host="127.0.0.1", port=silent.getsockname()[1], security=Security.NONE, timeout_s=0.1)
            with pytest.raises(Transient):
                SmtpMailer(server).send(make_message())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a certificate of localhost and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl program to make a certificate")
    folder = tmp_path_factory.mktemp("certificate")
    paths = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            openssl,
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-out",
            str(paths[0]),
            "-keyout",
            str(paths[1]),
        ],
        check=True,
        capture_output=True,
    )
    return paths


class TestProtectedSmtp:
    @pytest.fixture
    def context(self, certificate: tuple[Path, Path]) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        return context

    def server(self, controller: Controller, security: Security, certificate: Path | None, password: str) -> SmtpServer:
        return SmtpServer(
            host="localhost",
            port=controller.port,
            security=security,
            user="me" if password else None,
            password=password,
            ca_file=None if certificate is None else str(certificate),
        )

    @pytest.mark.parametrize(("password", "num_accepted"), [("right", 1), ("wrong", 0)])
    def test_it_logs_in_after_starttls(
        self, certificate: tuple[Path, Path], context: ssl.SSLContext, password: str, num_accepted: int
    ) -> None:
        mailbox = Mailbox()
        keeper = {
            "authenticator": authenticate,
            "auth_required": True,
            "require_starttls": True,
            "tls_context": context,
        }
        controller = Controller(mailbox, hostname="localhost", port=free_port(), **keeper)
        controller.start()
        try:
            mailer = SmtpMailer(self.server(controller, Security.STARTTLS, certificate[0], password))
            if num_accepted:
                mailer.send(make_message())
            else:
                with pytest.raises(Transient):
                    mailer.send(make_message())
            stranger = SmtpMailer(self.server(controller, Security.STARTTLS, None, password))
            with pytest.raises(Transient, match="certificate"):
                stranger.send(make_message())
        finally:
            controller.stop(no_assert=True)
        assert len(mailbox.messages) == num_accepted

    def test_it_speaks_tls_from_the_first_byte(self, certificate: tuple[Path, Path], context: ssl.SSLContext) -> None:
        mailbox = Mailbox()
        controller = Controller(mailbox, hostname="localhost", port=free_port(), ssl_context=context)
        controller.start()
        try:
            SmtpMailer(self.server(controller, Security.TLS, certificate[0], "")).send(make_message())
        finally:
            controller.stop(no_assert=True)
        assert len(mailbox.messages) == 1


def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=data.password == b"right", handled=False)
