"""Tells a model's answer from what its chat template left in the text: thoughts, channels and end-of-turn marks.

A server should remove both before it returns a message. Where its template does not know the model's marks, they reach
the text. Three steps, each linear in the text's length:

1. Thoughts end at the last closing tag (`</think>`, `[/THINK]`, harmony's final channel, ...). What follows is the
   answer, up to an opening tag that is never closed. An opening tag may be missing: some templates put it into the
   prompt.
2. The model's turn ends at the first end-of-turn mark with text before it. What follows is a turn that the model made
   up for the user.
3. The marks that are left are removed.

A tag that the text *mentions* is text: one in quotes or backticks, or one within a sentence ("wrap their thoughts in
<think> and </think> tags").
"""

import re
from itertools import pairwise

_NAME = r"(?:seed:)?(?:think(?:ing)?|thoughts?|reasoning)"
_MESSAGE = r"(?:[^<\n]{0,40}<\|constrain\|>)?[^<\n]{0,40}<\|message\|>"
_THOUGHT_STARTS = (
    rf"(?<!<)<{_NAME}>(?!>)",  # Qwen, DeepSeek, GLM, Phi, Granite, Seed, EXAONE, ...
    r"\[THINK\]",  # Magistral
    "\u25c1think\u25b7",  # Kimi
    r"<\|begin_of_thought\|>",  # OpenThinker, Sky-T1
    r"<\|START_THINKING\|>",  # Command A
    r"<\|think\|>",  # Solar
    r"<\|inner_prefix\|>",  # Apertus
    r"<\|channel>thought",  # Gemma 4
    r"<unused94>thought",  # MedGemma
    rf"<\|channel\|>(?:analysis|commentary)(?:{_MESSAGE})?",  # gpt-oss
    r"\Aanalysis(?=[A-Z])",  # gpt-oss, its marks dropped: "analysisWe need ... assistantfinal42"
    r"\AHere is my thought process:",  # Granite 3.2
)
_THOUGHT_ENDS = (
    rf"(?<!<)</{_NAME}>(?!>)",
    r"\[/THINK\]",
    "\u25c1/think\u25b7",
    r"<\|end_of_thought\|>",
    r"<\|END_THINKING\|>",
    r"<\|content\|>",
    r"<\|inner_suffix\|>",
    r"<channel\|>",
    r"<unused95>",
    rf"<\|channel\|>final(?:{_MESSAGE})?",
    r"(?<=[.!?)\]}\"\w])assistantfinal(?=\S)",
    r"^Here is my response:",
)
_THOUGHT = re.compile(
    rf"(?P<end>{'|'.join(_THOUGHT_ENDS)})|(?P<start>{'|'.join(_THOUGHT_STARTS)})", re.IGNORECASE | re.MULTILINE
)
_BARE_END = re.compile("assistantfinal|Here is my response:", re.IGNORECASE)
_BOX = r"<\|(?:begin_of_(?:solution|box)|end_of_box|START_(?:RESPONSE|TEXT)|message|constrain)\|>"
_TURN = re.compile(
    rf"(?P<kept>{_BOX}|</?response>)"
    r"|<\|[A-Za-z][\w ]{0,40}\|>"  # <|im_end|>, <|eot_id|>, <|return|>, <|endoftext|>, <|assistant|>
    "|<\uff5c[^\uff5c\n]{1,40}\uff5c>"  # DeepSeek
    r"|<\|turn>|<turn\|>|<(?:start|end)_of_turn>"  # Gemma
    r"|</?s>|\[/?INST\]|\[\|(?:endofturn|assistant|user|system)\|\]|<(?:eos|bos|pad)>"
)
_ROLE = re.compile(r"\s*(?:assistant|model)\b(?!['-])\s*", re.IGNORECASE)
_QUOTES = "`\"'\u201c\u201d\u2018\u2019\u00ab\u00bb"
_MENTIONED_PAIR = 24


def without_markup(text: str) -> str:
    """Return the answer without thoughts, made-up turns and template marks, and without white space around it."""
    return _without_marks(without_thoughts(text)).strip()


