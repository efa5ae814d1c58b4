r"""Reads which label, or which set of labels, an answer chooses.

The label is looked for in this order. The first place that gives one decides; if it gives several, the answer is a
hedge:

1. the answer field of a JSON object ("label", "category", …), whatever else the object explains;
2. what follows the last final-answer marker: "Answer: B", "The correct option is (B)", `\boxed{B}`;
3. a first or last line that is nothing but a label;
4. what follows a weaker marker within a sentence: "the intent is …";
5. a line, the first or the last, that begins with a label: "B) Rome", "Spam. The sender …";
6. what the whole text says of the labels (`harness.scoring.label_mention`): the last sentence that chooses one, else
   the only one stated, else the only one named. Denied labels never count.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.domain.sample import Json
from harness.scoring import label_cue as cue
from harness.scoring.answer import Marker, markers, own_turn
from harness.scoring.json_answer import find_list, find_object
from harness.scoring.label_mention import Forms, Mention, Weight, mentions
from harness.scoring.pattern import lazy_pattern
from harness.scoring.text import QUOTES, normalised, spaced, stripped, visible, without_struck

FIELDS = (
    *("answer", "label", "category", "class", "classification", "intent", "option", "choice", "sentiment", "language"),
    *("topic", "prediction", "verdict", "type", "result", "tone", "decision"),
)
"""What an answer calls the label that it gives, as a field or as in "The … is"."""

_OTHER_FIELDS = frozenset({"old", "previous", "other", "rejected", "wrong", "second", "alternative", "not", "runner"})
_PLAIN = QUOTES | {ord("`"): '"', ord("_"): " "}
_NOTHING = frozenset({"", "none", "none of them", "none of these", "no label", "no labels", "nothing", "n/a", "null"})
_LEADS = lazy_pattern(
    r"[*_)\]\"'}]{0,6}\s?"
    r"(?:$|[.,:;!)\u3002\uff0c\u2014\u2013\u2192(]|-\s|-$|\s-|\b(?:because|since|as|is the (?:answer|best))\b)"
)
_ROW = lazy_pattern(r"^\s{0,3}\|(.{1,500})\|\s*$")
_TICKS = "xX\u2713\u2714\u2705\u2611"
_TICKED = lazy_pattern(
    r"^[\s>*+-]{0,6}(?:\[(?=[ xX\u2713\u2714]\]))?"
    r"(?P<tick>(?<=\[)[ xX]|[\u2713\u2714\u2705\u2611\u274c\u2717\u2718\u2716\u2610])"
    r"\]?\ufe0f?\s*(?P<rest>\S.{0,300})$"
)
_RANKING = lazy_pattern(r"\b(?:rank\w*|best first|most (?:likely|probable|suitable) first|in order)\b", re.IGNORECASE)
_FIRST_OF_LIST = lazy_pattern(r"\W{0,3}1[.)]\s")
_SECOND = lazy_pattern(r"\b(?:second|third|next|alternative|other)[- ](?:best )?$", re.IGNORECASE)
_MENU_ITEM = lazy_pattern(r"(?<!\S)[(]?(\w{1,2})[).:](?=\s)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What a part of an answer chooses: a label, several (a hedge), or none. Only the last is falsy."""

    label: str | None = None
    is_hedge: bool = False

    def __bool__(self) -> bool:
        return self.label is not None or self.is_hedge


_NONE = _Reading()
_SEVERAL = _Reading(is_hedge=True)


def chosen_label(output: str, labels: Sequence[str], options: Mapping[str, str] | None = None) -> str | None:
    """Return the label that the answer chooses, or None."""
    forms = Forms.of(labels, options or {})
    text = visible(output)
    if reading := _from_object(text, forms):
        return reading.label
    plain = own_turn(_plain(text), lambda before: bool(_settled(before, forms)))
    plain = "\n".join(_without_menu([line for line in plain.split("\n") if line.strip()], forms))
    return (_from_revision(plain, forms) or _settled(plain, forms) or _from_text(plain, forms)).label


def chosen_labels(output: str, labels: Sequence[str]) -> set[str] | None:
    """Return the set of labels that the answer chooses, or None if it gives no label and does not say "none"."""
    forms = Forms.of(labels, {})
    text = visible(output)
    listed = _listed(text, forms)
    if listed is not None:
        return listed
    plain = _plain(text)
    parts = [marker.text for marker in markers(plain, (*FIELDS, "answers", "labels", "categories"))]
    for part in (*parts[:1], plain):
        found = mentions(part, forms)
        heaviest = {mention.label for mention in found if not mention.is_denied and mention.weight > Weight.ASIDE}
        if chosen := heaviest or {mention.label for mention in found if not mention.is_denied}:
            return chosen
    part = parts[0] if parts else plain
    return set() if part and stripped(part) in _NOTHING else None


