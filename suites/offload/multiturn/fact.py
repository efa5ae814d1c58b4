"""What facts are about, their possible values, and other talk. No value stands in two lists or in other talk."""

ABOUT: dict[str, tuple[str, ...]] = {
    "favourite colour": (
        "green", "red", "blue", "yellow", "purple", "orange", "white", "black", "brown", "grey", "pink", "turquoise",
    ),
    "code word": (
        "heron", "badger", "otter", "falcon", "lizard", "panther", "beaver", "magpie", "turtle", "weasel", "dolphin",
        "mammoth",
    ),
    "destination": (
        "Oslo", "Porto", "Leeds", "Ghent", "Turin", "Basel", "Lyon", "Malm\u00f6", "Cork", "Graz", "Bergen", "Utrecht",
    ),
    "usual drink": (
        "tea", "coffee", "cocoa", "lemonade", "milk", "cider", "water", "juice", "soda", "broth", "smoothie", "ale",
    ),
    "instrument": (
        "flute", "drums", "harp", "organ", "violin", "trumpet", "guitar", "cello", "piano", "banjo", "oboe", "tuba",
    ),
}  # fmt: skip
OTHER_TALK = (
    "How many days has a week?", "Say good morning.", "Name a month.", "What is two plus three?",
    "Name a large planet.", "Say something short about sleep.", "Which season comes after spring?", "Name a tree.",
)  # fmt: skip
"""Turns that have nothing to do with the facts."""