def is_only_thoughts(text: str) -> bool:
    """Whether the text has thoughts, and no answer outside them."""
    return bool(text.strip()) and not without_markup(text) and any(not _is_mention(tag) for tag in _tags(text))


def is_open_thought(text: str) -> bool:
    """Whether the text begins with a thought that is not closed: the beginning of an answer that the model thinks up.

    A thought that is closed again was an empty one, or short enough for any answer's limit.
    """
    tags = _structural(_tags(text))
    return bool(tags) and not any(tag["end"] for tag in tags) and not text[: tags[0].start()].strip()


def without_thoughts(text: str) -> str:
    """Return what follows the last closing tag of a thought, up to one that is opened and never closed.

    Where nothing follows, it is what stands before the first tag.
    """
    tags = _structural(_tags(text))
    if not tags:
        return text
    after = max((tag.end() for tag in tags if tag["end"]), default=0)
    opened = next((tag.start() for tag in tags if tag["start"] and tag.start() >= after), None)
    rest = text[after:opened]
    return rest if rest.strip() or not tags[0]["start"] else text[: tags[0].start()]


def _tags(text: str) -> list[re.Match[str]]:
    found = list(_THOUGHT.finditer(text))
    # "assistantfinal" and "Here is my response:" are words: they end only a thought that began as words.
    is_bare = any(tag["start"] and tag["start"][0] in "aH" for tag in found)
    return [tag for tag in found if is_bare or not _BARE_END.match(tag[0])]


def _structural(tags: list[re.Match[str]]) -> list[re.Match[str]]:
    """Return the tags that are not mentioned; "<think> and </think>" on one line is a mentioned pair."""
    mentioned = {tag.start() for tag in tags if _is_mention(tag)}
    for first, second in pairwise(tags):
        between = first.string[first.end() : second.start()]
        if first.start() in mentioned and len(between) <= _MENTIONED_PAIR and "\n" not in between:
            mentioned.add(second.start())
        elif first.start() in mentioned and first["start"] and second["end"] and not _is_quoted(first):
            mentioned.discard(first.start())  # A thought within a line: "Sure! <think> Let me see ... </think> B".
    return [tag for tag in tags if tag.start() not in mentioned]


def _is_quoted(tag: re.Match[str]) -> bool:
    before, after = tag.string[tag.start() - 1 : tag.start()], tag.string[tag.end() : tag.end() + 1]
    return bool(before and after) and before in _QUOTES and after in _QUOTES


def _is_mention(tag: re.Match[str]) -> bool:
    """Whether the text speaks of this mark: in quotes, or as a word with words before and after it on its line."""
    if _is_quoted(tag) or tag[0].startswith("["):  # Mistral's [INST] stands between words where it is a mark.
        return _is_quoted(tag)
    text, start, end = tag.string, tag.start(), tag.end()
    is_word = text[start - 1 : start] in {" ", "("} and text[max(0, start - 40) : start].rpartition("\n")[2].strip()
    if tag.re is _THOUGHT and tag["end"]:  # "Let me see. </think> B" closes; "lacks </think>." mentions.
        return bool(is_word) and re.compile(r"[.,;)](?:\s|$)").match(text, end) is not None
    return bool(is_word) and re.compile(r"[.,;:)]|[ \t]{1,3}[^\s<\[]").match(text, end) is not None


def _without_marks(text: str) -> str:
    kept: list[str] = []
    at = 0
    has_text = False
    is_struck = False  # "<s>" within a text strikes it out, as in HTML, and "</s>" ends that.
    for mark in _TURN.finditer(text):
        if mark.start() < at or _is_mention(mark):
            continue
        kept.append(text[at : mark.start()])
        at = mark.end()
        has_text = has_text or bool(kept[-1].strip())
        is_html = mark[0] == "<s>" and has_text
        if is_html or (mark[0] == "</s>" and is_struck):
            is_struck = is_html
            kept.append(mark[0])
        elif not mark["kept"]:
            if has_text:
                return "".join(kept)
            at = role.end() if (role := _ROLE.match(text, at)) else at
    return "".join([*kept, text[at:]])
