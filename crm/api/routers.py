"""The resources and their addresses."""

from rest_framework.routers import SimpleRouter

from crm.api import (
    access,
    accounts,
    attachments,
    backtests,
    band_decisions,
    business_hours,
    efforts,
    groups,
    growth_notes,
    hand_overs,
    imports,
    interactions,
    ledger,
    links,
    logins,
    logins_admin,
    mails,
    merges,
    metrics_whitespace,
    milestones,
    opinions,
    organisation,
    overrides,
    plan_work,
    plans,
    reassignments,
    receivables,
    relationships,
    reported,
    revenue,
    runs,
    service_requests,
    sponsors,
    teams,
    tiering,
    trail,
    webhooks,
    weight_surveys,
)


class Router(SimpleRouter):
    """Keys are whole numbers: anything else is no address."""

    def get_lookup_regex(self, viewset: type, lookup_prefix: str = "") -> str:
        return r"(?P<pk>[0-9]{1,19})"


router = Router()
router.register("accounts", accounts.AccountViewSet, "accounts")
router.register("contacts", accounts.ContactViewSet, "contacts")
router.register("team-members", accounts.TeamMemberViewSet, "team-members")
router.register("account-merges", merges.AccountMergeViewSet, "account-merges")
router.register("account-link-types", links.AccountLinkTypeViewSet, "account-link-types")
router.register("account-links", links.AccountLinkViewSet, "account-links")
router.register("group-memberships", groups.GroupMembershipViewSet, "group-memberships")
router.register("products", ledger.ProductViewSet, "products")
router.register("contracts", ledger.ContractViewSet, "contracts")
router.register("contract-milestones", milestones.MilestoneViewSet, "contract-milestones")
router.register("revenue", revenue.RevenueViewSet, "revenue")
router.register("rates", ledger.RateViewSet, "rates")
router.register("ratings", opinions.RatingViewSet, "ratings")
router.register("rating-anchors", opinions.RatingAnchorViewSet, "rating-anchors")
router.register("wallet-estimates", opinions.WalletEstimateViewSet, "wallet-estimates")
router.register("receivables", receivables.ReceivableViewSet, "receivables")
router.register("receivable-payments", receivables.PaymentViewSet, "receivable-payments")
router.register("efforts", efforts.EffortViewSet, "efforts")
router.register("imports", imports.ImportViewSet, "imports")
router.register("suggestion-rejections", metrics_whitespace.SuggestionRejectionViewSet, "suggestion-rejections")
router.register("growth-notes", growth_notes.GrowthNoteViewSet, "growth-notes")
router.register("reported-figures", reported.ReportedFigureViewSet, "reported-figures")
router.register("buying-centres", relationships.BuyingCentreViewSet, "buying-centres")
router.register("buying-centre-members", relationships.CentreMemberViewSet, "buying-centre-members")
router.register("attitude-notes", relationships.AttitudeNoteViewSet, "attitude-notes")
router.register("relationship-levels", relationships.LevelEvidenceViewSet, "relationship-levels")
router.register("partnership-states", relationships.PartnershipStateViewSet, "partnership-states")
router.register("courtesies", relationships.CourtesyViewSet, "courtesies")
router.register("relationship-targets", relationships.RelationshipTargetViewSet, "relationship-targets")
router.register("relationship-rules", relationships.RelationshipRuleViewSet, "relationship-rules")
router.register("relationship-plans", relationships.RelationshipPlanViewSet, "relationship-plans")
router.register("relationship-steps", relationships.RelationshipStepViewSet, "relationship-steps")
router.register("interactions", interactions.InteractionViewSet, "interactions")
router.register("attachments", attachments.AttachmentViewSet, "attachments")
router.register("mails", mails.MailViewSet, "mails")
router.register("service-requests", service_requests.ServiceRequestViewSet, "service-requests")
router.register("sponsors", sponsors.SponsorViewSet, "sponsors")
router.register("discounts", sponsors.DiscountViewSet, "discounts")
router.register("audit", trail.TrailViewSet, "audit")
router.register("tiering/models", tiering.ScoringModelViewSet, "models")
router.register("tiering/weight-surveys", weight_surveys.WeightSurveyViewSet, "weight-surveys")
router.register("tiering/runs", runs.RunViewSet, "runs")
router.register("tiering/scores", tiering.ScoreViewSet, "scores")
router.register("tiering/overrides", overrides.OverrideViewSet, "overrides")
router.register("tiering/problem-decisions", overrides.ProblemDecisionViewSet, "problem-decisions")
router.register("tiering/backtests", backtests.BacktestViewSet, "backtests")
router.register("band-decisions", band_decisions.BandDecisionViewSet, "band-decisions")
router.register("tiering/grades", tiering.GradePeriodViewSet, "grades")
router.register("tiering/grade-corrections", tiering.ReplacedPeriodViewSet, "grade-corrections")
router.register("plans/policies", plans.PolicyViewSet, "policies")
router.register("plans/promises", plans.PromiseViewSet, "promises")
router.register("plans/compliance", plans.ComplianceViewSet, "compliance")
router.register("plans/business-hours", business_hours.BusinessHoursViewSet, "business-hours")
router.register("plans/business-days", business_hours.BusinessDayViewSet, "business-days")
router.register("plans/account-plans", plan_work.AccountPlanViewSet, "account-plans")
router.register("plans/account-plan-steps", plan_work.AccountPlanStepViewSet, "account-plan-steps")
router.register("plans/remediation-steps", plan_work.RemediationStepViewSet, "remediation-steps")
router.register("teams/rules", teams.TeamRuleViewSet, "team-rules")
router.register("hand-overs", hand_overs.HandOverViewSet, "hand-overs")
router.register("reassignments", reassignments.ReassignmentViewSet, "reassignments")
router.register("tasks", teams.TaskViewSet, "tasks")
router.register("plans/remediations", plans.RemediationViewSet, "remediations")
router.register("webhooks", webhooks.WebhookViewSet, "webhooks")
router.register("webhook-deliveries", webhooks.WebhookDeliveryViewSet, "webhook-deliveries")
router.register("tokens", logins.TokenViewSet, "tokens")
router.register("sessions", logins.SessionViewSet, "sessions")
router.register("login-events", logins.LoginEventViewSet, "login-events")
router.register("invitations", logins.InvitationViewSet, "invitations")
router.register("log-ins", logins.LogInViewSet, "log-ins")
router.register("org-units", organisation.OrgUnitViewSet, "org-units")
router.register("second-factors", logins_admin.SecondFactorViewSet, "second-factors")
router.register("log-in-locks", logins_admin.LogInLockViewSet, "log-in-locks")
router.register("access/people", access.AccessPersonViewSet, "access-people")
