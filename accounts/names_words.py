"""Words of company names that tell little: legal forms, trades, places; and traditional characters that names use."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LATIN_FORMS = frozenset(
    _words("""
    ab ag and aps as asa bhd bv cie co coltd compagnie company corp corporation de des du et eurl for gmbh inc
    incorporated incorporee kg kgaa kk la le les limited llc llp lp ltd ltda ltee mbh nv of ohg oy oyj pc plc pllc
    private pte pty pvt sa sarl sas sdn se sl snc spa srl the ug ulc und vof
""")
)
LONG_FORMS = ("limited", "company", "incorporated", "corporation")  # that people misspell
LATIN_TRADES = frozenset(
    _words("""
    aggregate air american apparel architect architects architecture asphalt associate associates association auto
    automation automotive bank builder builders building business canadian capital care catering center central
    centre chemical chemicals city cleaning clothing club college communication communications community computer
    computers concrete construction consultancy consultant consultants consulting contract contracting contractor
    contractors control controls cooling corporate council custom data demolition department design developer
    development developments digital distribution distributor door doors drain drilling east education educational
    electric electrical electronic electronics elevator energy engineer engineering engineers enterprise enterprises
    entertainment environment environmental equipment estate event events excavating excavation export farm farms
    fence fencing finance financial fire flooring food foods foundation fuel furniture garden gardens gas general
    glass global graphic graphics group health healthcare heating holding holdings hotel hvac imaging import
    industrial industries industry information infrastructure institute insurance international investment
    investments it janitorial lab laboratories laboratory labs landscape landscaping law leasing legal light
    lighting linen logistic logistics maintenance management manufacturing marketing mechanic mechanical mechanicals
    media medical metal motor motors national network networks north office oil online packaging paint painting
    paper park parks part partner partners parts paving pipe pipeline planning plastic plastics play playground
    plumbing pool power print printer printing product products professional project projects properties property
    pump pumps quality real realty recreation recycling refrigeration renovation rental rentals research restaurant
    restoration retail roofing safety sale sales school security service services sewer shop sign signs society
    software solution solutions south specialties specialty sport sports staffing steel store stores supplies supply
    system systems tech technologies technology textile tire tires tool tools tour trade trading training transport
    transportation travel tree trees truck trucking trucks trust uniform uniforms university utilities utility
    vehicle vehicles ventilation waste water web west wholesale window windows wood
""")
)
LATIN_PLACES = frozenset(
    _words("""
    america americas asia beijing berlin calgary canada canadian china chinese deutschland eastern edmonton europe
    european france germany gta guangzhou hk hongkong japan london montreal northern ontario ontarios ottawa pacific
    paris quebec shanghai shenzhen singapore southern taiwan tokyo toronto uk us usa vancouver western york
""")
)
# Longer forms before those that they hold.
HAN_FORMS = _words("""
    股份有限责任公司 股份有限公司 有限责任公司 集团股份公司 集团有限公司 控股有限公司 有限合伙企业 有限公司 分公司 子公司 总公司 总厂 集团 控股 股份 公司 企业 商行 事务所
""")
HAN_PLACES = _words("""
    中国 中华 内蒙古 黑龙江 北京 上海 天津 重庆 河北 山西 辽宁 吉林 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 广西 海南 四川 贵州 云南 西藏 陕西 甘肃 青海 宁夏 新疆 香港 澳门 台湾
    石家庄 太原 呼和浩特 沈阳 大连 长春 哈尔滨 南京 无锡 徐州 常州 苏州 南通 扬州 杭州 宁波 温州 嘉兴 绍兴 金华 台州 合肥 芜湖 福州 厦门 泉州 南昌 济南 青岛 烟台 潍坊 郑州 洛阳 武汉 宜昌
    襄阳 长沙 株洲 广州 深圳 珠海 佛山 东莞 中山 惠州 汕头 南宁 桂林 柳州 海口 三亚 成都 绵阳 贵阳 昆明 拉萨 西安 咸阳 兰州 西宁 银川 乌鲁木齐 唐山 保定 包头 鞍山 台北 高雄 昆山 义乌
