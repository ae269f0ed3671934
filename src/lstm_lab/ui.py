"""``python -m lstm_lab.ui``: MLflow's pages over all runs, on this machine only."""

from __future__ import annotations

from lstm_lab.doors import answer, words

WORDS = {
    "port": "5000 if not given",
    "uri": "the store; MLFLOW_TRACKING_URI or the one under outputs/ if not given",
    "host": "127.0.0.1 if not given; another address needs auth=true",
    "auth": "true asks for user and password, see docs/tracking.md",
}


def command(argv: list[str]) -> None:
    """Runs the server until Ctrl-C."""
    given = words(argv, WORDS, "ui")
    from lstm_lab.errors import UserError, check_choice
    from lstm_lab.paths import outputs_dir
    from lstm_lab.tracking.ui import serve

    port, auth = given.get("port", "5000"), given.get("auth", "false")
    check_choice("auth", auth, ("true", "false"))
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise UserError(f"port={port} must be a number from 1 to 65535.")
    code = serve(given.get("uri"), outputs_dir(), given.get("host", "127.0.0.1"), int(port), auth == "true")
    if code:
        raise UserError(f"the server ended with code {code}; is port {port} taken? Try port={int(port) + 1}.")


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
