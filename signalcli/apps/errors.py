"""What can be wrong with the installed apps, and with the names of their models."""


class ImproperlyConfigured(Exception):
    """An installed app cannot be used: not found, broken, or listed twice."""


class ModelNotFound(LookupError):
    """No installed app has a model of that name."""


class AmbiguousModel(LookupError):
    """Several models of the installed apps have that name."""
