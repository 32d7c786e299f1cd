"""What people of the demo company write down of their visits, calls and requests."""

from service.enums import InteractionKind, InteractionPurpose, RequestKind

MINUTES = {
    InteractionKind.VISIT: (60, 90, 150),
    InteractionKind.CALL: (10, 20, 30),
    InteractionKind.MEETING: (45, 60, 90),
}
SUMMARIES = {
    InteractionKind.VISIT: (
        "Walked the line with the plant manager. Two drives run hot in summer; they want a quote for larger ones.",
        "Went through the open orders. Delivery of the spare pumps is agreed for the week after next.",
        "Maintenance asked for training on the new controller. Eight people, two half days.",
        "Purchasing compares us with a cheaper supplier. Showed the cost of standstill over five years.",
        "Acceptance of the retrofit: three small points left, none of them stops production.",
        "New head of procurement introduced herself. Wants one contact for all plants.",
    ),
    InteractionKind.CALL: (
        "They confirmed the quantities for next quarter, ten per cent above this one.",
        "Asked about the late parts. Freight is booked, they get the number today.",
        "Talked through the price list from January. No objection, they want it in writing.",
        "The budget for the second line is approved; they expect our proposal this month.",
    ),
    InteractionKind.EMAIL: (
        "Sent the offer for the yearly service with two options.",
        "Sent drawings and the list of spare parts for line 3.",
        "They sent the forecast for the next two quarters.",
    ),
    InteractionKind.MEETING: (
        "Technical review of the packing line with both engineering teams; layout B is chosen.",
        "Went through deliveries and complaints of the quarter. On time 94 per cent.",
        "Kick-off of the retrofit: dates, people and acceptance tests agreed.",
    ),
    InteractionKind.NOTE: (
        "Their parent company reorganises purchasing from spring. Find out who decides then.",
        "Competitor has a demo machine on site until the end of the month.",
    ),
}
CARE = "Thanked the shift team for ten years without an accident, with a small gift for the canteen."
WITH_THE_TOP = {
    InteractionPurpose.SPONSOR: "Our sponsor met their managing director: where both companies go, and what we owe each other.",
    InteractionPurpose.ALIGNMENT: "Strategic alignment: their plants of the next three years and our product plan side by side.",
    InteractionPurpose.JOINT_REVIEW: "Joint review: service, quality and the common savings of the period, with actions on both sides.",
}
NEXT_STEPS = (
    "Send the quote for larger drives",
    "Propose two dates for the training",
    "Confirm the delivery of the spare pumps",
    "Bring the cost comparison over five years",
    "Close the three points of the acceptance",
    "Name one contact for all plants",
    "Ask finance for the payment terms",
)
SUBJECTS = {
    RequestKind.QUESTION: ("Is the controller approved for wash-down areas?", "When does support for series 2 end?"),
    RequestKind.COMPLAINT: (
        "Gearbox failed after four weeks",
        "Delivery came three days late",
        "Wrong seals in the kit",
    ),
    RequestKind.DISPUTE: ("Price on the invoice differs from the offer", "Who pays for the second installation?"),
    RequestKind.SUPPORT: (
        "Line 2 stops without a fault code",
        "Sensor reads zero after the update",
        "Pump leaks at the shaft",
    ),
    RequestKind.EXPERT: ("Review of the energy concept", "Advice on the layout of the new hall"),
    RequestKind.RESOURCES: ("Two technicians for the shutdown week", "Loan of a spare drive until ours is repaired"),
}
RESOLUTIONS = {
    RequestKind.QUESTION: "Answered in writing, with the data sheet.",
    RequestKind.COMPLAINT: "Replaced free of charge, and the cause is found.",
    RequestKind.DISPUTE: "Agreed on a credit note for half of it.",
    RequestKind.SUPPORT: "Technician on site; runs since.",
    RequestKind.EXPERT: "Report handed over and explained.",
    RequestKind.RESOURCES: "Sent as asked for.",
}
# Of one account, open for so many days before the end of the books.
GRIEVANCES = (
    ("Line 1 stands still since the update", RequestKind.COMPLAINT, 52),
    ("Credit for the faulty series is refused", RequestKind.DISPUTE, 41),
)
ESCALATION = "Not solved in the time we promised."
SOLVERS = frozenset({"delivery", "ingrid.lindqvist", "zhao.yawen", "marco.moretti", "huang.guodong"})
REASONS = (
    "Volume of the yearly framework",
    "First order for a new plant",
    "Competitor's offer was lower",
    "Payment in advance",
    "Make good for a late delivery",
)
