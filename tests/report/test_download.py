import pytest

from harness.domain.download import Download
from harness.report.download import DownloadLines, describe


@pytest.mark.parametrize(
    ("download", "line"),
    [
        (Download(status="downloading"), "downloading"),
        (Download(status="already_downloaded"), "already downloaded"),
        (Download(status="downloading", total_bytes=2_500_000_000), "downloading: 2.5 GB in total"),
        (
            Download(status="downloading", total_bytes=2_500_000_000, downloaded_bytes=0, bytes_per_second=41_200_000),
            "downloading: 0 MB of 2.5 GB (0 %), 41 MB/s, 60.7 s left",
        ),
        (Download(status="paused", downloaded_bytes=5_000_000), "paused"),
        (Download(status="\x1b[2Jodd\nstatus"), "\\x1b[2Jodd status"),
    ],
)
def test_a_download_is_described_by_what_is_known(download: Download, line: str) -> None:
    assert describe(download) == line


def test_a_log_gets_a_line_every_tenth_and_at_each_change_of_status() -> None:
    said: list[str] = []
    with DownloadLines(said.append) as lines:
        for percent in range(0, 100, 3):
            lines.show(Download(status="downloading", total_bytes=100_000_000, downloaded_bytes=percent * 1_000_000))
        lines.show(Download(status="paused", total_bytes=100_000_000, downloaded_bytes=99_000_000))
    assert 8 <= len(said) <= 11
    assert said[-1].startswith("paused")
