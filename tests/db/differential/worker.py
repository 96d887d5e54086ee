"""A process of its own for a session, in which nobody has ever connected to a signal.

In that of the plain session, signalcli is not even imported. It reads programs and writes what was
seen of them, pickled.
"""

import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests import processes

if TYPE_CHECKING:
    from tests.db.differential.lanes import Step
    from tests.db.differential.programs import Program


class Worker:
    """A process that runs programs on one kind of session.

    Arguments:
        kind: "plain", or "idle" for signalcli's session.
    """

    def __init__(self, kind: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.db.differential.worker", kind],
            cwd=processes.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def start(self, program: "Program", is_shuffled: bool = False) -> None:
        """Have it run a program."""
        assert self._process.stdin is not None
        pickle.dump((program, is_shuffled), self._process.stdin)
        self._process.stdin.flush()

    def finish(self) -> "list[Step]":
        """What was seen of the program that was started.

        Raises:
            RuntimeError: what broke in the process.
        """
        assert self._process.stdout is not None
        steps: Any = pickle.load(self._process.stdout)
        if isinstance(steps, str):
            raise RuntimeError(steps)
        return steps  # type: ignore[no-any-return]

    def run(self, program: "Program", is_shuffled: bool = False) -> "list[Step]":
        """Both at once."""
        self.start(program, is_shuffled)
        return self.finish()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def serve(kind: str) -> None:
    """Run what comes in, until nothing comes any more."""
    import traceback

    from tests.db.differential.lanes import Lane

    answers = sys.stdout.buffer
    # What anybody prints goes elsewhere.
    sys.stdout = sys.stderr
    if kind == "plain":
        import sqlmodel

        lane = Lane(kind, sqlmodel.Session)
        assert not any(name.split(".")[0] == "signalcli" for name in sys.modules)
    else:
        from signalcli.db import Session

        lane = Lane(kind, Session)
    try:
        while True:
            try:
                program, is_shuffled = pickle.load(sys.stdin.buffer)
            except EOFError:
                break
            try:
                answer: Any = lane.run(program, is_shuffled=is_shuffled)
            except Exception:
                answer = traceback.format_exc()
            pickle.dump(answer, answers)
            answers.flush()
    finally:
        lane.database.dispose()


if __name__ == "__main__":
    serve(sys.argv[1])
