"""What can be wrong with the installed apps, and with the names of their models."""

from signalcli.errors import InvalidValue, NotFound, SignalcliError


class ImproperlyConfigured(SignalcliError):
    """An installed app cannot be used: not found, broken, or listed twice."""

    exit_code = 2
    code = "app"


class ModelNotFound(NotFound, LookupError):
    """No installed app has a model of that name; a LookupError, as in Django."""


class AmbiguousModel(InvalidValue, LookupError):
    """Several models of the installed apps have that name; a LookupError, too."""
