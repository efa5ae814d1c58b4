"""The names, verbs and things that rewrite items are made of."""

NAMES = tuple(
    "Anna Bruno Carla David Elena Farid Grace Henrik Ines Jonas Keiko Luis Marta Nadia Omar Paula Ravi Sofia "
    "Tomas Vera Zoë José Søren".split()
)
CITIES = ("Oslo", "Porto", "Leeds", "Turin", "Basel", "Lyon", "Cork", "Graz", "Bergen", "Utrecht", "Malmö", "Kraków")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
MONTHS = tuple("January February March April May June July August September October November December".split())
# I …, she …, in the simple past, and what.
ACTS = (
    ("send", "sends", "sent", "parcels to"),
    ("buy", "buys", "bought", "books in"),
    ("sell", "sells", "sold", "paintings in"),
    ("write", "writes", "wrote", "letters to"),
    ("drive", "drives", "drove", "vans to"),
    ("bring", "brings", "brought", "crates to"),
    ("catch", "catches", "caught", "trains to"),
    ("teach", "teaches", "taught", "lessons in"),
    ("draw", "draws", "drew", "maps of"),
    ("take", "takes", "took", "photos of"),
    ("lead", "leads", "led", "tours of"),
    ("give", "gives", "gave", "talks in"),
)
THINGS = tuple("tents lamps ropes stoves maps knives blankets bottles radios torches pans cups".split())
SWAPS = (
    ("parcel", "box"),
    ("meeting", "call"),
    ("shop", "market"),
    ("invoice", "bill"),
    ("garden", "yard"),
    ("car", "bicycle"),
    ("ticket", "pass"),
    ("office", "studio"),
)
MARKS = ("{name}", "[ORDER_ID]", "<LINK>", "%s", "{{ticket}}", "[[DATE]]", "$AMOUNT", "{0}")
# What somebody at a machine does: you …, in the simple past, and with what.
STEPS = (
    ("open", "opened", "valve"),
    ("close", "closed", "hatch"),
    ("press", "pressed", "pedal"),
    ("clean", "cleaned", "filter"),
    ("lift", "lifted", "cover"),
    ("check", "checked", "gauge"),
    ("turn", "turned", "dial"),
    ("lock", "locked", "door"),
)
ROLES = ("operator", "driver", "nurse", "cook", "guard", "pilot")
