"""Every model on every kind of data: two training steps, a prediction, the same from the file; or one line why not.

``python tests/end_to_end/test_matrix.py`` writes docs/matrix.md from what is expected here.
"""

import re
from pathlib import Path

import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf

from lstm_lab.doors import compose_config
from lstm_lab.errors import UserError
from lstm_lab.planning import prepare
from lstm_lab.predictor import Predictor, load
from lstm_lab.training import ranks
from lstm_lab.training.checkpoint import write_checkpoint
from lstm_lab.training.trainer import build_trainer

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "matrix.md"

# Data that is made or shipped, one for each kind of question: what it is, and what makes it small.
DATA = {
    "airline": ("numbers over time → the next ones", ["ensemble=1"]),
    "adding": ("numbers → a number", ["data.sequences=200"]),
    "digits_rows": ("pictures by row → a class", ["ensemble=1"]),
    "keywords": ("text → a class", []),
    "dtmf": ("sound → a class", ["data.tones.count=160"]),
    "dtmf_numbers": ("sound → symbols", ["data.tones.count=160"]),
    "motifs": ("symbols → a label each", []),
    "echo": ("symbols → the next ones", []),
    "mirrors": ("symbols with a gap → what is missing", []),
    "reverse": ("a sentence → a sentence", ["data.count=400"]),
    "moving_digits": ("frames → the frames that follow", ["data.batch_size=4"]),
}
MODELS = sorted(path.stem for path in (ROOT / "conf" / "model").glob("*.yaml"))

MAPS = ("convlstm", "predrnn")

# Why a pair is refused, as its one line says it.
NO_MAPS = "predicts frames; the target of this data is"
NO_CELL = "task=frames needs maps"
NO_SENTENCE = "model=seq2seq writes sentences; the target of this data is"
FOOTNOTES = {
    NO_MAPS: "The cell remembers maps and predicts frames.",
    NO_CELL: "Frames need a cell that remembers maps.",
    NO_SENTENCE: "An encoder and a decoder write sentences.",
}


def refusal(model, data):
    """Why a pair is refused; None where it is not."""
    if model in MAPS:
        return None if data == "moving_digits" else NO_MAPS
    if model == "seq2seq":
        return None if data == "reverse" else NO_SENTENCE
    return NO_CELL if data == "moving_digits" else None


def plan_of(model, data):
    width = 4 if model in MAPS else 8
    words = [f"data={data}", f"model={model}", f"model.hidden_size={width}", "threads=1", "fit.max_steps=2"]
    words += ["fit.validate_every=2", *DATA[data][1]]
    settings = OmegaConf.to_container(compose_config(words), resolve=True)
    return prepare(settings, words, ranks.find_group(settings["trainer"]))


@pytest.mark.slow
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("model", MODELS)
def test_every_model_on_every_kind_of_data(model, data, tmp_path):
    if (reason := refusal(model, data)) is not None:
        with pytest.raises(UserError, match=re.escape(reason)) as refused:
            plan_of(model, data)
        assert "\n" not in str(refused.value)
        return
    plan = plan_of(model, data)
    before = {name: weight.clone() for name, weight in plan.model.named_parameters()}
    build_trainer(plan.max_steps, **plan.trainer).fit(plan.model, datamodule=plan.data)
    assert any(not torch.equal(before[name], weight) for name, weight in plan.model.named_parameters())
    predictor = Predictor(plan.model, plan.data.processor)
    write_checkpoint(tmp_path / "best.ckpt", {**predictor.checkpoint(), "data": {}})
    table = predictor.processor.example()
    answers = []
    for asked in (predictor, load(tmp_path / "best.ckpt")):
        torch.manual_seed(0)  # what is sampled is sampled alike
        answers.append(asked.predict(table))
    pd.testing.assert_frame_equal(*answers)
    assert len(answers[0])


def page():
    """docs/matrix.md."""
    notes = list(FOOTNOTES)
    lines = [
        "# Every model on every kind of data",
        "",
        "`pytest -m slow tests/end_to_end/test_matrix.py` trains each pair for two steps, predicts, and predicts again",
        "from the file; `python tests/end_to_end/test_matrix.py` writes this page. ✓ works; a number says why not.",
        "",
        "| `data=` | what is learned | " + " | ".join(f"`{model}`" for model in MODELS) + " |",
        "|---|---|" + "---|" * len(MODELS),
    ]
    for data, (what, _) in DATA.items():
        cells = [refusal(model, data) for model in MODELS]
        shown = ["✓" if why is None else str(1 + notes.index(why)) for why in cells]
        lines.append(f"| `{data}` | {what} | " + " | ".join(shown) + " |")
    lines += ["", *(f"{number}. {text}" for number, text in enumerate(FOOTNOTES.values(), 1)), ""]
    return "\n".join(lines)


def test_the_page_shows_what_is_tested():
    assert PAGE.read_text() == page()


if __name__ == "__main__":
    PAGE.write_text(page())
