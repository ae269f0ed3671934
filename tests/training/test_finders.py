"""The finders on curves whose answer is known, and through their doors."""

import math

import pytest

from lstm_lab import find_batch_size, find_lr
from lstm_lab.errors import UserError
from lstm_lab.training.finders import best_rate, best_size, rate_curve, size_curve


def test_the_rate_where_the_loss_falls_fastest():
    # A logistic in the logarithm of the rate falls fastest at its middle, 1e-2.
    rates, losses = rate_curve(lambda rate: 1 / (1 + (rate / 1e-2) ** 2), 1e-5, 1e1, 121)
    assert len(rates) == 121
    assert rates[20] == pytest.approx(1e-4)
    # Smoothing with 0.8 lags behind by four points, of 20 a decade.
    assert 1e-2 <= best_rate(rates, losses) <= 1e-2 * 10 ** (6 / 20)


def test_a_diverging_loss_ends_the_curve():
    rates, losses = rate_curve(lambda rate: math.inf if rate > 0.1 else 1 - rate, 1e-3, 1e1, 50)
    assert rates[-1] <= 0.1
    assert all(math.isfinite(loss) for loss in losses)


def test_a_loss_that_never_falls_is_told():
    with pytest.raises(UserError, match="does not fall"):
        best_rate([0.1 * number for number in range(20)], [1.0 + number for number in range(20)])


def test_the_smallest_batch_that_is_fast_enough():
    # 1 ms for a step and 10 us a sample until 256, from where on samples cost as much as ever.
    def seconds(size):
        return size, 1e-3 + 1e-5 * size if size <= 256 else 1.4e-5 * size

    found = size_curve(seconds, [2**power for power in range(3, 14)])
    assert found[0] == (8, 8, pytest.approx(1.08e-3))
    assert found[-1][0] == 1024  # two doublings without a gain
    assert best_size(found) == 256


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory."), UserError("too many streams")]
)
def test_what_does_not_fit_ends_the_search(error):
    def seconds(size):
        if size > 32:
            raise error
        return size, 1e-3

    assert [one[0] for one in size_curve(seconds, [8, 16, 32, 64, 128])] == [8, 16, 32]
    with pytest.raises(type(error)):
        size_curve(seconds, [64])


def test_all_data_in_one_batch_ends_the_search():
    found = size_curve(lambda size: (min(size, 37), 1e-3), [8, 16, 32, 64, 128, 256])
    assert [one[1] for one in found] == [8, 16, 32, 37, 37]
    assert best_size(found) == 64


WORDS = ["data=sine", "ensemble=1", "model.hidden_size=4"]


def test_the_doors_print_one_word_that_training_takes(outputs, capsys):
    for door, key in ((find_lr, "optim.lr"), (find_batch_size, "data.batch_size")):
        assert door.main(WORDS) == 0
        [word] = capsys.readouterr().out.splitlines()
        assert word.startswith(f"{key}=")
        assert float(word.partition("=")[2]) > 0
    assert not outputs.exists()


def test_a_typo_is_one_line(capsys):
    assert find_lr.main(["data=sin"]) == 2
    assert "Did you mean 'sine'" in capsys.readouterr().err
