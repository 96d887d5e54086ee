"""Receivers that harm the process: the command still answers, with the right code."""

import pytest

from tests.cli.program import Driver

HARM = {
    "no standard output": "sys.stdout = None",
    "another standard output": "sys.stdout = open(os.devnull, 'w')",
    "a closed standard error": "sys.stderr.close()",
    "file 1 is closed": "os.close(1)",
    "file 2 is closed": "os.close(2)",
    "no environment": "os.environ.clear()",
    "another folder": "os.chdir('/')",
    "a value that exits": "return type('Odd', (), {'__repr__': lambda odd: sys.exit(4)})()",
}
RECEIVER = """
@receiver(post_save, sender=User)
def harmful(**kwargs):
    {}
"""


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM.keys())
def test_a_harmed_process_answers(driver: Driver, harm: str) -> None:
    program = driver(RECEIVER.format(harm))
    done = program("register", "ada", "--email", "ada@mail.com")
    assert (done.code, done.err) == (0, "")
    assert done.lines[-1].startswith("Registered ada")
    done = program("register", "eve", "--email", "eve@mail.com", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.document["result"]["username"] == "eve"


@pytest.mark.parametrize(
    "raised",
    [
        "sys.exit(3)",
        "raise GeneratorExit",
        "raise BaseException('odd')",
        "raise type('Odd', (Exception,), {'__str__': lambda odd: sys.exit(7)})()",
        "raise ValueError('\\udc80')",
    ],
)
def test_whatever_a_receiver_raises_is_its_failure(driver: Driver, raised: str) -> None:
    program = driver(RECEIVER.format(raised))
    before = program.rows()
    done = program("register", "ada", "--email", "ada@mail.com")
    assert done.code == 1
    assert "harmful failed on post_save of User" in done.error
    assert done.error.endswith("; nothing was written")
    assert program.rows() == before


@pytest.mark.parametrize("signal", ["pre_save", "post_save"])
def test_a_value_that_a_receiver_deletes_is_its_failure(driver: Driver, signal: str) -> None:
    program = driver(
        f"@receiver({signal}, sender=User)\ndef forget(instance, **kwargs):\n    del instance.email"
    )
    before = program.rows()
    done = program("update", "alice", "--email", "new@mail.com", "--quiet")
    assert done.code == 1
    assert done.error == (
        "what receivers did cannot be written: an object has lost its value of 'email'; "
        "nothing was written"
    )
    assert program.rows() == before


def test_a_value_whose_description_raises_anything_at_all(driver: Driver) -> None:
    program = driver(
        "class Odd(BaseException): pass\n"
        "class Value:\n    def __repr__(self): raise Odd('x')\n"
        "@receiver(post_save, sender=User)\ndef odd(**kwargs):\n    return Value()"
    )
    before = program.rows()
    done = program("update", "alice", "--email", "new@mail.com", "--quiet")
    assert done.code == 1
    assert done.error.startswith("code of an app raised Odd: x")
    assert done.error.endswith("; nothing was written")
    assert program.rows() == before
