"""The same scripted server, journal, leases and reapers as for the tests of leases."""

from tests.lifecycle.conftest import *  # noqa: F403
