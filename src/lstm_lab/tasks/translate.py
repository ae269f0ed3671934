"""Translation: one sequence into another of a different length, trained with the truth before each symbol.

Two numbers are kept apart: nats per symbol with the truth read before each (`predict`, `error`: what validation
watches), and sentences that the model writes by itself (`infer`: what BLEU and exact matches are counted on). With
``judge=bleu`` validation looks at the second as well, written greedily.

Shapes: B sentences, S source steps, T target steps, V symbols, M networks, K hypotheses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.nets.beam import Hypothesis, Penalties, beam_search, sample
from lstm_lab.nets.encoder_decoder import DecoderSettings, EncoderDecoder, build_encoder_decoder
from lstm_lab.tasks.base import Task
from lstm_lab.tasks.blueprint import Blueprint
from lstm_lab.tasks.sentence_bleu import sentence_bleu

PAD = 0
TOGETHER = 128  # sentences that are searched at a time: a step's chances are as many times K and V numbers


class Translate(Task):
    """Cross-entropy of the target's symbols, a mean over real ones; members of an ensemble average probabilities.

    Args:
        label_smoothing: share of the target that is spread over all symbols (Szegedy et al. 2016).
        beam: hypotheses that a search keeps; 1 is greedy.
        length_penalty: α of Wu et al. (2016), eq. 14, for hypotheses; 0 for none.
        coverage_penalty: their β.
        no_repeat: no run of so many symbols is written twice; 0 for no such rule.
        scheduled_sampling: share of symbols in whose place the decoder reads what it would have written, at the end
            of a linear rise from none (Bengio et al. 2015, "Scheduled sampling"). What it would have written is
            found in one pass over the truth (Mihaylova & Martins 2019), so that the fast path stays fast.
        sampling_steps: optimiser steps of that rise.
        judge: ``nats``, or ``bleu`` of what is written by itself: what validation measures.
    """

    name = "translate"
    metric = "val/nats"

    def __init__(
        self,
        label_smoothing: float = 0.1,
        beam: int = 5,
        length_penalty: float = 1.0,
        coverage_penalty: float = 0.0,
        no_repeat: int = 0,
        scheduled_sampling: float = 0.0,
        sampling_steps: int = 1000,
        judge: str = "nats",
    ) -> None:
        check_choice("task.judge", judge, ("nats", "bleu"))
        if not 0 <= scheduled_sampling <= 1:
            raise UserError(f"task.scheduled_sampling={scheduled_sampling} must be at least 0 and at most 1.")
        check_at_least("task.sampling_steps", sampling_steps, 1)
        if not 0 <= label_smoothing < 1:
            raise UserError(f"task.label_smoothing={label_smoothing} must be at least 0 and below 1.")
        check_at_least("task.beam", beam, 1)
        check_at_least("task.length_penalty", length_penalty, 0)
        check_at_least("task.coverage_penalty", coverage_penalty, 0)
        check_at_least("task.no_repeat", no_repeat, 0)
        self.scheduled_sampling, self.sampling_steps = scheduled_sampling, sampling_steps
        self.judge, self.metric = judge, f"val/{judge}"
        self.label_smoothing, self.beam = label_smoothing, beam
        self.length_penalty, self.coverage_penalty, self.no_repeat = (
            length_penalty,
            coverage_penalty,
            no_repeat,
        )

    def build_net(self, blueprint: Blueprint) -> nn.Module:
        """Builds an `EncoderDecoder`; ``core["decoder"]`` holds the decoder's settings."""
        spec = blueprint.spec
        encoder = {key: value for key, value in blueprint.core.items() if key != "decoder"}
        settings = DecoderSettings.of(blueprint.core.get("decoder"))
        net = build_encoder_decoder(
            spec.inputs, spec.target.size, encoder, settings, blueprint.frontend, blueprint.statistics
        )
        if self.scheduled_sampling:
            # How far the rise has come is part of the net, so that a run can be resumed.
            net.register_buffer("trained", torch.tensor(0))
        return net

    def steps(self, batches: int) -> int:
        """Optimiser steps that are usual: twenty passes."""
        return max(500, 20 * batches)

    # -- with the truth before each symbol --------------------------------------------------------------------

    def weight(self, batch: Batch) -> Tensor:
        """How much a batch counts beside those of other processes: its real symbols."""
        return (batch.targets["sentence"] != PAD).sum()

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Mean smoothed cross-entropy of real symbols, in nats."""
        assert isinstance(net, EncoderDecoder)
        target = batch.targets["sentence"]  # (B, T), its end included
        tokens = shifted(target, net.symbols.begin)
        if self.scheduled_sampling and net.training:
            tokens = self._mixed_with_own(net, batch, tokens)
        found, _ = net(batch, tokens)
        real = target != PAD
        return net.decoder.head.smoothed(found[real], target[real], self.label_smoothing)

    @torch.no_grad()
    def _mixed_with_own(self, net: EncoderDecoder, batch: Batch, tokens: Tensor) -> Tensor:
        """Puts what the net would have written in the place of some of `tokens` (B, T); the beginning stays."""
        assert isinstance(net.trained, Tensor)
        share = self.scheduled_sampling * (net.trained / self.sampling_steps).clamp(max=1.0)
        net.trained += 1
        found, _ = net(batch, tokens)
        own = shifted(net.decoder.head.logits(found).argmax(-1), net.symbols.begin)
        return torch.where(torch.rand(tokens.shape, device=tokens.device) < share, own, tokens)

    def predict(
        self, nets: Sequence[nn.Module], weights: Tensor, batch: Batch, steps: int | None = None
    ) -> dict[str, Tensor]:
        """Returns ``nats`` (B, T), -log of the mixed probability of each symbol of the target, 0 on padding.

        Where BLEU judges, ``bleu`` (B,) too, of each sentence as the networks write it by themselves.
        """
        target, each = batch.targets["sentence"], []
        real = target != PAD
        for net, weight in zip(nets, weights, strict=True):
            assert isinstance(net, EncoderDecoder)
            found, _ = net(batch, shifted(target, net.symbols.begin))
            each.append(weight.log() - net.decoder.head.nats(found[real], target[real]))
        mixed = -torch.stack(each).logsumexp(0)
        zeros = torch.zeros(target.shape, device=mixed.device, dtype=mixed.dtype)
        found = {"nats": zeros.masked_scatter(real, mixed)}
        if self.judge == "bleu":
            written = self.infer(nets, weights, batch, beam=1)["written"][:, 0].tolist()
            truth = [row[row != PAD][:-1].tolist() for row in target.cpu()]  # without their ends
            each = [
                sentence_bleu(one, [symbol for symbol in other if symbol != PAD])
                for one, other in zip(truth, written, strict=True)
            ]
            found["bleu"] = torch.tensor(each, device=mixed.device)
        return found

    def error(self, predictions: dict[str, Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum of nats and count of real symbols; or sum of BLEU and count of sentences, where that judges."""
        if self.judge == "bleu":
            return predictions["bleu"].double().sum(), torch.tensor(
                len(batch), device=predictions["bleu"].device
            )
        return predictions["nats"].double().sum(), self.weight(batch)

    # -- by itself --------------------------------------------------------------------------------------------

    def infer(
        self,
        nets: Sequence[nn.Module],
        weights: Tensor,
        batch: Batch,
        steps: int | None = None,
        beam: int | None = None,
        n_best: int = 1,
        length_penalty: float | None = None,
        coverage_penalty: float | None = None,
        no_repeat: int | None = None,
        temperature: float | None = None,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        **options: Any,
    ) -> dict[str, Tensor]:
        """Writes translations; what is None is as the task was set.

        Args:
            nets: M networks, whose probabilities are averaged.
            weights: (M,).
            batch: the sources; targets are not looked at.
            steps: symbols at the most.
            beam: hypotheses that the search keeps.
            n_best: how many of them to return.
            length_penalty: as the task's.
            coverage_penalty: as the task's.
            no_repeat: as the task's.
            temperature: draws instead of searching, unless None; above 1 wilder, below 1 tamer.
            top_k: draw among so many likeliest symbols, 0 for all.
            top_p: draw among the likeliest that hold this share of the probability.
            seed: decides what is drawn; each row has draws of its own, whatever the other rows are.
            options: none further.

        Returns:
            ``written`` (B, K, L) and the attention of the best ``attention`` (B, L, S), both zero after their ends;
            ``score`` (B, K), the sum of log probabilities; ``finished`` (B, K). K is `n_best` at the most; what is
            missing has a score of -inf.
        """
        if options:
            raise TypeError(f"{self.name} takes no {', '.join(options)}")
        size = beam or self.beam
        check_options(size, n_best, temperature, top_k, top_p)
        readers = [net for net in nets if isinstance(net, EncoderDecoder)]
        mixture, symbols = Mixture(readers, weights), readers[0].symbols
        block = self.no_repeat if no_repeat is None else no_repeat
        penalties = Penalties(
            self.length_penalty if length_penalty is None else length_penalty,
            self.coverage_penalty if coverage_penalty is None else coverage_penalty,
        )
        found: list[list[Hypothesis]] = [[] for _ in range(len(batch))]
        for rows in batch.lengths.argsort(descending=True).split(TOGETHER):
            part = batch[rows]
            source, state = mixture.encode(replace(part, inputs=part.inputs[:, : int(part.lengths.max())]))
            limits = readers[0].limits(part.lengths)
            limits = limits if steps is None else limits.clamp(max=steps)
            if temperature is not None:
                draws = [torch.Generator().manual_seed(seed * 1_000_003 + key) for key in part.keys.tolist()]
                some = sample(
                    mixture.step, source, state, limits, symbols, draws, temperature, top_k, top_p, block
                )
            else:
                some = beam_search(
                    mixture.step, source, state, part.lengths, limits, symbols, size, penalties, block
                )
            for row, hypotheses in zip(rows.tolist(), some, strict=True):
                found[row] = hypotheses
        return as_tensors(found, n_best, batch.inputs.shape[1])


