"""Runs vision on each selected model that takes images."""

import pytest

from harness import RunTask

from . import TASK


@pytest.mark.lms_task(TASK)
def test_vision(lms_run_task: RunTask) -> None:
    lms_run_task(TASK)
