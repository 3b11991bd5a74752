"""Who may submit, how much, and whether the person has to confirm first that the address is theirs.

Whoever shows an API key is counted by it and asked nothing. Everybody else is counted by network and by address, and,
where the operator wants it, has nothing done or mailed but one request for a click until the click has come: else
anybody could have machines work, and mails with words of their own choosing sent, in somebody else's name.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.intake.settings import IntakeSettings
from shared.access.api_key import ApiKey, hash_of, is_key
from shared.access.limits import Limit, limit_reached, of_address, of_key, of_network, window_of
from shared.errors import UserFault
from shared.job.job import Job
from shared.ports.access_store import AccessStore

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionRules:
    """What the operator chose; 0 everywhere: no limit.

    Args:
        require_key: Whether to take jobs of those with a key only.
        confirm_within: For how long a click is waited for; ``None``: nobody has to confirm.
        trusted_domains: Domains whose addresses need no click, in small letters.
        jobs_per_network_hour: Most jobs of a network within an hour.
        jobs_per_address_day: Most jobs for an address within a day.
        bytes_per_network_day: Most bytes of archives of a network within a day.
    """

    require_key: bool = False
    confirm_within: timedelta | None = None
    trusted_domains: frozenset[str] = frozenset()
    jobs_per_network_hour: int = 0
    jobs_per_address_day: int = 0
    bytes_per_network_day: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What is written into a job of who submitted it; see :class:`shared.job.job.Job`."""

    charged_to: str | None = None
    key_id: str | None = None
    confirm_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Decides; what was used is counted in the store.

    Args:
        store: Keys, and what was used.
        rules: What the operator chose.
    """

    store: AccessStore
    rules: AdmissionRules = AdmissionRules()

    def admit(self, shown: str | None, network: str, email: str, now: datetime) -> Admitted:
        """Count one job and return what is to be written into it.

        Args:
            shown: What the request shows in its Authorization header, if anything.
            network: Address of the caller.
            email: Where the report goes.
            now: The present moment.

        Raises:
            UserFault: ``key_required``, ``key_invalid`` or ``limit_reached``.
            Transient: If the store does not answer.
        """
        if shown is not None and is_key(shown):
            key = known_key(self.store, shown)
            self._count(Limit(what="jobs", most=key.jobs_per_day, window=_DAY), of_key(key.key_id), 1, now)
            return Admitted(charged_to=of_key(key.key_id), key_id=key.key_id)
        if self.rules.require_key:
            raise _key_required()
        self._count_unknown(network, email, now)
        charged_to = of_network(network) if self.rules.bytes_per_network_day else None
        return Admitted(charged_to=charged_to, confirm_by=self._confirm_by(email, now))

    def admit_again(self, first: Job, network: str, now: datetime) -> Admitted:
        """Count one more job of whoever submitted one before; the address was confirmed then, if it had to be.

        Its bytes are there already, and are counted for nobody.

        Args:
            first: The job before.
            network: Address of the caller.
            now: The present moment.

        Raises:
            UserFault: ``key_invalid`` or ``limit_reached``.
            Transient: If the store does not answer.
        """
        if first.key_id is not None:
            key = next((each for each in self.store.all_keys() if each.key_id == first.key_id), None)
            if key is None or key.revoked_at is not None:
                raise _key_invalid()
            self._count(Limit(what="jobs", most=key.jobs_per_day, window=_DAY), of_key(key.key_id), 1, now)
            return Admitted(key_id=key.key_id)
        self._count_unknown(network, first.email, now)
        return Admitted()

    def charge(self, job: Job, size_bytes: int, now: datetime) -> None:
        """Count the bytes of an archive that has come.

        Raises:
            UserFault: ``limit_reached``.
            Transient: If the store does not answer.
        """
        if job.charged_to is None:
            return
        most = self.rules.bytes_per_network_day
        if job.key_id is not None:
            key = next((each for each in self.store.all_keys() if each.key_id == job.key_id), None)
            most = 0 if key is None else key.bytes_per_day
        self._count(Limit(what="bytes", most=most, window=_DAY), job.charged_to, size_bytes, now)

    def _count_unknown(self, network: str, email: str, now: datetime) -> None:
        """Count one job of somebody without a key."""
        rules = self.rules
        if rules.jobs_per_network_hour:
            limit = Limit(what="jobs", most=rules.jobs_per_network_hour, window=_HOUR)
            self._count(limit, of_network(network), 1, now)
        if rules.jobs_per_address_day:
            limit = Limit(what="jobs", most=rules.jobs_per_address_day, window=_DAY)
            self._count(limit, of_address(email), 1, now)

    def _confirm_by(self, email: str, now: datetime) -> datetime | None:
        if self.rules.confirm_within is None or email.rpartition("@")[2].casefold() in self.rules.trusted_domains:
            return None
        return now + self.rules.confirm_within

    def _count(self, limit: Limit, subject: str, amount: int, now: datetime) -> None:
        if limit.most == 0:
            return
        window = window_of(limit, subject, now)
        if self.store.add(window, amount) > limit.most:
            raise limit_reached(limit, window, now)


def known_key(store: AccessStore, shown: str) -> ApiKey:
    """Return the key that a request shows.

    Raises:
        UserFault: ``key_invalid``, if it is unknown or was revoked.
        Transient: If the store does not answer.
    """
    key = store.key(hash_of(shown))
    if key is None or key.revoked_at is not None:
        raise _key_invalid()
    return key


def check_operator(store: AccessStore, shown: str | None) -> ApiKey:
    """Let operators in, and return the key of the one who asks.

    Args:
        store: Keys.
        shown: What the request shows in its Authorization header, if anything.

    Raises:
        UserFault: ``key_required``, ``key_invalid`` or ``operator_only``.
        Transient: If the store does not answer.
    """
    fix = "Send 'Authorization: Bearer KEY' with a key that `convtailor keys --new NAME --operator` made."
    if shown is None:
        raise UserFault("key_required", "This is for operators, who show an API key.", fix=fix)
    key = known_key(store, shown)
    if not key.is_operator:
        raise UserFault("operator_only", "The API key is good, but not an operator's.", fix=fix)
    return key


def rules_of(settings: IntakeSettings) -> AdmissionRules:
    """Return what the operator chose."""
    domains = (each.strip().casefold() for each in settings.trusted_domains.split(","))
    return AdmissionRules(
        require_key=settings.require_key,
        confirm_within=timedelta(hours=settings.confirm_within_h) if settings.confirm_addresses else None,
        trusted_domains=frozenset(each for each in domains if each),
        jobs_per_network_hour=settings.jobs_per_network_hour,
        jobs_per_address_day=settings.jobs_per_address_day,
        bytes_per_network_day=settings.bytes_per_network_day,
    )


def caller_of(peer: str | None, forwarded: str | None, hops: int) -> str:
    """Return the address of a caller.

    Args:
        peer: Who opened the connection.
        forwarded: The X-Forwarded-For header. Whoever calls may begin it with anything; proxies add to its end.
        hops: How many proxies of ours add to it; 0: it is not heeded.
    """
    named = [each.strip() for each in (forwarded or "").split(",") if each.strip()]
    return named[-hops] if 0 < hops <= len(named) else peer or ""


def _key_invalid() -> UserFault:
    return UserFault(
        "key_invalid",
        "The API key is not one that this service knows, or it was revoked.",
        fix="Ask the operator for a key, or leave it out where none is required.",
    )


def _key_required() -> UserFault:
    return UserFault(
        "key_required",
        "This service takes jobs of those with an API key only.",
        fix="Send 'Authorization: Bearer KEY' (convtailor submit --key KEY); the operator makes keys.",
    )
