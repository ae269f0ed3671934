import pytest

from lstm_lab.spec import Frames, Spec, Target, Tokens, Values

SPECS = [
    Spec(
        Values(("passengers", "phase")),
        Target("horizon", 1, 36, ("passengers",)),
        unit="thousand",
        season=12,
        length=24,
    ),
    Spec(Tokens(10_000, pad=1), Target("next", 10_000)),
    Spec(Frames(3, 64, 48), Target("class", 2, names=("fight", "no fight")), length=16),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec.inputs).__name__)
def test_a_spec_survives_the_checkpoint(spec, tmp_path):
    import torch

    torch.save(spec.to_plain(), tmp_path / "spec.pt")
    assert Spec.from_plain(torch.load(tmp_path / "spec.pt", weights_only=True)) == spec


def test_values_know_their_size():
    assert SPECS[0].inputs.size == 2