@dataclass(frozen=True)
class Several:
    """Sources or states of several networks, whose rows move together."""

    parts: list[Any]

    def rows(self, index: Tensor) -> Several:
        """Returns some rows of each."""
        return Several([part.rows(index) for part in self.parts])


class Mixture:
    """Networks that write together: their probabilities are averaged at each step.

    Args:
        nets: M networks.
        weights: (M,), how much each counts.
    """

    def __init__(self, nets: Sequence[EncoderDecoder], weights: Tensor) -> None:
        self.nets, self.weights = nets, weights

    def encode(self, batch: Batch) -> tuple[Several, Several]:
        """What there is to attend to, and the states before the first symbol."""
        pairs = [net.encode(batch) for net in self.nets]
        return Several([memory for memory, _ in pairs]), Several([state for _, state in pairs])

    def step(self, tokens: Tensor, source: Several, state: Several) -> tuple[Tensor, Tensor, Several]:
        """Log probabilities (N, V) of the next symbol, the mean attention (N, S), the states; see `beam.Step`."""
        each = [
            net.decoder.step(tokens, memory, one)
            for net, memory, one in zip(self.nets, source.parts, state.parts, strict=True)
        ]
        after = Several([one for _, _, one in each])
        if len(each) == 1:
            return each[0][0], each[0][1], after
        chances = torch.stack([log for log, _, _ in each]) + self.weights.log()[:, None, None]
        attention = torch.stack([paid for _, paid, _ in each])
        return chances.logsumexp(0), (attention * self.weights[:, None, None]).sum(0), after


