"""The pages keep their word: commands compose, links lead somewhere, the table of figures is that of the recipes."""

import importlib
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from lstm_lab.__main__ import commands as doors
from lstm_lab.doors import check_sweep, compose_config

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
RECIPES = sorted((ROOT / "docs" / "recipes").glob("*.json"))
COMMAND = re.compile(r"python -m lstm_lab\.(\w+)([^`#|\n]*)")
# What a reader fills in, and flags and files that are not there while tests run.
OPEN = re.compile(r"…|<|\$\(|--config-dir|resume=|search=lstm_airline model")


def commands():
    """Every command of every page that stands there whole, once."""
    found = {}
    for page in PAGES:
        for door, words in COMMAND.findall(page.read_text().replace("\\\n", " ")):
            found.setdefault((door, " ".join(words.split())), page.name)
    return [(page, door, words) for (door, words), page in found.items()]


@pytest.fixture(scope="module")
def recipes():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        yield importlib.import_module("recipes")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def test_every_door_that_a_page_names_is_there():
    assert {door for _, door, _ in commands()} <= set(doors())


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [words for _, door, words in commands() if door in ("train", "folds") and not OPEN.search(words)],
)
def test_a_training_command_of_a_page_composes(words):
    given = shlex.split(words.rstrip(" &"))
    if "-m" in given:
        long = [re.sub(r"^sweep\.", "hydra.sweeper.", word) for word in given]  # as the door of train does
        check_sweep([word for word in long if word != "-m"])
    else:
        compose_config(given)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, heading = target.partition("#")
        if name.startswith(("http:", "https:")):
            continue
        there = page.parent / name if name else page
        assert there.exists(), f"{page.name} names {target}"
        if heading:
            titles = re.findall(r"^#+ (.*)$", there.read_text(), flags=re.MULTILINE)
            slugs = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
            assert heading in slugs, f"{page.name} names {target}"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_has_a_command_that_composes_and_a_figure_that_was_measured(path, recipes):
    recipe = json.loads(path.read_text())
    door, *words = recipe["command"].split()
    assert door in ("train", "folds")
    assert (door == "folds") == (not recipe["seeds"])
    assert recipe["kind"] in recipes.KINDS
    compose_config(words)
    if "result" in recipe:
        assert recipe["result"]["commit"]
        assert recipe["result"]["date"]
        assert recipes.ours(recipe)


def test_the_table_of_the_front_page_is_that_of_the_recipes(recipes):
    text = (ROOT / "README.md").read_text()
    written = text.partition(recipes.BEGIN)[2].partition(recipes.END)[0].strip()
    assert written == recipes.table(), "run make readme"