""")
HAN_TRADES = _words("""
    信息技术 电子商务 电子科技 网络科技 生物科技 新能源 新材料 科技 技术 贸易 商贸 实业 电子 信息 网络 软件 机械 设备 建筑 建设 工程 投资 发展 国际 服务 咨询 食品 医药 制药 化工 物流 运输 能源
    电力 电气 电器 材料 环保 汽车 通信 通讯 传媒 文化 广告 教育 医疗 器械 生物 农业 纺织 服装 家具 包装 印刷 五金 塑料 橡胶 钢铁 金属 石油 矿业 地产 房地产 置业 物业 酒店 餐饮 旅游 管理
    系统 自动化 智能 工业 制造 进出口 供应链 租赁 金融 保险 银行 证券 基金
""")
_PAIRS = (
    "國国業业電电東东華华車车廣广門门長长龍龙馬马鳥鸟魚鱼風风飛飞無无與与專专產产親亲億亿從从倉仓儀仪價价優优會会傳传傷伤債债僅仅"
    "兒儿兩两內内冊册軍军農农凍冻創创劃划劇剧劑剂動动務务勝胜勞劳勢势區区協协單单衛卫廠厂廳厅歷历壓压厭厌縣县參参雙双發发變变號号"
    "葉叶嘆叹員员問问啟启團团園园圍围圖图圓圆聖圣場场塊块堅坚壇坛壽寿夠够頭头夾夹奪夺奧奥婦妇媽妈孫孙學学寧宁寶宝實实寵宠審审寫写"
    "對对導导將将層层屬属岡冈島岛峽峡崗岗嶺岭幣币師师帶带幫帮莊庄慶庆應应廟庙庫库張张彈弹強强歸归當当錄录彥彦徑径後后復复徵征德德"
    "憶忆懷怀態态慮虑戰战戲戏戶户擔担據据擴扩擁拥擇择損损換换搖摇撥拨攜携攝摄敵敌數数齊齐斷断時时曉晓曆历術术機机殺杀雜杂權权條条"
    "來来楊杨極极構构標标樓楼樣样樹树橋桥檢检櫃柜歐欧歲岁殘残氣气漢汉湯汤溝沟滬沪潔洁澤泽濟济濱滨灣湾滅灭燈灯爐炉爭争爾尔牆墙獎奖"
    "獨独獅狮環环現现瑪玛瓊琼畫画療疗盜盗盤盘監监礦矿碼码確确禮礼禦御離离種种稱称穩稳窮穷競竞筆笔節节範范築筑簡简籃篮類类糧粮紀纪"
    "約约紅红紙纸純纯紡纺細细紹绍終终組组結结統统經经綠绿綱纲網网緊紧線线編编緣缘練练縮缩總总績绩織织繼继續续纖纤罷罢羅罗義义習习"
    "聯联職职聲声腦脑臺台舉举興兴艦舰艙舱藝艺藥药蘇苏蘭兰處处虛虚蟲虫裝装補补製制複复襯衬覽览觀观規规視视覺觉訂订計计訊讯記记訓训"
    "設设許许訴诉診诊證证評评詞词試试詩诗話话該该認认語语誠诚說说課课調调談谈請请論论諾诺謝谢識识警警譯译護护讀读豐丰貝贝負负財财"
    "責责貨货販贩質质購购貴贵費费貿贸資资賓宾賞赏賢贤賣卖賴赖賽赛贊赞趙赵趨趋躍跃軌轨軟软軸轴較较載载輔辅輕轻輛辆輪轮輸输轉转辦办"
    "連连週周進进運运過过達达遠远適适選选遺遗郵邮鄉乡鄧邓鄭郑醫医醬酱釀酿釋释針针鈔钞鈞钧鋼钢鉛铅銀银銅铜銘铭銷销鋁铝鋒锋錢钱錦锦"
    "鍋锅鍵键鍊链鎮镇鏡镜鐘钟鐵铁鑄铸鑫鑫閃闪開开閒闲間间閩闽閱阅闊阔關关陝陕陽阳陰阴陳陈陸陆隊队階阶際际隨随險险隱隐難难雲云霧雾"
    "靈灵靜静韓韩響响頁页項项順顺預预領领頻频題题額额願愿顧顾顯显飯饭飲饮飾饰養养館馆駐驻駕驾騎骑驗验驚惊髮发鮮鲜鴻鸿鵬鹏鷹鹰鹽盐"
    "麗丽麥麦麵面黃黄點点黨党齒齿龜龟體体廈厦"
)
SIMPLIFIED = {ord(_PAIRS[at]): _PAIRS[at + 1] for at in range(0, len(_PAIRS), 2)}
