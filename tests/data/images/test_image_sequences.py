"""Pictures as sequences: their order in time, their parts, and the way there from files."""

import numpy as np
import pytest
import torch
from PIL import Image

from lstm_lab.data.images.module import ImageSequencesDataModule, shifted
from lstm_lab.data.images.order import permutation, to_sequence
from lstm_lab.data.images.processor import ImageProcessor
from lstm_lab.errors import UserError

COUNTING = torch.arange(2 * 2 * 3).reshape(2, 2, 3, 1)  # two pictures of 2 × 3


def test_orders_by_hand():
    assert to_sequence(COUNTING, "rows")[1].tolist() == [[6, 7, 8], [9, 10, 11]]
    assert to_sequence(COUNTING, "pixels")[1].tolist() == [[6], [7], [8], [9], [10], [11]]
    permuted = to_sequence(COUNTING, "pixels", torch.tensor([5, 0, 1, 2, 3, 4]))
    assert permuted[0].flatten().tolist() == [5, 0, 1, 2, 3, 4]


def test_the_permutation_belongs_to_its_seed():
    assert torch.equal(permutation(784, 7), permutation(784, 7))
    assert not torch.equal(permutation(784, 7), permutation(784, 8))
    assert permutation(784, 7).sort().values.tolist() == list(range(784))


def test_shifts_by_hand():
    picture = torch.tensor([[1, 2], [3, 4]]).reshape(1, 2, 2, 1)
    still = shifted(picture, 1, torch.tensor([[0.5, 0.5]]))
    assert torch.equal(still, picture)
    down_right = shifted(picture, 1, torch.tensor([[0.0, 0.0]]))
    assert down_right[0, ..., 0].tolist() == [[0, 0], [0, 1]]
    up = shifted(picture, 1, torch.tensor([[0.99, 0.5]]))
    assert up[0, ..., 0].tolist() == [[3, 4], [0, 0]]


@pytest.fixture(scope="module")
def digits():
    data = ImageSequencesDataModule()
    data.setup()
    return data


def test_digits_in_three_parts_of_all_classes(digits):
    parts = {part: set(digits.samples(part).rows.tolist()) for part in ("train", "validation", "test")}
    assert sum(map(len, parts.values())) == len(set.union(*parts.values())) == 1797
    assert len(parts["test"]) == pytest.approx(360, abs=4)
    for part in parts:
        assert (digits.samples(part).gather(slice(None)).targets["class"].unique().tolist()) == list(
            range(10)
        )
    assert digits.spec.inputs.size == digits.spec.length == 8


def test_the_test_part_has_no_say_in_statistics(digits, monkeypatch):
    other = ImageSequencesDataModule()
    read = other._read

    def with_other_test():
        pictures = read()
        pictures.images[digits.samples("test").rows] = 255
        return pictures

    monkeypatch.setattr(other, "_read", with_other_test)
    assert other.statistics == digits.statistics


def test_training_pictures_move_from_pass_to_pass_and_test_pictures_do_not():
    data = ImageSequencesDataModule(shift=1, batch_size=32)
    rows = torch.arange(4)
    count = len(data.samples("train"))
    first, second = (data.samples("train").gather(rows + number * count) for number in (0, 1))
    assert torch.equal(first.keys, second.keys)
    assert not torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.inputs, data.samples("train").gather(rows).inputs)
    still = data.samples("test")
    assert torch.equal(still.gather(rows).inputs, still.gather(slice(0, 4)).inputs)


def test_a_picture_file_is_read_as_the_test_part_is(tmp_path, digits):
    batch = digits.samples("test").gather(torch.arange(3))
    pictures = digits.pictures.images[batch.keys, ..., 0].numpy()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    processor = ImageProcessor.from_plain(digits.processor.to_plain())
    for raw in (tmp_path, sorted(tmp_path.iterdir()), pictures):
        table = processor.table(raw)
        assert torch.equal(processor.to_batch(table).inputs, batch.inputs)
    assert processor.table(tmp_path).index.tolist() == ["0.png", "1.png", "2.png"]
    assert processor.table(None).equals(processor.example())
    assert torch.equal(processor.to_batch(processor.example()).inputs, batch.inputs[:1])


def test_the_processor_keeps_the_permutation():
    data = ImageSequencesDataModule(order="pixels", permuted=True, permutation_seed=3)
    processor = ImageProcessor.from_plain(data.processor.to_plain())
    assert processor.permuted == permutation(64, 3).tolist()
    straight = ImageSequencesDataModule(order="pixels")
    both = [one.samples("test").gather(slice(0, 2)).inputs for one in (straight, data)]
    assert torch.equal(both[0][:, processor.permuted], both[1])


def folder(root, sizes, mode="L"):
    for name, size in sizes.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, size, 100).save(path)
    return root


def test_a_folder_with_one_folder_a_class(tmp_path):
    names = {f"{label}/{number}.png": (5, 4) for label in ("cat", "dog") for number in range(10)}
    data = ImageSequencesDataModule(origin="folder", path=str(folder(tmp_path, names)), batch_size=4)
    assert data.spec.target.names == ("cat", "dog")
    assert data.spec.length == 4
    assert "12 train" not in data.describe()
    assert {part: len(data.samples(part)) for part in ("train", "validation", "test")} == {
        "train": 14,
        "validation": 2,
        "test": 4,
    }
    stated = {f"{part}/{name}": size for part in ("train", "test") for name, size in names.items()}
    data = ImageSequencesDataModule(origin="folder", path=str(folder(tmp_path / "b", stated)))
    assert len(data.samples("test")) == 20


def test_wrong_folders(tmp_path):
    def message(**settings):
        with pytest.raises(UserError) as raised:
            ImageSequencesDataModule(origin="folder", **settings).setup()
        assert "\n" not in str(raised.value)
        return str(raised.value)

    assert "data.path=" in message()
    assert "no such folder" in message(path=str(tmp_path / "none"))
    assert "no pictures found" in message(path=str(tmp_path))
    mixed = folder(tmp_path / "mixed", {"a/0.png": (5, 4), "a/1.png": (4, 4)})
    assert "1.png: 4×4 pixels, but 0.png has 5×4" in message(path=str(mixed))
    few = folder(tmp_path / "few", {"a/0.png": (5, 4), "a/1.png": (5, 4)})
    assert "class a has 2 pictures" in message(path=str(few))
    (tmp_path / "few" / "a" / "1.png").write_bytes(b"no picture")
    assert "1.png: not a readable picture" in message(path=str(few))


def test_wrong_tables(digits):
    processor = digits.processor
    table = processor.example()
    with pytest.raises(UserError, match="lacks the column pixel 3"):
        processor.to_batch(table.drop(columns="pixel 3"))
    with pytest.raises(UserError, match="row 0: a shade is no number from 0 to 255"):
        processor.to_batch(table.assign(**{"pixel 5": 300}))
    with pytest.raises(UserError, match="the model reads 8×8×1"):
        processor.table(np.zeros((2, 28, 28)))


def test_mnist(shared_data):
    data = ImageSequencesDataModule(name="mnist_rows", origin="mnist", validation=0.1, dir=str(shared_data))
    assert len(data.samples("train")) + len(data.samples("validation")) == 60_000
    assert data.samples("test").gather(slice(0, 4)).targets["class"].tolist() == [7, 2, 1, 0]
    assert data.statistics["mean"][0] == pytest.approx(0.1307, abs=0.001)
