"""The model signals, with the names and arguments of ``django.db.models.signals``."""

from collections.abc import Callable, Iterable

from signalcli.db.model_signal import ModelSignal as ModelSignal
from signalcli.dispatch import Signal


class PreparedSignal(ModelSignal):
    """A signal for which models are prepared only while it is wanted.

    Attributes:
        on_change: called whenever a connection came or went.
    """

    def __init__(self, providing_args: Iterable[str]) -> None:
        self.on_change: Callable[[], object] | None = None
        super().__init__(providing_args)

    def _connections_changed(self) -> None:
        if self.on_change is not None:
            self.on_change()


pre_init = PreparedSignal(providing_args=["args", "kwargs"])
post_init = PreparedSignal(providing_args=["instance"])
pre_save = ModelSignal(providing_args=["instance", "raw", "using", "update_fields", "session"])
post_save = ModelSignal(
    providing_args=["instance", "created", "raw", "using", "update_fields", "session"]
)
pre_delete = ModelSignal(providing_args=["instance", "using", "origin", "session"])
post_delete = ModelSignal(providing_args=["instance", "using", "origin", "session"])
m2m_changed = PreparedSignal(
    providing_args=["action", "instance", "reverse", "model", "pk_set", "using", "session"]
)
class_prepared = Signal(providing_args=[])

connection_created = Signal(providing_args=["connection", "using"])
pre_migrate = Signal(
    providing_args=["app_config", "verbosity", "interactive", "using", "plan", "apps", "connection"]
)
post_migrate = Signal(
    providing_args=["app_config", "verbosity", "interactive", "using", "plan", "apps", "connection"]
)
