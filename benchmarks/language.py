"""python benchmarks/language.py [tokens]

Tokens per second of the Penn Treebank's small model (two layers of 200, batch 20 x 35, dropout 0.2, tied) in LSTM Lab
and in the loop of pytorch/examples `word_language_model`, written bare below, same sizes, same head; then what the
output head costs. Times are of the processor, one thread, so that neighbours count little; rounds alternate.
"""

from __future__ import annotations

import statistics
import sys
import time

import torch
from torch import nn

from lstm_lab.doors import compose_config, plain_settings
from lstm_lab.planning import prepare
from lstm_lab.training import ranks
from lstm_lab.training.trainer import build_trainer

BATCH, STEPS, ROUNDS = 20, 35, 5
WORDS = [
    "model=lstm", "data=ptb", "task.head=softmax", "task.dropout=0.2", "frontend.dropout=0.2", "model.dropout=0.2",
    "optim.schedule=constant", "threads=1", "tracking=off", "fit.validate_every=100000",
]  # fmt: skip


class Bare(nn.Module):
    """The model of the example, as it stands there."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.2)
        self.encoder = nn.Embedding(symbols, 200)
        self.rnn = nn.LSTM(200, 200, 2, dropout=0.2)
        self.decoder = nn.Linear(200, symbols)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, inputs, hidden):
        output, hidden = self.rnn(self.drop(self.encoder(inputs)), hidden)
        return self.decoder(self.drop(output)).flatten(0, 1), hidden


def bare(tokens: torch.Tensor, symbols: int, steps: int) -> float:
    """Seconds of so many steps of the example's loop."""
    torch.manual_seed(0)
    model, criterion = Bare(symbols).train(), nn.CrossEntropyLoss()
    source = tokens[: len(tokens) // BATCH * BATCH].view(BATCH, -1).t().contiguous()
    hidden = (torch.zeros(2, BATCH, 200), torch.zeros(2, BATCH, 200))
    started = time.process_time()
    for step in range(steps):
        at = step * STEPS
        model.zero_grad()
        hidden = tuple(part.detach() for part in hidden)
        output, hidden = model(source[at : at + STEPS], hidden)
        criterion(output, source[at + 1 : at + 1 + STEPS].reshape(-1)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(parameter.grad, alpha=-20.0)
    return time.process_time() - started


def ours(steps: int, *words: str) -> float:
    """Seconds of so many steps of a run without its start and its end."""
    given = [*WORDS, f"fit.max_steps={steps}", *words]
    plan = prepare(plain_settings(compose_config(given)), given, ranks.Group())
    trainer = build_trainer(steps, **plan.trainer)
    loader = plan.data.train_dataloader()
    started = time.process_time()
    trainer.fit(plan.model, train_dataloaders=loader)
    assert trainer.global_step == steps
    return time.process_time() - started


def main() -> None:
    torch.set_num_threads(1)
    tokens = int(sys.argv[1]) if len(sys.argv) > 1 else 70_000
    steps = tokens // (BATCH * STEPS)
    plan = prepare(plain_settings(compose_config(WORDS)), WORDS, ranks.Group())
    text, symbols = plan.data.tokens("train"), plan.data.spec.target.size
    bare(text, symbols, 5)
    times = {"bare loop": [], "LSTM Lab": [], "LSTM Lab, adaptive head": []}
    for _ in range(ROUNDS):
        times["bare loop"].append(bare(text, symbols, steps))
        times["LSTM Lab"].append(ours(steps))
        times["LSTM Lab, adaptive head"].append(ours(steps, "task.head=adaptive"))
    for name, seconds in times.items():
        print(f"{name:<24} {steps * BATCH * STEPS / statistics.median(seconds):8,.0f} tokens a second")
    ratios = [a / b for a, b in zip(times["bare loop"], times["LSTM Lab"], strict=True)]
    print(
        f"LSTM Lab against the bare loop: {statistics.median(ratios):.3f} (of {', '.join(f'{r:.2f}' for r in ratios)})"
    )


if __name__ == "__main__":
    main()
