import pytest

from tools.pretrain.schedule import Limit, averaging_decay_at, learning_rate_at


def test_a_limit_in_hours_counts_time_and_one_in_steps_counts_updates():
    assert Limit(hours=2).progress(step=10**9, elapsed_s=3600) == 0.5
    assert Limit(steps=200).progress(step=50, elapsed_s=10**9) == 0.25
    assert Limit(steps=200).progress(step=300, elapsed_s=0) == 1.0


@pytest.mark.parametrize("both", [{}, {"hours": 1.0, "steps": 1}])
def test_a_limit_is_hours_or_steps(both):
    with pytest.raises(ValueError, match="either hours or steps"):
        Limit(**both)


def test_the_learning_rate_rises_to_its_peak_and_falls_to_zero_at_the_very_end():
    rates = [learning_rate_at(number / 1000, peak=0.01) for number in range(1001)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.01)
    assert top == 20
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert rates[0] > 0


def test_the_running_mean_forgets_the_start_before_it_becomes_slow():
    assert averaging_decay_at(0, longest=0.999) == 0.1
    assert averaging_decay_at(10**6, longest=0.999) == 0.999
