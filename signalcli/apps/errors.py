"""What can be wrong with the list of installed apps."""


class ImproperlyConfigured(Exception):
    """An installed app cannot be used: not found, broken, or listed twice."""
