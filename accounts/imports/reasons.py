"""Every sentence of the door, by code: why a file is refused and why a row is rejected."""

from django.utils.translation import gettext_lazy as _

from accounts.imports.unreadable import Unreadable

REFUSALS = {
    "empty_file": _("The file holds no table: there is no header row."),
    "no_rows": _("The file holds a header and no rows."),
    "nul_bytes": _(
        "The file holds NUL bytes (the first at byte %(at)s), so it is no CSV text. Save it as CSV UTF-8 or XLSX."
    ),
    "unsupported_encoding": _("The encoding %(encoding)s is not read. Save the file as CSV UTF-8."),
    "unknown_encoding": _(
        "The encoding cannot be told (byte %(at)s is no UTF-8). Name it with --encoding or “encoding” in the mapping:"
        " utf-8, utf-16, gb18030, big5 or windows-1252."
    ),
    "broken_encoding": _("The file begins as %(encoding)s and breaks at byte %(at)s. Save it again as CSV UTF-8."),
    "broken_encoding_row": _("Row %(row)s is not %(encoding)s text. Save the file again as CSV UTF-8."),
    "not_a_table": _("This is a %(kind)s file. Send CSV, CSV.gz or XLSX."),
    "truncated_gzip": _("The gzip file is cut off before its end. Send it again whole."),
    "broken_gzip": _("The gzip file is damaged. Send it again."),
    "gzip_bomb": _("The gzip file unpacks to more than %(ratio)s times its size, which no list of revenue does."),
    "too_large": _("The file unpacks to more than %(limit)s GB. Split it."),
    "encrypted_workbook": _("The workbook is protected by a password. Save it without one."),
    "old_workbook": _("This is an older Excel format (.xls or .xlsb). Save it as .xlsx."),
    "workbook_with_macros": _("The workbook holds macros. Save it as .xlsx, without macros."),
    "broken_workbook": _("The workbook is damaged. Open it in a spreadsheet and save it as .xlsx again."),
    "workbook_too_large": _("The workbook unpacks to %(declared)s MB, more than %(limit)s MB. Split it or send CSV."),
    "zip_bomb": _("The workbook unpacks to far more than its size, or its parts overlap. It is not opened."),
    "formula_cells": _(
        "The sheet holds formulas (the first in cell %(cell)s). Copy the cells, paste them as values, and send it again."
    ),
    "unknown_sheet": _("There is no sheet “%(sheet)s”. Sheets found: %(sheets)s."),
    "too_many_rows": _("The sheet has %(found)s rows, more than the %(limit)s of a spreadsheet. Send CSV."),
    "too_many_columns": _("The table has %(found)s columns; at most %(limit)s are read."),
    "duplicate_header": _("The column “%(column)s” is there twice (columns %(first)s and %(second)s). Rename one."),
    "cell_too_long": _(
        "Row %(row)s has a cell of more than %(limit)s characters. Is a quotation mark left open before it?"
    ),
    "open_quote": _("A quotation mark opened at or after row %(row)s is never closed."),
    "text_after_quote": _("Row %(row)s has text after a closing quotation mark. Double the quotation marks inside."),
    "unknown_column": _("The mapping names the column “%(column)s”, which the file has not. Columns found: %(found)s."),
    "no_profile": _("No built-in profile fits the columns. Give --profile or --mapping. Columns found: %(found)s."),
    "several_profiles": _("Several profiles fit the columns (%(names)s). Name one with --profile."),
    "unknown_profile": _("There is no profile “%(name)s”. Profiles: %(names)s."),
    "profile_columns": _("The profile “%(name)s” needs %(missing)s. Columns found: %(found)s."),
    "bad_mapping": _("The mapping cannot be used: %(fault)s"),
    "missing_field": _("The mapping gives no %(field)s. An account, a date, and an amount or quantity and price are needed."),
    "ambiguous_dates": _(
        "Every date fits two readings, %(example)s for one: name the format with --date-format or “date_formats”"
        " in the mapping (%(formats)s)."
    ),
    "ambiguous_numbers": _(
        "Every number fits two readings, %(example)s for one: name the decimal mark with --decimal or “decimal”"
        " in the mapping (. or ,)."
    ),
    "rate_columns": _("The file gives no %(missing)s. A rate needs from_currency, to_currency, valid_on and rate. Columns found: %(found)s."),
    "ambiguous_rate_dates": _(
        "Every date fits two readings, %(example)s for one (%(formats)s). Write the dates as 2024-12-31."
    ),
    "bad_currency": _("“%(currency)s” is no currency of ISO 4217. Give a code such as CNY."),
    "bad_source": _("The source must be a plain text of at most %(limit)s characters."),
    "file_gone": _("The uploaded file is no longer there. Upload it again."),
    "too_many_efforts": _("The file has more than %(limit)s rows of efforts. Split it."),
    "missing_effort_columns": _(
        "The file lacks a column for: %(missing)s. Needed are month, purpose, category, and amount or hours. Columns found:"
        " %(found)s."
    ),
    "too_many_listed_rows": _("The file has more than %(limit)s rows. Split it."),
    "list_columns": _("The file gives no %(missing)s. Needed are: %(needed)s. Columns found: %(found)s."),
    "ambiguous_amounts": _(
        "Every amount fits two readings, %(example)s for one. Write amounts without marks of thousands: 1234.50."
    ),
    "too_many_api_rows": _("At most %(limit)s rows are taken at once."),
}  # fmt: skip

