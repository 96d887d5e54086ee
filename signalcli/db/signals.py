"""The signals that models and databases send, as in ``django.db.models.signals``.

The sender of a model's signal can be named before the model exists.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from signalcli.db.models import find_model, models_lock, on_names_change, parse_name
from signalcli.dispatch import Connection, Signal, all_signals
from signalcli.dispatch.connections import ConnectionTable
from signalcli.dispatch.deaths import Death, Origin

R = TypeVar("R", bound=Callable[..., Any])


class ModelSignal(Signal):
    """A signal whose sender is a model. Mirrors ``django.db.models.signals.ModelSignal``.

    ``connect``, ``disconnect``, ``connected_to`` and ``receiver`` take a model's name for it::

        @receiver(post_save, sender="shop.Order")
        def send_invoice(instance, created, **kwargs): ...

    The name is the label of the model's app and the model's own name, in upper or lower case. If
    several models have the name, the newest that is alive is meant. If there is none, the
    connection waits until a model of that name is defined and ``class_prepared`` was sent for it.
    Connections that wait for a model are made in the order in which they were asked for. The
    receiver is checked at once; if the connection is to be weak, it is held weakly from the
    beginning.

    ``disconnect`` also returns for a name whether there was such a connection, made or waiting;
    Django's returns None. For ``has_listeners`` and ``send``, as in Django, a text is a sender of
    its own.

    Arguments:
        providing_args: the names of the arguments that receivers can rely on.
        use_caching: as for :class:`signalcli.dispatch.Signal`.

    Raises:
        ValueError: the sender is a text that is not of the form ``label.Model``.
    """

    def __init__(
        self, providing_args: Iterable[str] | None = None, *, use_caching: bool = False
    ) -> None:
        # Set before the base class makes the signal known to others: a process that is forked at
        # that moment renews these in the child.
        self._pending = ConnectionTable()
        # Senders are compared by identity, and a model may be named by several texts. The first
        # text for a name stands for all.
        self._names: dict[tuple[str, str], str] = {}
        super().__init__(providing_args, use_caching=use_caching)

    @property
    def pending(self) -> list[Connection]:
        """The live connections that wait for their sender; ``sender`` is its name."""
        return self._pending.connections()

    @contextmanager
    def connected_to(self, receiver: R, sender: Any = None) -> Iterator[R]:
        """As :meth:`Signal.connected_to`; a name stands for the model that has it on entering."""
        model = find_model(parse_name(sender)) if isinstance(sender, str) else None
        with super().connected_to(receiver, sender if model is None else model):
            yield receiver

    def connect_pending(self) -> None:
        """Make the waiting connections whose model is defined now."""
        if self._pending.is_empty:
            return
        with models_lock:
            for connection in self.pending:
                name, uid = connection.sender, connection.dispatch_uid
                model = find_model(parse_name(name))
                if model is None:
                    continue
                # `take` gives the connection and, if there is one, the newer one that waits behind
                # it for its receiver to die. That one goes on waiting, for the model's signals.
                for each in self._pending.take(connection.receiver, name, uid):
                    receiver = each.receiver
                    if receiver is not None:
                        super()._add(receiver, model, each.weak, uid, each.origin)

    @property
    def deaths(self) -> list[Death]:
        """As :attr:`Signal.deaths`, with those that waited for their sender."""
        return sorted([*super().deaths, *self._pending.dead()], key=lambda death: death.at)

    def _add(
        self, receiver: Any, sender: Any, weak: bool, dispatch_uid: Hashable, origin: Origin
    ) -> bool:
        if not isinstance(sender, str):
            return super()._add(receiver, sender, weak, dispatch_uid, origin)
        name = parse_name(sender)
        with models_lock:
            model = find_model(name)
            if model is not None:
                return super()._add(receiver, model, weak, dispatch_uid, origin)
            text = self._names.setdefault(name, str(sender))
            return self._pending.add(receiver, text, weak, dispatch_uid, origin)

    def _renew(self) -> None:
        super()._renew()
        self._pending.renew()

    def _remove(self, receiver: Any, sender: Any, dispatch_uid: Hashable) -> bool:
        if not isinstance(sender, str):
            return super()._remove(receiver, sender, dispatch_uid)
        name = parse_name(sender)
        with models_lock:
            model = find_model(name)
            if model is not None:
                return super()._remove(receiver, model, dispatch_uid)
            text = self._names.get(name)
            return text is not None and bool(self._pending.take(receiver, text, dispatch_uid))


def connect_pending() -> None:
    """Make the waiting connections of all signals whose model is defined now."""
    for signal in all_signals():
        if isinstance(signal, ModelSignal):
            signal.connect_pending()


on_names_change(connect_pending)


class PreparedSignal(ModelSignal):
    """A signal for which models are prepared only while somebody listens.

    Attributes:
        on_change: called whenever a receiver is connected or disconnected.
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
