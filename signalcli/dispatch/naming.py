"""The names that objects get where they are defined: a signal knows its own."""

import sys
from types import FrameType
from typing import Any


class Definition:
    """The place where an object was made, and its name there."""

    __slots__ = ("_name", "_owner", "filename", "line", "module")

    def __init__(self, owner: Any) -> None:
        """Note the place of the call that makes ``owner``.

        Arguments:
            owner: the new object; its ``__init__`` calls this.
        """
        frame = sys._getframe(1)
        while _is_constructor_of(owner, frame) and frame.f_back is not None:
            frame = frame.f_back
        self.module: str = frame.f_globals.get("__name__", "")
        self.filename: str = frame.f_code.co_filename
        self.line: int = frame.f_lineno
        self._name: str | None = None
        self._owner = type(owner).__name__.lower()

    def set_name(self, owner: Any, name: str) -> None:
        """Fix the name, as a class body does for its attributes, unless there is one already."""
        if self._found_name(owner) is None:
            self._name = name

    def name_of(self, owner: Any) -> str:
        """The global name under which the defining module holds ``owner``.

        The name is looked up later, since the object gets it only after it is made. An object
        without a global name is named by its type and line: ``signal@12``.
        """
        return self._found_name(owner) or f"{self._owner}@{self.line}"

    def _found_name(self, owner: Any) -> str | None:
        if self._name is None and self.module in sys.modules:
            for name, value in list(vars(sys.modules[self.module]).items()):
                if value is owner:
                    self._name = name
                    break
        return self._name


def _is_constructor_of(owner: Any, frame: FrameType) -> bool:
    code = frame.f_code
    return (
        code.co_name == "__init__"
        and code.co_argcount > 0
        and frame.f_locals.get(code.co_varnames[0]) is owner
    )
