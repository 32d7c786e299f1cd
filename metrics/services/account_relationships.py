"""The relationships with one account: its three layers against their targets, the map of who decides, the grid of whom we
know, what the companies share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.contrib.auth.models import AnonymousUser

from accounts.enums import Grade
from accounts.enums_relations import ContactLevel, DepartmentKind, Layer
from accounts.fields import is_hidden
from accounts.models import (
    Account,
    BuyingCentre,
    CentreMember,
    Contact,
    LevelEvidence,
    PartnershipState,
    RelationshipRule,
    User,
)
from accounts.relationship_rules import relationship_rules
from accounts.selectors_contacts import contacts_of, may_read_personal
from metrics import reasons
from metrics.formulas.relationships import Gap, Thread, freshness, key_score, person_score, tells_nobody
from metrics.frames_relationships import DEPARTMENTS, LEVELS, RelationshipFrame, relationship_frame, relationships_scope
from metrics.scope import Level
from metrics.services.backlog import contract_units
from metrics.services.base import Passport, passport
from metrics.services.relationships import Asked, asked_of, cell_of, centre_gaps, key_reason, relationship_table


@dataclass(frozen=True, slots=True)
class LayerStanding:
    """One layer: value and target in its own unit (score, fraction, level), None where not known or not asked for."""

    layer: Layer
    value: float | None
    target: float | None
    gap: float | None
    reason: str = ""  # why there is no value

    @property
    def is_asked(self) -> bool:
        return self.target is not None

    @property
    def is_reached(self) -> bool | None:
        """None where there is nothing to compare."""
        return None if self.gap is None else self.gap == 0


@dataclass(frozen=True, slots=True)
class PersonStanding:
    """A person in a buying centre. days : since last met or called, None never; freshness : 0..1; score : 0..100."""

    member: CentreMember
    contact: Contact
    attitude: int | None
    days: int | None
    freshness: float
    score: float
    counts: bool

    @property
    def is_late(self) -> bool:
        return self.counts and self.freshness < 1


@dataclass(frozen=True, slots=True)
class CentreStanding:
    """A buying centre with its people, the most influential first. score : None without anybody who counts, or where it
    is not the reader's."""

    centre: BuyingCentre
    people: list[PersonStanding]
    score: float | None
    gaps: Gap


@dataclass(frozen=True, slots=True)
class GridCell:
    """A department and level: required by the rules, met within the window, and who is known there."""

    level: ContactLevel
    is_required: bool
    is_covered: bool
    contacts: list[Contact]


@dataclass(frozen=True, slots=True)
class GridRow:
    department: DepartmentKind
    cells: list[GridCell]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccountRelationships:
    """Everything the page and the REST answer of one account say.

    grid : departments with a required cell or somebody known; unplaced : contacts without department or level
    theirs, ours : different people met within 180 days, on each side
    """

    account: Account
    rule: RelationshipRule
    layers: list[LayerStanding]
    gaps: Gap
    thread: Thread
    theirs: int
    ours: int
    centres: list[CentreStanding]
    grid: list[GridRow]
    cells_covered: int
    cells_required: int
    unplaced: list[Contact]
    contacts: list[Contact]
    evidence: list[LevelEvidence]
    partnership: list[PartnershipState]
    passport: Passport

    def layer(self, layer: Layer) -> LayerStanding:
        return next(one for one in self.layers if one.layer == layer)


def account_relationships(account: Account, *, as_of: date, reader: User | AnonymousUser) -> AccountRelationships:
    """The relationships with one account the reader may see, at the end of ``as_of``; the same number of statements
    whatever is known. Personal data of contacts is left out where it is not for the reader."""
    scope = relationships_scope(Account.objects.filter(pk=account.pk))
    frame, rules = relationship_frame(scope, as_of=as_of), relationship_rules()
    units = contract_units(scope, frame.account_ids, Level.ENTITY)
    row = {name: values[0].item() for name, values in relationship_table(frame, units, rules).columns.items()}
    asked, contacts = asked_of(frame, units, rules), contacts_of(account, reader=reader)
    return AccountRelationships(
        account=account,
        rule=rules[Grade.values[int(row["grade"])]],
        layers=[
            _layer(Layer.KEY, row, "key_relationship_score", "key"),
            _layer(Layer.GENERAL, row, "relationship_coverage", "general"),
            _layer(Layer.ORGANISATIONAL, row, "organisational_level", "organisational"),
        ],
        gaps=Gap(row["gaps"]),
        thread=Thread(row["thread"]),
        theirs=row["theirs"],
        ours=row["ours"],
        centres=_centres(account, frame, row["cadence"], reader),
        grid=_grid(contacts, frame, asked),
        cells_covered=row["cells_covered"],
        cells_required=row["cells_required"],
        unplaced=[one for one in contacts if one.is_active and not (one.department_kind and one.level)],
        contacts=contacts,
        evidence=list(account.level_evidence.select_related("noted_by")),
        partnership=list(account.partnership_states.select_related("noted_by")),
        passport=passport("relationships", scope=scope, level=Level.ENTITY, as_of=as_of, accounts=1),
    )