def _plain(text: str) -> str:
    """Return the text in NFKC, with plain quotes and single spaces, scripts apart, its lines as they were.

    Struck-out text is left out. The cells of a table's row are joined by colons ("B: correct"), and a list with ticks
    and crosses is read the same way.
    """
    plain = spaced(unicodedata.normalize("NFKC", without_struck(text))).translate(_PLAIN)
    lines = [_ROW.sub(lambda row: row[1].replace("|", ": "), line) for line in plain.split("\n")]
    if sum(_TICKED.match(line) is not None for line in lines) > 1:
        lines = [_TICKED.sub(_verdict_of_tick, line) for line in lines]
    return "\n".join(" ".join(line.split()) for line in lines)


def _verdict_of_tick(line: re.Match[str]) -> str:
    return f"{line['rest']}: {'correct' if line['tick'] in _TICKS else 'wrong'}"


def _from_revision(text: str, forms: Forms) -> _Reading:
    """Read what follows the last "On second thought, …", where that chooses; it replaces marked answers, too."""
    for revision in list(cue.REVISION.finditer(text))[-1:]:
        later = text[revision.end() :]
        if any(not mention.is_denied and mention.weight > Weight.NAMED for mention in mentions(later, forms)):
            return _settled(later, forms) or _from_text(later, forms)
    return _NONE


def _settled(text: str, forms: Forms) -> _Reading:
    """Read markers, and lines that are a label or begin with one."""
    lines = [line for line in text.split("\n") if line.strip()]
    found = [
        marker for marker in markers(text, FIELDS) if not _SECOND.search(text, max(0, marker.start - 20), marker.start)
    ]
    return (
        _from_markers([marker for marker in found if marker.is_final], forms)
        or _from_lines(lines, forms)
        or _from_markers([marker for marker in found if not marker.is_final], forms)
        or _from_leads(lines, forms)
    )


def _from_object(text: str, forms: Forms) -> _Reading:
    """Read the field of an object that is named as an answer's, else the only value that is a label."""
    value = find_object(text)
    if not value:
        return _NONE
    inner = next((item for item in value.values() if isinstance(item, dict) and _named(item)), None)
    value = inner if inner and not _named(value) else value  # A tool call has the answer among its arguments.
    named = _named(value)
    for items in (named, list(value.values())):
        alone = {label for item in items if (label := forms.alone(_text_of(item))) is not None}
        if alone:
            return _Reading(label=alone.pop()) if len(alone) == 1 else _SEVERAL
    texts = [_text_of(item) for item in named]
    return next((reading for part in texts if (reading := _from_part(_plain(part), forms))), _NONE)


def _named(value: Mapping[str, Json]) -> list[Json]:
    """Return the values of the fields that are named as an answer's, not of those such as "old_label"."""
    words = {key: set(re.split(r"[\s_-]+", key.lower())) for key in value}
    return [value[key] for key, parts in words.items() if parts & set(FIELDS) and not parts & _OTHER_FIELDS]


def _text_of(item: Json) -> str:
    if isinstance(item, list) and len(item) == 1:
        item = item[0]
    return str(item) if isinstance(item, str | int) else ""


def _from_markers(found: Iterable[Marker], forms: Forms) -> _Reading:
    return next((reading for marker in found if (reading := _from_part(marker.text, forms))), _NONE)


def _from_part(part: str, forms: Forms) -> _Reading:
    """Read a marked part: a label, one that it begins with, or what its first sentence or else all of it says."""
    if label := forms.alone(part) or forms.alone(_without_remark(part)) or _lead(part, forms):
        return _Reading(label=label)
    found = mentions(part, forms)
    return _heaviest([mention for mention in found if mention.sentence == 0]) or _heaviest(found)


def _without_remark(part: str) -> str:
    return re.sub(r"\s*\([^()]{0,200}\)\W{0,3}$", "", part)


def _from_lines(lines: Sequence[str], forms: Forms) -> _Reading:
    """Read lines that are nothing but a label: the first or the last; two different ones are a list, not a choice."""
    alone = {label for line in lines if (label := forms.alone(line)) is not None}
    ranked = [label for line in lines if _FIRST_OF_LIST.match(line) and (label := forms.alone(line.partition(" ")[2]))]
    if len(ranked) == 1 and _RANKING.search(lines[0]):
        return _Reading(label=ranked[0])
    if len(alone) > 1:
        return _SEVERAL
    ends = {label for line in (*lines[:1], *lines[-1:]) if (label := forms.alone(line)) is not None}
    return _Reading(label=ends.pop()) if ends else _NONE


