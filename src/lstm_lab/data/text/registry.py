"""Where the files of named text data sets come from, should they not be on this machine."""

from __future__ import annotations

# Path below the folder of data: address, SHA-256. Only files that stand under one address as they are.
FILES: dict[str, tuple[str, str]] = {
    "text/tinyshakespeare/input.txt": (
        "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    ),
}
