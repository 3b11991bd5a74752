"""What the server says of faults is told in the language of the one who asks, by code and details."""

import re

import pytest

from services.intake.pages.language import words_of
from shared.archive.class_faults import name_faults
from shared.errors import Fault, faults_together
from shared.job.job import JobState
from shared.language.catalogue import LANGUAGES, catalogue_of
from shared.language.fault import DETAIL, FILE, FIX, MESSAGE, told_in
from tests.intake_fixture import IntakeFixture, bearer, small_archive
from tools.catalogues import keys_of_faults

BROWSER = {"Accept": "text/html"}
OTHERS = [each for each in LANGUAGES if each != "en"]
SMALL = Fault(
    code="class_too_small",
    message="Every class needs 5 photographs; too few are in 'quince' (3).",
    fix="Add photographs.",
    details={"classes": {"quince": 3}, "min_images": 5, "reasons": {"image_corrupt": 12}},
)


@pytest.fixture(scope="module")
def service() -> IntakeFixture:
    return IntakeFixture()


@pytest.mark.parametrize("language", OTHERS)
def test_every_error_code_has_a_sentence_and_a_way_on_in_every_language(language):
    catalogue, keys = catalogue_of(language), keys_of_faults()
    assert {(MESSAGE, "class_too_small"), (FIX, "limit_reached"), (FILE, "image_heic"), (DETAIL, "classes")} <= set(
        keys
    )
    missing = [each for each in keys if (told := catalogue.pgettext(*each)) == each[1] or not told]
    allowed = {(FILE, "image_heic")}
    assert set(missing) <= allowed, "run: python -m tools.catalogues; then fill in what it names"


def test_the_page_of_errors_is_where_the_codes_are_taken_from():
    codes = {key for context, key in keys_of_faults() if context == MESSAGE}
    assert {"store_full", "archive_one_class", "route_not_found", "training_lost"} <= codes
    assert "not_installed" not in codes, "a terminal says it, in English"


@pytest.mark.parametrize("language", OTHERS)
def test_scripts_are_sent_only_what_they_say_themselves(language):
    assert not [each for each in words_of(language) if "\x04" in each or re.fullmatch("[a-z_]+_[a-z_]+", each)]


def test_a_fault_is_told_with_the_places_that_its_details_name():
    told = told_in("de", SMALL)
    assert told.code == SMALL.code
    assert told.details == SMALL.details
    assert "Klassen: „quince“ (3)" in told.message
    assert "12 × lässt sich nicht öffnen" in told.message
    assert "Nötig je Klasse: 5" in told.message
    assert "quince" not in told.fix
    assert "«\u00a0quince\u00a0» (3)" in told_in("fr", SMALL).message


def test_no_sign_of_french_stands_alone_at_the_beginning_of_a_line():
    told = [each for form in words_of("fr").values() for each in (form if isinstance(form, list) else [form])]
    told += [catalogue_of("fr").pgettext(*each) for each in keys_of_faults()]
    assert len(told) > 400
    assert [each for each in told if re.search(r" [:;!?»]|« ", each)] == []


def test_a_wrong_address_is_not_told_by_the_name_of_its_field():
    wrong = Fault(code="invalid_email", message="m", fix="f", details={"field": "email"})
    assert "email" not in told_in("de", wrong).message
    option = Fault(code="invalid_option", message="m", fix="f", details={"field": "seed"})
    assert "„seed“" in told_in("de", option).message


def test_numbers_and_times_are_written_as_the_language_writes_them():
    large = Fault(code="upload_too_large", message="m", fix="f", details={"max_bytes": 1_500_000_000})
    assert "1,5 GB" in told_in("de", large).message
    assert "1,5 Go" in told_in("fr", large).message
    for num_bytes, german in ((4_500_000_000_000_000, "4.500.000 GB"), (120_000, "120 kB"), (62_500_000, "62,5 MB")):
        bomb = Fault(code="archive_unpacks_too_big", message="m", fix="f", details={"bytes": num_bytes})
        assert f": {german}." in told_in("de", bomb).message
    for wait_s, german in ((7000, "2 h"), (4500, "2 h"), (61, "2 min"), (9, "9 s")):
        late = Fault(code="limit_reached", message="m", fix="f", details={"retry_after_s": wait_s})
        assert f"in: {german}." in told_in("de", late).message


