"""The plugin as pytest runs it: the fixture's life, and what a failing test shows."""

import pytest

pytest_plugins = ["pytester"]

PLUGIN = "signalcli.testing.plugin"

SIGNALS = """
    import pytest
    from signalcli.dispatch import Signal

    order_paid = Signal(providing_args=["order"])
    invoice_sent = Signal(providing_args=["order"])

    def send_invoice(order, **kwargs):
        print("an invoice is sent")
        invoice_sent.send(None, order=order)

    @pytest.fixture
    def connected():
        with order_paid.connected_to(send_invoice):
            yield
"""


@pytest.fixture(autouse=True)
def the_same_report_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CI server pytest repeats a whole failure in its summary; here it is to say it once."""
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)


def run(pytester: pytest.Pytester, tests: str, *options: str) -> pytest.RunResult:
    """Run some tests of these signals."""
    pytester.makepyfile(kiosk=SIGNALS)
    pytester.makeconftest("from kiosk import connected")
    pytester.makepyfile(
        "from kiosk import order_paid, invoice_sent, send_invoice\n" + tests.replace("\n    ", "\n")
    )
    return pytester.runpytest_inprocess("--color=no", *options)


def test_the_fixture_is_there_without_any_preparation(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
    def test_sent(dispatches, connected):
        order_paid.send(None, order=1)
        dispatches.assert_sent(order_paid, order=1)
        dispatches.assert_received(order_paid, by=send_invoice)
        dispatches.assert_order(order_paid, invoice_sent)

    def test_nothing_is_left_of_another_test(dispatches):
        dispatches.assert_not_sent()
    """,
    )
    result.assert_outcomes(passed=2)
    assert "warning" not in result.stdout.str()


@pytest.mark.parametrize("options", [[], ["-p", PLUGIN]], ids=["conftest", "both"])
def test_naming_the_plugin_besides_is_not_in_the_way(
    pytester: pytest.Pytester, options: list[str]
) -> None:
    pytester.makeconftest(f"pytest_plugins = ['{PLUGIN}']")
    pytester.makepyfile("def test_fixture(dispatches): dispatches.assert_not_sent()")
    pytester.runpytest_inprocess(*options).assert_outcomes(passed=1)


def test_the_plugin_can_be_turned_off(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_fixture(dispatches): pass")
    result = pytester.runpytest_inprocess("-p", f"no:{PLUGIN}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'dispatches' not found"])


def test_a_failing_assertion_points_at_its_line_and_shows_the_tree_once(
    pytester: pytest.Pytester,
) -> None:
    result = run(
        pytester,
        """
    def test_sent(dispatches, connected):
        order_paid.send(None, order=1)
        dispatches.assert_sent(order_paid, order=2)
    """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       dispatches.assert_sent(order_paid, order=2)",
            "E       AssertionError: expected a dispatch of order_paid with order=2, "
            "but there was none",
            "E       #1 differs in order: expected 2, got 1",
            "E       ",
            "E       #    Signal n ─▶ receivers n.1, n.2  Time with all inside",
            "E       1    order_paid                                   * ms",
            "E       1.1  └─▶ send_invoice                             * ms",
            "E       2        └─ unheard: invoice_sent",
            "",
            "test_a_failing_assertion_points_at_its_line_and_shows_the_tree_once.py:*",
        ],
    )
    assert result.stdout.str().count("─▶ send_invoice") == 1
    result.stdout.no_fnmatch_line("*site-packages*")
    result.stdout.no_fnmatch_line("*signalcli/testing*")


ASSERTIONS = [
    "dispatches.assert_sent(invoice_sent)",
    "dispatches.assert_sent('no_such_signal')",
    "dispatches.assert_not_sent()",
    "dispatches.assert_not_sent(order_paid, oder=1)",
    "dispatches.assert_received(order_paid, by=send_invoice)",
    "dispatches.assert_not_received(by='*other')",
    "dispatches.assert_order(invoice_sent)",
    "dispatches.assert_sequence(invoice_sent)",
    "dispatches.of('no_such_signal')",
]


