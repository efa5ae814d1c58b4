"""What each label of classify means, in a sentence: a text is compared with these."""

SENTIMENT = {
    "positive": "A happy customer praises a good product.",
    "negative": "An unhappy customer complains about a bad product.",
}
SPAM = {
    "spam": "An unwanted message that promises money or prizes and wants passwords or card numbers.",
    "not spam": "An ordinary message between colleagues about meetings, papers and lunch.",
}
TOPICS = {
    "price": "How much money a product costs.",
    "delivery": "A parcel that a courier brings, on time or late.",
    "battery": "How long a device runs before it must be charged.",
    "noise": "A device that is loud, hums or rattles.",
    "service": "How staff and hotline treat customers and answer them.",
    "design": "How a product looks: its colour, shape and size.",
}
TICKETS = {
    "billing": "Invoices, receipts, and charges to a card.",
    "shipping": "Parcels on their way, delivery addresses and couriers.",
    "technical": "A device that does not work, error codes, connections and updates.",
    "account": "Logging in, passwords, user names and profiles.",
    "returns": "Sending a product back or swapping it for another one.",
    "sales": "Advice, discounts and stock before an order.",
}
LANGUAGES = {
    "English": "A sentence in English.",
    "German": "Ein Satz auf Deutsch.",
    "French": "Une phrase en français.",
    "Spanish": "Una frase en español.",
    "Italian": "Una frase in italiano.",
    "Dutch": "Een zin in het Nederlands.",
    "Polish": "Zdanie po polsku.",
    "Finnish": "Lause suomeksi.",
}
INTENTS = {
    "cancel order": "The customer no longer wants what was ordered and asks not to ship it.",
    "change quantity": "The customer wants more or fewer pieces than were ordered.",
    "change address": "The order is to be sent to another street or town.",
    "change date": "The order is to be delivered on another day.",
    "track parcel": "The customer asks where the parcel is now.",
    "return item": "The customer has the goods and asks how to send them back.",
    "refund status": "The goods were sent back, and the customer waits for the money.",
    "report defect": "The goods are broken or stopped working.",
    "wrong item": "Another product came than the one that was ordered.",
    "missing part": "A part or accessory was not in the box.",
    "ask manual": "The customer asks how to use or clean the product.",
    "ask feature": "Before buying, somebody asks what the product can do.",
    "ask stock": "Somebody asks when a sold out product is available again.",
    "ask discount": "Somebody asks for a lower price or a code.",
    "invoice copy": "The customer needs the bill once more.",
    "wrong charge": "Too much money was taken, or for something never ordered.",
    "payment failed": "The customer tries to pay, and the payment is declined.",
    "reset password": "The customer cannot log in and needs a new password.",
    "close account": "The customer wants all personal data and the profile deleted.",
}
TONES = {
    "satisfied": "The author is content with the product after all.",
    "dissatisfied": "The author mocks the product, and is not content with it.",
    "no opinion": "The author only states facts or asks a question, and judges nothing.",
}
