"""The texts that classify items are made of. `{}` is filled with a thing, so that texts repeat less."""

THINGS = ("phone", "lamp", "kettle", "jacket", "tent", "chair", "radio", "bag", "watch", "printer", "blender", "bike")

PRAISE = (
    "I love this {}. Great value.",
    "Best {} I ever had.",
    "Works perfectly, very happy with the {}.",
    "Wonderful {}, fast delivery.",
    "The {} is excellent and easy to use.",
    "Superb quality, I recommend the {}.",
    "This {} made my day. Fantastic!",
    "Beautiful {}, well made.",
)
BLAME = (
    "I hate this {}. Waste of money.",
    "Worst {} I ever had.",
    "The {} broke after two days, very unhappy.",
    "Terrible {}, late delivery.",
    "The {} is awful and hard to use.",
    "Poor quality, avoid this {}.",
    "This {} ruined my day. Horrible!",
    "Ugly {}, badly made.",
)

TICKETS = {
    "billing": (
        "I was charged twice for the {}.",
        "The invoice for my {} shows a wrong amount.",
        "Which card did you charge for the {}?",
        "Please send me a receipt for the {}.",
    ),
    "shipping": (
        "My {} has not arrived yet.",
        "The tracking page for the {} is stuck since Monday.",
        "Can you deliver the {} to another address?",
        "The courier left the {} with a neighbour.",
    ),
    "technical": (
        "The {} does not turn on.",
        "The app cannot find my {} over Bluetooth.",
        "After the update the {} restarts all the time.",
        "The {} shows error code 12.",
    ),
    "account": (
        "I cannot log in to look at my {} order.",
        "How do I change the password of the shop?",
        "Please delete my profile; I only bought a {}.",
        "My user name has a typo, can you correct it?",
    ),
}

INTENTS = {
    "cancel order": (
        "Forget about the {}, I no longer need it sent.",
        "Please stop the {} before it leaves your warehouse.",
        "I changed my mind about the {} from this morning; do not ship it.",
    ),
    "return item": (
        "The {} came, but it is not for me. Where do I send it?",
        "I have had the {} for a week and want my money back.",
        "The {} is too small. How do I get it back to you?",
    ),
    "change order": (
        "Make that two of the {} instead of one.",
        "Could the {} come in green rather than blue?",
        "Do not cancel my {}, just send it a week later.",
    ),
    "complaint": (
        "Oh great, the {} broke on day one. Well done.",
        "Nobody has answered my three mails about the {}. Unacceptable.",
        "What a joy: the {} smells of smoke. I expected better of you.",
    ),
    "product question": (
        "Does the {} also work abroad?",
        "I have not bought the {} yet: is it waterproof?",
        "How long does the {} last on one charge?",
    ),
    "other": (
        "My neighbour has a {} too. Nice weather today.",
        "Are you hiring people who can repair a {}?",
        "Thanks, the {} arrived, all is well. No need to answer.",
    ),
}
