"""The texts that classify items are made of. `{thing}`, `{city}`, `{n}` and `{day}` are filled in."""

THINGS = (
    "phone",
    "lamp",
    "kettle",
    "jacket",
    "tent",
    "chair",
    "radio",
    "bag",
    "watch",
    "printer",
    "blender",
    "bike",
    "toaster",
    "heater",
    "camera",
    "desk",
    "fan",
    "speaker",
    "mixer",
    "drill",
)
CITIES = ("Oslo", "Porto", "Leeds", "Turin", "Basel", "Lyon", "Cork", "Graz", "Bergen", "Utrecht", "Tartu", "Bilbao")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")

# Each review is one of each column.
SENTIMENT = {
    "positive": (
        ("I love this {thing}.", "Best {thing} I ever had.", "Very happy with the {thing}.", "Wonderful {thing}."),
        ("Great value.", "It works perfectly.", "Fast delivery.", "Superb quality.", "Beautiful and well made."),
        ("I recommend it.", "I would buy it again.", "Five stars.", "Thank you!", "Fantastic!"),
    ),
    "negative": (
        ("I hate this {thing}.", "Worst {thing} I ever had.", "Very unhappy with the {thing}.", "Terrible {thing}."),
        ("Waste of money.", "It broke after {n} days.", "Late delivery.", "Poor quality.", "Ugly and badly made."),
        ("Avoid it.", "I would never buy it again.", "One star.", "I want a refund!", "Horrible!"),
    ),
}
SPAM = {
    "spam": (
        ("WINNER!!!", "Congratulations!", "URGENT!", "Dear lucky friend,", "Limited offer!!!"),
        (
            "You have won a free {thing}.",
            "Earn {n},000 dollars a day from home.",
            "Your account in {city} is locked.",
            "Cheap pills, {n} percent off.",
            "A prince in {city} wants to send you {n} million dollars.",
        ),
        ("Click here now!", "Send your card number today.", "Reply with your password.", "Act now!!!"),
    ),
    "not spam": (
        ("Hi,", "Good morning,", "Hello team,", "Hi all,", "Dear colleagues,"),
        (
            "the meeting about the {thing} is on {day}.",
            "I will be in {city} on {day}.",
            "attached are the minutes, {n} pages.",
            "lunch in {city} at {n} past twelve?",
            "the {thing} in room {n} works again.",
        ),
        ("See you then.", "Thanks and regards.", "Let me know if that suits you.", "Have a nice day."),
    ),
}

LANGUAGES = {
    "English": (
        "The train to {city} leaves at {n} past nine.",
        "I would like {n} loaves of bread.",
        "She lost her key in {city}.",
        "We waited {n} minutes in the rain.",
    ),
    "German": (
        "Der Zug nach {city} fährt um neun Uhr {n}.",
        "Ich hätte gern {n} Brote.",
        "Sie hat in {city} ihren Schlüssel verloren.",
        "Wir haben {n} Minuten im Regen gewartet.",
    ),
    "French": (
        "Le train pour {city} part à neuf heures {n}.",
        "Je voudrais {n} pains, merci.",
        "Elle a perdu sa clé à {city}.",
        "Nous avons attendu {n} minutes sous la pluie.",
    ),
    "Spanish": (
        "El tren para {city} sale a las nueve y {n}.",
        "Quisiera {n} panes, gracias.",
        "Ella perdió su llave en {city}.",
        "Esperamos {n} minutos bajo la lluvia.",
    ),
    "Italian": (
        "Il treno per {city} parte alle nove e {n}.",
        "Vorrei {n} pagnotte, grazie.",
        "Ha perso la chiave a {city}.",
        "Abbiamo aspettato {n} minuti sotto la pioggia.",
    ),
    "Dutch": (
        "De trein naar {city} vertrekt om {n} over negen.",
        "Ik wil graag {n} broden.",
        "Zij is in {city} haar sleutel kwijtgeraakt.",
        "Wij hebben {n} minuten in de regen gewacht.",
    ),
    "Polish": (
        "Pociąg do {city} odjeżdża o dziewiątej {n}.",
        "Poproszę {n} chleby.",
        "Zgubiła klucz w {city}.",
        "Czekaliśmy {n} minut na deszczu.",
    ),
    "Finnish": (
        "Juna kaupunkiin {city} lähtee kello yhdeksän {n}.",
        "Haluaisin {n} leipää, kiitos.",
        "Hän kadotti avaimensa, kaupunki oli {city}.",
        "Odotimme sateessa {n} minuuttia.",
    ),
    "other": (
        "{city} şehrine giden tren dokuzu {n} geçe kalkıyor.",  # noqa: RUF001  (Turkish)
        "Szeretnék {n} kenyeret, köszönöm.",
        "Hon tappade sin nyckel i {city}.",
        "Am așteptat {n} minute în ploaie.",
    ),
}

