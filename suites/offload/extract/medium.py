"""Nested objects and lists, a distractor of the same kind, or a field that the text does not give."""

from harness import Dice

from . import word
from .form import NUMBER, TEXT
from .made import Made, mail, maybe, people, phone


def letter(dice: Dice) -> Made:
    """An e-mail: its sender, not its recipient."""
    name, other = people(dice, 2)
    company, rival = dice.some(word.COMPANIES, 2)
    address, number = mail(dice, name), maybe(dice, phone(dice))
    last = f"Call me on {number}." if number else dice.pick(("I prefer mail.", "No calls, please.", "Write any time."))
    text = f"Dear {other},\nI work for {company}, a partner of {rival}. My address is {address}. {last}\n{name}"
    return (
        {"sender": {"name": TEXT, "company": TEXT}, "email": TEXT, "phone": TEXT},
        text,
        {"sender": {"name": name, "company": company}, "email": address, "phone": number},
    )


def invoice(dice: Dice) -> Made:
    """An invoice with two lines, and an order number beside its own number."""
    seller = dice.pick(word.COMPANIES)
    number, order = f"R-{dice.whole(1000, 9999)}", f"A-{dice.whole(1000, 9999)}"
    items = [
        {"product": product, "quantity": dice.whole(2, 20), "price": dice.whole(5, 90)}
        for product in dice.some(word.PRODUCTS, 2)
    ]
    lines = "\n".join(f"{item['quantity']} x {item['product']}, {item['price']} EUR each" for item in items)
    text = f"{seller}, invoice {number} for your order {order}\n{lines}"
    form = {"seller": TEXT, "invoice": TEXT, "items": [{"product": TEXT, "quantity": NUMBER, "price": NUMBER}]}
    return form, text, {"seller": seller, "invoice": {"$any": [number, number.removeprefix("R-")]}, "items": items}


def status(dice: Dice) -> Made:
    """A line of a log with a nested request; the user is not always known."""
    service, fault = dice.pick(word.SERVICES), dice.pick(word.FAULTS)
    user = maybe(dice, dice.pick(word.FIRST).lower().translate(word.ASCII))
    method, path = dice.pick(("GET", "POST", "PUT", "DELETE")), dice.pick(word.PATHS)
    login = f" user={user}" if user else ""
    text = f'level=warn service={service} retry={dice.whole(1, 5)} req="{method} {path}" cause="{fault}"{login}'
    return (
        {"service": TEXT, "request": {"method": TEXT, "path": TEXT}, "cause": TEXT, "user": TEXT},
        text,
        {"service": service, "request": {"method": method, "path": path}, "cause": fault, "user": user},
    )


def table(dice: Dice) -> Made:
    """A table of three rows with a gap and a column that is not wanted."""
    gap = dice.whole(0, 2)
    rows = [
        {"name": name, "city": dice.pick(word.CITIES), "phone": None if place == gap else phone(dice)}
        for place, name in enumerate(people(dice, 3))
    ]
    lines = "\n".join(f"{dice.whole(100, 999)} | {row['name']} | {row['phone'] or '-'} | {row['city']}" for row in rows)
    form = {"people": [{"name": TEXT, "city": TEXT, "phone": TEXT}]}
    return form, f"id | name | phone | city\n{lines}", {"people": rows}


def lease(dice: Dice) -> Made:
    """A contract with two parties and a broker; the deposit is not always agreed."""
    owner, tenant, broker = people(dice, 3)
    rent, city = dice.whole(40, 190) * 10, dice.pick(word.CITIES)
    deposit = dice.whole(10, 30) * 100 if dice.whole(0, 1) else None
    last = f"The deposit is {deposit} EUR." if deposit else "Pets are allowed."
    text = (
        f"Lease of a flat in {city}, arranged by {broker}. {owner} (landlord) lets it to {tenant} (tenant) "
        f"for {rent} EUR a month. {last}"
    )
    return (
        {"parties": {"landlord": TEXT, "tenant": TEXT}, "city": TEXT, "rent": NUMBER, "deposit": NUMBER},
        text,
        {"parties": {"landlord": owner, "tenant": tenant}, "city": city, "rent": rent, "deposit": deposit},
    )
