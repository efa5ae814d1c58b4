# ruff: noqa: RUF001  (some Cyrillic words and full-width signs look like Latin ones)
"""The words by which a text says that it chooses, states, denies or merely mentions a label, in several languages.

Each cue is a pattern for what stands right before a label (it ends with `$`) or right after it (it is matched). A new
way of saying something is a new word here, not a new rule in `harness.scoring.label_mention`. Repeats are bounded, and
cues are searched in a window of a clause, so that no text costs more than linear time.
"""

import re

from harness.scoring.pattern import lazy_pattern


def _any(*phrases: str) -> str:
    """Return the pattern that any of these patterns matches."""
    return f"(?:{'|'.join(phrases)})"


def _pattern(*parts: str) -> re.Pattern[str]:
    return lazy_pattern("".join(parts), re.IGNORECASE)


DRESS = r"[\s*_(\[\"'#>{]{0,6}"
UNDRESS = r"[*_)\]\"'}]{0,6}"
_FILLER = _any(
    "the|an?|any|one|about|of|in|for|to|by|as|and|options?|choice|letter|labels?|category|class|type|topic|kind|sort|form",
    "case|really|actually|quite|exactly|just|necessarily|even|clearly|obviously|definitely|certainly|probably|possibly",
    "perhaps|maybe|likely|mostly|most|more|rather|simply|indeed|likewise|thus|therefore|then|instead|best|only|primarily",
    "mainly|chiefly|largely|predominantly|essentially|basically|related|considered|classified|categori[sz]ed|labell?ed",
    "under|within|something|purely|strictly|overall|fully|entirely|truly|also|both|either|still|being|be|called|described",
    "der|die|das|den|dem|eine?|einen|um|wirklich|la|le|les|une?|el|los|l'|du|des?|il|lo|o|uma?|opción",
)
_FILLERS = rf"(?:{_FILLER}[\s:]+){{0,5}}"
"""Small words that may stand between a cue and its label: "is *clearly a* billing issue"."""
_TO_LABEL = rf"\s*{_FILLERS}{DRESS}$"

JOINER = _pattern(
    rf"{UNDRESS}\s?(?P<comma>,\s?)?(?P<word>",
    _any(r"\b(?:or|and|nor|to|und|oder|noch|bis|et|ou|ni|y|и|или)\b", "和|与|或|、|と|や|또는", "&|/"),
    rf")?\s?(?:(?:both|also|either|the|an?|options?|choices?|la|le)\s){{0,2}}{DRESS}",
)
"""What joins labels to a group; a comma alone does so only within a list that "and" or "or" ends."""

BOUNDARY = _pattern(
    _any(
        r"[,;:()—–。，]|\s-\s",
        r"\b(?:but|however|because|since|although|though|while|whereas|so|therefore|thus|hence|instead|and|yet)\b",
        r"\b(?:when|where|if|which(?! (?:makes|means|puts))|aber|sondern|denn|weil|obwohl|während|mais|car)\b",
        r"\b(?:parce que|pero|sino|porque|aunque|ma|mas|но|потому что)\b|而是|但|因为",
    )
)
"""Where a clause ends."""

ASIDE_OPENER = _pattern(
    _any(
        "because|since|although|though|while|whereas|when|where|if|which",
        "denn|weil|obwohl|während|car|parce que|porque|aunque|потому что|因为",
    )
)
"""Boundaries after which a clause explains or concedes."""

ASIDE_SENTENCE = _pattern(
    r"\W{0,4}(?:(?:and|but) )?(?:unless|although|even though|though|while|whereas|because|since|obwohl|of|among"
    r"|out of|given|between|from)\b"
)
"""How a sentence opens whose first clause is an aside: "Although it is positive, …", "Of the labels …"."""

ASIDE_WHOLLY = _pattern(
    r"\W{0,4}(?:for (?:example|instance)|as an example|e\.g\.|zum beispiel|par exemple|por ejemplo)\b"
    r"|[^.]{0,80}\b(?:is|are|feels?|seems?|sounds?|quite|rather) (?:mixed|ambiguous|ambivalent)\b"
)
"""How a sentence begins that is about another case, or that does not choose: "This review is mixed: …"."""
ASIDE_BEFORE = _pattern(
    r"\b",
    _any(
        "than|unlike|compared (?:to|with)|confused with|mistaken for|similar to|at first|despite|resembl\\w+",
        "(?:may|might|could)(?: at first)?(?: also)?(?: be| look like| look| seem)?",
        "considered|considering|hints? (?:at|of)|touch\\w* on|mentions?|thought|initial\\w*",
        "someone|people|say yes|anders als|im gegensatz zu|tempted to \\w+",
    ),
    _TO_LABEL,
)
INSTRUCTION = _pattern(
    r"\W{0,4}(?:please )?(?:answer|reply|respond|choose|select|pick|classify|say|write|give|name|output|use|if)\b"
    r"(?!\s?(?:is|was|:))"
)
"""An answer that repeats its question repeats what it was to choose from."""

