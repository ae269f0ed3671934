"""Attention pictures: labels that can be read whatever the symbols are, and many of them."""

import numpy as np

from lstm_lab.figures.translate import Look, draw_attention


def test_attention_is_drawn_whatever_the_symbols(tmp_path):
    weights = np.eye(60)[:50]
    looks = [
        Look(["$", "\n", " ", "a_b"], ["x", "^", "\t"], np.full((3, 4), 0.25)),
        Look([str(n) for n in range(60)], [str(n) for n in range(50)], weights),
        Look(["one"], ["eins"], np.ones((1, 1))),
    ]
    draw_attention(tmp_path / "figures" / "attention.png", looks)
    assert (tmp_path / "figures" / "attention.png").stat().st_size > 5000
