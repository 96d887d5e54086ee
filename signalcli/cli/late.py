"""Late imports: named at the top of a file, carried out when something of the module is used.

The help and the completion of a command need its options alone. Its work needs SQLAlchemy, the
apps and perhaps Rich, which take several times as long to import. So a module of the command line
imports what its work needs late, and still says at its top all that it depends on::

    with late():
        from signalcli.core import users

``users`` is a stand-in, which imports ``signalcli.core.users`` when it is first asked for
something, and makes way for it. Until then nothing is loaded: ``sys.modules`` does not have it.
Editors and mypy see an ordinary import.

Only whole modules can be imported like this. A stand-in for a function or a class would be neither:
no ``except`` and no ``isinstance`` could use it. Write ``finding.Filter`` instead.

From Python 3.15 on the language has this itself, as ``lazy from signalcli.core import users``
(PEP 810). ``--version`` loads this module: it imports little.
"""

import builtins
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any


@contextmanager
def late() -> Iterator[None]:
    """Have the imports within the block carried out when their modules are used.

    Raises:
        ImportError: an import is written in a form that names no whole module. A name that is no
            module is found when it is used: the tests try all of them.
    """
    # The caller, beyond this generator and contextlib.
    namespace = sys._getframe(2).f_globals
    before = builtins.__import__

    def import_later(name: str, *place: Any, **named: Any) -> Any:
        # Other threads go on importing what they need.
        if not place or place[0] is not namespace:
            return before(name, *place, **named)
        _, _, names, level = place
        if level or names == ("*",) or ("." in name and not names):
            raise ImportError(f"write the late import of {name!r} as `from package import module`")
        if not names:
            return _StandIn(name, namespace)
        # What Python takes the names from, one after the other.
        return SimpleNamespace(**{each: _StandIn(f"{name}.{each}", namespace) for each in names})

    builtins.__import__ = import_later
    try:
        yield
    finally:
        builtins.__import__ = before


class _StandIn(ModuleType):
    """Stands in a module's globals for another module, until something of that is used."""

    def __init__(self, name: str, namespace: dict[str, Any]) -> None:
        super().__init__(name)
        object.__getattribute__(self, "__dict__")["namespace"] = namespace

    def __getattribute__(self, attribute: str) -> Any:
        return getattr(_imported(self), attribute)

    def __setattr__(self, attribute: str, value: object) -> None:
        setattr(_imported(self), attribute, value)

    def __delattr__(self, attribute: str) -> None:
        delattr(_imported(self), attribute)


def _imported(stand_in: _StandIn) -> ModuleType:
    """The module that a stand-in stands for, imported and put in its place.

    Raises:
        ImportError: there is no module of that name.
    """
    own = object.__getattribute__(stand_in, "__dict__")
    name, namespace = own["__name__"], own["namespace"]
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        message = f"there is no module {name}, and only whole modules are imported late"
        raise ImportError(message, name=name) from error
    module = sys.modules[name]
    for bound, value in tuple(namespace.items()):
        if value is stand_in:
            namespace[bound] = module
    return module
