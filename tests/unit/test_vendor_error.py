import pytest
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError, TransportError

from shared.adapters.gcp.vendor_error import CallLimit, translated
from shared.errors import Conflict, ConvtailorError, NotFound, Transient


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (exceptions.NotFound("x"), NotFound),
        (exceptions.AlreadyExists("x"), Conflict),
        (exceptions.PreconditionFailed("x"), Conflict),
        (exceptions.ServiceUnavailable("x"), Transient),
        (exceptions.DeadlineExceeded("x"), Transient),
        (exceptions.InternalServerError("x"), Transient),
        (exceptions.ResourceExhausted("x"), Transient),
        (exceptions.Aborted("x"), Transient),
        (exceptions.PermissionDenied("x"), Transient),
        (exceptions.Unauthenticated("x"), Transient),
        (exceptions.FailedPrecondition("the query requires an index"), Transient),
        (exceptions.RetryError("x", ValueError("y")), Transient),
        (DefaultCredentialsError("x"), Transient),
        (TransportError("x"), Transient),
        (ConnectionResetError("x"), Transient),
        (exceptions.InvalidArgument("x"), ConvtailorError),
    ],
)
def test_no_vendor_exception_leaves(fault: Exception, expected: type[ConvtailorError]) -> None:
    with pytest.raises(ConvtailorError, match="Firestore reads job 1") as caught, translated("Firestore reads job 1"):
        raise fault
    assert type(caught.value) is expected
    assert caught.value.__cause__ is fault


def test_our_own_errors_and_mistakes_pass() -> None:
    for error in (NotFound("there is no job 1"), KeyError("text")):
        with pytest.raises(type(error)) as caught, translated("Firestore reads job 1"):
            raise error
        assert caught.value is error


def test_a_limit_bounds_all_tries_and_each() -> None:
    options = CallLimit(seconds=8).options()
    assert options["timeout"] == 4
    assert options["retry"].timeout == 8
