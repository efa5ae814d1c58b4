"""Functions to review. A marked line has a right form and wrong ones: `right  #! kind: wrong`.

Each template is Python that runs, with names in braces that are filled in; what follows `#!` never reaches a prompt.
Several marks on one line are several possible bugs. `CALLS` tell each bug from the right code: a test runs both.
"""

from dataclasses import dataclass

KINDS = {
    "wrong arithmetic": "+ for -, * for /, and the like; never a comparison",
    "off by one": "an index, a range or a count one too far or one short",
    "inverted condition": "a test that should be the opposite",
    "wrong variable": "another variable is used than was meant",
    "wrong start value": "a counter, sum or result begins with a wrong value",
    "missing update": "a line that should change a variable leaves it as it is",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A function with its possible bugs.

    Attributes:
        text: the template.
        calls: expressions; for each bug, at least one of them gives a different value (or error) than the right code.
    """

    text: str
    calls: tuple[str, ...]


EASY = (
    Program(
        text='''\
def {f}({a}, {b}):
    """Return the sum of {a} and {b}."""
    return {a} + {b}  #! wrong arithmetic: return {a} - {b} #! wrong variable: return {a} + {a}''',
        calls=("{f}(5, 3)",),
    ),
    Program(
        text='''\
def {f}({a}, {b}):
    """Return how much larger {a} is than {b}."""
    return {a} - {b}  #! wrong arithmetic: return {a} + {b} #! wrong variable: return {a} - {a}''',
        calls=("{f}(9, 4)",),
    ),
    Program(
        text='''\
def {f}({items}):
    """Return the last element of {items}."""
    return {items}[len({items}) - 1]  #! off by one: return {items}[len({items})]''',
        calls=("{f}([1, 2, 3])",),
    ),
    Program(
        text='''\
def {f}({a}, {b}):
    """Return the larger of two numbers."""
    if {a} > {b}:  #! inverted condition: if {a} < {b}:
        return {a}  #! wrong variable: return {b}
    return {b}  #! wrong variable: return {a}''',
        calls=("{f}(5, 3)", "{f}(3, 5)"),
    ),
    Program(
        text='''\
def {f}({items}):
    """Return how many elements {items} has."""
    {n} = 0  #! wrong start value: {n} = 5
    for {x} in {items}:
        {n} = {n} + 1  #! wrong arithmetic: {n} = {n} - 1 #! missing update: {n} + 1
    return {n}  #! wrong variable: return {x}''',
        calls=("{f}([7, 8, 9, 9])",),
    ),
    Program(
        text='''\
def {f}({a}, {b}):
    """Return the area of a rectangle of {a} by {b}."""
    {n} = {a} * {b}  #! wrong arithmetic: {n} = {a} + {b} #! wrong variable: {n} = {a} * {a}
    return {n}''',
        calls=("{f}(5, 3)",),
    ),
    Program(
        text='''\
def {f}({n}):
    """Return the numbers from 1 to {n}, both included."""
    return list(range(1, {n} + 1))  #! off by one: return list(range(1, {n}))''',
        calls=("{f}(5)",),
    ),
    Program(
        text='''\
def {f}({a}):
    """Return True when {a} is even."""
    return {a} % 2 == 0  #! inverted condition: return {a} % 2 != 0 #! wrong arithmetic: return {a} * 2 == 0''',
        calls=("{f}(4)", "{f}(5)"),
    ),
)
MEDIUM = (
    Program(
        text='''\
def {f}({items}, {limit}):
    """Return the sum of the elements of {items} that are above {limit}."""
    {n} = 0  #! wrong start value: {n} = 10
    for {x} in {items}:
        if {x} > {limit}:  #! inverted condition: if not {x} > {limit}:
            {n} += {x}  #! wrong arithmetic: {n} -= {x} #! wrong variable: {n} += {limit}
    return {n}''',
        calls=("{f}([7, 2, 9], 4)", "{f}([], 4)"),
    ),
    Program(
        text='''\
def {f}({text}):
    """Return {text} from its last character to its first."""
    {n} = ""  #! wrong start value: {n} = " "
    for {i} in range(len({text}) - 1, -1, -1):  #! off by one: for {i} in range(len({text}) - 1, 0, -1):
        {n} += {text}[{i}]  #! missing update: {n} + {text}[{i}]
    return {n}  #! wrong variable: return {text}''',
        calls=("{f}('abcd')",),
    ),
    Program(
        text='''\
def {f}({items}):
    """Return the mean of {items}, or 0 when there are none."""
    if not {items}:  #! inverted condition: if {items}:
        return 0
    {n} = 0  #! wrong start value: {n} = 100
    for {x} in {items}:
        {n} += {x}  #! wrong arithmetic: {n} *= {x}
    return {n} / len({items})  #! wrong arithmetic: return {n} * len({items})''',
        calls=("{f}([2, 4, 9])", "{f}([])"),
    ),
    Program(
        text='''\
def {f}({items}, {wanted}):
    """Return the first place of {wanted} in {items}, counted from 0, or -1."""
    {i} = 0  #! wrong start value: {i} = 3
    while {i} < len({items}):
        if {items}[{i}] == {wanted}:  #! inverted condition: if {items}[{i}] != {wanted}:
            return {i}  #! wrong variable: return {wanted} #! off by one: return {i} + 1
        {i} += 1  #! wrong arithmetic: {i} -= 1
    return -1''',
        calls=("{f}([4, 5, 6], 6)", "{f}([4, 5, 6], 4)", "{f}([4, 5], 9)"),
    ),
    Program(
        text='''\
def {f}({items}):
    """Return the largest difference between two neighbours of {items}."""
    {n} = 0  #! wrong start value: {n} = 99
    for {i} in range(1, len({items})):  #! off by one: for {i} in range(1, len({items}) - 1):
        {x} = abs({items}[{i}] - {items}[{i} - 1])  #! wrong arithmetic: {x} = abs({items}[{i}] + {items}[{i} - 1])
        if {x} > {n}:  #! inverted condition: if not {x} > {n}:
            {n} = {x}  #! wrong variable: {n} = {i}
    return {n}''',
        calls=("{f}([1, 9, 8])", "{f}([3, 4])"),
    ),
    Program(
        text='''\
def {f}({text}):
    """Return how often each word occurs in {text}."""
    {items} = {{}}
    for {x} in {text}.split():
        if {x} not in {items}:  #! inverted condition: if {x} in {items}:
            {items}[{x}] = 0  #! wrong start value: {items}[{x}] = 9
        {items}[{x}] += 1  #! wrong arithmetic: {items}[{x}] -= 1 #! missing update: {items}[{x}] + 1
    return {items}  #! wrong variable: return {text}''',
        calls=("{f}('to be or not to be')",),
    ),
)
HARD = (
    Program(
        text='''\
def {f}({items}, {limit}):
    """Return {items} cut into lists of {limit} elements; the last one may be shorter."""
    {n} = []
    {x} = []
    for {a} in {items}:
        {x}.append({a})  #! wrong variable: {x}.append({limit})
        if len({x}) == {limit}:  #! inverted condition: if len({x}) != {limit}:
            {n}.append({x})  #! wrong variable: {n}.append({items})
            {x} = []  #! missing update: {x}[:]
    if {x}:  #! inverted condition: if not {x}:
        {n}.append({x})
    return {n}''',
        calls=("{f}([1, 2, 3, 4, 5], 2)", "{f}([1, 2, 3, 4], 2)"),
    ),
    Program(
        text='''\
def {f}({items}, {wanted}):
    """Return the place of {wanted} in the sorted list {items}, or -1."""
    {a} = 0  #! wrong start value: {a} = 3
    {b} = len({items}) - 1
    while {a} <= {b}:
        {i} = ({a} + {b}) // 2  #! wrong arithmetic: {i} = ({a} - {b}) // 2
        if {items}[{i}] == {wanted}:
            return {i}  #! wrong variable: return {a}
        if {items}[{i}] < {wanted}:  #! inverted condition: if not {items}[{i}] < {wanted}:
            {a} = {i} + 1
        else:
            {b} = {i} - 1
    return -1''',
        calls=("{f}([2, 4, 6, 8], 2)", "{f}([2, 4, 6, 8], 8)", "{f}([2, 4, 6, 8, 9], 4)", "{f}([2, 4, 6, 8, 9], 6)"),
    ),
    Program(
        text='''\
def {f}({items}):
    """Return the longest run of equal neighbours in {items} as (element, length)."""
    {a} = {items}[0]
    {n} = 1  #! wrong start value: {n} = 6
    {b} = 1
    for {i} in range(1, len({items})):  #! off by one: for {i} in range(1, len({items}) - 1):
        if {items}[{i}] == {items}[{i} - 1]:  #! inverted condition: if {items}[{i}] != {items}[{i} - 1]:
            {b} += 1  #! wrong arithmetic: {b} -= 1
        else:
            {b} = 1
        if {b} > {n}:
            {n} = {b}  #! wrong variable: {n} = {i}
            {a} = {items}[{i}]  #! wrong variable: {a} = {items}[{n}]
    return {a}, {n}  #! wrong variable: return {a}, {b}''',
        calls=("{f}([1, 4, 4, 4, 2, 3])", "{f}([7, 7, 1])", "{f}([1, 2, 2])", "{f}([1, 2, 3])"),
    ),
    Program(
        text='''\
def {f}({items}):
    """Return the balance after each booking, a list of (kind, amount); "out" takes money away."""
    {n} = 0  #! wrong start value: {n} = 10
    {x} = []
    for {a}, {b} in {items}:
        if {a} == "out":  #! inverted condition: if {a} != "out":
            {b} = -{b}  #! missing update: -{b}
        {n} += {b}  #! wrong arithmetic: {n} -= {b} #! missing update: {n} + {b}
        {x}.append({n})  #! wrong variable: {x}.append({b})
    return {x}''',
        calls=("{f}([('in', 9), ('out', 4), ('in', 1)])",),
    ),
    Program(
        text='''\
def {f}({a}, {b}):
    """Return the two sorted lists {a} and {b} merged into one sorted list."""
    {n} = []
    {i} = 0
    {j} = 0
    while {i} < len({a}) and {j} < len({b}):
        if {a}[{i}] < {b}[{j}]:  #! inverted condition: if not {a}[{i}] < {b}[{j}]:
            {n}.append({a}[{i}])  #! wrong variable: {n}.append({b}[{i}])
            {i} += 1
        else:
            {n}.append({b}[{j}])
            {j} += 1
    {n}.extend({a}[{i}:])  #! off by one: {n}.extend({a}[{i} + 1:])
    {n}.extend({b}[{j}:])  #! off by one: {n}.extend({b}[{j} + 1:]) #! wrong variable: {n}.extend({b}[{i}:])
    return {n}''',
        calls=("{f}([1, 3, 5, 9], [2, 4, 6])", "{f}([1, 3], [2, 8, 9, 10])", "{f}([5, 6], [1, 7])"),
    ),
)
HEADS: tuple[tuple[str, ...], ...] = (
    (),
    ("",),
    ("# Checked by hand in spring.", ""),
    ("import logging", "", "log = logging.getLogger(__name__)", ""),
    ("VERSION = 3", "", ""),
)
"""What may stand above the function, so that a line's number cannot be guessed from the function's length."""

NAMES = {
    "f": ("solve", "compute", "run_step", "work_out", "apply_rule", "process", "evaluate", "derive"),
    "a": ("a", "first", "left", "one", "p"),
    "b": ("b", "second", "right", "two", "q"),
    "items": ("items", "values", "numbers", "rows", "data"),
    "text": ("text", "line", "phrase", "source"),
    "n": ("result", "total", "answer", "out", "found"),
    "x": ("x", "value", "entry", "part", "item"),
    "i": ("i", "place", "index", "k"),
    "j": ("j", "other", "m", "pos"),
    "limit": ("limit", "size", "bound", "step"),
    "wanted": ("wanted", "goal", "key", "needle"),
}
