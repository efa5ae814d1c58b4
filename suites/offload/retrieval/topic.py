"""Twenty subjects of a town's notice board, each as a question and as a notice, in three languages.

`{city}`, `{n}` and `{day}` are filled in. A notice does not name the town that its question names.
"""

LANGUAGES = ("English", "German", "French")
DAYS = {
    "English": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "German": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag"),
    "French": ("lundi", "mardi", "mercredi", "jeudi", "vendredi"),
}
CITIES = ("Oslo", "Porto", "Leeds", "Turin", "Basel", "Lyon", "Cork", "Graz", "Bergen", "Utrecht", "Tartu", "Bilbao")

# Each subject: question and notice in each of the languages above.
TOPICS = {
    "library": (
        (
            "How many books may I borrow in {city}?",
            "Readers take home up to {n} volumes, and bring them back on {day}.",
        ),
        ("Wie viele Bücher darf ich in {city} ausleihen?", "Leser nehmen bis zu {n} Bände mit, Rückgabe am {day}."),
        ("Combien de livres puis-je emprunter à {city} ?", "Les lecteurs emportent {n} volumes, retour le {day}."),
    ),
    "pool": (
        ("When can I go for a swim in {city}?", "The indoor baths open on {day}; lanes close after {n} minutes."),
        (
            "Wann kann ich in {city} schwimmen gehen?",
            "Das Hallenbad öffnet am {day}; Bahnen schließen nach {n} Minuten.",
        ),
        (
            "Quand puis-je aller nager à {city} ?",
            "La piscine couverte ouvre le {day} ; couloirs fermés après {n} minutes.",
        ),
    ),
    "rubbish": (
        ("When is the rubbish collected in {city}?", "Bins are emptied on {day}, at the latest {n} minutes past six."),
        ("Wann wird in {city} der Müll abgeholt?", "Die Tonnen werden am {day} geleert, spätestens sechs Uhr {n}."),
        (
            "Quand les ordures sont-elles ramassées à {city} ?",
            "Les poubelles sont vidées le {day}, avant six heures {n}.",
        ),
    ),
    "passport": (
        ("How do I renew my passport in {city}?", "New travel documents take {n} days; bring a photo on {day}."),
        ("Wie verlängere ich in {city} meinen Pass?", "Neue Reisedokumente dauern {n} Tage; Foto am {day} mitbringen."),
        (
            "Comment renouveler mon passeport à {city} ?",
            "Un nouveau document de voyage prend {n} jours ; photo le {day}.",
        ),
    ),
    "parking": (
        ("Where may I leave my car in {city}?", "The garage below the square has {n} spaces for vehicles on {day}."),
        ("Wo darf ich in {city} mein Auto abstellen?", "Das Parkhaus unter dem Platz hat am {day} {n} Stellplätze."),
        ("Où puis-je laisser ma voiture à {city} ?", "Le parking sous la place offre {n} emplacements le {day}."),
    ),
    "doctor": (
        (
            "Who helps me in {city} if I have a fever?",
            "The surgery sees patients on {day}; expect to wait {n} minutes.",
        ),
        ("Wer hilft mir in {city} bei Fieber?", "Die Arztpraxis behandelt Kranke am {day}; Wartezeit {n} Minuten."),
        (
            "Qui m'aide à {city} si j'ai de la fièvre ?",
            "Le médecin reçoit les malades le {day} ; attente de {n} minutes.",
        ),
    ),
    "bicycle": (
        ("Who mends a flat tyre in {city}?", "The bike workshop patches tubes on {day} for {n} euros."),
        ("Wer flickt in {city} einen platten Reifen?", "Die Fahrradwerkstatt flickt Schläuche am {day} für {n} Euro."),
        (
            "Qui répare un pneu crevé à {city} ?",
            "L'atelier de vélos répare les chambres à air le {day} pour {n} euros.",
        ),
    ),
    "theatre": (
        ("Is there a play on stage in {city}?", "The actors perform a comedy on {day}; seats cost {n} euros."),
        (
            "Gibt es in {city} ein Stück auf der Bühne?",
            "Die Schauspieler zeigen am {day} eine Komödie; Plätze {n} Euro.",
        ),
        ("Y a-t-il une pièce sur scène à {city} ?", "Les acteurs jouent une comédie le {day} ; places à {n} euros."),
    ),
    "water": (
        (
            "Why is there no tap water in {city}?",
            "Because of a burst pipe, mains are shut off on {day} for {n} minutes.",
        ),
        ("Warum kommt in {city} kein Leitungswasser?", "Wegen eines Rohrbruchs ist am {day} {n} Minuten abgestellt."),
        (
            "Pourquoi n'y a-t-il pas d'eau courante à {city} ?",
            "Un tuyau a éclaté : coupure le {day} pendant {n} minutes.",
        ),
    ),
    "dog": (
        ("Must my dog be on a lead in {city}?", "Pets are kept leashed in the park, or {n} euros are due on {day}."),
        ("Muss mein Hund in {city} an die Leine?", "Haustiere sind im Park anzuleinen, sonst am {day} {n} Euro."),
        ("Mon chien doit-il être en laisse à {city} ?", "Au parc, attachez vos animaux, sinon {n} euros le {day}."),
    ),
    "school": (
        ("How do I enrol my child in {city}?", "Pupils of the first class are registered on {day}, in room {n}."),
        (
            "Wie melde ich in {city} mein Kind an?",
            "Schüler der ersten Klasse werden am {day} in Raum {n} eingeschrieben.",
        ),
        ("Comment inscrire mon enfant à {city} ?", "Les élèves de première année s'inscrivent le {day}, salle {n}."),
    ),
    "market": (
        ("Where do I get fresh vegetables in {city}?", "Farmers sell carrots and apples at {n} stalls on {day}."),
        ("Wo bekomme ich in {city} frisches Gemüse?", "Bauern verkaufen am {day} Möhren und Äpfel an {n} Ständen."),
        ("Où trouver des légumes frais à {city} ?", "Des fermiers vendent carottes et pommes sur {n} étals le {day}."),
    ),
    "wedding": (
        ("How do we get married in {city}?", "The registrar weds couples on {day}; bring witnesses, {n} guests fit."),
        ("Wie heiraten wir in {city}?", "Das Standesamt traut Paare am {day}; Trauzeugen und {n} Gäste passen."),
        ("Comment se marier à {city} ?", "La mairie unit les couples le {day} ; témoins et {n} invités tiennent."),
    ),
    "snow": (
        (
            "Who clears the icy pavement in {city}?",
            "Owners sweep snow off their footpath by {day}, within {n} minutes.",
        ),
        ("Wer räumt in {city} den vereisten Gehweg?", "Eigentümer kehren Schnee bis {day} weg, binnen {n} Minuten."),
        ("Qui déblaie le trottoir gelé à {city} ?", "Les propriétaires balaient la neige avant {day}, en {n} minutes."),
    ),
    "lost": (
        ("I left my umbrella behind in {city}, who has it?", "Found items are kept {n} days; collect them on {day}."),
        ("Ich habe in {city} meinen Schirm vergessen, wer hat ihn?", "Fundsachen bleiben {n} Tage; Abholung am {day}."),
        ("J'ai oublié mon parapluie à {city}, qui l'a ?", "Les objets trouvés restent {n} jours ; retrait le {day}."),
    ),
    "tax": (
        ("Until when do I pay what I owe {city}?", "The levy on land is due on {day}; late ones cost {n} euros."),
        ("Bis wann zahle ich {city} meine Abgaben?", "Die Grundsteuer ist am {day} fällig; Verzug kostet {n} Euro."),
        (
            "Jusqu'à quand payer ce que je dois à {city} ?",
            "L'impôt foncier est dû le {day} ; un retard coûte {n} euros.",
        ),
    ),
    "choir": (
        ("Where can I sing with others in {city}?", "The choir rehearses on {day}; {n} voices, tenors are welcome."),
        ("Wo kann ich in {city} mit anderen singen?", "Der Chor probt am {day}; {n} Stimmen, Tenöre willkommen."),
        ("Où chanter avec d'autres à {city} ?", "La chorale répète le {day} ; {n} voix, ténors bienvenus."),
    ),
    "bus": (
        ("How do I reach the station in {city}?", "Line {n} runs to the trains every quarter of an hour on {day}."),
        ("Wie komme ich in {city} zum Bahnhof?", "Linie {n} fährt am {day} jede Viertelstunde zu den Zügen."),
        ("Comment aller à la gare de {city} ?", "La ligne {n} rejoint les trains tous les quarts d'heure le {day}."),
    ),
    "noise": (
        ("Until when may we party in {city}?", "After ten, loud music is forbidden on {day}; a fine of {n} euros."),
        ("Bis wann dürfen wir in {city} feiern?", "Nach zehn ist am {day} laute Musik verboten; Strafe {n} Euro."),
        (
            "Jusqu'à quand faire la fête à {city} ?",
            "Après dix heures, pas de musique forte le {day} ; amende {n} euros.",
        ),
    ),
    "election": (
        ("Where do I cast my vote in {city}?", "Polling is in the gym on {day}; show your card at desk {n}."),
        ("Wo gebe ich in {city} meine Stimme ab?", "Gewählt wird am {day} in der Turnhalle; Karte an Tisch {n}."),
        ("Où déposer mon bulletin à {city} ?", "On vote au gymnase le {day} ; montrez votre carte au bureau {n}."),
    ),
}