RUNNER_UP_BEFORE = _pattern(
    r"\b(?:(?:second|next|third)[- ](?:best|choice|option|guess|most likely)|runner-up|alternative)[:,]?", _TO_LABEL
)
"""What names a label that comes second: "*Second best:* B"."""
ASIDE_CLAUSE = _pattern(
    r"\W{0,4}(?:previously|earlier|initially|originally|at first"
    r"|(?:the|a|another|some) (?:students?|users?|authors?|readers?|customers?|models?|others?|candidates?)"
    r" (?:\w+ly )?(?:picked|chose|said|says|answered|selected|claims?))\b"
)
"""How a clause begins that tells of an earlier answer, or of somebody else's."""
OFFER = _pattern(r"\W{0,4}(?:do you|would you|should i|shall i|can you|could you|is it possible)\b")
"""How a question begins that asks for a decision instead of giving one."""
CONDITION_BEFORE = _pattern(r"\bwould (?:only |also |have )?(?:be|been|become|count as|go to)\b", _TO_LABEL)
CONDITION_AFTER = _pattern(rf"{UNDRESS}\s*(?:only |just )?(?:if|for|when|unless|in case|where)\b")
"""What another case would be: "it *would be* true *only for* primes"."""
RUNNER_UP = _pattern(
    rf"{UNDRESS},?\s*(?:is |was |are |being |as |comes? )?(?:in )?(?:the |a )?(?:close |distant |near )?"
    r"(?:second|third|runner-up)\b"
)
"""What follows a label that comes after another: "with B *a close second*"."""
STATED_BEFORE = _pattern(
    _any(
        r"\b(?:is|are|was|be|it's|its|that's|he's|equals?|means?|as|to|under|into|with|say|option|choice|for)",
        r"\b(?:call(?:ed)?|makes?)(?: it| this| that)?|\b(?:fits?|suits?|match(?:es)?)",
        r"\b(?:ist|sind|wäre|est|c'est|es|é|è|sono|это)",
        r"[:=→⇒>—-]|是|为|為|属于|选|選|は|은|는",
    ),
    _TO_LABEL,
)
CHOSEN_BEFORE = _pattern(
    _any(
        r"\b(?:answers?|correct|right|best|final(?:ly)?|verdict|decision|guess|conclu\w+|overall|in short)\b",
        r"\b(?:therefore|thus|hence|so(?! (?:much|many|far|that|little))|actually|in fact|instead)\b",
        r"\b(?:choose|chose|choosing|choice|pick\w*|select\w*|go(?:ing)? with|opt(?:ing)? for|settl\w+|label\w*)\b",
        r"\b(?:classif\w+|categori[sz]\w+|think|believe|i'd (?:say|call)|i would (?:say|call)|must be|has to be)\b",
        r"\b(?:left with|leav(?:es|ing)|remain\w*)\b",
        r"\b(?:also|daher|deshalb|somit|folglich|antwort|richtig\w*|wähle)\b",
        r"\b(?:donc|réponse|choisis|por (?:lo )?tanto|entonces|respuesta|elijo|quindi|risposta|portanto|resposta)\b",
        r"\b(?:поэтому|значит|следовательно|ответ|выбираю)\b",
        "因此|所以|答案|选择|答え|よって|したがって|따라서|정답",
    )
)
"""Words of a decision, anywhere before the label in its sentence."""