def shifted(target: Tensor, begin: int) -> Tensor:
    """What a decoder reads to write `target` (B, T): the beginning, then all but the last symbol."""
    return torch.cat([torch.full_like(target[:, :1], begin), target[:, :-1]], dim=1)


def as_tensors(found: list[list[Hypothesis]], count: int, width: int) -> dict[str, Tensor]:
    """Hypotheses as tensors, see `Translate.infer`; `width` is S."""
    count = min(count, max(len(one) for one in found))
    longest = max([1, *(len(h.symbols) for one in found for h in one[:count])])
    written = torch.zeros(len(found), count, longest, dtype=torch.long)
    score = torch.full((len(found), count), -torch.inf)
    finished = torch.zeros(len(found), count, dtype=torch.bool)
    for row, hypotheses in enumerate(found):
        for place, one in enumerate(hypotheses[:count]):
            written[row, place, : len(one.symbols)] = one.symbols
            score[row, place], finished[row, place] = one.score, one.finished
    attention = pad_sequence(
        [F.pad(one[0].attention, (0, width - one[0].attention.shape[1])) for one in found], True
    )
    return {"written": written, "score": score, "finished": finished, "attention": attention}


def check_options(beam: int, n_best: int, temperature: float | None, top_k: int, top_p: float) -> None:
    """Raises `UserError` for settings of a search that cannot be."""
    check_at_least("beam", beam, 1)
    check_at_least("n_best", n_best, 1)
    check_at_least("top_k", top_k, 0)
    if n_best > beam:
        raise UserError(f"n_best={n_best} is more than beam={beam} keeps. Give beam={n_best}, or more.")
    if temperature is not None and not temperature >= 0:
        raise UserError(f"temperature={temperature} must be at least 0.")
    if not 0 < top_p <= 1:
        raise UserError(f"top_p={top_p} must be above 0 and at most 1.")
