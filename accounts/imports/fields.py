"""The fields a column may be mapped to, and the words people head their columns with."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Kind(StrEnum):
    """How the cells of a field are typed."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    WORD = "word"
    CURRENCY = "currency"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its key in mapping files, the words on screen, how it is typed and how long or exact it may be."""

    key: str
    label: object
    kind: Kind = Kind.TEXT
    length: int = 0
    places: int = 0
    synonyms: str = ""  # headers people write, divided by |


FIELDS: dict[str, Field] = {
    field.key: field
    for field in (
        Field(
            "account_code",
            _("account code"),
            length=64,
            synonyms="customer id|customerid|customer no|customer number|customer code|customer|account|account id|account number|account no|client id|client|supplier|客户编号|客户编码|客户代码|客户号|客户id|客户|客戶編號|客戶代碼|客戶代號|客戶",
        ),
        Field(
            "account_name",
            _("account name"),
            length=200,
            synonyms="customer name|company|company name|client name|companyname|customername|客户名称|客户名|公司名称|公司|客戶名稱|公司名稱",
        ),
        Field(
            "parent_code",
            _("code of the group parent"),
            length=64,
            synonyms="parent|parent id|parent account|group|group code|母公司编号|上级客户|集团编号|集團編號",
        ),
        Field("country", _("country"), length=80, synonyms="country/region|nation|ship country|国家|國家"),
        Field("region", _("region"), length=80, synonyms="area|district|地区|区域|大区|地區|區域"),
        Field("segment", _("segment"), length=80, synonyms="customer segment|客户分群|细分|客戶分群"),
        Field("industry", _("industry"), length=80, synonyms="sector|行业|行業|产业"),
        Field(
            "channel",
            _("channel"),
            length=80,
            synonyms="sales channel|distribution channel|渠道|销售渠道|通路|銷售通路",
        ),
        Field(
            "dealer_code",
            _("code of the dealer"),
            length=64,
            synonyms="dealer|dealer id|distributor|distributor code|reseller|经销商编号|经销商|代理商编号|經銷商編號|經銷商",
        ),
        Field(
            "contract_number",
            _("contract number"),
            length=64,
            synonyms="contract|contract no|contract id|合同编号|合同号|合約編號|合同",
        ),
        Field(
            "product_code",
            _("product code"),
            length=64,
            synonyms="stock code|stockcode|sku|item|item code|item no|product|product id|productid|article|物料编码|产品编号|产品编码|商品编码|货号|產品編號|商品編號|貨號",
        ),
        Field(
            "product_name",
            _("product name"),
            length=200,
            synonyms="description|item name|productname|产品名称|商品名称|品名|產品名稱|商品名稱",
        ),
        Field(
            "product_category",
            _("product category"),
            length=80,
            synonyms="category|产品类别|品类|類別|类别",
        ),
        Field(
            "booked_on",
            _("date"),
            kind=Kind.DATE,
            synonyms="date|invoice date|invoicedate|booking date|posting date|order date|orderdate|award date|document date|日期|开票日期|发票日期|记账日期|入账日期|订单日期|開票日期|發票日期",
        ),
        Field("kind", _("kind"), kind=Kind.WORD, synonyms="type|document type|单据类型|类型|單據類型"),
        Field("basis", _("basis"), kind=Kind.WORD, synonyms="revenue basis|收入口径|口径|收入口徑"),
        Field(
            "reference",
            pgettext_lazy("of a document", "reference"),
            length=64,
            synonyms="invoice|invoice no|invoiceno|invoice number|document|document number|order id|orderid|order no|发票号|发票号码|单据号|订单号|發票號碼|單號|訂單號",
        ),
        Field(
            "credits_reference",
            _("credits the document"),
            length=64,
            synonyms="original invoice|original invoice no|original document|original reference|credited invoice|credited document|原发票号|原发票号码|原单据号|红冲发票号|原發票號碼|原單號",
        ),
        Field(
            "external_id",
            _("external id"),
            length=120,
            synonyms="line id|row id|record id|transaction id|uuid|流水号|外部编号|流水號",
        ),
        Field(
            "quantity",
            _("quantity"),
            kind=Kind.NUMBER,
            places=6,
            synonyms="qty|units|pieces|数量|數量|件数",
        ),
        Field(
            "unit_price",
            _("unit price"),
            kind=Kind.NUMBER,
            places=6,
            synonyms="price|unitprice|sales price|单价|單價|价格",
        ),
        Field(
            "amount",
            _("amount"),
            kind=Kind.NUMBER,
            places=4,
            synonyms="total|net amount|line total|revenue|value|net|sales|金额|开票金额|不含税金额|收入|营收|合计|金額|未稅金額|營收",
        ),
        Field(
            "cost",
            _("cost"),
            kind=Kind.NUMBER,
            places=4,
            synonyms="cogs|cost amount|成本|成本金额|成本金額",
        ),
        Field(
            "currency",
            _("currency"),
            kind=Kind.CURRENCY,
            synonyms="cur|curr|ccy|币种|货币|幣別|幣種",
        ),
    )
}
ACCOUNT_FACTS = ("account_name", "parent_code", "country", "region", "segment", "industry", "channel", "dealer_code")
PRODUCT_FACTS = ("product_name", "product_category")
# In the order in which the identity is hashed, whatever order a mapping names them in.
IDENTITY_FIELDS = (
    "reference", "product_code", "quantity", "booked_on", "unit_price", "account_code",
    "amount", "currency", "kind", "basis", "contract_number",
)  # fmt: skip
# What a mapping may name besides: a link that is given later must not make another record of the same line.
IDENTITY_CHOICES = (*IDENTITY_FIELDS, "credits_reference")
MONEY_DIGITS = 15  # before the point of numeric(19,4)
QUANTITY_DIGITS = 13  # before the point of numeric(19,6)
MARK_BATCH, MARK_ROW, MARK_COLUMN, MARK_VALUE, MARK_REASON = MARKS = ("_batch", "_row", "_column", "_value", "_reason")
# Which record a row of our own export is, and the group parents and dealers above its account.
ORIGIN_SOURCE, ORIGIN_IDENTITY, ORIGIN_PARENTS = ORIGINS = ("_source", "_identity", "_parents")
TECHNICAL = frozenset({*MARKS, *ORIGINS})  # columns that are no field

KIND_WORDS = {
    "invoice": "invoice", "inv": "invoice", "发票": "invoice", "發票": "invoice", "销售": "invoice", "sale": "invoice",
    "credit_note": "credit_note", "credit note": "credit_note", "credit": "credit_note", "credit memo": "credit_note",
    "cn": "credit_note", "红字发票": "credit_note", "贷项通知单": "credit_note", "退货": "credit_note", "折讓": "credit_note",
    "adjustment": "adjustment", "adj": "adjustment", "调整": "adjustment", "調整": "adjustment",
}  # fmt: skip
BASIS_WORDS = {
    "signed": "signed", "签约": "signed", "合同额": "signed", "簽約": "signed",
    "ordered": "ordered", "订单": "ordered", "訂單": "ordered", "order": "ordered",
    "invoiced": "invoiced", "开票": "invoiced", "開票": "invoiced",
    "recognised": "recognised", "recognized": "recognised", "确认收入": "recognised", "確認收入": "recognised",
    "cash": "cash", "回款": "cash", "收款": "cash",
}  # fmt: skip
# ISO 4217, active codes.
CURRENCIES = frozenset(
    [
        "AED",
        "AFN",
        "ALL",
        "AMD",
        "ANG",
        "AOA",
        "ARS",
        "AUD",
        "AWG",
        "AZN",
        "BAM",
        "BBD",
        "BDT",
        "BGN",
        "BHD",
        "BIF",
        "BMD",
        "BND",
        "BOB",
        "BRL",
        "BSD",
        "BTN",
        "BWP",
        "BYN",
        "BZD",
        "CAD",
        "CDF",
        "CHF",
        "CLF",
        "CLP",
        "CNH",
        "CNY",
        "COP",
        "CRC",
        "CUP",
        "CVE",
        "CZK",
        "DJF",
        "DKK",
        "DOP",
        "DZD",
        "EGP",
        "ERN",
        "ETB",
        "EUR",
        "FJD",
        "FKP",
        "GBP",
        "GEL",
        "GHS",
        "GIP",
        "GMD",
        "GNF",
        "GTQ",
        "GYD",
        "HKD",
        "HNL",
        "HRK",
        "HTG",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "IQD",
        "IRR",
        "ISK",
        "JMD",
        "JOD",
        "JPY",
        "KES",
        "KGS",
        "KHR",
        "KMF",
        "KPW",
        "KRW",
        "KWD",
        "KYD",
        "KZT",
        "LAK",
        "LBP",
        "LKR",
        "LRD",
        "LSL",
        "LYD",
        "MAD",
        "MDL",
        "MGA",
        "MKD",
        "MMK",
        "MNT",
        "MOP",
        "MRU",
        "MUR",
        "MVR",
        "MWK",
        "MXN",
        "MYR",
        "MZN",
        "NAD",
        "NGN",
        "NIO",
        "NOK",
        "NPR",
        "NZD",
        "OMR",
        "PAB",
        "PEN",
        "PGK",
        "PHP",
        "PKR",
        "PLN",
        "PYG",
        "QAR",
        "RON",
        "RSD",
        "RUB",
        "RWF",
        "SAR",
        "SBD",
        "SCR",
        "SDG",
        "SEK",
        "SGD",
        "SHP",
        "SLE",
        "SOS",
        "SRD",
        "SSP",
        "STN",
        "SVC",
        "SYP",
        "SZL",
        "THB",
        "TJS",
        "TMT",
        "TND",
        "TOP",
        "TRY",
        "TTD",
        "TWD",
        "TZS",
        "UAH",
        "UGX",
        "USD",
        "UYU",
        "UZS",
        "VED",
        "VES",
        "VND",
        "VUV",
        "WST",
        "XAF",
        "XCD",
        "XOF",
        "XPF",
        "YER",
        "ZAR",
        "ZMW",
        "ZWG",
        "DEM",
        "FRF",
        "ITL",
        "ESP",
        "NLG",
        "BEF",
        "ATS",
    ]
)