def _from_leads(lines: Sequence[str], forms: Forms) -> _Reading:
    """Read the label that the first or the last line begins with, unless the lines go through several labels."""
    if len({label for line in lines if (label := _lead(line, forms)) is not None}) != 1 or _is_corrected(lines):
        return _NONE
    ends = [label for line in (*lines[:1], *lines[-1:]) if (label := _lead(line, forms)) is not None]
    return _Reading(label=ends[0]) if ends else _NONE


def _lead(line: str, forms: Forms) -> str | None:
    """Return the label that a line begins with, as a choice and not as the subject of a sentence, or None."""
    found = forms.leading.match(line)
    if found is None or (label := forms.alone(found["form"])) is None:
        return None
    end = found.end()
    text = forms.option_text(label)
    if text and normalised(line[end : end + len(text) + 8]).lstrip(" .:)*-").startswith(text):
        end = len(line) if len(text) + 8 >= len(line) - end else end
    elif not _LEADS.match(line, end):
        return None
    joiner = cue.JOINER.match(line, end)
    if joiner and (joiner["comma"] or joiner["word"]) and forms.pattern.match(line, joiner.end()):
        return None
    found_here = mentions(line, forms)
    if any(mention.label == label and mention.is_denied for mention in found_here):
        return None
    is_menu = len({item[1] for item in _MENU_ITEM.finditer(line)} & set(forms.by_form.values())) > 1
    has_rival = any(
        mention.label != label and not mention.is_denied and mention.weight > Weight.ASIDE for mention in found_here
    )
    return None if is_menu and has_rival else label


def _is_corrected(lines: Sequence[str]) -> bool:
    return any(cue.CORRECTION.search(line) for line in lines)


def _without_menu(lines: list[str], forms: Forms) -> list[str]:
    """Return the lines without the options that the answer repeats first: "A) Paris", "B) Rome", …."""
    shown = {stripped(line) for line in lines if forms.is_menu_line(line)}
    if len(shown) <= 1:
        return lines
    left: list[str] = []
    for line in lines:
        if stripped(line) in shown:
            shown.discard(stripped(line))
        else:
            left.append(line)
    return left


def _heaviest(found: Sequence[Mention]) -> _Reading:
    """Return the label of the greatest weight among those that are not denied."""
    affirmed = [mention for mention in found if not mention.is_denied]
    if not affirmed:
        return _NONE
    weight = max(mention.weight for mention in affirmed)
    return _only({mention.label for mention in affirmed if mention.weight == weight})


def _only(labels: set[str]) -> _Reading:
    return _Reading(label=next(iter(labels))) if len(labels) == 1 else _SEVERAL if labels else _NONE


def _from_text(text: str, forms: Forms) -> _Reading:
    """Read what the text says of the labels: the last sentence that chooses, else what alone is stated, else named."""
    found = _after_correction(text, forms)
    affirmed = [mention for mention in found if not mention.is_denied]
    chosen = [mention for mention in affirmed if mention.weight is Weight.CHOSEN]
    if chosen:
        return _only({mention.label for mention in chosen if mention.sentence == chosen[-1].sentence})
    denied = {mention.label for mention in found if mention.is_denied}
    for weight in (Weight.STATED, Weight.NAMED, Weight.ASIDE):
        labels = {mention.label for mention in affirmed if mention.weight is weight}
        if rest := labels - denied:
            return _only(rest)
    return _NONE


def _after_correction(text: str, forms: Forms) -> list[Mention]:
    """Return the mentions, only those after the last "Wait, …" where one is affirmed there."""
    for correction in list(cue.CORRECTION.finditer(text))[-1:]:
        later = mentions(text[correction.end() :], forms)
        if any(not mention.is_denied and mention.weight > Weight.ASIDE for mention in later):
            return later
    return mentions(text, forms)


def _listed(text: str, forms: Forms) -> set[str] | None:
    """Return the labels of the JSON list that the text is, holds, or has in an object's field."""
    value: Json = find_list(text)
    if value is None and (found := find_object(text)):
        value = next((item for item in found.values() if isinstance(item, list)), None)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return {label for item in value if (label := forms.alone(item)) is not None} if value else set()
