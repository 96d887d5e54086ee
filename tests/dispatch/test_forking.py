"""A fork while other threads connect, disconnect and define models leaves a child that works."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")

# What a program of these tests begins with. A child that hangs is ended by its alarm, long after
# the slowest machine would have been through, and so fails.
PRELUDE = """
    import os, signal as signals, sys, threading, warnings
    from signalcli.dispatch import Signal, metered, watch
    from signalcli.dispatch.watching import Interceptor

    warnings.simplefilter("ignore", DeprecationWarning)  # that threads and forks do not go together
    sys.setswitchinterval(1e-5)
    main = threading.main_thread()

    def forked(work):
        child = os.fork()
        if child == 0:
            signals.alarm(300)
            status = 1
            try:
                work()
                status = 0
            except BaseException:
                import traceback
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, status = os.waitpid(child, 0)
        if status:
            print("a child ended with", status, file=sys.stderr)
            os._exit(1)

    def receiver(**named):
        return "received"

    def use(signal):
        def another(**named):
            return "another"
        before = signal.send(None)
        assert signal.connect(another) is another
        assert signal.send(None) == [*before, (another, "another")]
        with signal.muted(), watch(Interceptor()), metered(None):
            assert signal.send(None) == []
        assert signal.disconnect(another)
        assert signal.send(None) == before

    class Blocking:
        \"\"\"An identifier that stops whoever looks for it in another thread.\"\"\"

        def __init__(self):
            self.reached, self.go_on = threading.Event(), threading.Event()

        def __hash__(self):
            if threading.current_thread() is not main:
                self.reached.set()
                self.go_on.wait()
            return 1
