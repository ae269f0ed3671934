"""What identifies a run."""

import subprocess

import pytest

from lstm_lab.tracking import record


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with a package in it, which stands for ours."""
    package = tmp_path / "repo" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("one = 1\n")
    git = ["git", "-C", str(package.parent), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(record, "_PACKAGE", package)
    return package


def test_commit_and_diff_are_those_of_the_package_whatever_the_folder(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = record.commit()
    assert len(found["commit"]) == 40
    assert found["dirty"] == "false"
    assert record.difference() == ""
    (repository / "__init__.py").write_text("one = 2\napi_key = 'hunter22'\n")
    (repository.parent / "new.py").write_text("x")
    assert record.commit()["dirty"] == "true"
    diff = record.difference()
    assert "+one = 2" in diff
    assert "hunter22" not in diff
    assert "[new, not in the diff] new.py" in diff


def test_a_large_diff_is_cut(repository):
    (repository / "__init__.py").write_text("one = 2\n" * 1000)
    diff = record.difference(cap=500)
    assert len(diff) < 700
    assert "[cut: " in diff


def test_an_installed_package_inside_another_repository_is_not_part_of_it(repository, monkeypatch):
    installed = repository / "site-packages" / "lstm_lab"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    monkeypatch.setattr(record, "_PACKAGE", installed)
    assert record.commit() == {}
    assert record.difference() == ""


def test_the_command_line_keeps_no_secret(tmp_path):
    tags = record.identity(
        ["train.py", "data=airline", "tracking.password=hunter22"], seed=0, threads=1, device="cpu"
    )
    assert "hunter22" not in str(tags)
    assert "data=airline" in tags["command"]
    assert (tags["seed"], tags["threads"], tags["device"]) == ("0", "1", "cpu")
    assert "torch " in tags["versions"]
    listing, *_ = record.write_record(tmp_path)
    assert "torch==" in listing.read_text()
