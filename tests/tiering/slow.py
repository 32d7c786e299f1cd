"""The rules of domain.md 3.2 to 3.6 once more, one account at a time in plain Python, to check the fast version."""

import math
from bisect import bisect_right


def score_slowly(value, anchors):
    if math.isnan(value):
        return math.nan
    equal = [score for at, score in anchors if at == value]
    if equal:
        return max(equal)
    ordered = sorted(anchors)
    place = bisect_right([at for at, _ in ordered], value)
    rises = ordered[-1][1] >= ordered[0][1]
    if place == 0:
        return (min if rises else max)(score for at, score in anchors if at == ordered[0][0])
    if place == len(ordered):
        return (max if rises else min)(score for at, score in anchors if at == ordered[-1][0])
    (left, low), (right, high) = ordered[place - 1], ordered[place]
    return low + (high - low) * (value - left) / (right - left)


def compose_slowly(raw, scheme):
    """composite, evidence, contributions in order, {dimension: (score, evidence)} of one account."""
    scores = {spec.code: score_slowly(raw[spec.code], spec.anchors) for spec in scheme.indicators}
    dimensions = {}
    for code in scheme.dimensions:
        known = [spec for spec in scheme.indicators if spec.dimension == code and not math.isnan(scores[spec.code])]
        share = math.fsum(spec.weight for spec in known)
        score = math.fsum(spec.weight * scores[spec.code] for spec in known) / share if share else math.nan
        dimensions[code] = (score, share)
    evidence = math.fsum(scheme.dimensions[code] * share for code, (_, share) in dimensions.items())
    valid = {code for code, (_, share) in dimensions.items() if round(share, 9) >= 0.5}
    weight = math.fsum(scheme.dimensions[code] for code in valid)
    nothing = [math.nan] * len(scheme.indicators)
    if "SAL" not in valid or round(weight, 9) < 0.7:
        return math.nan, evidence, nothing, dimensions
    composite = math.fsum(scheme.dimensions[code] * dimensions[code][0] for code in valid) / weight
    contributions = [
        scheme.dimensions[spec.dimension] / weight * spec.weight / dimensions[spec.dimension][1] * scores[spec.code]
        if spec.dimension in valid and not math.isnan(scores[spec.code])
        else math.nan
        for spec in scheme.indicators
    ]
    return composite, evidence, contributions, dimensions


LADDER = ["diamond", "gold", "strategic", "potential", "general"]


def rank(grade):
    return 6 - LADDER.index(grade) if grade else 0


def best(*grades):
    return max(grades, key=rank)


