"""Lists of clips and how they are divided: sources never part, and what may be wrong is said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_lab.data.video.listing import Listed, list_clips
from lstm_lab.data.video.splits import split_clips
from lstm_lab.errors import UserError


def clips(groups, per_group=3, parts=""):
    return [
        Listed(f"{label}/{group}_{number}", "", label, f"{label}{group}" if groups else "", parts)
        for label in ("a", "b")
        for group in range(groups or 10)
        for number in range(per_group)
    ]


@given(groups=st.integers(6, 20), per_group=st.integers(1, 6), share=st.floats(0.1, 0.3))
@settings(max_examples=40, deadline=None)
def test_groups_never_part(groups, per_group, share):
    listed = clips(groups, per_group)
    parts, how, warned = split_clips(listed, "auto", share, share)
    assert how == "group"
    assert warned == []
    assert sorted(index for rows in parts.values() for index in rows) == list(range(len(listed)))
    where = {part: {listed[index].group for index in rows} for part, rows in parts.items()}
    assert not where["train"] & where["test"]
    assert not where["train"] & where["validation"]
    assert not where["validation"] & where["test"]
    test = [listed[index].label for index in parts["test"]]
    for label in ("a", "b"):
        assert abs(test.count(label) - share * groups * per_group) <= per_group / 2 + 1e-9


def test_a_random_split_over_groups_is_reported():
    _, how, warned = split_clips(clips(8), "random")
    assert how == "random"
    assert len(warned) == 1
    assert "of 16 groups stand in more than one part" in warned[0]


def test_clips_without_a_known_source_are_reported():
    _, how, warned = split_clips(clips(0), "auto")
    assert how == "random"
    assert warned == ["nothing says which clips share a source (data.group=…): numbers may read too high"]


def test_stated_parts_are_kept_and_checked():
    listed = [
        Listed(str(number), "", "ab"[number % 2], f"g{number // 4}", part)
        for number, part in enumerate(["train"] * 16 + ["test"] * 4)
    ]
    parts, how, warned = split_clips(listed)
    assert (how, parts["test"], warned) == ("official", [16, 17, 18, 19], [])
    assert {listed[one].group for one in parts["validation"]}.isdisjoint(
        listed[one].group for one in parts["train"]
    )
    shared = [*listed, Listed("more", "", "a", "g0", "test")]
    assert "1 of 5 groups stand in more than one part" in split_clips(shared)[2][0]


def test_ways_that_are_not_possible():
    with pytest.raises(UserError, match=r"data\.split=official: neither"):
        split_clips(clips(8), "official")
    with pytest.raises(UserError, match=r"data\.split=group: no group is known"):
        split_clips(clips(0), "group")
    with pytest.raises(UserError, match="leaves no clip for"):
        split_clips(clips(1, 1))


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def shown(root, **options):
    return [(one.name, one.label, one.group, one.part) for one in list_clips(root, **options)]


def test_classes_and_parts_by_folder(tmp_path):
    root = touch(tmp_path, "run/a10.mp4", "run/a2.mp4", "walk/b.avi", "walk/notes.txt", "stray.mp4")
    assert shown(root) == [
        ("run/a2.mp4", "run", "", ""),
        ("run/a10.mp4", "run", "", ""),
        ("walk/b.avi", "walk", "", ""),
    ]
    root = touch(tmp_path / "stated", "train/run/a.mp4", "val/run/b.mp4", "test/run/c.mp4")
    assert [part for *_, part in shown(root)] == ["test", "train", "validation"]


def test_a_folder_of_pictures_or_numbered_arrays_is_a_clip(tmp_path):
    root = touch(
        tmp_path, "run/one/0001.jpg", "run/one/0002.jpg", "run/two.npy", "wave/0/0.npy", "wave/0/1.npy"
    )
    assert [name for name, *_ in shown(root)] == ["run/one", "run/two.npy", "wave/0"]


def test_clips_without_folders_have_no_class(tmp_path):
    root = touch(tmp_path, "a.mp4", "b.npy")
    assert shown(root) == [("a.mp4", "", "", ""), ("b.npy", "", "", "")]


def test_groups_by_pattern_and_by_table(tmp_path):
    root = touch(tmp_path, "run/v_g01_c1.avi", "run/v_g02_c1.avi")
    assert [group for *_, group, _ in shown(root, group=r"_g(\d+)_")] == ["01", "02"]
    (tmp_path / "list.csv").write_text("File,Class,Source_Group,Split\nrun/v_g01_c1.avi,run,x,val\n")
    assert shown(root, manifest=tmp_path / "list.csv") == [("run/v_g01_c1.avi", "run", "x", "validation")]


def test_wrong_lists(tmp_path):
    def message(**options):
        with pytest.raises(UserError) as raised:
            list_clips(tmp_path, **options)
        return str(raised.value)

    assert "no clips found" in message()
    touch(tmp_path, "run/a.mp4")
    assert "finds no group (in brackets) in the name run/a.mp4" in message(group="x")
    assert "no regular expression" in message(group="(")
    assert "list.csv: cannot be read" in message(manifest=tmp_path / "list.csv")
    (tmp_path / "list.csv").write_text("name,label\nx,y\n")
    assert "no column of files" in message(manifest=tmp_path / "list.csv")
    (tmp_path / "list.csv").write_text("file,split\nx,else\n")
    assert "line 2: split else is not one of" in message(manifest=tmp_path / "list.csv")
    with pytest.raises(UserError, match="no such file or folder"):
        list_clips(tmp_path / "none")
