"""Secrets: told by a name or by their own form, and masked wherever they stand."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalcli.secrets import (
    MASK,
    is_secret_name,
    without_password,
    without_secret_values,
    without_secrets,
)

SECRET = "Xk7-hunter2-Qz9"
unhurried = settings(deadline=None)

NAMES = (
    "password", "PASSWORD", "new_password", "passwd", "db-password", "passphrase", "passcode",
    "pwd", "secret", "client_secret", "token", "access_token", "accessToken", "refresh-token",
    "jwt", "csrf", "xsrf", "cvv", "credential", "credentials", "authorization",
    "Proxy-Authorization", "cookie", "Set-Cookie", "bearer", "totp", "totp_seed", "otp", "mfa",
    "recovery_code", "recovery_codes", "recoveryCode", "backup_code", "security-code",
    "encryption_key", "signing_key", "SIGNING-KEY", "api_key", "apikey", "x-api-key",
    "private_key", "access_key", "session_key", "signature", "X-Hub-Signature", "session_id",
    "sessionid", "sessionId", "dsn", "SENTRY_DSN", "database_url", "DATABASE_URL", "redis_url",
    "connection_string", "pin", "pin_code", "card_number", "pass", "auth", "sid",
)  # fmt: skip
OTHER_NAMES = (
    "name", "key", "keyboard", "monkey", "description", "compass", "bypass", "author", "email",
    "side", "design", "signal", "assign", "url", "session", "code", "number", "pinned", "database",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_that_tell_of_a_secret(name: str) -> None:
    assert is_secret_name(name)
    assert is_secret_name(name.encode())
    for text in (
        f"{name}={SECRET}",
        f"{name} = {SECRET}",
        f"{name}:={SECRET}",
        f"{name}: {SECRET}",
        f"--{name}={SECRET}",
        f"--{name}='two {SECRET} words'",
        f'"{name}": "two {SECRET} words"',
        f"'{name}' => '{SECRET}'",
        f"['--{name}', '{SECRET}']",
        f"(b'{name}', b'two {SECRET} words')",
        f'settings["{name}"] = "{SECRET}"',
        f"https://host/?{name}={SECRET}&page=2",
        f"{{'name': '{name}', 'value': 'two {SECRET} words'}}",
        f"{{'value': 'two {SECRET} words', 'name': '{name}'}}",
        json.dumps({name: SECRET}),
        json.dumps({"body": json.dumps({name: f'"{SECRET}"'})}),
        json.dumps({"body": json.dumps({"body": json.dumps({name: f"two {SECRET}"})})}),
    ):
        assert SECRET not in without_secrets(text), text
        assert SECRET not in without_secrets(f"before ({text}) behind"), text


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_other_names_keep_their_values(name: str) -> None:
    assert not is_secret_name(name)
    for text in (f"{name}=value", f"{name}: 'value'", f"{{'name': '{name}', 'value': 1}}"):
        assert without_secrets(text) == text


@pytest.mark.parametrize(
    "text",
    [
        f"Cookie: theme=dark; id={SECRET}; lang=en",
        f"Set-Cookie: id={SECRET}; Path=/; HttpOnly",
        f"cookie=a=1; b={SECRET}",
        f"Authorization: Basic {SECRET}",
        f"Authorization: Token {SECRET}",
        f'Authorization: Digest username="ada", response="{SECRET}"',
        f"Authorization: AWS4-HMAC-SHA256 Credential=a/b, Signature={SECRET}",
        f"curl -H 'Authorization: Bearer {SECRET}' x",
        f"sent with Bearer {SECRET}",
        "sent with Basic WGs3LWh1bnRlcjItUXo5",
        "a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl b",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET} and cut",
        f"api key: {SECRET}",
        f"session id = {SECRET}",
        f"the password is: {SECRET}",
        f"password='it\\'s {SECRET}'",
        f'password="cut {SECRET}',
        f"password={{'old': '{SECRET}'}}",
        f"credentials=['ada', '{SECRET}']",
        f'<db password="{SECRET}"/>',
    ],
)
def test_secrets_in_texts(text: str) -> None:
    masked = without_secrets(text)
    assert MASK in masked
    for part in (SECRET, "WGs3LWh1", "eyJzdWIi"):
        assert part not in masked


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        (f"postgresql://ada:{SECRET}@host/db", f"postgresql://ada:{MASK}@host/db"),
        (f"postgresql://ada:p@{SECRET}@host/db", f"postgresql://ada:{MASK}@host/db"),
        (f"postgresql://ada:p/{SECRET}@host/db", f"postgresql://ada:{MASK}@host/db"),
        (f"postgresql://ada:p:{SECRET}@host:5432/db", f"postgresql://ada:{MASK}@host:5432/db"),
        (f"redis://:{SECRET}@host", f"redis://:{MASK}@host"),
        (f"https://{SECRET}@host/repository.git", f"https://{MASK}@host/repository.git"),
        (f"git+https://{SECRET}:x@host/it", f"git+https://{SECRET}:{MASK}@host/it"),
        (f"mysql://h/db?user=ada&ssl_password={SECRET}", f"mysql://h/db?user=ada&ssl_password={MASK}"),
    ],
)  # fmt: skip
def test_secrets_in_urls(url: str, masked: str) -> None:
    assert without_secrets(url) == masked
    assert without_secrets(f"cannot connect to {url!r}.") == f"cannot connect to {masked!r}."
    assert without_password(url) == masked


def test_a_password_with_blanks_and_quotes_in_a_url_that_is_nothing_else() -> None:
    shown = without_password('postgresql://ada:it\'s @ "a" secret@host/db')
    assert shown == f"postgresql://ada:{MASK}@host/db"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+psycopg://postgres@127.0.0.1:5432/db",
        "http://localhost:8000/users/ada@mail.com",
        "ssh://git@host/it.git",
        "sqlite:///demo.db?timeout=5",
        "ada@mail.com: 1 // 2",
        "basic instructions, bearer of news",
        "no column 'password'; columns: username, email needed",
        "a: b, c = d",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


def test_plain_data() -> None:
    data = {
        "body": f"password={SECRET}",
        "password": SECRET,
        "is_secret": True,
        "token": None,
        "inner": [{"api_key": [SECRET]}, ["authorization", SECRET], ["a", "b"]],
        "header": {"name": "cookie", "value": SECRET, "other": 1},
    }
    assert without_secret_values(data) == {
        # It is the user's own text, which a document does not change.
        "body": f"password={SECRET}",
        "password": MASK,
        "is_secret": True,
        "token": None,
        "inner": [{"api_key": MASK}, ["authorization", MASK], ["a", "b"]],
        "header": {"name": "cookie", "value": MASK, "other": 1},
    }


fragments = st.lists(
    st.sampled_from(
        ["password", "token", "=", ":", "'", '"', "\\", "//", "@", "name", "value", ",", " ", "(",
         "{", "[", "basic ", "bearer ", "x", "\n", "eyJ", "cookie", "]", "http:", "-----", "key"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@unhurried
@given(fragments)
def test_masking_a_masked_text_masks_no_less(text: str) -> None:
    masked = without_secrets(text)
    assert without_secrets(masked).count("x") <= masked.count("x") <= text.count("x")


@unhurried
@given(fragments | st.text(), st.sampled_from(NAMES), st.sampled_from(["'", '"']))
def test_a_quoted_value_is_masked_whatever_stands_before(
    before: str, name: str, quote: str
) -> None:
    # On a line of its own, no name or quote before can have taken it for something else.
    text = f"{before}\n{name}={quote}{SECRET}{quote}"
    assert SECRET not in without_secrets(text)
