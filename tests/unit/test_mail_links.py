"""Links in mails work for their days, whatever becomes of Google's keys, and of ours when they are replaced."""

from datetime import timedelta

import pytest

from shared.access.signed_link import LinkGrant, LinkKind, SignedLinks
from shared.backends import open_backends, required_links
from shared.errors import UserFault
from shared.job.job import Artefacts, JobState
from shared.layout import Artefact
from shared.settings import InvalidSettings, Settings
from tests.intake_fixture import LINK_KEY, PUBLIC_URL, IntakeFixture, small_archive

OLD, NEW = "o" * 40, "n" * 40


def done_job(service: IntakeFixture) -> dict:
    made = service.submit()
    service.upload(made, small_archive())
    service.handle_uploads()
    key = service.keep(f"jobs/{made['job_id']}/1/model.zip", b"a network")
    service.move(made, JobState.TRAINING, JobState.REPORTING, JobState.DONE, artefacts=Artefacts(model_zip=key))
    return made


def mailed(service: IntakeFixture, made: dict, *, days: float = 30, kind: LinkKind = LinkKind.FETCH) -> str:
    grant = LinkGrant(
        kind=kind,
        job_id=made["job_id"],
        expires_at=service.clock() + timedelta(days=days),
        artefact=Artefact.MODEL_ZIP if kind is LinkKind.FETCH else None,
    )
    return service.links.url(grant).removeprefix(PUBLIC_URL)


def test_a_link_redirects_for_as_long_as_it_says_to_a_url_that_was_signed_just_now():
    service = IntakeFixture()
    made = done_job(service)
    link = mailed(service, made)
    for _ in range(2):
        answer = service.http.get(link)
        assert answer.status_code == 302
        assert service.http.get(answer.headers["Location"]).data == b"a network"
        signed_until = answer.json["expires_at"]
        service.clock.advance(29 * 86400)
    assert signed_until > f"{service.clock() - timedelta(days=29, minutes=1):%Y-%m-%dT%H:%M}"
    service.clock.advance(2 * 86400)
    assert service.http.get(link).json["error"]["code"] == "url_expired"


def test_a_link_leads_nowhere_else_than_it_was_made_for_and_not_at_all_once_a_letter_is_changed():
    service = IntakeFixture()
    made = done_job(service)
    assert (
        service.http.get(mailed(service, made, kind=LinkKind.CONFIRM).replace("/confirm/", "/links/")).status_code
        == 403
    )
    link = mailed(service, made)
    for at in (12, len(link) // 2, len(link) - 2):
        other = link[:at] + ("A" if link[at] != "A" else "B") + link[at + 1 :]
        assert service.http.get(other).json["error"]["code"] in ("url_invalid", "route_not_found"), other


def test_what_was_deleted_is_told_so():
    service = IntakeFixture()
    made = done_job(service)
    service.move(made, forgotten_at=service.clock())
    assert service.http.get(mailed(service, made)).json["error"]["code"] == "artefact_expired"
    service.store.delete(made["job_id"])
    assert service.http.get(mailed(service, made)).json["error"]["code"] == "artefact_expired"


def test_a_new_key_signs_and_the_old_one_stays_good_for_old_links_until_it_is_taken_away():
    service = IntakeFixture()
    now = service.clock()
    grant = LinkGrant(kind=LinkKind.FETCH, job_id="1" * 32, expires_at=now + timedelta(days=7))
    before, between, after = (SignedLinks(keys, public_url="") for keys in ([OLD], [OLD, NEW], [NEW]))

    def token(links: SignedLinks) -> str:
        return links.url(grant).rpartition("/")[2]

    assert between.verify(token(before), LinkKind.FETCH, now) == grant
    assert after.verify(token(between), LinkKind.FETCH, now) == grant
    with pytest.raises(UserFault):
        after.verify(token(before), LinkKind.FETCH, now)


@pytest.mark.parametrize("public_url", ["https://models.example", "https://models.example/"])
def test_a_link_has_one_slash_behind_the_address_and_ends_at_its_moment(public_url):
    links, ends_at = SignedLinks([OLD], public_url=public_url), IntakeFixture().clock()
    url = links.url(LinkGrant(kind=LinkKind.FETCH, job_id="1" * 32, expires_at=ends_at))
    assert url.startswith("https://models.example/v1/links/")
    with pytest.raises(UserFault, match="valid until"):
        links.verify(url.rpartition("/")[2], LinkKind.FETCH, ends_at)


def test_keys_of_one_machine_are_made_once_and_a_line_added_to_their_file_replaces_them(tmp_path):
    settings = Settings(data_dir=tmp_path, public_url=PUBLIC_URL)
    grant = LinkGrant(kind=LinkKind.FETCH, job_id="1" * 32, expires_at=IntakeFixture().clock())
    first = required_links(open_backends(settings))
    assert required_links(open_backends(settings)).url(grant) == first.url(grant)
    with (tmp_path / "link.secret").open("a") as file:
        file.write(f"\n{NEW}\n")
    second = required_links(open_backends(settings))
    assert second.url(grant) != first.url(grant)
    token = first.url(grant).rpartition("/")[2]
    assert second.verify(token, LinkKind.FETCH, grant.expires_at - timedelta(seconds=1)) == grant
    assert (tmp_path / "link.secret").stat().st_mode & 0o077 == 0


def test_google_cloud_takes_keys_from_its_secrets_and_a_short_one_is_refused():
    pytest.importorskip("google.cloud.firestore")
    settings = Settings(backend="gcp", gcp_project="p", gcp_bucket="b", public_url=PUBLIC_URL)
    with pytest.raises(InvalidSettings, match="CONVTAILOR_LINK_KEY: required"):
        required_links(open_backends(settings))
    with pytest.raises(InvalidSettings, match="32 or more"):
        open_backends(Settings(backend="gcp", gcp_project="p", gcp_bucket="b", link_key="short"))
    told = Settings(backend="gcp", gcp_project="p", gcp_bucket="b", public_url=PUBLIC_URL, link_key=f"{LINK_KEY}\n")
    assert LINK_KEY not in repr(told)
    assert required_links(open_backends(told))
