"""The words the demo company is made of. Every name is invented; coined brands avoid known ones."""

# (character, traditional form, pinyin): the two halves of a coined Chinese brand.
BRAND_HEADS = (
    ("瀚", "瀚", "han"),
    ("峻", "峻", "jun"),
    ("钧", "鈞", "jun"),
    ("昱", "昱", "yu"),
    ("珩", "珩", "heng"),
    ("皓", "皓", "hao"),
    ("澄", "澄", "cheng"),
    ("霁", "霽", "ji"),
    ("翊", "翊", "yi"),
    ("谦", "謙", "qian"),
    ("岚", "嵐", "lan"),
    ("楷", "楷", "kai"),
    ("沐", "沐", "mu"),
    ("泓", "泓", "hong"),
    ("煜", "煜", "yu"),
    ("禾", "禾", "he"),
    ("景", "景", "jing"),
    ("晟", "晟", "sheng"),
    ("璟", "璟", "jing"),
    ("衡", "衡", "heng"),
    ("骁", "驍", "xiao"),
    ("颂", "頌", "song"),
)
BRAND_TAILS = (
    ("川", "川", "chuan"),
    ("岳", "嶽", "yue"),
    ("源", "源", "yuan"),
    ("帆", "帆", "fan"),
    ("野", "野", "ye"),
    ("沛", "沛", "pei"),
    ("桥", "橋", "qiao"),
    ("垣", "垣", "yuan"),
    ("舟", "舟", "zhou"),
    ("朔", "朔", "shuo"),
    ("屹", "屹", "yi"),
    ("辰", "辰", "chen"),
    ("麓", "麓", "lu"),
    ("禹", "禹", "yu"),
    ("棠", "棠", "tang"),
    ("砺", "礪", "li"),
    ("珂", "珂", "ke"),
    ("塬", "塬", "yuan"),
    ("嵘", "嶸", "rong"),
    ("铭", "銘", "ming"),
    ("泽", "澤", "ze"),
    ("堡", "堡", "bao"),
)
WORLD_HEADS = (
    *("Norv", "Bren", "Alta", "Kest", "Velo", "Lumi", "Torr", "Quen", "Hald", "Ostr"),
    *("Marv", "Cald", "Fenn", "Grev", "Sund", "Tess", "Ardo", "Pell", "Rosk", "Vant"),
)
WORLD_TAILS = ("ik", "haus", "vera", "rel", "ara", "ion", "mark", "berg", "wick", "ana", "eon", "sted", "ora", "mont")

# industry: (Chinese trade, traditional, English trade)
INDUSTRIES = {
    "Automotive": ("汽车部件", "汽車部件", "Auto Parts"),
    "Electronics": ("电子", "電子", "Electronics"),
    "Machinery": ("精密机械", "精密機械", "Precision Machinery"),
    "New energy": ("新能源", "新能源", "New Energy"),
    "Food and beverage": ("食品", "食品", "Foods"),
    "Pharmaceuticals": ("医药", "醫藥", "Pharma"),
    "Logistics": ("智慧物流", "智慧物流", "Logistics"),
    "Chemicals": ("新材料", "新材料", "Materials"),
    "Packaging": ("包装", "包裝", "Packaging"),
    "Rail": ("轨道装备", "軌道裝備", "Rail Equipment"),
}
SEGMENTS = ("Manufacturer", "System integrator", "Distributor", "Plant operator")
CHANNEL_DIRECT, CHANNEL_DEALER, CHANNEL_ONLINE = "Direct sales", "Dealers", "Online shop"
SEGMENT_SHARES = (0.46, 0.2, 0.16, 0.18)

# (city, Latin form, region)
CITIES = (
    ("上海", "Shanghai", "East China"),
    ("苏州", "Suzhou", "East China"),
    ("杭州", "Hangzhou", "East China"),
    ("宁波", "Ningbo", "East China"),
    ("南京", "Nanjing", "East China"),
    ("合肥", "Hefei", "East China"),
    ("深圳", "Shenzhen", "South China"),
    ("广州", "Guangzhou", "South China"),
    ("东莞", "Dongguan", "South China"),
    ("厦门", "Xiamen", "South China"),
    ("北京", "Beijing", "North China"),
    ("天津", "Tianjin", "North China"),
    ("青岛", "Qingdao", "North China"),
    ("沈阳", "Shenyang", "North China"),
    ("武汉", "Wuhan", "Central China"),
    ("长沙", "Changsha", "Central China"),
    ("郑州", "Zhengzhou", "Central China"),
    ("成都", "Chengdu", "West China"),
    ("重庆", "Chongqing", "West China"),
    ("西安", "Xi'an", "West China"),
)
HOME_COUNTRY = "China"
HARBOUR_REGION = "Hong Kong and Macao"
HARBOUR_CITIES = (("香港", "Hong Kong"), ("九龍", "Kowloon"), ("澳門", "Macao"))

