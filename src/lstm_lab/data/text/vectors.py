"""Word vectors from a file, as GloVe, word2vec (text form) and fastText write them: a word and its numbers a line."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lstm_lab.data.text.reading import lines, read_text
from lstm_lab.data.text.tokenizer import SPECIALS, Tokenizer
from lstm_lab.errors import UserError


def read_vectors(path: str | Path, tokenizer: Tokenizer, encoding: str = "utf-8") -> Tensor:
    """Returns (V, E), the vectors of a tokenizer's symbols; NaN where the file has none.

    Args:
        path: the file, ``.gz`` is unpacked. A first line of two numbers, as word2vec writes it, is passed over.
        tokenizer: whose symbols are looked up, as they are and in lower case.
        encoding: of the file.

    Raises:
        UserError: naming the row whose numbers are not as many as those above, or no word of the vocabulary.
    """
    wanted = {symbol: number for number, symbol in enumerate(tokenizer.symbols, len(SPECIALS))}
    lower = {symbol.lower(): number for symbol, number in reversed(wanted.items())}
    found: Tensor | None = None
    for row, line in enumerate(lines(read_text(path, encoding)), 1):
        cells = line.rstrip().split(" ")
        if row == 1 and len(cells) == 2:
            continue
        if found is None:
            found = torch.full((tokenizer.size, len(cells) - 1), torch.nan)
        if len(cells) - 1 != found.shape[1]:
            raise UserError(
                f"{path}, row {row}: {len(cells) - 1} numbers, above there were {found.shape[1]}."
            )
        number = wanted.get(cells[0], lower.get(cells[0]))
        if number is None:
            continue
        try:
            found[number] = torch.tensor([float(cell) for cell in cells[1:]])
        except ValueError:
            raise UserError(
                f"{path}, row {row}: a vector of '{cells[0]}' has something that is no number."
            ) from None
    if found is None or not found.isfinite().any():
        raise UserError(f"{path}: none of its words is in the vocabulary of {tokenizer.size} symbols.")
    return found
