"""The model signals, with the names and arguments of ``django.db.models.signals``."""

from collections.abc import Callable

from signalcli.db.model_signal import ModelSignal as ModelSignal
from signalcli.dispatch import Signal


class InitSignal(ModelSignal):
    """A signal of making instances, for which models are prepared only while it is wanted."""

    on_change: Callable[[], None] | None = None

    def _connections_changed(self) -> None:
        if InitSignal.on_change is not None:
            InitSignal.on_change()


pre_init = InitSignal(providing_args=["args", "kwargs"])
post_init = InitSignal(providing_args=["instance"])
pre_save = ModelSignal(providing_args=["instance", "raw", "using", "update_fields", "session"])
post_save = ModelSignal(
    providing_args=["instance", "created", "raw", "using", "update_fields", "session"]
)
pre_delete = ModelSignal(providing_args=["instance", "using", "origin", "session"])
post_delete = ModelSignal(providing_args=["instance", "using", "origin", "session"])
class_prepared = Signal(providing_args=[])

connection_created = Signal(providing_args=["connection", "using"])
pre_migrate = Signal(
    providing_args=["app_config", "verbosity", "interactive", "using", "plan", "apps", "connection"]
)
post_migrate = Signal(
    providing_args=["app_config", "verbosity", "interactive", "using", "plan", "apps", "connection"]
)
