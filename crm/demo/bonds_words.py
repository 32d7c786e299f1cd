"""The words of the demo company's relationships."""

from accounts.enums import Attitude
from accounts.enums_relations import ChainRole, ContactLevel, DepartmentKind

_L, _D, _R = ContactLevel, DepartmentKind, ChainRole
# Title of a contact: level, kind of department, roles in a decision, influence.
PLACES: dict[str, tuple[str, str, tuple[str, ...], int]] = {
    "General manager": (_L.TOP, _D.MANAGEMENT, (_R.DECIDER,), 5),
    "Finance manager": (_L.SENIOR, _D.FINANCE, (_R.APPROVER,), 4),
    "Plant manager": (_L.SENIOR, _D.PRODUCTION, (_R.DECIDER, _R.USER), 4),
    "Chief engineer": (_L.SENIOR, _D.ENGINEERING, (_R.TECHNICAL, _R.INFLUENCER), 4),
    "Purchasing manager": (_L.MIDDLE, _D.PURCHASING, (_R.PURCHASER,), 3),
    "Head of maintenance": (_L.MIDDLE, _D.MAINTENANCE, (_R.USER, _R.COACH), 2),
    "Vice president operations": (_L.TOP, _D.MANAGEMENT, (_R.DECIDER, _R.APPROVER), 5),
    "Purchasing director": (_L.SENIOR, _D.PURCHASING, (_R.DECIDER, _R.PURCHASER), 4),
    "Quality manager": (_L.MIDDLE, _D.QUALITY, (_R.INFLUENCER, _R.COACH), 3),
    "Process engineer": (_L.MIDDLE, _D.ENGINEERING, (_R.USER, _R.COACH), 2),
    "Buyer": (_L.WORKING, _D.PURCHASING, (_R.GATEKEEPER,), 1),
    "Controller": (_L.MIDDLE, _D.FINANCE, (_R.APPROVER,), 2),
}
# Those whom larger accounts have besides the first ones: (title, department).
MORE_ROLES = (
    ("Vice president operations", "Management"),
    ("Purchasing director", "Purchasing"),
    ("Quality manager", "Quality"),
    ("Process engineer", "Engineering"),
    ("Buyer", "Purchasing"),
    ("Controller", "Finance"),
)
CENTRES = ("传动系统年度框架", "二期产线扩建", "备件与服务")
EVIDENCE = {
    Attitude.OPPOSES: "要求引入第二供应商，会上点名批评交期。",
    Attitude.SCEPTICAL: "认为报价偏高，要求提供三家对比。",
    Attitude.NEUTRAL: "听取了方案介绍，没有表态。",
    Attitude.SUPPORTS: "评审会上支持我方方案，愿意提供试点产线。",
    Attitude.CHAMPION: "主动在集团内推荐我们，提前告知招标时间表。",
}
LEVELS = {
    2: "通过年度供应商审核，列入合格供应商名录。",
    3: "签署年度合作计划，每季度联合回顾。",
    4: "双方总经理互访，启动联合轻量化项目。",
    5: "签署三年战略合作协议，订单系统已对接。",
}
PARTNERSHIPS = {
    "satisfied": "年度满意度调查 4.4 分，交付准时率 97%。",
    "loyal": "连续三年未经招标续签框架协议。",
    "strategic": "共同立项研发，纳入其战略供应商委员会。",
}
GOALS = (
    "让二期扩建的决策者与我们站在一边，并在每个关键部门有两个人。",
    "从采购一条线，走到技术、生产、财务三条线。",
    "恢复与高层的定期会面，消除单线联系。",
)
STEPS = (
    ("key", "邀请决策者参观标杆工厂"),
    ("key", "请教练引荐审批人"),
    ("general", "组织技术交流日，认识质量与工艺部门"),
    ("organisational", "准备年度联合计划，安排高层互访"),
)
OCCASIONS = ("春节问候", "项目验收晚宴", "中秋茶礼")
