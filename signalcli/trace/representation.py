"""Values as short safe representations: bounded, on one line, without secrets."""

import dataclasses
import math
import os
import re
import reprlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import object_session
from sqlmodel import SQLModel

from signalcli.secrets import (
    MASK,
    hidden_keys,
    is_secret_name,
    without_password,
    without_secrets,
)
from signalcli.trace.records import Failure, InjectedFault, Representation, Scalar, encodable

LONGEST = 200
MOST_ITEMS = 20
MOST_ARGUMENTS = 100
# What a description may raise. Others ask the process to end.
BROKEN = (Exception, SystemExit, GeneratorExit)

_PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"
_DEMO = f"{_PACKAGE}core{os.sep}"
_PYTHON = f"{Path(os.__file__).parent}{os.sep}"

_SCALARS = (str, int, float, bool)

# SQLAlchemy adds these to a database's own words.
_STATEMENT = re.compile(r"\s*\[(?:SQL|parameters): .*", re.DOTALL)
_ADDRESS = re.compile(r" (?:object )?at 0x[0-9a-fA-F]+")

_URL = re.compile(r"(?:--?[\w-]+=)?[\w+.-]+://")

describing_here: ContextVar[bool] = ContextVar("signalcli_describing", default=False)

# Whether this code runs only to describe a value. Each response asks, so it is the bare method.
is_describing = describing_here.get


@contextmanager
def describing() -> Iterator[None]:
    """Mark the block as one that describes a value: signals that it sends are not recorded."""
    token = describing_here.set(True)
    try:
        yield
    finally:
        describing_here.reset(token)


def represent(value: Any, name: str = "") -> Representation:
    """The representation of a value, as a trace keeps it.

    Arguments:
        value: anything; it is not kept.
        name: the name of the argument, as some names tell that the value is a secret.

    Returns:
        None, a boolean, a number or a short string as it is; a short list, tuple or set of these
        as a list; anything else as a description of at most 200 characters.
    """
    if value is None or value is True or value is False:
        return value
    if name and _is_telling_argument(name):
        return MASK
    if type(value) in _SCALARS:
        return _plain(value)
    if _is_short_collection(value):
        items = [
            MASK if _follows_secret_name(value, place) else _plain(item)
            for place, item in enumerate(value)
        ]
        if isinstance(value, set | frozenset):
            items.sort(key=repr)
        if len(repr(items)) <= LONGEST:
            return items
    return describe(value)


def describe(value: Any) -> str:
    """A description of a value in at most 200 characters.

    Signals that the description sends, as where a ``__str__`` loads a row, are not recorded.
    """
    with describing():
        description = _describer.repr(value)
    return shorten(_without_secrets(_ADDRESS.sub("", description)))


def describe_failure(error: BaseException) -> Failure:
    """The record of an exception, with the place where it came up.

    That is the last line before the exception left the program's own code: a library that raises
    it says less of the cause. Where there is no such line, it is the place where it was raised.
    """
    try:
        with describing():
            message = str(error)
    except BROKEN as broken:
        message = f"(its message cannot be had: {type(broken).__name__})"
    # A fault that was injected has no place in the code that is traced.
    file, line = ("", 0) if isinstance(error, InjectedFault) else _place_of(error.__traceback__)
    message = _STATEMENT.sub("", message)
    message = shorten(_without_secrets(" ".join(message.split())))
    return Failure(encodable(type(error).__qualname__), message, encodable(file), line)


def _place_of(traceback: TracebackType | None) -> tuple[str, int]:
    """The last place in a traceback that is no library's, or else the last one."""
    last = own = ("", 0)
    while traceback is not None:
        last = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        if not is_library(last[0]):
            own = last
        traceback = traceback.tb_next
    return own if own[0] else last


@lru_cache(maxsize=256)
def is_library(file: str) -> bool:
    """Whether a source file is installed, Python's, or ours; the demo app is like a user's own."""
    if "site-packages" in file or "dist-packages" in file:
        return True
    is_ours = file.startswith(_PACKAGE) and not file.startswith(_DEMO)
    return is_ours or file.startswith((_PYTHON, "<"))


def describe_command_line(arguments: Sequence[str]) -> str:
    """A command line as typed, without secrets; each argument has at most 200 characters."""
    words = [
        MASK
        if _announces_secret(before)
        else shorten(_without_secrets(_without_secret_value(argument)))
        for before, argument in pairwise(("", *arguments[:MOST_ARGUMENTS]))
    ]
    return shlex.join(words) + (" …" if len(arguments) > MOST_ARGUMENTS else "")


def shorten(text: str) -> str:
    """Cut a text to at most 200 characters."""
    text = encodable(text[: LONGEST + 1])
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


