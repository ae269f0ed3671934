"""Drawing symbols: literal cases of each filter, and draws that do not depend on the other rows."""

import torch

from lstm_lab.nets.sampling import block_ngrams, draw, keep_top_k, keep_top_p

torch.set_num_threads(1)

SCORES = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()


def kept(scores):
    return scores.isfinite().tolist()


def test_top_k_by_hand():
    assert kept(keep_top_k(SCORES, 2)) == [[True, True, False, False]]
    assert keep_top_k(SCORES, 0) is SCORES
    assert kept(keep_top_k(SCORES, 9)) == [[True] * 4]


def test_top_p_by_hand():
    """The fewest that hold the share; one stays even for a share below the likeliest."""
    assert kept(keep_top_p(SCORES, 0.79)) == [[True, True, False, False]]
    assert kept(keep_top_p(SCORES, 0.81)) == [[True, True, True, False]]
    assert kept(keep_top_p(SCORES, 0.1)) == [[True, False, False, False]]
    assert kept(keep_top_p(SCORES.flip(1), 0.79)) == [[False, False, True, True]]


def test_no_trigram_twice_by_hand():
    """After "… 1 2" the trigram 1 2 3 would repeat; after "… 3 1" the trigram 3 1 2; the row of -1 has none."""
    written = torch.tensor([[1, 2, 3, 1, 2], [-1, 3, 1, 2, 3], [-1, -1, -1, -1, -1]])
    blocked = block_ngrams(torch.zeros(3, 5), written, 3)
    assert kept(blocked) == [[True, True, True, False, True], [True] * 5, [True] * 5]
    one = block_ngrams(torch.zeros(1, 5), torch.tensor([[4, 0]]), 1)
    assert kept(one) == [[False, True, True, True, False]]


def test_a_row_with_nothing_left_may_repeat():
    assert kept(block_ngrams(torch.zeros(1, 2), torch.tensor([[0, 1]]), 1)) == [[True, True]]


def test_draws_follow_the_probabilities_and_their_own_generator():
    generators = [torch.Generator().manual_seed(number) for number in range(4000)]
    drawn = draw(SCORES.expand(4000, -1), 1.0, generators)
    share = torch.bincount(drawn, minlength=4) / 4000
    torch.testing.assert_close(share, SCORES.exp()[0], atol=0.03, rtol=0)
    alone = draw(SCORES, 1.0, [torch.Generator().manual_seed(7)])
    assert alone.item() == drawn[7].item()
    assert draw(SCORES, 0.0, generators[:1]).item() == 0


def test_what_was_taken_away_is_never_drawn():
    scores = torch.tensor([[-torch.inf, 0.0, -torch.inf]]).expand(500, -1)
    generators = [torch.Generator().manual_seed(number) for number in range(500)]
    assert (draw(scores, 2.0, generators) == 1).all()
