"""Is it worth it? Enable, disable or inconclusive, with the evidence of every rule.

    verdict = judge(scenario)
    print(verdict)

The rules are in modules of their own: `answers`, `memory`, `gains` (cost, improvement, control),
`timeouts`, `demand` and `metastability`; `judging.combined` makes the answer of what they say.
"""

from simulators.verdict.findings import Finding
from simulators.verdict.judging import Answer, Verdict, judge

__all__ = ["Answer", "Finding", "Verdict", "judge"]