CLAUSE_END = _pattern(
    rf"{UNDRESS}\s?",
    _any(
        r"$|[.,;:!?)(。，—–-]",
        r"\b(?:because|since|as|due|given|and|but|which|for|here|then|rather|instead|over|denn|weil|da|car|parce)\b",
        r"\b(?:porque|ya que|issue|issues|problem|question|request|category|label|です|입니다|だ|である)\b",
    ),
)
CHOSEN_AFTER = _pattern(
    rf"{UNDRESS}\s*(?:\([^()]{{0,80}}\)\s*)?",
    r"(?:[:=→-]{1,3}\s?)?(?:(?:is|are|must be|should be|would be|has to be|seems|looks|ist|est|es|é)\s)?",
    r"(?:(?:clearly|obviously|definitely|probably|indeed|also|thus|therefore|more|most|still|by far) ){0,3}",
    r"(?:(?:the|a|an|my|die|der|la|le|el) ){0,1}(?:(?:only|single|most|by far) ){0,2}",
    _any(
        r"(?:correct|right|best|true|answer|likely|appropriate|suitable|accurate|plausible|winner|remaining)\b",
        r"(?:good|better|choice|option|fits?|match\w*|appl(?:ies|y)|wins?|makes? sense|remains?|works?|it is)\b",
        r"(?:richtig|korrekt|correct[ae]?|bonne)\b|正确|正しい",
    ),
)

# Right before a label, small words aside. "Not only B" and "none other than B" affirm.
DENIED_DIRECTLY = _pattern(
    _any(
        r"\b(?:not(?! only)|no|non|never|neither|nor|except(?:ing)?(?: for)?|exclud\w+|without|barring|besides)",
        r"\b(?:apart from|nothing|by no means|in no way|not at all)",
        r"n't|\b(?:anything|everything|all|every\w*) but",
        r"\b(?:nicht|kein\w{0,2}|weder|noch|außer|pas|ni|sauf|excepto|salvo|não|nem|не|ни|кроме|no es|non è)|\bو?ليس",
        "不是|并非|不属于|不选|除了|非",
    ),
    _TO_LABEL,
)
# These reach up to the end of their clause.
DENIED_IN_CLAUSE = _pattern(
    _any(
        r"n't|\b(?:not(?! only)|cannot|never|unlikely|hardly|doubt(?:ful)?|far from|opposite of|unrelated to)",
        r"\b(?:rul\w{1,3} out|exclud\w+|eliminat\w+|reject\w*|dismiss\w*|discard\w*|nothing to do with)",
        r"\b(?:nobody|no one|wish(?:ed)? (?:i|we) could)\b",
        r"\bno (?:sign|signs|evidence|indication|mention|hint|trace)s? of|\b(?:none of|no reason to)",
        r"\b(?:rather than|instead of|other than|as opposed to|nicht|keinesfalls|jamais|tampoco|nunca|никак)",
    ),
    r"\b(?P<between>[^,;]{0,100})$",
)
OPINION = _pattern(
    r"^\s?(?:\w+ly )?(?:think|believe|say|feel|see|consider|find|suppose|agree|convinced|sure|glaube|denke|que|that)\b"
)
"""After "not", these carry the denial over to what follows: "I do not think that it is B"."""
ASSERTION = _pattern(r"\b(?:is|are|it's|that's|was|so|therefore|but|instead|ist|est|es)\b")
# These leave it open, and deny nothing.
UNDECIDED = _pattern(r"\b(?:whether|(?:unsure|not sure|unclear) if|ob|ли)\b[^,;]{0,60}$")
OPEN_LIST = _pattern(rf"{UNDRESS},?\s?(?:or|oder|ou|o|или)\b")
"""Goes on after labels between commas: "a refund, an exchange, *or* something else"."""
NO_DENIAL = _pattern(
    _any(
        r"\b(?:no|without(?: any)?|little|beyond(?: any)?) (?:doubt|question)|\bnot unlikely|\bnone? other than",
        r"\b(?:impossible|hard|difficult|not|cannot|can't)\b[^,;]{0,40}\banything (?:other than|but|except)",
        r"\bnot rule out|\bcan(?:no|')t (?:rule out|exclude|deny)|\b(?:nothing|none|no one) (?:but|except)",
    )
)
EXCEPTION = _pattern(
    r"\b(?P<all>everything|every\w*|all|any\w*|none|nothing|no)\b[^,;]{0,30}",
    r"\b(?:except|but|besides|apart from|other than)(?: for)?",
    _TO_LABEL,
)

