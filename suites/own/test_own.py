"""Runs each of the user's own tasks on each selected model."""

from harness import RunTask, Task


def test_own_task(lms_own_task: Task, lms_run_task: RunTask) -> None:
    lms_run_task(lms_own_task)