def _layer(layer: Layer, row: dict[str, Any], value: str, name: str) -> LayerStanding:
    keys = {Layer.KEY: key_reason(row["key_withheld"]), Layer.GENERAL: "no_cells"}
    reason = str(reasons.sentence(keys[layer])) if np.isnan(row[value]) and layer in keys else ""
    return LayerStanding(layer, _known(row[value]), _known(row[f"{name}_target"]), _known(row[f"{name}_gap"]), reason)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _centres(
    account: Account, frame: RelationshipFrame, cadence: float, reader: User | AnonymousUser
) -> list[CentreStanding]:
    """Two statements; people who left, and centres that are not active, stay on the page and count in no figure. Who
    sits there is told to those who may read personal data."""
    centres = list(account.buying_centres.all())
    rows = CentreMember.objects.filter(centre__in=centres) if may_read_personal(reader) else CentreMember.objects.none()
    members = list(
        rows.select_related("contact", "contact__reports_to", "owner").order_by("-weight", "contact__name", "pk")
    )
    place = {pk: at for at, pk in enumerate(frame.member_id.tolist())}
    ids, at = np.unique(frame.member_centre, return_inverse=True)
    fresh = freshness(frame.member_days, cadence)
    scores = key_score(frame.member_weight, frame.member_attitude, fresh, place=at, units=len(ids))
    points = person_score(frame.member_attitude, fresh)
    flags = centre_gaps(frame, np.full(len(at), cadence), place=at, centres=len(ids))
    if is_hidden("attitude") and not _may_be_told(frame, at, fresh):
        scores = np.full(len(ids), np.nan)
    by_id = {pk: (_known(scores[n]), Gap(int(flags[n]))) for n, pk in enumerate(ids.tolist())}
    found = []
    for centre in centres:
        score, missing = by_id.get(centre.pk, (None, Gap.NO_MAP if centre.is_active else Gap(0)))
        people = [
            _person(member, place.get(member.pk), frame, fresh, points)
            for member in members
            if member.centre_id == centre.pk
        ]
        found.append(CentreStanding(centre, people, score, missing))
    return found


def _may_be_told(frame: RelationshipFrame, at: Any, fresh: Any) -> bool:
    """Whether the score of every centre can stand beside that of the account; one alone is what the others leave over."""
    whole = np.zeros(int(at.max(initial=-1)) + 1, dtype=np.int64)
    told = tells_nobody(frame.member_attitude, fresh, person=frame.member_contact, part=at, part_unit=whole, units=1)
    return bool(told[0])


def _person(member: CentreMember, at: int | None, frame: RelationshipFrame, fresh: Any, points: Any) -> PersonStanding:
    if at is None:
        return PersonStanding(member, member.contact, member.contact.attitude, None, 0.0, 50.0, counts=False)
    attitude, days = frame.member_attitude[at], frame.member_days[at]
    return PersonStanding(
        member,
        member.contact,
        None if np.isnan(attitude) else int(attitude),
        None if np.isnan(days) else int(days),
        float(fresh[at]),
        float(points[at]),
        counts=True,
    )


def _grid(contacts: list[Contact], frame: RelationshipFrame, asked: Asked) -> list[GridRow]:
    required, met = asked.required[0], set(frame.met_cell.tolist())
    known: dict[int, list[Contact]] = {}
    for contact in contacts:
        if contact.is_active:
            known.setdefault(cell_of(contact.department_kind, contact.level), []).append(contact)
    rows = []
    for kind in DEPARTMENTS:
        places = [cell_of(kind, level) for level in LEVELS]
        cells = [
            GridCell(ContactLevel(level), bool(required[at]), at in met, known.get(at, []))
            for level, at in zip(LEVELS, places, strict=True)
        ]
        if any(cell.is_required or cell.contacts for cell in cells):
            rows.append(GridRow(DepartmentKind(kind), cells))
    return rows
