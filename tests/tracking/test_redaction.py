"""What is hidden, and what must not be."""

import pytest

from lstm_lab.tracking.redaction import is_secret, redact, redact_text, secrets_in

SECRET = (
    "password", "db_password", "dbPassword", "api_key", "apiKey", "API_KEY", "OPENAI_API_KEY",
    "secret", "client_secret", "AWS_SECRET_ACCESS_KEY", "aws_access_key_id", "token", "auth_token",
    "HF_TOKEN", "tracking.token", "credentials", "private_key", "passphrase", "Authorization",
)  # fmt: skip
OPEN = (
    "num_tokens", "max_tokens", "tokens", "pad_token", "pad_token_id", "cls_token", "eos_token", "tokenizer",
    "token_embedding", "token_dropout", "data.path", "key", "keys", "monkey", "PATH", "HOME", "hidden_size",
    "bypass", "compass", "secretary", "tokenize", "api", "turkey", "words_per_token",
)  # fmt: skip


@pytest.mark.parametrize("key", SECRET)
def test_keys_that_say_so_are_secret(key):
    assert is_secret(key, "abc")
    assert redact({"outer": [{key: "hunter22"}]}) == {"outer": [{key: "***"}]}


@pytest.mark.parametrize("key", OPEN)
def test_ordinary_keys_stay(key):
    assert not is_secret(key, "abc")
    assert redact({key: "/home/ann/data"}) == {key: "/home/ann/data"}


def test_a_token_that_is_a_number_is_a_symbol():
    assert redact({"token": 5, "stop_token": "</s>"}) == {"token": 5, "stop_token": "</s>"}


def test_what_lies_below_a_secret_is_secret():
    assert redact({"credentials": {"user": "ann", "pin": [1, 2]}}) == {
        "credentials": {"user": "***", "pin": "***"}
    }


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgresql://ann:p%40ss@host:5432/db", "postgresql://***@host:5432/db"),
        ("http://user:pa@ss@host/x", "http://***@host/x"),
        ("https://ghp_abc@github.com/x", "https://***@github.com/x"),
        ("train tracking.password=hunter22 lr=0.1", "train tracking.password=*** lr=0.1"),
        ("--api-key hunter22 --seed 3", "--api-key *** --seed 3"),
        ("""{"token": "hunter22", "num_tokens": 3}""", """{"token": "***", "num_tokens": 3}"""),
        ("password: 'two words'", "password: '***'"),
        ("https://host/x?api_key=abc&seed=3", "https://host/x?api_key=***&seed=3"),
        ("overrides: [db.password=hunter22, seed=1]", "overrides: [db.password=***, seed=1]"),
        ("error: params: {'api_key': 'abc', 'lr': 1}", "error: params: {'api_key': '***', 'lr': 1}"),
        ("password=a=b&c", "password=***&c"),
        ("Authorization: Bearer abcdefgh", "Authorization: *** ***"),
    ],
)
def test_text_is_cleaned(text, hidden):
    assert redact_text(text) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "data.path=/data/a.csv num_tokens=5 pad_token_id=0 lr=1e-3",
        "git@github.com:x/y ssh://git@host/x",
        "https://mlflow.org/docs/latest?x=a@b",
        "password=${oc.env:DB_PASSWORD}",
        "mail ann@example.org",
        "token: 17",
    ],
)
def test_ordinary_text_stays(text):
    assert redact_text(text) == text


def test_found_secrets_are_hidden_wherever_they_stand():
    secrets = secrets_in(
        {"db": {"password": "hunter22"}, "url": "http://ann:s3cr3tpw@h", "pin": {"secret": "123"}}
    )
    assert secrets == {"hunter22", "s3cr3tpw"}
    assert redact_text("ValueError: 'hunter22' is not an int", secrets) == "ValueError: '***' is not an int"
