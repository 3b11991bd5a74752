"""The law of :class:`services.reporter.mailers.mailer.Mailer`, for every carrier."""

from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

import pytest

from services.reporter.mailers.mailer import Mailer
from shared.errors import Transient


def make_message(number: int = 1, *, to: str = "ada@example.org", text: str = "Hello.\n") -> EmailMessage:
    message = EmailMessage(policy=SMTP if to.isascii() else SMTPUTF8)
    message["Subject"] = "Dein Modell für 花 ist fertig"
    message["From"] = "hello@convtailor.example"
    message["To"] = to
    message["Message-ID"] = f"<job-{number}.done@convtailor.example>"
    message["X-Job-Id"] = f"job-{number}"
    message.set_content(text, cte="quoted-printable")
    return message


class MailerContract:
    """Subclasses give a ``mailer``, ``delivered()`` and ``break_down()``."""

    def delivered(self) -> list[EmailMessage]:
        """Return what has been accepted, as read back from where the carrier keeps it."""
        raise NotImplementedError

    def break_down(self) -> None:
        """Make the carrier unable to take mail for now."""
        raise NotImplementedError

    def test_what_was_sent_arrives_whole(self, mailer: Mailer) -> None:
        text = "Grüße, 花\n.\nFrom here\n" + "x" * 2000 + "\n"
        message = make_message(text=text)
        before = message.as_bytes()
        mailer.send(message)
        (arrived,) = self.delivered()
        assert arrived["Subject"] == "Dein Modell für 花 ist fertig"
        assert arrived["X-Job-Id"] == "job-1"
        assert arrived["To"].addresses[0].addr_spec == "ada@example.org"
        assert arrived.get_content().replace("\r\n", "\n") == text
        assert message.as_bytes() == before

    def test_several_messages_are_all_kept(self, mailer: Mailer) -> None:
        for number in (1, 2, 3):
            mailer.send(make_message(number))
        assert sorted(message["X-Job-Id"] for message in self.delivered()) == ["job-1", "job-2", "job-3"]

    def test_a_repeat_is_allowed_and_recognisable(self, mailer: Mailer) -> None:
        mailer.send(make_message())
        mailer.send(make_message())
        assert {message["Message-ID"] for message in self.delivered()} == {"<job-1.done@convtailor.example>"}

    def test_a_carrier_that_cannot_take_mail_now_is_transient(self, mailer: Mailer) -> None:
        self.break_down()
        with pytest.raises(Transient):
            mailer.send(make_message())
