"""The signals of commands, as Django has them for requests.

Every command sends ``command_started`` and ``command_finished``, also when it fails. In between,
``got_command_exception`` announces an exception that ends the command. The three mirror
``request_started``, ``request_finished`` and ``got_request_exception``.
"""

from dataclasses import dataclass
from functools import cache

from signalcli.dispatch import Signal

command_started = Signal(providing_args=["command", "arguments"])
command_finished = Signal(providing_args=["command", "exit_code"])
got_command_exception = Signal(providing_args=["command", "exception"])


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Command:
    """A command, as the sender of its signals.

    Attributes:
        name: its name on the command line: ``register``, ``log show``.
    """

    name: str

    @property
    def __name__(self) -> str:
        return self.name


@cache
def command(name: str) -> Command:
    """The command with a name, always the same object, for receivers that listen to it alone."""
    return Command(name)


__all__ = [
    "Command",
    "command",
    "command_finished",
    "command_started",
    "got_command_exception",
]
