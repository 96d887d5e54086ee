"""What can be wrong with a request to the demo app."""


class AccountError(Exception):
    """A request that cannot be carried out; the message says why and what to do."""


class InvalidValue(AccountError):
    """A value breaks a rule."""


class UserNotFound(AccountError):
    """There is no such user."""

    def __init__(self, username: str) -> None:
        super().__init__(f"there is no user {username!r}; `signalcli list` shows who there is")


class UserExists(AccountError):
    """The username is taken."""

    def __init__(self, username: str) -> None:
        super().__init__(f"the user {username!r} exists already; choose another username")
