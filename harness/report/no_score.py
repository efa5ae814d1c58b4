"""Whether a cell has a score that may be named: where too many answers were lost, nothing is claimed of it."""

from harness.domain.record import SummaryRecord
from harness.domain.score import unscored_words
from harness.stats.pairing import MOST_UNSCORED


def why_no_score(cell: SummaryRecord) -> str:
    """Return why no score of a cell may be named; "" where one may."""
    if cell.unscored > MOST_UNSCORED * cell.answers:
        return (
            f"{cell.unscored} of {cell.answers} answers {unscored_words(cell.scorer)} (above {100 * MOST_UNSCORED:g} %)"
        )
    if cell.score is None:
        return "it was stopped early, so its mean would be biased" if cell.stopped_early else "nothing was scored"
    return ""
