"""The whole way from files to batches and back, and that nothing of the test is seen in training."""

import json

import pytest
import torch

from lstm_lab.data import SpeechFeaturesDataModule, load_processor
from lstm_lab.errors import UserError

FEATURES = {"window": 0.032, "n_mels": 12}
PATTERN = r"(?P<label>low|high)/(?P<speaker>[a-z]+)_"


def module(path, **settings):
    return SpeechFeaturesDataModule(
        path=str(path), sample_rate=8000, features=FEATURES, **{"pattern": PATTERN, **settings}
    )


def test_what_it_promises(recordings):
    data = module(recordings, batch_size=4)
    assert data.spec.target.names == ("high", "low")
    assert data.spec.inputs.size == 12
    assert (
        "24 clips of 3 speakers, 2 classes (8 train, 8 validation, 8 test), split by speaker"
        in data.describe()
    )
    assert "of speakers who are in no other part" in data.protocol
    batch = next(iter(data.train_dataloader()))[0]
    assert batch.inputs.shape[2] == 12
    assert batch.lengths.max() == batch.inputs.shape[1]
    assert data.statistics["class_counts"] == [4, 4]


def test_a_budget_of_frames_limits_batches(recordings):
    data = module(recordings, budget=60)
    sizes = [data.samples("train").gather(rows).inputs.shape[:2].numel() for rows in data.sampler().draw(0)]
    assert max(sizes) <= 60
    first = data.samples("train").gather(data.sampler().draw(0)[0])
    assert int(first.lengths.max()) == int(data.store.lengths[data._parts["train"]].max())
    with pytest.raises(UserError, match="less than the longest sample"):
        module(recordings, budget=5).sampler()


def test_waves_give_the_net_what_features_would(recordings):
    features, waves = module(recordings), module(recordings, inputs="wave")
    rows = torch.tensor([0, 5])
    plain, raw = features.samples("test").gather(rows), waves.samples("test").gather(rows)
    from lstm_lab.features.audio import AudioFeatures

    front = AudioFeatures(**waves.statistics["features"])
    found, lengths = front(raw.inputs[..., 0], raw.lengths)
    assert torch.equal(found, plain.inputs)
    assert torch.equal(lengths, plain.lengths)
    assert waves.statistics["mean"] == pytest.approx(features.statistics["mean"], rel=1e-4)


def test_the_test_part_changes_no_statistic(recordings, record):
    before = module(recordings, speaker="cem").statistics
    for label in ("low", "high"):
        record(recordings / label / "cem_0.wav", 50.0, 1.0)
    assert module(recordings, speaker="cem").statistics == before


def test_predicting_a_file_gives_the_features_of_training(recordings):
    data = module(recordings, speaker="ann")
    processor = load_processor(data.processor.to_plain())
    clip = data.test_clips()[3]
    batch = processor.to_batch(processor.table(recordings / clip.name))
    assert torch.equal(batch.inputs[0], data.samples("test").gather(torch.tensor([3])).inputs[0])
    whole = processor.table(recordings)
    assert len(whole) == 24
    assert len(processor.to_batch(processor.example())) == 1


def test_labels_come_back_with_their_files(recordings):
    processor = module(recordings).processor
    table = processor.table([recordings / "low" / "ann_0.wav", recordings / "high" / "bob_1.wav"])
    frame = processor.to_frame({"probabilities": torch.tensor([[0.2, 0.8], [0.9, 0.1]])}, table)
    assert frame["label"].tolist() == ["low", "high"]
    assert frame["path"][0].endswith("ann_0.wav")


def test_a_zip_of_recordings_is_predicted_unpacked(recordings, tmp_path):
    import shutil

    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", recordings)
    processor = module(recordings).processor
    inside, outside = (processor.to_batch(processor.table(path)) for path in (packed, recordings))
    assert torch.equal(inside.inputs, outside.inputs)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "nowhere.wav", "no such file or folder"),
        (lambda folder: folder.mkdir() or folder, "holds no clips"),
        (lambda folder: folder.write_text("hello") and folder, "no sound can be read"),
    ],
)
def test_what_cannot_be_predicted(recordings, tmp_path, make, message):
    processor = module(recordings).processor
    with pytest.raises(UserError, match=message):
        processor.to_batch(processor.table(make(tmp_path / "given")))


def manifest(folder, rows):
    (folder / "clips.csv").write_text("path,text,split\n" + "".join(f"{row}\n" for row in rows))
    return folder / "clips.csv"


