from harness.report.figure import rate, seconds, size


def test_durations_rates_and_sizes_read_as_people_write_them() -> None:
    assert [seconds(value) for value in (None, 0.123, 12.34, 125.0, 12_030.0)] == [
        "n/a",
        "0.12 s",
        "12.3 s",
        "2m05s",
        "3h20m",
    ]
    assert [rate(value) for value in (None, 9.49, 51.4)] == ["n/a", "9.5", "51"]
    assert [size(value) for value in (None, 0, 98_362_432, 4_100_000_000)] == ["n/a", "n/a", "98 MB", "4.1 GB"]


def test_a_short_wait_reads_in_milliseconds_so_that_two_of_them_can_be_told_apart() -> None:
    values = (None, 0.0, 0.0035, 0.0061, 0.047, 0.1, 12.34)
    assert [seconds(value) for value in values] == [
        "n/a",
        "0.00 s",
        "3.5 ms",
        "6.1 ms",
        "47 ms",
        "0.10 s",
        "12.3 s",
    ]