_BAD = _any(
    r"wrong|incorrect|false|out\b(?! of)|ruled out|excluded|eliminated|rejected|unlikely|impossible|irrelevant",
    r"invalid|off\b|implausible|inappropriate|unsuitable|unrelated|nonsense|too\b|a (?:poor|bad|wrong)",
    r"less (?:likely|appropriate|suitable)|falsch|unpassend|faux|fausse|incorrect[aeo]s?|inexacte?|errad[ao]",
    r"sbagliat[ao]|неверн\w*|неправильн\w*",
)
_AUXILIARY = (
    r"(?:(?:options?|answers?|labels?|choices?|is|are|was|were|be|been|seems?|looks?|sounds?|can|could|would|should|must"
    r"|may|does|do|did|has|have|had|will|clearly|obviously|definitely|also|both|all|therefore|thus|simply|then|however"
    r"|here|ist|sind|est|sont|es|son|é|são|è|sono)\s+)"
)
DENIED_AFTER = _pattern(
    rf"{UNDRESS}(?:\s?\([^()]{{0,80}}\))?\s*(?:,\s*(?:however|though)\s*,\s*)?",
    _any(
        rf"[:=→-]{{1,3}}\s*(?:no\b(?!\s\w)|not (?:relevant|applicable|mentioned|correct|it|a|the)\b|{_BAD})",
        rf"{_AUXILIARY}{{0,5}}{_BAD}|no(?=[.,;!]|$)|not (?:correct|right)",
        rf"{_AUXILIARY}{{1,5}}(?:not|never|neither|nicht|no|não|non|не)\b(?P<predicate>[^.,;]{{0,40}})",
        rf"{_AUXILIARY}{{0,5}}(?:\w+n't|cannot|n'\w+ pas)\b(?P<predicate_too>[^.,;]{{0,40}})",
        r"scheide\w* aus|passt nicht|can be (?:ruled out|excluded|eliminated)",
    ),
)
DENIED_TWICE = _pattern(rf"^\s(?:\w+ly\s)?(?:{_BAD}|contradict|conflict|violate|ignore|a (?:bad|terrible))")
SAYS_BAD = _pattern(rf"\b{_BAD}|n't|\bnot\b")
# In these languages the verb, with its "not", closes the clause.
DENIED_AT_END = _pattern(r"^[^。，,.;而但]{0,30}", _any("不|错|排除", "違|誤|ない|なく|ません", "아니|아닙|틀|않"))

CORRECTION = _pattern(
    r"\b(?:wait|actually|correction|on (?:second thought|reflection)|scratch that|strike that|my mistake|i was wrong"
    r"|hold on|sorry|hmm+|or rather|(?<!\w )make (?:that|it|this)|let me (?:re\w+|correct)|i take (?:that|it) back"
    r"|no, (?:it|that|this|wait))\b"
)
"""What follows replaces what was said before."""
REVISION = _pattern(
    r"\b(?:on (?:second thought|reflection)|(?:scratch|strike) that|my mistake|i was wrong|or rather"
    r"|(?<!\w )make (?:that|it)"
    r"|i take (?:that|it) back|no, wait|wait, (?:no|actually))\b"
)
"""These replace even what was marked as the answer."""

# Where these follow a bare capital A, it is an option; before a noun it is an article. "I" is mostly a pronoun.
AFTER_I = lazy_pattern(rf"{UNDRESS}(?:\s*$|[)\].:;!?*\"/]|\s(?:is|(?:and|or) [A-Z])(?![\w'-]))")
AFTER_A = lazy_pattern(
    rf"{UNDRESS}(?:\s*$|[)\].:,;!?*\"'/。，-]|\s(?:is|are|was|and|or|nor|because|since|but|not|cannot|can|can't|could"
    r"|does|doesn't|isn't|would|should|must|seems|looks|fits|states|says|contradicts|ignores|then|as|here|over|with"
    r"|rather|instead|which|due|given|ist|und|oder|est|et|ou|es)(?![\w-])|\s[^\x00-\u024f])"
)
BEFORE_LETTER = _pattern(
    r"(?:\b(?:option|choice|letter|answer)\s|[(\[*\"'`]|\b(?:between|either|neither|both|nor|or)\s)$"
)
# "No idea" and "other labels": a small word before a noun is not a label.
FUNCTION_WORD = _pattern("a|am|an|as|at|be|by|do|he|i|if|in|is|it|me|my|no|none|of|off|on|or|other|so|to|up|us|we")
BEFORE_NOUN = _pattern(
    r"\s(?!(?:is|are|was|would|must|should|seems?|fits?|appl(?:ies|y)|because|since|as|and|or|but|not|it is|here)\b)"
    r"[^\W\d]"
)
# The 5 of "3/5" and "3 out of 5" is the scale, not another label.
SCALE = _pattern(r"\d\s?(?:/|out of|of|von|sur|de)\s?$")
