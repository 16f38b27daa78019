"""Cross-validation: do the engines agree, and does the model say what the code does?

    print(check.engines(scenario))
    print(check.code(scenario, code))

Where model and code differ, the report shows the first request about which they do, as both tell
it, and names the variant of the model that does exactly what the code does.
"""

from simulators.check.agreement import Engines, Score, engines
from simulators.check.comparison import Code, Report, code
from simulators.check.diagnosis import Diagnosis

__all__ = ["Code", "Diagnosis", "Engines", "Report", "Score", "code", "engines"]
