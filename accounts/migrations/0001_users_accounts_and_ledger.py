import accounts.models.base
import accounts.models.people
import django.contrib.auth.models
import django.contrib.auth.validators
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
                ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="email address")),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("en", "English"),
                            ("zh-hans", "Simplified Chinese"),
                            ("zh-hant", "Traditional Chinese"),
                        ],
                        max_length=10,
                        verbose_name="language",
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "ordering": ["username", "pk"],
            },
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                ("code", models.CharField(max_length=64, unique=True, verbose_name="code")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("latin_name", models.CharField(blank=True, max_length=200, verbose_name="Latin name")),
                ("short_name", models.CharField(blank=True, max_length=80, verbose_name="short name")),
                (
                    "status",
                    models.CharField(
                        choices=[("prospect", "Prospect"), ("active", "Active"), ("closed", "Closed")],
                        default="active",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("segment", models.CharField(blank=True, max_length=80, verbose_name="segment")),
                ("industry", models.CharField(blank=True, max_length=80, verbose_name="industry")),
                ("region", models.CharField(blank=True, max_length=80, verbose_name="region")),
                ("country", models.CharField(blank=True, max_length=80, verbose_name="country")),
                (
                    "size",
                    models.CharField(
                        blank=True,
                        choices=[("micro", "Micro"), ("small", "Small"), ("medium", "Medium"), ("large", "Large")],
                        max_length=10,
                        verbose_name="size",
                    ),
                ),
                ("currency", accounts.models.base.CurrencyField(blank=True, max_length=3, verbose_name="currency")),
                ("opened_on", models.DateField(blank=True, null=True, verbose_name="opened on")),
                ("closed_on", models.DateField(blank=True, null=True, verbose_name="closed on")),
                (
                    "before_data_start",
                    models.BooleanField(
                        default=False,
                        help_text="Never counted as a new customer.",
                        verbose_name="customer before the data start",
                    ),
                ),
                ("credit_stop_on", models.DateField(blank=True, null=True, verbose_name="credit stop since")),
                ("litigation_on", models.DateField(blank=True, null=True, verbose_name="litigation since")),
                ("insolvency_on", models.DateField(blank=True, null=True, verbose_name="insolvent since")),
                ("search_text", models.TextField(blank=True, default="", editable=False)),
                (
                    "sort_key",
                    models.CharField(blank=True, db_collation="C", default="", editable=False, max_length=200),
                ),
                (
                    "search_grams",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=2), blank=True, default=list, editable=False, size=None
                    ),
                ),
                (
                    "grade",
                    models.CharField(
                        choices=[
                            ("diamond", "Diamond"),
                            ("gold", "Gold"),
                            ("strategic", "Strategic"),
                            ("potential", "Potential"),
                            ("general", "General"),
                            ("problem", "Problem"),
                            ("not_graded", "Not graded"),
                        ],
                        db_default="not_graded",
                        default="not_graded",
                        editable=False,
                        max_length=10,
                        verbose_name="grade",
                    ),
                ),
                (
                    "underlying_grade",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("diamond", "Diamond"),
                            ("gold", "Gold"),
                            ("strategic", "Strategic"),
                            ("potential", "Potential"),
                            ("general", "General"),
                            ("problem", "Problem"),
                            ("not_graded", "Not graded"),
                        ],
                        db_default="",
                        default="",
                        editable=False,
                        max_length=10,
                        verbose_name="underlying grade",
                    ),
                ),
                ("grade_since", models.DateField(blank=True, editable=False, null=True, verbose_name="grade since")),
                ("composite", models.FloatField(blank=True, editable=False, null=True, verbose_name="score")),
                (
                    "is_watched",
                    models.BooleanField(db_default=False, default=False, editable=False, verbose_name="watch"),
                ),
                ("graded_as_of", models.DateField(blank=True, editable=False, null=True, verbose_name="graded as of")),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="owned_accounts",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="accounts.account",
                        verbose_name="group parent",
                    ),
                ),
            ],
            options={
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
                "ordering": ["sort_key", "pk"],
                "permissions": [("view_all_accounts", "Can see every account")],
            },
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("title", models.CharField(blank=True, max_length=120, verbose_name="title")),
                ("department", models.CharField(blank=True, max_length=120, verbose_name="department")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("phone", models.CharField(blank=True, max_length=40, verbose_name="phone")),
                ("is_primary", models.BooleanField(default=False, verbose_name="first contact")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("notes", models.TextField(blank=True, help_text="Business matters only.", verbose_name="notes")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contacts",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
            ],
            options={
                "verbose_name": "contact",
                "verbose_name_plural": "contacts",
                "ordering": ["-is_primary", "name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Contract",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                ("number", models.CharField(max_length=64, unique=True, verbose_name="number")),
                ("title", models.CharField(blank=True, max_length=200, verbose_name="title")),
                (
                    "amount",
                    accounts.models.base.MoneyField(
                        blank=True, decimal_places=4, max_digits=19, null=True, verbose_name="amount"
                    ),
                ),
                ("currency", accounts.models.base.CurrencyField(blank=True, max_length=3, verbose_name="currency")),
                ("signed_on", models.DateField(blank=True, null=True, verbose_name="signed on")),
                ("starts_on", models.DateField(blank=True, null=True, verbose_name="starts on")),
                (
                    "ends_on",
                    models.DateField(
                        blank=True, help_text="Last day of the contract.", null=True, verbose_name="ends on"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("active", "Active"),
                            ("completed", "Completed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="draft",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contracts",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
            ],
            options={
                "verbose_name": "contract",
                "verbose_name_plural": "contracts",
                "ordering": [models.OrderBy(models.F("starts_on"), descending=True, nulls_last=True), "-pk"],
            },
        ),
        migrations.CreateModel(
            name="ExchangeRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                ("from_currency", accounts.models.base.CurrencyField(max_length=3, verbose_name="from currency")),
                ("to_currency", accounts.models.base.CurrencyField(max_length=3, verbose_name="to currency")),
                (
                    "valid_on",
                    models.DateField(help_text="For a month average, the first day of the month.", verbose_name="date"),
                ),
                ("rate", models.DecimalField(decimal_places=10, max_digits=20, verbose_name="rate")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("spot", "Rate of the day"),
                            ("month_average", "Average of the month"),
                            ("closing", "Closing rate"),
                        ],
                        default="spot",
                        max_length=14,
                        verbose_name="kind",
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=80, verbose_name="source")),
            ],
            options={
                "verbose_name": "exchange rate",
                "verbose_name_plural": "exchange rates",
                "ordering": ["-valid_on", "from_currency", "to_currency", "kind"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("from_currency", "to_currency", "kind", "valid_on"), name="rate_once_a_day"
                    ),
                    models.CheckConstraint(condition=models.Q(("rate__gt", 0)), name="rate_above_zero"),
                    models.CheckConstraint(
                        condition=models.Q(("from_currency", models.F("to_currency")), _negated=True),
                        name="rate_between_two_currencies",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["spot", "month_average", "closing"])), name="rate_kind_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("queued", "Waiting"),
                            ("reading", "Reading"),
                            ("posted", "Posted"),
                            ("failed", "Failed"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="draft",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("file_name", models.CharField(blank=True, max_length=200, verbose_name="file")),
                (
                    "upload",
                    models.FileField(
                        blank=True, max_length=300, upload_to="imports/%Y/%m/", verbose_name="uploaded file"
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=60, verbose_name="source")),
                ("profile", models.CharField(blank=True, max_length=60, verbose_name="profile")),
                ("mapping", models.JSONField(blank=True, default=dict, verbose_name="mapping")),
                ("options", models.JSONField(blank=True, default=dict, verbose_name="options")),
                (
                    "currency",
                    accounts.models.base.CurrencyField(blank=True, max_length=3, verbose_name="default currency"),
                ),
                ("read", models.BigIntegerField(default=0, verbose_name="rows read")),
                ("posted", models.BigIntegerField(default=0, verbose_name="posted")),
                ("already_there", models.BigIntegerField(default=0, verbose_name="already there")),
                ("rejected", models.BigIntegerField(default=0, verbose_name="rejected")),
                ("reasons", models.JSONField(blank=True, default=dict, verbose_name="reasons")),
                (
                    "error_file",
                    models.FileField(blank=True, max_length=300, upload_to="imports/%Y/%m/", verbose_name="error file"),
                ),
                ("seconds", models.FloatField(blank=True, null=True, verbose_name="seconds")),
                ("error", models.TextField(blank=True, verbose_name="error")),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("first_booked_on", models.DateField(blank=True, null=True, verbose_name="first booked day")),
                ("last_booked_on", models.DateField(blank=True, null=True, verbose_name="last booked day")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("queued_at", models.DateTimeField(blank=True, null=True, verbose_name="queued at")),
                ("posted_at", models.DateTimeField(blank=True, null=True, verbose_name="posted at")),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True, verbose_name="withdrawn at")),
                ("withdrawn_reason", models.TextField(blank=True, verbose_name="reason of the withdrawal")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="import_batches",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="loaded by",
                    ),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="withdrawn by",
                    ),
                ),
            ],
            options={
                "verbose_name": "import batch",
                "verbose_name_plural": "import batches",
                "ordering": ["-pk"],
                "permissions": [("import_revenue", "Can import revenue"), ("withdraw_batch", "Can withdraw a batch")],
            },
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                ("code", models.CharField(max_length=64, unique=True, verbose_name="code")),
                ("name", models.CharField(blank=True, max_length=200, verbose_name="name")),
                ("category", models.CharField(blank=True, max_length=80, verbose_name="category")),
            ],
            options={
                "verbose_name": "product",
                "verbose_name_plural": "products",
                "ordering": ["code"],
                "indexes": [models.Index(fields=["category"], name="product_category")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("code", ""), _negated=True), name="product_code_given")
                ],
            },
        ),
        migrations.CreateModel(
            name="Rating",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                (
                    "indicator",
                    models.CharField(
                        choices=[
                            ("V1", "Industry influence"),
                            ("V2", "Fit with our strategy"),
                            ("V3", "Co-innovation and feedback"),
                            ("P3", "Outlook of the customer's industry"),
                            ("L5", "Satisfaction"),
                        ],
                        max_length=2,
                        verbose_name="indicator",
                    ),
                ),
                (
                    "score",
                    models.PositiveSmallIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(5),
                        ],
                        verbose_name="rating",
                    ),
                ),
                (
                    "function",
                    models.CharField(
                        choices=[
                            ("sales", "Sales"),
                            ("solutions", "Solutions"),
                            ("delivery", "Delivery"),
                            ("finance", "Finance"),
                            ("product", "Product"),
                            ("management", "Management"),
                            ("customer", "Customer"),
                        ],
                        max_length=12,
                        verbose_name="function",
                    ),
                ),
                ("rated_on", models.DateField(verbose_name="rated on")),
                (
                    "expires_on",
                    models.DateField(
                        help_text="From this day on the rating no longer counts.", verbose_name="expires on"
                    ),
                ),
                ("evidence", models.TextField(blank=True, verbose_name="evidence")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ratings",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "evaluator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ratings_given",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="evaluator",
                    ),
                ),
            ],
            options={
                "verbose_name": "rating",
                "verbose_name_plural": "ratings",
                "ordering": ["-rated_on", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="ResentRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("row_number", models.PositiveIntegerField()),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="resent_rows",
                        to="accounts.importbatch",
                    ),
                ),
                (
                    "posted_batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.importbatch"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RevenueRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("booked_on", models.DateField(verbose_name="booked on")),
                (
                    "kind",
                    models.CharField(
                        choices=[("invoice", "Invoice"), ("credit_note", "Credit note"), ("adjustment", "Adjustment")],
                        default="invoice",
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("signed", "Signed"),
                            ("ordered", "Ordered"),
                            ("invoiced", "Invoiced"),
                            ("recognised", "Recognised"),
                            ("cash", "Cash"),
                        ],
                        default="invoiced",
                        max_length=10,
                        verbose_name="basis",
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True, help_text="Invoice or order number.", max_length=64, verbose_name="reference"
                    ),
                ),
                ("external_id", models.CharField(blank=True, max_length=120, verbose_name="external id")),
                ("quantity", models.DecimalField(decimal_places=6, max_digits=19, null=True, verbose_name="quantity")),
                (
                    "unit_price",
                    models.DecimalField(decimal_places=6, max_digits=19, null=True, verbose_name="unit price"),
                ),
                (
                    "amount",
                    accounts.models.base.MoneyField(
                        decimal_places=4,
                        help_text="Signed; credit notes are below zero.",
                        max_digits=19,
                        verbose_name="amount",
                    ),
                ),
                (
                    "cost",
                    accounts.models.base.MoneyField(
                        decimal_places=4,
                        help_text="Empty: not known, which is not zero.",
                        max_digits=19,
                        null=True,
                        verbose_name="cost",
                    ),
                ),
                ("currency", accounts.models.base.CurrencyField(max_length=3, verbose_name="currency")),
                ("source", models.CharField(max_length=60, verbose_name="source")),
                (
                    "identity",
                    models.BinaryField(
                        help_text="Hash of the normalised content; a second import of it changes nothing.",
                        max_length=16,
                    ),
                ),
                ("source_row", models.PositiveIntegerField(null=True, verbose_name="row in the file")),
                (
                    "withdrawn_at",
                    models.DateTimeField(help_text="Empty: the row counts.", null=True, verbose_name="withdrawn at"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revenue_records",
                        to="accounts.account",
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="records",
                        to="accounts.importbatch",
                        verbose_name="batch",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revenue_records",
                        to="accounts.contract",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.product",
                    ),
                ),
            ],
            options={
                "verbose_name": "revenue record",
                "verbose_name_plural": "revenue records",
                "ordering": ["-booked_on", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="SavedMapping",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, unique=True, verbose_name="name")),
                ("definition", models.JSONField(verbose_name="definition")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made by",
                    ),
                ),
            ],
            options={
                "verbose_name": "saved mapping",
                "verbose_name_plural": "saved mappings",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="TeamMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("account_manager", "Account manager"),
                            ("solution_manager", "Solution manager"),
                            ("delivery_manager", "Delivery manager"),
                        ],
                        max_length=20,
                        verbose_name="role",
                    ),
                ),
                ("valid_from", models.DateField(verbose_name="from")),
                (
                    "valid_to",
                    models.DateField(
                        blank=True, help_text="First day no longer in the role.", null=True, verbose_name="to"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="team_members",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="team_memberships",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "team member",
                "verbose_name_plural": "team members",
                "ordering": ["account", "role", "-valid_from", "pk"],
            },
        ),
        migrations.CreateModel(
            name="WalletEstimate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                (
                    "amount",
                    accounts.models.base.MoneyField(
                        decimal_places=4,
                        max_digits=19,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="amount a year",
                    ),
                ),
                ("currency", accounts.models.base.CurrencyField(max_length=3, verbose_name="currency")),
                ("source", models.CharField(max_length=200, verbose_name="source")),
                ("estimated_on", models.DateField(verbose_name="estimated on")),
                ("expires_on", models.DateField(verbose_name="expires on")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="wallet_estimates",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="wallet_estimates",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="author",
                    ),
                ),
            ],
            options={
                "verbose_name": "wallet estimate",
                "verbose_name_plural": "wallet estimates",
                "ordering": ["-estimated_on", "-pk"],
            },
        ),
        migrations.AddIndex(
            model_name="account",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search_grams"], name="account_grams"),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["sort_key", "id"], name="account_by_name"),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["owner", "grade"], name="account_owner_grade"),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["grade", "id"], name="account_by_grade"),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["segment"], name="account_segment"),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["industry"], name="account_industry"),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(fields=["region"], name="account_region"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("code", ""), _negated=True), models.Q(("name", ""), _negated=True)),
                name="account_code_and_name_given",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["prospect", "active", "closed"])), name="account_status_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("grade__in", ["diamond", "gold", "strategic", "potential", "general", "problem", "not_graded"])
                ),
                name="account_grade_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("parent__isnull", True), models.Q(("parent", models.F("pk")), _negated=True), _connector="OR"
                ),
                name="account_not_own_parent",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("closed_on__isnull", True),
                    ("opened_on__isnull", True),
                    ("closed_on__gte", models.F("opened_on")),
                    _connector="OR",
                ),
                name="account_closed_after_opened",
                violation_error_message="The account closed before it opened.",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_primary", True)), fields=("account",), name="contact_one_primary"
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="contact_name_given"
            ),
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.CheckConstraint(
                condition=models.Q(("number", ""), _negated=True), name="contract_number_given"
            ),
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["draft", "active", "completed", "cancelled"])),
                name="contract_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__isnull", True), models.Q(("currency", ""), _negated=True), _connector="OR"
                ),
                name="contract_currency_given",
                violation_error_message="An amount needs its currency.",
            ),
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_on__isnull", True),
                    ("starts_on__isnull", True),
                    ("ends_on__gte", models.F("starts_on")),
                    _connector="OR",
                ),
                name="contract_ends_after_start",
                violation_error_message="The contract ends before it starts.",
            ),
        ),
        migrations.AddConstraint(
            model_name="importbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["draft", "queued", "reading", "posted", "failed", "withdrawn"])),
                name="batch_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="importbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "posted"), _negated=True),
                    (
                        "read",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("posted"), "+", models.F("already_there")
                            ),
                            "+",
                            models.F("rejected"),
                        ),
                    ),
                    _connector="OR",
                ),
                name="batch_conserves_rows",
            ),
        ),
        migrations.AddConstraint(
            model_name="importbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "withdrawn"), _negated=True),
                    models.Q(("withdrawn_at__isnull", False), models.Q(("withdrawn_reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="batch_withdrawn_with_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="rating",
            index=models.Index(fields=["account", "indicator", "rated_on"], name="rating_account_indicator"),
        ),
        migrations.AddConstraint(
            model_name="rating",
            constraint=models.CheckConstraint(
                condition=models.Q(("score__gte", 1), ("score__lte", 5)), name="rating_from_1_to_5"
            ),
        ),
        migrations.AddConstraint(
            model_name="rating",
            constraint=models.CheckConstraint(
                condition=models.Q(("indicator__in", ["V1", "V2", "V3", "P3", "L5"])), name="rating_indicator_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="rating",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_on__gt", models.F("rated_on"))),
                name="rating_expires_later",
                violation_error_message="The rating expires before it begins.",
            ),
        ),
        migrations.AddConstraint(
            model_name="resentrow",
            constraint=models.UniqueConstraint(fields=("batch", "row_number"), name="resentrow_once"),
        ),
        migrations.AddIndex(
            model_name="revenuerecord",
            index=models.Index(fields=["account", "booked_on"], name="revenue_account_day"),
        ),
        migrations.AddConstraint(
            model_name="revenuerecord",
            constraint=models.UniqueConstraint(
                condition=models.Q(("withdrawn_at__isnull", True)),
                fields=("source", "identity"),
                name="revenue_identity_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="revenuerecord",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency", ""), _negated=True), name="revenue_currency_given"
            ),
        ),
        migrations.AddConstraint(
            model_name="revenuerecord",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["invoice", "credit_note", "adjustment"])), name="revenue_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="revenuerecord",
            constraint=models.CheckConstraint(
                condition=models.Q(("basis__in", ["signed", "ordered", "invoiced", "recognised", "cash"])),
                name="revenue_basis_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="teammember",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["account_manager", "solution_manager", "delivery_manager"])),
                name="teammember_role_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="teammember",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_to__isnull", True), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                ),
                name="teammember_ends_after_start",
                violation_error_message="The last day lies before the first.",
            ),
        ),
        migrations.AddConstraint(
            model_name="teammember",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    ("account", "="),
                    ("role", "="),
                    (
                        accounts.models.people.DateRange(
                            "valid_from", "valid_to", django.contrib.postgres.fields.ranges.RangeBoundary()
                        ),
                        "&&",
                    ),
                ],
                name="teammember_one_holder_a_role",
                violation_error_message="Somebody else holds this role in these days: end that first.",
            ),
        ),
        migrations.AddIndex(
            model_name="walletestimate",
            index=models.Index(fields=["account", "estimated_on"], name="wallet_account_day"),
        ),
        migrations.AddConstraint(
            model_name="walletestimate",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gte", 0)), name="wallet_not_negative"),
        ),
        migrations.AddConstraint(
            model_name="walletestimate",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_on__gt", models.F("estimated_on"))),
                name="wallet_expires_later",
                violation_error_message="The estimate expires before it begins.",
            ),
        ),
    ]
