"""Secrets: which names tell of one, and how it is masked in values and texts.

Whatever leaves the process goes through here: traces, messages, tracebacks, the log, exports and
documents. What is masked is told by a name beside it (``password=…``), or by its own form, as of
the password in a URL.
"""

import re
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

MASK = "********"
# Texts up to this length are remembered: most of a trace's are there many times.
_SHORT = 200


class _Pattern:
    """A regular expression that is compiled when it is needed first: most runs need few of them."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._pattern, self._flags = pattern, flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._pattern, self._flags)

    @cached_property
    def search(self) -> Any:
        return self._compiled.search

    @cached_property
    def match(self) -> Any:
        return self._compiled.match

    @cached_property
    def fullmatch(self) -> Any:
        return self._compiled.fullmatch

    @cached_property
    def sub(self) -> Any:
        return self._compiled.sub


_KEYS = (
    "api|access|session|private|secret|encryption|decryption|signing|signature|master|shared|ssh|"
    "hmac|aes|rsa|webhook|service|account|storage|license"
)
_TELLING = (
    r"passw(?:or)?d|passphrase|passcode|pwd|secret|token|jwt|csrf|xsrf|cvv|credential|authoriz|"
    r"authenticat(?:ion|e)(?![a-z])|cookie|bearer|signature|totp|hotp|connection[_ -]?string|"
    rf"(?:{_KEYS})[_ -]?key|session[_ -]?id|(?:recovery|backup|security|verification|reset|login)"
    r"[_ -]?(?:code|key|phrase)|pin[_ -]?code|card[_ -]?number|one[_ -]?time|"
    r"(?:database|db|redis|mongo(?:db)?|postgres(?:ql)?|mysql|amqp|broker)[_ -]?ur[il]|"
    r"(?<![a-z])(?:auth|otp|mfa|pass|pin|dsn|sid)(?![a-z])"
)
_NAME = _Pattern(_TELLING, re.IGNORECASE)
# Two words are one name where the second says little by itself: "api key", "session id".
_SECOND = {"is", "was", "key", "id", "code", "phrase", "string", "url", "uri", "number", "password"}

# A name and what leads to its value: `password=`, `"token": `, `'--password', `, `\"key\": `.
_LEAD = _Pattern(
    r"""(?<![\w-])(?P<name>(?:\w+[ ])?[\w-]+)"""
    r"""(?:(?P<quote>\\*["'])(?:\]\s*:?=|\s*(?::=|=>|[=:,]))|\]?\s*(?::=|=>|[=:]))\s*"""
)
# The value: quoted, in brackets, or a word. What is quoted or in brackets may not be closed, where
# the text was cut.
_VALUE = _Pattern(
    r"""[bBrRuUfF]{0,2}(?P<open>\\*["'])(?:(?!(?P=open)|\n).|(?<=\\)(?P=open))*(?P=open)?"""
    r"""|\{[^{}]*\}?|\[[^\[\]]*\]?|\([^()]*\)?"""
    r"""|(?:(?:basic|bearer|digest|token|negotiate)\s+)?[^\s,;)}\]"']+(?:["'](?=\w)[^\s,;)}\]"']+)*""",
    re.IGNORECASE | re.DOTALL,
)
# What stands in a header up to the end of its line: `Cookie: a=1; b=2`.
_HEADER = _Pattern(r"(?:proxy-)?authorization|(?:set-)?cookie", re.IGNORECASE)
# `{'name': 'password', 'value': 'x'}` and its like: the name of the value is itself a value.
_NAME_KEYS = r"name|key|field|header|variable|param(?:eter)?|option"
_VALUE_KEYS = r"value|val|data|content"
_Q = r"""\\*["']"""
_NAMED_VALUE = _Pattern(
    rf"""{_Q}(?:{_NAME_KEYS}){_Q}\s*:\s*b?{_Q}(?P<name>[^"'\\]*){_Q}\s*,\s*"""
    rf"""{_Q}(?:{_VALUE_KEYS}){_Q}\s*:\s*""",
    re.IGNORECASE,
)
_VALUE_NAMED = _Pattern(
    rf"""(?P<lead>{_Q}(?:{_VALUE_KEYS}){_Q}\s*:\s*)(?P<value>b?(?P<open>{_Q})"""
    rf"""(?:(?!(?P=open)).)*(?P=open)|[\w.+-]+)"""
    rf"""(?P<rest>\s*,\s*{_Q}(?:{_NAME_KEYS}){_Q}\s*:\s*b?{_Q}(?P<name>[^"'\\]*))""",
    re.IGNORECASE,
)
# A URL from its host on, or from who asks there. A password may have an "@" that should be escaped.
_URL = _Pattern(r"""(?P<scheme>[\w+.-]{0,40}):?//(?P<run>[^\s'"]+)""")
_PORT = _Pattern(r"\d{1,5}(?:/|$)")
# Who asks for a web page by a name alone gives a token; a database's user may need no password.
_WEB = _Pattern(r"(?:https?|wss?|ftps?|git\+https?)$", re.IGNORECASE)
_WHOLE_URL = _Pattern(r"(//[^/@:\s]*):.*@", re.DOTALL)
_COLON = _Pattern(r"\s*:")
_BEARER = _Pattern(r"\b(bearer\s+)[\w.~+/-]{6,}=*", re.IGNORECASE)
_BASIC = _Pattern(r"\b((?i:basic)\s+)(?=[\w+/-]*[\d=+/A-Z])[\w+/-]{8,}=*")
_JWT = _Pattern(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?")
_PRIVATE_KEY = _Pattern(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:(?=-----END)|\Z)", re.DOTALL)


def without_password(database: str) -> str:
    """A database as it is shown to people: a path or URL, even a wrong one, without secrets.

    Arguments:
        database: the path or URL, and nothing else: all up to its last ``@`` may be a password.
    """
    return without_secrets(_WHOLE_URL.sub(rf"\g<1>:{MASK}@", database))


def is_secret_name(name: object) -> bool:
    """Whether a name tells that the value of that name is a secret.

    Arguments:
        name: a text, or bytes as in the headers of ASGI; nothing else tells anything.
    """
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    return isinstance(name, str) and _NAME.search(name) is not None


def without_secrets(text: str) -> str:
    """A text of any kind without the secrets that can be told in it, in time linear to its length.

    Arguments:
        text: a message, a traceback, a representation, JSON, a URL.
    """
    return _of_short(text) if len(text) <= _SHORT else _of_any(text)


@lru_cache(maxsize=512)
def _of_short(text: str) -> str:
    return _of_any(text)


def _of_any(text: str) -> str:
    if "//" in text and "@" in text:
        text = _URL.sub(_masked_url, text)
    if "PRIVATE KEY-----" in text:
        text = _PRIVATE_KEY.sub(rf"\g<1>{MASK}", text)
    if "eyJ" in text:
        text = _JWT.sub(MASK, text)
    if ":" in text or "=" in text or "," in text:
        # Without one of these, no name in the text has a value.
        text = _without_named(text)
    lowered = text.lower()
    if "bearer" in lowered or "basic" in lowered:
        text = _BASIC.sub(rf"\g<1>{MASK}", _BEARER.sub(rf"\g<1>{MASK}", text))
    return text


def without_secret_values(value: Any) -> Any:
    """Plain data, as JSON has it, with its secrets masked.

    Texts stay as they are, except under a name that tells of a secret: they are the user's data.

    Arguments:
        value: dictionaries, lists and scalars.
    """
    if isinstance(value, Mapping):
        hidden = hidden_keys(value)
        return {
            key: MASK if key in hidden and _may_tell(each) else without_secret_values(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        if is_named_pair(value):
            return [value[0], MASK]
        return [without_secret_values(each) for each in value]
    return value


def _may_tell(value: object) -> bool:
    """Whether a value under a telling name is more than a flag."""
    return value is not None and not isinstance(value, bool)


def is_named_pair(value: object) -> bool:
    """Whether a value is a name that tells of a secret, and the secret: a header of ASGI, say."""
    return isinstance(value, list | tuple) and len(value) == 2 and is_secret_name(value[0])


def hidden_keys(value: Mapping[Any, Any]) -> set[Any]:
    """The keys of a mapping under which a secret stands: ``{"name": "password", "value": …}``."""
    hidden = {key for key in value if is_secret_name(key)}
    words = {key.lower(): key for key in value if isinstance(key, str)}
    if any(is_secret_name(value[words[key]]) for key in _NAME_KEYS_PLAIN if key in words):
        hidden.update(words[key] for key in _VALUE_KEYS_PLAIN if key in words)
    return hidden


_NAME_KEYS_PLAIN = (
    "name", "key", "field", "header", "variable", "param", "parameter", "option",
)  # fmt: skip
_VALUE_KEYS_PLAIN = ("value", "val", "data", "content")


def _without_named(text: str) -> str:
    """The text without the values of names that tell of secrets."""
    if "'" in text or '"' in text:
        text = _VALUE_NAMED.sub(_masked_before, _without_values(text, _NAMED_VALUE))
    return _without_values(text, _LEAD)


def _without_values(text: str, leads: _Pattern) -> str:
    """The text without the values that stand behind a lead with a telling name."""
    pieces, begun, place = [], 0, 0
    while (lead := leads.search(text, place)) is not None:
        place = lead.end()
        if _is_telling(lead["name"]):
            begin, end = _secret_behind(text, lead)
            if text[begin:end].strip("*"):
                pieces += [text[begun:begin], MASK]
                begun = end
            place = max(place, end)
    return "".join([*pieces, text[begun:]])


def _is_telling(name: str) -> bool:
    """Whether a name of one or two words in a text tells of a secret."""
    first, _, second = name.rpartition(" ")
    if first and second.lower() in _SECOND:
        return is_secret_name(name)
    return is_secret_name(second)


def _secret_behind(text: str, lead: re.Match[str]) -> tuple[int, int]:
    """Where the value behind a lead begins and ends, without its quotes; nowhere: at one place."""
    begin = lead.end()
    name = lead["name"].rpartition(" ")[2]
    is_quoted = text[begin : begin + 1] in ("'", '"')
    if lead.groupdict().get("quote") is None and not is_quoted and _HEADER.fullmatch(name):
        # In quotes, the line ends with them.
        before = text[max(lead.start() - 1, 0) : lead.start()]
        stops = "\r\n" + (before if before in ("'", '"') else "")
        if ":" not in lead[0]:
            stops = "\r\n\"',)"
        ends = [at for stop in stops if (at := text.find(stop, begin)) >= 0]
        return begin, min(ends, default=len(text))
    value = _VALUE.match(text, begin)
    # Behind a comma may also stand the next key.
    if value is None or ("," in lead[0] and _COLON.match(text, value.end())):
        return begin, begin
    if value["open"] is None:
        return begin, value.end()
    inner, end = value.end("open"), value.end()
    is_closed = text.endswith(value["open"], inner, end)
    return inner, end - len(value["open"]) if is_closed else end


def _masked_url(found: re.Match[str]) -> str:
    run = found["run"]
    before, at, host = run.rpartition("@")
    user, colon, password = before.partition(":")
    lead = found[0][: -len(run)]
    if at and colon and not set("/@") & set(user) and not _PORT.match(password):
        return f"{lead}{user}:{MASK}@{host}"
    if "@" in run.partition("/")[0] and _WEB.match(found["scheme"]):
        return f"{lead}{MASK}@{host}"
    return found[0]


def _masked_before(found: re.Match[str]) -> str:
    if not is_secret_name(found["name"]):
        return found[0]
    value = f"{found['open']}{MASK}{found['open']}" if found["open"] else MASK
    return f"{found['lead']}{value}{found['rest']}"