def test_speakers_are_folds(recordings, tmp_path):
    assert module(recordings).fold_count == 3
    assert module(recordings, pattern=None).fold_count == 1


def test_transcripts_become_symbols(recordings):
    rows = [f"{label}/ann_{take}.wav,{label} {take},train" for label in ("low", "high") for take in range(3)]
    rows += ["low/bob_0.wav,low 1,validation", "high/cem_1.wav,high 2,test"]
    data = module(manifest(recordings, rows), origin="table", target="transcript", pattern=None)
    assert "".join(data.spec.target.names) == " 012ghilow"
    batch = data.samples("test").gather(slice(None))
    names = data.spec.target.names
    assert "".join(names[one] for one in batch.targets["transcript"][0]) == "high 2"
    name, frames, need = data.statistics["tightest"][0]
    assert name.endswith("_0.wav")
    assert need == len("high 0")
    assert frames > need
    assert data.statistics["ngrams"][""]["0"] == 6  # the ends of six transcripts


def test_an_unknown_symbol_is_named(recordings):
    rows = ["low/ann_0.wav,abc,train", "low/ann_1.wav,abc,validation", "low/bob_0.wav,abx,test"]
    with pytest.raises(UserError, match=r"low/bob_0\.wav: the transcript holds 'x'"):
        module(manifest(recordings, rows), origin="table", target="transcript", pattern=None).setup()


def test_a_clip_without_label_is_named(recordings):
    rows = ["low/ann_0.wav,abc,train", "low/ann_1.wav,abc,validation", "low/bob_0.wav,abx,test"]
    with pytest.raises(UserError, match=r"low/ann_0\.wav has no label"):
        module(manifest(recordings, rows), origin="table", pattern=None).setup()


def test_sentences_take_words_of_one_speaker_and_one_part(recordings):
    join = {"words": [2, 3], "gap": [0.0, 0.01], "train": 6, "validation": 2, "test": 4}
    data = module(recordings, target="transcript", join=join)
    data.setup()
    assert len({clip.speaker for clip in data.clips if clip.part == "test"}) == 1
    assert all(2 <= len((clip.text or "").split()) <= 3 for clip in data.clips)
    assert "4 test sentences" in data.protocol
    again = module(recordings, target="transcript", join=join)
    assert torch.equal(
        data.samples("test").gather(slice(None)).inputs, again.samples("test").gather(slice(None)).inputs
    )


def test_times_of_words():
    data = SpeechFeaturesDataModule(
        origin="tones",
        target="transcript",
        sample_rate=8000,
        features={"window": 0.032, "hop": 0.02, "n_mels": 8},
        tones={"count": 160, "keys": [2, 3], "snr": [20.0, 20.0]},
    )
    found = {
        "symbols": torch.tensor([[1, 2]]),
        "symbols_lengths": torch.tensor([2]),
        "spans": torch.tensor([[[3, 5], [7, 9]]]),
        "score": torch.tensor([-1.0]),
    }
    row = data.processor.transcripts(found)[0]
    names = data.spec.target.names
    assert row["text"] == names[1] + names[2]
    assert json.loads(row["words"]) == [[names[1], 0.06, 0.1], [names[2], 0.14, 0.18]]


def test_refitting_takes_the_validation_clips(recordings):
    data = module(recordings)
    before = data.statistics["mean"]
    data.fit_again()
    assert data.statistics["class_counts"] == [8, 8]
    assert data.statistics["mean"] != before


def test_waves_are_asked_of_features_in_vain(tmp_path):
    with pytest.raises(UserError, match="holds features, not waves"):
        module(tmp_path, origin="ts", inputs="wave")


def test_real_digits_and_vowels(shared_data):
    digits = SpeechFeaturesDataModule(
        name="fsdd", origin="fsdd", sample_rate=8000, features=FEATURES, cache=False
    )
    digits.setup()
    assert len(digits.clips) == 3000
    assert len(digits.samples("test")) == 300
    assert digits._by_length("train").padding <= 0.1
    vowels = SpeechFeaturesDataModule(
        name="japanese_vowels", origin="ts", path="speech/japanese_vowels/JapaneseVowels_TRAIN.ts"
    )
    assert [len(vowels.samples(part)) for part in ("train", "validation", "test")] == [243, 27, 370]
    assert vowels.spec.inputs.size == 12
