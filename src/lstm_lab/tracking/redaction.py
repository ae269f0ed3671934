"""What must never be written down: values whose key says that they are secret, and credentials inside URLs.

The rule goes by words: ``api_key``, ``dbPassword`` and ``tracking.token`` are secret; ``num_tokens``,
``pad_token_id``, ``tokenizer``, data paths and ordinary environment values are not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

HIDDEN = "***"

_ALWAYS = {
    *(
        "password",
        "passwords",
        "passwd",
        "pwd",
        "passphrase",
        "secret",
        "secrets",
        "credential",
        "credentials",
    ),
    *("apikey", "authorization", "accesskey", "privatekey"),
}
# What may stand before "key" or "keys" to make it one that opens something.
_KEYS = {"api", "access", "private", "ssh", "encryption", "account", "signing", "service", "auth"}
# A token of these kinds is a symbol of a vocabulary.
_SYMBOLS = {
    *(
        "pad",
        "bos",
        "eos",
        "cls",
        "sep",
        "mask",
        "unk",
        "start",
        "end",
        "stop",
        "begin",
        "special",
        "next",
        "blank",
    ),
    *("first", "last", "target", "source", "oov", "word", "char", "per", "by", "each", "num", "max", "min"),
}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*://)(?!git@)[^\s/?#'\"<>]+@")
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=\-]{6,}")
_VALUE = r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[^\s,;&|)\]}\"']+"
_PAIR = re.compile(rf"(?P<key>[A-Za-z_][\w.\-]*)(?P<between>[\"']?\s*[=:](?!//)\s*)(?P<value>{_VALUE})")
_FLAG = re.compile(rf"(?P<key>(?<!\S)--?[A-Za-z][\w.\-]*)(?P<between>\s+)(?P<value>(?!-)(?:{_VALUE}))")


def is_secret(key: str, value: Any = "") -> bool:
    """Whether a value under this key has to be hidden.

    Args:
        key: a name, or several joined by dots as in a flattened config; any of them can be the telling one.
        value: numbers under ``token`` are symbols of a vocabulary; strings are not.
    """
    if value is None or isinstance(value, bool):
        return False
    return any(_segment_is_secret(_words(segment), value) for segment in key.split("."))


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _segment_is_secret(words: list[str], value: Any) -> bool:
    if _ALWAYS & set(words):
        return True
    before = dict(zip(words[1:], words, strict=False))
    if before.get("key", before.get("keys")) in _KEYS:
        return True
    if not words or words[-1] not in ("token", "tokens") or isinstance(value, (int, float)):
        return False
    number = isinstance(value, str) and re.fullmatch(r"[\d.,\[\] ]+", value)
    return words[-1] == "token" and not number and not _SYMBOLS & set(words[:-1])


def redact(plain: Any, key: str = "") -> Any:
    """Returns plain data (dicts, lists, strings, numbers) with every secret replaced by ``***``.

    Strings under ordinary keys go through `redact_text`, so that URLs and ``key=value`` words inside lists
    are covered too.
    """
    if isinstance(plain, Mapping):
        if key and is_secret(key):
            return dict.fromkeys(plain, HIDDEN)
        return {name: redact(value, str(name)) for name, value in plain.items()}
    if isinstance(plain, (list, tuple)):
        return type(plain)([redact(value, key) for value in plain])
    if key and is_secret(key, plain):
        return HIDDEN
    return redact_text(plain) if isinstance(plain, str) else plain


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Returns text (a command line, a traceback, a log line) without its secrets.

    Args:
        text: any text.
        secrets: values to hide wherever they stand, as `secrets_in` finds them in a config.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _URL.sub(rf"\1{HIDDEN}@", text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    return _hide_values(_FLAG, _hide_values(_PAIR, text))


def _hide_values(pattern: re.Pattern[str], text: str) -> str:
    done, position = [], 0
    while match := pattern.search(text, position):
        value, start = match["value"], match.start("value")
        done.append(text[position:start])
        # The value of an ordinary key may hold a pair of its own: the search goes on inside it.
        position = start
        bare = value.strip("\"'")
        # An interpolation names a variable, it does not hold its value.
        harmless = not bare or bare.startswith("${") or bare in ("null", "None", "true", "false", HIDDEN)
        if not harmless and is_secret(match["key"].lstrip("-"), bare):
            quote = value[0] if value[0] in "\"'" else ""
            done.append(f"{quote}{HIDDEN}{quote}")
            position = match.end("value")
    return "".join([*done, text[position:]])


def secrets_in(plain: Any, key: str = "") -> set[str]:
    """Returns the secret strings in plain data that are long enough to be looked for in text."""
    if isinstance(plain, Mapping):
        hidden = bool(key) and is_secret(key)
        return set().union(
            *(secrets_in(value, key if hidden else str(name)) for name, value in plain.items())
        )
    if isinstance(plain, (list, tuple)):
        return set().union(*(secrets_in(value, key) for value in plain))
    if not isinstance(plain, str):
        return set()
    found = {plain} if key and is_secret(key, plain) and not plain.startswith("${") else set()
    found |= set(re.findall(r"://[^\s/:@]*:([^\s/?#]+)@", plain))
    return {secret for secret in found if len(secret) >= 6}


def environment_secrets() -> set[str]:
    """Returns the values of the environment variables whose names say that they are secret."""
    return secrets_in(dict(os.environ))