# (country, region, legal form, habitual foreign currency)
COUNTRIES = (
    ("Germany", "Europe", "GmbH", "EUR"),
    ("Netherlands", "Europe", "B.V.", "EUR"),
    ("Italy", "Europe", "S.p.A.", "EUR"),
    ("France", "Europe", "SAS", "EUR"),
    ("Sweden", "Europe", "AB", "EUR"),
    ("United States", "Americas", "Inc.", "USD"),
    ("Mexico", "Americas", "S.A. de C.V.", "USD"),
    ("Brazil", "Americas", "Ltda.", "USD"),
    ("Singapore", "Asia Pacific", "Pte. Ltd.", "USD"),
    ("Viet Nam", "Asia Pacific", "Co., Ltd.", "USD"),
    ("Japan", "Asia Pacific", "K.K.", "USD"),
    ("Australia", "Asia Pacific", "Pty Ltd", "USD"),
)

SURNAMES = (
    *(("陈", "Chen"), ("林", "Lin"), ("王", "Wang"), ("李", "Li"), ("张", "Zhang"), ("刘", "Liu"), ("黄", "Huang")),
    *(("赵", "Zhao"), ("周", "Zhou"), ("吴", "Wu"), ("徐", "Xu"), ("孙", "Sun"), ("马", "Ma"), ("朱", "Zhu")),
    *(("何", "He"), ("郭", "Guo"), ("罗", "Luo"), ("梁", "Liang"), ("宋", "Song"), ("唐", "Tang")),
)
GIVEN_NAMES = (
    *(("静", "jing"), ("晓琳", "xiaolin"), ("伟", "wei"), ("建国", "jianguo"), ("丽华", "lihua"), ("敏", "min")),
    *(
        ("志强", "zhiqiang"),
        ("雪", "xue"),
        ("文博", "wenbo"),
        ("思远", "siyuan"),
        ("佳怡", "jiayi"),
        ("浩然", "haoran"),
    ),
    *(("秀英", "xiuying"), ("子涵", "zihan"), ("国栋", "guodong"), ("婷", "ting"), ("鹏", "peng"), ("雅文", "yawen")),
)
WORLD_FIRST_NAMES = (
    *("Anna", "Marco", "Sofia", "James", "Ingrid", "Pierre", "Linh", "Kenji", "Carla", "Tom", "Eva", "Rafael"),
)
WORLD_LAST_NAMES = (
    *("Lindqvist", "Moretti", "Bakker", "Schneider", "Dubois", "Nguyen", "Tanaka", "Silva", "Walker", "Costa"),
)
# (title, department)
CONTACT_ROLES = (
    ("Purchasing manager", "Purchasing"),
    ("Plant manager", "Production"),
    ("Chief engineer", "Engineering"),
    ("Head of maintenance", "Maintenance"),
    ("Finance manager", "Finance"),
    ("General manager", "Management"),
)

# category: (margin, [(code, name, list price)])
CATALOGUE = {
    "Drives and motors": (
        0.29,
        (
            *(("DR-110", "Servo drive 110", 3680), ("DR-220", "Servo drive 220", 7450)),
            *(("DR-550", "Vector drive 550", 15900), ("MO-040", "Servo motor 0.4 kW", 1260)),
            *(("MO-150", "Servo motor 1.5 kW", 3320), ("MO-750", "Spindle motor 7.5 kW", 11800)),
        ),
    ),
    "Control systems": (
        0.36,
        (
            *(("CS-100", "Compact controller C1", 2450), ("CS-300", "Modular controller C3", 8900)),
            *(("CS-700", "Line controller C7", 26500), ("HM-070", "Operator panel 7 inch", 1380)),
            *(("HM-150", "Operator panel 15 inch", 4260), ("IO-016", "Remote I/O 16 channels", 890)),
        ),
    ),
    "Sensors": (
        0.41,
        (
            *(("SE-010", "Inductive sensor M12", 118), ("SE-020", "Photoelectric sensor", 236)),
            *(("SE-050", "Laser distance sensor", 1890), ("SE-080", "Vision sensor", 6850)),
            *(("SE-090", "Pressure transmitter", 760), ("SE-095", "Flow meter", 3150)),
        ),
    ),
    "Power supply": (
        0.24,
        (
            *(("PS-024", "Power supply 24 V 10 A", 420), ("PS-048", "Power supply 48 V 20 A", 1150)),
            *(("PS-UPS", "Cabinet UPS 3 kVA", 5900), ("PS-FLT", "Line filter 50 A", 980)),
        ),
    ),
    "Robotics": (
        0.22,
        (
            *(("RB-004", "Handling robot 4 kg", 68000), ("RB-010", "Handling robot 10 kg", 96500)),
            *(("RB-GRP", "Electric gripper", 5400), ("RB-CEL", "Robot cell kit", 158000)),
        ),
    ),
    "Software": (
        0.72,
        (
            *(("SW-ENG", "Engineering suite, seat", 6800), ("SW-MON", "Line monitoring, year", 12800)),
            *(("SW-GTW", "Data gateway, year", 3900),),
        ),
    ),
    "Spare parts": (
        0.38,
        (
            *(("SP-FAN", "Cooling fan", 46), ("SP-CBL", "Encoder cable 5 m", 98)),
            *(("SP-BRG", "Bearing set", 165), ("SP-BRD", "Control board", 1450)),
        ),
    ),
    "Service": (
        0.46,
        (("SV-MNT", "Maintenance, month", 1), ("SV-ENG", "Engineering day", 2600)),
    ),
}
MAINTENANCE_CODE = "SV-MNT"
