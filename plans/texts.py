"""Purpose and strategy of each grade as the first version words them, in the three languages of the product."""

from accounts.enums import Grade

STRATEGIES: dict[str, dict[str, str]] = {
    Grade.DIAMOND: {
        "purpose_en": "Keep and widen the business with the few customers who carry the company.",
        "purpose_zh_hans": "守住并扩大支撑公司的少数客户的业务。",
        "purpose_zh_hant": "守住並擴大支撐公司的少數客戶的業務。",
        "strategy_en": "The best people first: one senior partner for this customer alone, experts at once, executives who"
        " release resources, align strategy twice a year and clear problems in person. A plan every year, a joint review"
        " every quarter.",
        "strategy_zh_hans": "最好的人优先投入：专属资深合伙人，专家即时响应，高层负责资源调配、每年两次战略协同，并亲自推动解决问题。"
        "每年一份客户规划，每季度一次联合复盘。",
        "strategy_zh_hant": "最好的人優先投入：專屬資深合夥人，專家即時回應，高層負責資源調配、每年兩次策略協同，並親自推動解決問題。"
        "每年一份客戶規劃，每季度一次聯合檢討。",
    },
    Grade.GOLD: {
        "purpose_en": "Turn proven revenue into a larger share of what the customer buys.",
        "purpose_zh_hans": "把已证明的收入转化为更高的客户钱包份额。",
        "purpose_zh_hant": "把已證明的收入轉化為更高的客戶錢包占比。",
        "strategy_en": "A shared senior partner, fast answers, a yearly plan with two joint reviews. Break through one"
        " product or site after the other; what leads towards Diamond comes first.",
        "strategy_zh_hans": "共享资深合伙人，快速响应，年度规划配两次联合复盘。逐个产品、逐个据点突破，优先投入能走向钻石的机会。",
        "strategy_zh_hant": "共享資深合夥人，快速回應，年度規劃配兩次聯合檢討。逐個產品、逐個據點突破，優先投入能走向鑽石的機會。",
    },
    Grade.STRATEGIC: {
        "purpose_en": "Win influence, references and joint innovation, even where revenue is still small.",
        "purpose_zh_hans": "赢得影响力、标杆案例与联合创新，即使当前收入不大。",
        "purpose_zh_hant": "贏得影響力、標竿案例與聯合創新，即使目前收入不大。",
        "strategy_en": "Invest for three years: executives align once a year, experts work on joint projects, the account"
        " manager may give more discount than revenue alone would allow. Judge by milestones, not by this year's sales.",
        "strategy_zh_hans": "按三年投入：高层每年对齐一次，专家参与联合项目，客户经理的折扣权限高于收入水平。以里程碑而非当年销售额衡量。",
        "strategy_zh_hant": "按三年投入：高層每年對齊一次，專家參與聯合專案，客戶經理的折扣權限高於收入水準。以里程碑而非當年銷售額衡量。",
    },
    Grade.POTENTIAL: {
        "purpose_en": "Grow the customers whose spend with us can become several times as large.",
        "purpose_zh_hans": "培育采购潜力可数倍增长的客户。",
        "purpose_zh_hant": "培育採購潛力可數倍成長的客戶。",
        "strategy_en": "Two visits a quarter, a plan with one clear next product, experts on request. Review after a year:"
        " who grows moves up, who does not goes back to the general pool.",
        "strategy_zh_hans": "每季度两次拜访，规划聚焦一个明确的下一步产品，按需提供专家。一年后复盘：增长者上调，未增长者回到一般客户。",
        "strategy_zh_hant": "每季度兩次拜訪，規劃聚焦一個明確的下一步產品，按需提供專家。一年後檢討：成長者上調，未成長者回到一般客戶。",
    },
    Grade.GENERAL: {
        "purpose_en": "Serve reliably at a cost the business can bear.",
        "purpose_zh_hans": "以业务可承受的成本提供可靠服务。",
        "purpose_zh_hant": "以業務可承受的成本提供可靠服務。",
        "strategy_en": "Remote contact, standard terms, self-service and dealers where they fit. Effort is kept small on"
        " purpose, so that it goes where it returns more.",
        "strategy_zh_hans": "远程联系，标准条款，适合时采用自助服务与经销商。有意控制投入，把资源留给回报更高的客户。",
        "strategy_zh_hant": "遠端聯繫，標準條款，適合時採用自助服務與經銷商。有意控制投入，把資源留給回報更高的客戶。",
    },
    Grade.PROBLEM: {
        "purpose_en": "Get out of trouble, or out of the business, before more is lost.",
        "purpose_zh_hans": "在损失扩大之前走出困境，或者退出合作。",
        "purpose_zh_hant": "在損失擴大之前走出困境，或者退出合作。",
        "strategy_en": "A remediation plan with an owner, a day and an exit test, checked every week. No discount without"
        " approval, restricted credit; the team stays until the test holds or the business is wound down.",
        "strategy_zh_hans": "制定有负责人、期限与退出标准的整改计划，每周检查。折扣须审批，信用受限；团队保留，直到达到退出标准或结束业务。",
        "strategy_zh_hant": "制定有負責人、期限與退出標準的整改計畫，每週檢查。折扣須核准，信用受限；團隊保留，直到達到退出標準或結束業務。",
    },
}
