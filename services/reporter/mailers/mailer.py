"""The port to whatever carries mail."""

from email.message import EmailMessage
from typing import Protocol


class Mailer(Protocol):
    """Hands messages over for delivery, at least once; a repeat carries the same Message-ID.

    A message comes complete: From, To with one address, Date, Message-ID, Subject and body. Safe for threads.
    """

    def send(self, message: EmailMessage) -> None:
        """Hand a message over; on return the carrier has accepted responsibility for it, durably.

        The message itself is not changed. Sending one Message-ID again is allowed; whether the person then sees it
        once or twice is the carrier's choice, but never is either lost.

        Raises:
            Transient: If it was not accepted now and may be later: no answer, busy, or an operator has to mend the
                credentials. It may have been accepted all the same when the answer was lost.
            UserFault: If it will never be accepted: ``mail_refused`` (no such mailbox, content or size turned down).
        """
        ...
