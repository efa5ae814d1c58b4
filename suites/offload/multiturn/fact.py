"""What facts are about, their possible values, and other talk. No value occurs in two lists, or in other talk."""

ABOUT: dict[str, tuple[str, ...]] = {
    "favourite colour": tuple("green red blue yellow purple orange white black brown grey pink turquoise".split()),
    "code word": tuple("heron badger otter falcon lizard panther beaver magpie turtle weasel dolphin mammoth".split()),
    "destination": tuple("Oslo Porto Leeds Ghent Turin Basel Lyon Malmö Cork Graz Bergen Utrecht".split()),
    "usual drink": tuple("tea coffee cocoa lemonade milk cider water juice soda broth smoothie ale".split()),
    "instrument": tuple("flute drums harp organ violin trumpet guitar cello piano banjo oboe tuba".split()),
}
OTHER_TALK = (
    "How many days has a week?",
    "Say good morning.",
    "Name a month.",
    "What is two plus three?",
    "Name a large planet.",
    "Say something short about sleep.",
    "Which season comes after spring?",
    "Name a tree.",
)
"""Turns that have nothing to do with the facts."""
