"""The items of extract, made from templates and a seed."""

from collections.abc import Callable, Sequence
from typing import Any

from harness import Dice, Fields, Sample, Task

from . import word

Made = tuple[str, str, dict[str, Any]]
"""What to extract (keys and their form), the text, and the target."""

SYSTEM = "You extract data. Answer with one line of JSON."


def _person(dice: Dice) -> str:
    return f"{dice.pick(word.FIRST)} {dice.pick(word.LAST)}"


def _mail(dice: Dice, name: str) -> str:
    first, last = name.lower().split()
    return f"{dice.pick((first, f'{first}.{last}', f'{first[0]}{last}'))}@{dice.pick(('mail', 'post', 'corp'))}.example"


def _contact(dice: Dice) -> Made:
    name = _person(dice)
    mail = _mail(dice, name)
    opening = dice.pick(("Please write to", "Your contact is", "For questions ask", "Send the form to"))
    return "name, email", f"{opening} {name} at {mail}.", {"name": name, "email": mail}


def _order(dice: Dice) -> Made:
    product, count = dice.pick(word.PRODUCTS), dice.whole(2, 48)
    text = dice.pick(("We would like {} pieces of the {}.", "Order: {} x {}.", "Please ship {} units of {}."))
    return "product, quantity (number)", text.format(count, product), {"product": product, "quantity": count}


def _log(dice: Dice) -> Made:
    service, fault = dice.pick(word.SERVICES), dice.pick(word.FAULTS)
    text = f'{dice.whole(10, 23)}:{dice.whole(10, 59)} ERROR service={service} msg="{fault}" id={dice.whole(100, 999)}'
    return "service, msg", text, {"service": service, "msg": fault}


def _visit(dice: Dice) -> Made:
    name, city, day = _person(dice), dice.pick(word.CITIES), dice.pick(word.WEEKDAYS)
    text = dice.pick(("{} visits our office in {} on {}.", "{} will be in {} this {}.", "Meet {} in {} on {}."))
    return "name, city", text.format(name, city, day), {"name": name, "city": city}


def _two_people(dice: Dice) -> Made:
    asker, expert = dice.some(word.FIRST, 2)
    name, other = f"{asker} {dice.pick(word.LAST)}", f"{expert} {dice.pick(word.LAST)}"
    company, mail = dice.pick(word.COMPANIES), _mail(dice, name)
    text = f"Hi {other}, this is {name} from {company}. My address is {mail}. Regards"
    return "sender, company, email", text, {"sender": name, "company": company, "email": mail}


def _missing_phone(dice: Dice) -> Made:
    name, city = _person(dice), dice.pick(word.CITIES)
    phone = f"555-{dice.whole(1000, 9999)}" if dice.whole(0, 2) == 0 else None
    last = f"Phone: {phone}." if phone else dice.pick(("Prefers letters.", "No calls, please.", "Ask for a number."))
    return (
        "name, city, phone",
        f"New client {name}, lives in {city}. {last}",
        {"name": name, "city": city, "phone": phone},
    )


def _invoice(dice: Dice) -> Made:
    company, number, order = dice.pick(word.COMPANIES), dice.whole(1000, 9999), dice.whole(10000, 99999)
    total = dice.whole(20, 900)
    text = f"{company}, invoice no. {number} for your order {order}. Total due: {total} EUR."
    return "company, invoice (number), total (number)", text, {"company": company, "invoice": number, "total": total}


def _status(dice: Dice) -> Made:
    service, fault = dice.pick(word.SERVICES), dice.pick(word.FAULTS)
    user = dice.pick(word.FIRST).lower() if dice.whole(0, 1) else None
    text = f'level=warn service={service} retry={dice.whole(1, 5)} cause="{fault}"' + (f" user={user}" if user else "")
    return "service, cause, user", text, {"service": service, "cause": fault, "user": user}


def _due_date(dice: Dice) -> Made:
    day, month, year = dice.whole(1, 28), dice.whole(1, 12), dice.whole(2023, 2027)
    whole, cents = dice.whole(1, 9), dice.whole(100, 999)
    written = dice.pick((f"{word.MONTHS[month - 1]} {day}, {year}", f"{day} {word.MONTHS[month - 1]} {year}"))
    text = f"The sum of {whole},{cents}.50 euros is due on {written}."
    target = {"date": f"{year}-{month:02d}-{day:02d}", "amount": float(f"{whole}{cents}.5")}
    return "date (YYYY-MM-DD), amount (number)", text, target


def _correction(dice: Dice) -> Made:
    wrong, right = dice.some(word.CITIES, 2)
    name, count = _person(dice), dice.whole(2, 9)
    more = dice.whole(1, 5)
    text = f"{name} ordered {count} chairs, no wait, {more} more than that, to be sent to {right} and not to {wrong}."
    return "name, quantity (number), city", text, {"name": name, "quantity": count + more, "city": right}


def _move(dice: Dice) -> Made:
    old, new = dice.some(word.WEEKDAYS, 2)
    first, second = dice.some(word.FIRST, 2)
    hour = dice.whole(1, 6)
    text = f"{first}: let us move {old}'s call to {new}, {hour} pm. {second}: fine, but half an hour later."
    return "day, time (HH:MM, 24h), host", text, {"day": new, "time": f"{hour + 12}:30", "host": None}


def _refund(dice: Dice) -> Made:
    price, count, back = dice.whole(11, 60), dice.whole(3, 6), dice.whole(1, 2)
    product, company = dice.pick(word.PRODUCTS), dice.pick(word.COMPANIES)
    text = f"{count} x {product} at {price} EUR each from {company}; {back} came broken and must be refunded."
    return (
        "product, refund (number, EUR), seller",
        text,
        {"product": product, "refund": price * back, "seller": company},
    )


TIERS: tuple[tuple[Callable[[Dice], Made], ...], ...] = (
    (_contact, _order, _log, _visit),
    (_two_people, _missing_phone, _invoice, _status),
    (_due_date, _correction, _move, _refund),
)


def _sample(seed: int, index: int) -> Sample:
    tier = index % len(TIERS) + 1
    templates = TIERS[tier - 1]
    template = templates[index // len(TIERS) % len(templates)]
    keys, text, target = template(Dice("extract", seed, index))
    return Sample(
        item_id=f"extract-{seed}-{index:04d}",
        prompt=f"Extract {keys} as JSON. Use null for what is not given.\nText: {text}\nJSON:",
        system_prompt=SYSTEM,
        target=target,
        tier=tier,
        cluster_id=template.__name__.lstrip("_"),
    )


def generate(seed: int, n: int) -> Sequence[Sample]:
    """Return the first n samples of the seed: easy, medium, hard in turn."""
    return [_sample(seed, index) for index in range(n)]


TASK = Task(
    name="extract",
    task_class="extract",
    generate=generate,
    scorer=Fields(),
    max_output_tokens=96,
    prompt_tokens=160,
    description="short business texts to one flat JSON object",
)
