"""The names, places and sentences that summarise items are made of."""

FIRST = tuple(
    "Anna Bruno Carla David Elena Farid Grace Henrik Ines Jonas Keiko Luis Marta Nadia Omar Paula Ravi Sofia "
    "Tomas Vera Zoë José Søren".split()
)
LAST = tuple(
    "Berg Costa Dahl Evans Fischer Garcia Hansen Ivanov Jansen Keller Lopez Meyer Novak Olsen Parker Rossi "
    "Silva Turner Vogel Weber Müller Okafor Tanaka Moreau".split()
)
CITIES = tuple(
    "Oslo Porto Leeds Ghent Turin Basel Lyon Malmö Cork Graz Bergen Utrecht Kraków Tartu Bilbao Zürich".split()
)
MONTHS = tuple("January February March April May June July August September October November December".split())
GERMAN_MONTHS = tuple("Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split())
PLACES = ("mill", "bakery", "school", "warehouse", "library", "station", "theatre", "brewery", "sawmill", "museum")
GOODS = ("kettles", "helmets", "car seats", "ladders", "heaters", "bicycles", "prams", "drills", "toasters", "tents")

# Nothing in these counts: no names, no figures.
FIRE_TALK = (
    "The weather had been dry for weeks.",
    "People nearby could smell the smoke for a long time.",
    "Traffic had to take another way.",
    "Nobody knows yet how it began.",
    "The owners have been told.",
    "Firefighters from several villages helped.",
    "It had been quiet in the street before.",
    "A crowd watched from the other side of the road.",
    "The roof is gone, but the walls still stand.",
)
OFFICE_TALK = (
    "As always, there was coffee and cake at the beginning.",
    "The minutes of the last meeting were accepted.",
    "Some members came late because of the trains.",
    "There was a long talk about the colour of the doors.",
    "The heating in the room was still out of order.",
    "Nobody had questions about the newsletter.",
    "The chair thanked everybody for the work of the last months.",
    "A proposal about parking was put off.",
    "Two guests from the town council listened.",
)
SHOP_TALK = (
    "The company has been selling household goods for a long time.",
    "Customers need not bring a receipt.",
    "Shops have put up notices at their doors.",
    "Other goods of the company are not affected.",
    "The company says that it is sorry.",
    "The authorities were informed on the same day.",
    "A hotline answers questions.",
    "Nothing like this had happened there before.",
    "Most people had noticed nothing.",
)
GERMAN_TALK = (
    "Das Wetter war seit Wochen schlecht.",
    "Alle haben sich sehr gefreut.",
    "Der Kaffee war wie immer zu dünn.",
    "Über die Farbe der Türen wurde lange gesprochen.",
    "Niemand hatte dazu Fragen.",
    "Die Heizung ging leider noch immer nicht.",
    "Der alte Saal war bis auf den letzten Platz besetzt.",
)
