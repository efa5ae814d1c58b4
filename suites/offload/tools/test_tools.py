"""Runs tools on each selected model."""

import pytest

from harness import RunTask

from . import TASK


@pytest.mark.lms_task(TASK)
def test_tools(lms_run_task: RunTask) -> None:
    lms_run_task(TASK)
