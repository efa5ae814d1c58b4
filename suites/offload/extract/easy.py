"""Two fields, to be copied from the text."""

from harness import Dice

from . import word
from .form import NUMBER, TEXT
from .made import Made, mail, person


def contact(dice: Dice) -> Made:
    """A name and an address."""
    name = person(dice)
    address = mail(dice, name)
    opening = dice.pick(("Please write to", "Your contact is", "For questions ask", "Send the form to"))
    return {"name": TEXT, "email": TEXT}, f"{opening} {name} at {address}.", {"name": name, "email": address}


def order(dice: Dice) -> Made:
    """A product and its quantity."""
    product, count = dice.pick(word.PRODUCTS), dice.whole(2, 96)
    text = dice.pick(("Order: {} x {}.", "{} pieces of this product: {}.", "Please send: {} x {}."))
    return {"product": TEXT, "quantity": NUMBER}, text.format(count, product), {"product": product, "quantity": count}


def log(dice: Dice) -> Made:
    """A line of a log with key=value."""
    service, fault = dice.pick(word.SERVICES), dice.pick(word.FAULTS)
    level, clock = dice.pick(("ERROR", "WARN", "FATAL")), f"{dice.whole(10, 23)}:{dice.whole(10, 59)}"
    text = f'{clock} {level} service={service} msg="{fault}" id={dice.whole(100, 999)}'
    return {"service": TEXT, "msg": TEXT}, text, {"service": service, "msg": fault}


def visit(dice: Dice) -> Made:
    """Who visits which city."""
    name, city, day = person(dice), dice.pick(word.CITIES), dice.pick(word.WEEKDAYS)
    text = dice.pick(("{} visits our office in {} on {}.", "{} will be in {} this {}.", "Meet {} in {} on {}."))
    return {"name": TEXT, "city": TEXT}, text.format(name, city, day), {"name": name, "city": city}


def row(dice: Dice) -> Made:
    """A table of one row."""
    name, city, phone = person(dice), dice.pick(word.CITIES), f"555-{dice.whole(1000, 9999)}"
    text = f"name | city | phone\n{name} | {city} | {phone}"
    return {"name": TEXT, "phone": TEXT}, text, {"name": name, "phone": phone}


def sale(dice: Dice) -> Made:
    """The parties of a contract."""
    seller, buyer = dice.some(word.COMPANIES, 2)
    what = dice.pick(word.PRODUCTS)
    text = dice.pick(
        (
            f"Contract of sale ({what}s). Seller: {seller}. Buyer: {buyer}.",
            f"{seller} (the seller) and {buyer} (the buyer) agree on the sale of one {what}.",
        )
    )
    return {"seller": TEXT, "buyer": TEXT}, text, {"seller": seller, "buyer": buyer}