def test_faults_that_came_together_are_told_one_after_the_other():
    other = Fault(code="class_name_unusable", message="m", fix="Rename.", details={"classes": ["a\nb"]})
    together = faults_together([SMALL, other]).fault
    told = told_in("de", together)
    assert "zu wenige Fotos" in told.message
    assert "Steuerzeichen" in told.message
    assert "Benennen Sie" in told.fix
    assert (together.code, together.message, together.fix) == (SMALL.code, f"{SMALL.message} m", f"{SMALL.fix} Rename.")
    assert {**SMALL.details} == {name: value for name, value in together.details.items() if name != "faults"}
    assert [each["details"] for each in together.details["faults"]] == [SMALL.details, other.details]
    named = faults_together([SMALL, other], code="invalid_request").fault
    assert (named.code, set(named.details)) == ("invalid_request", {"faults"})


def test_classes_that_clash_are_told_with_one_another():
    (clash,) = name_faults(["Apfel", "Birne", "apfel", "birne"])
    assert "Klassen: „Apfel“ / „apfel“, „Birne“ / „birne“." in told_in("de", clash).message


def test_long_lists_name_the_first_places():
    many = Fault(code="archive_encrypted", message="m", fix="f", details={"files": [f"{n}.jpg" for n in range(100)]})
    message = told_in("de", many).message
    assert message.count("„") == 6
    assert "…" in message


@pytest.mark.parametrize("fault", [Fault(code="new_one", message="New.", fix="Wait."), SMALL])
def test_what_has_no_words_in_a_language_stays_as_it_is(fault):
    assert told_in("en", fault) is fault
    assert (told_in("de", fault) is fault) == (fault.code == "new_one")


def test_a_program_hears_english_unless_it_asks_for_another_language(service):
    plain = service.http.get("/v1/nothing").json["error"]
    asked = service.http.get("/v1/nothing", headers={"Accept-Language": "fr-CH, fr;q=0.9"}).json["error"]
    assert plain["message"] == "There is nothing at this address."
    assert asked["message"] == "Il n’y a rien à cette adresse."
    assert plain["code"] == asked["code"] == "route_not_found"
    for header in ("*", "ja", "en, de;q=0.3"):
        assert service.http.get("/v1/nothing", headers={"Accept-Language": header}).json["error"] == plain


@pytest.mark.parametrize(("language", "told"), [("de", "nichts"), ("fr", "rien"), ("en", "nothing")])
def test_an_error_page_is_whole_in_its_language(service, language, told):
    page = service.http.get("/nowhere", headers={**BROWSER, "Accept-Language": language})
    assert page.status_code == 404
    lead = re.search(r'<p class="lead"([^>]*)>([^<]+)', page.text)
    assert lead is not None
    assert told in lead[2]
    assert ("lang=" in lead[1]) == (language == "en")


def test_a_rejected_job_says_why_in_the_language_of_its_page(service):
    made = service.submit()
    service.upload(made, small_archive(num_classes=1))
    service.handle_uploads()
    status = service.http.get(f"/v1/jobs/{made['job_id']}", headers={**bearer(made), "Accept-Language": "de"}).json
    assert status["state"] == JobState.REJECTED
    assert status["error"]["code"] == "archive_one_class"
    assert "nur eine Klasse" in status["error"]["message"]
    assert "one class only" in service.status(made)["error"]["message"].lower()


@pytest.mark.parametrize(
    ("header", "named", "language"),
    [("fr-CA, fr;q=0.8, en;q=0.5", None, "fr"), (None, None, "en"), ("ja", None, "en"), ("fr", "de", "de")],
)
def test_a_job_carries_the_language_that_is_named_or_else_asked_for(service, header, named, language):
    fields = {"email": "ada@example.org", **({"language": named} if named else {})}
    headers = {"Accept-Language": header} if header else {}
    made = service.http.post("/v1/jobs", json=fields, headers=headers).json
    assert service.status(made)["options"]["language"] == language


def test_a_language_that_is_not_spoken_is_refused_with_those_that_are(service):
    refused = service.http.post("/v1/jobs", json={"email": "ada@example.org", "language": "tlh"})
    assert refused.status_code == 400
    assert refused.json["error"]["details"]["field"] == "language"
    assert "'de'" in refused.json["error"]["message"]
