"""The name of a back-end → what takes its pushes, imported only when it is asked for; beside :mod:`shared.backends`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.job.events import Event, Topic
from shared.messaging.push import TokenVerifier
from shared.ports.event_bus import EventBus
from shared.settings import InvalidSettings, Settings, setting, variable


@dataclass(frozen=True, kw_only=True)
class PushSettings(Settings):
    """Settings of a service that Pub/Sub pushes to, beside those of every service."""

    push_audience: str | None = setting(
        None, help="What the OIDC tokens of pushes are made for; required with the back-end `gcp`."
    )
    push_account: str | None = setting(
        None, help="E-mail of the service account whose pushes are taken; required with the back-end `gcp`."
    )
    push_certs_url: str = setting(
        "https://www.googleapis.com/oauth2/v1/certs",
        help="Where the certificates are that those tokens are checked with.",
    )

    @property
    def is_pushed_to(self) -> bool:
        """Whether events come over HTTP; otherwise the service pulls them."""
        return self.backend == "gcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushGate:
    """What a product that pushes brings.

    Args:
        verifier: Knows who may push.
        record_dead: Keeps the bytes of a message that no retry can help, with its topic and the reason.
        notified: Makes an event of the attributes of the object store's own notification; ``None`` for one that tells
            nothing to us.
    """

    verifier: TokenVerifier
    record_dead: Callable[[Topic, bytes, str], None]
    notified: Callable[[Mapping[str, str], datetime], Event | None]


def open_push_gate(settings: PushSettings, bus: EventBus) -> PushGate | None:
    """Return the gate of the back-end that the settings name; ``None`` where events are pulled.

    Args:
        settings: Of the service.
        bus: The one of :func:`shared.backends.open_backends`.

    Raises:
        InvalidSettings: If audience or account are missing.
    """
    if not settings.is_pushed_to:
        return None
    audience, account = expected_caller(settings)
    from shared.adapters.gcp.pubsub.oidc import OidcVerifier  # noqa: PLC0415
    from shared.adapters.gcp.pubsub.pubsub_event_bus import PubsubEventBus  # noqa: PLC0415
    from shared.adapters.gcp.storage.notification import event_of_notification  # noqa: PLC0415

    if not isinstance(bus, PubsubEventBus):
        raise TypeError(f"received {type(bus).__name__}, expected the bus of the back-end gcp")
    bucket = settings.gcp_bucket or ""
    return PushGate(
        verifier=OidcVerifier(audience, account, certs_url=settings.push_certs_url),
        record_dead=bus.record_dead,
        notified=lambda attributes, now: event_of_notification(attributes, bucket=bucket, now=now),
    )


def expected_caller(settings: PushSettings) -> tuple[str, str]:
    """Return the audience and the account of the tokens to take; a service asks before it opens anything.

    Raises:
        InvalidSettings: If one of them is missing where events are pushed.
    """
    wanted = {"push_audience": settings.push_audience, "push_account": settings.push_account}
    missing = [f"{variable(name)}: required with CONVTAILOR_BACKEND=gcp" for name, value in wanted.items() if not value]
    if missing and settings.is_pushed_to:
        raise InvalidSettings("the environment has faults:\n  " + "\n  ".join(missing))
    return settings.push_audience or "", settings.push_account or ""