TICKETS = {
    "billing": (
        "I was charged twice for the {thing}.",
        "The invoice for my {thing} is {n} euros too high.",
        "Which card did you charge for the {thing}?",
        "Please send me a receipt for the {thing}.",
    ),
    "shipping": (
        "My {thing} has not arrived yet.",
        "The parcel with the {thing} is stuck in {city} since {day}.",
        "Can you deliver the {thing} to {city} instead?",
        "The courier left the {thing} with a neighbour.",
    ),
    "technical": (
        "The {thing} does not turn on.",
        "The app cannot find my {thing} over Bluetooth.",
        "After the update the {thing} restarts all the time.",
        "The {thing} shows error code {n}.",
    ),
    "account": (
        "I cannot log in since {day}; I only want to see my {thing} order.",
        "How do I change my password? I bought a {thing}.",
        "Please delete my profile; I no longer need a {thing}.",
        "My user name still says {city}, not {thing}fan{n}.",
    ),
    "returns": (
        "The {thing} is too small. How do I send it back?",
        "I want to give the {thing} back within the {n} days.",
        "Where is the return label for the {thing}?",
        "I do not like the {thing}; can I swap it for another one?",
    ),
    "sales": (
        "Which {thing} do you recommend for a flat of {n} square metres?",
        "Is there a discount if I buy {n} of the {thing}?",
        "Will the {thing} be in your shop in {city} again?",
        "Before I order: does the {thing} come in blue?",
    ),
}

