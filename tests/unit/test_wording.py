import pytest

from shared.wording import amount, duration, enumeration, quoted_names, rounded_share


def test_durations_read_as_people_say_them():
    assert [duration(s) for s in (0.4, 59.4, 59.6, 3599, 3600, 8100)] == [
        "0 s",
        "59 s",
        "1 min 00 s",
        "59 min 59 s",
        "1 h 00 min",
        "2 h 15 min",
    ]


def test_what_was_measured_is_told_to_the_tenth_below_ten_seconds():
    told = [duration(seconds, tenths=True) for seconds in (-0.1, 0.84, 9.94, 9.96, 47.6, 134)]
    assert told == ["0.0 s", "0.8 s", "9.9 s", "10 s", "48 s", "2 min 14 s"]


@pytest.mark.parametrize(
    ("names", "most", "told"),
    [
        (["a"], 6, "a"),
        (["a", "b"], 6, "a and b"),
        (["a", "b", "c"], 3, "a, b and c"),
        (list("abcdefgh"), 3, "a, b and 6 more"),
        (["a"] * 100_000, 2, "a and 99,999 more"),
    ],
)
def test_enumerations_read_like_speech_and_never_outgrow_a_sentence(names, most, told):
    assert enumeration(names, most=most) == told


def test_of_very_many_names_the_shown_ones_are_quoted_and_the_rest_counted():
    assert quoted_names(["cats", "dogs"]) == "'cats' and 'dogs'"
    assert quoted_names(["cats", "dogs", "cows", "hens"], most=3) == "'cats', 'dogs' and 2 more"


def test_money_is_told_to_the_hundredth_from_one_on_and_below_by_two_digits():
    assert [amount(cost) for cost in (0.0213, 1.0, 1.234)] == ["0.021", "1.00", "1.23"]


@pytest.mark.parametrize(
    ("share", "decimals", "told"),
    [
        (0.0, 0, ("", "0")),
        (0.0001, 0, ("under", "0.1")),
        (0.002, 0, ("", "0.2")),
        (0.01, 0, ("", "1")),
        (0.894, 0, ("", "89")),
        (0.8951, 1, ("", "89.5")),
        (0.998, 0, ("", "99.8")),
        (0.9998, 0, ("over", "99.9")),
        (0.9998, 1, ("over", "99.9")),
        (0.0002, 1, ("under", "0.1")),
        (1 - 1e-12, 0, ("", "100")),  # what a sum of thirds comes to
        (1.0, 1, ("", "100.0")),
    ],
)
def test_a_share_short_of_everything_or_nothing_is_never_rounded_to_it(share, decimals, told):
    assert rounded_share(share, decimals) == told
