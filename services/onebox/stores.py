"""The stores of a service, opened by an operator's command beside it; what is wrong is told as for anything typed."""

from services.client.fault import Unreachable, UsageFault
from shared.backends import Backends, open_backends
from shared.errors import Transient
from shared.settings import InvalidSettings, Settings


def opened(settings: Settings) -> Backends:
    """Open the back-ends.

    Raises:
        UsageFault: If they are not described, or there is no such folder.
        Unreachable: If they cannot be opened now.
    """
    try:
        if settings.backend == "embedded" and not settings.data_dir.is_dir():
            raise UsageFault(
                "data_missing",
                f"There is no folder {settings.data_dir} with the data of a service.",
                fix="Name it with --data, or set CONVTAILOR_BACKEND and the variables beside it.",
                details={"folder": str(settings.data_dir)},
            )
        return open_backends(settings)
    except InvalidSettings as error:
        raise invalid(error) from error
    except Transient as error:
        raise Unreachable(f"The stores cannot be opened: {error}", fix="Run it again.") from error


def invalid(error: InvalidSettings) -> UsageFault:
    """Return what is said of an environment that makes no sense."""
    return UsageFault("settings_invalid", str(error), fix="Set the CONVTAILOR_ variables as for the services.")
