"""What can be wrong with a request to the demo app."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signalcli.dispatch import Receiver


class AccountError(Exception):
    """A request that cannot be carried out; the message says why and what to do."""


class InvalidValue(AccountError):
    """A value breaks a rule."""


class UserNotFound(AccountError):
    """There is no such user."""

    def __init__(self, username: str) -> None:
        super().__init__(
            f"there is no user {abridged(username)}; `signalcli list` shows who there is"
        )


class UserExists(AccountError):
    """The username is taken."""

    def __init__(self, username: str) -> None:
        super().__init__(f"the user {abridged(username)} exists already; choose another username")


class ReceiversFailed(Exception):
    """Receivers failed in a dispatch that let the others run.

    Arguments:
        signal: the signal's short name.
        failed: who failed, and how.
    """

    def __init__(self, signal: str, failed: "list[tuple[Receiver, Exception]]") -> None:
        super().__init__(f"{len(failed)} receivers of {signal} failed")
        self.signal = signal
        self.failed = failed


def abridged(text: str) -> str:
    """A text as a message quotes it: on one line, and cut where it is long."""
    return repr(text if len(text) <= 60 else text[:57] + "…")
