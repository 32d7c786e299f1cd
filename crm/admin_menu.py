"""How the admin looks and what its menu holds. Read by settings, so nothing here imports a model."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

# The accent of static/css/tokens.css in the steps that Unfold asks for.
PRIMARY = {
    "50": "#eef1fe",
    "100": "#dfe5fd",
    "200": "#c4cffb",
    "300": "#a1b1f7",
    "400": "#7c90f0",
    "500": "#5a72e5",
    "600": "#3a56d4",
    "700": "#2f47b5",
    "800": "#293d93",
    "900": "#263776",
    "950": "#181f47",
}


def _item(title: Any, icon: str, model: str) -> dict[str, Any]:
    """A line of the menu for one model; shown to those who may view it."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": lambda request: request.user.has_perm(f"{app}.view_{name}"),
    }


def _group(title: Any, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": True, "items": list(items)}


NAVIGATION = [
    _group(
        _("Customers"),
        _item(_("Accounts"), "domain", "accounts.account"),
        _item(_("Contacts"), "contacts", "accounts.contact"),
        _item(_("Team members"), "groups", "accounts.teammember"),
        _item(_("Contracts"), "description", "accounts.contract"),
        _item(_("Receivables"), "request_quote", "accounts.receivable"),
        _item(_("Ratings"), "star", "accounts.rating"),
        _item(_("Anchors of ratings"), "format_list_numbered", "accounts.ratinganchor"),
        _item(_("Wallet estimates"), "account_balance_wallet", "accounts.walletestimate"),
        _item(_("Market efforts"), "campaign", "accounts.marketeffort"),
        _item(_("Members of groups"), "account_tree", "accounts.groupmembership"),
        _item(_("Links between accounts"), "link", "accounts.accountlink"),
        _item(_("Types of links"), "category", "accounts.accountlinktype"),
        _item(_("Merged accounts"), "merge", "accounts.accountmerge"),
        _item(_("Pairs that are no duplicates"), "difference", "accounts.duplicatedismissal"),
    ),
    _group(
        _("Relationships"),
        _item(_("Buying centres"), "hub", "accounts.buyingcentre"),
        _item(_("Log of attitudes"), "mood", "accounts.attitudenote"),
        _item(_("Evidence of levels"), "stairs", "accounts.levelevidence"),
        _item(_("States of partnership"), "diversity_3", "accounts.partnershipstate"),
        _item(_("Gifts and hospitality"), "redeem", "accounts.courtesy"),
        _item(_("Limits of gifts and hospitality"), "speed", "accounts.courtesylimit"),
        _item(_("Rules by grade"), "rule", "accounts.relationshiprule"),
        _item(_("Targets of accounts"), "target", "accounts.relationshiptarget"),
        _item(_("Relationship plans"), "flag", "plans.relationshipplan"),
    ),
    _group(
        _("Service"),
        _item(_("Interactions"), "forum", "service.interaction"),
        _item(_("Requests"), "support_agent", "service.servicerequest"),
        _item(_("Sponsors"), "handshake", "service.sponsor"),
        _item(_("Discounts"), "percent", "service.discount"),
        _item(_("Mails that came in"), "mail", "service.incomingmail"),
        _item(_("Addresses for mails"), "alternate_email", "service.mailaddress"),
    ),
    _group(
        _("Ledger"),
        _item(_("Revenue records"), "receipt_long", "accounts.revenuerecord"),
        _item(_("Import batches"), "upload_file", "accounts.importbatch"),
        _item(_("Saved mappings"), "alt_route", "accounts.savedmapping"),
        _item(_("Rows sent again"), "forward_to_inbox", "accounts.resentrow"),
        _item(_("Products"), "inventory_2", "accounts.product"),
        _item(_("Exchange rates"), "currency_exchange", "accounts.exchangerate"),
        _item(_("Fiscal calendars"), "edit_calendar", "accounts.fiscalcalendar"),
        _item(_("Fiscal periods"), "date_range", "accounts.fiscalperiodrow"),
    ),
    _group(
        _("Tiering"),
        _item(_("Scoring models"), "tune", "tiering.scoringmodel"),
        _item(_("Activations"), "published_with_changes", "tiering.activation"),
        _item(_("Reviews of models"), "fact_check", "tiering.modelreview"),
        _item(_("Surveys of weights"), "balance", "tiering.weightsurvey"),
        _item(_("Judgements"), "compare_arrows", "tiering.judgement"),
        _item(_("Origins of weights"), "source", "tiering.weightorigin"),
        _item(_("Runs"), "event_repeat", "tiering.tierrun"),
        _item(_("Scores"), "leaderboard", "tiering.score"),
        _item(_("Accounts set apart"), "front_hand", "tiering.quarantine"),
        _item(_("Grade history"), "history", "tiering.gradeperiod"),
        _item(_("Corrections of the history"), "history_toggle_off", "tiering.replacedperiod"),
        _item(_("Overrides"), "edit_note", "tiering.override"),
        _item(_("Decisions on problems"), "gavel", "tiering.problemdecision"),
        _item(_("Decisions on low value"), "rule", "tiering.banddecision"),
        _item(_("Backtests"), "history", "tiering.backtestrun"),
    ),
    _group(
        _("Plans"),
        _item(_("Policy versions"), "rule", "plans.policyversion"),
        _item(_("Promises"), "handshake", "plans.promise"),
        _item(_("Strategies of the grades"), "lightbulb", "plans.strategy"),
        _item(_("Account plans"), "flag", "plans.accountplan"),
        _item(_("Remediation plans"), "healing", "plans.remediationplan"),
        _item(_("Promises to accounts"), "fact_check", "plans.promiseresult"),
        _item(_("Compliance of the accounts"), "percent", "plans.accountcompliance"),
        _item(_("Measurements of promises"), "schedule", "plans.measurement"),
        _item(_("Business hours"), "schedule", "plans.businesshours"),
        _item(_("Days off and make-up days"), "event_busy", "plans.businessday"),
    ),
    _group(
        _("Teams"),
        _item(_("Rules of teams by grade"), "rule", "plans.teamrule"),
        _item(_("Hand-overs"), "swap_horiz", "plans.handover"),
        _item(_("Re-assignments"), "move_up", "plans.reassignment"),
        _item(_("Rows of re-assignments"), "list", "plans.movedrow"),
        _item(_("Tasks"), "task_alt", "plans.task"),
    ),
    _group(
        _("Figures"),
        _item(_("Account figures"), "monitoring", "metrics.accountfigures"),
        _item(_("Account months"), "calendar_month", "metrics.accountmonth"),
        _item(_("Account days"), "today", "metrics.accountday"),
        _item(_("First and last days"), "start", "metrics.accountspan"),
        _item(_("Lifetime fits"), "ssid_chart", "metrics.lifetimefit"),
        _item(_("Reported figures"), "lock", "metrics.reportedfigure"),
        _item(_("Accounts of reports"), "playlist_add_check", "metrics.reportedaccount"),
        _item(_("Growth notes"), "sticky_note_2", "metrics.growthnote"),
        _item(_("Rejected suggestions"), "thumb_down", "metrics.suggestionrejection"),
    ),
    _group(
        _("People and access"),
        _item(_("Users"), "person", "accounts.user"),
        _item(_("Sales organisation"), "account_tree", "accounts.orgunit"),
        _item(_("Groups"), "shield_person", "auth.group"),
        _item(_("Log of log-ins"), "login", "accounts.loginevent"),
        _item(_("Sessions"), "devices", "accounts.usersession"),
        _item(_("Invitations"), "mail", "accounts.invitation"),
        _item(_("Counts of tries"), "lock_clock", "accounts.loginlimit"),
        _item(_("Rule of the second factor"), "shield_lock", "accounts.loginrule"),
        _item(_("API tokens"), "key", "accounts.accesstoken"),
        _item(_("Saved views"), "bookmark", "crm.savedview"),
        _item(_("List layouts"), "view_column", "crm.listlayout"),
        _item(_("Idempotency keys"), "repeat_one", "crm.idempotencykey"),
    ),
    _group(
        _("Trail and webhooks"),
        _item(_("Trail of changes"), "history", "crm.trailentry"),
        _item(_("Links of the trail"), "link", "crm.traillink"),
        _item(_("Seals of the trail"), "verified", "crm.trailseal"),
        _item(_("Erasures of people"), "person_off", "crm.erasure"),
        _item(_("Webhooks"), "webhook", "crm.webhookendpoint"),
        _item(_("Messages of webhooks"), "send", "crm.webhookdelivery"),
    ),
]

UNFOLD = {
    "SITE_TITLE": "Facet",
    "SITE_HEADER": "Facet",
    "SITE_SUBHEADER": _("Administration"),
    "SITE_URL": "/",
    "SITE_ICON": lambda _request: static("img/mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("img/mark.svg")}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "COLORS": {"primary": PRIMARY},
    "STYLES": [lambda _request: static("css/admin.css")],
    "SIDEBAR": {"show_search": True, "show_all_applications": False, "navigation": NAVIGATION},
}
