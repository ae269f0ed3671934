"""Transcription: what is said in a clip, symbol by symbol, with the time of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_at_least
from lstm_lab.nets.ctc import Transcriber, ctc_loss
from lstm_lab.nets.ctc_decoding import align, greedy, prefix_beam
from lstm_lab.nets.ngram import CharNgram
from lstm_lab.tasks.base import Task
from lstm_lab.tasks.blueprint import Blueprint
from lstm_lab.tasks.edits import edit_distance

SPACE = " "


class Transcribe(Task):
    """Connectionist temporal classification; members of an ensemble average their log-probabilities.

    Args:
        dropout: on the outputs of the core.
        beam: transcripts that the search follows; 0 takes the best path. Validation always takes the best path.
        language: weight of the n-grams of characters in the search.
        bonus: of each symbol in the search.
    """

    name = "transcribe"
    metric = "val/cer"

    def __init__(
        self, dropout: float = 0.0, beam: int = 0, language: float = 0.5, bonus: float = 0.5
    ) -> None:
        check_at_least("task.beam", beam, 0)
        check_at_least("task.language", language, 0)
        self.dropout, self.beam, self.language, self.bonus = dropout, beam, language, bonus

    def build_net(self, blueprint: Blueprint) -> nn.Module:
        """Builds a `Transcriber`.

        Raises:
            UserError: naming training clips that have fewer steps than their transcripts need.
        """
        front, target, statistics = blueprint.build_frontend(), blueprint.spec.target, blueprint.statistics
        space = target.names.index(SPACE) if SPACE in target.names else -1
        language = CharNgram(statistics["ngrams"], target.size) if "ngrams" in statistics else None
        core = blueprint.build_core(front.output_size)
        net = Transcriber(front, core, target.size, space, self.dropout, language)
        _check_steps(net, statistics.get("tightest", []))
        return net

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Nats a symbol."""
        assert isinstance(net, Transcriber)
        return ctc_loss(net, batch)

    def log_probs(self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns log-probabilities (B, T', S), the members' mean, and steps (B,)."""
        found = [net(batch) for net in nets]
        each = torch.stack([log_probs for log_probs, _ in found])  # (M, B, T', S)
        return torch.einsum("m,mbts->bts", weights.to(each.dtype), each), found[0][1]

    def undecoded(self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch) -> dict[str, Tensor]:
        """``log_probabilities`` (B, T', S) and ``steps`` (B,), see `log_probs`."""
        log_probs, steps = self.log_probs(nets, weights, batch)
        return {"log_probabilities": log_probs, "steps": steps}

    def predict(
        self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch, steps: int | None = None
    ) -> dict[str, Tensor]:
        """Returns what `greedy` finds, spans in frames of the input."""
        log_probs, lengths = self.log_probs(nets, weights, batch)
        found = greedy(log_probs, lengths)
        return {**found, "spans": found["spans"] * _subsampling(nets)}

    def infer(
        self,
        nets: Sequence[nn.Module],
        weights: Tensor,
        batch: Batch,
        steps: int | None = None,
        **options: Any,
    ) -> dict[str, Tensor]:
        """As `predict`, or by a search.

        Args:
            nets: M networks.
            weights: (M,), how much each counts.
            batch: the clips.
            steps: not used.
            options: ``beam``, ``language`` and ``bonus`` in place of the task's.
        """
        settings = {"beam": self.beam, "language": self.language, "bonus": self.bonus} | options
        if not settings["beam"]:
            return self.predict(nets, weights, batch)
        log_probs, lengths = self.log_probs(nets, weights, batch)
        assert isinstance(nets[0], Transcriber)
        model = nets[0].language
        rows = []
        for one, length in zip(log_probs.cpu(), lengths.tolist(), strict=True):
            symbols, score = prefix_beam(
                one[:length], settings["beam"], model, settings["language"], settings["bonus"]
            )
            rows.append((symbols, align(one[:length], symbols), score))
        return _padded(rows, _subsampling(nets))

    def error(self, predictions: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
        """Edits of symbols, and symbols of the transcripts."""
        texts, counts = batch.targets["transcript"].tolist(), batch.targets["transcript_lengths"].tolist()
        found, sizes = predictions["symbols"].tolist(), predictions["symbols_lengths"].tolist()
        edits = sum(
            edit_distance(truth[:count], guess[:size])
            for truth, count, guess, size in zip(texts, counts, found, sizes, strict=True)
        )
        device = predictions["symbols"].device
        return torch.tensor(float(edits), device=device), torch.tensor(float(sum(counts)), device=device)


def _check_steps(net: Transcriber, tightest: list[list[Any]]) -> None:
    steps_of = getattr(net.frontend, "steps", lambda frames: frames)
    short = [
        f"{name} ({int(steps_of(torch.tensor(frames)))} steps, {need} needed)"
        for name, frames, need in tightest
        if int(steps_of(torch.tensor(frames))) < need
    ]
    if short:
        raise UserError(
            f"training clips are too short for their transcripts: {', '.join(short)}. Take less subsampling"
            " (frontend.time_strides), a shorter hop (data.features.hop), or leave them out."
        )


def _subsampling(nets: Sequence[nn.Module]) -> int:
    assert isinstance(nets[0], Transcriber)
    return nets[0].subsampling


def _padded(
    rows: list[tuple[list[int], list[tuple[int, int]], float]], subsampling: int
) -> dict[str, Tensor]:
    size = max((len(symbols) for symbols, _, _ in rows), default=0)
    symbols = torch.zeros(len(rows), size, dtype=torch.long)
    spans = torch.zeros(len(rows), size, 2, dtype=torch.long)
    for row, (found, places, _) in enumerate(rows):
        if found:
            symbols[row, : len(found)] = torch.tensor(found)
            spans[row, : len(found)] = torch.tensor(places) * subsampling
    counts = torch.tensor([len(found) for found, _, _ in rows])
    score = torch.tensor([one for _, _, one in rows])
    return {"symbols": symbols, "symbols_lengths": counts, "spans": spans, "score": score}
