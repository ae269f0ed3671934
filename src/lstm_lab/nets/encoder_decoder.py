"""Sequence to sequence: an encoder that reads the source, a bridge, and a decoder that attends and writes.

Shapes: B sentences, S source steps, T target steps, D directions, H units, M features of an encoded step, V symbols.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_choice
from lstm_lab.nets.attention import KINDS
from lstm_lab.nets.beam import Symbols
from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.decoder import Decoder, DecoderState, Memory
from lstm_lab.nets.embedding import Embedding, usual_width
from lstm_lab.nets.frontend import build_frontend
from lstm_lab.nets.init import build_core
from lstm_lab.nets.padding import real_steps
from lstm_lab.nets.recurrent import Recurrent, State
from lstm_lab.spec import Inputs


@dataclass(frozen=True)
class DecoderSettings:
    """What a decoder is; the keys of ``decoder`` in ``conf/model/seq2seq.yaml``.

    Attributes:
        attention: one of `lstm_lab.nets.attention.KINDS`.
        attention_size: width of ``bahdanau`` and ``multihead``; None is that of the
            encoder's outputs.
        heads: of ``multihead``.
        coverage: attention sees what it has looked at before; needs input feeding.
        input_feeding: the decoder reads what it made of its last step.
        hidden_size: units of each layer; None is the encoder's.
        num_layers: stacked layers; None is the encoder's.
        bridge: ``linear`` or ``zero``, how the decoder's state begins.
        embedding: features of a target symbol; None is the source's.
        tied: ``none``; ``target``, the softmax shares the target's vectors; ``all``, the source's too.
        dropout: on target vectors and on what the softmax reads.
        source_dropout: on what the encoder hands over.
        word_dropout: share of target symbols that the decoder reads as unknown.
    """

    attention: str = "general"
    attention_size: int | None = None
    heads: int = 4
    coverage: bool = False
    input_feeding: bool = False
    hidden_size: int | None = None
    num_layers: int | None = None
    bridge: str = "linear"
    embedding: int | None = None
    tied: str = "target"
    dropout: float = 0.0
    source_dropout: float = 0.0
    word_dropout: float = 0.0

    def __post_init__(self) -> None:
        check_choice("model.decoder.attention", self.attention, KINDS)
        check_choice("model.decoder.bridge", self.bridge, ("linear", "zero"))
        check_choice("model.decoder.tied", self.tied, ("none", "target", "all"))
        for name in ("dropout", "source_dropout", "word_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(
                    f"model.decoder.{name}={getattr(self, name)} is no probability: at least 0 and below 1."
                )
        if self.coverage and not self.input_feeding:
            raise UserError(
                "model.decoder.coverage=true needs input_feeding=true: it looks at the steps before."
            )

    @classmethod
    def of(cls, plain: dict[str, Any] | None) -> DecoderSettings:
        """Builds settings from their plain form.

        Raises:
            UserError: for a key that is not known, or a value that cannot be.
        """
        for key in plain or {}:
            check_choice("model.decoder", key, asdict(cls()))
        return cls(**(plain or {}))


class Bridge(nn.Module):
    """From the encoder's last state to the decoder's first: a linear map a layer, and tanh for what is an output.

    Decoder layer l takes from encoder layer l, or from the last one where the encoder has fewer. Bahdanau et al.
    (2015), appendix A.2.2, do the same with the backward state alone.

    What exponential gates remember means something only together with what it was divided by, which no linear map
    keeps; of those cells ``h`` alone is handed over.

    Args:
        encoder: whose state it takes.
        decoder: features of each thing remembered, a tuple a layer of the decoder.
        zero: the decoder begins with zeros instead.
    """

    def __init__(self, encoder: Recurrent, decoder: Sequence[tuple[int, ...]], zero: bool) -> None:
        super().__init__()
        self.sizes, self.zero = decoder, zero
        depth = len(encoder.state_sizes)
        self.sources = [min(layer, depth - 1) for layer in range(len(decoder))]
        handed = 1 if "n" in CELLS[encoder.cell].remembers else None  # n normalises
        self.maps = nn.ModuleList(
            nn.ModuleList(
                nn.Linear(encoder.directions * features, wanted)
                for features, wanted in zip(encoder.state_sizes[source][:handed], sizes[:handed], strict=True)
            )
            for source, sizes in zip(self.sources, decoder, strict=True)
            if not zero
        )

    def forward(self, state: State) -> State:
        """Returns the decoder's state, a tuple of (1, B, F) a layer."""
        one = state[0][0]
        result: State = [
            tuple(one.new_zeros(1, one.shape[1], size) for size in sizes) for sizes in self.sizes
        ]
        if self.zero:
            return result
        for layer, (source, maps) in enumerate(zip(self.sources, self.maps, strict=True)):
            parts = [
                one(part.transpose(0, 1).flatten(1))[None]  # (D, B, F) to (1, B, F)
                for one, part in zip(maps, state[source], strict=False)  # type: ignore[call-overload]
            ]
            result[layer] = (torch.tanh(parts[0]), *parts[1:], *result[layer][len(parts) :])
        return result


