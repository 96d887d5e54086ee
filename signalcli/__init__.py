"""Django's signals for everyone: a dispatcher, model signals for SQLModel, and a view of both."""

__version__ = "0.1.0"
