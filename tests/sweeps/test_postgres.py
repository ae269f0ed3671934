"""A study in PostgreSQL, against a real server; skipped where the package that starts one is missing."""

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path):
    pgserver = pytest.importorskip("pgserver")
    pytest.importorskip("psycopg")
    running = pgserver.get_server(tmp_path / "pg")
    yield running.get_uri().replace("postgresql://", "postgresql+psycopg://")
    running.cleanup()


def test_two_sweeps_on_a_fresh_server_share_one_study(app, server):
    words = [
        "x=range(0,6)",
        "sleep=0.2",
        f"hydra.sweeper.storage='{server}'",
        "hydra.sweeper.study_name=shared",
    ]
    processes = [app.start(*words) for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, out + err
    assert sorted(app.table().x) == list(range(6))
    assert set(app.table().state) == {"COMPLETE"}
    app.run(*words)
    assert len(app.table()) == 6
