"""The names, things and figures that extract items are made of."""

FIRST = tuple(
    "Anna Bruno Carla David Elena Farid Grace Henrik Ines Jonas Keiko Luis Marta Nadia Omar Paula Ravi Sofia Tomas "
    "Vera Zoë José Søren Amélie Jürgen Aiko Dmitri Chiara Babak Oksana Malik Ewa".split()
)
LAST = tuple(
    "Berg Costa Dahl Evans Fischer Garcia Hansen Ivanov Jansen Keller Lopez Meyer Novak Olsen Parker Rossi Silva "
    "Turner Vogel Weber Müller Núñez Okafor Tanaka Lindqvist Moreau Haddad Kowalska Banerjee Petrov".split()
)
ASCII = str.maketrans("ëéøüúñ", "eeouun")
CITIES = tuple(
    "Oslo Porto Leeds Ghent Turin Basel Lyon Malmö Cork Graz Bergen Utrecht Zürich Kraków Tartu Bilbao".split()
)
PRODUCTS = (
    "desk lamp",
    "office chair",
    "water bottle",
    "keyboard",
    "backpack",
    "coffee grinder",
    "notebook",
    "monitor",
    "headset",
    "paper tray",
    "whiteboard",
    "power bank",
    "label printer",
    "wall clock",
    "toolbox",
    "extension cord",
)
COMPANIES = (
    "Acorn Supplies",
    "Blue Harbor",
    "Cedar Works",
    "Delta Print",
    "Elm Street Foods",
    "Falcon Freight",
    "Granite Tools",
    "Hilltop Media",
    "Iris Optics",
    "Juniper Labs",
    "Kestrel Marine",
    "Lindner & Sohn",
)
SERVICES = tuple("auth billing search mailer cache gateway worker export scheduler indexer uploads reports".split())
FAULTS = (
    "timeout",
    "disk full",
    "connection reset",
    "out of memory",
    "permission denied",
    "bad checksum",
    "queue overflow",
    "certificate expired",
    "host unreachable",
    "invalid token",
)
PATHS = ("/login", "/orders", "/search", "/cart", "/v2/users", "/report.pdf", "/health", "/img/logo.png")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
MONTHS = {
    "en": tuple("January February March April May June July August September October November December".split()),
    "de": tuple("Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()),
    "es": tuple("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()),
    "fr": tuple("janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()),
}
INVOICE = {
    "en": "Invoice {number} from {seller}, dated {date}. {product}: {amount} {currency}. Payable within {days} days.",
    "de": "Rechnung {number} von {seller} vom {date}. {product}: {amount} {currency}. Zahlbar binnen {days} Tagen.",
    "es": "Factura {number} de {seller}, con fecha {date}. {product}: {amount} {currency}. A pagar en {days} días.",
    "fr": "Facture {number} de {seller} du {date}. {product} : {amount} {currency}. Payable sous {days} jours.",
}
