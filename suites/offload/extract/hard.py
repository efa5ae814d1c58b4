"""Values that must be worked out: dates, amounts, corrections, sums, and lists of which only part is wanted."""

from datetime import date, timedelta

from harness import Dice

from . import word
from .form import DATE, FLAG, NUMBER, TEXT, TIME
from .made import Made, people, person, plain


def _day(dice: Dice) -> date:
    return date(dice.whole(2023, 2028), dice.whole(1, 12), dice.whole(1, 28))


def _written(day: date, language: str) -> str:
    month = word.MONTHS[language][day.month - 1]
    return {
        "en": f"{month} {day.day}, {day.year}",
        "de": f"{day.day}. {month} {day.year}",
        "es": f"{day.day} de {month} de {day.year}",
        "fr": f"{day.day} {month} {day.year}",
    }[language]


def foreign_invoice(dice: Dice) -> Made:
    """An invoice in one of four languages: its amount as a number, its date and when it is due."""
    language = dice.pick(tuple(word.INVOICE))
    day, days, cents = _day(dice), dice.pick((10, 14, 30)), dice.whole(100_000, 999_999)
    number, seller = f"R-{dice.whole(1000, 9999)}", dice.pick(word.COMPANIES)
    # Every language but English writes 1.234,50 here.
    amount = plain(cents, ",", ".") if language == "en" else plain(cents, ".", ",")
    text = word.INVOICE[language].format(
        number=number,
        seller=seller,
        date=_written(day, language),
        product=dice.pick(word.PRODUCTS).capitalize(),
        amount=amount,
        currency="EUR",
        days=days,
    )
    return (
        {"invoice": TEXT, "seller": {"company": TEXT, "phone": TEXT}, "date": DATE, "due": DATE, "total": NUMBER},
        text,
        {
            "invoice": {"$any": [number, number.removeprefix("R-")]},
            "seller": {"company": seller, "phone": None},
            "date": day.isoformat(),
            "due": (day + timedelta(days=days)).isoformat(),
            "total": cents / 100,
        },
    )


def correction(dice: Dice) -> Made:
    """An e-mail whose author changes the quantity, the product and the place."""
    name, wrong, right = person(dice), *dice.some(word.CITIES, 2)
    first, second, dropped = dice.some(word.PRODUCTS, 3)
    count, more, other = dice.whole(2, 9), dice.whole(1, 5), dice.whole(2, 9)
    text = (
        f"Please send us {count} x {first}, {dice.whole(2, 9)} x {dropped} and {other} x {second}. No, wait: we need "
        f"{more} more of the first, and the second is not needed at all. Deliver to {right}, not to {wrong} as usual. "
        f"{name}"
    )
    return (
        {"customer": TEXT, "items": [{"product": TEXT, "quantity": NUMBER}], "city": TEXT},
        text,
        {
            "customer": name,
            "items": [{"product": first, "quantity": count + more}, {"product": second, "quantity": other}],
            "city": right,
        },
    )


def moved(dice: Dice) -> Made:
    """A chat in which a call is rescheduled twice."""
    first, second = dice.some(word.FIRST, 2)
    old, new = dice.some(word.WEEKDAYS, 2)
    hour, later = dice.whole(1, 5), dice.pick((15, 30, 45))
    text = (
        f"{first}: let us move {old}'s call to {new}, {hour} pm.\n{second}: fine, but {later} minutes later.\n"
        f"{first}: agreed, same link as last time."
    )
    return (
        {"call": {"day": TEXT, "time": TIME + ", 24h"}, "people": [TEXT], "room": TEXT},
        text,
        {"call": {"day": new, "time": f"{hour + 12}:{later}"}, "people": [first, second], "room": None},
    )


def errors(dice: Dice) -> Made:
    """A log of five lines, of which one to three are errors."""
    bad = set(dice.some(range(5), dice.whole(1, 3)))
    hour, minute = dice.whole(10, 22), dice.whole(10, 20)
    lines, wanted = [], []
    for place in range(5):
        service, code = dice.pick(word.SERVICES), dice.whole(400, 599)
        clock = f"{hour}:{minute + 7 * place}"
        level = "ERROR" if place in bad else dice.pick(("WARN", "INFO"))
        lines.append(f"{clock} {level} {service} code={code}")
        if place in bad:
            wanted.append({"time": clock, "service": service, "code": code})
    form = {"count": NUMBER, "errors": [{"time": TEXT, "service": TEXT, "code": NUMBER}]}
    text = "\n".join(lines) + "\n(Only lines of level ERROR are errors.)"
    return form, text, {"count": len(wanted), "errors": wanted}


def ledger(dice: Dice) -> Made:
    """A table with amounts in continental notation, of which only the unpaid ones count."""
    names, unpaid = people(dice, 4), set(dice.some(range(4), dice.whole(1, 3)))
    lines, wanted, total = [], [], 0
    for place, name in enumerate(names):
        cents = dice.whole(10_000, 299_999)
        lines.append(f"{name} | {plain(cents, '.', ',')} EUR | {'open' if place in unpaid else 'paid'}")
        if place in unpaid:
            wanted.append({"customer": name, "amount": cents / 100})
            total += cents
    form = {"open": [{"customer": TEXT, "amount": NUMBER}], "total_open": NUMBER}
    return form, "customer | amount | state\n" + "\n".join(lines), {"open": wanted, "total_open": total / 100}


def contract(dice: Dice) -> Made:
    """A contract: when it takes effect, a monthly part of a yearly rent, and a party that signs for another."""
    owner, tenant, agent = people(dice, 3)
    day, days, rent = _day(dice), dice.whole(5, 20), dice.whole(4, 19) * 100
    month, is_furnished = word.MONTHS["en"][day.month - 1], bool(dice.whole(0, 1))
    text = (
        f"Signed on {day.day} {month} {day.year} by {agent} on behalf of the owner, {owner}, "
        f"and by the tenant, {tenant}. It takes effect {days} days after signature. The yearly rent of "
        f"{12 * rent:,} EUR is paid in twelve equal monthly parts. The rooms are let "
        f"{'with' if is_furnished else 'without'} furniture."
    )
    return (
        {
            "owner": TEXT,
            "tenant": TEXT,
            "signed": DATE,
            "effective": DATE,
            "rent": {"monthly": NUMBER},
            "deposit": NUMBER,
            "furnished": FLAG,
        },
        text,
        {
            "owner": owner,
            "tenant": tenant,
            "signed": day.isoformat(),
            "effective": (day + timedelta(days=days)).isoformat(),
            "rent": {"monthly": rent},
            "deposit": None,
            "furnished": is_furnished,
        },
    )
