"""What long texts are made of. No password, thing or place occurs in any other sentence."""

PLACES = (
    "north gate",
    "south gate",
    "north tower",
    "south tower",
    "boathouse",
    "cellar",
    "archive",
    "greenhouse",
    "ballroom",
    "upper kitchen",
    "lower kitchen",
    "stable",
    "chapel",
    "observatory",
    "workshop",
    "pump house",
    "old mill",
    "guest house",
    "print room",
    "map room",
)
PASSWORDS = tuple(
    "heron badger otter falcon lizard panther beaver magpie turtle weasel dolphin mammoth walrus sparrow "
    "hamster leopard pelican rooster spider donkey".split()
)
THINGS = tuple(
    "lamps ropes ladders barrels candles hammers buckets curtains mirrors saddles lanterns brushes shovels "
    "cushions kettles anchors".split()
)
WHO = (
    "The clerk",
    "A porter",
    "The gardener",
    "One of the cooks",
    "The postman",
    "A visitor from Krak\u00f3w",
    "The caretaker",
    "An apprentice",
    "The bookkeeper",
    "A retired teacher",
    "The night watchman",
    "Somebody from the council",
)
DID = (
    "counted the folders",
    "swept the long corridor",
    "wrote a friendly letter",
    "looked for a lost umbrella",
    "talked about the harvest",
    "repaired a squeaking hinge",
    "read the newspaper aloud",
    "wound up the clock",
    "complained about the draught",
    "drew a plan of the roof",
    "hummed an old tune",
    "waited for the bus",
    "polished the brass handles",
    "fed the pigeons",
    "signed three forms",
    "asked for the time",
)
WHEN = (
    "before breakfast",
    "on Monday morning",
    "in the late afternoon",
    "shortly after noon",
    "on the first day of spring",
    "during the storm",
    "at the end of the week",
    "on a quiet Sunday",
    "after the meeting",
    "while it rained",
    "once more",
    "without any hurry",
)
WHY = (
    "because the lift was slow",
    "as nobody else was there",
    "to the surprise of all",
    "and then went home",
    "as the rules demand",
    "which took an hour",
    "although it was cold",
    "and thought nothing of it",
    "since the radio was broken",
    "and was thanked for it",
    "as in every year",
    "but told nobody",
)
