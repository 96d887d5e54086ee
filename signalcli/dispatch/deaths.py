"""The deaths of weakly held receivers: remembered, and warned of where they are a mistake."""

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from opcode import opname
from types import CodeType, FrameType
from typing import Any, NamedTuple

from signalcli.dispatch.signatures import describe

MOST_REMEMBERED = 20

# Python's own record of the warnings that were given, so that each place gets one.
_registry: dict[Any, Any] = {}
_make = tuple.__new__


class DeadReceiverWarning(RuntimeWarning):
    """A receiver died right after it was connected, so that no signal ever reaches it.

    A connection does not keep its receiver alive. A local function dies when the function around
    it ends, a lambda at once, and a bound method together with its object. Such a receiver has to
    be kept somewhere, or to be connected with ``weak=False``.
    """


class Origin(NamedTuple):
    """The place where a receiver was connected, and the call that led there.

    Attributes:
        code: the code that connected.
        at: how far it had come.
        caller: the code that had called it; None for none.
        caller_at: how far that had come.
        module: the receiver's module; None where its name says all.
        name: the receiver's name there.
    """

    code: CodeType
    at: int
    caller: CodeType | None
    caller_at: int
    module: str | None
    name: str

    @property
    def file(self) -> str:
        """The file that connected."""
        return self.code.co_filename

    @property
    def line(self) -> int:
        """The line there."""
        return _line(self.code, self.at)

    @property
    def receiver(self) -> str:
        """The receiver's full name."""
        return f"{self.module}.{self.name}" if self.module else self.name


@dataclass(frozen=True, slots=True)
class Death:
    """A receiver that died while it was connected.

    Attributes:
        receiver: its full name.
        file: the file that connected it.
        line: the line there.
        at: when it died, in seconds since 1970.
        sender_reference: returns the only sender that it listened to, or None when that is dead;
            the attribute is None where it listened to any sender.
    """

    receiver: str
    file: str
    line: int
    at: float
    sender_reference: Callable[[], Any] | None = None

    @property
    def sender(self) -> Any:
        """The only sender that it listened to; None for any, or where that is dead, too."""
        return self.sender_reference() if self.sender_reference else None

    @property
    def is_local(self) -> bool:
        """Whether it was a function within a function, or a lambda there."""
        _, within, name = self.receiver.rpartition("<locals>.")
        return (bool(within) and "." not in name) or name.endswith("<lambda>")


def origin_of(receiver: Any, frame: FrameType) -> Origin:
    """The origin of a connection.

    Arguments:
        receiver: the receiver.
        frame: the frame that connects it.
    """
    around = frame.f_back
    try:
        module, name = receiver.__module__, receiver.__qualname__
    except AttributeError:  # a partial, or an object that is called
        module, name = None, describe(receiver)
    if around is None:
        return Origin(frame.f_code, frame.f_lasti, None, 0, module, name)
    # A named tuple's own `__new__` takes twice as long, and every connection pays for it.
    return _make(Origin, (frame.f_code, frame.f_lasti, around.f_code, around.f_lasti, module, name))


def entering() -> FrameType:
    """The frame that enters the block of ``connected_to``, whose generator calls this."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (
        frame.f_code.co_name == "connected_to" or frame.f_globals.get("__name__") == "contextlib"
    ):
        frame = frame.f_back
    return frame


def warn_if_at_once(origin: Origin, frame: FrameType) -> None:
    """Warn of a receiver that dies, if the connection was the last thing that its place did.

    Nothing can have been sent to the receiver, then. It is so in two cases: the statement that
    connected it is not over yet, or the function that connected it did nothing else afterwards but
    connect, and whoever called that function is not a statement further.

    Arguments:
        origin: where it was connected.
        frame: the innermost frame at its death.
    """
    here = _outside(frame)
    if here is None:
        return
    code, at = here.f_code, here.f_lasti
    if code is origin.code:
        is_at_once = _is_same_statement(code, origin.at, at)
    else:
        is_at_once = (
            code is origin.caller
            and _is_same_statement(code, origin.caller_at, at)
            and _only_connects(origin.code, origin.at)
        )
    if is_at_once:
        warnings.warn_explicit(
            f"the receiver {origin.receiver} died right after it was connected, so no signal "
            "reaches it: a connection does not keep its receiver alive. Define it at the top of a "
            "module, keep the object that it belongs to, or connect it with weak=False.",
            DeadReceiverWarning,
            origin.file,
            origin.line,
            registry=_registry,
        )


def _outside(frame: FrameType) -> FrameType | None:
    """The innermost frame that neither this package nor a weak reference of Python's runs in."""
    outer: FrameType | None = frame
    while outer is not None:
        names = outer.f_globals
        if names.get("__package__") != __package__ and names.get("__name__") != "weakref":
            return outer
        outer = outer.f_back
    return None


def _line(code: CodeType, at: int) -> int:
    for begin, end, line in code.co_lines():
        if begin <= at < end and line is not None:
            return line
    return code.co_firstlineno


def _is_same_statement(code: CodeType, before: int, at: int) -> bool:
    """Whether code has done nothing since a call but drop what the call returned."""
    instructions = code.co_code
    return before <= at and all(
        opname[instructions[place]] in _DROPS for place in range(before + 2, at + 1, 2)
    )


def _only_connects(code: CodeType, at: int) -> bool:
    """Whether code, from a call on, connects receivers and does nothing else until its end.

    What is not understood counts as something else: then there is no warning.
    """
    instructions = code.co_code
    extension = 0
    for place in range(at + 2, len(instructions), 2):
        name, argument = opname[instructions[place]], instructions[place + 1] | extension
        extension = argument << 8 if name == "EXTENDED_ARG" else 0
        called = _called(code, name, argument)
        if called not in _CONNECTING or name not in _HARMLESS:
            return False
    return True


def _called(code: CodeType, name: str, argument: int) -> str:
    """The name of what an instruction takes to call it; an empty text for any other instruction."""
    if name == "LOAD_METHOD":
        return code.co_names[argument]
    if name == "LOAD_GLOBAL" or (name == "LOAD_ATTR" and sys.version_info >= (3, 12)):
        # The lowest bit says that it is going to be called.
        return code.co_names[argument >> 1] if argument & 1 else ""
    return ""


_CONNECTING = {"", "connect", "receiver"}
_DROPS = {"CACHE", "POP_TOP", "PRECALL", "NOP"}
_HARMLESS = _DROPS | {
    "BUILD_LIST",
    "BUILD_TUPLE",
    "CALL",
    "CALL_KW",
    "COPY_FREE_VARS",
    "END_FOR",
    "EXTENDED_ARG",
    "JUMP_BACKWARD",
    "KW_NAMES",
    "LOAD_ATTR",
    "LOAD_CLOSURE",
    "LOAD_CONST",
    "LOAD_CONST_IMMORTAL",
    "LOAD_DEREF",
    "LOAD_FAST",
    "LOAD_FAST_BORROW",
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW",
    "LOAD_FAST_LOAD_FAST",
    "LOAD_GLOBAL",
    "LOAD_METHOD",
    "LOAD_SMALL_INT",
    "MAKE_FUNCTION",
    "POP_ITER",
    "RESUME",
    "RETURN_CONST",
    "RETURN_VALUE",
    "SET_FUNCTION_ATTRIBUTE",
    "STORE_DEREF",
    "STORE_FAST",
    "STORE_FAST_LOAD_FAST",
}