def candidate_slowly(account, model):
    """The pseudo-code of domain.md 3.8 down to the line of thin evidence: the grade tonight alone supports, or None.

    account : COMP, SAL, STR, GRO, gro_evidence, evidence, revenue (FY−1, FY−2), gross_profit (the same), ttm, prior,
    months, evaluators, business, opportunity, in_business, before (None: no grade yet); NaN is not known
    model : D, G, minimum scores, gross_profit_test, any, up, and potential_needs "opportunity" or a money amount
    """
    a, m = account, model
    if not a["in_business"]:
        return None

    def relaxed(grade):
        return a["before"] is not None and rank(grade) <= rank(a["before"])

    def money(amount, threshold, of):
        return round(amount, 4) >= (threshold * 0.9 if relaxed(of) else threshold)

    def money_of_diamond(of):
        """With the thresholds that ``of`` has tonight."""
        years = [money(year, m["D"], of) for year in a["revenue"]]
        profit = all(round(year, 4) > 0 for year in a["gross_profit"]) or not m["gross_profit_test"]
        return (any(years) if relaxed(of) else all(years)) and profit

    def at_least(value, threshold, of, *, buffer=5, droppable=False):
        if droppable and threshold == 0:
            return True
        return round(value, 9) >= (threshold - buffer if relaxed(of) else threshold)

    def diamond():
        return (
            money_of_diamond("diamond")
            and at_least(a["SAL"], m["diamond_sal"], "diamond", droppable=True)
            and at_least(a["COMP"], m["diamond_comp"], "diamond", droppable=True)
        )

    def gold():
        own = money(a["ttm"], m["G"], "gold") and at_least(a["SAL"], m["gold_sal"], "gold", droppable=True)
        own = own and at_least(a["COMP"], m["gold_comp"], "gold", droppable=True) and a["months"] >= 6
        return own or money_of_diamond("gold")

    def strategic():
        return at_least(a["STR"], 70, "strategic") and a["evaluators"] >= 2 and a["business"]

    def potential():
        needs = m["potential_needs"]
        chance = a["opportunity"] if needs == "opportunity" else money(a["prior"], needs, "potential")
        return (
            at_least(a["GRO"], 65, "potential", buffer=10) and at_least(a["gro_evidence"], 0.6, "", buffer=0) and chance
        )

    low = "strategic" if strategic() else "potential" if potential() else "general"
    candidate = "diamond" if diamond() else "gold" if gold() else low
    floor = "gold" if money_of_diamond("gold") else None
    if m["diamond_sal"] == 0 and m["diamond_comp"] == 0 and money_of_diamond("diamond"):
        floor = "diamond"
    keep = a["before"]
    if keep == "diamond" and not money_of_diamond("diamond"):
        keep = "gold"
    if keep == "gold" and not money(a["ttm"], m["G"], "gold"):
        keep = low
    if math.isnan(a["COMP"]) or round(a["evidence"], 9) < m["any"]:
        candidate = best(keep, floor)
    elif candidate in {"diamond", "gold"} and rank(candidate) > rank(a["before"]) and round(a["evidence"], 9) < m["up"]:
        candidate = best(a["before"], floor or low)
    return candidate


def night_slowly(state, *, candidate, in_business, hard, piercing, points, day, spans, decision=None):
    """One night for one account (domain.md 3.7, 3.8). ``state`` is changed; returns the shown grade without override.

    state : {"ladder", "run": [(day, grade)], "alarm": [days], "calm": [days], "problem", "proposed", "pierced"}
    spans : (up, down, problem) in days; decision : ("confirm" or "refuse", first day of the run it is about)
    """
    if not in_business:
        state |= fresh_state()
        return "not_graded"
    if state["ladder"] is None:
        state["ladder"], state["run"] = candidate, []
    else:
        side = (rank(candidate) > rank(state["ladder"])) - (rank(candidate) < rank(state["ladder"]))
        sides = {(rank(g) > rank(state["ladder"])) - (rank(g) < rank(state["ladder"])) for _, g in state["run"]}
        state["run"] = ([*state["run"]] if side in sides else []) + [(day, candidate)] if side else []
        if side and day - state["run"][0][0] >= (spans[0] if side > 0 else spans[1]):
            reached = [grade for _, grade in state["run"]]
            state["ladder"] = min(reached, key=rank) if side > 0 else max(reached, key=rank)
            state["run"] = []
    state["proposed"] = False
    if hard:
        state |= {"problem": True, "alarm": [], "calm": []}
    elif state["problem"]:
        state["calm"] = [*state["calm"], day] if points <= 2 else []
        if state["calm"] and day - state["calm"][0] >= spans[2]:
            state |= {"problem": False, "calm": []}
    else:
        if state["alarm"] and points >= 4 and decision == ("refuse", state["alarm"][0]):
            state["alarm"] = []
        is_confirmed = bool(state["alarm"]) and decision == ("confirm", state["alarm"][0])
        state["alarm"] = [*state["alarm"], day] if points >= 4 else []
        if state["alarm"] and day - state["alarm"][0] >= spans[2]:
            if state["ladder"] in {"diamond", "gold"} and not is_confirmed:
                state["proposed"] = True
            else:
                state |= {"problem": True, "alarm": []}
    state["pierced"] = state["problem"] and (state["pierced"] or piercing)
    return "problem" if state["problem"] else state["ladder"] or "not_graded"


def fresh_state():
    return {"ladder": None, "run": [], "alarm": [], "calm": [], "problem": False, "proposed": False, "pierced": False}
