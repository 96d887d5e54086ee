"""Sending the signals of a command around its work."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from signalcli.cli.invocation import current
from signalcli.cli.problems import Problem

Watching = Callable[[], AbstractContextManager[object]]


class Announcement:
    """The signals of one command; see :mod:`signalcli.apps.signals`.

    Arguments:
        command: the command's name.
        judge: what an exception means to the user.
        watching: what each signal is sent in.
    """

    def __init__(
        self,
        command: str,
        judge: Callable[[BaseException], Problem | None],
        watching: Watching = nullcontext,
    ) -> None:
        self._command = command
        self._judge = judge
        self._watching = watching
        self._is_started = False

    def start(self) -> None:
        """The command begins; raises what a receiver does."""
        from signalcli.apps.signals import command_started

        self._is_started = True
        self._send(command_started, arguments=list(current().arguments))

    def end(self, problem: Problem | None, error: BaseException | None) -> Problem | None:
        """The command is over; sends nothing where it did not get to its start.

        Arguments:
            problem: how it failed, if it did.
            error: the exception that ended it, if one did.

        Returns:
            That problem; without one, the failure of a receiver of these very signals.
        """
        from signalcli.apps.signals import command_finished, got_command_exception

        if not self._is_started:
            return problem
        if isinstance(error, Exception):
            problem = self._tell(problem, got_command_exception, exception=error)
        exit_code = 0 if problem is None else problem.exit_code
        return self._tell(problem, command_finished, exit_code=exit_code)

    def _tell(self, problem: Problem | None, signal: Any, **named: Any) -> Problem | None:
        try:
            self._send(signal, **named)
        except BaseException as error:
            failure = self._judge(error)
            return problem or failure
        return problem

    def _send(self, signal: Any, **named: Any) -> None:
        from signalcli.apps.signals import command

        with self._watching():
            signal.send(command(self._command), command=self._command, **named)
