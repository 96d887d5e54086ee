"""What the demo app says of itself."""

from importlib import import_module

from signalcli.apps import AppConfig


class CoreConfig(AppConfig):
    """The demo app, whose receivers are connected when it is made ready."""

    name = "signalcli.core"

    def ready(self) -> None:
        """Connect the receivers, by importing them."""
        signals = import_module("signalcli.core.signals")
        signals.user_logged_in.connect(signals.update_last_login, dispatch_uid="update_last_login")
