"""Ragged buffers: gathering pads on the right and changes nothing else."""

import numpy as np
import torch

from lstm_lab.data.text.sequences import Ragged, Sequences


def test_gather_by_hand():
    tokens = Ragged([np.array([5, 6, 7]), np.array([8]), np.array([9, 4])])
    labels = Ragged([torch.tensor([1, 0, 1]), torch.tensor([2]), torch.tensor([0, 2])])
    samples = Sequences(
        tokens,
        keys=torch.tensor([10, 11, 12]),
        targets={"class": torch.tensor([0, 1, 0])},
        steps={"label": (labels, -100)},
    )
    batch = samples.gather(torch.tensor([2, 0]))
    assert batch.inputs.tolist() == [[9, 4, 0], [5, 6, 7]]
    assert batch.lengths.tolist() == [2, 3]
    assert batch.keys.tolist() == [12, 10]
    assert batch.targets["class"].tolist() == [0, 0]
    assert batch.targets["label"].tolist() == [[0, 2, -100], [1, 0, 1]]
    assert samples.gather(slice(1, 2)).inputs.tolist() == [[8]]
    assert tokens[2].tolist() == [9, 4]