class _Describer(reprlib.Repr):
    """Bounded representations, with secrets masked where a mapping names them."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = LONGEST
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = MOST_ITEMS
        self.maxdict = MOST_ITEMS
        self.maxlevel = 4

    def repr_dict(self, value: Mapping[Any, Any], level: int) -> str:
        if not value:
            return "{}"
        if level <= 0:
            return "{...}"
        first = dict(islice(value.items(), self.maxdict))
        hidden = hidden_keys(first)
        pairs = [
            f"{self.repr1(key, level - 1)}: "
            f"{self.repr1(MASK if key in hidden else item, level - 1)}"
            for key, item in first.items()
        ]
        return "{" + ", ".join(pairs) + (", ..." if len(value) > self.maxdict else "") + "}"

    def repr_str(self, value: str, level: int) -> str:
        # Masked before it is cut: what is left of a secret would not be known for one.
        return repr(shorten(_without_secrets(value)))

    def repr_int(self, value: int, level: int) -> str:
        # Python refuses to spell out numbers of thousands of digits.
        return repr(value) if abs(value) < 10**LONGEST else f"<int of {value.bit_length()} bits>"

    def repr_instance(self, value: Any, level: int) -> str:
        fields = _fields_of(value)
        if fields is not None and level > 0:
            pairs = (
                f"{name}={MASK if is_secret_name(name) else self.repr1(item, level - 1)}"
                for name, item in fields.items()
            )
            return f"{type(value).__qualname__}({', '.join(pairs)})"
        try:
            text = describe_model(value) if isinstance(value, SQLModel) else repr(value)
        except BROKEN as error:
            return f"<{type(value).__name__}, whose description fails: {type(error).__name__}>"
        return " ".join(text[: 4 * LONGEST].split())


def _fields_of(value: Any) -> dict[str, Any] | None:
    """The fields of an instance of a dataclass or named tuple; None of anything else."""
    if dataclasses.is_dataclass(value) and type(value).__repr__ is not object.__repr__:
        names = [field.name for field in dataclasses.fields(value) if field.repr]
        return {name: getattr(value, name, None) for name in names}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return dict(value._asdict())
    return None


_describer = _Describer()


@lru_cache(maxsize=256)
def _is_telling_argument(name: str) -> bool:
    """Whether the name of an argument tells of a secret; there are few such names."""
    return is_secret_name(name)


def _without_secret_value(argument: str) -> str:
    """An argument such as ``password=two words``, or a whole URL, its secret masked."""
    name, sign, value = argument.partition("=")
    if sign and value and is_secret_name(name.strip(":-")):
        return f"{name}={MASK}"
    return without_password(argument) if _URL.match(argument) else argument


def _is_short_collection(value: Any) -> bool:
    return (
        type(value) in (list, tuple, set, frozenset)
        and len(value) <= MOST_ITEMS
        and all(item is None or type(item) in _SCALARS for item in value)
    )


def _follows_secret_name(value: Any, place: int) -> bool:
    """Whether an item stands behind a telling name, as in ``["--password", "x"]``."""
    return isinstance(value, list | tuple) and place > 0 and is_secret_name(value[place - 1])


def _announces_secret(word: str) -> bool:
    """Whether a word of a command line is an option whose value is a secret.

    One that ends in ``-stdin`` has none: the secret stands elsewhere.
    """
    is_option = word.startswith("-") and "=" not in word and not word.endswith("-stdin")
    return is_option and is_secret_name(word)


def _plain(value: Any) -> Scalar:
    """A scalar as it is, unless JSON could not carry it, or it is long or secret."""
    kind = type(value)
    if kind is str:
        return shorten(_without_secrets(value))
    if kind is int and not -(2**63) < value < 2**63:
        return describe(value)
    if kind is float and not math.isfinite(value):
        return str(value)
    scalar: Scalar = value
    return scalar


def _without_secrets(text: str) -> str:
    """The beginning of a text without secrets. It will be cut to less than this."""
    return without_secrets(text[: 2 * LONGEST])


def describe_model(instance: SQLModel) -> str:
    """``<User xyz>`` by the model's own ``__str__``, otherwise ``<User id=1, name='x'>``.

    Where columns are not loaded, ``__str__`` is not called, since it might load them.
    """
    model = type(instance)
    state: Any = inspect(instance, raiseerr=False)
    if state is None:
        return f"<{model.__name__} {_pairs(instance.model_dump())}>"
    columns = [attribute.key for attribute in state.mapper.column_attrs]
    is_complete = not state.persistent or not state.unloaded.intersection(columns)
    if is_complete and model.__str__ is not SQLModel.__str__:
        session = object_session(instance)
        with session.no_autoflush if session is not None else nullcontext():
            try:
                name = str(instance)
            except BROKEN:
                # An instance in the making may lack fields that its __str__ reads.
                return f"<{model.__name__}>"
        if name:
            return f"<{model.__name__} {name}>"
    loaded = {key: state.dict[key] for key in columns if key in state.dict}
    if not loaded and state.identity:
        return f"<{model.__name__} {', '.join(map(describe, state.identity))}>"
    return f"<{model.__name__} {_pairs(loaded)}>".replace(" >", ">")


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={represent(value, name)!r}" for name, value in values.items())
