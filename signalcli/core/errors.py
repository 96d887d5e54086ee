"""What can be wrong with a request to the demo app."""

from signalcli import errors


class AccountError(errors.SignalcliError):
    """A request that cannot be carried out; the message says why and what to do."""


class InvalidValue(AccountError, errors.InvalidValue):
    """A value breaks a rule."""


class UserNotFound(AccountError, errors.NotFound):
    """There is no such user."""

    def __init__(self, username: str) -> None:
        super().__init__(
            f"there is no user {abridged(username)}; `signalcli list` shows who there is"
        )


class UserExists(AccountError, errors.AlreadyExists):
    """The username is taken."""

    def __init__(self, username: str) -> None:
        super().__init__(f"the user {abridged(username)} exists already; choose another username")


def abridged(text: str) -> str:
    """A text as a message quotes it: on one line, and cut where it is long."""
    return repr(text if len(text) <= 60 else text[:57] + "…")
