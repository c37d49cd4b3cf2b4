"""A rule pack from files, refused unless it compiles for both engines and its cases hold."""

from __future__ import annotations

from pathlib import Path

from riskwave.errors import RiskwaveError
from riskwave.rules.check import CheckedRule, CheckedRuleset, check_ruleset, run_case
from riskwave.rules.compile import compile_ruleset
from riskwave.rules.pack import Ruleset, load_rules


def checked_pack(path: Path, *, cases: bool = True) -> CheckedRuleset:
    """Read a pack, check it, compile it for both engines, and run its cases.

    Raises RiskwaveError for the first fault, and for cases that fail.
    """
    return checked_rules(load_rules(path), cases=cases, where=str(path))


def checked_rules(ruleset: Ruleset, *, cases: bool = True, where: str = "the rules") -> CheckedRuleset:
    """The same of rules that were read; where: what they are called in what is said of them."""
    checked = check_ruleset(ruleset)
    compile_ruleset(checked.ruleset, dialect="duckdb")
    compile_ruleset(checked.ruleset, dialect="risingwave")
    if cases:
        failed = [said for rule in checked.rules for said in failed_cases(rule)]
        if failed:
            more = f" (and {len(failed) - 1} more; riskwave rules test {where})" if len(failed) > 1 else ""
            raise RiskwaveError(f"{failed[0]}{more}")
    return checked


def failed_cases(rule: CheckedRule) -> list[str]:
    """A line for each case of a rule that does not hold: where, which, what it gives, what was expected."""
    said = []
    for place, case in enumerate(rule.rule.cases):
        fired = run_case(rule, case)
        if fired != (case.expect == "fired"):
            given = ", ".join(f"{name} {value}" for name, value in case.given.items()) or "nothing"
            head = f"{rule.rule.where}: rule {rule.rule.rule}: cases.{place}"
            expected = f"expected {case.expect}, and it {'fired' if fired else 'did not fire'}"
            said.append(f"{head}: given {given}: {expected}; correct the predicate or the case")
    return said
