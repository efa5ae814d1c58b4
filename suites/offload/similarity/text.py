"""Statements in four wordings each; `{name}`, `{city}`, `{day}`, `{n}` and `{thing}` are filled in."""

FACTS = {
    "name": ("Anna", "Bruno", "Elena", "Farid", "Grace", "Henrik", "Keiko", "Luis", "Nadia", "Omar"),
    "city": ("Oslo", "Porto", "Leeds", "Turin", "Basel", "Lyon", "Cork", "Graz", "Bergen", "Utrecht", "Tartu"),
    "n": tuple(str(number) for number in range(11, 60)),
}
BY_LANGUAGE = {
    "English": {
        "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
        "thing": ("lamp", "tent", "chair", "radio", "watch", "bike", "camera", "desk"),
    },
    "German": {
        "day": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag"),
        "thing": ("Lampe", "Uhr", "Kamera", "Jacke", "Trommel", "Leiter"),
    },
    "French": {
        "day": ("lundi", "mardi", "mercredi", "jeudi", "vendredi"),
        "thing": ("lampe", "tente", "chaise", "radio", "montre", "veste"),
    },
}

STATEMENTS = {
    "English": (
        (
            "{name} sold the {thing} to a man from {city} for {n} euros on {day}.",
            "On {day} someone from {city} paid {name} {n} euros for the {thing}.",
            "For {n} euros, a buyer from {city} got the {thing} from {name} on {day}.",
            "The {thing} went from {name} to a customer in {city} on {day}; the price was {n} euros.",
        ),
        (
            "{name} takes the train to {city} on {day}, which lasts {n} minutes.",
            "The railway journey of {name} to {city} on {day} needs {n} minutes.",
            "On {day} {name} travels by rail to {city} within {n} minutes.",
            "It is a ride of {n} minutes by train that brings {name} to {city} on {day}.",
        ),
        (
            "The meeting in {city} was moved to {day}, so {name} cancelled {n} hotel rooms.",
            "As they postponed the talks in {city} until {day}, {n} rooms were called off by {name}.",
            "{name} no longer needs {n} hotel rooms because the session in {city} is on {day} now.",
            "With the gathering in {city} put off to {day}, {name} gave back {n} rooms.",
        ),
        (
            "A storm tore the roof off the school in {city} on {day}, and {name} sent {n} children home.",
            "When the wind took the roof of the school in {city} on {day}, {n} pupils were sent home by {name}.",
            "{n} pupils had to leave on {day}, said {name}, as a gale had unroofed their school in {city}.",
            "{name} let {n} children go on {day} after the school in {city} lost its roof in a gale.",
        ),
        (
            "The doctor in {city} told {name} on {day} to swim for {n} minutes a day.",
            "{name} should be in the pool {n} minutes daily, a physician in {city} advised on {day}.",
            "On {day} a physician from {city} recommended {n} minutes of swimming each day to {name}.",
            "Daily swimming of {n} minutes is what {name} was prescribed in {city} on {day}.",
        ),
        (
            "{name} planted {n} apple trees behind the church of {city} on {day}.",
            "Behind the church in {city}, {n} apple trees were put into the ground by {name} on {day}.",
            "On {day} the ground behind the church of {city} got {n} apple trees from {name}.",
            "{n} young apple trees stand at the back of the church in {city} since {name} dug on {day}.",
        ),
    ),
    "German": (
        (
            "{name} hat die {thing} am {day} für {n} Euro nach {city} verkauft.",
            "Am {day} ging die {thing} von {name} für {n} Euro an einen Käufer in {city}.",
            "Für {n} Euro kaufte jemand aus {city} am {day} die {thing} von {name}.",
            "Ein Kunde in {city} zahlte {name} am {day} {n} Euro für die {thing}.",
        ),
        (
            "{name} fährt am {day} mit dem Zug nach {city} und ist {n} Minuten unterwegs.",
            "Die Bahnfahrt von {name} nach {city} am {day} dauert {n} Minuten.",
            "Am {day} reist {name} in {n} Minuten auf Schienen nach {city}.",
            "{n} Minuten braucht {name} am {day} mit der Bahn bis {city}.",
        ),
        (
            "Der Sturm deckte am {day} die Schule in {city} ab, und {name} schickte {n} Kinder heim.",
            "{n} Schüler durften am {day} nach Hause, sagte {name}, weil das Schuldach in {city} weggeweht war.",
            "Als der Wind am {day} das Dach der Schule in {city} fortriss, entließ {name} {n} Kinder.",
            "{name} gab {n} Kindern am {day} frei: Die Schule in {city} hatte kein Dach mehr.",
        ),
        (
            "{name} pflanzte am {day} {n} Apfelbäume hinter der Kirche von {city}.",
            "Hinter der Kirche in {city} setzte {name} am {day} {n} Apfelbäume in die Erde.",
            "Am {day} bekam der Kirchgarten von {city} {n} Apfelbäume, gepflanzt von {name}.",
            "{n} junge Apfelbäume stehen seit {day} dank {name} hinter der Kirche in {city}.",
        ),
    ),
    "French": (
        (
            "{name} a vendu la {thing} {n} euros à un homme de {city} {day}.",
            "Ce {day}, quelqu'un de {city} a payé {n} euros à {name} pour la {thing}.",
            "Pour {n} euros, un acheteur de {city} a eu {day} la {thing} de {name}.",
            "La {thing} de {name} est partie {day} chez un client de {city} au prix de {n} euros.",
        ),
        (
            "{name} prend {day} le train pour {city}, un trajet de {n} minutes.",
            "Le voyage de {name} en train vers {city} {day} dure {n} minutes.",
            "Ce {day}, {name} se rend à {city} par le rail en {n} minutes.",
            "Il faut {n} minutes à {name} pour rejoindre {city} en train {day}.",
        ),
        (
            "La tempête a arraché {day} le toit de l'école de {city}, et {name} a renvoyé {n} enfants.",
            "{n} élèves sont rentrés {day}, dit {name}, car le vent a emporté le toit de leur école à {city}.",
            "Quand l'école de {city} a perdu son toit {day}, {name} a laissé partir {n} enfants.",
            "{name} a libéré {n} élèves {day} : le vent avait emporté le toit de l'école à {city}.",
        ),
        (
            "{name} a planté {day} {n} pommiers derrière l'église de {city}.",
            "Derrière l'église de {city}, {n} pommiers ont été mis en terre {day} par {name}.",
            "Ce {day}, le jardin de l'église de {city} a reçu de {name} {n} pommiers.",
            "{n} jeunes pommiers poussent derrière l'église de {city} depuis que {name} a creusé {day}.",
        ),
    ),
}
