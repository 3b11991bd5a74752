from shared.wording import duration


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