ROW_REASONS = {
    "missing_account": _("no account code"),
    "missing_date": _("no date"),
    "missing_amount": _("no amount, and no quantity and price"),
    "cell_count": _("the row has %(found)s cells, the header %(expected)s"),
    "digits_lost": _("16 or more digits in a number cell: the last ones are lost; format the column as text"),
    "nul": _("the cell holds a NUL character"),
    "formula": _("the cell begins as a formula; give its value"),
    "broken_text": _("the cell holds half a character"),
    "too_long": _("longer than %(limit)s characters"),
    "unknown_word": _("not one of %(words)s"),
    "unknown_currency": _("no currency of ISO 4217"),
    "no_date": _("no date, or not in the format of the file"),
    "date_out_of_range": _("outside %(first)s to %(last)s"),
    "no_number": _("no number"),
    "too_many_decimals": _("more than %(limit)s decimals; amounts are never rounded"),
    "number_out_of_range": _("more than %(limit)s digits before the point"),
    "amount_decimals": _("quantity × price has more than %(limit)s decimals; amounts are never rounded"),
    "amount_out_of_range": _("quantity × price has more than %(limit)s digits before the point"),
    "posted_before": _("posted before with other content (batch %(batch)s, row %(row)s)"),
    "unknown_account": _("there is no such account, and none may be created"),
    "unknown_product": _("there is no such product, and none may be created"),
    "unknown_contract": _("there is no such contract, and none may be created"),
    "group_cycle": _("the group parents of this account lead back to itself"),
    "bad_mark": _("the marks _batch and _row must be whole numbers, or both empty"),
    "unknown_mark": _("batch %(batch)s rejected no row %(row)s of this source"),
    "mark_twice": _("the marks _batch and _row of this row came before in the file"),
    "missing_rate": _("no rate"),
    "rate_not_positive": _("a rate is above 0"),
    "same_currency": _("both currencies are the same, which needs no rate"),
    "rate_differs": _("stored with another value (%(known)s); tick “replace” to take this one"),
    "rate_twice": _("an earlier row of this file gives another value (%(known)s)"),
    "bad_identity": _("no identity as an export writes it: 32 hexadecimal digits"),
    "half_origin": _("_source and _identity belong together: both are needed, or neither"),
    "missing_month": _("no month"),
    "no_month": _("no month such as 2024-03 or 03/2024"),
    "missing_purpose": _("no purpose: acquisition (new customers) or retention (existing ones)"),
    "missing_category": _("no category: what it was, such as fair or visits"),
    "amount_or_hours": _("neither an amount nor hours"),
    "negative_effort": _("below 0; take money back by changing the effort itself"),
    "unknown_effort_account": _("no account that you see has this code"),
    "account_needed": _("no account: what is spent on none is for those who see every account"),
    "unseen_account": _("no account that you see has this code"),
    "missing_number": _("no invoice number"),
    "missing_currency": _("no currency"),
    "missing_money": _("no amount"),
    "amount_not_positive": _("an amount is above 0"),
    "due_before_issue": _("due before it was issued"),
    "half_payment": _("a payment needs its day and its amount"),
    "payment_beyond": _("only %(open)s of this invoice is open"),
    "stored_differs": _("posted before with other content (%(known)s)"),
    "listed_differs": _("an earlier row of this file says otherwise (%(known)s)"),
    "missing_indicator": _("no indicator"),
    "missing_score": _("no rating"),
    "score_out_of_range": _("a rating is a whole number from 1 to 5"),
    "missing_function": _("no function of the evaluator"),
    "unknown_user": _("nobody has this user name"),
    "speaks_for_others": _("you can only speak in your own name"),
    "expires_too_early": _("expires before it begins"),
    "missing_source": _("no source"),
    "negative_wallet": _("a wallet is 0 or more"),
    "bad_parents": _("not the group parents as an export writes them; an empty cell will do"),
}  # fmt: skip


# The sentence for many rows at once, where the one for a row names numbers of that row.
REASON_LABELS = {
    "cell_count": _("the row has more or fewer cells than the header"),
    "too_long": _("longer than the field takes"),
    "unknown_word": _("no word of the vocabulary"),
    "date_out_of_range": _("the date lies before 1970 or more than a year ahead"),
    "too_many_decimals": _("too many decimals; amounts are never rounded"),
    "number_out_of_range": _("too many digits before the point"),
    "amount_decimals": _("quantity × price has too many decimals; amounts are never rounded"),
    "amount_out_of_range": _("quantity × price has too many digits before the point"),
    "posted_before": _("posted before with other content"),
    "stored_differs": _("posted before with other content"),
    "listed_differs": _("an earlier row of the file says otherwise"),
    "payment_beyond": _("more than is open of the invoice"),
    "rate_differs": _("stored with another value, and not to be replaced"),
    "rate_twice": _("an earlier row of the file gives another value"),
    "unknown_mark": _("no rejected row has the marks _batch and _row of this row"),
}


def refusal_text(error: Unreadable) -> str:
    """The sentence of a refusal in the language in use."""
    return str(REFUSALS[error.reason]) % error.details


def row_reason(code: str, details: dict[str, object] | None = None) -> str:
    """The sentence of a rejection, with its numbers where they are given."""
    text = str(ROW_REASONS[code])
    return text % details if details and "%(" in text else text


def reason_label(code: str) -> str:
    """The sentence of a reason counted over many rows: its numbers, which differ by row, left out."""
    return str(REASON_LABELS.get(code) or ROW_REASONS.get(code) or code)
