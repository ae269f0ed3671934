"""The rules of docs/architecture.md, read from the syntax trees."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "lstm_lab"
FILES = sorted(SOURCE.rglob("*.py"))

HEAVY = {"torch", "lightning", "mlflow", "optuna", "matplotlib", "statsmodels", "av", "pandas", "numpy"}
ROOMS = (
    "features",
    "data",
    "nets",
    "tasks",
    "models",
    "training",
    "baselines",
    "tracking",
    "sweeps",
    "figures",
)

# What each room may import of ours besides itself.
WORDS = {"spec", "batch", "errors"}
ALLOWED = {
    "features": WORDS,
    "nets": WORDS | {"features"},
    "data": WORDS | {"features", "paths"},
    "tasks": WORDS | {"nets"},
    "models": WORDS | {"tasks", "nets"},
    "training": WORDS | {"paths"},
    "baselines": WORDS,
    "figures": {"errors"},
    "sweeps": {"errors", "paths", "tracking.redaction"},
}
# Outside libraries and the only rooms (or files at the top) that import them.
OWNERS = {
    "mlflow": {"tracking"},
    "optuna": {"sweeps"},
    "matplotlib": {"figures"},
    "hydra": {"doors", "train", "experiment", "sweeps"},
    "omegaconf": {"doors", "train", "experiment", "sweeps"},
    "lightning": {"models", "data", "training", "tracking", "experiment", "planning", "probing"},
}
TOP = {
    "pyproject.toml", "conf", "src", "tests", "outputs", "Makefile", "README.md",
    "docs", "benchmarks", "LICENSE", "CONTRIBUTING.md", "constraints.txt",
}  # fmt: skip


def room_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imports(path: Path, top_level_only: bool = False) -> set[str]:
    """Full names of all modules that a file imports."""
    tree = ast.parse(path.read_text())
    skipped = set()
    for node in ast.walk(tree):
        guard = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        function = top_level_only and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if guard or function:
            skipped |= set(ast.walk(node))
    found = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_rooms_import_only_what_lies_below(path):
    room = room_of(path)
    if room not in ALLOWED:
        return
    ours = {name.removeprefix("lstm_lab.") for name in imports(path) if name.startswith("lstm_lab.")}
    allowed = ALLOWED[room] | {room}
    wrong = {name for name in ours if not any(name == one or name.startswith(f"{one}.") for one in allowed)}
    assert not wrong, f"{path.name} in {room} imports {sorted(wrong)}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_each_library_has_its_room(path):
    for name in imports(path):
        owners = OWNERS.get(name.partition(".")[0])
        assert owners is None or room_of(path) in owners, f"{path.relative_to(SOURCE)} imports {name}"


def test_nets_know_torch_alone():
    for path in (SOURCE / "nets").glob("*.py"):
        outside = {name.partition(".")[0] for name in imports(path)} & HEAVY
        assert outside <= {"torch"}, path


def test_no_module_is_called_utils():
    assert not [path for path in FILES if path.stem in ("utils", "util", "helpers", "common", "misc")]


def test_doors_import_nothing_heavy_at_the_top():
    doors = [path for path in SOURCE.glob("*.py") if "\ndef main(" in path.read_text()]
    assert {"train", "evaluate", "predict", "list"} <= {door.stem for door in doors}
    for door in [
        *doors,
        SOURCE / "doors.py",
        SOURCE / "__init__.py",
        SOURCE / "paths.py",
        SOURCE / "errors.py",
    ]:
        heavy = {name.partition(".")[0] for name in imports(door, top_level_only=True)} & HEAVY
        assert not heavy, f"{door.name} imports {heavy} before it knows that it needs to"


def test_every_file_says_what_it_is_for():
    for path in FILES:
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_top_level_holds_what_newcomers_expect():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    names = {line.partition("/")[0] for line in tracked.stdout.splitlines()}
    assert {name for name in names if not name.startswith(".")} <= TOP


def test_names_of_test_files_are_unique():
    """There are no packages below ``tests``, so that pytest would lose the second of two files of one name."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
