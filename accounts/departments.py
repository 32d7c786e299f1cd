"""From what a customer calls a department to what it does. Pure; the words are those found in address books."""

from accounts.enums_relations import DepartmentKind

# The first kind with a word in the name wins, so the more special ones stand before the general ones.
WORDS: tuple[tuple[DepartmentKind, tuple[str, ...]], ...] = (
    (DepartmentKind.PURCHASING, ("purchas", "procure", "buying", "sourcing", "supply", "采购", "採購", "供应", "供應")),
    (DepartmentKind.MAINTENANCE, ("mainten", "repair", "设备", "設備", "维修", "維修", "维护", "維護")),
    (DepartmentKind.QUALITY, ("quality", "质量", "質量", "品质", "品質", "质检", "質檢")),
    (DepartmentKind.FINANCE, ("financ", "account", "treasur", "controlling", "财务", "財務", "会计", "會計")),
    (DepartmentKind.LOGISTICS, ("logist", "warehouse", "物流", "仓储", "倉儲")),
    (DepartmentKind.SALES, ("sales", "marketing", "销售", "銷售", "市场", "市場")),
    (DepartmentKind.ENGINEERING, ("engineer", "r&d", "research", "design", "technic", "研发", "研發", "技术", "技術", "工程")),
    (DepartmentKind.PRODUCTION, ("production", "manufactur", "plant", "operations", "生产", "生產", "制造", "製造")),
    (DepartmentKind.IT, ("information tech", "digital", "信息", "資訊", "数字化", "數位化")),
    (DepartmentKind.MANAGEMENT, ("management", "board", "director", "executive", "管理层", "管理層", "总经理", "總經理", "董事")),
)  # fmt: skip


def department_kind(name: str) -> str:
    """The kind a name speaks of; "" for no name, OTHER for a name that says none."""
    said = " ".join(name.split()).casefold()
    if not said:
        return ""
    if said == "it" or said.startswith("it "):
        return DepartmentKind.IT
    found = next((kind for kind, words in WORDS if any(word in said for word in words)), DepartmentKind.OTHER)
    return str(found)