def test_no_assertion_shows_its_own_code(pytester: pytest.Pytester) -> None:
    tests = "".join(
        f"""
    def test_{number}(dispatches):
        with order_paid.connected_to(other):
            order_paid.send(None, order=1)
        {assertion}
    """
        for number, assertion in enumerate(ASSERTIONS)
    )
    result = run(pytester, "\n    def other(**kwargs): pass\n" + tests)
    result.assert_outcomes(failed=len(ASSERTIONS))
    result.stdout.fnmatch_lines([f">       {assertion}" for assertion in ASSERTIONS])
    result.stdout.no_fnmatch_line("*signalcli/testing*")


def test_whatever_makes_a_test_fail_the_tree_is_shown(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
    import pytest

    def test_assert(dispatches, connected):
        order_paid.send(None, order=1)
        assert len(dispatches) == 3

    def test_fail(dispatches, connected):
        order_paid.send(None, order=1)
        pytest.fail("for another reason")

    def test_without_the_fixture(connected):
        order_paid.send(None, order=1)
        raise RuntimeError("no tree")
    """,
    )
    result.assert_outcomes(failed=3)
    table = [
        "1    order_paid * ms",
        "1.1  └─▶ send_invoice * ms",
        "2        └─ unheard: invoice_sent",
    ]
    heading = "*- Captured dispatches call -*"
    result.stdout.fnmatch_lines([heading, *table, heading, *table])
    assert result.stdout.str().count("Captured dispatches") == 2


def test_a_test_that_passes_or_is_skipped_shows_no_tree(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
    import pytest

    def test_passes(dispatches, connected):
        order_paid.send(None, order=1)

    def test_skips(dispatches, connected):
        order_paid.send(None, order=1)
        pytest.skip("no reason")
    """,
        "-rA",
    )
    result.assert_outcomes(passed=1, skipped=1)
    assert "order_paid " not in result.stdout.str()


def test_what_fixtures_send_is_left_out_in_whatever_order_they_come(
    pytester: pytest.Pytester,
) -> None:
    result = run(
        pytester,
        """
    import pytest

    @pytest.fixture
    def paid():
        order_paid.send(None, order=1)
        yield
        order_paid.send(None, order=3)

    def test_before(dispatches, paid):
        dispatches.assert_not_sent()
        order_paid.send(None, order=2)
        dispatches.assert_sent(order_paid, times=1, order=2)

    def test_after(paid, dispatches):
        dispatches.assert_not_sent()

    @pytest.mark.usefixtures("dispatches")
    def test_without_its_name(paid):
        order_paid.send(None, order=2)
    """,
    )
    result.assert_outcomes(passed=3)


def test_what_receivers_print_goes_where_it_would_go_anyway(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
    def test_capsys(dispatches, connected, capsys):
        order_paid.send(None, order=1)
        assert capsys.readouterr().out == "an invoice is sent\\n"

    def test_fails(dispatches, connected):
        order_paid.send(None, order=1)
        dispatches.assert_not_sent(order_paid)
    """,
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*- Captured stdout call -*", "an invoice is sent"])


def test_it_works_in_a_unittest_class(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
    import unittest
    import pytest
    from signalcli.testing import record_dispatches

    class TestOrders(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def _record(self, dispatches):
            self.dispatches = dispatches

        def test_with_the_fixture(self):
            order_paid.send(None, order=1)
            self.dispatches.assert_sent(order_paid, times=1)

    class TestWithoutFixtures(unittest.TestCase):
        def setUp(self):
            self.dispatches = self.enterContext(record_dispatches())

        def test_without_it(self):
            order_paid.send(None, order=1)
            self.dispatches.assert_sent(order_paid, times=1)
    """,
    )
    result.assert_outcomes(passed=2)


def test_the_public_names_are_there_and_no_others() -> None:
    import signalcli.testing

    for name in signalcli.testing.__all__:
        assert getattr(signalcli.testing, name).__name__ == name
    with pytest.raises(AttributeError, match="no_such_name"):
        signalcli.testing.no_such_name  # noqa: B018  # it is asked for
