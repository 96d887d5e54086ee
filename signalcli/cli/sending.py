"""The command that sends any signal."""

from typing import TYPE_CHECKING, Annotated

import typer

from signalcli.cli.connected import complete_signal
from signalcli.cli.objects import complete_model
from signalcli.cli.options import Robust, Settings
from signalcli.cli.problems import robust_failures
from signalcli.cli.running import Answer, carry_out

if TYPE_CHECKING:
    from signalcli.db import Session


def send(
    settings: Settings,
    signal: Annotated[
        str,
        typer.Argument(
            metavar="SIGNAL",
            help="The signal: order_paid, or shop.signals.order_paid.",
            autocompletion=complete_signal,
            show_default=False,
        ),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE",
            help="An argument that receivers get: name=text, or name:=JSON.",
            show_default=False,
        ),
    ] = None,
    sender: Annotated[
        str | None,
        typer.Option(
            "--sender",
            help="Who it is sent for: a model, or the full name of another object.",
            autocompletion=complete_model,
            show_default=False,
        ),
    ] = None,
    robust: Robust = False,
) -> None:
    """Send any signal, with arguments that it provides.

    Example: signalcli send notification --sender User username=xyz email=xyz@mail.com
    """

    def work(session: "Session") -> Answer:
        from signalcli.objects import sending
        from signalcli.objects.values import assignments_of

        said = assignments_of(arguments or (), what="argument")
        sent = sending.send(session, signal, said, sender=sender, robust=robust)
        name = sent.signal.rpartition(".")[2]
        receivers = "receiver" if sent.responses == 1 else "receivers"
        return Answer(
            {
                "signal": sent.signal,
                "sender": sent.sender,
                "robust": robust,
                "receivers": sent.responses,
                "failed": len(sent.failed),
            },
            f"Sent {name} to {sent.responses} {receivers}",
            problem=robust_failures(name, sent.failed) if sent.failed else None,
        )

    carry_out(settings, "send", work, writes=True)
