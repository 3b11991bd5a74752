"""Settings from the environment: one frozen dataclass per service, every fault reported at once, secrets masked.

A field made with :func:`setting` is read from ``CONVTAILOR_<NAME>`` in capitals. ``docs/settings.md`` is generated
from the same fields by :func:`describe`.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, ValidationError

from shared.errors import ConvtailorError
from shared.json_codec import adapter

S = TypeVar("S", bound="Settings")
PREFIX = "CONVTAILOR_"


class InvalidSettings(ConvtailorError):
    """The environment does not make sense; the message lists every fault."""


def setting(
    default: Any = MISSING,
    *,
    help: str,  # noqa: A002 - the word click uses
    secret: bool = False,
    fallback: str | None = None,
) -> Any:
    """Declare a setting.

    Args:
        default: Its value where the environment has none; without one the setting is required.
        help: One sentence for the operator, with the unit.
        secret: Never shown.
        fallback: Another variable, named in full, that counts where this one is not set.
    """
    return field(default=default, metadata={"help": help, "secret": secret, "fallback": fallback}, repr=not secret)


def read_prices(text: str) -> dict[str, float]:
    """Read what an hour of a trainer's machine costs: one number, or one for each type of machine.

    Args:
        text: Such as ``0.38``, or ``n2-standard-8=0.39,g2-standard-4=0.71``.

    Returns:
        Prices by type; the type is empty where there is one price for all.

    Raises:
        ValueError: If it is neither.
    """
    prices: dict[str, float] = {}
    parts = text.split(",")
    for part in parts:
        machine_type, _, price = part.strip().rpartition("=")
        try:
            prices[machine_type.strip()] = float(price)
        except ValueError:
            prices[machine_type.strip()] = math.nan
    if not all(0 < price < math.inf for price in prices.values()) or ("" in prices and len(parts) > 1):
        raise ValueError(
            "should be a price above 0, such as 0.38, or one for each machine type, such as "
            "n2-standard-8=0.39,g2-standard-4=0.71"
        )
    return prices


def _checked_prices(text: str | None) -> str | None:
    if text is not None:
        read_prices(text)
    return text


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every service has to know."""

    backend: str = setting("embedded", help="Back-ends of the ports: `embedded` (one machine, no network) or `gcp`.")
    data_dir: Path = setting(Path("convtailor-data"), help="Folder of the embedded back-ends.")
    public_url: str = setting(
        "http://127.0.0.1:8080", help="Address under which people reach intake; signed URLs begin with it."
    )
    gcp_project: str | None = setting(None, help="Google Cloud project; required with the back-end `gcp`.")
    gcp_bucket: str | None = setting(
        None, help="Cloud Storage bucket of archives, networks and reports; required with the back-end `gcp`."
    )
    gcp_database: str = setting("(default)", help="Firestore database of the jobs.")
    gcp_heartbeat_s: Annotated[float, Field(gt=0)] = setting(
        5.0,
        help="Seconds between two heartbeats of a trainer at its job, and between two looks for a cancel; Firestore "
        "bills one write and one read for each.",
    )
    gcp_prefix: str = setting(
        "convtailor-",
        help="What the names of Pub/Sub topics and subscriptions begin with, so that a project can hold several.",
    )
    gcp_signer: str | None = setting(
        None,
        help="Service account that signs URLs through IAM; the one that the service runs as where none is given.",
    )
    link_key: str = setting(
        "",
        secret=True,
        help="Key of the links in mails, of 32 characters or more; required by intake and reporter with the back-end "
        "`gcp`. Otherwise it is made, in `link.secret` in the data folder.",
    )
    link_key_before: str = setting(
        "", secret=True, help="The key before, good for links that were made with it; empty after a while."
    )
    artefact_days: Annotated[float, Field(gt=0, le=365)] = setting(
        30.0,
        help="Days after the end of a job for which its networks, result and report are kept, and the address of its "
        "person; then they are deleted.",
    )
    archive_days: Annotated[float, Field(ge=0, le=365)] = setting(
        0.0, help="Days after the end of a job for which its photographs are kept; 0: they are deleted when it ends."
    )
    most_archive_days: Annotated[float, Field(ge=0, le=365)] = setting(
        30.0,
        help="Days for which people may have the photographs of a job kept, by its option `keep_photos_days`; 0: no "
        "longer than others.",
    )
    price_per_hour: Annotated[str | None, AfterValidator(_checked_prices)] = setting(
        None,
        help="Price of an hour of the machine that trains, in whatever currency; needed for the option `max_cost`. Or "
        "one for each machine type: `n2-standard-8=0.39,g2-standard-4=0.71`.",
    )
    log_level: str = setting("INFO", help="Least severe log level written: DEBUG, INFO, WARNING or ERROR.")

    def price_of(self, machine_type: str | None) -> float | None:
        """Return what an hour of a machine costs, the dearest type where this one is not named, so that caps hold.

        Args:
            machine_type: As :attr:`price_per_hour` names it; ``None`` where it is not known.

        Returns:
            The price, or ``None`` where no price is known at all.
        """
        prices = read_prices(self.price_per_hour) if self.price_per_hour is not None else {}
        return prices.get(machine_type or "", max(prices.values(), default=None))


def load(cls: type[S], environ: Mapping[str, str]) -> S:
    """Build settings from an environment.

    Raises:
        InvalidSettings: With every variable that is missing or cannot be read.
    """
    given, read_from = {}, {}
    for each in dataclasses.fields(cls):
        names = (variable(each.name), each.metadata["fallback"] or "")
        if found := next((name for name in names if environ.get(name)), None):
            given[each.name], read_from[each.name] = environ[found], found
    try:
        return adapter(cls).validate_python(given)
    except ValidationError as error:
        faulty = [(str(entry["loc"][0]), entry["msg"]) for entry in error.errors()]
        faults = [f"{read_from.get(name, variable(name))}: {message}" for name, message in faulty]
        # The validation error would print the values, secrets among them, with the traceback.
        raise InvalidSettings("the environment has faults:\n  " + "\n  ".join(faults)) from None


def variable(name: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + name.upper()


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables that rebuild these settings in a child process; for environments, never for logs."""
    values = {each.name: getattr(settings, each.name) for each in dataclasses.fields(settings)}
    return {variable(name): str(value) for name, value in values.items() if value is not None}


def describe(cls: type[Settings]) -> list[tuple[str, str, str]]:
    """Return (variable, default, help) of every setting, in the order of the fields."""
    rows = []
    for each in dataclasses.fields(cls):
        default = "required" if each.default is MISSING else ("none" if each.default is None else f"`{each.default}`")
        rows.append((variable(each.name), "secret" if each.metadata["secret"] else default, each.metadata["help"]))
    return rows