INTENTS = {
    "cancel order": (
        "Forget about the {thing}, I no longer need it sent.",
        "Stop the {thing} before it leaves your warehouse.",
        "I changed my mind about the {thing} from this morning; do not ship it.",
    ),
    "change quantity": (
        "Make that {n} of the {thing} instead of one.",
        "I typed {n} but meant just one {thing}.",
        "Could you add another {thing} to the one that I ordered on {day}?",
    ),
    "change address": (
        "I moved to {city}; send the {thing} there.",
        "The {thing} should go to my office, not to my home.",
        "Wrong street on my {thing} order, can you correct it?",
    ),
    "change date": (
        "Do not cancel my {thing}, just send it a week later.",
        "I am away on {day}; bring the {thing} the day after.",
        "Can the {thing} come earlier than {day}?",
    ),
    "track parcel": (
        "Where is my {thing} right now?",
        "Has the {thing} left {city} yet?",
        "You said {day}, but no {thing} so far. How far is it?",
    ),
    "return item": (
        "The {thing} came, but it is not for me. Where do I send it?",
        "How do I get the {thing} back to you? It is too small.",
        "I opened the {thing} and do not want to keep it.",
    ),
    "refund status": (
        "You got the {thing} back on {day}. When do I see my {n} euros?",
        "It is {n} days since I sent the {thing} back and my bank shows nothing.",
        "Has the money for the returned {thing} been sent?",
    ),
    "report defect": (
        "The {thing} went dead after {n} minutes.",
        "There is a crack in the {thing}.",
        "The {thing} makes a burning smell.",
    ),
    "wrong item": (
        "I ordered a {thing} and found a box of socks.",
        "This is a {thing} for children; I bought the other one.",
        "The label says {thing}, but inside was something else.",
    ),
    "missing part": (
        "No cable came with the {thing}.",
        "The {thing} has {n} screws too few.",
        "The {thing} is fine, but where is its cover?",
    ),
    "ask manual": (
        "How do I clean the {thing}?",
        "What does the red light on the {thing} mean?",
        "Which button of the {thing} sets the clock?",
    ),
    "ask feature": (
        "Does the {thing} also work abroad?",
        "I have not bought the {thing} yet: is it waterproof?",
        "How long does the {thing} last on one charge?",
    ),
    "ask stock": (
        "When will you have the {thing} again?",
        "Sold out since {day}! Is another {thing} coming?",
        "Are there any {thing}s left in {city}?",
    ),
    "ask discount": (
        "What would {n} pieces of the {thing} cost each?",
        "Is the {thing} cheaper for students?",
        "Do you have a code for the {thing}?",
    ),
    "invoice copy": (
        "My accountant needs the paper for the {thing}.",
        "I lost the bill of the {thing}; mail it again.",
        "Please send the {thing} receipt with my company's name, once more.",
    ),
    "wrong charge": (
        "{n} euros left my card for one {thing} that costs half of that.",
        "You took the money for the {thing} twice.",
        "I paid for a {thing} that I never ordered.",
    ),
    "payment failed": (
        "The shop refuses my card when I buy the {thing}.",
        "Checkout ends in an error after I enter my bank, {thing} still in cart.",
        "I tried {n} times to pay for the {thing}; it says declined.",
    ),
    "reset password": (
        "I forgot what I need to type to log in and see my {thing}.",
        "Your site says my secret word is wrong, and I want the {thing}.",
        "Locked out since {day}. Let me choose a new login code, my {thing} is waiting.",
    ),
    "close account": (
        "Delete everything you have about me, even the {thing} of last year.",
        "I never want to shop with you again, remove my profile. Keep the {thing}.",
        "Take me out of your customer list; I only bought a {thing} once.",
    ),
    "other": (
        "My neighbour has a {thing} too. Nice weather in {city} today.",
        "Are you hiring people in {city} who can repair a {thing}?",
        "Thanks, the {thing} arrived, all is well. No need to answer.",
    ),
}

TONES = {
    "satisfied": (
        "I feared the worst after {n} bad reviews, but the {thing} proved them wrong.",
        "Not a single complaint about the {thing}, and that from me.",
        "My husband said the {thing} was a waste. He apologised on {day}.",
        "I could not have asked for a better {thing}.",
    ),
    "dissatisfied": (
        "Oh great, the {thing} broke on day one. Well done.",
        "What a joy: the {thing} smells of smoke. I expected better of you.",
        "If you like noise and dust, this {thing} is perfect for you. I sent mine back.",
        "The {thing} lasted a whole {n} minutes. Bravo.",
    ),
    "undecided": (
        "The {thing} is lovely to look at and useless to hold. I cannot decide.",
        "Good {thing}, bad battery: on balance neither pleased nor angry.",
        "Half of me wants to keep the {thing}, the other half wants its {n} euros back.",
        "Ask me about the {thing} again in a month; so far it is so-so.",
    ),
    "no opinion": (
        "The {thing} weighs {n} kilos and was made in {city}.",
        "Does anybody know whether the {thing} fits a shelf of {n} cm?",
        "I ordered the {thing} on {day}; it is on its way.",
        "This review is about the wrong product, please ignore it. I own no {thing}.",
    ),
}

# Sentences of one message, each about one topic.
TOPICS = {
    "price": ("It costs {n} euros more than in {city}.", "For that money I expected more."),
    "delivery": ("The parcel came {n} days late.", "The courier threw it over the fence."),
    "battery": ("It runs out after {n} minutes.", "I have to charge it twice a day."),
    "noise": ("It hums so loudly that I cannot sleep.", "My neighbours hear it through the wall."),
    "service": ("Nobody has answered my {n} mails.", "The lady on your hotline was rude."),
    "design": ("The colour looks nothing like the photo.", "It is far too big for a shelf."),
}
OPENINGS = (
    "About the {thing} I bought on {day}:",
    "My {thing}, order {n}:",
    "The {thing} again.",
    "Regarding the {thing}:",
)
