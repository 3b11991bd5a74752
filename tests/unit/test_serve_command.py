"""What an operator chooses and is told when a server is started on a machine of the lab."""

from pathlib import Path

import pytest

from services.client.fault import UsageFault
from services.intake.settings import IntakeSettings
from services.onebox.commands.serve import chosen, notes_on
from shared.settings import load

SENDS = {"CONVTAILOR_MAILER": "smtp", "CONVTAILOR_SMTP_HOST": "mail.example.org"}


def test_options_mean_what_the_variables_of_the_services_mean() -> None:
    settings = load(IntakeSettings, chosen(require_key=True, keep_days=7.0))
    assert (settings.require_key, settings.artefact_days) == (True, 7.0)


def test_what_was_not_chosen_is_left_to_the_environment() -> None:
    assert chosen(require_key=False, keep_days=None) == {}


def test_an_operator_is_told_that_mails_reach_nobody_and_how_they_would() -> None:
    assert "CONVTAILOR_MAILER=smtp" in notes_on({}, Path("data"))
    assert notes_on(SENDS, Path("data")) == ""


def test_an_operator_who_wants_keys_is_told_how_to_make_one() -> None:
    notes = notes_on({**SENDS, "CONVTAILOR_REQUIRE_KEY": "true"}, Path("/srv/convtailor"))
    assert "convtailor keys --new NAME --data /srv/convtailor" in notes


def test_a_variable_that_cannot_be_read_is_told_before_anything_starts() -> None:
    with pytest.raises(UsageFault, match="CONVTAILOR_MAILER"):
        notes_on({"CONVTAILOR_MAILER": "pigeon"}, Path("data"))