"""


def run(program: str, folder: Path) -> None:
    path = folder / "forking_program.py"
    path.write_text(textwrap.dedent(PRELUDE) + textwrap.dedent(program), encoding="utf-8")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"


def test_a_fork_in_the_middle_of_another_threads_connecting(tmp_path: Path) -> None:
    run(
        """
        signal, uid = Signal(), Blocking()
        signal.connect(receiver)

        def late(**named): ...

        thread = threading.Thread(target=signal.connect, args=(late, None, True, uid))
        thread.start()
        uid.reached.wait()  # with the lock held
        forked(lambda: use(signal))
        uid.go_on.set()
        thread.join()
        assert [who for who, _ in signal.send(None)] == [receiver, late]
        use(signal)
        print("done")
        """,
        tmp_path,
    )


def test_a_fork_between_a_change_and_what_follows_from_it(tmp_path: Path) -> None:
    run(
        """
        class Slow(Signal):
            reached, go_on = threading.Event(), threading.Event()

            def _connections_changed(self):
                if threading.current_thread() is not main:
                    self.reached.set()
                    self.go_on.wait()
                super()._connections_changed()

        signal = Slow()
        thread = threading.Thread(target=signal.connect, args=(receiver,))
        thread.start()
        signal.reached.wait()  # connected, but the signal was not told yet

        def work():
            assert signal.send(None) == [(receiver, "received")]
            use(signal)

        forked(work)
        signal.go_on.set()
        thread.join()
        print("done")
        """,
        tmp_path,
    )


def test_a_receiver_that_died_just_before_a_fork_is_gone_and_its_place_taken(
    tmp_path: Path,
) -> None:
    run(
        """
        signal = Signal()

        def one(**named): ...
        def two(**named): ...
        def three(**named): ...

        signal.connect(one)
        signal.connect(two, dispatch_uid="once")
        signal.connect(three, dispatch_uid="once")
        del one, two

        def work():
            assert [connection.receiver for connection in signal.connections] == [three]
            assert [who for who, _ in signal.send(None)] == [three]

        forked(work)
        work()
        print("done")
        """,
        tmp_path,
    )


@pytest.mark.parametrize("forks", ["from the main thread", "from all threads"])
def test_forks_while_threads_connect_disconnect_send_and_watch(tmp_path: Path, forks: str) -> None:
    run(
        f"""
        shared, is_over = Signal(), threading.Event()
        everywhere = {forks == "from all threads"}
        """
        """
        def churn():
            while not is_over.is_set():
                def leaving(**named): ...
                own = Signal()
                for signal in (shared, own):
                    signal.connect(leaving, weak=False)
                    signal.connect(leaving, dispatch_uid="once")
                    with watch(Interceptor()), metered(Meter()):
                        signal.send(None)
                    signal.disconnect(dispatch_uid="once")
                    signal.disconnect(leaving)
                if everywhere:
                    forked(work)

        class Meter:
            def measured(self, *told): ...

        def work():
            assert receiver in [who for who, _ in shared.send(None)]
            def another(**named): ...
            shared.connect(another)
            assert another in [who for who, _ in shared.send(None)]
            shared.disconnect(another)
            use(Signal())
            with watch(Interceptor()), metered(Meter()):
                shared.send(None)

        shared.connect(receiver)
        threads = [threading.Thread(target=churn) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(25):
            forked(work)
        is_over.set()
        for thread in threads:
            thread.join()
        use(shared)
        print("done")
        """,
        tmp_path,
    )


def test_forks_while_threads_define_models_and_wait_for_them(tmp_path: Path) -> None:
    run(
        """
        import itertools
        from sqlmodel import Field, SQLModel
        from signalcli.db import Session, create_engine, post_save, pre_init
        from signalcli.db.initialization import quick_construction

        numbers, is_over = itertools.count(), threading.Event()

        def define(name):
            return type(SQLModel)(
                name,
                (SQLModel,),
                {
                    "__module__": "shop.models",
                    "__annotations__": {"id": int | None},
                    "id": Field(default=None, primary_key=True),
                },
                table=True,
            )

        def churn():
            def waiting(**named): ...
            while not is_over.is_set():
                name = f"T{next(numbers)}"
                post_save.connect(waiting, sender=f"shop.{name}")
                pre_init.connect(waiting, sender=f"shop.{name}")
                post_save.disconnect(waiting, sender=f"shop.{name}")
                pre_init.disconnect(waiting, sender=f"shop.{name}")
                pre_init.connect(waiting)
                with quick_construction():
                    pass
                pre_init.disconnect(waiting)

        def work():
            name = f"M{next(numbers)}"
            made = []
            def note(**named):
                made.append(named)
            post_save.connect(note, sender=f"shop.{name}")
            pre_init.connect(note, sender=f"shop.{name}")
            model = define(name)
            with quick_construction():
                model(id=1)
            assert len(made) == 1, made
            post_save.send(model)
            assert len(made) == 2, made

        known = define("Known")
        threads = [threading.Thread(target=churn) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(12):
            forked(work)
        is_over.set()
        for thread in threads:
            thread.join()
        work()
        print("done")
        """,
        tmp_path,
    )


def test_a_fork_waits_for_locks_without_holding_one(tmp_path: Path) -> None:
    run(
        """
        from signalcli.dispatch.forking import held_across_forks

        class Counting:
            \"\"\"A lock that says when somebody waits for it in vain.\"\"\"

            def __init__(self):
                self.lock, self.waited_for = threading.RLock(), threading.Event()

            def acquire(self, blocking=True):
                if self.lock.acquire(blocking=False):
                    return True
                self.waited_for.set()
                return blocking and self.lock.acquire()

            def release(self):
                self.lock.release()

        first, second = (held_across_forks(Counting()) for _ in range(2))
        begun = threading.Event()

        def crosswise():
            # In the order in which nobody who had them in the other one could let this go on.
            with_second = second.acquire()
            begun.set()
            second.waited_for.wait()  # the fork has the first
            first.acquire()
            first.release()
            second.release()

        thread = threading.Thread(target=crosswise)
        thread.start()
        begun.wait()
        signals.alarm(300)
        forked(lambda: (first.acquire(), second.acquire()))
        thread.join()
        assert first.acquire(blocking=False) and second.acquire(blocking=False)
        print("done")
        """,
        tmp_path,
    )