# Places and services whose notices are alike but for names and figures: question and notice by language.
GRID = {
    "English": ("When does the {place} in {city} open?", "The {place} in {city} opens at {n} past nine."),
    "German": ("Wann öffnet {place} in {city}?", "Um neun Uhr {n} öffnet {place} in {city}."),
    "French": ("Quand ouvre {place} à {city} ?", "À neuf heures {n}, {place} à {city} ouvre ses portes."),
}
PLACES = {
    "English": ("museum", "post office", "bakery", "town hall", "zoo"),
    "German": ("das Museum", "das Postamt", "die Bäckerei", "das Rathaus", "der Zoo"),
    "French": ("le musée", "la poste", "la boulangerie", "la mairie", "le zoo"),
}
# What one does at each of these places, in the same order.
ERRANDS = (
    "Where can I look at old paintings in {city}?",
    "Where can I send a parcel from {city}?",
    "Where do I get bread in {city}?",
    "Where do I meet the mayor of {city}?",
    "Where can I see lions and monkeys in {city}?",
)

# A statement, and the same in other words. Every notice says the latter, all but one with another fact.
FACTS = (
    (
        "Line {n} to {city} leaves from platform {m} on {day}.",
        "On {day} you board the {n} for {city} at platform {m}.",
    ),
    (
        "{name} sold {n} lamps to a shop in {city} on {day}.",
        "A dealer in {city} bought {n} lamps from {name} on {day}.",
    ),
    (
        "{name} will meet the architect in {city} on {day} at {m}.",
        "At {m} on {day} the architect expects {name} in {city}.",
    ),
)
