"""The figures that the tests find, shown behind their results."""

from __future__ import annotations

import os

IS_LONG = os.environ.get("COHORT_FAULTS") == "long"

_lines: list[str] = []


def rounds(short: int, long: int) -> int:
    """How often a case repeats what it does."""
    return long if IS_LONG else short


def show(case: str, figure: str) -> None:
    """Print a line now that stands in the summary, too."""
    _lines.append(f"{case}: {figure}")
    print(_lines[-1])


def pytest_terminal_summary(terminalreporter) -> None:
    if _lines:
        terminalreporter.section("figures")
        for line in _lines:
            terminalreporter.write_line(line)
