import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.gcp.storage.object_name import key_of, name_of, name_prefix

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60).filter(
    lambda key: not key.startswith("/") and ".." not in key.split("/")
)


@given(KEYS)
def test_a_key_comes_back_from_its_name_and_the_name_is_one_that_buckets_take(key):
    name = name_of(key)
    assert key_of(name) == key
    assert not name.startswith(".")
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in name)


@given(KEYS, st.integers(0, 60))
def test_a_prefix_of_a_key_is_a_prefix_of_its_name(key, length):
    assert name_of(key).startswith(name_prefix(key[:length]))


@pytest.mark.parametrize("key", ["uploads/7f3a/archive.zip", "Hündin/größe 🐕.jpg", "a//b", "100%/x"])
def test_usual_keys_are_their_own_names(key):
    assert name_of(key) == key


def test_a_key_whose_name_would_be_too_long_is_refused():
    assert len(name_of("\n" * 204).encode()) == 1020
    with pytest.raises(ValueError, match="key"):
        name_of("\n" * 205)
