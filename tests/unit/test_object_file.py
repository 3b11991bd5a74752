from hypothesis import assume, given
from hypothesis import strategies as st

from shared.adapters.embedded.object_file import key_of, path_of
from shared.ports.object_key import MAX_KEY_BYTES

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=100) | st.text("aA./%+=~ \0\\ä", max_size=300)
keys = texts.filter(
    lambda key: key != "" and key[0] != "/" and ".." not in key.split("/") and len(key.encode()) <= MAX_KEY_BYTES
)


@given(keys)
def test_a_path_names_one_key(key: str) -> None:
    assert key_of(path_of(key)) == key


@given(keys)
def test_a_path_is_plain_on_every_file_system_and_leads_nowhere_else(key: str) -> None:
    path = path_of(key)
    assert not path.is_absolute()
    assert not {".", ".."} & set(path.parts)
    assert all(0 < len(name) < 255 and name.isascii() and name.isprintable() for name in path.parts)
    assert not set('\\:*?"<>| ') & set(str(path))


@given(keys, keys)
def test_keys_stay_apart_where_capitals_do_not_count(first: str, second: str) -> None:
    assume(first != second)
    assert str(path_of(first)).lower() != str(path_of(second)).lower()


def test_keys_that_differ_only_in_case_stay_apart_where_capitals_do_not_count() -> None:
    assert str(path_of("jobs/aB")).lower() != str(path_of("jobs/ab")).lower()


@given(keys, keys)
def test_no_objects_file_is_in_the_way_of_anothers_folder(first: str, second: str) -> None:
    assert path_of(first) not in path_of(second).parents
