"""Numbers that belong to a sample and a pass."""

import torch

from lstm_lab.data.loader import Shuffled, TrainingLoader
from lstm_lab.data.passes import NumberedPasses, uniforms


def test_indices_say_the_pass():
    sampler = NumberedPasses(Shuffled(5, 2), 5)
    for number in (0, 3):
        rows = torch.cat(list(sampler.draw(number)))
        assert sorted((rows - 5 * number).tolist()) == [0, 1, 2, 3, 4]


def test_numbers_depend_on_the_sample_alone():
    rows = torch.tensor([4, 900, 17, 4])
    found = uniforms(rows, 3, seed=1)
    assert torch.equal(found[0], found[3])
    assert torch.equal(found[[2]], uniforms(rows[[2]], 3, seed=1))
    assert not torch.equal(found, uniforms(rows, 3, seed=2))


def test_splitmix_literals():
    # Computed apart, in Python's unbounded integers.
    def mix(z):
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    golden = 0x9E3779B97F4A7C15
    start = mix((7 + mix(3 + golden)) % 2**64)
    expected = [(mix((start + k * golden) % 2**64) >> 40) / 2**24 for k in (1, 2)]
    assert uniforms(torch.tensor([7]), 2, seed=3)[0].tolist() == expected


def test_numbers_are_uniform_and_unrelated():
    found = uniforms(torch.arange(20_000), 4, seed=0)
    assert found.min() >= 0
    assert found.max() < 1
    assert torch.histc(found, 10, 0, 1).sub(8000).abs().max() < 400  # 4.7 standard deviations
    assert torch.corrcoef(found.T).sub(torch.eye(4)).abs().max() < 0.03


def test_one_batch_a_pass_is_gathered_anew_where_passes_differ():
    class Echo:
        def __len__(self):
            return 3

        def gather(self, which):
            return which.tolist()

    loader = TrainingLoader(Echo(), NumberedPasses(Shuffled(3, 8), 3), steps=2)
    assert [rows for (rows,) in loader] == [[0, 1, 2], [3, 4, 5]]