class EncoderDecoder(nn.Module):
    """A translator's network.

    Args:
        frontend: from a batch to what the encoder reads.
        encoder: the recurrent core.
        decoder: attends and writes.
        bridge: from the one's state to the other's.
        symbols: numbers of the target's symbols that have a meaning.
        reach: the longest sentence of the training part, and target steps for each source step.
        source_dropout: on what the encoder hands over.
    """

    def __init__(
        self,
        frontend: nn.Module,
        encoder: Recurrent,
        decoder: Decoder,
        bridge: Bridge,
        symbols: Symbols,
        reach: tuple[int, float] = (100, 1.0),
        source_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.frontend, self.encoder, self.decoder, self.bridge = frontend, encoder, decoder, bridge
        self.symbols, self.reach, self.source_dropout = symbols, reach, source_dropout

    def limits(self, lengths: Tensor) -> Tensor:
        """How many symbols a translation of sources of so many steps may have, (B,); of each by itself."""
        longest, stretch = self.reach
        return (2 * stretch * lengths + 10).ceil().long().clamp(min=longest)

    def encode(self, batch: Batch) -> tuple[Memory, DecoderState]:
        """Reads the source: what there is to attend to, and the state before the first symbol."""
        x, lengths = self.frontend(batch)
        values, state = self.encoder(x, lengths)  # (B, S, M)
        values = F.dropout(values, self.source_dropout, self.training)
        memory = self.decoder.remember(values, real_steps(lengths.to(x.device), x.shape[1]))
        return memory, self.decoder.begin(self.bridge(state), memory)

    def forward(self, batch: Batch, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Reads source and target.

        Args:
            batch: the source.
            tokens: (B, T), what the decoder reads: the beginning of a sentence, then the sentence.

        Returns:
            What the softmax reads at each step, (B, T, H), and the attention (B, T, S).
        """
        found, weights, _ = self.decoder(tokens, *self.encode(batch))
        return found, weights


def build_encoder_decoder(
    inputs: Inputs,
    symbols: int,
    core: dict[str, Any],
    settings: DecoderSettings,
    frontend: dict[str, Any] | None,
    statistics: dict[str, Any],
) -> EncoderDecoder:
    """Builds a translator's network.

    Args:
        inputs: kind and size of the source.
        symbols: V, of the target.
        core: settings of the encoder; the decoder's are the same but in one direction.
        settings: of the decoder.
        frontend: settings of what stands before the encoder.
        statistics: numbers of the symbols ``begin`` and ``end``, ``never``, those that are not written, and
            ``unknown``; ``shared``, whether both sides have one vocabulary; ``longest`` and ``stretch``, the reach.

    Raises:
        UserError: for settings that do not fit together.
    """
    front = build_frontend(inputs, frontend, statistics)
    encoder = build_core(front.output_size, core)
    table = _target_table(front, symbols, settings, statistics)
    changes = {"hidden_size": settings.hidden_size, "num_layers": settings.num_layers}
    own = {**core, **{key: value for key, value in changes.items() if value}, "bidirectional": False}
    attention = {
        "kind": settings.attention,
        "size": settings.attention_size or encoder.output_size,
        "heads": settings.heads,
        "coverage": settings.coverage,
    }
    decoder = Decoder(
        table,
        encoder.output_size,
        own,
        attention,
        settings.input_feeding,
        settings.tied != "none",
        settings.dropout,
        settings.word_dropout,
        statistics.get("unknown", 1),
    )
    bridge = Bridge(encoder, decoder.state_sizes, settings.bridge == "zero")
    meaning = Symbols(statistics["begin"], statistics["end"], tuple(statistics["never"]))
    reach = (statistics["longest"], statistics["stretch"])
    return EncoderDecoder(front, encoder, decoder, bridge, meaning, reach, settings.source_dropout)


def _target_table(
    front: nn.Module, symbols: int, settings: DecoderSettings, statistics: dict[str, Any]
) -> nn.Embedding:
    """Vectors of the target's symbols: those of the source, or a table of their own."""
    if settings.tied == "all":
        if not (isinstance(front, Embedding) and statistics.get("shared")):
            raise UserError(
                "model.decoder.tied=all needs one vocabulary for both sides: data.shared=true. "
                "Allowed without it: none, target."
            )
        if settings.embedding not in (None, front.output_size):
            raise UserError(
                f"model.decoder.embedding={settings.embedding} contradicts tied=all: the source's symbols have "
                f"{front.output_size} features (frontend.size)."
            )
        return front.table
    size = settings.embedding or (front.output_size if isinstance(front, Embedding) else 128)
    table = nn.Embedding(symbols, size)
    width = usual_width(symbols)
    nn.init.uniform_(table.weight, -width, width)
    return table
