"""Keys of the catalogue that figures of contracts are shown by, and the field of the answer that each one is."""

from collections.abc import Mapping

from metrics.services.contract_growth import BARS

GROWTH_FIELDS: Mapping[str, str] = {
    "contract_growth_rate": "growth_rate",
    "contract_overall_growth": "overall_growth_rate",
    "contract_net_retention": "net_revenue_retention",
    "contract_gross_retention": "gross_revenue_retention",
    "contract_logo_retention": "logo_retention",
    "contract_customers": "cohort_accounts",
    "contract_customers_kept": "retained_accounts",
    "contract_base_value": "base_value",
    "contract_comparison_value": "comparison_value",
}
PREFIX = "contract_"
LINE_FIELDS: Mapping[str, str] = {f"{PREFIX}{bar}": bar for bar in BARS}
BACKLOG_FIELDS: Mapping[str, str] = {
    "backlog": "backlog",
    "contract_signed": "signed",
    "contract_recognised": "recognised",
    "contract_recognised_records": "recognised_from_records",
    "contract_recognised_proxy": "recognised_by_proxy",
    "contract_overrun": "overrun",
    "contract_next_months": "next_12_months",
    "contract_later": "later",
    "contract_overdue": "overdue",
    "contract_undated": "undated",
}
